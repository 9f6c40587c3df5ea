//! Projects whose folders are packages: import one, look at it, change which folders those are.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::monorepo::{FolderPatterns, FolderVersions};
use crate::error::{Error, Result};
use crate::http::api::connections::{as_input, open_host};
use crate::http::api::missing;
use crate::http::api::packages::Asked;
use crate::http::api::paging::Page;
use crate::http::api::shown::{JobState, Ref, Time};
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::MonorepoRoute;
use crate::jobs::{Job, enqueue};
use crate::ports::Statement;
use crate::providers::Project;
use crate::store::connections::{
    Connection, GitRepo, GitRepoFacts, find_git_repo, upsert_git_repo,
};
use crate::store::deletion::forget_deletion_stmt;
use crate::store::deliveries::start_job_with;
use crate::store::folder_refs::list_folder_refs;
use crate::store::git_refs::list_git_refs;
use crate::store::monorepos::{
    Monorepo, add_git_repo_to_repository_stmts, find_monorepo, list_destinations, list_monorepos,
    list_packages_of_git_repo, save_monorepo_stmts,
};
use crate::store::organisations::Organisation;
use crate::store::packages::find_package_of_git_repo;
use crate::store::repositories::Repository;

/// Answers what is asked of a project by its number.
pub async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    number: i64,
    route: MonorepoRoute,
) -> Result<Reply> {
    match route {
        MonorepoRoute::Show => show_project(app, organisation, number).await,
        MonorepoRoute::Update => update_project(app, request, organisation, number).await,
    }
}

/// What a project with many packages is asked to be.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "ProjectChange")]
pub(crate) struct Wanted {
    /// Patterns of the folders that are packages.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 50))]
    folders: Option<Vec<String>>,
    /// Of which of them a tag is a version.
    #[deserr(default)]
    versions: Option<FolderVersions>,
}

/// A project, its packages and its refs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub(crate) struct Shown {
    number: i64,
    connection: String,
    /// The host's id.
    id: String,
    full_name: String,
    default_branch: String,
    web_url: String,
    /// Why the host withholds it from the connection.
    trouble: Option<String>,
    trouble_since: Option<Time>,
    /// Null when the project is one package.
    folders: Option<FolderPatterns>,
    versions: Option<FolderVersions>,
    repositories: Vec<String>,
    packages: Vec<ShownPackage>,
    refs: Vec<Ref>,
    /// Folders that fit and yet are no package.
    no_packages: Vec<NoPackage>,
}

/// A package of a project.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectPackage")]
struct ShownPackage {
    name: String,
    folder: Option<String>,
    renamed_to: Option<String>,
}

/// A folder that is no package, and why.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NoPackage")]
struct NoPackage {
    #[serde(rename = "ref")]
    name: String,
    folder: String,
    reason: Option<String>,
}

/// What an import of a project with many packages began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectImported")]
pub(crate) struct Imported {
    project: ImportedProject,
    job: JobState,
}

/// A project that has many packages now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportedProject")]
struct ImportedProject {
    number: i64,
    full_name: String,
    folders: FolderPatterns,
    versions: FolderVersions,
}

/// What a project is after a change.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectChanged")]
pub(crate) struct Changed {
    number: i64,
    full_name: String,
    folders: FolderPatterns,
    versions: FolderVersions,
    /// What decides anew; null when nothing changed.
    job: Option<JobState>,
}

/// A project whose folders are packages, in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummary")]
pub(crate) struct Summary {
    /// What it is asked for by.
    number: i64,
    connection: String,
    /// The host's id.
    id: String,
    full_name: String,
    web_url: String,
    /// Why the host withholds it from the connection.
    trouble: Option<String>,
    folders: FolderPatterns,
    versions: FolderVersions,
    packages: Vec<ShownPackage>,
    refs: RefCounts,
}

/// The project's tags and branches by what became of them. Each with its reason is shown with the project.
#[derive(Serialize, JsonSchema)]
struct RefCounts {
    imported: i64,
    skipped: i64,
    failed: i64,
}

/// Lists the projects whose folders are packages, in the order in which they came.
pub async fn list_projects(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let after = page.after_number()?.unwrap_or_default();
    let mut rows = list_monorepos(app, organisation.id, after, page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.id.to_string());
    let mut projects = Vec::new();
    for row in rows {
        let monorepo = row.monorepo()?;
        let packages = row.packages()?.into_iter();
        projects.push(Summary {
            number: row.id,
            connection: row.connection_id,
            id: row.provider_id,
            full_name: row.full_name,
            web_url: row.web_url,
            trouble: row.withheld_reason,
            folders: monorepo.folders,
            versions: monorepo.versions,
            packages: packages
                .map(|package| ShownPackage {
                    name: package.name,
                    folder: package.folder,
                    renamed_to: package.renamed_to,
                })
                .collect(),
            refs: RefCounts {
                imported: row.imported,
                skipped: row.skipped,
                failed: row.failed,
            },
        });
    }
    Ok(Reply::json(
        200,
        &json!({ "projects": projects, "next": next }),
    ))
}

/// Imports a project whose folders are packages. Which these are is found out by a job.
pub(crate) async fn create_monorepo(
    app: &App,
    organisation: &Organisation,
    connection: &Connection,
    repository: &Repository,
    asked: Asked,
) -> Result<Reply> {
    let wanted = Wanted {
        folders: asked.folders,
        versions: asked.versions,
    };
    let monorepo = apply(None, wanted)?;
    let project = describe(app, connection, &asked.project).await?;
    let facts = GitRepoFacts {
        provider_id: &project.provider_id,
        full_name: &project.full_name,
        default_branch: project.default_branch.as_deref().unwrap_or_default(),
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    };
    let repo = upsert_git_repo(app, organisation.id, &connection.id, &facts).await?;
    if find_monorepo(app, repo.id).await?.is_none()
        && let Some(package) = find_package_of_git_repo(app, repo.id).await?
    {
        return Err(Error::conflict(format!(
            "`{}` is imported as the one package `{}` already; to have folders of it as packages, change \
             `folders` of the project {}",
            repo.full_name, package.name, repo.id
        )));
    }
    let mut statements = save_monorepo_stmts(repo.id, &monorepo)?;
    statements.push(forget_deletion_stmt(repo.id, None));
    statements.extend(add_git_repo_to_repository_stmts(repo.id, repository.id));
    let job = start(app, organisation, repo.id, "import", statements).await?;
    Ok(Reply::json(
        202,
        &Imported {
            project: ImportedProject {
                number: repo.id,
                full_name: repo.full_name,
                folders: monorepo.folders,
                versions: monorepo.versions,
            },
            job: JobState::queued(job),
        },
    ))
}

async fn describe(app: &App, connection: &Connection, project: &str) -> Result<Project> {
    let host = open_host(app, connection).await?;
    let project = host
        .describe_project(project)
        .await
        .map_err(|error| as_input(&error))?;
    if project.default_branch.is_none() {
        let name = &project.full_name;
        return Err(Error::invalid(format!("`{name}` has no commits yet")));
    }
    Ok(project)
}

/// The settings after a change; what is not given stays.
fn apply(before: Option<Monorepo>, wanted: Wanted) -> Result<Monorepo> {
    let folders = match (wanted.folders, &before) {
        (Some(folders), _) => FolderPatterns::parse(&folders)
            .map_err(|fault| Error::bad_value("/folders", fault.to_string()))?,
        (None, Some(before)) => before.folders.clone(),
        (None, None) => {
            return Err(Error::bad_value(
                "/folders",
                "This project is one package; to have folders of it as packages, give `folders`, such as \
                 `[\"packages/*\"]`",
            ));
        }
    };
    let versions = match (wanted.versions, before) {
        (Some(versions), _) => versions,
        (None, Some(before)) => before.versions,
        (None, None) => FolderVersions::Changed,
    };
    Ok(Monorepo { folders, versions })
}

async fn start(
    app: &App,
    organisation: &Organisation,
    git_repo: i64,
    cause: &str,
    change: Vec<Statement>,
) -> Result<String> {
    let id = app.random_id()?;
    let organisation = organisation.id;
    let id = start_job_with(app, &id, organisation, git_repo, None, cause, change).await?;
    enqueue(app, &[Job::Reconcile { id: id.clone() }]).await?;
    Ok(id)
}

async fn find(app: &App, organisation: &Organisation, number: i64) -> Result<GitRepo> {
    find_git_repo(app, number)
        .await?
        .filter(|repo| repo.organisation_id == organisation.id)
        .ok_or_else(|| missing("project"))
}

/// Shows a project: its packages, and every git ref with what became of it.
async fn show_project(app: &App, organisation: &Organisation, number: i64) -> Result<Reply> {
    let repo = find(app, organisation, number).await?;
    let monorepo = find_monorepo(app, repo.id).await?;
    let packages: Vec<_> = list_packages_of_git_repo(app, repo.id)
        .await?
        .into_iter()
        .map(|package| ShownPackage {
            name: package.name,
            folder: package.folder,
            renamed_to: package.renamed_to,
        })
        .collect();
    let destinations = list_destinations(app, repo.id).await?;
    let slugs: Vec<_> = destinations.into_iter().map(|one| one.slug).collect();
    let refs: Vec<_> = list_git_refs(app, repo.id)
        .await?
        .into_iter()
        .map(Ref::of)
        .collect();
    // What is a package shows this itself.
    let strays: Vec<_> = list_folder_refs(app, repo.id)
        .await?
        .into_iter()
        .filter(|stray| stray.package.is_none())
        .map(|stray| NoPackage {
            name: stray.name,
            folder: stray.folder,
            reason: stray.reason,
        })
        .collect();
    let (folders, versions) = monorepo
        .map(|monorepo| (monorepo.folders, monorepo.versions))
        .unzip();
    Ok(Reply::json(
        200,
        &Shown {
            number: repo.id,
            connection: repo.connection_id,
            id: repo.provider_id,
            full_name: repo.full_name,
            default_branch: repo.default_branch,
            web_url: repo.web_url,
            trouble: repo.withheld_reason,
            trouble_since: repo.withheld_at.map(Time::of),
            folders,
            versions,
            repositories: slugs,
            packages,
            refs,
            no_packages: strays,
        },
    ))
}

/// Changes which folders of a project are packages, or of which of them a tag is a version. A job decides anew, at once.
async fn update_project(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    number: i64,
) -> Result<Reply> {
    let wanted: Wanted = request.json().await?;
    let repo = find(app, organisation, number).await?;
    let before = find_monorepo(app, repo.id).await?;
    let after = apply(before.clone(), wanted)?;
    let mut job = None;
    if before.as_ref() != Some(&after) {
        let mut statements = save_monorepo_stmts(repo.id, &after)?;
        if before.is_none() {
            // Its packages go where the one package was.
            for destination in list_destinations(app, repo.id).await? {
                statements.extend(add_git_repo_to_repository_stmts(repo.id, destination.id));
            }
        }
        job = Some(start(app, organisation, repo.id, "settings", statements).await?);
    }
    Ok(Reply::json(
        200,
        &Changed {
            number: repo.id,
            full_name: repo.full_name,
            folders: after.folders,
            versions: after.versions,
            job: job.map(JobState::queued),
        },
    ))
}

/// The package that a job about a git repository is for: none where it has many.
pub(crate) async fn package_of_job(app: &App, git_repo: i64, package: i64) -> Result<Option<i64>> {
    let is_monorepo = find_monorepo(app, git_repo).await?.is_some();
    Ok((!is_monorepo).then_some(package))
}

/// What became of a package at each ref, as it is shown with the package.
pub(crate) async fn show_refs(app: &App, git_repo: i64, package: i64) -> Result<Vec<Ref>> {
    let folders = crate::store::folder_refs::list_folder_refs_of_package(app, package).await?;
    let mut refs: Vec<_> = folders
        .iter()
        .map(|known| Ref {
            name: known.name.clone(),
            commit: Some(known.commit.clone()),
            folder: Some(Some(known.folder.clone())),
            state: known.state.clone(),
            version: known.version.clone(),
            reason: known.reason.clone(),
        })
        .collect();
    // Refs of which nobody knows what they hold.
    let others = list_git_refs(app, git_repo).await?.into_iter();
    let others = others.filter(|known| known.state == "failed" || known.rule.is_some());
    for known in others.filter(|known| folders.iter().all(|one| one.name != known.name)) {
        refs.push(Ref {
            folder: Some(None),
            version: None,
            ..Ref::of(known)
        });
    }
    Ok(refs)
}
