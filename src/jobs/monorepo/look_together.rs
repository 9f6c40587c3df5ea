//! The same for a host whose one answer holds many commits. What one message does not get done is left to the next.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::import_together::{HELD, NO_ROOM};
use crate::jobs::monorepo::look::look_at;
use crate::jobs::monorepo::{Opened, decide_if_looked, wait_or_give_up};
use crate::jobs::outcome::Next;
use crate::jobs::source::connect;
use crate::jobs::withheld::hold_against_project;
use crate::jobs::{Job, enqueue};
use crate::providers::GitHost;
use crate::store::commit_folders::list_unlooked_commits;
use crate::store::connections::note_trouble;
use crate::store::folder_cuts::fail_commit_stmts;
use crate::store::jobs::note_on_job;
use crate::store::monorepos::find_monorepo_job;

/// Commits in one message: the archive of each is read as a whole.
const COMMITS: usize = 20;

/// Runs one message.
pub(in crate::jobs) async fn run(app: &App, id: &str) -> Result<Next> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state != "running" {
        return Ok(Next::Done);
    }
    let unlooked = list_unlooked_commits(app, job.git_repo_id, id).await?;
    if !unlooked.is_empty() {
        let opened = Opened::open(app, job.git_repo_id).await?;
        // Two packs at once are more than an isolate has room for.
        let held_until = &app.memo.pack_held_until;
        if held_until.get() > app.now() {
            let reason = "It waits for the import of another git repository";
            note_on_job(app, id, Some(reason)).await?;
            return Ok(Next::Wait { after: NO_ROOM });
        }
        held_until.set(app.now().saturating_add(HELD));
        let next = look_at_some(app, id, &opened, &unlooked).await;
        held_until.set(0);
        if let Some(next) = next? {
            return Ok(next);
        }
        let left = list_unlooked_commits(app, job.git_repo_id, id).await?;
        if !left.is_empty() && left.len() < unlooked.len() {
            enqueue(app, &[Job::LookAtFoldersTogether { id: id.to_owned() }]).await?;
            return Ok(Next::Done);
        }
    }
    decide_if_looked(app, id, job.git_repo_id).await?;
    Ok(Next::Done)
}

/// Looks at as many commits as come in one answer. Some when the message is to come again.
async fn look_at_some(
    app: &App,
    id: &str,
    opened: &Opened,
    unlooked: &[String],
) -> Result<Option<Next>> {
    let some = unlooked.get(..COMMITS).unwrap_or(unlooked);
    let (host, loaded) = match prepare(app, opened, some).await {
        Ok(prepared) => prepared,
        Err(error) => {
            // What is the first commit's own fault is its alone, everything else is everybody's.
            let is_its_own = matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::NotFound);
            let faulty = if is_its_own {
                some.get(..1).unwrap_or(some)
            } else {
                unlooked
            };
            return give_up(app, id, opened, faulty, &error).await;
        }
    };
    for commit in some.iter().take(loaded) {
        if let Err(error) = look_at(app, opened, host.as_ref(), commit).await {
            let faulty = [commit.clone()];
            if let Some(next) = give_up(app, id, opened, &faulty, &error).await? {
                return Ok(Some(next));
            }
        }
    }
    note_trouble(app, &opened.connection.id, None).await?;
    note_on_job(app, id, None).await?;
    Ok(None)
}

async fn prepare<'a>(
    app: &'a App,
    opened: &Opened,
    commits: &[String],
) -> Result<(Box<dyn GitHost + 'a>, usize)> {
    let host = connect(app, &opened.connection).await?;
    match host.prepare(&opened.repo.provider_id, commits).await {
        Ok(loaded) => Ok((host, loaded)),
        Err(error) => {
            let error = hold_against_project(app, host.as_ref(), &opened.repo, error).await;
            if matches!(error.kind(), ErrorKind::Upstream { .. }) {
                note_trouble(app, &opened.connection.id, Some(error.message())).await?;
            }
            Err(error)
        }
    }
}

async fn give_up(
    app: &App,
    id: &str,
    opened: &Opened,
    commits: &[String],
    error: &Error,
) -> Result<Option<Next>> {
    let first = commits.first().map(String::as_str).unwrap_or_default();
    let next = wait_or_give_up(app, id, opened.repo.id, first, error).await?;
    if next.is_none() {
        let failed = commits
            .iter()
            .flat_map(|commit| {
                fail_commit_stmts(opened.repo.id, commit, error.message(), app.now())
            })
            .collect();
        app.db.batch(failed).await?;
    }
    Ok(next)
}
