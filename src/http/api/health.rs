//! Whether an instance is well, port by port: for its owner, and the monitors that he gives a token.

use std::future::Future;

use futures_util::future::join5;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::{is_owner, notice_caller, refuse_barred, token_of};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::admission::admit;
use crate::store::health::{Backlog, last_migration, load_backlog};

/// A key that nothing has: that it is absent is answer enough, and costs the least.
const PROBE_KEY: &str = "health";

/// The cron comes every five minutes. After as many seconds it has failed to come twice.
const ROUND_OVERDUE: i64 = 15 * 60;

/// The last migration that this program was built with.
const KNOWN_MIGRATION: &str = env!("LAST_MIGRATION");

/// `ok` or `failing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "HealthStatus")]
pub(crate) enum Status {
    Ok,
    Failing,
}

impl Status {
    fn of(is_well: bool) -> Self {
        if is_well { Self::Ok } else { Self::Failing }
    }
}

/// Whether the instance is well.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub(crate) struct ShownHealth {
    /// `ok` when all below is.
    pub(crate) status: Status,
    /// The database.
    pub(crate) d1: Check,
    /// The cache near the reader: without it documents come from R2, slower.
    pub(crate) kv: Check,
    /// The blob store.
    pub(crate) r2: Check,
    /// Whether the queue takes a message. Whether the consumer works is told by what waits.
    pub(crate) queue: Check,
    pub(crate) schema: Schema,
    pub(crate) schedule: Schedule,
    /// What waits; null while D1 does not answer.
    pub(crate) waiting: Option<Waiting>,
    /// Of the program.
    pub(crate) version: &'static str,
}

/// One thing that the instance needs; the log has the reason when it fails.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthCheck")]
pub(crate) struct Check {
    pub(crate) status: Status,
    /// How long it took to answer.
    pub(crate) milliseconds: i64,
}

/// Whether the database has the migrations that the program needs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthOfSchema")]
pub(crate) struct Schema {
    pub(crate) status: Status,
    /// The last migration that was applied; null where there is no record of that.
    pub(crate) applied: Option<String>,
    /// The last one that the program knows.
    pub(crate) known: &'static str,
}

/// Whether the scheduled work is done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthOfSchedule")]
pub(crate) struct Schedule {
    /// `failing` when no round ended for fifteen minutes; they begin every five.
    pub(crate) status: Status,
    /// When a round last ended (RFC 3339); null before the first one.
    pub(crate) last_round_at: Option<String>,
}

/// What waits.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HealthOfQueue")]
pub(crate) struct Waiting {
    /// Since when the oldest job waits for its beginning (RFC 3339), those of suspended organisations left out.
    pub(crate) oldest_job_since: Option<String>,
    /// Since when the oldest publication waits.
    pub(crate) oldest_publication_since: Option<String>,
    /// Messages the queue gave up on.
    pub(crate) dead_letters: i64,
}

/// Tells whether the instance is well: 200, or 503 with the same body. Whoever was here within a quarter of an hour is known
/// while the database is down; nobody unknown is told anything.
pub(super) async fn show_health(app: &App, request: &Request) -> Result<Reply> {
    let token = token_of(app, request).await?;
    let found = admit(app, Some(&token), None).await?.principal;
    let principal = notice_caller(app, request, found).await?;
    refuse_barred(&principal)?;
    if !is_owner(&principal) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only the owner of this instance sees how it is",
        ));
    }
    let health = look(app, true).await;
    let status = match health.status {
        Status::Ok => 200,
        Status::Failing => 503,
    };
    Ok(Reply::json(status, &health))
}

/// Looks at all of it. A look at the queue sends a message, so who only wants to see leaves it out: it counts as well then.
pub(crate) async fn look(app: &App, asks_queue: bool) -> ShownHealth {
    let probe = async {
        if asks_queue {
            return enqueue(app, &[Job::Probe]).await;
        }
        Ok(())
    };
    let ((d1, backlog), (kv, _), (r2, _), (queue, _), applied) = join5(
        check(app, "the database", load_backlog(app)),
        check(app, "the cache", app.cache.get(PROBE_KEY)),
        check(app, "the blob store", app.blobs.head(PROBE_KEY)),
        check(app, "the queue", probe),
        last_migration(app),
    )
    .await;
    // A database that was made without wrangler has no record, and is not worse for it.
    let applied = applied.ok().flatten();
    let schema = Schema {
        status: Status::of(
            applied
                .as_deref()
                .is_none_or(|name| name >= KNOWN_MIGRATION),
        ),
        applied,
        known: KNOWN_MIGRATION,
    };
    let last_round = backlog.as_ref().and_then(|backlog| backlog.last_round);
    let overdue = app.now().saturating_sub(ROUND_OVERDUE);
    let schedule = Schedule {
        status: Status::of(last_round.is_none_or(|at| at >= overdue)),
        last_round_at: last_round.map(rfc3339),
    };
    let all = [
        d1.status,
        kv.status,
        r2.status,
        queue.status,
        schema.status,
        schedule.status,
    ];
    ShownHealth {
        status: Status::of(all.iter().all(|status| *status == Status::Ok)),
        d1,
        kv,
        r2,
        queue,
        schema,
        schedule,
        waiting: backlog.as_ref().map(show_backlog),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn show_backlog(backlog: &Backlog) -> Waiting {
    Waiting {
        oldest_job_since: backlog.oldest_job.map(rfc3339),
        oldest_publication_since: backlog.oldest_publication.map(rfc3339),
        dead_letters: backlog.dead_letters,
    }
}

/// Asks one thing, and takes the time.
async fn check<T>(
    app: &App,
    what: &str,
    asking: impl Future<Output = Result<T>>,
) -> (Check, Option<T>) {
    let began = app.clock.milliseconds();
    let answer = asking.await;
    let milliseconds = app.clock.milliseconds().saturating_sub(began);
    if let Err(error) = &answer {
        app.warn_of_outage(&format!("{what}, seen by the look at its health"), error);
    }
    let check = Check {
        status: Status::of(answer.is_ok()),
        milliseconds,
    };
    (check, answer.ok())
}
