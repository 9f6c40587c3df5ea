//! The revisions of a repository, the newest first.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::revisions::address;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::revisions::find_history;

/// A revision as a row.
struct ShownRevision {
    number: i64,
    href: String,
    past: String,
    time: Moment,
    cause: String,
    is_head: bool,
}

#[derive(Template)]
#[template(path = "place/revisions/list.html")]
struct ListPage {
    shell: Shell,
    slug: String,
    compare: String,
    from: Field,
    to: Field,
    revisions: Vec<ShownRevision>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, slug: &str) -> Result<Reply> {
    let cursor = Page::of(&visit.request)?;
    let before = cursor.after_number()?.unwrap_or(i64::MAX >> 11);
    let organisation = &place.organisation.slug;
    let (repository, mut rows) = find_history(app, organisation, slug, before, cursor.rows())
        .await?
        .ok_or_else(|| missing("repository"))?;
    let base = address(place, &repository.slug);
    let next = cursor
        .cut(&mut rows, |last| last.number.to_string())
        .map(|next| with_query(&base, &[("cursor", &next)]));
    let head = repository.head.revision;
    let number = |name, label, number: i64| {
        Field {
            kind: "number",
            ..Field::text(name, label)
        }
        .value(number.to_string())
    };
    let crumbs = vec![Crumb::new(
        "Packages",
        format!("/ui/{}/packages", place.organisation.slug),
    )];
    let title = format!("History of {}", repository.slug);
    page(&ListPage {
        shell: visit.shell_at(app, Section::Packages, &title, crumbs)?,
        compare: format!("{base}/compare"),
        from: number("from", "From revision", head.saturating_sub(1).max(0)),
        to: number("to", "To revision", head),
        first: cursor.after().map(|_| base.clone()),
        next,
        revisions: rows
            .into_iter()
            .map(|revision| ShownRevision {
                href: format!("{base}/{}", revision.number),
                past: format!("{base}/{}/packages", revision.number),
                time: Moment::of(revision.time),
                cause: revision.cause,
                is_head: revision.number == head,
                number: revision.number,
            })
            .collect(),
        slug: repository.slug,
    })
}
