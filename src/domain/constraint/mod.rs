//! Version constraints such as `^1.2 || ~2.0`: which versions are meant.
//!
//! Reading is in `parse.rs`; here is what a constraint is and what it takes. Both follow Composer's
//! `VersionParser::parseConstraints` and `Constraint::matchSpecific` (semver 3.6) to the letter, because a grant that is
//! cut by versions must see them as the client does.

mod parse;

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::version::{compare_normalized, is_branch};

/// A constraint: the text as written, and what it means as an OR of ANDs of single tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    text: String,
    groups: Vec<Group>,
}

/// Tests that must all be met; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group(Vec<Test>);

/// One test of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// Takes everything, named branches too.
    Any,
    /// Compares with a normalized version.
    Compare(Operator, String),
}

/// How a version is compared with that of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longest constraint that is read, in bytes. Composer knows no limit; the longest that people write, lists of
/// insecure versions, have some 2,000.
pub const MAX_CONSTRAINT_LENGTH: usize = 16 * 1_024;

/// A text that Composer cannot read as a constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConstraint {
    /// Nothing but blanks, or nothing on one side of a `||`.
    #[error("a version constraint is empty, write `*` for any version")]
    Empty,
    /// The operator of another package manager.
    #[error("the operator `~>` in `{part}` is unknown to Composer, write `~` instead")]
    TildeArrow {
        /// The part that holds it.
        part: String,
    },
    /// It is over [`MAX_CONSTRAINT_LENGTH`].
    #[error(
        "a version constraint has at most {MAX_CONSTRAINT_LENGTH} bytes, and this has {length}"
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Anything else.
    #[error("`{part}` is no version constraint, write one such as `^1.2` or `>=1.0 <2.0`")]
    Unreadable {
        /// The part that cannot be read.
        part: String,
    },
}

impl Constraint {
    /// Reads a constraint as Composer does. Refuses with an [`InvalidConstraint`] that names the part at fault.
    pub fn parse(text: &str) -> Result<Self, InvalidConstraint> {
        if text.len() > MAX_CONSTRAINT_LENGTH {
            return Err(InvalidConstraint::TooLong { length: text.len() });
        }
        Ok(Self {
            text: text.to_owned(),
            groups: parse::parse_groups(text)?,
        })
    }

    /// The constraint as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it takes this normalized version.
    ///
    /// A branch alias is another version to ask about: access that is limited by versions must also ask with it, since
    /// the client takes a version when the constraint takes either.
    pub fn matches(&self, normalized: &str) -> bool {
        self.groups
            .iter()
            .any(|group| group.0.iter().all(|test| test.matches(normalized)))
    }
}

impl Test {
    fn matches(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Compare(operator, bound) => operator.holds(version, bound),
        }
    }
}

impl Operator {
    /// Named branches have no order: they can only be the same or not.
    fn holds(self, version: &str, bound: &str) -> bool {
        match (is_branch(version), is_branch(bound)) {
            (false, false) => self.allows(compare_normalized(version, bound)),
            (true, true) if self == Self::Equal => version == bound,
            _ => self == Self::NotEqual && version != bound,
        }
    }

    fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// The meaning in one canonical text, the same one that Composer prints: `^1.2 || dev-main` reads
/// `[[>= 1.2.0.0-dev < 2.0.0.0-dev] || == dev-main]`. Constraints that mean the same by construction print the same;
/// it is for showing and comparing and is not itself a constraint that could be read.
impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(formatter, &self.groups, " || ")
    }
}

impl fmt::Display for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(formatter, &self.0, " ")
    }
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::Compare(operator, version) => {
                write!(formatter, "{} {version}", operator.as_str())
            }
        }
    }
}

/// One item stands alone, several stand in brackets.
fn write_list<T: fmt::Display>(
    formatter: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
) -> fmt::Result {
    if let [item] = items {
        return item.fmt(formatter);
    }
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    write!(formatter, "[{}]", texts.join(separator))
}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
