//! Credentials that a host accepts no more: the connection rests, its jobs wait, and it is said once.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::connections::{Connection, find_connection};

/// Seconds until a refused credential is tried again, with one request.
pub const TRY_AGAIN: i64 = 6 * 60 * 60;

/// Notes that the host refuses the credential of a connection; whether that is news.
pub async fn note_refusal(app: &App, connection: &str, message: &str) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update connections set refused_at = ?2, next_try_at = ?2 + ?4, trouble = ?3, trouble_since = ?2
                 where id = ?1 and refused_at is null
                 returning id",
            )
            .bind(connection)
            .bind(app.now())
            .bind(message)
            .bind(TRY_AGAIN),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Has a job wait, as if it had never looked, and says why. What it has taken in stays; what it had not come to is found
/// again when it begins anew.
pub async fn park_job(app: &App, job: &str, message: &str) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "update jobs set state = 'queued', message = ?2, started_at = null
                 where id = ?1 and state in ('queued', 'running')",
            )
            .bind(job)
            .bind(message),
            forget_waiting_refs_stmt(job, "queued"),
        ])
        .await
        .map(|_| ())
}

/// What a job in this state had not come to is forgotten.
pub(super) fn forget_waiting_refs_stmt(job: &str, state: &str) -> Statement {
    Statement::new(
        "delete from job_refs
         where job_id = ?1 and state = 'waiting' and exists (select 1 from jobs where id = ?1 and state = ?2)",
    )
    .bind(job)
    .bind(state)
}

/// The connection of a git repository.
pub async fn find_connection_of(app: &App, git_repo: i64) -> Result<Option<Connection>> {
    row! {
        struct Row {
            connection_id: String,
        }
    }
    let statement =
        Statement::new("select connection_id from git_repos where id = ?1").bind(git_repo);
    let row: Option<Row> = first_as(app.db.rows(statement).await?)?;
    match row {
        Some(row) => find_connection(app, &row.connection_id).await,
        None => Ok(None),
    }
}

/// The jobs that wait for a connection, oldest first: id and kind.
pub async fn list_waiting_jobs(app: &App, connection: &str) -> Result<Vec<(String, String)>> {
    row! {
        struct Row {
            id: String,
            kind: String,
        }
    }
    let statement = Statement::new(
        "select j.id, j.kind from jobs j left join git_repos g on g.id = j.git_repo_id
         where j.state = 'queued' and ?1 in (g.connection_id, j.connection_id)
         order by j.created_at, j.id",
    )
    .bind(connection);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}

/// A credential is not tried again within these seconds, whoever asks for it.
const TRIED_APART: i64 = 60;

/// Claims a try of a refused credential before its time; whether nobody else has tried in the last minute.
pub async fn claim_try(app: &App, connection: &str) -> Result<bool> {
    let statement = Statement::new(
        "update connections set next_try_at = ?2 + ?3
         where id = ?1 and refused_at is not null and coalesce(next_try_at, 0) <= ?2 + ?3 - ?4
         returning id",
    )
    .bind(connection)
    .bind(app.now())
    .bind(TRY_AGAIN)
    .bind(TRIED_APART);
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// The connection of a git repository, if its credential is refused.
pub async fn find_refused_connection(app: &App, git_repo: i64) -> Result<Option<String>> {
    row! {
        struct Row {
            id: String,
        }
    }
    let statement = Statement::new(
        "select c.id from git_repos g join connections c on c.id = g.connection_id
         where g.id = ?1 and c.refused_at is not null",
    )
    .bind(git_repo);
    let row: Option<Row> = first_as(app.db.rows(statement).await?)?;
    Ok(row.map(|row| row.id))
}

/// Connections whose refused credential is due to be tried, and says that it is being tried: whoever asks next gets others.
pub async fn take_due_tries(app: &App, limit: i64) -> Result<Vec<String>> {
    row! {
        struct Row {
            id: String,
        }
    }
    let statement = Statement::new(
        "update connections set next_try_at = ?1 + ?2
         where id in (select c.id from connections c
                      where c.next_try_at <= ?1
                        and (select s.suspended_at from organisation_standings s where s.id = c.organisation_id) is null
                      order by c.next_try_at limit ?3)
         returning id",
    )
    .bind(app.now())
    .bind(TRY_AGAIN)
    .bind(limit);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The credential works again.
pub async fn note_acceptance(app: &App, connection: &str) -> Result<()> {
    let statement = Statement::new(
        "update connections set refused_at = null, next_try_at = null, trouble = null, trouble_since = null
         where id = ?1",
    )
    .bind(connection);
    app.db.rows(statement).await.map(|_| ())
}
