//! Git repositories with many packages: look at what each commit holds, decide which folders are versions once all tags
//! were looked at, cut their archives, and make the versions of a commit all at once.
//!
//! What a commit holds is written once and never changes; what is decided is computed anew from all of it each time. So
//! every step may run twice and in any order, and jobs about one git repository help each other.

pub(super) mod cut;
pub(super) mod decide;
pub(super) mod look;
pub(super) mod look_together;
pub(super) mod reconcile;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::reconcile::OPEN;
use crate::jobs::refused::wait_if_refused;
use crate::jobs::source::download;
use crate::jobs::{Job, enqueue};
use crate::providers::{GitHost, ProviderKind};
use crate::store::archive_pauses::note_archive_pause;
use crate::store::commit_folders::{
    KeptArchive, count_unlooked_before, forget_commits_stmts, forget_idle_archives,
    list_unlooked_commits,
};
use crate::store::connections::{Connection, GitRepo, find_connection, find_git_repo, note_pause};
use crate::store::folder_cuts::{
    fail_commit_stmts, fail_folders_stmt, list_commits_to_cut, settle_refs,
};
use crate::store::job_refs::{count_attempt, give_up_all_waiting_refs};
use crate::store::jobs::{move_job, note_on_job};
use crate::store::monorepos::{
    Monorepo, find_monorepo, find_monorepo_job, list_destinations, settle_monorepo_jobs,
};

/// How many archives of a project gitlab.com gives in one minute.
const ARCHIVES_A_MINUTE: u32 = 5;

/// A git repository with many packages.
pub(super) struct Opened {
    repo: GitRepo,
    connection: Connection,
    monorepo: Monorepo,
}

impl Opened {
    async fn open(app: &App, git_repo: i64) -> Result<Self> {
        let repo = find_git_repo(app, git_repo)
            .await?
            .ok_or_else(|| Error::not_found("The git repository was removed here"))?;
        let connection = find_connection(app, &repo.connection_id)
            .await?
            .ok_or_else(|| Error::not_found("The connection was removed here"))?;
        let monorepo = find_monorepo(app, git_repo)
            .await?
            .ok_or_else(|| Error::not_found("The project has no `folders` any more"))?;
        Ok(Self {
            repo,
            connection,
            monorepo,
        })
    }

    fn gives_many_commits(&self) -> bool {
        ProviderKind::parse(&self.connection.provider).is_some_and(ProviderKind::gives_many_commits)
    }

    /// Streams the archive of a whole commit into the blob store. No row names it, so that the sweep takes it in the end.
    async fn fetch(&self, app: &App, host: &dyn GitHost, commit: &str) -> Result<KeptArchive> {
        let key = format!(
            "archives/{}/git-{}/{commit}/whole-{}.zip",
            self.repo.organisation_id,
            self.repo.id,
            app.random_id()?
        );
        let stored = download(app, host, &self.connection, &self.repo, commit, &key).await?;
        Ok(KeptArchive {
            key,
            size: stored.size,
        })
    }
}

/// Sends for what a job has to look at, or has it decided when that is nothing any more.
async fn send_looks(app: &App, id: &str, opened: &Opened) -> Result<()> {
    let commits = list_unlooked_commits(app, opened.repo.id, id).await?;
    let id = id.to_owned();
    if commits.is_empty() {
        return enqueue(app, &[Job::DecideFolders { id }]).await;
    }
    if opened.gives_many_commits() {
        return enqueue(app, &[Job::LookAtFoldersTogether { id }]).await;
    }
    let looks: Vec<_> = commits
        .into_iter()
        .map(|commit| Job::LookAtFolders {
            id: id.clone(),
            commit,
        })
        .collect();
    enqueue(app, &looks).await
}

/// Has it decided once nothing is left to look at.
async fn decide_if_looked(app: &App, id: &str, git_repo: i64) -> Result<()> {
    if list_unlooked_commits(app, git_repo, id).await?.is_empty() {
        enqueue(app, &[Job::DecideFolders { id: id.to_owned() }]).await?;
    }
    Ok(())
}

/// What becomes of a failure at a commit: wait and come again, or none when it is hopeless.
async fn wait_or_give_up(
    app: &App,
    id: &str,
    git_repo: i64,
    commit: &str,
    error: &Error,
) -> Result<Option<Next>> {
    if let Some(is_news) = wait_if_refused(app, id, git_repo, error).await? {
        if is_news {
            // What was made so far is shown.
            enqueue_publications_of_git_repo(app, git_repo).await?;
        }
        return Ok(Some(Next::Done));
    }
    app.warn(&format!("Commit {commit} of job {id} failed: {error}"));
    match error.kind() {
        ErrorKind::ArchivesLimited { retry_after } => {
            note_on_job(app, id, Some(error.message())).await?;
            if note_archive_pause(app, git_repo, retry_after).await? {
                // Branches need not wait for tags, and what is there is shown.
                enqueue(app, &[Job::DecideFolders { id: id.to_owned() }]).await?;
            }
            let ahead = count_unlooked_before(app, git_repo, id, commit).await?;
            let minutes = ahead.checked_div(ARCHIVES_A_MINUTE).unwrap_or_default();
            let wait = retry_after.saturating_add(minutes.saturating_mul(60));
            Ok(Some(Next::wait(wait)))
        }
        ErrorKind::RateLimited { retry_after } => {
            note_on_job(app, id, Some(error.message())).await?;
            note_pause(app, git_repo, retry_after).await?;
            Ok(Some(Next::after(error, 1)))
        }
        _ if error.is_retryable() => {
            let attempts = count_attempt(app, id, commit, error.message()).await?;
            let attempts = u32::try_from(attempts).unwrap_or(ATTEMPTS);
            Ok((attempts < ATTEMPTS).then(|| Next::after(error, attempts)))
        }
        _ => Ok(None),
    }
}

/// Settles what is ready: refs whose archives are there, jobs whose refs are settled. What was made is published when
/// the job is through, or when it waits for others.
async fn settle(app: &App, id: &str, git_repo: i64) -> Result<()> {
    settle_refs(app, git_repo).await?;
    if !list_commits_to_cut(app, git_repo).await?.is_empty() {
        return Ok(());
    }
    let idle = forget_idle_archives(app, git_repo).await?;
    if !idle.is_empty()
        && let Err(error) = app.blobs.delete(&idle).await
    {
        app.warn(&format!(
            "Archives of whole commits are left to the sweep: {error}"
        ));
    }
    app.db.batch(forget_commits_stmts(git_repo)).await?;
    settle_monorepo_jobs(app, git_repo, id).await?;
    enqueue_publications_of_git_repo(app, git_repo).await
}

/// Has all packages of a git repository published that wait for it.
pub async fn enqueue_publications_of_git_repo(app: &App, git_repo: i64) -> Result<()> {
    let publications: Vec<_> = list_destinations(app, git_repo)
        .await?
        .into_iter()
        .map(|repository| Job::Publish {
            repository: repository.id,
        })
        .collect();
    enqueue(app, &publications).await
}

/// Gives up looking at a commit of a job, or at all that is left of it.
pub(super) async fn give_up_looks(
    app: &App,
    id: &str,
    commit: Option<&str>,
    reason: &str,
) -> Result<()> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(());
    };
    let mut statements = Vec::new();
    for unlooked in list_unlooked_commits(app, job.git_repo_id, id).await? {
        if commit.is_none_or(|commit| commit == unlooked) {
            let now = app.now();
            statements.extend(fail_commit_stmts(job.git_repo_id, &unlooked, reason, now));
        }
    }
    if !statements.is_empty() {
        app.db.batch(statements).await?;
    }
    decide_if_looked(app, id, job.git_repo_id).await
}

/// Gives up deciding.
pub(super) async fn give_up_decision(app: &App, id: &str, reason: &str) -> Result<()> {
    give_up_all_waiting_refs(app, id, reason).await?;
    move_job(app, id, OPEN, "failed", Some(reason))
        .await
        .map(|_| ())
}

/// Gives up what is left to be cut of a commit.
pub(super) async fn give_up_cuts(app: &App, id: &str, commit: &str, reason: &str) -> Result<()> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(());
    };
    let statement = fail_folders_stmt(job.git_repo_id, commit, None, reason);
    app.db.rows(statement).await?;
    settle(app, id, job.git_repo_id).await
}
