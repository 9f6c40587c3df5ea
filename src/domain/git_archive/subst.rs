//! `$Format:…$` in files with the attribute `export-subst` (gitattributes(5); the placeholders: git-log(1), "pretty
//! formats").
//!
//! What depends on more than the commit is left out, so that an archive depends on nothing else: `%d` and `%D` (the
//! refs that point here) are empty, `%h` and the like have seven digits, and what needs history (`%(describe)`),
//! keys, notes or the present time (`%ar`) stays as it is written.

use super::convert::find;
use crate::domain::plain_git::ObjectId;
use crate::domain::plain_git::object::{Commit, Signature};
use crate::domain::time::strftime;

/// The digits of a short name; git uses more only where seven are not enough.
const SHORT: usize = 7;

/// Replaces all keywords; none when there is no keyword.
pub(super) fn substitute(content: &[u8], id: ObjectId, commit: &Commit) -> Option<Vec<u8>> {
    const KEYWORD: &[u8] = b"$Format:";
    let mut replaced = Vec::new();
    let mut rest = content;
    let mut is_changed = false;
    while let Some(at) = find(rest, KEYWORD) {
        let (before, found) = rest.split_at_checked(at)?;
        let inside = found.get(KEYWORD.len()..)?;
        let Some(end) = inside.iter().position(|byte| *byte == b'$') else {
            break;
        };
        replaced.extend_from_slice(before);
        expand(&mut replaced, inside.get(..end)?, id, commit);
        rest = inside.get(end.saturating_add(1)..)?;
        is_changed = true;
    }
    replaced.extend_from_slice(rest);
    is_changed.then_some(replaced)
}

fn expand(into: &mut Vec<u8>, format: &[u8], id: ObjectId, commit: &Commit) {
    let mut rest = format;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            into.push(*byte);
            continue;
        }
        match placeholder(after, id, commit) {
            Some((value, length)) => {
                into.extend_from_slice(&value);
                rest = after.get(length..).unwrap_or_default();
            }
            None => into.push(b'%'),
        }
    }
}

/// The value of a placeholder and how many bytes its name has; none for one that stays as it is.
fn placeholder(name: &[u8], id: ObjectId, commit: &Commit) -> Option<(Vec<u8>, usize)> {
    let full = |id: ObjectId| id.to_string();
    let short = |id: ObjectId| id.to_string().chars().take(SHORT).collect::<String>();
    let list = |show: &dyn Fn(ObjectId) -> String| {
        let ids: Vec<_> = commit.parents.iter().map(|id| show(*id)).collect();
        ids.join(" ")
    };
    let (subject, body) = split_message(&commit.message);
    let text = match name.first()? {
        b'H' => full(id),
        b'h' => short(id),
        b'T' => full(commit.tree),
        b't' => short(commit.tree),
        b'P' => list(&full),
        b'p' => list(&short),
        b's' => subject.replace('\n', " "),
        b'f' => file_name(subject.lines().next().unwrap_or_default()),
        b'b' => body.to_owned(),
        b'B' => commit.message.trim_start_matches('\n').to_owned(),
        b'e' | b'd' | b'D' => String::new(),
        b'n' => "\n".to_owned(),
        b'%' => "%".to_owned(),
        b'x' => {
            let digits = std::str::from_utf8(name.get(1..3)?).ok()?;
            return Some((vec![u8::from_str_radix(digits, 16).ok()?], 3));
        }
        b'a' => return signed(name, &commit.author),
        b'c' => return signed(name, &commit.committer),
        _ => return None,
    };
    Some((text.into_bytes(), 1))
}

fn signed(name: &[u8], signature: &Signature) -> Option<(Vec<u8>, usize)> {
    let date = |format| strftime(signature.time, signature.offset, format);
    let text = match name.get(1)? {
        b'n' | b'N' => signature.name.clone(),
        b'e' | b'E' => signature.email.clone(),
        b'l' | b'L' => signature
            .email
            .split('@')
            .next()
            .unwrap_or_default()
            .to_owned(),
        b't' => signature.time.to_string(),
        b'd' => date("%a %b %-d %H:%M:%S %Y %z"),
        b'D' => date("%a, %-d %b %Y %H:%M:%S %z"),
        b'i' => date("%Y-%m-%d %H:%M:%S %z"),
        b'I' if signature.offset == 0 => date("%Y-%m-%dT%H:%M:%SZ"),
        b'I' => date("%Y-%m-%dT%H:%M:%S%:z"),
        b's' => date("%Y-%m-%d"),
        _ => return None,
    };
    Some((text.into_bytes(), 2))
}

/// The subject is the first paragraph, the body all behind the blank lines after it.
fn split_message(message: &str) -> (&str, &str) {
    let message = message.trim_start_matches('\n');
    match message.split_once("\n\n") {
        Some((subject, body)) => (subject, body.trim_start_matches('\n')),
        None => (message.trim_end_matches('\n'), ""),
    }
}

/// The subject's first line as part of a file's name: letters, digits, dots and underscores, all else a single dash.
fn file_name(subject: &str) -> String {
    let mut name = String::new();
    let mut is_apart = false;
    for character in subject.chars() {
        if character.is_ascii_alphanumeric() || character == '.' || character == '_' {
            if is_apart && !name.is_empty() {
                name.push('-');
            }
            is_apart = false;
            // No two dots in a row: they would be a range.
            if !(character == '.' && name.ends_with('.')) {
                name.push(character);
            }
        } else {
            is_apart = true;
        }
    }
    name.trim_end_matches(['.', '-']).to_owned()
}
