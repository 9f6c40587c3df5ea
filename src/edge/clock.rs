//! The only reader of the clock and of randomness.

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::{Clock, Entropy};

/// The isolate's clock. It stands still while CPU runs and moves at I/O.
pub(super) struct IsolateClock;

impl Clock for IsolateClock {
    fn now(&self) -> i64 {
        js::seconds(js_sys::Date::now())
    }

    fn milliseconds(&self) -> i64 {
        js::milliseconds(js_sys::Date::now())
    }
}

/// The platform's generator.
pub(super) struct PlatformEntropy;

impl Entropy for PlatformEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        getrandom::fill(buffer).map_err(Error::internal)
    }
}
