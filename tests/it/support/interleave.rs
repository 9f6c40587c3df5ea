//! Futures driven by hand, a step at a time: a step ends where a port is called.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A future and what it gave.
pub(crate) struct Run<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    result: Option<T>,
}

impl<'a, T> Run<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self {
            future: Box::pin(future),
            result: None,
        }
    }

    /// Goes on for some steps; whether it is through by then.
    pub(crate) fn steps(&mut self, count: usize) -> bool {
        for _ in 0..count {
            if self.result.is_some() {
                return true;
            }
            let future = pin!(&mut self.future);
            if let Poll::Ready(result) = future.poll(&mut Context::from_waker(Waker::noop())) {
                self.result = Some(result);
            }
        }
        self.result.is_some()
    }

    /// Goes on to the end.
    pub(crate) fn finish(mut self) -> T {
        while !self.steps(1) {}
        self.result.unwrap()
    }
}
