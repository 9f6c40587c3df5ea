//! How people sign in: providers that are asked who somebody is, of the instance and of organisations, and what an
//! organisation wants of those who sign in.

mod providers;
mod rules;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Principal;
use crate::error::{Error, Result};
use crate::http::api::is_owner;
use crate::http::reply::Reply;
use crate::http::request::{Request, percent_decode};
use crate::http::route::{NoRoute, one_of};
use crate::store::organisations::Organisation;

pub(crate) use providers::{AskedProvider, ProviderChange};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use providers::{Shown as ShownProvider, ShownList as ShownProviders};
pub(crate) use providers::{
    change as change_provider, create as create_provider, find as find_provider,
    remove as remove_provider,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use rules::Shown as ShownRules;
pub(crate) use rules::{RulesChange, change as change_rules};

/// What the API has to offer of providers. The text is a provider's slug.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum ProvidersRoute {
    List,
    Create,
    Show(String),
    Update(String),
    Remove(String),
}

impl ProvidersRoute {
    /// Finds the route below `identity-providers`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => one_of(method, Self::List, Self::Create),
            [slug] => {
                let slug = percent_decode(slug);
                match method {
                    "GET" | "HEAD" => Ok(Self::Show(slug)),
                    "PATCH" => Ok(Self::Update(slug)),
                    "DELETE" => Ok(Self::Remove(slug)),
                    _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
                }
            }
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// What the API has to offer of an organisation's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum RulesRoute {
    Show,
    Update,
}

impl RulesRoute {
    /// Finds the route of `sign-in-rules`.
    pub(crate) fn parse(method: &str) -> Result<Self, NoRoute> {
        match method {
            "GET" | "HEAD" => Ok(Self::Show),
            "PATCH" => Ok(Self::Update),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH")),
        }
    }
}

/// Whose a provider is.
#[derive(Clone, Copy)]
pub(crate) enum Side<'a> {
    /// The instance's: everybody can sign in by it.
    Instance,
    /// An organisation's.
    Organisation(&'a Organisation),
}

impl Side<'_> {
    /// The organisation's id.
    pub(crate) fn id(self) -> Option<i64> {
        match self {
            Self::Instance => None,
            Self::Organisation(organisation) => Some(organisation.id),
        }
    }

    /// What stands for it in addresses. No organisation is called `instance`.
    pub(crate) fn segment(self) -> String {
        match self {
            Self::Instance => "instance".to_owned(),
            Self::Organisation(organisation) => organisation.slug.clone(),
        }
    }
}

/// Where a provider sends people back to, as it is entered there. `side` is what [`Side::segment`] says.
pub(crate) fn redirect_address(app: &App, side: &str, slug: &str) -> String {
    format!(
        "{}/ui/sign-in/callback/{side}/{slug}",
        app.config.public_url
    )
}

/// Answers a call about the providers of an organisation.
pub(crate) async fn handle_providers(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: ProvidersRoute,
) -> Result<Reply> {
    providers::handle(app, request, Side::Organisation(organisation), route).await
}

/// Answers a call of the instance's owner about its own.
pub(crate) async fn handle_own_providers(
    app: &App,
    request: Request,
    principal: &Principal,
    route: ProvidersRoute,
) -> Result<Reply> {
    if !is_owner(principal) {
        return Err(Error::not_found("The API has nothing at this address"));
    }
    providers::handle(app, request, Side::Instance, route).await
}

/// Answers a call about an organisation's rules.
pub(crate) async fn handle_rules(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: RulesRoute,
) -> Result<Reply> {
    rules::handle(app, request, organisation, route).await
}
