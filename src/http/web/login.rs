//! A login begins: whichever way somebody proved who she is.

use crate::app::App;
use crate::domain::token::TokenHash;
use crate::error::Result;
use crate::http::auth::{caller_address, counted_as};
use crate::http::web::visit::{Visit, random_secret};
use crate::store::logins::NewLogin;

/// A login that is about to begin: always a new secret, whatever the browser brought along.
pub(super) struct Beginning {
    id: String,
    /// What the browser is to hold.
    pub(super) secret: String,
    hash: TokenHash,
    address: Option<String>,
    user_agent: Option<String>,
    replaces: Option<TokenHash>,
}

impl Beginning {
    /// Makes the secret.
    pub(super) fn of(app: &App, visit: &Visit) -> Result<Self> {
        let secret = random_secret(app)?;
        Ok(Self {
            id: app.random_id()?,
            hash: TokenHash::of(&secret),
            secret,
            address: caller_address(&visit.request)
                .map(|address| address.to_canonical().to_string()),
            user_agent: visit.request.header("user-agent"),
            replaces: visit.held_login(),
        })
    }

    /// As the database has it.
    pub(super) fn login<'a>(
        &'a self,
        account: &'a str,
        method: &'static str,
        is_half: bool,
    ) -> NewLogin<'a> {
        NewLogin {
            id: &self.id,
            secret: &self.hash,
            account,
            method,
            is_half,
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            replaces: self.replaces.clone(),
        }
    }
}

/// What attempts are counted by: the address that the platform saw, where one has many its network.
pub(super) fn counted_address(visit: &Visit) -> String {
    caller_address(&visit.request).map_or_else(String::new, counted_as)
}
