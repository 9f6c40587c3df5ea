//! Whether the instance is well, thing by thing, and what to do where it is not.

use askama::Template;

use super::{ADDRESS, shell};
use crate::app::App;
use crate::error::Result;
use crate::http::api::health::{Check, ShownHealth, Status, look};
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;

/// One thing that was looked at.
struct Line {
    what: &'static str,
    is_well: bool,
    /// How it is.
    how: String,
    /// What to do, where it is not well.
    advice: &'static str,
}

#[derive(Template)]
#[template(path = "instance/health.html")]
struct HealthPage {
    shell: Shell,
    address: String,
    is_well: bool,
    lines: Vec<Line>,
    waiting: Vec<(&'static str, String)>,
    has_letters: bool,
    version: &'static str,
}

/// Looks, but sends nothing into the queue.
pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    render(app, visit, false).await
}

/// Looks, and sends a message into the queue that nothing comes of.
pub(super) async fn ask(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.form(app).await?;
    visit.own(app).await?;
    render(app, visit, true).await
}

async fn render(app: &App, visit: &mut Visit, asks_queue: bool) -> Result<Reply> {
    let health = look(app, asks_queue).await;
    let waiting = health.waiting.as_ref().map(|waiting| {
        let since = |at: &Option<String>| at.clone().unwrap_or_else(|| "none waits".to_owned());
        vec![
            (
                "The oldest job that waits, since",
                since(&waiting.oldest_job_since),
            ),
            (
                "The oldest publication that waits, since",
                since(&waiting.oldest_publication_since),
            ),
            (
                "Messages that were given up",
                waiting.dead_letters.to_string(),
            ),
        ]
    });
    page(&HealthPage {
        shell: shell(app, visit, "Health", Vec::new())?,
        address: format!("{ADDRESS}/health"),
        is_well: health.status == Status::Ok,
        has_letters: health
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.dead_letters > 0),
        version: health.version,
        waiting: waiting.unwrap_or_default(),
        lines: lines(&health, asks_queue),
    })
}

fn lines(health: &ShownHealth, asked_queue: bool) -> Vec<Line> {
    let check = |what, check: &Check, advice| Line {
        what,
        is_well: check.status == Status::Ok,
        how: match check.status {
            Status::Ok => format!("answered in {} ms", check.milliseconds),
            Status::Failing => "does not answer; the log has the reason".to_owned(),
        },
        advice,
    };
    let mut lines = vec![
        check(
            "Database (D1)",
            &health.d1,
            "Look at the status of the platform, and at the quota of the account. What was known within a quarter of an hour is \
             still served.",
        ),
        check(
            "Cache (KV)",
            &health.kv,
            "Documents come from R2 meanwhile, slower. Look at the status of the platform, and at the binding of the namespace.",
        ),
        check(
            "Blob store (R2)",
            &health.r2,
            "Archives cannot be served or taken in. Look at the status of the platform, and at the binding of the bucket.",
        ),
    ];
    if asked_queue {
        lines.push(check(
            "Queue",
            &health.queue,
            "Webhooks are kept and nothing is synced. Look at the status of the platform, and at the binding of the queue.",
        ));
    }
    let schema = &health.schema;
    let applied = schema.applied.as_deref().unwrap_or("not on record");
    lines.push(Line {
        what: "Schema",
        is_well: schema.status == Status::Ok,
        how: format!("applied: {applied}; this program knows {}", schema.known),
        advice: "Apply the migrations with wrangler's `d1 migrations apply`, as for an upgrade.",
    });
    let schedule = &health.schedule;
    lines.push(Line {
        what: "Scheduled work",
        is_well: schedule.status == Status::Ok,
        how: schedule.last_round_at.as_ref().map_or_else(
            || "there was no round yet".to_owned(),
            |at| format!("last round at {at}"),
        ),
        advice: "A round comes every five minutes. See whether the consumer is deployed with its cron, and what its log says.",
    });
    lines
}
