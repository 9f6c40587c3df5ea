//! How people sign in: the providers of an organisation, or of the instance, and an organisation's rules. For owners.

mod overview;
mod provider;
mod rules;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::sign_in::Side;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::NoRoute;
use crate::http::web::instance;
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};

/// Which page about how people sign in. The text is a provider's slug.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SignInSettingsRoute {
    /// The providers, and the rules of an organisation.
    Overview(Act),
    /// `…/new`: sets a provider up.
    New(Act),
    /// `…/providers/{slug}`.
    Provider(String, Act),
    /// `…/providers/{slug}/remove`: asks, and removes it.
    Remove(String, Act),
}

impl SignInSettingsRoute {
    /// Finds the page below `sign-in`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let act = Act::of(method);
        match segments {
            [] => act.map(Self::Overview),
            ["new"] => act.map(Self::New),
            ["providers", slug] => act.map(|act| Self::Provider(percent_decode(slug), act)),
            ["providers", slug, "remove"] => act.map(|act| Self::Remove(percent_decode(slug), act)),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Whose settings these are.
#[derive(Clone, Copy)]
enum Whose<'a> {
    Instance,
    Place(&'a Place),
}

impl<'a> Whose<'a> {
    fn side(self) -> Side<'a> {
        match self {
            Self::Instance => Side::Instance,
            Self::Place(place) => Side::Organisation(&place.organisation),
        }
    }

    /// Where these pages are.
    fn address(self) -> String {
        match self {
            Self::Instance => "/ui/instance/sign-in".to_owned(),
            Self::Place(place) => format!("/ui/{}/settings/sign-in", place.organisation.slug),
        }
    }

    fn shell(self, app: &App, visit: &mut Visit, title: &str) -> Result<Shell> {
        let mut crumbs = if title == TITLE {
            Vec::new()
        } else {
            vec![Crumb::new(TITLE, self.address())]
        };
        match self {
            Self::Instance => instance::shell(app, visit, title, crumbs),
            Self::Place(place) => {
                let settings = format!("/ui/{}/settings", place.organisation.slug);
                crumbs.insert(0, Crumb::new("Settings", settings));
                visit.shell_at(app, Section::Settings, title, crumbs)
            }
        }
    }
}

const TITLE: &str = "Signing in";

/// Answers for an organisation's pages.
pub(super) async fn handle_place(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: SignInSettingsRoute,
) -> Result<Reply> {
    let reads = matches!(
        route,
        SignInSettingsRoute::Overview(Act::Look)
            | SignInSettingsRoute::New(Act::Look)
            | SignInSettingsRoute::Provider(_, Act::Look)
            | SignInSettingsRoute::Remove(_, Act::Look)
    );
    place.authorise(Ability::Own, reads)?;
    handle(app, visit, Whose::Place(place), route).await
}

/// Answers for the pages of the instance's owner.
pub(super) async fn handle_instance(
    app: &App,
    visit: &mut Visit,
    route: SignInSettingsRoute,
) -> Result<Reply> {
    handle(app, visit, Whose::Instance, route).await
}

async fn handle(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    route: SignInSettingsRoute,
) -> Result<Reply> {
    match route {
        SignInSettingsRoute::Overview(Act::Look) => {
            check_owner(app, visit, whose).await?;
            overview::show(app, visit, whose).await
        }
        SignInSettingsRoute::Overview(Act::Send) => {
            let form = visit.form(app).await?;
            match whose {
                Whose::Place(place) => rules::send(app, visit, place, &form).await,
                Whose::Instance => Err(Error::not_found("The instance has no rules of its own")),
            }
        }
        SignInSettingsRoute::New(Act::Look) => {
            check_owner(app, visit, whose).await?;
            provider::new(app, visit, whose)
        }
        SignInSettingsRoute::New(Act::Send) => {
            let form = visit.form(app).await?;
            check_owner(app, visit, whose).await?;
            provider::create(app, visit, whose, &form).await
        }
        SignInSettingsRoute::Provider(slug, Act::Look) => {
            check_owner(app, visit, whose).await?;
            provider::show(app, visit, whose, &slug).await
        }
        SignInSettingsRoute::Provider(slug, Act::Send) => {
            let form = visit.form(app).await?;
            check_owner(app, visit, whose).await?;
            provider::change(app, visit, whose, &slug, &form).await
        }
        SignInSettingsRoute::Remove(slug, Act::Look) => {
            check_owner(app, visit, whose).await?;
            provider::ask(app, visit, whose, &slug).await
        }
        SignInSettingsRoute::Remove(slug, Act::Send) => {
            visit.form(app).await?;
            check_owner(app, visit, whose).await?;
            provider::remove(app, visit, whose, &slug).await
        }
    }
}

/// Of the instance only its owner is told. Of an organisation it was asked before.
async fn check_owner(app: &App, visit: &mut Visit, whose: Whose<'_>) -> Result<()> {
    match whose {
        Whose::Place(_) => Ok(()),
        Whose::Instance => {
            let person = visit.person(app).await?;
            if person.is_owner() {
                return Ok(());
            }
            Err(Error::not_found("There is nothing here"))
        }
    }
}
