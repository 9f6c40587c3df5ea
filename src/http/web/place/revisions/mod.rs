//! The history of a repository: its revisions, what changed between two of them, and the repository as it was.
//!
//! It is for those who read all that is known of packages, as in the API.

mod compare;
mod list;
mod past;
mod roll_back;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get};
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::repositories::Repository;

/// Which page of a repository's history. A number is a revision's.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RevisionRoute {
    /// `…/revisions`.
    List,
    /// `…/revisions/compare?from=3&to=9`.
    Compare,
    /// `…/revisions/{number}`: what changed in it.
    Show(i64),
    /// `…/revisions/{number}/packages`: the repository as it was.
    Packages(i64),
    /// `…/revisions/{number}/packages/{vendor}/{name}`: a package as it was.
    Package(i64, PackageName),
    /// `…/revisions/{number}/roll-back`: asks, and does it.
    RollBack(i64, Act),
}

impl RevisionRoute {
    /// Finds the page below a repository's history.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let number = |text: &str| {
            let number = text.parse::<i64>().ok();
            number.filter(|number| *number > 0).ok_or(NoRoute::NotFound)
        };
        match segments {
            [] => get(method, Self::List),
            ["compare"] => get(method, Self::Compare),
            [revision] => get(method, Self::Show(number(revision)?)),
            [revision, "packages"] => get(method, Self::Packages(number(revision)?)),
            [revision, "roll-back"] => Ok(Self::RollBack(number(revision)?, Act::of(method)?)),
            [revision, "packages", vendor, name] => {
                let name = format!("{}/{}", percent_decode(vendor), percent_decode(name));
                let name = PackageName::parse(&name).map_err(|_| NoRoute::NotFound)?;
                get(method, Self::Package(number(revision)?, name))
            }
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page of a repository's history.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    route: RevisionRoute,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    match route {
        RevisionRoute::List => list::show(app, visit, place, slug).await,
        RevisionRoute::Compare => compare::show_any(app, visit, place, slug).await,
        RevisionRoute::Show(number) => compare::show_one(app, visit, place, slug, number).await,
        RevisionRoute::Packages(number) => past::list(app, visit, place, slug, number).await,
        RevisionRoute::RollBack(number, Act::Look) => {
            roll_back::show(app, visit, place, slug, number).await
        }
        RevisionRoute::RollBack(number, Act::Send) => {
            roll_back::send(app, visit, place, slug, number).await
        }
        RevisionRoute::Package(number, name) => {
            past::show(app, visit, place, slug, number, &name).await
        }
    }
}

/// Where the history of a repository is.
pub(super) fn address(place: &Place, slug: &str) -> String {
    format!(
        "/ui/{}/repositories/{slug}/revisions",
        place.organisation.slug
    )
}

/// What surrounds a page below the list.
fn shell_below(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    repository: &Repository,
    title: &str,
    more: Vec<Crumb>,
) -> Result<Shell> {
    let mut crumbs = vec![
        Crumb::new(
            "Packages",
            format!("/ui/{}/packages", place.organisation.slug),
        ),
        Crumb::new(
            format!("History of {}", repository.slug),
            address(place, &repository.slug),
        ),
    ];
    crumbs.extend(more);
    visit.shell_at(app, Section::Packages, title, crumbs)
}

/// The address at which Composer gets a repository as it was.
fn address_then(app: &App, repository: &Repository, revision: i64) -> String {
    let address = repository.address(&app.config.public_url);
    let is_host = address
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.contains('/'));
    // On a host of its own the repository has no name that a revision could stand behind.
    let slash = if is_host { "/" } else { "" };
    format!("{address}{slash}@{revision}")
}
