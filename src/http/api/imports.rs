//! Imports of many projects: start one, see how far it is and what became of each project, stop it.

use deserr::Deserr;
use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Code, Error, Result};
use crate::http::api::connections::find_own;
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::projects::{Meant, OneOrMany, list_projects, preview_import};
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::ProjectsRoute;
use crate::jobs::{Job, enqueue};
use crate::ports::db::json_list;
use crate::providers::ProviderKind;
use crate::store::imports::{self as store, ImportRow, NewImport, find_import};
use crate::store::organisations::Organisation;
use crate::store::repositories::find_repository;

/// An import to be started, by one of `projects` and `pattern`.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewImport")]
pub(crate) struct Asked {
    /// Projects by id or name.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 1000))]
    projects: Option<Vec<String>>,
    /// Patterns over the full names of what the token reaches.
    #[deserr(default)]
    pattern: Option<OneOrMany>,
    /// The slug of the repository that the packages go to.
    repository: String,
    /// Whether archived projects that the patterns mean are taken in too.
    #[deserr(default)]
    #[schemars(default)]
    archived: bool,
}

/// What a list of projects may be narrowed to.
const STATES: [&str; 6] = [
    "waiting",
    "added",
    "known",
    "skipped",
    "refused",
    "cancelled",
];

/// Answers a call about a host's projects, or about imports of them.
pub async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: ProjectsRoute,
) -> Result<Reply> {
    match route {
        ProjectsRoute::List(id) => list_projects(app, &request, organisation, &id).await,
        ProjectsRoute::Preview(id) => preview_import(app, request, organisation, &id).await,
        ProjectsRoute::Import(id) => start_import(app, request, organisation, &id).await,
        ProjectsRoute::ListImports => list_imports(app, &request, organisation).await,
        ProjectsRoute::ShowImport(id) => show_import(app, &request, organisation, &id).await,
        ProjectsRoute::CancelImport(id) => cancel_import(app, organisation, &id).await,
    }
}

/// Starts an import. Nothing is asked of the host before the answer is out.
async fn start_import(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let connection = find_own(app, organisation, id).await?;
    let meant = Meant::read(asked.projects, asked.pattern)?;
    let repository = find_repository(app, &organisation.slug, &asked.repository)
        .await?
        .ok_or_else(|| {
            Error::bad_value(
                "/repository",
                "`repository` is no repository of this organisation",
            )
        })?;
    let (patterns, projects) = match &meant {
        Meant::Patterns(_) if connection.provider == ProviderKind::Git.as_str() => {
            return Err(Error::bad_value(
                "/pattern",
                "This kind of host has no list of projects; name each one in `projects`",
            ));
        }
        Meant::Patterns(patterns) => (
            Some(json_list(patterns.as_slice().iter().map(String::as_str))?),
            Vec::new(),
        ),
        Meant::Named(names) => {
            let rows = names
                .iter()
                .map(|name| json!([name, name, "waiting", null]));
            (None, rows.collect())
        }
    };
    let import = app.random_id()?;
    let new = NewImport {
        id: &import,
        organisation: organisation.id,
        connection: &connection.id,
        repository: repository.id,
        patterns: patterns.as_deref(),
        with_archived: asked.archived,
        projects: &Value::from(projects).to_string(),
    };
    store::insert_import(app, &new).await?;
    enqueue(app, &[Job::ImportProjects { id: import.clone() }]).await?;
    let started = load(app, organisation, &import).await?;
    Ok(Reply::json(202, &json!({ "import": show(&started) })))
}

/// Lists imports, newest first.
async fn list_imports(app: &App, request: &Request, organisation: &Organisation) -> Result<Reply> {
    let page = Page::of(request)?;
    let mut rows = store::list_imports(app, organisation.id, page.after(), page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.id.clone());
    let imports: Vec<_> = rows.iter().map(show).collect();
    Ok(Reply::json(
        200,
        &json!({ "imports": imports, "next": next }),
    ))
}

/// Shows an import with a page of its projects; `?state=refused` leaves those.
async fn show_import(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let import = load(app, organisation, id).await?;
    let state = request.query_parameter("state");
    if let Some(state) = &state
        && !STATES.contains(&state.as_str())
    {
        return Err(Error::bad_value(
            "?state",
            format!(
                "`state` must be one of {}",
                STATES.map(|state| format!("`{state}`")).join(", ")
            ),
        ));
    }
    let page = Page::of(request)?;
    let (after, limit) = (page.after().unwrap_or_default(), page.rows());
    let mut rows = store::list_import_projects(app, id, state.as_deref(), after, limit).await?;
    let next = page.cut(&mut rows, |last| last.project.clone());
    let projects: Vec<_> = rows
        .into_iter()
        .map(|project| {
            json!({
                "project": project.project,
                "full_name": project.full_name,
                "state": project.state,
                "reason": project.reason,
                "package": project.package,
                "job": project.job_id.map(|id| json!({ "id": id, "state": project.job_state })),
            })
        })
        .collect();
    let mut shown = show(&import);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("next".to_owned(), next.into());
        shown.insert("projects".to_owned(), projects.into());
    }
    Ok(Reply::json(200, &shown))
}

/// Cancels an import: projects that it has not come to are left, what it has added stays.
async fn cancel_import(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let import = load(app, organisation, id).await?;
    if !store::end_import(app, id, "cancelled", "cancelled by hand").await? {
        return Err(Error::conflict(format!(
            "The import is {} already, so there is nothing to cancel",
            import.state
        ))
        .with_code(Code::Ended));
    }
    Ok(Reply::json(200, &show(&load(app, organisation, id).await?)))
}

async fn load(app: &App, organisation: &Organisation, id: &str) -> Result<ImportRow> {
    find_import(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("import"))
}

fn show(import: &ImportRow) -> Value {
    let patterns = import.patterns.as_deref();
    json!({
        "id": import.id,
        "connection": import.connection_id,
        "repository": import.repository,
        "pattern": patterns.and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "archived": import.with_archived != 0,
        "state": import.state,
        "message": import.message,
        "progress": {
            "total": import.total,
            "done": import.total.saturating_sub(import.waiting),
            "added": import.added,
            "known": import.known,
            "skipped": import.skipped,
            "refused": import.refused,
            "cancelled": import.cancelled,
        },
        "created_at": rfc3339(import.created_at),
        "finished_at": import.finished_at.map(rfc3339),
    })
}
