//! Connections to git hosts.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::providers::ProviderKind;
use crate::providers::outgoing::Gateway;
use crate::store::connections::{self as store, Connection, token_context, webhook_context};
use crate::store::organisations::Organisation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    provider: String,
    base_url: Option<String>,
    token: String,
}

/// Connects a git host, after its token was tried. The webhook's secret is shown once.
pub async fn create_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let kind = ProviderKind::parse(&asked.provider)
        .ok_or_else(|| Error::invalid("`provider` must be `github`"))?;
    let base_url = asked
        .base_url
        .filter(|url| !url.trim().is_empty())
        .unwrap_or_else(|| kind.default_base_url().to_owned());
    let base_url = base_url.trim().trim_end_matches('/').to_owned();
    let login = try_token(app, kind, &base_url, asked.token.trim()).await?;
    let id = app.random_id()?;
    let mut secret = [0_u8; 32];
    app.entropy.fill(&mut secret)?;
    let secret = hex::encode(secret);
    let connection = Connection {
        organisation_id: organisation.id,
        provider: kind.as_str().to_owned(),
        base_url,
        account: login,
        sealed_token: app
            .vault
            .seal(&token_context(&id), asked.token.trim())
            .await?,
        sealed_webhook_secret: app.vault.seal(&webhook_context(&id), &secret).await?,
        created_at: app.now(),
        last_heard_at: None,
        paused_until: None,
        trouble: None,
        id,
    };
    store::insert_connection(app, &connection).await?;
    let mut shown = show(app, &connection);
    if let Some(webhook) = shown.get_mut("webhook").and_then(Value::as_object_mut) {
        webhook.insert("secret".to_owned(), secret.into());
    }
    Ok(Reply::json(201, &shown))
}

/// Asks the host whose token it is, and whether it can do what is needed.
async fn try_token(app: &App, kind: ProviderKind, base_url: &str, token: &str) -> Result<String> {
    let host = kind.connect(Gateway::of(app), base_url, token)?;
    let account = host
        .check_access()
        .await
        .map_err(|error| as_input(&error))?;
    if account.missing.is_empty() {
        return Ok(account.login);
    }
    Err(Error::invalid(format!(
        "The token works, but cannot do all that is needed. {}",
        account.missing.join(" ")
    )))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedToken {
    token: String,
}

/// Gives a connection another token, after it was tried: the one before has expired or was revoked.
pub async fn update_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: AskedToken = request.json().await?;
    let token = asked.token.trim();
    let connection = store::find_connection(app, id)
        .await?
        .filter(|connection| connection.organisation_id == organisation.id)
        .ok_or_else(|| missing("connection"))?;
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    let login = try_token(app, kind, &connection.base_url, token).await?;
    let sealed = app.vault.seal(&token_context(id), token).await?;
    store::update_token(app, id, &login, &sealed).await?;
    let connection = store::find_connection(app, id)
        .await?
        .ok_or_else(|| missing("connection"))?;
    Ok(Reply::json(200, &show(app, &connection)))
}

/// Lists connections, without their secrets.
pub async fn list_connections(app: &App, organisation: &Organisation) -> Result<Reply> {
    let connections: Vec<_> = store::list_connections(app, organisation.id)
        .await?
        .iter()
        .map(|connection| show(app, connection))
        .collect();
    Ok(Reply::json(200, &json!({ "connections": connections })))
}

/// What the host says of a token or a project that somebody just gave us is that person's to mend.
pub(crate) fn as_input(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::RateLimited { .. } | ErrorKind::Internal => {
            Error::new(error.kind(), error.message()).because(error.cause().unwrap_or_default())
        }
        _ => Error::invalid(error.message()),
    }
}

fn show(app: &App, connection: &Connection) -> Value {
    json!({
        "id": connection.id,
        "provider": connection.provider,
        "base_url": connection.base_url,
        "account": connection.account,
        "webhook": {
            "url": format!("{}/hooks/{}", app.config.public_url, connection.id),
            "content_type": "application/json",
            "events": ["push", "create", "delete", "repository"],
        },
        "created_at": rfc3339(connection.created_at),
        "last_heard_at": connection.last_heard_at.map(rfc3339),
        "trouble": connection.trouble,
    })
}
