//! What a route is called where it is counted and logged: words of ours, never anything of the address.

use crate::http::route::{ApiRoute, Resource, Route};
use crate::ports::RouteName;

impl Route {
    /// The name: `composer.tagged`, `api.tokens.create`.
    pub fn name(&self) -> RouteName {
        match self {
            Self::Elsewhere => RouteName("", "elsewhere"),
            Self::Web(route) => route.name(),
            Self::Asset(_) => RouteName("", "asset"),
            Self::Health => RouteName("", "healthz"),
            Self::Repository { resource, .. } => resource.name(),
            Self::Hook(_) => RouteName("hooks.", "webhook"),
            Self::GenericHook(_) => RouteName("hooks.", "generic"),
            Self::Api(route) => route.name(),
        }
    }
}

impl Resource {
    /// The name, by whichever host the repository was asked.
    pub fn name(&self) -> RouteName {
        match self {
            Self::UploadInParts(parts) => RouteName("composer.uploads.", parts.into()),
            other => RouteName("composer.", other.into()),
        }
    }
}

impl ApiRoute {
    fn name(&self) -> RouteName {
        match self {
            Self::Organisation(_, route) => RouteName("api.organisation.", route.into()),
            Self::Own(route) => RouteName("api.me.", route.into()),
            Self::Tokens(_, route) => RouteName("api.tokens.", route.into()),
            Self::People(_, route) => RouteName("api.people.", route.into()),
            Self::GitHubApps(_, route) => RouteName("api.github_apps.", route.into()),
            Self::Projects(_, route) => RouteName("api.imports.", route.into()),
            Self::Definition(_, _, route) => RouteName("api.definition.", route.into()),
            Self::Version(_, _, _, route) => RouteName("api.version.", route.into()),
            Self::Membership(_, _, _, route) => RouteName("api.membership.", route.into()),
            Self::OwnerTokens(route) => RouteName("api.owner_tokens.", route.into()),
            Self::Monorepo(_, _, route) => RouteName("api.monorepo.", route.into()),
            Self::Jobs(_, route) => RouteName("api.jobs.", route.into()),
            Self::Hook(_, route) => RouteName("api.hook.", route.into()),
            Self::Customers(_, route) => RouteName("api.customers.", route.into()),
            Self::Hosts(_, route) => RouteName("api.hosts.", route.into()),
            Self::IdentityProviders(_, route) => RouteName("api.identity_providers.", route.into()),
            Self::OwnIdentityProviders(route) => {
                RouteName("api.own_identity_providers.", route.into())
            }
            Self::SignInRules(_, route) => RouteName("api.sign_in_rules.", route.into()),
            Self::Statistics(_, route) => RouteName("api.statistics.", route.into()),
            Self::Delete(_, route) => RouteName("api.delete.", route.into()),
            Self::WebhookSecret(_, route) => RouteName("api.webhook_secret.", route.into()),
            Self::Audit(_, route) => RouteName("api.audit.", route.into()),
            other => RouteName("api.", other.into()),
        }
    }
}
