//! The page of one package.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::packages::entry::{Fact, ShownVersion};
use crate::http::web::place::packages::seen::read_seen;
use crate::http::web::place::packages::tabs::{Tab, Way, ways};
use crate::http::web::place::packages::whole::read_whole;
use crate::http::web::place::packages::{address, sees_all};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::package_page::PageRef;
use crate::store::repositories::Repository;

/// So many versions are on a page.
pub(super) const VERSIONS: usize = 25;

/// A repository that the package is installed from.
pub(in crate::http::web::place) struct From {
    pub(in crate::http::web::place) slug: String,
    /// What is typed at a terminal, line by line.
    pub(in crate::http::web::place) commands: String,
}

impl From {
    /// With what installs a package, if one is meant.
    pub(in crate::http::web::place) fn of(
        app: &App,
        name: Option<&PackageName>,
        repository: &Repository,
    ) -> Self {
        let url = repository.address(&app.config.public_url);
        let host = url.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        let slug = repository.slug.clone();
        let mut lines = vec![format!(
            "composer config repositories.{slug} composer {url}"
        )];
        if !repository.is_public {
            lines.push(format!(
                "composer config --auth http-basic.{host} token YOUR-TOKEN"
            ));
        }
        lines.extend(name.map(|name| format!("composer require {}", name.as_str())));
        Self {
            commands: lines.join("\n"),
            slug,
        }
    }
}

/// Why a ref gave no version.
pub(super) struct ShownRef {
    pub(super) name: String,
    pub(super) is_failed: bool,
    pub(super) reason: String,
}

impl ShownRef {
    pub(super) fn of(known: PageRef) -> Self {
        Self {
            name: known.name,
            is_failed: known.state == "failed",
            reason: known.reason.unwrap_or_default(),
        }
    }
}

/// What is shown of a package.
pub(super) struct Shown {
    pub(super) description: Option<String>,
    /// How it is abandoned.
    pub(super) abandoned: Option<String>,
    /// What a person should know.
    pub(super) notices: Vec<String>,
    /// Where it is installed from.
    pub(super) from: Vec<From>,
    /// Of the package itself.
    pub(super) facts: Vec<Fact>,
    /// Those of this page.
    pub(super) versions: Vec<ShownVersion>,
    /// How many there are in all.
    pub(super) total: usize,
    /// For who manages it.
    pub(super) refs: Vec<ShownRef>,
    /// There are more such refs than are shown.
    pub(super) has_more_refs: bool,
    /// Unix second of the last comparison.
    pub(super) compared: Option<Moment>,
    /// It has a git repository to be compared with.
    pub(super) is_synced: bool,
}

#[derive(Template)]
#[template(path = "place/packages/show.html")]
struct PackagePage {
    shell: Shell,
    address: String,
    shown: Shown,
    ways: Vec<Way>,
    may_change: bool,
    may_delete: bool,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let start = visit
        .request
        .query_parameter("from")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or_default();
    let found = if sees_all(place)? {
        read_whole(app, place, name, start).await?
    } else {
        read_seen(app, place, name, start).await?
    };
    let shown = found.ok_or_else(|| missing("package"))?;
    let address = address(place, name.as_str());
    let after = start.saturating_add(VERSIONS);
    let next = (after < shown.total)
        .then(|| with_query(&address, &[("from", after.to_string().as_str())]));
    let list = format!("/ui/{}/packages", place.organisation.slug);
    let crumbs = vec![Crumb::new("Packages", list)];
    let shell = visit.shell_at(app, Section::Packages, name.as_str(), crumbs)?;
    page(&PackagePage {
        shell,
        first: (start > 0).then(|| address.clone()),
        address,
        next,
        ways: ways(place, name, Tab::Versions),
        may_change: place.may(Ability::ManagePackages),
        may_delete: place.may(Ability::Own),
        shown,
    })
}
