//! Addresses with a query, and what is typed at a terminal to get somewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::domain::time::{day, parse_rfc3339, rfc3339};
use crate::store::repositories::Repository;

/// What is written as it is means nothing in an address (RFC 3986, section 2.3); a dot does, as a whole segment.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// An address with a query; empty values are left out.
pub(crate) fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = query
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    match pairs.as_slice() {
        [] => address.to_owned(),
        pairs => format!("{address}?{}", pairs.join("&")),
    }
}

/// A text as a part of a path, or of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What makes a project know a repository, line by line.
pub(crate) fn connect_commands(app: &App, repository: &Repository) -> String {
    let url = repository.address(&app.config.public_url);
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let slug = &repository.slug;
    let mut lines = vec![format!(
        "composer config repositories.{slug} composer {url}"
    )];
    if !repository.is_public {
        lines.push(format!(
            "composer config --auth http-basic.{host} token YOUR-TOKEN"
        ));
    }
    lines.join("\n")
}

/// A day that was typed as the API takes it: its first second, or its last. What stands there already stays as it is, to the
/// second; what is no day goes on as it was typed, for the API to refuse.
pub(crate) fn moment_typed(
    typed: Option<&str>,
    known: Option<i64>,
    is_end: bool,
) -> Option<String> {
    let typed = typed?;
    if let Some(known) = known
        && day(known) == typed
    {
        return Some(rfc3339(known));
    }
    let time = if is_end { "23:59:59Z" } else { "00:00:00Z" };
    let moment = format!("{typed}T{time}");
    Some(parse_rfc3339(&moment).map_or_else(|| typed.to_owned(), rfc3339))
}

/// What was typed as a list: one a line, or with spaces or commas between.
pub(crate) fn list_typed(text: &str) -> Vec<String> {
    text.split(|sign: char| sign.is_whitespace() || sign == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_or_its_last_second_and_what_is_known_stays() {
        let at = |typed, known, is_end| moment_typed(Some(typed), known, is_end);
        assert_eq!(
            at("2027-01-31", None, true).as_deref(),
            Some("2027-01-31T23:59:59+00:00")
        );
        assert_eq!(
            at("2027-01-31", None, false).as_deref(),
            Some("2027-01-31T00:00:00+00:00")
        );
        let known = parse_rfc3339("2027-01-31T12:00:00Z");
        assert_eq!(
            at("2027-01-31", known, true),
            known.map(rfc3339),
            "what was not touched stays"
        );
        assert_eq!(at("soon", None, true).as_deref(), Some("soon"));
        assert_eq!(moment_typed(None, known, true), None);
    }

    #[test]
    fn a_list_is_typed_in_any_way() {
        assert_eq!(list_typed(" a/b, c/d\r\ne/*\n\n"), ["a/b", "c/d", "e/*"]);
        assert!(list_typed(" , ").is_empty());
    }

    #[test]
    fn a_query_leaves_out_what_is_empty() {
        assert_eq!(with_query("/x", &[("a", ""), ("b", "c d")]), "/x?b=c%20d");
        assert_eq!(with_query("/x", &[("a", "b-c_d.e")]), "/x?a=b-c_d%2Ee");
        assert_eq!(with_query("/x", &[("a", "x&y=z")]), "/x?a=x%26y%3Dz");
        assert_eq!(with_query("/x", &[("a", "")]), "/x");
    }
}
