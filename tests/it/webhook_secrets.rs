//! Secrets of webhooks that are replaced while deliveries go on.

use pollster::block_on;
use repertoire::jobs;
use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github::sign;
use crate::support::github_app::{add_app, text};
use crate::support::persona::Persona;
use crate::support::{PROJECT, TestRegistry, isolate};

fn ask(registry: &TestRegistry, method: &str, path: &str, body: &Value) -> Value {
    let path = format!("/api/v1/orgs/acme{path}");
    let answer = registry
        .admin()
        .send(method, &path, &[], body.to_string().into());
    assert!(answer.status() < 300, "{}", answer.status());
    serde_json::from_slice(&answer.bytes()).unwrap_or_default()
}

/// The status of a delivery that is signed with a secret.
fn deliver(persona: &Persona<'_>, address: &str, secret: &str) -> u16 {
    let body = json!({"ref": "refs/heads/main", "repository": {"id": 41, "full_name": PROJECT}});
    let body = body.to_string().into_bytes();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-github-event", "push".to_owned()),
        (
            "x-github-delivery",
            format!("{}", body.len() + secret.len()),
        ),
        ("x-hub-signature-256", sign(secret, &body)),
    ];
    persona.send("POST", address, &headers, body).status()
}

fn imported() -> (TestRegistry, String, String) {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, secret, _) = registry.import(PROJECT);
    registry.run_jobs();
    (registry, connection, secret)
}

fn secret_at_host(registry: &TestRegistry) -> String {
    let github = registry.world.github.borrow();
    text(&github.hooks.all[0].body["config"]["secret"])
}

#[test]
fn both_secrets_are_good_for_a_day_and_the_host_is_given_the_new_one() {
    let (registry, connection, old) = imported();
    let address = format!("/hooks/{connection}");
    // Another isolate that remembers the connection as it was.
    let other = isolate(&registry.world);
    let other = Persona::new(&other, None);
    assert_eq!(deliver(&other, &address, &old), 202);
    registry.pass_time(2);
    let rotated = ask(
        &registry,
        "POST",
        &format!("/connections/{connection}/webhook-secret"),
        &json!({}),
    );
    let new = text(&rotated["secret"]);
    assert_ne!(new, old);
    assert_eq!(rotated["hooks"], 1);
    assert_eq!(rotated["old_until"], "2026-11-22T20:30:02+00:00");
    assert_eq!(rotated["by_hand"], json!([]));
    let nobody = registry.anonymous();
    for secret in [&old, &new] {
        assert_eq!(deliver(&nobody, &address, secret), 202);
        assert_eq!(deliver(&other, &address, secret), 202);
        let generic = format!("{address}/generic");
        let body = json!({"project": {"id": "41"}}).to_string().into_bytes();
        let headers = [("content-type", "application/json".to_owned())];
        registry
            .with_token(secret)
            .send("POST", &generic, &headers, body)
            .expect(202);
    }
    assert_eq!(deliver(&nobody, &address, "another secret altogether"), 401);
    assert_eq!(secret_at_host(&registry), old);
    registry.run_jobs();
    assert_eq!(secret_at_host(&registry), new);
    // It is shown once.
    let shown = ask(
        &registry,
        "GET",
        &format!("/connections/{connection}"),
        &json!({}),
    );
    assert!(!shown.to_string().contains(&new));
    registry.pass_time(24 * 60 * 60);
    assert_eq!(deliver(&nobody, &address, &old), 401);
    assert_eq!(deliver(&nobody, &address, &new), 202);
    block_on(jobs::housekeep(&registry.app));
    let kept = "select id from connections where sealed_old_webhook_secret is not null";
    assert_eq!(registry.world.sqlite.texts(kept), Vec::<String>::new());
    let lines = "select action from audit where action = 'connection.webhook_secret_rotated'";
    assert_eq!(registry.world.sqlite.texts(lines).len(), 1);
}

#[test]
fn the_secret_of_before_can_be_ended_at_once() {
    let (registry, connection, old) = imported();
    let address = format!("/hooks/{connection}");
    let path = format!("/connections/{connection}/webhook-secret");
    let second = text(&ask(&registry, "POST", &path, &json!({"overlap_hours": 0}))["secret"]);
    assert_eq!(deliver(&registry.anonymous(), &address, &old), 401);
    let third = text(&ask(&registry, "POST", &path, &json!({"overlap_hours": 1}))["secret"]);
    assert_eq!(deliver(&registry.anonymous(), &address, &second), 202);
    ask(&registry, "DELETE", &format!("{path}/old"), &json!({}));
    assert_eq!(deliver(&registry.anonymous(), &address, &second), 401);
    assert_eq!(deliver(&registry.anonymous(), &address, &third), 202);
    registry.run_jobs();
    for hours in [-1, 169] {
        let body = json!({"overlap_hours": hours}).to_string().into_bytes();
        let path = format!("/api/v1/orgs/acme{path}");
        registry.admin().send("POST", &path, &[], body).expect(422);
    }
}

#[test]
fn a_host_that_takes_no_new_secret_now_is_given_it_later() {
    let (registry, connection, old) = imported();
    registry.world.github.borrow_mut().hooks.refusal = Some((502, String::new()));
    let path = format!("/connections/{connection}/webhook-secret");
    let new = text(&ask(&registry, "POST", &path, &json!({}))["secret"]);
    registry.run_one_job();
    assert_eq!(secret_at_host(&registry), old);
    registry.world.github.borrow_mut().hooks.refusal = None;
    registry.run_jobs();
    assert_eq!(secret_at_host(&registry), new);
}

#[test]
fn the_secret_of_a_github_app_is_replaced_at_github_as_well() {
    let registry = crate::support::github_app::installed();
    let app = add_app(&registry);
    let (id, old) = (text(&app["id"]), text(&app["webhook"]["secret"]));
    let rotated = ask(
        &registry,
        "POST",
        &format!("/github-apps/{id}/webhook-secret"),
        &json!({}),
    );
    let new = text(&rotated["secret"]);
    assert_eq!(rotated["by_hand"], json!([]));
    let config = registry.world.github.borrow().app.hook_secret.clone();
    assert_eq!(config.as_ref(), Some(&new));
    let address = format!("/hooks/{id}");
    for secret in [&old, &new] {
        assert_eq!(deliver(&registry.anonymous(), &address, secret), 202);
    }
    ask(
        &registry,
        "DELETE",
        &format!("/github-apps/{id}/webhook-secret/old"),
        &json!({}),
    );
    assert_eq!(deliver(&registry.anonymous(), &address, &old), 401);
    assert_eq!(deliver(&registry.anonymous(), &address, &new), 202);
}

#[test]
fn a_rotation_loses_no_delivery_whatever_fails() {
    with_every_fault(
        || imported().0,
        |registry| {
            let id = registry
                .world
                .sqlite
                .texts("select id from connections")
                .remove(0);
            let path = format!("/api/v1/orgs/acme/connections/{id}/webhook-secret");
            let send = || registry.admin().send("POST", &path, &[], b"{}".to_vec());
            if send().status() != 200 {
                send().expect(200);
            }
            registry.run_jobs();
            registry.pass_time(1);
            let path = "/api/v1/orgs/acme/packages/acme/lib/sync";
            let sync = || registry.admin().send("POST", path, &[], Vec::new());
            if sync().status() != 202 {
                sync().expect(202);
            }
            registry.run_jobs();
        },
        |registry, _| {
            registry.assert_settled();
            // Whatever the host signs with now is good.
            let id = registry
                .world
                .sqlite
                .texts("select id from connections")
                .remove(0);
            let secret = secret_at_host(registry);
            assert_eq!(
                deliver(&registry.anonymous(), &format!("/hooks/{id}"), &secret),
                202
            );
            registry.run_jobs();
        },
    );
}
