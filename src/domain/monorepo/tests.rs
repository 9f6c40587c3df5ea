use std::collections::BTreeMap;

use proptest::prelude::*;

use super::unchanged::{Tagged, find_unchanged};
use super::*;
use crate::domain::stability::{Stability, parse_stability};
use crate::domain::version::{compare_normalized, normalize};

fn patterns(list: &[&str]) -> Result<FolderPatterns, InvalidFolders> {
    let list: Vec<String> = list.iter().map(|one| (*one).to_owned()).collect();
    FolderPatterns::parse(&list)
}

#[test]
fn the_last_pattern_that_fits_decides() {
    for (list, folder, expected) in [
        (&["packages/*"][..], "packages/a", true),
        (&["packages/*"], "packages/a/b", false),
        (&["packages/*"], "packages", false),
        (&["packages/*"], ".", false),
        (&["*"], "a", true),
        (&["*"], ".", false),
        (&["."], ".", true),
        (&["."], "a", false),
        (
            &["packages/*", "!packages/internal-*"],
            "packages/internal-a",
            false,
        ),
        (
            &["!packages/internal-*", "packages/*"],
            "packages/internal-a",
            true,
        ),
        (&["src/**"], "src/a/b/c", true),
        (&["src/**"], "src", true),
        (&["**/bundle"], "bundle", true),
        (&["**/bundle"], "a/b/bundle", true),
        (&["**/bundle"], "a/b/bundles", false),
        (&["a/**/z"], "a/z", true),
        (&["a/**/z"], "a/b/c/z", true),
        (&["a/**/z"], "a/b/c", false),
        (&["Packages/a"], "packages/a", false),
        (&["lib-*-x"], "lib-1-2-x", true),
    ] {
        assert_eq!(
            patterns(list).unwrap().matches(folder),
            expected,
            "{list:?} {folder}"
        );
    }
}

#[test]
fn what_fits_no_folder_is_refused() {
    for list in [
        &[][..],
        &[""],
        &["!"],
        &["!a"],
        &["/a"],
        &["a/"],
        &["a//b"],
        &["./a"],
        &["a/.."],
        &["a\\b"],
        &["a**"],
    ] {
        assert!(patterns(list).is_err(), "{list:?}");
    }
    assert_eq!(patterns(&["a"; 51]), Err(InvalidFolders::Count));
    assert_eq!(patterns(&[&"a".repeat(251)]), Err(InvalidFolders::Length));
}

#[test]
fn a_pattern_of_many_stars_does_not_explode() {
    let pattern = ["**"; 80].join("/") + "/x";
    let path = ["a"; 200].join("/");
    assert!(!patterns(&[&pattern]).unwrap().matches(&path));
}

/// Which of some tags, each with a letter for its contents, are versions; the others name the one they equal.
fn unchanged(tags: &[(&str, char)]) -> Vec<String> {
    let tags: Vec<_> = tags
        .iter()
        .map(|(tag, content)| (normalize(tag).unwrap(), *tag, content.to_string()))
        .collect();
    let tags: Vec<_> = tags
        .iter()
        .map(|(normalized, pretty, digest)| Tagged {
            normalized,
            pretty,
            digest: Some(digest),
        })
        .collect();
    let since = find_unchanged(&tags);
    since
        .iter()
        .map(|since| since.unwrap_or("-").to_owned())
        .collect()
}

#[test]
fn a_tag_is_held_against_the_next_lower_one_of_its_line() {
    let none = "-";
    for (tags, expected) in [
        (
            &[("1.0.0", 'a'), ("1.0.1", 'a'), ("1.1.0", 'b')][..],
            vec![none, "1.0.0", none],
        ),
        // Contents that come back are a change.
        (
            &[("1.0.0", 'a'), ("1.0.1", 'b'), ("1.1.0", 'a')],
            vec![none, none, none],
        ),
        // Numbers, not words; and in whatever order they are given.
        (
            &[("1.10.0", 'a'), ("1.9.0", 'a'), ("1.2.0", 'b')],
            vec!["1.9.0", none, none],
        ),
        // The first of a line is a version, and older lines decide nothing about it.
        (
            &[
                ("1.0.0", 'a'),
                ("2.0.0", 'a'),
                ("2.0.1", 'a'),
                ("1.0.1", 'a'),
            ],
            vec![none, none, "2.0.0", "1.0.0"],
        ),
        // Who wants stable ones has not seen the candidate.
        (
            &[("1.0.0-RC1", 'a'), ("1.0.0-RC2", 'a'), ("1.0.0", 'a')],
            vec![none, "1.0.0-RC1", none],
        ),
        // What a candidate tried and the release took back.
        (
            &[
                ("1.0.0", 'a'),
                ("1.1.0-RC1", 'b'),
                ("1.1.0", 'a'),
                ("1.1.1", 'a'),
            ],
            vec![none, none, none, "1.1.0"],
        ),
        // A candidate that nothing came of.
        (
            &[("1.0.0", 'a'), ("1.1.0-beta1", 'a'), ("1.1.0", 'a')],
            vec![none, "1.0.0", "1.0.0"],
        ),
    ] {
        assert_eq!(unchanged(tags), expected, "{tags:?}");
    }
}

#[test]
fn what_nobody_knows_the_contents_of_equals_nothing() {
    let tag = |normalized, digest| Tagged {
        normalized,
        pretty: normalized,
        digest,
    };
    let tags = [
        tag("1.0.0.0", None),
        tag("1.0.1.0", None),
        tag("1.0.2.0", Some("a")),
    ];
    assert_eq!(find_unchanged(&tags), [None, None, None]);
}

const NUMBERS: [&str; 10] = [
    "0.9.0",
    "1.0.0-alpha1",
    "1.0.0-RC1",
    "1.0.0",
    "1.1.0-beta1",
    "1.1.0",
    "1.2.0",
    "2.0.0-RC1",
    "2.0.0",
    "2.1.0",
];

proptest! {
    /// For whoever may see tags of a stability, the highest version at or below each of them has its contents.
    #[test]
    fn nobody_misses_a_change(tags in proptest::collection::btree_map(0..NUMBERS.len(), 0_u8..3, 1..9)) {
        let named: Vec<_> = tags.iter().map(|(at, content)| (normalize(NUMBERS[*at]).unwrap(), content.to_string())).collect();
        let list: Vec<_> = named.iter().map(|(normalized, digest)| Tagged {
            normalized, pretty: normalized, digest: Some(digest),
        }).collect();
        let since = find_unchanged(&list);
        for minimum in [Stability::Stable, Stability::ReleaseCandidate, Stability::Beta, Stability::Alpha] {
            for tag in list.iter().filter(|tag| parse_stability(tag.normalized) <= minimum) {
                let versions = list.iter().zip(&since).filter(|(one, since)| {
                    since.is_none() && parse_stability(one.normalized) <= minimum
                        && compare_normalized(one.normalized, tag.normalized).is_le()
                });
                let highest = versions.max_by(|one, other| compare_normalized(one.0.normalized, other.0.normalized));
                prop_assert_eq!(highest.unwrap().0.digest, tag.digest, "{:?} for {:?}", tag, minimum);
            }
        }
        // The version that is named is there and has the same contents.
        for (tag, since) in list.iter().zip(&since) {
            if let Some(name) = since {
                let at = list.iter().position(|one| one.pretty == *name).unwrap();
                prop_assert_eq!(find_unchanged(&list)[at], None);
                prop_assert_eq!(list[at].digest, tag.digest);
            }
        }
    }

    #[test]
    fn any_patterns_are_read_or_refused(list in proptest::collection::vec("[!*./a-c\\\\]{0,8}", 0..4), folder in "[a-c./]{0,9}") {
        if let Ok(patterns) = FolderPatterns::parse(&list) {
            patterns.matches(&folder);
        }
    }
}

#[test]
fn facts_of_a_manifest_survive_their_row() {
    let manifest = |text: &str| Manifest::parse(text.as_bytes()).unwrap();
    for (text, row) in [
        (r#"{"name":"a/b"}"#, "{}"),
        (
            r#"{"name":"a/b","version":"1.0","require":{"c/d":"self.version"},"extra":{"branch-alias":{"dev-main":"1.x-dev"}}}"#,
            r#"{"version":"1.0","links_itself":true,"branch_alias":{"dev-main":"1.x-dev"}}"#,
        ),
        (
            r#"{"name":"a/b","version":[]}"#,
            r#"{"fault":"`version` in composer.json must be text, or best be left out"}"#,
        ),
    ] {
        let facts = ManifestFacts::of(&manifest(text));
        assert_eq!(serde_json::to_string(&facts).unwrap(), row);
        assert_eq!(serde_json::from_str::<ManifestFacts>(row).unwrap(), facts);
    }
}

fn folder(name: &str, digest: &str) -> FoundFolder {
    FoundFolder {
        path: format!("packages/{name}"),
        name: Some(format!("acme/{name}")),
        digest: digest.to_owned(),
        facts: ManifestFacts::default(),
    }
}

#[test]
fn tags_that_were_not_all_looked_at_are_not_decided_on() {
    let at = |name: &str, commit: &str| crate::domain::git::CurrentRef {
        name: name.to_owned(),
        commit: commit.to_owned(),
    };
    let refs = [
        at("refs/heads/main", "2"),
        at("refs/tags/1.0.0", "1"),
        at("refs/tags/v1.0.0", "2"),
    ];
    let found = BTreeMap::from([
        ("1".to_owned(), vec![folder("a", "x")]),
        ("2".to_owned(), vec![folder("a", "y")]),
    ]);
    let policy = crate::domain::policy::PackagePolicy::of_new_package();
    let (packages, foreign) = (BTreeMap::new(), BTreeMap::new());
    let question = |has_all_tags| Question {
        refs: &refs,
        has_all_tags,
        default_branch: "main",
        found: &found,
        packages: &packages,
        foreign: &foreign,
        first_policy: &policy,
        versions: FolderVersions::Changed,
    };
    let fates = |has_all_tags| -> Vec<String> {
        decide(&question(has_all_tags))
            .into_iter()
            .map(|verdict| match verdict.outcome {
                Outcome::Version { version, .. } => version.pretty().to_owned(),
                Outcome::Kept { .. } => "kept".to_owned(),
                Outcome::None { reason } => reason,
            })
            .collect()
    };
    assert_eq!(fates(false), ["dev-main"]);
    assert_eq!(
        fates(true),
        [
            "dev-main",
            "1.0.0",
            "the tag `1.0.0` is the same version and comes first"
        ]
    );
}

#[test]
fn a_new_package_has_the_settings_that_the_database_gives() {
    let policy = crate::domain::policy::PackagePolicy::of_new_package();
    let shown = serde_json::to_value(&policy).unwrap();
    assert_eq!(
        shown["transient_branches"],
        serde_json::json!(["dependabot/*", "renovate/*"])
    );
    assert_eq!(shown["tag_prefixes"], serde_json::json!(["release-"]));
    assert_eq!(shown["moved_tags"], "keep");
}
