//! Every call fails once, messages come twice and in another order, and the end is the same.

use serde_json::json;

use super::Mono;
use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;
use crate::support::git_server::GIT_SERVER;
use crate::support::world::Waiting;

fn same_end(registry: &TestRegistry, calm: &TestRegistry) {
    assert_eq!(registry.contents(), calm.contents());
    assert!(!registry.contents().is_empty());
    registry.assert_settled();
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select name from folder_refs where state in ('cutting', 'failed')"),
        Vec::<String>::new()
    );
}

/// Two packages and three tags, asked for and not begun.
fn asked() -> TestRegistry {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.1.0\n");
    mono.tag("v1.1.0");
    mono.push("refs/tags/nonsense");
    mono.change("b", "<?php // 1.2.0\n");
    mono.tag("v1.2.0");
    mono.ask("changed");
    mono.registry
}

/// Something of everything happened since the import.
fn changed() -> TestRegistry {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.1.0\n");
    mono.tag("v1.1.0");
    mono.change("b", "<?php // 1.2.0\n");
    mono.tag("v1.2.0");
    mono.import("changed");
    mono.delete("refs/tags/v1.1.0");
    mono.add("c");
    mono.name("packages/b", "acme/new");
    mono.push("refs/heads/main");
    mono.registry.pass_time(7 * 60 * 60);
    mono.registry.housekeep();
    mono.registry
}

/// The same from a server that speaks git alone.
fn asked_of_git() -> TestRegistry {
    let registry = TestRegistry::new();
    let connection = json!({"provider": "git", "base_url": GIT_SERVER});
    let connection = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", &connection)
        .expect(201)
        .json();
    let package = json!({
        "connection": connection["id"], "project": "mono.git", "repository": "main", "folders": ["packages/*"],
    });
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &package)
        .expect(202);
    registry
}

#[test]
fn an_import_comes_to_the_same_end_whatever_fails() {
    with_every_fault(asked, TestRegistry::run_jobs, same_end);
}

#[test]
fn a_later_sync_comes_to_the_same_end_whatever_fails() {
    with_every_fault(changed, TestRegistry::run_jobs, same_end);
}

#[test]
fn an_import_from_plain_git_comes_to_the_same_end_whatever_fails() {
    with_every_fault(asked_of_git, TestRegistry::run_jobs, same_end);
}

#[test]
fn each_message_twice_comes_to_the_same_end() {
    for prepare in [asked, changed, asked_of_git] {
        let calm = prepare();
        calm.run_jobs();
        let registry = prepare();
        for _ in 0..300 {
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
    for prepare in [asked, changed] {
        let calm = prepare();
        calm.run_jobs();
        let registry = prepare();
        for _ in 0..300 {
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
fn a_push_while_archives_are_cut_is_taken_in_along() {
    for steps in 1..12 {
        let mono = Mono::with(&["a", "b"]);
        mono.tag("v1.0.0");
        mono.change("a", "<?php // 1.1.0\n");
        mono.tag("v1.1.0");
        mono.ask("changed");
        for _ in 0..steps {
            mono.registry.run_one_job();
        }
        mono.change("b", "<?php // between\n");
        mono.push("refs/tags/v1.0.5");
        mono.push("refs/heads/main");
        mono.registry.pass_time(7 * 60 * 60);
        mono.registry.housekeep();
        mono.run();
        mono.sync();
        assert_eq!(mono.versions("a"), ["v1.0.5", "v1.0.0"], "{steps}");
        assert_eq!(
            mono.versions("b"),
            ["v1.1.0", "v1.0.5", "v1.0.0"],
            "{steps}"
        );
    }
}

#[test]
fn a_commit_that_cannot_be_had_says_so_and_the_others_go_on() {
    let mono = Mono::with(&["a"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.1.0\n");
    let commit = mono.tag("v1.1.0");
    {
        let mut github = mono.registry.world.github.borrow_mut();
        let flat = super::archives::zip(&[("composer.json", "{}"), ("b", "")]);
        github
            .project(super::PROJECT)
            .push_archive("refs/tags/v1.1.0", &commit, flat);
    }
    mono.ask("changed");
    mono.registry.run_jobs();
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    let job = mono.last_job();
    assert_eq!(job["state"], "failed");
    let refs = job["refs"].as_array().unwrap();
    let tag = refs
        .iter()
        .find(|one| one["ref"] == "refs/tags/v1.1.0")
        .unwrap();
    let reason = tag["reason"].as_str().unwrap();
    assert!(
        reason.contains("more than one folder at its top"),
        "{reason}"
    );
    assert_eq!(
        mono.fate("a", "refs/tags/v1.1.0"),
        format!("failed: {reason}")
    );
    // As soon as it can be had, whoever runs the job again has it taken in.
    mono.tag("v1.1.0");
    let id = job["id"].as_str().unwrap();
    let path = format!("/api/v1/orgs/acme/jobs/{id}/retry");
    let admin = mono.registry.admin();
    admin.send("POST", &path, &[], Vec::new()).expect(200);
    mono.run();
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_whole_archive_that_the_sweep_took_is_fetched_again() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.ask("changed");
    // Reconcile and look; then it is gone.
    for _ in 0..2 {
        mono.registry.run_one_job();
    }
    let mut objects = mono.registry.world.objects.borrow_mut();
    let before = objects.len();
    objects.retain(|key, _| !key.contains("whole-"));
    assert_eq!(objects.len(), before - 1);
    drop(objects);
    mono.run();
    assert_eq!(mono.versions("b"), ["v1.0.0"]);
}

#[test]
fn more_than_can_be_held_in_memory_says_what_to_do() {
    let mono = Mono::with(&["a"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    mono.registry.change(
        "with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < 30000)
         insert into commit_folders (git_repo_id, \"commit\", folder, digest, facts)
         select 1, (select \"commit\" from looked_commits limit 1), 'x' || n, '', '{}' from numbers",
    );
    mono.push("refs/tags/v1.1.0");
    mono.registry.pass_time(7 * 60 * 60);
    mono.registry.housekeep();
    mono.registry.run_jobs();
    let job = mono.last_job();
    assert_eq!(job["state"], "failed");
    let message = job["message"].as_str().unwrap();
    assert!(
        message.contains("at most 30000 can be decided on"),
        "{message}"
    );
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
}
