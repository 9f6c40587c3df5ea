//! Connections.

use serde_json::json;

use super::{ask, let_time_pass, lines, status};
use crate::support::faults::with_every_fault;
use crate::support::github::GITHUB_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// An imported project, its connection's address and the name that is typed again.
fn connected() -> (TestRegistry, String, String) {
    let registry = TestRegistry::imported();
    let id = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let path = format!("/connections/{id}");
    let account = ask(&registry, "GET", &path, &json!({})).json()["account"].clone();
    let name = format!("github {}", account.as_str().unwrap());
    (registry, path, name)
}

fn secrets(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select sealed_token || sealed_webhook_secret || coalesce(sealed_old_webhook_secret, '') from connections",
    )
}

fn hooks(registry: &TestRegistry) -> usize {
    registry.world.github.borrow().hooks.all.len()
}

#[test]
fn a_connection_with_packages_stands_until_somebody_says_what_becomes_of_them() {
    let (registry, path, name) = connected();
    for wrong in [
        json!({}),
        json!({"confirm": "github"}),
        json!({"confirm": name, "packages": "drop"}),
    ] {
        ask(&registry, "DELETE", &path, &wrong).expect(422);
    }
    let refused = ask(&registry, "DELETE", &path, &json!({"confirm": name}))
        .expect(409)
        .json();
    assert!(
        refused["detail"].as_str().unwrap().contains("`acme/lib`"),
        "{refused}"
    );
    assert_eq!(refused["code"], "in_use");
    ask(&registry, "GET", &path, &json!({})).expect(200);
    assert_eq!(hooks(&registry), 1);
}

#[test]
fn packages_of_a_deleted_connection_stay_as_they_are() {
    let (registry, path, name) = connected();
    let before = registry.contents();
    let keep = json!({"confirm": name, "packages": "keep"});
    ask(&registry, "DELETE", &path, &keep).expect(204);
    registry.run_jobs();
    assert_eq!(hooks(&registry), 0);
    assert_eq!(secrets(&registry), [""]);
    ask(&registry, "GET", &path, &json!({})).expect(404);
    let listed = ask(&registry, "GET", "/connections", &json!({})).json();
    assert_eq!(listed["connections"], json!([]));
    ask(&registry, "DELETE", &path, &keep).expect(204);
    assert_eq!(lines(&registry, "connection.deleted"), 1);
    assert_eq!(lines(&registry, "connection.updated"), 0);
    registry.push_tag("v1.2.0");
    registry.world.github.borrow_mut().seen.clear();
    registry.pass_time(7 * 60 * 60);
    let_time_pass(&registry);
    assert_eq!(registry.contents(), before);
    assert_eq!(
        registry.world.github.borrow().seen,
        Vec::<String>::new(),
        "nobody is asked"
    );
    let shown = registry.shown(PACKAGE);
    let trouble = shown["project"]["trouble"].as_str().unwrap();
    assert!(
        trouble.contains("was deleted on 2026-11-21; add the project through another one"),
        "{trouble}"
    );
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(status(&registry, &format!("/hooks/{id}")), 405);
    registry
        .with_token("x")
        .send("POST", &format!("/hooks/{id}"), &[], Vec::new())
        .expect(404);
    registry
        .with_token("x")
        .send("POST", &format!("/hooks/{id}/generic"), &[], Vec::new())
        .expect(404);
}

#[test]
fn a_kept_package_is_synced_again_through_another_connection() {
    let (registry, path, name) = connected();
    let keep = json!({"confirm": name, "packages": "keep"});
    ask(&registry, "DELETE", &path, &keep).expect(204);
    registry.run_jobs();
    registry.push_tag("v1.2.0");
    let made = ask(
        &registry,
        "POST",
        "/connections",
        &json!({"provider": "github", "token": GITHUB_TOKEN}),
    );
    let connection = made.expect(201).json()["id"].clone();
    let body = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    ask(&registry, "POST", "/packages", &body).expect(202);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(registry.versions(PACKAGE), ["v1.2.0", "v1.1.0", "v1.0.0"]);
    assert_eq!(registry.shown(PACKAGE)["project"]["trouble"], json!(null));
    assert_eq!(hooks(&registry), 1);
    registry.assert_settled();
}

#[test]
fn what_would_sync_a_kept_package_says_what_to_do_instead() {
    let (registry, path, name) = connected();
    let package = format!("/packages/{PACKAGE}");
    let version = format!("{package}/versions/v1.0.0");
    let confirmed = json!({"confirm": format!("{PACKAGE} v1.0.0")});
    ask(&registry, "DELETE", &version, &confirmed).expect(204);
    let keep = json!({"confirm": name, "packages": "keep"});
    ask(&registry, "DELETE", &path, &keep).expect(204);
    registry.run_jobs();
    let jobs = || registry.world.sqlite.texts("select id from jobs").len();
    let before = jobs();
    for (method, path, body) in [
        ("POST", format!("{package}/sync"), json!({})),
        ("PATCH", package.clone(), json!({"moved_tags": "follow"})),
        ("POST", format!("{version}/restore"), json!({})),
    ] {
        let refused = ask(&registry, method, &path, &body).expect(409).json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.contains("add its project `acme/lib-source` through another connection"),
            "{detail}"
        );
    }
    assert_eq!(jobs(), before);
    // What needs no host is changed as ever.
    ask(&registry, "PATCH", &package, &json!({"abandoned": true})).expect(200);
    registry.run_jobs();
}

#[test]
fn a_host_that_lets_no_hook_go_keeps_no_token_here() {
    let (registry, path, name) = connected();
    registry.world.github.borrow_mut().hooks.refusal =
        Some((403, r#"{"message":"No"}"#.to_owned()));
    ask(
        &registry,
        "DELETE",
        &path,
        &json!({"confirm": name, "packages": "keep"}),
    )
    .expect(204);
    registry.run_jobs();
    assert_eq!(secrets(&registry), [""]);
    assert_eq!(hooks(&registry), 1);
    assert!(
        registry
            .world
            .warnings()
            .iter()
            .any(|line| line.contains("The webhook of `acme/lib-source` is left at its host")),
        "{:?}",
        registry.world.warnings()
    );
}

#[test]
fn what_was_under_way_through_a_deleted_connection_ends_with_the_reason() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, _, job) = registry.import(PROJECT);
    registry.run_one_job();
    let path = format!("/connections/{connection}");
    let account = ask(&registry, "GET", &path, &json!({})).json()["account"].clone();
    let name = format!("github {}", account.as_str().unwrap());
    ask(
        &registry,
        "DELETE",
        &path,
        &json!({"confirm": name, "packages": "keep"}),
    )
    .expect(204);
    registry.run_jobs();
    let shown = ask(&registry, "GET", &format!("/jobs/{job}"), &json!({})).json();
    assert_eq!(shown["state"], "cancelled");
    assert!(
        shown["message"]
            .as_str()
            .unwrap()
            .contains("was deleted on"),
        "{shown}"
    );
    let_time_pass(&registry);
}

#[test]
fn a_deletion_of_a_connection_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || connected().0,
        |registry| {
            let id = registry
                .world
                .sqlite
                .texts("select id from connections")
                .remove(0);
            let account = registry
                .world
                .sqlite
                .texts("select account from connections")
                .remove(0);
            let body = json!({"confirm": format!("github {account}"), "packages": "keep"});
            let path = format!("/connections/{id}");
            if ask(registry, "DELETE", &path, &body).status() != 204 {
                ask(registry, "DELETE", &path, &body).expect(204);
            }
            registry.run_jobs();
            let_time_pass(registry);
        },
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(secrets(registry), [""]);
            assert_eq!(hooks(registry), 0);
            assert_eq!(lines(registry, "connection.deleted"), 1);
            registry.assert_settled();
        },
    );
}
