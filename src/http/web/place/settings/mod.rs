//! Settings of an organisation: itself, its repositories, its hosts, what it may use, and its end.

mod deletion;
mod general;
mod hosts;
mod repositories;
mod repository;
mod usage;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::form::Faults;
use crate::http::web::route::Act;
use crate::http::web::visit::{Place, Visit};

/// What is looked at or done below the settings. A text is a host name, or a repository's slug.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SettingsRoute {
    /// The first page: name and contact.
    General(Act),
    /// `usage`: quotas, and what is used of them.
    Usage(Act),
    /// `hosts`: the list, and another one.
    Hosts(Act),
    /// `hosts/{host}/verify`.
    VerifyHost(String),
    /// `hosts/{host}/change`: what it answers, whether documents carry it.
    ChangeHost(String),
    /// `hosts/{host}/remove`: asks, and gives it up.
    RemoveHost(String, Act),
    /// `repositories`.
    Repositories,
    /// `repositories/new`.
    NewRepository(Act),
    /// `repositories/{slug}`.
    Repository(String, Act),
    /// `repositories/{slug}/delete`: asks, and deletes.
    DeleteRepository(String, Act),
    /// `deletion`: asks, and deletes the organisation.
    Deletion(Act),
    /// `suspension`: suspends the organisation, or has it go on.
    Suspension,
}

impl SettingsRoute {
    /// Finds the page below `/ui/{org}/settings`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let act = || Act::of(method);
        let own = |text: &str| percent_decode(text);
        match segments {
            [] => act().map(Self::General),
            ["usage"] => act().map(Self::Usage),
            ["hosts"] => act().map(Self::Hosts),
            ["hosts", host, "verify"] => only(method, "POST", Self::VerifyHost(own(host))),
            ["hosts", host, "change"] => only(method, "POST", Self::ChangeHost(own(host))),
            ["hosts", host, "remove"] => act().map(|act| Self::RemoveHost(own(host), act)),
            ["repositories"] => get(method, Self::Repositories),
            ["repositories", "new"] => act().map(Self::NewRepository),
            ["repositories", slug] => act().map(|act| Self::Repository(own(slug), act)),
            ["repositories", slug, "delete"] => {
                act().map(|act| Self::DeleteRepository(own(slug), act))
            }
            ["deletion"] => act().map(Self::Deletion),
            ["suspension"] => only(method, "POST", Self::Suspension),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page of the settings.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: SettingsRoute,
) -> Result<Reply> {
    use SettingsRoute as Route;
    match route {
        Route::General(Act::Look) => general::show(app, visit, place),
        Route::General(Act::Send) => general::send(app, visit, place).await,
        Route::Usage(Act::Look) => usage::show(app, visit, place, None).await,
        Route::Usage(Act::Send) => usage::send(app, visit, place).await,
        Route::Hosts(Act::Look) => hosts::show(app, visit, place, None).await,
        Route::Hosts(Act::Send) => hosts::claim(app, visit, place).await,
        Route::VerifyHost(host) => hosts::verify(app, visit, place, &host).await,
        Route::ChangeHost(host) => hosts::change(app, visit, place, &host).await,
        Route::RemoveHost(host, Act::Look) => hosts::ask(app, visit, place, &host).await,
        Route::RemoveHost(host, Act::Send) => hosts::remove(app, visit, place, &host).await,
        Route::Repositories => repositories::show(app, visit, place).await,
        Route::NewRepository(Act::Look) => repositories::show_new(app, visit, place),
        Route::NewRepository(Act::Send) => repositories::make(app, visit, place).await,
        Route::Repository(slug, Act::Look) => repository::show(app, visit, place, &slug).await,
        Route::Repository(slug, Act::Send) => repository::send(app, visit, place, &slug).await,
        Route::DeleteRepository(slug, Act::Look) => {
            repositories::show_delete(app, visit, place, &slug).await
        }
        Route::DeleteRepository(slug, Act::Send) => {
            repositories::delete(app, visit, place, &slug).await
        }
        Route::Deletion(Act::Look) => deletion::show(app, visit, place, None).await,
        Route::Deletion(Act::Send) => deletion::send(app, visit, place).await,
        Route::Suspension => deletion::suspend(app, visit, place).await,
    }
}

/// The pages of the settings: what each is called, where it is below them, and which ability reading it takes.
const PAGES: &[(&str, &str, Ability)] = &[
    ("General", "", Ability::Own),
    ("Repositories", "/repositories", Ability::ManagePackages),
    ("Hosts", "/hosts", Ability::Own),
    ("Sign-in", "/sign-in", Ability::Own),
    ("Usage", "/usage", Ability::Own),
    ("Deletion", "/deletion", Ability::Own),
];

/// A page of the settings, as a tab above each of them.
pub(in crate::http::web::place) struct Tab {
    label: &'static str,
    href: String,
    is_current: bool,
}

/// Those that the visitor may look at; `current` is what the one that is shown is called.
pub(in crate::http::web::place) fn tabs(place: &Place, current: &str) -> Vec<Tab> {
    PAGES
        .iter()
        .filter(|(_, _, ability)| place.may_read(*ability))
        .map(|(label, below, _)| Tab {
            label,
            href: format!("{}{below}", address(place)),
            is_current: *label == current,
        })
        .collect()
}

/// Where the settings are.
pub(in crate::http::web::place) fn address(place: &Place) -> String {
    format!("/ui/{}/settings", place.organisation.slug)
}

/// To a page of the settings, which says once how it went.
fn lead_back<T>(visit: &mut Visit, to: &str, answer: Result<T>, said: &str) -> Result<Reply> {
    match answer {
        Ok(_) => Ok(visit.go_on(to, said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(to, &faults.besides(&[]).join(". ")))
        }
    }
}
