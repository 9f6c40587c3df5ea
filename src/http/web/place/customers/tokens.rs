//! The tokens of a customer: made, replaced, revoked. A token is shown once, in the answer to the form itself.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page;
use crate::http::web::place::customers::{address, find_to_change, lead_back, shell_below, show};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, list_typed, moment_typed};
use crate::store::customer_tokens::{CustomerTokenRow, list_customer_tokens};
use crate::store::customers::Customer;

#[derive(Template)]
#[template(path = "place/customers/token.html")]
struct TokenPage {
    shell: Shell,
    customer: String,
    back: String,
    token: String,
    /// What the customer types.
    commands: String,
    /// The customer's own page.
    own_page: String,
    /// What is said of a token that this one replaces.
    old: Option<&'static str>,
}

/// Shows a token, this once.
fn show_once(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    customer: &Customer,
    answer: &Value,
    old: Option<&'static str>,
) -> Result<Reply> {
    let token = answer.get("token").and_then(Value::as_str);
    let token = token.unwrap_or_default().to_owned();
    let public_url = &app.config.public_url;
    let host = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    page(&TokenPage {
        shell: shell_below(app, visit, place, customer, "A new token")?,
        customer: customer.name.clone(),
        back: address(place, &customer.id),
        commands: format!("composer config --global --auth http-basic.{host} token {token}"),
        own_page: format!("{public_url}/ui/customer"),
        token,
        old,
    })
}

fn read(form: &Form) -> Value {
    let networks = list_typed(form.raw("networks"));
    let networks = (!networks.is_empty()).then_some(networks);
    json!({
        "name": form.text("token_name"),
        "networks": networks,
        "expires_at": moment_typed(form.optional("token_expires_at"), None, true),
    })
}

/// Makes one.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let customer = find_to_change(app, place, id).await?;
    let path = format!("/customers/{}/tokens", encoded(id));
    let answer = place
        .ask(app, visit, "POST", &path, Some(&read(&form)))
        .await;
    match answer {
        Ok(made) => show_once(app, visit, place, &customer, &made, None),
        Err(error) => {
            let faults = Faults::of(error)?;
            show::show_with(app, visit, place, id, Some((&form, &faults))).await
        }
    }
}

/// A token of this customer; that of somebody else is none.
async fn find(
    app: &App,
    place: &Place,
    customer: &Customer,
    token: &str,
) -> Result<CustomerTokenRow> {
    let tokens = list_customer_tokens(app, place.organisation.id, &customer.id).await?;
    let found = tokens.into_iter().find(|known| known.id == token);
    found.ok_or_else(|| missing("token"))
}

/// Puts a new one in the place of one, which goes on for a day.
pub(super) async fn rotate(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    token: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let customer = find_to_change(app, place, id).await?;
    find(app, place, &customer, token).await?;
    let path = format!("/tokens/{}/rotate", encoded(token));
    let answer = place.ask(app, visit, "POST", &path, Some(&json!({}))).await;
    match answer {
        Ok(made) => {
            let old = Some("The token that it replaces goes on for 24 hours.");
            show_once(app, visit, place, &customer, &made, old)
        }
        Err(error) => lead_back::<()>(visit, place, id, Err(error), ""),
    }
}

/// Asks whether one is to end.
pub(super) async fn ask(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    token: &str,
) -> Result<Reply> {
    let customer = find_to_change(app, place, id).await?;
    let found = find(app, place, &customer, token).await?;
    let back = address(place, id);
    page(&AskTwice {
        shell: shell_below(app, visit, place, &customer, "Revoke this token?")?,
        consequences: vec![
            format!(
                "“{}” is refused everywhere within ten seconds. Whatever {} uses it for can install nothing any more until it \
                 has another one. To give it one first, replace it.",
                found.name, customer.name
            ),
            "It cannot be taken back.".to_owned(),
        ],
        action: format!("{back}/tokens/{}/revoke", encoded(token)),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Revoke it".to_owned(),
        back,
    })
}

/// Revokes one.
pub(super) async fn revoke(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    token: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/customers/{}/tokens/{}", encoded(id), encoded(token));
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let said = "The token is revoked. Within ten seconds it is refused everywhere";
    lead_back(visit, place, id, answer, said)
}
