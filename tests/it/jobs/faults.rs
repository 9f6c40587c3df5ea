use serde_json::json;

use crate::support::faults::with_every_fault;
use crate::support::world::Waiting;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// The same documents, and nothing left open.
fn same_end(registry: &TestRegistry, calm: &TestRegistry) {
    assert_eq!(registry.contents(), calm.contents());
    assert!(!registry.contents().is_empty());
    registry.assert_settled();
}

/// An import that has been asked for and not begun.
fn asked() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push_tag("1.1.0");
    registry.push("refs/tags/v2.0.0", &json!({"name": "other/name"}));
    registry.push("refs/tags/not-a-version", &json!({"name": PACKAGE}));
    registry.push("refs/heads/feature/x", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry
}

/// Something of everything happened at GitHub since the import.
fn changed() -> TestRegistry {
    let registry = TestRegistry::imported();
    registry.push_tag("v1.2.0");
    registry.push(
        "refs/heads/main",
        &json!({"name": PACKAGE, "description": "Newer"}),
    );
    registry.push(
        "refs/tags/v1.1.0",
        &json!({"name": PACKAGE, "description": "Moved"}),
    );
    registry.delete_ref("refs/tags/v1.0.0");
    registry
}

/// A push that names the package otherwise.
fn renaming() -> TestRegistry {
    let registry = changed();
    registry.push("refs/heads/main", &json!({"name": "acme/new"}));
    registry.push("refs/heads/renovate/x", &json!({"name": "acme/new"}));
    registry.deliver_webhook("one").expect(202);
    registry
}

#[test]
fn a_first_import_comes_to_the_same_end_whatever_fails() {
    with_every_fault(asked, TestRegistry::run_jobs, same_end);
}

#[test]
fn a_later_sync_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = changed();
        registry.deliver_webhook("one").expect(202);
        registry
    };
    with_every_fault(prepare, TestRegistry::run_jobs, same_end);
}

#[test]
fn a_webhook_comes_to_the_same_end_whatever_fails() {
    let play = |registry: &TestRegistry| {
        if registry.deliver_webhook("one").status() != 202 {
            registry.deliver_webhook("one").expect(202);
        }
        registry.run_jobs();
    };
    with_every_fault(changed, play, same_end);
}

#[test]
fn housekeeping_heals_a_webhook_that_failed_and_never_came_again() {
    let play = |registry: &TestRegistry| {
        registry.deliver_webhook("one");
        registry.run_jobs();
        // What was recorded goes on after minutes; what was not is found by the next comparison.
        for seconds in [200, 7 * 60 * 60, 200] {
            registry.pass_time(seconds);
            registry.housekeep();
            registry.run_jobs();
        }
    };
    with_every_fault(changed, play, same_end);
}

#[test]
fn a_scheduled_comparison_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = changed();
        registry.pass_time(7 * 60 * 60);
        registry
    };
    let play = |registry: &TestRegistry| {
        for _ in 0..3 {
            registry.housekeep();
            registry.run_jobs();
            registry.pass_time(300);
        }
    };
    with_every_fault(prepare, play, same_end);
}

#[test]
fn a_rename_comes_to_the_same_end_whatever_fails() {
    with_every_fault(renaming, TestRegistry::run_jobs, |registry, calm| {
        same_end(registry, calm);
        assert_eq!(registry.contents().len(), 2);
        assert_eq!(registry.refs("acme/new"), calm.refs("acme/new"));
    });
}

#[test]
fn a_rename_back_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::imported();
        registry.push("refs/heads/main", &json!({"name": "acme/new"}));
        registry.sync(PACKAGE);
        registry.push("refs/heads/main", &json!({"name": PACKAGE}));
        registry.delete_ref("refs/tags/v1.0.0");
        registry.deliver_webhook("one").expect(202);
        registry
    };
    with_every_fault(prepare, TestRegistry::run_jobs, same_end);
}

#[test]
fn other_settings_come_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::new();
        registry.make_project();
        registry.push_tag("lib-2.0.0");
        registry.push("refs/heads/bot/x", &json!({"name": PACKAGE}));
        registry.import(PROJECT);
        registry.run_jobs();
        registry.push(
            "refs/tags/v1.1.0",
            &json!({"name": PACKAGE, "type": "moved"}),
        );
        registry.sync(PACKAGE);
        registry
    };
    let play = |registry: &TestRegistry| {
        let settings = json!({
            "transient_branches": ["bot/*"], "tag_prefixes": ["lib-"], "moved_tags": "follow",
            "abandoned": "acme/other",
        });
        let path = "/api/v1/orgs/acme/packages/acme/lib";
        if registry.admin().patch(path, &settings).status() != 200 {
            registry.admin().patch(path, &settings).expect(200);
        }
        registry.run_jobs();
        // What was changed and not begun, housekeeping begins.
        registry.pass_time(200);
        registry.housekeep();
        registry.run_jobs();
    };
    with_every_fault(prepare, play, same_end);
}

#[test]
fn an_upload_comes_to_the_same_end_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let writer = registry.with_token(&registry.token.borrow());
        let answer = writer.upload("acme/tool", "1.0.0", "one");
        if answer.status() >= 500 {
            let again = writer.upload("acme/tool", "1.0.0", "one").status();
            assert!(again < 300, "{again}");
        }
        registry.run_jobs();
    };
    let prepare = || {
        let registry = TestRegistry::new();
        *registry.token.borrow_mut() = registry.writer().token.unwrap();
        registry
    };
    with_every_fault(prepare, play, same_end);
}

#[test]
fn each_message_twice_comes_to_the_same_end() {
    for prepare in [asked, renaming] {
        let calm = prepare();
        calm.run_jobs();
        let registry = prepare();
        for _ in 0..200 {
            let first = registry.world.queue.borrow().front().cloned();
            let Some(first) = first else { break };
            registry.world.queue.borrow_mut().push_front(first);
            registry.run_one_job();
            registry.run_one_job();
        }
        same_end(&registry, &calm);
    }
}

#[test]
fn messages_in_reversed_order_come_to_the_same_end() {
    for prepare in [asked, renaming] {
        let calm = prepare();
        calm.run_jobs();
        let registry = prepare();
        for _ in 0..200 {
            let last = registry.world.queue.borrow_mut().pop_back();
            let Some(last) = last else { break };
            let others: Vec<Waiting> = registry.world.queue.borrow_mut().drain(..).collect();
            registry.world.queue.borrow_mut().push_back(last);
            registry.run_one_job();
            // What has to come again waits behind all others.
            let came: Vec<Waiting> = registry.world.queue.borrow_mut().drain(..).collect();
            let (again, new): (Vec<_>, Vec<_>) = came.into_iter().partition(|one| one.attempts > 0);
            registry
                .world
                .queue
                .borrow_mut()
                .extend(again.into_iter().chain(others).chain(new));
        }
        same_end(&registry, &calm);
    }
}

#[test]
fn a_tag_that_stands_back_is_sent_for_once_the_first_is_settled() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push_tag("1.1.0");
    // `1.1.0` comes first by name, so `v1.1.0` stands back behind it.
    let follower =
        registry.world.github.borrow_mut().project(PROJECT).refs["refs/tags/v1.1.0"].clone();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_one_job();
    let message = format!(r#"{{"v":1,"job":"import","id":"{id}","commit":"{follower}"}}"#);
    let early = pollster::block_on(repertoire::jobs::run(&registry.app, &message, 1));
    assert_eq!(
        early,
        repertoire::jobs::Outcome::Done,
        "its turn has not come, and nobody has to ask again"
    );
    registry
        .world
        .queue
        .borrow_mut()
        .retain(|waiting| !waiting.text.contains(&follower));
    registry.run_jobs();
    registry.assert_settled();
}
