//! The pages of an organisation. Each has a variant of [`PlaceRoute`] and a file of its own here.

mod dashboard;
mod packages;
mod revisions;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::place::packages::PackageRoute;
use crate::http::web::place::revisions::RevisionRoute;
use crate::http::web::reset;
use crate::http::web::visit::Visit;

/// Which page of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PlaceRoute {
    /// `/ui/{org}`.
    Dashboard,
    /// `/ui/{org}/packages`.
    Packages,
    /// `/ui/{org}/packages/bulk`: what is done to many of them.
    PackagesTogether,
    /// `/ui/{org}/packages/{vendor}/{name}`, and what is done there.
    PackagePage(PackageName, PackageRoute),
    /// `/ui/{org}/repositories/{repo}/revisions`, and what is below it. The text is the repository's slug.
    Revisions(String, RevisionRoute),
    /// `/ui/{org}/people/{account}/reset`: a link to choose another password.
    MakeResetLink(String),
}

impl PlaceRoute {
    /// Finds the page below `/ui/{org}`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Dashboard),
            ["packages"] => get(method, Self::Packages),
            ["packages", "bulk"] => only(method, "POST", Self::PackagesTogether),
            ["packages", vendor, name, rest @ ..] => {
                let name = format!("{}/{}", percent_decode(vendor), percent_decode(name));
                let name = PackageName::parse(&name).map_err(|_| NoRoute::NotFound)?;
                PackageRoute::parse(method, rest).map(|route| Self::PackagePage(name, route))
            }
            ["repositories", slug, "revisions", rest @ ..] => RevisionRoute::parse(method, rest)
                .map(|route| Self::Revisions(percent_decode(slug), route)),
            ["people", account, "reset"] => {
                only(method, "POST", Self::MakeResetLink(percent_decode(account)))
            }
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page of an organisation.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    slug: &str,
    route: PlaceRoute,
) -> Result<Reply> {
    let place = visit.enter(app, slug).await?;
    match route {
        PlaceRoute::Dashboard => dashboard::show(app, visit, &place).await,
        PlaceRoute::Packages => packages::list(app, visit, &place).await,
        PlaceRoute::PackagesTogether => packages::do_to_many(app, visit, &place).await,
        PlaceRoute::PackagePage(name, route) => {
            packages::handle(app, visit, &place, &name, route).await
        }
        PlaceRoute::Revisions(slug, route) => {
            revisions::handle(app, visit, &place, &slug, route).await
        }
        PlaceRoute::MakeResetLink(account) => reset::make_link(app, visit, &place, &account).await,
    }
}
