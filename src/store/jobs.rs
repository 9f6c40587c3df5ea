//! What a person sees of the queue.

use crate::app::App;
use crate::error::Result;
use crate::ports::db::{first_as, row, rows_as};
use crate::ports::{Statement, Value};

row! {
    /// A job.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct JobRow {
        /// Its id.
        pub id: String,
        /// The organisation's id.
        pub organisation_id: i64,
        /// `sync` or `discover`.
        pub kind: String,
        /// The git repository it is about.
        pub git_repo_id: Option<i64>,
        /// The package it is about.
        pub package_id: Option<i64>,
        /// The package's name.
        pub package: Option<String>,
        /// The git repository's `owner/name`.
        pub project: Option<String>,
        /// `queued`, `running`, `publishing`, `done`, `failed`, `cancelled`.
        pub state: String,
        /// What started it.
        pub cause: String,
        /// What a person should know.
        pub message: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub started_at: Option<i64>,
        /// Unix seconds.
        pub finished_at: Option<i64>,
        /// Refs in all.
        pub total: i64,
        /// Refs that are not settled yet.
        pub waiting: i64,
        /// Refs that became a version.
        pub imported: i64,
        /// Refs that are as they were.
        pub unchanged: i64,
        /// Refs that give no version.
        pub skipped: i64,
        /// Refs that failed.
        pub failed: i64,
        /// Refs that are gone.
        pub removed: i64,
    }
}

/// The statement that starts a job, unless one for the same git repository is queued and has not begun:
/// that one will see everything this one would. A job about a git repository with many packages has none of its own.
pub fn insert_job_stmt(
    id: &str,
    organisation: i64,
    git_repo: i64,
    package: impl Into<Option<i64>>,
    cause: &str,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
         select ?1, ?2, 'sync', ?3, ?4, 'queued', ?5, ?6
         where not exists (select 1 from jobs where git_repo_id = ?3 and state = 'queued')",
    )
    .bind(id)
    .bind(organisation)
    .bind(git_repo)
    .bind(package.into())
    .bind(cause)
    .bind(now)
}

/// The statement that gives the queued job of a git repository, as `id`.
pub fn find_queued_job_stmt(git_repo: i64) -> Statement {
    Statement::new("select id from jobs where git_repo_id = ?1 and state = 'queued' limit 1")
        .bind(git_repo)
}

/// Finds a job with its counts.
pub async fn find_job(app: &App, id: &str) -> Result<Option<JobRow>> {
    first_as(app.db.rows(find_job_stmt(id)).await?)
}

/// The statement that gives it.
pub fn find_job_stmt(id: &str) -> Statement {
    Statement::new(
        "select j.id, j.organisation_id, j.kind, j.git_repo_id, j.package_id, coalesce(p.deleted_name, p.name) as package,
                g.full_name as project, j.state, j.cause, coalesce(j.message, j.notice) as message, j.created_at, j.started_at, j.finished_at,
                count(f.name) + j.unchanged as total,
                coalesce(sum(f.state = 'waiting'), 0) as waiting,
                coalesce(sum(f.state = 'imported'), 0) as imported,
                j.unchanged,
                coalesce(sum(f.state = 'skipped'), 0) as skipped,
                coalesce(sum(f.state = 'failed'), 0) as failed,
                coalesce(sum(f.state = 'removed'), 0) as removed
         from jobs j
         left join packages p on p.id = j.package_id
         left join git_repos g on g.id = j.git_repo_id
         left join job_refs f on f.job_id = j.id
         where j.id = ?1
         group by j.id",
    )
    .bind(id)
}

/// Which jobs are meant; none of a part means all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobFilter<'a> {
    /// `queued`, …; or [`NEEDS_A_PERSON`].
    pub state: Option<&'a str>,
    /// `sync` or `discover`.
    pub kind: Option<&'a str>,
    /// A part of the name of the package or of the project.
    pub about: Option<&'a str>,
}

/// In place of a state: jobs that failed, and whose git repository no later one has taken in.
pub const NEEDS_A_PERSON: &str = "needs-a-person";

/// The jobs of an organisation, newest first: all, or those that come after the job `before`.
pub async fn list_jobs(
    app: &App,
    organisation: i64,
    filter: &JobFilter<'_>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<JobRow>> {
    let statement = list_jobs_stmt(organisation, filter, before, limit);
    rows_as(app.db.rows(statement).await?)
}

/// The statement that gives them.
pub fn list_jobs_stmt(
    organisation: i64,
    filter: &JobFilter<'_>,
    before: Option<&str>,
    limit: i64,
) -> Statement {
    Statement::new(
        "select j.id, j.organisation_id, j.kind, j.git_repo_id, j.package_id, coalesce(p.deleted_name, p.name) as package,
                g.full_name as project, j.state, j.cause, coalesce(j.message, j.notice) as message, j.created_at, j.started_at,
                j.finished_at, count(f.name) + j.unchanged as total,
                coalesce(sum(f.state = 'waiting'), 0) as waiting,
                coalesce(sum(f.state = 'imported'), 0) as imported,
                j.unchanged,
                coalesce(sum(f.state = 'skipped'), 0) as skipped,
                coalesce(sum(f.state = 'failed'), 0) as failed,
                coalesce(sum(f.state = 'removed'), 0) as removed
         from (select * from jobs a
               where a.organisation_id = ?1
                 and (?2 is null or (-a.created_at, a.id) > (
                     select -b.created_at, b.id from jobs b where b.id = ?2 and b.organisation_id = ?1))
                 and (?4 is null or a.state = ?4
                      or (?4 = 'needs-a-person' and a.state = 'failed'
                          and not exists (select 1 from jobs l where l.git_repo_id = a.git_repo_id
                                          and l.created_at >= a.created_at and l.state = 'done')))
                 and (?5 is null or a.kind = ?5)
                 and (?6 is null
                      or a.package_id in (select p.id from packages p
                                          where p.organisation_id = ?1 and instr(p.name, lower(?6)) > 0)
                      or a.git_repo_id in (select g.id from git_repos g
                                           where g.organisation_id = ?1 and instr(lower(g.full_name), lower(?6)) > 0))
               order by a.created_at desc, a.id limit ?3) j
         left join packages p on p.id = j.package_id
         left join git_repos g on g.id = j.git_repo_id
         left join job_refs f on f.job_id = j.id
         group by j.id
         order by j.created_at desc, j.id",
    )
    .bind(organisation)
    .bind(before)
    .bind(limit)
    .bind(filter.state)
    .bind(filter.kind)
    .bind(filter.about)
}

row! {
    /// A job as far as running it needs it, without counting its refs.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RunningJob {
        /// The organisation's id.
        pub organisation_id: i64,
        /// The git repository.
        pub git_repo_id: i64,
        /// The package.
        pub package_id: i64,
        /// The state.
        pub state: String,
        /// What started it.
        pub cause: String,
        /// When something of it was last at work, in Unix seconds; see [`note_activity_stmt`].
        pub active_at: Option<i64>,
        /// Unix seconds.
        pub created_at: i64,
    }
}

/// Finds what running a job needs.
pub async fn find_running_job(app: &App, id: &str) -> Result<Option<RunningJob>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select organisation_id, git_repo_id, package_id, state, cause, active_at, created_at from jobs
                 where id = ?1 and git_repo_id is not null and package_id is not null",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

/// Moves a job from one of some states to another, if it is in one of them; whether it was.
/// `from` is a JSON list of states.
pub async fn move_job(
    app: &App,
    job: &str,
    from: &str,
    to: &str,
    message: Option<&str>,
) -> Result<bool> {
    let ended = matches!(to, "failed" | "cancelled" | "done");
    let rows = app
        .db
        .rows(
            Statement::new(
                "update jobs set state = ?3, message = ?4, active_at = ?5,
                        started_at = case when ?3 = 'running' then coalesce(started_at, ?5) else started_at end,
                        finished_at = ?6
                 where id = ?1 and state in (select value from json_each(?2))
                 returning id",
            )
            .bind(job)
            .bind(from)
            .bind(to)
            .bind(message)
            .bind(app.now())
            .bind(if ended { Value::from(app.now()) } else { Value::Null }),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Keeps on a job what its package's notice says. It stays when the job has ended, but for what ended it in vain.
pub fn copy_notice_stmt(job: &str, package: i64) -> Statement {
    Statement::new(
        "update jobs set notice = (select notice from packages where id = ?2) where id = ?1",
    )
    .bind(job)
    .bind(package)
}

/// A job is about another package than when it was made: that one was renamed.
pub fn move_job_to_package_stmt(job: &str, package: i64) -> Statement {
    Statement::new(
        "update jobs set package_id = ?2
         where id = ?1 and package_id <> ?2
           and exists (select 1 from packages p where p.id = ?2 and p.renamed_to is null)",
    )
    .bind(job)
    .bind(package)
}

/// Says what a job waits for.
pub async fn note_on_job(app: &App, job: &str, message: Option<&str>) -> Result<()> {
    app.db
        .rows(note_on_job_stmt(job, message))
        .await
        .map(|_| ())
}

/// The statement that does.
pub fn note_on_job_stmt(job: &str, message: Option<&str>) -> Statement {
    Statement::new("update jobs set message = ?2 where id = ?1 and message is not ?2")
        .bind(job)
        .bind(message)
}

/// Moves a running job on to publishing once none of its refs waits; gives the state it is in then.
pub async fn settle_job(app: &App, job: &str) -> Result<Option<String>> {
    row! {
        struct State {
            state: String,
        }
    }
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "update jobs set state = 'publishing', message = null, active_at = ?2
                 where id = ?1 and state = 'running'
                   and not exists (select 1 from job_refs where job_id = ?1 and state = 'waiting')",
            )
            .bind(job)
            .bind(app.now()),
            Statement::new("select state from jobs where id = ?1").bind(job),
        ])
        .await?;
    let state = rows.into_iter().nth(1).unwrap_or_default();
    Ok(first_as::<State>(state)?.map(|row| row.state))
}

/// Lets a failed or cancelled job begin again, as if it had never looked: what failed and what it had not come to are
/// found again then, and so is what changed since. Whether it was in one of these states.
pub async fn restart_job(app: &App, job: &str) -> Result<bool> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "update jobs set state = 'queued', message = null, active_at = null, started_at = null,
                        finished_at = null
                 where id = ?1 and state in ('failed', 'cancelled')
                 returning id",
            )
            .bind(job),
            Statement::new(
                "delete from job_refs
                 where job_id = ?1 and exists (select 1 from jobs where id = ?1 and state = 'queued')",
            )
            .bind(job),
        ])
        .await?;
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}

/// Forgets some jobs that ended before `before`, with their refs.
pub async fn delete_old_jobs(app: &App, before: i64) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "delete from job_refs where job_id in (
                     select id from jobs where finished_at < ?1 order by finished_at, id limit 500)",
            )
            .bind(before),
            Statement::new(
                "delete from jobs where id in (
                     select id from jobs where finished_at < ?1 order by finished_at, id limit 500)",
            )
            .bind(before),
        ])
        .await
        .map(|_| ())
}

/// Queued jobs that were made before `before`, as id and kind: their message was lost. Those that wait for a credential,
/// for their host to show their project or for the end of a suspension are left alone.
pub async fn list_forgotten_jobs(app: &App, before: i64) -> Result<Vec<(String, String)>> {
    row! {
        struct Forgotten {
            id: String,
            kind: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select j.id, j.kind from jobs j
                 left join git_repos g on g.id = j.git_repo_id
                 left join connections c on c.id = coalesce(g.connection_id, j.connection_id)
                 where j.state = 'queued' and j.created_at < ?1 and c.refused_at is null
                   and (g.withheld_at is null or coalesce(g.next_look_at, 0) <= ?2)
                   and (select s.suspended_at from organisation_standings s where s.id = j.organisation_id) is null
                 order by j.created_at limit 100",
            )
            .bind(before)
            .bind(app.now()),
        )
        .await?;
    Ok(rows_as::<Forgotten>(rows)?
        .into_iter()
        .map(|row| (row.id, row.kind))
        .collect())
}

/// Notes that something of a job is at work, be it in vain. Written once in ten seconds, as a large import does this for
/// each of its commits.
pub fn note_activity_stmt(job: &str, now: i64) -> Statement {
    Statement::new(
        "update jobs set active_at = ?2 where id = ?1 and coalesce(active_at, 0) <= ?2 - 10",
    )
    .bind(job)
    .bind(now)
}

/// How long a job may be silent, in Unix seconds: those that were active before these times are.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// For one whose messages are to be at work.
    pub since: i64,
    /// For one that waits to try again something that failed.
    pub failing_since: i64,
}

/// Jobs that have begun and of which nothing was at work for long, as if their messages were lost: the silent ones now
/// count as active at `now`, so that they are not listed again at once. What waits because its host asked for a pause is
/// not silent until that has been over for as long.
pub async fn take_silent_jobs(app: &App, silence: Silence, now: i64) -> Result<Vec<String>> {
    row! {
        struct Silent {
            id: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "update jobs set active_at = ?3 where id in (
                     select j.id
                     from jobs j join git_repos g on g.id = j.git_repo_id
                                 join connections c on c.id = g.connection_id
                     where j.state in ('running', 'publishing')
                       and max(coalesce(j.active_at, j.started_at, j.created_at), coalesce(c.paused_until, 0),
                               coalesce(g.archives_paused_until, 0))
                           < case when j.message is null and not exists (
                                      select 1 from job_refs f
                                      where f.job_id = j.id and f.state = 'waiting' and f.attempts > 0)
                                  then ?1 else ?2 end
                     order by j.created_at limit 100)
                 returning id",
            )
            .bind(silence.since)
            .bind(silence.failing_since)
            .bind(now),
        )
        .await?;
    Ok(rows_as::<Silent>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// The provider that a job's git repository is at; none for a job or a repository that is gone.
pub async fn find_provider(app: &App, job: &str) -> Result<Option<String>> {
    row! {
        struct Row {
            provider: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select c.provider from jobs j join git_repos g on g.id = j.git_repo_id
                                               join connections c on c.id = g.connection_id
                 where j.id = ?1",
            )
            .bind(job),
        )
        .await?;
    Ok(first_as::<Row>(rows)?.map(|row| row.provider))
}
