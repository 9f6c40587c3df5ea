//! Versions: the pretty form a tag shows, the normalized form that is compared, and the order of the latter.
//!
//! The rules are Composer's `VersionParser::normalize` and PHP's `version_compare`, kept to the letter: a version that
//! we read otherwise than the client does would be offered and then not found.

use std::cmp::Ordering;
use std::fmt;

use super::branch::normalize_branch;
use super::scan::{self, Modifier};
use super::stability::{Stability, parse_stability};

/// One installable state of a package: as tagged (`v1.2.0`, `dev-main`) and normalized (`1.2.0.0`, `dev-main`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    pretty: String,
    normalized: String,
}

/// The longest version text that is read, in bytes. Composer knows no limit; a git ref or a file name has one of 255.
pub const MAX_VERSION_LENGTH: usize = 1_024;

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVersion {
    /// Composer cannot read it.
    #[error(
        "`{text}` is no version, write one such as `1.2.3` or `2.0.0-beta1`, or `dev-main` for a branch"
    )]
    Unreadable {
        /// What was given, without the blanks around it.
        text: String,
    },
    /// It is over [`MAX_VERSION_LENGTH`].
    #[error("a version has at most {MAX_VERSION_LENGTH} bytes, and this has {length}: `{start}`")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// How it begins.
        start: String,
    },
}

impl Version {
    /// Reads a version as written in a tag, a manifest or a request; the pretty form is kept byte for byte.
    ///
    /// Refuses with [`InvalidVersion`] what [`normalize`] refuses.
    pub fn parse(pretty: &str) -> Result<Self, InvalidVersion> {
        Ok(Self {
            pretty: pretty.to_owned(),
            normalized: normalize(pretty)?,
        })
    }

    /// Puts together two forms that belong to each other already: a row of our own, or the result of a rule that
    /// computes both. Composer takes `version_normalized` on trust in the same way, and for a few branch names the
    /// pretty form alone would not lead back to it.
    pub fn from_parts(pretty: impl Into<String>, normalized: impl Into<String>) -> Self {
        Self {
            pretty: pretty.into(),
            normalized: normalized.into(),
        }
    }

    /// As tagged: what people see and what documents carry as `version`.
    pub fn pretty(&self) -> &str {
        &self.pretty
    }

    /// What is compared, and what documents carry as `version_normalized`.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The stability of the normalized form, which is how Composer's packages compute it.
    pub fn stability(&self) -> Stability {
        parse_stability(&self.normalized)
    }

    /// Whether it belongs in the `~dev` document.
    pub fn is_dev(&self) -> bool {
        self.stability() == Stability::Dev
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.pretty)
    }
}

impl Ord for Version {
    /// Oldest first. Numbered versions follow [`compare_normalized`]; named branches, which Composer does not compare
    /// at all, come before them in the order of their names. Different texts of equal rank are ordered as texts, so
    /// that two versions are equal in order only when they are the same version.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_rank = match (is_branch(&self.normalized), is_branch(&other.normalized)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => compare_normalized(&self.normalized, &other.normalized),
        };
        by_rank
            .then_with(|| self.normalized.cmp(&other.normalized))
            .then_with(|| self.pretty.cmp(&other.pretty))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a normalized version names a branch. Numeric branches (`1.9999999.9999999.9999999-dev`) do not.
pub(super) fn is_branch(normalized: &str) -> bool {
    normalized.starts_with("dev-")
}

/// The normalized form of a version text, exactly as Composer computes it (`VersionParser::normalize`, semver 3.6).
///
/// `v1.2-beta.2` becomes `1.2.0.0-beta2`, `1.x-dev` becomes `1.9999999.9999999.9999999-dev`, and `dev-` with any name
/// stays as it is. Refuses every other text with [`InvalidVersion`].
pub fn normalize(text: &str) -> Result<String, InvalidVersion> {
    if text.len() > MAX_VERSION_LENGTH {
        return Err(InvalidVersion::TooLong {
            length: text.len(),
            start: scan::excerpt(text),
        });
    }
    let version = strip_stability_flag(scan::strip_alias(scan::trim(text)));
    // In Composer 1 these three branches could be written without a prefix.
    if matches!(version, "master" | "trunk" | "default") {
        return Ok(format!("dev-{version}"));
    }
    if let Some(branch) = scan::strip_prefix_ignoring_case(version, "dev-") {
        return Ok(format!("dev-{branch}"));
    }
    let version = strip_build(version);
    normalize_classic(version)
        .or_else(|| normalize_date(version))
        .or_else(|| normalize_numeric_branch(version))
        .ok_or_else(|| InvalidVersion::Unreadable {
            text: scan::trim(text).to_owned(),
        })
}

/// Cuts a final `@beta` and the like.
fn strip_stability_flag(version: &str) -> &str {
    version
        .rsplit_once('@')
        .filter(|(_, flag)| scan::is_stability_flag(flag))
        .map_or(version, |(before, _)| before)
}

/// Cuts build metadata: from the first `+` on, when neither side of it holds a blank, nor the left one a comma.
fn strip_build(version: &str) -> &str {
    let parts = || {
        let (before, build) = version.split_once('+')?;
        let build = scan::without_final_line_feed(build);
        let is_build = !before.is_empty()
            && !before.contains(|character| character == ',' || scan::is_space(character))
            && !build.is_empty()
            && !build.contains(scan::is_space);
        is_build.then_some(before)
    };
    parts().unwrap_or(version)
}

/// One to four numbers, padded to four; the numbers themselves stay as written, leading zeros too.
fn normalize_classic(version: &str) -> Option<String> {
    /// A longer first number is left to the date form.
    const MAJOR_DIGITS: usize = 5;

    let (major, mut rest) = scan::digits(scan::strip_v(version))?;
    if major.len() > MAJOR_DIGITS {
        return None;
    }
    let mut numbers = vec![major];
    while numbers.len() < 4
        && let Some((number, after)) = scan::dotted_digits(rest)
    {
        numbers.push(number);
        rest = after;
    }
    numbers.resize(4, "0");
    append_modifier(numbers.join("."), rest)
}

/// Four digits and groups of two, then up to two groups of one to three, with or without separators: `20230115`,
/// `2023.01.15`, `201903.0`. Separators become dots and nothing is padded.
fn normalize_date(version: &str) -> Option<String> {
    let start = scan::strip_v(version);
    // The digits, with at most one separator between any two. A modifier begins with neither, so all of it is the date.
    let mut rest = scan::digits(start)?.1;
    while let Some((_, after)) = scan::digits(strip_date_separator(rest)) {
        rest = after;
    }
    let date = scan::consumed(start, rest);
    if !is_date(date) {
        return None;
    }
    let dotted = date.replace([':', '-'], ".");
    append_modifier(dotted, rest)
}

fn strip_date_separator(text: &str) -> &str {
    text.strip_prefix(['.', ':', '-']).unwrap_or(text)
}

/// Whether the whole text falls into the groups of [`normalize_date`]; tries every way to cut it, at most 78.
fn is_date(date: &str) -> bool {
    let Some(mut rest) = strip_digits(date, 4) else {
        return false;
    };
    for _ in 0..6 {
        let Some(after) = strip_digits(strip_date_separator(rest), 2) else {
            return false;
        };
        rest = after;
        if is_short_groups(rest, 2) {
            return true;
        }
    }
    false
}

/// Whether the text is made of at most `groups` groups of one to three digits.
fn is_short_groups(text: &str, groups: usize) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(groups) = groups.checked_sub(1) else {
        return false;
    };
    (1..=3).any(|count| {
        strip_digits(strip_date_separator(text), count)
            .is_some_and(|rest| is_short_groups(rest, groups))
    })
}

/// The text after exactly `count` digits.
fn strip_digits(text: &str, count: usize) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(count)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(rest)
}

/// Writes the modifier that `rest` must be in its long form behind the numbers.
fn append_modifier(mut version: String, rest: &str) -> Option<String> {
    let (modifier, rest) = Modifier::scan(rest);
    if !scan::is_end(rest) {
        return None;
    }
    if let Some(word) = modifier.word {
        // Only in lower case, and it takes a following `-dev` with it; `1.0-Stable` stays odd in Composer too.
        if word == "stable" {
            return Some(version);
        }
        version.push('-');
        version.push_str(&expand_word(word));
        version.push_str(modifier.numbers.trim_start_matches(['.', '-']));
    }
    if modifier.is_dev {
        version.push_str("-dev");
    }
    Some(version)
}

/// The long form of a modifier's word.
fn expand_word(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "a" => "alpha".to_owned(),
        "b" => "beta".to_owned(),
        "p" | "pl" => "patch".to_owned(),
        "rc" => "RC".to_owned(),
        _ => word,
    }
}

/// `1.x-dev`: what precedes the `dev` must be a numeric branch. Other branches have to be written `dev-name`.
fn normalize_numeric_branch(version: &str) -> Option<String> {
    let before = scan::strip_suffix_ignoring_case(version, "dev").or_else(|| {
        scan::strip_suffix_ignoring_case(scan::without_final_line_feed(version), "dev")
    })?;
    let before = before.strip_suffix(['.', '-']).unwrap_or(before);
    // Composer's pattern is not tied to the start and its dot stops at a line feed: only the last line is looked at.
    let branch = before
        .rsplit_once('\n')
        .map_or(before, |(_, last_line)| last_line);
    let normalized = normalize_branch(branch);
    (!normalized.contains("dev-")).then_some(normalized)
}

/// The order of two normalized versions: PHP's `version_compare`, on which every comparison of Composer rests.
///
/// For numbered versions this is a total order up to spelling (`1.0` and `1.00` are equal). Named branches have no order
/// of their own, so [`Version`] keeps them apart; what is returned for them is what PHP returns.
pub fn compare_normalized(left: &str, right: &str) -> Ordering {
    compare_bytes(until_nul(left.as_bytes()), until_nul(right.as_bytes()))
}

/// PHP hands its strings to a C function, which ends at the first NUL.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What stands for "a number" when PHP compares a number with a word, and for the end when a word is left over.
const NUMBER_MARK: &[u8] = b"#N#";

/// Compares part by part; where one side ends in a word, that word is compared with [`NUMBER_MARK`] in the same way.
fn compare_bytes(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    loop {
        if left.is_empty() || right.is_empty() {
            return left.len().min(1).cmp(&right.len().min(1));
        }
        (left, right) = match compare_common_parts(&canonicalize(&left), &canonicalize(&right)) {
            Comparison::Settled(order) => return order,
            Comparison::LeftGoesOn(rest) => (rest, NUMBER_MARK.to_vec()),
            Comparison::RightGoesOn(rest) => (NUMBER_MARK.to_vec(), rest),
        };
    }
}

/// What the parts that both sides have say.
enum Comparison {
    Settled(Ordering),
    LeftGoesOn(Vec<u8>),
    RightGoesOn(Vec<u8>),
}

fn compare_common_parts(left: &[u8], right: &[u8]) -> Comparison {
    let mut left_parts = Parts::new(left);
    let mut right_parts = Parts::new(right);
    while let (Some(left_part), Some(right_part)) = (left_parts.current(), right_parts.current()) {
        let order = compare_parts(left_part, right_part);
        if order.is_ne() {
            return Comparison::Settled(order);
        }
        left_parts.advance();
        right_parts.advance();
    }
    match (left_parts.rest, right_parts.rest) {
        (Some(rest), _) if starts_with_digit(rest) => Comparison::Settled(Ordering::Greater),
        (Some(rest), _) => Comparison::LeftGoesOn(rest.to_vec()),
        (None, Some(rest)) if starts_with_digit(rest) => Comparison::Settled(Ordering::Less),
        (None, Some(rest)) => Comparison::RightGoesOn(rest.to_vec()),
        (None, None) => Comparison::Settled(Ordering::Equal),
    }
}

/// The dotted parts of a canonical version. `rest` is `None` once the last part was passed, and empty after a final dot.
struct Parts<'t> {
    rest: Option<&'t [u8]>,
}

impl<'t> Parts<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { rest: Some(text) }
    }

    /// The part at hand; none at the end, nor where nothing follows a dot.
    fn current(&self) -> Option<&'t [u8]> {
        let rest = self.rest.filter(|rest| !rest.is_empty())?;
        rest.split(|byte| *byte == b'.').next()
    }

    fn advance(&mut self) {
        self.rest = self.rest.and_then(|rest| {
            let mut halves = rest.splitn(2, |byte| *byte == b'.');
            halves.next();
            halves.next()
        });
    }
}

fn starts_with_digit(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
}

/// Puts dots where PHP sees parts: for `-`, `_`, `+` and other signs, and between a digit and a non-digit.
///
/// A text that begins with `#` is left as it is: that is how PHP protects its own mark.
fn canonicalize(version: &[u8]) -> Vec<u8> {
    let Some((first, others)) = version.split_first().filter(|(first, _)| **first != b'#') else {
        return version.to_vec();
    };
    let is_separator = |byte: u8| matches!(byte, b'-' | b'_' | b'+');
    let is_other = |byte: u8| !byte.is_ascii_digit() && byte != b'.';
    let mut canonical = vec![*first];
    let mut previous = *first;
    for &byte in others {
        let is_border = (is_other(previous) && byte.is_ascii_digit())
            || (previous.is_ascii_digit() && is_other(byte));
        let wants_dot = is_border || !byte.is_ascii_alphanumeric();
        if wants_dot && canonical.last() != Some(&b'.') {
            canonical.push(b'.');
        }
        // At a border even a sign is kept, as in `1@`; everywhere else the dot has taken its place.
        if !is_separator(byte) && (is_border || byte.is_ascii_alphanumeric()) {
            canonical.push(byte);
        }
        previous = byte;
    }
    canonical
}

fn compare_parts(left: &[u8], right: &[u8]) -> Ordering {
    match (starts_with_digit(left), starts_with_digit(right)) {
        (true, true) => leading_number(left).cmp(&leading_number(right)),
        (false, false) => word_rank(left).cmp(&word_rank(right)),
        (true, false) => word_rank(NUMBER_MARK).cmp(&word_rank(right)),
        (false, true) => word_rank(left).cmp(&word_rank(NUMBER_MARK)),
    }
}

/// The number at the start, held at the largest one that C's `strtol` can give.
fn leading_number(part: &[u8]) -> i64 {
    part.iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number: i64, byte| {
            number
                .saturating_mul(10)
                .saturating_add(i64::from(byte.saturating_sub(b'0')))
        })
}

/// PHP's rank of a word, by its beginning and in this case only; what PHP does not know comes first.
fn word_rank(word: &[u8]) -> i8 {
    /// `alpha` before `a` and so on changes nothing, as both have one rank.
    const RANKS: [(&[u8], i8); 7] = [
        (b"dev", 0),
        (b"a", 1),
        (b"b", 2),
        (b"RC", 3),
        (b"rc", 3),
        (b"#", 4),
        (b"p", 5),
    ];
    RANKS
        .iter()
        .find(|(beginning, _)| word.starts_with(beginning))
        .map_or(-1, |(_, rank)| *rank)
}

#[cfg(test)]
mod tests;
