//! One team: its name, who is in it, and what it was given to see.

use askama::Template;
use serde_json::{Value, json};

use super::members::ShownMember;
use super::teams::list;
use super::{address, team_address, team_crumbs};
use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::lead_on;
use crate::http::web::page::{page, page_with};
use crate::http::web::place::grants::ShownGrants;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::members::{MemberFilter, list_members};
use crate::store::teams::{find_team, load_whole_team};

/// So many members are shown; the list of people has them all.
const SHOWN: i64 = 100;
/// What is typed on the page, and may be wrong.
const FIELDS: [&str; 3] = ["name", "description", "email"];

#[derive(Template)]
#[template(path = "place/people/team.html")]
struct TeamPage {
    shell: Shell,
    address: String,
    /// All of its members, in the list of people, where there are more than are shown.
    everybody: Option<String>,
    count: i64,
    members: Vec<ShownMember>,
    may_change: bool,
    may_grant: bool,
    /// None for who may not see them.
    grants: Option<ShownGrants>,
    name: Field,
    description: Field,
    email: Field,
    faults: Vec<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, true)?;
    render(app, visit, place, id, None).await
}

/// The page, with what somebody typed into one of its forms and what is wrong with it.
async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    typed: Option<(&Form, Faults)>,
) -> Result<Reply> {
    let cut = ShownGrants::cut(visit)?;
    let after = cut.after_moment();
    let organisation = place.organisation.id;
    let found = load_whole_team(app, organisation, id, SHOWN, after, cut.rows()).await?;
    let whole = found.ok_or_else(|| missing("team"))?;
    let fill = |field: Field| match &typed {
        Some((form, faults)) if form.is_ticked(field.name) => field.typed(form, faults),
        _ => field,
    };
    let here = team_address(place, id);
    let crumbs = team_crumbs(place);
    let team = whole.team;
    let grants = place
        .may_read(Ability::ManageCustomers)
        .then(|| ShownGrants::of(app, place, &here, &cut, whole.grants));
    let shown = TeamPage {
        shell: visit.shell_at(app, Section::People, &team.name, crumbs)?,
        everybody: (team.members > SHOWN).then(|| format!("{}?team={id}", address(place))),
        count: team.members,
        members: whole
            .members
            .into_iter()
            .map(|member| ShownMember::of(place, member))
            .collect(),
        may_change: place.may(Ability::ManageMembers),
        may_grant: place.may(Ability::ManageCustomers),
        grants: grants.transpose()?,
        name: fill(Field::text("name", "Name").value(&team.name)),
        description: fill(
            Field::text("description", "Description")
                .optional()
                .value(team.description.unwrap_or_default()),
        ),
        email: fill(
            Field {
                autocomplete: "off",
                ..Field::email("email", "E-mail of a member")
            }
            .hint("Who is no member yet can be invited into the team"),
        ),
        faults: typed
            .as_ref()
            .map(|(_, faults)| faults.besides(&FIELDS))
            .unwrap_or_default(),
        address: here,
    };
    page_with(if typed.is_some() { 422 } else { 200 }, &shown)
}

/// Where to after a form of the page: to the page, or back to the form with what is wrong.
async fn go_on(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    form: &Form,
    answer: Result<Value>,
    said: &str,
) -> Result<Reply> {
    match answer {
        Ok(_) => Ok(visit.go_on(&team_address(place, id), said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, id, Some((form, faults))).await
        }
    }
}

/// Gives the team another name or description.
pub(super) async fn rename(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = json!({
        "name": form.text("name"),
        "description": form.optional("description"),
    });
    let path = format!("/teams/{id}");
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    go_on(app, visit, place, id, &form, answer, "The team is changed").await
}

/// Puts a member into the team, by her address.
pub(super) async fn join(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManageMembers, false)?;
    let email = form.text("email").to_lowercase();
    let filter = MemberFilter {
        email: Some(&email),
        ..MemberFilter::default()
    };
    let found = list_members(app, place.organisation.id, &filter, 1).await?;
    let answer = match found.first() {
        Some(member) => {
            let path = format!("/teams/{id}/members/{}", member.account_id);
            place.ask(app, visit, "PUT", &path, None).await
        }
        None => Err(Error::bad_value(
            "/email",
            "There is no member with this address; invite her, and tick the team there",
        )),
    };
    go_on(app, visit, place, id, &form, answer, "She is in the team").await
}

/// Takes a member out of the team.
pub(super) async fn leave(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let path = format!("/teams/{id}/members/{}", form.text("account"));
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let to = team_address(place, id);
    lead_on(visit, &to, answer, "She is in the team no more")
}

/// Asks whether the team is to be deleted.
pub(super) async fn ask(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, false)?;
    let found = find_team(app, place.organisation.id, id).await?;
    let team = found.ok_or_else(|| missing("team"))?;
    let here = team_address(place, id);
    let mut crumbs = team_crumbs(place);
    crumbs.push(Crumb::new(&team.name, here.clone()));
    let title = format!("Delete the team {}?", team.name);
    page(&AskTwice {
        shell: visit.shell_at(app, Section::People, &title, crumbs)?,
        consequences: vec![
            format!(
                "What was granted to it is taken back; who saw packages by it alone sees them no more. It has {} members.",
                team.members
            ),
            "They stay in the organisation.".to_owned(),
        ],
        action: format!("{here}/delete"),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Delete the team".to_owned(),
        back: here,
    })
}

/// Deletes the team.
pub(super) async fn delete(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/teams/{id}");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let to = list(place);
    lead_on(visit, &to, answer, "The team is deleted")
}
