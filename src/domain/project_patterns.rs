//! Which of a git host's projects are meant: `acme/*`, but not `!acme/old-*`.

use super::scan;

/// Patterns in one list: more would be a mistake, and each is tried on each project.
const MOST: usize = 50;
/// Bytes of a pattern. Nested groups of GitLab come to 255.
const LONGEST: usize = 255;

/// Why a list of patterns is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProjectPatterns {
    /// There is none that says what is meant.
    #[error("`pattern` must have an entry that says which projects are meant, such as `acme/*`")]
    NothingMeant,
    /// There are too many.
    #[error("`pattern` has more than {MOST} entries, leave some out")]
    TooMany,
    /// A pattern is empty or too long.
    #[error("an entry of `pattern` must have 1 to {LONGEST} characters")]
    WrongLength,
    /// A pattern has a character that no project's name has.
    #[error(
        "`{pattern}` has `{character}`, which no project's name has; write letters, digits, `-`, `.`, `_`, `~`, `/`, and `*` for \
         any characters"
    )]
    BadCharacter {
        /// What was given.
        pattern: String,
        /// The first character at fault.
        character: char,
    },
}

/// Patterns over the full names of projects. Each `*` stands for any number of any characters, slashes among them, and
/// capitals do not count, as at the hosts. A project is meant when one pattern fits it and none with `!` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectPatterns(Vec<String>);

impl ProjectPatterns {
    /// Reads a list; refuses one that could mean nothing.
    pub fn parse(patterns: &[String]) -> Result<Self, InvalidProjectPatterns> {
        if patterns.len() > MOST {
            return Err(InvalidProjectPatterns::TooMany);
        }
        let mut is_anything_meant = false;
        for written in patterns {
            let pattern = written.strip_prefix('!').unwrap_or(written);
            is_anything_meant |= pattern.len() == written.len();
            if !(1..=LONGEST).contains(&pattern.len()) {
                return Err(InvalidProjectPatterns::WrongLength);
            }
            let is_foreign = |character: &char| {
                !character.is_ascii_alphanumeric()
                    && !matches!(character, '-' | '.' | '_' | '~' | '/' | '*')
            };
            if let Some(character) = pattern.chars().find(is_foreign) {
                return Err(InvalidProjectPatterns::BadCharacter {
                    pattern: written.clone(),
                    character,
                });
            }
        }
        if !is_anything_meant {
            return Err(InvalidProjectPatterns::NothingMeant);
        }
        let lower = patterns.iter().map(|one| one.to_ascii_lowercase());
        Ok(Self(lower.collect()))
    }

    /// The patterns, in lower case.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether a project of this full name is meant.
    pub fn matches(&self, full_name: &str) -> bool {
        let name = full_name.to_ascii_lowercase();
        let (mut is_meant, mut is_excepted) = (false, false);
        for pattern in &self.0 {
            match pattern.strip_prefix('!') {
                Some(except) => is_excepted |= scan::matches_glob(except, &name),
                None => is_meant |= scan::matches_glob(pattern, &name),
            }
        }
        is_meant && !is_excepted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(list: &[&str]) -> Result<ProjectPatterns, InvalidProjectPatterns> {
        let list: Vec<_> = list.iter().map(|one| (*one).to_owned()).collect();
        ProjectPatterns::parse(&list)
    }

    #[test]
    fn a_project_is_meant_by_one_pattern_and_excepted_by_another() {
        let meant = patterns(&["!acme/old-*", "Acme/*", "tools/*/lib"]).unwrap();
        for (name, expected) in [
            ("acme/lib", true),
            ("ACME/Lib", true),
            ("acme/sub/lib", true),
            ("acme/old-lib", false),
            ("Acme/OLD-lib", false),
            ("tools/php/lib", true),
            ("tools/lib", false),
            ("other/acme/lib", false),
            ("", false),
        ] {
            assert_eq!(meant.matches(name), expected, "{name}");
        }
    }

    #[test]
    fn what_could_mean_nothing_is_refused() {
        let many = vec!["a/*"; 51];
        for (list, expected) in [
            (&[][..], InvalidProjectPatterns::NothingMeant),
            (&["!acme/*"][..], InvalidProjectPatterns::NothingMeant),
            (&["acme/*", ""][..], InvalidProjectPatterns::WrongLength),
            (&["acme/*", "!"][..], InvalidProjectPatterns::WrongLength),
            (&many[..], InvalidProjectPatterns::TooMany),
            (
                &["acme/{a,b}"][..],
                InvalidProjectPatterns::BadCharacter {
                    pattern: "acme/{a,b}".to_owned(),
                    character: '{',
                },
            ),
        ] {
            assert_eq!(patterns(list), Err(expected), "{list:?}");
        }
        let long = "a".repeat(256);
        let refused = patterns(&[&long]);
        assert_eq!(refused, Err(InvalidProjectPatterns::WrongLength));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(list in proptest::collection::vec("[!a-z*/]{0,12}|\\PC{0,12}", 0..4), name in "\\PC{0,40}") {
            if let Ok(read) = ProjectPatterns::parse(&list) {
                let _ = read.matches(&name);
                prop_assert_eq!(ProjectPatterns::parse(read.as_slice()), Ok(read));
            }
        }
    }
}
