//! From a git tag or branch to a version, or to the reason why there is none.
//!
//! The rules are those of Composer's `VcsRepository`, so that a package reads the same whether a project requires it
//! from us or straight from git. What a person sees of a refusal is its message.

use serde_json::{Map, Value};

use super::branch::{BranchRefusal, BranchRole, branch_alias, branch_version};
use super::policy::TagPrefixes;
use super::scan;
use super::version::{InvalidVersion, Version, normalize};

/// Why a tag is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagRefusal {
    /// The tag's name cannot be read as a version.
    #[error("the tag `{tag}` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are")]
    InvalidTag {
        /// The tag as git has it.
        tag: String,
        /// What the version parser said.
        #[source]
        cause: InvalidVersion,
    },
    /// The tag reads as a branch or as a version in development, which a fixed tag cannot be.
    #[error(
        "the tag `{tag}` reads as the development version `{normalized}`, tags must have no `dev` at either end"
    )]
    DevelopmentTag {
        /// The tag as git has it.
        tag: String,
        /// What it normalizes to.
        normalized: String,
    },
    /// The `version` in composer.json cannot be read.
    #[error("the `version` in composer.json of the tag `{tag}` is wrong: {cause}; best remove it")]
    InvalidManifestVersion {
        /// The tag as git has it.
        tag: String,
        /// What the version parser said.
        #[source]
        cause: InvalidVersion,
    },
    /// The `version` in composer.json names another version than the tag.
    #[error(
        "the tag `{tag}` is version `{tagged}`, but composer.json says `{declared}`; remove `version` from composer.json or tag anew"
    )]
    VersionMismatch {
        /// The tag as git has it.
        tag: String,
        /// The version the tag normalizes to.
        tagged: String,
        /// The `version` as composer.json has it.
        declared: String,
    },
}

/// The version of a branch with the second name by which a client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchVersion {
    /// Its version, such as `dev-main` or `1.x-dev`.
    pub version: Version,
    /// The normalized alias, from `extra.branch-alias` or for the default branch. A constraint takes the version when
    /// it takes either.
    pub alias: Option<String>,
}

/// The version of a tag by Composer's own rule for what stands in front of it: every `release-` is removed. See
/// [`version_of_prefixed_tag`].
pub fn version_of_tag(tag: &str, manifest_version: Option<&str>) -> Result<Version, TagRefusal> {
    version_of_prefixed_tag(tag, manifest_version, &TagPrefixes::of_composer())
}

/// The version of a tag. `manifest_version` is the `version` of composer.json at that commit, where it has one.
///
/// What of the tag counts is for `prefixes` to say. A `version` in composer.json must agree with it, and nothing that
/// ends or begins in `dev` is a version (`VcsRepository::initialize`). That two tags may give the same version, of which
/// the first one wins, is for the caller to see. Refuses with a [`TagRefusal`].
pub fn version_of_prefixed_tag(
    tag: &str,
    manifest_version: Option<&str>,
    prefixes: &TagPrefixes,
) -> Result<Version, TagRefusal> {
    let name = prefixes.strip(tag);
    let tagged = normalize(&name).map_err(|cause| TagRefusal::InvalidTag {
        tag: scan::excerpt(tag),
        cause,
    })?;
    let (pretty, normalized) = match manifest_version {
        Some(declared) => {
            let normalized =
                normalize(declared).map_err(|cause| TagRefusal::InvalidManifestVersion {
                    tag: tag.to_owned(),
                    cause,
                })?;
            (declared, normalized)
        }
        None => (name.as_str(), tagged.clone()),
    };
    let version = Version::from_parts(cut_dev_suffix(pretty), cut_dev(&normalized));
    if version.normalized() == tagged {
        return Ok(version);
    }
    if cut_dev(&tagged) != tagged {
        return Err(TagRefusal::DevelopmentTag {
            tag: tag.to_owned(),
            normalized: tagged,
        });
    }
    Err(TagRefusal::VersionMismatch {
        tag: tag.to_owned(),
        tagged,
        declared: pretty.to_owned(),
    })
}

/// The version of a branch and its alias, from the branch's name and its composer.json. A `version` in there means
/// nothing for a branch.
///
/// Refuses with a [`BranchRefusal`] a name that no constraint could hold, and an alias that would stop the client.
pub fn version_of_branch(
    branch: &str,
    manifest: &Map<String, Value>,
    role: BranchRole,
) -> Result<BranchVersion, BranchRefusal> {
    let version = branch_version(branch)?;
    let alias = branch_alias(version.pretty(), manifest, role)?;
    Ok(BranchVersion { version, alias })
}

/// Cuts a final `.dev`, `-dev` or `dev`; a line feed behind it stays, as it does in Composer.
fn cut_dev_suffix(text: &str) -> String {
    let body = scan::without_final_line_feed(text);
    let line_feed = if body == text { "" } else { "\n" };
    scan::strip_suffix_ignoring_case(body, "dev").map_or_else(
        || text.to_owned(),
        |before| {
            let before = before.strip_suffix(['.', '-']).unwrap_or(before);
            format!("{before}{line_feed}")
        },
    )
}

/// Cuts a `dev-` in front and a `dev` at the end.
fn cut_dev(normalized: &str) -> String {
    let rest = scan::strip_prefix_ignoring_case(normalized, "dev-").unwrap_or(normalized);
    cut_dev_suffix(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_become_versions() {
        for (tag, manifest_version, pretty, normalized) in [
            ("1.0.0", None, "1.0.0", "1.0.0.0"),
            ("v1.0.0", None, "v1.0.0", "1.0.0.0"),
            ("release-2.1", None, "2.1", "2.1.0.0"),
            ("v1.0.0", Some("1.0.0"), "1.0.0", "1.0.0.0"),
            ("1.0.0", Some("1.0.0-dev"), "1.0.0", "1.0.0.0"),
            ("1.0.0-beta2", None, "1.0.0-beta2", "1.0.0.0-beta2"),
        ] {
            assert_eq!(
                version_of_tag(tag, manifest_version),
                Ok(Version::from_parts(pretty, normalized)),
                "{tag}"
            );
        }
    }

    #[test]
    fn prefixes_are_cut_as_the_package_says() {
        let numbers = |prefixes: &[&str]| {
            let prefixes: Vec<_> = prefixes.iter().map(|one| (*one).to_owned()).collect();
            let prefixes = TagPrefixes::parse(&prefixes).unwrap();
            [
                "1.2",
                "release-1.2",
                "release-release-1.2",
                "lib-1.2",
                "lib-lib-1.2",
                "lib-release-1.2",
                "lib-v-1.2",
                "acme/lib@1.2",
            ]
            .map(|tag| version_of_prefixed_tag(tag, None, &prefixes).is_ok())
        };
        let composers = [true, true, true, false, false, false, false, false];
        assert_eq!(numbers(&["release-"]), composers);
        assert_eq!(
            numbers(&[]),
            [true, false, false, false, false, false, false, false]
        );
        assert_eq!(
            numbers(&["lib-"]),
            [true, false, false, true, false, false, false, false]
        );
        assert_eq!(
            numbers(&["lib-", "lib-v-", "acme/lib@", "release-"]),
            [true, true, true, true, false, true, true, true]
        );
    }

    #[test]
    fn a_cut_prefix_does_not_show_and_capitals_count() {
        let prefixes = TagPrefixes::parse(&["lib-".to_owned()]).unwrap();
        let version = version_of_prefixed_tag("lib-v1.2", Some("1.2.0"), &prefixes);
        assert_eq!(version, Ok(Version::from_parts("1.2.0", "1.2.0.0")));
        let version = version_of_prefixed_tag("lib-v1.2", None, &prefixes);
        assert_eq!(version, Ok(Version::from_parts("v1.2", "1.2.0.0")));
        let refusal = version_of_prefixed_tag("LIB-1.2", None, &prefixes);
        assert!(matches!(refusal, Err(TagRefusal::InvalidTag { .. })));
        let refusal = version_of_prefixed_tag("lib-1.2-dev", None, &prefixes);
        assert!(matches!(refusal, Err(TagRefusal::DevelopmentTag { .. })));
        let refusal = version_of_prefixed_tag("lib-1.2", Some("1.3"), &prefixes);
        assert!(matches!(refusal, Err(TagRefusal::VersionMismatch { .. })));
    }

    #[test]
    fn a_refused_tag_says_why() {
        let reason = |tag, manifest_version| {
            version_of_tag(tag, manifest_version)
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(reason("nightly", None), @"the tag `nightly` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are");
        insta::assert_snapshot!(reason("1.x-dev", None), @"the tag `1.x-dev` reads as the development version `1.9999999.9999999.9999999-dev`, tags must have no `dev` at either end");
        insta::assert_snapshot!(reason("dev-foo", None), @"the tag `dev-foo` reads as the development version `dev-foo`, tags must have no `dev` at either end");
        insta::assert_snapshot!(reason("1.0", Some("1.1")), @"the tag `1.0` is version `1.0.0.0`, but composer.json says `1.1`; remove `version` from composer.json or tag anew");
        insta::assert_snapshot!(reason("1.0", Some("one")), @"the `version` in composer.json of the tag `1.0` is wrong: `one` is no version, write one such as `1.2.3` or `2.0.0-beta1`, or `dev-main` for a branch; best remove it");
    }

    #[test]
    fn a_branch_comes_with_its_alias() {
        let Value::Object(manifest) =
            json!({ "version": "9.9.9", "extra": { "branch-alias": { "dev-main": "2.x-dev" } } })
        else {
            unreachable!("the text above is an object")
        };
        assert_eq!(
            version_of_branch("main", &manifest, BranchRole::Default),
            Ok(BranchVersion {
                version: Version::from_parts("dev-main", "dev-main"),
                alias: Some("2.9999999.9999999.9999999-dev".to_owned()),
            })
        );
    }
}
