//! What a package does with the refs of its git repository, and whether it is abandoned, as a person sets it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::name::PackageName;
use super::scan;

/// Entries in one list: more would be a mistake, and each is tried on each ref.
const MOST_ENTRIES: usize = 50;
/// Bytes of an entry. git hosts allow names of about 250.
const LONGEST_ENTRY: usize = 250;

/// Why settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// There is no such setting.
    #[error(
        "`{key}` is no setting of a package, there are `transient_branches`, `tag_prefixes`, `moved_tags` and `abandoned`"
    )]
    UnknownKey {
        /// What was given.
        key: String,
    },
    /// A setting has a value of the wrong kind.
    #[error("`{key}` must be {expected}")]
    WrongKind {
        /// The setting.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A list is too long.
    #[error("`{key}` has more than {MOST_ENTRIES} entries, leave some out")]
    TooMany {
        /// The setting.
        key: &'static str,
    },
    /// An entry is empty or too long.
    #[error("an entry of `{key}` must have 1 to {LONGEST_ENTRY} bytes")]
    WrongLength {
        /// The setting.
        key: &'static str,
    },
    /// A pattern or a prefix has something that no git ref has, so that it would silently match nothing.
    #[error("`{entry}` in `{key}` has `{part}`, which no {what} has; {hint}")]
    Unmatchable {
        /// The setting.
        key: &'static str,
        /// The entry at fault.
        entry: String,
        /// What is wrong in it.
        part: String,
        /// `branch` or `tag`.
        what: &'static str,
        /// What to write.
        hint: &'static str,
    },
    /// The replacement is no package name.
    #[error(
        "`{name}` in `abandoned` is no package name; write one such as `acme/new`, or `true` when there is no replacement"
    )]
    BadReplacement {
        /// What was given.
        name: String,
    },
}

/// A pattern over branch names such as `dependabot/*`. Each `*` stands for any number of any characters, slashes among
/// them; capitals count, as in git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct BranchGlob(String);

impl BranchGlob {
    /// Reads a pattern; refuses what no branch name can hold.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let key = "transient_branches";
        let hint = "write a branch's name with `*` for any characters, such as `dependabot/*`";
        check_entry(key, text, "branch", hint, |character| character == '*')?;
        if text.starts_with("refs/heads/") {
            return Err(InvalidPolicy::Unmatchable {
                key,
                entry: text.to_owned(),
                part: "refs/heads/".to_owned(),
                what: "branch",
                hint,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole name of a branch fits.
    pub fn matches(&self, branch: &str) -> bool {
        scan::matches_glob(&self.0, branch)
    }
}

impl TryFrom<String> for BranchGlob {
    type Error = InvalidPolicy;

    fn try_from(text: String) -> Result<Self, InvalidPolicy> {
        Self::parse(&text)
    }
}

impl From<BranchGlob> for String {
    fn from(glob: BranchGlob) -> Self {
        glob.0
    }
}

/// What tags have in front of their version.
///
/// `release-` is Composer's own: wherever it stands in a tag, it is removed, as often as it comes. Of all others the
/// longest that a tag begins with is cut, once and before that. A tag that begins with none of them is read as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TagPrefixes(Vec<String>);

/// The prefix that Composer removes by itself.
const COMPOSERS_PREFIX: &str = "release-";

impl TagPrefixes {
    /// Composer's own rule.
    pub fn of_composer() -> Self {
        Self(vec![COMPOSERS_PREFIX.to_owned()])
    }

    /// Reads a list; refuses what no tag can hold.
    pub fn parse(prefixes: &[String]) -> Result<Self, InvalidPolicy> {
        let hint = "write what your tags begin with, such as `lib-`";
        for prefix in prefixes {
            check_entry("tag_prefixes", prefix, "tag", hint, |_| false)?;
        }
        Ok(Self(prefixes.to_vec()))
    }

    /// The prefixes as written.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// What of a tag is to be read as its version.
    pub fn strip(&self, tag: &str) -> String {
        let longest = self
            .0
            .iter()
            .filter(|prefix| *prefix != COMPOSERS_PREFIX)
            .filter(|prefix| tag.starts_with(prefix.as_str()))
            .max_by_key(|prefix| prefix.len());
        let rest = longest.and_then(|prefix| tag.strip_prefix(prefix.as_str()));
        let rest = rest.unwrap_or(tag);
        if self.0.iter().any(|prefix| prefix == COMPOSERS_PREFIX) {
            rest.replace(COMPOSERS_PREFIX, "")
        } else {
            rest.to_owned()
        }
    }
}

/// What happens when a tag of a stable version points at another commit than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MovedTags {
    /// The version stays at its first commit, and the attempt is shown.
    Keep,
    /// The version goes to the new commit.
    Follow,
}

impl MovedTags {
    /// As stored and as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Follow => "follow",
        }
    }
}

/// Whether a package is to be used no longer: `false`, `true`, or the package to use instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Abandoned {
    /// It is to be used, whatever else says.
    No,
    /// It is abandoned, and there is nothing to use instead.
    Yes,
    /// It is abandoned in favour of this one.
    For(PackageName),
}

impl JsonSchema for Abandoned {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Abandoned".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`false`, `true`, or the name of the package to use instead",
            "type": ["boolean", "string"],
        })
    }
}

impl Abandoned {
    /// Reads `true`, `false` or a package's name.
    pub fn parse(value: &Value) -> Result<Self, InvalidPolicy> {
        match value {
            Value::Bool(false) => Ok(Self::No),
            Value::Bool(true) => Ok(Self::Yes),
            Value::String(name) => PackageName::parse(name)
                .map(Self::For)
                .map_err(|_| InvalidPolicy::BadReplacement { name: name.clone() }),
            _ => Err(InvalidPolicy::WrongKind {
                key: "abandoned",
                expected: "`true`, `false`, `null` or the name of the package to use instead",
            }),
        }
    }

    /// What holds: what a person said, else the name that the package was renamed to. None: neither says anything.
    pub fn resolve(said: Option<Self>, renamed_to: Option<&str>) -> Option<Self> {
        said.or_else(|| {
            renamed_to.map(|name| PackageName::parse(name).map_or(Self::Yes, Self::For))
        })
    }

    /// Has a composer.json say so, in place of what it says itself. `is_archived` is what the git host says.
    pub fn overrule(&self, manifest: &mut Map<String, Value>, is_archived: &mut bool) {
        manifest.shift_remove("abandoned");
        if *self == Self::No {
            *is_archived = false;
        } else {
            manifest.insert("abandoned".to_owned(), self.clone().into());
        }
    }
}

impl TryFrom<Value> for Abandoned {
    type Error = InvalidPolicy;

    fn try_from(value: Value) -> Result<Self, InvalidPolicy> {
        Self::parse(&value)
    }
}

impl From<Abandoned> for Value {
    fn from(abandoned: Abandoned) -> Self {
        match abandoned {
            Abandoned::No => false.into(),
            Abandoned::Yes => true.into(),
            Abandoned::For(name) => name.as_str().into(),
        }
    }
}

/// The settings of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PackageSettings")]
pub struct PackagePolicy {
    /// Branches that are not imported.
    pub transient_branches: Vec<BranchGlob>,
    /// What tags have in front of their version.
    pub tag_prefixes: TagPrefixes,
    /// What happens when a tag moves.
    pub moved_tags: MovedTags,
    /// What a person said; none leaves it to the git host and to composer.json.
    pub abandoned: Option<Abandoned>,
}

impl PackagePolicy {
    /// What a package begins with; the schema says the same.
    pub fn of_new_package() -> Self {
        let bots = ["dependabot/*", "renovate/*"];
        Self {
            transient_branches: bots.map(|glob| BranchGlob(glob.to_owned())).to_vec(),
            tag_prefixes: TagPrefixes::of_composer(),
            moved_tags: MovedTags::Keep,
            abandoned: None,
        }
    }

    /// The settings after a change: keys that are not given stay.
    pub fn changed(&self, asked: &Map<String, Value>) -> Result<Self, InvalidPolicy> {
        let mut policy = self.clone();
        for (key, value) in asked {
            match key.as_str() {
                "transient_branches" => {
                    policy.transient_branches = texts("transient_branches", value)?
                        .iter()
                        .map(|text| BranchGlob::parse(text))
                        .collect::<Result<_, _>>()?;
                }
                "tag_prefixes" => {
                    policy.tag_prefixes = TagPrefixes::parse(&texts("tag_prefixes", value)?)?;
                }
                "moved_tags" => {
                    policy.moved_tags = match value.as_str() {
                        Some("keep") => MovedTags::Keep,
                        Some("follow") => MovedTags::Follow,
                        _ => {
                            return Err(InvalidPolicy::WrongKind {
                                key: "moved_tags",
                                expected: "`keep` or `follow`",
                            });
                        }
                    };
                }
                "abandoned" => {
                    policy.abandoned = match value {
                        Value::Null => None,
                        value => Some(Abandoned::parse(value)?),
                    };
                }
                _ => return Err(InvalidPolicy::UnknownKey { key: key.clone() }),
            }
        }
        Ok(policy)
    }

    /// The first pattern that keeps a branch out; none for one that is imported. The default branch never is kept out.
    pub fn transient_pattern(&self, branch: &str, default_branch: &str) -> Option<&BranchGlob> {
        if branch == default_branch {
            return None;
        }
        self.transient_branches
            .iter()
            .find(|glob| glob.matches(branch))
    }
}

fn texts(key: &'static str, value: &Value) -> Result<Vec<String>, InvalidPolicy> {
    let wrong = InvalidPolicy::WrongKind {
        key,
        expected: "a list of texts",
    };
    let Value::Array(entries) = value else {
        return Err(wrong);
    };
    if entries.len() > MOST_ENTRIES {
        return Err(InvalidPolicy::TooMany { key });
    }
    let texts: Option<_> = entries
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect();
    texts.ok_or(wrong)
}

/// Refuses what git refuses in the name of a ref (`git check-ref-format`), but for what `is_special` allows.
fn check_entry(
    key: &'static str,
    entry: &str,
    what: &'static str,
    hint: &'static str,
    is_special: impl Fn(char) -> bool,
) -> Result<(), InvalidPolicy> {
    if entry.is_empty() || entry.len() > LONGEST_ENTRY {
        return Err(InvalidPolicy::WrongLength { key });
    }
    let is_foreign = |character: &char| {
        (character.is_ascii_control()
            || matches!(character, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\'))
            && !is_special(*character)
    };
    let part = entry
        .chars()
        .find(is_foreign)
        .map(|character| character.escape_debug().to_string())
        .or_else(|| entry.contains("..").then(|| "..".to_owned()));
    match part {
        None => Ok(()),
        Some(part) => Err(InvalidPolicy::Unmatchable {
            key,
            entry: entry.escape_debug().to_string(),
            part,
            what,
            hint,
        }),
    }
}

#[cfg(test)]
mod tests;
