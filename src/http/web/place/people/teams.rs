//! The list of teams, and the form that makes one.

use askama::Template;
use serde_json::json;

use super::{Tab, address, tabs};
use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::teams::{Team, list_teams};

struct ShownTeam {
    href: String,
    name: String,
    description: String,
    members: i64,
}

impl ShownTeam {
    fn of(place: &Place, team: Team) -> Self {
        Self {
            href: format!("{}/{}", list(place), team.id),
            name: team.name,
            description: team.description.unwrap_or_default(),
            members: team.members,
        }
    }
}

#[derive(Template)]
#[template(path = "place/people/teams.html")]
struct TeamsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    address: String,
    may_change: bool,
    teams: Vec<ShownTeam>,
    first: Option<String>,
    next: Option<String>,
    name: Field,
    description: Field,
    faults: Vec<String>,
}

pub(super) fn list(place: &Place) -> String {
    format!("{}/teams", address(place))
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, true)?;
    render(app, visit, place, &Form::default(), &Faults::none()).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    let at = Page::of(&visit.request)?;
    let organisation = place.organisation.id;
    let mut rows = list_teams(app, organisation, None, at.after(), at.rows()).await?;
    let next = at.cut(&mut rows, |row| row.name.clone());
    let here = list(place);
    page_with(
        if faults.is_empty() { 200 } else { 422 },
        &TeamsPage {
            shell: visit.shell_at(app, Section::People, "Teams", Vec::new())?,
            tabs: tabs(place, "Teams"),
            may_change: place.may(Ability::ManageMembers),
            teams: rows
                .into_iter()
                .map(|team| ShownTeam::of(place, team))
                .collect(),
            first: at.after().map(|_| here.clone()),
            next: next.map(|cursor| with_query(&here, &[("cursor", &cursor)])),
            name: Field::text("name", "Name").typed(form, faults),
            description: Field::text("description", "Description")
                .optional()
                .typed(form, faults),
            faults: faults.besides(&["name", "description"]),
            address: here,
        },
    )
}

/// Makes a team, and leads to it.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = json!({
        "name": form.text("name"),
        "description": form.optional("description"),
    });
    match place.ask(app, visit, "POST", "/teams", Some(&asked)).await {
        Ok(made) => {
            let id = made.get("id").and_then(serde_json::Value::as_str);
            let to = format!("{}/{}", list(place), id.unwrap_or_default());
            Ok(visit.go_on(
                &to,
                "The team is there. Put people into it, and give it something to see",
            ))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &form, &faults).await
        }
    }
}
