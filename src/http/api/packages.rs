//! Packages: import a project, look at one, sync it again.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::monorepo::FolderVersions;
use crate::domain::name::{NameGlob, PackageName};
use crate::domain::policy::{Abandoned, PackagePolicy};
use crate::domain::search::full_text_query;
use crate::domain::version::compare_normalized;
use crate::error::{Error, Result};
use crate::http::api::connections::{as_input, open_host};
use crate::http::api::hooks::{Shown as Hook, show as show_hook};
use crate::http::api::missing;
use crate::http::api::monorepos::{create_monorepo, package_of_job, show_refs};
use crate::http::api::package_settings::{is_abandoned, refuse_renamed, show_abandoned};
use crate::http::api::paging::Page;
use crate::http::api::shown::{JobState, Ref, Started, Time};
use crate::http::api::versions::{Deleted, show_deleted};
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue, enqueue_try_of};
use crate::providers::{Project, read_project};
use crate::store::connections::{GitRepoFacts, find_connection, find_git_repo};
use crate::store::deliveries::start_job;
use crate::store::git_refs::list_git_refs;
use crate::store::hooks::find_repo_hook;
use crate::store::organisations::Organisation;
use crate::store::packages::{
    self as store, Package, PackageFilter, PackageSummary, find_package, list_memberships,
    read_abandoned,
};
use crate::store::project_additions::{Addition, add_project};
use crate::store::repositories::find_repository;
use crate::store::versions::{VersionRow, list_versions};
use crate::store::withheld::look_soon;

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
            is_asked: true,
        },
    )
    .await?;
    let job = start_sync(app, organisation, git_repo, package.id, "import").await?;
    Ok(Reply::json(
        202,
        &Imported {
            package: ImportedPackage { name: package.name },
            job: JobState::queued(job),
        },
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
    let asked = ListFilter::of(request)?;
    let (packages, next) = find_packages(app, organisation.id, &page, &asked).await?;
    Ok(Reply::json(
        200,
        &json!({ "packages": packages, "next": next }),
    ))
}

/// A page of packages, and the cursor to the one after it.
pub(crate) async fn find_packages(
    app: &App,
    organisation: i64,
    page: &Page,
    asked: &ListFilter,
) -> Result<(Vec<Summary>, Option<String>)> {
    let mut rows = if asked.finds_nothing {
        Vec::new()
    } else {
        let filter = PackageFilter {
            pattern: asked.pattern.as_ref().map(NameGlob::as_str),
            repository: asked.repository.as_deref(),
            query: asked.query.as_deref(),
        };
        let after = page.after().unwrap_or_default();
        store::list_packages(app, organisation, &filter, after, page.rows()).await?
    };
    let next = page.cut(&mut rows, |last| last.name.clone());
    let packages = rows.into_iter().map(summary_of).collect::<Result<_>>()?;
    Ok((packages, next))
}

/// Which packages a list is to have: `filter` (a pattern over the whole name), `repository` (a slug) and `search` (words of
/// names, descriptions and keywords), all of which must fit.
#[derive(Default)]
pub(crate) struct ListFilter {
    pub(crate) pattern: Option<NameGlob>,
    pub(crate) repository: Option<String>,
    /// In the language of the full-text index.
    pub(crate) query: Option<String>,
    /// There is something to search for, and nothing of it is in any text.
    pub(crate) finds_nothing: bool,
}

impl ListFilter {
    /// Reads it from the query. A pattern that could fit no name is refused.
    pub(crate) fn of(request: &Request) -> Result<Self> {
        let given = |name| {
            let value = request.query_parameter(name);
            value.filter(|value| !value.trim().is_empty())
        };
        let pattern = match given("filter") {
            None => None,
            Some(text) => Some(NameGlob::parse(&text).map_err(|fault| {
                Error::bad_value(
                    "?filter",
                    format!("`filter` must be a pattern such as `acme/*`: {fault}"),
                )
            })?),
        };
        Ok(Self {
            pattern,
            repository: given("repository"),
            ..Self::of_words(&given("search").unwrap_or_default())
        })
    }

    /// By words alone.
    pub(crate) fn of_words(words: &str) -> Self {
        let words = Some(words).filter(|words| !words.trim().is_empty());
        let query = words.and_then(full_text_query);
        Self {
            finds_nothing: words.is_some() && query.is_none(),
            query,
            ..Self::default()
        }
    }
}

/// A row of a list, as all read it who see the whole package.
pub(crate) fn summary_of(package: PackageSummary) -> Result<Summary> {
    Ok(Summary {
        abandoned: show_abandoned(
            read_abandoned(package.abandoned.as_deref())?,
            package.renamed_to.as_deref(),
            package.is_archived.unwrap_or_default() != 0,
        ),
        name: package.name,
        description: package.description,
        versions: package.versions,
    })
}

/// A package in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PackageSummary")]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Those in the metadata, as far as the caller sees them.
    pub(crate) versions: i64,
    pub(crate) abandoned: Abandoned,
}

/// A package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Package")]
pub(crate) struct Shown {
    name: String,
    description: Option<String>,
    /// The repositories it is in, by slug.
    repositories: Vec<String>,
    /// Null for an uploaded or defined package.
    project: Option<ShownProject>,
    /// The folder of its project that it was last found in; null when the project is one package.
    folder: Option<String>,
    /// Newest first.
    versions: Vec<ShownVersion>,
    /// Those that a person deleted.
    deleted_versions: Vec<Deleted>,
    refs: Vec<Ref>,
    abandoned: Abandoned,
    renamed_from: Option<String>,
    renamed_to: Option<String>,
    /// Why it goes on under its name although composer.json has another, or none.
    notice: Option<String>,
    settings: PackagePolicy,
    created_at: Time,
}

/// The project that a package is synced from.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PackageProject")]
struct ShownProject {
    provider: Option<String>,
    connection: String,
    /// The host's id.
    id: String,
    /// The project's number here.
    number: i64,
    full_name: String,
    default_branch: String,
    web_url: String,
    archived: bool,
    hook: Option<Hook>,
    /// Why the host withholds it from the connection.
    trouble: Option<String>,
    trouble_since: Option<Time>,
    last_heard_at: Option<Time>,
    last_reconciled_at: Option<Time>,
}

/// A version of a package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub(crate) struct ShownVersion {
    version: String,
    version_normalized: String,
    /// Null for a defined version whose archive is elsewhere.
    reference: Option<String>,
    /// Null for what was uploaded or defined.
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    time: String,
    published_time: Time,
    /// Since when it is out of the metadata; its archive is still served to lock files.
    yanked_at: Option<Time>,
    /// What people read who use it.
    deprecated: Option<Deprecated>,
    downloads: i64,
    dist: ShownDist,
}

/// What people read who use a version.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Deprecated {
    message: String,
    /// A constraint: what to use instead.
    #[serde(rename = "use", default)]
    instead: Option<String>,
}

impl Deprecated {
    /// In one line, for people.
    pub(crate) fn in_words(self) -> String {
        match self.instead {
            None => self.message,
            Some(instead) => format!("{}; use {instead}", self.message),
        }
    }
}

/// The archive of a version; all null where it is elsewhere.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Dist")]
struct ShownDist {
    /// `zip`, `tar`, `tar.gz` or `tar.bz2`.
    #[schemars(with = "Option<String>")]
    format: Option<ArchiveFormat>,
    size: Option<i64>,
    /// SHA-1.
    shasum: Option<String>,
    sha256: Option<String>,
}

/// What an import of one project began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PackageImported")]
pub(crate) struct Imported {
    package: ImportedPackage,
    job: JobState,
}

/// The package that an imported project is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportedPackage")]
struct ImportedPackage {
    name: String,
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
    let versions = versions.into_iter().map(show_version).collect();
    let (project, refs) = show_project(app, &package).await?;
    Ok(Reply::json(
        200,
        &Shown {
            abandoned: is_abandoned(app, &package).await?,
            settings: package.policy()?,
            deleted_versions: show_deleted(app, &package).await?,
            name: package.name,
            description: package.description,
            repositories,
            project,
            folder: package.folder,
            versions,
            refs,
            renamed_from: package.renamed_from,
            renamed_to: package.renamed_to,
            notice: package.notice,
            created_at: Time::of(package.created_at),
        },
    ))
}

/// A version as packages show it.
pub(crate) fn show_version(version: VersionRow) -> ShownVersion {
    ShownVersion {
        version: version.pretty,
        version_normalized: version.normalized,
        reference: version.reference,
        git_ref: version.git_ref,
        time: version.time,
        published_time: Time::of(version.published_at),
        yanked_at: version.yanked_at.map(Time::of),
        deprecated: version
            .deprecated
            .and_then(|text| serde_json::from_str(&text).ok()),
        downloads: version.downloads,
        dist: ShownDist {
            format: version.format,
            size: version.size,
            shasum: version.sha1,
            sha256: version.sha256,
        },
    }
}

async fn show_project(app: &App, package: &Package) -> Result<(Option<ShownProject>, Vec<Ref>)> {
    let Some(git_repo) = package.git_repo_id else {
        return Ok((None, Vec::new()));
    };
    // Under a name of before it has no refs any more: what becomes of them is shown with the package of today.
    let known = match (&package.folder, &package.renamed_to) {
        (None, None) => list_git_refs(app, git_repo).await?,
        _ => Vec::new(),
    };
    let mut refs: Vec<_> = known.into_iter().map(Ref::of).collect();
    if package.folder.is_some() {
        refs = show_refs(app, git_repo, package.id).await?;
    }
    let Some(repo) = find_git_repo(app, git_repo).await? else {
        return Ok((None, refs));
    };
    let connection = find_connection(app, &repo.connection_id).await?;
    let hook = match (find_repo_hook(app, git_repo).await?, &connection) {
        (Some(hook), Some(connection)) => Some(show_hook(app, &hook, connection)),
        _ => None,
    };
    let provider = connection.map(|connection| connection.provider);
    let project = ShownProject {
        provider,
        connection: repo.connection_id,
        id: repo.provider_id,
        number: repo.id,
        full_name: repo.full_name,
        default_branch: repo.default_branch,
        web_url: repo.web_url,
        archived: repo.is_archived != 0,
        hook,
        trouble: repo.withheld_reason,
        trouble_since: repo.withheld_at.map(Time::of),
        last_heard_at: repo.last_heard_at.map(Time::of),
        last_reconciled_at: repo.last_reconciled_at.map(Time::of),
    };
    Ok((Some(project), refs))
}

/// Refuses a package that was kept when the connection was deleted through which it was synced: a job about it could do
/// nothing but fail.
pub(crate) async fn refuse_unconnected(app: &App, package: &Package, git_repo: i64) -> Result<()> {
    let Some(repo) = find_git_repo(app, git_repo).await? else {
        return Ok(());
    };
    if find_connection(app, &repo.connection_id).await?.is_some() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "The connection through which `{}` was synced was deleted, and the package stays as it is. To have it synced again, \
         add its project `{}` through another connection, as a package is added",
        package.name, repo.full_name
    )))
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
    refuse_unconnected(app, &package, git_repo).await?;
    let package = package_of_job(app, git_repo, package.id).await?;
    // Who asks for it may have given back the right that was missing.
    look_soon(app, git_repo).await?;
    enqueue_try_of(app, git_repo).await?;
    let job = start_sync(app, organisation, git_repo, package, "by hand").await?;
    Ok(Reply::json(
        202,
        &Started {
            job: JobState::queued(job),
        },
    ))
}
