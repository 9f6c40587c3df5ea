//! What waits to be published.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// Says that the documents of a package must be built again, in every repository it is in.
/// Belongs into the batch that makes the change.
pub fn ask_for_publication_stmt(package: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, ?2 from repository_packages where package_id = ?1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
    )
    .bind(package)
    .bind(now)
}

/// The same for all packages that a git repository is or was synced as: they share its address and its state.
pub fn ask_for_publications_of_git_repo_stmt(git_repo: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, ?2
         from packages p join repository_packages m on m.package_id = p.id
         where p.git_repo_id = ?1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
    )
    .bind(git_repo)
    .bind(now)
}

/// The same by name, for a batch that also makes the package.
pub fn ask_for_publication_by_name_stmt(
    organisation: i64,
    name: &PackageName,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, ?3
         from packages p join repository_packages m on m.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?3",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(now)
}

/// Asks for all packages of a repository to be published again.
pub fn ask_for_all_stmt(repository: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, ?2 from repository_packages where repository_id = ?1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1",
    )
    .bind(repository)
    .bind(now)
}

/// Asks for any one package of a repository to be published again, for the sake of a new tree.
pub fn ask_for_one_stmt(repository: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, ?2 from repository_packages where repository_id = ?1
         limit 1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1",
    )
    .bind(repository)
    .bind(now)
}

/// Repositories that have waited since before `before`: a message was lost.
pub async fn list_forgotten(app: &App, before: i64) -> Result<Vec<i64>> {
    row! {
        struct Forgotten {
            repository_id: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select repository_id from pending_publications where asked_at < ?1
                 union
                 select m.repository_id from jobs j join repository_packages m on m.package_id = j.package_id
                 where j.state = 'publishing' and coalesce(j.started_at, j.created_at) < ?1
                 union
                 select m.repository_id from jobs j join git_repo_repositories m on m.git_repo_id = j.git_repo_id
                 where j.state = 'publishing' and j.package_id is null
                   and coalesce(j.started_at, j.created_at) < ?1
                 limit 100",
            )
            .bind(before),
        )
        .await?;
    Ok(rows_as::<Forgotten>(rows)?
        .into_iter()
        .map(|row| row.repository_id)
        .collect())
}
