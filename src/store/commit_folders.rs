//! What commits of a git repository with many packages hold. It is written once for each commit and never changes, but
//! for other patterns of folders.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::domain::monorepo::{FolderPatterns, FoundFolder, ManifestFacts};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{json_list, row, rows_as};
use crate::store::archives::Packages;
use crate::store::folder_refs::read_lists;
use crate::store::monorepos::folders_text;

/// Bytes in one parameter, far below D1's 2 MB.
const PARAMETER: usize = 500_000;

/// The archive of a whole commit, while it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArchive {
    /// Its key in the blob store.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// Notes what a commit holds, if the patterns by which it was looked at still hold.
pub async fn note_look(
    app: &App,
    git_repo: i64,
    commit: &str,
    time: &str,
    archive: &KeptArchive,
    patterns: &FolderPatterns,
    packages: &Packages,
) -> Result<()> {
    let patterns = folders_text(patterns)?;
    let mut statements = Vec::new();
    let manifests = packages.manifests.iter();
    for rows in chunks(manifests.map(|(digest, manifest)| json!([digest, manifest])))? {
        statements.push(
            Statement::new(
                "insert into folder_manifests (git_repo_id, digest, manifest)
                 select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?2)
                 where true
                 on conflict (git_repo_id, digest) do nothing",
            )
            .bind(git_repo)
            .bind(rows),
        );
    }
    let mut folders = Vec::new();
    for folder in &packages.folders {
        let facts = serde_json::to_string(&folder.facts).map_err(Error::internal)?;
        folders.push(json!([folder.path, folder.name, folder.digest, facts]));
    }
    for rows in chunks(folders.into_iter())? {
        statements.push(
            Statement::new(
                "insert into commit_folders (git_repo_id, \"commit\", folder, name, digest, facts)
                 select ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                        json_extract(value, '$[2]'), json_extract(value, '$[3]')
                 from json_each(?3)
                 where exists (select 1 from git_repos where id = ?1 and folders = ?4)
                 on conflict (git_repo_id, \"commit\", folder) do nothing",
            )
            .bind(git_repo)
            .bind(commit)
            .bind(rows)
            .bind(patterns.as_str()),
        );
    }
    statements.push(
        Statement::new(
            "insert into looked_commits (git_repo_id, \"commit\", time, archive_key, archive_size)
             select ?1, ?2, ?3, ?4, ?5
             where exists (select 1 from git_repos where id = ?1 and folders = ?6)
             on conflict (git_repo_id, \"commit\") do nothing",
        )
        .bind(git_repo)
        .bind(commit)
        .bind(time)
        .bind(archive.key.as_str())
        .bind(i64::try_from(archive.size).unwrap_or(i64::MAX))
        .bind(patterns),
    );
    app.db.batch(statements).await.map(|_| ())
}

/// Lists of rows as JSON, none of them too large for a parameter.
pub(super) fn chunks(rows: impl Iterator<Item = serde_json::Value>) -> Result<Vec<String>> {
    let mut chunks = Vec::new();
    let mut chunk: Vec<String> = Vec::new();
    let mut size = 0_usize;
    let join = |chunk: &[String]| format!("[{}]", chunk.join(","));
    for row in rows {
        let text = serde_json::to_string(&row).map_err(Error::internal)?;
        if !chunk.is_empty() && size.saturating_add(text.len()) > PARAMETER {
            chunks.push(join(&chunk));
            chunk.clear();
            size = 0;
        }
        size = size.saturating_add(text.len());
        chunk.push(text);
    }
    if !chunk.is_empty() {
        chunks.push(join(&chunk));
    }
    Ok(chunks)
}

#[derive(Deserialize)]
struct FolderRow {
    commit: String,
    folder: String,
    name: Option<String>,
    digest: String,
    facts: ManifestFacts,
}

/// How many folders all commits have that refs of a git repository point at.
pub async fn count_found_folders(app: &App, git_repo: i64) -> Result<usize> {
    row! {
        struct Count {
            count: usize,
        }
    }
    let statement = Statement::new(
        "select count(*) as count from git_refs g
         join commit_folders f on f.git_repo_id = g.git_repo_id and f.\"commit\" = g.\"commit\"
         where g.git_repo_id = ?1",
    );
    let rows = rows_as::<Count>(app.db.rows(statement.bind(git_repo)).await?)?;
    Ok(rows.first().map_or(0, |row| row.count))
}

/// The folders of all commits that refs of a git repository point at, by commit and path.
pub async fn load_found_folders(
    app: &App,
    git_repo: i64,
) -> Result<BTreeMap<String, Vec<FoundFolder>>> {
    let statement = Statement::new(
        "select json_group_array(json_object('commit', \"commit\", 'folder', folder, 'name', name,
                                             'digest', digest, 'facts', json(facts))) as list
         from (select * from commit_folders
               where git_repo_id = ?1 and \"commit\" in (select \"commit\" from git_refs where git_repo_id = ?1)
               order by \"commit\", folder)
         group by \"commit\"",
    );
    let rows = app.db.rows(statement.bind(git_repo)).await?;
    let mut found: BTreeMap<String, Vec<FoundFolder>> = BTreeMap::new();
    for row in read_lists::<FolderRow>(rows)? {
        found.entry(row.commit).or_default().push(FoundFolder {
            path: row.folder,
            name: row.name,
            digest: row.digest,
            facts: row.facts,
        });
    }
    Ok(found)
}

row! {
    struct CommitRow {
        commit: String,
    }
}

/// The commits that were looked at.
pub async fn list_looked_commits(app: &App, git_repo: i64) -> Result<Vec<String>> {
    let statement = Statement::new("select \"commit\" from looked_commits where git_repo_id = ?1")
        .bind(git_repo);
    let rows = rows_as::<CommitRow>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.commit).collect())
}

/// The commits of a job that are still to be looked at.
pub async fn list_unlooked_commits(app: &App, git_repo: i64, job: &str) -> Result<Vec<String>> {
    let statement = Statement::new(
        "select distinct f.\"commit\" as \"commit\" from job_refs f
         where f.job_id = ?2 and f.state = 'waiting'
           and not exists (select 1 from looked_commits l where l.git_repo_id = ?1 and l.\"commit\" = f.\"commit\")
         order by 1",
    )
    .bind(git_repo)
    .bind(job);
    let rows = rows_as::<CommitRow>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.commit).collect())
}

/// How many commits of a job are to be looked at before this one, in one order for all.
pub async fn count_unlooked_before(
    app: &App,
    git_repo: i64,
    job: &str,
    commit: &str,
) -> Result<u32> {
    let unlooked = list_unlooked_commits(app, git_repo, job).await?;
    let before = unlooked
        .iter()
        .filter(|other| other.as_str() < commit)
        .count();
    Ok(u32::try_from(before).unwrap_or(u32::MAX))
}

/// Whether a running job about a git repository still has commits of tags to look at.
pub async fn has_unlooked_tags(app: &App, git_repo: i64) -> Result<bool> {
    let statement = Statement::new(
        "select f.\"commit\" from jobs j join job_refs f on f.job_id = j.id
         where j.git_repo_id = ?1 and j.package_id is null and j.state = 'running' and f.state = 'waiting'
           and f.name like 'refs/tags/%'
           and not exists (select 1 from looked_commits l where l.git_repo_id = ?1 and l.\"commit\" = f.\"commit\")
         limit 1",
    )
    .bind(git_repo);
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// The archive of a whole commit, where one is kept. The sweep may have taken it since.
pub async fn find_kept_archive(
    app: &App,
    git_repo: i64,
    commit: &str,
) -> Result<Option<KeptArchive>> {
    row! {
        struct Row {
            archive_key: Option<String>,
            archive_size: Option<u64>,
        }
    }
    let statement = Statement::new(
        "select archive_key, archive_size from looked_commits where git_repo_id = ?1 and \"commit\" = ?2",
    )
    .bind(git_repo)
    .bind(commit);
    let rows = rows_as::<Row>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().next().and_then(|row| {
        Some(KeptArchive {
            key: row.archive_key?,
            size: row.archive_size?,
        })
    }))
}

/// Keeps another archive of a whole commit.
pub async fn keep_archive(
    app: &App,
    git_repo: i64,
    commit: &str,
    archive: &KeptArchive,
) -> Result<()> {
    let statement = Statement::new(
        "update looked_commits set archive_key = ?3, archive_size = ?4 where git_repo_id = ?1 and \"commit\" = ?2",
    )
    .bind(git_repo)
    .bind(commit)
    .bind(archive.key.as_str())
    .bind(i64::try_from(archive.size).unwrap_or(i64::MAX));
    app.db.rows(statement).await.map(|_| ())
}

/// Forgets archives of whole commits that nothing is cut out of any more, and gives their keys. What dies in between is
/// the sweep's to remove.
pub async fn forget_idle_archives(app: &App, git_repo: i64) -> Result<Vec<String>> {
    row! {
        struct Row {
            archive_key: String,
        }
    }
    let statement = Statement::new(
        "select archive_key from looked_commits
         where git_repo_id = ?1 and archive_key is not null
           and not exists (select 1 from folder_refs f where f.git_repo_id = ?1
                           and f.\"commit\" = looked_commits.\"commit\" and f.state = 'cutting')
           and not exists (select 1 from git_refs g where g.git_repo_id = ?1
                           and g.\"commit\" = looked_commits.\"commit\" and g.state = 'waiting')
         limit 1000",
    )
    .bind(git_repo);
    let rows = rows_as::<Row>(app.db.rows(statement).await?)?;
    let keys: Vec<_> = rows.into_iter().map(|row| row.archive_key).collect();
    if keys.is_empty() {
        return Ok(keys);
    }
    let forget = Statement::new(
        "update looked_commits set archive_key = null, archive_size = null
         where git_repo_id = ?1 and archive_key in (select value from json_each(?2))",
    )
    .bind(git_repo)
    .bind(json_list(keys.iter().map(String::as_str))?);
    app.db.rows(forget).await?;
    Ok(keys)
}

/// Forgets what no ref points at any more. What was made of it stays.
pub fn forget_commits_stmts(git_repo: i64) -> Vec<Statement> {
    let on = |sql: &'static str| Statement::new(sql).bind(git_repo);
    vec![
        on(
            "delete from looked_commits where git_repo_id = ?1 and archive_key is null
               and \"commit\" not in (select \"commit\" from git_refs where git_repo_id = ?1)",
        ),
        on(
            "delete from commit_folders where git_repo_id = ?1
               and \"commit\" not in (select \"commit\" from looked_commits where git_repo_id = ?1)",
        ),
        on("delete from folder_manifests where git_repo_id = ?1
              and digest not in (select digest from commit_folders where git_repo_id = ?1)
              and digest not in (select digest from folder_refs where git_repo_id = ?1)"),
    ]
}
