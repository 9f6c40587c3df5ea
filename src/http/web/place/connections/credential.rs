//! Another credential for a connection, which is tried before it takes the place of the one before.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::connections::add::credential_fields;
use crate::http::web::place::connections::guide::{self, Guide};
use crate::http::web::place::connections::{address, crumbs, load};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::providers::ProviderKind;
use crate::store::host_pages::ConnectionSummary;

#[derive(Template)]
#[template(path = "place/connections/credential.html")]
struct CredentialPage {
    shell: Shell,
    address: String,
    guide: Guide,
    is_of_app: bool,
    fields: Vec<Field>,
    faults: Vec<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (summary, _) = load(app, place, id, false).await?;
    render(app, visit, place, &summary, None)
}

pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (summary, _) = load(app, place, id, false).await?;
    let mut body = json!({"token": form.text("token")});
    // An empty name takes the one before away.
    let has_name = summary.username.is_some() || form.optional("username").is_some();
    if let Some(fields) = body.as_object_mut().filter(|_| has_name) {
        fields.insert("username".to_owned(), Value::from(form.text("username")));
    }
    let path = format!("/connections/{id}");
    match place.ask(app, visit, "PATCH", &path, Some(&body)).await {
        Ok(_) => Ok(visit.go_on(
            &address(place, id),
            "The host accepts the new credential; what waited for it goes on",
        )),
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &summary, Some((&form, &faults)))
        }
    }
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    summary: &ConnectionSummary,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let kind = ProviderKind::parse(&summary.provider)
        .ok_or_else(|| Error::internal("a connection of an unknown provider"))?;
    let guide = guide::of(kind);
    let fields = credential_fields(&guide)
        .into_iter()
        .map(|field| match typed {
            Some((form, faults)) => field.typed(form, faults),
            None if field.name == "username" => {
                field.value(summary.username.clone().unwrap_or_default())
            }
            None => field,
        })
        .collect();
    let shell = visit.shell_at(
        app,
        Section::Connections,
        "Replace the credential",
        crumbs(place, summary),
    )?;
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &CredentialPage {
            shell,
            address: address(place, &summary.id),
            guide,
            is_of_app: summary.github_app_id.is_some(),
            fields,
            faults: typed.map_or_else(Vec::new, |(_, faults)| {
                faults.besides(&["username", "token"])
            }),
        },
    )
}
