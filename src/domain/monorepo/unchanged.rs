//! Which tags of a package change nothing.
//!
//! A tag is held against the next lower one of its line, the versions with the same first number. Lower is what Composer
//! sorts lower, among the tags of the package that read as versions. It changes nothing when it would change nothing
//! for anybody: whatever minimum stability somebody has that lets him see it, the next lower tag that he sees has the
//! same contents. So `1.0.0` after an equal `1.0.0-RC1` is a version, since who wants stable ones has not seen the
//! candidate; and `1.1.0`, which takes back what `1.1.0-RC1` tried, is one although it equals `1.0.0`.
//!
//! It follows that the highest version at or below any tag, of those that somebody may see, has the contents of that
//! tag. The first tag of a line always is a version: `^2.0` has to find something, and what is tagged on an older line
//! later decides nothing about a newer one.

use std::cmp::Ordering;

use crate::domain::stability::{Stability, parse_stability};
use crate::domain::version::compare_normalized;

/// A tag that reads as a version of the package.
#[derive(Debug, Clone)]
pub(super) struct Tagged<'a> {
    /// The normalized version.
    pub(super) normalized: &'a str,
    /// The version as it is shown.
    pub(super) pretty: &'a str,
    /// The digest of its folder; none where nobody knows it, which is like nothing else.
    pub(super) digest: Option<&'a str>,
}

/// For each tag, in the order given, the version that it changes nothing since; none for those that are versions.
pub(super) fn find_unchanged<'a>(tags: &[Tagged<'a>]) -> Vec<Option<&'a str>> {
    let mut order: Vec<usize> = (0..tags.len()).collect();
    let compare = |one: &usize, other: &usize| match (tags.get(*one), tags.get(*other)) {
        (Some(one), Some(other)) => line(one.normalized)
            .cmp(line(other.normalized))
            .then_with(|| compare_normalized(one.normalized, other.normalized)),
        _ => Ordering::Equal,
    };
    order.sort_by(compare);
    let mut unchanged = vec![None; tags.len()];
    let mut lower = Lower::default();
    for at in order {
        let Some(tag) = tags.get(at) else { continue };
        let since = lower.pass(tag);
        if let Some(slot) = unchanged.get_mut(at) {
            *slot = since;
        }
    }
    unchanged
}

/// The first number of a version.
fn line(normalized: &str) -> &str {
    normalized.split('.').next().unwrap_or(normalized)
}

/// The tags that were passed last, on one line.
#[derive(Default)]
struct Lower<'a> {
    line: &'a str,
    /// By minimum stability, in the order of [`Stability::ALL`].
    seen: [Option<Seen<'a>>; Stability::ALL.len()],
}

#[derive(Clone, Copy)]
struct Seen<'a> {
    digest: Option<&'a str>,
    /// The version that has these contents.
    version: &'a str,
}

impl<'a> Lower<'a> {
    fn pass(&mut self, tag: &Tagged<'a>) -> Option<&'a str> {
        let line = line(tag.normalized);
        if line != self.line {
            *self = Self {
                line,
                ..Self::default()
            };
        }
        let stability = parse_stability(tag.normalized);
        let seeing: Vec<_> = Stability::ALL
            .into_iter()
            .zip(&mut self.seen)
            .filter(|(minimum, _)| stability <= *minimum)
            .map(|(_, seen)| seen)
            .collect();
        let is_same = |seen: &Option<Seen<'a>>| {
            seen.is_some_and(|seen| seen.digest.is_some() && seen.digest == tag.digest)
        };
        let since = seeing
            .first()
            .and_then(|seen| seen.map(|seen| seen.version))
            .filter(|_| seeing.iter().all(|seen| is_same(seen)));
        for seen in seeing {
            // Who could see it all along goes on with the version he has, the others with the one of this tag.
            let version = match (since, &seen) {
                (Some(_), Some(seen)) => seen.version,
                _ => tag.pretty,
            };
            *seen = Some(Seen {
                digest: tag.digest,
                version,
            });
        }
        since
    }
}
