//! What the queue gave up on, of all organisations: to be tried again or dropped.

use askama::Template;

use super::{ADDRESS, shell};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::lists::lead_on;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::http::web::ways::with_query;
use crate::store::instance::list_letters;

struct ShownLetter {
    id: i64,
    organisation: Option<String>,
    message: String,
    reason: String,
    came: Moment,
}

#[derive(Template)]
#[template(path = "instance/letters.html")]
struct LettersPage {
    shell: Shell,
    address: String,
    letters: Vec<ShownLetter>,
    first: Option<String>,
    next: Option<String>,
}

fn address() -> String {
    format!("{ADDRESS}/dead-letters")
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let at = Page::of(&visit.request)?;
    let mut rows = list_letters(app, at.after_number()?, at.rows()).await?;
    let next = at.cut(&mut rows, |last| last.id.to_string());
    let letters = rows
        .into_iter()
        .map(|row| ShownLetter {
            id: row.id,
            organisation: row.organisation,
            message: row.message,
            reason: row.reason,
            came: Moment::of(row.received_at),
        })
        .collect();
    let here = address();
    page(&LettersPage {
        shell: shell(app, visit, "Dead letters", Vec::new())?,
        letters,
        first: at.after().map(|_| here.clone()),
        next: next.map(|cursor| with_query(&here, &[("cursor", &cursor)])),
        address: here,
    })
}

/// Sends one once more, or drops it.
pub(super) async fn act(app: &App, visit: &mut Visit, is_retry: bool) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    // What is nobody's is found by the owner with any organisation.
    let organisation = match form.optional("organisation") {
        Some(slug) => slug.to_owned(),
        None => owner
            .person
            .memberships()
            .into_iter()
            .next()
            .map(|one| one.slug)
            .ok_or_else(|| Error::not_found("There is no organisation"))?,
    };
    let path = format!("/orgs/{organisation}/dead-letters/{}", form.text("id"));
    let (method, path, said) = if is_retry {
        ("POST", format!("{path}/retry"), "It is on its way again")
    } else {
        ("DELETE", path, "It is dropped")
    };
    let answer = owner.ask(app, visit, method, &path, None).await;
    lead_on(visit, &address(), answer, said)
}
