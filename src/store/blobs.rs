//! Blobs: looked for in the isolate's memory, then in the cache near the reader, then in the blob store,
//! which holds the truth.

use std::rc::Rc;

use crate::app::App;
use crate::domain::blob::{Blob, BlobHash};
use crate::error::{Error, Result};

/// Copies in the cache are for small things; KV takes 25 MiB at most.
const CACHED_BYTES: usize = 20 * 1024 * 1024;

/// Loads a tree node or a small document whole.
pub async fn load_blob(app: &App, hash: &BlobHash) -> Result<Rc<[u8]>> {
    if let Some(bytes) = app.memo.nodes.recall(hash.as_str()) {
        return Ok(bytes);
    }
    let cached = match app.cache.get(&hash.cache_key()).await {
        Ok(cached) => cached,
        Err(error) => {
            app.warn_of_outage("the cache", &error);
            None
        }
    };
    let bytes: Rc<[u8]> = if let Some(bytes) = cached {
        bytes.into()
    } else {
        let bytes = app
            .blobs
            .get(&hash.blob_key())
            .await
            .map_err(Error::or_unavailable)?
            .ok_or_else(|| Error::internal(format!("blob {hash} is missing")))?;
        copy_near(app, hash, &bytes).await;
        bytes.into()
    };
    app.memo.nodes.remember(hash.as_str(), bytes.clone());
    Ok(bytes)
}

/// Stores a blob. Its name is its hash, so the same bytes twice are harmless.
pub async fn put_blob(app: &App, blob: &Blob) -> Result<()> {
    app.blobs.put(&blob.hash().blob_key(), blob.bytes()).await?;
    copy_near(app, blob.hash(), blob.bytes()).await;
    Ok(())
}

/// Stores a blob that few will read: the first of them leaves the copy in the cache.
pub async fn put_rare_blob(app: &App, blob: &Blob) -> Result<()> {
    app.blobs.put(&blob.hash().blob_key(), blob.bytes()).await
}

/// The first bytes of a blob, at most `length`; none when there is no such blob.
pub async fn read_blob_start(app: &App, hash: &BlobHash, length: u64) -> Result<Option<Vec<u8>>> {
    app.blobs.get_range(&hash.blob_key(), 0, length).await
}

/// Leaves a copy in the cache. A failure costs a slower read later and nothing else.
async fn copy_near(app: &App, hash: &BlobHash, bytes: &[u8]) {
    if bytes.len() > CACHED_BYTES {
        return;
    }
    if let Err(error) = app.cache.put(&hash.cache_key(), bytes).await {
        app.warn_of_outage("copies in the cache", &error);
    }
}
