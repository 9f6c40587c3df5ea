//! One job: how far it is, and what became of each ref.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::field::Choice;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::jobs::list::kind_words;
use crate::http::web::place::jobs::{
    Progress, about_of, is_under_way, job_address, list_address, live_reply, state_class,
};
use crate::http::web::place::packages;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::job_pages::load_job;
use crate::store::job_refs::JobRef;
use crate::store::jobs::JobRow;

const STATES: [(&str, &str); 6] = [
    ("", "All"),
    ("waiting", "Waiting"),
    ("imported", "Imported"),
    ("skipped", "Skipped"),
    ("failed", "Failed"),
    ("removed", "Removed"),
];

struct ShownRef {
    name: String,
    commit: String,
    state: String,
    class: &'static str,
    version: Option<String>,
    reason: Option<String>,
    attempts: i64,
}

impl ShownRef {
    fn of(known: JobRef) -> Self {
        let name = known.name.strip_prefix("refs/").unwrap_or(&known.name);
        Self {
            name: name.to_owned(),
            commit: known.commit.chars().take(10).collect(),
            class: state_class(&known.state),
            state: known.state,
            version: known.version,
            reason: known.reason,
            attempts: known.attempts,
        }
    }
}

/// What changes while a job is under way.
struct Part {
    address: String,
    state: String,
    class: &'static str,
    progress: Progress,
    message: Option<String>,
    package: Option<(String, String)>,
    project: Option<String>,
    kind: &'static str,
    cause: String,
    created: Moment,
    started: Option<Moment>,
    finished: Option<Moment>,
    refs: Vec<ShownRef>,
    is_filtered: bool,
    first: Option<String>,
    next: Option<String>,
    is_under_way: bool,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "place/jobs/show.html")]
struct JobPage {
    shell: Shell,
    script: &'static str,
    /// Where the page is, with what it was asked for: for who has no script.
    again: String,
    live: String,
    states: Vec<Choice>,
    part: Part,
}

#[derive(Template)]
#[template(path = "place/jobs/part.html")]
struct JobPart {
    shell: Shell,
    part: Part,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (job, part) = read(app, visit, place, id).await?;
    let state = visit.request.query_parameter("show").unwrap_or_default();
    let cursor = visit.request.query_parameter("cursor").unwrap_or_default();
    let query = [("show", state.as_str()), ("cursor", &cursor)];
    let crumbs = vec![Crumb::new("Jobs", list_address(place))];
    let shell = visit.shell_at(app, Section::Jobs, &about_of(&job), crumbs)?;
    page(&JobPage {
        shell,
        script: assets::address("live.js"),
        again: with_query(&part.address, &query),
        live: with_query(&format!("{}/live", part.address), &query),
        states: STATES
            .into_iter()
            .map(|(value, label)| Choice::new(value, label, &state))
            .collect(),
        part,
    })
}

/// The part of the page that changes, for the script.
pub(super) async fn live(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (_, part) = read(app, visit, place, id).await?;
    let words = format!("{}: {}", part.state, part.progress.words);
    let is_over = !part.is_under_way;
    let shell = visit.shell(app, "")?;
    let html = JobPart { shell, part }.render().map_err(Error::internal)?;
    Ok(live_reply(&words, &html, is_over))
}

async fn read(app: &App, visit: &Visit, place: &Place, id: &str) -> Result<(JobRow, Part)> {
    let state = visit.request.query_parameter("show").unwrap_or_default();
    let only = Some(state.as_str()).filter(|state| !state.is_empty());
    let asked = Page::of(&visit.request)?;
    let after = asked.after().unwrap_or_default();
    let found = load_job(app, id, only, after, asked.rows()).await?;
    let (job, mut refs) = found
        .filter(|(job, _)| job.organisation_id == place.organisation.id)
        .ok_or_else(|| missing("job"))?;
    let next = asked.cut(&mut refs, |last| last.name.clone());
    let address = job_address(place, id);
    let to = |cursor: &str| with_query(&address, &[("show", state.as_str()), ("cursor", cursor)]);
    let is_under_way = is_under_way(&job.state);
    let part = Part {
        state: job.state.clone(),
        class: state_class(&job.state),
        progress: Progress::of(&job),
        message: job.message.clone(),
        package: job
            .package
            .clone()
            .map(|name| (packages::address(place, &name), name)),
        project: job.project.clone(),
        kind: kind_words(&job.kind),
        cause: job.cause.clone(),
        created: Moment::of(job.created_at),
        started: job.started_at.map(Moment::of),
        finished: job.finished_at.map(Moment::of),
        refs: refs.into_iter().map(ShownRef::of).collect(),
        is_filtered: only.is_some() || asked.after().is_some(),
        first: asked.after().map(|_| to("")),
        next: next.map(|next| to(&next)),
        is_under_way,
        may_change: place.may(Ability::ManagePackages),
        address,
    };
    Ok((job, part))
}
