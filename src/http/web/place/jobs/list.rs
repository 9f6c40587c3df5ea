//! The jobs of an organisation, and what needs a person.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::jobs::letters_of;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections;
use crate::http::web::place::jobs::{
    Progress, about_of, job_address, letters, list_address, state_class,
};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::job_pages::load_jobs;
use crate::store::jobs::{JobFilter, JobRow, NEEDS_A_PERSON};

const STATES: [(&str, &str); 8] = [
    ("", "All"),
    (NEEDS_A_PERSON, "Needs a person"),
    ("queued", "Queued"),
    ("running", "Running"),
    ("publishing", "Publishing"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
];

const KINDS: [(&str, &str); 3] = [
    ("", "All"),
    ("sync", "Comparison with the host"),
    ("discover", "Look at a new project"),
];

struct ShownJob {
    href: String,
    about: String,
    kind: &'static str,
    state: String,
    class: &'static str,
    progress: Progress,
    message: Option<String>,
    cause: String,
    created: Moment,
}

struct ShownWithheld {
    name: String,
    reason: String,
    connection: String,
    since: Moment,
}

#[derive(Template)]
#[template(path = "place/jobs/list.html")]
struct JobsPage {
    shell: Shell,
    address: String,
    imports: String,
    letters: String,
    connections: Option<String>,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    about: Field,
    is_filtered: bool,
    dead_letters: i64,
    withheld: Vec<ShownWithheld>,
    jobs: Vec<ShownJob>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (state, kind, about) = (given("state"), given("kind"), given("about"));
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let parts = (filled(&state), filled(&kind), filled(&about));
    let filter = JobFilter {
        state: parts.0.as_deref(),
        kind: parts.1.as_deref(),
        about: parts.2.as_deref(),
    };
    let asked = Page::of(&visit.request)?;
    let owner = letters_of(&place.principal, &place.organisation);
    let mut shown = load_jobs(app, owner, &filter, asked.after(), asked.rows()).await?;
    let next = asked.cut(&mut shown.jobs, |last| last.id.clone());
    let here = list_address(place);
    let to = |cursor: &str| {
        let query = [
            ("state", state.as_str()),
            ("kind", &kind),
            ("about", &about),
            ("cursor", cursor),
        ];
        with_query(&here, &query)
    };
    let (first, next) = (asked.after().map(|_| to("")), next.map(|next| to(&next)));
    let choices = |all: &[(&'static str, &'static str)], chosen: &str| -> Vec<_> {
        let each = all.iter();
        each.map(|(value, label)| Choice::new(*value, *label, chosen))
            .collect()
    };
    let is_bare = filter == JobFilter::default() && asked.after().is_none();
    let needs_a_person = state == NEEDS_A_PERSON || is_bare;
    let shell = visit.shell_at(app, Section::Jobs, "Jobs", Vec::new())?;
    page(&JobsPage {
        shell,
        imports: format!("{here}/imports"),
        letters: letters::address(place),
        connections: place
            .may_read(Ability::ManageHooks)
            .then(|| connections::list_address(place)),
        states: choices(&STATES, &state),
        kinds: choices(&KINDS, &kind),
        about: Field::text("about", "Package or project")
            .optional()
            .value(about.clone()),
        is_filtered: !is_bare,
        dead_letters: shown.dead_letters,
        withheld: shown
            .withheld
            .into_iter()
            .filter(|_| needs_a_person)
            .map(|one| ShownWithheld {
                name: one.full_name,
                reason: one.reason.unwrap_or_default(),
                connection: connections::address(place, &one.connection_id),
                since: Moment::of(one.withheld_at),
            })
            .collect(),
        jobs: shown.jobs.iter().map(|job| show_job(place, job)).collect(),
        first,
        next,
        address: here,
    })
}

fn show_job(place: &Place, job: &JobRow) -> ShownJob {
    ShownJob {
        href: job_address(place, &job.id),
        about: about_of(job),
        kind: kind_words(&job.kind),
        class: state_class(&job.state),
        state: job.state.clone(),
        progress: Progress::of(job),
        message: job.message.clone(),
        cause: job.cause.clone(),
        created: Moment::of(job.created_at),
    }
}

/// A kind of job in words.
pub(super) fn kind_words(kind: &str) -> &'static str {
    let found = KINDS.iter().find(|(known, _)| *known == kind);
    found.map_or("Work", |(_, words)| words)
}
