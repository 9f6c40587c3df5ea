//! The connections of an organisation, and how they are.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections::{Health, address, list_address, title_of};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::host_pages::{ConnectionSummary, load_connections};

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
    may_change: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let (connections, apps) = load_connections(app, place.organisation.id).await?;
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
        address: list,
    })
}

/// When the host was last looked at: by a person, by a comparison, or when it was connected.
pub(super) fn last_asked(summary: &ConnectionSummary) -> Moment {
    let times = [summary.checked_at, summary.compared_at];
    let last = times.into_iter().flatten().max();
    Moment::of(last.unwrap_or(summary.created_at))
}
