//! When tokens were last used: noticed by requests, written by the queue.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::store::memo::Shelf;

/// An isolate tells of a token at most this often, in seconds. Whoever looks for a token that nobody needs any more asks
/// for days, whoever follows one that leaked for minutes; a fleet of 600 jobs a minute, spread over some ten isolates,
/// comes to two messages a minute in place of thousands of writes.
pub const TELL_EVERY: i64 = 300;

/// Of as many tokens an isolate remembers when it last told. When there are more it forgets them all, and tells too often.
pub(super) const TOLD_USES: usize = 1024 * 1024;

/// One use of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    /// The token's id.
    pub token: String,
    /// Unix second.
    pub at: i64,
    /// The address that the platform saw.
    pub address: Option<String>,
    /// The first product of the User-Agent: `Composer/2.9.1`.
    pub client: Option<String>,
}

/// What an isolate has to tell of tokens, and when it last did.
pub struct TokenUses {
    told: Shelf<()>,
    untold: RefCell<Vec<TokenUse>>,
}

impl Default for TokenUses {
    fn default() -> Self {
        Self {
            told: Shelf::new(TOLD_USES),
            untold: RefCell::default(),
        }
    }
}

impl TokenUses {
    /// Notices that a token was used. `describe` is called only when it is time to tell of it again.
    pub fn notice(&self, token: &str, now: i64, describe: impl FnOnce() -> TokenUse) {
        // A second before, so that this holds for exactly `TELL_EVERY` seconds.
        let age = TELL_EVERY.saturating_sub(1);
        if self.told.recall(token, now, age).is_none() {
            self.told.remember(token, (), now);
            self.untold.borrow_mut().push(describe());
        }
    }

    /// Bytes that are held of what was told.
    pub(super) fn bytes(&self) -> usize {
        self.told.bytes()
    }

    /// Whether there is something to tell.
    pub fn is_waiting(&self) -> bool {
        !self.untold.borrow().is_empty()
    }

    /// Takes what there is to tell.
    pub fn take(&self) -> Vec<TokenUse> {
        self.untold.take()
    }

    /// What could not be told is told with the next use.
    pub fn forget(&self, uses: &[TokenUse]) {
        for one in uses {
            self.told.forget(&one.token);
        }
    }
}

/// Writes down uses. An older one never hides a newer one, whatever order they come in and however often.
pub async fn note_token_uses(app: &App, uses: &[TokenUse]) -> Result<()> {
    let uses = serde_json::to_string(uses).map_err(Error::internal)?;
    app.db
        .rows(
            Statement::new(
                "update tokens
                 set last_used_at = u.at, last_used_address = u.address, last_used_client = u.client
                 from (select json_extract(value, '$.token') as token, max(json_extract(value, '$.at')) as at,
                              json_extract(value, '$.address') as address, json_extract(value, '$.client') as client
                       from json_each(?1) group by 1) u
                 where tokens.id = u.token and coalesce(tokens.last_used_at, 0) < u.at",
            )
            .bind(uses),
        )
        .await
        .map(|_| ())
}
