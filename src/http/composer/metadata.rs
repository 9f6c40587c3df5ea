//! The p2 documents.
//!
//! Access is decided before anything is read, so that what is not to be seen and what does not exist take the same way:
//! none at all where nothing was granted, and one node of the outline where some versions were.

use crate::domain::access::{Action, Limits, Sight};
use crate::domain::metadata::build_document;
use crate::domain::name::PackageName;
use crate::domain::root_document::age_of_limits;
use crate::domain::time::http_date;
use crate::domain::tree::DocumentEntry;
use crate::error::Result;
use crate::http::composer::{Visit, not_modified};
use crate::http::problem::not_found;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::snapshot::Snapshot;

/// Shows the document of tagged versions.
pub async fn show_tagged(
    visit: &Visit<'_>,
    request: &Request,
    name: &PackageName,
) -> Result<Reply> {
    let snapshot = Snapshot::open(visit.app, &visit.head);
    match visit.sight(Action::ReadMetadata, name) {
        Sight::Nothing => Ok(not_found()),
        Sight::Everything => {
            let found = snapshot.find_entry(name.as_str()).await?;
            Ok(show(request, found.map(|entry| entry.tagged)))
        }
        Sight::Limited(limits) => {
            let Some(seen) = snapshot.find_seen(name, &limits).await? else {
                return Ok(not_found());
            };
            let body = match seen.tagged(visit.app, &limits).await? {
                Some(view) => view.to_vec(),
                // Who sees branches alone needs this one too: a 404 would be no answer about advisories.
                None if seen.has_dev(visit.app, &limits).await? => build_document(name, Vec::new()),
                None => return Ok(not_found()),
            };
            Ok(show_view(request, &seen.entry.tagged, &limits, body))
        }
    }
}

/// Shows the document of dev versions.
pub async fn show_dev(visit: &Visit<'_>, request: &Request, name: &PackageName) -> Result<Reply> {
    let snapshot = Snapshot::open(visit.app, &visit.head);
    match visit.sight(Action::ReadMetadata, name) {
        Sight::Nothing => Ok(not_found()),
        Sight::Everything => {
            let found = snapshot.find_entry(name.as_str()).await?;
            Ok(show(request, found.and_then(|entry| entry.dev)))
        }
        Sight::Limited(limits) => {
            let Some(seen) = snapshot.find_seen(name, &limits).await? else {
                return Ok(not_found());
            };
            let view = seen.dev(visit.app, &limits).await?;
            Ok(match (view, &seen.entry.dev) {
                (Some(view), Some(dev)) => show_view(request, dev, &limits, view.to_vec()),
                _ => not_found(),
            })
        }
    }
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
