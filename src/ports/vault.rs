//! Encryption of secrets at rest: AES-256-GCM by WebCrypto in a Worker.

use async_trait::async_trait;

use crate::error::Result;

/// Seals secrets for storage. The sealed text is bound to `context` (what the secret belongs to),
/// so that it cannot be moved to another row.
#[async_trait(?Send)]
pub trait Vault {
    /// Encrypts; the result is text that says its own version.
    async fn seal(&self, context: &str, secret: &str) -> Result<String>;
    /// Decrypts what `seal` gave for the same context.
    async fn open(&self, context: &str, sealed: &str) -> Result<String>;
}
