//! Time and randomness come in through here and nowhere else.

use crate::error::Result;

/// The clock.
pub trait Clock {
    /// Unix seconds. In a Worker the clock stands still while CPU runs and moves at I/O.
    fn now(&self) -> i64;

    /// Unix milliseconds, by the same clock: for how long something took.
    fn milliseconds(&self) -> i64;
}

/// Randomness fit for secrets.
pub trait Entropy {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<()>;
}
