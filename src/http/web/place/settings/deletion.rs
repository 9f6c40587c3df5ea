//! The end of an organisation: suspended first, so that whoever still uses it notices, then deleted by who types its name.
//! Both are for the owner of the instance.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::is_owner;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::settings::{Tab, address, lead_back, tabs};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};

#[derive(Template)]
#[template(path = "place/settings/deletion.html")]
struct DeletionPage {
    shell: Shell,
    settings: String,
    tabs: Vec<Tab>,
    name: String,
    is_owner: bool,
    is_suspended: bool,
    is_being_deleted: bool,
    why: String,
    reason: Field,
    confirm: Field,
    faults: Vec<String>,
}

#[expect(clippy::unused_async, reason = "a page as all others")]
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::Own, true)?;
    let organisation = &place.organisation;
    let mut confirm =
        Field::text("confirm", "Its name in addresses").hint(format!("Type {}", organisation.slug));
    if let Some((form, faults)) = sent {
        confirm = confirm.typed(form, faults);
    }
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &DeletionPage {
            shell: visit.shell_at(app, Section::Settings, "Deletion", Vec::new())?,
            settings: address(place),
            tabs: tabs(place, "Deletion"),
            name: organisation.name.clone(),
            is_owner: is_owner(&place.principal),
            is_suspended: organisation.suspended_at.is_some(),
            is_being_deleted: organisation.deleted_at.is_some(),
            why: organisation.suspended_for.clone().unwrap_or_default(),
            reason: Field::text("reason", "Why")
                .optional()
                .hint("One line; Composer prints it to whoever uses it"),
            confirm,
            faults: sent.map_or_else(Vec::new, |(_, faults)| faults.besides(&["confirm"])),
        },
    )
}

/// Suspends the organisation, or has it go on.
pub(super) async fn suspend(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (asked, said) = if form.text("state") == "suspended" {
        (
            json!({"state": "suspended", "reason": form.optional("reason")}),
            "The organisation is suspended: nobody gets anything, and nothing begins",
        )
    } else {
        (json!({"state": "active"}), "The organisation goes on")
    };
    let answer = place.ask(app, visit, "PATCH", "", Some(&asked)).await;
    let to = format!("{}/deletion", address(place));
    lead_back(visit, &to, answer, said)
}

/// Deletes it.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let slug = &place.organisation.slug;
    let mut faults = Faults::none();
    if form.text("confirm") == slug {
        let body = json!({ "confirm": slug });
        match place.ask(app, visit, "DELETE", "", Some(&body)).await {
            Ok(_) => {
                let said = format!("{slug} is being deleted; it takes some minutes");
                return Ok(visit.go_on("/ui", &said));
            }
            Err(error) => faults = Faults::of(error)?,
        }
    } else {
        place.authorise(Ability::Own, false)?;
        faults.add("confirm", "This is not its name");
    }
    show(app, visit, place, Some((&form, &faults))).await
}
