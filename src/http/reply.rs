//! A reply is data: handlers say what is to be sent, the edge streams it.

use crate::domain::blob::BlobHash;

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// Bytes that are already here.
    Bytes(Vec<u8>),
    /// A stored document, to be streamed from the cache or else from the blob store.
    Document(BlobHash),
    /// A stored archive or a part of it, to be streamed from the blob store. The status and the headers are complete.
    Archive {
        /// Its key in the blob store.
        key: String,
        /// What a copy of it in the data centre is told from others by: other bytes have another text, and after archives of its
        /// organisation were deleted, all have.
        copy: String,
        /// Bytes of the whole of it.
        size: u64,
        /// `(offset, length)` when only a part was asked for.
        range: Option<(u64, u64)>,
    },
    /// A file of the pages, by the name that the build gave it. The status and the headers are complete.
    Asset(String),
    /// Whatever the Worker says that has the API: it is to be asked with this very request. Status and headers are its own.
    Elsewhere,
}

/// Who may keep an answer, and for how long. Every reply picks one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    /// Nobody: errors, the API, anything with a secret in it.
    NoStore,
    /// The client itself, if it asks again each time: metadata.
    Revalidate,
    /// The client itself, for ever: archives, which never change.
    Immutable,
    /// Nobody, not even the browser that shows it: pages, which are for one person.
    Page,
    /// Everybody, for ever: files of the pages, which are named by what is in them and hold nothing of anybody.
    Public,
}

impl CachePolicy {
    fn header(self) -> &'static str {
        match self {
            Self::NoStore => "no-store",
            Self::Revalidate => "private, no-cache",
            Self::Immutable => "private, max-age=31536000, immutable",
            Self::Page => "private, no-store",
            Self::Public => "public, max-age=31536000, immutable",
        }
    }
}

impl Reply {
    /// A reply with a cache policy.
    pub fn new(status: u16, policy: CachePolicy, body: Body) -> Self {
        Self {
            status,
            headers: vec![("cache-control", policy.header().to_owned())],
            body,
        }
    }

    /// JSON of the API or of an error, never kept by anyone.
    pub fn json(status: u16, value: &impl serde::Serialize) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        Self::new(status, CachePolicy::NoStore, Body::Bytes(bytes))
            .with("content-type", "application/json")
    }

    /// An answer without a body.
    pub fn empty(status: u16, policy: CachePolicy) -> Self {
        Self::new(status, policy, Body::Empty)
    }

    /// The answer of the Worker that has the API.
    pub fn elsewhere() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Elsewhere,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
