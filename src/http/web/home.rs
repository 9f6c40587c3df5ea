//! Where somebody begins, and whether pages are light or dark.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::shell::{Shell, Theme};
use crate::http::web::visit::{Visit, redirect};
use crate::store::logins::Membership;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    organisations: Vec<Membership>,
}

/// Leads to the organisation of who belongs to one alone, and lists them for others; strangers come to the sign-in.
pub(super) async fn go(app: &App, visit: &mut Visit) -> Result<Reply> {
    let person = visit.person(app).await?;
    let organisations = person.memberships();
    if let [only] = organisations.as_slice() {
        return Ok(redirect(&format!("/ui/{}", only.slug)));
    }
    let shell = visit.shell(app, "Organisations")?;
    page(&HomePage {
        shell,
        organisations,
    })
}

/// Remembers light or dark, and goes back to where the choice was made.
pub(super) async fn set_theme(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    visit.set_theme(Theme::read(form.optional("theme")));
    Ok(redirect(form.text("back")))
}
