//! Tokens: made, listed, revoked. A token is shown once.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::{Access, Principal};
use crate::domain::name::NameGlob;
use crate::domain::time::{parse_rfc3339, rfc3339};
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::api::{is_owner, missing};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::OwnerTokensRoute;
use crate::store::organisations::Organisation;
use crate::store::repositories::list_repositories;
use crate::store::tokens::{self as store, NewToken, TokenRow, insert_token_stmt};

/// Names are for people.
const NAME_LIMIT: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    access: String,
    repositories: Option<Vec<String>>,
    packages: Option<Vec<String>>,
    expires_at: Option<String>,
}

/// Makes a token and shows it, once.
pub async fn create_token(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    if asked.name.trim().is_empty() || asked.name.len() > NAME_LIMIT {
        return Err(Error::invalid(
            "A token needs a `name` of 1 to 200 bytes, so that people know what it is for",
        ));
    }
    let access = Access::parse(&asked.access)
        .ok_or_else(|| Error::invalid("`access` must be `read`, `write` or `admin`"))?;
    if access == Access::Admin && (asked.repositories.is_some() || asked.packages.is_some()) {
        return Err(Error::invalid(
            "A token with `admin` access cannot be limited to repositories or packages: it could make others without limits",
        ));
    }
    let repositories = check_repositories(app, organisation, asked.repositories).await?;
    let packages = check_packages(asked.packages)?;
    let expires_at = asked
        .expires_at
        .map(|text| check_expiry(app, &text))
        .transpose()?;
    let token = PlainToken::generate(TokenKind::Deploy, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let new = NewToken {
        id: &id,
        organisation: Some(organisation.id),
        name: asked.name.trim(),
        access,
        repositories: to_text(repositories.as_ref())?,
        packages: to_text(packages.as_ref())?,
        expires_at,
    };
    app.db
        .rows(insert_token_stmt(&new, &token, app.now()))
        .await?;
    app.memo.principals.forget(token.hash().as_str());
    Ok(Reply::json(
        201,
        &json!({
            "id": id,
            "name": new.name,
            "token": token.reveal(),
            "access": access.as_str(),
            "repositories": repositories,
            "packages": packages,
            "expires_at": expires_at.map(rfc3339),
            "created_at": rfc3339(app.now()),
        }),
    ))
}

/// Lists tokens, without the tokens themselves.
pub async fn list_tokens(app: &App, organisation: &Organisation) -> Result<Reply> {
    let tokens: Vec<_> = store::list_tokens(app, organisation.id)
        .await?
        .into_iter()
        .map(show)
        .collect();
    Ok(Reply::json(200, &json!({ "tokens": tokens })))
}

/// Revokes a token; within ten seconds it is refused everywhere.
pub async fn revoke_token(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    if store::revoke_token(app, organisation.id, id).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("token"))
    }
}

/// The tokens of the instance's owner, for nobody else to know of.
pub(super) async fn handle_owners(
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
            let tokens = store::list_owner_tokens(app).await?;
            let tokens: Vec<_> = tokens.into_iter().map(show).collect();
            Ok(Reply::json(200, &json!({ "tokens": tokens })))
        }
        OwnerTokensRoute::Create => {
            let asked: AskedByOwner = request.json().await?;
            create_owner_token(app, asked).await
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedByOwner {
    name: String,
    expires_at: Option<String>,
}

async fn create_owner_token(app: &App, asked: AskedByOwner) -> Result<Reply> {
    let name = asked.name.trim();
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(Error::invalid(
            "A token needs a `name` of 1 to 200 bytes, so that people know what it is for",
        ));
    }
    let expires_at = asked
        .expires_at
        .as_deref()
        .map(|text| check_expiry(app, text))
        .transpose()?;
    let token = PlainToken::generate(TokenKind::Admin, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let new = NewToken {
        id: &id,
        organisation: None,
        name,
        access: Access::Admin,
        repositories: None,
        packages: None,
        expires_at,
    };
    app.db
        .rows(insert_token_stmt(&new, &token, app.now()))
        .await?;
    app.memo.principals.forget(token.hash().as_str());
    Ok(Reply::json(
        201,
        &json!({
            "id": id,
            "name": name,
            "token": token.reveal(),
            "access": Access::Admin.as_str(),
            "expires_at": expires_at.map(rfc3339),
            "created_at": rfc3339(app.now()),
        }),
    ))
}

async fn check_repositories(
    app: &App,
    organisation: &Organisation,
    asked: Option<Vec<String>>,
) -> Result<Option<Vec<String>>> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    let known = list_repositories(app, organisation.id).await?;
    for slug in &asked {
        if !known.iter().any(|repository| repository.slug == *slug) {
            return Err(Error::invalid(format!(
                "`repositories` names `{slug}`, which this organisation does not have"
            )));
        }
    }
    Ok(Some(asked))
}

fn check_packages(asked: Option<Vec<String>>) -> Result<Option<Vec<NameGlob>>> {
    asked
        .map(|globs| {
            globs
                .iter()
                .map(|glob| {
                    NameGlob::parse(glob).map_err(|error| Error::invalid(error.to_string()))
                })
                .collect()
        })
        .transpose()
}

fn check_expiry(app: &App, text: &str) -> Result<i64> {
    let end = parse_rfc3339(text).ok_or_else(|| {
        Error::invalid("`expires_at` must be a time such as `2027-01-31T12:00:00Z`")
    })?;
    if end <= app.now() {
        return Err(Error::invalid("`expires_at` is in the past"));
    }
    Ok(end)
}

fn to_text(list: Option<&impl serde::Serialize>) -> Result<Option<String>> {
    list.map(|list| serde_json::to_string(list).map_err(Error::internal))
        .transpose()
}

fn show(row: TokenRow) -> Value {
    let list = |text: Option<String>| -> Value {
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Value::Null)
    };
    json!({
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "access": row.access,
        "repositories": list(row.repositories),
        "packages": list(row.packages),
        "created_at": rfc3339(row.created_at),
        "expires_at": row.expires_at.map(rfc3339),
        "revoked_at": row.revoked_at.map(rfc3339),
    })
}
