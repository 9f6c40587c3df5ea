//! Deliveries of webhooks: see what came and what became of it, and run one once more.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::{JobState, Time};
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
    let queued = |id: &String| JobState::queued(id.clone());
    Ok(Reply::json(
        202,
        &Replayed {
            job: jobs.first().map(|job| queued(&job.id)),
            jobs: jobs.iter().map(|job| queued(&job.id)).collect(),
        },
    ))
}

async fn load(app: &App, organisation: &Organisation, id: i64) -> Result<DeliveryRow> {
    find_delivery(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("delivery"))
}

/// A webhook that was delivered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct Shown {
    id: i64,
    /// The host's id.
    delivery: String,
    connection: String,
    event: String,
    project: Option<String>,
    /// `accepted`, `refused` or `ignored`.
    verdict: String,
    detail: String,
    /// The first job it led to.
    job: Option<String>,
    /// What it was about, each with its job as that is now.
    projects: Vec<ShownProject>,
    /// How many deliveries the row stands for.
    times: i64,
    received_at: Time,
}

/// A project that a delivery was about.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeliveryProject")]
struct ShownProject {
    id: String,
    name: String,
    job: Option<JobState>,
}

/// The jobs that a replay began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Replayed")]
pub(crate) struct Replayed {
    job: Option<JobState>,
    jobs: Vec<JobState>,
}

fn show(delivery: &DeliveryRow) -> Result<Shown> {
    let outcomes = delivery.projects()?;
    let projects: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let job = outcome.job.clone();
            ShownProject {
                id: outcome.id.clone(),
                name: outcome.name.clone(),
                job: job.map(|id| JobState::new(id, outcome.state.clone())),
            }
        })
        .collect();
    Ok(Shown {
        id: delivery.id,
        delivery: delivery.provider_delivery_id.clone(),
        connection: delivery.connection_id.clone(),
        event: delivery.event.clone(),
        project: delivery.project.clone(),
        verdict: delivery.verdict.clone(),
        detail: delivery.detail.clone(),
        job: outcomes.iter().find_map(|outcome| outcome.job.clone()),
        projects,
        times: delivery.times,
        received_at: Time::of(delivery.received_at),
    })
}
