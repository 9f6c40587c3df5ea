//! What is done to a token that is there: had anew, ended.

use serde_json::json;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::tokens::find_readable;
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::form::Faults;
use crate::http::web::lists::lead_on;
use crate::http::web::page::page;
use crate::http::web::place::tokens::show::{may, show_made};
use crate::http::web::place::tokens::{address, caller};
use crate::http::web::shell::{Crumb, Section};
use crate::http::web::visit::{Place, Visit};

/// Puts a new token in the place of one, and shows it once.
pub(super) async fn rotate(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let hours: i64 = form.text("overlap_hours").parse().unwrap_or(-1);
    let path = format!("/tokens/{id}/rotate");
    let body = json!({"overlap_hours": hours});
    match place.ask(app, visit, "POST", &path, Some(&body)).await {
        Ok(made) => show_made(app, visit, place, &made).await,
        Err(error) => {
            let faults = Faults::of(error)?.besides(&[]).join(". ");
            Ok(visit.go_back(&format!("{}/{id}", address(place)), &faults))
        }
    }
}

/// Asks whether a token is to end.
pub(super) async fn ask(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let row = find_readable(app, &caller(place, true), &place.organisation, id).await?;
    if !may(place, &row).1 {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "This token was revoked already, or is not yours to revoke",
        ));
    }
    let here = format!("{}/{id}", address(place));
    let crumbs = vec![
        Crumb::new("Tokens", address(place)),
        Crumb::new(&row.name, here.clone()),
    ];
    page(&AskTwice {
        shell: visit.shell_at(app, Section::Tokens, "Revoke this token?", crumbs)?,
        consequences: vec![
            format!(
                "“{}” is refused everywhere within ten seconds. Whatever uses it can install nothing any more until it has \
                 another one.",
                row.name
            ),
            "It cannot be taken back.".to_owned(),
        ],
        action: format!("{here}/revoke"),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Revoke it".to_owned(),
        back: here,
    })
}

/// Ends a token.
pub(super) async fn revoke(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/tokens/{id}");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let to = address(place);
    lead_on(visit, &to, answer, "The token is revoked")
}
