//! The projects that a connection reaches, and what they would come to as packages.

use std::collections::HashMap;

use deserr::{Deserr, IntoValue, ValuePointerRef};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::git::{CurrentRef, ExpectedVersions, expect_versions};
use crate::domain::monorepo::FolderPatterns;
use crate::domain::name::PackageName;
use crate::domain::policy::PackagePolicy;
use crate::domain::project_patterns::ProjectPatterns;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::connections::{find_own, host_refused, open_host};
use crate::http::api::folder_preview::{ShownFolder, preview_folders};
use crate::http::api::packages::facts_of;
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::ports::db::json_list;
use crate::providers::{FoundRef, GitHost, LsRefs, Project, read_found};
use crate::store::connections::Connection;
use crate::store::organisations::Organisation;
use crate::store::packages::find_package;
use crate::store::project_additions::{
    Addition, PackageOfProject, list_packages_of_projects, name_is_taken, taken,
};

/// Projects in one answer of a preview. Each takes three requests, and more of a host that must be asked for its refs page
/// by page: with ten, an invocation stays below the 50 that the smallest plan of the platform allows.
const PREVIEWED: usize = 10;

/// Projects that may be named at once.
pub(super) const NAMED: usize = 1_000;

/// Which projects are meant: some by name or id, or all that patterns mean.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "ImportPreview")]
pub(crate) struct Asked {
    /// Projects by id or name.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 1000))]
    projects: Option<Vec<String>>,
    /// Patterns over the full names of what the token reaches.
    #[deserr(default)]
    pattern: Option<OneOrMany>,
    /// Patterns of folders that are packages, as an import of one project with many takes them; one project an answer.
    #[deserr(default)]
    #[schemars(length(min = 1, max = 50))]
    folders: Option<Vec<String>>,
    /// `next` of the answer before.
    #[deserr(default)]
    cursor: Option<String>,
}

/// `"acme/*"` or `["acme/*", "!acme/old-*"]`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Deserr<Faults> for OneOrMany {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        match value {
            deserr::Value::String(one) => Ok(Self::One(one)),
            many => Vec::deserialize_from_value(many, location).map(Self::Many),
        }
    }
}

impl OneOrMany {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// Which projects are meant, checked.
pub(super) enum Meant {
    Named(Vec<String>),
    Patterns(ProjectPatterns),
}

impl Meant {
    /// Reads the two fields of which one must be given.
    pub(super) fn read(projects: Option<Vec<String>>, pattern: Option<OneOrMany>) -> Result<Self> {
        match (projects, pattern) {
            (Some(projects), None) if (1..=NAMED).contains(&projects.len()) => {
                let is_name = |name: &String| {
                    (1..=500).contains(&name.len()) && !name.chars().any(char::is_control)
                };
                if let Some((index, bad)) =
                    projects.iter().enumerate().find(|(_, name)| !is_name(name))
                {
                    return Err(Error::bad_value(
                        format!("/projects/{index}"),
                        format!(
                            "`{}` in `projects` is no name of a project",
                            bad.chars().take(100).collect::<String>()
                        ),
                    ));
                }
                Ok(Self::Named(projects))
            }
            (Some(_), None) => Err(Error::bad_value(
                "/projects",
                format!("`projects` must have 1 to {NAMED} entries"),
            )),
            (None, Some(pattern)) => ProjectPatterns::parse(&pattern.into_list())
                .map(Self::Patterns)
                .map_err(|fault| Error::bad_value("/pattern", fault.to_string())),
            _ => Err(Error::invalid(
                "Say which projects are meant: either `projects`, a list of names or ids, or `pattern`, such as `acme/*`",
            )),
        }
    }
}

/// Lists what a connection reaches, a page at a time; `?search=` looks for a part of the name.
pub async fn list_projects(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let connection = find_own(app, organisation, id).await?;
    let search = request.query_parameter("search");
    let cursor = request.query_parameter("cursor");
    let (projects, next) =
        find_projects(app, &connection, search.as_deref(), cursor.as_deref()).await?;
    Ok(Reply::json(
        200,
        &json!({ "projects": projects, "next": next }),
    ))
}

/// A page of what a connection reaches, and the host's own cursor to the next one. One batch of the database.
pub(crate) async fn find_projects(
    app: &App,
    connection: &Connection,
    search: Option<&str>,
    cursor: Option<&str>,
) -> Result<(Vec<Shown>, Option<String>)> {
    let host = open_host(app, connection).await?;
    let page = match host.list_projects(search, cursor).await {
        Ok(page) => page,
        Err(error) => return Err(host_refused(app, connection, &error).await),
    };
    let here = find_packages(app, connection, &page.projects).await?;
    let projects = page
        .projects
        .iter()
        .map(|project| show(project, &here))
        .collect();
    Ok((projects, page.next))
}

type Here = HashMap<String, Vec<PackageOfProject>>;

/// The packages that are made of some projects, by the host's ids.
async fn find_packages(app: &App, connection: &Connection, projects: &[Project]) -> Result<Here> {
    if projects.is_empty() {
        return Ok(Here::new());
    }
    let ids = json_list(projects.iter().map(|project| project.provider_id.as_str()))?;
    let mut here = Here::new();
    for package in list_packages_of_projects(app, connection, &ids).await? {
        here.entry(package.provider_id.clone())
            .or_default()
            .push(package);
    }
    Ok(here)
}

/// A project of a host; in a preview with what it would come to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HostProject")]
pub(crate) struct Shown {
    /// The host's id. In a preview, a project that the host does not show has `full_name` and `reason` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) full_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) web_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archived: Option<bool>,
    /// Whether it was made as a copy of another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fork: Option<bool>,
    /// Null for a project without commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(
        clippy::option_option,
        reason = "absent, null and a text say three things"
    )]
    default_branch: Option<Option<String>>,
    /// The packages that are made of it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) packages: Option<Vec<ShownPackage>>,
    /// In a preview: the name that the package has or would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// In a preview: what becomes versions, by the names of tags and branches.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions_by_name: Option<ExpectedVersions>,
    /// In a preview with `folders`: those of the default branch that fit. `versions_by_name` is what each has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    folders: Option<Vec<ShownFolder>>,
    /// In a preview: why it can be no package.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A package that is made of a project.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HostProjectPackage")]
pub(crate) struct ShownPackage {
    pub(crate) name: String,
    pub(crate) repositories: Vec<String>,
}

fn show(project: &Project, here: &Here) -> Shown {
    let packages: Vec<_> = here
        .get(&project.provider_id)
        .into_iter()
        .flatten()
        .map(|package| {
            let repositories = serde_json::from_str(&package.repositories);
            ShownPackage {
                name: package.name.clone(),
                repositories: repositories.unwrap_or_default(),
            }
        })
        .collect();
    Shown {
        id: Some(project.provider_id.clone()),
        full_name: project.full_name.clone(),
        web_url: Some(project.web_url.clone()),
        private: Some(project.is_private),
        archived: Some(project.is_archived),
        fork: Some(project.is_fork),
        default_branch: Some(project.default_branch.clone()),
        packages: Some(packages),
        package: None,
        versions_by_name: None,
        folders: None,
        reason: None,
    }
}

/// Says what some projects would come to, before they are imported: a few at a time, and where the next ones are.
pub async fn preview_import(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let meant = Meant::read(asked.projects, asked.pattern)?;
    let folders = asked.folders.as_deref().map(FolderPatterns::parse);
    let folders = folders
        .transpose()
        .map_err(|fault| Error::bad_value("/folders", fault.to_string()))?;
    let position = Position::read(asked.cursor.as_deref())?;
    let connection = find_own(app, organisation, id).await?;
    let host = open_host(app, &connection).await?;
    let looking = Looking {
        app,
        connection: &connection,
        host: host.as_ref(),
        folders: folders.as_ref(),
    };
    let previewed = match meant {
        Meant::Named(names) => preview_named(&looking, &names, &position).await,
        Meant::Patterns(patterns) => preview_page(&looking, &patterns, &position).await,
    };
    match previewed {
        Ok((projects, next)) => {
            let next = next.map(|next| next.write());
            Ok(Reply::json(
                200,
                &json!({ "projects": projects, "next": next }),
            ))
        }
        Err(error) => Err(host_refused(app, &connection, &error).await),
    }
}

/// Where a preview goes on: behind so many projects of the page that the host's own cursor leads to.
#[derive(Default)]
struct Position {
    skip: usize,
    page: Option<String>,
}

impl Position {
    fn read(cursor: Option<&str>) -> Result<Self> {
        let Some(cursor) = cursor else {
            return Ok(Self::default());
        };
        let position = cursor.split_once('.').and_then(|(skip, page)| {
            let skip = skip.parse().ok()?;
            let page = (!page.is_empty()).then(|| page.to_owned());
            Some(Self { skip, page })
        });
        position.ok_or_else(|| {
            Error::bad_value("/cursor", "`cursor` is none of ours; give the `next` of the answer before, or none to begin with")
        })
    }

    fn write(&self) -> String {
        format!("{}.{}", self.skip, self.page.as_deref().unwrap_or_default())
    }
}

type Previewed = (Vec<Shown>, Option<Position>);

/// What a preview looks with.
struct Looking<'a> {
    app: &'a App,
    connection: &'a Connection,
    host: &'a dyn GitHost,
    folders: Option<&'a FolderPatterns>,
}

impl Looking<'_> {
    /// Projects in one answer: an archive takes longer than some requests.
    fn at_once(&self) -> usize {
        match self.folders {
            Some(_) => 1,
            None => PREVIEWED,
        }
    }
}

async fn preview_named(
    looking: &Looking<'_>,
    names: &[String],
    position: &Position,
) -> Result<Previewed> {
    let mut shown = Vec::new();
    for name in names.iter().skip(position.skip).take(looking.at_once()) {
        match looking.host.describe_project(name).await {
            Ok(project) => shown.push(preview(looking, project).await?),
            Err(error) if stops_all(&error) => return Err(error),
            Err(error) => shown.push(Shown {
                id: None,
                full_name: name.clone(),
                web_url: None,
                private: None,
                archived: None,
                fork: None,
                default_branch: None,
                packages: None,
                package: None,
                versions_by_name: None,
                folders: None,
                reason: Some(error.message().to_owned()),
            }),
        }
    }
    let skip = position.skip.saturating_add(looking.at_once());
    let next = (skip < names.len()).then_some(Position { skip, page: None });
    Ok((shown, next))
}

async fn preview_page(
    looking: &Looking<'_>,
    patterns: &ProjectPatterns,
    position: &Position,
) -> Result<Previewed> {
    let host = looking.host;
    let page = host.list_projects(None, position.page.as_deref()).await?;
    let mut meant = page
        .projects
        .into_iter()
        .filter(|project| patterns.matches(&project.full_name))
        .skip(position.skip);
    let mut shown = Vec::new();
    for project in meant.by_ref().take(looking.at_once()) {
        shown.push(preview(looking, project).await?);
    }
    if meant.next().is_some() {
        let next = Position {
            skip: position.skip.saturating_add(looking.at_once()),
            page: position.page.clone(),
        };
        return Ok((shown, Some(next)));
    }
    let next = page.next.map(|next| Position {
        skip: 0,
        page: Some(next),
    });
    Ok((shown, next))
}

/// Whether an error is no fault of one project.
fn stops_all(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::RateLimited { .. } | ErrorKind::ArchivesLimited { .. } | ErrorKind::Internal
    )
}

async fn preview(looking: &Looking<'_>, project: Project) -> Result<Shown> {
    let Looking {
        app,
        connection,
        host,
        folders,
    } = *looking;
    let here = find_packages(app, connection, std::slice::from_ref(&project)).await?;
    let mut shown = show(&project, &here);
    let looked = match folders {
        None => look(app, connection, host, &project, &here)
            .await
            .map(|(package, expected)| (Some(package), None, expected)),
        Some(patterns) => look_at_folders(looking, &project, patterns)
            .await
            .map(|(folders, expected)| (None, Some(folders), expected)),
    };
    match looked {
        Ok((package, folders, expected)) => {
            shown.package = package;
            shown.folders = folders;
            shown.versions_by_name = Some(expected);
        }
        Err(error) if stops_all(&error) => return Err(error),
        Err(error) => shown.reason = Some(error.message().to_owned()),
    }
    Ok(shown)
}

/// The folders that would be packages, and what the refs would come to at most for each.
async fn look_at_folders(
    looking: &Looking<'_>,
    project: &Project,
    patterns: &FolderPatterns,
) -> Result<(Vec<ShownFolder>, ExpectedVersions)> {
    let refs = list_refs(looking.host, project).await?;
    let (app, connection) = (looking.app, looking.connection);
    preview_folders(app, connection, looking.host, project, patterns, &refs).await
}

/// The package that a project would be, and what its refs would come to.
async fn look(
    app: &App,
    connection: &Connection,
    host: &dyn GitHost,
    project: &Project,
    here: &Here,
) -> Result<(String, ExpectedVersions)> {
    let found = read_found(host, project.clone()).await?;
    let facts = facts_of(&found.project);
    let addition = Addition {
        connection,
        repository: 0,
        facts: &facts,
        name: &found.name,
        description: None,
        is_asked: true,
    };
    let known = here
        .get(&project.provider_id)
        .and_then(|packages| packages.first());
    if known.is_none() && name_is_taken(app, &addition).await? {
        return Err(taken(&found.name));
    }
    let refs = list_refs(host, project).await?;
    let policy = match known {
        Some(known) => policy_of(app, connection, &known.name).await?,
        None => PackagePolicy::of_new_package(),
    };
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
    let expected = expect_versions(&refs, default_branch, &policy);
    let package = known.map_or(found.name.as_str(), |known| known.name.as_str());
    Ok((package.to_owned(), expected))
}

async fn policy_of(app: &App, connection: &Connection, package: &str) -> Result<PackagePolicy> {
    let name = PackageName::parse(package).map_err(Error::internal)?;
    match find_package(app, connection.organisation_id, &name).await? {
        Some(package) => package.policy(),
        None => Ok(PackagePolicy::of_new_package()),
    }
}

/// All refs as git tells them, in one request; where it does not, as the host's API does.
async fn list_refs(host: &dyn GitHost, project: &Project) -> Result<Vec<CurrentRef>> {
    let refs: Vec<FoundRef> = match host.ls_refs(&project.clone_url).await? {
        LsRefs::Listed(listed) => listed.refs,
        LsRefs::Refused | LsRefs::Unavailable => {
            let listing = host
                .list_refs(&project.provider_id, &HashMap::new())
                .await?;
            listing.refs
        }
    };
    let current = refs.into_iter().map(|found| CurrentRef {
        name: found.name,
        commit: found.commit,
    });
    Ok(current.collect())
}
