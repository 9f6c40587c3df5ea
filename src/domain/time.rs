//! Times are Unix seconds everywhere inside; this file is the only one that spells them out.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::Offset;

/// RFC 3339 in UTC: `2026-11-21T20:30:00+00:00`, as packagist.org writes it.
pub fn rfc3339(seconds: i64) -> String {
    timestamp(seconds)
        .strftime("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string()
}

/// Reads RFC 3339 with any offset; none for anything else.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// The day in UTC: `2026-11-21`.
pub fn day(seconds: i64) -> String {
    timestamp(seconds).strftime("%Y-%m-%d").to_string()
}

/// The month in UTC: `2026-11`.
pub fn month(seconds: i64) -> String {
    timestamp(seconds).strftime("%Y-%m").to_string()
}

/// An HTTP date (RFC 9110, 5.6.7): `Sat, 21 Nov 2026 20:30:00 GMT`.
pub fn http_date(seconds: i64) -> String {
    // It knows all years but those before the year 0.
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&timestamp(seconds))
        .unwrap_or_default()
}

/// Reads `2026-11-21` as the last second of that day in UTC, or a full RFC 3339 time as itself.
pub fn parse_moment(text: &str) -> Option<i64> {
    if text.len() == "2026-11-21".len() {
        return parse_rfc3339(&format!("{text}T23:59:59Z"));
    }
    parse_rfc3339(text)
}

/// Any format of strftime(3), at a place that many minutes east of UTC.
pub fn strftime(seconds: i64, offset: i32, format: &str) -> String {
    let zone = Offset::from_seconds(offset.saturating_mul(60))
        .unwrap_or(Offset::UTC)
        .to_time_zone();
    timestamp(seconds)
        .to_zoned(zone)
        .strftime(format)
        .to_string()
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_their_readers_want_them() {
        assert_eq!(rfc3339(1_795_293_000), "2026-11-21T20:30:00+00:00");
        assert_eq!(day(1_795_293_000), "2026-11-21");
        assert_eq!(http_date(1_795_293_000), "Sat, 21 Nov 2026 20:30:00 GMT");
        assert_eq!(
            parse_rfc3339("2026-11-21T21:30:00+01:00"),
            Some(1_795_293_000)
        );
        assert_eq!(parse_rfc3339("yesterday"), None);
        assert_eq!(
            parse_moment("2026-11-21"),
            parse_rfc3339("2026-11-21T23:59:59Z")
        );
        assert_eq!(parse_moment("2026-13-41"), None);
    }
}
