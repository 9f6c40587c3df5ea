//! Projects that their host shows to the connection's credential no more: their jobs wait, and the host is left alone.
//! Other projects of the connection go on.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::store::refusals::forget_waiting_refs_stmt;

/// Seconds until a withheld project is asked for again.
pub const LOOK_AGAIN: i64 = 6 * 60 * 60;

/// Notes that its host withholds a git repository, and has a job about it wait as if it had never looked, in one batch.
/// What the job has taken in stays; what it had not come to is found again when it begins anew. Whether it is news.
pub async fn park_withheld(app: &App, git_repo: i64, job: &str, message: &str) -> Result<bool> {
    let now = app.now();
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "update git_repos set withheld_at = ?2, withheld_reason = ?3
                 where id = ?1 and withheld_at is null
                 returning id",
            )
            .bind(git_repo)
            .bind(now)
            .bind(message),
            // Who did not ask, since it is too early, does not put it off either.
            Statement::new(
                "update git_repos set next_look_at = ?2 + ?3 where id = ?1 and coalesce(next_look_at, 0) <= ?2",
            )
            .bind(git_repo)
            .bind(now)
            .bind(LOOK_AGAIN),
            Statement::new(
                "update jobs set state = 'queued', message = ?2, started_at = null
                 where id = ?1 and state in ('queued', 'running')",
            )
            .bind(job)
            .bind(message),
            forget_waiting_refs_stmt(job, "queued"),
        ])
        .await?;
    Ok(rows.first().is_some_and(|noted| !noted.is_empty()))
}

/// Its host shows a git repository.
pub fn note_shown_stmt(git_repo: i64) -> Statement {
    Statement::new(
        "update git_repos set withheld_at = null, withheld_reason = null, next_look_at = null
         where id = ?1 and withheld_at is not null",
    )
    .bind(git_repo)
}

/// Its host may be asked for a git repository at once: somebody says that it shows it again.
pub async fn look_soon(app: &App, git_repo: i64) -> Result<()> {
    app.db
        .rows(
            Statement::new("update git_repos set next_look_at = null where id = ?1").bind(git_repo),
        )
        .await
        .map(|_| ())
}

/// The same for all of a connection: it has another credential.
pub fn look_soon_at_all_stmt(connection: &str) -> Statement {
    Statement::new(
        "update git_repos set next_look_at = null where connection_id = ?1 and withheld_at is not null",
    )
    .bind(connection)
}
