//! Webhooks: verify → record the delivery → enqueue → 202. No outgoing call is made here.

use serde_json::json;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::http::app_hooks;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::providers::{Event, EventProject, ProviderKind};
use crate::store::connections::{Connection, recall_connection};
use crate::store::deliveries::{JobWanted, NewDelivery, record_delivery};
use crate::store::github_apps::ID_PREFIX;

/// GitHub sends no payload above this.
pub(super) const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// Ids of deliveries are GUIDs or UUIDs; what is longer is somebody's play.
const DELIVERY_ID_LIMIT: usize = 200;

/// Receives one delivery.
pub async fn receive_webhook(app: &App, mut request: Request, connection: &str) -> Result<Reply> {
    if connection.starts_with(ID_PREFIX) {
        return app_hooks::receive_app_webhook(app, request, connection).await;
    }
    let connection = recall_connection(app, connection)
        .await?
        .ok_or_else(|| Error::not_found("No connection has this webhook address; copy it again"))?;
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    let body = request.bytes(BODY_LIMIT).await?;
    let headers = request.headers.all()?;
    let secret = connection.open_webhook_secret(app).await?;
    if !kind.verify_webhook(secret.as_bytes(), &headers, &body, app.now()) {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "The signature is missing or does not match the body; \
             set the secret of this webhook to the one shown when the connection was made",
        ));
    }
    take_in(app, &connection, kind, &headers, &body).await
}

/// Takes in a delivery that was verified: what it says is recorded, and a job made of it where it concerns us.
pub(super) async fn take_in(
    app: &App,
    connection: &Connection,
    kind: ProviderKind,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Reply> {
    let delivery_id = read_delivery_id(app, kind, headers)?;
    let name = kind.event_name(headers).unwrap_or("unknown").to_owned();
    let (project, cause, status) = match kind.parse_event(&connection.base_url, headers, body)? {
        Event::Ping => (None, "the provider tried the webhook".to_owned(), 200),
        Event::Ignored { why } => (None, why, 202),
        Event::Changed(project) => (Some(project), format!("webhook {name}"), 202),
        Event::RepositoryChanged(project, change) => {
            let change = format!("{change:?}").to_lowercase();
            (Some(project), format!("webhook {name} ({change})"), 202)
        }
    };
    let arrived = Arrived {
        connection: &connection.id,
        organisation: connection.organisation_id,
        delivery_id: &delivery_id,
        event: &name,
        cause: &cause,
    };
    let reply = arrived.record(app, project.as_ref()).await?;
    Ok(Reply::json(status, &reply))
}

/// The host's id of a delivery, or one of ours where the host has none.
pub(super) fn read_delivery_id(
    app: &App,
    kind: ProviderKind,
    headers: &[(String, String)],
) -> Result<String> {
    let delivery_id = kind
        .delivery_id(headers)
        .filter(|id| !id.is_empty() && id.len() <= DELIVERY_ID_LIMIT);
    match delivery_id {
        Some(id) => Ok(id.to_owned()),
        None if !kind.numbers_deliveries() => app.random_id(),
        None => Err(Error::invalid(
            "The delivery has no id, so a replay could not be told from a new one",
        )),
    }
}

struct Arrived<'a> {
    connection: &'a str,
    organisation: i64,
    delivery_id: &'a str,
    event: &'a str,
    cause: &'a str,
}

impl Arrived<'_> {
    async fn record(&self, app: &App, project: Option<&EventProject>) -> Result<serde_json::Value> {
        let id = app.random_id()?;
        let wanted = project.map(|project| JobWanted {
            id: &id,
            organisation: self.organisation,
            provider_id: &project.provider_id,
            cause: self.cause,
        });
        let delivery = NewDelivery {
            connection: self.connection,
            provider_delivery_id: self.delivery_id,
            event: self.event,
            project: project.map(|project| project.full_name.as_str()),
            verdict: if project.is_some() {
                "accepted"
            } else {
                "ignored"
            },
            detail: self.cause,
        };
        let recorded = record_delivery(app, &delivery, wanted.as_ref()).await?;
        // A replay whose job still waits is sent on again: the first call may have died in between.
        if let Some(job) = &recorded.job {
            enqueue(app, &[Job::Reconcile { id: job.clone() }]).await?;
        }
        let detail = match (recorded.is_new, project, &recorded.job) {
            (false, ..) => "duplicate: this delivery was received before",
            (true, None, _) => self.cause,
            (true, Some(_), Some(_)) => "accepted",
            (true, Some(_), None) => "ignored: no package here is synced from this repository",
        };
        Ok(json!({
            "delivery": self.delivery_id,
            "result": detail,
            "job": recorded.job,
        }))
    }
}
