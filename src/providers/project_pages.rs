//! Listings of projects, page by page. A cursor goes to whoever asks and comes back: it holds a number and nothing else,
//! so that nobody can have us ask for an address of theirs.

use crate::error::{Error, Result};

use super::Project;
use super::header;
use super::paging::next_link;

/// The most characters of a search.
const LONGEST_SEARCH: usize = 100;

/// The number in a cursor; `first` without one.
pub(super) fn read_number(cursor: Option<&str>, first: u64) -> Result<u64> {
    let Some(text) = cursor else {
        return Ok(first);
    };
    let is_number =
        (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| {
        Error::invalid("`cursor` is none of ours; give the `next` of the page before, or none for the first page")
    })
}

/// What is searched for, in lower case; none where everything is wanted.
pub(super) fn read_search(search: Option<&str>) -> Result<Option<String>> {
    let search = search.unwrap_or_default().trim().to_lowercase();
    if search.len() > LONGEST_SEARCH || search.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "`search` must have at most {LONGEST_SEARCH} characters"
        )));
    }
    Ok((!search.is_empty()).then_some(search))
}

/// Leaves those whose names hold what is searched for, given in lower case.
pub(super) fn retain_found(projects: &mut Vec<Project>, search: Option<&str>) {
    if let Some(search) = search {
        projects.retain(|project| project.full_name.to_lowercase().contains(search));
    }
}

/// A number in the query of the next page, as `Link` names it.
pub(super) fn number_in_next_link(headers: &[(String, String)], parameter: &str) -> Option<u64> {
    let next = next_link(header(headers, "link")?)?;
    let (_, query) = next.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == parameter)
            .then(|| read_number(Some(value), 0).ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_is_a_number_and_nothing_else() {
        assert_eq!(read_number(None, 1).unwrap(), 1);
        assert_eq!(read_number(Some("27"), 1).unwrap(), 27);
        for bad in [
            "",
            "-1",
            "+1",
            "1&x=2",
            "https://evil.example/",
            "1234567890123456789",
        ] {
            assert!(read_number(Some(bad), 1).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_is_told_by_one_number() {
        let headers = |link: &str| vec![("link".to_owned(), link.to_owned())];
        let link = r#"<https://evil.example/x?per_page=100&page=3>; rel="next", <https://a/?page=9>; rel="last""#;
        assert_eq!(number_in_next_link(&headers(link), "page"), Some(3));
        assert_eq!(number_in_next_link(&headers(link), "id_after"), None);
        let link = r#"<https://a/?page=9>; rel="last""#;
        assert_eq!(number_in_next_link(&headers(link), "page"), None);
        assert_eq!(number_in_next_link(&[], "page"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", link in "[<>;,=?&\" a-z0-9]{0,60}") {
            let _ = read_number(Some(&text), 1);
            let _ = read_search(Some(&text));
            let _ = number_in_next_link(&[("link".to_owned(), link)], "page");
        }
    }
}
