//! What Composer 1 asks for: listings and documents by hash, or documents by name.

use crate::domain::access::{Action, Sight};
use crate::domain::blob::BlobHash;
use crate::domain::composer_1::{is_document, is_listing};
use crate::domain::name::PackageName;
use crate::domain::time::http_date;
use crate::domain::tree::DocumentEntry;
use crate::error::Result;
use crate::http::composer::metadata::show_view;
use crate::http::composer::{Visit, not_modified};
use crate::http::problem::not_found;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::blobs::read_blob_start;
use crate::store::composer_1::{find_provider, names_listing};
use crate::store::snapshot::Snapshot;
use crate::store::views::load_view;

/// So many bytes say whose a file is: the longest name and its surroundings are shorter.
const START: u64 = 1_024;

/// Shows the document of a package as it is in this revision.
pub async fn show_by_name(
    visit: &Visit<'_>,
    request: &Request,
    name: &PackageName,
) -> Result<Reply> {
    let sight = visit.sight(Action::ReadMetadata, name);
    if sight == Sight::Nothing {
        return Ok(not_found());
    }
    // What is seen of the documents of Composer 2 is seen of this one.
    if let Sight::Limited(limits) = &sight {
        let snapshot = Snapshot::open(visit.app, &visit.head);
        if snapshot.find_seen(name, limits).await?.is_none() {
            return Ok(not_found());
        }
    }
    let found = find_provider(visit.app, &visit.head, name.as_str()).await?;
    let Some(provider) = found else {
        return Ok(not_found());
    };
    match sight {
        Sight::Nothing | Sight::Everything => {}
        Sight::Limited(limits) => {
            let view = load_view(visit.app, &provider.hash, &limits).await?;
            let entry = DocumentEntry {
                hash: provider.hash,
                changed_at: provider.changed_at,
            };
            return Ok(view.map_or_else(not_found, |view| {
                show_view(request, &entry, &limits, view.to_vec())
            }));
        }
    }
    let validator = http_date(provider.changed_at);
    Ok(not_modified(request, &validator).unwrap_or_else(|| {
        Reply::new(200, CachePolicy::Revalidate, Body::Document(provider.hash))
            .with("content-type", "application/json")
            .with("last-modified", validator)
    }))
}

/// Shows a document that a listing named, be it of this revision or of an earlier one: a run that began before a release
/// ends with what it began with.
pub async fn show_document(
    visit: &Visit<'_>,
    name: &PackageName,
    hash: &BlobHash,
) -> Result<Reply> {
    // Who sees some versions only asks by name: a hash is of the whole document.
    if visit.sight(Action::ReadMetadata, name) != Sight::Everything {
        return Ok(not_found());
    }
    let known = find_provider(visit.app, &visit.head, name.as_str()).await?;
    let is_ours = match known {
        Some(known) if known.hash == *hash => true,
        _ => read_blob_start(visit.app, hash, START)
            .await?
            .is_some_and(|start| is_document(&start, visit.repository.id, name)),
    };
    Ok(show(is_ours, hash))
}

/// Shows a listing, or the file that names the listings, to somebody who may know all names.
pub async fn show_listing(visit: &Visit<'_>, hash: &BlobHash) -> Result<Reply> {
    if visit.view().is_some() || visit.bar().is_some() {
        return Ok(not_found());
    }
    let is_ours = names_listing(visit.app, &visit.head, hash).await?
        || read_blob_start(visit.app, hash, START)
            .await?
            .is_some_and(|start| is_listing(&start, visit.repository.id));
    Ok(show(is_ours, hash))
}

fn show(is_ours: bool, hash: &BlobHash) -> Reply {
    if !is_ours {
        return not_found();
    }
    Reply::new(200, CachePolicy::Immutable, Body::Document(hash.clone()))
        .with("content-type", "application/json")
}
