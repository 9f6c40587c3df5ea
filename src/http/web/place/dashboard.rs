//! What somebody sees first of an organisation: how it is doing and what came lately, or what she may install;
//! and how far the way to the first installation is gone.

use askama::Template;

use crate::app::App;
use crate::domain::chart::{Measure, Plot};
use crate::domain::statistics::{Bucket, By, Period};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::browse::find_seen;
use crate::http::api::packages::ListFilter;
use crate::http::api::paging::Page;
use crate::http::composer::visits_of;
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::chart::Chart;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::jobs;
use crate::http::web::place::packages::{self, From, ShownRow, sees_all, size_words};
use crate::http::web::place::revisions;
use crate::http::web::place::start;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::dashboard::{MOST_STOPPED, Stopped, load_dashboard};
use crate::store::statistics::organisation_series;

/// So many packages are shown.
const SHOWN: usize = 5;
/// Installs of so many days.
const DAYS: u16 = 30;

/// A number with what it counts, and where that is.
struct Tile {
    label: &'static str,
    value: String,
    href: Option<String>,
    is_bad: bool,
}

impl Tile {
    fn new(label: &'static str, value: i64) -> Self {
        Self {
            label,
            value: value.to_string(),
            href: None,
            is_bad: false,
        }
    }

    fn bytes(label: &'static str, bytes: i64) -> Self {
        Self {
            label,
            value: size_words(bytes),
            href: None,
            is_bad: false,
        }
    }

    fn leading_to(self, href: &str) -> Self {
        Self {
            href: Some(href.to_owned()),
            ..self
        }
    }

    /// Leads to what is wrong where there is something.
    fn trouble(label: &'static str, value: i64, href: &str) -> Self {
        let tile = Self::new(label, value);
        if value == 0 {
            return tile;
        }
        Self {
            is_bad: true,
            ..tile.leading_to(href)
        }
    }
}

/// How far the way to the first installation is gone.
struct FirstSteps {
    count: usize,
    next: &'static str,
    href: String,
}

/// A version that came lately.
struct ShownRelease {
    name: String,
    version: String,
    href: String,
    by: String,
    came: Moment,
}

/// A project that is not synced any more.
struct ShownStopped {
    name: String,
    href: Option<String>,
    state: &'static str,
    reason: String,
    since: Option<Moment>,
}

impl ShownStopped {
    fn of(place: &Place, stopped: Stopped) -> Self {
        let (state, otherwise) = match stopped.state.as_str() {
            "withheld" => ("withheld", "Its git host withholds it"),
            "unconnected" => (
                "no connection",
                "The connection through which it was synced was deleted",
            ),
            _ => ("failed", "Its last sync failed"),
        };
        Self {
            href: stopped
                .package
                .as_deref()
                .map(|name| packages::address(place, name)),
            name: stopped.package.unwrap_or(stopped.full_name),
            state,
            reason: stopped.reason.unwrap_or_else(|| otherwise.to_owned()),
            since: stopped.since.map(Moment::of),
        }
    }
}

/// A repository, and where its history is.
struct ShownRepository {
    from: From,
    history: String,
    revision: i64,
}

#[derive(Template)]
#[template(path = "place/dashboard.html")]
struct Whole {
    shell: Shell,
    style: &'static str,
    script: &'static str,
    tiles: Vec<Tile>,
    /// None once all are done, or somebody put them away.
    first_steps: Option<FirstSteps>,
    chart: Chart,
    releases: Vec<ShownRelease>,
    stopped: Vec<ShownStopped>,
    has_more_stopped: bool,
    /// What needs a person, job by job.
    jobs: String,
    repositories: Vec<ShownRepository>,
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
    let jobs = jobs::need_a_person_address(place);
    let letters = jobs::letters_address(place);
    let tiles = vec![
        Tile::new("Packages", counts.packages).leading_to(&list_of(place)),
        Tile::new("Versions", counts.versions),
        Tile::bytes("Archives stored", counts.storage),
        Tile::trouble("Projects whose sync failed", counts.failed, &jobs),
        Tile::trouble("Projects withheld by their host", counts.withheld, &jobs),
        Tile::trouble("Messages given up", counts.dead_letters, &letters),
    ];
    let steps = start::Steps::of(counts);
    let first_steps = (!steps.are_done() && !steps.are_hidden).then(|| FirstSteps {
        count: steps.count(),
        next: steps.next(),
        href: start::address(place),
    });
    let releases = known
        .releases
        .into_iter()
        .map(|release| ShownRelease {
            href: packages::address(place, &release.name),
            name: release.name,
            version: release.version,
            by: release.actor_name,
            came: Moment::of(release.published_at),
        })
        .collect();
    let shell = visit.shell_at(app, Section::Dashboard, "Dashboard", Vec::new())?;
    page(&Whole {
        shell,
        style: assets::address("chart.css"),
        script: assets::address("chart.js"),
        tiles,
        first_steps,
        chart: installs(app, place).await?,
        releases,
        has_more_stopped: known.stopped.len() > MOST_STOPPED,
        jobs,
        stopped: known
            .stopped
            .into_iter()
            .take(MOST_STOPPED)
            .map(|stopped| ShownStopped::of(place, stopped))
            .collect(),
        repositories: known
            .repositories
            .iter()
            .map(|repository| ShownRepository {
                from: From::of(app, None, repository),
                history: revisions::address(place, &repository.slug),
                revision: repository.head.revision,
            })
            .collect(),
        list: list_of(place),
    })
}

async fn installs(app: &App, place: &Place) -> Result<Chart> {
    let period = Period::until(&day(app.now()), DAYS, Bucket::Day)
        .map_err(|fault| Error::internal(fault.to_string()))?;
    let series = organisation_series(app, place.organisation.id, &period, By::Nothing).await?;
    let title = format!("Installs of the last {DAYS} days");
    let plot = Plot::of(&series, By::Nothing, Measure::Installs, "installs", &title);
    Ok(Chart::of_lines(&plot))
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
