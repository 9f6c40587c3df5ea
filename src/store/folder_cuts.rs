//! From a decision to versions: which archives are to be cut, and what is settled when they are there.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

row! {
    /// An archive that is to be cut.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ToCut {
        /// The package's id.
        pub package_id: i64,
        /// The folder.
        pub folder: String,
    }
}

/// The archives of a commit that are still to be cut, by folder.
pub async fn list_to_cut(app: &App, git_repo: i64, commit: &str) -> Result<Vec<ToCut>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select distinct f.package_id, f.folder from folder_refs f
                     where f.git_repo_id = ?1 and f.\"commit\" = ?2 and f.state = 'cutting'
                       and not exists (select 1 from dists d
                                       where d.package_id = f.package_id and d.reference = f.\"commit\")
                     order by f.folder",
                )
                .bind(git_repo)
                .bind(commit),
            )
            .await?,
    )
}

/// The commits at which something is to be cut, or to be made a version of.
pub async fn list_commits_to_cut(app: &App, git_repo: i64) -> Result<Vec<String>> {
    row! {
        struct Row {
            commit: String,
        }
    }
    let statement = Statement::new(
        "select distinct \"commit\" from folder_refs where git_repo_id = ?1 and state = 'cutting' order by 1",
    )
    .bind(git_repo);
    let rows = rows_as::<Row>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.commit).collect())
}

/// Makes versions of all folders of a commit that are to be some, once the archives of all of them are there: they become
/// visible together. Gives how many are left that could not be made.
pub async fn make_versions(app: &App, git_repo: i64, commit: &str) -> Result<usize> {
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(git_repo).bind(commit);
    let statements = vec![
        on(
            "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, git_ref, manifest, time,
                                   published_at, is_default_branch, folder, digest)
             select f.package_id, f.version, f.normalized, f.is_dev, f.\"commit\", d.id, f.name, m.manifest, l.time, ?3,
                    f.is_default_branch, f.folder, f.digest
             from folder_refs f
             join dists d on d.package_id = f.package_id and d.reference = f.\"commit\"
             join folder_manifests m on m.git_repo_id = ?1 and m.digest = f.digest
             join looked_commits l on l.git_repo_id = ?1 and l.\"commit\" = f.\"commit\"
             where f.git_repo_id = ?1 and f.\"commit\" = ?2 and f.state = 'cutting'
               and not exists (
                   select 1 from folder_refs o where o.git_repo_id = ?1 and o.\"commit\" = ?2 and o.state = 'cutting'
                   and not exists (select 1 from dists e
                                   where e.package_id = o.package_id and e.reference = o.\"commit\"))
             on conflict (package_id, normalized) do update set
                 pretty = excluded.pretty,
                 published_at = case when versions.reference = excluded.reference
                     then versions.published_at else excluded.published_at end,
                 reference = excluded.reference,
                 dist_id = excluded.dist_id,
                 git_ref = excluded.git_ref,
                 manifest = excluded.manifest,
                 time = excluded.time,
                 is_default_branch = excluded.is_default_branch,
                 folder = excluded.folder,
                 digest = excluded.digest,
                 removed_at = null
             where versions.is_dev = 1 or versions.reference = excluded.reference
                or (versions.git_ref is not null
                    and exists (select 1 from packages p
                                where p.id = excluded.package_id and p.moved_tags = 'follow'))",
        )
        .bind(now),
        on(
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select m.repository_id, m.package_id, 1, ?3 from repository_packages m
             where m.package_id in (select f.package_id from folder_refs f
                                    where f.git_repo_id = ?1 and f.\"commit\" = ?2 and f.state = 'cutting')
             on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?3",
        )
        .bind(now),
        on(
            "update folder_refs set state = 'imported'
             where git_repo_id = ?1 and \"commit\" = ?2 and state = 'cutting'
               and exists (select 1 from versions v
                           where v.package_id = folder_refs.package_id and v.normalized = folder_refs.normalized
                             and v.reference = folder_refs.\"commit\" and v.git_ref = folder_refs.name
                             and v.removed_at is null)",
        ),
        on(
            "select name from folder_refs where git_repo_id = ?1 and \"commit\" = ?2 and state = 'cutting'",
        ),
    ];
    let rows = app.db.batch(statements).await?;
    Ok(rows.last().map_or(0, Vec::len))
}

/// Settles folders of a commit as failed: those of one package, or all that wait for their archives.
pub fn fail_folders_stmt(
    git_repo: i64,
    commit: &str,
    package: Option<i64>,
    reason: &str,
) -> Statement {
    Statement::new(
        "update folder_refs set state = 'failed', reason = ?4
         where git_repo_id = ?1 and \"commit\" = ?2 and state = 'cutting' and (?3 is null or package_id = ?3)",
    )
    .bind(git_repo)
    .bind(commit)
    .bind(package)
    .bind(reason)
}

/// Settles the refs of a git repository that wait for no archive any more, and takes out of the metadata what no ref
/// stands for once nothing is cut any more: what comes in its place is there by then.
pub async fn settle_refs(app: &App, git_repo: i64) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(git_repo);
    let statements = vec![
        on(
            "update git_refs set
                 state = case
                     when exists (select 1 from folder_refs f where f.git_repo_id = ?1 and f.name = git_refs.name
                                  and f.state = 'failed') then 'failed'
                     when exists (select 1 from folder_refs f where f.git_repo_id = ?1 and f.name = git_refs.name
                                  and f.state = 'imported') then 'imported'
                     else 'skipped' end,
                 version = (select case when count(distinct f.version) = 1 then min(f.version) end
                            from folder_refs f
                            where f.git_repo_id = ?1 and f.name = git_refs.name and f.state = 'imported'),
                 reason = (select case
                               when count(*) = 0
                                   then 'no folder of this commit with a composer.json is a package by the `folders` of its project'
                               when sum(f.state = 'failed') > 0
                                   then min(case when f.state = 'failed' then f.folder || ': ' || f.reason end)
                               when sum(f.state = 'imported') > 0 then null
                               when count(distinct f.reason) = 1 then min(f.reason)
                               else 'none of its packages has a version of it; each has its reason' end
                           from folder_refs f where f.git_repo_id = ?1 and f.name = git_refs.name),
                 rule = null, number = null, seen_at = ?2
             where git_repo_id = ?1 and state = 'cutting'
               and not exists (select 1 from folder_refs f where f.git_repo_id = ?1 and f.name = git_refs.name
                               and f.state = 'cutting')",
        )
        .bind(now),
        on(
            "update job_refs set
                 (state, version, reason) = (
                     select g.state, g.version, g.reason from git_refs g
                     where g.git_repo_id = ?1 and g.name = job_refs.name),
                 packages = (
                     select json_group_array(json_object('package', p.name, 'folder', f.folder, 'state', f.state,
                                                         'version', f.version, 'reason', f.reason))
                     from (select * from folder_refs where git_repo_id = ?1 and name = job_refs.name order by folder) f
                     left join packages p on p.id = f.package_id)
             where state = 'waiting'
               and job_id in (select id from jobs where git_repo_id = ?1 and package_id is null and state = 'running')
               and exists (select 1 from git_refs g
                           where g.git_repo_id = ?1 and g.name = job_refs.name and g.\"commit\" = job_refs.\"commit\"
                             and g.state not in ('waiting', 'cutting'))",
        ),
        on(
            "update job_refs set state = 'skipped', reason = 'the ref moved on before this commit was taken in'
             where state = 'waiting'
               and job_id in (select id from jobs where git_repo_id = ?1 and package_id is null and state = 'running')
               and not exists (select 1 from git_refs g
                               where g.git_repo_id = ?1 and g.name = job_refs.name
                                 and g.\"commit\" = job_refs.\"commit\")",
        ),
        on(
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select m.repository_id, m.package_id, 1, ?2
             from packages p join repository_packages m on m.package_id = p.id
             where p.git_repo_id = ?1
               and not exists (select 1 from folder_refs c where c.git_repo_id = ?1 and c.state = 'cutting')
               and exists (select 1 from versions v
                           where v.package_id = p.id and v.folder is not null and v.removed_at is null
                             and not exists (select 1 from folder_refs f
                                             where f.package_id = p.id and f.name = v.git_ref
                                               and f.normalized = v.normalized))
             on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
        )
        .bind(now),
        on(
            "update versions set removed_at = ?2
             where package_id in (select id from packages where git_repo_id = ?1)
               and folder is not null and removed_at is null
               and not exists (select 1 from folder_refs c where c.git_repo_id = ?1 and c.state = 'cutting')
               and not exists (select 1 from folder_refs f
                               where f.package_id = versions.package_id and f.name = versions.git_ref
                                 and f.normalized = versions.normalized)",
        )
        .bind(now),
    ];
    app.db.batch(statements).await.map(|_| ())
}

/// Settles all refs at a commit as failed, for the git repository and for its running jobs.
pub fn fail_commit_stmts(git_repo: i64, commit: &str, reason: &str, now: i64) -> Vec<Statement> {
    vec![
        Statement::new(
            "update git_refs set state = 'failed', version = null, reason = ?3, seen_at = ?4
             where git_repo_id = ?1 and \"commit\" = ?2 and state in ('waiting', 'failed')",
        )
        .bind(git_repo)
        .bind(commit)
        .bind(reason)
        .bind(now),
        Statement::new(
            "update job_refs set state = 'failed', version = null, reason = ?3
             where \"commit\" = ?2 and state = 'waiting'
               and job_id in (select id from jobs where git_repo_id = ?1 and package_id is null and state = 'running')",
        )
        .bind(git_repo)
        .bind(commit)
        .bind(reason),
    ]
}
