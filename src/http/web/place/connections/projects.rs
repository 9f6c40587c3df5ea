//! What a connection reaches, as its host lists it, and the import of what is ticked. Nothing of it is kept here: each page
//! is a question to the host.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{ErrorKind, Result};
use crate::http::api::missing;
use crate::http::api::projects::{Shown, find_projects};
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::connections::{address, crumbs_of, name_of};
use crate::http::web::place::jobs::import_address;
use crate::http::web::place::packages;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::providers::ProviderKind;
use crate::store::host_pages::load_connection_and_repositories;

/// Some hosts look for names only within each of their pages: so many of them are asked for in one look, until one has a
/// project that fits.
const PAGES: usize = 5;

struct ShownProject {
    /// What it is asked for by.
    id: String,
    full_name: String,
    web_url: Option<String>,
    /// What kind of project it is: class and word of each badge.
    kinds: Vec<(&'static str, &'static str)>,
    is_ticked: bool,
    /// Its packages: name, page, and the repositories they are in.
    packages: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "place/connections/projects.html")]
struct ProjectsPage {
    shell: Shell,
    address: String,
    connection: String,
    /// A plain git server has no list; its projects are named.
    has_list: bool,
    search: Field,
    searched: String,
    cursor: String,
    projects: Vec<ShownProject>,
    /// Why the host gave none.
    trouble: Option<String>,
    names: Field,
    pattern: Field,
    repositories: Vec<Choice>,
    first: Option<String>,
    next: Option<String>,
    faults: Vec<String>,
    may_import: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let asked = (given("search"), given("cursor"));
    render(app, visit, place, id, asked, None).await
}

/// Starts the import of what was ticked, named or meant by a pattern, and leads to it.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let mut body = json!({"repository": form.text("repository")});
    let mut faults = Faults::none();
    let typed = form.raw("names").lines().map(str::trim);
    let named: Vec<_> = form
        .all("project")
        .chain(typed)
        .filter(|name| !name.is_empty())
        .map(Value::from)
        .collect();
    let (field, meant) = match form.optional("pattern") {
        Some(pattern) => {
            let patterns: Vec<_> = pattern.split_whitespace().map(Value::from).collect();
            ("pattern", Value::from(patterns))
        }
        None => ("projects", Value::from(named.clone())),
    };
    if field == "projects" && named.is_empty() {
        faults.add("", "Choose a project first: nothing is ticked");
    }
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), meant);
    }
    if faults.is_empty() {
        let path = format!("/connections/{id}/imports");
        match place.ask(app, visit, "POST", &path, Some(&body)).await {
            Ok(answer) => {
                let import = answer.pointer("/import/id").and_then(Value::as_str);
                let to = import_address(place, import.unwrap_or_default());
                return Ok(visit.go_on(&to, "The import has begun"));
            }
            Err(error) => faults = Faults::of(error)?,
        }
    }
    let asked = (
        form.text("search").to_owned(),
        form.text("cursor").to_owned(),
    );
    render(app, visit, place, id, asked, Some((&form, &faults))).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    (search, cursor): (String, String),
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    let list = Listed::of(app, place, id, &search, &cursor).await?;
    let here = format!("{}/projects", address(place, id));
    let to = |cursor: &str| with_query(&here, &[("search", search.as_str()), ("cursor", cursor)]);
    let chosen = typed.map_or("", |(form, _)| form.text("repository"));
    let ticked: Vec<_> = typed.map_or_else(Vec::new, |(form, _)| form.all("project").collect());
    let fill = |field: Field| match typed {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    };
    let status = match (&list.trouble, typed) {
        (Some((ErrorKind::RateLimited { .. }, _)), None) => 429,
        (Some(_), _) | (_, Some(_)) => 422,
        (None, None) => 200,
    };
    let shell = visit.shell_at(app, Section::Connections, "Choose projects", list.crumbs)?;
    page_with(
        status,
        &ProjectsPage {
            shell,
            connection: address(place, id),
            has_list: list.has_list,
            search: Field::text("search", "Search")
                .optional()
                .value(search.clone()),
            searched: search.clone(),
            projects: list
                .projects
                .into_iter()
                .map(|project| show_project(place, project, &ticked))
                .collect(),
            trouble: list.trouble.map(|(_, message)| message),
            names: fill(Field::lines("names", "Projects")).hint(
                "The path of each behind the address of the server, one a line, such as team/tools.git",
            ),
            pattern: fill(Field::text("pattern", "Pattern").hint(
                "Such as acme/*, and !acme/old-* for what is left out; archived projects are left out too",
            )),
            repositories: list
                .repositories
                .iter()
                .map(|slug| Choice::new(slug, slug, chosen))
                .collect(),
            first: (!cursor.is_empty()).then(|| to("")),
            next: list.next.map(|next| to(&next)),
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["pattern", "names"])),
            may_import: place.may(Ability::ManagePackages),
            address: here.clone(),
            cursor,
        },
    )
}

fn show_project(place: &Place, project: Shown, ticked: &[&str]) -> ShownProject {
    let id = project.id.unwrap_or_else(|| project.full_name.clone());
    ShownProject {
        is_ticked: ticked.contains(&id.as_str()),
        id,
        web_url: project
            .web_url
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        kinds: [
            (project.archived == Some(true), "warn", "archived"),
            (project.fork == Some(true), "", "fork"),
            (project.private == Some(true), "", "private"),
            (project.private == Some(false), "", "public"),
        ]
        .into_iter()
        .filter(|(is_so, _, _)| *is_so)
        .map(|(_, class, word)| (class, word))
        .collect(),
        packages: project
            .packages
            .unwrap_or_default()
            .into_iter()
            .map(|one| {
                let href = packages::address(place, &one.name);
                (one.name, href, one.repositories.join(", "))
            })
            .collect(),
        full_name: project.full_name,
    }
}

/// What the host was asked for.
struct Listed {
    crumbs: Vec<Crumb>,
    repositories: Vec<String>,
    has_list: bool,
    projects: Vec<Shown>,
    next: Option<String>,
    trouble: Option<(ErrorKind, String)>,
}

impl Listed {
    async fn of(app: &App, place: &Place, id: &str, search: &str, cursor: &str) -> Result<Self> {
        let organisation = &place.organisation;
        let (connection, repositories) = load_connection_and_repositories(app, organisation.id, id)
            .await?
            .ok_or_else(|| missing("connection"))?;
        let mut list = Self {
            crumbs: crumbs_of(
                place,
                id,
                name_of(
                    &connection.provider,
                    &connection.account,
                    &connection.base_url,
                ),
            ),
            repositories: repositories.into_iter().map(|one| one.slug).collect(),
            has_list: connection.provider != ProviderKind::Git.as_str(),
            projects: Vec::new(),
            next: None,
            trouble: None,
        };
        if !list.has_list {
            return Ok(list);
        }
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let search = given(search);
        list.next = given(cursor);
        for _ in 0..PAGES {
            let (words, cursor) = (search.as_deref(), list.next.as_deref());
            match find_projects(app, &connection, words, cursor).await {
                Ok((projects, next)) => {
                    list.projects = projects;
                    list.next = next;
                }
                Err(error) => {
                    let kind = error.kind();
                    let message = Faults::of(error)?.besides(&[]).join(". ");
                    list.next = None;
                    list.trouble = Some((kind, message));
                }
            }
            if !list.projects.is_empty() || list.next.is_none() {
                break;
            }
        }
        Ok(list)
    }
}
