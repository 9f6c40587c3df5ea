//! Packages and the repositories they are in.

use serde::Deserialize;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::rows_as;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// Its id.
    pub id: i64,
    /// The organisation's id.
    pub organisation_id: i64,
    /// `vendor/name`.
    pub name: String,
    /// The git repository it is synced from; none for uploads.
    pub git_repo_id: Option<i64>,
    /// Its description.
    pub description: Option<String>,
    /// Unix seconds.
    pub created_at: i64,
}

/// Finds a package of an organisation by its name.
pub async fn find_package(
    app: &App,
    organisation: i64,
    name: &PackageName,
) -> Result<Option<Package>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, name, git_repo_id, description, created_at
                 from packages where organisation_id = ?1 and name = ?2",
            )
            .bind(organisation)
            .bind(name.as_str()),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// The package that is synced from a git repository.
pub async fn find_package_of_git_repo(app: &App, git_repo: i64) -> Result<Option<Package>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, name, git_repo_id, description, created_at
                 from packages where git_repo_id = ?1",
            )
            .bind(git_repo),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// A package as lists show it.
#[derive(Debug, Clone, Deserialize)]
pub struct PackageSummary {
    /// `vendor/name`.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// How many versions are in its metadata.
    pub versions: i64,
}

/// The packages of an organisation whose name comes after `after`, by name.
pub async fn list_packages(
    app: &App,
    organisation: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<PackageSummary>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select p.name, p.description,
                            (select count(*) from versions v
                             where v.package_id = p.id and v.removed_at is null) as versions
                     from packages p
                     where p.organisation_id = ?1 and p.name > ?2
                     order by p.name limit ?3",
                )
                .bind(organisation)
                .bind(after)
                .bind(limit),
            )
            .await?,
    )
}

/// Makes a package if the organisation has none of that name.
pub fn insert_package_stmt(
    organisation: i64,
    name: &PackageName,
    git_repo: Option<i64>,
    description: Option<&str>,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into packages (organisation_id, name, git_repo_id, description, created_at)
         values (?1, ?2, ?3, ?4, ?5)
         on conflict (organisation_id, name) do nothing",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(git_repo)
    .bind(description)
    .bind(now)
}

/// Puts a package into a repository of its own organisation.
pub fn add_to_repository_stmt(organisation: i64, name: &PackageName, repository: i64) -> Statement {
    Statement::new(
        "insert into repository_packages (repository_id, package_id)
         select r.id, p.id from packages p join repositories r on r.organisation_id = p.organisation_id
         where p.organisation_id = ?1 and p.name = ?2 and r.id = ?3
         on conflict (repository_id, package_id) do nothing",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(repository)
}

/// A repository that a package is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Membership {
    /// The repository's id.
    pub id: i64,
    /// The repository's slug.
    pub slug: String,
}

/// The repositories that a package is in, by slug.
pub async fn list_memberships(app: &App, package: i64) -> Result<Vec<Membership>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select r.id, r.slug from repository_packages m
                     join repositories r on r.id = m.repository_id
                     where m.package_id = ?1 order by r.slug",
                )
                .bind(package),
            )
            .await?,
    )
}
