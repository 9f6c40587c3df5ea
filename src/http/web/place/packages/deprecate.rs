//! The form that warns of a version.

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
use crate::http::web::place::packages::act::{lead_back, version_path};
use crate::http::web::place::packages::address;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::life_cycle::find_living_version;
use crate::store::packages::find_package;

#[derive(Template)]
#[template(path = "place/packages/deprecate.html")]
struct DeprecatePage {
    shell: Shell,
    address: String,
    version: String,
    message: Field,
    instead: Field,
    faults: Vec<String>,
}

/// Shows the form for the version that the query names.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, false)?;
    let asked = visit.request.query_parameter("version").unwrap_or_default();
    let package = find_package(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let version = find_living_version(app, package.id, &asked)
        .await?
        .ok_or_else(|| missing("version"))?;
    render(app, visit, place, name, &version.pretty, None)
}

/// Sends what was typed to the API.
pub(super) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let version = form.text("version").to_owned();
    let body = json!({"message": form.text("message"), "use": form.optional("use")});
    let path = version_path(name, &version, "deprecation");
    let answer = place.ask(app, visit, "PUT", &path, Some(&body)).await;
    if let Err(error) = answer {
        let faults = Faults::of(error)?;
        return render(app, visit, place, name, &version, Some((&form, &faults)));
    }
    let said = format!("Composer warns of {version} from now on");
    lead_back(visit, place, name, answer, &said)
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    version: &str,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let package = address(place, name.as_str());
    let fill = |field: Field| match typed {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    };
    let list = format!("/ui/{}/packages", place.organisation.slug);
    let crumbs = vec![
        Crumb::new("Packages", list),
        Crumb::new(name.as_str(), package.clone()),
    ];
    let title = format!("Deprecate {version}");
    let shell = visit.shell_at(app, Section::Packages, &title, crumbs)?;
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &DeprecatePage {
            shell,
            address: package,
            version: version.to_owned(),
            message: fill(
                Field::text("message", "What people read at their terminal")
                    .hint("One line, such as: loses data on Windows"),
            ),
            instead: fill(
                Field::text("use", "What to use instead")
                    .optional()
                    .hint("A constraint, such as ^1.2.4"),
            ),
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["message", "use"])),
        },
    )
}
