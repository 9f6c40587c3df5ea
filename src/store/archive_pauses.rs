//! Pauses that a host asks for the archives of one project, while it answers all else.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

row! {
    struct Number {
        number: i64,
    }
}

async fn find_number(app: &App, statement: Statement) -> Result<Option<i64>> {
    let rows: Vec<Number> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.first().map(|row| row.number))
}

/// Seconds until the host gives archives of this git repository again; none when it does now.
pub async fn find_archive_pause(app: &App, git_repo: i64) -> Result<Option<u32>> {
    let statement = Statement::new(
        "select archives_paused_until - ?2 as number from git_repos where id = ?1 and archives_paused_until > ?2",
    )
    .bind(git_repo)
    .bind(app.now());
    let left = find_number(app, statement).await?;
    Ok(left.and_then(|seconds| u32::try_from(seconds).ok()))
}

/// Seconds until the host of this git repository may be asked for anything; none when it may be asked now.
pub async fn find_host_pause(app: &App, git_repo: i64) -> Result<Option<u32>> {
    let statement = Statement::new(
        "select c.paused_until - ?2 as number
         from git_repos g join connections c on c.id = g.connection_id
         where g.id = ?1 and c.paused_until > ?2",
    )
    .bind(git_repo)
    .bind(app.now());
    let left = find_number(app, statement).await?;
    Ok(left.and_then(|seconds| u32::try_from(seconds).ok()))
}

/// Notes that the host gives no archives of a git repository for some seconds; whether that is news.
pub async fn note_archive_pause(app: &App, git_repo: i64, seconds: u32) -> Result<bool> {
    // As with the pause of a connection: one second more, and who hears of the same pause later brings no news.
    let until = app
        .now()
        .saturating_add(i64::from(seconds))
        .saturating_add(1);
    let statement = Statement::new(
        "update git_repos set archives_paused_until = ?2
         where id = ?1 and coalesce(archives_paused_until, 0) < ?2 - 1
         returning id as number",
    )
    .bind(git_repo)
    .bind(until);
    Ok(find_number(app, statement).await?.is_some())
}

/// How many commits of a job wait to be taken in before this one, in one order for all.
pub async fn count_waiting_before(app: &App, job: &str, commit: &str) -> Result<u32> {
    let statement = Statement::new(
        "select count(distinct \"commit\") as number from job_refs where job_id = ?1 
         and state = 'waiting' and \"commit\" < ?2",
    )
    .bind(job)
    .bind(commit);
    let count = find_number(app, statement).await?.unwrap_or_default();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
