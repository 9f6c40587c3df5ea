//! Jobs and dead letters: see, cancel, retry, drop.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Principal;
use crate::error::{Code, Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::JobsRoute;
use crate::jobs::{
    Job, enqueue, enqueue_publications, enqueue_publications_of_git_repo, enqueue_try_of,
};
use crate::ports::Outgoing;
use crate::store::dead_letters::{self, DeadLetter, DeadLetterOwner};
use crate::store::job_refs::list_job_refs;
use crate::store::jobs::{self as store, JobFilter, JobRow, find_job};
use crate::store::organisations::Organisation;
use crate::store::withheld::look_soon;

/// States that can be cancelled.
const CANCELLABLE: &str = r#"["queued","running","publishing"]"#;

/// Answers what is asked of jobs and dead letters.
pub async fn handle(
    app: &App,
    request: &Request,
    principal: &Principal,
    organisation: &Organisation,
    route: JobsRoute,
) -> Result<Reply> {
    match route {
        JobsRoute::List => list_jobs(app, request, organisation).await,
        JobsRoute::Show(id) => show_job(app, organisation, &id).await,
        JobsRoute::Cancel(id) => cancel_job(app, organisation, &id).await,
        JobsRoute::Retry(id) => retry_job(app, organisation, &id).await,
        JobsRoute::ListDeadLetters => {
            list_dead_letters(app, request, principal, organisation).await
        }
        JobsRoute::ShowDeadLetter(id) => {
            let letter = find_letter(app, principal, organisation, id).await?;
            Ok(Reply::json(200, &show_letter(&letter)))
        }
        JobsRoute::RetryDeadLetter(id) => retry_dead_letter(app, principal, organisation, id).await,
        JobsRoute::DropDeadLetter(id) => drop_dead_letter(app, principal, organisation, id).await,
    }
}

/// Lists jobs, newest first.
async fn list_jobs(app: &App, request: &Request, organisation: &Organisation) -> Result<Reply> {
    let page = Page::of(request)?;
    let (all, after, limit) = (JobFilter::default(), page.after(), page.rows());
    let mut rows = store::list_jobs(app, organisation.id, &all, after, limit).await?;
    let next = page.cut(&mut rows, |last| last.id.clone());
    let jobs: Vec<_> = rows.iter().map(show).collect();
    Ok(Reply::json(200, &json!({ "jobs": jobs, "next": next })))
}

/// Shows a job with each ref that it is about; those that are as they were are counted only.
async fn show_job(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let job = load(app, organisation, id).await?;
    let refs: Vec<_> = list_job_refs(app, id)
        .await?
        .into_iter()
        .map(|known| ShownRef {
            name: known.name,
            commit: known.commit,
            state: known.state,
            version: known.version,
            reason: known.reason,
            attempts: known.attempts,
            packages: known
                .packages
                .and_then(|text| serde_json::from_str(&text).ok()),
        })
        .collect();
    let mut shown = show(&job);
    shown.refs = Some(refs);
    Ok(Reply::json(200, &shown))
}

/// Cancels a job: what it has not begun is left, what it has taken in stays.
async fn cancel_job(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let job = load(app, organisation, id).await?;
    let cancelled =
        store::move_job(app, id, CANCELLABLE, "cancelled", Some("cancelled by hand")).await?;
    if !cancelled {
        return Err(Error::conflict(format!(
            "The job is {} already, so there is nothing to cancel",
            job.state
        ))
        .with_code(Code::Ended));
    }
    match (job.package_id, job.git_repo_id) {
        (Some(package), _) => enqueue_publications(app, package).await?,
        (None, Some(git_repo)) => enqueue_publications_of_git_repo(app, git_repo).await?,
        (None, None) => {}
    }
    Ok(Reply::json(200, &show(&load(app, organisation, id).await?)))
}

/// Runs a failed or cancelled job again: its failed refs and those it had not come to.
async fn retry_job(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let job = load(app, organisation, id).await?;
    if !store::restart_job(app, id).await? {
        return Err(Error::conflict(format!(
            "Only failed and cancelled jobs can be run again; this one is {}",
            job.state
        )));
    }
    if let Some(git_repo) = job.git_repo_id {
        look_soon(app, git_repo).await?;
        enqueue_try_of(app, git_repo).await?;
    }
    enqueue(app, &[Job::begin(&job.kind, id.to_owned())]).await?;
    Ok(Reply::json(200, &show(&load(app, organisation, id).await?)))
}

async fn load(app: &App, organisation: &Organisation, id: &str) -> Result<JobRow> {
    find_job(app, id)
        .await?
        .filter(|job| job.organisation_id == organisation.id)
        .ok_or_else(|| missing("job"))
}

fn show(job: &JobRow) -> ShownJob {
    ShownJob {
        id: job.id.clone(),
        kind: job.kind.clone(),
        state: job.state.clone(),
        cause: job.cause.clone(),
        package: job.package.clone(),
        project: job.project.clone(),
        message: job.message.clone(),
        progress: Progress {
            total: job.total,
            done: job.total.saturating_sub(job.waiting),
            imported: job.imported,
            unchanged: job.unchanged,
            skipped: job.skipped,
            failed: job.failed,
            removed: job.removed,
        },
        created_at: Time::of(job.created_at),
        started_at: job.started_at.map(Time::of),
        finished_at: job.finished_at.map(Time::of),
        refs: None,
    }
}

/// One comparison of a package with its git repository, with the imports that follow.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(crate) struct ShownJob {
    id: String,
    /// `sync` or `discover`.
    kind: String,
    /// `queued`, `running`, `publishing`, `done`, `failed` or `cancelled`.
    state: String,
    /// What started it.
    cause: String,
    /// Null for a project with many packages.
    package: Option<String>,
    project: Option<String>,
    /// What it waits for, or why it failed.
    message: Option<String>,
    progress: Progress,
    created_at: Time,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    /// What became of each ref; where one job is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    refs: Option<Vec<ShownRef>>,
}

/// How many refs of a job came to what.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobProgress")]
struct Progress {
    total: i64,
    done: i64,
    imported: i64,
    unchanged: i64,
    skipped: i64,
    failed: i64,
    removed: i64,
}

/// What became of one ref in a job.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "JobRef")]
struct ShownRef {
    #[serde(rename = "ref")]
    name: String,
    commit: String,
    /// `waiting`, `imported`, `skipped`, `failed` or `removed`.
    state: String,
    version: Option<String>,
    reason: Option<String>,
    attempts: i64,
    /// What became of each package of a project with many.
    packages: Option<Vec<Value>>,
}

/// Letters that nobody could read an owner from are the instance's owner's to see.
pub(crate) fn letters_of(principal: &Principal, organisation: &Organisation) -> DeadLetterOwner {
    match principal.organisation {
        Some(_) => DeadLetterOwner::Organisation(organisation.id),
        None => DeadLetterOwner::OrganisationAndNobody(organisation.id),
    }
}

/// Lists the messages that the queue gave up on.
async fn list_dead_letters(
    app: &App,
    request: &Request,
    principal: &Principal,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let owner = letters_of(principal, organisation);
    let (before, limit) = (page.after_number()?, page.rows());
    let mut rows = dead_letters::list_dead_letters(app, owner, before, limit).await?;
    let next = page.cut(&mut rows, |last| last.id.to_string());
    let letters: Vec<_> = rows.iter().map(show_letter).collect();
    Ok(Reply::json(
        200,
        &json!({ "dead_letters": letters, "next": next }),
    ))
}

/// A message that the queue gave up on.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub(crate) struct ShownLetter {
    id: i64,
    message: String,
    reason: String,
    received_at: Time,
}

fn show_letter(letter: &DeadLetter) -> ShownLetter {
    ShownLetter {
        id: letter.id,
        message: letter.message.clone(),
        reason: letter.reason.clone(),
        received_at: Time::of(letter.received_at),
    }
}

async fn find_letter(
    app: &App,
    principal: &Principal,
    organisation: &Organisation,
    id: i64,
) -> Result<DeadLetter> {
    dead_letters::find_dead_letter(app, letters_of(principal, organisation), id)
        .await?
        .ok_or_else(|| missing("dead letter"))
}

/// Sends a dead letter once more.
async fn retry_dead_letter(
    app: &App,
    principal: &Principal,
    organisation: &Organisation,
    id: i64,
) -> Result<Reply> {
    let owner = letters_of(principal, organisation);
    let letter = find_letter(app, principal, organisation, id).await?;
    // Sent first and taken away after: a crash between leaves it twice, which every job bears.
    app.queue
        .send(vec![Outgoing {
            text: letter.message,
            delay: 0,
        }])
        .await?;
    dead_letters::take_dead_letter(app, owner, id).await?;
    Ok(Reply::empty(204, CachePolicy::NoStore))
}

/// Drops a dead letter.
async fn drop_dead_letter(
    app: &App,
    principal: &Principal,
    organisation: &Organisation,
    id: i64,
) -> Result<Reply> {
    match dead_letters::take_dead_letter(app, letters_of(principal, organisation), id).await? {
        Some(_) => Ok(Reply::empty(204, CachePolicy::NoStore)),
        None => Err(missing("dead letter")),
    }
}
