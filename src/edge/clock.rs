//! The only reader of the clock and of randomness.

use std::cell::Cell;

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::{Clock, Entropy};

thread_local! {
    /// Whether a request has its turn; and the moment, once somebody asked for it in this turn.
    static TURN: Cell<(bool, Option<f64>)> = const { Cell::new((false, None)) };
}

/// The isolate's clock. It stands still while CPU runs and moves at I/O.
pub(super) struct IsolateClock;

impl IsolateClock {
    /// Milliseconds as JavaScript has them. Within a turn the clock does not move, and each look at it is a call out of
    /// WebAssembly: one is enough.
    fn look() -> f64 {
        let (is_turn, known) = TURN.get();
        if let Some(moment) = known {
            return moment;
        }
        let moment = js_sys::Date::now();
        if is_turn {
            TURN.set((true, Some(moment)));
        }
        moment
    }
}

/// Has something done that awaits nothing: the clock stands still meanwhile.
pub(super) fn in_a_turn<T>(work: impl FnOnce() -> T) -> T {
    // Turns do not lie within each other, but one that panicked may have left its own.
    TURN.set((true, None));
    let value = work();
    TURN.set((false, None));
    value
}

impl Clock for IsolateClock {
    fn now(&self) -> i64 {
        js::seconds(Self::look())
    }

    fn milliseconds(&self) -> i64 {
        js::milliseconds(Self::look())
    }
}

/// The platform's generator.
pub(super) struct PlatformEntropy;

impl Entropy for PlatformEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        getrandom::fill(buffer).map_err(Error::internal)
    }
}
