//! Jobs: what is under way, what came of it, what needs a person; imports of many projects; and messages that the queue gave
//! up on. What is under way is asked for again by `assets/live.js`, and by a link where there is no script.

mod imports;
mod letters;
mod list;
mod show;

use serde_json::json;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::form::Faults;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::jobs::{JobRow, NEEDS_A_PERSON};

/// What is looked at or done about jobs; a text is an id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum JobRoute {
    /// All of them, newest first.
    List,
    /// `…/imports`: imports of many projects.
    ListImports,
    /// `…/imports/{import}`.
    ShowImport(String),
    /// `…/imports/{import}/live`: how far it is, for the script.
    LiveImport(String),
    /// `…/imports/{import}/cancel`.
    CancelImport(String),
    /// `…/dead-letters`: messages that the queue gave up on.
    ListLetters,
    /// `…/dead-letters/{letter}/retry`.
    RetryLetter(i64),
    /// `…/dead-letters/{letter}/drop`.
    DropLetter(i64),
    /// One of them.
    Show(String),
    /// `…/live`: how far it is, for the script.
    Live(String),
    /// `…/cancel`.
    Cancel(String),
    /// `…/retry`.
    Retry(String),
}

impl JobRoute {
    /// Finds the page below `jobs`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let own = |id: &str| percent_decode(id);
        let number = |id: &str| id.parse().map_err(|_| NoRoute::NotFound);
        match segments {
            [] => get(method, Self::List),
            ["imports"] => get(method, Self::ListImports),
            ["imports", id] => get(method, Self::ShowImport(own(id))),
            ["imports", id, "live"] => get(method, Self::LiveImport(own(id))),
            ["imports", id, "cancel"] => only(method, "POST", Self::CancelImport(own(id))),
            ["dead-letters"] => get(method, Self::ListLetters),
            ["dead-letters", id, "retry"] => only(method, "POST", Self::RetryLetter(number(id)?)),
            ["dead-letters", id, "drop"] => only(method, "POST", Self::DropLetter(number(id)?)),
            [id] => get(method, Self::Show(own(id))),
            [id, "live"] => get(method, Self::Live(own(id))),
            [id, "cancel"] => only(method, "POST", Self::Cancel(own(id))),
            [id, "retry"] => only(method, "POST", Self::Retry(own(id))),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page about jobs.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: JobRoute,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    match route {
        JobRoute::List => list::show(app, visit, place).await,
        JobRoute::ListImports => imports::list(app, visit, place).await,
        JobRoute::ShowImport(id) => imports::show(app, visit, place, &id).await,
        JobRoute::LiveImport(id) => imports::live(app, visit, place, &id).await,
        JobRoute::CancelImport(id) => {
            let (api, to) = (format!("/imports/{id}/cancel"), import_address(place, &id));
            let said = "The import is cancelled. What it has added stays";
            act(app, visit, place, ("POST", &api), &to, said).await
        }
        JobRoute::ListLetters => letters::show(app, visit, place).await,
        JobRoute::RetryLetter(id) => {
            let (api, to) = (format!("/dead-letters/{id}/retry"), letters::address(place));
            let said = "The message is in the queue again";
            act(app, visit, place, ("POST", &api), &to, said).await
        }
        JobRoute::DropLetter(id) => {
            let (api, to) = (format!("/dead-letters/{id}"), letters::address(place));
            act(
                app,
                visit,
                place,
                ("DELETE", &api),
                &to,
                "The message is dropped",
            )
            .await
        }
        JobRoute::Show(id) => show::show(app, visit, place, &id).await,
        JobRoute::Live(id) => show::live(app, visit, place, &id).await,
        JobRoute::Cancel(id) => {
            let (api, to) = (format!("/jobs/{id}/cancel"), job_address(place, &id));
            let said = "The job is cancelled. What it has taken in stays";
            act(app, visit, place, ("POST", &api), &to, said).await
        }
        JobRoute::Retry(id) => {
            let (api, to) = (format!("/jobs/{id}/retry"), job_address(place, &id));
            act(app, visit, place, ("POST", &api), &to, "The job runs again").await
        }
    }
}

/// What one button does. The API decides, validates and audits.
async fn act(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    (method, path): (&str, &str),
    to: &str,
    said: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    match place.ask(app, visit, method, path, None).await {
        Ok(_) => Ok(visit.go_on(to, said)),
        Err(error) => {
            let said = Faults::of(error)?.besides(&[]).join(". ");
            Ok(visit.go_back(to, &said))
        }
    }
}

/// Where the jobs are.
pub(super) fn list_address(place: &Place) -> String {
    format!("/ui/{}/jobs", place.organisation.slug)
}

/// Where those are that need a person.
pub(super) fn need_a_person_address(place: &Place) -> String {
    with_query(&list_address(place), &[("state", NEEDS_A_PERSON)])
}

/// Where the messages are that the queue gave up on.
pub(super) fn letters_address(place: &Place) -> String {
    letters::address(place)
}

/// Where the page of a job is.
pub(super) fn job_address(place: &Place, id: &str) -> String {
    format!("/ui/{}/jobs/{id}", place.organisation.slug)
}

/// Where the page of an import is.
pub(super) fn import_address(place: &Place, id: &str) -> String {
    format!("/ui/{}/jobs/imports/{id}", place.organisation.slug)
}

/// The class of a state's badge: of a job, an import, a ref or a project.
pub(super) fn state_class(state: &str) -> &'static str {
    match state {
        "done" | "imported" | "added" | "known" => "good",
        "failed" | "refused" => "bad",
        "running" | "publishing" | "listing" | "adding" => "accent",
        "cancelled" => "warn",
        _ => "",
    }
}

/// Whether a job in this state goes on by itself.
fn is_under_way(state: &str) -> bool {
    matches!(state, "queued" | "running" | "publishing")
}

/// How far something is, for people and for `progress`.
struct Progress {
    done: i64,
    total: i64,
    words: String,
}

impl Progress {
    fn of(job: &JobRow) -> Self {
        let done = job.total.saturating_sub(job.waiting);
        let mut parts = vec![format!("{done} of {} refs", job.total)];
        for (count, what) in [
            (job.imported, "imported"),
            (job.skipped, "skipped"),
            (job.failed, "failed"),
            (job.removed, "removed"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if job.total == 0 {
            parts = vec!["no refs yet".to_owned()];
        }
        Self {
            done,
            total: job.total,
            words: parts.join(", "),
        }
    }
}

/// What a job is about, in a word or two.
fn about_of(job: &JobRow) -> String {
    let name = job.package.clone().or_else(|| job.project.clone());
    name.unwrap_or_else(|| "a project of a host".to_owned())
}

/// What the script is told: a sentence for who cannot see, the part of the page, and whether it is over.
fn live_reply(words: &str, html: &str, is_over: bool) -> Reply {
    let answer = json!({"words": words, "html": html, "is_over": is_over});
    Reply::json(200, &answer).with("x-content-type-options", "nosniff")
}
