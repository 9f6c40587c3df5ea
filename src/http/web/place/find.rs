//! Packages for who types a part of a name into the command palette: as the list of packages finds them, the first of them.

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::error::Result;
use crate::http::api::browse::find_seen;
use crate::http::api::packages::{ListFilter, find_packages};
use crate::http::api::paging::Page;
use crate::http::composer::visits_in;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::web::place::packages::{address, sees_all};
use crate::http::web::visit::{Place, Visit};
use crate::store::repositories::{list_repositories_stmt, read_repositories};
use crate::store::search::{find_names_by_words_stmt, read_names_by_words};

/// So many packages are shown.
const SHOWN: usize = 20;

/// A package, and where its page is.
#[derive(Serialize)]
struct Found {
    name: String,
    description: Option<String>,
    href: String,
}

/// Answers with what is found, as JSON for the palette's script.
pub(super) async fn find(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let is_whole = sees_all(place)?;
    let filter = ListFilter::of(&visit.request)?;
    let (organisation, first) = (&place.organisation, Page::first(SHOWN));
    let (packages, _) = match filter.query.as_deref() {
        // Nothing typed is nothing found: the list of packages has them all.
        None => (Vec::new(), None),
        Some(_) if is_whole => find_packages(app, organisation.id, &first, &filter).await?,
        Some(query) => {
            // As in the list: one batch has the repositories and what the words find.
            let statements = vec![
                list_repositories_stmt(organisation.id),
                find_names_by_words_stmt(organisation.id, query),
            ];
            let mut rows = app.db.batch(statements).await?.into_iter();
            let repositories = read_repositories(rows.next().unwrap_or_default())?;
            let found = read_names_by_words(rows.next().unwrap_or_default())?;
            let visits = visits_in(app, repositories, &place.principal).await?;
            find_seen(app, organisation, &visits, &first, &filter, Some(&found)).await?
        }
    };
    let packages: Vec<_> = packages
        .into_iter()
        .map(|summary| Found {
            href: address(place, &summary.name),
            name: summary.name,
            description: summary.description,
        })
        .collect();
    let bytes = json!({ "packages": packages }).to_string().into_bytes();
    Ok(Reply::new(200, CachePolicy::Page, Body::Bytes(bytes))
        .with("content-type", "application/json")
        .with("x-content-type-options", "nosniff"))
}
