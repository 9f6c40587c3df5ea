//! What each git ref was last seen at, and what became of it; and the host's listing pages for conditional requests.

use std::collections::HashMap;

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// A git ref as it was last seen.
    #[derive(Debug, Clone, PartialEq, Eq)]
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
        /// The setting of the package that it was refused for ([`RefRule`](crate::domain::git::RefRule)).
        pub rule: Option<String>,
        /// The version that a tag's name stood for, empty for none; none for a branch, and where nobody took a note of it.
        pub number: Option<String>,
    }
}

/// All known refs of a git repository, by name.
pub async fn list_git_refs(app: &App, git_repo: i64) -> Result<Vec<KnownRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select name, \"commit\", state, version, reason, rule, number from git_refs
                     where git_repo_id = ?1 order by name",
                )
                .bind(git_repo),
            )
            .await?,
    )
}

/// A commit that a ref stands at and that became a version: what it holds was there. Of a tag if there is one, for tags
/// stay where they are.
pub async fn find_taken_commit(app: &App, git_repo: i64) -> Result<Option<String>> {
    row! {
        struct Row {
            commit: String,
        }
    }
    let statement = Statement::new(
        "select \"commit\" from git_refs
         where git_repo_id = ?1 and state = 'imported' and version is not null
         order by name desc limit 1",
    )
    .bind(git_repo);
    let row: Option<Row> = first_as(app.db.rows(statement).await?)?;
    Ok(row.map(|row| row.commit))
}

/// Notes what became of a ref that failed.
pub fn upsert_git_ref_stmt(git_repo: i64, known: &KnownRef, now: i64) -> Statement {
    settle_git_ref_stmt(git_repo, known, None, None, now)
}

/// Notes what became of a ref, provided that `package` still is the one that is synced and, where a version was made of
/// the ref, that `version` (its normalized number) stands at the ref's commit.
pub fn settle_git_ref_stmt(
    git_repo: i64,
    known: &KnownRef,
    package: Option<i64>,
    version: Option<&str>,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into git_refs (git_repo_id, name, \"commit\", state, version, reason, rule, number, seen_at)
         select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
         where (?10 is null or exists (select 1 from packages p where p.id = ?10 and p.renamed_to is null))
           and (?11 is null or exists (
               select 1 from versions v where v.package_id = ?10 and v.normalized = ?11
               and v.reference = ?3 and v.removed_at is null))
         on conflict (git_repo_id, name) do update set
             \"commit\" = excluded.\"commit\", state = excluded.state, version = excluded.version,
             reason = excluded.reason, rule = excluded.rule, number = excluded.number, seen_at = excluded.seen_at",
    )
    .bind(git_repo)
    .bind(&known.name)
    .bind(&known.commit)
    .bind(&known.state)
    .bind(known.version.clone())
    .bind(known.reason.clone())
    .bind(known.rule.clone())
    .bind(known.number.clone())
    .bind(now)
    .bind(package)
    .bind(version)
}

/// Notes branches that are not imported. `branches` is a JSON list of `[name, commit, reason]`.
pub fn exclude_git_refs_stmt(git_repo: i64, branches: &str, now: i64) -> Statement {
    Statement::new(
        "insert into git_refs (git_repo_id, name, \"commit\", state, reason, rule, seen_at)
         select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'skipped',
                json_extract(value, '$[2]'), 'transient', ?3
         from json_each(?2)
         where true
         on conflict (git_repo_id, name) do update set
             \"commit\" = excluded.\"commit\", state = excluded.state, version = null,
             reason = excluded.reason, rule = excluded.rule, number = null, seen_at = excluded.seen_at",
    )
    .bind(git_repo)
    .bind(branches)
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

row! {
    struct PageRow {
        url: String,
        content: String,
    }
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
