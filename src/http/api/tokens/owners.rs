//! The tokens of the instance's owner, for nobody else to know of.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::terms::{Moment, read_name};
use crate::app::App;
use crate::domain::access::{Abilities, Principal};
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::api::is_owner;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::OwnerTokensRoute;
use crate::store::tokens::{self as store, Holder, OwnerTokenRow, TokenTerms, insert_token_stmt};

/// A token for the owner of the instance.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewOwnerToken")]
pub(crate) struct AskedByOwner {
    /// What it is for, so that people know.
    #[deserr(try_from(String) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// When it ends, in RFC 3339; never without it.
    #[deserr(default)]
    expires_at: Option<Moment>,
}

/// A token of the instance's owner.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnerToken")]
pub(crate) struct Shown {
    id: String,
    name: String,
    /// Its first nine characters.
    hint: String,
    /// The token itself, in the answer that made it and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    created_at: Time,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
    last_used_at: Option<Time>,
}

/// All tokens of the instance's owner.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnerTokens")]
pub(crate) struct ShownList {
    tokens: Vec<Shown>,
}

/// Answers what the owner asks of the tokens that may do everything everywhere.
pub(crate) async fn handle_owners(
    app: &App,
    mut request: Request,
    principal: &Principal,
    route: OwnerTokensRoute,
) -> Result<Reply> {
    if !is_owner(principal) {
        return Err(Error::not_found("The API has nothing at this address"));
    }
    match route {
        OwnerTokensRoute::List => {
            // All of them: D1 takes numbers up to 2^53.
            let tokens = store::list_owner_tokens(app, None, None, i64::MAX >> 11).await?;
            let tokens = tokens.into_iter().map(show).collect();
            Ok(Reply::json(200, &ShownList { tokens }))
        }
        OwnerTokensRoute::Create => {
            let asked: AskedByOwner = request.json().await?;
            create(app, asked).await
        }
        OwnerTokensRoute::Revoke(id) => {
            if store::revoke_owner_token(app, &id, &principal.token).await? {
                return Ok(Reply::empty(204, CachePolicy::NoStore));
            }
            if id == principal.token {
                return Err(Error::conflict(
                    "This is the token that you use; revoke it with another one, so that you cannot lock yourself out",
                ));
            }
            Err(Error::not_found("No such token of the instance's owner"))
        }
    }
}

async fn create(app: &App, asked: AskedByOwner) -> Result<Reply> {
    let expires_at = asked.expires_at.map(Moment::seconds);
    if expires_at.is_some_and(|end| end <= app.now()) {
        return Err(Error::bad_value(
            "/expires_at",
            "`expires_at` is in the past",
        ));
    }
    let token = PlainToken::generate(TokenKind::Admin, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let terms = TokenTerms {
        name: asked.name.trim().to_owned(),
        abilities: Abilities::all(),
        repositories: None,
        packages: None,
        networks: None,
        only_granted: false,
        expires_at,
    };
    let now = app.now();
    app.db
        .rows(insert_token_stmt(
            &id,
            None,
            Holder::Machine,
            &terms,
            &token,
            now,
        ))
        .await?;
    app.memo.principals.forget(token.hash().as_str());
    Ok(Reply::json(
        201,
        &Shown {
            id,
            name: terms.name,
            hint: token.hint(),
            token: Some(token.reveal().to_owned()),
            created_at: Time::of(now),
            expires_at: expires_at.map(Time::of),
            revoked_at: None,
            last_used_at: None,
        },
    ))
}

fn show(row: OwnerTokenRow) -> Shown {
    Shown {
        id: row.id,
        name: row.name,
        hint: row.hint,
        token: None,
        created_at: Time::of(row.created_at),
        expires_at: row.expires_at.map(Time::of),
        revoked_at: row.revoked_at.map(Time::of),
        last_used_at: row.last_used_at.map(Time::of),
    }
}
