//! The scheduled work. Each part stands alone: one that fails is logged and leaves the others their turn.

use crate::app::App;
use crate::error::Result;
use crate::jobs::{Job, enqueue};
use crate::ports::Level;
use crate::store::app_deliveries::delete_old_app_deliveries;
use crate::store::connections::list_unreconciled;
use crate::store::deliveries::{delete_old_deliveries, start_job};
use crate::store::downloads::delete_old_reports;
use crate::store::jobs::{delete_old_jobs, list_forgotten_jobs};
use crate::store::packages::find_package_of_git_repo;
use crate::store::publications::list_forgotten;
use crate::store::read_commits::delete_old_read_commits;
use crate::store::repositories::list_outdated;
use crate::store::sweep::sweep;

/// A message that was sent is at work within seconds; after this many its sender must have died before sending it.
const FORGOTTEN: i64 = 120;
/// How often a git repository is compared with its host even if no webhook came, in seconds.
const RECONCILE_EVERY: i64 = 6 * 60 * 60;
/// Git repositories compared in one round, so that a round stays short.
const RECONCILES: i64 = 50;
/// How long deliveries are kept, in seconds.
const DELIVERIES_KEPT: i64 = 30 * 24 * 60 * 60;

/// How long what was read ahead of commits is kept, in seconds: an import that goes on for longer asks again.
const READ_AHEAD_KEPT: i64 = 24 * 60 * 60;

/// How long reports of downloads are remembered as counted, in seconds: the queue keeps no message for longer.
const REPORTS_KEPT: i64 = 14 * 24 * 60 * 60;

/// How long ended jobs are kept, in seconds.
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
    report(app, "the scheduled comparison", reconcile_all(app).await);
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
        "forgetting counted downloads",
        delete_old_reports(app, app.now().saturating_sub(REPORTS_KEPT)).await,
    );
    report(
        app,
        "publishing what is outdated",
        publish_outdated(app).await,
    );
    report(app, "the sweep", sweep_once(app).await);
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
    let jobs: Vec<_> = list_outdated(app)
        .await?
        .into_iter()
        .map(|repository| Job::Publish { repository })
        .collect();
    enqueue(app, &jobs).await
}

async fn start_forgotten(app: &App) -> Result<()> {
    let jobs: Vec<_> = list_forgotten_jobs(app, app.now().saturating_sub(FORGOTTEN))
        .await?
        .into_iter()
        .map(|id| Job::Reconcile { id })
        .collect();
    enqueue(app, &jobs).await
}

async fn reconcile_all(app: &App) -> Result<()> {
    let before = app.now().saturating_sub(RECONCILE_EVERY);
    for repo in list_unreconciled(app, before, RECONCILES).await? {
        let Some(package) = find_package_of_git_repo(app, repo.id).await? else {
            continue;
        };
        let id = app.random_id()?;
        let id = start_job(
            app,
            &id,
            repo.organisation_id,
            repo.id,
            package.id,
            "schedule",
        )
        .await?;
        enqueue(app, &[Job::Reconcile { id }]).await?;
    }
    Ok(())
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
