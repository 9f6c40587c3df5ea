//! The entry points for what nobody waits for: messages of the queues, and the cron.

use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use worker_sys::{Context, MessageBatch, ScheduledEvent};

use super::bindings::Bindings;
use super::delivered::Delivered;
use super::js;
use super::log::Console;
use crate::jobs::{self, Outcome};
use crate::ports::{Level, Log};

/// How a dead-letter queue's name ends.
const DEAD_LETTERS: &str = "dead-letters";

/// How the name of the queue ends whose messages are counted together.
const COUNTS: &str = "counts";

/// When a batch could not even be started, it comes again after this many seconds.
const RESTART_SECONDS: u32 = 60;

/// Runs the messages of a batch side by side, each to its own end. A batch holds five at most.
/// Never fails: a rejection would bring the whole batch again.
#[wasm_bindgen(js_name = "queue")]
#[expect(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub async fn consume(batch: MessageBatch, env: JsValue, _context: Context) {
    let name = batch.queue().map(String::from).unwrap_or_default();
    let messages = batch.messages().unwrap_or_default();
    let bindings = match Bindings::of(&env) {
        Ok(bindings) => bindings,
        Err(error) => {
            Console.line(Level::Error, &error.to_string());
            let again = Outcome::Retry {
                after: RESTART_SECONDS,
            };
            for message in messages.iter() {
                settle(&Delivered::new(message), &again);
            }
            return;
        }
    };
    if name.ends_with(COUNTS) {
        return count(&bindings, messages).await;
    }
    let is_dead_letters = name.ends_with(DEAD_LETTERS);
    let running = messages
        .iter()
        .map(|message| {
            let bindings = Rc::clone(&bindings);
            wasm_bindgen_futures::future_to_promise(async move {
                let message = Delivered::new(message);
                let outcome = if is_dead_letters {
                    jobs::bury(&bindings.app, &message.text()).await
                } else {
                    jobs::run(&bindings.app, &message.text(), message.attempts()).await
                };
                settle(&message, &outcome);
                Ok(JsValue::UNDEFINED)
            })
        })
        .collect::<Array>();
    // None of them rejects.
    let _ = js::settle(Ok(Promise::all(&running))).await;
}

/// Runs a batch that is counted, as one.
async fn count(bindings: &Bindings, messages: Array) {
    let delivered: Vec<_> = messages.iter().map(Delivered::new).collect();
    let texts: Vec<_> = delivered
        .iter()
        .map(|message| jobs::Message {
            text: message.text(),
            attempts: message.attempts(),
        })
        .collect();
    let outcomes = jobs::run_counts(&bindings.app, &texts).await;
    for (message, outcome) in delivered.iter().zip(&outcomes) {
        settle(message, outcome);
    }
}

/// Does the scheduled work.
#[wasm_bindgen(js_name = "scheduled")]
#[expect(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub async fn tick(_event: ScheduledEvent, env: JsValue, _context: Context) {
    match Bindings::of(&env) {
        Ok(bindings) => jobs::housekeep(&bindings.app).await,
        Err(error) => Console.line(Level::Error, &error.to_string()),
    }
}

fn settle(message: &Delivered, outcome: &Outcome) {
    if let Err(error) = message.settle(outcome) {
        Console.line(Level::Error, &error.to_string());
    }
}
