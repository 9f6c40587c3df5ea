//! What was read ahead of commits that a job is to take in.

use serde::Serialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};

/// Far below D1's 2 MB for one value.
const BYTES_IN_ONE_STATEMENT: usize = 512 * 1024;

row! {
    /// What was read of a commit.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct ReadCommit {
        /// The commit.
        pub commit: String,
        /// The text of its composer.json; none where it has none.
        pub manifest: Option<String>,
        /// Its time, in RFC 3339 and UTC.
        pub time: String,
    }
}

/// Keeps what was read. A commit never changes, so that what is kept already is the same.
pub async fn keep_read_commits(app: &App, git_repo: i64, read: &[ReadCommit]) -> Result<()> {
    let mut statements = Vec::new();
    let mut rest = read;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fits = rest
            .iter()
            .take_while(|one| {
                let length = one.manifest.as_deref().map_or(0, str::len);
                bytes = bytes.saturating_add(length).saturating_add(100);
                bytes <= BYTES_IN_ONE_STATEMENT
            })
            .count();
        let Some((some, after)) = rest.split_at_checked(fits.max(1)) else {
            break;
        };
        let rows = serde_json::to_string(some).map_err(Error::internal)?;
        statements.push(
            Statement::new(
                "insert into read_commits (git_repo_id, \"commit\", manifest, time, read_at)
                 select ?1, json_extract(value, '$.commit'), json_extract(value, '$.manifest'),
                        json_extract(value, '$.time'), ?3
                 from json_each(?2)
                 where true
                 on conflict (git_repo_id, \"commit\") do nothing",
            )
            .bind(git_repo)
            .bind(rows)
            .bind(app.now()),
        );
        rest = after;
    }
    if statements.is_empty() {
        return Ok(());
    }
    app.db.batch(statements).await.map(|_| ())
}

/// What was read ahead of a commit.
pub async fn find_read_commit(
    app: &App,
    git_repo: i64,
    commit: &str,
) -> Result<Option<ReadCommit>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select \"commit\", manifest, time from read_commits where git_repo_id = ?1 and \"commit\" = ?2",
            )
            .bind(git_repo)
            .bind(commit),
        )
        .await?;
    first_as(rows)
}

/// A commit was taken in: what was read ahead of it has served its purpose.
pub fn forget_read_commit_stmt(git_repo: i64, commit: &str) -> Statement {
    Statement::new("delete from read_commits where git_repo_id = ?1 and \"commit\" = ?2")
        .bind(git_repo)
        .bind(commit)
}

/// Forgets what was read before `before` and never asked for: its job failed or was cancelled.
pub async fn delete_old_read_commits(app: &App, before: i64) -> Result<()> {
    app.db
        .rows(Statement::new("delete from read_commits where read_at < ?1").bind(before))
        .await
        .map(|_| ())
}
