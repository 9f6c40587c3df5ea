//! Webhook deliveries. The provider's id is unique per connection, so a replay is harmless.

use serde::Deserialize;

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::rows_as;
use crate::store::jobs::{find_queued_job_stmt, insert_job_stmt};

/// A delivery to be recorded.
#[derive(Debug, Clone)]
pub struct NewDelivery<'a> {
    /// The connection.
    pub connection: &'a str,
    /// The provider's id of this delivery.
    pub provider_delivery_id: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// The project it is about, in words.
    pub project: Option<&'a str>,
    /// `accepted` or `ignored`.
    pub verdict: &'a str,
    /// Why, in words.
    pub detail: &'a str,
}

/// The job that a delivery asks for.
#[derive(Debug, Clone)]
pub struct JobWanted<'a> {
    /// Its id, if it has to be made.
    pub id: &'a str,
    /// The connection's organisation.
    pub organisation: i64,
    /// The host's id of the git repository.
    pub provider_id: &'a str,
    /// What started it.
    pub cause: &'a str,
}

/// What recording a delivery told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whether this delivery came for the first time.
    pub is_new: bool,
    /// The queued job that covers it, if the project is one of ours.
    pub job: Option<String>,
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

/// Records a delivery and makes the job it asks for, in one batch: both or neither.
/// A delivery that came before changes nothing.
pub async fn record_delivery(
    app: &App,
    delivery: &NewDelivery<'_>,
    wanted: Option<&JobWanted<'_>>,
) -> Result<Recorded> {
    let now = app.now();
    let mut statements = vec![
        Statement::new(
            "insert into deliveries (connection_id, provider_delivery_id, event, project, verdict, detail, received_at)
             select ?1, ?2, ?3, ?4,
                    case when ?8 is null or exists (
                        select 1 from git_repos g left join packages p on p.git_repo_id = g.id
                        where g.connection_id = ?1 and g.provider_id = ?8
                          and (p.id is not null or g.folders is not null))
                    then ?5 else 'ignored' end,
                    ?6, ?7
             where true
             on conflict (connection_id, provider_delivery_id) do nothing
             returning id",
        )
        .bind(delivery.connection)
        .bind(delivery.provider_delivery_id)
        .bind(delivery.event)
        .bind(delivery.project)
        .bind(delivery.verdict)
        .bind(delivery.detail)
        .bind(now)
        .bind(wanted.map(|wanted| wanted.provider_id)),
        Statement::new("update connections set last_heard_at = ?2 where id = ?1")
            .bind(delivery.connection)
            .bind(now),
    ];
    if let Some(wanted) = wanted {
        statements.extend([
            // Only a delivery without a job makes one, so a replay makes none; and one queued job serves them all.
            Statement::new(
                "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
                 select ?1, ?2, 'sync', g.id, p.id, 'queued', ?5, ?6
                 from git_repos g
                 left join packages p on p.git_repo_id = g.id and p.renamed_to is null and g.folders is null
                 where g.connection_id = ?3 and g.provider_id = ?4 and (p.id is not null or g.folders is not null)
                   and exists (select 1 from deliveries d where d.connection_id = ?3
                               and d.provider_delivery_id = ?7 and d.job_id is null)
                   and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
                 limit 1",
            )
            .bind(wanted.id)
            .bind(wanted.organisation)
            .bind(delivery.connection)
            .bind(wanted.provider_id)
            .bind(wanted.cause)
            .bind(now)
            .bind(delivery.provider_delivery_id),
            Statement::new(
                "update git_repos set last_heard_at = ?3 where connection_id = ?1 and provider_id = ?2",
            )
            .bind(delivery.connection)
            .bind(wanted.provider_id)
            .bind(now),
            Statement::new(
                "update deliveries set job_id = (
                     select j.id from jobs j join git_repos g on g.id = j.git_repo_id
                     where g.connection_id = ?1 and g.provider_id = ?3 and j.state = 'queued' limit 1)
                 where connection_id = ?1 and provider_delivery_id = ?2 and job_id is null",
            )
            .bind(delivery.connection)
            .bind(delivery.provider_delivery_id)
            .bind(wanted.provider_id),
            Statement::new(
                "select j.id from deliveries d join jobs j on j.id = d.job_id
                 where d.connection_id = ?1 and d.provider_delivery_id = ?2 and j.state = 'queued'",
            )
            .bind(delivery.connection)
            .bind(delivery.provider_delivery_id),
        ]);
    }
    let rows = app.db.batch(statements).await?;
    let mut rows = rows.into_iter();
    let is_new = rows.next().is_some_and(|inserted| !inserted.is_empty());
    let job = if wanted.is_some() {
        rows_as::<IdRow>(rows.next_back().unwrap_or_default())?
            .into_iter()
            .next()
            .map(|row| row.id)
    } else {
        None
    };
    Ok(Recorded { is_new, job })
}

/// Starts a job for a git repository by hand or by schedule, or joins the one that is queued; gives its id.
pub async fn start_job(
    app: &App,
    id: &str,
    organisation: i64,
    git_repo: i64,
    package: impl Into<Option<i64>>,
    cause: &str,
) -> Result<String> {
    start_job_with(app, id, organisation, git_repo, package, cause, Vec::new()).await
}

/// The same with a change that is the reason for it, in one batch: both or neither.
pub async fn start_job_with(
    app: &App,
    id: &str,
    organisation: i64,
    git_repo: i64,
    package: impl Into<Option<i64>>,
    cause: &str,
    change: Vec<Statement>,
) -> Result<String> {
    let mut statements = change;
    statements.extend([
        insert_job_stmt(id, organisation, git_repo, package, cause, app.now()),
        find_queued_job_stmt(git_repo),
    ]);
    let rows = app.db.batch(statements).await?;
    let queued = rows_as::<IdRow>(rows.into_iter().next_back().unwrap_or_default())?;
    Ok(queued
        .into_iter()
        .next()
        .map_or_else(|| id.to_owned(), |row| row.id))
}

/// A delivery as lists show it.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub struct DeliveryRow {
    /// Its id.
    pub id: i64,
    /// The connection.
    pub connection_id: String,
    /// The provider's id.
    pub provider_delivery_id: String,
    /// The event.
    pub event: String,
    /// The project it is about.
    pub project: Option<String>,
    /// `accepted` or `ignored`.
    pub verdict: String,
    /// Why.
    pub detail: String,
    /// The job it led to.
    pub job_id: Option<String>,
    /// Unix seconds.
    pub received_at: i64,
}

/// The newest deliveries of an organisation.
pub async fn list_deliveries(app: &App, organisation: i64, limit: i64) -> Result<Vec<DeliveryRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select d.id, d.connection_id, d.provider_delivery_id, d.event, d.project, d.verdict, d.detail,
                            d.job_id, d.received_at
                     from deliveries d join connections c on c.id = d.connection_id
                     where c.organisation_id = ?1 order by d.id desc limit ?2",
                )
                .bind(organisation)
                .bind(limit),
            )
            .await?,
    )
}

/// Forgets deliveries older than `before`: a provider does not replay what is that old.
pub async fn delete_old_deliveries(app: &App, before: i64) -> Result<()> {
    app.db
        .rows(Statement::new("delete from deliveries where received_at < ?1").bind(before))
        .await
        .map(|_| ())
}
