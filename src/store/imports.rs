//! A project of a git host becomes a package.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::store::connections::{GitRepo, GitRepoFacts, upsert_git_repo};
use crate::store::packages::{
    Package, add_to_repository_stmt, find_package, find_package_of_git_repo, insert_package_stmt,
};
use crate::store::publications::ask_for_publication_stmt;

/// Where a project comes from and where it goes to.
#[derive(Debug, Clone, Copy)]
pub struct NewImport<'a> {
    /// The organisation's id.
    pub organisation: i64,
    /// The connection it is reached through.
    pub connection: &'a str,
    /// The repository it is added to, by id.
    pub repository: i64,
    /// The project, as its host describes it.
    pub facts: &'a GitRepoFacts<'a>,
    /// The name in its composer.json.
    pub name: &'a PackageName,
    /// The description there.
    pub description: Option<&'a str>,
}

/// Adds a project as a package. One that is here already keeps its package: composer.json may have another name by now. A
/// name that is of another source is a `Conflict`. What `more` makes of the git repository is written together with it.
pub async fn import_project(
    app: &App,
    new: &NewImport<'_>,
    more: impl FnOnce(&GitRepo) -> Vec<Statement>,
) -> Result<Package> {
    let organisation = new.organisation;
    let git_repo = upsert_git_repo(app, organisation, new.connection, new.facts).await?;
    let existing = match find_package_of_git_repo(app, git_repo.id).await? {
        Some(package) => Some(package),
        None => find_package(app, organisation, new.name).await?,
    };
    if let Some(package) = &existing
        && package.git_repo_id != Some(git_repo.id)
    {
        return Err(Error::conflict(format!(
            "`{}` is in this organisation already, from another source",
            new.name
        )));
    }
    let name = match &existing {
        Some(package) => PackageName::parse(&package.name).map_err(Error::internal)?,
        None => new.name.clone(),
    };
    let mut statements = vec![
        insert_package_stmt(
            organisation,
            &name,
            Some(git_repo.id),
            new.description,
            app.now(),
        ),
        add_to_repository_stmt(organisation, &name, new.repository),
    ];
    statements.extend(more(&git_repo));
    app.db.batch(statements).await?;
    let package = find_package(app, organisation, &name)
        .await?
        .ok_or_else(|| Error::internal(format!("package {name} vanished")))?;
    app.db
        .rows(ask_for_publication_stmt(package.id, app.now()))
        .await?;
    Ok(package)
}
