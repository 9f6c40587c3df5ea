//! What somebody does who was given a link. The secret comes in a header or in the body, never in an address, which logs
//! and histories keep.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::read_name;
use crate::app::App;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::token::{PlainToken, TokenHash, TokenKind, is_mistyped};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::actor::at_work;
use crate::http::api::shown::{ShownOrganisation, Time};
use crate::http::auth::{Credentials, read_credentials, refuse};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::audit::acting;
use crate::store::invitations::{self as store, Beginning, Invitation};
use crate::store::suspensions::is_suspended;

/// `GET /api/v1/invitation`: what the invitation whose secret is the bearer token is to.
pub(crate) async fn show_invitation(app: &App, request: &Request) -> Result<Reply> {
    let secret = match read_credentials(request.header("authorization").as_deref()) {
        Credentials::Token(secret) => Some(secret),
        Credentials::None | Credentials::Unreadable => None,
    };
    let invitation = find(app, request, secret).await?;
    Ok(Reply::json(
        200,
        &ShownInvitation {
            organisation: ShownOrganisation {
                slug: invitation.organisation_slug,
                name: invitation.organisation_name,
            },
            email: invitation.email,
            role: invitation.role,
            state: invitation.state,
            expires_at: Time::of(invitation.expires_at),
        },
    ))
}

/// An invitation, for whoever has its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnInvitation")]
pub(crate) struct ShownInvitation {
    organisation: ShownOrganisation,
    email: String,
    role: String,
    /// `open`, `accepted`, `revoked` or `expired`.
    state: String,
    expires_at: Time,
}

/// An invitation that was taken.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Accepted")]
pub(crate) struct ShownAcceptance {
    organisation: ShownOrganisation,
    /// The account.
    member: Option<String>,
    email: String,
    role: String,
    token_id: String,
    /// A personal token, in this answer and in no other.
    token: String,
}

/// What somebody answers who was asked in.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Acceptance")]
pub(crate) struct Acceptance {
    /// The secret of the link.
    token: String,
    /// What she wants to be called.
    #[deserr(try_from(String) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

/// `POST /api/v1/invitations/accept`: makes a member of whoever has the link, and shows her first token, once.
pub(crate) async fn accept_invitation(app: &App, mut request: Request) -> Result<Reply> {
    let asked: Acceptance = request.json().await?;
    let name = asked.name;
    let text = asked.token.trim();
    let secret = (!is_mistyped(text)).then(|| TokenHash::of(text));
    let invitation = find(app, &request, secret.clone()).await?;
    let secret = secret.ok_or_else(unknown)?;
    check_open(&invitation)?;
    if is_suspended(app, invitation.organisation_id).await? {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "The organisation is suspended, so nobody can join it now; open the link again when that is over",
        )
        .with_code(Code::OrganisationSuspended));
    }
    let token = PlainToken::generate(TokenKind::Personal, |buffer| app.entropy.fill(buffer))?;
    let beginning = Beginning {
        account: &app.random_id()?,
        token_id: &app.random_id()?,
        name: &name,
        token_name: "first token",
    };
    // Whoever has the link is who was asked in: more is not known of her.
    let actor = Actor::new(ActorKind::Person, None, &invitation.email);
    let app = &acting(app, at_work(&request, actor));
    if !store::accept_invitation(app, &secret, &beginning, &token).await? {
        check_open(&find(app, &request, Some(secret)).await?)?;
        return Err(Error::conflict(
            "You are a member already, and not as this invitation says; ask for another one",
        ));
    }
    let member = store::find_by_secret(app, &secret)
        .await?
        .and_then(|accepted| accepted.account_id);
    Ok(Reply::json(
        201,
        &ShownAcceptance {
            organisation: ShownOrganisation {
                slug: invitation.organisation_slug,
                name: invitation.organisation_name,
            },
            member,
            email: invitation.email,
            role: invitation.role,
            token_id: beginning.token_id.to_owned(),
            token: token.reveal().to_owned(),
        },
    ))
}

async fn find(app: &App, request: &Request, secret: Option<TokenHash>) -> Result<Invitation> {
    let found = match &secret {
        Some(secret) => store::find_by_secret(app, secret).await?,
        None => None,
    };
    match found {
        Some(invitation) => Ok(invitation),
        None => Err(refuse(app, request, unknown()).await),
    }
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "There is no such invitation: open the whole link again, or ask for another one",
    )
}

pub(crate) fn check_open(invitation: &Invitation) -> Result<()> {
    Err(Error::conflict(match invitation.state.as_str() {
        "open" => return Ok(()),
        "accepted" => {
            "This invitation was used already; if it was not by you, tell whoever sent it"
        }
        "revoked" => "This invitation was withdrawn; ask for another one",
        _ => "This invitation has expired; ask for another one",
    })
    .with_code(Code::Ended))
}
