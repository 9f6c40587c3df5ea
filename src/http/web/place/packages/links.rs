//! What a package requires, and what requires it, within the organisation.
//!
//! Who does not manage packages is told what the versions say that she sees, of packages that she sees.

use askama::Template;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::browse::Seen;
use crate::http::api::missing;
use crate::http::composer::{Visit as RepositoryVisit, visits_in};
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::place::packages::tabs::{Tab, Way, shell_of, ways};
use crate::http::web::place::packages::{address, sees_all};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::store::package_links::{MOST_LINKS, find_links, list_dependents_stmt, read_names};
use crate::store::repositories::{list_repositories_stmt, read_repositories};

/// Of more packages than these the documents are not looked into for one page.
const MOST_LOOKED_INTO: usize = 40;

/// A package that is linked.
struct Linked {
    name: String,
    /// None for one that is not of this organisation, or not seen.
    href: Option<String>,
}

/// Both directions.
struct Shown {
    required: Vec<Linked>,
    dependents: Vec<Linked>,
    has_more: bool,
}

#[derive(Template)]
#[template(path = "place/packages/links.html")]
struct LinksPage {
    shell: Shell,
    name: String,
    ways: Vec<Way>,
    shown: Shown,
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let shown = if sees_all(place)? {
        find_whole(app, place, name).await?
    } else {
        find_seen(app, place, name).await?
    };
    page(&LinksPage {
        shell: shell_of(app, visit, place, name, "Dependencies")?,
        name: name.as_str().to_owned(),
        ways: ways(place, name, Tab::Dependencies),
        shown: shown.ok_or_else(|| missing("package"))?,
    })
}

async fn find_whole(app: &App, place: &Place, name: &PackageName) -> Result<Option<Shown>> {
    let Some(links) = find_links(app, place.organisation.id, name).await? else {
        return Ok(None);
    };
    let has_more = links.dependents.len() > MOST_LINKS || links.required.len() > MOST_LINKS;
    let required = links.required.into_iter().take(MOST_LINKS);
    let dependents = links.dependents.into_iter().take(MOST_LINKS);
    Ok(Some(Shown {
        required: required
            .map(|one| Linked {
                href: (one.is_own != 0).then(|| address(place, &one.name)),
                name: one.name,
            })
            .collect(),
        dependents: dependents.map(|name| own(place, name)).collect(),
        has_more,
    }))
}

fn own(place: &Place, name: String) -> Linked {
    Linked {
        href: Some(address(place, &name)),
        name,
    }
}

async fn find_seen(app: &App, place: &Place, name: &PackageName) -> Result<Option<Shown>> {
    let organisation = place.organisation.id;
    let statements = vec![
        list_repositories_stmt(organisation),
        list_dependents_stmt(organisation, name),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let repositories = read_repositories(rows.next().unwrap_or_default())?;
    let candidates = read_names(rows.next().unwrap_or_default())?;
    let visits = visits_in(app, repositories, &place.principal).await?;
    let seen = Seen::of(&visits, name).await?;
    if seen.entries.is_empty() {
        return Ok(None);
    }
    let mut looks = Looks {
        visits: &visits,
        left: MOST_LOOKED_INTO,
    };
    let mut required = Vec::new();
    for required_name in required_by(&seen) {
        let found = looks.find(&required_name).await?;
        let href = found.map(|_| address(place, &required_name));
        required.push(Linked {
            name: required_name,
            href,
        });
    }
    required.sort_by(|one, other| {
        (one.href.is_none(), &one.name).cmp(&(other.href.is_none(), &other.name))
    });
    looks.left = MOST_LOOKED_INTO;
    let mut dependents = Vec::new();
    for candidate in candidates {
        let found = looks.find(&candidate).await?;
        if found.is_some_and(|seen| required_by(&seen).iter().any(|one| one == name.as_str())) {
            dependents.push(own(place, candidate));
        }
    }
    Ok(Some(Shown {
        required,
        dependents,
        // How many more there may be depends on what is not seen, so it is not told.
        has_more: false,
    }))
}

/// What somebody sees of other packages; of so many at most.
struct Looks<'a> {
    visits: &'a [RepositoryVisit<'a>],
    left: usize,
}

impl Looks<'_> {
    /// None for what is not seen. Packages of which nothing was granted cost no look.
    async fn find(&mut self, name: &str) -> Result<Option<Seen>> {
        let Ok(name) = PackageName::parse(name) else {
            return Ok(None);
        };
        let may_be_seen = self.visits.iter().any(|visit| {
            let action = crate::domain::access::Action::ReadMetadata;
            visit.sight(action, &name).is_something()
        });
        if !may_be_seen || self.left == 0 {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        let seen = Seen::of(self.visits, &name).await?;
        Ok((!seen.entries.is_empty()).then_some(seen))
    }
}

/// The names that any of the versions requires, without PHP and its extensions.
fn required_by(seen: &Seen) -> Vec<String> {
    let mut names: Vec<String> = seen
        .entries
        .iter()
        .filter_map(|entry| entry.get("require")?.as_object())
        .flat_map(|links| links.keys())
        .filter(|name| name.contains('/'))
        .map(|name| name.to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
