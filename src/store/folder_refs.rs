//! What becomes of each folder of a git repository with many packages, at each ref.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::git::CurrentRef;
use crate::domain::monorepo::DELETED;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, row, rows_as};
use crate::store::commit_folders::chunks;
use crate::store::monorepos::join_repositories_stmt;

row! {
    /// What becomes of a folder at a ref.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    pub struct FolderRef {
        /// The ref, by full name.
        pub name: String,
        /// The folder.
        pub folder: String,
        /// The commit.
        pub commit: String,
        /// The package; none where it is none of this git repository.
        pub package: Option<String>,
        /// What the folder holds.
        pub digest: String,
        /// `cutting`, `imported`, `kept`, `skipped` or `failed`.
        pub state: String,
        /// The version as it is shown.
        pub version: Option<String>,
        /// The version, normalized.
        pub normalized: Option<String>,
        /// Whether it is of a branch.
        pub is_dev: i64,
        /// Whether it is of the default branch.
        pub is_default_branch: i64,
        /// Why it gave no version, or what is to be known of it.
        pub reason: Option<String>,
    }
}

/// All of a git repository, by ref and folder.
pub async fn list_folder_refs(app: &App, git_repo: i64) -> Result<Vec<FolderRef>> {
    let statement = Statement::new(
        "select json_group_array(json_object(
                    'name', f.name, 'folder', f.folder, 'commit', f.\"commit\", 'package', p.name,
                    'digest', f.digest, 'state', f.state, 'version', f.version, 'normalized', f.normalized,
                    'is_dev', f.is_dev, 'is_default_branch', f.is_default_branch, 'reason', f.reason)) as list
         from (select * from folder_refs where git_repo_id = ?1 order by name, folder) f
         left join packages p on p.id = f.package_id
         group by f.name order by f.name",
    );
    read_lists(app.db.rows(statement.bind(git_repo)).await?)
}

/// Reads rows that each have many things as one JSON list: a row of its own for each of some ten thousand would take
/// more memory than there is.
pub(super) fn read_lists<T: DeserializeOwned>(rows: Vec<Row>) -> Result<Vec<T>> {
    row! {
        struct Listed {
            list: String,
        }
    }
    let mut all = Vec::new();
    for row in rows_as::<Listed>(rows)? {
        let list: Vec<T> = serde_json::from_str(&row.list).map_err(Error::internal)?;
        all.extend(list);
    }
    Ok(all)
}

/// Those of one package, by ref.
pub async fn list_folder_refs_of_package(app: &App, package: i64) -> Result<Vec<FolderRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select f.name, f.folder, f.\"commit\", p.name as package, f.digest, f.state, f.version,
                            f.normalized, f.is_dev, f.is_default_branch, f.reason
                     from folder_refs f join packages p on p.id = f.package_id
                     where f.package_id = ?1 order by f.name, f.folder",
                )
                .bind(package),
            )
            .await?,
    )
}

/// The refs of a git repository whose commits were looked at, but for branches that are left out; by name.
pub async fn list_looked_refs(app: &App, git_repo: i64) -> Result<Vec<CurrentRef>> {
    row! {
        struct Row {
            name: String,
            commit: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select g.name, g.\"commit\" from git_refs g
                 join looked_commits l on l.git_repo_id = g.git_repo_id and l.\"commit\" = g.\"commit\"
                 where g.git_repo_id = ?1 and g.rule is not 'transient' order by g.name",
            )
            .bind(git_repo),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| CurrentRef {
            name: row.name,
            commit: row.commit,
        })
        .collect())
}

row! {
    /// A version that was made of a folder or a ref of a git repository.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    pub struct FolderVersion {
        /// The package's name.
        pub package: String,
        /// As tagged.
        pub pretty: String,
        /// The normalized number.
        pub normalized: String,
        /// Whether it is of a branch.
        pub is_dev: i64,
        /// The commit.
        pub reference: String,
        /// The ref it was made of.
        pub git_ref: String,
        /// The folder; none where the git repository was one package then.
        pub folder: Option<String>,
        /// What that held.
        pub digest: Option<String>,
        /// Whether it is of the default branch.
        pub is_default_branch: i64,
        /// Set when it has left the metadata.
        pub removed_at: Option<i64>,
    }
}

/// The versions of all packages of a git repository that were made of refs.
pub async fn list_folder_versions(app: &App, git_repo: i64) -> Result<Vec<FolderVersion>> {
    let statement = Statement::new(
        "select json_group_array(json_object(
                    'package', p.name, 'pretty', v.pretty, 'normalized', v.normalized, 'is_dev', v.is_dev,
                    'reference', v.reference, 'git_ref', v.git_ref, 'folder', v.folder, 'digest', v.digest,
                    'is_default_branch', v.is_default_branch, 'removed_at', v.removed_at)) as list
         from versions v join packages p on p.id = v.package_id
         where p.git_repo_id = ?1 and v.git_ref is not null
         group by v.git_ref",
    );
    read_lists(app.db.rows(statement.bind(git_repo)).await?)
}

/// Names in commits of a git repository that belong to another source, and which.
pub async fn find_foreign_names(
    app: &App,
    organisation: i64,
    git_repo: i64,
) -> Result<BTreeMap<String, &'static str>> {
    row! {
        struct Row {
            name: String,
            is_uploaded: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select name, git_repo_id is null as is_uploaded from packages
                 where organisation_id = ?1 and git_repo_id is not ?2
                   and name in (select name from commit_folders where git_repo_id = ?2)
                 union all
                 select d.name, 2 from deleted_packages d
                 where d.git_repo_id = ?2
                   and not exists (select 1 from packages p where p.organisation_id = ?1 and p.name = d.name)",
            )
            .bind(organisation)
            .bind(git_repo),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| {
            let source = match row.is_uploaded {
                0 => "comes from another git repository",
                2 => DELETED,
                _ => "is uploaded",
            };
            (row.name, source)
        })
        .collect())
}

/// What a decision changes.
#[derive(Debug, Default)]
pub struct Decided<'a> {
    /// Packages and the folders they are in now: name, folder, digest. Those that are not there yet are made.
    pub packages: Vec<(&'a str, &'a str, &'a str)>,
    /// Packages whose folder has another name on the default branch: the old name and the new one.
    pub renames: Vec<(&'a str, Option<&'a str>)>,
    /// What becomes of folders, as far as that is news.
    pub changed: Vec<FolderRef>,
    /// Refs and folders that are no more.
    pub gone: Vec<(&'a str, &'a str)>,
    /// Refs that are to be settled anew.
    pub refs: Vec<&'a CurrentRef>,
}

/// Writes a decision in one batch, in the name of a job.
pub async fn write_decision(
    app: &App,
    organisation: i64,
    git_repo: i64,
    job: &str,
    decided: &Decided<'_>,
) -> Result<()> {
    let now = app.now();
    let mut statements = Vec::new();
    let packages = decided.packages.iter();
    for rows in chunks(packages.map(|(name, folder, digest)| json!([name, folder, digest])))? {
        statements.extend([
            Statement::new(
                "insert into packages (organisation_id, name, git_repo_id, description, created_at)
                 select ?1, json_extract(value, '$[0]'), ?2,
                        case when json_type(m.manifest, '$.description') = 'text'
                             then json_extract(m.manifest, '$.description') end, ?3
                 from json_each(?4) left join folder_manifests m
                      on m.git_repo_id = ?2 and m.digest = json_extract(value, '$[2]')
                 where true
                 on conflict (organisation_id, name) do nothing",
            )
            .bind(organisation)
            .bind(git_repo)
            .bind(now)
            .bind(rows.as_str()),
            Statement::new(
                "update packages set folder = (
                     select json_extract(value, '$[1]') from json_each(?2) where json_extract(value, '$[0]') = name)
                 where git_repo_id = ?1
                   and name in (select json_extract(value, '$[0]') from json_each(?2))",
            )
            .bind(git_repo)
            .bind(rows),
        ]);
    }
    statements.push(join_repositories_stmt(git_repo));
    for rows in chunks(decided.renames.iter().map(|(old, new)| json!([old, new])))? {
        statements.extend(rename_stmts(git_repo, &rows, now));
    }
    for rows in chunks(
        decided
            .gone
            .iter()
            .map(|(name, folder)| json!([name, folder])),
    )? {
        statements.push(
            Statement::new(
                "delete from folder_refs where git_repo_id = ?1 and (name, folder) in (
                     select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?2))",
            )
            .bind(git_repo)
            .bind(rows),
        );
    }
    for rows in chunks(decided.changed.iter().map(row_of))? {
        statements.push(upsert_folder_refs_stmt(git_repo, &rows));
    }
    let refs = decided.refs.iter();
    for rows in chunks(refs.map(|current| json!([current.name, current.commit])))? {
        statements.extend([
            // Settled together with what it comes to, at the latest when its archives are there.
            Statement::new(
                "update git_refs set state = 'cutting'
                 where git_repo_id = ?1 and (name, \"commit\") in (
                     select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?2))",
            )
            .bind(git_repo)
            .bind(rows.as_str()),
            Statement::new(
                "insert into job_refs (job_id, name, \"commit\", state)
                 select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'waiting'
                 from json_each(?2)
                 where exists (select 1 from jobs where id = ?1 and state = 'running')
                 on conflict (job_id, name) do update set state = 'waiting'
                 where job_refs.\"commit\" = excluded.\"commit\" and job_refs.state in ('skipped', 'imported')",
            )
            .bind(job)
            .bind(rows),
        ]);
    }
    app.db.batch(statements).await.map(|_| ())
}

fn row_of(change: &FolderRef) -> Value {
    json!([
        change.name,
        change.folder,
        change.commit,
        change.package,
        change.digest,
        change.state,
        change.version,
        change.normalized,
        change.is_dev,
        change.is_default_branch,
        change.reason,
    ])
}

fn upsert_folder_refs_stmt(git_repo: i64, rows: &str) -> Statement {
    Statement::new(
        "insert into folder_refs (git_repo_id, name, folder, \"commit\", package_id, digest, state, version, normalized,
                                  is_dev, is_default_branch, reason)
         select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), p.id,
                json_extract(value, '$[4]'),
                case when p.id is null and json_extract(value, '$[5]') = 'cutting' then 'skipped'
                     else json_extract(value, '$[5]') end,
                json_extract(value, '$[6]'),
                json_extract(value, '$[7]'), json_extract(value, '$[8]'), json_extract(value, '$[9]'),
                case when p.id is null and json_extract(value, '$[5]') = 'cutting'
                     then 'the package was deleted meanwhile' else json_extract(value, '$[10]') end
         from json_each(?2)
         left join packages p on p.git_repo_id = ?1 and p.name = json_extract(value, '$[3]')
         where true
         on conflict (git_repo_id, name, folder) do update set
             \"commit\" = excluded.\"commit\", package_id = excluded.package_id, digest = excluded.digest,
             state = excluded.state, version = excluded.version, normalized = excluded.normalized,
             is_dev = excluded.is_dev, is_default_branch = excluded.is_default_branch, reason = excluded.reason",
    )
    .bind(git_repo)
    .bind(rows)
}

fn rename_stmts(git_repo: i64, rows: &str, now: i64) -> [Statement; 3] {
    [
        Statement::new(
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select m.repository_id, m.package_id, 1, ?3
             from packages p join repository_packages m on m.package_id = p.id
             join json_each(?2) r on json_extract(r.value, '$[0]') = p.name
             where p.git_repo_id = ?1 and p.renamed_to is not json_extract(r.value, '$[1]')
             on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?3",
        )
        .bind(git_repo)
        .bind(rows)
        .bind(now),
        Statement::new(
            "update packages set renamed_from = (
                 select json_extract(value, '$[0]') from json_each(?2) where json_extract(value, '$[1]') = name limit 1)
             where git_repo_id = ?1 and name in (select json_extract(value, '$[1]') from json_each(?2))",
        )
        .bind(git_repo)
        .bind(rows),
        Statement::new(
            "update packages set renamed_to = (
                 select json_extract(value, '$[1]') from json_each(?2) where json_extract(value, '$[0]') = name)
             where git_repo_id = ?1 and name in (select json_extract(value, '$[0]') from json_each(?2))",
        )
        .bind(git_repo)
        .bind(rows),
    ]
}

/// Notes refs that are to be looked at, or decided on again. `refs` is a JSON list of `[name, commit]`.
pub fn note_waiting_refs_stmt(git_repo: i64, refs: &str, now: i64) -> Statement {
    Statement::new(
        "insert into git_refs (git_repo_id, name, \"commit\", state, seen_at)
         select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'waiting', ?3
         from json_each(?2)
         where true
         on conflict (git_repo_id, name) do update set
             \"commit\" = excluded.\"commit\", state = excluded.state, version = null, reason = null, rule = null,
             number = null, seen_at = excluded.seen_at",
    )
    .bind(git_repo)
    .bind(refs)
    .bind(now)
}
