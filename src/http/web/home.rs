//! Where somebody begins, and whether pages are light or dark.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::shell::{Shell, Theme};
use crate::http::web::visit::{Visit, redirect};
use crate::http::web::ways::with_query;
use crate::store::logins::{Membership, list_memberships};

const HERE: &str = "/ui";
/// So many organisations are on a page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    organisations: Vec<Membership>,
    first: Option<String>,
    next: Option<String>,
}

/// Leads to the organisation of who belongs to one alone, and lists them for others; strangers come to the sign-in.
pub(super) async fn go(app: &App, visit: &mut Visit) -> Result<Reply> {
    let person = visit.person(app).await?;
    if let [only] = person.memberships().as_slice() {
        return Ok(redirect(&format!("/ui/{}", only.slug)));
    }
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let after = cut.after().and_then(|key| {
        // A slug has no line breaks; a name might.
        let (slug, name) = key.split_once('\n')?;
        Some(Membership {
            slug: slug.to_owned(),
            name: name.to_owned(),
        })
    });
    let mut organisations =
        list_memberships(app, &person.login, after.as_ref(), cut.rows()).await?;
    let next = cut.cut(&mut organisations, |last| {
        format!("{}\n{}", last.slug, last.name)
    });
    let shell = visit.shell(app, "Organisations")?;
    page(&HomePage {
        shell,
        organisations,
        first: cut.after().map(|_| HERE.to_owned()),
        next: next.map(|cursor| with_query(HERE, &[("cursor", &cursor)])),
    })
}

/// Remembers light or dark, and goes back to where the choice was made.
pub(super) async fn set_theme(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    visit.set_theme(Theme::read(form.optional("theme")));
    Ok(redirect(form.text("back")))
}
