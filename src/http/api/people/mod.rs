//! People: who is in an organisation and as what, their teams, and how others are asked in.

mod accept;
mod invitations;
mod members;
mod teams;

use crate::app::App;
use crate::domain::access::Role;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::Authorised;
use crate::http::reply::Reply;
use crate::http::request::{Request, percent_decode};
use crate::http::route::{NoRoute, get, one_of, only};
use crate::store::organisations::Organisation;

pub(crate) use accept::{accept_invitation, show_invitation};

/// Names of people and of teams, in bytes.
const NAME_LIMIT: usize = 200;

/// What the API has to offer of an organisation's people. The texts are ids of accounts, teams and invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
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
            ("invitations", [id]) => only(method, "DELETE", Self::RevokeInvitation(own(id))),
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
        PeopleRoute::RevokeInvitation(id) => {
            invitations::revoke_invitation(app, organisation, &id).await
        }
    }
}

fn read_role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| {
        let known: Vec<_> = Role::ALL.into_iter().map(Role::as_str).collect();
        Error::invalid(format!("`role` must be one of `{}`", known.join("`, `")))
    })
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

fn read_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "`name` must have 1 to {NAME_LIMIT} bytes on one line"
        )));
    }
    Ok(name.to_owned())
}

/// One page of rows, of which one too many was looked for, and the key of its last row if there is another page.
fn cut<T>(rows: &mut Vec<T>, key: impl FnOnce(&T) -> String) -> Option<String> {
    let page = usize::try_from(crate::http::api::PAGE).unwrap_or(usize::MAX);
    if rows.len() <= page {
        return None;
    }
    rows.truncate(page);
    rows.last().map(key)
}

/// How many rows to look for.
const ROWS: i64 = crate::http::api::PAGE.saturating_add(1);
