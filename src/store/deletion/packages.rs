//! A package is deleted: it leaves all repositories with the next publish of each, its archives go when no head names them
//! any more, and its git repository makes it no more. What remains is which numbers it ever served.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::packages::Package;

/// How long the row of a deleted package is kept at least, in seconds: whoever was at work on it is through by then.
const KEPT: i64 = 24 * 60 * 60;

/// Deletes a package, in one batch. Its row stays under a name that none can have, so that what is under way finds it
/// deleted and not another one; triggers refuse it everything. Gives the repositories that it leaves.
#[expect(
    clippy::too_many_lines,
    reason = "one batch, whose order is what makes it right"
)]
pub async fn delete_package(app: &App, package: &Package, reason: &str) -> Result<Vec<i64>> {
    row! {
        struct Left {
            repository_id: i64,
        }
    }
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(package.id);
    let statements = vec![
        on(
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select repository_id, package_id, 1, ?2 from repository_packages where package_id = ?1
             on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
        )
        .bind(now),
        on(
            "insert into served_versions (organisation_id, name, normalized, pretty, reference, git_ref, sha256, definition,
                                          with_package, deleted_at)
             select p.organisation_id, p.name, v.normalized, v.pretty, v.reference, v.git_ref, d.sha256, v.definition,
                    v.with_package, v.deleted_at
             from (select package_id, normalized, pretty, reference, git_ref, null as definition, dist_id, 1 as with_package,
                          ?2 as deleted_at
                   from versions where package_id = ?1 and is_dev = 0
                   union all
                   select f.package_id, f.normalized, f.pretty, f.reference, null, f.definition, a.id, 1, ?2
                   from defined_versions f
                   left join dists a on a.package_id = f.package_id and a.reference = f.reference
                   where f.package_id = ?1 and f.is_dev = 0) v
             join packages p on p.id = v.package_id
             left join dists d on d.id = v.dist_id
             where p.deleted_at is null
             on conflict (organisation_id, name, normalized) do update set
                 pretty = excluded.pretty, reference = excluded.reference, git_ref = excluded.git_ref,
                 sha256 = excluded.sha256, definition = excluded.definition, with_package = 1,
                 deleted_at = excluded.deleted_at",
        )
        .bind(now),
        // What was deleted before stays so.
        on(
            "insert into served_versions (organisation_id, name, normalized, pretty, reference, git_ref, sha256, definition,
                                          with_package, deleted_at)
             select p.organisation_id, p.name, t.normalized, t.pretty, t.reference, t.git_ref, t.sha256, t.definition,
                    t.with_package, t.deleted_at
             from deleted_versions t join packages p on p.id = t.package_id
             where t.package_id = ?1 and p.deleted_at is null
             on conflict (organisation_id, name, normalized) do update set
                 pretty = excluded.pretty, reference = excluded.reference, git_ref = excluded.git_ref,
                 sha256 = excluded.sha256, definition = excluded.definition, with_package = excluded.with_package,
                 deleted_at = excluded.deleted_at",
        ),
        on(
            "insert into deleted_archives (archive_key, package_id, deleted_at)
             select archive_key, package_id, ?2 from dists where package_id = ?1
             on conflict (archive_key) do nothing",
        )
        .bind(now),
        on(
            "insert into deleted_packages (git_repo_id, name, deleted_at)
             select git_repo_id, name, ?2 from packages where id = ?1 and git_repo_id is not null
             on conflict (git_repo_id, name) do update set deleted_at = excluded.deleted_at",
        )
        .bind(now),
        // Of one package it is the whole of a git repository, of many the last one takes the rest along.
        on(
            "update jobs set state = 'cancelled', message = ?3, finished_at = ?2, active_at = ?2
             where state in ('queued', 'running', 'publishing')
               and (package_id = ?1
                    or package_id is null and git_repo_id = (select p.git_repo_id from packages p where p.id = ?1)
                       and not exists (select 1 from packages o where o.git_repo_id = jobs.git_repo_id and o.id <> ?1))",
        )
        .bind(now)
        .bind(reason),
        on("delete from folder_refs where package_id = ?1"),
        on(
            "delete from git_repo_repositories
             where git_repo_id = (select git_repo_id from packages where id = ?1)
               and not exists (select 1 from packages o
                               where o.git_repo_id = git_repo_repositories.git_repo_id and o.id <> ?1)",
        ),
        on(
            "delete from git_refs
             where git_repo_id = (select git_repo_id from packages where id = ?1)
               and not exists (select 1 from packages o
                               where o.git_repo_id = git_refs.git_repo_id and o.id <> ?1
                                 and (o.renamed_to is null or o.folder is not null))",
        ),
        on(
            "delete from ref_pages
             where git_repo_id = (select git_repo_id from packages where id = ?1)
               and not exists (select 1 from packages o
                               where o.git_repo_id = ref_pages.git_repo_id and o.id <> ?1
                                 and (o.renamed_to is null or o.folder is not null))",
        ),
        on(
            "update git_repos set folders = null, named_commit = null, listed_at = null
             where id = (select git_repo_id from packages where id = ?1)
               and not exists (select 1 from packages o where o.git_repo_id = git_repos.id and o.id <> ?1)",
        ),
        on("delete from package_texts where package_id = ?1"),
        on("delete from versions where package_id = ?1"),
        on("delete from defined_versions where package_id = ?1"),
        on("delete from repository_packages where package_id = ?1"),
        // Whatever asks whether it is still the one that is synced asks for `renamed_to`.
        on(
            "update packages set deleted_name = name, name = name || ' ' || id, deleted_at = ?2, renamed_to = name,
                    git_repo_id = null, folder = null
             where id = ?1 and deleted_at is null",
        )
        .bind(now),
        on("select repository_id from pending_publications where package_id = ?1 order by repository_id"),
    ];
    let rows = app.db.batch(statements).await?;
    // Whoever asks in this isolate next finds it gone; others within seconds.
    app.memo.dists.clear();
    let left = rows_as::<Left>(rows.into_iter().last().unwrap_or_default())?;
    Ok(left.into_iter().map(|row| row.repository_id).collect())
}

/// Whether a package of that name was deleted and nothing of the name came since: who asks twice is answered twice.
pub async fn was_deleted(app: &App, organisation: i64, name: &PackageName) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select 1 as one from packages where organisation_id = ?1 and deleted_name = ?2 limit 1",
            )
            .bind(organisation)
            .bind(name.as_str()),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Lets a git repository make packages again that a person had deleted: the one of that name, or all that there were.
/// Somebody adds it once more, which is saying so.
pub fn forget_deletion_stmt(git_repo: i64, name: Option<&PackageName>) -> Statement {
    Statement::new(
        "delete from deleted_packages where git_repo_id = ?1 and (?2 is null or name = ?2)",
    )
    .bind(git_repo)
    .bind(name.map(PackageName::as_str))
}

/// Takes away the rows of some packages that were deleted more than a day ago and that nothing names any more: no publish,
/// no archive, no job that is still listed. The newest row of all stays, so that its id is not given again.
pub async fn erase_packages(app: &App) -> Result<()> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select p.id from packages p
                 where p.deleted_at < ?1 and p.id < (select max(id) from packages)
                   and not exists (select 1 from pending_publications w where w.package_id = p.id)
                   and not exists (select 1 from deleted_archives a where a.package_id = p.id)
                   and not exists (select 1 from dists d where d.package_id = p.id)
                   and not exists (select 1 from jobs j where j.package_id = p.id)
                   and not exists (select 1 from import_projects i where i.package_id = p.id)
                 limit 100",
            )
            .bind(app.now().saturating_sub(KEPT)),
        )
        .await?;
    let ids: Vec<i64> = rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids = serde_json::to_string(&ids).map_err(crate::error::Error::internal)?;
    let on = |sql: &'static str| Statement::new(sql).bind(&ids);
    app.db
        .batch(vec![
            on("delete from downloads where package_id in (select value from json_each(?1))"),
            on("delete from package_texts where package_id in (select value from json_each(?1))"),
            on("delete from package_clients where package_id in (select value from json_each(?1))"),
            on("delete from package_readers where package_id in (select value from json_each(?1))"),
            on("delete from version_references where package_id in (select value from json_each(?1))"),
            on("delete from package_provides where package_id in (select value from json_each(?1))"),
            on("delete from package_requires where package_id in (select value from json_each(?1))"),
            on("delete from package_search where rowid in (select value from json_each(?1))"),
            on("delete from deleted_versions where package_id in (select value from json_each(?1))"),
            on("delete from folder_refs where package_id in (select value from json_each(?1))"),
            on("delete from packages where id in (select value from json_each(?1)) and deleted_at is not null"),
        ])
        .await
        .map(|_| ())
}
