//! Connections to git hosts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::providers::outgoing::{Gateway, limited};
use crate::providers::{Credentials, GitHost, ProviderKind};
use crate::store::connections::{self as store, Connection, token_context, webhook_context};
use crate::store::organisations::Organisation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    provider: String,
    base_url: Option<String>,
    username: Option<String>,
    /// Left out where nobody has to show one, as at a public git server.
    #[serde(default)]
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
        .ok_or_else(|| Error::invalid(format!("`provider` must be {}", providers())))?;
    let base_url = asked
        .base_url
        .filter(|url| !url.trim().is_empty())
        .unwrap_or_else(|| kind.default_base_url().to_owned());
    let base_url = base_url.trim().trim_end_matches('/').to_owned();
    let credentials = Credentials::new(asked.username.as_deref(), &asked.token);
    let login = try_credentials(app, kind, &base_url, &credentials).await?;
    let id = app.random_id()?;
    let mut secret = [0_u8; 32];
    app.entropy.fill(&mut secret)?;
    let secret_text = hex::encode(secret);
    let connection = Connection {
        organisation_id: organisation.id,
        provider: kind.as_str().to_owned(),
        base_url,
        account: login,
        username: credentials.username,
        sealed_token: app
            .vault
            .seal(&token_context(&id), &credentials.token)
            .await?,
        sealed_webhook_secret: app.vault.seal(&webhook_context(&id), &secret_text).await?,
        created_at: app.now(),
        last_heard_at: None,
        paused_until: None,
        trouble: None,
        id,
    };
    store::insert_connection(app, &connection).await?;
    let mut shown = show(app, &connection);
    if let Some(webhook) = shown.get_mut("webhook").and_then(Value::as_object_mut) {
        if kind == ProviderKind::GitLab {
            let key = format!("whsec_{}", STANDARD.encode(secret));
            webhook.insert("signing_token".to_owned(), key.into());
        }
        webhook.insert("secret".to_owned(), secret_text.into());
    }
    Ok(Reply::json(201, &shown))
}

/// The hosts there are, in words: `a`, `b` or `c`.
fn providers() -> String {
    let names: Vec<_> = ProviderKind::ALL
        .iter()
        .map(|kind| format!("`{}`", kind.as_str()))
        .collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Asks the host whose token it is, and whether it can do what is needed.
async fn try_credentials(
    app: &App,
    kind: ProviderKind,
    base_url: &str,
    credentials: &Credentials,
) -> Result<String> {
    let host = kind.connect(Gateway::of(app), base_url, credentials)?;
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

/// The host of a connection, ready to be asked; refused while it wants to be left alone.
pub(crate) async fn open_host<'a>(
    app: &'a App,
    connection: &Connection,
) -> Result<Box<dyn GitHost + 'a>> {
    let gateway = Gateway::of(app);
    let pause = connection
        .paused_until
        .unwrap_or_default()
        .saturating_sub(app.now());
    if let Ok(retry_after @ 1..) = u32::try_from(pause) {
        let address = gateway.address(&connection.base_url)?;
        return Err(limited(address.host(), retry_after));
    }
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    let token = connection.open_token(app).await?;
    let credentials = Credentials::new(connection.username.as_deref(), &token);
    kind.connect(gateway, &connection.base_url, &credentials)
}

/// What the host of a connection refuses is for the caller to mend; a limit is obeyed by all.
pub(crate) async fn host_refused(app: &App, connection: &Connection, error: &Error) -> Error {
    if let ErrorKind::RateLimited { retry_after } = error.kind()
        && let Err(fault) = store::note_connection_pause(app, &connection.id, retry_after).await
    {
        app.warn(&format!("A pause could not be noted: {fault}"));
    }
    if error.is_retryable() {
        return Error::new(error.kind(), error.message())
            .because(error.cause().unwrap_or_default());
    }
    as_input(error)
}

/// A connection of this organisation.
pub(crate) async fn find_own(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Connection> {
    store::find_connection(app, id)
        .await?
        .filter(|connection| connection.organisation_id == organisation.id)
        .ok_or_else(|| missing("connection"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedToken {
    username: Option<String>,
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
    let connection = store::find_connection(app, id)
        .await?
        .filter(|connection| connection.organisation_id == organisation.id)
        .ok_or_else(|| missing("connection"))?;
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    // Without a name the one before stays; an empty one takes it away.
    let username = asked.username.as_deref().or(connection.username.as_deref());
    let credentials = Credentials::new(username, &asked.token);
    let login = try_credentials(app, kind, &connection.base_url, &credentials).await?;
    let sealed = app
        .vault
        .seal(&token_context(id), &credentials.token)
        .await?;
    let username = credentials.username.as_deref();
    store::update_token(app, id, &login, username, &sealed).await?;
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
    let kind = ProviderKind::parse(&connection.provider);
    json!({
        "id": connection.id,
        "provider": connection.provider,
        "base_url": connection.base_url,
        "account": connection.account,
        "username": connection.username,
        "webhook": {
            "url": format!("{}/hooks/{}", app.config.public_url, connection.id),
            "content_type": "application/json",
            "events": kind.map_or(&[][..], ProviderKind::webhook_events),
        },
        "created_at": rfc3339(connection.created_at),
        "last_heard_at": connection.last_heard_at.map(rfc3339),
        "trouble": connection.trouble,
    })
}
