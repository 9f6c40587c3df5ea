//! The pieces that version texts are made of, read by hand from left to right.
//!
//! Composer reads versions with PCRE patterns; here the same pieces are plain functions that take a text and give back
//! what they consumed and what is left. Two traits of those patterns decide odd cases and are kept: digits, blanks and
//! case folding know ASCII only, and an end of text is also found just before one final line feed ([`is_end`]).

/// The stability flags that may follow an `@`.
pub(super) const STABILITY_FLAGS: [&str; 5] = ["stable", "RC", "beta", "alpha", "dev"];

/// The words of a modifier. The first that fits wins, so a longer word stands before its own beginning.
const MODIFIER_WORDS: [&str; 9] = [
    "stable", "beta", "b", "RC", "alpha", "a", "patch", "pl", "p",
];

/// Removes at both ends what PHP's `trim` removes: space, tab, line feed, carriage return, NUL and vertical tab.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}'])
}

/// The beginning of a text that may be long, for a message.
pub(super) fn excerpt(text: &str) -> String {
    const CHARACTERS: usize = 100;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Whether PCRE's `\s` takes this character: unlike [`trim`], the form feed counts and NUL does not.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// Whether a pattern that wants the end of the text is satisfied here; one final line feed is forgiven.
pub(super) fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest == "\n"
}

/// Cuts one final line feed, which [`is_end`] would have forgiven.
pub(super) fn without_final_line_feed(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// What of `text` stands before `rest`, its own tail.
pub(super) fn consumed<'t>(text: &'t str, rest: &str) -> &'t str {
    text.get(..text.len().saturating_sub(rest.len()))
        .unwrap_or_default()
}

/// One or more ASCII digits at the start, and the rest.
pub(super) fn digits(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let found = consumed(text, rest);
    (!found.is_empty()).then_some((found, rest))
}

/// A dot and one or more digits at the start, given back without the dot.
pub(super) fn dotted_digits(text: &str) -> Option<(&str, &str)> {
    digits(text.strip_prefix('.')?)
}

/// The rest after `prefix`, whose ASCII case does not matter.
pub(super) fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// What stands before `suffix`, whose ASCII case does not matter.
pub(super) fn strip_suffix_ignoring_case<'t>(text: &'t str, suffix: &str) -> Option<&'t str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(rest)
}

/// The text after an optional `v` or `V`.
pub(super) fn strip_v(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// Whether this is one of [`STABILITY_FLAGS`], in any case.
pub(super) fn is_stability_flag(text: &str) -> bool {
    STABILITY_FLAGS
        .iter()
        .any(|flag| flag.eq_ignore_ascii_case(text))
}

/// `X as Y` becomes `X`; any other text stays as it is. Neither side may hold a comma or a blank.
pub(super) fn strip_alias(text: &str) -> &str {
    let end_of_word = |character: char| character == ',' || is_space(character);
    let parts = || {
        let (source, rest) = text.split_at_checked(text.find(end_of_word)?)?;
        let alias = after_spaces(after_spaces(rest)?.strip_prefix("as")?)?;
        let alias = without_final_line_feed(alias);
        let is_alias = !source.is_empty() && !alias.is_empty() && !alias.contains(end_of_word);
        is_alias.then_some(source)
    };
    parts().unwrap_or(text)
}

/// The text after one or more spaces; other blanks do not count.
pub(super) fn after_spaces(text: &str) -> Option<&str> {
    text.strip_prefix(' ')
        .map(|rest| rest.trim_start_matches(' '))
}

/// What may follow the numbers of a version: `-beta.2`, `RC1`, `_dev`, or a lone separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Modifier<'t> {
    /// The word as written, one of `stable`, `beta`, `b`, `RC`, `alpha`, `a`, `patch`, `pl`, `p` in any case.
    pub(super) word: Option<&'t str>,
    /// The numbers after the word with their separators, as written: `.2`, `1-3`.
    pub(super) numbers: &'t str,
    /// Whether a `dev` ends it.
    pub(super) is_dev: bool,
}

impl<'t> Modifier<'t> {
    /// Reads as much as belongs to a modifier; since all its parts are optional this cannot fail.
    ///
    /// Taking the longest piece at every step is enough: no shorter choice lets the text that follows fit better.
    pub(super) fn scan(text: &'t str) -> (Self, &'t str) {
        let mut rest = text.strip_prefix(['.', '_', '-']).unwrap_or(text);
        let mut modifier = Self {
            word: None,
            numbers: "",
            is_dev: false,
        };
        let after_word = MODIFIER_WORDS
            .iter()
            .find_map(|word| strip_prefix_ignoring_case(rest, word));
        if let Some(after_word) = after_word {
            modifier.word = Some(consumed(rest, after_word));
            rest = after_word;
            while let Some((_, after_number)) = digits(strip_separator(rest)) {
                rest = after_number;
            }
            modifier.numbers = consumed(after_word, rest);
        }
        if let Some(after_dev) = strip_prefix_ignoring_case(strip_separator(rest), "dev") {
            modifier.is_dev = true;
            rest = after_dev;
        }
        (modifier, rest)
    }

    /// Whether it says anything about stability: a word or a `dev`.
    pub(super) fn is_stability(&self) -> bool {
        self.word.is_some() || self.is_dev
    }
}

/// The text after an optional `.` or `-`.
pub(super) fn strip_separator(text: &str) -> &str {
    text.strip_prefix(['.', '-']).unwrap_or(text)
}
/// Whether the whole of `text` fits a pattern in which each `*` stands for any number of any characters.
pub(super) fn matches_glob(pattern: &str, text: &str) -> bool {
    let Some((start, pattern)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(start) else {
        return false;
    };
    // What stands between stars may be found as early as it comes; only the end is tied to the text's end.
    let (middle, end) = pattern.rsplit_once('*').unwrap_or(("", pattern));
    let Some(mut rest) = rest.strip_suffix(end) else {
        return false;
    };
    for piece in middle.split('*') {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    true
}
