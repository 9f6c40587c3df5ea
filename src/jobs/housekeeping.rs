//! The scheduled work. Each part stands alone: one that fails is logged and leaves the others their turn.

use futures_util::stream::{self, StreamExt};

use crate::app::App;
use crate::connect::host_names::look_at_host;
use crate::error::Result;
use crate::jobs::read_texts::read_by_the_way;
use crate::jobs::reconcile::SCHEDULE;
use crate::jobs::{Job, enqueue, refused};
use crate::ports::Level;
use crate::store::app_deliveries::delete_old_app_deliveries;
use crate::store::audit::delete_old_lines;
use crate::store::completion::give_up;
use crate::store::deletion::{
    erase_packages, erase_secrets, free_deleted_uploads, list_deleted_organisations,
    list_unfinished_connections, release_blobs,
};
use crate::store::deliveries::{delete_old_deliveries, start_job};
use crate::store::downloads::delete_old_reports;
use crate::store::health::note_round;
use crate::store::hooks::list_unneeded_hooks;
use crate::store::host_names::list_due_hosts;
use crate::store::idempotency::delete_old_keys;
use crate::store::imports::{delete_old_imports, take_lost_imports};
use crate::store::jobs::{Silence, delete_old_jobs, list_forgotten_jobs, take_silent_jobs};
use crate::store::life_cycle::remove_deleted_archives;
use crate::store::monorepos::find_monorepo;
use crate::store::package_texts::renew_old_forms;
use crate::store::packages::find_package_of_git_repo;
use crate::store::publications::list_forgotten;
use crate::store::read_commits::delete_old_read_commits;
use crate::store::repositories::list_outdated;
use crate::store::schedule::list_due;
use crate::store::sweep::{sweep, sweep_views};
use crate::store::uploads::{ABANDONED, delete_ended_uploads, find_upload, list_untouched};
use crate::store::webhook_secrets::erase_old_secrets;

/// A message that was sent is at work within seconds; after this many its sender must have died before sending it.
const FORGOTTEN: i64 = 120;
/// After how many seconds without anything at work a job's messages may have been lost. Queues lose none; but the local
/// one is in memory, and ends with the process.
const SILENT: i64 = 10 * 60;
/// The same for a job that tries again what failed: longer than the longest wait between two attempts.
const SILENT_AFTER_FAILURE: i64 = 40 * 60;
/// Git repositories compared in one round, so that a round stays short.
const RECONCILES: i64 = 50;
/// Host names looked at in one round: a resolver that is silent takes a minute each, of those that are asked at once.
const HOST_LOOKS: i64 = 60;
/// Looks at host names at once: a Worker has no more than six connections open.
const LOOKS_AT_ONCE: usize = 6;
/// Portions of blobs of deleted repositories that are let go in one round.
const RELEASES: u32 = 20;
/// How long deliveries are kept, in seconds.
const DELIVERIES_KEPT: i64 = 30 * 24 * 60 * 60;

/// How long what was read ahead of commits is kept, in seconds: an import that goes on for longer asks again.
const READ_AHEAD_KEPT: i64 = 24 * 60 * 60;

/// How long reports of downloads are remembered as counted, in seconds: the queue keeps no message for longer.
const REPORTS_KEPT: i64 = 14 * 24 * 60 * 60;

/// No invocation lives longer than this many seconds: what one was at work on then is nobody's.
const DEAD: i64 = 15 * 60;

/// How long ended uploads in parts are kept, in seconds, for who asks what became of them.
const UPLOADS_KEPT: i64 = 7 * 24 * 60 * 60;

/// How long ended jobs and imports are kept, in seconds.
const JOBS_KEPT: i64 = 30 * 24 * 60 * 60;

/// Runs one round.
pub async fn run(app: &App) {
    report(
        app,
        "publishing what was forgotten",
        publish_forgotten(app).await,
    );
    report(
        app,
        "starting what was forgotten",
        start_forgotten(app).await,
    );
    report(app, "resuming what is silent", resume_silent(app).await);
    report(
        app,
        "going on with forgotten imports",
        go_on_with_imports(app).await,
    );
    report(
        app,
        "trying refused credentials",
        refused::try_again(app).await,
    );
    report(app, "the scheduled comparison", reconcile_all(app).await);
    report(app, "uploads in parts", tend_uploads(app).await);
    report(
        app,
        "removing old deliveries",
        delete_old_deliveries(app, app.now().saturating_sub(DELIVERIES_KEPT)).await,
    );
    report(
        app,
        "removing old deliveries for apps",
        delete_old_app_deliveries(app, app.now().saturating_sub(DELIVERIES_KEPT)).await,
    );
    report(
        app,
        "forgetting what was read ahead",
        delete_old_read_commits(app, app.now().saturating_sub(READ_AHEAD_KEPT)).await,
    );
    report(
        app,
        "removing old jobs",
        delete_old_jobs(app, app.now().saturating_sub(JOBS_KEPT)).await,
    );
    report(
        app,
        "removing old imports",
        delete_old_imports(app, app.now().saturating_sub(JOBS_KEPT)).await,
    );
    report(
        app,
        "forgetting counted downloads",
        delete_old_reports(app, app.now().saturating_sub(REPORTS_KEPT)).await,
    );
    report(
        app,
        "removing deleted archives",
        remove_deleted_archives(app).await,
    );
    report(
        app,
        "going on with deletions",
        go_on_with_deletions(app).await,
    );
    report(
        app,
        "erasing secrets of before",
        erase_old_secrets(app).await,
    );
    if let Some(days) = app.config.audit_days {
        let kept = i64::from(days).saturating_mul(24 * 60 * 60);
        report(
            app,
            "shortening the audit log",
            delete_old_lines(app, app.now().saturating_sub(kept)).await,
        );
    }
    report(
        app,
        "forgetting idempotency keys",
        delete_old_keys(app).await,
    );
    report(app, "looking at host names", look_at_hosts(app).await);
    report(
        app,
        "publishing what is outdated",
        publish_outdated(app).await,
    );
    report(
        app,
        "removing old views",
        sweep_views(app).await.map(|_| ()),
    );
    report(app, "renewing texts", renew_old_forms(app).await);
    read_by_the_way(app).await;
    report(app, "the sweep", sweep_once(app).await);
    report(app, "noting its end", note_round(app).await);
}

fn report(app: &App, what: &str, result: Result<()>) {
    if let Err(error) = result {
        app.log
            .line(Level::Error, &format!("Housekeeping, {what}: {error}"));
    }
}

async fn publish_forgotten(app: &App) -> Result<()> {
    let jobs: Vec<_> = list_forgotten(app, app.now().saturating_sub(FORGOTTEN))
        .await?
        .into_iter()
        .map(|repository| Job::Publish { repository })
        .collect();
    enqueue(app, &jobs).await
}

/// Has every repository published anew whose documents name another address than the one we have now, or have an older
/// form than this program gives them.
async fn publish_outdated(app: &App) -> Result<()> {
    let jobs: Vec<_> = list_outdated(app, None)
        .await?
        .into_iter()
        .map(|repository| Job::Publish { repository })
        .collect();
    enqueue(app, &jobs).await
}

/// Gives up what nobody goes on with, sends for what is complete and was forgotten, and forgets what ended.
async fn tend_uploads(app: &App) -> Result<()> {
    let now = app.now();
    for id in list_untouched(app, "open", now.saturating_sub(ABANDONED)).await? {
        if let Some(upload) = find_upload(app, &id).await? {
            give_up(app, &upload).await?;
        }
    }
    let forgotten: Vec<_> = list_untouched(app, "checking", now.saturating_sub(DEAD))
        .await?
        .into_iter()
        .map(|id| Job::CompleteUpload { id })
        .collect();
    enqueue(app, &forgotten).await?;
    delete_ended_uploads(app, now.saturating_sub(UPLOADS_KEPT)).await
}

async fn start_forgotten(app: &App) -> Result<()> {
    let jobs: Vec<_> = list_forgotten_jobs(app, app.now().saturating_sub(FORGOTTEN))
        .await?
        .into_iter()
        .map(|(id, kind)| Job::begin(&kind, id))
        .collect();
    enqueue(app, &jobs).await
}

async fn resume_silent(app: &App) -> Result<()> {
    let now = app.now();
    let silence = Silence {
        since: now.saturating_sub(SILENT),
        failing_since: now.saturating_sub(SILENT_AFTER_FAILURE),
    };
    let jobs: Vec<_> = take_silent_jobs(app, silence, now)
        .await?
        .into_iter()
        .map(|id| {
            app.warn(&format!("Nothing of job {id} was at work for long"));
            Job::Resume { id, since: now }
        })
        .collect();
    enqueue(app, &jobs).await
}

async fn go_on_with_imports(app: &App) -> Result<()> {
    let jobs: Vec<_> = take_lost_imports(app)
        .await?
        .into_iter()
        .map(|id| Job::ImportProjects { id })
        .collect();
    enqueue(app, &jobs).await
}

async fn reconcile_all(app: &App) -> Result<()> {
    for repo in list_due(app, RECONCILES).await? {
        let package = if find_monorepo(app, repo.id).await?.is_some() {
            None
        } else {
            match find_package_of_git_repo(app, repo.id).await? {
                Some(package) => Some(package.id),
                None => continue,
            }
        };
        let id = app.random_id()?;
        let id = start_job(app, &id, repo.organisation_id, repo.id, package, SCHEDULE).await?;
        enqueue(app, &[Job::Reconcile { id }]).await?;
    }
    Ok(())
}

/// Looks for the records of claimed host names that are due, some at once. Each stands alone, and one that fails comes
/// again.
async fn look_at_hosts(app: &App) -> Result<()> {
    stream::iter(list_due_hosts(app, HOST_LOOKS).await?)
        .for_each_concurrent(LOOKS_AT_ONCE, |claim| async move {
            if let Err(error) = look_at_host(app, &claim).await {
                app.log.line(
                    Level::Error,
                    &format!("The host name `{}` was not looked at: {error}", claim.host),
                );
            }
        })
        .await;
    Ok(())
}

/// Sends for what of a deletion was forgotten, and takes away what nothing names any more.
async fn go_on_with_deletions(app: &App) -> Result<()> {
    let mut jobs: Vec<_> = list_unneeded_hooks(app, RECONCILES)
        .await?
        .into_iter()
        .map(|git_repo| Job::KeepHook { git_repo })
        .collect();
    for (id, is_over) in list_unfinished_connections(app).await? {
        if is_over {
            app.warn(&format!(
                "Webhooks of connection {id}, which was deleted, are left at their host"
            ));
            erase_secrets(app, &id).await?;
        } else {
            jobs.push(Job::DeleteConnection { id });
        }
    }
    let organisations = list_deleted_organisations(app).await?;
    jobs.extend(
        organisations
            .into_iter()
            .map(|organisation| Job::DeleteOrganisation { organisation }),
    );
    enqueue(app, &jobs).await?;
    free_deleted_uploads(app).await?;
    for _ in 0..RELEASES {
        if !release_blobs(app).await? {
            break;
        }
    }
    erase_packages(app).await
}

async fn sweep_once(app: &App) -> Result<()> {
    let swept = sweep(app).await?;
    if swept.removed > 0 {
        app.log.line(
            Level::Info,
            &format!(
                "The sweep looked at {} objects and removed {} that nothing names",
                swept.seen, swept.removed
            ),
        );
    }
    Ok(())
}
