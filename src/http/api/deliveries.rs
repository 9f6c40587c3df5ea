//! Deliveries of webhooks: see what came and what became of it, and run one once more.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::hooks::enqueue_started;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::deliveries::{self as store, DeliveryRow, find_delivery};
use crate::store::organisations::Organisation;

/// Lists deliveries, newest first; `?connection={id}` those of one connection.
pub async fn list_deliveries(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let connection = request.query_parameter("connection");
    let page = Page::of(request)?;
    let (of, before, limit) = (connection.as_deref(), page.after_number()?, page.rows());
    let mut rows = store::list_deliveries(app, organisation.id, of, before, limit).await?;
    let next = page.cut(&mut rows, |last| last.id.to_string());
    let deliveries = rows.iter().map(show).collect::<Result<Vec<_>>>()?;
    Ok(Reply::json(
        200,
        &json!({ "deliveries": deliveries, "next": next }),
    ))
}

/// Shows one delivery.
pub async fn show_delivery(app: &App, organisation: &Organisation, id: i64) -> Result<Reply> {
    let delivery = load(app, organisation, id).await?;
    Ok(Reply::json(200, &show(&delivery)?))
}

/// Looks again at all that a delivery was about. A webhook is a hint, so that is all there is to run again.
pub async fn replay_delivery(app: &App, organisation: &Organisation, id: i64) -> Result<Reply> {
    let delivery = load(app, organisation, id).await?;
    if delivery.verdict == "refused" {
        return Err(Error::conflict(
            "This delivery was refused, so nothing of it was read; have the host send it again once the secret is right",
        ));
    }
    let projects = delivery.projects()?;
    if projects.is_empty() {
        return Err(Error::conflict(format!(
            "There is nothing to run again: {}",
            delivery.detail
        )));
    }
    let ids = projects
        .iter()
        .map(|_| app.random_id())
        .collect::<Result<Vec<_>>>()?;
    let jobs = store::replay_delivery(app, organisation.id, &delivery, ids).await?;
    if jobs.is_empty() {
        return Err(Error::conflict(
            "No package here is synced from what this delivery was about; add it first",
        ));
    }
    enqueue_started(app, &jobs).await?;
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| json!({ "id": job.id, "state": "queued" }))
        .collect();
    Ok(Reply::json(
        202,
        &json!({ "job": jobs.first(), "jobs": jobs }),
    ))
}

async fn load(app: &App, organisation: &Organisation, id: i64) -> Result<DeliveryRow> {
    find_delivery(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("delivery"))
}

fn show(delivery: &DeliveryRow) -> Result<Value> {
    let outcomes = delivery.projects()?;
    let projects: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let job = outcome
                .job
                .as_ref()
                .map(|job| json!({ "id": job, "state": outcome.state }));
            json!({ "id": outcome.id, "name": outcome.name, "job": job })
        })
        .collect();
    Ok(json!({
        "id": delivery.id,
        "delivery": delivery.provider_delivery_id,
        "connection": delivery.connection_id,
        "event": delivery.event,
        "project": delivery.project,
        "verdict": delivery.verdict,
        "detail": delivery.detail,
        "job": outcomes.iter().find_map(|outcome| outcome.job.as_ref()),
        "projects": projects,
        "times": delivery.times,
        "received_at": rfc3339(delivery.received_at),
    }))
}
