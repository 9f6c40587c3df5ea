//! `Queue` over Queues.

use async_trait::async_trait;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::edge::js;
use crate::error::Result;
use crate::ports::{Outgoing, Queue};

/// Queues takes 100 messages in one call.
const BATCH_MESSAGES: usize = 100;
/// Queues takes 256 KB in one call; what is kept back covers the overhead of the call.
const BATCH_BYTES: usize = 240_000;
/// Queues counts about 100 bytes on top of each message.
const MESSAGE_OVERHEAD: usize = 128;
/// Queues delays by 24 hours at most.
pub(super) const LONGEST_DELAY: u32 = 86_400;

/// The queue of one request.
pub(super) struct Queues(worker_sys::Queue);

impl Queues {
    /// Over the binding.
    pub(super) fn new(binding: JsValue) -> Self {
        Self(binding.unchecked_into())
    }
}

#[async_trait(?Send)]
impl Queue for Queues {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<()> {
        for batch in batches(&messages) {
            let batch = batch.iter().map(to_js).collect::<Array>();
            js::settle(self.0.send_batch(batch, JsValue::UNDEFINED))
                .await
                .map_err(js::unavailable("Queues sendBatch"))?;
        }
        Ok(())
    }
}

/// Cuts the messages, in their order, into as few calls as the limits allow.
fn batches(messages: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut batches = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fitting = rest
            .iter()
            .take(BATCH_MESSAGES)
            .take_while(|message| {
                bytes = bytes
                    .saturating_add(message.text.len())
                    .saturating_add(MESSAGE_OVERHEAD);
                bytes <= BATCH_BYTES
            })
            .count();
        // A message that fits nowhere goes alone, so that the platform says what is wrong with it.
        let (batch, others) = rest.split_at(fitting.clamp(1, rest.len()));
        batches.push(batch);
        rest = others;
    }
    batches
}

fn to_js(message: &Outgoing) -> JsValue {
    js::object(&[
        ("body", message.text.as_str().into()),
        ("contentType", "text".into()),
        ("delaySeconds", message.delay.min(LONGEST_DELAY).into()),
    ])
    .into()
}
