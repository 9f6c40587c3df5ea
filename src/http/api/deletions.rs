//! Packages, repositories, connections and organisations, deleted as a whole.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::name::PackageName;
use crate::domain::time::day;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::confirmation::{self, Confirmed};
use crate::http::api::connections::find_own;
use crate::http::api::{is_owner, missing};
use crate::http::body::Faults;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::{Request, percent_decode};
use crate::jobs::{Job, enqueue, enqueue_publishing};
use crate::store::connections::find_deleted_connection;
use crate::store::deletion;
use crate::store::life_cycle::remove_deleted_archives;
use crate::store::organisations::{Organisation, list_children, load_suspension};
use crate::store::packages::find_package;
use crate::store::publications::publish;
use crate::store::repositories::find_repository;

/// What can be deleted as a whole; a text is a slug or an id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the part of the URL table, named as the API document names them"
)]
pub enum DeletionRoute {
    Organisation,
    Repository(String),
    Connection(String),
    Package(PackageName),
}

impl DeletionRoute {
    /// The route of what is below an organisation, if it is one of these.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Option<Self> {
        if method != "DELETE" {
            return None;
        }
        match segments {
            [] => Some(Self::Organisation),
            ["repositories", slug] => Some(Self::Repository(percent_decode(slug))),
            ["connections", id] => Some(Self::Connection(percent_decode(id))),
            ["packages", vendor, short] => {
                let name = format!("{}/{}", percent_decode(vendor), percent_decode(short));
                PackageName::parse(&name).ok().map(Self::Package)
            }
            _ => None,
        }
    }
}

/// Publishes that are waited for; those of more repositories are left to the queue.
const PUBLISHED_AT_ONCE: usize = 3;

/// Packages that are named when a connection is not deleted because of them.
const NAMED: i64 = 20;

/// Answers a call that deletes something.
pub(super) async fn handle(
    app: &App,
    request: Request,
    principal: &Principal,
    organisation: &Organisation,
    route: DeletionRoute,
) -> Result<Reply> {
    match route {
        DeletionRoute::Organisation => {
            delete_organisation(app, request, principal, organisation).await
        }
        DeletionRoute::Repository(slug) => {
            delete_repository(app, request, organisation, &slug).await
        }
        DeletionRoute::Connection(id) => delete_connection(app, request, organisation, &id).await,
        DeletionRoute::Package(name) => delete_package(app, request, organisation, &name).await,
    }
}

fn gone() -> Reply {
    Reply::empty(204, CachePolicy::NoStore)
}

async fn delete_package(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let Some(package) = find_package(app, organisation.id, name).await? else {
        // Who asks twice is answered twice.
        return if deletion::was_deleted(app, organisation.id, name).await? {
            Ok(gone())
        } else {
            Err(missing("package"))
        };
    };
    request.json::<Confirmed>().await?.check(&package.name)?;
    let reason = format!("the package was deleted by a person on {}", day(app.now()));
    let mut left = deletion::delete_package(app, &package, &reason).await?;
    // At once, so that the archives can go at once.
    let later = left.split_off(left.len().min(PUBLISHED_AT_ONCE));
    let mut unpublished = later;
    for repository in left {
        if let Err(error) = publish(app, repository).await {
            app.warn(&format!(
                "Repository {repository} could not be published at once: {error}"
            ));
            unpublished.push(repository);
        }
    }
    enqueue_publishing(app, &unpublished).await?;
    if let Some(git_repo) = package.git_repo_id {
        enqueue(app, &[Job::KeepHook { git_repo }]).await?;
    }
    remove_deleted_archives(app).await?;
    Ok(gone())
}

async fn delete_repository(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    slug: &str,
) -> Result<Reply> {
    let repository = find_repository(app, &organisation.slug, slug)
        .await?
        .ok_or_else(|| missing("repository"))?;
    request.json::<Confirmed>().await?.check(&repository.slug)?;
    deletion::delete_repository(app, organisation.id, repository.id, &repository.slug).await?;
    // Housekeeping goes on with what fails here.
    if let Err(error) = deletion::free_deleted_uploads(app).await {
        app.warn(&format!("Parts of uploads are still to be freed: {error}"));
    }
    Ok(gone())
}

/// That somebody means it, and what becomes of the packages.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "ConnectionDeletion")]
pub(crate) struct ConnectionDeletion {
    /// Provider and account, as `github acme-bot`.
    confirm: String,
    /// `keep` has the packages that are synced through it stay as they are; without it they stand in the way.
    #[deserr(default)]
    packages: Option<Packages>,
}

/// What becomes of the packages of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Deserr, JsonSchema)]
#[deserr(rename_all = lowercase)]
#[schemars(rename_all = "lowercase", rename = "PackagesOfConnection")]
enum Packages {
    Keep,
}

async fn delete_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let connection = match find_own(app, organisation, id).await {
        Ok(connection) => connection,
        Err(error) => {
            let deleted = find_deleted_connection(app, id).await?;
            return match deleted.filter(|one| one.organisation_id == organisation.id) {
                Some(_) => Ok(gone()),
                None => Err(error),
            };
        }
    };
    let asked: ConnectionDeletion = request.json().await?;
    let name = format!("{} {}", connection.provider, connection.account);
    // A plain git server has no account.
    confirmation::check(&asked.confirm, name.trim_end())?;
    if asked.packages.is_none() {
        let hanging = deletion::list_hanging(app, id, NAMED).await?;
        if !hanging.is_empty() {
            let more = i64::try_from(hanging.len()).is_ok_and(|count| count == NAMED);
            let names: Vec<_> = hanging
                .iter()
                .map(|one| format!("`{}`", one.name))
                .collect();
            return Err(Error::conflict(format!(
                "Packages are synced through this connection: {}{}. Delete them first, or send `\"packages\": \"keep\"` to \
                 have them stay as they are, without any further sync",
                names.join(", "),
                if more { " and perhaps more" } else { "" }
            ))
            .with_code(Code::InUse));
        }
    }
    let reason = format!(
        "The connection `{name}` was deleted on {}; add the project through another one to have it synced again",
        day(app.now())
    );
    deletion::delete_connection(app, &connection, &reason).await?;
    enqueue(app, &[Job::DeleteConnection { id: id.to_owned() }]).await?;
    Ok(gone())
}

/// An organisation that is being deleted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrganisationDeletion")]
pub(crate) struct BeingDeleted {
    slug: String,
    /// `deleting`, until it is not found any more.
    state: &'static str,
}

async fn delete_organisation(
    app: &App,
    mut request: Request,
    principal: &Principal,
    organisation: &Organisation,
) -> Result<Reply> {
    if !is_owner(principal) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only the owner of this instance deletes organisations",
        ));
    }
    request
        .json::<Confirmed>()
        .await?
        .check(&organisation.slug)?;
    let suspension = load_suspension(app, organisation.id).await?;
    if suspension.suspended_at.is_none() {
        return Err(Error::conflict(
            "Suspend the organisation first: whoever still uses it is to notice before all that it has is gone",
        ));
    }
    if suspension.is_last != 0 {
        return Err(Error::conflict(
            "This is the only organisation of the instance; make another one first",
        ));
    }
    let children = list_children(app, organisation.id).await?;
    if !children.is_empty() {
        return Err(Error::conflict(format!(
            "There are organisations below it, which go first: {}",
            children.join(", ")
        ))
        .with_code(Code::InUse));
    }
    let reason = "the organisation is being deleted";
    deletion::begin_deletion(app, organisation, reason).await?;
    let job = Job::DeleteOrganisation {
        organisation: organisation.id,
    };
    enqueue(app, &[job]).await?;
    Ok(Reply::json(
        202,
        &BeingDeleted {
            slug: organisation.slug.clone(),
            state: "deleting",
        },
    ))
}
