//! The connections of an organisation, and how they are.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::paging::{Page, moment_key};
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections::{Health, address, list_address, title_of};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::host_pages::{ConnectionSummary, load_connections};

/// So many are on a page.
const ROWS: i64 = 50;

struct ShownConnection {
    title: String,
    href: String,
    health: Health,
    projects: i64,
    /// When its host was last asked something that it answered.
    asked: Moment,
    heard: Option<Moment>,
}

struct ShownApp {
    name: String,
    href: String,
}

#[derive(Template)]
#[template(path = "place/connections/list.html")]
struct ListPage {
    shell: Shell,
    address: String,
    deliveries: String,
    connections: Vec<ShownConnection>,
    apps: Vec<ShownApp>,
    first: Option<String>,
    next: Option<String>,
    may_change: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let organisation = place.organisation.id;
    let found = load_connections(app, organisation, cut.after_moment(), cut.rows()).await?;
    let (mut connections, apps) = found;
    let next = cut.cut(&mut connections, |last| {
        moment_key(last.created_at, &last.id)
    });
    let list = list_address(place);
    let shell = visit.shell_at(app, Section::Connections, "Connections", Vec::new())?;
    page(&ListPage {
        shell,
        deliveries: format!("/ui/{}/hooks", place.organisation.slug),
        connections: connections
            .iter()
            .map(|one| ShownConnection {
                title: title_of(one),
                href: address(place, &one.id),
                health: Health::of(one, app.now()),
                projects: one.projects,
                asked: last_asked(one),
                heard: one.last_heard_at.map(Moment::of),
            })
            .collect(),
        apps: apps
            .into_iter()
            .map(|one| ShownApp {
                href: format!("{list}/apps/{}", one.id),
                name: one.name,
            })
            .collect(),
        may_change: place.may(Ability::ManageHooks),
        first: cut.after().map(|_| list.clone()),
        next: next.map(|cursor| with_query(&list, &[("cursor", &cursor)])),
        address: list,
    })
}

/// When the host was last looked at: by a person, by a comparison, or when it was connected.
pub(super) fn last_asked(summary: &ConnectionSummary) -> Moment {
    let times = [summary.checked_at, summary.compared_at];
    let last = times.into_iter().flatten().max();
    Moment::of(last.unwrap_or(summary.created_at))
}
