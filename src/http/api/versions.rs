//! The life cycle of a version: yanked and put back, deprecated, deleted, restored; and the repositories a package is in.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::constraint::Constraint;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::api::confirmation::Confirmed;
use crate::http::api::missing;
use crate::http::api::monorepos::package_of_job;
use crate::http::api::packages::{refuse_unconnected, show_version};
use crate::http::api::shown::{JobState, Time};
use crate::http::body::Faults;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::jobs::{Job, enqueue, enqueue_publications, enqueue_publishing};
use crate::store::completion::publish_here;
use crate::store::deliveries::start_job;
use crate::store::life_cycle::{
    DeletedVersion, LivingVersion, delete_version, deprecate_version, find_deleted_version,
    find_living_version, list_deleted_versions, remove_deleted_archives, restore_version, take_out,
    yank_version,
};
use crate::store::organisations::Organisation;
use crate::store::packages::{Package, add_to_repository_stmt, find_package, list_memberships};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::repositories::find_repository;
use crate::store::versions::list_versions;

/// What can be done to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the URL table, named as the API document names them"
)]
pub enum VersionRoute {
    Show,
    Delete,
    Yank,
    Unyank,
    Deprecate,
    Undeprecate,
    Restore,
}

/// The longest message of a deprecation, in bytes.
const MESSAGE_LIMIT: usize = 500;

/// Answers for one version.
pub(super) async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    name: &PackageName,
    version: &str,
    route: VersionRoute,
) -> Result<Reply> {
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    if route == VersionRoute::Restore {
        return restore(app, organisation, &package, version).await;
    }
    let Some(found) = find_living_version(app, package.id, version).await? else {
        return match find_deleted_version(app, package.id, version).await? {
            // Who asks twice is answered twice.
            Some(_) if route == VersionRoute::Delete => Ok(Reply::empty(204, CachePolicy::NoStore)),
            Some(deleted) => Err(Error::conflict(reason_of(&package, &deleted))),
            None => Err(missing("version")),
        };
    };
    let number = found.normalized.as_str();
    if route == VersionRoute::Show {
        return show(app, &package, number).await;
    }
    match route {
        VersionRoute::Delete => {
            delete(app, request, organisation, &package, &found).await?;
            return Ok(Reply::empty(204, CachePolicy::NoStore));
        }
        VersionRoute::Yank => yank_version(app, package.id, number, true).await?,
        VersionRoute::Unyank => yank_version(app, package.id, number, false).await?,
        VersionRoute::Deprecate => deprecate(app, request, &package, number).await?,
        VersionRoute::Undeprecate => deprecate_version(app, package.id, number, None).await?,
        VersionRoute::Show | VersionRoute::Restore => {}
    }
    enqueue_publications(app, package.id).await?;
    show(app, &package, number).await
}

async fn show(app: &App, package: &Package, number: &str) -> Result<Reply> {
    list_versions(app, package.id)
        .await?
        .into_iter()
        .find(|row| row.normalized == number)
        .map(|row| Reply::json(200, &show_version(row)))
        .ok_or_else(|| missing("version"))
}

/// What people are to read who use a version.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Deprecation")]
pub(crate) struct Deprecation {
    /// One line.
    #[schemars(length(min = 1, max = 500))]
    message: String,
    /// A constraint: what to use instead.
    #[deserr(default, rename = "use")]
    #[schemars(rename = "use")]
    instead: Option<String>,
}

async fn deprecate(app: &App, mut request: Request, package: &Package, number: &str) -> Result<()> {
    let asked: Deprecation = request.json().await?;
    let message = asked.message.trim();
    if message.is_empty() || message.len() > MESSAGE_LIMIT || message.chars().any(char::is_control)
    {
        return Err(Error::bad_value(
            "/message",
            format!(
                "`message` must be one line of 1 to {MESSAGE_LIMIT} bytes: it is what people read at their terminal"
            ),
        ));
    }
    if let Some(instead) = &asked.instead {
        Constraint::parse(instead).map_err(|fault| {
            Error::bad_value(
                "/use",
                format!("`use` must be a constraint such as `^1.2.4`: {fault}"),
            )
        })?;
    }
    deprecate_version(
        app,
        package.id,
        number,
        Some((message, asked.instead.as_deref())),
    )
    .await
}

async fn delete(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    package: &Package,
    version: &LivingVersion,
) -> Result<()> {
    let asked: Confirmed = request.json().await?;
    let name = format!("{} {}", package.name, version.pretty);
    asked.check(&name)?;
    let deleted = DeletedVersion {
        pretty: version.pretty.clone(),
        normalized: version.normalized.clone(),
        reference: None,
        sha256: None,
        deleted_at: app.now(),
        with_package: 0,
        definition: None,
    };
    delete_version(app, package.id, version, &reason_of(package, &deleted)).await?;
    let name = PackageName::parse(&package.name).map_err(Error::internal)?;
    let mut left = Vec::new();
    for membership in list_memberships(app, package.id).await? {
        match find_repository(app, &organisation.slug, &membership.slug).await? {
            // At once, so that the archive can go at once.
            Some(repository) if left.is_empty() => {
                left = publish_here(app, &repository, &name).await?;
            }
            _ => {}
        }
    }
    enqueue_publishing(app, &left).await?;
    if let Some(git_repo) = package.git_repo_id.filter(|_| version.folder.is_some()) {
        // What was no version of its own beside it may be one without it.
        let job = app.random_id()?;
        let cause = "version deleted";
        let job = start_job(app, &job, organisation.id, git_repo, None, cause).await?;
        enqueue(app, &[Job::Reconcile { id: job }]).await?;
    }
    remove_deleted_archives(app).await
}

/// Lets a number be published again; a package that is synced is compared with its git repository at once.
async fn restore(
    app: &App,
    organisation: &Organisation,
    package: &Package,
    version: &str,
) -> Result<Reply> {
    let Some(deleted) = find_deleted_version(app, package.id, version).await? else {
        return Err(Error::conflict(format!(
            "`{} {version}` was not deleted, so there is nothing to restore",
            package.name
        )));
    };
    let git_repo = package.git_repo_id.filter(|_| package.renamed_to.is_none());
    if let Some(git_repo) = git_repo {
        refuse_unconnected(app, package, git_repo).await?;
    }
    restore_version(app, package.id, &deleted.normalized).await?;
    let mut job = None;
    if let Some(git_repo) = git_repo {
        let id = app.random_id()?;
        let of_job = package_of_job(app, git_repo, package.id).await?;
        let id = start_job(app, &id, organisation.id, git_repo, of_job, "restore").await?;
        enqueue(app, &[Job::Reconcile { id: id.clone() }]).await?;
        job = Some(JobState::queued(id));
    }
    Ok(Reply::json(
        202,
        &Restored {
            version: deleted.pretty,
            job,
        },
    ))
}

/// A version whose number may be published again.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VersionRestored")]
pub(crate) struct Restored {
    version: String,
    /// What compares the package with its git repository; null where there is none.
    job: Option<JobState>,
}

/// The repositories that a package is in.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PackageMemberships")]
pub(crate) struct Memberships {
    name: String,
    repositories: Vec<String>,
}

/// A version that a person deleted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedVersion")]
pub(crate) struct Deleted {
    version: String,
    version_normalized: String,
    reference: Option<String>,
    sha256: Option<String>,
    #[serde(rename = "deleted_at")]
    at: Time,
}

/// What can be done to the membership of a package in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the URL table, named as the API document names them"
)]
pub enum MembershipRoute {
    PutIn,
    TakeOut,
}

/// Puts a package into a repository of its organisation, or takes it out of one. Both may be said twice.
pub(super) async fn change_membership(
    app: &App,
    organisation: &Organisation,
    repository: &str,
    name: &PackageName,
    route: MembershipRoute,
) -> Result<Reply> {
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    match route {
        MembershipRoute::TakeOut => {
            take_out(app, package.id, repository.id).await?;
            enqueue_publishing(app, &[repository.id]).await?;
        }
        MembershipRoute::PutIn => {
            app.db
                .batch(vec![
                    add_to_repository_stmt(organisation.id, name, repository.id),
                    ask_for_publication_stmt(package.id, app.now()),
                ])
                .await?;
            enqueue_publications(app, package.id).await?;
        }
    }
    let repositories: Vec<_> = list_memberships(app, package.id)
        .await?
        .into_iter()
        .map(|membership| membership.slug)
        .collect();
    Ok(Reply::json(
        200,
        &Memberships {
            name: package.name,
            repositories,
        },
    ))
}

/// The deleted versions of a package as it shows them.
pub(super) async fn show_deleted(app: &App, package: &Package) -> Result<Vec<Deleted>> {
    let deleted = list_deleted_versions(app, package.id).await?;
    Ok(deleted
        .into_iter()
        .map(|deleted| Deleted {
            version: deleted.pretty,
            version_normalized: deleted.normalized,
            reference: deleted.reference,
            sha256: deleted.sha256,
            at: Time::of(deleted.deleted_at),
        })
        .collect())
}

/// Why there is no such version.
fn reason_of(package: &Package, deleted: &DeletedVersion) -> String {
    deleted.reason(&package.name)
}
