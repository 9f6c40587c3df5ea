//! People: who is in the organisation and as what, who was asked in, and teams. The API decides, validates and audits.

mod invitations;
mod invite;
mod member;
mod members;
mod team;
mod teams;

use serde::Deserialize;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Role, Subject};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::field::Choice;
use crate::http::web::place::grants::{self, GrantRoute};
use crate::http::web::route::Act;
use crate::http::web::shell::Crumb;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;

/// What is looked at or done about people. A text is the id of an account, an invitation or a team.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PeoplePage {
    /// `…/people`.
    Members,
    /// `…/people/{account}`.
    Member(String),
    /// `…/people/{account}/change`: another role, suspended or not.
    ChangeMember(String),
    /// `…/people/{account}/remove`: asks, and removes.
    RemoveMember(String, Act),
    /// `…/people/invitations`.
    Invitations,
    /// `…/people/invite`.
    Invite(Act),
    /// `…/people/invitations/{id}/withdraw`.
    Withdraw(String),
    /// `…/people/invitations/{id}/renew`: another link in place of one that was lost.
    Renew(String),
    /// `…/people/teams`: the list, and makes one.
    Teams(Act),
    /// `…/people/teams/{id}`: the team, and renames it.
    Team(String, Act),
    /// `…/people/teams/{id}/join`: puts a member into it.
    Join(String),
    /// `…/people/teams/{id}/leave`: takes one out.
    Leave(String),
    /// `…/people/teams/{id}/grants/…`: what it was given to see.
    Grants(String, GrantRoute),
    /// `…/people/teams/{id}/delete`: asks, and deletes.
    DeleteTeam(String, Act),
}

impl PeoplePage {
    /// Finds the page below `people`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let own = |text: &str| percent_decode(text);
        let post = |page| only(method, "POST", page);
        match segments {
            [] => get(method, Self::Members),
            ["invitations"] => get(method, Self::Invitations),
            ["invite"] => Act::of(method).map(Self::Invite),
            ["invitations", id, "withdraw"] => post(Self::Withdraw(own(id))),
            ["invitations", id, "renew"] => post(Self::Renew(own(id))),
            ["teams"] => Act::of(method).map(Self::Teams),
            ["teams", id] => Act::of(method).map(|act| Self::Team(own(id), act)),
            ["teams", id, "join"] => post(Self::Join(own(id))),
            ["teams", id, "leave"] => post(Self::Leave(own(id))),
            ["teams", id, "grants", rest @ ..] => {
                GrantRoute::parse(method, rest).map(|route| Self::Grants(own(id), route))
            }
            ["teams", id, "delete"] => Act::of(method).map(|act| Self::DeleteTeam(own(id), act)),
            [account] => get(method, Self::Member(own(account))),
            [account, "change"] => post(Self::ChangeMember(own(account))),
            [account, "remove"] => Act::of(method).map(|act| Self::RemoveMember(own(account), act)),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page about people.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    page: PeoplePage,
) -> Result<Reply> {
    match page {
        PeoplePage::Members => members::show(app, visit, place).await,
        PeoplePage::Member(id) => member::show(app, visit, place, &id).await,
        PeoplePage::ChangeMember(id) => member::change(app, visit, place, &id).await,
        PeoplePage::RemoveMember(id, Act::Look) => member::ask(app, visit, place, &id).await,
        PeoplePage::RemoveMember(id, Act::Send) => member::remove(app, visit, place, &id).await,
        PeoplePage::Invitations => invitations::show(app, visit, place).await,
        PeoplePage::Invite(Act::Look) => invite::show(app, visit, place).await,
        PeoplePage::Invite(Act::Send) => invite::send(app, visit, place).await,
        PeoplePage::Withdraw(id) => invitations::withdraw(app, visit, place, &id).await,
        PeoplePage::Renew(id) => invite::renew(app, visit, place, &id).await,
        PeoplePage::Teams(Act::Look) => teams::show(app, visit, place).await,
        PeoplePage::Teams(Act::Send) => teams::make(app, visit, place).await,
        PeoplePage::Team(id, Act::Look) => team::show(app, visit, place, &id).await,
        PeoplePage::Team(id, Act::Send) => team::rename(app, visit, place, &id).await,
        PeoplePage::Join(id) => team::join(app, visit, place, &id).await,
        PeoplePage::Leave(id) => team::leave(app, visit, place, &id).await,
        PeoplePage::Grants(id, route) => {
            grants::handle(app, visit, place, Subject::Team(id), route).await
        }
        PeoplePage::DeleteTeam(id, Act::Look) => team::ask(app, visit, place, &id).await,
        PeoplePage::DeleteTeam(id, Act::Send) => team::delete(app, visit, place, &id).await,
    }
}

/// Where the list of members is.
fn address(place: &Place) -> String {
    format!("/ui/{}/people", place.organisation.slug)
}

/// Where the page of a team is.
pub(super) fn team_address(place: &Place, id: &str) -> String {
    format!("{}/{}", teams::list(place), encoded(id))
}

/// The pages above that of a team.
pub(super) fn team_crumbs(place: &Place) -> Vec<Crumb> {
    vec![
        Crumb::new("People", address(place)),
        Crumb::new("Teams", teams::list(place)),
    ]
}

/// A way to one of the three lists.
struct Tab {
    href: String,
    label: &'static str,
    is_current: bool,
}

fn tabs(place: &Place, current: &str) -> Vec<Tab> {
    let people = address(place);
    [
        ("", "Members"),
        ("/invitations", "Invitations"),
        ("/teams", "Teams"),
    ]
    .into_iter()
    .map(|(below, label)| Tab {
        href: format!("{people}{below}"),
        label,
        is_current: label == current,
    })
    .collect()
}

/// The roles that the visitor may make somebody.
fn roles(place: &Place, chosen: &str) -> Vec<Choice> {
    Role::ALL
        .into_iter()
        .rev()
        .filter(|role| role.is_named_by(place.principal.abilities))
        .map(|role| Choice::new(role.as_str(), in_words(role), chosen))
        .collect()
}

fn in_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner: everything, also what cannot be undone",
        Role::Admin => "Admin: everything else",
        Role::Maintainer => "Maintainer: packages and connections, uploads",
        Role::Member => "Member: installs what her teams were given",
        Role::Auditor => "Auditor: reads all settings and the audit log, installs nothing",
    }
}

/// A team as lists of it are stored.
#[derive(Deserialize)]
struct NamedTeam {
    id: String,
    name: String,
}

/// A team that is led to.
struct TeamLink {
    href: String,
    name: String,
}

fn team_links(place: &Place, teams: &str) -> Vec<TeamLink> {
    let teams: Vec<NamedTeam> = serde_json::from_str(teams).unwrap_or_default();
    teams
        .into_iter()
        .map(|team| TeamLink {
            href: format!("{}/teams/{}", address(place), team.id),
            name: team.name,
        })
        .collect()
}
