//! Runs an answer that has to wait.
//!
//! `wasm_bindgen_futures` would put it into a queue and look at it in a microtask of its own after each thing that it waited
//! for. Here it goes on at once, in the turn in which that came: a document waits once, for KV, and the detour cost it as much
//! as all else that the program does for it. And what goes on in the turn of its own request is in that request's context.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use crate::edge::clock::in_a_turn;

/// What is to be answered, or thrown.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

struct Task {
    answering: Answering,
    resolve: Function,
    reject: Function,
    waker: Waker,
}

/// A task is found by its number: a waker must be able to go to other threads, of which there are none, and a promise cannot.
struct Number(u64);

#[derive(Default)]
struct Tasks {
    /// Those that wait.
    waiting: RefCell<HashMap<u64, Task>>,
    /// That whose turn it is, and whether it was woken meanwhile.
    running: Cell<Option<(u64, bool)>>,
    last: Cell<u64>,
}

thread_local! {
    static TASKS: Tasks = Tasks::default();
}

impl Wake for Number {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        TASKS.with(|tasks| match tasks.running.get() {
            // Whoever wakes himself, or another one from within his own turn, is looked at again when that is over.
            Some((number, _)) if number == self.0 => tasks.running.set(Some((number, true))),
            _ => tasks.run(self.0),
        });
    }
}

impl Tasks {
    fn run(&self, number: u64) {
        // One that has ended may be woken again, by what it no longer waits for.
        let Some(mut task) = self.waiting.borrow_mut().remove(&number) else {
            return;
        };
        let outer = self.running.get();
        let ended = loop {
            self.running.set(Some((number, false)));
            let mut context = Context::from_waker(&task.waker);
            if let Poll::Ready(ended) = in_a_turn(|| task.answering.as_mut().poll(&mut context)) {
                break Some(ended);
            }
            if !matches!(self.running.get(), Some((_, true))) {
                break None;
            }
        };
        self.running.set(outer);
        let Some(ended) = ended else {
            self.waiting.borrow_mut().insert(number, task);
            return;
        };
        // The promise's own functions throw nothing.
        let _ = match ended {
            Ok(value) => task.resolve.call1(&JsValue::UNDEFINED, &value),
            Err(thrown) => task.reject.call1(&JsValue::UNDEFINED, &thrown),
        };
    }
}

/// The promise of an answer that is not there yet.
pub(super) fn promise(answering: Answering) -> Promise {
    let mut answering = Some(answering);
    let mut begun = None;
    let promise = Promise::new(&mut |resolve, reject| {
        let Some(answering) = answering.take() else {
            return;
        };
        let number = TASKS.with(|tasks| {
            let number = tasks.last.get().wrapping_add(1);
            tasks.last.set(number);
            number
        });
        let task = Task {
            answering,
            resolve,
            reject,
            waker: Arc::new(Number(number)).into(),
        };
        TASKS.with(|tasks| tasks.waiting.borrow_mut().insert(number, task));
        begun = Some(number);
    });
    if let Some(number) = begun {
        TASKS.with(|tasks| tasks.run(number));
    }
    promise
}
