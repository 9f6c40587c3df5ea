//! Members: listed, given another role, suspended, removed.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::{check_role, read_optional_role, read_role};
use crate::app::App;
use crate::domain::access::Role;
use crate::error::{Error, Result};
use crate::http::api::paging::Page;
use crate::http::api::shown::{Named, Time};
use crate::http::api::{Authorised, missing};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::members::{self as store, Member, MemberChange, MemberFilter};
use crate::store::organisations::Organisation;

/// Lists members by their addresses; `role` and `team` leave others out.
pub(super) async fn list_members(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let role = request.query_parameter("role");
    if let Some(role) = &role {
        read_role(role.clone()).map_err(|error| Error::bad_value("?role", error.to_string()))?;
    }
    let team = request.query_parameter("team");
    let page = Page::of(request)?;
    let filter = MemberFilter {
        role: role.as_deref(),
        team: team.as_deref(),
        after: page.after(),
        ..MemberFilter::default()
    };
    let mut rows = store::list_members(app, organisation.id, &filter, page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.email.clone());
    let members = rows.into_iter().map(show).collect();
    Ok(Reply::json(200, &ShownPage { members, next }))
}

/// Shows a member.
pub(super) async fn show_member(
    app: &App,
    organisation: &Organisation,
    account: &str,
) -> Result<Reply> {
    Ok(Reply::json(
        200,
        &show(find(app, organisation, account).await?),
    ))
}

async fn find(app: &App, organisation: &Organisation, account: &str) -> Result<Member> {
    store::find_member(app, organisation.id, account)
        .await?
        .ok_or_else(|| missing("member"))
}

/// A change of a member: what is absent stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "MemberChange")]
pub(crate) struct AskedChange {
    /// What she is to be.
    #[deserr(default, try_from(Option<String>) = read_optional_role -> BadValue)]
    #[schemars(with = "Option<String>")]
    role: Option<Role>,
    /// Whether she gets nothing until it is false again.
    #[deserr(default)]
    suspended: Option<bool>,
}

/// Gives a member another role, suspends her or lets her in again.
pub(super) async fn update_member(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    account: &str,
) -> Result<Reply> {
    let member = find(app, organisation, account).await?;
    let asked: AskedChange = request.json().await?;
    let from = role_of(&member)?;
    let role = asked.role.unwrap_or(from);
    check_role(caller, from)?;
    check_role(caller, role)?;
    let is_suspended = asked.suspended.unwrap_or(member.suspended_at.is_some());
    if role != from || is_suspended != member.suspended_at.is_some() {
        let change = MemberChange {
            from,
            role,
            is_suspended,
        };
        if !store::update_member(app, organisation.id, account, change).await? {
            return Err(refusal(app, organisation, account, from).await);
        }
    }
    show_member(app, organisation, account).await
}

/// Removes a member: from the teams too, and her personal tokens here end.
pub(super) async fn remove_member(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    account: &str,
) -> Result<Reply> {
    let member = find(app, organisation, account).await?;
    let role = role_of(&member)?;
    check_role(caller, role)?;
    if store::remove_member(app, organisation.id, account, role).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(refusal(app, organisation, account, role).await)
}

/// Why a change was not made that was decided on for a member with this role.
async fn refusal(app: &App, organisation: &Organisation, account: &str, decided: Role) -> Error {
    let role = match find(app, organisation, account).await {
        Ok(member) => role_of(&member),
        Err(error) => Err(error),
    };
    match role {
        Err(error) => error,
        Ok(role) if role == decided && role == Role::Owner => Error::conflict(
            "This is the last owner who is not suspended; make somebody else an owner first",
        ),
        Ok(_) => Error::conflict(
            "Somebody else changed this member at the same time; look at it and try again",
        ),
    }
}

fn role_of(member: &Member) -> Result<Role> {
    Role::parse(&member.role)
        .ok_or_else(|| Error::internal(format!("unknown role `{}`", member.role)))
}

/// A person in an organisation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(crate) struct Shown {
    /// The account's.
    id: String,
    email: String,
    name: String,
    role: String,
    suspended: bool,
    suspended_at: Option<Time>,
    /// The teams she is in.
    teams: Vec<Named>,
    created_at: Time,
}

/// A page of members.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MemberPage")]
pub(crate) struct ShownPage {
    members: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

/// A member as the API shows it.
pub(super) fn show(member: Member) -> Shown {
    Shown {
        id: member.account_id,
        email: member.email,
        name: member.name,
        role: member.role,
        suspended: member.suspended_at.is_some(),
        suspended_at: member.suspended_at.map(Time::of),
        teams: serde_json::from_str(&member.teams).unwrap_or_default(),
        created_at: Time::of(member.created_at),
    }
}
