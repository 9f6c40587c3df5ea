//! Keys by which a client sends a POST twice and has it done once, with the answers that were given.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::guarded::Guard;

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
    /// The same request changed something and has no answer: it failed after that, or whoever answered it died.
    Unknown,
    /// The key came with another request.
    Reused,
}

row! {
    struct Row {
        fingerprint: String,
        attempt: String,
        answer: Option<String>,
        /// Whether no answer will come any more to what was changed.
        is_unknown: i64,
    }
}

/// Takes the turn with a key, for `attempt`, if nobody has it: it is new, older than a day, or was abandoned before anything
/// was changed.
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
                     started_at = excluded.started_at, answer = null, changed_at = null, failed_at = null
                 where started_at <= ?7
                    or (answer is null and changed_at is null and started_at <= ?8
                        and fingerprint = excluded.fingerprint)",
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
                "select fingerprint, attempt, answer,
                        answer is null and changed_at is not null
                            and (failed_at is not null or started_at <= ?4) as is_unknown
                 from idempotency_keys
                 where caller = ?1 and path = ?2 and key = ?3",
            )
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(now.saturating_sub(ABANDONED)),
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
        Row { is_unknown: 1, .. } => Turn::Unknown,
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

/// What is held in the transaction in which an attempt changes something first: it is noted on the key, and where the turn
/// is another attempt's by now nothing is changed.
pub fn turn_guard(key: Key<'_>, attempt: &str, now: i64) -> Guard {
    let of_attempt = |sql: &'static str| {
        Statement::new(sql)
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(attempt)
    };
    Guard::of(vec![
        of_attempt(
            "insert into change_guards (why)
             select 'turn_lost' where not exists (
                 select 1 from idempotency_keys where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4)",
        ),
        of_attempt(
            "update idempotency_keys set changed_at = coalesce(changed_at, ?5)
             where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4",
        )
        .bind(now),
    ])
}

/// Ends an attempt that was refused or failed. Where it changed nothing the turn is given back; otherwise it is noted that
/// no answer will come.
pub async fn end_turn(app: &App, key: Key<'_>, attempt: &str) -> Result<()> {
    let of_attempt = |sql: &'static str| {
        Statement::new(sql)
            .bind(key.caller)
            .bind(key.path)
            .bind(key.key)
            .bind(attempt)
    };
    app.db
        .batch(vec![
            of_attempt(
                "delete from idempotency_keys
                 where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4 and changed_at is null",
            ),
            of_attempt(
                "update idempotency_keys set failed_at = ?5
                 where caller = ?1 and path = ?2 and key = ?3 and attempt = ?4",
            )
            .bind(app.now()),
        ])
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
