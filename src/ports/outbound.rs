//! Requests to other hosts. Redirects are never followed by the platform: whoever asked decides,
//! so that a credential never reaches another host.

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};

/// A body that arrives in chunks.
#[async_trait(?Send)]
pub trait ByteStream {
    /// The next chunk, or none at the end. A chunk may be of any size but is never the whole of a large body.
    async fn next(&mut self) -> Result<Option<Vec<u8>>>;
}

/// Bytes that are already here, as a stream.
pub struct Buffered(Option<Vec<u8>>);

impl Buffered {
    /// A stream of one chunk.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Some(bytes))
    }
}

#[async_trait(?Send)]
impl ByteStream for Buffered {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.take())
    }
}

/// Reads a stream to its end, or fails with `TooLarge` as soon as it passes `limit` bytes.
pub async fn read_to_end(stream: &mut dyn ByteStream, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await? {
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The body is larger than {limit} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A request to another host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutRequest {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Absolute URL.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Vec<u8>,
}

/// The answer of another host.
pub struct InResponse {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; a stream, since it may be an archive.
    pub body: Box<dyn ByteStream>,
}

impl InResponse {
    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The network. A request that got no answer at all is `ErrorKind::Upstream { retryable: true }`.
#[async_trait(?Send)]
pub trait HttpClient {
    /// Sends one request and gives the answer as it is, redirects included.
    async fn send(&self, request: OutRequest) -> Result<InResponse>;
}
