//! Customers at a browser: a short login, bound to the token with which it began.

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::audit::{AGENT_LIMIT, cut};
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::admission::{find_customer_principal_stmt, read_principal};

/// A login of a customer is over after so many seconds, whatever is done: a working day.
pub const LASTS: i64 = 12 * 3_600;
/// Ended logins are kept for so many seconds, for who wonders what that was.
const KEPT: i64 = 30 * 86_400;

/// A login that begins.
#[derive(Debug, Clone)]
pub struct NewCustomerLogin<'a> {
    /// Its id.
    pub id: &'a str,
    /// The hash of its secret.
    pub secret: &'a TokenHash,
    /// The token that somebody showed.
    pub token: &'a str,
    /// From where.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// Begins a login, and forgets those that ended long ago.
pub async fn begin_customer_login(app: &App, new: &NewCustomerLogin<'_>) -> Result<()> {
    let now = app.now();
    app.db
        .batch(vec![
            Statement::new(
                "insert into customer_logins (id, hash, token_id, created_at, expires_at, address, user_agent)
                 select ?1, ?2, id, ?4, ?5, ?6, ?7 from tokens where id = ?3 and customer_id is not null",
            )
            .bind(new.id)
            .bind(new.secret.as_str())
            .bind(new.token)
            .bind(now)
            .bind(now.saturating_add(LASTS))
            .bind(new.address.clone())
            .bind(new.user_agent.as_deref().map(|agent| cut(agent, AGENT_LIMIT))),
            Statement::new("delete from customer_logins where expires_at < ?1")
                .bind(now.saturating_sub(KEPT)),
        ])
        .await
        .map(|_| ())
}

row! {
    /// A login of a customer, and the token it is bound to.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CustomerLogin {
        /// The login's id.
        pub login: String,
        /// Whose customer it is.
        pub organisation_id: i64,
        /// The customer.
        pub customer: String,
        /// The customer's name.
        pub name: String,
        /// The token's id.
        pub token: String,
        /// What the token is for.
        pub token_name: String,
        /// Its first characters.
        pub hint: String,
        /// Unix seconds.
        pub token_created_at: i64,
        /// Unix second at which the token ends.
        pub token_expires_at: Option<i64>,
        /// The token that was put in its place.
        pub replaced_by: Option<String>,
    }
}

/// Who has a login in force, as the database has it now, in one batch: none when the token was revoked, or is gone.
pub async fn find_customer_login(
    app: &App,
    secret: &TokenHash,
) -> Result<Option<(CustomerLogin, Principal)>> {
    let now = app.now();
    let statements = vec![
        Statement::new(
            "select l.id as login, t.organisation_id, c.id as customer, c.name, t.id as token, t.name as token_name, t.hint,
                    t.created_at as token_created_at, t.expires_at as token_expires_at, t.replaced_by
             from customer_logins l join tokens t on t.id = l.token_id join customers c on c.id = t.customer_id
             where l.hash = ?1 and l.ended_at is null and l.expires_at > ?2 and t.revoked_at is null",
        )
        .bind(secret.as_str())
        .bind(now),
        find_customer_principal_stmt(secret, now),
    ];
    let rows = app
        .db
        .batch(statements)
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let login = first_as(rows.next().unwrap_or_default())?;
    let principal = read_principal(rows.next().unwrap_or_default(), now)?;
    Ok(login.zip(principal))
}

/// Ends a login.
pub async fn end_customer_login(app: &App, login: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update customer_logins set ended_at = ?2 where id = ?1 and ended_at is null",
            )
            .bind(login)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// Has a login go on with the token that was put in the place of its own, and ends all others of the old one: who shows a
/// token anew because somebody else has it wants them out.
pub async fn move_customer_login(app: &App, login: &CustomerLogin, token: &str) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new("update customer_logins set token_id = ?2 where id = ?1")
                .bind(&login.login)
                .bind(token),
            Statement::new(
                "update customer_logins set ended_at = ?2 where token_id = ?1 and ended_at is null",
            )
            .bind(&login.token)
            .bind(app.now()),
        ])
        .await
        .map(|_| ())
}
