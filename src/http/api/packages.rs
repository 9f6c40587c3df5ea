//! Packages: import a project, look at one, sync it again.

use deserr::Deserr;
use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::monorepo::FolderVersions;
use crate::domain::name::PackageName;
use crate::domain::time::rfc3339;
use crate::domain::version::compare_normalized;
use crate::error::{Error, Result};
use crate::http::api::connections::{as_input, open_host};
use crate::http::api::hooks::show as show_hook;
use crate::http::api::missing;
use crate::http::api::monorepos::{create_monorepo, package_of_job, show_refs};
use crate::http::api::package_settings::{is_abandoned, refuse_renamed, show_abandoned};
use crate::http::api::paging::Page;
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::providers::{Project, read_project};
use crate::store::connections::{GitRepoFacts, find_connection, find_git_repo};
use crate::store::deliveries::start_job;
use crate::store::git_refs::list_git_refs;
use crate::store::hooks::find_repo_hook;
use crate::store::organisations::Organisation;
use crate::store::packages::{
    self as store, Package, find_package, list_memberships, read_abandoned,
};
use crate::store::project_additions::{Addition, add_project};
use crate::store::repositories::find_repository;
use crate::store::versions::list_versions;

/// A project to be imported.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewPackage")]
pub(crate) struct Asked {
    /// The id of the connection.
    connection: String,
    /// The project, by name or by the host's id; for `git` its path or whole URL.
    pub(crate) project: String,
    /// The slug of the repository that the package goes to.
    repository: String,
    /// Which folders are packages; none where the project is one.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 50))]
    pub(crate) folders: Option<Vec<String>>,
    /// Of which of them a tag is a version.
    #[deserr(default)]
    pub(crate) versions: Option<FolderVersions>,
}

/// Imports a project: what can be known at once is checked at once, the rest is a job.
pub async fn create_package(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let connection = find_connection(app, &asked.connection)
        .await?
        .filter(|connection| connection.organisation_id == organisation.id)
        .ok_or_else(|| {
            Error::bad_value(
                "/connection",
                "`connection` is no connection of this organisation",
            )
        })?;
    let repository = find_repository(app, &organisation.slug, &asked.repository)
        .await?
        .ok_or_else(|| {
            Error::bad_value(
                "/repository",
                "`repository` is no repository of this organisation",
            )
        })?;
    if asked.folders.is_some() {
        return create_monorepo(app, organisation, &connection, &repository, asked).await;
    }
    if asked.versions.is_some() {
        return Err(Error::bad_value(
            "/versions",
            "`versions` is for a project with `folders`; give both or neither",
        ));
    }
    let host = open_host(app, &connection).await?;
    let found = read_project(host.as_ref(), &asked.project)
        .await
        .map_err(|error| as_input(&error))?;
    let (package, git_repo) = add_project(
        app,
        &Addition {
            connection: &connection,
            repository: repository.id,
            facts: &facts_of(&found.project),
            name: &found.name,
            description: found.description.as_deref(),
        },
    )
    .await?;
    let job = start_sync(app, organisation, git_repo, package.id, "import").await?;
    Ok(Reply::json(
        202,
        &json!({
            "package": { "name": package.name },
            "job": { "id": job, "state": "queued" },
        }),
    ))
}

pub(crate) fn facts_of(project: &Project) -> GitRepoFacts<'_> {
    GitRepoFacts {
        provider_id: &project.provider_id,
        full_name: &project.full_name,
        default_branch: project.default_branch.as_deref().unwrap_or_default(),
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    }
}

async fn start_sync(
    app: &App,
    organisation: &Organisation,
    git_repo: i64,
    package: impl Into<Option<i64>>,
    cause: &str,
) -> Result<String> {
    let id = app.random_id()?;
    let id = start_job(app, &id, organisation.id, git_repo, package, cause).await?;
    enqueue(app, &[Job::Reconcile { id: id.clone() }]).await?;
    Ok(id)
}

/// Lists packages by name.
pub async fn list_packages(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let after = page.after().unwrap_or_default();
    let mut rows = store::list_packages(app, organisation.id, after, page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.name.clone());
    let packages: Vec<Value> = rows
        .into_iter()
        .map(|package| {
            Ok(json!({
                "name": package.name,
                "description": package.description,
                "versions": package.versions,
                "abandoned": show_abandoned(
                    read_abandoned(package.abandoned.as_deref())?,
                    package.renamed_to.as_deref(),
                    package.is_archived.unwrap_or_default() != 0,
                ),
            }))
        })
        .collect::<Result<_>>()?;
    Ok(Reply::json(
        200,
        &json!({ "packages": packages, "next": next }),
    ))
}

/// Shows a package: its versions, and every git ref with what became of it.
pub async fn show_package(
    app: &App,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let repositories: Vec<_> = list_memberships(app, package.id)
        .await?
        .into_iter()
        .map(|membership| membership.slug)
        .collect();
    let mut versions = list_versions(app, package.id).await?;
    versions.sort_by(|one, other| compare_normalized(&other.normalized, &one.normalized));
    let versions: Vec<_> = versions
        .into_iter()
        .map(|version| {
            json!({
                "version": version.pretty,
                "version_normalized": version.normalized,
                "reference": version.reference,
                "ref": version.git_ref,
                "time": version.time,
                "published_time": rfc3339(version.published_at),
                "downloads": version.downloads,
                "dist": {
                    "format": version.format,
                    "size": version.size,
                    "shasum": version.sha1,
                    "sha256": version.sha256,
                },
            })
        })
        .collect();
    let (project, refs) = show_project(app, &package).await?;
    Ok(Reply::json(
        200,
        &json!({
            "name": package.name,
            "description": package.description,
            "repositories": repositories,
            "project": project,
            "folder": package.folder,
            "versions": versions,
            "refs": refs,
            "abandoned": is_abandoned(app, &package).await?,
            "renamed_from": package.renamed_from,
            "renamed_to": package.renamed_to,
            "notice": package.notice,
            "settings": package.policy()?,
            "created_at": rfc3339(package.created_at),
        }),
    ))
}

async fn show_project(app: &App, package: &Package) -> Result<(Value, Vec<Value>)> {
    let Some(git_repo) = package.git_repo_id else {
        return Ok((Value::Null, Vec::new()));
    };
    // Under a name of before it has no refs any more: what becomes of them is shown with the package of today.
    let known = match (&package.folder, &package.renamed_to) {
        (None, None) => list_git_refs(app, git_repo).await?,
        _ => Vec::new(),
    };
    let mut refs: Vec<_> = known
        .into_iter()
        .map(|known| {
            json!({
                "ref": known.name,
                "commit": known.commit,
                "state": known.state,
                "version": known.version,
                "reason": known.reason,
            })
        })
        .collect();
    if package.folder.is_some() {
        refs = show_refs(app, git_repo, package.id).await?;
    }
    let Some(repo) = find_git_repo(app, git_repo).await? else {
        return Ok((Value::Null, refs));
    };
    let connection = find_connection(app, &repo.connection_id).await?;
    let hook = match (find_repo_hook(app, git_repo).await?, &connection) {
        (Some(hook), Some(connection)) => show_hook(app, &hook, connection),
        _ => Value::Null,
    };
    let provider = connection.map(|connection| connection.provider);
    let project = json!({
        "provider": provider,
        "connection": repo.connection_id,
        "id": repo.provider_id,
        "number": repo.id,
        "full_name": repo.full_name,
        "default_branch": repo.default_branch,
        "web_url": repo.web_url,
        "archived": repo.is_archived != 0,
        "hook": hook,
        "last_heard_at": repo.last_heard_at.map(rfc3339),
        "last_reconciled_at": repo.last_reconciled_at.map(rfc3339),
    });
    Ok((project, refs))
}

/// Compares a package with its git repository now.
pub async fn sync_package(
    app: &App,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    refuse_renamed(&package)?;
    let git_repo = package.git_repo_id.ok_or_else(|| {
        Error::conflict("This package is uploaded; there is no git repository to compare it with")
    })?;
    let package = package_of_job(app, git_repo, package.id).await?;
    let job = start_sync(app, organisation, git_repo, package, "by hand").await?;
    Ok(Reply::json(
        202,
        &json!({ "job": { "id": job, "state": "queued" } }),
    ))
}
