//! Another secret for a connection's webhooks, shown once.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::form::Faults;
use crate::http::web::page::page;
use crate::http::web::place::connections::{address, crumbs, load};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};

/// The new one, once it is there.
struct Replaced {
    secret: String,
    signing_token: Option<String>,
    /// Webhooks that are being given it.
    hooks: u64,
    /// Where it has to be set by hand, and why.
    by_hand: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "place/connections/secret.html")]
struct SecretPage {
    shell: Shell,
    address: String,
    replaced: Option<Replaced>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    render(app, visit, place, id, None).await
}

pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/connections/{id}/webhook-secret");
    let made = match place.ask(app, visit, "POST", &path, Some(&json!({}))).await {
        Ok(made) => made,
        Err(error) => {
            let said = Faults::of(error)?.besides(&[]).join(". ");
            return Ok(visit.go_back(&format!("{}/hooks", address(place, id)), &said));
        }
    };
    let text = |value: &Value, key: &str| {
        let found = value.get(key).and_then(Value::as_str);
        found.map(str::to_owned)
    };
    let by_hand = made.get("by_hand").and_then(Value::as_array);
    let replaced = Replaced {
        secret: text(&made, "secret").unwrap_or_default(),
        signing_token: text(&made, "signing_token"),
        hooks: made
            .get("hooks")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        by_hand: by_hand
            .into_iter()
            .flatten()
            .filter_map(|one| Some((text(one, "name")?, text(one, "reason")?)))
            .collect(),
    };
    render(app, visit, place, id, Some(replaced)).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    replaced: Option<Replaced>,
) -> Result<Reply> {
    let (summary, _) = load(app, place, id, false).await?;
    let crumbs = crumbs(place, &summary);
    let shell = visit.shell_at(app, Section::Connections, "Secret of the webhooks", crumbs)?;
    page(&SecretPage {
        shell,
        address: address(place, id),
        replaced,
    })
}
