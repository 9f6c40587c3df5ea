//! What pages with lists have in common: where a button leads that asked the API for something, boxes to tick, lines and bytes
//! as people write and read them.

use serde_json::Value;

use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::form::Faults;
use crate::http::web::visit::Visit;

/// Leads to a page that says once how it went: what was done, or why not.
pub(crate) fn lead_on(
    visit: &mut Visit,
    to: &str,
    answer: Result<Value>,
    said: &str,
) -> Result<Reply> {
    match answer {
        Ok(_) => Ok(visit.go_on(to, said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(to, &faults.besides(&[]).join(". ")))
        }
    }
}

/// A box to tick, with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tick {
    /// What is sent.
    pub(crate) value: String,
    /// What people read.
    pub(crate) label: String,
    /// Whether it is ticked.
    pub(crate) is_ticked: bool,
}

/// The lines of a text that somebody typed, without white space around them and without empty ones.
pub(crate) fn lines_of(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Bytes for people: `1.5 GB`, in steps of a thousand, as quotas are said.
pub(crate) fn bytes_in_words(bytes: i64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let mut tenths = u64::try_from(bytes).unwrap_or_default();
    if tenths < 1_000 {
        return format!("{tenths} bytes");
    }
    let mut unit = "";
    tenths = tenths.saturating_mul(10);
    for one in units {
        tenths = tenths.div_euclid(1_000);
        unit = one;
        if tenths < 10_000 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths.div_euclid(10), tenths.rem_euclid(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_and_empty_ones_are_none() {
        assert_eq!(lines_of(" a \r\n\n b"), ["a", "b"]);
    }

    #[test]
    fn bytes_are_said_by_the_largest_unit_that_fits() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_550_000, "1.5 MB"),
            (999_999_999, "999.9 MB"),
            (20_000_000_000, "20.0 GB"),
            (-1, "0 bytes"),
        ] {
            assert_eq!(bytes_in_words(bytes), words);
        }
    }
}
