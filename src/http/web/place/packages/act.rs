//! What is done to a package by one button each. The API decides, validates and audits.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::form::Faults;
use crate::http::web::place::packages::address;
use crate::http::web::visit::{Place, Visit};

/// Takes a version out of the metadata, or puts it back.
pub(super) async fn yank(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    is_yank: bool,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let version = form.text("version");
    let path = version_path(name, version, "yank");
    let (method, said) = if is_yank {
        ("POST", format!("{version} is yanked"))
    } else {
        ("DELETE", format!("{version} is back"))
    };
    let answer = place.ask(app, visit, method, &path, None).await;
    lead_back(visit, place, name, answer, &said)
}

/// Takes the warning of a version back.
pub(super) async fn undeprecate(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let version = form.text("version");
    let path = version_path(name, version, "deprecation");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let said = format!("Nobody is warned of {version} any more");
    lead_back(visit, place, name, answer, &said)
}

/// Compares the package with its git repository.
pub(super) async fn sync(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/packages/{}/sync", name.as_str());
    let answer = place.ask(app, visit, "POST", &path, None).await;
    let said =
        "It is being compared with its git repository. New versions appear here by themselves";
    lead_back(visit, place, name, answer, said)
}

/// Lets the number of a version that a person deleted be published again.
pub(super) async fn restore(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let version = form.text("version");
    let path = version_path(name, version, "restore");
    let answer = place.ask(app, visit, "POST", &path, None).await;
    let said = format!("{version} may be published again, and comes back where its tag still is");
    let to = format!("{}/settings", address(place, name.as_str()));
    lead_to(visit, &to, answer, &said)
}

/// The API's path of something about a version, below the organisation's.
pub(super) fn version_path(name: &PackageName, version: &str, what: &str) -> String {
    let version = utf8_percent_encode(version, NON_ALPHANUMERIC);
    format!("/packages/{}/versions/{version}/{what}", name.as_str())
}

/// To the package, which says once how it went.
pub(super) fn lead_back(
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    answer: Result<Value>,
    said: &str,
) -> Result<Reply> {
    lead_to(visit, &address(place, name.as_str()), answer, said)
}

/// To a page, which says once how it went.
pub(super) fn lead_to(
    visit: &mut Visit,
    to: &str,
    answer: Result<Value>,
    said: &str,
) -> Result<Reply> {
    match answer {
        Ok(_) => Ok(visit.go_on(to, said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(to, &faults.besides(&[]).join(". ")))
        }
    }
}
