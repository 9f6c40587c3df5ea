//! `.gitattributes` (gitattributes(5)), as far as an archive depends on it.

use super::glob::{Glob, Slashes};

/// Git ignores longer lines (`ATTR_MAX_LINE_LENGTH`).
const LONGEST_LINE: usize = 2_048;

/// Real ones have some lines. Every rule is held against every path, so their number must have a bound.
pub(super) const FILE_LIMIT: usize = 64 * 1024;
/// How deep macros may name each other; what lies deeper is not heard of.
const DEEPEST_MACRO: usize = 32;

/// The state of one attribute for one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Set,
    Unset,
    /// `!name`: as if nothing had been said.
    Unspecified,
    Value(String),
}

/// What the attributes say of one path.
#[derive(Debug, Default)]
pub(super) struct Found {
    states: Vec<(String, State)>,
}

impl Found {
    /// Whether the attribute is set, without a value.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some(&State::Set)
    }

    /// What was said of the attribute, if anything was.
    pub(super) fn get(&self, name: &str) -> Option<&State> {
        self.states
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, state)| state)
            .filter(|state| **state != State::Unspecified)
    }

    fn knows(&self, name: &str) -> bool {
        self.states.iter().any(|(known, _)| known == name)
    }
}

/// One line: a pattern and what it says.
#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    states: Vec<(String, State)>,
}

/// The attributes of a folder and of those above it.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// From the top down: the folder's path with a slash at its end (empty at the top), and its rules.
    files: Vec<(Vec<u8>, Vec<Rule>)>,
    macros: Vec<(String, Vec<(String, State)>)>,
}

impl Attributes {
    /// Enters a folder with the content of its `.gitattributes`. Macros are heard of at the top alone. A byte order mark is
    /// part of the first pattern, as in git where it reads from a tree.
    pub(super) fn enter(&mut self, folder: &[u8], content: &[u8]) {
        if folder.is_empty() {
            self.macros = vec![built_in_macro()];
        }
        let mut rules = Vec::new();
        for line in content.split(|byte| *byte == b'\n') {
            match read_line(line) {
                Some(Line::Rule(rule)) => rules.push(rule),
                Some(Line::Macro(name, states)) if folder.is_empty() => {
                    self.macros.retain(|(known, _)| *known != name);
                    self.macros.push((name, states));
                }
                _ => {}
            }
        }
        self.files.push((folder.to_vec(), rules));
    }

    /// Leaves the folder that was entered last.
    pub(super) fn leave(&mut self) {
        self.files.pop();
    }

    /// What is said of a path; a folder's ends in a slash. The nearest file wins, in it the last line, in that the
    /// last word.
    pub(super) fn look_up(&self, path: &[u8]) -> Found {
        let mut found = Found::default();
        for (folder, rules) in self.files.iter().rev() {
            let Some(rest) = path.strip_prefix(folder.as_slice()) else {
                continue;
            };
            for rule in rules.iter().rev() {
                if rule.pattern.matches(rest) {
                    self.fill(&mut found, &rule.states, 0);
                }
            }
        }
        found
    }

    fn fill(&self, found: &mut Found, states: &[(String, State)], depth: usize) {
        for (name, state) in states.iter().rev() {
            if found.knows(name) {
                continue;
            }
            found.states.push((name.clone(), state.clone()));
            if *state == State::Set
                && depth < DEEPEST_MACRO
                && let Some((_, states)) = self.macros.iter().find(|(known, _)| known == name)
            {
                self.fill(found, states, depth.saturating_add(1));
            }
        }
    }
}

/// `[attr]binary -diff -merge -text`, which every git knows.
fn built_in_macro() -> (String, Vec<(String, State)>) {
    let unset = |name: &str| (name.to_owned(), State::Unset);
    (
        "binary".to_owned(),
        vec![unset("diff"), unset("merge"), unset("text")],
    )
}

#[derive(Debug)]
struct Pattern {
    glob: Glob,
    /// Whether it is held against the whole path below the file, or against the last name of it.
    is_path: bool,
    is_folder_only: bool,
}

impl Pattern {
    fn parse(text: &[u8]) -> Option<Self> {
        let (body, is_folder_only) = match text.strip_suffix(b"/") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let is_path = body.contains(&b'/');
        let slashes = if is_path {
            Slashes::Apart
        } else {
            Slashes::Plain
        };
        let body = body.strip_prefix(b"/").unwrap_or(body);
        Some(Self {
            glob: Glob::parse(body, slashes)?,
            is_path,
            is_folder_only,
        })
    }

    fn matches(&self, path: &[u8]) -> bool {
        let (path, is_folder) = match path.strip_suffix(b"/") {
            Some(path) => (path, true),
            None => (path, false),
        };
        if self.is_folder_only && !is_folder {
            return false;
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        self.glob.matches(if self.is_path { path } else { name })
    }
}

enum Line {
    Rule(Rule),
    Macro(String, Vec<(String, State)>),
}

/// Reads a line; none for a comment, an empty one, or one that git passes over.
fn read_line(line: &[u8]) -> Option<Line> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = trim_start(line);
    if line.is_empty() || line.starts_with(b"#") || line.len() >= LONGEST_LINE {
        return None;
    }
    let (pattern, rest) = if let Some(quoted) = line.strip_prefix(b"\"") {
        read_quoted(quoted)?
    } else {
        let end = line.iter().position(|byte| is_blank(*byte));
        let (pattern, rest) = line.split_at_checked(end.unwrap_or(line.len()))?;
        (pattern.to_vec(), rest)
    };
    let rest = &String::from_utf8_lossy(rest);
    if let Some(name) = pattern.strip_prefix(b"[attr]") {
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| is_name(name))?;
        return Some(Line::Macro(name.to_owned(), read_states(rest)?));
    }
    // Git refuses negation here, with a warning.
    if pattern.starts_with(b"!") {
        return None;
    }
    Some(Line::Rule(Rule {
        pattern: Pattern::parse(&pattern)?,
        states: read_states(rest)?,
    }))
}

/// `export-ignore -text eol=crlf !ident`; a bad name spoils the line.
fn read_states(text: &str) -> Option<Vec<(String, State)>> {
    text.split([' ', '\t', '\r'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let (name, state) = match word.as_bytes().first() {
                Some(b'-') => (word.get(1..)?, State::Unset),
                Some(b'!') => (word.get(1..)?, State::Unspecified),
                _ => match word.split_once('=') {
                    Some((name, value)) => (name, State::Value(value.to_owned())),
                    None => (word, State::Set),
                },
            };
            // What a name may be in front of a `=` that follows a sign, git takes off as well.
            let name = name.split('=').next().unwrap_or(name);
            is_name(name).then(|| (name.to_owned(), state))
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.starts_with("builtin_")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A pattern in quotes as in C; what follows must be apart from it.
fn read_quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut pattern = Vec::new();
    let mut at = 0_usize;
    loop {
        let byte = *text.get(at)?;
        at = at.saturating_add(1);
        match byte {
            b'"' => return Some((pattern, text.get(at..)?)),
            b'\\' => {
                let escaped = *text.get(at)?;
                at = at.saturating_add(1);
                pattern.push(match escaped {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'"' => escaped,
                    b'0'..=b'3' => {
                        let digits = text.get(at.saturating_sub(1)..at.checked_add(2)?)?;
                        at = at.saturating_add(2);
                        u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?
                    }
                    _ => return None,
                });
            }
            byte => pattern.push(byte),
        }
    }
}

fn trim_start(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(**byte)).count();
    line.get(blanks..).unwrap_or_default()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
