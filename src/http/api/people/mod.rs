//! People: who is in an organisation and as what, their teams, and how others are asked in.

mod accept;
mod invitations;
mod members;
mod own;
mod teams;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Role;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::Authorised;
use crate::http::body::BadValue;
use crate::http::reply::Reply;
use crate::http::request::{Request, percent_decode};
use crate::http::route::{NoRoute, get, one_of};
use crate::store::organisations::Organisation;

// For the description of the API, which is written natively.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use accept::{Acceptance, ShownAcceptance, ShownInvitation};
pub(crate) use accept::{accept_invitation, check_open, show_invitation};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use invitations::{
    AskedInvitation, Shown as ShownSentInvitation, ShownPage as ShownInvitations,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use members::{
    AskedChange as AskedMemberChange, Shown as ShownMember, ShownPage as ShownMembers,
};
pub use own::OwnRoute;
pub(crate) use own::handle_own;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use own::{AskedChange as AskedOwnChange, Shown as ShownOwn};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use teams::{
    AskedChange as AskedTeamChange, AskedTeam, Shown as ShownTeam, ShownPage as ShownTeams,
};

/// Names of people and of teams, in bytes.
const NAME_LIMIT: usize = 200;

/// What the API has to offer of an organisation's people. The texts are ids of accounts, teams and invitations.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum PeopleRoute {
    ListMembers,
    ShowMember(String),
    UpdateMember(String),
    RemoveMember(String),
    ListTeams,
    CreateTeam,
    ShowTeam(String),
    UpdateTeam(String),
    RemoveTeam(String),
    AddToTeam(String, String),
    RemoveFromTeam(String, String),
    ListInvitations,
    Invite,
    ShowInvitation(String),
    RevokeInvitation(String),
}

impl PeopleRoute {
    /// Finds the route below `members`, `teams` or `invitations`.
    pub(crate) fn parse(method: &str, kind: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let own = |text: &str| percent_decode(text);
        match (kind, segments) {
            ("members", []) => get(method, Self::ListMembers),
            ("members", [id]) => match method {
                "GET" | "HEAD" => Ok(Self::ShowMember(own(id))),
                "PATCH" => Ok(Self::UpdateMember(own(id))),
                "DELETE" => Ok(Self::RemoveMember(own(id))),
                _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
            },
            ("teams", []) => one_of(method, Self::ListTeams, Self::CreateTeam),
            ("teams", [id]) => match method {
                "GET" | "HEAD" => Ok(Self::ShowTeam(own(id))),
                "PATCH" => Ok(Self::UpdateTeam(own(id))),
                "DELETE" => Ok(Self::RemoveTeam(own(id))),
                _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
            },
            ("teams", [id, "members", account]) => match method {
                "PUT" => Ok(Self::AddToTeam(own(id), own(account))),
                "DELETE" => Ok(Self::RemoveFromTeam(own(id), own(account))),
                _ => Err(NoRoute::MethodNotAllowed("PUT, DELETE")),
            },
            ("invitations", []) => one_of(method, Self::ListInvitations, Self::Invite),
            ("invitations", [id]) => match method {
                "GET" | "HEAD" => Ok(Self::ShowInvitation(own(id))),
                "DELETE" => Ok(Self::RevokeInvitation(own(id))),
                _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, DELETE")),
            },
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers a call about people by somebody who may manage them, or look at them.
pub(crate) async fn handle(
    app: &App,
    request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    route: PeopleRoute,
) -> Result<Reply> {
    match route {
        PeopleRoute::ListMembers => members::list_members(app, &request, organisation).await,
        PeopleRoute::ShowMember(id) => members::show_member(app, organisation, &id).await,
        PeopleRoute::UpdateMember(id) => {
            members::update_member(app, request, caller, organisation, &id).await
        }
        PeopleRoute::RemoveMember(id) => {
            members::remove_member(app, caller, organisation, &id).await
        }
        PeopleRoute::ListTeams => teams::list_teams(app, &request, organisation).await,
        PeopleRoute::CreateTeam => teams::create_team(app, request, organisation).await,
        PeopleRoute::ShowTeam(id) => teams::show_team(app, organisation, &id).await,
        PeopleRoute::UpdateTeam(id) => teams::update_team(app, request, organisation, &id).await,
        PeopleRoute::RemoveTeam(id) => teams::remove_team(app, organisation, &id).await,
        PeopleRoute::AddToTeam(id, account) => {
            teams::add_to_team(app, organisation, &id, &account).await
        }
        PeopleRoute::RemoveFromTeam(id, account) => {
            teams::remove_from_team(app, organisation, &id, &account).await
        }
        PeopleRoute::ListInvitations => {
            invitations::list_invitations(app, &request, organisation).await
        }
        PeopleRoute::Invite => invitations::invite(app, request, caller, organisation).await,
        PeopleRoute::ShowInvitation(id) => {
            invitations::show_invitation(app, organisation, &id).await
        }
        PeopleRoute::RevokeInvitation(id) => {
            invitations::revoke_invitation(app, organisation, &id).await
        }
    }
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_role(text: String) -> Result<Role, BadValue> {
    Role::parse(&text).ok_or_else(|| {
        let known: Vec<_> = Role::ALL.into_iter().map(Role::as_str).collect();
        BadValue::new(format!("`role` must be one of `{}`", known.join("`, `")))
    })
}

fn read_optional_role(text: Option<String>) -> Result<Option<Role>, BadValue> {
    text.map(read_role).transpose()
}

/// Nobody makes others mightier than himself, nor changes those who are.
fn check_role(caller: &Authorised, role: Role) -> Result<()> {
    if role.is_named_by(caller.abilities) {
        return Ok(());
    }
    let lacking = role.abilities().without(caller.abilities);
    Err(Error::new(
        ErrorKind::Forbidden,
        format!(
            "The role `{}` may more than the token that you use, which lacks `{}`",
            role.as_str(),
            lacking.names().join("`, `")
        ),
    ))
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn read_name(name: String) -> Result<String, BadValue> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.len() > NAME_LIMIT || trimmed.chars().any(char::is_control) {
        return Err(BadValue::new(format!(
            "`name` must have 1 to {NAME_LIMIT} bytes on one line"
        )));
    }
    Ok(trimmed.to_owned())
}

fn read_optional_name(name: Option<String>) -> Result<Option<String>, BadValue> {
    name.map(read_name).transpose()
}
