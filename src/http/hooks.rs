//! Webhooks: verify → record the delivery → enqueue → 202. No outgoing call is made here.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::generic_hook::{GitUrl, HookMapping, Named};
use crate::error::{Error, ErrorKind, Result};
use crate::http::app_hooks;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::providers::{Event, ProviderKind, read_generic_body, verify_bearer};
use crate::store::connections::{
    Connection, find_connection as load_connection, recall_connection,
};
use crate::store::deliveries::{
    DeliveredProject, NewDelivery, StartedJob, note_refused_delivery, record_delivery,
};
use crate::store::github_apps::ID_PREFIX;
use crate::store::projects::find_named_projects;
use crate::store::suspensions::IGNORED;

/// GitHub sends no payload above this.
pub(super) const BODY_LIMIT: usize = 25 * 1024 * 1024;

/// What the generic hook takes: it is read as a whole, whatever it is.
const GENERIC_LIMIT: usize = 5 * 1024 * 1024;

/// Ids of deliveries are GUIDs or UUIDs; what is longer is somebody's play.
const DELIVERY_ID_LIMIT: usize = 200;

/// A delivery that was read and is not recorded yet.
struct Arrived {
    delivery_id: String,
    event: String,
    cause: String,
    status: u16,
    /// The host's ids of the projects it is about, with their names.
    projects: Vec<(String, String)>,
    /// What to answer where nothing comes of it.
    otherwise: String,
}

/// Receives one delivery in the host's own form.
pub async fn receive_webhook(app: &App, mut request: Request, connection: &str) -> Result<Reply> {
    if connection.starts_with(ID_PREFIX) {
        return app_hooks::receive_app_webhook(app, request, connection).await;
    }
    let connection = find_connection(app, connection).await?;
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    let body = request.bytes(BODY_LIMIT).await?;
    let headers = request.headers.all()?;
    let passes = |secret: &str| kind.verify_webhook(secret.as_bytes(), &headers, &body, app.now());
    if !knows_secret(app, &connection, passes).await? {
        return refuse(
            app,
            &connection,
            "The signature is missing or does not match the body; \
             set the secret of this webhook to the one shown when the connection was made",
        )
        .await;
    }
    take_in(app, &connection, kind, &headers, &body).await
}

/// Takes in a delivery that was verified: what it says is recorded, and jobs are made of it where it concerns us.
pub(super) async fn take_in(
    app: &App,
    connection: &Connection,
    kind: ProviderKind,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Reply> {
    let delivery_id = read_delivery_id(app, kind, headers)?;
    let event = kind.event_name(headers).unwrap_or("unknown").to_owned();
    let (project, cause, status) = match kind.parse_event(&connection.base_url, headers, body)? {
        Event::Ping => (None, "the provider tried the webhook".to_owned(), 200),
        Event::Ignored { why } => (None, why, 202),
        Event::Changed(project) => (Some(project), format!("webhook {event}"), 202),
        Event::RepositoryChanged(project, change) => {
            let change = format!("{change:?}").to_lowercase();
            (Some(project), format!("webhook {event} ({change})"), 202)
        }
    };
    let otherwise = match project {
        Some(_) => "ignored: no package here is synced from this repository".to_owned(),
        None => cause.clone(),
    };
    let arrived = Arrived {
        delivery_id,
        event,
        cause,
        status,
        projects: project
            .into_iter()
            .map(|project| (project.provider_id, project.full_name))
            .collect(),
        otherwise,
    };
    record(app, connection, arrived).await
}

/// Receives one delivery in the form that anybody can send: a bearer secret, and JSON that names what changed.
pub async fn receive_generic(app: &App, mut request: Request, connection: &str) -> Result<Reply> {
    let connection = find_connection(app, connection).await?;
    let body = request.bytes(GENERIC_LIMIT).await?;
    let headers = request.headers.all()?;
    let passes = |secret: &str| verify_bearer(secret.as_bytes(), &headers);
    if !knows_secret(app, &connection, passes).await? {
        return refuse(
            app,
            &connection,
            "The secret is missing or wrong; send `Authorization: Bearer SECRET` with the secret shown when the \
             connection was made",
        )
        .await;
    }
    let body: Value = read_generic_body(&headers, &body)?;
    let mapping: Option<HookMapping> = connection
        .hook_mapping
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(Error::internal)?;
    let named = Named::read(&body, mapping.as_ref());
    let sent_id = request
        .header("x-request-id")
        .filter(|id| !id.is_empty() && id.len() <= DELIVERY_ID_LIMIT);
    let (projects, otherwise) = if named.is_empty() {
        let why = "ignored: it names no `repository.url`, `composer.package_name` or `project.id`, and nothing is where \
                   the connection's `hook_mapping` leads";
        (Vec::new(), why.to_owned())
    } else {
        let urls: Vec<_> = named
            .urls
            .iter()
            .filter_map(|url| GitUrl::parse(url))
            .collect();
        let projects =
            find_named_projects(app, &connection.id, &urls, &named.packages, &named.projects)
                .await?;
        let words = named.in_words();
        let shown = words.get(..200).unwrap_or(&words);
        let why = format!(
            "ignored: no package of this connection is `{}`",
            shown.escape_debug()
        );
        (projects, why)
    };
    let cause = if projects.is_empty() {
        otherwise.clone()
    } else {
        "webhook generic".to_owned()
    };
    let arrived = Arrived {
        delivery_id: match sent_id {
            Some(id) => id,
            None => app.random_id()?,
        },
        event: "generic".to_owned(),
        cause,
        status: 202,
        projects,
        otherwise,
    };
    record(app, &connection, arrived).await
}

/// Whether a delivery was made with the secret of its connection, or with the one of before while that is accepted. What is
/// remembered may be of before a rotation, so it is looked up anew before anybody is refused, at most once a second.
async fn knows_secret(
    app: &App,
    connection: &Connection,
    passes: impl Fn(&str) -> bool,
) -> Result<bool> {
    if has_secret(app, connection, &passes).await? {
        return Ok(true);
    }
    let id = &connection.id;
    if app.memo.connections.recall(id, app.now(), 1).is_some() {
        return Ok(false);
    }
    let Some(now) = load_connection(app, id).await? else {
        return Ok(false);
    };
    app.memo.connections.remember(id, now.clone(), app.now());
    has_secret(app, &now, &passes).await
}

async fn has_secret(
    app: &App,
    connection: &Connection,
    passes: &impl Fn(&str) -> bool,
) -> Result<bool> {
    if passes(&connection.open_webhook_secret(app).await?) {
        return Ok(true);
    }
    let old = connection.open_old_webhook_secret(app).await?;
    Ok(old.is_some_and(|old| passes(&old)))
}

async fn find_connection(app: &App, id: &str) -> Result<Connection> {
    recall_connection(app, id)
        .await?
        .ok_or_else(|| Error::not_found("No connection has this webhook address; copy it again"))
}

/// Notes that somebody had the wrong secret, for the list of deliveries, and says so.
async fn refuse(app: &App, connection: &Connection, message: &str) -> Result<Reply> {
    note_refused_delivery(app, &connection.id, message).await?;
    Err(Error::new(ErrorKind::Unauthenticated, message))
}

async fn record(app: &App, connection: &Connection, arrived: Arrived) -> Result<Reply> {
    let projects = arrived
        .projects
        .into_iter()
        .map(|(provider_id, full_name)| {
            Ok(DeliveredProject {
                provider_id,
                full_name,
                job: app.random_id()?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let delivery = NewDelivery {
        connection: &connection.id,
        organisation: connection.organisation_id,
        provider_delivery_id: &arrived.delivery_id,
        event: &arrived.event,
        detail: &arrived.cause,
        projects: &projects,
    };
    let recorded = record_delivery(app, &delivery).await?;
    // A replay whose job still waits is sent on again: the first call may have died in between.
    enqueue_started(app, &recorded.jobs).await?;
    let result = match (recorded.is_new, recorded.jobs.is_empty()) {
        (false, _) => "duplicate: this delivery was received before",
        (true, _) if recorded.is_suspended => IGNORED,
        (true, false) => "accepted",
        (true, true) => &arrived.otherwise,
    };
    let jobs: Vec<_> = recorded.jobs.iter().map(|job| &job.id).collect();
    let body = json!({
        "delivery": arrived.delivery_id,
        "result": result,
        "job": jobs.first(),
        "jobs": jobs,
    });
    Ok(Reply::json(arrived.status, &body))
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

/// Sends the jobs of a delivery on their way.
pub(crate) async fn enqueue_started(app: &App, jobs: &[StartedJob]) -> Result<()> {
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| Job::begin(&job.kind, job.id.clone()))
        .collect();
    enqueue(app, &jobs).await
}
