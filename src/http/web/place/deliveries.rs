//! Deliveries of webhooks: what came, whether it was verified, what became of it, and running it once more. Of a delivery
//! neither headers nor body are kept, so no secret can be seen here.

use askama::Template;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::field::Choice;
use crate::http::web::form::Faults;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections;
use crate::http::web::place::jobs::{job_address, state_class};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::ports::db::rows_as;
use crate::store::deliveries::{DeliveryRow, find_delivery, list_deliveries_stmt};

/// What is looked at or done about deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryRoute {
    /// All of them, newest first.
    List,
    /// One of them.
    Show(i64),
    /// `…/replay`: looks again at what it was about.
    Replay(i64),
}

impl DeliveryRoute {
    /// Finds the page below `hooks`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let number = |id: &str| id.parse().map_err(|_| NoRoute::NotFound);
        match segments {
            [] => get(method, Self::List),
            [id] => get(method, Self::Show(number(id)?)),
            [id, "replay"] => only(method, "POST", Self::Replay(number(id)?)),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// A project that a delivery was about.
pub(super) struct ShownProject {
    pub(super) name: String,
    /// Where its job is, the state it is in, and how that looks.
    pub(super) job: Option<(String, String, &'static str)>,
}

/// A delivery as lists show it.
pub(super) struct ShownDelivery {
    pub(super) href: String,
    /// The host's id.
    pub(super) delivery: String,
    pub(super) connection: String,
    pub(super) event: String,
    pub(super) class: &'static str,
    /// In a word: what became of it.
    pub(super) verdict: &'static str,
    pub(super) detail: String,
    pub(super) times: i64,
    pub(super) received: Moment,
    pub(super) projects: Vec<ShownProject>,
    pub(super) may_replay: bool,
}

impl ShownDelivery {
    pub(super) fn of(place: &Place, row: &DeliveryRow) -> Result<Self> {
        let (class, verdict) = match row.verdict.as_str() {
            "accepted" => ("good", "verified"),
            "refused" => ("bad", "refused"),
            _ => ("", "verified, ignored"),
        };
        let projects: Vec<_> = row
            .projects()?
            .into_iter()
            .map(|outcome| ShownProject {
                name: outcome.name,
                job: outcome.job.map(|id| {
                    let state = outcome.state.unwrap_or_else(|| "forgotten".to_owned());
                    let class = state_class(&state);
                    (job_address(place, &id), state, class)
                }),
            })
            .collect();
        Ok(Self {
            href: format!("{}/{}", address(place), row.id),
            delivery: row.provider_delivery_id.clone(),
            connection: connections::address(place, &row.connection_id),
            event: row.event.clone(),
            class,
            verdict,
            detail: row.detail.clone(),
            times: row.times,
            received: Moment::of(row.received_at),
            may_replay: row.verdict != "refused"
                && !projects.is_empty()
                && place.may(Ability::ManageHooks),
            projects,
        })
    }
}

#[derive(Template)]
#[template(path = "place/deliveries/list.html")]
struct ListPage {
    shell: Shell,
    address: String,
    connections: String,
    connection: String,
    verdicts: Vec<Choice>,
    is_filtered: bool,
    deliveries: Vec<ShownDelivery>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "place/deliveries/show.html")]
struct DeliveryPage {
    shell: Shell,
    one: ShownDelivery,
}

/// Answers for a page about deliveries.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: DeliveryRoute,
) -> Result<Reply> {
    match route {
        DeliveryRoute::List => list(app, visit, place).await,
        DeliveryRoute::Show(id) => show(app, visit, place, id).await,
        DeliveryRoute::Replay(id) => replay(app, visit, place, id).await,
    }
}

fn address(place: &Place) -> String {
    format!("/ui/{}/hooks", place.organisation.slug)
}

async fn list(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (connection, verdict) = (given("connection"), given("verdict"));
    let asked = Page::of(&visit.request)?;
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let statement = list_deliveries_stmt(
        place.organisation.id,
        filled(&connection).as_deref(),
        filled(&verdict).as_deref(),
        asked.after_number()?,
        asked.rows(),
    );
    let mut rows: Vec<DeliveryRow> = rows_as(app.db.rows(statement).await?)?;
    let next = asked.cut(&mut rows, |last| last.id.to_string());
    let here = address(place);
    let to = |cursor: &str| {
        let query = [
            ("connection", connection.as_str()),
            ("verdict", &verdict),
            ("cursor", cursor),
        ];
        with_query(&here, &query)
    };
    let (first, next) = (asked.after().map(|_| to("")), next.map(|next| to(&next)));
    let crumbs = vec![Crumb::new("Connections", connections::list_address(place))];
    let shell = visit.shell_at(app, Section::Connections, "Deliveries", crumbs)?;
    let words = [
        ("", "All"),
        ("accepted", "Verified"),
        ("ignored", "Verified, ignored"),
        ("refused", "Refused"),
    ];
    page(&ListPage {
        shell,
        connections: connections::list_address(place),
        verdicts: words
            .into_iter()
            .map(|(value, label)| Choice::new(value, label, &verdict))
            .collect(),
        is_filtered: !connection.is_empty() || !verdict.is_empty() || asked.after().is_some(),
        deliveries: rows
            .iter()
            .map(|row| ShownDelivery::of(place, row))
            .collect::<Result<_>>()?,
        first,
        next,
        address: here,
        connection,
    })
}

async fn show(app: &App, visit: &mut Visit, place: &Place, id: i64) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let row = find_delivery(app, place.organisation.id, id)
        .await?
        .ok_or_else(|| missing("delivery"))?;
    let one = ShownDelivery::of(place, &row)?;
    let crumbs = vec![
        Crumb::new("Connections", connections::list_address(place)),
        Crumb::new("Deliveries", address(place)),
    ];
    let title = format!("Delivery {id}");
    let shell = visit.shell_at(app, Section::Connections, &title, crumbs)?;
    page(&DeliveryPage { shell, one })
}

async fn replay(app: &App, visit: &mut Visit, place: &Place, id: i64) -> Result<Reply> {
    visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let path = format!("/deliveries/{id}/replay");
    let to = format!("{}/{id}", address(place));
    match place.ask(app, visit, "POST", &path, None).await {
        Ok(_) => Ok(visit.go_on(&to, "What it was about is looked at again")),
        Err(error) => {
            let said = Faults::of(error)?.besides(&[]).join(". ");
            Ok(visit.go_back(&to, &said))
        }
    }
}
