//! The messages of a batch of Queues, on their way in.

use wasm_bindgen::{JsCast, JsValue};
use worker_sys::Message;

use crate::edge::js;
use crate::edge::queue::LONGEST_DELAY;
use crate::error::Result;
use crate::jobs::Outcome;

/// A message that was delivered.
pub(super) struct Delivered(Message);

impl Delivered {
    /// Over a message of a batch.
    pub(super) fn new(message: JsValue) -> Self {
        Self(message.unchecked_into())
    }

    /// Its text. Whatever else someone put into the queue is handed on as JSON, for the jobs to judge.
    pub(super) fn text(&self) -> String {
        let body = self.0.body().unwrap_or(JsValue::UNDEFINED);
        body.as_string()
            .or_else(|| js_sys::JSON::stringify(&body).ok()?.as_string())
            .unwrap_or_default()
    }

    /// How often it was delivered, this time included.
    pub(super) fn attempts(&self) -> u32 {
        let attempts = js::field(&self.0, "attempts").as_f64().unwrap_or(1.0);
        u32::try_from(js::count(attempts)).unwrap_or(u32::MAX)
    }

    /// Does to this message alone what its outcome asks for.
    pub(super) fn settle(&self, outcome: &Outcome) -> Result<()> {
        match outcome {
            Outcome::Done => self.0.ack().map_err(js::unavailable("Queues ack")),
            Outcome::Retry { after } => {
                let delay = (*after).min(LONGEST_DELAY);
                let options = js::object(&[("delaySeconds", delay.into())]);
                self.0
                    .retry(options.into())
                    .map_err(js::unavailable("Queues retry"))
            }
        }
    }
}
