//! The JSON API. Every call needs a token with the ability that its route is about, but for the first set-up.
//!
//! What holds for all of it is done here, so that a handler need not:
//!
//! - **Bodies.** A body is a struct with `#[derive(Deserr, JsonSchema)]`, `#[deserr(error = Faults, deny_unknown_fields)]`
//!   and `#[schemars(deny_unknown_fields, rename = "NameInTheDocument")]`, read by `request.json()`. A field that may be
//!   absent is `#[deserr(default)]`; one where null takes something away is a `Change<T>`; one with rules of its own is a
//!   type whose constructor checks, or has `#[deserr(try_from(String) = check -> BadValue)]`. So all faults of a body are
//!   told at once. What needs the database is checked afterwards, by `Error::bad_value("/field", "what to write")`.
//! - **Errors.** `Error` carries a code from the closed list in `error.rs`, by its kind or by `with_code`.
//! - **Pages.** `Page::of(request)`, `page.rows()` for the store's limit, `page.cut(…)` for `next`.
//! - **Entity tags.** Every `GET` gets one here. `If-Match` is held against what `GET` says of the same address before a
//!   `PATCH`, `PUT` or `DELETE`; so what can be changed can be read at its own address. The change is made only if no
//!   line of the audit log came in between, so of two at once one is made.
//! - **Idempotency keys.** Every `POST` may have one; answers below 400 are kept here, and what changed something is never
//!   done again.

pub mod audit;
pub mod browse;
pub(crate) mod conditions;
mod confirmation;
pub mod connections;
pub mod customers;
pub mod definitions;
pub mod deletions;
pub mod deliveries;
mod folder_preview;
pub mod github_apps;
pub mod health;
mod hook_groups;
pub mod hooks;
pub mod hosts;
mod idempotency;
pub mod imports;
pub mod jobs;
pub mod monorepos;
#[cfg(not(target_arch = "wasm32"))]
pub mod openapi;
pub mod organisations;
pub mod package_settings;
pub mod packages;
pub(crate) mod paging;
pub mod people;
pub mod projects;
pub mod repositories;
pub(crate) mod shown;
pub mod sign_in;
pub mod statistics;
pub mod tokens;
pub mod versions;
pub mod webhook_secrets;

use crate::app::App;
use std::ops::Deref;
use std::rc::Rc;

use crate::domain::access::{Ability, Bar, Principal, manages};
use crate::domain::token::TokenHash;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::actor::actor_of;
use crate::http::api::browse::Asked;
use crate::http::api::conditions::Conditions;
use crate::http::api::deletions::DeletionRoute;
use crate::http::api::idempotency::Outcome as Turn;
use crate::http::api::organisations::{refuse_deleted, refuse_suspended};
use crate::http::api::versions::VersionRoute;
use crate::http::auth::{Credentials, notice_use, read_credentials, refuse};
use crate::http::composer::barred_now;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::{Request, percent_decode};
use crate::http::route::{self, ApiRoute, DefinitionRoute, Route};
use crate::ports::{Buffered, note};
use crate::store::admission::find_principal;
use crate::store::audit::acting;
use crate::store::guarded::{Guard, guarded, last_line};
use crate::store::organisations::{Organisation, find_organisation};

/// How often a change with a condition is tried while others change other things of the organisation.
const MOST_ROUNDS: u32 = 10;

/// The largest body of a `PATCH`, `PUT` or `DELETE`: a list of customers.
const LARGEST_BODY: usize = 1_536 * 1024;

/// Answers a call of the API.
pub async fn handle(app: &App, mut request: Request, route: ApiRoute) -> Result<Reply> {
    if route == ApiRoute::SetUp {
        return organisations::set_up(app, request).await;
    }
    match route {
        ApiRoute::ShowInvitation => {
            let conditions = Conditions::of(&request);
            let reply = people::show_invitation(app, &request).await?;
            return Ok(conditions.tag(reply));
        }
        ApiRoute::AcceptInvitation => return people::accept_invitation(app, request).await,
        // Who is kept out is told why here, and not only that he is.
        ApiRoute::WhoAmI => {
            let conditions = Conditions::of(&request);
            let (_, principal) = recognise(app, &request).await?;
            return Ok(conditions.tag(tokens::show_own(app, &principal).await?));
        }
        ApiRoute::Health => return health::show_health(app, &request).await,
        ApiRoute::Describe => return Ok(Conditions::of(&request).tag(description()?)),
        _ => {}
    }
    let (token, principal) = authenticate(app, &request).await?;
    let is_archive = matches!(route, ApiRoute::Definition(_, _, DefinitionRoute::Archive));
    match request.method.as_str() {
        // An archive is known by its own hash, and is not read into memory: sent twice it is kept once in any case.
        "POST" if is_archive => dispatch(app, request, &principal, route).await,
        "POST" => match idempotency::begin(app, &token, &mut request).await? {
            Turn::Plain => dispatch(app, request, &principal, route).await,
            Turn::Replay(reply) => Ok(reply),
            Turn::Answer(keyed) => {
                let on_turn = guarded(app, keyed.guard(app));
                let answer = dispatch(&on_turn, request, &principal, route).await;
                keyed.keep(app, &answer).await;
                answer
            }
        },
        "PATCH" | "PUT" | "DELETE" => {
            let conditions = Conditions::of(&request);
            if conditions.is_empty() {
                dispatch(app, request, &principal, route).await
            } else {
                change_on_condition(app, request, &principal, &route, &conditions).await
            }
        }
        _ => {
            let conditions = Conditions::of(&request);
            let reply = dispatch(app, request, &principal, route).await?;
            Ok(conditions.tag(reply))
        }
    }
}

/// The description of the API; `build.rs` packs it, since the program is loaded on each start of an isolate.
fn description() -> Result<Reply> {
    const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.zlib"));
    let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(PACKED)
        .map_err(|error| Error::internal(format!("{error:?}")))?;
    let reply = Reply::new(200, CachePolicy::Revalidate, Body::Bytes(bytes));
    Ok(reply.with("content-type", "application/json"))
}

/// Changes what is as the caller says that it must be. What people can change was looked at after the last line of the
/// audit log was read; the change is made only if none has come since. Where one has, and it was about something else,
/// all of it is done again: nothing was written.
async fn change_on_condition(
    app: &App,
    mut request: Request,
    principal: &Rc<Principal>,
    route: &ApiRoute,
    conditions: &Conditions,
) -> Result<Reply> {
    let body = request.bytes(LARGEST_BODY).await?;
    let organisation = request
        .path
        .strip_prefix("/api/v1/orgs/")
        .and_then(|rest| rest.split('/').next())
        .map(percent_decode);
    let mut rounds = 0_u32;
    loop {
        rounds = rounds.saturating_add(1);
        let line = last_line(app).await?;
        let current = read_current(app, &request, principal).await?;
        conditions.check(current.as_ref())?;
        let attempt = Request {
            method: request.method.clone(),
            origin: request.origin.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: Box::new(request.headers.all()?),
            body: Box::new(Buffered::new(body.clone())),
        };
        let guard = Guard::nothing_since(line, organisation.as_deref());
        let on_condition = guarded(app, guard.clone());
        match dispatch(&on_condition, attempt, principal, route.clone()).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed && rounds < MOST_ROUNDS => {
            }
            Err(error) if !error.is_retryable() && !guard.has_held() => {
                // What it is about may be gone since the look, and then that is the reason.
                let current = read_current(app, &request, principal).await?;
                conditions.check(current.as_ref())?;
                return Err(error);
            }
            answer => return answer,
        }
    }
}

/// What `GET` answers at the address of a request; none where nothing is there.
async fn read_current(
    app: &App,
    request: &Request,
    principal: &Rc<Principal>,
) -> Result<Option<Reply>> {
    let Ok(Route::Api(route)) = route::parse("GET", request.host(), &request.path) else {
        return Ok(None);
    };
    let reading = Request {
        method: "GET".to_owned(),
        origin: request.origin.clone(),
        path: request.path.clone(),
        query: String::new(),
        headers: Box::new(Vec::new()),
        body: Box::new(Buffered::new(Vec::new())),
    };
    match dispatch(app, reading, principal, route).await {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[expect(clippy::too_many_lines, reason = "one line for each route")]
async fn dispatch(
    app: &App,
    request: Request,
    principal: &Rc<Principal>,
    route: ApiRoute,
) -> Result<Reply> {
    let principal = &Authorised {
        principal: Rc::clone(principal),
        area: area_of(&route),
        reads: matches!(request.method.as_str(), "GET" | "HEAD"),
        deletes: matches!(route, ApiRoute::Delete(_, DeletionRoute::Organisation)),
    };
    // Whatever is changed from here on is this caller's, in the audit log.
    let app = &acting(app, actor_of(&request, principal));
    match route {
        ApiRoute::SetUp
        | ApiRoute::Describe
        | ApiRoute::Health
        | ApiRoute::WhoAmI
        | ApiRoute::ShowInvitation
        | ApiRoute::AcceptInvitation => Err(Error::not_found("Not found")),
        ApiRoute::ListOrganisations => organisations::list_organisations(app, principal).await,
        ApiRoute::CreateOrganisation => {
            organisations::create_organisation(app, request, principal).await
        }
        ApiRoute::ShowOrganisation(org) => {
            let org = open(app, principal, &org).await?;
            Ok(organisations::show(&org))
        }
        ApiRoute::Organisation(org, route) => {
            let org = open(app, principal, &org).await?;
            organisations::handle(app, request, principal, &org, route).await
        }
        ApiRoute::ListUsage => organisations::list_usage(app, &request, principal).await,
        ApiRoute::Audit(org, route) => {
            let organisation = match org {
                Some(org) => Some(open(app, principal, &org).await?),
                None => None,
            };
            audit::handle(app, &request, principal, organisation.as_ref(), route).await
        }
        ApiRoute::ListRepositories(org) => {
            repositories::list_repositories(app, &open(app, principal, &org).await?).await
        }
        ApiRoute::CreateRepository(org) => {
            let org = open(app, principal, &org).await?;
            repositories::create_repository(app, request, &org).await
        }
        ApiRoute::ShowRepository(org, repository) => {
            let org = open(app, principal, &org).await?;
            repositories::show_repository(app, &org, &repository).await
        }
        ApiRoute::UpdateRepository(org, repository) => {
            let org = open(app, principal, &org).await?;
            repositories::update_repository(app, request, &org, &repository).await
        }
        ApiRoute::ListRevisions(org, repository) => {
            let org = open(app, principal, &org).await?;
            repositories::list_revisions(app, &request, &org, &repository).await
        }
        ApiRoute::RollBack(org, repository) => {
            let org = open(app, principal, &org).await?;
            repositories::roll_back(app, request, &org, &repository).await
        }
        ApiRoute::Tokens(org, route) => {
            let org = enter(app, principal, &org).await?;
            tokens::handle(app, request, principal, &org, route).await
        }
        ApiRoute::Own(route) => people::handle_own(app, request, principal, route).await,
        ApiRoute::People(org, route) => {
            let org = open(app, principal, &org).await?;
            people::handle(app, request, principal, &org, route).await
        }
        ApiRoute::ListConnections(org) => {
            connections::list_connections(app, &open(app, principal, &org).await?).await
        }
        ApiRoute::CreateConnection(org) => {
            let org = open(app, principal, &org).await?;
            connections::create_connection(app, request, &org).await
        }
        ApiRoute::ShowConnection(org, id) => {
            let org = open(app, principal, &org).await?;
            connections::show_connection(app, &org, &id).await
        }
        ApiRoute::UpdateConnection(org, id) => {
            let org = open(app, principal, &org).await?;
            connections::update_connection(app, request, &org, &id).await
        }
        ApiRoute::GitHubApps(org, route) => {
            let org = open(app, principal, &org).await?;
            github_apps::handle(app, request, &org, route).await
        }
        ApiRoute::Projects(org, route) => {
            let org = open(app, principal, &org).await?;
            imports::handle(app, request, &org, route).await
        }
        ApiRoute::ListPackages(org) => {
            browse::answer(app, request, principal, &org, Asked::List).await
        }
        ApiRoute::CreatePackage(org) => {
            packages::create_package(app, request, &open(app, principal, &org).await?).await
        }
        ApiRoute::ShowPackage(org, name) => {
            browse::answer(app, request, principal, &org, Asked::Package(&name)).await
        }
        ApiRoute::UpdatePackage(org, name) => {
            let org = open(app, principal, &org).await?;
            package_settings::update_package(app, request, &org, &name).await
        }
        ApiRoute::Definition(org, name, route) => {
            let org = open(app, principal, &org).await?;
            definitions::handle(app, request, &org, &name, route).await
        }
        ApiRoute::Version(org, name, version, VersionRoute::Show) => {
            let asked = Asked::Version(&name, &version);
            browse::answer(app, request, principal, &org, asked).await
        }
        ApiRoute::Version(org, name, version, route) => {
            let org = open(app, principal, &org).await?;
            versions::handle(app, request, &org, &name, &version, route).await
        }
        ApiRoute::Membership(org, repository, name, route) => {
            let org = open(app, principal, &org).await?;
            versions::change_membership(app, &org, &repository, &name, route).await
        }
        ApiRoute::OwnerTokens(route) => tokens::handle_owners(app, request, principal, route).await,
        ApiRoute::SyncPackage(org, name) => {
            packages::sync_package(app, &open(app, principal, &org).await?, &name).await
        }
        ApiRoute::ListMonorepos(org) => {
            let org = open(app, principal, &org).await?;
            monorepos::list_projects(app, &request, &org).await
        }
        ApiRoute::Monorepo(org, number, route) => {
            let org = open(app, principal, &org).await?;
            monorepos::handle(app, request, &org, number, route).await
        }
        ApiRoute::Jobs(org, route) => {
            let org = open(app, principal, &org).await?;
            jobs::handle(app, &request, principal, &org, route).await
        }
        ApiRoute::Customers(org, route) => {
            let org = open(app, principal, &org).await?;
            customers::handle(app, request, &org, route).await
        }
        ApiRoute::Statistics(org, route) => {
            let org = open(app, principal, &org).await?;
            statistics::handle(app, &request, principal, &org, route).await
        }
        ApiRoute::Hosts(org, route) => {
            let org = open(app, principal, &org).await?;
            hosts::handle(app, request, &org, route).await
        }
        ApiRoute::IdentityProviders(org, route) => {
            let org = open(app, principal, &org).await?;
            sign_in::handle_providers(app, request, &org, route).await
        }
        ApiRoute::OwnIdentityProviders(route) => {
            sign_in::handle_own_providers(app, request, principal, route).await
        }
        ApiRoute::SignInRules(org, route) => {
            let org = open(app, principal, &org).await?;
            sign_in::handle_rules(app, request, &org, route).await
        }
        ApiRoute::Hook(org, route) => {
            let org = open(app, principal, &org).await?;
            hooks::handle(app, &request, &org, route).await
        }
        ApiRoute::Delete(org, route) => {
            let org = open(app, principal, &org).await?;
            deletions::handle(app, request, principal, &org, route).await
        }
        ApiRoute::WebhookSecret(org, route) => {
            let org = open(app, principal, &org).await?;
            webhook_secrets::handle(app, request, &org, route).await
        }
    }
}

/// Who calls, and what for.
pub(crate) struct Authorised {
    principal: Rc<Principal>,
    area: Ability,
    reads: bool,
    /// Whether the organisation itself is to be deleted.
    deletes: bool,
}

impl Deref for Authorised {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl Authorised {
    /// Somebody who looks at a part of an organisation, or changes it, by a page.
    pub(crate) fn on_page(principal: Rc<Principal>, area: Ability, reads: bool) -> Self {
        Self {
            principal,
            area,
            reads,
            deletes: false,
        }
    }
}

/// Answers a call that a page makes for whoever is signed in: the same rules, and the same lines in the audit log.
pub(crate) async fn call(app: &App, request: Request, principal: &Rc<Principal>) -> Result<Reply> {
    match route::parse(&request.method, request.host(), &request.path) {
        Ok(Route::Api(route)) => dispatch(app, request, principal, route).await,
        _ => Err(Error::not_found("Not found")),
    }
}

/// The ability that a route is about. Who has `view` may read all of them.
fn area_of(route: &ApiRoute) -> Ability {
    match route {
        ApiRoute::Tokens(..) => Ability::ManageTokens,
        ApiRoute::People(..) => Ability::ManageMembers,
        ApiRoute::ListConnections(_)
        | ApiRoute::CreateConnection(_)
        | ApiRoute::ShowConnection(..)
        | ApiRoute::UpdateConnection(..)
        | ApiRoute::GitHubApps(..)
        | ApiRoute::WebhookSecret(..)
        | ApiRoute::Hook(..) => Ability::ManageHooks,
        ApiRoute::Customers(..) => Ability::ManageCustomers,
        ApiRoute::Statistics(_, route) => route.area(),
        // For ever, or of the whole organisation: a host name is where clients send their tokens. So for owners alone.
        // By who says who somebody is, anybody is made a member: so for owners alone as well.
        ApiRoute::Hosts(..)
        | ApiRoute::IdentityProviders(..)
        | ApiRoute::OwnIdentityProviders(_)
        | ApiRoute::SignInRules(..)
        | ApiRoute::SetUp
        | ApiRoute::Describe
        | ApiRoute::Health
        | ApiRoute::WhoAmI
        | ApiRoute::ShowInvitation
        | ApiRoute::AcceptInvitation
        | ApiRoute::Own(_)
        | ApiRoute::CreateOrganisation
        | ApiRoute::Organisation(..)
        | ApiRoute::ListUsage
        | ApiRoute::OwnerTokens(_)
        | ApiRoute::Delete(..)
        | ApiRoute::Version(_, _, _, VersionRoute::Delete) => Ability::Own,
        ApiRoute::Audit(..) => Ability::Audit,
        ApiRoute::ListOrganisations
        | ApiRoute::ShowOrganisation(_)
        | ApiRoute::ListRepositories(_)
        | ApiRoute::CreateRepository(_)
        | ApiRoute::ShowRepository(..)
        | ApiRoute::UpdateRepository(..)
        | ApiRoute::ListRevisions(..)
        | ApiRoute::RollBack(..)
        | ApiRoute::Projects(..)
        | ApiRoute::ListPackages(_)
        | ApiRoute::CreatePackage(_)
        | ApiRoute::ShowPackage(..)
        | ApiRoute::UpdatePackage(..)
        | ApiRoute::Definition(..)
        | ApiRoute::SyncPackage(..)
        | ApiRoute::Version(..)
        | ApiRoute::Membership(..)
        | ApiRoute::ListMonorepos(_)
        | ApiRoute::Monorepo(..)
        | ApiRoute::Jobs(..) => Ability::ManagePackages,
    }
}

/// Who calls, as the database has it now: what was revoked is refused at once, and so is who is kept out.
async fn authenticate(app: &App, request: &Request) -> Result<(TokenHash, Rc<Principal>)> {
    let (token, principal) = recognise(app, request).await?;
    refuse_barred(&principal)?;
    Ok((token, principal))
}

/// Says why to whoever is kept out.
pub(crate) fn refuse_barred(principal: &Principal) -> Result<()> {
    match &principal.bar {
        None => Ok(()),
        Some(bar @ Bar::TokenExpired) => Err(Error::new(
            ErrorKind::Unauthenticated,
            bar.message(principal.contact.as_deref()),
        )),
        Some(bar) => {
            let code = match bar {
                Bar::OrganisationSuspended(_) => Code::OrganisationSuspended,
                _ => Code::Forbidden,
            };
            let message = bar.message(principal.contact.as_deref());
            Err(Error::new(ErrorKind::Forbidden, message).with_code(code))
        }
    }
}

/// Who calls, be it somebody who is kept out.
async fn recognise(app: &App, request: &Request) -> Result<(TokenHash, Rc<Principal>)> {
    let token = token_of(app, request).await?;
    let found = find_principal(app, &token).await?.map(Rc::new);
    let principal = notice_caller(app, request, found).await?;
    Ok((token, principal))
}

/// The token of a request.
async fn token_of(app: &App, request: &Request) -> Result<TokenHash> {
    let refusal = |message: &str| Error::new(ErrorKind::Unauthenticated, message);
    match read_credentials(request.header("authorization").as_deref()) {
        Credentials::None => Err(refusal(
            "The API needs a token: send `Authorization: Bearer YOUR-TOKEN`",
        )),
        Credentials::Unreadable => {
            let why = refusal("This is not a token of ours: it is mistyped or cut short");
            Err(refuse(app, request, why).await)
        }
        Credentials::Token(token) => Ok(token),
    }
}

/// Who a token was found to stand for, as it is at this moment and from this address.
async fn notice_caller(
    app: &App,
    request: &Request,
    found: Option<Rc<Principal>>,
) -> Result<Rc<Principal>> {
    let Some(principal) = found else {
        let why = Error::new(
            ErrorKind::Unauthenticated,
            "The token is not valid: it was revoked, has expired or is mistyped",
        );
        return Err(refuse(app, request, why).await);
    };
    let principal = barred_now(app, request, principal);
    note(|seen| {
        seen.principal = Some(Rc::clone(&principal));
        seen.organisation = principal.organisation;
    });
    notice_use(app, request, &principal);
    Ok(principal)
}

/// Opens an organisation to anybody who belongs to it or manages it. What he may do there is left to ask, by [`require`].
pub(crate) async fn enter(app: &App, caller: &Authorised, slug: &str) -> Result<Organisation> {
    let organisation = find_organisation(app, slug)
        .await?
        .filter(|organisation| {
            caller
                .organisation
                .is_none_or(|own| own == organisation.id || Some(own) == organisation.managed_by())
        })
        .ok_or_else(|| Error::not_found("No such organisation"))?;
    note(|seen| seen.organisation = Some(organisation.id));
    stand_still(caller, &organisation)?;
    Ok(organisation)
}

/// Refuses changes of an organisation that is being deleted, and of a suspended one, but for those by the owner of the
/// instance.
pub(crate) fn stand_still(caller: &Authorised, organisation: &Organisation) -> Result<()> {
    if !caller.reads {
        // Who deletes it twice is answered twice.
        if !caller.deletes {
            refuse_deleted(organisation)?;
        }
        refuse_suspended(caller, organisation)?;
    }
    Ok(())
}

/// Whether the caller may use a part of the API of an organisation that he has entered. Who has `view` may read it.
pub(crate) fn require(
    caller: &Authorised,
    organisation: &Organisation,
    ability: Ability,
) -> Result<()> {
    let managed_by = organisation.managed_by();
    let may = manages(caller, ability, organisation.id, managed_by)
        || (caller.reads
            && ability != Ability::Audit
            && manages(caller, Ability::View, organisation.id, managed_by));
    if may { Ok(()) } else { Err(lacks(ability)) }
}

fn lacks(ability: Ability) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!(
            "This token may not do that: it lacks `{ability}`. Create one with it in `abilities`, or with \
             `\"access\": \"admin\"`"
        ),
    )
}

/// Opens an organisation to somebody who may use this part of its API. To strangers it does not exist.
pub(crate) async fn open(app: &App, principal: &Authorised, slug: &str) -> Result<Organisation> {
    let organisation = find_organisation(app, slug).await?;
    let is_own = organisation.as_ref().is_some_and(|organisation| {
        principal
            .organisation
            .is_none_or(|own| own == organisation.id)
    });
    match organisation {
        Some(organisation) if require(principal, &organisation, principal.area).is_ok() => {
            note(|seen| seen.organisation = Some(organisation.id));
            stand_still(principal, &organisation)?;
            Ok(organisation)
        }
        Some(_) if is_own => Err(lacks(principal.area)),
        _ => Err(Error::not_found("No such organisation")),
    }
}

/// How far somebody may read the packages of an organisation.
pub(crate) enum Reading {
    /// All that is known of them.
    Whole(Organisation),
    /// What Composer would be told of those that he sees.
    AsSeen(Organisation),
}

/// Opens an organisation to somebody who reads its packages: to whoever may use this part of its API, to all others of it
/// who may read metadata, and to those of another organisation that it has given something to.
pub(crate) async fn open_for_reading(
    app: &App,
    caller: &Authorised,
    slug: &str,
) -> Result<Reading> {
    let nothing = || Error::not_found("No such organisation");
    let organisation = find_organisation(app, slug).await?.ok_or_else(nothing)?;
    note(|seen| seen.organisation = Some(organisation.id));
    if require(caller, &organisation, caller.area).is_ok() {
        return Ok(Reading::Whole(organisation));
    }
    let id = organisation.id;
    let is_own = caller.organisation.is_none_or(|own| own == id);
    let is_given = caller.rules.iter().any(|rule| rule.organisation == id);
    match caller.abilities.has(Ability::ReadMetadata) {
        true if is_own || is_given => Ok(Reading::AsSeen(organisation)),
        false if is_own => Err(lacks(Ability::ReadMetadata)),
        _ => Err(nothing()),
    }
}

/// Whether somebody owns the instance.
pub(crate) fn is_owner(principal: &Principal) -> bool {
    principal.organisation.is_none() && principal.abilities.has(Ability::Own)
}

/// What is not of this organisation does not exist.
pub(crate) fn missing(what: &str) -> Error {
    Error::not_found(format!("No such {what} in this organisation"))
}
