//! Who sees what, and why not the rest. It is decided where it is always decided, and only told here.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::domain::access::{
    Ability, Action, Bar, Place, Principal, Sight, VersionFacts, allows, sight,
};
use crate::domain::name::PackageName;
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::admission::{Looked, PrincipalFacts, find_facts};
use crate::store::effective_access::{
    PlaceFilter, PlacedPackage, find_facts_and_places, list_versions_of,
};
use crate::store::organisations::Organisation;

/// Tells of each package which versions somebody sees and by which grant, and of the others why not.
pub(super) async fn explain(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let looked = looked(|name| request.query_parameter(name))?;
    let package = request.query_parameter("package");
    let repository = request.query_parameter("repository");
    let (package, repository) = (package.as_deref(), repository.as_deref());
    let shown = explain_page(app, organisation, &looked, package, repository, &page).await?;
    Ok(Reply::json(200, &shown.0))
}

/// The same, with all that decided it: a page of the packages of an organisation, or of one package alone.
pub(crate) async fn explain_page(
    app: &App,
    organisation: &Organisation,
    looked: &Looked,
    package: Option<&str>,
    repository: Option<&str>,
    page: &Page,
) -> Result<(Shown, PrincipalFacts)> {
    let filter = PlaceFilter {
        package,
        repository,
        after: after(page),
    };
    let (facts, mut places) =
        find_facts_and_places(app, organisation.id, looked, &filter, page.rows()).await?;
    let facts = facts.ok_or_else(|| missing(what(looked)))?;
    let principal = principal_now(app, &facts)?;
    let next = page.cut(&mut places, key);
    let versions = list_versions_of(app, &places).await?;
    let packages: Vec<_> = places
        .iter()
        .map(|placed| {
            let versions = versions.get(&placed.id).map_or(&[][..], Vec::as_slice);
            explain_package(&principal, organisation.id, placed, versions)
        })
        .collect();
    let shown = Shown {
        barred: principal
            .bar
            .as_ref()
            .map(|bar| bar.message(principal.contact.as_deref())),
        frozen_at: principal.frozen_at.map(Time::of),
        networks: facts
            .networks()
            .and_then(|text| serde_json::from_str(text).ok()),
        packages,
        next,
    };
    Ok((shown, facts))
}

/// What somebody sees, a page of packages.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EffectiveAccess")]
pub(crate) struct Shown {
    /// What somebody is told who gets nothing at all.
    pub(crate) barred: Option<String>,
    /// From when on nothing newer is seen.
    pub(crate) frozen_at: Option<Time>,
    /// Networks it is limited to.
    pub(crate) networks: Option<Vec<String>>,
    pub(crate) packages: Vec<ShownPackage>,
    /// The cursor to the next page.
    pub(crate) next: Option<String>,
}

/// What somebody sees of a package in a repository.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EffectivePackage")]
pub(crate) struct ShownPackage {
    pub(crate) package: PackageName,
    pub(crate) repository: String,
    /// `all`, `some` or `none` of its versions.
    pub(crate) sees: &'static str,
    /// Why nothing is seen, or why everything.
    pub(crate) reason: Option<String>,
    pub(crate) versions: Vec<ShownVersion>,
}

/// Whether somebody sees a version.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EffectiveVersion")]
pub(crate) struct ShownVersion {
    pub(crate) version: String,
    pub(crate) seen: bool,
    /// The grants it is seen by; none where somebody sees all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grants: Option<Vec<String>>,
    /// Why it is not seen, by each grant that is about the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasons: Option<Vec<ShownReason>>,
}

/// Why a version is not seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EffectiveReason")]
pub(crate) struct ShownReason {
    /// The grant; null when it is none of them.
    pub(crate) grant: Option<String>,
    pub(crate) reason: String,
}

/// Whom a call is about: one of four.
pub(super) fn looked(given: impl Fn(&str) -> Option<String>) -> Result<Looked> {
    let all = [
        given("customer").map(Looked::Customer),
        given("token").map(Looked::Token),
        given("member").map(Looked::Member),
        given("team").map(Looked::Team),
    ];
    let mut all = all.into_iter().flatten();
    match (all.next(), all.next()) {
        (Some(looked), None) => Ok(looked),
        _ => Err(Error::invalid(
            "Name whom you ask about by one of `customer`, `token`, `member` and `team`, each with an id",
        )),
    }
}

/// All that decides about whom a call is about.
pub(super) async fn load_facts(
    app: &App,
    organisation: &Organisation,
    looked: &Looked,
) -> Result<PrincipalFacts> {
    let found = find_facts(app, organisation.id, looked).await?;
    found.ok_or_else(|| missing(what(looked)))
}

fn what(looked: &Looked) -> &'static str {
    match looked {
        Looked::Token(_) => "token",
        Looked::Customer(_) => "customer",
        Looked::Member(_) => "member",
        Looked::Team(_) => "team",
    }
}

/// Who it is now, but for the address from which nobody asks here.
pub(crate) fn principal_now(app: &App, facts: &PrincipalFacts) -> Result<Principal> {
    let principal = facts.principal_at(app.now())?;
    let mut principal = principal.ok_or_else(|| missing("member"))?;
    if principal.bar.is_none() && facts.expires_at().is_some_and(|end| app.now() >= end) {
        principal.bar = Some(Bar::TokenExpired);
    }
    Ok(principal)
}

/// From where a page goes on.
pub(super) fn after(page: &Page) -> (&str, &str) {
    page.after()
        .and_then(|after| after.split_once('\n'))
        .unwrap_or_default()
}

/// What `after` reads.
pub(super) fn key(placed: &PlacedPackage) -> String {
    format!("{}\n{}", placed.name, placed.repository)
}

pub(super) fn place(organisation: i64, placed: &PlacedPackage) -> Place<'_> {
    Place {
        organisation,
        repository: &placed.repository,
        is_public: placed.is_public != 0,
    }
}

/// Whether somebody sees a version in the metadata of a package, and as the repository was when it was frozen.
pub(super) fn sees(
    principal: &Principal,
    place: Place<'_>,
    package: &PackageName,
    version: &VersionFacts,
) -> bool {
    allows(
        Some(principal),
        Action::ReadMetadata,
        place,
        package,
        version,
    ) && !is_too_new(principal, place, version)
}

fn is_too_new(principal: &Principal, place: Place<'_>, version: &VersionFacts) -> bool {
    let end = principal.frozen_at.filter(|_| !place.is_public);
    end.is_some_and(|end| version.published_at > end)
}

fn explain_package(
    principal: &Principal,
    organisation: i64,
    placed: &PlacedPackage,
    versions: &[(String, VersionFacts)],
) -> ShownPackage {
    let place = place(organisation, placed);
    let package = &placed.name;
    let sight = sight(Some(principal), Action::ReadMetadata, place, package);
    let reason = match (&sight, &principal.bar) {
        (Sight::Nothing, Some(bar)) => Some(bar.message(principal.contact.as_deref())),
        (Sight::Nothing, None) => Some(why_nothing(principal, place, package)),
        (Sight::Everything, _) if place.is_public => {
            Some("The repository is open to everybody".to_owned())
        }
        (Sight::Everything | Sight::Limited(_), _) => None,
    };
    let shown: Vec<_> = versions
        .iter()
        .map(|(pretty, version)| {
            if sees(principal, place, package, version) {
                let grants = principal
                    .rules
                    .iter()
                    .filter(|rule| rule.reaches(place) && rule.names(package))
                    .filter(|rule| rule.limit.shows(version))
                    .map(|rule| rule.grant.clone())
                    .collect();
                ShownVersion {
                    version: pretty.clone(),
                    seen: true,
                    grants: Some(grants),
                    reasons: None,
                }
            } else {
                ShownVersion {
                    version: pretty.clone(),
                    seen: false,
                    grants: None,
                    reasons: Some(why_not(principal, place, package, version)),
                }
            }
        })
        .collect();
    let count = shown.iter().filter(|one| one.seen).count();
    let sees = match count {
        0 => "none",
        all if all == shown.len() => "all",
        _ => "some",
    };
    ShownPackage {
        package: package.clone(),
        repository: placed.repository.clone(),
        sees,
        reason,
        versions: shown,
    }
}

/// Why nothing of a package is seen by somebody who is not kept out as a whole.
fn why_nothing(principal: &Principal, place: Place<'_>, package: &PackageName) -> String {
    let is_named = principal
        .packages
        .as_ref()
        .is_none_or(|globs| globs.iter().any(|glob| glob.matches(package)));
    let is_reached = principal
        .repositories
        .as_ref()
        .is_none_or(|slugs| slugs.iter().any(|slug| slug == place.repository));
    let mut of_package = principal.rules.iter().filter(|rule| rule.names(package));
    if !principal.abilities.has(Ability::ReadMetadata) {
        "The token may not read metadata"
    } else if !is_named {
        "The token is limited to other packages"
    } else if !is_reached {
        "The token is limited to other repositories"
    } else if of_package.next().is_some() {
        "The grants of this package are for other repositories"
    } else {
        "No grant in force names this package"
    }
    .to_owned()
}

/// Why a version is not seen, by each grant that is about its package.
fn why_not(
    principal: &Principal,
    place: Place<'_>,
    package: &PackageName,
    version: &VersionFacts,
) -> Vec<ShownReason> {
    if let Some(end) = principal.frozen_at
        && is_too_new(principal, place, version)
    {
        let reason = format!(
            "it was released after {}, and nothing newer is seen",
            day(end)
        );
        let grant = None;
        return vec![ShownReason { grant, reason }];
    }
    if principal.bar.is_some() {
        return Vec::new();
    }
    principal
        .rules
        .iter()
        .filter(|rule| rule.reaches(place) && rule.names(package))
        .filter_map(|rule| {
            let reason = rule.limit.reason_against(version)?;
            let grant = Some(rule.grant.clone());
            Some(ShownReason { grant, reason })
        })
        .collect()
}
