//! Suspended organisations: nothing is taken in for them, and their jobs wait. A trigger sees to that none begins
//! (migration 0029); what is here has those that run stop, tells people why, and wakes them again.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// What a job says that waits. It is compared with, so that it can be taken away again.
pub const WAITS: &str = "It waits: the organisation is suspended, and goes on when the owner of this instance resumes it";

/// What a delivery says that came meanwhile.
pub const IGNORED: &str =
    "ignored: the organisation is suspended; everything is compared when that ends";

/// Jobs that are sent for at once when a suspension ends; housekeeping sends for the rest.
const SENT_AT_ONCE: i64 = 500;

/// The statements that have the running jobs of an organisation and those below it wait, as if they had never looked. They
/// stand behind the one that suspends it. Messages that are under way find nothing to do.
pub(super) fn suspend_stmts(organisation: i64) -> Vec<Statement> {
    vec![
        Statement::new(
            "update jobs set state = 'queued', message = ?2, started_at = null
             where organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
               and state in ('queued', 'running')",
        )
        .bind(organisation)
        .bind(WAITS),
        Statement::new(
            "delete from job_refs where state = 'waiting' and job_id in (
                 select id from jobs
                 where organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
                   and state = 'queued')",
        )
        .bind(organisation),
    ]
}

/// The statements that make up for what was not heard meanwhile: a comparison for each git repository. They stand behind
/// the one that ends the suspension; organisations that are suspended for themselves are left alone.
pub(super) fn resume_stmts(organisation: i64, now: i64) -> Vec<Statement> {
    let on = |sql: &'static str| Statement::new(sql).bind(organisation);
    vec![
        on(
            "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
             select lower(hex(randomblob(15))), g.organisation_id, 'sync', g.id, min(p.id), 'queued',
                    'the organisation was resumed', ?2
             from git_repos g
             left join packages p on p.git_repo_id = g.id and p.renamed_to is null and g.folders is null
             where g.organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
               and (select s.suspended_at from organisation_standings s where s.id = g.organisation_id) is null
               and (p.id is not null or g.folders is not null)
               and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
             group by g.id",
        )
        .bind(now),
        on(
            "update jobs set message = null
             where organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
               and (select s.suspended_at from organisation_standings s where s.id = jobs.organisation_id) is null
               and state = 'queued' and message = ?2",
        )
        .bind(WAITS),
        on(
            "update imports set due_at = ?2, message = null
             where organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
               and state in ('listing', 'adding')",
        )
        .bind(now),
    ]
}

/// Whether an organisation, or the one above it, is suspended.
pub async fn is_suspended(app: &App, organisation: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select 1 as one from organisation_standings where id = ?1 and suspended_at is not null",
            )
            .bind(organisation),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Says on a job that could not begin why it waits, if a suspension is what it waits for.
pub async fn note_waiting(app: &App, job: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update jobs set message = ?2
                 where id = ?1 and state = 'queued'
                   and (select s.suspended_at from organisation_standings s where s.id = jobs.organisation_id)
                       is not null",
            )
            .bind(job)
            .bind(WAITS),
        )
        .await
        .map(|_| ())
}

/// What is queued for an organisation and those below it, the oldest first, in a number that can be sent for at once: id and
/// kind.
pub async fn list_queued(app: &App, organisation: i64) -> Result<Vec<(String, String)>> {
    row! {
        struct Queued {
            id: String,
            kind: String,
        }
    }
    let statement = Statement::new(
        "select id, kind from jobs
         where organisation_id in (select id from organisations where id = ?1 or parent_id = ?1) and state = 'queued'
         order by created_at, id limit ?2",
    )
    .bind(organisation)
    .bind(SENT_AT_ONCE);
    let rows: Vec<Queued> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}
