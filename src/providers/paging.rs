//! Listings in pages.

/// The URL with `rel="next"` in a `Link` header. Page numbers are never built: the URLs are the provider's own.
pub(super) fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    // A comma may stand inside of a URL, so that the header cannot be split at commas.
    while let Some((_, after)) = rest.split_once('<') {
        let (url, after) = after.split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let (parameters, remaining) = after.split_at_checked(end)?;
        if parameters.split([';', ',']).any(is_next) {
            return Some(url);
        }
        rest = remaining;
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("rel")
        && value
            .trim()
            .trim_matches('"')
            .split_ascii_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "[<>;,=\" a-z]{0,40}|\\PC{0,40}") {
            if let Some(url) = next_link(&header) {
                let bracketed = format!("<{url}>");
                prop_assert!(header.contains(&bracketed));
            }
        }
    }

    #[test]
    fn a_megabyte_is_read_once() {
        // Read anew from every bracket on, these would take hours.
        for piece in ["<", "<>", "<>;", "<>;=,", ";rel=next"] {
            let header = piece.repeat(1024 * 1024 / piece.len());
            assert_eq!(next_link(&header), None, "{piece}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        for (header, expected) in [
            (
                r#"<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last""#,
                Some("https://a/?page=2"),
            ),
            (
                r#"<https://a/?page=1>; rel="prev", <https://a/?page=3>; rel="next""#,
                Some("https://a/?page=3"),
            ),
            (
                "<https://a/?ids=1,2;x>;rel=next",
                Some("https://a/?ids=1,2;x"),
            ),
            (
                r#"<https://a/>; title="x"; rel="last next""#,
                Some("https://a/"),
            ),
            (
                r#"<https://a/?page=1>; rel="first", <https://a/?page=1>; rel="prev""#,
                None,
            ),
            (r#"<https://a/>; rel="nextish""#, None),
            ("<https://a/", None),
            ("", None),
        ] {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}
