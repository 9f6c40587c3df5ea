//! The p2 documents.

use crate::domain::access::{Action, Limits, Sight};
use crate::domain::metadata::build_document;
use crate::domain::name::PackageName;
use crate::domain::root_document::age_of_limits;
use crate::domain::time::http_date;
use crate::domain::tree::{DocumentEntry, PackageEntry};
use crate::error::Result;
use crate::http::composer::{Visit, not_modified};
use crate::http::problem::not_found;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::snapshot::Snapshot;
use crate::store::views::load_view;

/// Shows the document of tagged versions.
pub async fn show_tagged(
    visit: &Visit<'_>,
    request: &Request,
    name: &PackageName,
) -> Result<Reply> {
    let Some((entry, sight)) = find_visible(visit, name).await? else {
        return Ok(not_found());
    };
    match sight {
        Sight::Nothing => Ok(not_found()),
        Sight::Everything => Ok(show(request, Some(entry.tagged))),
        Sight::Limited(limits) => {
            let view = load_view(visit.app, &entry.tagged.hash, &limits).await?;
            let body = match (view, &entry.dev) {
                (Some(view), _) => view.to_vec(),
                // Who sees branches alone needs this one too: a 404 would be no answer about advisories.
                (None, Some(dev)) if load_view(visit.app, &dev.hash, &limits).await?.is_some() => {
                    build_document(name, Vec::new())
                }
                _ => return Ok(not_found()),
            };
            Ok(show_view(request, &entry.tagged, &limits, body))
        }
    }
}

/// Shows the document of dev versions.
pub async fn show_dev(visit: &Visit<'_>, request: &Request, name: &PackageName) -> Result<Reply> {
    let Some((entry, sight)) = find_visible(visit, name).await? else {
        return Ok(not_found());
    };
    match (sight, entry.dev) {
        (Sight::Everything, dev) => Ok(show(request, dev)),
        (Sight::Limited(limits), Some(dev)) => {
            let view = load_view(visit.app, &dev.hash, &limits).await?;
            Ok(view.map_or_else(not_found, |view| {
                show_view(request, &dev, &limits, view.to_vec())
            }))
        }
        _ => Ok(not_found()),
    }
}

/// The tree is asked before access, so that what is not there and what is not to be seen take the same way.
async fn find_visible(
    visit: &Visit<'_>,
    name: &PackageName,
) -> Result<Option<(PackageEntry, Sight)>> {
    let entry = Snapshot::open(visit.app, &visit.head)
        .find_entry(name.as_str())
        .await?;
    let sight = visit.sight(Action::ReadMetadata, name);
    Ok(entry.map(|entry| (entry, sight)))
}

/// The 304 is decided from the entry alone, after access; the document itself is never read here.
fn show(request: &Request, entry: Option<DocumentEntry>) -> Reply {
    let Some(entry) = entry else {
        return not_found();
    };
    let validator = http_date(entry.changed_at);
    not_modified(request, &validator).unwrap_or_else(|| {
        Reply::new(200, CachePolicy::Revalidate, Body::Document(entry.hash))
            .with("content-type", "application/json")
            .with("last-modified", validator)
    })
}

/// What limits leave of a document, under a date that is theirs: it moves with the document and with the limits.
pub(super) fn show_view(
    request: &Request,
    entry: &DocumentEntry,
    limits: &Limits,
    body: Vec<u8>,
) -> Reply {
    let age = age_of_limits(Some(limits.number()));
    let validator = http_date(entry.changed_at.saturating_sub(age));
    not_modified(request, &validator).unwrap_or_else(|| {
        Reply::new(200, CachePolicy::Revalidate, Body::Bytes(body))
            .with("content-type", "application/json")
            .with("last-modified", validator)
    })
}
