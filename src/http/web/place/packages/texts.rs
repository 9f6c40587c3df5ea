//! README and CHANGELOG of a package, as they were rendered when it was synced.
//!
//! They are those of one version. Who does not see that version, with the very archive that they were read from, is shown
//! what there is where a package has none.

use askama::Template;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::browse::{Seen, normalized};
use crate::http::api::missing;
use crate::http::composer::visits_in;
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::page::page;
use crate::http::web::place::packages::sees_all;
use crate::http::web::place::packages::tabs::{Tab, Way, shell_of, ways};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::ports::db::first_as;
use crate::store::package_texts::{Texts, find_texts_stmt, load_text};
use crate::store::packages::{Package, find_package_stmt};
use crate::store::repositories::{list_repositories_stmt, read_repositories};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Readme,
    Changelog,
}

/// A text as it is shown.
struct Shown {
    /// Harmless: `domain/markdown` made it.
    html: String,
    file: String,
    version: String,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "place/packages/text.html")]
struct TextPage {
    shell: Shell,
    name: String,
    ways: Vec<Way>,
    style: &'static str,
    what: &'static str,
    text: Option<Shown>,
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    which: Which,
) -> Result<Reply> {
    let texts = if sees_all(place)? {
        find_whole(app, place, name).await?
    } else {
        find_seen(app, place, name).await?
    };
    let text = match texts {
        Some(texts) => load(app, texts, which).await?,
        None => None,
    };
    let (what, tab) = match which {
        Which::Readme => ("README", Tab::Readme),
        Which::Changelog => ("Changelog", Tab::Changelog),
    };
    page(&TextPage {
        shell: shell_of(app, visit, place, name, what)?,
        name: name.as_str().to_owned(),
        ways: ways(place, name, tab),
        style: assets::address("prose.css"),
        what,
        text,
    })
}

async fn find_whole(app: &App, place: &Place, name: &PackageName) -> Result<Option<Texts>> {
    let organisation = place.organisation.id;
    let statements = vec![
        find_package_stmt(organisation, name),
        find_texts_stmt(organisation, name),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    first_as::<Package>(rows.next().unwrap_or_default())?.ok_or_else(|| missing("package"))?;
    first_as(rows.next().unwrap_or_default())
}

async fn find_seen(app: &App, place: &Place, name: &PackageName) -> Result<Option<Texts>> {
    let organisation = place.organisation.id;
    let statements = vec![
        list_repositories_stmt(organisation),
        find_texts_stmt(organisation, name),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let repositories = read_repositories(rows.next().unwrap_or_default())?;
    let texts: Option<Texts> = first_as(rows.next().unwrap_or_default())?;
    let visits = visits_in(app, repositories, &place.principal).await?;
    let seen = Seen::of(&visits, name).await?;
    if seen.entries.is_empty() {
        return Err(missing("package"));
    }
    // A dev version keeps its number while its branch moves on, so the archive must be the one too.
    Ok(texts.filter(|texts| {
        seen.entries.iter().any(|entry| {
            let dist = entry.get("dist").and_then(|dist| dist.get("reference"));
            normalized(entry) == texts.normalized
                && texts.reference.is_some()
                && dist.and_then(serde_json::Value::as_str) == texts.reference.as_deref()
        })
    }))
}

async fn load(app: &App, texts: Texts, which: Which) -> Result<Option<Shown>> {
    let (key, file, cut) = match which {
        Which::Readme => (texts.readme_key, texts.readme_file, texts.readme_cut),
        Which::Changelog => (
            texts.changelog_key,
            texts.changelog_file,
            texts.changelog_cut,
        ),
    };
    let Some(key) = key else {
        return Ok(None);
    };
    let html = load_text(app, &key).await?;
    Ok(html.map(|html| Shown {
        html,
        file: file.unwrap_or_default(),
        version: texts.version,
        is_cut: cut != 0,
    }))
}
