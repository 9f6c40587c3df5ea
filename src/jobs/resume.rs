//! Go on with a job whose messages were lost.
//!
//! Housekeeping cannot know whether they were lost or only stand in a long queue. So it does not send them again itself: it
//! sends one message, which stands behind all of them. If nothing of the job was at work when that one's turn has come,
//! there is nothing left to wait for.

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::jobs::{Job, enqueue, enqueue_imports, settle};
use crate::store::jobs::find_running_job;

/// Runs one message, which was sent at `since`.
pub(crate) async fn run(app: &App, id: &str, since: i64) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.active_at != Some(since) {
        return Ok(Next::Done);
    }
    if job.state == "publishing" {
        settle(app, id, job.package_id).await?;
    } else if job.state == "running" && enqueue_imports(app, id).await? == 0 {
        // It died over the comparison, or just before its end.
        enqueue(app, &[Job::Reconcile { id: id.to_owned() }]).await?;
    }
    Ok(Next::Done)
}
