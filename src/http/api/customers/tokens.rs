//! The tokens of a customer: made, listed, revoked. A token is shown once.

use std::net::IpAddr;

use deserr::Deserr;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::api::customers::input::{read_name, read_object, read_time};
use crate::http::api::customers::records::{BODY_LIMIT, load};
use crate::http::api::missing;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::customer_tokens::{
    self as store, CustomerTokenRow, NewCustomerToken, insert_customer_token,
};
use crate::store::organisations::Organisation;

/// More networks would be looked through with each request.
const MOST_NETWORKS: usize = 50;

/// A token of a customer, to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewCustomerToken")]
pub(crate) struct Asked {
    /// What it is for.
    #[deserr(try_from(String) = read_name -> BadValue)]
    name: String,
    /// Networks it may be used from, such as `192.0.2.0/24`; any address without it.
    #[deserr(default, try_from(Option<Vec<String>>) = read_networks -> BadValue)]
    networks: Option<Vec<String>>,
    /// When it ends; never without it.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    expires_at: Option<i64>,
}

fn read_networks(texts: Option<Vec<String>>) -> Result<Option<Vec<String>>, BadValue> {
    let Some(texts) = texts else {
        return Ok(None);
    };
    if texts.is_empty() || texts.len() > MOST_NETWORKS {
        return Err(BadValue::new(
            "`networks` must have 1 to 50 entries; leave it out for any address",
        ));
    }
    let read = |text: &String| {
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network
            .map(|network| network.trunc().to_string())
            .ok_or_else(|| {
                BadValue::new(format!(
                    "`networks` has `{text}`, which is no network such as `192.0.2.0/24` or `2001:db8::/32`"
                ))
            })
    };
    texts.iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// Makes a token and shows it, once.
pub(super) async fn create_token(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    customer: &str,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let asked: Asked = Faults::read(Value::Object(asked))?;
    if asked.expires_at.is_some_and(|end| end <= app.now()) {
        return Err(Error::bad_value(
            "/expires_at",
            "`expires_at` is in the past",
        ));
    }
    let customer = load(app, organisation, customer).await?;
    let token = PlainToken::generate(TokenKind::Customer, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let new = NewCustomerToken {
        id: &id,
        organisation: organisation.id,
        customer: &customer.id,
        name: &asked.name,
        networks: asked
            .networks
            .as_ref()
            .map(|networks| Value::from(networks.clone()).to_string()),
        expires_at: asked.expires_at,
    };
    insert_customer_token(app, &new, &token).await?;
    Ok(Reply::json(
        201,
        &ShownNew {
            id,
            name: asked.name,
            token: token.reveal().to_owned(),
            networks: asked.networks,
            expires_at: asked.expires_at.map(Time::of),
            created_at: Time::of(app.now()),
        },
    ))
}

/// Lists the tokens of a customer, without the tokens themselves.
pub(super) async fn list_tokens(
    app: &App,
    organisation: &Organisation,
    customer: &str,
) -> Result<Reply> {
    let customer = load(app, organisation, customer).await?;
    let tokens = store::list_customer_tokens(app, organisation.id, &customer.id)
        .await?
        .into_iter()
        .map(show)
        .collect();
    Ok(Reply::json(200, &ShownList { tokens }))
}

/// Shows a token of a customer, without the token itself.
pub(super) async fn show_token(
    app: &App,
    organisation: &Organisation,
    customer: &str,
    id: &str,
) -> Result<Reply> {
    let customer = load(app, organisation, customer).await?;
    let tokens = store::list_customer_tokens(app, organisation.id, &customer.id).await?;
    let token = tokens.into_iter().find(|token| token.id == id);
    Ok(Reply::json(
        200,
        &show(token.ok_or_else(|| missing("token"))?),
    ))
}

/// Revokes a token of a customer; within ten seconds it is refused everywhere.
pub(super) async fn revoke_token(
    app: &App,
    organisation: &Organisation,
    customer: &str,
    id: &str,
) -> Result<Reply> {
    if store::revoke_customer_token(app, organisation.id, customer, id).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("token"))
    }
}

/// A token of a customer that was just made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerTokenMade")]
pub(crate) struct ShownNew {
    id: String,
    name: String,
    /// The token itself, in this answer and in no other.
    token: String,
    networks: Option<Vec<String>>,
    expires_at: Option<Time>,
    created_at: Time,
}

/// A token of a customer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerToken")]
pub(crate) struct Shown {
    id: String,
    name: String,
    /// Its first nine characters.
    hint: String,
    /// Networks it may be used from; null for any.
    networks: Option<Vec<String>>,
    created_at: Time,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
}

/// All tokens of a customer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerTokens")]
pub(crate) struct ShownList {
    tokens: Vec<Shown>,
}

fn show(row: CustomerTokenRow) -> Shown {
    let networks = row.networks.as_deref();
    Shown {
        id: row.id,
        name: row.name,
        hint: row.hint,
        networks: networks.and_then(|text| serde_json::from_str(text).ok()),
        created_at: Time::of(row.created_at),
        expires_at: row.expires_at.map(Time::of),
        revoked_at: row.revoked_at.map(Time::of),
    }
}
