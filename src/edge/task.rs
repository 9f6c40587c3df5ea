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

/// What has to be looked at when it is woken.
struct Work {
    answering: Answering,
    waker: Waker,
}

struct Task {
    /// None in its own turn.
    work: Option<Work>,
    /// Whether it was woken in its own turn, by itself or by another one that had a turn within it.
    is_woken: bool,
    resolve: Function,
    reject: Function,
}

/// A task is found by its number: a waker must be able to go to other threads, of which there are none, and a promise cannot.
struct Number(u64);

#[derive(Default)]
struct Tasks {
    /// Those that have not ended.
    open: RefCell<HashMap<u64, Task>>,
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
        TASKS.with(|tasks| tasks.run(self.0));
    }
}

impl Tasks {
    /// Takes up the work of a task. In its own turn that is noted, and it is looked at once more when the turn is over. One
    /// that has ended may be woken again, by what it no longer waits for.
    fn take(&self, number: u64) -> Option<Work> {
        let mut open = self.open.borrow_mut();
        let task = open.get_mut(&number)?;
        let work = task.work.take();
        task.is_woken = work.is_none();
        work
    }

    /// Puts work away that waits; gives it back where it was woken in its turn.
    fn put_away(&self, number: u64, work: Work) -> Option<Work> {
        let mut open = self.open.borrow_mut();
        let task = open.get_mut(&number)?;
        if std::mem::take(&mut task.is_woken) {
            return Some(work);
        }
        task.work = Some(work);
        None
    }

    fn run(&self, number: u64) {
        let mut taken = self.take(number);
        while let Some(mut work) = taken {
            let mut context = Context::from_waker(&work.waker);
            match in_a_turn(|| work.answering.as_mut().poll(&mut context)) {
                Poll::Pending => taken = self.put_away(number, work),
                Poll::Ready(ended) => return self.end(number, ended),
            }
        }
    }

    fn end(&self, number: u64, ended: Result<JsValue, JsValue>) {
        let task = self.open.borrow_mut().remove(&number);
        let Some(task) = task else {
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
        let waker = Arc::new(Number(number)).into();
        let task = Task {
            work: Some(Work { answering, waker }),
            is_woken: false,
            resolve,
            reject,
        };
        TASKS.with(|tasks| tasks.open.borrow_mut().insert(number, task));
        begun = Some(number);
    });
    if let Some(number) = begun {
        TASKS.with(|tasks| tasks.run(number));
    }
    promise
}
