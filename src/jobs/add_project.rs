//! One project of an import becomes a package, or is refused with the reason. Nothing that is wrong with it concerns the
//! others.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::import_projects::{wait, wait_while_suspended};
use crate::jobs::outcome::Next;
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::{Job, enqueue};
use crate::providers::{Found, Project, read_project};
use crate::store::connections::{Connection, GitRepoFacts, find_connection};
use crate::store::imports::{
    RunningImport, Settled, find_import_project, find_running_import, insert_sync_stmt,
    settle_project_stmts,
};
use crate::store::project_additions::{Addition, add_stmts, find_place};
use crate::store::quotas::explain;

/// Adds one project.
pub(crate) async fn run(app: &App, id: &str, project: &str, attempts: u32) -> Result<Next> {
    let Some(import) = find_running_import(app, id).await? else {
        return Ok(Next::Done);
    };
    if wait_while_suspended(app, &import).await? {
        return Ok(Next::Done);
    }
    if is_waiting(app, id, project).await? && import.state == "adding" {
        match add(app, &import, project).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
            Err(error) => {
                let connection = &import.connection_id;
                if let Some(next) = wait(app, id, connection, &error, attempts).await? {
                    return Ok(next);
                }
                refuse(app, id, project, error.message()).await?;
            }
        }
    }
    start_sync(app, id, project).await?;
    Ok(Next::Done)
}

async fn is_waiting(app: &App, id: &str, project: &str) -> Result<bool> {
    let found = find_import_project(app, id, project).await?;
    Ok(found.is_some_and(|found| found.state == "waiting"))
}

/// Refuses a project that still waits.
pub(super) async fn refuse(app: &App, id: &str, project: &str, reason: &str) -> Result<()> {
    let settled = Settled {
        state: "refused",
        reason: Some(reason),
        full_name: None,
        package: None,
    };
    let statements = settle_project_stmts(id, project, &settled, app.now());
    app.db.batch(statements).await.map(|_| ())
}

async fn add(app: &App, import: &RunningImport, project: &str) -> Result<()> {
    let connection = find_connection(app, &import.connection_id)
        .await?
        .ok_or_else(|| Error::not_found("The connection was removed here"))?;
    let host = connect(app, &connection).await?;
    let found = read_project(host.as_ref(), project).await;
    heed_allowance(app, host.as_ref(), &connection.id).await?;
    let found = found?;
    keep(app, import, &connection, project, &found).await
}

/// Writes what becomes of the project, in one batch: package, job and what the import says of it.
async fn keep(
    app: &App,
    import: &RunningImport,
    connection: &Connection,
    project: &str,
    found: &Found,
) -> Result<()> {
    let now = app.now();
    let facts = facts_of(&found.project);
    let addition = Addition {
        connection,
        repository: import.repository_id,
        facts: &facts,
        name: &found.name,
        description: found.description.as_deref(),
        is_asked: true,
    };
    let place = find_place(app, &addition).await?;
    let name = place.name.as_str();
    let mut statements = Vec::new();
    if !place.is_there {
        statements.extend(add_stmts(&addition, &place, now));
        let job = app.random_id()?;
        statements.push(insert_sync_stmt(&job, place.git_repo, name, now));
    }
    let settled = Settled {
        state: if place.is_there { "known" } else { "added" },
        reason: None,
        full_name: Some(&found.project.full_name),
        package: Some((place.git_repo, name)),
    };
    statements.extend(settle_project_stmts(&import.id, project, &settled, now));
    if let Err(error) = app.db.batch(statements).await {
        return Err(explain(app, connection.organisation_id, error).await);
    }
    if is_waiting(app, &import.id, project).await? {
        return Err(Error::internal(
            "the package's name was taken meanwhile; the project is looked at again",
        ));
    }
    Ok(())
}

/// Has the refs of an added project taken in. An earlier run may have died before it sent for them.
async fn start_sync(app: &App, id: &str, project: &str) -> Result<()> {
    let Some(found) = find_import_project(app, id, project).await? else {
        return Ok(());
    };
    if let (Some(job), Some("queued")) = (found.job_id, found.job_state.as_deref()) {
        enqueue(app, &[Job::Reconcile { id: job }]).await?;
    }
    Ok(())
}

fn facts_of(project: &Project) -> GitRepoFacts<'_> {
    GitRepoFacts {
        provider_id: &project.provider_id,
        full_name: &project.full_name,
        default_branch: project.default_branch.as_deref().unwrap_or_default(),
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    }
}
