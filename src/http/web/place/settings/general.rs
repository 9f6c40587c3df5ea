//! What an organisation is called, whom to ask, and who manages it.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page_with};
use crate::http::web::place::settings::{Tab, address, tabs};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};

#[derive(Template)]
#[template(path = "place/settings/general.html")]
struct GeneralPage {
    shell: Shell,
    address: String,
    tabs: Vec<Tab>,
    may_change: bool,
    slug: String,
    made: Moment,
    parent: Option<String>,
    is_managed: bool,
    name: Field,
    contact: Field,
    faults: Vec<String>,
}

pub(super) fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::Own, true)?;
    render(app, visit, place, None)
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let organisation = &place.organisation;
    let fill = |field: Field| match sent {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    };
    let is_managed = match sent {
        Some((form, _)) => form.is_ticked("managed_by_parent"),
        None => organisation.managed_by_parent != 0,
    };
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &GeneralPage {
            shell: visit.shell_at(app, Section::Settings, "Settings", Vec::new())?,
            address: address(place),
            tabs: tabs(place, "General"),
            may_change: place.may(Ability::Own),
            slug: organisation.slug.clone(),
            made: Moment::of(organisation.created_at),
            parent: organisation.parent.clone(),
            is_managed,
            name: fill(Field::text("name", "Name").value(organisation.name.clone())),
            contact: fill(
                Field::text("contact", "Whom to ask")
                    .optional()
                    .value(organisation.contact.clone().unwrap_or_default())
                    .hint(
                        "One line, such as: Write to licences@example.com. Composer prints it to whoever gets nothing any more",
                    ),
            ),
            faults: sent.map_or_else(Vec::new, |(_, faults)| {
                faults.besides(&["name", "contact"])
            }),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (name, contact) = (form.text("name"), form.optional("contact"));
    let asked = if place.organisation.parent_id.is_some() {
        let is_managed = form.is_ticked("managed_by_parent");
        json!({"name": name, "contact": contact, "managed_by_parent": is_managed})
    } else {
        json!({"name": name, "contact": contact})
    };
    match place.ask(app, visit, "PATCH", "", Some(&asked)).await {
        Ok(_) => Ok(visit.go_on(&address(place), "Saved")),
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, Some((&form, &faults)))
        }
    }
}
