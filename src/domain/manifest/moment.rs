//! The `time` of a composer.json: ISO dates in the forms that PHP reads, and Unix seconds.
//!
//! PHP reads far more (`yesterday`, `1 May`), partly with a meaning that changes from day to day. What is not read here
//! counts as unreadable, and Composer leaves an unreadable time out.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

/// The time in the form that Composer writes, `2026-11-21T20:30:00+00:00`, with the offset it was written with.
pub(super) fn read(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return unix(text);
    }
    let text = text.trim_matches([' ', '\t']);
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit());
        return is_fraction.then(|| unix(whole)).flatten();
    }
    let (date, rest) = date(text)?;
    let (time, rest) = clock(rest)?;
    let offset = zone(rest)?;
    // The 30th of February is the 1st or 2nd of March, and hour 24 is the next day's first.
    let moment = DateTime::from_parts(date, Time::midnight())
        .checked_add(Span::new().try_seconds(time).ok()?)
        .ok()?;
    let offset_text = offset_text(offset);
    Some(format!(
        "{}{offset_text}",
        moment.strftime("%Y-%m-%dT%H:%M:%S")
    ))
}

fn unix(text: &str) -> Option<String> {
    let moment = Timestamp::from_second(text.parse().ok()?).ok()?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

/// `2026-11-21`, `2026/11/21`, `2026-1-2`.
fn date(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = number(text, 4, 4)?;
    let separator = rest
        .chars()
        .next()
        .filter(|sign| matches!(sign, '-' | '/'))?;
    let (month, rest) = number(rest.strip_prefix(separator)?, 1, 2)?;
    let (day, rest) = number(rest.strip_prefix(separator)?, 1, 2)?;
    if !(1..=31).contains(&day) {
        return None;
    }
    let first = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
    let date = first
        .checked_add(Span::new().try_days(day.checked_sub(1)?).ok()?)
        .ok()?;
    Some((date, rest))
}

/// Seconds of the day after `T` or blanks; midnight where nothing follows.
fn clock(text: &str) -> Option<(i64, &str)> {
    if text.is_empty() {
        return Some((0, text));
    }
    let rest = match text.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => text.strip_prefix(' ')?.trim_start_matches(' '),
    };
    let (hours, rest) = number(rest, 1, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2, 2)?;
    let (seconds, rest) = match rest.strip_prefix(':') {
        Some(rest) => number(rest, 2, 2)?,
        None => (0, rest),
    };
    let rest = match rest.strip_prefix('.') {
        Some(rest) => rest.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    if hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    let total = hours
        .checked_mul(3_600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)?;
    Some((total, rest))
}

/// `Z`, `UTC`, `+02:00`, `+0200`, `+02`, or nothing, which is UTC.
fn zone(text: &str) -> Option<Offset> {
    let text = text.trim_start_matches(' ');
    if text.is_empty()
        || ["z", "utc", "gmt"]
            .iter()
            .any(|name| text.eq_ignore_ascii_case(name))
    {
        return Some(Offset::UTC);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, rest) = text.get(1..)?.split_at_checked(2)?;
    let minutes = rest.strip_prefix(':').unwrap_or(rest);
    let (hours, _) = number(hours, 2, 2)?;
    let minutes = match number(minutes, 2, 2) {
        Some((minutes, "")) => minutes,
        None if rest.is_empty() => 0,
        _ => return None,
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours
        .checked_mul(3_600)?
        .checked_add(minutes.checked_mul(60)?)?;
    Offset::from_seconds(i32::try_from(seconds.checked_mul(sign)?).ok()?).ok()
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A number of `least` to `most` digits, and the rest, which does not go on with a digit.
fn number(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let length = text.len().checked_sub(rest.len())?;
    if length < least || length > most {
        return None;
    }
    Some((text.get(..length)?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn times_are_written_as_composer_writes_them() {
        for (text, written) in [
            ("2020-01-01", "2020-01-01T00:00:00+00:00"),
            ("2020-1-2", "2020-01-02T00:00:00+00:00"),
            ("2020/01/02", "2020-01-02T00:00:00+00:00"),
            ("2020-02-30", "2020-03-01T00:00:00+00:00"),
            ("2020-01-01 10:00", "2020-01-01T10:00:00+00:00"),
            ("2020-01-01T10:00:00.123Z", "2020-01-01T10:00:00+00:00"),
            ("2020-01-01T10:00:00+0200", "2020-01-01T10:00:00+02:00"),
            ("2020-01-01 10:00:00 -02", "2020-01-01T10:00:00-02:00"),
            ("2020-01-01T24:00:00", "2020-01-02T00:00:00+00:00"),
            ("2020-01-01T10:00:60Z", "2020-01-01T10:01:00+00:00"),
            ("1577836800", "2020-01-01T00:00:00+00:00"),
            ("@1577836800", "2020-01-01T00:00:00+00:00"),
            ("20200101", "1970-08-22T19:08:21+00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "2020-13-01",
            "2020-01-32",
            "2020-01-01 25:00",
            "yesterday",
            "12345678901234567890",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
