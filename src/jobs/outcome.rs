//! What becomes of a queue message.

use crate::error::{Error, ErrorKind};

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

/// What a job says is to happen to its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Finished, or nothing to do.
    Done,
    /// A failure that may pass: the same message again after this many seconds.
    Retry {
        /// Seconds to wait.
        after: u32,
    },
    /// Another host asked for a pause. That is no failure, so the message is sent anew and its deliveries are not
    /// counted: the queue gives up after 100.
    Wait {
        /// Seconds to wait.
        after: u32,
    },
}

/// Seconds between attempts: a passing fault is over soon, an outage is not hammered.
const BACKOFF: [u32; 8] = [1, 5, 15, 60, 300, 600, 1_800, 3_600];

/// How many attempts a failure that may pass is given before a person is asked: about three quarters of an hour.
pub const ATTEMPTS: u32 = 8;

/// Twelve hours: every limit that was ever documented for the delay of a message allows them. Whoever comes back too
/// early sees that the pause is not over, and waits for the rest.
const LONGEST_WAIT: u32 = 43_200;

impl Next {
    /// A pause that another host asked for.
    pub(crate) fn wait(seconds: u32) -> Self {
        Self::Wait {
            after: seconds.clamp(1, LONGEST_WAIT),
        }
    }

    /// What follows from a failure that may pass.
    pub(crate) fn after(error: &Error, attempts: u32) -> Self {
        if let ErrorKind::RateLimited { retry_after } = error.kind() {
            return Self::wait(retry_after);
        }
        Self::Retry {
            after: backoff(attempts),
        }
    }
}

/// Seconds to wait after the given number of attempts in vain, from 1.
pub(crate) fn backoff(attempts: u32) -> u32 {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    BACKOFF.get(index).or(BACKOFF.last()).copied().unwrap_or(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_a_host_is_obeyed() {
        let passing = Error::new(ErrorKind::Upstream { retryable: true }, "down");
        assert_eq!(Next::after(&passing, 1), Next::Retry { after: 1 });
        assert_eq!(Next::after(&passing, 4), Next::Retry { after: 60 });
        assert_eq!(Next::after(&passing, 99), Next::Retry { after: 3_600 });
        let limited = Error::new(ErrorKind::RateLimited { retry_after: 42 }, "slow down");
        assert_eq!(Next::after(&limited, 1), Next::Wait { after: 42 });
    }
}
