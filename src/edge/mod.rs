//! The only room that names `worker`: it converts and decides nothing.
//!
//! The three entry points are written by hand instead of by the macros of `worker`: a queue handler of theirs that
//! fails panics and takes the isolate along, and it does not tell how often a message was delivered.
//! `entry.mjs` hands them to the platform under their exported names `fetch`, `queue` and `scheduled`.

mod bindings;
mod body;
mod clock;
mod convert;
mod counters;
mod d1;
mod fetch;
mod js;
mod kv;
mod log;
mod queue;
mod r2;
mod rate_limit;
mod signer;
mod vault;

use std::pin::pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
// Linked for its start function: it logs a panic and has the next request start a fresh instance.
use worker as _;
use worker_sys::{Context, MessageBatch, ScheduledEvent};

use self::bindings::{Bindings, Role};
use self::log::Console;
use self::queue::Delivered;
use crate::jobs::{self, Outcome};
use crate::ports::{Level, Log};

/// How a dead-letter queue's name ends.
const DEAD_LETTERS: &str = "dead-letters";

/// How the name of the queue ends whose messages are counted together.
const COUNTS: &str = "counts";

/// When a batch could not even be started, it comes again after this many seconds.
const RESTART_SECONDS: u32 = 60;

/// Answers a request: with a response, or with a promise of one. A warm isolate has most answers in memory; these need no
/// promise, no task and no turn of the microtask queue, which together cost more than the answer.
#[wasm_bindgen(js_name = "fetch")]
#[expect(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub fn answer(
    request: web_sys::Request,
    env: JsValue,
    context: Context,
) -> Result<JsValue, JsValue> {
    let mut answering = Box::pin(respond(request, env, context));
    // Nobody is woken by this look: the task below looks again at once, and leaves its own waker.
    let mut look = task::Context::from_waker(Waker::noop());
    match answering.as_mut().poll(&mut look) {
        Poll::Ready(response) => response.map(JsValue::from),
        Poll::Pending => {
            let later = async move { answering.await.map(JsValue::from) };
            Ok(wasm_bindgen_futures::future_to_promise(later).into())
        }
    }
}

async fn respond(
    request: web_sys::Request,
    env: JsValue,
    context: Context,
) -> Result<web_sys::Response, JsValue> {
    let bindings = match Bindings::of(&env) {
        Ok(bindings) => bindings,
        Err(error) => return convert::failure(&error),
    };
    if bindings.role == Role::Consumer {
        return convert::nothing_here();
    }
    let incoming = convert::request(request);
    let method = incoming.method.clone();
    let answering = pin!(async {
        let reply = crate::http::handle(&bindings.app, incoming).await;
        let response = convert::response(reply, &method, &bindings, &context).await;
        let status = response.as_ref().map_or(500, web_sys::Response::status);
        (response, status)
    });
    let response = crate::http::observe(&bindings.app, &method, answering).await;
    finish_later(&bindings, &context);
    response
}

/// Has done after the answer what no answer waits for. A promise starts in a later turn, so that an answer that needs no
/// I/O is out by then.
fn finish_later(bindings: &Rc<Bindings>, context: &Context) {
    if !crate::http::is_unfinished(&bindings.app) {
        return;
    }
    let bindings = Rc::clone(bindings);
    let finishing = wasm_bindgen_futures::future_to_promise(async move {
        crate::http::finish(&bindings.app).await;
        Ok(JsValue::UNDEFINED)
    });
    if let Err(thrown) = context.wait_until(&finishing) {
        Console.line(Level::Warning, &js::describe(&thrown));
    }
}

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
