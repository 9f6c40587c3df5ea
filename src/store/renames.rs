//! A package whose composer.json took another name: the one before stays as it is, and one of the new name is synced.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::{Statement, Value};
use crate::store::packages::Package;
use crate::store::publications::ask_for_publications_of_git_repo_stmt;

/// Has a git repository synced as the package `name` from now on, in the repositories and with the settings of the one
/// that it was synced as. `job` does it, and has all refs to look at again.
///
/// One batch. It changes nothing when `package` is synced no more, so of two that do it at once the second changes
/// nothing, and nothing when the name is that of another source.
pub async fn rename_package(
    app: &App,
    job: &str,
    package: &Package,
    git_repo: i64,
    name: &PackageName,
    description: Option<&str>,
) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| {
        Statement::new(sql)
            .bind(package.id)
            .bind(name.as_str())
            .bind(git_repo)
    };
    let statements = vec![
        // Where the git repository had that name once before, its package is back.
        on(
            "insert into packages (organisation_id, name, git_repo_id, description, created_at, transient_branches,
                                   tag_prefixes, moved_tags, renamed_from)
             select o.organisation_id, ?2, ?3, ?4, ?5, o.transient_branches, o.tag_prefixes, o.moved_tags, o.name
             from packages o where o.id = ?1 and o.git_repo_id = ?3 and o.renamed_to is null
             on conflict (organisation_id, name) do update set
                 renamed_to = null, renamed_from = excluded.renamed_from, description = excluded.description,
                 transient_branches = excluded.transient_branches, tag_prefixes = excluded.tag_prefixes,
                 moved_tags = excluded.moved_tags
             where packages.git_repo_id = excluded.git_repo_id and packages.renamed_to is not null",
        )
        .bind(description)
        .bind(now),
        on(
            "insert into repository_packages (repository_id, package_id)
             select m.repository_id, n.id from repository_packages m
             join packages o on o.id = m.package_id
             join packages n on n.organisation_id = o.organisation_id and n.name = ?2 and n.git_repo_id = ?3
             where o.id = ?1 and o.renamed_to is null and n.renamed_to is null
             on conflict (repository_id, package_id) do nothing",
        ),
        // What was under way goes on with the new one.
        on(
            "update jobs set package_id = (
                 select n.id from packages n where n.git_repo_id = ?3 and n.name = ?2 and n.renamed_to is null)
             where git_repo_id = ?3 and state in ('queued', 'running')
               and exists (select 1 from packages o where o.id = ?1 and o.renamed_to is null)
               and exists (select 1 from packages n where n.git_repo_id = ?3 and n.name = ?2 and n.renamed_to is null)",
        ),
        // Every ref is to become a version of the new one.
        on(
            "delete from job_refs
             where job_id = ?4
               and exists (select 1 from packages o where o.id = ?1 and o.renamed_to is null)
               and exists (select 1 from packages n where n.git_repo_id = ?3 and n.name = ?2 and n.renamed_to is null)",
        )
        .bind(job),
        on(
            "delete from git_refs
             where git_repo_id = ?3
               and exists (select 1 from packages o where o.id = ?1 and o.renamed_to is null)
               and exists (select 1 from packages n where n.git_repo_id = ?3 and n.name = ?2 and n.renamed_to is null)",
        ),
        ask_for_publications_of_git_repo_stmt(git_repo, now),
        // It comes last, because it makes the conditions above false. Older names lead to the newest one as well.
        Statement::new(
            "update packages set renamed_to = ?1, notice = null
             where git_repo_id = ?2 and name <> ?1
               and exists (select 1 from packages n where n.git_repo_id = ?2 and n.name = ?1 and n.renamed_to is null)",
        )
        .bind(Value::from(name.as_str()))
        .bind(git_repo),
    ];
    app.db.batch(statements).await.map(|_| ())
}
