//! Reading a constraint: split into groups and parts, then each part by the first form that fits.

use super::super::scan::{self, Modifier};
use super::super::stability::{Stability, parse_stability};
use super::super::version::normalize;
use super::{Group, InvalidConstraint, Operator, Test};

/// Composer's lower end of everything that is numbered.
const LOWEST: &str = "0.0.0.0-dev";

/// The operators, each before its own beginning.
const OPERATORS: [(&str, Operator); 9] = [
    ("<>", Operator::NotEqual),
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("", Operator::Equal),
];

/// The OR groups of a constraint.
pub(super) fn parse_groups(text: &str) -> Result<Vec<Group>, InvalidConstraint> {
    let groups = split_or(scan::trim(text))
        .into_iter()
        .map(parse_group)
        .collect::<Result<_, _>>()?;
    Ok(merge_neighbours(groups))
}

/// Splits at `|` and `||` with the blanks around them. The outer ends were trimmed before, in PHP's narrower sense.
fn split_or(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once('|') {
        parts.push(part.trim_end_matches(scan::is_space));
        let after = after.strip_prefix('|').unwrap_or(after);
        rest = after.trim_start_matches(scan::is_space);
    }
    parts.push(rest);
    parts
}

fn parse_group(group: &str) -> Result<Group, InvalidConstraint> {
    let mut tests = Vec::new();
    for part in split_and(group) {
        tests.extend(parse_part(part)?);
    }
    Ok(Group(tests))
}

/// Splits at a run of spaces with at most one comma in it, where it can be no part of an operator, of an alias or of a
/// hyphen range.
fn split_and(group: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut part_start = 0_usize;
    let mut skip_to = 0_usize;
    for (at, character) in group.char_indices() {
        if at < skip_to || !matches!(character, ' ' | ',') {
            continue;
        }
        if let Some(end) = separator_end(group, at) {
            parts.push(group.get(part_start..at).unwrap_or_default());
            part_start = end;
            skip_to = end;
        }
    }
    parts.push(group.get(part_start..).unwrap_or_default());
    parts
}

/// Where the separator that begins at `start` ends, if there is one.
///
/// This is one pattern of Composer's followed choice by choice: spaces, one space or comma, spaces, the longest run
/// first each time; what stands around decides. The choices matter where a run is followed by `as` or by a comma.
fn separator_end(group: &str, start: usize) -> Option<usize> {
    let (before, after) = group.split_at_checked(start)?;
    if before.is_empty() || before.ends_with("as") || before.ends_with(['=', '>', '<', ' ', ',']) {
        return None;
    }
    (0..=count_spaces(after)).rev().find_map(|leading| {
        let at = start.saturating_add(leading);
        let (before, rest) = group.split_at_checked(at)?;
        let rest = rest.strip_prefix([' ', ','])?;
        if before.ends_with('-') || rest.starts_with('-') {
            return None;
        }
        (0..=count_spaces(rest)).rev().find_map(|trailing| {
            let rest = rest.get(trailing..)?;
            let is_refused = rest.starts_with(',') || rest.starts_with("as") || scan::is_end(rest);
            (!is_refused).then(|| group.len().saturating_sub(rest.len()))
        })
    })
}

fn count_spaces(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b' ').count()
}

/// `[>=a <b] || [>=b <c]` becomes `[>=a <c]`, as Composer does with neighbours; without it the texts would differ.
fn merge_neighbours(groups: Vec<Group>) -> Vec<Group> {
    let mut merged: Vec<Group> = Vec::new();
    for group in groups {
        match merged.last().and_then(|left| join(left, &group)) {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(group),
        }
    }
    merged
}

/// The two groups as one, where the left one ends right before the right one begins. The right one may end in a `<=`.
fn join(left: &Group, right: &Group) -> Option<Group> {
    let [
        lower @ Test::Compare(Operator::GreaterOrEqual, _),
        Test::Compare(Operator::Less, left_end),
    ] = left.0.as_slice()
    else {
        return None;
    };
    let [
        Test::Compare(Operator::GreaterOrEqual, right_start),
        upper @ Test::Compare(Operator::Less | Operator::LessOrEqual, _),
    ] = right.0.as_slice()
    else {
        return None;
    };
    (left_end == right_start).then(|| Group(vec![lower.clone(), upper.clone()]))
}

/// One part: the forms in Composer's order, the first that fits decides.
fn parse_part(part: &str) -> Result<Vec<Test>, InvalidConstraint> {
    let (part, flag) = split_stability_flag(scan::strip_alias(part));
    let part = strip_reference(part);
    if let Some(test) = parse_wildcard(part) {
        return Ok(vec![test]);
    }
    if let Some(bounds) = part.strip_prefix('~').and_then(VersionPattern::read_all) {
        return parse_tilde(part, &bounds);
    }
    if let Some(bounds) = part.strip_prefix('^').and_then(VersionPattern::read_all) {
        return parse_caret(part, &bounds);
    }
    if part
        .strip_prefix("~>")
        .and_then(VersionPattern::read_all)
        .is_some()
    {
        return Err(InvalidConstraint::TildeArrow {
            part: part.to_owned(),
        });
    }
    if let Some(tests) = parse_number_range(part) {
        return Ok(tests);
    }
    if let Some((from, to)) = split_hyphen(part) {
        return parse_hyphen(part, &from, &to);
    }
    Ok(vec![parse_comparison(part, flag)?])
}

/// Cuts a final `@beta` and gives it back, unless it says `stable`; what was nothing else is `*`.
fn split_stability_flag(part: &str) -> (&str, Option<&str>) {
    let found = scan::without_final_line_feed(part)
        .rsplit_once('@')
        .filter(|(before, flag)| {
            scan::is_stability_flag(flag)
                && !before.contains(|character| character == ',' || scan::is_space(character))
        });
    let Some((before, flag)) = found else {
        return (part, None);
    };
    let version = if before.is_empty() { "*" } else { before };
    (version, Some(flag).filter(|flag| *flag != "stable"))
}

/// `dev-main#abc` and `1.x-dev#abc`: the commit is Composer's business, not that of the constraint.
fn strip_reference(part: &str) -> &str {
    let ends_word = |character: char| matches!(character, ',' | '@') || scan::is_space(character);
    // Only a `#` before the first blank, comma or `@` counts, and something must follow it on its line, the last one.
    let word = part.split(ends_word).next().unwrap_or_default();
    let is_followed = |at: usize| {
        let rest = part.get(at.saturating_add(1)..).unwrap_or_default();
        let rest = scan::without_final_line_feed(rest);
        !rest.is_empty() && !rest.contains('\n')
    };
    let signs = || word.match_indices('#').map(|(at, _)| at);
    let is_named_branch = scan::strip_prefix_ignoring_case(word, "dev-").is_some();
    let named = signs().find(|at| is_named_branch && *at > "dev-".len() && is_followed(*at));
    let numeric = || {
        signs().find(|at| {
            let before = part
                .get(..*at)
                .and_then(|before| scan::strip_suffix_ignoring_case(before, ".x-dev"));
            before.is_some_and(|before| !before.is_empty()) && is_followed(*at)
        })
    };
    named
        .or_else(numeric)
        .and_then(|at| part.get(..at))
        .unwrap_or(part)
}

/// `*` takes everything; `v*`, `*.*` and the like everything that is numbered.
fn parse_wildcard(part: &str) -> Option<Test> {
    let is_any = |character: char| matches!(character, 'x' | 'X' | '*');
    let start = scan::strip_v(part);
    let mut rest = start.strip_prefix(is_any)?;
    let is_alone = start.len() == part.len() && scan::is_end(rest);
    while let Some(after) = rest
        .strip_prefix('.')
        .and_then(|rest| rest.strip_prefix(is_any))
    {
        rest = after;
    }
    if is_alone {
        return Some(Test::Any);
    }
    scan::is_end(rest).then(|| at_least(LOWEST.to_owned()))
}

/// `~1.2`: the last given number may grow, and `~1` is taken for `~1.0`.
fn parse_tilde(part: &str, pattern: &VersionPattern<'_>) -> Result<Vec<Test>, InvalidConstraint> {
    // The `x` of `~1.x-dev` counts as a given number.
    let given = pattern.numbers.len();
    let given = if pattern.is_branch {
        given.saturating_add(1)
    } else {
        given
    };
    let raised = given.saturating_sub(1).max(1);
    Ok(vec![
        at_least(lower_bound(part, pattern)?),
        below(pattern.raise(raised)),
    ])
}

/// `^1.2`: everything right of the first number that is not zero may grow.
fn parse_caret(part: &str, pattern: &VersionPattern<'_>) -> Result<Vec<Test>, InvalidConstraint> {
    let raised = match pattern.numbers.as_slice() {
        ["0", "0", _, ..] => 3,
        ["0", _, ..] => 2,
        _ => 1,
    };
    Ok(vec![
        at_least(lower_bound(part, pattern)?),
        below(pattern.raise(raised)),
    ])
}

/// The version after a one-character operator; where it names no stability it takes its own pre-releases in.
fn lower_bound(part: &str, pattern: &VersionPattern<'_>) -> Result<String, InvalidConstraint> {
    let version = part.get(1..).unwrap_or_default();
    if pattern.is_stability() {
        return normalize_in(part, version);
    }
    normalize_in(part, &format!("{version}-dev"))
}

/// `1.2.*`: from these numbers to the next. The small `v` alone counts here.
fn parse_number_range(part: &str) -> Option<Vec<Test>> {
    let (numbers, mut rest) = read_numbers(part.strip_prefix('v').unwrap_or(part), 3)?;
    let any_number = |rest: &'_ str| -> Option<usize> {
        let after = rest.strip_prefix('.')?.strip_prefix(['x', 'X', '*'])?;
        Some(rest.len().saturating_sub(after.len()))
    };
    let mut is_range = false;
    while let Some(length) = any_number(rest) {
        is_range = true;
        rest = rest.get(length..)?;
    }
    if !is_range || !scan::is_end(rest) {
        return None;
    }
    let upper = below(raise(&numbers, numbers.len()));
    let lower = format!("{}-dev", pad(&numbers));
    if lower == LOWEST {
        return Some(vec![upper]);
    }
    Some(vec![at_least(lower), upper])
}

/// Two versions with a hyphen between them and one space or more on each side of it.
fn split_hyphen(part: &str) -> Option<(VersionPattern<'_>, VersionPattern<'_>)> {
    let (from, rest) = VersionPattern::read(part)?;
    let rest = scan::after_spaces(rest)?.strip_prefix('-')?;
    let to = VersionPattern::read_all(scan::after_spaces(rest)?)?;
    Some((from, to))
}

/// `1.0 - 2.0`: both ends included; an upper end of one or two numbers means all that begins with them.
fn parse_hyphen(
    part: &str,
    from: &VersionPattern<'_>,
    to: &VersionPattern<'_>,
) -> Result<Vec<Test>, InvalidConstraint> {
    let mut lower = normalize_in(part, from.text)?;
    if !from.is_stability() {
        lower.push_str("-dev");
    }
    // Asked for in either case, since the text may still be no version.
    let exact_upper = normalize_in(part, to.text)?;
    let upper = if to.numbers.len() >= 3 || to.is_stability() {
        Test::Compare(Operator::LessOrEqual, exact_upper)
    } else {
        below(to.raise(to.numbers.len()))
    };
    Ok(vec![at_least(lower), upper])
}

/// An operator, or none for equality, and a version.
fn parse_comparison(part: &str, flag: Option<&str>) -> Result<Test, InvalidConstraint> {
    let (operator, rest) = OPERATORS
        .iter()
        .find_map(|(text, operator)| Some((*operator, part.strip_prefix(text)?)))
        .unwrap_or((Operator::Equal, part));
    // Composer's pattern ends at a line feed and drops what follows.
    let version = rest.trim_start_matches(scan::is_space);
    let version = version.split('\n').next().unwrap_or_default();
    if version.is_empty() && part.is_empty() {
        return Err(InvalidConstraint::Empty);
    }
    let mut normalized = match normalize_in(part, version) {
        Ok(normalized) => normalized,
        Err(refusal) => normalize_suffixed_branch(version).ok_or(refusal)?,
    };
    let flag = flag.filter(|_| {
        operator != Operator::Equal && parse_stability(&normalized) == Stability::Stable
    });
    if let Some(flag) = flag {
        normalized.push('-');
        normalized.push_str(flag);
    } else if matches!(operator, Operator::Less | Operator::GreaterOrEqual)
        && !ends_in_modifier(version)
        && !version.starts_with("dev-")
    {
        normalized.push_str("-dev");
    }
    Ok(Test::Compare(operator, normalized))
}

/// `foo-dev`, which is meant for `dev-foo`.
fn normalize_suffixed_branch(version: &str) -> Option<String> {
    let branch = version.strip_suffix("-dev")?;
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '/');
    // Cannot fail behind a `dev-`, and cutting is Composer's: `x-dev` behind another `-dev` stays.
    branch
        .chars()
        .all(is_plain)
        .then(|| normalize(&format!("dev-{branch}")).ok())
        .flatten()
}

/// Whether the text ends in a hyphen and a modifier, be it an empty one.
fn ends_in_modifier(version: &str) -> bool {
    version.match_indices('-').any(|(at, _)| {
        let after = version.get(at.saturating_add(1)..).unwrap_or_default();
        scan::is_end(Modifier::scan(after).1)
    })
}

fn at_least(version: String) -> Test {
    Test::Compare(Operator::GreaterOrEqual, version)
}

fn below(version: String) -> Test {
    Test::Compare(Operator::Less, version)
}

/// The normalized version, or the refusal of the part that holds it.
fn normalize_in(part: &str, version: &str) -> Result<String, InvalidConstraint> {
    normalize(version).map_err(|_unreadable| InvalidConstraint::Unreadable {
        part: part.to_owned(),
    })
}

/// A version as tilde, caret and hyphen take it: an optional `v`, one to four numbers, then a modifier or `.x-dev`, then
/// an optional `+build`.
struct VersionPattern<'t> {
    text: &'t str,
    numbers: Vec<&'t str>,
    modifier: Modifier<'t>,
    is_branch: bool,
}

impl<'t> VersionPattern<'t> {
    /// Reads it from the start of a text and gives back the rest.
    fn read(text: &'t str) -> Option<(Self, &'t str)> {
        let (numbers, rest) = read_numbers(scan::strip_v(text), 4)?;
        let after_branch = strip_any_dev(rest);
        let (modifier, after_modifier) =
            Modifier::scan(if after_branch.is_some() { "" } else { rest });
        let rest = strip_build(after_branch.unwrap_or(after_modifier));
        let pattern = Self {
            text: scan::consumed(text, rest),
            numbers,
            modifier,
            is_branch: after_branch.is_some(),
        };
        Some((pattern, rest))
    }

    /// Reads it from a text that must be nothing else.
    fn read_all(text: &'t str) -> Option<Self> {
        let (pattern, rest) = Self::read(text)?;
        scan::is_end(rest).then_some(pattern)
    }

    fn is_stability(&self) -> bool {
        self.modifier.is_stability() || self.is_branch
    }

    fn raise(&self, count: usize) -> String {
        raise(&self.numbers, count)
    }
}

/// One to `most` numbers with dots between them.
fn read_numbers(text: &str, most: usize) -> Option<(Vec<&str>, &str)> {
    let (major, mut rest) = scan::digits(text)?;
    let mut numbers = vec![major];
    while numbers.len() < most
        && let Some((number, after)) = scan::dotted_digits(rest)
    {
        numbers.push(number);
        rest = after;
    }
    Some((numbers, rest))
}

/// The text after `.x-dev`.
fn strip_any_dev(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('.')?.strip_prefix(['x', 'X', '*'])?;
    scan::strip_prefix_ignoring_case(scan::strip_separator(rest), "dev")
}

/// The text after an optional `+` with something that is no blank behind it.
fn strip_build(text: &str) -> &str {
    text.strip_prefix('+')
        .map(|build| build.trim_start_matches(|character| !scan::is_space(character)))
        .filter(|rest| text.len().saturating_sub(rest.len()) > 1)
        .unwrap_or(text)
}

/// Four numbers, zeros for those that are missing.
fn pad(numbers: &[&str]) -> String {
    let mut padded = numbers.to_vec();
    padded.resize(4, "0");
    padded.join(".")
}

/// Keeps the first `count` numbers, adds one to the last of them and ends below its pre-releases.
fn raise(numbers: &[&str], count: usize) -> String {
    let mut kept: Vec<String> = numbers
        .iter()
        .take(count)
        .map(|number| (*number).to_owned())
        .collect();
    if let Some(last) = kept.last_mut() {
        *last = increment(last);
    }
    kept.resize(4, "0".to_owned());
    format!("{}-dev", kept.join("."))
}

/// The next number, in decimal digits of any length; leading zeros go, as they do in PHP's arithmetic.
fn increment(number: &str) -> String {
    let significant = number.trim_start_matches('0');
    let head = significant.trim_end_matches('9');
    let nines = significant.len().saturating_sub(head.len());
    let mut next = head.to_owned();
    let last = next.pop().unwrap_or('0');
    // `last` is no nine, so its successor is one digit.
    let successor = last.to_digit(10).unwrap_or(0).saturating_add(1);
    next.push_str(&successor.to_string());
    next.extend(std::iter::repeat_n('0', nines));
    next
}
