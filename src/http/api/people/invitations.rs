//! Invitations: a link is made, listed, withdrawn. The link is handed on by whoever asked for it; nothing is mailed.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::{check_role, read_role};
use crate::app::App;
use crate::domain::access::Role;
use crate::domain::email::Email;
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::api::paging::Page;
use crate::http::api::shown::{Named, Time};
use crate::http::api::{Authorised, missing};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::invitations::{self as store, Invitation, InvitationFilter, NewInvitation};
use crate::store::members::{MemberFilter, list_members};
use crate::store::organisations::Organisation;
use crate::store::teams::find_team;

/// Seconds an invitation is good for: at least, unless somebody says otherwise, and at most.
const SHORTEST: i64 = 3_600;
const USUAL: i64 = 7 * 86_400;
const LONGEST: i64 = 30 * 86_400;
/// Teams in one invitation.
const TEAMS: usize = 20;

/// Somebody to be asked in.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewInvitation")]
pub(crate) struct AskedInvitation {
    /// Her e-mail address; capitals do not count.
    #[deserr(try_from(String) = read_email -> BadValue)]
    #[schemars(with = "String")]
    email: Email,
    /// What she is to be.
    #[deserr(try_from(String) = read_role -> BadValue)]
    #[schemars(with = "String")]
    role: Role,
    /// The ids of teams she is to be in.
    #[deserr(default)]
    teams: Vec<String>,
    /// For how many seconds it can be accepted.
    #[deserr(default = USUAL, try_from(i64) = check_seconds -> BadValue)]
    #[schemars(range(min = 3600, max = 2_592_000), extend("default" = USUAL))]
    expires_in: i64,
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_email(text: String) -> Result<Email, BadValue> {
    Email::parse(&text).map_err(|error| BadValue::new(error.to_string()))
}

fn check_seconds(seconds: i64) -> Result<i64, BadValue> {
    if (SHORTEST..=LONGEST).contains(&seconds) {
        return Ok(seconds);
    }
    Err(BadValue::new(format!(
        "`expires_in` must be a number of seconds from {SHORTEST} (an hour) to {LONGEST} (30 days)"
    )))
}

/// Makes a link that lets whoever has it become a member. Its secret stands in the fragment, which no browser sends and
/// no server logs.
pub(super) async fn invite(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: AskedInvitation = request.json().await?;
    let (email, role, teams) = (asked.email, asked.role, asked.teams);
    check_role(caller, role)?;
    if teams.len() > TEAMS {
        return Err(Error::bad_value(
            "/teams",
            format!("`teams` may have at most {TEAMS} entries"),
        ));
    }
    for (index, team) in teams.iter().enumerate() {
        if find_team(app, organisation.id, team).await?.is_none() {
            return Err(Error::bad_value(
                format!("/teams/{index}"),
                format!("`teams` names `{team}`, which is the id of no team of this organisation"),
            ));
        }
    }
    check_member(app, organisation, &email, role.as_str()).await?;
    let secret = PlainToken::generate(TokenKind::Invitation, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let new = NewInvitation {
        id: &id,
        organisation: organisation.id,
        email: &email,
        role,
        teams: serde_json::to_string(&teams).map_err(Error::internal)?,
        expires_at: app.now().saturating_add(asked.expires_in),
    };
    store::insert_invitation(app, &new, &secret).await?;
    let mut shown = show(find(app, organisation, &id).await?);
    let address = &app.config.public_url;
    shown.link = Some(format!("{address}/ui/invitation#{}", secret.reveal()));
    shown.token = Some(secret.reveal().to_owned());
    Ok(Reply::json(201, &shown))
}

/// Who is a member already can be asked in again as what she is: that gives her a new first token, when she lost hers.
async fn check_member(
    app: &App,
    organisation: &Organisation,
    email: &Email,
    role: &str,
) -> Result<()> {
    let filter = MemberFilter {
        email: Some(email.as_str()),
        ..MemberFilter::default()
    };
    let found = list_members(app, organisation.id, &filter, 1).await?;
    match found.first() {
        Some(member) if member.suspended_at.is_some() => Err(Error::conflict(format!(
            "`{email}` is a member and suspended; let her in again at `members/{}`",
            member.account_id
        ))),
        Some(member) if member.role != role => Err(Error::conflict(format!(
            "`{email}` is a member already, as `{}`; change the role at `members/{}`, or invite with that role to replace \
             a lost token",
            member.role, member.account_id
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Lists invitations, newest first, without their secrets.
pub(super) async fn list_invitations(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let filter = InvitationFilter {
        organisation: Some(organisation.id),
        after: page.after(),
        ..InvitationFilter::default()
    };
    let mut rows = store::list_invitations(app, &filter, page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.id.clone());
    let invitations = rows.into_iter().map(show).collect();
    Ok(Reply::json(200, &ShownPage { invitations, next }))
}

async fn find(app: &App, organisation: &Organisation, id: &str) -> Result<Invitation> {
    let filter = InvitationFilter {
        organisation: Some(organisation.id),
        id: Some(id),
        ..InvitationFilter::default()
    };
    store::list_invitations(app, &filter, 1)
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| missing("invitation"))
}

/// Shows an invitation, without its secret.
pub(super) async fn show_invitation(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    Ok(Reply::json(200, &show(find(app, organisation, id).await?)))
}

/// Withdraws an open invitation.
pub(super) async fn revoke_invitation(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    if store::revoke_invitation(app, organisation.id, id).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(missing("open invitation"))
}

/// An invitation, for those who manage people.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
pub(crate) struct Shown {
    id: String,
    email: String,
    role: String,
    teams: Vec<Named>,
    /// `open`, `accepted`, `revoked` or `expired`.
    state: String,
    created_at: Time,
    expires_at: Time,
    accepted_at: Option<Time>,
    revoked_at: Option<Time>,
    /// The account of who accepted it.
    member: Option<String>,
    /// What to hand on, in the answer that made it and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The secret in the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A page of invitations.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InvitationPage")]
pub(crate) struct ShownPage {
    invitations: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

/// An invitation as the API shows it to those who manage people.
fn show(invitation: Invitation) -> Shown {
    Shown {
        id: invitation.id,
        email: invitation.email,
        role: invitation.role,
        teams: serde_json::from_str(&invitation.teams).unwrap_or_default(),
        state: invitation.state,
        created_at: Time::of(invitation.created_at),
        expires_at: Time::of(invitation.expires_at),
        accepted_at: invitation.accepted_at.map(Time::of),
        revoked_at: invitation.revoked_at.map(Time::of),
        member: invitation.account_id,
        link: None,
        token: None,
    }
}
