use super::*;

#[test]
fn a_name_has_two_parts_in_lower_case() {
    let name = PackageName::parse("Acme/Big--Tools_2").unwrap();
    assert_eq!(name.as_str(), "acme/big--tools_2");
    assert_eq!(name.vendor(), "acme");
    assert_eq!(name.short(), "big--tools_2");
    assert_eq!(name.to_string(), name.as_str());
}

#[test]
fn a_refused_name_says_what_to_do() {
    let refusal = |name| PackageName::parse(name).unwrap_err().to_string();
    insta::assert_snapshot!(refusal("acme"), @"`acme` is no package name, write the vendor, a slash and the package, as in `acme/tools`");
    insta::assert_snapshot!(refusal("a/b/c"), @"`a/b/c` is no package name, write the vendor, a slash and the package, as in `acme/tools`");
    insta::assert_snapshot!(refusal("php"), @"`php` is no package name, write the vendor, a slash and the package, as in `acme/tools`");
    insta::assert_snapshot!(refusal("a--b/c"), @"the vendor in `a--b/c` must be letters and digits, with a single `-`, `.` or `_` between words");
    insta::assert_snapshot!(refusal("a/b-"), @"the part after the slash in `a/b-` must be letters and digits, with `-`, `--`, `.` or `_` between words");
    insta::assert_snapshot!(refusal("Con/b"), @"`con` in `Con/b` is reserved on Windows, choose another name");
    insta::assert_snapshot!(refusal("a/b.JSON"), @"`a/b.JSON` ends in `.json`, use `-json` instead");
}

#[test]
fn json_goes_through_the_doors() {
    let name: PackageName = serde_json::from_str("\"Acme/Tools\"").unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"acme/tools\"");
    assert!(serde_json::from_str::<PackageName>("\"acme\"").is_err());
    assert!(serde_json::from_str::<NameGlob>("\"acme/ *\"").is_err());
    assert!(serde_json::from_str::<Slug>("\"API\"").is_err());
}

#[test]
fn a_star_stands_for_any_text() {
    let name = PackageName::parse("acme/big-tools").unwrap();
    for (glob, is_match) in [
        ("*", true),
        ("acme/*", true),
        ("ACME/*", true),
        ("acme/big-tools", true),
        ("acme/big-tool", false),
        ("*/*-tools", true),
        ("a*l*s", true),
        ("acme/big-tools*", true),
        ("*acme/big-tools", true),
        ("**", true),
        ("ac*me/big*big-tools", false),
        ("acme/b.g-tools", false),
        ("-/-", false),
        ("cme/*", false),
    ] {
        assert_eq!(
            NameGlob::parse(glob).unwrap().matches(&name),
            is_match,
            "{glob}"
        );
    }
}

#[test]
fn a_refused_glob_says_what_to_do() {
    let refusal = |glob| NameGlob::parse(glob).unwrap_err().to_string();
    insta::assert_snapshot!(refusal(""), @"a package pattern is empty, write `*` for all packages");
    insta::assert_snapshot!(refusal("acme/?"), @"`?` in the package pattern `acme/?` is in no package name, write a pattern such as `acme/*`");
}

#[test]
fn slugs_are_short_and_plain() {
    let longest = "a".repeat(Slug::MAX_LENGTH);
    for slug in ["a", "acme", "acme-2", "0", "a--b", &longest] {
        assert_eq!(Slug::parse(slug).unwrap().as_str(), slug);
    }
}

#[test]
fn a_refused_slug_says_what_to_do() {
    let refusal = |slug: &str| Slug::parse(slug).unwrap_err().to_string();
    insta::assert_snapshot!(refusal(""), @"a name is missing, write 1 to 63 lower-case letters, digits and hyphens");
    insta::assert_snapshot!(refusal("Acme"), @"the name `Acme` may have only lower-case letters, digits and hyphens, leave out `A`");
    insta::assert_snapshot!(refusal("-a"), @"the name `-a` must begin and end with a letter or a digit, remove the outer hyphen");
    insta::assert_snapshot!(refusal("healthz"), @"the name `healthz` is reserved: monitors ask there; choose another one");
    assert!(matches!(
        Slug::parse(&"a".repeat(64)),
        Err(InvalidSlug::TooLong { .. })
    ));
}
