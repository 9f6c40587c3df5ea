//! The port that counts what should be rare: the platform's rate limiting binding in a Worker.

use async_trait::async_trait;

use crate::error::Result;

/// Counts events by key. Each place of the platform counts for itself, and roughly: it slows down who guesses, and is no
/// account of anything.
#[async_trait(?Send)]
pub trait RateLimit {
    /// Counts one event; whether there were not too many of this key within the last minute.
    async fn count(&self, key: &str) -> Result<bool>;
}
