//! Deleting a package or a version: a page that says what goes and what stays, and wants the name typed.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::packages::act::version_path;
use crate::http::web::place::packages::address;
use crate::http::web::place::packages::tabs::shell_of;
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::store::life_cycle::find_living_version;
use crate::store::packages::find_package;

#[derive(Template)]
#[template(path = "place/packages/delete.html")]
struct DeletePage {
    shell: Shell,
    action: String,
    back: String,
    /// None for the package as a whole.
    version: Option<String>,
    /// What is to be typed.
    name: String,
    confirm: Field,
    faults: Vec<String>,
}

/// Asks whether the package is to go.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    place.authorise(Ability::Own, false)?;
    find_package(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    render(app, visit, place, name, None, None)
}

/// Deletes it.
pub(super) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let path = format!("/packages/{}", name.as_str());
    let body = json!({"confirm": form.text("confirm")});
    match place.ask(app, visit, "DELETE", &path, Some(&body)).await {
        Ok(_) => {
            let list = format!("/ui/{}/packages", place.organisation.slug);
            Ok(visit.go_on(&list, &format!("{} is deleted", name.as_str())))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, name, None, Some((&form, &faults)))
        }
    }
}

/// Asks whether the version that the query names is to go.
pub(super) async fn show_version(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    place.authorise(Ability::Own, false)?;
    let asked = visit.request.query_parameter("version").unwrap_or_default();
    let package = find_package(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let version = find_living_version(app, package.id, &asked)
        .await?
        .ok_or_else(|| missing("version"))?;
    render(app, visit, place, name, Some(version.pretty), None)
}

/// Deletes it.
pub(super) async fn send_version(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let version = form.text("version").to_owned();
    let path = version_path(name, &version, "");
    let path = path.trim_end_matches('/');
    let body = json!({"confirm": form.text("confirm")});
    match place.ask(app, visit, "DELETE", path, Some(&body)).await {
        Ok(_) => {
            let to = address(place, name.as_str());
            Ok(visit.go_on(&to, &format!("{version} is deleted")))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(
                app,
                visit,
                place,
                name,
                Some(version),
                Some((&form, &faults)),
            )
        }
    }
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    version: Option<String>,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let package = address(place, name.as_str());
    let (what, action) = match &version {
        None => (name.as_str().to_owned(), format!("{package}/delete")),
        Some(version) => (
            format!("{} {version}", name.as_str()),
            format!("{package}/delete-version"),
        ),
    };
    let confirm = Field::text("confirm", "Type its name to delete it").hint(what.clone());
    let confirm = match typed {
        // The API's answer is about JSON.
        Some((form, faults)) => {
            let mut field = confirm.typed(form, faults);
            field.error = field.error.map(|_| format!("Type {what}"));
            field
        }
        None => confirm,
    };
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &DeletePage {
            shell: shell_of(app, visit, place, name, &format!("Delete {what}"))?,
            action,
            back: package,
            version,
            name: what,
            confirm,
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["confirm"])),
        },
    )
}
