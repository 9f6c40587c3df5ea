//! The blob store port: R2 in a Worker. It holds the truth of everything that never changes.

use async_trait::async_trait;

use crate::error::Result;

/// What is known of a stored object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its full key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Unix seconds of its upload.
    pub uploaded: i64,
}

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPage {
    /// The objects, in the order of their keys.
    pub objects: Vec<ObjectFacts>,
    /// Where the next page starts; none on the last one.
    pub cursor: Option<String>,
}

/// Whole small objects, and listings. Every error is [`Error::unavailable`](crate::error::Error::unavailable).
#[async_trait(?Send)]
pub trait Blobs {
    /// Writes an object whole; the same bytes twice are harmless.
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()>;
    /// Reads an object whole. Only for small ones: documents and tree nodes.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    /// Reads `length` bytes from `offset` on; fewer at the end of the object, none when it is missing.
    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>>;
    /// The object's facts, or none when it is missing.
    async fn head(&self, key: &str) -> Result<Option<ObjectFacts>>;
    /// Removes objects, at most 1,000; missing ones are no error.
    async fn delete(&self, keys: &[String]) -> Result<()>;
    /// Lists objects below a prefix, at most 1,000 a page.
    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage>;
}

/// Uploads in parts, for archives whose length is unknown or large.
/// R2 wants all parts but the last to be of one size, at least 5 MiB, and at most 10,000 of them.
#[async_trait(?Send)]
pub trait MultipartBlobs {
    /// Starts an upload and gives its id.
    async fn create_multipart(&self, key: &str) -> Result<String>;
    /// Uploads part `number` (from 1) and gives its entity tag.
    async fn upload_part(
        &self,
        key: &str,
        upload: &str,
        number: u16,
        bytes: &[u8],
    ) -> Result<String>;
    /// Makes the object visible; `parts` are the entity tags in order.
    async fn complete_multipart(&self, key: &str, upload: &str, parts: &[String]) -> Result<()>;
    /// Gives the upload up; its parts are freed.
    async fn abort_multipart(&self, key: &str, upload: &str) -> Result<()>;
}
