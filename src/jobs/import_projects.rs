//! An import of many projects: the host's list is read page by page, a page a message, and then there is a message for each
//! project. What is to be done stands in rows, so that any message may come twice or be lost.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::project_patterns::ProjectPatterns;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::{Job, enqueue};
use crate::providers::Project;
use crate::store::connections::{find_connection, note_connection_pause};
use crate::store::imports::{
    RunningImport, end_import, find_running_import, list_waiting_projects, note_page, note_wait,
};
use crate::store::refusals::note_refusal;

/// Pages of one import: 50,000 projects at the least.
const PAGES: i64 = 1_000;

/// Takes the next step of an import.
pub(crate) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(import) = find_running_import(app, id).await? else {
        return Ok(Next::Done);
    };
    match import.state.as_str() {
        "listing" => {}
        "adding" => {
            send_for_projects(app, id).await?;
            return Ok(Next::Done);
        }
        _ => return Ok(Next::Done),
    }
    match list_page(app, &import).await {
        // Whoever noted the page first sends for the next step.
        Ok(false) => Ok(Next::Done),
        Ok(true) => {
            enqueue(app, &[Job::ImportProjects { id: id.to_owned() }]).await?;
            Ok(Next::Done)
        }
        Err(error) if error.kind() == ErrorKind::Internal => Err(error),
        Err(error) => {
            if let Some(next) = wait(app, id, &import.connection_id, &error, attempts).await? {
                return Ok(next);
            }
            app.warn(&format!("The listing of import {id} failed: {error}"));
            end_import(app, id, "failed", error.message()).await?;
            Ok(Next::Done)
        }
    }
}

/// Whether an import is to wait for what failed, and for how long; none when that is hopeless.
pub(super) async fn wait(
    app: &App,
    id: &str,
    connection: &str,
    error: &Error,
    attempts: u32,
) -> Result<Option<Next>> {
    if error.kind() == ErrorKind::CredentialRefused {
        if note_refusal(app, connection, error.message()).await? {
            app.warn(&format!(
                "Connection {connection} waits for a credential: {error}"
            ));
        }
        note_wait(app, id, error.message(), 0).await?;
        // Whoever finds that a credential works sends for it.
        return Ok(Some(Next::Done));
    }
    let seconds = if let ErrorKind::RateLimited { retry_after } = error.kind() {
        note_connection_pause(app, connection, retry_after).await?;
        retry_after
    } else if error.is_retryable() && attempts < ATTEMPTS {
        0
    } else {
        return Ok(None);
    };
    note_wait(app, id, error.message(), seconds).await?;
    Ok(Some(Next::after(error, attempts)))
}

/// Reads one page and notes which of its projects are meant; whether it was the first to.
async fn list_page(app: &App, import: &RunningImport) -> Result<bool> {
    let patterns = import.patterns.as_deref().unwrap_or("[]");
    let patterns: Vec<String> = serde_json::from_str(patterns).map_err(Error::internal)?;
    let patterns = ProjectPatterns::parse(&patterns).map_err(Error::internal)?;
    if import.pages >= PAGES {
        return Err(Error::invalid(format!(
            "The host's list has more than {PAGES} pages; name the projects, or use a token that reaches fewer"
        )));
    }
    let connection = find_connection(app, &import.connection_id)
        .await?
        .ok_or_else(|| Error::not_found("The connection was removed here"))?;
    let host = connect(app, &connection).await?;
    let page = host.list_projects(None, import.cursor.as_deref()).await;
    heed_allowance(app, host.as_ref(), &connection.id).await?;
    let page = page?;
    let rows: Vec<_> = page
        .projects
        .iter()
        .filter(|project| patterns.matches(&project.full_name))
        .map(|project| row(project, import.with_archived != 0))
        .collect();
    let rows = serde_json::to_string(&rows).map_err(Error::internal)?;
    note_page(app, import, &rows, page.next.as_deref()).await
}

fn row(project: &Project, with_archived: bool) -> Value {
    let (state, reason) = if project.is_archived && !with_archived {
        let reason = "it is archived at the host; import with `\"archived\": true` to have it too";
        ("skipped", Some(reason))
    } else {
        ("waiting", None)
    };
    json!([project.provider_id, project.full_name, state, reason])
}

async fn send_for_projects(app: &App, id: &str) -> Result<()> {
    let projects: Vec<_> = list_waiting_projects(app, id)
        .await?
        .into_iter()
        .map(|project| Job::AddProject {
            id: id.to_owned(),
            project,
        })
        .collect();
    enqueue(app, &projects).await
}
