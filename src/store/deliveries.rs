//! Webhook deliveries. The provider's id is unique per connection, so a replay by the host is harmless.

use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::jobs::{find_queued_job_stmt, insert_job_stmt};
use crate::store::suspensions::IGNORED;

/// Seconds that one row for refused deliveries stands for.
const REFUSED_TOGETHER: i64 = 60 * 60;

/// Seconds for which an isolate only counts refused deliveries before it writes the next time: strangers can send as many
/// as they like.
const REFUSED_COUNTED: i64 = 10;

/// A delivery to be recorded.
#[derive(Debug, Clone)]
pub struct NewDelivery<'a> {
    /// The connection.
    pub connection: &'a str,
    /// The connection's organisation.
    pub organisation: i64,
    /// The provider's id of this delivery.
    pub provider_delivery_id: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// What it says, in words; also what its jobs are started by.
    pub detail: &'a str,
    /// The projects it is about, which are looked at again.
    pub projects: &'a [DeliveredProject],
}

/// A project that a delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredProject {
    /// The host's own immutable id.
    pub provider_id: String,
    /// Its name, for people, and to find the group it is in.
    pub full_name: String,
    /// The id of its job, if one has to be made.
    pub job: String,
}

row! {
    /// A job that a delivery led to.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StartedJob {
        /// Its id.
        pub id: String,
        /// `sync` or `discover`.
        pub kind: String,
    }
}

/// What recording a delivery told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whether this delivery came for the first time.
    pub is_new: bool,
    /// Whether nothing comes of it since the organisation is suspended.
    pub is_suspended: bool,
    /// The queued jobs that cover it.
    pub jobs: Vec<StartedJob>,
}

row! {
    struct DetailRow {
        detail: String,
    }
}

row! {
    struct IdRow {
        id: String,
    }
}

/// Records a delivery and makes the jobs it asks for, in one batch: all or nothing. A delivery that came before changes
/// nothing. A project that a package is synced from is compared; one that is unknown, but below a group whose new projects
/// are added, is looked at.
pub async fn record_delivery(app: &App, delivery: &NewDelivery<'_>) -> Result<Recorded> {
    let now = app.now();
    let projects = projects_json(delivery.projects)?;
    let names: Vec<_> = delivery
        .projects
        .iter()
        .map(|project| project.full_name.as_str())
        .collect();
    let mut statements = vec![
        Statement::new(
            "insert into deliveries (connection_id, provider_delivery_id, event, project, verdict, detail, received_at)
             select ?1, ?2, ?3, ?4, 'ignored', iif(s.suspended_at is null or ?4 is null, ?5, ?8), ?6
             from organisation_standings s where s.id = ?7
             on conflict (connection_id, provider_delivery_id) do nothing
             returning detail",
        )
        .bind(delivery.connection)
        .bind(delivery.provider_delivery_id)
        .bind(delivery.event)
        .bind((!names.is_empty()).then(|| names.join(", ")))
        .bind(delivery.detail)
        .bind(now)
        .bind(delivery.organisation)
        .bind(IGNORED),
        Statement::new("update connections set last_heard_at = ?2 where id = ?1")
            .bind(delivery.connection)
            .bind(now),
    ];
    if !delivery.projects.is_empty() {
        statements.push(
            Statement::new(
                "insert into delivery_projects (delivery_id, provider_id, full_name)
                 select d.id, json_extract(value, '$[0]'), json_extract(value, '$[1]')
                 from deliveries d, json_each(?3)
                 where d.connection_id = ?1 and d.provider_delivery_id = ?2
                 on conflict (delivery_id, provider_id) do nothing",
            )
            .bind(delivery.connection)
            .bind(delivery.provider_delivery_id)
            .bind(projects.as_str()),
        );
        statements.push(
            Statement::new(
                "update git_repos set last_heard_at = ?3
                 where connection_id = ?1 and provider_id in (select json_extract(value, '$[0]') from json_each(?2))",
            )
            .bind(delivery.connection)
            .bind(projects.as_str())
            .bind(now),
        );
        statements.extend(start_jobs_stmts(delivery, &projects, now));
    }
    let rows = app.db.batch(statements).await?;
    let mut rows = rows.into_iter();
    let inserted = first_as::<DetailRow>(rows.next().unwrap_or_default())?;
    let is_new = inserted.is_some();
    let is_suspended = inserted.is_some_and(|row| row.detail == IGNORED);
    let jobs = if delivery.projects.is_empty() {
        Vec::new()
    } else {
        rows_as(rows.next_back().unwrap_or_default())?
    };
    Ok(Recorded {
        is_new,
        is_suspended,
        jobs,
    })
}

pub(super) fn projects_json(projects: &[DeliveredProject]) -> Result<String> {
    let rows: Vec<_> = projects
        .iter()
        .map(|project| json!([project.provider_id, project.full_name, project.job]))
        .collect();
    serde_json::to_string(&rows).map_err(Error::internal)
}

/// The statements that make the jobs of a delivery, for those of its projects that have none yet: so a replay by the host
/// makes none. One queued job serves all deliveries about its project. The last one gives what is queued.
pub(super) fn start_jobs_stmts(
    delivery: &NewDelivery<'_>,
    projects: &str,
    now: i64,
) -> Vec<Statement> {
    let on = |sql: &'static str| {
        Statement::new(sql)
            .bind(delivery.connection)
            .bind(delivery.provider_delivery_id)
    };
    vec![
        on(
            "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
             select json_extract(value, '$[2]'), ?4, 'sync', g.id, min(p.id), 'queued', ?5, ?6
             from json_each(?3)
             join git_repos g on g.connection_id = ?1 and g.provider_id = json_extract(value, '$[0]')
             left join packages p on p.git_repo_id = g.id and p.renamed_to is null and g.folders is null
             join deliveries d on d.connection_id = ?1 and d.provider_delivery_id = ?2
             join delivery_projects t on t.delivery_id = d.id and t.provider_id = g.provider_id and t.job_id is null
             where (p.id is not null or g.folders is not null)
               and (select s.suspended_at from organisation_standings s where s.id = ?4) is null
               and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
             group by g.id",
        )
        .bind(projects)
        .bind(delivery.organisation)
        .bind(delivery.detail)
        .bind(now),
        on(
            "insert into jobs (id, organisation_id, kind, connection_id, provider_id, state, cause, created_at)
             select json_extract(value, '$[2]'), ?4, 'discover', ?1, t.provider_id, 'queued', ?5, ?6
             from json_each(?3)
             join deliveries d on d.connection_id = ?1 and d.provider_delivery_id = ?2
             join delivery_projects t on t.delivery_id = d.id and t.provider_id = json_extract(value, '$[0]')
                                     and t.job_id is null
             where not exists (select 1 from git_repos g left join packages p on p.git_repo_id = g.id
                               where g.connection_id = ?1 and g.provider_id = t.provider_id
                                 and (p.id is not null or g.folders is not null))
               and not exists (select 1 from git_repos g join deleted_packages e on e.git_repo_id = g.id
                               where g.connection_id = ?1 and g.provider_id = t.provider_id)
               and not exists (select 1 from jobs j where j.connection_id = ?1 and j.provider_id = t.provider_id
                               and j.state = 'queued')
               and (select s.suspended_at from organisation_standings s where s.id = ?4) is null
               and exists (select 1 from hook_groups h where h.connection_id = ?1 and h.repository_id is not null
                           and substr(lower(t.full_name), 1, length(h.name) + 1) = lower(h.name) || '/')",
        )
        .bind(projects)
        .bind(delivery.organisation)
        .bind(delivery.detail)
        .bind(now),
        on(
            "update delivery_projects set job_id = coalesce(
                 (select j.id from jobs j join git_repos g on g.id = j.git_repo_id
                  where g.connection_id = ?1 and g.provider_id = delivery_projects.provider_id and j.state = 'queued'
                  limit 1),
                 (select j.id from jobs j where j.connection_id = ?1
                  and j.provider_id = delivery_projects.provider_id and j.state = 'queued' limit 1))
             where job_id is null
               and delivery_id = (select d.id from deliveries d
                                  where d.connection_id = ?1 and d.provider_delivery_id = ?2)",
        ),
        // A program of before reads the one job that it would have made.
        on(
            "update deliveries set verdict = 'accepted',
                    job_id = (select min(t.job_id) from delivery_projects t where t.delivery_id = deliveries.id)
             where connection_id = ?1 and provider_delivery_id = ?2
               and exists (select 1 from delivery_projects t
                           where t.delivery_id = deliveries.id and t.job_id is not null)",
        ),
        on(
            "select distinct j.id, j.kind
             from deliveries d join delivery_projects t on t.delivery_id = d.id join jobs j on j.id = t.job_id
             where d.connection_id = ?1 and d.provider_delivery_id = ?2 and j.state = 'queued'
             order by j.id",
        ),
    ]
}

/// Runs what a delivery asked for once more: its projects are looked at again. `job_ids` are for the jobs that have to be
/// made, one for each project.
pub async fn replay_delivery(
    app: &App,
    organisation: i64,
    delivery: &DeliveryRow,
    job_ids: Vec<String>,
) -> Result<Vec<StartedJob>> {
    let projects: Vec<_> = delivery
        .projects()?
        .into_iter()
        .zip(job_ids)
        .map(|(project, job)| DeliveredProject {
            provider_id: project.id,
            full_name: project.name,
            job,
        })
        .collect();
    let cause = format!("webhook {} (replayed)", delivery.event);
    let again = NewDelivery {
        connection: &delivery.connection_id,
        organisation,
        provider_delivery_id: &delivery.provider_delivery_id,
        event: &delivery.event,
        detail: &cause,
        projects: &projects,
    };
    let mut statements = vec![
        Statement::new("update delivery_projects set job_id = null where delivery_id = ?1")
            .bind(delivery.id),
    ];
    // Nothing was heard of the host: `last_heard_at` stays.
    statements.extend(start_jobs_stmts(
        &again,
        &projects_json(&projects)?,
        app.now(),
    ));
    let rows = app.db.batch(statements).await?;
    rows_as(rows.into_iter().next_back().unwrap_or_default())
}

/// Notes a delivery that was refused, in one row for all of an hour. While many come, an isolate counts for some seconds
/// before it writes, so that `times` may come late and fall short.
pub async fn note_refused_delivery(app: &App, connection: &str, detail: &str) -> Result<()> {
    let now = app.now();
    let memory = &app.memo.refused_deliveries;
    let (since, counted) = memory
        .recall(connection, now, i64::MAX)
        .unwrap_or((i64::MIN, 0));
    if now.saturating_sub(since) < REFUSED_COUNTED {
        memory.remember(connection, (since, counted.saturating_add(1)), now);
        return Ok(());
    }
    memory.remember(connection, (now, 0), now);
    let hour = now.div_euclid(REFUSED_TOGETHER);
    app.db
        .rows(
            Statement::new(
                "insert into deliveries (connection_id, provider_delivery_id, event, verdict, detail, received_at, times)
                 values (?1, ?2, 'unknown', 'refused', ?3, ?4, ?5)
                 on conflict (connection_id, provider_delivery_id) do update set
                     times = times + excluded.times, received_at = excluded.received_at",
            )
            .bind(connection)
            // No host gives such an id, and none that has one could pass for this row: it would have to be signed.
            .bind(format!("refused {hour}"))
            .bind(detail)
            .bind(now)
            .bind(i64::from(counted).saturating_add(1)),
        )
        .await
        .map(|_| ())
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

row! {
    /// A delivery as lists show it.
    #[derive(Debug, Clone)]
    pub struct DeliveryRow {
        /// Its id.
        pub id: i64,
        /// The connection.
        pub connection_id: String,
        /// The provider's id.
        pub provider_delivery_id: String,
        /// The event.
        pub event: String,
        /// The project it is about, in words.
        pub project: Option<String>,
        /// `accepted`, `ignored` or `refused`.
        pub verdict: String,
        /// Why.
        pub detail: String,
        /// Unix seconds.
        pub received_at: i64,
        /// How many deliveries the row stands for.
        pub times: i64,
        /// JSON: see [`OutcomeOfProject`].
        projects: String,
    }
}

/// What a delivery led to for one project.
#[derive(Debug, Clone, Deserialize)]
pub struct OutcomeOfProject {
    /// The host's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The job it led to.
    pub job: Option<String>,
    /// The state that job is in now; none when it was forgotten.
    pub state: Option<String>,
}

impl DeliveryRow {
    /// What it led to, for each of its projects.
    pub fn projects(&self) -> Result<Vec<OutcomeOfProject>> {
        serde_json::from_str(&self.projects).map_err(Error::internal)
    }
}

/// The deliveries of an organisation, newest first: all, or those that come after the delivery `before`; of all
/// connections, or of one.
pub async fn list_deliveries(
    app: &App,
    organisation: i64,
    connection: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let statement = list_deliveries_stmt(organisation, connection, None, before, limit);
    rows_as(app.db.rows(statement).await?)
}

/// The statement that gives them; with a verdict, those alone that have it.
pub fn list_deliveries_stmt(
    organisation: i64,
    connection: Option<&str>,
    verdict: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Statement {
    Statement::new(
                    "select d.id, d.connection_id, d.provider_delivery_id, d.event, d.project, d.verdict, d.detail,
                            d.received_at, d.times,
                            (select json_group_array(json_object(
                                 'id', t.provider_id, 'name', t.full_name, 'job', t.job_id, 'state', j.state))
                             from delivery_projects t left join jobs j on j.id = t.job_id
                             where t.delivery_id = d.id) as projects
                     from deliveries d join connections c on c.id = d.connection_id
                     where c.organisation_id = ?1 and (?2 is null or d.connection_id = ?2)
                       and (?3 is null or d.id < ?3) and (?5 is null or d.verdict = ?5)
                     order by d.id desc limit ?4",
    )
    .bind(organisation)
    .bind(connection)
    .bind(before)
    .bind(limit)
    .bind(verdict)
}

/// One delivery of an organisation.
pub async fn find_delivery(app: &App, organisation: i64, id: i64) -> Result<Option<DeliveryRow>> {
    let Some(next) = id.checked_add(1) else {
        return Ok(None);
    };
    let newest = list_deliveries(app, organisation, None, Some(next), 1).await?;
    Ok(newest.into_iter().find(|delivery| delivery.id == id))
}

/// Says that the deliveries that led to a job were ignored after all; not those about other projects as well, whose jobs
/// say what became of each.
pub fn ignore_deliveries_stmt(job: &str, reason: &str) -> Statement {
    Statement::new(
        "update deliveries set verdict = 'ignored', detail = ?2
         where id in (select t.delivery_id from delivery_projects t where t.job_id = ?1)
           and (select count(*) from delivery_projects t where t.delivery_id = deliveries.id) = 1",
    )
    .bind(job)
    .bind(reason)
}

/// Forgets deliveries older than `before`: a provider does not replay what is that old.
pub async fn delete_old_deliveries(app: &App, before: i64) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "delete from delivery_projects where delivery_id in (
                     select id from deliveries where received_at < ?1)",
            )
            .bind(before),
            Statement::new("delete from deliveries where received_at < ?1").bind(before),
        ])
        .await
        .map(|_| ())
}
