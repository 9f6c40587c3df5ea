//! The addresses of the pages, below `/` and `/ui/`. Each area of the pages has its own part in a file of its own.

use strum_macros::IntoStaticStr;

use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::account::AccountRoute;
use crate::http::web::buyer::BuyerRoute;
use crate::http::web::instance::InstanceRoute;
use crate::http::web::place::PlaceRoute;
use crate::http::web::sign_in_settings::SignInSettingsRoute;
use crate::ports::RouteName;

/// Whether a page is looked at, or its form is sent. A page changes nothing by being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `GET` or `HEAD`.
    Look,
    /// `POST`.
    Send,
}

impl Act {
    /// Of a method; others than these have no page.
    pub(crate) fn of(method: &str) -> Result<Self, NoRoute> {
        match method {
            "GET" | "HEAD" => Ok(Self::Look),
            "POST" => Ok(Self::Send),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, POST")),
        }
    }
}

/// Which page. The first text of an organisation's is its slug.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WebRoute {
    /// `/` and `/ui`: leads to where somebody wants to go.
    Home,
    /// `/ui/theme`: light or dark.
    Theme,
    /// `/ui/sign-in`.
    SignIn(Act),
    /// `/ui/sign-in/with/{provider}`: leads to a provider.
    SignInWith(String),
    /// `/ui/sign-in/callback/{owner}/{provider}`: where providers send people back to.
    SignInCallback(String, String),
    /// `/ui/sign-in/confirm`: for who has an account already.
    SignInConfirm(Act),
    /// `/ui/instance/sign-in`: the instance's providers.
    InstanceSignIn(SignInSettingsRoute),
    /// `/ui/sign-in/code`: the second factor.
    SecondStep(Act),
    /// `/ui/sign-in/passkey`.
    PasskeySignIn,
    /// `/ui/sign-out`.
    SignOut,
    /// `/ui/first-start`: makes the first owner.
    FirstStart(Act),
    /// `/ui/invitation`: for who was asked in.
    Invitation(Act),
    /// `/ui/reset`: for who forgot a password, by a link.
    Reset(Act),
    /// `/ui/account/…`: a person about herself.
    Account(AccountRoute),
    /// `/ui/instance/…`: for who owns the instance.
    Instance(InstanceRoute),
    /// `/ui/customer/…`: a customer's own.
    Buyer(BuyerRoute),
    /// `/ui/{org}/repositories/{repo}`: of a repository, for whoever comes by.
    Landing(String, String),
    /// `/r/{org}/{repo}`: leads there.
    ToLanding(String, String),
    /// `/ui/{org}/…`.
    Place(String, PlaceRoute),
}

impl WebRoute {
    /// Finds the page below `/ui/`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] | [""] => get(method, Self::Home),
            ["theme"] => only(method, "POST", Self::Theme),
            ["sign-in"] => Act::of(method).map(Self::SignIn),
            ["sign-in", "with", provider] => {
                only(method, "POST", Self::SignInWith(percent_decode(provider)))
            }
            ["sign-in", "callback", owner, provider] => get(
                method,
                Self::SignInCallback(percent_decode(owner), percent_decode(provider)),
            ),
            ["sign-in", "confirm"] => Act::of(method).map(Self::SignInConfirm),
            ["instance", "sign-in"] => get(
                method,
                Self::InstanceSignIn(SignInSettingsRoute::Overview(Act::Look)),
            ),
            ["instance", "sign-in", rest @ ..] => {
                SignInSettingsRoute::parse(method, rest).map(Self::InstanceSignIn)
            }
            ["sign-in", "code"] => Act::of(method).map(Self::SecondStep),
            ["sign-in", "passkey"] => only(method, "POST", Self::PasskeySignIn),
            ["sign-out"] => only(method, "POST", Self::SignOut),
            ["first-start"] => Act::of(method).map(Self::FirstStart),
            ["invitation"] => Act::of(method).map(Self::Invitation),
            ["reset"] => Act::of(method).map(Self::Reset),
            ["account", rest @ ..] => AccountRoute::parse(method, rest).map(Self::Account),
            ["instance", rest @ ..] => InstanceRoute::parse(method, rest).map(Self::Instance),
            ["customer", rest @ ..] => BuyerRoute::parse(method, rest).map(Self::Buyer),
            [organisation, "repositories", repository] => get(
                method,
                Self::Landing(percent_decode(organisation), percent_decode(repository)),
            ),
            [organisation, rest @ ..] => PlaceRoute::parse(method, rest)
                .map(|route| Self::Place(percent_decode(organisation), route)),
        }
    }

    /// The name by which it is counted and logged.
    pub(crate) fn name(&self) -> RouteName {
        match self {
            Self::Account(route) => RouteName("web.account.", route.into()),
            Self::Instance(route) => RouteName("web.instance.", route.into()),
            Self::InstanceSignIn(route) => RouteName("web.instance.sign_in.", route.into()),
            Self::Buyer(route) => RouteName("web.customer.", route.into()),
            Self::Place(_, route) => RouteName("web.place.", route.into()),
            other => RouteName("web.", other.into()),
        }
    }
}

/// Whether people look at what lives at such a path, so that what goes wrong there is told by a page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/")
}
