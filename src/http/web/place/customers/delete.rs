//! A customer is deleted, by who types its name.

use serde_json::json;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::ask::Asking;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::place::customers::{address, find_to_change, list_address, shell_below};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;
use crate::store::customers::Customer;

/// Asks whether it is meant.
pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let customer = find_to_change(app, place, id).await?;
    render(app, visit, place, &customer, None)
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    customer: &Customer,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let back = address(place, &customer.id);
    let shell = shell_below(app, visit, place, customer, "Delete the customer")?;
    Asking::of(sent)
        .field(Field::text("confirm", "Its name").hint(format!("Type {}", customer.name)))
        .page(shell, format!("{back}/delete"), "Delete it for good", back)
        .note(
            "Its grants go with it and its tokens are refused from then on. What it installed stays counted. This cannot be \
             undone; to keep it out for a while, suspend it.",
        )
        .dangerous()
        .reply()
}

/// Deletes it.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let customer = find_to_change(app, place, id).await?;
    let path = format!("/customers/{}", encoded(id));
    let body = json!({"confirm": form.text("confirm")});
    let answer = place.ask(app, visit, "DELETE", &path, Some(&body)).await;
    match answer {
        Ok(_) => Ok(visit.go_on(
            &list_address(place),
            &format!("{} is deleted", customer.name),
        )),
        Err(error) => {
            Faults::of(error)?;
            let mut faults = Faults::none();
            faults.add("confirm", "This is not its name");
            render(app, visit, place, &customer, Some((&form, &faults)))
        }
    }
}
