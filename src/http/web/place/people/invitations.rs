//! The list of invitations.

use askama::Template;

use super::{Tab, TeamLink, address, tabs, team_links};
use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::lists::lead_on;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::invitations::{InvitationFilter, list_invitations};

struct ShownInvitation {
    email: String,
    role: String,
    teams: Vec<TeamLink>,
    state: String,
    made: Moment,
    ends: Moment,
    /// Where it is withdrawn and had anew.
    address: String,
    is_open: bool,
    /// Whether another link makes sense.
    is_renewable: bool,
}

#[derive(Template)]
#[template(path = "place/people/invitations.html")]
struct InvitationsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    people: String,
    may_change: bool,
    invitations: Vec<ShownInvitation>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) fn list(place: &Place) -> String {
    format!("{}/invitations", address(place))
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, true)?;
    let at = Page::of(&visit.request)?;
    let filter = InvitationFilter {
        organisation: Some(place.organisation.id),
        after: at.after(),
        ..InvitationFilter::default()
    };
    let mut rows = list_invitations(app, &filter, at.rows()).await?;
    let next = at.cut(&mut rows, |row| row.id.clone());
    let here = list(place);
    let invitations = rows
        .into_iter()
        .map(|row| ShownInvitation {
            address: format!("{here}/{}", row.id),
            teams: team_links(place, &row.teams),
            is_open: row.state == "open",
            is_renewable: row.state != "accepted",
            email: row.email,
            role: row.role,
            state: row.state,
            made: Moment::of(row.created_at),
            ends: Moment::of(row.expires_at),
        })
        .collect();
    page(&InvitationsPage {
        shell: visit.shell_at(app, Section::People, "Invitations", Vec::new())?,
        tabs: tabs(place, "Invitations"),
        people: address(place),
        may_change: place.may(Ability::ManageMembers),
        invitations,
        first: at.after().map(|_| here.clone()),
        next: next.map(|cursor| with_query(&here, &[("cursor", &cursor)])),
    })
}

/// Withdraws an open invitation.
pub(super) async fn withdraw(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/invitations/{id}");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let to = list(place);
    lead_on(
        visit,
        &to,
        answer,
        "The invitation is withdrawn: its link is good no more",
    )
}
