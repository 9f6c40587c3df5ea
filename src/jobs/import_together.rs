//! Take in many commits of a job one after another, from a host whose one answer holds them all.
//!
//! What one message does not get done is left to the next, so that the work of one invocation is bounded; a message that is
//! delivered again goes on with what still waits.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::import::{give_up_or_wait, list_ready, take_ready};
use crate::jobs::outcome::Next;
use crate::jobs::source::Source;
use crate::jobs::withheld::hold_against_project;
use crate::jobs::{Job, enqueue, settle};
use crate::store::connections::note_trouble;
use crate::store::job_refs::{give_up_all_waiting_refs, list_freed_commits, list_waiting_commits};
use crate::store::jobs::{RunningJob, find_running_job, note_activity_stmt, note_on_job};

/// Commits in one message: each costs some ten queries, and an invocation has 1,000.
const COMMITS: usize = 40;

/// How long a pack is taken to be in memory when nobody says that it is gone: as long as an invocation may last.
pub(super) const HELD: i64 = 15 * 60;

/// Until there is room again; a pack is at work for some seconds.
pub(super) const NO_ROOM: u32 = 5;

/// Runs one message.
pub(crate) async fn run(app: &App, id: &str) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state == "cancelled" {
        return Ok(Next::Done);
    }
    let waiting = list_waiting_commits(app, id).await?;
    if waiting.is_empty() {
        settle(app, id, job.package_id).await?;
        return Ok(Next::Done);
    }
    // Two packs at once are more than an isolate has room for.
    let held_until = &app.memo.pack_held_until;
    if held_until.get() > app.now() {
        app.db.rows(note_activity_stmt(id, app.now())).await?;
        note_on_job(
            app,
            id,
            Some("It waits for the import of another git repository"),
        )
        .await?;
        return Ok(Next::Wait { after: NO_ROOM });
    }
    held_until.set(app.now().saturating_add(HELD));
    let next = take_some(app, id, &job, &waiting).await;
    held_until.set(0);
    if let Some(next) = next? {
        return Ok(next);
    }
    let left = list_waiting_commits(app, id).await?;
    // Whatever was not even tried is for another message; what was tried and waits would be tried for ever.
    if left.len() < waiting.len() && !left.is_empty() {
        enqueue(app, &[Job::ImportTogether { id: id.to_owned() }]).await?;
    }
    settle(app, id, job.package_id).await?;
    Ok(Next::Done)
}

/// Takes in as many commits as come in one answer. Some when the message is to come again.
async fn take_some(
    app: &App,
    id: &str,
    job: &RunningJob,
    waiting: &[String],
) -> Result<Option<Next>> {
    let some = waiting.get(..COMMITS).unwrap_or(waiting);
    let (source, loaded) = match prepare(app, job, some).await {
        Ok(prepared) => prepared,
        Err(error) => return give_up(app, id, job, some, &error).await,
    };
    let at_hand = some.get(..loaded).unwrap_or(some);
    for commit in at_hand {
        if let Some(next) = take_ready(app, id, job, commit, Some(&source)).await? {
            return Ok(Some(next));
        }
    }
    // Tags that stood back behind one that gave no version.
    let freed = list_freed_commits(app, id).await?;
    for commit in at_hand.iter().filter(|commit| freed.contains(commit)) {
        if let Some(next) = take_ready(app, id, job, commit, Some(&source)).await? {
            return Ok(Some(next));
        }
    }
    Ok(None)
}

/// Has the host fetch the commits, or as many of them, from the first on, as it can at once.
async fn prepare<'a>(
    app: &'a App,
    job: &RunningJob,
    commits: &'a [String],
) -> Result<(Source<'a>, usize)> {
    let first = commits.first().map(String::as_str).unwrap_or_default();
    let source = Source::open(app, job, first).await?;
    match source.host.prepare(&source.repo.provider_id, commits).await {
        Ok(loaded) => Ok((source, loaded)),
        Err(error) => {
            let error = hold_against_project(app, source.host.as_ref(), &source.repo, error).await;
            if matches!(error.kind(), ErrorKind::Upstream { .. }) {
                note_trouble(app, &source.connection.id, Some(error.message())).await?;
            }
            Err(error)
        }
    }
}

/// What becomes of a failure to fetch: what is the first commit's own fault is its alone, everything else is everybody's.
async fn give_up(
    app: &App,
    id: &str,
    job: &RunningJob,
    commits: &[String],
    error: &Error,
) -> Result<Option<Next>> {
    let first = commits.first().map(String::as_str).unwrap_or_default();
    let refs = list_ready(app, id, first).await?;
    let is_its_own = matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::NotFound);
    let next = give_up_or_wait(app, id, job, first, &refs, error).await?;
    if next.is_none() && !is_its_own {
        give_up_all_waiting_refs(app, id, error.message()).await?;
    }
    Ok(next)
}
