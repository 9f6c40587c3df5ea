//! A customer is made, and changed: who it is, and whether it gets anything.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::time::day;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::place::customers::{
    address, find_to_change, lead_back, list_address, shell_below,
};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, moment_typed};
use crate::store::customers::Customer;

fn fields<'a>(asking: Asking<'a>, known: Option<&Customer>) -> Asking<'a> {
    let text =
        |read: fn(&Customer) -> Option<&String>| known.and_then(read).cloned().unwrap_or_default();
    let ends = known.and_then(|known| known.expires_at).map(day);
    asking
        .field(Field::text("name", "Name").value(text(|known| Some(&known.name))))
        .field(
            Field {
                kind: "email",
                ..Field::text("email", "E-mail")
            }
            .optional()
            .value(text(|known| known.email.as_ref()))
            .hint("Where it can be written to; nothing is sent there by itself"),
        )
        .field(
            Field::text("external_id", "Number in your shop")
                .optional()
                .value(text(|known| known.external_id.as_ref()))
                .hint("By it your shop finds the customer again"),
        )
        .field(
            Field {
                kind: "date",
                ..Field::text("expires_at", "Ends on")
            }
            .optional()
            .value(ends.unwrap_or_default())
            .hint("After this day (UTC) it gets nothing more, but for what its grants leave it"),
        )
        .field(
            Field::lines("notes", "Notes")
                .optional()
                .value(text(|known| known.notes.as_ref()))
                .hint("For the people of your organisation; the customer never sees them"),
        )
}

fn read(form: &Form, known: Option<&Customer>) -> Value {
    let ends = known.and_then(|known| known.expires_at);
    json!({
        "name": form.text("name"),
        "email": form.optional("email"),
        "external_id": form.optional("external_id"),
        "expires_at": moment_typed(form.optional("expires_at"), ends, true),
        "notes": form.optional("notes"),
    })
}

fn page_of_new(shell: Shell, place: &Place, sent: Option<(&Form, &Faults)>) -> AskPage {
    let list = list_address(place);
    fields(Asking::of(sent), None).page(shell, format!("{list}/new"), "Make the customer", list)
}

fn shell_of_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Shell> {
    let crumbs = vec![Crumb::new("Customers", list_address(place))];
    visit.shell_at(app, Section::Customers, "New customer", crumbs)
}

/// Asks who the new one is.
pub(super) fn show_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, false)?;
    let shell = shell_of_new(app, visit, place)?;
    page_of_new(shell, place, None).reply()
}

/// Makes it.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = read(&form, None);
    let answer = place
        .ask(app, visit, "POST", "/customers", Some(&asked))
        .await;
    match answer {
        Ok(made) => {
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            let said = "The customer is there. Grant something now, and make a token to hand on";
            Ok(visit.go_on(&address(place, id), said))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let shell = shell_of_new(app, visit, place)?;
            page_of_new(shell, place, Some((&form, &faults))).reply()
        }
    }
}

fn page_of_known(
    shell: Shell,
    place: &Place,
    known: &Customer,
    sent: Option<(&Form, &Faults)>,
) -> AskPage {
    let back = address(place, &known.id);
    fields(Asking::of(sent), Some(known)).page(shell, format!("{back}/edit"), "Save", back)
}

/// Shows what there is, to be changed.
pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let known = find_to_change(app, place, id).await?;
    let shell = shell_below(app, visit, place, &known, "Change")?;
    page_of_known(shell, place, &known, None).reply()
}

/// Changes it.
pub(super) async fn change(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let known = find_to_change(app, place, id).await?;
    let path = format!("/customers/{}", encoded(id));
    let asked = read(&form, Some(&known));
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    match answer {
        Ok(_) => Ok(visit.go_on(&address(place, id), "Saved")),
        Err(error) => {
            let faults = Faults::of(error)?;
            let shell = shell_below(app, visit, place, &known, "Change")?;
            page_of_known(shell, place, &known, Some((&form, &faults))).reply()
        }
    }
}

/// Suspends a customer, freezes it, or has it go on.
pub(super) async fn set_state(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (asked, said) = match form.text("state") {
        "suspended" => (
            json!({"state": "suspended", "reason": form.optional("reason")}),
            "The customer is suspended. Composer tells it why, within ten seconds",
        ),
        "frozen" => (
            json!({"state": "frozen"}),
            "The customer is frozen. It keeps what there is now, and sees nothing newer",
        ),
        state => (
            json!({ "state": state }),
            "The customer goes on, within ten seconds",
        ),
    };
    let path = format!("/customers/{}", encoded(id));
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    lead_back(visit, place, id, answer, said)
}
