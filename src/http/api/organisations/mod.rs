//! Organisations: those of the instance, and those below one of them.

mod change;
pub mod route;
mod set_up;
mod usage;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use change::OrganisationChange;
pub(crate) use set_up::opens_set_up;
pub use set_up::set_up;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use set_up::{SetUp, SetUpDone};
pub use usage::list_usage;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use usage::{ShownUsageOfOne, ShownUsagePage};

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::access::{Ability, Principal, manages};
use crate::domain::name::Slug;
use crate::domain::quota::Quotas;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::is_owner;
use crate::http::api::organisations::change::{read_name, update_organisation};
use crate::http::api::organisations::route::OrganisationRoute;
use crate::http::api::organisations::usage::show_usage;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::organisations::{self as store, Organisation, find_organisation};

/// Lists the organisations that the caller may manage.
pub async fn list_organisations(app: &App, principal: &Principal) -> Result<Reply> {
    let organisations: Vec<_> = store::list_organisations(app)
        .await?
        .into_iter()
        .filter(|organisation| {
            let managed_by = organisation.managed_by();
            manages(principal, Ability::View, organisation.id, managed_by)
        })
        .map(|organisation| show_organisation(&organisation))
        .collect();
    Ok(Reply::json(200, &json!({ "organisations": organisations })))
}

/// Shows an organisation.
pub fn show(organisation: &Organisation) -> Reply {
    Reply::json(200, &show_organisation(organisation))
}

/// Answers for an organisation that the caller has opened.
pub async fn handle(
    app: &App,
    request: Request,
    principal: &Principal,
    organisation: &Organisation,
    route: OrganisationRoute,
) -> Result<Reply> {
    match route {
        OrganisationRoute::Update => {
            update_organisation(app, request, principal, organisation).await
        }
        OrganisationRoute::ListBelow => list_below(app, &request, organisation).await,
        OrganisationRoute::ShowUsage => show_usage(app, organisation).await,
    }
}

/// Lists the organisations below one, by slug; also those that it does not manage.
async fn list_below(app: &App, request: &Request, organisation: &Organisation) -> Result<Reply> {
    let page = Page::of(request)?;
    let after = page.after().unwrap_or_default();
    let mut rows = store::list_below(app, organisation.id, after, page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.slug.clone());
    let organisations: Vec<_> = rows
        .iter()
        .map(|organisation| ShownBelow {
            slug: organisation.slug.clone(),
            name: organisation.name.clone(),
            created_at: Time::of(organisation.created_at),
            managed_by_parent: organisation.managed_by_parent != 0,
            state: state_of(organisation),
        })
        .collect();
    Ok(Reply::json(
        200,
        &json!({ "organisations": organisations, "next": next }),
    ))
}

/// An organisation to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewOrganisation")]
pub(crate) struct NewOrganisation {
    /// Its name in addresses.
    slug: Slug,
    /// Its name for people; the slug without it.
    #[deserr(default, try_from(Option<String>) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// The slug of the organisation that it is to be below.
    #[deserr(default)]
    parent: Option<String>,
}

/// Makes an organisation: the owner of the instance any, the owners of an organisation one below it.
pub async fn create_organisation(
    app: &App,
    mut request: Request,
    principal: &Principal,
) -> Result<Reply> {
    if !principal.abilities.has(Ability::Own) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only the owner of this instance makes organisations, and owners of an organisation those below it",
        ));
    }
    let asked: NewOrganisation = request.json().await?;
    let slug = asked.slug;
    let parent = match &asked.parent {
        Some(parent) => Some(find_parent(app, principal, parent, &slug).await?),
        None if is_owner(principal) => None,
        None => {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "Only the owner of this instance makes organisations; name yours as `parent` to make one below it",
            ));
        }
    };
    let name = asked.name.unwrap_or_else(|| slug.as_str().to_owned());
    // What is below another shares its quotas; more is for the owner of the instance to say.
    let quotas = match &parent {
        Some(_) => Quotas::default(),
        None => app.config.quotas,
    };
    let new = store::NewOrganisation {
        slug: slug.as_str(),
        name: &name,
        parent: parent.map(|parent| parent.id),
        quotas,
    };
    store::insert_organisation(app, &new)
        .await
        .map_err(|error| taken(error, "organisation", slug.as_str()))?;
    app.memo.repositories.clear();
    let organisation = find_organisation(app, slug.as_str())
        .await?
        .ok_or_else(|| Error::internal("a new organisation vanished"))?;
    Ok(Reply::json(201, &show_organisation(&organisation)))
}

/// The organisation that another is to be below. To strangers it does not exist.
///
/// Whoever does not own the instance begins the slug with that of the parent: slugs are one namespace, and who could try
/// any would learn which other tenants there are.
async fn find_parent(
    app: &App,
    principal: &Principal,
    parent: &str,
    slug: &Slug,
) -> Result<Organisation> {
    let found = find_organisation(app, parent).await?.filter(|found| {
        principal.organisation.is_none() || principal.organisation == Some(found.id)
    });
    let Some(found) = found else {
        return Err(Error::bad_value(
            "/parent",
            "`parent` must be the slug of an organisation of yours",
        ));
    };
    if found.parent_id.is_some() {
        return Err(Error::bad_value(
            "/parent",
            "`parent` is below another organisation itself, and there is one level only: who pays and who may suspend \
             whom is clear with two",
        ));
    }
    refuse_deleted(&found)?;
    refuse_suspended(principal, &found)?;
    let is_own = slug
        .as_str()
        .strip_prefix(found.slug.as_str())
        .is_some_and(|rest| rest.starts_with('-'));
    if !is_own && !is_owner(principal) {
        return Err(Error::bad_value(
            "/slug",
            format!(
                "`slug` must begin with `{}-`: other names are for the owner of this instance to give",
                found.slug
            ),
        ));
    }
    Ok(found)
}

/// Refuses whoever wants to change an organisation that is being deleted: what is made now would go with it.
pub(crate) fn refuse_deleted(organisation: &Organisation) -> Result<()> {
    match organisation.deleted_at {
        None => Ok(()),
        Some(_) => Err(being_deleted()),
    }
}

/// What whoever wants to change something of an organisation that is being deleted is told.
pub(crate) fn being_deleted() -> Error {
    Error::conflict(
        "The organisation is being deleted, so nothing of it can be made or changed any more; once it is gone, its slug is \
         free for another one",
    )
    .with_code(Code::Ended)
}

/// Refuses whoever does not own the instance while the organisation, or the one above it, is suspended.
pub(crate) fn refuse_suspended(principal: &Principal, organisation: &Organisation) -> Result<()> {
    if organisation.stands_still_since.is_none() || is_owner(principal) {
        return Ok(());
    }
    let why = organisation
        .stands_still_for
        .as_deref()
        .map(|reason| format!(": {}", reason.trim_end_matches('.')))
        .unwrap_or_default();
    Err(Error::new(
        ErrorKind::Forbidden,
        format!(
            "The organisation is suspended{why}. Nothing of it can be changed until the owner of this instance resumes it"
        ),
    )
    .with_code(Code::OrganisationSuspended))
}

pub(crate) fn taken(error: Error, what: &str, slug: &str) -> Error {
    if error.kind() == ErrorKind::Conflict {
        return Error::conflict(format!("The slug `{slug}` is taken by another {what}"))
            .with_code(Code::Taken);
    }
    error
}

/// An organisation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Organisation")]
pub(crate) struct Shown {
    slug: String,
    name: String,
    /// Whom to ask, as people whose access ends are told.
    contact: Option<String>,
    /// The slug of the organisation above it.
    parent: Option<String>,
    /// Whether whoever manages that one manages this one as well; null where there is none.
    managed_by_parent: Option<bool>,
    /// `active`, `suspended`, or `suspended_with_parent`.
    state: &'static str,
    /// Why it is suspended, as whoever asks is told.
    reason: Option<String>,
    suspended_at: Option<Time>,
    quotas: ShownQuotas,
    created_at: Time,
}

/// An organisation below another.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrganisationBelow")]
pub(crate) struct ShownBelow {
    slug: String,
    name: String,
    /// Whether whoever manages the one above manages this one as well.
    managed_by_parent: bool,
    /// `active`, `suspended`, or `suspended_with_parent`.
    state: &'static str,
    created_at: Time,
}

/// What an organisation and those below it may use together; null for no limit.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Quotas")]
pub(crate) struct ShownQuotas {
    packages: Option<i64>,
    /// Bytes of stored archives.
    storage: Option<i64>,
    /// Bytes of archives served in a calendar month (UTC).
    bandwidth: Option<i64>,
}

impl ShownQuotas {
    fn of(quotas: Quotas) -> Self {
        Self {
            packages: quotas.packages,
            storage: quotas.storage,
            bandwidth: quotas.bandwidth,
        }
    }
}

fn state_of(organisation: &Organisation) -> &'static str {
    match (organisation.suspended_at, organisation.stands_still_since) {
        (Some(_), _) => "suspended",
        (None, Some(_)) => "suspended_with_parent",
        (None, None) => "active",
    }
}

fn show_organisation(organisation: &Organisation) -> Shown {
    Shown {
        slug: organisation.slug.clone(),
        name: organisation.name.clone(),
        contact: organisation.contact.clone(),
        parent: organisation.parent.clone(),
        managed_by_parent: organisation
            .parent_id
            .map(|_| organisation.managed_by_parent != 0),
        state: state_of(organisation),
        reason: organisation.stands_still_for.clone(),
        suspended_at: organisation.stands_still_since.map(Time::of),
        quotas: ShownQuotas::of(organisation.quotas()),
        created_at: Time::of(organisation.created_at),
    }
}
