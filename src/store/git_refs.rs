//! What each git ref was last seen at, and what became of it; and the host's listing pages for conditional requests.

use std::collections::HashMap;

use serde::Deserialize;

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::rows_as;

/// A git ref as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownRef {
    /// Full name: `refs/tags/v1.0.0`.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// `imported`, `skipped` or `failed`.
    pub state: String,
    /// The version it became.
    pub version: Option<String>,
    /// Why it became none, or what is to be known of it.
    pub reason: Option<String>,
}

/// All known refs of a git repository, by name.
pub async fn list_git_refs(app: &App, git_repo: i64) -> Result<Vec<KnownRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select name, \"commit\", state, version, reason from git_refs
                     where git_repo_id = ?1 order by name",
                )
                .bind(git_repo),
            )
            .await?,
    )
}

/// Notes what became of a ref.
pub fn upsert_git_ref_stmt(git_repo: i64, known: &KnownRef, now: i64) -> Statement {
    Statement::new(
        "insert into git_refs (git_repo_id, name, \"commit\", state, version, reason, seen_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (git_repo_id, name) do update set
             \"commit\" = excluded.\"commit\", state = excluded.state, version = excluded.version,
             reason = excluded.reason, seen_at = excluded.seen_at",
    )
    .bind(git_repo)
    .bind(&known.name)
    .bind(&known.commit)
    .bind(&known.state)
    .bind(known.version.clone())
    .bind(known.reason.clone())
    .bind(now)
}

/// Forgets vanished refs. `names` is a JSON list.
pub fn delete_git_refs_stmt(git_repo: i64, names: &str) -> Statement {
    Statement::new(
        "delete from git_refs where git_repo_id = ?1 and name in (select value from json_each(?2))",
    )
    .bind(git_repo)
    .bind(names)
}

#[derive(Deserialize)]
struct PageRow {
    url: String,
    content: String,
}

/// The listing pages of a git repository as stored: URL to JSON.
pub async fn load_ref_pages(app: &App, git_repo: i64) -> Result<HashMap<String, String>> {
    let rows = app
        .db
        .rows(
            Statement::new("select url, content from ref_pages where git_repo_id = ?1")
                .bind(git_repo),
        )
        .await?;
    Ok(rows_as::<PageRow>(rows)?
        .into_iter()
        .map(|row| (row.url, row.content))
        .collect())
}

/// Replaces the stored listing pages: `(url, JSON)`.
pub fn replace_ref_pages_stmts(git_repo: i64, pages: &[(String, String)]) -> Vec<Statement> {
    let mut statements =
        vec![Statement::new("delete from ref_pages where git_repo_id = ?1").bind(git_repo)];
    for (url, content) in pages {
        statements.push(
            Statement::new("insert into ref_pages (git_repo_id, url, content) values (?1, ?2, ?3)")
                .bind(git_repo)
                .bind(url)
                .bind(content),
        );
    }
    statements
}
