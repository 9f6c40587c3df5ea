//! Messages that the queue gave up on: why, and what to do with each.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::jobs::letters_of;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::jobs::list_address;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::dead_letters::list_dead_letters;

struct ShownLetter {
    id: i64,
    message: String,
    reason: String,
    received: Moment,
}

#[derive(Template)]
#[template(path = "place/jobs/letters.html")]
struct LettersPage {
    shell: Shell,
    jobs: String,
    imports: String,
    address: String,
    letters: Vec<ShownLetter>,
    first: Option<String>,
    next: Option<String>,
    may_change: bool,
}

/// Where they are.
pub(super) fn address(place: &Place) -> String {
    format!("/ui/{}/jobs/dead-letters", place.organisation.slug)
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let asked = Page::of(&visit.request)?;
    let owner = letters_of(&place.principal, &place.organisation);
    let (before, rows) = (asked.after_number()?, asked.rows());
    let mut letters = list_dead_letters(app, owner, before, rows).await?;
    let next = asked.cut(&mut letters, |last| last.id.to_string());
    let (jobs, here) = (list_address(place), address(place));
    let crumbs = vec![Crumb::new("Jobs", jobs.clone())];
    let shell = visit.shell_at(app, Section::Jobs, "Dead letters", crumbs)?;
    page(&LettersPage {
        shell,
        imports: format!("{jobs}/imports"),
        letters: letters
            .into_iter()
            .map(|letter| ShownLetter {
                id: letter.id,
                message: letter.message,
                reason: letter.reason,
                received: Moment::of(letter.received_at),
            })
            .collect(),
        first: asked.after().map(|_| here.clone()),
        next: next.map(|cursor| with_query(&here, &[("cursor", cursor.as_str())])),
        may_change: place.may(Ability::ManagePackages),
        address: here,
        jobs,
    })
}
