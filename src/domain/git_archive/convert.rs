//! What `git archive` does to a file's content on its way out (gitattributes(5), "Effects"): line ends, `$Id$`.
//!
//! Left out: `working-tree-encoding` and `filter`, which depend on programs and settings of the machine.

use std::borrow::Cow;

use super::attributes::{Found, State};
use crate::domain::plain_git::ObjectId;

/// Which content gets CRLF line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crlf {
    Never,
    /// Where it looks like text and has none so far.
    Auto,
    Always,
}

/// The content as it goes into an archive.
pub(super) fn convert<'a>(content: &'a [u8], id: ObjectId, found: &Found) -> Cow<'a, [u8]> {
    let mut content = Cow::Borrowed(content);
    if found.is_set("ident")
        && let Some(expanded) = expand_id(&content, id)
    {
        content = Cow::Owned(expanded);
    }
    let is_wanted = match line_ends(found) {
        Crlf::Never => false,
        Crlf::Auto => wants_auto_crlf(&content),
        Crlf::Always => true,
    };
    if is_wanted && let Some(converted) = with_crlf(&content) {
        content = Cow::Owned(converted);
    }
    content
}

/// With the settings of a server, where `core.autocrlf` and `core.eol` are left alone, only `eol=crlf` does anything.
fn line_ends(found: &Found) -> Crlf {
    let is_crlf = matches!(found.get("eol"), Some(State::Value(value)) if value.as_str() == "crlf");
    if !is_crlf {
        return Crlf::Never;
    }
    // `crlf` is what `text` was called before git 1.7.2.
    match found.get("text").or_else(|| found.get("crlf")) {
        Some(State::Unset) => Crlf::Never,
        Some(State::Value(value)) if value.as_str() == "auto" => Crlf::Auto,
        _ => Crlf::Always,
    }
}

/// Git's guess whether this is text, and its rule to leave a file alone that has CRLF already.
fn wants_auto_crlf(content: &[u8]) -> bool {
    let (mut printable, mut strange) = (0_usize, 0_usize);
    let mut bytes = content.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            0 | b'\r' => return false,
            b'\n' => {}
            // An end-of-file mark of DOS is nothing strange at the end.
            26 if bytes.peek().is_none() => {}
            8 | b'\t' | 12 | 27 => printable = printable.saturating_add(1),
            0..32 | 127 => strange = strange.saturating_add(1),
            _ => printable = printable.saturating_add(1),
        }
    }
    (printable >> 7) >= strange
}

fn with_crlf(content: &[u8]) -> Option<Vec<u8>> {
    let mut converted = Vec::new();
    let mut previous = 0;
    let mut is_changed = false;
    for byte in content {
        if *byte == b'\n' && previous != b'\r' {
            converted.push(b'\r');
            is_changed = true;
        }
        converted.push(*byte);
        previous = *byte;
    }
    is_changed.then_some(converted)
}

/// `$Id$` and `$Id: … $` become `$Id: <blob> $`; one with blanks inside is somebody else's and stays.
fn expand_id(content: &[u8], id: ObjectId) -> Option<Vec<u8>> {
    let mut expanded = Vec::new();
    let mut rest = content;
    let mut is_changed = false;
    while let Some(at) = find(rest, b"$Id") {
        let (before, found) = rest.split_at_checked(at)?;
        expanded.extend_from_slice(before);
        let length = keyword_length(found);
        if length.is_some() {
            expanded.extend_from_slice(format!("$Id: {id} $").as_bytes());
            is_changed = true;
        } else {
            expanded.extend_from_slice(b"$Id");
        }
        rest = found.get(length.unwrap_or(3)..)?;
    }
    expanded.extend_from_slice(rest);
    is_changed.then_some(expanded)
}

/// How long the keyword is that begins here.
fn keyword_length(found: &[u8]) -> Option<usize> {
    match found.get(3)? {
        b'$' => Some(4),
        b':' => {
            let inside = found.get(4..)?;
            // No further than the next of either, so that a file full of keywords is read once.
            let end = inside
                .iter()
                .position(|byte| matches!(byte, b'$' | b'\n'))
                .filter(|end| inside.get(*end) == Some(&b'$'))?;
            let value = inside.get(..end)?;
            let blank = value
                .get(1..)
                .and_then(|value| value.iter().position(|byte| *byte == b' '));
            let is_ours = blank.is_none_or(|at| at.saturating_add(2) >= end);
            is_ours.then(|| end.saturating_add(5))
        }
        _ => None,
    }
}

/// Where `needle` first stands.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
