//! Imports of many projects at once.

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;
use crate::support::github::Answer;
use crate::support::hosts::HOST_TOKEN;
use crate::support::world::Port;

/// `acme/p00`, `acme/p01`, …: each a package `acme/p00`, … with one tag, but for some.
fn make_projects(registry: &TestRegistry, count: u64) {
    for number in 0..count {
        add(
            registry,
            100 + number,
            &format!("acme/p{number:02}"),
            |name| Some(json!({"name": name}).to_string()),
        );
    }
}

fn add(registry: &TestRegistry, id: u64, name: &str, manifest: impl Fn(&str) -> Option<String>) {
    let mut github = registry.world.github.borrow_mut();
    github.add_project(id, name);
    let text = manifest(name);
    let project = github.project(name);
    project.push("refs/heads/main", text.as_deref());
    project.push("refs/tags/v1.0.0", text.as_deref());
}

/// Starts an import; gives its id.
fn start(registry: &TestRegistry, connection: &str, asked: &Value) -> String {
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports");
    let answer = registry.admin().post(&path, asked).expect(202).json();
    answer["import"]["id"].as_str().unwrap().to_owned()
}

fn show(registry: &TestRegistry, import: &str) -> Value {
    let path = format!("/api/v1/orgs/acme/imports/{import}");
    registry.admin().get(&path).expect(200).json()
}

/// What became of each project, one a line.
fn outcome(registry: &TestRegistry, import: &str) -> String {
    let shown = show(registry, import);
    let projects = shown["projects"].as_array().unwrap().iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or("-");
        format!(
            "{} {} {} {}",
            text("full_name"),
            text("state"),
            text("package"),
            text("reason")
        )
    });
    projects.collect::<Vec<_>>().join("\n")
}

/// Something of everything that a list of projects may hold; the import of it is asked for.
fn mixed() -> TestRegistry {
    let registry = TestRegistry::imported();
    let named = |name: &'static str| move |_: &str| Some(json!({"name": name}).to_string());
    add(&registry, 1, "acme/one", named("acme/one"));
    add(&registry, 2, "acme/two", named("acme/two"));
    add(&registry, 3, "acme/none", |_| None);
    add(&registry, 4, "acme/broken", |_| Some("{".to_owned()));
    add(&registry, 5, "acme/unnamed", |_| {
        Some(r#"{"type":"library"}"#.to_owned())
    });
    add(&registry, 6, "acme/taken", named("acme/lib"));
    add(&registry, 7, "acme/old-x", named("acme/old-x"));
    add(&registry, 8, "other/x", named("other/x"));
    add(&registry, 9, "acme/past", named("acme/past"));
    registry
        .world
        .github
        .borrow_mut()
        .project("acme/past")
        .is_archived = true;
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let asked = json!({"pattern": ["acme/*", "!acme/old-*"], "repository": "main"});
    *registry.token.borrow_mut() = start(&registry, &connection, &asked);
    registry
}

fn import_of(registry: &TestRegistry) -> String {
    registry.token.borrow().clone()
}

#[test]
fn a_pattern_takes_in_what_it_means_and_says_why_of_each_that_it_cannot() {
    let registry = mixed();
    registry.run_jobs();
    registry.assert_settled();
    let import = import_of(&registry);
    insta::assert_snapshot!(outcome(&registry, &import), @r#"
    acme/one added acme/one -
    acme/two added acme/two -
    acme/none refused - `acme/none` has no composer.json at the top of its default branch `main`; if its packages are in folders, name these in `folders`
    acme/broken refused - On `main` of `acme/broken`, composer.json is not valid JSON: EOF while parsing an object at line 1 column 1
    acme/lib-source known acme/lib -
    acme/unnamed refused - composer.json on the default branch of `acme/unnamed` has no valid `name`; it must be like `vendor/name`
    acme/taken refused - `acme/lib` is in this organisation already, from another source
    acme/past skipped - it is archived at the host; import with `"archived": true` to have it too
    "#);
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "done");
    assert_eq!(
        shown["progress"],
        json!({"total": 8, "done": 8, "added": 2, "known": 1, "skipped": 1, "refused": 4, "cancelled": 0})
    );
    assert_eq!(registry.versions("acme/one"), ["v1.0.0"]);
    assert_eq!(registry.versions("acme/two"), ["v1.0.0"]);
    let refused = format!("/api/v1/orgs/acme/imports/{import}?state=refused");
    let refused = registry.admin().get(&refused).expect(200).json();
    assert_eq!(refused["projects"].as_array().unwrap().len(), 4);
    let added = &shown["projects"][0];
    assert_eq!(added["job"]["state"], "done");
}

/// Of each that takes other steps one: added, refused, known.
fn few() -> TestRegistry {
    let registry = TestRegistry::imported();
    add(&registry, 2, "acme/one", |name| {
        Some(json!({"name": name}).to_string())
    });
    add(&registry, 3, "acme/none", |_| None);
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let asked = json!({"pattern": "acme/*", "repository": "main"});
    *registry.token.borrow_mut() = start(&registry, &connection, &asked);
    registry
}

#[test]
fn it_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        few,
        |registry| {
            registry.run_jobs();
            // A message that was never sent is sent for.
            for _ in 0..2 {
                registry.pass_time(20 * 60);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, calm| {
            let (import, of_calm) = (import_of(registry), import_of(calm));
            assert_eq!(outcome(registry, &import), outcome(calm, &of_calm));
            assert_eq!(show(registry, &import)["state"], "done");
            assert_eq!(
                show(registry, &import)["progress"],
                show(calm, &of_calm)["progress"]
            );
            assert_eq!(registry.contents(), calm.contents());
            registry.assert_settled();
        },
    );
}

#[test]
fn each_message_twice_and_in_reversed_order_comes_to_the_same_end() {
    let calm = mixed();
    calm.run_jobs();
    let registry = mixed();
    for _ in 0..1_000 {
        let last = registry.world.queue.borrow_mut().pop_back();
        let Some(message) = last else { break };
        for _ in 0..2 {
            registry
                .world
                .queue
                .borrow_mut()
                .push_front(message.clone());
            registry.run_one_job();
        }
    }
    assert_eq!(
        outcome(&registry, &import_of(&registry)),
        outcome(&calm, &import_of(&calm))
    );
    assert_eq!(registry.contents(), calm.contents());
    registry.assert_settled();
}

#[test]
fn every_host_with_a_list_takes_in_by_pattern() {
    for provider in ["gitlab", "forgejo"] {
        let registry = TestRegistry::new();
        make_projects(&registry, 5);
        add(&registry, 9, "other/x", |_| None);
        let asked = json!({"provider": provider, "token": HOST_TOKEN});
        let made = registry
            .admin()
            .post("/api/v1/orgs/acme/connections", &asked);
        let connection = made.expect(201).json()["id"].as_str().unwrap().to_owned();
        let asked = json!({"pattern": "ACME/*", "repository": "main"});
        let import = start(&registry, &connection, &asked);
        registry.run_jobs();
        registry.assert_settled();
        let shown = show(&registry, &import);
        assert_eq!(shown["pattern"], json!(["acme/*"]));
        assert_eq!(shown["progress"]["added"], 5, "{provider}: {shown}");
        assert_eq!(shown["progress"]["total"], 5, "{provider}: {shown}");
        assert_eq!(registry.versions("acme/p04"), ["v1.0.0"]);
    }
}

#[test]
fn five_hundred_projects_are_taken_in() {
    let registry = TestRegistry::new();
    make_projects(&registry, 500);
    // One version each is enough.
    for (id, project) in &mut registry.world.github.borrow_mut().projects {
        if *id != 599 {
            project.refs.remove("refs/tags/v1.0.0");
        }
    }
    let (connection, _) = registry.connect();
    let asked = json!({"pattern": "acme/*", "repository": "main"});
    let import = start(&registry, &connection, &asked);
    while registry.run_one_job() {}
    registry.assert_settled();
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "done");
    assert_eq!(shown["progress"]["added"], 500);
    assert_eq!(shown["projects"].as_array().unwrap().len(), 100);
    let next = shown["next"].as_str().unwrap();
    let page = format!("/api/v1/orgs/acme/imports/{import}?cursor={next}");
    let page = registry.admin().get(&page).expect(200).json();
    assert_eq!(page["projects"][0]["full_name"], "acme/p100");
    assert_eq!(registry.contents().len(), 500);
    assert_eq!(registry.versions("acme/p499"), ["v1.0.0"]);
}

#[test]
fn progress_is_seen_while_it_runs_and_it_can_be_cancelled() {
    let registry = TestRegistry::new();
    make_projects(&registry, 5);
    let (connection, _) = registry.connect();
    let asked =
        json!({"projects": ["acme/p00", "101", "acme/p02", "acme/p03"], "repository": "main"});
    let import = start(&registry, &connection, &asked);
    assert_eq!(show(&registry, &import)["progress"]["total"], 4);
    // One message that sends for each, and two of those.
    for _ in 0..3 {
        registry.run_one_job();
    }
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "adding");
    assert_eq!(shown["progress"]["done"], 2);
    let path = format!("/api/v1/orgs/acme/imports/{import}/cancel");
    let cancelled = registry.admin().post(&path, &json!({})).expect(200).json();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(cancelled["progress"]["cancelled"], 2);
    registry.admin().post(&path, &json!({})).expect(409);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.contents().len(), 2);
    assert_eq!(show(&registry, &import)["progress"]["added"], 2);
}

#[test]
fn a_limit_of_the_host_is_waited_for() {
    let registry = TestRegistry::new();
    make_projects(&registry, 3);
    let (connection, _) = registry.connect();
    let limit = || Answer::new(429, "").with("retry-after", "3600");
    let asked = json!({"pattern": "acme/*", "repository": "main"});
    let import = start(&registry, &connection, &asked);
    registry.world.github.borrow_mut().refusals.push(limit());
    registry.run_one_job();
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "listing");
    assert!(
        shown["message"]
            .as_str()
            .unwrap()
            .contains("limits our requests"),
        "{shown}"
    );
    // Meanwhile nothing is asked, by anybody.
    registry.world.forget_calls();
    let list = format!("/api/v1/orgs/acme/connections/{connection}/projects");
    registry.admin().get(&list).expect(429);
    assert_eq!(registry.world.calls(Port::Outbound), 0);
    // Housekeeping does not take it for lost.
    registry.pass_time(1_800);
    registry.housekeep();
    assert_eq!(registry.world.queue.borrow().len(), 1);
    registry.run_jobs();
    registry.assert_settled();
    let shown = show(&registry, &import);
    assert_eq!(shown["progress"]["added"], 3);
    assert_eq!(shown["message"], Value::Null);
}

#[test]
fn a_list_that_the_host_refuses_ends_the_import_with_the_reason() {
    let registry = TestRegistry::new();
    let (connection, _) = registry.connect();
    let asked = json!({"pattern": "acme/*", "repository": "main"});
    let import = start(&registry, &connection, &asked);
    let refusal = Answer::new(401, r#"{"message":"Bad credentials"}"#);
    registry.world.github.borrow_mut().refusals.push(refusal);
    registry.run_jobs();
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "failed");
    assert!(
        shown["message"]
            .as_str()
            .unwrap()
            .contains("Bad credentials")
    );
    let asked = json!({"pattern": "nobody/*", "repository": "main"});
    let import = start(&registry, &connection, &asked);
    registry.run_jobs();
    let shown = show(&registry, &import);
    assert_eq!(
        (&shown["state"], &shown["progress"]["total"]),
        (&json!("done"), &json!(0))
    );
}

#[test]
fn a_host_that_is_down_for_long_costs_one_project_its_place_and_no_other() {
    let registry = TestRegistry::new();
    make_projects(&registry, 3);
    let (connection, _) = registry.connect();
    let asked = json!({"projects": ["acme/p00", "acme/p01", "acme/p02"], "repository": "main"});
    let import = start(&registry, &connection, &asked);
    registry.run_one_job();
    // The first project fails as often as it is tried; the others come after it each time.
    let first = registry.world.queue.borrow_mut().pop_front().unwrap();
    for _ in 0..8 {
        let down = Answer::new(502, "");
        registry.world.github.borrow_mut().refusals.push(down);
    }
    let others: Vec<_> = registry.world.queue.borrow_mut().drain(..).collect();
    registry.world.queue.borrow_mut().push_back(first);
    registry.run_jobs();
    registry.world.queue.borrow_mut().extend(others);
    registry.run_jobs();
    registry.assert_settled();
    let shown = show(&registry, &import);
    assert_eq!(shown["state"], "done");
    assert_eq!(shown["progress"]["refused"], 1);
    assert_eq!(shown["progress"]["added"], 2);
    assert!(
        shown["projects"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("api.github.com")
    );
}
