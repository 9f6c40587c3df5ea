//! When a claimed host name is whose.
//!
//! A claim is proven by a TXT record with a token of its own, and by nothing else. Several organisations may claim one
//! name; it is the one's that proved it, and stays so until
//!
//! - another one proves it while the first one's record is gone, both by the same answer of the DNS; or
//! - the record was missing in [`LOST_LOOKS`] looks in a row, over [`LOST_AFTER`] seconds or more.
//!
//! So whoever has a record set cannot be ousted by somebody who sets another one beside it, and a name whose DNS has passed
//! to somebody else does not stay with whom it was before. A look that found out nothing, because a server failed, counts
//! neither way.

/// Below which label the record stands: a label with an underscore is never a host (RFC 8552).
const LABEL: &str = "_repertoire";

/// What the record says before the token.
const PREFIX: &str = "repertoire-verification=";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// For how many seconds a record that was never found is looked for.
pub const WAITS_FOR: i64 = 14 * DAY;

/// A verified host is looked at anew after so many seconds.
pub const LOOK_EVERY: i64 = DAY;

/// After a look at a verified host that found out nothing.
pub const LOOK_AGAIN: i64 = HOUR;

/// A verified host whose record was missing for so many seconds, and in as many looks as [`LOST_LOOKS`], is lost.
pub const LOST_AFTER: i64 = 7 * DAY;

/// See [`LOST_AFTER`].
pub const LOST_LOOKS: i64 = 5;

/// The name of the TXT record.
pub fn record_name(host: &str) -> String {
    format!("{LABEL}.{host}")
}

/// What it has to say.
pub fn record_value(token: &str) -> String {
    format!("{PREFIX}{token}")
}

/// How many seconds after a look in vain the next one comes, for somebody who has waited so long: a quarter of that, at
/// least a minute and at most six hours. None when it is given up.
pub fn next_pause(waited: i64) -> Option<i64> {
    (waited < WAITS_FOR).then(|| waited.div_euclid(4).clamp(MINUTE, 6 * HOUR))
}

/// Whether a verified host is lost whose record is missing since then, this look included.
pub fn is_lost(misses: i64, missing_since: i64, now: i64) -> bool {
    misses >= LOST_LOOKS && now.saturating_sub(missing_since) >= LOST_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut waited = 0;
        let mut pauses = Vec::new();
        while let Some(pause) = next_pause(waited) {
            pauses.push(pause);
            waited += pause;
        }
        assert!(pauses.is_sorted());
        assert_eq!(pauses[0], MINUTE);
        assert_eq!(pauses.last(), Some(&(6 * HOUR)));
        assert!((50..100).contains(&pauses.len()), "{}", pauses.len());
        assert!(waited < WAITS_FOR + 6 * HOUR);
    }

    #[test]
    fn a_host_is_lost_after_a_week_of_looks_and_not_by_a_bad_day() {
        assert!(!is_lost(100, 0, DAY));
        assert!(!is_lost(4, 0, 30 * DAY));
        assert!(is_lost(5, 0, 7 * DAY));
    }

    #[test]
    fn the_record_is_no_host_and_says_whose_it_is() {
        assert_eq!(record_name("a.example"), "_repertoire.a.example");
        assert_eq!(record_value("0123"), "repertoire-verification=0123");
    }
}
