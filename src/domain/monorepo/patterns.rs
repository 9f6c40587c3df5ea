//! Which folders of a git repository are packages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ROOT;
use crate::domain::scan;

/// Entries in one list.
const MOST_PATTERNS: usize = 50;
/// Bytes of an entry.
const LONGEST_PATTERN: usize = 250;

/// Why a list of patterns is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFolders {
    /// Too few or too many.
    #[error("`folders` must have 1 to {MOST_PATTERNS} patterns such as `packages/*`")]
    Count,
    /// Nothing but exceptions.
    #[error(
        "`folders` has only exceptions; write which folders are packages, such as `packages/*`"
    )]
    OnlyExceptions,
    /// Empty or too long.
    #[error("a pattern of `folders` must have 1 to {LONGEST_PATTERN} bytes")]
    Length,
    /// Something that no folder's path has.
    #[error(
        "`{pattern}` in `folders` is no path from the top of the git repository; write one such as `packages/*`, \
         without `/` at either end, and `.` for the top itself"
    )]
    Path {
        /// What was given.
        pattern: String,
    },
}

/// A list such as `packages/*`, `!packages/internal-*`, `.`: a folder is a package when the last pattern that fits it has
/// no `!`. `*` stands for any characters but a slash, `**` for any number of folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct FolderPatterns(Vec<String>);

impl FolderPatterns {
    /// Reads a list; refuses what could fit no folder.
    pub fn parse(patterns: &[String]) -> Result<Self, InvalidFolders> {
        if patterns.is_empty() || patterns.len() > MOST_PATTERNS {
            return Err(InvalidFolders::Count);
        }
        for pattern in patterns {
            check(pattern)?;
        }
        if patterns.iter().all(|pattern| pattern.starts_with('!')) {
            return Err(InvalidFolders::OnlyExceptions);
        }
        Ok(Self(patterns.to_vec()))
    }

    /// Whether a folder is a package by this list.
    pub fn matches(&self, folder: &str) -> bool {
        let fitting = self.0.iter().rev().find_map(|pattern| {
            let (path, is_wanted) = match pattern.strip_prefix('!') {
                Some(path) => (path, false),
                None => (pattern.as_str(), true),
            };
            fits(path, folder).then_some(is_wanted)
        });
        fitting.unwrap_or(false)
    }
}

impl TryFrom<Vec<String>> for FolderPatterns {
    type Error = InvalidFolders;

    fn try_from(patterns: Vec<String>) -> Result<Self, InvalidFolders> {
        Self::parse(&patterns)
    }
}

impl From<FolderPatterns> for Vec<String> {
    fn from(patterns: FolderPatterns) -> Self {
        patterns.0
    }
}

fn check(pattern: &str) -> Result<(), InvalidFolders> {
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return Err(InvalidFolders::Length);
    }
    let path = pattern.strip_prefix('!').unwrap_or(pattern);
    let is_name = |name: &str| {
        !matches!(name, "" | "." | "..")
            && !name.contains(['\\', '\0', '\n'])
            && (name == "**" || !name.contains("**"))
    };
    if path == ROOT || path.split('/').all(is_name) {
        return Ok(());
    }
    Err(InvalidFolders::Path {
        pattern: scan::excerpt(pattern),
    })
}

/// Whether a path fits a pattern, name by name.
fn fits(pattern: &str, path: &str) -> bool {
    if pattern == ROOT || path == ROOT {
        return pattern == path;
    }
    let patterns: Vec<&str> = pattern.split('/').collect();
    // Which beginnings of the pattern fit the names so far: linear in both, however many `**` there are.
    let mut fitting = vec![false; patterns.len().saturating_add(1)];
    if let Some(first) = fitting.first_mut() {
        *first = true;
    }
    skip_any_folders(&patterns, &mut fitting);
    for name in path.split('/') {
        let mut next = vec![false; fitting.len()];
        for (at, pattern) in patterns.iter().enumerate() {
            if !fitting.get(at).copied().unwrap_or_default() {
                continue;
            }
            let to = if *pattern == "**" {
                at
            } else if scan::matches_glob(pattern, name) {
                at.saturating_add(1)
            } else {
                continue;
            };
            if let Some(slot) = next.get_mut(to) {
                *slot = true;
            }
        }
        skip_any_folders(&patterns, &mut next);
        fitting = next;
    }
    fitting.last().copied().unwrap_or_default()
}

/// `**` also stands for no folder at all.
fn skip_any_folders(patterns: &[&str], fitting: &mut [bool]) {
    for (at, pattern) in patterns.iter().enumerate() {
        if *pattern == "**"
            && fitting.get(at).copied().unwrap_or_default()
            && let Some(slot) = fitting.get_mut(at.saturating_add(1))
        {
            *slot = true;
        }
    }
}
