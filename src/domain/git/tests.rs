use serde_json::{Value, json};

use super::*;

fn policy(change: &Value) -> PackagePolicy {
    let policy = PackagePolicy {
        transient_branches: Vec::new(),
        tag_prefixes: TagPrefixes::of_composer(),
        moved_tags: MovedTags::Keep,
        abandoned: None,
    };
    policy.changed(change.as_object().unwrap()).unwrap()
}

fn plan(known: &[SeenRef], found: &[CurrentRef]) -> Plan {
    super::plan(known, found, "main", &policy(&json!({})))
}

fn seen(name: &str, commit: &str) -> SeenRef {
    SeenRef {
        name: name.to_owned(),
        commit: commit.to_owned(),
        is_settled: true,
        rule: None,
        number: None,
        reason: None,
    }
}

fn current(name: &str, commit: &str) -> CurrentRef {
    CurrentRef {
        name: name.to_owned(),
        commit: commit.to_owned(),
    }
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.imports
        .iter()
        .map(|import| import.name.as_str())
        .collect()
}

#[test]
fn only_what_changed_is_imported() {
    let known = [
        seen("refs/tags/v1", "a"),
        seen("refs/tags/v2", "b"),
        seen("refs/heads/main", "b"),
    ];
    let found = [
        current("refs/tags/v1", "a"),
        current("refs/heads/main", "c"),
        current("refs/tags/v3", "c"),
    ];
    let plan = plan(&known, &found);
    assert_eq!(names(&plan), ["refs/heads/main", "refs/tags/v3"]);
    assert_eq!(plan.removals, ["refs/tags/v2"]);
    assert_eq!(plan.unchanged, [current("refs/tags/v1", "a")]);
}

#[test]
fn what_failed_is_tried_again() {
    let known = [SeenRef {
        is_settled: false,
        ..seen("refs/tags/v1", "a")
    }];
    assert_eq!(
        names(&plan(&known, &[current("refs/tags/v1", "a")])),
        ["refs/tags/v1"]
    );
}

#[test]
fn of_two_tags_for_one_version_the_first_leads() {
    let plan = plan(
        &[],
        &[
            current("refs/tags/v1.0.0", "b"),
            current("refs/tags/1.0.0", "a"),
        ],
    );
    assert_eq!(names(&plan), ["refs/tags/1.0.0", "refs/tags/v1.0.0"]);
    assert_eq!(plan.imports[0].yields_to, None);
    assert_eq!(
        plan.imports[1].yields_to.as_deref(),
        Some("refs/tags/1.0.0")
    );
}

#[test]
fn a_tag_steps_forward_when_its_leader_goes() {
    let known = [seen("refs/tags/1.0.0", "a"), seen("refs/tags/v1.0.0", "b")];
    let plan = plan(&known, &[current("refs/tags/v1.0.0", "b")]);
    assert_eq!(names(&plan), ["refs/tags/v1.0.0"]);
    assert_eq!(plan.removals, ["refs/tags/1.0.0"]);
}

#[test]
fn a_new_leader_has_those_behind_it_decided_anew() {
    let known = [seen("refs/tags/v1.0.0", "a"), seen("refs/tags/v2.0.0", "c")];
    let found = [
        current("refs/tags/1.0.0", "b"),
        current("refs/tags/v1.0.0", "a"),
        current("refs/tags/v2.0.0", "c"),
    ];
    let plan = plan(&known, &found);
    assert_eq!(names(&plan), ["refs/tags/1.0.0", "refs/tags/v1.0.0"]);
    assert_eq!(plan.unchanged, [current("refs/tags/v2.0.0", "c")]);
}

#[test]
fn transient_branches_are_left_out_and_said_so_once() {
    let policy = policy(&json!({"transient_branches": ["bot/*"]}));
    let found = [
        current("refs/heads/bot/main", "a"),
        current("refs/heads/bot/x", "b"),
        current("refs/heads/x", "c"),
        current("refs/tags/bot/1.0", "d"),
    ];
    let first = super::plan(&[], &found, "bot/main", &policy);
    assert_eq!(
        names(&first),
        ["refs/heads/bot/main", "refs/heads/x", "refs/tags/bot/1.0"]
    );
    let [exclusion] = first.exclusions.as_slice() else {
        panic!("{first:?}")
    };
    assert_eq!(exclusion.name, "refs/heads/bot/x");
    insta::assert_snapshot!(exclusion.reason, @"branches like `bot/*` are not imported; to have this one, take the pattern out of the package's `transient_branches`");

    let excluded = SeenRef {
        rule: Some(RefRule::Transient),
        reason: Some(exclusion.reason.clone()),
        ..seen("refs/heads/bot/x", "b")
    };
    let again = super::plan(std::slice::from_ref(&excluded), &found, "bot/main", &policy);
    assert_eq!(again.exclusions, []);
    // It moved, or was imported before.
    let moved = SeenRef {
        commit: "e".to_owned(),
        ..excluded.clone()
    };
    let imported = seen("refs/heads/bot/x", "b");
    for known in [moved, imported] {
        let plan = super::plan(&[known], &found, "bot/main", &policy);
        assert_eq!(plan.exclusions, first.exclusions);
    }
    // It became the default branch, or the pattern is gone.
    let plan = super::plan(std::slice::from_ref(&excluded), &found, "bot/x", &policy);
    assert!(names(&plan).contains(&"refs/heads/bot/x"));
    let none = self::policy(&json!({}));
    let plan = super::plan(&[excluded], &found, "bot/main", &none);
    assert!(names(&plan).contains(&"refs/heads/bot/x"));
}

#[test]
fn a_refused_move_is_decided_anew_only_to_follow() {
    let known = [
        SeenRef {
            rule: Some(RefRule::Moved),
            ..seen("refs/tags/v1", "b")
        },
        seen("refs/tags/v2", "c"),
    ];
    let found = [current("refs/tags/v1", "b"), current("refs/tags/v2", "c")];
    let keep = plan(&known, &found);
    assert_eq!(names(&keep), [""; 0]);
    let follow = policy(&json!({"moved_tags": "follow"}));
    let follow = super::plan(&known, &found, "main", &follow);
    assert_eq!(names(&follow), ["refs/tags/v1"]);
}

#[test]
fn other_prefixes_decide_anew_on_the_tags_that_they_touch() {
    let known = [
        seen("refs/tags/1.0.0", "a"),
        SeenRef {
            number: Some(String::new()),
            ..seen("refs/tags/lib-2.0.0", "b")
        },
        seen("refs/tags/nightly", "c"),
        SeenRef {
            number: Some("2.0.0.0".to_owned()),
            ..seen("refs/tags/release-2.0.0", "d")
        },
        seen("refs/tags/v2.0.0", "e"),
    ];
    let found: Vec<_> = known
        .iter()
        .map(|seen| current(&seen.name, &seen.commit))
        .collect();
    assert_eq!(names(&plan(&known, &found)), [""; 0]);
    let policy = policy(&json!({"tag_prefixes": ["lib-"]}));
    let plan = super::plan(&known, &found, "main", &policy);
    assert_eq!(
        names(&plan),
        [
            "refs/tags/lib-2.0.0",
            "refs/tags/release-2.0.0",
            "refs/tags/v2.0.0"
        ]
    );
    let yields: Vec<_> = plan
        .imports
        .iter()
        .map(|import| import.yields_to.as_deref())
        .collect();
    assert_eq!(yields, [None, None, Some("refs/tags/lib-2.0.0")]);
}

#[test]
fn what_refs_would_come_to_is_told_by_their_names() {
    let found: Vec<_> = [
        "refs/tags/v1.0.0",
        "refs/tags/1.0.0",
        "refs/tags/release-2.0",
        "refs/tags/nightly",
        "refs/tags/dev-x",
        "refs/heads/main",
        "refs/heads/feature/x",
        "refs/heads/dependabot/npm",
        "refs/heads/a b",
    ]
    .map(|name| current(name, "c"))
    .to_vec();
    let count = |policy: &PackagePolicy| {
        let expected = expect_versions(&found, "main", policy);
        (expected.tags, expected.branches, expected.others)
    };
    assert_eq!(count(&PackagePolicy::of_new_package()), (2, 2, 5));
    let own = policy(&json!({"tag_prefixes": [], "transient_branches": ["feature/*"]}));
    assert_eq!(count(&own), (1, 2, 6));
}
