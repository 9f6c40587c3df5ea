//! The queue port: Cloudflare Queues in a Worker.

use async_trait::async_trait;

use crate::error::Result;

/// A message to send: JSON text, at most 128 KB, perhaps later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The text, made by serde_json; the binding's own serializer turns maps into `{}`.
    pub text: String,
    /// Seconds before it may be delivered, at most 12 hours.
    pub delay: u32,
}

/// Where slow work goes. Every error is [`Error::unavailable`](crate::error::Error::unavailable).
#[async_trait(?Send)]
pub trait Queue {
    /// Sends messages; the adapter splits them into batches of 100 and 256 KB.
    async fn send(&self, messages: Vec<Outgoing>) -> Result<()>;
}
