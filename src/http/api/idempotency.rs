//! `Idempotency-Key`: a POST that is sent again with the same key is answered again and not done again
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Answers below 400 are kept for a day, sealed, since some of them show a secret once. A request that was refused or
//! that failed before it changed anything gives its key back, so that it can be sent again once its cause is mended; whoever
//! dies over it holds the key for five minutes. What changed something says so on its key in the transaction of the
//! change ([`Keyed::guard`]), and is never made again by this key: where it has no answer to be given again, the caller is
//! told to look before he repeats it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::domain::token::TokenHash;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::{JSON_LIMIT, Request};
use crate::ports::Buffered;
use crate::store::guarded::Guard;
use crate::store::idempotency::{Key, Turn, end_turn, keep_answer, take_turn, turn_guard};

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// A row of the database takes no more than two megabytes; answers are far smaller.
const LARGEST_ANSWER: usize = 1_000_000;

/// Seconds after which to ask again for an answer that is being made.
const ASK_AGAIN: u32 = 2;

/// A request with a key, before it is answered.
pub(super) struct Keyed {
    caller: String,
    path: String,
    key: String,
    attempt: String,
}

/// What is to be done with a request.
pub(super) enum Outcome {
    /// It has no key, or none that counts here.
    Plain,
    /// It is to be answered, and the answer handed to `Keyed::keep`.
    Answer(Keyed),
    /// It was answered before.
    Replay(Reply),
}

/// Reads the key of a request and takes the turn with it. The body is read for that, and stands there again afterwards.
pub(super) async fn begin(app: &App, caller: &TokenHash, request: &mut Request) -> Result<Outcome> {
    let Some(key) = request.header("idempotency-key") else {
        return Ok(Outcome::Plain);
    };
    let is_key = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(is_key) {
        return Err(Error::bad_value(
            "Idempotency-Key:",
            format!(
                "`Idempotency-Key` must have 1 to {LONGEST} visible ASCII characters; a random UUID is best"
            ),
        ));
    }
    let body = request.bytes(JSON_LIMIT).await?;
    let keyed = Keyed {
        caller: caller.as_str().to_owned(),
        path: request.path.clone(),
        key,
        attempt: app.random_id()?,
    };
    let fingerprint = fingerprint(&keyed.key, request, &body);
    request.body = Box::new(Buffered::new(body));
    match take_turn(app, keyed.place(), &fingerprint, &keyed.attempt).await? {
        Turn::Ours => Ok(Outcome::Answer(keyed)),
        Turn::Answered(sealed) => {
            let text = app.vault.open(&keyed.context(), &sealed).await?;
            let kept: Kept = serde_json::from_str(&text).map_err(Error::internal)?;
            Ok(Outcome::Replay(kept.into_reply()))
        }
        Turn::UnderWay => Err(Error::new(
            ErrorKind::Conflict,
            "The first request with this `Idempotency-Key` is still being answered; ask again in a moment",
        )
        .with_code(Code::IdempotencyKeyInUse)
        .retry_after(ASK_AGAIN)),
        Turn::Unknown => Err(Error::conflict(
            "The first request with this `Idempotency-Key` changed something, and how it ended is not known: look at what \
             is there, and send what is still to be done with another key",
        )
        .with_code(Code::IdempotencyOutcomeUnknown)),
        Turn::Reused => Err(Error::bad_value(
            "Idempotency-Key:",
            "This `Idempotency-Key` came with another request within the last day; a new request needs a new key",
        )
        .with_code(Code::IdempotencyKeyReused)),
    }
}

/// The key is part of it, so that nobody who reads the table can try bodies that he guesses for all rows at once.
fn fingerprint(key: &str, request: &Request, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [key, &request.method, &request.path, &request.query] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    hex::encode(hash.finalize())
}

impl Keyed {
    fn place(&self) -> Key<'_> {
        Key {
            caller: &self.caller,
            path: &self.path,
            key: &self.key,
        }
    }

    /// What the sealed answer is bound to.
    fn context(&self) -> String {
        format!("idempotency:{}:{}:{}", self.caller, self.path, self.key)
    }

    /// What every first change of the request is held to.
    pub(super) fn guard(&self, app: &App) -> Guard {
        turn_guard(self.place(), &self.attempt, app.now())
    }

    /// Keeps an answer, or gives the key back where there is nothing to keep. The caller gets the answer in any case.
    pub(super) async fn keep(&self, app: &App, answer: &Result<Reply>) {
        if let Err(error) = self.try_keep(app, answer).await {
            app.warn(&format!("An idempotency key could not be kept: {error}"));
        }
    }

    async fn try_keep(&self, app: &App, answer: &Result<Reply>) -> Result<()> {
        let kept = answer.as_ref().ok().and_then(Kept::of);
        let Some(kept) = kept else {
            return end_turn(app, self.place(), &self.attempt).await;
        };
        let text = serde_json::to_string(&kept).map_err(Error::internal)?;
        let sealed = app.vault.seal(&self.context(), &text).await?;
        keep_answer(app, self.place(), &self.attempt, &sealed).await
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: String,
}

impl Kept {
    fn of(reply: &Reply) -> Option<Self> {
        let body = match &reply.body {
            Body::Empty => String::new(),
            Body::Bytes(bytes) => String::from_utf8(bytes.clone()).ok()?,
            Body::Document(_) | Body::Archive { .. } | Body::Elsewhere | Body::Asset(_) => {
                return None;
            }
        };
        (reply.status < 400 && body.len() <= LARGEST_ANSWER).then_some(Self {
            status: reply.status,
            body,
        })
    }

    fn into_reply(self) -> Reply {
        let reply = if self.body.is_empty() {
            Reply::empty(self.status, CachePolicy::NoStore)
        } else {
            let body = Body::Bytes(self.body.into_bytes());
            Reply::new(self.status, CachePolicy::NoStore, body)
                .with("content-type", "application/json")
        };
        reply.with("idempotent-replayed", "true")
    }
}
