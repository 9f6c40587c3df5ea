//! The pages of an organisation. Each has a variant of [`PlaceRoute`] and a file of its own here.

mod audit;
mod collections;
mod connections;
mod customers;
mod dashboard;
mod deliveries;
mod find;
mod grants;
mod jobs;
mod packages;
mod people;
mod revisions;
mod second_factor;
mod settings;
mod start;
mod terms;
mod tokens;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::place::audit::AuditPage;
use crate::http::web::place::collections::CollectionRoute;
use crate::http::web::place::connections::ConnectionRoute;
use crate::http::web::place::customers::CustomerRoute;
use crate::http::web::place::deliveries::DeliveryRoute;
use crate::http::web::place::jobs::JobRoute;
use crate::http::web::place::packages::PackageRoute;
use crate::http::web::place::people::PeoplePage;
use crate::http::web::place::revisions::RevisionRoute;
use crate::http::web::place::settings::SettingsRoute;
use crate::http::web::place::start::StartRoute;
use crate::http::web::place::tokens::TokenPage;
use crate::http::web::reset;
use crate::http::web::sign_in;
use crate::http::web::sign_in_settings::{self, SignInSettingsRoute};
use crate::http::web::visit::Visit;

/// Which page of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PlaceRoute {
    /// `/ui/{org}`.
    Dashboard,
    /// `/ui/{org}/audit`, and the log as a file.
    AuditPages(AuditPage),
    /// `/ui/{org}/find`: packages for who types a name, as JSON.
    Find,
    /// `/ui/{org}/connections/…`.
    ConnectionPages(ConnectionRoute),
    /// `/ui/{org}/hooks/…`: deliveries of webhooks.
    DeliveryPages(DeliveryRoute),
    /// `/ui/{org}/jobs/…`.
    JobPages(JobRoute),
    /// `/ui/{org}/packages`.
    Packages,
    /// `/ui/{org}/packages/bulk`: what is done to many of them.
    PackagesTogether,
    /// `/ui/{org}/packages/{vendor}/{name}`, and what is done there.
    PackagePage(PackageName, PackageRoute),
    /// `/ui/{org}/settings/sign-in`, and what is below.
    SignIn(SignInSettingsRoute),
    /// `/ui/{org}/customers`.
    Customers,
    /// What is below it.
    CustomerPage(CustomerRoute),
    /// `/ui/{org}/collections`.
    Collections,
    /// What is below it.
    CollectionPage(CollectionRoute),
    /// `/ui/{org}/settings`, and what is below it.
    SettingsPage(SettingsRoute),
    /// `/ui/{org}/repositories/{repo}/revisions`, and what is below it. The text is the repository's slug.
    Revisions(String, RevisionRoute),
    /// `/ui/{org}/people/{account}/reset`: a link to choose another password.
    MakeResetLink(String),
    /// `/ui/{org}/people/…`.
    PeoplePages(PeoplePage),
    /// `/ui/{org}/tokens/…`.
    TokenPages(TokenPage),
    /// `/ui/{org}/start/…`: the first hour.
    StartPages(StartRoute),
    /// `/ui/{org}/people/{account}/second-factor/remove`.
    RemoveSecondFactor(String),
}

impl PlaceRoute {
    /// Finds the page below `/ui/{org}`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Dashboard),
            ["audit", rest @ ..] => AuditPage::parse(method, rest).map(Self::AuditPages),
            ["find"] => get(method, Self::Find),
            ["connections", rest @ ..] => {
                ConnectionRoute::parse(method, rest).map(Self::ConnectionPages)
            }
            ["hooks", rest @ ..] => DeliveryRoute::parse(method, rest).map(Self::DeliveryPages),
            ["jobs", rest @ ..] => JobRoute::parse(method, rest).map(Self::JobPages),
            ["packages"] => get(method, Self::Packages),
            ["packages", "bulk"] => only(method, "POST", Self::PackagesTogether),
            ["packages", vendor, name, rest @ ..] => {
                let name = format!("{}/{}", percent_decode(vendor), percent_decode(name));
                let name = PackageName::parse(&name).map_err(|_| NoRoute::NotFound)?;
                PackageRoute::parse(method, rest).map(|route| Self::PackagePage(name, route))
            }
            ["settings", "sign-in", rest @ ..] => {
                SignInSettingsRoute::parse(method, rest).map(Self::SignIn)
            }
            ["customers"] => get(method, Self::Customers),
            ["customers", rest @ ..] => CustomerRoute::parse(method, rest).map(Self::CustomerPage),
            ["collections"] => get(method, Self::Collections),
            ["collections", rest @ ..] => {
                CollectionRoute::parse(method, rest).map(Self::CollectionPage)
            }
            ["settings", rest @ ..] => SettingsRoute::parse(method, rest).map(Self::SettingsPage),
            ["repositories", slug, "revisions", rest @ ..] => RevisionRoute::parse(method, rest)
                .map(|route| Self::Revisions(percent_decode(slug), route)),
            ["people", account, "reset"] => {
                only(method, "POST", Self::MakeResetLink(percent_decode(account)))
            }
            ["people", account, "second-factor", "remove"] => {
                let account = percent_decode(account);
                only(method, "POST", Self::RemoveSecondFactor(account))
            }
            ["people", rest @ ..] => PeoplePage::parse(method, rest).map(Self::PeoplePages),
            ["tokens", rest @ ..] => TokenPage::parse(method, rest).map(Self::TokenPages),
            ["start", rest @ ..] => StartRoute::parse(method, rest).map(Self::StartPages),
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
    let place = match visit.enter(app, slug).await {
        Err(error) if visit.is_kept_out(&error, slug) => {
            return Ok(sign_in::lead(visit, slug));
        }
        entered => entered?,
    };
    match route {
        PlaceRoute::Dashboard => dashboard::show(app, visit, &place).await,
        PlaceRoute::AuditPages(page) => audit::handle(app, visit, &place, page).await,
        PlaceRoute::Find => find::find(app, visit, &place).await,
        PlaceRoute::ConnectionPages(route) => connections::handle(app, visit, &place, route).await,
        PlaceRoute::DeliveryPages(route) => deliveries::handle(app, visit, &place, route).await,
        PlaceRoute::JobPages(route) => jobs::handle(app, visit, &place, route).await,
        PlaceRoute::Packages => packages::list(app, visit, &place).await,
        PlaceRoute::PackagesTogether => packages::do_to_many(app, visit, &place).await,
        PlaceRoute::PackagePage(name, route) => {
            packages::handle(app, visit, &place, &name, route).await
        }
        PlaceRoute::SignIn(route) => {
            sign_in_settings::handle_place(app, visit, &place, route).await
        }
        PlaceRoute::Customers => customers::list(app, visit, &place).await,
        PlaceRoute::CustomerPage(route) => {
            Box::pin(customers::handle(app, visit, &place, route)).await
        }
        PlaceRoute::Collections => collections::list(app, visit, &place).await,
        PlaceRoute::CollectionPage(route) => collections::handle(app, visit, &place, route).await,
        PlaceRoute::SettingsPage(route) => settings::handle(app, visit, &place, route).await,
        PlaceRoute::Revisions(slug, route) => {
            revisions::handle(app, visit, &place, &slug, route).await
        }
        PlaceRoute::MakeResetLink(account) => reset::make_link(app, visit, &place, &account).await,
        PlaceRoute::PeoplePages(page) => Box::pin(people::handle(app, visit, &place, page)).await,
        PlaceRoute::TokenPages(page) => tokens::handle(app, visit, &place, page).await,
        PlaceRoute::StartPages(route) => start::handle(app, visit, &place, route).await,
        PlaceRoute::RemoveSecondFactor(account) => {
            second_factor::remove(app, visit, &place, &account).await
        }
    }
}
