//! Git itself, as far as a registry needs it: the smart protocol's messages, packs, and the objects inside of them.
//!
//! Sources: gitprotocol-v2(5), gitprotocol-common(5), gitformat-pack(5). Nothing here does I/O: requests are bytes to
//! be sent, answers are bytes that arrived.

pub mod fetch;
pub mod object;
pub mod pack;
pub mod packet;
pub mod refs;

#[cfg(test)]
pub(crate) mod testing;

use std::fmt;

/// Why an answer of a git server, or what is in it, could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitFault {
    /// The server speaks no protocol version 2.
    #[error(
        "The server speaks git's protocol only in an old version; version 2 is needed (git 2.18 or later on the server)"
    )]
    OldProtocol,
    /// The address leads to something that is no git server.
    #[error("There is no git repository at this address: it does not answer as a git server does")]
    NoGit,
    /// The repository names its objects by another hash than SHA-1.
    #[error(
        "The repository has the object format `{0}`; only `sha1` is supported, so import a mirror of that format"
    )]
    ObjectFormat(String),
    /// The server's own words.
    #[error("The git server says: {0}")]
    Said(String),
    /// The bytes contradict the protocol, or were cut short.
    #[error("The git server's answer is damaged: {0}")]
    Damaged(&'static str),
    /// An object is larger than what fits into memory.
    #[error("A file of {size} bytes is in the repository; at most {limit} bytes can be packed")]
    LargeObject {
        /// Bytes.
        size: u64,
        /// Bytes.
        limit: u64,
    },
    /// The server did not send an object that another one names.
    #[error("The git server did not send the object `{0}`")]
    Missing(ObjectId),
}

/// The SHA-1 that names an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    /// Reads 40 hex digits; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Takes the 20 bytes as they are stored in trees and packs; none for another number of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
