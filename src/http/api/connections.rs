//! Connections to git hosts.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::providers::ProviderKind;
use crate::providers::outgoing::Gateway;
use crate::store::connections::{self as store, Connection, token_context, webhook_context};
use crate::store::jobs::random_id;
use crate::store::repositories::Organisation;

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
    let host = kind.connect(Gateway::of(app), &base_url, asked.token.trim())?;
    let account = host
        .check_access()
        .await
        .map_err(|error| as_input(&error))?;
    if !account.missing.is_empty() {
        return Err(Error::invalid(format!(
            "The token works, but cannot do all that is needed. {}",
            account.missing.join(" ")
        )));
    }
    let id = random_id(app)?;
    let mut secret = [0_u8; 32];
    app.entropy.fill(&mut secret)?;
    let secret = hex::encode(secret);
    let connection = Connection {
        organisation_id: organisation.id,
        provider: kind.as_str().to_owned(),
        base_url,
        account: account.login,
        sealed_token: app
            .vault
            .seal(&token_context(&id), asked.token.trim())
            .await?,
        sealed_webhook_secret: app.vault.seal(&webhook_context(&id), &secret).await?,
        created_at: app.now(),
        last_heard_at: None,
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
