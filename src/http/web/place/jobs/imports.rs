//! Imports of many projects: how far each is, and what became of each project.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections;
use crate::http::web::place::jobs::{
    Progress, import_address, job_address, list_address, live_reply, state_class,
};
use crate::http::web::place::packages;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::imports::{
    ImportProject, ImportRow, find_import, list_import_projects, list_imports,
};

struct ShownProject {
    name: String,
    state: String,
    class: &'static str,
    reason: Option<String>,
    package: Option<(String, String)>,
    /// Where its job is, the state it is in, and how that looks.
    job: Option<(String, String, &'static str)>,
    /// The job goes on by itself.
    is_under_way: bool,
}

impl ShownProject {
    fn of(place: &Place, project: ImportProject) -> Self {
        let state = project.job_state.as_deref();
        Self {
            is_under_way: state.is_some_and(super::is_under_way),
            class: state_class(&project.state),
            job: project.job_id.map(|id| {
                let state = project.job_state.unwrap_or_else(|| "forgotten".to_owned());
                let class = state_class(&state);
                (job_address(place, &id), state, class)
            }),
            package: project
                .package
                .map(|name| (packages::address(place, &name), name)),
            name: project.full_name,
            state: project.state,
            reason: project.reason,
        }
    }
}

/// What changes while an import is under way.
struct Part {
    address: String,
    state: String,
    class: &'static str,
    progress: Progress,
    message: Option<String>,
    repository: String,
    /// What was meant, where it was a pattern.
    pattern: Option<String>,
    connection: String,
    created: Moment,
    finished: Option<Moment>,
    projects: Vec<ShownProject>,
    refused: i64,
    packages: String,
    first: Option<String>,
    next: Option<String>,
    /// It, or one of the jobs of the projects that are shown, goes on by itself.
    is_under_way: bool,
    may_cancel: bool,
}

#[derive(Template)]
#[template(path = "place/jobs/import.html")]
struct ImportPage {
    shell: Shell,
    script: &'static str,
    again: String,
    live: String,
    part: Part,
}

#[derive(Template)]
#[template(path = "place/jobs/import_part.html")]
struct ImportPart {
    shell: Shell,
    part: Part,
}

struct ShownImport {
    href: String,
    what: String,
    repository: String,
    state: String,
    class: &'static str,
    words: String,
    created: Moment,
}

#[derive(Template)]
#[template(path = "place/jobs/imports.html")]
struct ImportsPage {
    shell: Shell,
    jobs: String,
    letters: String,
    address: String,
    connections: Option<String>,
    imports: Vec<ShownImport>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn list(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let asked = Page::of(&visit.request)?;
    let (after, rows) = (asked.after(), asked.rows());
    let mut imports = list_imports(app, place.organisation.id, after, rows).await?;
    let next = asked.cut(&mut imports, |last| last.id.clone());
    let jobs = list_address(place);
    let here = format!("{jobs}/imports");
    let crumbs = vec![Crumb::new("Jobs", jobs.clone())];
    let shell = visit.shell_at(app, Section::Jobs, "Imports", crumbs)?;
    page(&ImportsPage {
        shell,
        letters: super::letters::address(place),
        connections: place
            .may_read(Ability::ManageHooks)
            .then(|| connections::list_address(place)),
        imports: imports
            .iter()
            .map(|import| ShownImport {
                href: import_address(place, &import.id),
                what: pattern_of(import).unwrap_or_else(|| "Chosen projects".to_owned()),
                repository: import.repository.clone(),
                class: state_class(&import.state),
                state: import.state.clone(),
                words: progress_of(import).words,
                created: Moment::of(import.created_at),
            })
            .collect(),
        first: asked.after().map(|_| here.clone()),
        next: next.map(|cursor| with_query(&here, &[("cursor", cursor.as_str())])),
        address: here,
        jobs,
    })
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let part = read(app, visit, place, id).await?;
    let cursor = visit.request.query_parameter("cursor").unwrap_or_default();
    let query = [("cursor", cursor.as_str())];
    let jobs = list_address(place);
    let crumbs = vec![
        Crumb::new("Jobs", jobs.clone()),
        Crumb::new("Imports", format!("{jobs}/imports")),
    ];
    let title = format!("Import into {}", part.repository);
    let shell = visit.shell_at(app, Section::Jobs, &title, crumbs)?;
    page(&ImportPage {
        shell,
        script: assets::address("live.js"),
        again: with_query(&part.address, &query),
        live: with_query(&format!("{}/live", part.address), &query),
        part,
    })
}

/// The part of the page that changes, for the script.
pub(super) async fn live(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let part = read(app, visit, place, id).await?;
    let words = format!("{}: {}", part.state, part.progress.words);
    let is_over = !part.is_under_way;
    let shell = visit.shell(app, "")?;
    let html = ImportPart { shell, part }
        .render()
        .map_err(Error::internal)?;
    Ok(live_reply(&words, &html, is_over))
}

async fn read(app: &App, visit: &Visit, place: &Place, id: &str) -> Result<Part> {
    let asked = Page::of(&visit.request)?;
    let import = find_import(app, place.organisation.id, id)
        .await?
        .ok_or_else(|| missing("import"))?;
    let after = asked.after().unwrap_or_default();
    let mut rows = list_import_projects(app, id, None, after, asked.rows()).await?;
    let next = asked.cut(&mut rows, |last| last.project.clone());
    let address = import_address(place, id);
    let to = |cursor: &str| with_query(&address, &[("cursor", cursor)]);
    let goes_on = matches!(import.state.as_str(), "listing" | "adding");
    let projects: Vec<_> = rows
        .into_iter()
        .map(|project| ShownProject::of(place, project))
        .collect();
    Ok(Part {
        class: state_class(&import.state),
        progress: progress_of(&import),
        message: import.message.clone(),
        pattern: pattern_of(&import),
        connection: connections::address(place, &import.connection_id),
        created: Moment::of(import.created_at),
        finished: import.finished_at.map(Moment::of),
        refused: import.refused,
        packages: with_query(
            &format!("/ui/{}/packages", place.organisation.slug),
            &[("repository", import.repository.as_str())],
        ),
        first: asked.after().map(|_| to("")),
        next: next.map(|next| to(&next)),
        is_under_way: goes_on || projects.iter().any(|project| project.is_under_way),
        may_cancel: goes_on && place.may(Ability::ManagePackages),
        projects,
        repository: import.repository,
        state: import.state,
        address,
    })
}

fn pattern_of(import: &ImportRow) -> Option<String> {
    let patterns: Vec<String> = serde_json::from_str(import.patterns.as_deref()?).ok()?;
    Some(patterns.join(" "))
}

fn progress_of(import: &ImportRow) -> Progress {
    let done = import.total.saturating_sub(import.waiting);
    let mut parts = vec![format!("{done} of {} projects", import.total)];
    for (count, what) in [
        (import.added, "added"),
        (import.known, "were there already"),
        (import.skipped, "left out"),
        (import.refused, "could not be imported"),
        (import.cancelled, "cancelled"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    Progress {
        done,
        total: import.total,
        words: parts.join(", "),
    }
}
