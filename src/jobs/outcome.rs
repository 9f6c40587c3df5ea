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

/// Seconds between attempts: a passing fault is over soon, an outage is not hammered.
const BACKOFF: [u32; 8] = [1, 5, 15, 60, 300, 600, 1_800, 3_600];

/// How many attempts a failure that may pass is given before a person is asked: about three quarters of an hour.
pub const ATTEMPTS: u32 = 8;

/// 100 deliveries are more than half a day.
const LONGEST_TURN: u32 = 600;

fn backoff(attempts: u32) -> u32 {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    BACKOFF.get(index).or(BACKOFF.last()).copied().unwrap_or(60)
}

impl Outcome {
    /// When to come again after a failure that may pass. A host that says how long to wait is obeyed.
    pub fn retry(error: &Error, attempts: u32) -> Self {
        if let ErrorKind::RateLimited { retry_after } = error.kind() {
            return Self::Retry {
                after: retry_after.max(1),
            };
        }
        Self::Retry {
            after: backoff(attempts),
        }
    }

    /// When to come again to see whether another message has done its part. That may take it hours, and the queue
    /// delivers a message 100 times at most.
    pub fn turn(attempts: u32) -> Self {
        Self::Retry {
            after: backoff(attempts).min(LONGEST_TURN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_a_host_is_obeyed() {
        let passing = Error::new(ErrorKind::Upstream { retryable: true }, "down");
        assert_eq!(Outcome::retry(&passing, 1), Outcome::Retry { after: 1 });
        assert_eq!(Outcome::retry(&passing, 4), Outcome::Retry { after: 60 });
        assert_eq!(
            Outcome::retry(&passing, 99),
            Outcome::Retry { after: 3_600 }
        );
        let limited = Error::new(ErrorKind::RateLimited { retry_after: 42 }, "slow down");
        assert_eq!(Outcome::retry(&limited, 1), Outcome::Retry { after: 42 });
    }
}
