//! The edge cache port: KV in a Worker. It holds copies of what never changes, so a copy is never stale, only absent.

use async_trait::async_trait;

use crate::error::Result;

/// Copies of immutable values. Absence means "ask the truth", never "does not exist":
/// KV also remembers absence for a while. Every error is [`Error::unavailable`](crate::error::Error::unavailable).
#[async_trait(?Send)]
pub trait Cache {
    /// The copy, if this place has one.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    /// Leaves a copy.
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()>;
    /// Leaves a copy that goes by itself after so many seconds, at least 60: of what can be made anew.
    async fn put_for(&self, key: &str, bytes: &[u8], seconds: u32) -> Result<()>;
}
