//! Listings in pages.

use super::header;

/// How one page leads to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// By the `Link` header, whose URLs are taken as they are.
    Links,
    /// By the `Link` header, of which only the query counts: behind a proxy, a host may not know its own address.
    Queries,
    /// By the number behind `&page=` in our own URL, to the end that `X-Total-Count` or `Link` tells, or to an empty page.
    Numbers,
    /// By `next` in the body, a URL of which only the query counts. The items stand in `values`.
    Body,
}

/// What the headers of a page say of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is there.
    Next(String),
    /// There is none.
    Last,
    /// Nothing at all.
    Nothing,
}

impl Paging {
    /// What the headers (names in lower case) of the page at `url` say, where `total` items were read up to its end.
    pub(super) fn next(self, url: &str, headers: &[(String, String)], total: usize) -> Said {
        let count = header(headers, "x-total-count").and_then(|text| text.parse::<usize>().ok());
        if self == Self::Numbers
            && let Some(count) = count
        {
            return next_number(url).map_or(Said::Last, |next| {
                if total < count {
                    Said::Next(next)
                } else {
                    Said::Last
                }
            });
        }
        if self == Self::Body {
            return Said::Nothing;
        }
        let Some(link) = header(headers, "link") else {
            return Said::Nothing;
        };
        let next = next_link(link).and_then(|next| match self {
            Self::Links => Some(next.to_owned()),
            Self::Queries => next_query(url, next),
            Self::Numbers => next_number(url),
            Self::Body => None,
        });
        next.map_or(Said::Last, Said::Next)
    }

    /// The page to try when the headers say nothing.
    pub(super) fn next_unsaid(self, url: &str) -> Option<String> {
        match self {
            Self::Links | Self::Queries | Self::Body => None,
            Self::Numbers => next_number(url),
        }
    }
}

/// Our own path with the query of the URL that the host named.
pub(super) fn next_query(url: &str, next: &str) -> Option<String> {
    let (_, query) = next.split_once('?')?;
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    Some(format!("{path}?{query}"))
}

fn next_number(url: &str) -> Option<String> {
    let (before, number) = url.rsplit_once("&page=")?;
    let next = number.parse::<u32>().ok()?.checked_add(1)?;
    Some(format!("{before}&page={next}"))
}

/// The URL with `rel="next"` in a `Link` header.
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

    fn said(paging: Paging, name: &str, value: &str, total: usize) -> Said {
        let headers = [(name.to_owned(), value.to_owned())];
        paging.next("https://a/tags?limit=2&page=3", &headers, total)
    }

    #[test]
    fn each_way_of_paging_reads_its_own_headers() {
        let link = "<http://inside:3000/x?id=7&page_token=v1%2B2>; rel=\"next\"";
        for (paging, expected) in [
            (Paging::Links, "http://inside:3000/x?id=7&page_token=v1%2B2"),
            (Paging::Queries, "https://a/tags?id=7&page_token=v1%2B2"),
            (Paging::Numbers, "https://a/tags?limit=2&page=4"),
        ] {
            let next = Said::Next(expected.to_owned());
            assert_eq!(said(paging, "link", link, 6), next);
            let last = said(paging, "link", "<https://a/>; rel=\"first\"", 6);
            assert_eq!(last, Said::Last);
            assert_eq!(said(paging, "x-next-page", "4", 6), Said::Nothing);
        }
        let next = Said::Next("https://a/tags?limit=2&page=4".to_owned());
        assert_eq!(said(Paging::Numbers, "x-total-count", "7", 6), next);
        assert_eq!(said(Paging::Numbers, "x-total-count", "6", 6), Said::Last);
        assert_eq!(said(Paging::Links, "x-total-count", "7", 6), Said::Nothing);
    }

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
