//! The addresses of an organisation itself.

use strum_macros::IntoStaticStr;

use crate::http::route::{NoRoute, get};

/// What the API has to offer of an organisation itself, but for showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum OrganisationRoute {
    Update,
    ListBelow,
    ShowUsage,
}

impl OrganisationRoute {
    /// What is at `organisations` and at `usage` below an organisation.
    pub fn parse(method: &str, kind: &str) -> Result<Self, NoRoute> {
        match kind {
            "organisations" => get(method, Self::ListBelow),
            "usage" => get(method, Self::ShowUsage),
            _ => Err(NoRoute::NotFound),
        }
    }
}
