//! Asks somebody in: a form, and the link, which is shown once.

use askama::Template;
use serde_json::{Value, json};

use super::invitations::list;
use super::{NamedTeam, address, roles};
use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::Tick;
use crate::http::web::page::page_with;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::invitations::{InvitationFilter, list_invitations};
use crate::store::teams::list_teams;

/// So many teams are there to be ticked.
const TEAMS: i64 = 100;

#[derive(Template)]
#[template(path = "place/people/invite.html")]
struct InvitePage {
    shell: Shell,
    people: String,
    email: Field,
    roles: Vec<Choice>,
    lasts: Vec<Choice>,
    teams: Vec<Tick>,
    faults: Vec<String>,
}

fn crumbs(place: &Place) -> Vec<Crumb> {
    vec![
        Crumb::new("People", address(place)),
        Crumb::new("Invitations", list(place)),
    ]
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, false)?;
    render(app, visit, place, &Form::default(), Faults::none()).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    form: &Form,
    faults: Faults,
) -> Result<Reply> {
    let faults = faults.by_list();
    let known = list_teams(app, place.organisation.id, None, None, TEAMS).await?;
    let ticked: Vec<&str> = form.all("teams").collect();
    let role = form.optional("role").unwrap_or("member");
    let lasts = form.optional("expires_in").unwrap_or("604800");
    page_with(
        if faults.is_empty() { 200 } else { 422 },
        &InvitePage {
            shell: visit.shell_at(app, Section::People, "Invite somebody", crumbs(place))?,
            people: address(place),
            email: Field {
                autocomplete: "off",
                ..Field::email("email", "E-mail")
            }
            .hint("Nothing is mailed: you get a link to hand on")
            .typed(form, &faults),
            roles: roles(place, role),
            lasts: vec![
                Choice::new("86400", "A day", lasts),
                Choice::new("604800", "A week", lasts),
                Choice::new("2592000", "30 days", lasts),
            ],
            teams: known
                .into_iter()
                .map(|team| Tick {
                    is_ticked: ticked.contains(&team.id.as_str()),
                    value: team.id,
                    label: team.name,
                })
                .collect(),
            faults: faults.besides(&["email"]),
        },
    )
}

/// Makes the invitation, and shows its link once.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let teams: Vec<_> = form.all("teams").collect();
    let asked = json!({
        "email": form.text("email"),
        "role": form.text("role"),
        "teams": teams,
        "expires_in": form.text("expires_in").parse().unwrap_or(0_i64),
    });
    match place
        .ask(app, visit, "POST", "/invitations", Some(&asked))
        .await
    {
        Ok(made) => show_made(app, visit, place, &made),
        Err(error) => render(app, visit, place, &form, Faults::of(error)?).await,
    }
}

/// Makes another link for who was asked in, who has lost the first one or let it expire. The first one is good no more.
pub(super) async fn renew(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    place.authorise(Ability::ManageMembers, false)?;
    let filter = InvitationFilter {
        organisation: Some(place.organisation.id),
        id: Some(id),
        ..InvitationFilter::default()
    };
    let found = list_invitations(app, &filter, 1).await?;
    let known = found
        .into_iter()
        .next()
        .ok_or_else(|| missing("invitation"))?;
    let teams: Vec<NamedTeam> = serde_json::from_str(&known.teams).unwrap_or_default();
    let teams: Vec<_> = teams.into_iter().map(|team| team.id).collect();
    let asked = json!({"email": known.email, "role": known.role, "teams": teams});
    // The new one first: whatever fails afterwards, nobody is left without a link.
    let made = place
        .ask(app, visit, "POST", "/invitations", Some(&asked))
        .await;
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            let faults = Faults::of(error)?.besides(&[]).join(". ");
            return Ok(visit.go_back(&list(place), &faults));
        }
    };
    if known.state == "open" {
        let path = format!("/invitations/{id}");
        place.ask(app, visit, "DELETE", &path, None).await?;
    }
    show_made(app, visit, place, &made)
}

#[derive(Template)]
#[template(path = "place/people/invited.html")]
struct InvitedPage {
    shell: Shell,
    email: String,
    role: String,
    link: String,
    list: String,
}

fn show_made(app: &App, visit: &mut Visit, place: &Place, made: &Value) -> Result<Reply> {
    let text = |key: &str| {
        let text = made.get(key).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| Error::internal("a new invitation was answered without its link"))
    };
    let title = "Hand on this link";
    page_with(
        201,
        &InvitedPage {
            shell: visit.shell_at(app, Section::People, title, crumbs(place))?,
            email: text("email")?,
            role: text("role")?,
            link: text("link")?,
            list: list(place),
        },
    )
}
