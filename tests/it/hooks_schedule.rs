//! How often a project is compared by itself: every six hours, once a day while its hook is known to work.

use serde_json::json;

use crate::support::{PACKAGE, PROJECT, TestRegistry};

const HOUR: i64 = 60 * 60;

/// Lets hours pass, and gives whether the project was compared then.
fn is_compared_after(registry: &TestRegistry, hours: i64) -> bool {
    registry.pass_time(hours * HOUR);
    let newest = || {
        let sql = "select id from jobs order by created_at desc, id limit 1";
        registry.world.sqlite.texts(sql)
    };
    let before = newest();
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    let after = newest();
    !after.is_empty() && after != before
}

fn refuse_hooks(registry: &TestRegistry) {
    registry.world.github.borrow_mut().hooks.refusal = Some((404, "{}".to_owned()));
}

#[test]
fn without_a_hook_a_project_is_compared_every_six_hours() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    refuse_hooks(&registry);
    registry.run_jobs();
    for _ in 0..3 {
        assert!(!is_compared_after(&registry, 5));
        assert!(is_compared_after(&registry, 2));
    }
}

#[test]
fn a_hook_counts_once_a_comparison_has_found_nothing_that_it_missed() {
    let registry = TestRegistry::imported();
    assert!(
        is_compared_after(&registry, 7),
        "nobody knows yet whether it works"
    );
    assert!(!is_compared_after(&registry, 7));
    assert!(!is_compared_after(&registry, 16));
    assert!(is_compared_after(&registry, 2), "a day has passed");
    assert!(!is_compared_after(&registry, 23));
}

#[test]
fn a_hook_that_was_heard_counts_at_once() {
    let registry = TestRegistry::imported();
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    assert!(!is_compared_after(&registry, 23));
    assert!(is_compared_after(&registry, 2));
}

#[test]
fn a_hook_that_missed_a_push_counts_no_more_until_it_is_heard() {
    let registry = TestRegistry::imported();
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    registry.push_tag("v1.2.0");
    assert!(is_compared_after(&registry, 25));
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    registry.delete_ref("refs/tags/v1.0.0");
    assert!(is_compared_after(&registry, 7));
    assert_eq!(registry.versions(PACKAGE), ["v1.2.0", "v1.1.0"]);
    registry.pass_time(1);
    registry
        .tell_of_push(41, PROJECT, "2")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    assert!(!is_compared_after(&registry, 23));
}

#[test]
fn a_hook_by_hand_is_trusted_for_a_month_after_it_was_heard() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    refuse_hooks(&registry);
    registry.run_jobs();
    registry.deliver_webhook("1").expect(202);
    registry.run_jobs();
    assert!(!is_compared_after(&registry, 23));
    assert!(is_compared_after(&registry, 2));
    assert!(is_compared_after(&registry, 31 * 24));
    assert!(is_compared_after(&registry, 7));
}

#[test]
fn a_connection_says_how_often() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, ..) = registry.import(PROJECT);
    refuse_hooks(&registry);
    registry.run_jobs();
    let path = format!("/api/v1/orgs/acme/connections/{connection}");
    let set = |hours| {
        registry
            .admin()
            .patch(&path, &json!({ "reconcile_hours": hours }))
    };
    for wrong in [json!(0), json!(169), json!("6"), json!(1.5)] {
        set(wrong).expect(422);
    }
    assert_eq!(set(json!(2)).expect(200).json()["reconcile_hours"], 2);
    assert!(is_compared_after(&registry, 3));
    assert_eq!(set(json!(48)).expect(200).json()["reconcile_hours"], 48);
    assert!(!is_compared_after(&registry, 47));
    assert!(is_compared_after(&registry, 2));
    assert_eq!(set(json!(null)).expect(200).json()["reconcile_hours"], 6);
    assert!(is_compared_after(&registry, 7));
}
