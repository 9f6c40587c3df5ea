//! Archives as their host allows them. GitLab gives five of a project a minute; all else goes on meanwhile.

use crate::app::App;
use crate::error::{Error, Result};
use crate::jobs::enqueue_publications;
use crate::jobs::outcome::Next;
use crate::store::archive_pauses::{count_waiting_before, note_archive_pause};
use crate::store::jobs::{RunningJob, note_on_job};

/// How many archives of a project gitlab.com gives in one minute.
const ARCHIVES_A_MINUTE: u32 = 5;

/// When an import that was refused its archive is to come again: in the minute that is its turn, so that two hundred
/// tags do not ask two hundred times each. What there is already is shown meanwhile.
pub(super) async fn wait_for_turn(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    error: &Error,
    retry_after: u32,
) -> Result<Next> {
    note_on_job(app, id, Some(error.message())).await?;
    if note_archive_pause(app, job.git_repo_id, retry_after).await? {
        app.warn(&format!("Job {id} waits for archives: {error}"));
        enqueue_publications(app, job.package_id).await?;
    }
    let ahead = count_waiting_before(app, id, commit).await?;
    let minutes = ahead.checked_div(ARCHIVES_A_MINUTE).unwrap_or_default();
    Ok(Next::wait(
        retry_after.saturating_add(minutes.saturating_mul(60)),
    ))
}
