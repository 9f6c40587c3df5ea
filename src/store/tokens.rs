//! Tokens: only their hashes, their limits and their expiry.

use serde::Deserialize;

use crate::app::App;
use crate::domain::access::Access;
use crate::domain::token::PlainToken;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::rows_as;

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Its id.
    pub id: &'a str,
    /// The organisation; none for the owner of the instance.
    pub organisation: Option<i64>,
    /// What it is for, in somebody's words.
    pub name: &'a str,
    /// How much it may do.
    pub access: Access,
    /// JSON list of repository slugs; none for all.
    pub repositories: Option<String>,
    /// JSON list of package globs; none for all.
    pub packages: Option<String>,
    /// Unix seconds.
    pub expires_at: Option<i64>,
}

/// The statement that stores a new token.
pub fn insert_token_stmt(new: &NewToken<'_>, token: &PlainToken, now: i64) -> Statement {
    Statement::new(
        "insert into tokens (id, organisation_id, name, access, hash, hint, repositories, packages,
                             created_at, grant_changed_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
    )
    .bind(new.id)
    .bind(new.organisation)
    .bind(new.name)
    .bind(new.access.as_str())
    .bind(token.hash().as_str())
    .bind(token.hint())
    .bind(new.repositories.clone())
    .bind(new.packages.clone())
    .bind(now)
    .bind(new.expires_at)
}

/// A token as lists show it.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// `read`, `write` or `admin`.
    pub access: String,
    /// Its first characters.
    pub hint: String,
    /// JSON list of slugs; none for all.
    pub repositories: Option<String>,
    /// JSON list of globs; none for all.
    pub packages: Option<String>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    /// Unix seconds.
    pub revoked_at: Option<i64>,
}

/// The tokens of an organisation, newest first, revoked ones included.
pub async fn list_tokens(app: &App, organisation: i64) -> Result<Vec<TokenRow>> {
    select_tokens(app, organisation, None).await
}

/// Finds a token of an organisation, be it revoked.
pub async fn find_token(app: &App, organisation: i64, id: &str) -> Result<Option<TokenRow>> {
    let found = select_tokens(app, organisation, Some(id)).await?;
    Ok(found.into_iter().next())
}

async fn select_tokens(app: &App, organisation: i64, id: Option<&str>) -> Result<Vec<TokenRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, name, access, hint, repositories, packages, created_at, expires_at, revoked_at
                     from tokens where organisation_id = ?1 and (?2 is null or id = ?2)
                     order by created_at desc, id",
                )
                .bind(organisation)
                .bind(id),
            )
            .await?,
    )
}

/// Revokes a token of an organisation; whether there was one in force.
pub async fn revoke_token(app: &App, organisation: i64, id: &str) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens set revoked_at = ?3
                 where id = ?1 and organisation_id = ?2 and revoked_at is null
                 returning id",
            )
            .bind(id)
            .bind(organisation)
            .bind(app.now()),
        )
        .await?;
    // In this isolate at once, elsewhere when what is remembered there ages.
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}
