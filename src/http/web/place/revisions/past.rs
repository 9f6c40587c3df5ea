//! A repository as it was at a revision: its packages, the versions of each, and how Composer gets it.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::composer::visible::all_entries;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::packages::address as package_address;
use crate::http::web::place::revisions::{address, address_then, shell_below};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::repositories::Repository;
use crate::store::revisions::{Revision, find_revisions};
use crate::store::snapshot::Snapshot;

/// So many packages are on a page.
const PACKAGES: usize = 100;
/// So many versions are.
const VERSIONS: usize = 200;

struct Name {
    name: String,
    href: String,
}

#[derive(Template)]
#[template(path = "place/revisions/past.html")]
struct PastPage {
    shell: Shell,
    number: i64,
    time: Moment,
    command: String,
    changes: String,
    /// For who may, and not of the newest one.
    roll_back: Option<String>,
    packages: Vec<Name>,
    total: usize,
    first: Option<String>,
    next: Option<String>,
}

struct Version {
    number: String,
    reference: String,
    time: String,
}

#[derive(Template)]
#[template(path = "place/revisions/package.html")]
struct PackagePage {
    shell: Shell,
    number: i64,
    now: String,
    versions: Vec<Version>,
    total: usize,
    first: Option<String>,
    next: Option<String>,
}

async fn find(app: &App, place: &Place, slug: &str, number: i64) -> Result<(Repository, Revision)> {
    let (repository, revisions) = find_revisions(app, &place.organisation.slug, slug, &[number])
        .await?
        .ok_or_else(|| missing("repository"))?;
    let revision = revisions.into_iter().next();
    Ok((repository, revision.ok_or_else(|| missing("revision"))?))
}

fn start_of(visit: &Visit) -> usize {
    let start = visit.request.query_parameter("start").unwrap_or_default();
    start.parse().unwrap_or_default()
}

fn to(base: &str, start: usize) -> String {
    with_query(base, &[("start", &start.to_string())])
}

/// The packages that there were.
pub(super) async fn list(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
) -> Result<Reply> {
    let (repository, revision) = find(app, place, slug, number).await?;
    let head = revision.head();
    let snapshot = Snapshot::open(app, &head);
    let start = start_of(visit);
    let total = snapshot.package_count().await?;
    let names = snapshot.page_of_names(start, PACKAGES).await?;
    let history = address(place, &repository.slug);
    let base = format!("{history}/{number}/packages");
    let after = start.saturating_add(PACKAGES);
    let then = address_then(app, &repository, number);
    let title = format!("{} at revision {number}", repository.slug);
    page(&PastPage {
        shell: shell_below(app, visit, place, &repository, &title, Vec::new())?,
        number,
        time: Moment::of(revision.time),
        command: format!(
            "composer config repositories.{} composer {then}",
            repository.slug
        ),
        changes: format!("{history}/{number}"),
        roll_back: (place.may(Ability::ManagePackages) && number < repository.head.revision)
            .then(|| format!("{history}/{number}/roll-back")),
        packages: names
            .iter()
            .map(|name| Name {
                href: format!("{base}/{name}"),
                name: name.to_string(),
            })
            .collect(),
        total,
        first: (start > 0).then(|| base.clone()),
        next: (after < total).then(|| to(&base, after)),
    })
}

/// The versions that a package had.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
    name: &PackageName,
) -> Result<Reply> {
    let (repository, revision) = find(app, place, slug, number).await?;
    let entries = all_entries(app, &revision.head(), name).await?;
    if entries.is_empty() {
        return Err(missing("package"));
    }
    let start = start_of(visit);
    let list = format!("{}/{number}/packages", address(place, &repository.slug));
    let base = format!("{list}/{}", name.as_str());
    let after = start.saturating_add(VERSIONS);
    let text = |entry: &serde_json::Map<String, serde_json::Value>, key: &str| {
        let value = entry.get(key).and_then(serde_json::Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let crumb = Crumb::new(format!("Revision {number}"), list);
    let title = name.as_str();
    page(&PackagePage {
        shell: shell_below(app, visit, place, &repository, title, vec![crumb])?,
        number,
        now: package_address(place, name.as_str()),
        total: entries.len(),
        first: (start > 0).then(|| base.clone()),
        next: (after < entries.len()).then(|| to(&base, after)),
        versions: entries
            .iter()
            .skip(start)
            .take(VERSIONS)
            .map(|entry| Version {
                number: text(entry, "version"),
                reference: entry
                    .get("dist")
                    .and_then(serde_json::Value::as_object)
                    .map(|dist| text(dist, "reference"))
                    .unwrap_or_default(),
                time: text(entry, "time"),
            })
            .collect(),
    })
}
