//! The only room that names `worker`: it converts and decides nothing.
//!
//! The three entry points are written by hand instead of by the macros of `worker`: a queue handler of theirs that
//! fails panics and takes the isolate along, and it does not tell how often a message was delivered.
//! `entry.mjs` hands them to the platform under their exported names `fetch`, `queue` and `scheduled`.

mod archive_cache;
mod bindings;
mod body;
mod clock;
mod convert;
mod counters;
mod d1;
#[cfg(feature = "api")]
mod delivered;
mod elsewhere;
mod fetch;
mod js;
mod kv;
mod log;
mod queue;
mod r2;
mod rate_limit;
mod signer;
mod task;
mod vault;
#[cfg(feature = "api")]
mod work;

use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::prelude::*;
// Linked for its start function: it logs a panic and has the next request start a fresh instance.
use worker as _;
use worker_sys::Context as Worker;

use self::bindings::{Bindings, Role};
use self::log::Console;
use crate::http::Body;
use crate::ports::{Level, Log};

/// Answers a request: with a response, or with a promise of one. A warm isolate has most answers in memory; these need no
/// promise, no task and no turn of the microtask queue, which together cost more than the answer.
#[wasm_bindgen(js_name = "fetch")]
#[expect(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub fn answer(
    request: web_sys::Request,
    env: JsValue,
    context: Worker,
) -> Result<JsValue, JsValue> {
    let mut answering: task::Answering = Box::pin(respond(request, env, context));
    // Nobody is woken by this look: the task below looks again at once, and leaves its own waker.
    let mut look = Context::from_waker(Waker::noop());
    match clock::in_a_turn(|| answering.as_mut().poll(&mut look)) {
        Poll::Ready(response) => response,
        Poll::Pending => Ok(task::promise(answering).into()),
    }
}

async fn respond(
    request: web_sys::Request,
    env: JsValue,
    context: Worker,
) -> Result<JsValue, JsValue> {
    let bindings = match Bindings::of(&env) {
        Ok(bindings) => bindings,
        Err(error) => return convert::failure(&error).map(JsValue::from),
    };
    if bindings.role == Role::Consumer {
        return convert::nothing_here().map(JsValue::from);
    }
    // A program that has the API hands nothing on.
    let original = (!cfg!(feature = "api")).then(|| Clone::clone(&request));
    let incoming = convert::request(request);
    let method = incoming.method.clone();
    let answering = pin!(async {
        let reply = crate::http::handle(&bindings.app, incoming).await;
        if let (Some(original), Body::Elsewhere) = (&original, &reply.body) {
            // Whoever answers tells of it.
            return (elsewhere::answer(&bindings, &method, original).await, None);
        }
        let is_stored = matches!(
            reply.body,
            Body::Document(_) | Body::Archive { .. } | Body::Asset(_)
        );
        let expected = reply.status;
        let response = convert::response(reply, &method, &bindings, &context).await;
        let status = match &response {
            Err(_) => 500,
            // What is stored may turn out not to be there.
            Ok(response) if is_stored => response.status(),
            Ok(_) => expected,
        };
        (response, Some(status))
    });
    let response = crate::http::observe(&bindings.app, &method, answering).await;
    finish_later(&bindings, &context);
    response.map(JsValue::from)
}

/// Has done after the answer what no answer waits for. A promise starts in a later turn, so that an answer that needs no
/// I/O is out by then.
fn finish_later(bindings: &Rc<Bindings>, context: &Worker) {
    let gathering = crate::http::begin_to_gather(&bindings.app);
    let is_unfinished = crate::http::is_unfinished(&bindings.app);
    if gathering.is_none() && !is_unfinished {
        return;
    }
    let bindings = Rc::clone(bindings);
    let finishing = wasm_bindgen_futures::future_to_promise(async move {
        if is_unfinished {
            crate::http::finish(&bindings.app).await;
        }
        if let Some(milliseconds) = gathering {
            // Who cannot wait tells at once.
            let _ = js::pause(milliseconds).await;
            crate::http::tell_gathered(&bindings.app).await;
        }
        Ok(JsValue::UNDEFINED)
    });
    if let Err(thrown) = context.wait_until(&finishing) {
        Console.line(Level::Warning, &js::describe(&thrown));
    }
}
