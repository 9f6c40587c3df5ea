use proptest::prelude::*;

use super::*;

/// Texts that look like versions often enough to reach every rule but that for dates.
fn undated_text() -> impl Strategy<Value = String> {
    concat!(
        "[vV]?[0-9]{1,3}(\\.[0-9x]{1,2}){0,4}[-._]?",
        "(stable|beta|b|RC|rc|alpha|a|patch|pl|p|dev|x)?[.-]?[0-9]{0,2}([.-]?dev)?",
        "(\\+[a-z]{1,3}|@dev|#ab)?",
        "|dev-[a-z0-9/.#+-]{0,8}"
    )
}

fn dated_text() -> impl Strategy<Value = String> {
    "20[0-9]{2}[.:-]?[01][0-9][.:-]?[0-3][0-9]([.-][0-9]{1,3}){0,2}(-beta[0-9]?)?"
}

fn version_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => undated_text(), 1 => dated_text()]
}

#[test]
fn versions_normalize() {
    for (pretty, normalized) in [
        ("1", "1.0.0.0"),
        ("v1.2.3", "1.2.3.0"),
        (" 1.0 ", "1.0.0.0"),
        ("00.1", "00.1.0.0"),
        ("1.0-b.2", "1.0.0.0-beta2"),
        ("1.0.0-rc1", "1.0.0.0-RC1"),
        ("1.0pl2", "1.0.0.0-patch2"),
        ("1.0-stable-dev", "1.0.0.0"),
        ("1.0-Stable", "1.0.0.0-stable"),
        ("1.0-", "1.0.0.0"),
        ("1.0.0+build.7", "1.0.0.0"),
        ("1.0@beta", "1.0.0.0"),
        ("1.0 as 2.0", "1.0.0.0"),
        ("20230115", "20230115"),
        ("2023-01-15", "2023.01.15"),
        ("201903.0", "201903.0"),
        ("100000.1", "100000.1"),
        ("master", "dev-master"),
        ("DEV-Foo", "dev-Foo"),
        ("dev-x#abc", "dev-x#abc"),
        ("1.x-dev", "1.9999999.9999999.9999999-dev"),
        ("1.0-dev", "1.0.0.0-dev"),
    ] {
        assert_eq!(normalize(pretty).as_deref(), Ok(normalized), "{pretty}");
    }
}

#[test]
fn other_texts_are_refused_with_what_to_do() {
    for text in ["", "a", "1.0#abc", "1.0.0.0.0", "foo-dev", "Master"] {
        assert!(normalize(text).is_err(), "{text}");
    }
    assert_eq!(
        normalize("latest").unwrap_err().to_string(),
        "`latest` is no version, write one such as `1.2.3` or `2.0.0-beta1`, or `dev-main` for a branch"
    );
}

#[test]
fn the_order_is_phps() {
    let ascending = [
        "1.0.0.0-stable",
        "1.0.0.0-dev",
        "1.0.0.0-alpha",
        "1.0.0.0-alpha1",
        "1.0.0.0-alpha2",
        "1.0.0.0-alpha10",
        "1.0.0.0-beta",
        "1.0.0.0-RC",
        "1.0.0.0",
        "1.0.0.0-patch",
        "1.0.5.0",
        "1.0.9999999.9999999-dev",
        "1.1.0.0",
        "10.0.0.0",
        "20230115",
    ];
    for (left_at, left) in ascending.iter().enumerate() {
        for (right_at, right) in ascending.iter().enumerate() {
            assert_eq!(
                compare_normalized(left, right),
                left_at.cmp(&right_at),
                "{left} {right}"
            );
        }
    }
}

#[test]
fn branches_come_before_numbers_and_by_name() {
    let mut versions = ["1.0.0", "dev-main", "1.x-dev", "0.1.0-alpha", "dev-9"]
        .map(|pretty| Version::parse(pretty).unwrap());
    versions.sort();
    assert_eq!(
        versions.each_ref().map(Version::pretty),
        ["dev-9", "dev-main", "0.1.0-alpha", "1.0.0", "1.x-dev"]
    );
}

#[test]
fn a_version_knows_both_forms_and_its_stability() {
    let version = Version::parse("v2.0.0-RC1").unwrap();
    assert_eq!(version.pretty(), "v2.0.0-RC1");
    assert_eq!(version.normalized(), "2.0.0.0-RC1");
    assert_eq!(version.stability(), Stability::ReleaseCandidate);
    assert!(!version.is_dev());
    assert!(Version::parse("2.x-dev").unwrap().is_dev());
}

proptest! {
    /// Dates are left out: Composer reads its own `2023.01.15` as three numbers and pads them.
    #[test]
    fn normalizing_twice_changes_nothing(text in undated_text()) {
        if let Ok(once) = normalize(&text) {
            prop_assert_eq!(normalize(&once), Ok(once));
        }
    }

    #[test]
    fn the_order_of_versions_is_total(texts in proptest::collection::vec(version_text(), 3)) {
        let versions: Vec<_> = texts.iter().filter_map(|text| Version::parse(text).ok()).collect();
        for left in &versions {
            for middle in &versions {
                prop_assert_eq!(left.cmp(middle), middle.cmp(left).reverse());
                prop_assert_eq!(left.cmp(middle).is_eq(), left == middle);
                for right in &versions {
                    if left <= middle && middle <= right {
                        prop_assert!(left <= right);
                    }
                }
            }
        }
    }

    #[test]
    fn no_text_breaks_the_scanners(text in any::<String>(), other in any::<String>()) {
        let _ = normalize(&text);
        let _ = parse_stability(&text);
        let _ = compare_normalized(&text, &other);
    }
}
