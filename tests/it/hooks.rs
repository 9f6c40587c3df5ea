//! Webhooks: each says what became of it, and only a genuine one does anything.

use serde_json::json;

use crate::support::github::sign;
use crate::support::persona::Answer;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// A registry whose project was imported, with the path of its webhook and the secret.
fn connected() -> (TestRegistry, String, String) {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, secret, _) = registry.import(PROJECT);
    registry.run_jobs();
    (registry, format!("/hooks/{connection}"), secret)
}

fn deliver(
    registry: &TestRegistry,
    path: &str,
    event: &str,
    id: &str,
    signature: &str,
    body: &[u8],
) -> Answer {
    let headers = [
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", signature.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    registry
        .anonymous()
        .send("POST", path, &headers, body.to_vec())
}

fn body_of(id: u64) -> Vec<u8> {
    json!({"ref": "refs/heads/main", "repository": {"id": id, "full_name": PROJECT}})
        .to_string()
        .into_bytes()
}

/// Nothing was enqueued, and no other host was asked.
fn assert_idle(registry: &TestRegistry) {
    assert_eq!(registry.world.queue.borrow().len(), 0);
    assert_eq!(
        registry.world.calls(crate::support::world::Port::Outbound),
        0
    );
}

#[test]
fn a_ping_is_answered_and_recorded() {
    let (registry, path, secret) = connected();
    registry.world.forget_calls();
    let answer = deliver(&registry, &path, "ping", "1", &sign(&secret, b"{}"), b"{}").expect(200);
    assert_eq!(answer.json()["result"], "the provider tried the webhook");
    assert_idle(&registry);
    let deliveries = registry.admin().get("/api/v1/orgs/acme/deliveries").json();
    assert_eq!(deliveries["deliveries"][0]["event"], "ping");
    assert_eq!(deliveries["deliveries"][0]["verdict"], "ignored");
}

#[test]
fn a_push_leads_to_an_import_of_what_changed_and_asks_nobody_meanwhile() {
    let (registry, path, secret) = connected();
    registry.push_tag("v1.2.0");
    registry.world.forget_calls();
    let body = body_of(41);
    let answer = deliver(&registry, &path, "push", "1", &sign(&secret, &body), &body).expect(202);
    assert_eq!(answer.json()["result"], "accepted");
    assert_eq!(
        registry.world.calls(crate::support::world::Port::Outbound),
        0
    );
    registry.world.github.borrow_mut().seen.clear();
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let seen = registry.world.github.borrow().seen.clone();
    let archives = seen.iter().filter(|one| one.ends_with(" 302")).count();
    assert_eq!(archives, 1, "{seen:?}");
    let job = answer.json()["job"].as_str().unwrap().to_owned();
    let job = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/jobs/{job}"))
        .expect(200)
        .json();
    assert_eq!(job["state"], "done");
    assert_eq!(job["cause"], "webhook push");
    assert_eq!(job["progress"]["imported"], 1);
    assert_eq!(job["progress"]["unchanged"], 3);
}

#[test]
fn a_forged_delivery_does_nothing() {
    let (registry, path, secret) = connected();
    let body = body_of(41);
    registry.world.forget_calls();
    let good = sign(&secret, &body);
    let other = body_of(42);
    for signature in [
        "",
        "sha256=",
        "sha256=00",
        &sign("other", &body),
        &sign(&secret, &other),
        good.trim_start_matches("sha256="),
        &good[..good.len() - 1],
    ] {
        let answer = deliver(&registry, &path, "push", "1", signature, &body).expect(401);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    assert_idle(&registry);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select verdict from deliveries"),
        ["refused"],
        "strangers get one row, however often they try"
    );
    // The id of a forged delivery is not used up.
    deliver(&registry, &path, "push", "1", &good, &body).expect(202);
    registry.run_jobs();
}

#[test]
fn a_replay_does_nothing() {
    let (registry, path, secret) = connected();
    let body = body_of(41);
    let signature = sign(&secret, &body);
    deliver(&registry, &path, "push", "1", &signature, &body).expect(202);
    registry.run_jobs();
    let jobs = registry.world.sqlite.texts("select id from jobs");
    registry.world.forget_calls();
    let answer = deliver(&registry, &path, "push", "1", &signature, &body)
        .expect(202)
        .json();
    assert_eq!(
        answer["result"],
        "duplicate: this delivery was received before"
    );
    assert_idle(&registry);
    assert_eq!(registry.world.sqlite.texts("select id from jobs"), jobs);
}

#[test]
fn deliveries_that_come_before_the_job_begins_share_it() {
    let (registry, path, secret) = connected();
    let body = body_of(41);
    let signature = sign(&secret, &body);
    let first = deliver(&registry, &path, "push", "1", &signature, &body).json();
    registry.world.forget_calls();
    let second = deliver(&registry, &path, "push", "2", &signature, &body).json();
    assert_eq!(first["job"], second["job"]);
    assert_eq!(
        registry.world.calls(crate::support::world::Port::Db),
        1,
        "a burst costs one round of storage for each delivery"
    );
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.world.sqlite.texts("select id from jobs").len(), 2);
}

#[test]
fn an_oversized_delivery_is_refused_unread() {
    let (registry, path, secret) = connected();
    let body = vec![b' '; 25 * 1024 * 1024 + 1];
    registry.world.forget_calls();
    deliver(&registry, &path, "push", "1", &sign(&secret, &body), &body).expect(413);
    let declared = [("content-length", "99999999999".to_owned())];
    registry
        .anonymous()
        .send("POST", &path, &declared, Vec::new())
        .expect(413);
    assert_idle(&registry);
    assert_eq!(
        registry.world.sqlite.texts("select id from deliveries"),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_none_of_our_business_is_accepted_and_says_why() {
    let (registry, path, secret) = connected();
    registry.world.forget_calls();
    let unknown = body_of(42);
    let note =
        json!({"ref": "refs/notes/x", "repository": {"id": 41, "full_name": PROJECT}}).to_string();
    for (id, event, body, result) in [
        (
            "1",
            "push",
            unknown.as_slice(),
            "ignored: no package here is synced from this repository",
        ),
        (
            "2",
            "issues",
            b"{}".as_slice(),
            "`issues` events say nothing about tags or branches",
        ),
        (
            "3",
            "push",
            note.as_bytes(),
            "the pushed ref is neither tag nor branch",
        ),
    ] {
        let answer = deliver(&registry, &path, event, id, &sign(&secret, body), body).expect(202);
        assert_eq!(answer.json()["result"], result);
        assert_eq!(answer.json()["job"], json!(null));
    }
    assert_idle(&registry);
}

#[test]
fn what_cannot_be_told_apart_or_read_is_refused() {
    let (registry, path, secret) = connected();
    let body = body_of(41);
    let signature = sign(&secret, &body);
    deliver(&registry, &path, "push", "", &signature, &body).expect(422);
    deliver(
        &registry,
        &path,
        "push",
        &"x".repeat(201),
        &signature,
        &body,
    )
    .expect(422);
    deliver(&registry, &path, "push", "1", &sign(&secret, b"[]"), b"[]").expect(422);
    deliver(&registry, "/hooks/unknown", "push", "1", &signature, &body).expect(404);
    registry.anonymous().get(&path).expect(405);
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn a_secret_opens_its_own_connection_only() {
    let (registry, path, _) = connected();
    let (_, other) = registry.connect();
    let body = body_of(41);
    deliver(&registry, &path, "push", "1", &sign(&other, &body), &body).expect(401);
}

#[test]
fn a_project_that_was_renamed_keeps_its_package() {
    let (registry, path, secret) = connected();
    registry
        .world
        .github
        .borrow_mut()
        .project(PROJECT)
        .full_name = "acme/renamed".to_owned();
    let body = json!({"action": "renamed", "repository": {"id": 41, "full_name": "acme/renamed"}})
        .to_string();
    deliver(
        &registry,
        &path,
        "repository",
        "1",
        &sign(&secret, body.as_bytes()),
        body.as_bytes(),
    )
    .expect(202);
    registry.run_jobs();
    let package = registry
        .admin()
        .get("/api/v1/orgs/acme/packages/acme/lib")
        .expect(200)
        .json();
    assert_eq!(package["project"]["full_name"], "acme/renamed");
    let version = registry.composer_metadata(PACKAGE).remove(0);
    assert_eq!(
        version["source"]["url"],
        "https://github.com/acme/renamed.git"
    );
}

#[test]
fn an_archived_project_is_abandoned() {
    let (registry, path, secret) = connected();
    registry
        .world
        .github
        .borrow_mut()
        .project(PROJECT)
        .is_archived = true;
    let body =
        json!({"action": "archived", "repository": {"id": 41, "full_name": PROJECT}}).to_string();
    deliver(
        &registry,
        &path,
        "repository",
        "1",
        &sign(&secret, body.as_bytes()),
        body.as_bytes(),
    )
    .expect(202);
    registry.run_jobs();
    assert_eq!(registry.composer_metadata(PACKAGE)[0]["abandoned"], true);
}

#[test]
fn a_form_is_verified_as_it_was_sent_and_read_after() {
    let (registry, path, secret) = connected();
    registry.push_tag("v1.2.0");
    let form = format!(
        "payload=%7B%22ref%22%3A%22refs%2Ftags%2Fv1.2.0%22%2C+%22after%22%3A%22{}%22%2C\
         %22repository%22%3A%7B%22id%22%3A41%2C%22full_name%22%3A%22acme%2Flib-source%22%7D%7D",
        "0".repeat(64)
    );
    let send = |id: &str, signed: &[u8]| {
        let headers = [
            ("x-github-event", "push".to_owned()),
            ("x-github-delivery", id.to_owned()),
            ("x-hub-signature-256", sign(&secret, signed)),
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        let body = form.clone().into_bytes();
        registry.anonymous().send("POST", &path, &headers, body)
    };
    let decoded = form.replace("%22", "\"").replace('+', " ");
    send("1", decoded.as_bytes()).expect(401);
    let answer = send("1", form.as_bytes()).expect(202).json();
    assert_eq!(answer["result"], "accepted");
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
}
