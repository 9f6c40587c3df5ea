//! A collection is made, named, deleted.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::place::collections::{
    address, api_path, crumbs, find_to_change, list_address, shell_below,
};
use crate::http::web::place::terms::{Terms, read_limits, read_packages};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::collections::Collection;

fn fields<'a>(asking: Asking<'a>, known: Option<&Collection>) -> Asking<'a> {
    let description = known.and_then(|known| known.description.clone());
    asking
        .field(
            Field::text("name", "Name")
                .value(known.map_or("", |known| &known.name))
                .hint("Such as: Pro"),
        )
        .field(
            Field::lines("description", "Description")
                .optional()
                .value(description.unwrap_or_default())
                .hint("For the people of your organisation"),
        )
}

fn page_of_new(shell: Shell, place: &Place, sent: Option<(&Form, &Faults)>) -> AskPage {
    let list = list_address(place);
    let none = Terms::default();
    let asking = fields(Asking::of(sent), None).field(none.packages_field().optional());
    none.ask(asking)
        .page(shell, format!("{list}/new"), "Make the collection", list)
        .note("More packages, with other limits, are added on its page.")
}

fn shell_of_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Shell> {
    let mut above = crumbs(place);
    above.push(Crumb::new("Collections", list_address(place)));
    visit.shell_at(app, Section::Customers, "New collection", above)
}

/// Asks what is to be in the new one.
pub(super) fn show_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, false)?;
    let shell = shell_of_new(app, visit, place)?;
    page_of_new(shell, place, None).reply()
}

/// Makes it.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let packages = read_packages(&form);
    let mut items = Vec::new();
    if packages.as_array().is_some_and(|names| !names.is_empty()) {
        let mut item = read_limits(&form, &Terms::default());
        item.insert("packages".to_owned(), packages);
        items.push(Value::Object(item));
    }
    let asked = json!({
        "name": form.text("name"),
        "description": form.optional("description"),
        "items": items,
    });
    let answer = place
        .ask(app, visit, "POST", "/collections", Some(&asked))
        .await;
    match answer {
        Ok(made) => {
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            let said = "The collection is there. Grant it on the page of a customer";
            Ok(visit.go_on(&address(place, id), said))
        }
        Err(error) => {
            let faults = Faults::of(error)?.below("items.0");
            let shell = shell_of_new(app, visit, place)?;
            page_of_new(shell, place, Some((&form, &faults))).reply()
        }
    }
}

fn page_of_known(
    shell: Shell,
    place: &Place,
    known: &Collection,
    sent: Option<(&Form, &Faults)>,
) -> AskPage {
    let back = address(place, &known.id);
    fields(Asking::of(sent), Some(known)).page(shell, format!("{back}/edit"), "Save", back)
}

/// Shows name and description, to be changed.
pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let known = find_to_change(app, place, id).await?;
    let shell = shell_below(app, visit, place, &known, "Change its name")?;
    page_of_known(shell, place, &known, None).reply()
}

/// Changes them.
pub(super) async fn change(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let known = find_to_change(app, place, id).await?;
    let asked = json!({
        "name": form.text("name"),
        "description": form.optional("description"),
    });
    let answer = place
        .ask(app, visit, "PATCH", &api_path(id), Some(&asked))
        .await;
    match answer {
        Ok(_) => Ok(visit.go_on(&address(place, id), "Saved")),
        Err(error) => {
            let faults = Faults::of(error)?;
            let shell = shell_below(app, visit, place, &known, "Change its name")?;
            page_of_known(shell, place, &known, Some((&form, &faults))).reply()
        }
    }
}

fn page_of_delete(
    shell: Shell,
    place: &Place,
    known: &Collection,
    sent: Option<(&Form, &Faults)>,
) -> AskPage {
    let back = address(place, &known.id);
    let mut asking = Asking::of(sent)
        .field(Field::text("confirm", "Its name").hint(format!("Type {}", known.name)));
    if known.grants > 0 {
        asking = asking.tick(
            "grants",
            "Take back the grants of it as well",
            "Whoever has it sees its packages no more, unless another grant names them",
            false,
        );
    }
    let page = asking.page(shell, format!("{back}/delete"), "Delete it for good", back);
    let page = match known.grants {
        0 => page.note("Nobody has it, so nobody sees any less."),
        grants => page.note(format!("It is used by {grants} of the grants.")),
    };
    page.dangerous()
}

/// Asks whether it is meant.
pub(super) async fn show_delete(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let known = find_to_change(app, place, id).await?;
    let shell = shell_below(app, visit, place, &known, "Delete the collection")?;
    page_of_delete(shell, place, &known, None).reply()
}

/// Deletes it.
pub(super) async fn delete(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let known = find_to_change(app, place, id).await?;
    let mut faults = Faults::none();
    if form.text("confirm") == known.name {
        let with_grants = if form.is_ticked("grants") {
            "?grants=remove"
        } else {
            ""
        };
        let path = format!("{}{with_grants}", api_path(id));
        match place.ask(app, visit, "DELETE", &path, None).await {
            Ok(_) => {
                let said = format!("{} is deleted", known.name);
                return Ok(visit.go_on(&list_address(place), &said));
            }
            Err(error) => {
                Faults::of(error)?;
                faults.add(
                    "",
                    "Grants use it: tick that they are to be taken back, or change them first",
                );
            }
        }
    } else {
        faults.add("confirm", "This is not its name");
    }
    let shell = shell_below(app, visit, place, &known, "Delete the collection")?;
    page_of_delete(shell, place, &known, Some((&form, &faults))).reply()
}
