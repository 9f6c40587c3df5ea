//! What becomes of a queue message.

/// The fate of one message. Messages are acknowledged one at a time; none takes its batch along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Finished, or nothing to do.
    Done,
    /// To be delivered again after this many seconds.
    Retry {
        /// Seconds to wait.
        after: u32,
    },
}
