//! Tokens: made, listed, revoked. A token is shown once.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Access;
use crate::domain::name::NameGlob;
use crate::domain::time::parse_rfc3339;
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::organisations::Organisation;
use crate::store::repositories::list_repositories;
use crate::store::tokens::{self as store, NewToken, TokenRow, insert_token_stmt};

/// Names are for people.
const NAME_LIMIT: usize = 200;

/// A token to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewToken")]
pub(crate) struct Asked {
    /// What it is for, so that people know.
    #[deserr(try_from(String) = check_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// How much it may do.
    #[deserr(try_from(&String) = read_access -> BadValue)]
    access: Access,
    /// The slugs of the repositories it is limited to; all without it.
    #[deserr(default)]
    repositories: Option<Vec<String>>,
    /// The packages it is limited to, as patterns such as `acme/*`; all without it.
    #[deserr(default)]
    packages: Option<Vec<NameGlob>>,
    /// When it ends, in RFC 3339; never without it.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<i64>,
}

fn check_name(name: String) -> Result<String, BadValue> {
    if name.trim().is_empty() || name.len() > NAME_LIMIT {
        return Err(BadValue::new(
            "A token needs a `name` of 1 to 200 bytes, so that people know what it is for",
        ));
    }
    Ok(name)
}

fn read_access(text: &str) -> Result<Access, BadValue> {
    Access::parse(text).ok_or_else(|| BadValue::new("`access` must be `read`, `write` or `admin`"))
}

fn read_time(text: Option<String>) -> Result<Option<i64>, BadValue> {
    text.map(|text| {
        parse_rfc3339(&text).ok_or_else(|| {
            BadValue::new("`expires_at` must be a time such as `2027-01-31T12:00:00Z`")
        })
    })
    .transpose()
}

/// Makes a token and shows it, once.
pub async fn create_token(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let access = asked.access;
    if access == Access::Admin && (asked.repositories.is_some() || asked.packages.is_some()) {
        return Err(Error::bad_value(
            "/access",
            "A token with `admin` access cannot be limited to repositories or packages: it could make others without limits",
        ));
    }
    let repositories = check_repositories(app, organisation, asked.repositories).await?;
    let (packages, expires_at) = (asked.packages, asked.expires_at);
    if expires_at.is_some_and(|end| end <= app.now()) {
        return Err(Error::bad_value(
            "/expires_at",
            "`expires_at` is in the past",
        ));
    }
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
        &Made {
            name: new.name.to_owned(),
            token: token.reveal().to_owned(),
            access,
            expires_at: expires_at.map(Time::of),
            created_at: Time::of(app.now()),
            id,
            repositories,
            packages,
        },
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

/// Shows a token, without the token itself.
pub async fn show_token(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let row = store::find_token(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("token"))?;
    Ok(Reply::json(200, &show(row)))
}

/// Revokes a token; within ten seconds it is refused everywhere.
pub async fn revoke_token(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    if store::revoke_token(app, organisation.id, id).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("token"))
    }
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
    for (index, slug) in asked.iter().enumerate() {
        if !known.iter().any(|repository| repository.slug == *slug) {
            return Err(Error::bad_value(
                format!("/repositories/{index}"),
                format!("`repositories` names `{slug}`, which this organisation does not have"),
            ));
        }
    }
    Ok(Some(asked))
}

fn to_text(list: Option<&impl serde::Serialize>) -> Result<Option<String>> {
    list.map(|list| serde_json::to_string(list).map_err(Error::internal))
        .transpose()
}

/// A new token, shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewTokenShown")]
pub(crate) struct Made {
    id: String,
    name: String,
    /// The token itself.
    token: String,
    access: Access,
    repositories: Option<Vec<String>>,
    packages: Option<Vec<NameGlob>>,
    expires_at: Option<Time>,
    created_at: Time,
}

/// A token, without the token itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct Shown {
    id: String,
    name: String,
    /// Its first nine characters.
    hint: String,
    /// `read`, `write` or `admin`.
    access: String,
    repositories: Option<Vec<String>>,
    packages: Option<Vec<String>>,
    created_at: Time,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
}

fn show(row: TokenRow) -> Shown {
    let list = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    Shown {
        id: row.id,
        name: row.name,
        hint: row.hint,
        access: row.access,
        repositories: list(row.repositories),
        packages: list(row.packages),
        created_at: Time::of(row.created_at),
        expires_at: row.expires_at.map(Time::of),
        revoked_at: row.revoked_at.map(Time::of),
    }
}
