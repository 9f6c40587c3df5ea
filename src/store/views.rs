//! Documents as those see them who do not see all versions: made once for each document and limits, and kept.

use std::rc::Rc;

use crate::app::App;
use crate::domain::access::{Limits, limit_document, view_name};
use crate::domain::blob::BlobHash;
use crate::error::Result;
use crate::store::blobs::load_blob;

/// A copy in the cache goes by itself after 30 days: what is still asked for leaves another one.
const CACHED_SECONDS: u32 = 30 * 24 * 60 * 60;
/// KV takes 25 MiB at most.
const CACHED_BYTES: usize = 20 * 1024 * 1024;

/// What limits leave of a document; none when it is nothing. That nothing is left is remembered and kept as well: as no
/// bytes, which no document has.
pub async fn load_view(
    app: &App,
    document: &BlobHash,
    limits: &Limits,
) -> Result<Option<Rc<[u8]>>> {
    let name = view_name(document, limits);
    if let Some(bytes) = app.memo.nodes.recall(name.as_str()) {
        return Ok(some(bytes));
    }
    let cached = match app.cache.get(&name.view_cache_key()).await {
        Ok(cached) => cached,
        Err(error) => {
            app.warn_of_outage("the cache", &error);
            None
        }
    };
    if let Some(bytes) = cached {
        let bytes: Rc<[u8]> = bytes.into();
        app.memo.nodes.remember(name.as_str(), bytes.clone());
        return Ok(some(bytes));
    }
    // A view is made of its document anew where the blob store is in trouble, and nothing is kept of it there.
    let (kept, is_reachable) = match app.blobs.get(&name.view_key()).await {
        Ok(kept) => (kept, true),
        Err(error) => {
            app.warn_of_outage("the blob store", &error);
            (None, false)
        }
    };
    let bytes = if let Some(bytes) = kept {
        bytes
    } else {
        let document = load_blob(app, document).await?;
        let bytes = limit_document(&document, limits).unwrap_or_default();
        if is_reachable && let Err(error) = app.blobs.put(&name.view_key(), &bytes).await {
            app.warn_of_outage("the blob store", &error);
        }
        bytes
    };
    if bytes.len() <= CACHED_BYTES
        && let Err(error) = app
            .cache
            .put_for(&name.view_cache_key(), &bytes, CACHED_SECONDS)
            .await
    {
        app.warn_of_outage("copies in the cache", &error);
    }
    let bytes: Rc<[u8]> = bytes.into();
    app.memo.nodes.remember(name.as_str(), bytes.clone());
    Ok(some(bytes))
}

fn some(bytes: Rc<[u8]>) -> Option<Rc<[u8]>> {
    (!bytes.is_empty()).then_some(bytes)
}
