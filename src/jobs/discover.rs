//! A group's webhook told of a project that is not here: if it has a composer.json, it becomes a package.

use crate::app::App;
use crate::domain::manifest::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::reconcile::OPEN;
use crate::jobs::refused::wait_for_credential;
use crate::jobs::source::{MANIFEST_LIMIT, connect, heed_allowance};
use crate::jobs::{Job, enqueue};
use crate::providers::{GitHost, Project};
use crate::store::connections::{Connection, GitRepoFacts, find_connection, note_connection_pause};
use crate::store::discoveries::{
    Discovery, find_discovery, ignore_discovery, sync_discovered_stmts,
};
use crate::store::hooks::find_adding_group;
use crate::store::jobs::{move_job, note_on_job};
use crate::store::project_additions::{Addition, add_project_with};
use crate::store::suspensions::note_waiting;

/// Runs one message. Once the package is there, the same job goes on as its first sync.
pub(crate) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(job) = find_discovery(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.kind == "sync" && job.state == "queued" {
        // The package was added, but the message that syncs it may never have been sent.
        enqueue(app, &[Job::Reconcile { id: id.to_owned() }]).await?;
        return Ok(Next::Done);
    }
    if job.kind != "discover" || !move_job(app, id, OPEN, "running", None).await? {
        note_waiting(app, id).await?;
        return Ok(Next::Done);
    }
    let Some(connection) = find_connection(app, &job.connection_id).await? else {
        move_job(
            app,
            id,
            OPEN,
            "failed",
            Some("The connection was removed here"),
        )
        .await?;
        return Ok(Next::Done);
    };
    match look(app, &job, &connection).await {
        Ok(Found::Package(project, manifest)) => {
            add(app, id, &job, &connection, &project, &manifest).await
        }
        Ok(Found::Nothing(reason)) => {
            ignore_discovery(app, id, &reason).await?;
            Ok(Next::Done)
        }
        Err(error) => wait_or_give_up(app, id, &connection, &error, attempts).await,
    }
}

/// What a project turned out to be.
enum Found {
    Package(Box<Project>, Box<Manifest>),
    /// No package, for a reason that a person can act on.
    Nothing(String),
}

async fn look(app: &App, job: &Discovery, connection: &Connection) -> Result<Found> {
    let host = connect(app, connection).await?;
    let found = look_at(host.as_ref(), job).await;
    heed_allowance(app, host.as_ref(), &connection.id).await?;
    found
}

async fn look_at(host: &dyn GitHost, job: &Discovery) -> Result<Found> {
    let project = match host.describe_project(&job.provider_id).await {
        Ok(project) => project,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Found::Nothing(error.message().to_owned()));
        }
        Err(error) => return Err(error),
    };
    let name = &project.full_name;
    let Some(branch) = &project.default_branch else {
        return Ok(Found::Nothing(format!("`{name}` has no commits yet")));
    };
    let read = host
        .read_file(&project.provider_id, "composer.json", None, MANIFEST_LIMIT)
        .await;
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return Ok(Found::Nothing(format!(
                "`{name}` has no composer.json at the top of its default branch `{branch}`"
            )));
        }
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            return Ok(Found::Nothing(format!(
                "composer.json on `{branch}` of `{name}` is larger than 1 MB"
            )));
        }
        Err(error) => return Err(error),
    };
    Ok(match Manifest::parse(&bytes) {
        Ok(manifest) => Found::Package(Box::new(project), Box::new(manifest)),
        Err(fault) => Found::Nothing(format!("On `{branch}` of `{name}`, {fault}")),
    })
}

async fn add(
    app: &App,
    id: &str,
    job: &Discovery,
    connection: &Connection,
    project: &Project,
    manifest: &Manifest,
) -> Result<Next> {
    let full_name = &project.full_name;
    let group = find_adding_group(app, &job.connection_id, full_name).await?;
    let repository = group.and_then(|group| group.repository_id);
    let (Some(repository), Some(name)) = (repository, manifest.package_name()) else {
        let reason = match repository {
            None => format!("`{full_name}` is in no group whose new projects are added"),
            Some(_) => format!(
                "composer.json on the default branch of `{full_name}` has no valid `name`; it must be like `vendor/name`"
            ),
        };
        ignore_discovery(app, id, &reason).await?;
        return Ok(Next::Done);
    };
    let facts = GitRepoFacts {
        provider_id: &project.provider_id,
        full_name,
        default_branch: project.default_branch.as_deref().unwrap_or_default(),
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    };
    let addition = Addition {
        connection,
        repository,
        facts: &facts,
        name: &name,
        description: manifest.description(),
        is_asked: false,
    };
    let sync = |git_repo| sync_discovered_stmts(id, git_repo);
    match add_project_with(app, &addition, sync).await {
        Ok(_) => {
            enqueue(app, &[Job::Reconcile { id: id.to_owned() }]).await?;
            Ok(Next::Done)
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Conflict | ErrorKind::QuotaExceeded(_)
            ) =>
        {
            ignore_discovery(app, id, error.message()).await?;
            Ok(Next::Done)
        }
        Err(error) => Err(error),
    }
}

async fn wait_or_give_up(
    app: &App,
    id: &str,
    connection: &Connection,
    error: &Error,
    attempts: u32,
) -> Result<Next> {
    if error.kind() == ErrorKind::CredentialRefused {
        wait_for_credential(app, id, connection, error).await?;
        return Ok(Next::Done);
    }
    app.warn(&format!(
        "Looking at a project for job {id} failed: {error}"
    ));
    let waits = if let ErrorKind::RateLimited { retry_after } = error.kind() {
        note_connection_pause(app, &connection.id, retry_after).await?;
        true
    } else {
        false
    };
    if waits || (error.is_retryable() && attempts < ATTEMPTS) {
        note_on_job(app, id, Some(error.message())).await?;
        return Ok(Next::after(error, attempts));
    }
    move_job(app, id, OPEN, "failed", Some(error.message())).await?;
    Ok(Next::Done)
}
