//! One webhook for an organisation or a group, and new projects that become packages by it.

use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::git_server::GIT_SERVER;
use crate::support::hosts::HOST_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";
const NEW: &str = "acme/new-source";

/// Sets the groups of the connection that there is; gives the answer.
fn set_groups(registry: &TestRegistry, groups: &Value) -> crate::support::persona::Answer {
    let ids = registry.world.sqlite.texts("select id from connections");
    let path = format!("{CONNECTIONS}/{}", ids[0]);
    registry.admin().patch(&path, &json!({ "groups": groups }))
}

fn adding() -> Value {
    json!([{"name": "acme", "repository": "main", "add_new": true}])
}

/// A registry with the hook of a group, and a project of it that nobody has told of.
fn with_group() -> TestRegistry {
    let registry = TestRegistry::imported();
    let shown = set_groups(&registry, &adding()).expect(200).json();
    assert_eq!(shown["groups"], adding());
    registry.run_jobs();
    add_project(&registry, Some(&json!({"name": "acme/new"})));
    registry
}

fn add_project(registry: &TestRegistry, composer_json: Option<&Value>) {
    let mut github = registry.world.github.borrow_mut();
    github.add_project(42, NEW);
    let text = composer_json.map(Value::to_string);
    let project = github.project(NEW);
    project.push("refs/heads/main", text.as_deref());
    project.push("refs/tags/v3.0.0", text.as_deref());
}

fn newest_delivery(registry: &TestRegistry) -> Value {
    registry.admin().get("/api/v1/orgs/acme/deliveries").json()["deliveries"][0].clone()
}

#[test]
fn the_hook_of_a_group_takes_the_place_of_those_of_its_projects() {
    let registry = with_group();
    assert_eq!(registry.hook_places(), ["github orgs acme"]);
    let hook = registry.shown(PACKAGE)["project"]["hook"].clone();
    assert_eq!(hook["state"], "group");
    assert_eq!(hook["group"], "acme");
    registry.push_tag("v1.2.0");
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let path = "/api/v1/orgs/acme/packages/acme/lib/hook";
    registry.admin().post(path, &json!({})).expect(409);

    // Set once more it is found again; taken away, the projects have their own.
    set_groups(&registry, &adding()).expect(200);
    registry.run_jobs();
    assert_eq!(registry.hook_places(), ["github orgs acme"]);
    let shown = set_groups(&registry, &json!([])).expect(200).json();
    assert_eq!(shown["groups"], json!([]));
    registry.run_jobs();
    assert_eq!(registry.hook_places(), ["github repositories 41"]);
}

#[test]
fn a_new_project_of_a_group_becomes_a_package() {
    let registry = with_group();
    let answer = registry
        .tell_of_push(42, NEW, "1")
        .remove(0)
        .expect(202)
        .json();
    assert_eq!(answer["result"], "accepted");
    let job = answer["job"].as_str().unwrap().to_owned();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions("acme/new"), ["v3.0.0"]);
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let job = registry.admin().get(&path).expect(200).json();
    assert_eq!(job["kind"], "sync");
    assert_eq!(job["state"], "done");
    assert_eq!(job["package"], "acme/new");
    assert_eq!(job["cause"], "webhook push");
    let shown = registry.shown("acme/new");
    assert_eq!(shown["project"]["hook"]["state"], "group");
    assert!(shown["project"]["last_heard_at"].is_string());
    assert_eq!(newest_delivery(&registry)["verdict"], "accepted");
}

#[test]
fn a_new_project_becomes_one_package_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let tell = || registry.tell_of_push(42, NEW, "1").remove(0);
        if tell().status() != 202 {
            tell().expect(202);
        }
        registry.run_jobs();
        registry.pass_time(200);
        registry.housekeep();
        registry.run_jobs();
    };
    with_every_fault(with_group, play, |registry, calm| {
        registry.assert_settled();
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions("acme/new"), ["v3.0.0"]);
    });
}

#[test]
fn what_is_no_package_is_ignored_with_the_reason() {
    for (composer_json, reason) in [
        (None, "has no composer.json"),
        (Some(json!({"description": "x"})), "has no valid `name`"),
        (Some(json!({"name": PACKAGE})), "from another source"),
        (Some(json!([])), "On `main` of `acme/new-source`"),
    ] {
        let registry = with_group();
        registry.world.github.borrow_mut().projects.remove(&42);
        add_project(&registry, composer_json.as_ref());
        registry.tell_of_push(42, NEW, "1").remove(0).expect(202);
        registry.run_jobs();
        registry.assert_settled();
        let delivery = newest_delivery(&registry);
        assert_eq!(delivery["verdict"], "ignored");
        let detail = delivery["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{detail}");
        let packages = registry.world.sqlite.texts("select name from packages");
        assert_eq!(packages, [PACKAGE]);
    }
}

#[test]
fn a_group_that_adds_nothing_ignores_what_is_new() {
    let registry = with_group();
    set_groups(&registry, &json!([{"name": "acme"}])).expect(200);
    registry.run_jobs();
    let answer = registry
        .tell_of_push(42, NEW, "1")
        .remove(0)
        .expect(202)
        .json();
    assert_eq!(
        answer["result"],
        "ignored: no package here is synced from this repository"
    );
    assert_eq!(answer["job"], json!(null));
    assert_eq!(newest_delivery(&registry)["verdict"], "ignored");
    registry.run_jobs();
}

#[test]
fn a_neighbour_whose_name_begins_alike_is_in_no_group() {
    let registry = with_group();
    set_groups(
        &registry,
        &json!([{"name": "ac_e", "repository": "main", "add_new": true}]),
    )
    .expect(200);
    registry.run_jobs();
    let ids = registry.world.sqlite.texts("select id from connections");
    assert_eq!(ids.len(), 1);
    // No hook of `acme` is left but the project's own, and `acme` is not `ac_e`.
    assert_eq!(
        registry.hook_places(),
        ["github orgs ac_e", "github repositories 41"]
    );
    assert_eq!(
        registry.shown(PACKAGE)["project"]["hook"]["state"],
        "registered"
    );
}

#[test]
fn where_groups_have_no_hooks_it_is_said() {
    let registry = TestRegistry::imported();
    registry.world.github.borrow_mut().hooks.refusal =
        Some((404, r#"{"message":"Not Found"}"#.to_owned()));
    let refused = set_groups(&registry, &adding()).expect(422).json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("admin:org_hook"), "{detail}");
    let groups = registry.world.sqlite.texts("select name from hook_groups");
    assert_eq!(groups, Vec::<String>::new());

    for (provider, token, base_url, words) in [
        ("gitlab", HOST_TOKEN, "", "GitLab Premium"),
        ("forgejo", HOST_TOKEN, "", "write:organization"),
        ("git", "", GIT_SERVER, "set one up by hand"),
    ] {
        let asked = json!({"provider": provider, "token": token, "base_url": base_url});
        let made = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        let path = format!("{CONNECTIONS}/{}", made["id"].as_str().unwrap());
        let asked = json!({ "groups": adding() });
        let refused = registry.admin().patch(&path, &asked).expect(422).json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn groups_are_checked_before_anything_is_asked() {
    let registry = TestRegistry::imported();
    registry.world.github.borrow_mut().seen.clear();
    for groups in [
        json!([{"name": ""}]),
        json!([{"name": "../x"}]),
        json!([{"name": "acme", "add_new": true}]),
        json!([{"name": "acme", "repository": "main"}]),
        json!([{"name": "acme", "repository": "unknown", "add_new": true}]),
        json!([{"name": "acme"}, {"name": "Acme"}]),
        json!([{"name": "acme", "colour": "red"}]),
    ] {
        set_groups(&registry, &groups).expect(422);
    }
    assert_eq!(registry.world.github.borrow().seen, Vec::<String>::new());
}
