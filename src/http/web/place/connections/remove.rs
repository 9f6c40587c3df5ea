//! Removing a connection: what stops working, and the name typed again.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::connections::{
    address, confirmation_of, crumbs, list_address, load, title_of,
};
use crate::http::web::place::packages;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::host_pages::{ConnectionSummary, list_packages_of_connection};

/// Packages that are named; of more the number is told.
const NAMED: i64 = 20;

#[derive(Template)]
#[template(path = "place/connections/remove.html")]
struct RemovePage {
    shell: Shell,
    address: String,
    title: String,
    confirmation: String,
    confirm: Field,
    /// Those that are not synced any more: name and page.
    packages: Vec<(String, String)>,
    more: i64,
    faults: Vec<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (summary, _) = load(app, place, id, false).await?;
    render(app, visit, place, &summary, None).await
}

pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (summary, _) = load(app, place, id, false).await?;
    // The page told which packages stop being synced: whoever sends it means to keep them as they are.
    let body = json!({"confirm": form.text("confirm"), "packages": "keep"});
    let path = format!("/connections/{id}");
    match place.ask(app, visit, "DELETE", &path, Some(&body)).await {
        Ok(_) => {
            let said = format!("{} is connected no more", title_of(&summary));
            Ok(visit.go_on(&list_address(place), &said))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &summary, Some((&form, &faults))).await
        }
    }
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    summary: &ConnectionSummary,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let (names, total) = list_packages_of_connection(app, &summary.id, NAMED).await?;
    let shown = i64::try_from(names.len()).unwrap_or(NAMED);
    let confirmation = confirmation_of(summary);
    let mut confirm = Field::text("confirm", "Type its name to remove it")
        .hint(format!("Exactly so: {confirmation}"));
    if let Some((form, faults)) = typed {
        confirm = confirm.typed(form, faults);
        if confirm.error.is_some() {
            confirm.error = Some("That is not the name of this connection".to_owned());
        }
    }
    let crumbs = crumbs(place, summary);
    let shell = visit.shell_at(app, Section::Connections, "Remove the connection", crumbs)?;
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &RemovePage {
            shell,
            address: address(place, &summary.id),
            title: title_of(summary),
            confirmation,
            confirm,
            packages: names
                .into_iter()
                .map(|name| (packages::address(place, &name), name))
                .collect(),
            more: total.saturating_sub(shown),
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["confirm"])),
        },
    )
}
