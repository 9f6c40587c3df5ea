//! Branches as versions: numeric ones (`1.x`) become a line of their own, all others are called `dev-name`.
//!
//! The rules are those of Composer's `VersionParser::normalizeBranch`, of its VCS repository and of
//! `ArrayLoader::getBranchAlias`, kept to the letter.

use serde_json::{Map, Value};

use super::constraint::{Constraint, InvalidConstraint};
use super::scan;
use super::version::{MAX_VERSION_LENGTH, Version};

/// What stands for "any number" in a numeric branch; larger than every real number of a version.
const ANY_NUMBER: &str = "9999999";

/// The alias that the default branch of a package gets when it names none and is not numeric.
pub const DEFAULT_BRANCH_ALIAS: &str = "9999999-dev";

/// Whether a branch is the one that the git host names as its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchRole {
    /// The default branch: it gets `default-branch: true` and, unless numeric, the alias `9999999-dev`.
    Default,
    /// Any other branch.
    Other,
}

impl BranchRole {
    /// The role of a branch that is the default one or is not.
    pub fn of(is_default: bool) -> Self {
        if is_default {
            Self::Default
        } else {
            Self::Other
        }
    }
}

/// Why a branch is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BranchRefusal {
    /// The name has characters that mean something else inside a constraint, so that nobody could require it.
    #[error(
        "the branch name `{branch}` cannot be written in a version constraint, rename the branch to one without blanks, commas and `|`"
    )]
    Unrequirable {
        /// The branch's name.
        branch: String,
        /// What the constraint parser said.
        #[source]
        cause: InvalidConstraint,
    },
    /// It is over [`MAX_VERSION_LENGTH`].
    #[error("a branch name has at most {MAX_VERSION_LENGTH} bytes, and this has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Its `extra.branch-alias` would stop the client that reads it.
    #[error(transparent)]
    Alias(#[from] InvalidBranchAlias),
}

/// An entry of `extra.branch-alias` that is no text: Composer itself ends with a type error over it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the alias of `{branch}` in `extra.branch-alias` of composer.json is no text, write one such as `2.x-dev`"
)]
pub struct InvalidBranchAlias {
    /// The key of the entry.
    pub branch: String,
}

/// The normalized version of a branch (`VersionParser::normalizeBranch`): `1.x` and `v1` become
/// `1.9999999.9999999.9999999-dev`, every other name gets `dev-` in front. Never fails.
pub fn normalize_branch(name: &str) -> String {
    let name = scan::trim(name);
    numeric_branch(name).unwrap_or_else(|| format!("dev-{name}"))
}

fn numeric_branch(name: &str) -> Option<String> {
    let (major, mut rest) = scan::digits(scan::strip_v(name))?;
    let mut parts = vec![major];
    while parts.len() < 4
        && let Some(part) = rest.strip_prefix('.')
    {
        let (part, after) = match part.strip_prefix(['x', 'X', '*']) {
            Some(after) => (ANY_NUMBER, after),
            None => scan::digits(part)?,
        };
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    parts.resize(4, ANY_NUMBER);
    Some(format!("{}-dev", parts.join(".")))
}

/// The numbers of a numeric branch with a dot behind them, `1.2.` for `1.2.x-dev`
/// (`VersionParser::parseNumericAliasPrefix`); none for any other text.
pub fn parse_numeric_alias_prefix(branch: &str) -> Option<String> {
    let (_, mut rest) = scan::digits(branch)?;
    while let Some((_, after)) = scan::dotted_digits(rest) {
        rest = after;
    }
    let numbers = scan::consumed(branch, rest);
    let rest = scan::strip_prefix_ignoring_case(rest, ".x").unwrap_or(rest);
    let rest = scan::strip_prefix_ignoring_case(rest, "-dev")?;
    scan::is_end(rest).then(|| format!("{numbers}."))
}

/// The version of a branch as Composer's VCS repository builds it: `dev-main`, `1.x-dev`, `v2.0.x-dev`.
///
/// Refuses with [`BranchRefusal::Unrequirable`] a name that no constraint could hold, and one that is too long.
pub fn branch_version(name: &str) -> Result<Version, BranchRefusal> {
    if name.len() > MAX_VERSION_LENGTH {
        return Err(BranchRefusal::TooLong { length: name.len() });
    }
    let normalized = normalize_branch(name);
    if let Err(cause) = Constraint::parse(&normalized) {
        return Err(BranchRefusal::Unrequirable {
            branch: scan::excerpt(name),
            cause,
        });
    }
    if normalized.starts_with("dev-") {
        // In a constraint everything from `#` on would be read as a commit.
        return Ok(Version::from_parts(
            format!("dev-{}", name.replace('#', "+")),
            normalized.replace('#', "+"),
        ));
    }
    // A small `v` alone is kept; a capital one is lost, as in Composer.
    let prefix = if name.starts_with('v') { "v" } else { "" };
    Ok(Version::from_parts(
        format!("{prefix}{}", collapse_any_numbers(&normalized)),
        normalized,
    ))
}

/// Writes `.x` for each run of `.9999999`.
fn collapse_any_numbers(normalized: &str) -> String {
    let mut collapsed = String::with_capacity(normalized.len());
    let mut is_in_run = false;
    let mut rest = normalized;
    while let Some(character) = rest.chars().next() {
        let after = rest
            .strip_prefix('.')
            .and_then(|part| part.strip_prefix(ANY_NUMBER));
        if let Some(after) = after {
            if !is_in_run {
                collapsed.push_str(".x");
            }
            is_in_run = true;
            rest = after;
        } else {
            is_in_run = false;
            collapsed.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    collapsed
}

/// The normalized alias that a client gives a dev version, if any (`ArrayLoader::getBranchAlias`).
///
/// `version` is the pretty one. The first entry of the manifest's `extra.branch-alias` wins that names this very version,
/// ends in `-dev`, is numeric, and lies below the branch when that is numeric too; after those comes
/// [`DEFAULT_BRANCH_ALIAS`] for a default branch that is not numeric.
/// Refuses with [`InvalidBranchAlias`] an entry that is no text, where Composer would stop.
pub fn branch_alias(
    version: &str,
    manifest: &Map<String, Value>,
    role: BranchRole,
) -> Result<Option<String>, InvalidBranchAlias> {
    if !version.starts_with("dev-") && !version.ends_with("-dev") {
        return Ok(None);
    }
    let entries = manifest
        .get("extra")
        .and_then(|extra| extra.get("branch-alias"));
    // PHP reads a list as a map from numbers, which can name no branch but can hold an entry that is no text.
    let entries: Vec<(String, &Value)> = match entries {
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(branch, target)| (branch.clone(), target))
            .collect(),
        Some(Value::Array(entries)) => entries
            .iter()
            .enumerate()
            .map(|(index, target)| (index.to_string(), target))
            .collect(),
        _ => Vec::new(),
    };
    for (branch, target) in entries {
        let Some(target) = target.as_str() else {
            return Err(InvalidBranchAlias { branch });
        };
        if let Some(alias) = alias_of_entry(version, &branch, target) {
            return Ok(Some(alias));
        }
    }
    let is_numeric =
        || parse_numeric_alias_prefix(version.strip_prefix('v').unwrap_or(version)).is_some();
    Ok((role == BranchRole::Default && !is_numeric()).then(|| DEFAULT_BRANCH_ALIAS.to_owned()))
}

/// The alias of one entry, if it is valid and meant for this version.
fn alias_of_entry(version: &str, branch: &str, target: &str) -> Option<String> {
    let target_branch = target.strip_suffix("-dev")?;
    let alias = if target == DEFAULT_BRANCH_ALIAS {
        target.to_owned()
    } else {
        normalize_branch(target_branch)
    };
    if !alias.ends_with("-dev") || !version.eq_ignore_ascii_case(branch) {
        return None;
    }
    let prefixes = parse_numeric_alias_prefix(branch).zip(parse_numeric_alias_prefix(target));
    let is_below = prefixes.is_none_or(|(branch, target)| target.starts_with(&branch));
    is_below.then_some(alias)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alias_of(version: &str, aliases: &Value, role: BranchRole) -> Option<String> {
        let Value::Object(manifest) = json!({ "extra": { "branch-alias": aliases } }) else {
            unreachable!("the text above is an object")
        };
        branch_alias(version, &manifest, role).unwrap()
    }

    #[test]
    fn numeric_branches_are_padded_and_others_prefixed() {
        for (branch, normalized) in [
            ("1", "1.9999999.9999999.9999999-dev"),
            ("v1.x", "1.9999999.9999999.9999999-dev"),
            ("1.2.*", "1.2.9999999.9999999-dev"),
            ("1.2.3.4", "1.2.3.4-dev"),
            ("1.2.3.4.5", "dev-1.2.3.4.5"),
            ("1.x.", "dev-1.x."),
            ("dev-foo", "dev-dev-foo"),
            ("feature/a", "dev-feature/a"),
        ] {
            assert_eq!(normalize_branch(branch), normalized);
        }
    }

    #[test]
    fn a_numeric_prefix_is_read() {
        assert_eq!(
            parse_numeric_alias_prefix("1.2.x-dev").as_deref(),
            Some("1.2.")
        );
        assert_eq!(parse_numeric_alias_prefix("1-DEV").as_deref(), Some("1."));
        assert_eq!(parse_numeric_alias_prefix("v1.x-dev"), None);
        assert_eq!(parse_numeric_alias_prefix("1.*-dev"), None);
    }

    #[test]
    fn branches_become_versions() {
        for (branch, pretty, normalized) in [
            ("main", "dev-main", "dev-main"),
            ("1", "1.x-dev", "1.9999999.9999999.9999999-dev"),
            ("2.0", "2.0.x-dev", "2.0.9999999.9999999-dev"),
            ("v3", "v3.x-dev", "3.9999999.9999999.9999999-dev"),
            ("foo#bar", "dev-foo+bar", "dev-foo+bar"),
        ] {
            assert_eq!(
                branch_version(branch),
                Ok(Version::from_parts(pretty, normalized))
            );
        }
    }

    #[test]
    fn a_branch_that_nobody_could_require_is_refused() {
        let refusal = branch_version("a,b").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the branch name `a,b` cannot be written in a version constraint, rename the branch to one without blanks, commas and `|`"
        );
    }

    #[test]
    fn the_first_fitting_alias_wins() {
        let aliases =
            json!({ "dev-other": "3.x-dev", "dev-Main": "2.x-dev", "dev-main": "1.x-dev" });
        assert_eq!(
            alias_of("dev-main", &aliases, BranchRole::Default).as_deref(),
            Some("2.9999999.9999999.9999999-dev")
        );
    }

    #[test]
    fn a_numeric_branch_takes_only_an_alias_below_it() {
        let above = json!({ "2.0.x-dev": "2.1.x-dev" });
        assert_eq!(alias_of("2.0.x-dev", &above, BranchRole::Default), None);
        let below = json!({ "2.x-dev": "2.1.x-dev" });
        assert_eq!(
            alias_of("2.x-dev", &below, BranchRole::Other).as_deref(),
            Some("2.1.9999999.9999999-dev")
        );
    }

    #[test]
    fn the_default_branch_has_an_alias_of_its_own() {
        assert_eq!(
            alias_of("dev-main", &json!({}), BranchRole::Default).as_deref(),
            Some(DEFAULT_BRANCH_ALIAS)
        );
        assert_eq!(alias_of("dev-main", &json!({}), BranchRole::Other), None);
        assert_eq!(alias_of("v1.x-dev", &json!({}), BranchRole::Default), None);
        assert_eq!(alias_of("1.0.0", &json!({}), BranchRole::Default), None);
    }

    #[test]
    fn an_alias_that_is_no_text_is_refused() {
        let Value::Object(manifest) = json!({ "extra": { "branch-alias": { "dev-main": 2 } } })
        else {
            unreachable!("the text above is an object")
        };
        assert_eq!(
            branch_alias("dev-x", &manifest, BranchRole::Other),
            Err(InvalidBranchAlias {
                branch: "dev-main".to_owned()
            })
        );
    }
}
