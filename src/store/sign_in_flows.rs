//! Sign-ins that are under way at a provider. What comes back is good once, in the browser where it began, for ten minutes.

use crate::app::App;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::passwords::{WINDOW, key_of};

/// For so many seconds.
pub const LASTS: i64 = 600;
/// So many begin from one address within [`WINDOW`].
const MOST_FROM_ADDRESS: i64 = 60;

/// A sign-in that begins.
#[derive(Debug, Clone)]
pub struct NewFlow<'a> {
    /// Of `state`.
    pub hash: &'a TokenHash,
    /// Of the secret in the browser's cookie.
    pub browser: &'a TokenHash,
    /// Who is asked.
    pub provider: &'a str,
    /// The slug of the organisation at whose page it begins; empty for none.
    pub organisation: &'a str,
    /// Who links an identity to her account.
    pub account: Option<&'a str>,
    /// Where to go afterwards.
    pub next: &'a str,
    /// Of somebody who has to confirm: what was proven, as JSON.
    pub proven: Option<String>,
}

fn insert_stmts(new: &NewFlow<'_>, now: i64) -> Vec<Statement> {
    vec![
        Statement::new("delete from sign_in_flows where expires_at < ?1").bind(now),
        Statement::new(
            "insert into sign_in_flows (hash, browser, provider_id, organisation_id, account_id, next, proven, expires_at)
             select ?1, ?2, p.id,
                    coalesce(p.organisation_id,
                             (select o.id from organisations o where o.slug = ?4 and o.deleted_at is null)),
                    ?5, ?6, ?7, ?8
             from identity_providers p where p.id = ?3
             on conflict (hash) do update
             set provider_id = excluded.provider_id, organisation_id = excluded.organisation_id, next = excluded.next,
                 proven = excluded.proven, expires_at = excluded.expires_at",
        )
        .bind(new.hash.as_str())
        .bind(new.browser.as_str())
        .bind(new.provider)
        .bind(new.organisation)
        .bind(new.account)
        .bind(new.next)
        .bind(new.proven.clone())
        .bind(now.saturating_add(LASTS)),
    ]
}

/// Begins a sign-in; whether it did: not where too many began from an address of late.
pub async fn begin_flow(app: &App, new: &NewFlow<'_>, address: &str) -> Result<bool> {
    row! {
        struct Counted {
            count: i64,
        }
    }
    let now = app.now();
    let count = Statement::new(
        "insert into sign_in_attempts (key, count, began_at) values (?1, 1, ?2)
         on conflict (key) do update
         set count = iif(began_at <= ?3, 1, count + 1), began_at = iif(began_at <= ?3, ?2, began_at)
         returning count",
    )
    .bind(key_of(&["provider", address]))
    .bind(now)
    .bind(now.saturating_sub(WINDOW));
    let counted = first_as::<Counted>(app.db.rows(count).await.map_err(Error::or_unavailable)?)?;
    if counted.is_some_and(|counted| counted.count > MOST_FROM_ADDRESS) {
        return Ok(false);
    }
    app.db.batch(insert_stmts(new, now)).await?;
    Ok(true)
}

/// Keeps what was proven of somebody who has to confirm it. The next one of this browser takes its place.
pub async fn keep_proven(app: &App, new: &NewFlow<'_>) -> Result<()> {
    app.db.batch(insert_stmts(new, app.now())).await.map(|_| ())
}

row! {
    /// A sign-in under way.
    #[derive(Debug, Clone)]
    pub struct Flow {
        /// Who was asked.
        pub provider_id: String,
        /// At whose sign-in page it began, or whose the provider is.
        pub organisation_id: Option<i64>,
        /// Who links an identity to her account.
        pub account_id: Option<String>,
        /// Where to go afterwards.
        pub next: String,
        /// What was proven, as JSON.
        pub proven: Option<String>,
    }
}

/// Takes a sign-in that comes back; none where it was never begun in this browser, came back before, or is too old.
pub async fn take_flow(app: &App, hash: &TokenHash, browser: &TokenHash) -> Result<Option<Flow>> {
    let statement = Statement::new(
        "delete from sign_in_flows
         where hash = ?1 and browser = ?2 and proven is null and expires_at > ?3
         returning provider_id, organisation_id, account_id, next, proven",
    )
    .bind(hash.as_str())
    .bind(browser.as_str())
    .bind(app.now());
    first_as(
        app.db
            .rows(statement)
            .await
            .map_err(Error::or_unavailable)?,
    )
}

/// What waits to be confirmed in this browser.
pub async fn find_proven(app: &App, hash: &TokenHash, browser: &TokenHash) -> Result<Option<Flow>> {
    let statement = Statement::new(
        "select provider_id, organisation_id, account_id, next, proven from sign_in_flows
         where hash = ?1 and browser = ?2 and proven is not null and expires_at > ?3",
    )
    .bind(hash.as_str())
    .bind(browser.as_str())
    .bind(app.now());
    first_as(
        app.db
            .rows(statement)
            .await
            .map_err(Error::or_unavailable)?,
    )
}

/// The statement that forgets it.
pub(super) fn forget_stmt(hash: &TokenHash) -> Statement {
    Statement::new("delete from sign_in_flows where hash = ?1").bind(hash.as_str())
}
