//! The addresses of the pages, below `/` and `/ui/`. Each area of the pages has its own part in a file of its own.

use strum_macros::IntoStaticStr;

use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::account::AccountRoute;
use crate::http::web::place::PlaceRoute;
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
            ["sign-in", "code"] => Act::of(method).map(Self::SecondStep),
            ["sign-in", "passkey"] => only(method, "POST", Self::PasskeySignIn),
            ["sign-out"] => only(method, "POST", Self::SignOut),
            ["first-start"] => Act::of(method).map(Self::FirstStart),
            ["invitation"] => Act::of(method).map(Self::Invitation),
            ["reset"] => Act::of(method).map(Self::Reset),
            ["account", rest @ ..] => AccountRoute::parse(method, rest).map(Self::Account),
            [organisation, rest @ ..] => PlaceRoute::parse(method, rest)
                .map(|route| Self::Place(percent_decode(organisation), route)),
        }
    }

    /// The name by which it is counted and logged.
    pub(crate) fn name(&self) -> RouteName {
        match self {
            Self::Account(route) => RouteName("web.account.", route.into()),
            Self::Place(_, route) => RouteName("web.place.", route.into()),
            other => RouteName("web.", other.into()),
        }
    }
}

/// Whether people look at what lives at such a path, so that what goes wrong there is told by a page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/")
}
