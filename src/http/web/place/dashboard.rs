//! What somebody sees first of an organisation: how it is doing and what came lately, or what she may install; and the way
//! to the first installation, as far as the database knows how far somebody is.

use askama::Template;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::browse::find_seen;
use crate::http::api::packages::ListFilter;
use crate::http::api::paging::Page;
use crate::http::composer::visits_of;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::packages::{self, Commands, From, ShownRow, sees_all};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::dashboard::{Counts, load_dashboard};
use crate::store::repositories::Repository;

/// So many packages are shown.
const SHOWN: usize = 5;

/// A number with what it counts.
struct Tile {
    label: &'static str,
    value: String,
    is_bad: bool,
}

impl Tile {
    fn new(label: &'static str, value: i64) -> Self {
        Self {
            label,
            value: value.to_string(),
            is_bad: false,
        }
    }

    fn trouble(label: &'static str, value: i64) -> Self {
        Self {
            is_bad: value > 0,
            ..Self::new(label, value)
        }
    }
}

/// A step on the way to the first installation.
struct Step {
    title: &'static str,
    why: &'static str,
    command: String,
    is_done: bool,
    is_next: bool,
}

/// A package that came lately.
struct ShownNew {
    name: String,
    href: String,
    description: String,
    came: Moment,
}

#[derive(Template)]
#[template(path = "place/dashboard.html")]
struct Whole {
    shell: Shell,
    tiles: Vec<Tile>,
    /// None of them once all are done.
    steps: Vec<Step>,
    newest: Vec<ShownNew>,
    repositories: Vec<From>,
    list: String,
}

#[derive(Template)]
#[template(path = "place/dashboard_seen.html")]
struct Seen {
    shell: Shell,
    packages: Vec<ShownRow>,
    repositories: Vec<From>,
    list: String,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    if sees_all(place)? {
        show_whole(app, visit, place).await
    } else {
        show_seen(app, visit, place).await
    }
}

async fn show_whole(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let known = load_dashboard(app, place.organisation.id).await?;
    let counts = &known.counts;
    let tiles = vec![
        Tile::new("Packages", counts.packages),
        Tile::trouble("Projects whose sync failed", counts.failed),
        Tile::trouble("Projects withheld by their host", counts.withheld),
        Tile::trouble("Messages given up", counts.dead_letters),
    ];
    let newest_name = known.newest.first().map(|package| package.name.clone());
    let steps = steps_of(
        app,
        place,
        counts,
        known.repositories.first(),
        newest_name.as_deref(),
    );
    let newest = known
        .newest
        .into_iter()
        .map(|package| ShownNew {
            href: packages::address(place, &package.name),
            name: package.name,
            description: package.description.unwrap_or_default(),
            came: Moment::of(package.created_at),
        })
        .collect();
    let shell = visit.shell_at(app, Section::Dashboard, "Dashboard", Vec::new())?;
    page(&Whole {
        shell,
        tiles,
        steps,
        newest,
        repositories: known
            .repositories
            .iter()
            .map(|repository| From::of(app, None, repository))
            .collect(),
        list: list_of(place),
    })
}

async fn show_seen(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let organisation = &place.organisation;
    let visits = visits_of(app, organisation.id, &place.principal).await?;
    let (filter, first) = (ListFilter::default(), Page::first(SHOWN));
    let (packages, _) = find_seen(app, organisation, &visits, &first, &filter, None).await?;
    let repositories = visits
        .iter()
        .map(|visit| From::of(app, None, &visit.repository))
        .collect();
    let shell = visit.shell_at(app, Section::Dashboard, "Dashboard", Vec::new())?;
    page(&Seen {
        shell,
        packages: packages
            .into_iter()
            .map(|summary| ShownRow::of(place, summary))
            .collect(),
        repositories,
        list: list_of(place),
    })
}

fn list_of(place: &Place) -> String {
    format!("/ui/{}/packages", place.organisation.slug)
}

/// The five steps, each with what to type; none when all are done.
fn steps_of(
    app: &App,
    place: &Place,
    counts: &Counts,
    repository: Option<&Repository>,
    newest: Option<&str>,
) -> Vec<Step> {
    let (public_url, slug) = (&app.config.public_url, &place.organisation.slug);
    let post = |path: &str, body: &str| {
        format!(
            "curl -sS -H \"Authorization: Bearer YOUR-TOKEN\" \\\n  --json '{body}' \\\n  {public_url}/api/v1/orgs/{slug}/{path}"
        )
    };
    let step = |title, why, command, is_done| Step {
        title,
        why,
        command,
        is_done,
        is_next: false,
    };
    let package = newest.and_then(|name| PackageName::parse(name).ok());
    let package = package.as_ref().map_or("VENDOR/NAME", PackageName::as_str);
    let use_it = repository.map_or_else(
        || post("repositories", r#"{"slug": "main"}"#),
        |repository| From::of(app, None, repository).commands,
    );
    let mut steps = vec![
        step(
            "Connect your git host",
            "With a token of GitHub, GitLab, Bitbucket, Gitea or Forgejo that reads your projects.",
            post(
                "connections",
                r#"{"provider": "github", "token": "TOKEN-OF-THE-HOST"}"#,
            ),
            counts.has_connection != 0,
        ),
        step(
            "Import a package",
            "The tags and branches of a project become its versions, now and with each push.",
            Commands::of(app, place, repository).import,
            counts.packages > 0,
        ),
        step(
            "Make a token",
            "Composer reads with it. It is shown once.",
            post("tokens", r#"{"name": "ci", "access": "read"}"#),
            counts.has_token != 0,
        ),
        step(
            "Add the repository to a project",
            "In the folder of its composer.json. This is done when Composer has come with a token.",
            use_it,
            counts.has_client != 0,
        ),
        step(
            "Install",
            "This is done when the first installation was counted.",
            format!("composer require {package}"),
            counts.has_install != 0,
        ),
    ];
    if steps.iter().all(|step| step.is_done) {
        return Vec::new();
    }
    if let Some(next) = steps.iter_mut().find(|step| !step.is_done) {
        next.is_next = true;
    }
    steps
}
