//! Signatures by a private key that is not ours but a person's: WebCrypto in a Worker.

use async_trait::async_trait;

use crate::error::Result;

/// Signs by RSA.
#[async_trait(?Send)]
pub trait Signer {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (`RS256`) under a private key in PKCS#8. A key that cannot be signed with is `Invalid`.
    async fn sign_rs256(&self, private_key: &[u8], message: &[u8]) -> Result<Vec<u8>>;
}
