//! The p2 documents.

use crate::domain::name::PackageName;
use crate::domain::tree::{DocumentEntry, PackageEntry};
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
    let entry = find_visible(visit, name).await?;
    Ok(show(visit, request, entry.map(|entry| entry.tagged)))
}

/// Shows the document of dev versions.
pub async fn show_dev(visit: &Visit<'_>, request: &Request, name: &PackageName) -> Result<Reply> {
    let entry = find_visible(visit, name).await?;
    Ok(show(visit, request, entry.and_then(|entry| entry.dev)))
}

async fn find_visible(visit: &Visit<'_>, name: &PackageName) -> Result<Option<PackageEntry>> {
    let entry = Snapshot::open(visit.app, &visit.head)
        .find_entry(name.as_str())
        .await?;
    Ok(entry.filter(|_| visit.sees(name)))
}

/// The 304 is decided from the entry alone, after access; the document itself is never read here.
fn show(visit: &Visit<'_>, request: &Request, entry: Option<DocumentEntry>) -> Reply {
    let Some(entry) = entry else {
        return not_found();
    };
    let validator = visit.validator(entry.changed_at);
    not_modified(request, &validator).unwrap_or_else(|| {
        Reply::new(200, CachePolicy::Revalidate, Body::Document(entry.hash))
            .with("content-type", "application/json")
            .with("last-modified", validator)
    })
}
