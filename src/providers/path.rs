//! What may stand in the path of a request: encoded text, ids and commits of the form they must have.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Result};

/// What may stand in a path segment as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text as one segment; a slash in it is encoded too.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path, segment by segment; its slashes stay.
pub(super) fn segments(path: &str) -> String {
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Whether this is a number as hosts give it to projects.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids and commits come out of our own rows; anything else in their place would change the path.
pub(super) fn project(id: &str) -> Result<&str> {
    if is_id(id) {
        Ok(id)
    } else {
        Err(Error::internal("a project id is a number"))
    }
}

/// Whether these are 40 or 64 lower-case hex digits.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A commit that may stand in a path.
pub(super) fn full_commit(commit: &str) -> Result<&str> {
    if is_commit(commit) {
        Ok(commit)
    } else {
        Err(Error::internal("a commit has 40 or 64 hex digits"))
    }
}

/// `owner/name`, each a word that cannot change the path.
pub(super) fn split_name(full_name: &str) -> Result<(&str, &str)> {
    full_name
        .split_once('/')
        .filter(|(owner, name)| is_word(owner) && is_word(name))
        .ok_or_else(|| Error::invalid("A project is named `owner/name`, or by its numeric id"))
}

/// Whether this is a name of an owner, a group or a project.
pub(super) fn is_word(word: &str) -> bool {
    (1..=255).contains(&word.len())
        && word.bytes().any(|byte| byte != b'.')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A URL for git without the name of whoever asked for it, which some hosts put into it.
pub(super) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let host_at = rest
        .get(..end)
        .and_then(|authority| authority.rfind('@'))
        .map_or(0, |at| at.saturating_add(1));
    format!("{scheme}://{}", rest.get(host_at..).unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_s_name_stays_in_an_address() {
        for (given, expected) in [
            (
                "https://ada@git.example/scm/a/b.git",
                "https://git.example/scm/a/b.git",
            ),
            (
                "https://git.example/scm/~ada/b.git",
                "https://git.example/scm/~ada/b.git",
            ),
            ("https://git.example/a@b.git", "https://git.example/a@b.git"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_user(given), expected);
        }
    }
}
