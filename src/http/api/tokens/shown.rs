//! A token as the API shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::access::Access;
use crate::error::Result;
use crate::http::api::shown::{Named, Time};
use crate::store::tokens::TokenRow;

/// A token of an organisation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct Shown {
    id: String,
    /// `machine`, `personal` or `customer`.
    kind: String,
    name: String,
    /// Its first nine characters.
    hint: String,
    /// `active`, `expired` or `revoked`.
    state: String,
    /// `read`, `write` or `admin`, where one of these says it all.
    access: Option<&'static str>,
    abilities: Vec<&'static str>,
    /// Slugs; null for all.
    repositories: Option<Vec<String>>,
    /// Names and patterns; null for all.
    packages: Option<Vec<String>>,
    /// Null for any.
    networks: Option<Vec<String>>,
    /// Whether it sees only what was granted to it.
    only_granted: bool,
    /// Whose it is.
    person: Option<Named>,
    /// Whose it is.
    customer: Option<Named>,
    created_at: Time,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
    /// The id of the one that it was rotated to.
    replaced_by: Option<String>,
    last_used: Option<ShownUse>,
    /// The token itself, in the answer that made it and in no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
}

/// When a token was used last, some minutes behind.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenUse")]
struct ShownUse {
    at: Time,
    address: Option<String>,
    client: Option<String>,
}

/// A page of tokens.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenPage")]
pub(crate) struct ShownPage {
    pub(super) tokens: Vec<Shown>,
    /// The cursor to the next page.
    pub(super) next: Option<String>,
}

/// Without the token itself.
pub(super) fn show(row: TokenRow) -> Result<Shown> {
    let list = |text: &Option<String>| {
        let text = text.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok())
    };
    let named = |(id, name): (Option<String>, Option<String>)| {
        let name = name.unwrap_or_default();
        id.map(|id| Named { id, name })
    };
    let abilities = row.abilities()?;
    Ok(Shown {
        access: Access::of(abilities).map(Access::as_str),
        abilities: abilities.names(),
        repositories: list(&row.repositories),
        packages: list(&row.packages),
        networks: list(&row.networks),
        id: row.id,
        kind: row.kind,
        name: row.name,
        hint: row.hint,
        state: row.state,
        only_granted: row.only_granted != 0,
        person: named((row.account_id, row.account_name)),
        customer: named((row.customer_id, row.customer_name)),
        created_at: Time::of(row.created_at),
        expires_at: row.expires_at.map(Time::of),
        revoked_at: row.revoked_at.map(Time::of),
        replaced_by: row.replaced_by,
        last_used: row.last_used_at.map(|at| ShownUse {
            at: Time::of(at),
            address: row.last_used_address,
            client: row.last_used_client,
        }),
        token: None,
    })
}
