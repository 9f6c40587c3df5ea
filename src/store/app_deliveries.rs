//! Deliveries at the addresses of GitHub Apps: those that no connection is concerned by, and those about an installation.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::connections::Connection;
use crate::store::deliveries::{
    DeliveredProject, NewDelivery, StartedJob, projects_json, start_jobs_stmts,
};

/// A delivery at an app's address, to be recorded.
#[derive(Debug, Clone)]
pub struct AppDeliveryRecord<'a> {
    /// The app.
    pub github_app: &'a str,
    /// GitHub's id of this delivery.
    pub provider_delivery_id: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// The installation it is about.
    pub installation: Option<i64>,
    /// Why nothing follows from it, in words.
    pub detail: &'a str,
}

/// Records a delivery that no connection is concerned by; whether it came for the first time.
pub async fn record_unclaimed(app: &App, delivery: &AppDeliveryRecord<'_>) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "insert into github_app_deliveries (github_app_id, provider_delivery_id, event, installation_id, detail,
                                                    received_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (github_app_id, provider_delivery_id) do nothing
                 returning id",
            )
            .bind(delivery.github_app)
            .bind(delivery.provider_delivery_id)
            .bind(delivery.event)
            .bind(delivery.installation)
            .bind(delivery.detail)
            .bind(app.now()),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// What an event of an installation changes of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange<'a> {
    /// The account's name, if it is told.
    pub account: Option<&'a str>,
    /// What is in the way from now on; none when nothing is, and left as it is when `keeps_trouble`.
    pub trouble: Option<&'a str>,
    /// Whether nothing is known of what is in the way.
    pub keeps_trouble: bool,
    /// Whether the tokens there are no more good for anything.
    pub drops_token: bool,
    /// Which of the connection's git repositories are to be compared: none, all, or those with these ids of the host's, as
    /// a JSON list.
    pub compares: Compared<'a>,
    /// Projects that the installation may see from now on: those below a group whose new projects are added are looked at.
    pub appeared: &'a [DeliveredProject],
}

/// Some git repositories of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared<'a> {
    /// None of them.
    None,
    /// All.
    All,
    /// Those with these ids at the host: a JSON list.
    Some(&'a str),
}

/// Records an event of an installation together with what it changes, in one batch. Gives the jobs that wait for what it
/// is about, or none at all when it came before.
pub async fn record_installation_event(
    app: &App,
    connection: &Connection,
    provider_delivery_id: &str,
    event: &str,
    detail: &str,
    change: &ConnectionChange<'_>,
) -> Result<Option<Vec<StartedJob>>> {
    let now = app.now();
    let (all, some) = match change.compares {
        Compared::None => (false, "[]"),
        Compared::All => (true, "[]"),
        Compared::Some(ids) => (false, ids),
    };
    let appeared = projects_json(change.appeared)?;
    let delivery = NewDelivery {
        connection: &connection.id,
        organisation: connection.organisation_id,
        provider_delivery_id,
        event,
        detail: &format!("webhook {event}"),
        projects: change.appeared,
    };
    let mut statements = vec![
        // Whoever comes first in a batch sees whether the delivery is known.
        Statement::new(
            "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
             select lower(hex(randomblob(15))), g.organisation_id, 'sync', g.id, min(p.id), 'queued', ?3, ?4
             from git_repos g
             left join packages p on p.git_repo_id = g.id and p.renamed_to is null and g.folders is null
             where g.connection_id = ?1 and (p.id is not null or g.folders is not null)
               and (?5 = 1 or g.provider_id in (select value from json_each(?6)))
               and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
               and not exists (select 1 from deliveries d where d.connection_id = ?1 and d.provider_delivery_id = ?2)
             group by g.id
             returning id",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(format!("webhook {event}"))
        .bind(now)
        .bind(all)
        .bind(some),
        // What was not shown may be now.
        Statement::new(
            "update git_repos set next_look_at = null
             where connection_id = ?1 and withheld_at is not null
               and (?3 = 1 or provider_id in (select value from json_each(?4)))
               and not exists (select 1 from deliveries d where d.connection_id = ?1 and d.provider_delivery_id = ?2)",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(all)
        .bind(some),
        // Jobs that waited for that are woken with those that were made just now.
        Statement::new(
            "select j.id, j.kind from jobs j join git_repos g on g.id = j.git_repo_id
             where g.connection_id = ?1 and j.state = 'queued'
               and (?2 = 1 or g.provider_id in (select value from json_each(?3)))
             order by j.id",
        )
        .bind(&connection.id)
        .bind(all)
        .bind(some),
        Statement::new(
            "update connections set last_heard_at = ?3, account = coalesce(?4, account),
                    trouble = case when ?5 = 1 then trouble else ?6 end,
                    trouble_since = case when ?5 = 1 then trouble_since
                                         when ?6 is null then null else coalesce(trouble_since, ?3) end,
                    refused_at = case when ?5 = 1 then refused_at end,
                    next_try_at = case when ?5 = 1 then next_try_at end,
                    sealed_token = case when ?7 = 1 then '' else sealed_token end,
                    token_expires_at = case when ?7 = 1 then 0 else token_expires_at end
             where id = ?1
               and not exists (select 1 from deliveries d where d.connection_id = ?1 and d.provider_delivery_id = ?2)",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(now)
        .bind(change.account)
        .bind(change.keeps_trouble)
        .bind(change.trouble)
        .bind(change.drops_token),
        Statement::new(
            "insert into deliveries (connection_id, provider_delivery_id, event, project, verdict, detail, received_at)
             values (?1, ?2, ?3, null, 'accepted', ?4, ?5)
             on conflict (connection_id, provider_delivery_id) do nothing
             returning id",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(event)
        .bind(detail)
        .bind(now),
    ];
    if !change.appeared.is_empty() {
        statements.push(note_projects_stmt(&delivery, &appeared));
        statements.extend(start_jobs_stmts(&delivery, &appeared, now));
    }
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut jobs = rows_as::<StartedJob>(rows.nth(2).unwrap_or_default())?;
    let is_new = rows.nth(1).is_some_and(|inserted| !inserted.is_empty());
    if !change.appeared.is_empty() {
        let started = rows_as::<StartedJob>(rows.next_back().unwrap_or_default())?;
        jobs.extend(started.into_iter().filter(|job| job.kind == "discover"));
    }
    Ok(is_new.then_some(jobs))
}

/// The statement that notes which projects a delivery is about. An installation may be given thousands; what nobody asked
/// for leaves no row.
fn note_projects_stmt(delivery: &NewDelivery<'_>, projects: &str) -> Statement {
    Statement::new(
        "insert into delivery_projects (delivery_id, provider_id, full_name)
         select d.id, json_extract(value, '$[0]'), json_extract(value, '$[1]')
         from deliveries d, json_each(?3)
         where d.connection_id = ?1 and d.provider_delivery_id = ?2
           and (exists (select 1 from git_repos g
                        where g.connection_id = ?1 and g.provider_id = json_extract(value, '$[0]'))
                or exists (select 1 from hook_groups h where h.connection_id = ?1 and h.repository_id is not null
                           and substr(lower(json_extract(value, '$[1]')), 1, length(h.name) + 1)
                               = lower(h.name) || '/'))
         on conflict (delivery_id, provider_id) do nothing",
    )
    .bind(delivery.connection)
    .bind(delivery.provider_delivery_id)
    .bind(projects)
}

row! {
    /// A delivery at an app's address, as its list shows it.
    #[derive(Debug, Clone, serde::Serialize)]
    pub struct AppDeliveryRow {
        /// The connection it was for; none where no connection is concerned by it.
        pub connection_id: Option<String>,
        /// GitHub's id.
        pub provider_delivery_id: String,
        /// The event.
        pub event: String,
        /// The installation.
        pub installation_id: Option<i64>,
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
}

/// The newest deliveries at an app's address, whether a connection was concerned by them or not.
pub async fn list_app_deliveries(
    app: &App,
    github_app: &str,
    limit: i64,
) -> Result<Vec<AppDeliveryRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select d.connection_id, d.provider_delivery_id, d.event, c.installation_id, d.project, d.verdict,
                            d.detail,
                            (select job_id from delivery_projects where delivery_id = d.id order by job_id desc limit 1) as job_id,
                            d.received_at
                     from connections c join deliveries d on d.connection_id = c.id
                     where c.github_app_id = ?1
                     union all
                     select null, provider_delivery_id, event, installation_id, null, 'ignored', detail, null, received_at
                     from github_app_deliveries where github_app_id = ?1
                     order by 9 desc limit ?2",
                )
                .bind(github_app)
                .bind(limit),
            )
            .await?,
    )
}

/// Forgets deliveries for apps older than `before`.
pub async fn delete_old_app_deliveries(app: &App, before: i64) -> Result<()> {
    app.db
        .rows(
            Statement::new("delete from github_app_deliveries where received_at < ?1").bind(before),
        )
        .await
        .map(|_| ())
}
