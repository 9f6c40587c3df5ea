//! Keys by which a client sends a POST twice and has it done once, with the answers that were given.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};

/// How long a key is remembered, in seconds.
pub const KEPT: i64 = 24 * 60 * 60;

/// After how many seconds an answer that is still being made counts as never coming: whoever made it died.
pub const ABANDONED: i64 = 5 * 60;

/// A key as a request brought it.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The hash of the caller's token.
    pub caller: &'a str,
    /// The path of the request.
    pub path: &'a str,
    /// The key.
    pub key: &'a str,
}

/// Whose turn it is with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Ours: the request is to be answered, and the answer kept.
    Ours,
    /// The same request was answered before; the answer, sealed.
    Answered(String),
    /// The same request is being answered.
    UnderWay,
    /// The key came with another request.
    Reused,
}

row! {
    struct Row {
        fingerprint: String,
        attempt: String,
        answer: Option<String>,
    }
}

/// Takes the turn with a key, for `attempt`, if nobody has it: it is new, older than a day, or was abandoned.
pub async fn take_turn(app: &App, key: Key<'_>, fingerprint: &str, attempt: &str) -> Result<Turn> {
    let now = app.now();
    let results = app
        .db
        .batch(vec![
            Statement::new(
                "insert into idempotency_keys (caller, path, key, fingerprint, attempt, started_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (caller, path, key) do update
                 set fingerprint = excluded.fingerprint, attempt = excluded.attempt,
                     started_at = excluded.started_at, answer = null
                 where started_at <= ?7
                    or (answer is null and started_at <= ?8 and fingerprint = excluded.fingerprint)",
            )
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(fingerprint)
            .bind(attempt)
            .bind(now)
            .bind(now.saturating_sub(KEPT))
            .bind(now.saturating_sub(ABANDONED)),
            Statement::new(
                "select fingerprint, attempt, answer from idempotency_keys
                 where caller = ?1 and path = ?2 and key = ?3",
            )
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key),
        ])
        .await?;
    let row = first_as::<Row>(results.into_iter().nth(1).unwrap_or_default())?
        .ok_or_else(|| Error::internal("a new idempotency key vanished"))?;
    Ok(match row {
        Row { attempt: whose, .. } if whose == attempt => Turn::Ours,
        Row {
            fingerprint: known, ..
        } if known != fingerprint => Turn::Reused,
        Row {
            answer: Some(answer),
            ..
        } => Turn::Answered(answer),
        Row { answer: None, .. } => Turn::UnderWay,
    })
}

/// Keeps the answer of an attempt whose turn it still is.
pub async fn keep_answer(app: &App, key: Key<'_>, attempt: &str, sealed: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update idempotency_keys set answer = ?5
                 where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4",
            )
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(attempt)
            .bind(sealed),
        )
        .await
        .map(|_| ())
}

/// Gives the turn back: the request was refused or failed, and may be sent again.
pub async fn give_turn_back(app: &App, key: Key<'_>, attempt: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "delete from idempotency_keys
                 where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4",
            )
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(attempt),
        )
        .await
        .map(|_| ())
}

/// Forgets keys that are older than a day.
pub async fn delete_old_keys(app: &App) -> Result<()> {
    app.db
        .rows(
            Statement::new("delete from idempotency_keys where started_at <= ?1")
                .bind(app.now().saturating_sub(KEPT)),
        )
        .await
        .map(|_| ())
}
