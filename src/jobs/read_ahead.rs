//! Before many commits are taken in one by one: ask for what is asked first of each, a hundred at a time.
//!
//! GraphQL has an allowance of its own. While that of REST is spent it is read ahead all the same, and the imports wait;
//! once that of GraphQL is spent, each commit is asked for by REST, as far as that goes.
//!
//! It saves requests and nothing depends on it. An import finds what was read by its own commit's id, or asks for it.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::Next;
use crate::jobs::source::connect_for_graphql;
use crate::jobs::{Job, enqueue, imports_of};
use crate::providers::NamedProject;
use crate::store::connections::{find_connection, find_git_repo, note_pause};
use crate::store::job_refs::list_waiting_commits;
use crate::store::jobs::{RunningJob, find_running_job, note_on_job};
use crate::store::read_commits::{ReadCommit, keep_read_commits};

/// For fewer commits the message that reads ahead takes longer than it spares.
pub(super) const WORTHWHILE: usize = 6;

/// Commits in one message: one request, as a rule.
const AT_ONCE: usize = 100;

/// Runs one message.
pub(crate) async fn run(app: &App, id: &str, after: &str) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state == "cancelled" {
        return Ok(Next::Done);
    }
    let mut commits = list_waiting_commits(app, id).await?;
    commits.retain(|commit| commit.as_str() > after);
    commits.sort();
    let mut next = commits.split_off(commits.len().min(AT_ONCE));
    let last = commits.last().cloned();
    match read(app, &job, &commits).await {
        Ok(()) => {}
        Err(error) => {
            if let ErrorKind::RateLimited { retry_after } = error.kind() {
                note_on_job(app, id, Some(error.message())).await?;
                note_pause(app, job.git_repo_id, retry_after).await?;
                return Ok(Next::after(&error, 1));
            }
            // Whether the credential is no good at all, the imports find out, and say so once.
            if error.kind() != ErrorKind::CredentialRefused {
                app.warn(&format!(
                    "Nothing is read ahead for job {id}, each commit is asked for alone: {error}"
                ));
            }
            commits.append(&mut next);
        }
    }
    let mut jobs = Vec::new();
    if let (Some(after), false) = (last, next.is_empty()) {
        let id = id.to_owned();
        // First in the queue, for archives take longer than reading goes on.
        jobs.push(Job::ReadAhead { id, after });
    }
    jobs.extend(imports_of(id, commits));
    enqueue(app, &jobs).await?;
    Ok(Next::Done)
}

/// Reads what can be read of these commits, and keeps it.
async fn read(app: &App, job: &RunningJob, commits: &[String]) -> Result<()> {
    let repo = find_git_repo(app, job.git_repo_id)
        .await?
        .ok_or_else(|| Error::not_found("The git repository was removed here"))?;
    let connection = find_connection(app, &repo.connection_id)
        .await?
        .ok_or_else(|| Error::not_found("The connection was removed here"))?;
    let host = connect_for_graphql(app, &connection).await?;
    let project = NamedProject {
        provider_id: &repo.provider_id,
        full_name: &repo.full_name,
    };
    let read: Vec<_> = host
        .read_ahead(&project, commits)
        .await?
        .into_iter()
        .map(|facts| ReadCommit {
            commit: facts.commit,
            manifest: facts.manifest,
            time: facts.time,
        })
        .collect();
    keep_read_commits(app, repo.id, &read).await
}
