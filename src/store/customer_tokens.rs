//! The tokens of customers.

use crate::app::App;
use crate::domain::access::Access;
use crate::domain::token::PlainToken;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// What a new token of a customer is to be. It reads metadata and archives, and nothing else.
#[derive(Debug)]
pub struct NewCustomerToken<'a> {
    /// Its id.
    pub id: &'a str,
    /// The organisation that sells.
    pub organisation: i64,
    /// The customer.
    pub customer: &'a str,
    /// What it is for, in somebody's words.
    pub name: &'a str,
    /// JSON list of networks; none for any address.
    pub networks: Option<String>,
    /// Unix seconds.
    pub expires_at: Option<i64>,
}

/// Stores a new token of a customer.
pub async fn insert_customer_token(
    app: &App,
    new: &NewCustomerToken<'_>,
    token: &PlainToken,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into tokens (id, organisation_id, name, access, hash, hint, kind, customer_id, networks, created_at,
                                     grant_changed_at, expires_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, 'customer', ?7, ?8, ?9, ?9, ?10)",
            )
            .bind(new.id)
            .bind(new.organisation)
            .bind(new.name)
            .bind(Access::Read.as_str())
            .bind(token.hash().as_str())
            .bind(token.hint())
            .bind(new.customer)
            .bind(new.networks.clone())
            .bind(app.now())
            .bind(new.expires_at),
        )
        .await?;
    app.memo.principals.forget(token.hash().as_str());
    Ok(())
}

row! {
    /// A token of a customer as lists show it.
    #[derive(Debug, Clone)]
    pub struct CustomerTokenRow {
        /// Its id.
        pub id: String,
        /// What it is for.
        pub name: String,
        /// Its first characters.
        pub hint: String,
        /// JSON list of networks; none for any address.
        pub networks: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub expires_at: Option<i64>,
        /// Unix seconds.
        pub revoked_at: Option<i64>,
    }
}

/// The tokens of a customer, newest first, revoked ones included; at most 1,000.
pub async fn list_customer_tokens(
    app: &App,
    organisation: i64,
    customer: &str,
) -> Result<Vec<CustomerTokenRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, name, hint, networks, created_at, expires_at, revoked_at from tokens
                     where customer_id = ?2 and organisation_id = ?1 order by created_at desc, id limit 1000",
                )
                .bind(organisation)
                .bind(customer),
            )
            .await?,
    )
}

/// Revokes a token of a customer; whether there was one in force.
pub async fn revoke_customer_token(
    app: &App,
    organisation: i64,
    customer: &str,
    id: &str,
) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens set revoked_at = ?4
                 where id = ?3 and customer_id = ?2 and organisation_id = ?1 and revoked_at is null
                 returning id",
            )
            .bind(organisation)
            .bind(customer)
            .bind(id)
            .bind(app.now()),
        )
        .await?;
    // In this isolate at once, elsewhere when what is remembered there ages.
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}
