use serde_json::json;

use super::*;

fn policy() -> PackagePolicy {
    PackagePolicy {
        transient_branches: ["dependabot/*", "renovate/*"]
            .iter()
            .map(|glob| BranchGlob::parse(glob).unwrap())
            .collect(),
        tag_prefixes: TagPrefixes::of_composer(),
        moved_tags: MovedTags::Keep,
        abandoned: None,
    }
}

fn change(asked: &Value) -> Result<PackagePolicy, InvalidPolicy> {
    policy().changed(asked.as_object().unwrap())
}

#[test]
fn a_star_stands_for_slashes_too_and_capitals_count() {
    for (glob, branch, fits) in [
        ("dependabot/*", "dependabot/composer/monolog-3.0", true),
        ("dependabot/*", "dependabot/", true),
        ("dependabot/*", "dependabot", false),
        ("dependabot/*", "my/dependabot/x", false),
        ("dependabot/*", "Dependabot/x", false),
        ("*-wip", "feature/x-wip", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("*", "anything", true),
        ("main", "main", true),
    ] {
        let found = BranchGlob::parse(glob).unwrap().matches(branch);
        assert_eq!(found, fits, "{glob} {branch}");
    }
}

#[test]
fn a_long_name_and_many_stars_are_answered_at_once() {
    let glob = BranchGlob::parse(&format!("{}b*", "a*".repeat(120))).unwrap();
    assert!(!glob.matches(&"a".repeat(1_000_000)));
}

#[test]
fn the_default_branch_is_never_kept_out() {
    let policy = change(&json!({"transient_branches": ["*"]})).unwrap();
    assert_eq!(policy.transient_pattern("main", "main"), None);
    let pattern = policy.transient_pattern("other", "main");
    assert_eq!(pattern.map(BranchGlob::as_str), Some("*"));
}

#[test]
fn what_is_not_given_stays() {
    let changed = change(&json!({"moved_tags": "follow", "abandoned": "Acme/New"})).unwrap();
    assert_eq!(changed.transient_branches, policy().transient_branches);
    assert_eq!(changed.moved_tags, MovedTags::Follow);
    assert_eq!(
        serde_json::to_value(&changed).unwrap(),
        json!({
            "transient_branches": ["dependabot/*", "renovate/*"],
            "tag_prefixes": ["release-"],
            "moved_tags": "follow",
            "abandoned": "acme/new",
        })
    );
    let asked = json!({"abandoned": null});
    let back = changed.changed(asked.as_object().unwrap()).unwrap();
    assert_eq!(back.abandoned, None);
}

#[test]
fn wrong_settings_are_refused_with_what_to_do() {
    let reasons: Vec<_> = [
        json!({"moved-tags": "keep"}),
        json!({"moved_tags": "ignore"}),
        json!({"transient_branches": "dependabot/*"}),
        json!({"transient_branches": ["dependabot/*", 1]}),
        json!({"transient_branches": [""]}),
        json!({"transient_branches": ["renovate[bot]/*"]}),
        json!({"transient_branches": ["refs/heads/renovate/*"]}),
        json!({"transient_branches": ["a..b"]}),
        json!({"transient_branches": vec!["a"; 51]}),
        json!({"tag_prefixes": ["lib *"]}),
        json!({"tag_prefixes": ["lib\n"]}),
        json!({"tag_prefixes": null}),
        json!({"abandoned": "use something else"}),
        json!({"abandoned": 1}),
    ]
    .iter()
    .map(|asked| change(asked).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r#"
    `moved-tags` is no setting of a package, there are `transient_branches`, `tag_prefixes`, `moved_tags` and `abandoned`
    `moved_tags` must be `keep` or `follow`
    `transient_branches` must be a list of texts
    `transient_branches` must be a list of texts
    an entry of `transient_branches` must have 1 to 250 bytes
    `renovate[bot]/*` in `transient_branches` has `[`, which no branch has; write a branch's name with `*` for any characters, such as `dependabot/*`
    `refs/heads/renovate/*` in `transient_branches` has `refs/heads/`, which no branch has; write a branch's name with `*` for any characters, such as `dependabot/*`
    `a..b` in `transient_branches` has `..`, which no branch has; write a branch's name with `*` for any characters, such as `dependabot/*`
    `transient_branches` has more than 50 entries, leave some out
    `lib *` in `tag_prefixes` has ` `, which no tag has; write what your tags begin with, such as `lib-`
    `lib\n` in `tag_prefixes` has `\n`, which no tag has; write what your tags begin with, such as `lib-`
    `tag_prefixes` must be a list of texts
    `use something else` in `abandoned` is no package name; write one such as `acme/new`, or `true` when there is no replacement
    `abandoned` must be `true`, `false`, `null` or the name of the package to use instead
    "#);
}

#[test]
fn what_a_person_said_wins_over_the_rename_and_the_host() {
    let name = PackageName::parse("acme/new").unwrap();
    let resolve = Abandoned::resolve;
    assert_eq!(resolve(None, None), None);
    assert_eq!(resolve(None, Some("acme/new")), Some(Abandoned::For(name)));
    assert_eq!(
        resolve(Some(Abandoned::No), Some("acme/new")),
        Some(Abandoned::No)
    );

    let mut manifest = json!({"name": "a/b", "abandoned": true, "type": "library"});
    let manifest = manifest.as_object_mut().unwrap();
    let mut is_archived = true;
    Abandoned::No.overrule(manifest, &mut is_archived);
    assert_eq!(json!(manifest), json!({"name": "a/b", "type": "library"}));
    assert!(!is_archived);
}
