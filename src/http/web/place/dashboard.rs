//! What somebody sees first of an organisation: how it is doing and what came lately, or what she may install;
//! and how far the way to the first installation is gone.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::api::browse::find_seen;
use crate::http::api::packages::ListFilter;
use crate::http::api::paging::Page;
use crate::http::composer::visits_of;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::packages::{self, From, ShownRow, sees_all};
use crate::http::web::place::start;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::dashboard::load_dashboard;

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

/// How far the way to the first installation is gone.
struct FirstSteps {
    count: usize,
    next: &'static str,
    href: String,
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
    /// None once all are done, or somebody put them away.
    first_steps: Option<FirstSteps>,
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
    let steps = start::Steps::of(counts);
    let first_steps = (!steps.are_done() && !steps.are_hidden).then(|| FirstSteps {
        count: steps.count(),
        next: steps.next(),
        href: start::address(place),
    });
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
        first_steps,
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
