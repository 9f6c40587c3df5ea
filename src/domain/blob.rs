//! Blobs: immutable bytes named by their SHA-256.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a blob, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobHash(String);

impl BlobHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(bytes).into())
    }

    /// A SHA-256 that was computed elsewhere.
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        Self(hex_of(digest))
    }

    /// Reads a hash written in 64 lower-case hex digits; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 64
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        valid.then(|| Self(text.to_owned()))
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the blob in the blob store. Never to change: stored blobs are found by it.
    pub fn blob_key(&self) -> String {
        format!("blobs/{}", self.0)
    }

    /// The key of a view of a document in the blob store, when this names one (`domain/access/view.rs`). Views are made
    /// anew when they are missing, so that they may be removed at any time.
    pub fn view_key(&self) -> String {
        format!("views/{}", self.0)
    }

    /// The key of its copy in the cache. Never to change within one encoding of blobs.
    pub fn cache_key(&self) -> String {
        format!("b:{}", self.0)
    }

    /// The key of a view's copy in the cache.
    pub fn view_cache_key(&self) -> String {
        format!("v:{}", self.0)
    }
}

/// 64 lower-case hex digits. Each request has a token that is looked up by them, and `hex` goes through `char`.
pub(crate) fn hex_of(digest: &[u8; 32]) -> String {
    let mut digits = [0; 64];
    // It fails for a buffer of another length alone.
    let _ = hex::encode_to_slice(digest, &mut digits);
    String::from_utf8(digits.into()).unwrap_or_default()
}

impl fmt::Display for BlobHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Immutable bytes with their name; hashing is the only way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    hash: BlobHash,
    bytes: Vec<u8>,
}

impl Blob {
    /// Names the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            hash: BlobHash::of(&bytes),
            bytes,
        }
    }

    /// Its name.
    pub fn hash(&self) -> &BlobHash {
        &self.hash
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_only_in_its_one_spelling() {
        let hash = BlobHash::of(b"");
        assert_eq!(
            hash.as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(BlobHash::parse(hash.as_str()), Some(hash.clone()));
        assert_eq!(BlobHash::parse(&hash.as_str().to_uppercase()), None);
        assert_eq!(BlobHash::parse("e3b0"), None);
    }
}
