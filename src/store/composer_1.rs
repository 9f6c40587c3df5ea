//! What Composer 1 reads, beside the tree of the same revision.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::blob::BlobHash;
use crate::domain::composer_1::{Draft, Includes, Provider, decode_listing};
use crate::domain::tree::{DamagedTree, Root, bucket_number, read_first_line, touched_buckets};
use crate::error::{Error, Result};
use crate::store::blobs::load_blob;
use crate::store::repositories::Head;

/// Opens the listings of a tree for a change to these packages.
pub async fn open_draft<'a>(
    app: &App,
    repository: i64,
    root: &Root,
    names: impl Iterator<Item = &'a str>,
) -> Result<Draft> {
    let includes = match root.composer_1() {
        None => Includes::default(),
        Some(hash) => load_includes(app, hash).await?,
    };
    let mut touched = BTreeMap::new();
    for number in touched_buckets(names) {
        if let Some(hash) = includes.listing(number) {
            let bytes = load_blob(app, hash).await?;
            touched.insert(number, decode_listing(&bytes).map_err(damaged)?);
        }
    }
    Ok(Draft::new(repository, includes, touched))
}

/// What a revision has for Composer 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// Nothing was published yet.
    Empty,
    /// Nothing, or not for all packages yet.
    Unfinished,
    /// The file that names the listings.
    Listed(BlobHash),
}

/// Finds what a revision has for Composer 1. Listings that lack a package are no offer: its users would be told that it
/// does not exist.
pub async fn find_offer(app: &App, head: &Head) -> Result<Offer> {
    let Some(root) = &head.root else {
        return Ok(Offer::Empty);
    };
    let root = load_blob(app, root).await?;
    let first = read_first_line(&root).map_err(damaged)?;
    let Some(hash) = first.composer_1 else {
        return Ok(Offer::Unfinished);
    };
    let listed = load_includes(app, &hash).await?.package_count();
    Ok(if listed == first.package_count {
        Offer::Listed(hash)
    } else {
        Offer::Unfinished
    })
}

/// Whether a revision has this listing, or this file that names the listings.
pub async fn names_listing(app: &App, head: &Head, asked: &BlobHash) -> Result<bool> {
    let Some(hash) = find_includes(app, head).await? else {
        return Ok(false);
    };
    Ok(hash == *asked
        || load_includes(app, &hash)
            .await?
            .listings()
            .any(|known| known == asked))
}

/// Finds the document of a package in a revision.
pub async fn find_provider(app: &App, head: &Head, name: &str) -> Result<Option<Provider>> {
    let Some(hash) = find_includes(app, head).await? else {
        return Ok(None);
    };
    let includes = load_includes(app, &hash).await?;
    let Some(listing) = includes.listing(bucket_number(name)) else {
        return Ok(None);
    };
    let mut listing = decode_listing(&load_blob(app, listing).await?).map_err(damaged)?;
    Ok(listing.remove(name))
}

async fn find_includes(app: &App, head: &Head) -> Result<Option<BlobHash>> {
    let Some(root) = &head.root else {
        return Ok(None);
    };
    let root = load_blob(app, root).await?;
    Ok(read_first_line(&root).map_err(damaged)?.composer_1)
}

async fn load_includes(app: &App, hash: &BlobHash) -> Result<Includes> {
    Includes::decode(&load_blob(app, hash).await?).map_err(damaged)
}

fn damaged(error: DamagedTree) -> Error {
    Error::internal(error)
}
