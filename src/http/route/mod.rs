//! The URL table of the product: a method and a path become a `Route`, or a reason why not. No I/O.

mod name;

use strum_macros::IntoStaticStr;

use crate::domain::archive::ArchiveFormat;
use crate::domain::blob::BlobHash;
use crate::domain::name::PackageName;
use crate::domain::time::parse_moment;
use crate::http::HAS_API;
use crate::http::api::customers::route::{self as customers, CustomersRoute};
use crate::http::api::deletions::DeletionRoute;
use crate::http::api::hooks::HookRoute;
use crate::http::api::hosts::HostsRoute;
use crate::http::api::organisations::route::OrganisationRoute;
use crate::http::api::people::{OwnRoute, PeopleRoute};
use crate::http::api::sign_in::{ProvidersRoute, RulesRoute};
use crate::http::api::statistics::StatisticsRoute;
use crate::http::api::tokens::TokensRoute;
use crate::http::api::versions::{MembershipRoute, VersionRoute};
use crate::http::api::webhook_secrets::SecretRoute;
use crate::http::request::percent_decode;
use crate::http::web::route::WebRoute;
use crate::store::repositories::RepositoryAddress;
use crate::store::revisions::Moment;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The API or a webhook, which this program has not.
    Elsewhere,
    /// A page, or what its form sends.
    Web(WebRoute),
    /// A file of the pages, by its name.
    Asset(String),
    /// For monitors.
    Health,
    /// Something of a repository, as Composer asks for it.
    Repository {
        /// Which one.
        address: RepositoryAddress,
        /// As it was then; none for now.
        moment: Option<Moment>,
        /// What of it.
        resource: Resource,
    },
    /// A webhook of a connection, in its host's own form.
    Hook(String),
    /// A webhook of a connection, in the form that anybody can send.
    GenericHook(String),
    /// The JSON API.
    Api(ApiRoute),
}

/// What a repository has to offer.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Resource {
    /// `packages.json`.
    Root,
    /// `p2/{name}.json`.
    Tagged(PackageName),
    /// `p2/{name}~dev.json`.
    Dev(PackageName),
    /// `dist/{name}/{reference}.zip`, or as its format ends.
    Dist(PackageName, String, ArchiveFormat),
    /// An archive: `upload/{name}/{version}`, or one of the addresses of other registries, which may leave the name or
    /// the version to the request.
    Upload(Option<PackageName>, Option<String>),
    /// An upload in parts.
    UploadInParts(PartsRoute),
    /// `security-advisories`.
    Advisories,
    /// `search.json`.
    Search,
    /// `list.json`.
    List,
    /// `providers/{name}.json`.
    Providers(PackageName),
    /// `metadata/changes.json`.
    Changes,
    /// `downloads`.
    Downloads,
    /// `downloads/{name}`, as the first clients reported.
    Download(PackageName),
    /// `p/{name}.json` or `p/{name}${hash}.json`, for Composer 1.
    Provider(PackageName, Option<BlobHash>),
    /// `p/listing-{bucket}${hash}.json` or `p/includes${hash}.json`, for Composer 1.
    ProviderListing(BlobHash),
}

/// What an upload in parts consists of.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PartsRoute {
    /// `uploads`.
    Begin,
    /// `uploads/{id}`: what is there.
    Show(String),
    /// `uploads/{id}`, to be given up.
    GiveUp(String),
    /// `uploads/{id}/{number}`.
    Part(String, u16),
    /// `uploads/{id}/complete`.
    Complete(String),
}

/// What the definition of a package consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DefinitionRoute {
    /// `definition`, to be looked at.
    Show,
    /// `definition`, to be put in force.
    Put,
    /// `archives`: one that a definition may name.
    Archive,
}

/// What the API has to offer. The first text is the organisation's slug.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the URL table below, named as the API document names them"
)]
pub enum ApiRoute {
    Describe,
    Health,
    SetUp,
    ListOrganisations,
    CreateOrganisation,
    ShowOrganisation(String),
    Organisation(String, OrganisationRoute),
    /// What all organisations use.
    ListUsage,
    ListRepositories(String),
    CreateRepository(String),
    ShowRepository(String, String),
    UpdateRepository(String, String),
    ListRevisions(String, String),
    RollBack(String, String),
    WhoAmI,
    /// A person about herself.
    Own(OwnRoute),
    ShowInvitation,
    AcceptInvitation,
    Tokens(String, TokensRoute),
    People(String, PeopleRoute),
    ListConnections(String),
    CreateConnection(String),
    ShowConnection(String, String),
    UpdateConnection(String, String),
    GitHubApps(String, GitHubAppsRoute),
    Projects(String, ProjectsRoute),
    ListPackages(String),
    CreatePackage(String),
    ShowPackage(String, PackageName),
    UpdatePackage(String, PackageName),
    Definition(String, PackageName, DefinitionRoute),
    SyncPackage(String, PackageName),
    Version(String, PackageName, String, VersionRoute),
    Membership(String, String, PackageName, MembershipRoute),
    OwnerTokens(OwnerTokensRoute),
    ListMonorepos(String),
    Monorepo(String, i64, MonorepoRoute),
    Jobs(String, JobsRoute),
    Hook(String, HookRoute),
    Customers(String, CustomersRoute),
    Hosts(String, HostsRoute),
    IdentityProviders(String, ProvidersRoute),
    OwnIdentityProviders(ProvidersRoute),
    SignInRules(String, RulesRoute),
    Statistics(String, StatisticsRoute),
    Delete(String, DeletionRoute),
    WebhookSecret(String, SecretRoute),
    /// Without an organisation it is the instance's.
    Audit(Option<String>, AuditRoute),
}

/// What the API has to offer of the tokens of the instance's owner. The text is a token's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum OwnerTokensRoute {
    List,
    Create,
    Revoke(String),
}

/// What the API has to offer of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum AuditRoute {
    List,
    Export,
}

/// What the API has to offer of a project whose folders are packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum MonorepoRoute {
    Show,
    Update,
}

/// What the API has to offer of the queue's work. A text is a job's id, a number a dead letter's.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum JobsRoute {
    List,
    Show(String),
    Cancel(String),
    Retry(String),
    ListDeadLetters,
    ShowDeadLetter(i64),
    RetryDeadLetter(i64),
    DropDeadLetter(i64),
}

/// What the API has to offer of an organisation's GitHub Apps. The text is the app's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum GitHubAppsRoute {
    List,
    Create,
    Show(String),
    Update(String),
    Remove(String),
    Installations(String),
    Deliveries(String),
}

/// What the API has to offer of a host's projects and of the import of many. The text is a connection's id, or an import's.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum ProjectsRoute {
    List(String),
    Preview(String),
    Import(String),
    ListImports,
    ShowImport(String),
    CancelImport(String),
}

/// Why a request has no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing lives there.
    NotFound,
    /// Something does, but not for this method; these are allowed.
    MethodNotAllowed(&'static str),
}

/// Finds the route. `host` is the host the client asked, `path` still percent-encoded.
pub fn parse(method: &str, host: &str, path: &str) -> Result<Route, NoRoute> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        [""] if method == "PUT" => {
            parse_resource(method, &segments).map(|resource| Route::Repository {
                address: RepositoryAddress::Host(host.to_ascii_lowercase()),
                moment: None,
                resource,
            })
        }
        ["" | "api" | "hooks" | "ui" | "assets", ..] if !HAS_API => Ok(Route::Elsewhere),
        [""] => get(method, Route::Web(WebRoute::Home)),
        ["healthz"] => get(method, Route::Health),
        ["ui", rest @ ..] => WebRoute::parse(method, rest).map(Route::Web),
        ["assets", file] => get(method, Route::Asset((*file).to_owned())),
        ["hooks", connection] => only(method, "POST", Route::Hook(percent_decode(connection))),
        ["hooks", connection, "generic"] => only(
            method,
            "POST",
            Route::GenericHook(percent_decode(connection)),
        ),
        ["api", "v1", rest @ ..] => parse_api(method, rest).map(Route::Api),
        // Composer asks for nothing there but uploads, by some clients; people look at it.
        ["r", organisation, repository] | ["r", organisation, repository, ""]
            if method != "PUT" && !repository.is_empty() && !repository.contains(['@', '%']) =>
        {
            let (organisation, repository) =
                (percent_decode(organisation), (*repository).to_owned());
            match method {
                "GET" | "HEAD" if !HAS_API => Ok(Route::Elsewhere),
                "GET" | "HEAD" => Ok(Route::Web(WebRoute::ToLanding(organisation, repository))),
                _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PUT")),
            }
        }
        ["r", organisation, repository, rest @ ..] => {
            let (repository, moment) = parse_repository(repository)?;
            let address = RepositoryAddress::Path {
                organisation: percent_decode(organisation),
                repository,
            };
            let resource = parse_at(method, moment.as_ref(), rest)?;
            Ok(Route::Repository {
                address,
                moment,
                resource,
            })
        }
        rest => parse_resource(method, rest).map(|resource| Route::Repository {
            address: RepositoryAddress::Host(host.to_ascii_lowercase()),
            moment: None,
            resource,
        }),
    }
}

/// Something of a repository, on a host of its own or of its organisation's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedRoute {
    /// The repository's slug, where the host is the organisation's.
    pub repository: Option<String>,
    /// As it was then; none for now.
    pub moment: Option<Moment>,
    /// What of it.
    pub resource: Resource,
}

/// Finds the route on a host that is a repository's own: `/packages.json`, or `/@17/packages.json` as it was. There is
/// nothing but the repository.
pub fn parse_on_host_of_repository(method: &str, path: &str) -> Result<MappedRoute, NoRoute> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (moment, rest) = match segments.as_slice() {
        [first, rest @ ..] if percent_decode(first).starts_with('@') => {
            (parse_repository(first)?.1, rest)
        }
        rest => (None, rest),
    };
    Ok(MappedRoute {
        repository: None,
        resource: parse_at(method, moment.as_ref(), rest)?,
        moment,
    })
}

/// The same on a host that is an organisation's: `/main/packages.json`, or `/main@17/packages.json`.
pub fn parse_on_host_of_organisation(method: &str, path: &str) -> Result<MappedRoute, NoRoute> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let [repository, rest @ ..] = segments.as_slice() else {
        return Err(NoRoute::NotFound);
    };
    let (repository, moment) = parse_repository(repository)?;
    if repository.is_empty() {
        return Err(NoRoute::NotFound);
    }
    Ok(MappedRoute {
        repository: Some(repository),
        resource: parse_at(method, moment.as_ref(), rest)?,
        moment,
    })
}

/// Something of a repository as it is, or as it was: the past cannot be written.
fn parse_at(method: &str, moment: Option<&Moment>, segments: &[&str]) -> Result<Resource, NoRoute> {
    if moment.is_none() {
        return parse_resource(method, segments);
    }
    match parse_resource(method, segments) {
        Ok(Resource::Upload(..) | Resource::UploadInParts(_)) => Err(NoRoute::NotFound),
        // Where only writing is allowed there is nothing in the past, whatever the method.
        Err(NoRoute::MethodNotAllowed(allowed)) if !allowed.contains("GET") => {
            Err(NoRoute::NotFound)
        }
        route => route,
    }
}

/// `main`, `main@17`, `main@2026-11-21` or `main@2026-11-21T20:30:00Z`.
fn parse_repository(segment: &str) -> Result<(String, Option<Moment>), NoRoute> {
    let segment = percent_decode(segment);
    let Some((repository, moment)) = segment.split_once('@') else {
        return Ok((segment, None));
    };
    let moment = if moment.len() < 10 && moment.bytes().all(|byte| byte.is_ascii_digit()) {
        moment.parse().ok().map(Moment::Revision)
    } else {
        parse_moment(moment).map(Moment::Time)
    };
    moment
        .map(|moment| (repository.to_owned(), Some(moment)))
        .ok_or(NoRoute::NotFound)
}

fn parse_resource(method: &str, segments: &[&str]) -> Result<Resource, NoRoute> {
    match segments {
        ["packages.json"] => get(method, Resource::Root),
        ["p2", vendor, file] => {
            let file = percent_decode(file);
            let short = file.strip_suffix(".json").ok_or(NoRoute::NotFound)?;
            let (short, is_dev) = short
                .strip_suffix("~dev")
                .map_or((short, false), |short| (short, true));
            let name = parse_name(vendor, short)?;
            let resource = if is_dev {
                Resource::Dev(name)
            } else {
                Resource::Tagged(name)
            };
            get(method, resource)
        }
        ["dist", vendor, short, file] => {
            let file = percent_decode(file);
            let (reference, format) = ArchiveFormat::strip_from(&file).ok_or(NoRoute::NotFound)?;
            let name = parse_name(vendor, short)?;
            get(method, Resource::Dist(name, reference.to_owned(), format))
        }
        ["uploads", rest @ ..] => parse_parts(method, rest).map(Resource::UploadInParts),
        // Nexus' client puts `packages/` in front.
        ["upload", rest @ ..] | ["packages", "upload", rest @ ..] => parse_upload(method, rest),
        // As Gitea's clients: name and version are in composer.json, or the version behind `?version=`.
        [] | [""] if method == "PUT" => Ok(Resource::Upload(None, None)),
        ["providers", vendor, file] => {
            let file = percent_decode(file);
            let short = file.strip_suffix(".json").ok_or(NoRoute::NotFound)?;
            get(method, Resource::Providers(parse_name(vendor, short)?))
        }
        ["metadata", "changes.json"] => get(method, Resource::Changes),
        ["search.json"] => get(method, Resource::Search),
        ["list.json"] => get(method, Resource::List),
        ["p", file] => {
            let file = percent_decode(file);
            let (name, hash) = split_hash(&file)?;
            let is_listing = name == "includes" || name.starts_with("listing-");
            match hash {
                Some(hash) if is_listing => get(method, Resource::ProviderListing(hash)),
                _ => Err(NoRoute::NotFound),
            }
        }
        ["p", vendor, file] => {
            let file = percent_decode(file);
            let (short, hash) = split_hash(&file)?;
            get(method, Resource::Provider(parse_name(vendor, short)?, hash))
        }
        ["downloads", vendor, short] => only(
            method,
            "POST",
            Resource::Download(parse_name(vendor, short)?),
        ),
        ["downloads"] => only(method, "POST", Resource::Downloads),
        // Composer asks by POST since a project may have more names than fit into an address.
        ["security-advisories"] => one_of(method, Resource::Advisories, Resource::Advisories),
        // As Packistry's clients: a form with `file` and perhaps `version`.
        [vendor, short] if method == "POST" => {
            Ok(Resource::Upload(Some(parse_name(vendor, short)?), None))
        }
        _ => Err(NoRoute::NotFound),
    }
}

fn parse_upload(method: &str, segments: &[&str]) -> Result<Resource, NoRoute> {
    let (name, version) = match segments {
        [] => (None, None),
        [vendor, short] => (Some(parse_name(vendor, short)?), None),
        // Branch names have slashes; they may stand in the path as they are.
        [vendor, short, version @ ..] => (
            Some(parse_name(vendor, short)?),
            Some(percent_decode(&version.join("/"))),
        ),
        _ => return Err(NoRoute::NotFound),
    };
    match method {
        "PUT" | "POST" => Ok(Resource::Upload(name, version)),
        _ => Err(NoRoute::MethodNotAllowed("PUT, POST")),
    }
}

fn parse_parts(method: &str, segments: &[&str]) -> Result<PartsRoute, NoRoute> {
    match segments {
        [] => only(method, "POST", PartsRoute::Begin),
        [id] => match method {
            "GET" | "HEAD" => Ok(PartsRoute::Show(percent_decode(id))),
            "DELETE" => Ok(PartsRoute::GiveUp(percent_decode(id))),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, DELETE")),
        },
        [id, "complete"] => only(method, "POST", PartsRoute::Complete(percent_decode(id))),
        [id, number] => {
            let number = number.parse().map_err(|_| NoRoute::NotFound)?;
            only(method, "PUT", PartsRoute::Part(percent_decode(id), number))
        }
        _ => Err(NoRoute::NotFound),
    }
}

#[expect(clippy::too_many_lines, reason = "the table of the API's addresses")]
fn parse_api(method: &str, segments: &[&str]) -> Result<ApiRoute, NoRoute> {
    let own = |text: &&str| percent_decode(text);
    if let ["orgs", org, rest @ ..] = segments {
        if let Some(route) = DeletionRoute::parse(method, rest) {
            return Ok(ApiRoute::Delete(own(org), route));
        }
        if let Some(route) = SecretRoute::parse(method, rest) {
            return route.map(|route| ApiRoute::WebhookSecret(own(org), route));
        }
    }
    match segments {
        ["openapi.json"] => get(method, ApiRoute::Describe),
        ["health"] => get(method, ApiRoute::Health),
        ["setup"] => only(method, "POST", ApiRoute::SetUp),
        ["orgs"] => one_of(
            method,
            ApiRoute::ListOrganisations,
            ApiRoute::CreateOrganisation,
        ),
        ["orgs", org] => match method {
            "GET" | "HEAD" => Ok(ApiRoute::ShowOrganisation(own(org))),
            "PATCH" => Ok(ApiRoute::Organisation(own(org), OrganisationRoute::Update)),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
        },
        ["orgs", org, kind @ ("organisations" | "usage")] => OrganisationRoute::parse(method, kind)
            .map(|route| ApiRoute::Organisation(own(org), route)),
        ["usage"] => get(method, ApiRoute::ListUsage),
        ["audit", rest @ ..] => parse_audit(method, rest).map(|route| ApiRoute::Audit(None, route)),
        ["orgs", org, "audit", rest @ ..] => {
            parse_audit(method, rest).map(|route| ApiRoute::Audit(Some(own(org)), route))
        }
        ["orgs", org, "repositories"] => one_of(
            method,
            ApiRoute::ListRepositories(own(org)),
            ApiRoute::CreateRepository(own(org)),
        ),
        ["orgs", org, "repositories", repository] => match method {
            "GET" | "HEAD" => Ok(ApiRoute::ShowRepository(own(org), own(repository))),
            "PATCH" => Ok(ApiRoute::UpdateRepository(own(org), own(repository))),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
        },
        ["tokens"] => one_of(
            method,
            ApiRoute::OwnerTokens(OwnerTokensRoute::List),
            ApiRoute::OwnerTokens(OwnerTokensRoute::Create),
        ),
        ["tokens", id] => only(
            method,
            "DELETE",
            ApiRoute::OwnerTokens(OwnerTokensRoute::Revoke(own(id))),
        ),
        [
            "orgs",
            org,
            "repositories",
            repository,
            "packages",
            vendor,
            short,
        ] => {
            let route = match method {
                "PUT" => MembershipRoute::PutIn,
                "DELETE" => MembershipRoute::TakeOut,
                _ => return Err(NoRoute::MethodNotAllowed("PUT, DELETE")),
            };
            let name = parse_name(vendor, short)?;
            Ok(ApiRoute::Membership(own(org), own(repository), name, route))
        }
        ["orgs", org, "repositories", repository, "revisions"] => {
            get(method, ApiRoute::ListRevisions(own(org), own(repository)))
        }
        ["orgs", org, "repositories", repository, "rollback"] => only(
            method,
            "POST",
            ApiRoute::RollBack(own(org), own(repository)),
        ),
        ["token"] => get(method, ApiRoute::WhoAmI),
        ["me"] => OwnRoute::parse(method).map(ApiRoute::Own),
        ["invitation"] => get(method, ApiRoute::ShowInvitation),
        ["invitations", "accept"] => only(method, "POST", ApiRoute::AcceptInvitation),
        ["orgs", org, "tokens", rest @ ..] => {
            TokensRoute::parse(method, rest).map(|route| ApiRoute::Tokens(own(org), route))
        }
        [
            "orgs",
            org,
            kind @ ("members" | "teams" | "invitations"),
            rest @ ..,
        ] => PeopleRoute::parse(method, kind, rest).map(|route| ApiRoute::People(own(org), route)),
        ["orgs", org, "hosts", rest @ ..] => {
            HostsRoute::parse(method, rest).map(|route| ApiRoute::Hosts(own(org), route))
        }
        ["orgs", org, "identity-providers", rest @ ..] => ProvidersRoute::parse(method, rest)
            .map(|route| ApiRoute::IdentityProviders(own(org), route)),
        ["identity-providers", rest @ ..] => {
            ProvidersRoute::parse(method, rest).map(ApiRoute::OwnIdentityProviders)
        }
        ["orgs", org, "sign-in-rules"] => {
            RulesRoute::parse(method).map(|route| ApiRoute::SignInRules(own(org), route))
        }
        ["orgs", org, "connections"] => one_of(
            method,
            ApiRoute::ListConnections(own(org)),
            ApiRoute::CreateConnection(own(org)),
        ),
        ["orgs", org, "connections", id] => match method {
            "GET" | "HEAD" => Ok(ApiRoute::ShowConnection(own(org), own(id))),
            "PATCH" => Ok(ApiRoute::UpdateConnection(own(org), own(id))),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
        },
        ["orgs", org, "github-apps", rest @ ..] => {
            parse_github_apps(method, rest).map(|route| ApiRoute::GitHubApps(own(org), route))
        }
        ["orgs", org, "packages"] => one_of(
            method,
            ApiRoute::ListPackages(own(org)),
            ApiRoute::CreatePackage(own(org)),
        ),
        ["orgs", org, "packages", vendor, short, rest @ ..] => {
            parse_package(method, own(org), parse_name(vendor, short)?, rest)
        }
        ["orgs", org, "projects"] => get(method, ApiRoute::ListMonorepos(own(org))),
        ["orgs", org, "projects", number] => {
            let number = parse_id(number)?;
            let route = match method {
                "GET" | "HEAD" => MonorepoRoute::Show,
                "PATCH" => MonorepoRoute::Update,
                _ => return Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH")),
            };
            Ok(ApiRoute::Monorepo(own(org), number, route))
        }
        ["orgs", org, kind @ ("jobs" | "dead-letters"), ids @ ..] => {
            let route = parse_jobs(method, kind, ids)?;
            Ok(ApiRoute::Jobs(own(org), route))
        }
        ["orgs", org, "deliveries", rest @ ..] => {
            parse_deliveries(method, rest).map(|route| ApiRoute::Hook(own(org), route))
        }
        ["orgs", org, rest @ ("connections" | "imports"), ids @ ..] => {
            let route = parse_projects(method, rest, ids)?;
            Ok(ApiRoute::Projects(own(org), route))
        }
        ["orgs", org, "statistics"] => get(
            method,
            ApiRoute::Statistics(own(org), StatisticsRoute::Organisation),
        ),
        ["orgs", org, "statistics", "packages"] => get(
            method,
            ApiRoute::Statistics(own(org), StatisticsRoute::TopPackages),
        ),
        ["orgs", org, "customers", id, "statistics"] => get(
            method,
            ApiRoute::Statistics(own(org), StatisticsRoute::Customer(own(id))),
        ),
        ["orgs", org, rest @ ..] => customers::parse(method, rest)
            .unwrap_or(Err(NoRoute::NotFound))
            .map(|route| ApiRoute::Customers(own(org), route)),
        _ => Err(NoRoute::NotFound),
    }
}

fn parse_audit(method: &str, rest: &[&str]) -> Result<AuditRoute, NoRoute> {
    match rest {
        [] => get(method, AuditRoute::List),
        ["export"] => get(method, AuditRoute::Export),
        _ => Err(NoRoute::NotFound),
    }
}

fn parse_deliveries(method: &str, rest: &[&str]) -> Result<HookRoute, NoRoute> {
    match rest {
        [] => get(method, HookRoute::ListDeliveries),
        [id] => get(method, HookRoute::ShowDelivery(parse_id(id)?)),
        [id, "replay"] => only(method, "POST", HookRoute::ReplayDelivery(parse_id(id)?)),
        _ => Err(NoRoute::NotFound),
    }
}

fn parse_projects(method: &str, list: &str, rest: &[&str]) -> Result<ProjectsRoute, NoRoute> {
    let own = |text: &&str| percent_decode(text);
    match (list, rest) {
        ("connections", [id, "projects"]) => get(method, ProjectsRoute::List(own(id))),
        ("connections", [id, "imports", "preview"]) => {
            only(method, "POST", ProjectsRoute::Preview(own(id)))
        }
        ("connections", [id, "imports"]) => only(method, "POST", ProjectsRoute::Import(own(id))),
        ("imports", []) => get(method, ProjectsRoute::ListImports),
        ("imports", [id]) => get(method, ProjectsRoute::ShowImport(own(id))),
        ("imports", [id, "cancel"]) => only(method, "POST", ProjectsRoute::CancelImport(own(id))),
        _ => Err(NoRoute::NotFound),
    }
}

/// What is below a package of an organisation.
fn parse_package(
    method: &str,
    org: String,
    name: PackageName,
    segments: &[&str],
) -> Result<ApiRoute, NoRoute> {
    match segments {
        [] => match method {
            "GET" | "HEAD" => Ok(ApiRoute::ShowPackage(org, name)),
            "PATCH" => Ok(ApiRoute::UpdatePackage(org, name)),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
        },
        ["definition"] => {
            let route = match method {
                "GET" | "HEAD" => DefinitionRoute::Show,
                "PUT" => DefinitionRoute::Put,
                _ => return Err(NoRoute::MethodNotAllowed("GET, HEAD, PUT")),
            };
            Ok(ApiRoute::Definition(org, name, route))
        }
        ["archives"] => only(
            method,
            "POST",
            ApiRoute::Definition(org, name, DefinitionRoute::Archive),
        ),
        ["sync"] => only(method, "POST", ApiRoute::SyncPackage(org, name)),
        ["statistics"] => get(
            method,
            ApiRoute::Statistics(org, StatisticsRoute::Package(name)),
        ),
        ["versions", version @ ..] => {
            let (version, route) = parse_version(method, version)?;
            Ok(ApiRoute::Version(org, name, version, route))
        }
        ["hook"] => {
            let route = match method {
                "GET" | "HEAD" => HookRoute::Show(name),
                "POST" => HookRoute::Register(name),
                "DELETE" => HookRoute::Remove(name),
                _ => return Err(NoRoute::MethodNotAllowed("GET, HEAD, POST, DELETE")),
            };
            Ok(ApiRoute::Hook(org, route))
        }
        _ => Err(NoRoute::NotFound),
    }
}

/// What is below `versions`. Names of branches have slashes; they may stand in the path as they are.
fn parse_version(method: &str, segments: &[&str]) -> Result<(String, VersionRoute), NoRoute> {
    let (version, route) = match segments {
        [version @ .., "yank"] if !version.is_empty() => match method {
            "POST" => (version, VersionRoute::Yank),
            "DELETE" => (version, VersionRoute::Unyank),
            _ => return Err(NoRoute::MethodNotAllowed("POST, DELETE")),
        },
        [version @ .., "deprecation"] if !version.is_empty() => match method {
            "PUT" => (version, VersionRoute::Deprecate),
            "DELETE" => (version, VersionRoute::Undeprecate),
            _ => return Err(NoRoute::MethodNotAllowed("PUT, DELETE")),
        },
        [version @ .., "restore"] if !version.is_empty() => {
            (version, only(method, "POST", VersionRoute::Restore)?)
        }
        [] => return Err(NoRoute::NotFound),
        version => match method {
            "GET" | "HEAD" => (version, VersionRoute::Show),
            "DELETE" => (version, VersionRoute::Delete),
            _ => return Err(NoRoute::MethodNotAllowed("GET, HEAD, DELETE")),
        },
    };
    Ok((percent_decode(&version.join("/")), route))
}

/// What is below `jobs` and `dead-letters`.
fn parse_jobs(method: &str, kind: &str, segments: &[&str]) -> Result<JobsRoute, NoRoute> {
    let own = |text: &&str| percent_decode(text);
    match (kind, segments) {
        ("jobs", []) => get(method, JobsRoute::List),
        ("jobs", [id]) => get(method, JobsRoute::Show(own(id))),
        ("jobs", [id, "cancel"]) => only(method, "POST", JobsRoute::Cancel(own(id))),
        ("jobs", [id, "retry"]) => only(method, "POST", JobsRoute::Retry(own(id))),
        ("dead-letters", []) => get(method, JobsRoute::ListDeadLetters),
        ("dead-letters", [id]) => match method {
            "GET" | "HEAD" => Ok(JobsRoute::ShowDeadLetter(parse_id(id)?)),
            "DELETE" => Ok(JobsRoute::DropDeadLetter(parse_id(id)?)),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, DELETE")),
        },
        ("dead-letters", [id, "retry"]) => {
            only(method, "POST", JobsRoute::RetryDeadLetter(parse_id(id)?))
        }
        _ => Err(NoRoute::NotFound),
    }
}

fn parse_github_apps(method: &str, segments: &[&str]) -> Result<GitHubAppsRoute, NoRoute> {
    let own = |text: &str| percent_decode(text);
    match segments {
        [] => one_of(method, GitHubAppsRoute::List, GitHubAppsRoute::Create),
        [id] => match method {
            "GET" | "HEAD" => Ok(GitHubAppsRoute::Show(own(id))),
            "PATCH" => Ok(GitHubAppsRoute::Update(own(id))),
            "DELETE" => Ok(GitHubAppsRoute::Remove(own(id))),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
        },
        [id, "installations"] => get(method, GitHubAppsRoute::Installations(own(id))),
        [id, "deliveries"] => get(method, GitHubAppsRoute::Deliveries(own(id))),
        _ => Err(NoRoute::NotFound),
    }
}

/// `lib.json` or `lib${hash}.json`; no name holds a `$`.
fn split_hash(file: &str) -> Result<(&str, Option<BlobHash>), NoRoute> {
    let file = file.strip_suffix(".json").ok_or(NoRoute::NotFound)?;
    match file.split_once('$') {
        None => Ok((file, None)),
        Some((file, hash)) => BlobHash::parse(hash)
            .map(|hash| (file, Some(hash)))
            .ok_or(NoRoute::NotFound),
    }
}

fn parse_name(vendor: &str, short: &str) -> Result<PackageName, NoRoute> {
    let text = format!("{}/{}", percent_decode(vendor), percent_decode(short));
    PackageName::parse(&text).map_err(|_| NoRoute::NotFound)
}

fn parse_id(text: &str) -> Result<i64, NoRoute> {
    text.parse().map_err(|_| NoRoute::NotFound)
}

pub(crate) fn get<T>(method: &str, found: T) -> Result<T, NoRoute> {
    match method {
        "GET" | "HEAD" => Ok(found),
        _ => Err(NoRoute::MethodNotAllowed("GET, HEAD")),
    }
}

pub(crate) fn only<T>(method: &str, allowed: &'static str, found: T) -> Result<T, NoRoute> {
    if method == allowed {
        Ok(found)
    } else {
        Err(NoRoute::MethodNotAllowed(allowed))
    }
}

pub(crate) fn one_of<T>(method: &str, read: T, create: T) -> Result<T, NoRoute> {
    match method {
        "GET" | "HEAD" => Ok(read),
        "POST" => Ok(create),
        _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, POST")),
    }
}

#[cfg(test)]
mod tests;
