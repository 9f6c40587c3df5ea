//! A git host's project becomes a package in a repository.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::connections::{
    Connection, GitRepo, GitRepoFacts, find_git_repo, upsert_git_repo,
};
use crate::store::deletion::forget_deletion_stmt;
use crate::store::monorepos::find_monorepo;
use crate::store::packages::{Package, find_package, find_package_of_git_repo};
use crate::store::publications::ask_for_publications_of_git_repo_stmt;
use crate::store::quotas::explain;

/// What is to be added.
pub struct Addition<'a> {
    /// How it is reached. Its organisation is the package's.
    pub connection: &'a Connection,
    /// The repository's id; it must be of the same organisation.
    pub repository: i64,
    /// What the host says.
    pub facts: &'a GitRepoFacts<'a>,
    /// The name that composer.json has now.
    pub name: &'a PackageName,
    /// What composer.json says of it.
    pub description: Option<&'a str>,
    /// Whether a person asked for it: then a package that was deleted is made again.
    pub is_asked: bool,
}

/// Where it belongs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The git repository, perhaps that of another connection to the same host.
    pub git_repo: i64,
    /// The package's name. A project that is here already keeps its own: composer.json may have another by now.
    pub name: PackageName,
    /// Whether the package is in the repository already.
    pub is_there: bool,
}

row! {
    struct IdRow {
        id: i64,
    }
}

/// Finds where a project belongs. `Conflict` when its name is another source's.
pub async fn find_place(app: &App, addition: &Addition<'_>) -> Result<Place> {
    let organisation = addition.connection.organisation_id;
    let git_repo = same_git_repo(app, addition).await?;
    if find_monorepo(app, git_repo.id).await?.is_some() {
        return Err(Error::conflict(format!(
            "`{}` is imported with its folders as packages already; give `folders` to have them in another \
             repository too",
            git_repo.full_name
        )));
    }
    let existing = match find_package_of_git_repo(app, git_repo.id).await? {
        Some(package) => Some(package),
        None => find_package(app, organisation, addition.name).await?,
    };
    let Some(package) = existing else {
        if !addition.is_asked && is_deleted(app, git_repo.id).await? {
            return Err(Error::conflict(format!(
                "the package of `{}` was deleted by a person; import the project to have it again",
                git_repo.full_name
            )));
        }
        return Ok(Place {
            git_repo: git_repo.id,
            name: addition.name.clone(),
            is_there: false,
        });
    };
    if package.git_repo_id != Some(git_repo.id) {
        return Err(taken(addition.name));
    }
    Ok(Place {
        git_repo: git_repo.id,
        is_there: is_in(app, &package, addition.repository).await?,
        name: PackageName::parse(&package.name).map_err(Error::internal)?,
    })
}

/// Whether a person deleted a package that was made of a git repository.
async fn is_deleted(app: &App, git_repo: i64) -> Result<bool> {
    let statement = Statement::new(
        "select git_repo_id as id from deleted_packages where git_repo_id = ?1 limit 1",
    )
    .bind(git_repo);
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// Whose name it is already.
pub fn taken(name: &PackageName) -> Error {
    Error::conflict(format!(
        "`{name}` is in this organisation already, from another source"
    ))
}

/// Whether the name that a project would have is another source's. Nothing is written.
pub async fn name_is_taken(app: &App, addition: &Addition<'_>) -> Result<bool> {
    let organisation = addition.connection.organisation_id;
    let Some(package) = find_package(app, organisation, addition.name).await? else {
        return Ok(false);
    };
    let Some(git_repo) = package.git_repo_id else {
        return Ok(true);
    };
    let rows = app
        .db
        .rows(
            Statement::new(
                "select g.id from git_repos g join connections c on c.id = g.connection_id
                 where g.id = ?1 and c.provider = ?2 and c.base_url = ?3 and g.provider_id = ?4",
            )
            .bind(git_repo)
            .bind(&addition.connection.provider)
            .bind(&addition.connection.base_url)
            .bind(addition.facts.provider_id),
        )
        .await?;
    Ok(rows.is_empty())
}

/// The git repository of a project. One that has a package already is the same through whichever connection of the
/// organisation it is reached: it is synced, and its archives are stored, once.
async fn same_git_repo(app: &App, addition: &Addition<'_>) -> Result<GitRepo> {
    let connection = addition.connection;
    let rows = app
        .db
        .rows(
            Statement::new(
                "select g.id from git_repos g join connections c on c.id = g.connection_id
                 where c.organisation_id = ?1 and c.provider = ?2 and c.base_url = ?3 and g.provider_id = ?4
                   and c.id <> ?5 and exists (select 1 from packages p where p.git_repo_id = g.id)
                   and not exists (
                       select 1 from git_repos own join packages p on p.git_repo_id = own.id
                       where own.connection_id = ?5 and own.provider_id = ?4)
                 order by g.id limit 1",
            )
            .bind(connection.organisation_id)
            .bind(&connection.provider)
            .bind(&connection.base_url)
            .bind(addition.facts.provider_id)
            .bind(&connection.id),
        )
        .await?;
    if let Some(same) = first_as::<IdRow>(rows)?
        && let Some(git_repo) = find_git_repo(app, same.id).await?
    {
        adopt_git_repo(app, same.id, &connection.id).await?;
        return Ok(find_git_repo(app, same.id).await?.unwrap_or(git_repo));
    }
    upsert_git_repo(
        app,
        connection.organisation_id,
        &connection.id,
        addition.facts,
    )
    .await
}

/// Has a git repository whose connection was deleted be reached through this one from now on: its packages are synced on.
async fn adopt_git_repo(app: &App, git_repo: i64, connection: &str) -> Result<()> {
    let on = |sql: &'static str| Statement::new(sql).bind(git_repo).bind(connection);
    app.db
        .batch(vec![
            // What this connection may have of the same project has no package.
            on(
                "update or ignore git_repos
                 set connection_id = ?2, withheld_at = null, withheld_reason = null, next_look_at = null,
                     hook_state = null, hook_id = null, hook_url = null, hook_reason = null
                 where id = ?1 and exists (
                     select 1 from connections c where c.id = git_repos.connection_id and c.deleted_at is not null)",
            ),
            Statement::new("delete from ref_pages where git_repo_id = ?1").bind(git_repo),
        ])
        .await
        .map(|_| ())
}

async fn is_in(app: &App, package: &Package, repository: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select 1 as id from repository_packages where package_id = ?1 and repository_id = ?2",
            )
            .bind(package.id)
            .bind(repository),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// The statements that make the package, if there is none, put it into the repository and ask for its publication. Where
/// the name has become another source's meanwhile, they change nothing.
pub fn add_stmts(addition: &Addition<'_>, place: &Place, now: i64) -> Vec<Statement> {
    let organisation = addition.connection.organisation_id;
    let mut statements = Vec::new();
    if addition.is_asked {
        statements.push(forget_deletion_stmt(place.git_repo, None));
    }
    statements.extend([
        Statement::new(
            "insert into packages (organisation_id, name, git_repo_id, description, created_at)
             values (?1, ?2, ?3, ?4, ?5)
             on conflict (organisation_id, name) do nothing",
        )
        .bind(organisation)
        .bind(place.name.as_str())
        .bind(place.git_repo)
        .bind(addition.description)
        .bind(now),
        Statement::new(
            "insert into repository_packages (repository_id, package_id)
             select r.id, p.id from packages p join repositories r on r.organisation_id = p.organisation_id
             where p.organisation_id = ?1 and p.name = ?2 and p.git_repo_id = ?3 and r.id = ?4
             on conflict (repository_id, package_id) do nothing",
        )
        .bind(organisation)
        .bind(place.name.as_str())
        .bind(place.git_repo)
        .bind(addition.repository),
        ask_for_publications_of_git_repo_stmt(place.git_repo, now),
    ]);
    statements
}

/// Adds a project, and gives its package and its git repository.
pub async fn add_project(app: &App, addition: &Addition<'_>) -> Result<(Package, i64)> {
    add_project_with(app, addition, |_| Vec::new()).await
}

/// The same, with what `more` makes of the git repository's id written together with it.
pub async fn add_project_with(
    app: &App,
    addition: &Addition<'_>,
    more: impl FnOnce(i64) -> Vec<Statement>,
) -> Result<(Package, i64)> {
    let place = find_place(app, addition).await?;
    let mut statements = add_stmts(addition, &place, app.now());
    statements.extend(more(place.git_repo));
    let organisation = addition.connection.organisation_id;
    if let Err(error) = app.db.batch(statements).await {
        return Err(explain(app, organisation, error).await);
    }
    let package = find_package(app, organisation, &place.name)
        .await?
        .filter(|package| package.git_repo_id == Some(place.git_repo))
        .ok_or_else(|| taken(&place.name))?;
    Ok((package, place.git_repo))
}

row! {
    /// A package that is made of a project.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PackageOfProject {
        /// The host's id of the project.
        pub provider_id: String,
        /// The package's name.
        pub name: String,
        /// The repositories it is in, by slug: a JSON list.
        pub repositories: String,
    }
}

/// The packages that are made of some of a host's projects, through whichever connection to it. `provider_ids` is a JSON
/// list.
pub async fn list_packages_of_projects(
    app: &App,
    connection: &Connection,
    provider_ids: &str,
) -> Result<Vec<PackageOfProject>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select g.provider_id, p.name,
                            (select json_group_array(slug) from (
                                 select r.slug from repository_packages m join repositories r on r.id = m.repository_id
                                 where m.package_id = p.id order by r.slug)) as repositories
                     from git_repos g join connections c on c.id = g.connection_id
                                      join packages p on p.git_repo_id = g.id and p.renamed_to is null
                     where c.organisation_id = ?1 and c.provider = ?2 and c.base_url = ?3
                       and g.provider_id in (select value from json_each(?4))
                     order by g.provider_id, p.name",
                )
                .bind(connection.organisation_id)
                .bind(&connection.provider)
                .bind(&connection.base_url)
                .bind(provider_ids),
            )
            .await?,
    )
}
