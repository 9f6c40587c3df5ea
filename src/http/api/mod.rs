//! The JSON API. Every call needs a token with `admin` access, but for the first set-up.

pub mod audit;
pub mod connections;
pub mod definitions;
pub mod deliveries;
pub mod github_apps;
mod hook_groups;
pub mod hooks;
pub mod imports;
pub mod jobs;
pub mod monorepos;
pub mod organisations;
pub mod package_settings;
pub mod packages;
pub mod projects;
pub mod repositories;
pub mod tokens;
pub mod versions;

use crate::app::App;
use crate::domain::access::{Access, Principal, manages};
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::actor_of;
use crate::http::auth::{Credentials, read_credentials};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::ApiRoute;
use crate::store::admission::find_principal;
use crate::store::audit::acting;
use crate::store::organisations::{Organisation, find_organisation};

/// Rows in one page of a list.
pub(crate) const PAGE: i64 = 100;

/// Answers a call of the API.
#[expect(clippy::too_many_lines, reason = "one line for each route")]
pub async fn handle(app: &App, request: Request, route: ApiRoute) -> Result<Reply> {
    if route == ApiRoute::SetUp {
        return organisations::set_up(app, request).await;
    }
    let principal = authenticate(app, &request).await?;
    // Whatever is changed from here on is this caller's, in the audit log.
    let app = &acting(app, actor_of(&request, &principal));
    match route {
        ApiRoute::SetUp => Err(Error::not_found("Not found")),
        ApiRoute::ListOrganisations => organisations::list_organisations(app, &principal).await,
        ApiRoute::CreateOrganisation => {
            organisations::create_organisation(app, request, &principal).await
        }
        ApiRoute::Audit(org, route) => {
            let organisation = match org {
                Some(org) => Some(open(app, &principal, &org).await?),
                None => None,
            };
            audit::handle(app, &request, &principal, organisation.as_ref(), route).await
        }
        ApiRoute::ListRepositories(org) => {
            repositories::list_repositories(app, &open(app, &principal, &org).await?).await
        }
        ApiRoute::CreateRepository(org) => {
            let org = open(app, &principal, &org).await?;
            repositories::create_repository(app, request, &org).await
        }
        ApiRoute::ShowRepository(org, repository) => {
            let org = open(app, &principal, &org).await?;
            repositories::show_repository(app, &org, &repository).await
        }
        ApiRoute::UpdateRepository(org, repository) => {
            let org = open(app, &principal, &org).await?;
            repositories::update_repository(app, request, &org, &repository).await
        }
        ApiRoute::ListRevisions(org, repository) => {
            let org = open(app, &principal, &org).await?;
            repositories::list_revisions(app, &request, &org, &repository).await
        }
        ApiRoute::ListTokens(org) => {
            tokens::list_tokens(app, &open(app, &principal, &org).await?).await
        }
        ApiRoute::CreateToken(org) => {
            tokens::create_token(app, request, &open(app, &principal, &org).await?).await
        }
        ApiRoute::RevokeToken(org, id) => {
            tokens::revoke_token(app, &open(app, &principal, &org).await?, &id).await
        }
        ApiRoute::ListConnections(org) => {
            connections::list_connections(app, &open(app, &principal, &org).await?).await
        }
        ApiRoute::CreateConnection(org) => {
            let org = open(app, &principal, &org).await?;
            connections::create_connection(app, request, &org).await
        }
        ApiRoute::UpdateConnection(org, id) => {
            let org = open(app, &principal, &org).await?;
            connections::update_connection(app, request, &org, &id).await
        }
        ApiRoute::GitHubApps(org, route) => {
            let org = open(app, &principal, &org).await?;
            github_apps::handle(app, request, &org, route).await
        }
        ApiRoute::Projects(org, route) => {
            let org = open(app, &principal, &org).await?;
            imports::handle(app, request, &org, route).await
        }
        ApiRoute::ListPackages(org) => {
            let org = open(app, &principal, &org).await?;
            packages::list_packages(app, &request, &org).await
        }
        ApiRoute::CreatePackage(org) => {
            packages::create_package(app, request, &open(app, &principal, &org).await?).await
        }
        ApiRoute::ShowPackage(org, name) => {
            packages::show_package(app, &open(app, &principal, &org).await?, &name).await
        }
        ApiRoute::UpdatePackage(org, name) => {
            let org = open(app, &principal, &org).await?;
            package_settings::update_package(app, request, &org, &name).await
        }
        ApiRoute::Definition(org, name, route) => {
            let org = open(app, &principal, &org).await?;
            definitions::handle(app, request, &org, &name, route).await
        }
        ApiRoute::Version(org, name, version, route) => {
            let org = open(app, &principal, &org).await?;
            versions::handle(app, request, &org, &name, &version, route).await
        }
        ApiRoute::Membership(org, repository, name, route) => {
            let org = open(app, &principal, &org).await?;
            versions::change_membership(app, &org, &repository, &name, route).await
        }
        ApiRoute::OwnerTokens(route) => {
            tokens::handle_owners(app, request, &principal, route).await
        }
        ApiRoute::SyncPackage(org, name) => {
            packages::sync_package(app, &open(app, &principal, &org).await?, &name).await
        }
        ApiRoute::Monorepo(org, number, route) => {
            let org = open(app, &principal, &org).await?;
            monorepos::handle(app, request, &org, number, route).await
        }
        ApiRoute::Jobs(org, route) => {
            let org = open(app, &principal, &org).await?;
            jobs::handle(app, &request, &principal, &org, route).await
        }
        ApiRoute::Hook(org, route) => {
            let org = open(app, &principal, &org).await?;
            hooks::handle(app, &request, &org, route).await
        }
    }
}

/// Who calls, as the database has it now: what was revoked is refused at once.
async fn authenticate(app: &App, request: &Request) -> Result<Principal> {
    let refusal = |message: &str| Error::new(ErrorKind::Unauthenticated, message);
    let token = match read_credentials(request.header("authorization").as_deref()) {
        Credentials::None => {
            return Err(refusal(
                "The API needs a token: send `Authorization: Bearer YOUR-TOKEN`",
            ));
        }
        Credentials::Unreadable => {
            return Err(refusal(
                "This is not a token of ours: it is mistyped or cut short",
            ));
        }
        Credentials::Token(token) => token,
    };
    find_principal(app, &token).await?.ok_or_else(|| {
        refusal("The token is not valid: it was revoked, has expired or is mistyped")
    })
}

/// Opens an organisation to somebody who may manage it. To others it does not exist.
async fn open(app: &App, principal: &Principal, slug: &str) -> Result<Organisation> {
    let organisation = find_organisation(app, slug).await?;
    let is_own = organisation.as_ref().is_some_and(|organisation| {
        principal
            .organisation
            .is_none_or(|own| own == organisation.id)
    });
    match organisation {
        Some(organisation) if manages(principal, organisation.id) => Ok(organisation),
        Some(_) if is_own && principal.access < Access::Admin => Err(Error::new(
            ErrorKind::Forbidden,
            "This token may not use the API; create one with `\"access\": \"admin\"`",
        )),
        _ => Err(Error::not_found("No such organisation")),
    }
}

/// Whether somebody owns the instance.
pub(crate) fn is_owner(principal: &Principal) -> bool {
    principal.organisation.is_none() && principal.access == Access::Admin
}

/// What is not of this organisation does not exist.
pub(crate) fn missing(what: &str) -> Error {
    Error::not_found(format!("No such {what} in this organisation"))
}
