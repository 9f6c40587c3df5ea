//! Names: of packages, of patterns over packages, and the short ones in our own addresses.
//!
//! Each type has one door, `parse`, and serde goes through it.

mod reserved;

use std::fmt;

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scan;

/// Names that Windows keeps for devices; a folder of that name cannot be made there (Composer's own list).
const RESERVED_NAMES: [&str; 22] = [
    "nul", "con", "prn", "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A package's name, `vendor/name`, in lower case.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Deserr, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[deserr(try_from(String) = Self::try_from -> InvalidName)]
pub struct PackageName(String);

/// Why a text is no package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is over [`PackageName::MAX_LENGTH`].
    #[error("a package name has at most 255 bytes, and this has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It is not two parts with a slash between them.
    #[error(
        "`{name}` is no package name, write the vendor, a slash and the package, as in `acme/tools`"
    )]
    NotTwoParts {
        /// What was given.
        name: String,
    },
    /// The part before the slash has other characters, or separators where none may be.
    #[error(
        "the vendor in `{name}` must be letters and digits, with a single `-`, `.` or `_` between words"
    )]
    BadVendor {
        /// What was given.
        name: String,
    },
    /// The part after the slash has other characters, or separators where none may be.
    #[error(
        "the part after the slash in `{name}` must be letters and digits, with `-`, `--`, `.` or `_` between words"
    )]
    BadPackage {
        /// What was given.
        name: String,
    },
    /// One part is the name of a device on Windows.
    #[error("`{part}` in `{name}` is reserved on Windows, choose another name")]
    Reserved {
        /// What was given.
        name: String,
        /// The part at fault.
        part: String,
    },
    /// It could be taken for the address of a document.
    #[error("`{name}` ends in `.json`, use `-json` instead")]
    EndsInJson {
        /// What was given.
        name: String,
    },
}

impl PackageName {
    /// The most bytes. Composer knows no limit; a name is a part of keys, of which KV's have at most 512 bytes.
    pub const MAX_LENGTH: usize = 255;

    /// Reads a name by the rules of Composer's `ValidatingArrayLoader` and lowers its case, as clients do before they
    /// ask. Refuses with an [`InvalidName`]. Platform packages (`php`, `ext-json`) are no names in this sense: no
    /// repository can serve them.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidName::TooLong { length: text.len() });
        }
        let name = text.to_ascii_lowercase();
        let given = || text.to_owned();
        let Some((vendor, package)) = name.split_once('/') else {
            return Err(InvalidName::NotTwoParts { name: given() });
        };
        if vendor.is_empty() || package.is_empty() || package.contains('/') {
            return Err(InvalidName::NotTwoParts { name: given() });
        }
        if !is_words(vendor, &["-", ".", "_"]) {
            return Err(InvalidName::BadVendor { name: given() });
        }
        if !is_words(package, &["--", "-", ".", "_"]) {
            return Err(InvalidName::BadPackage { name: given() });
        }
        if let Some(part) = [vendor, package]
            .into_iter()
            .find(|part| RESERVED_NAMES.contains(part))
        {
            return Err(InvalidName::Reserved {
                name: given(),
                part: part.to_owned(),
            });
        }
        // The case was lowered above, so this is not the comparison that clippy warns of.
        if package.strip_suffix(".json").is_some() {
            return Err(InvalidName::EndsInJson { name: given() });
        }
        Ok(Self(name))
    }

    /// The whole name, `acme/tools`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the slash, `acme`.
    pub fn vendor(&self) -> &str {
        self.0.split_once('/').map_or("", |(vendor, _)| vendor)
    }

    /// The part after the slash, `tools`.
    pub fn short(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, package)| package)
    }
}

/// Whether the text is words of lower-case letters and digits with exactly one of `separators` between any two.
fn is_words(text: &str, separators: &[&str]) -> bool {
    let mut rest = text;
    loop {
        let word_end =
            rest.trim_start_matches(|character: char| matches!(character, 'a'..='z' | '0'..='9'));
        if word_end.len() == rest.len() {
            return false;
        }
        if word_end.is_empty() {
            return true;
        }
        let after = separators
            .iter()
            .find_map(|separator| word_end.strip_prefix(separator));
        let Some(after) = after else {
            return false;
        };
        rest = after;
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

/// A pattern over package names such as `acme/*`, in lower case.
///
/// Each `*` stands for any number of any characters, the slash among them, and the whole name is compared (Composer's
/// `BasePackage::packageNameToRegexp`).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Deserr, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[deserr(try_from(String) = Self::try_from -> InvalidGlob)]
pub struct NameGlob(String);

/// Why a text is no pattern over package names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    /// There is nothing.
    #[error("a package pattern is empty, write `*` for all packages")]
    Empty,
    /// It is over [`PackageName::MAX_LENGTH`].
    #[error("a package pattern has at most 255 bytes, and this has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It has a character that no package name has, so that it would silently match nothing.
    #[error(
        "`{character}` in the package pattern `{glob}` is in no package name, write a pattern such as `acme/*`"
    )]
    BadCharacter {
        /// What was given.
        glob: String,
        /// The first character at fault.
        character: char,
    },
}

impl NameGlob {
    /// Reads a pattern: letters, digits, `-`, `.`, `_`, `/` and `*`, in any case. Refuses with an [`InvalidGlob`].
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        if text.is_empty() {
            return Err(InvalidGlob::Empty);
        }
        if text.len() > PackageName::MAX_LENGTH {
            return Err(InvalidGlob::TooLong { length: text.len() });
        }
        let is_foreign = |character: &char| {
            !character.is_ascii_alphanumeric() && !matches!(character, '-' | '.' | '_' | '/' | '*')
        };
        if let Some(character) = text.chars().find(is_foreign) {
            return Err(InvalidGlob::BadCharacter {
                glob: text.to_owned(),
                character,
            });
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The pattern in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole name fits the pattern.
    pub fn matches(&self, name: &PackageName) -> bool {
        scan::matches_glob(&self.0, &name.0)
    }
}

impl fmt::Display for NameGlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for NameGlob {
    type Error = InvalidGlob;

    fn try_from(text: String) -> Result<Self, InvalidGlob> {
        Self::parse(&text)
    }
}

impl From<NameGlob> for String {
    fn from(glob: NameGlob) -> Self {
        glob.0
    }
}

/// The name of an organisation or a repository in our addresses: `acme`, `acme-tools`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Deserr, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[deserr(try_from(String) = Self::try_from -> InvalidSlug)]
pub struct Slug(String);

/// Why a text cannot name an organisation or a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlug {
    /// There is nothing.
    #[error("a name is missing, write 1 to 63 lower-case letters, digits and hyphens")]
    Empty,
    /// It is over [`Slug::MAX_LENGTH`].
    #[error("the name `{slug}` is longer than 63 characters, shorten it")]
    TooLong {
        /// What was given.
        slug: String,
    },
    /// It has other characters.
    #[error(
        "the name `{slug}` may have only lower-case letters, digits and hyphens, leave out `{character}`"
    )]
    BadCharacter {
        /// What was given.
        slug: String,
        /// The first character at fault.
        character: char,
    },
    /// A hyphen stands at an end.
    #[error(
        "the name `{slug}` must begin and end with a letter or a digit, remove the outer hyphen"
    )]
    OuterHyphen {
        /// What was given.
        slug: String,
    },
    /// It is a part of our own addresses.
    #[error("the name `{slug}` is reserved: {reason}; choose another one")]
    Reserved {
        /// What was given.
        slug: String,
        /// What it is needed for.
        reason: &'static str,
    },
}

impl Slug {
    /// The most characters: what one label of a host name may have (RFC 1035), should a slug ever become one.
    pub const MAX_LENGTH: usize = 63;

    /// Reads a slug; nothing is lowered or trimmed, so that one organisation has one spelling. Refuses with an
    /// [`InvalidSlug`].
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let slug = || text.to_owned();
        if text.is_empty() {
            return Err(InvalidSlug::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidSlug::TooLong {
                slug: super::scan::excerpt(text),
            });
        }
        let is_foreign = |character: &char| !matches!(character, 'a'..='z' | '0'..='9' | '-');
        if let Some(character) = text.chars().find(is_foreign) {
            return Err(InvalidSlug::BadCharacter {
                slug: slug(),
                character,
            });
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidSlug::OuterHyphen { slug: slug() });
        }
        if let Some(reason) = reserved::reason(text) {
            return Err(InvalidSlug::Reserved {
                slug: slug(),
                reason,
            });
        }
        Ok(Self(slug()))
    }

    /// The slug as it stands in addresses.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests;
