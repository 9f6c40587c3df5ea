use serde_json::{Value, json};

use crate::support::persona::{Answer, Persona};
use crate::support::{ADMIN, TestRegistry, isolate};

const TOKENS: &str = "/api/v1/orgs/acme/tokens";

fn post(persona: &Persona<'_>, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("idempotency-key", key.to_owned())];
    persona.send("POST", path, &headers, body.to_string().into_bytes())
}

fn token(name: &str) -> Value {
    json!({"name": name, "access": "read"})
}

fn names(registry: &TestRegistry) -> Vec<String> {
    registry
        .world
        .sqlite
        .texts("select name from tokens where organisation_id is not null order by rowid")
}

#[test]
fn a_request_that_is_sent_twice_is_done_once_and_answered_twice() {
    let registry = TestRegistry::new();
    let first = post(&registry.admin(), TOKENS, "k1", &token("ci")).expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    // Another isolate, as a retry as a rule comes to one.
    let elsewhere = isolate(&registry.world);
    let again = post(
        &Persona::new(&elsewhere, Some(ADMIN)),
        TOKENS,
        "k1",
        &token("ci"),
    )
    .expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("content-type"), Some("application/json"));
    assert_eq!(again.bytes(), first.bytes());
    assert_eq!(names(&registry), ["ci"]);
    post(&registry.admin(), TOKENS, "k2", &token("ci")).expect(201);
    assert_eq!(names(&registry), ["ci", "ci"]);
}

#[test]
fn a_key_belongs_to_one_request_of_one_caller() {
    let registry = TestRegistry::new();
    post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    let refused = post(&registry.admin(), TOKENS, "k", &token("other")).expect(422);
    assert_eq!(refused.json()["code"], "idempotency_key_reused");
    let other_path = "/api/v1/orgs/acme/repositories";
    post(
        &registry.admin(),
        other_path,
        "k",
        &json!({"slug": "second"}),
    )
    .expect(201);
    let machine = registry.make_token(&json!({"name": "machine", "access": "admin"}));
    let made = post(
        &registry.with_token(&machine),
        TOKENS,
        "k",
        &token("theirs"),
    )
    .expect(201);
    assert_eq!(made.header("idempotent-replayed"), None);
    for bad in ["", "schlüssel", &"k".repeat(256)] {
        let refused = post(&registry.admin(), TOKENS, bad, &token("x")).expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], "Idempotency-Key:");
    }
    post(&registry.admin(), TOKENS, &"k".repeat(255), &token("x")).expect(201);
}

#[test]
fn what_was_refused_may_be_sent_again_once_it_can_be_done() {
    let registry = TestRegistry::new();
    let asked = json!({"name": "ci", "access": "read", "repositories": ["second"]});
    post(&registry.admin(), TOKENS, "k", &asked).expect(422);
    let repositories = "/api/v1/orgs/acme/repositories";
    registry
        .admin()
        .post(repositories, &json!({"slug": "second"}))
        .expect(201);
    post(&registry.admin(), TOKENS, "k", &asked).expect(201);
}

#[test]
fn who_dies_over_a_request_holds_its_key_for_a_while_only() {
    let registry = TestRegistry::new();
    post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    registry.change("update idempotency_keys set answer = null");
    let waits = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(409);
    assert_eq!(waits.json()["code"], "idempotency_key_in_use");
    assert_eq!(waits.header("retry-after"), Some("2"));
    registry.pass_time(5 * 60);
    // Still another request's.
    post(&registry.admin(), TOKENS, "k", &token("other")).expect(422);
    let made = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    assert_eq!(made.header("idempotent-replayed"), None);
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let registry = TestRegistry::new();
    post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    registry.pass_time(24 * 60 * 60 - 1);
    let again = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    registry.pass_time(1);
    post(&registry.admin(), TOKENS, "k", &token("other")).expect(201);
    registry.pass_time(24 * 60 * 60);
    registry.housekeep();
    let kept = registry
        .world
        .sqlite
        .texts("select key from idempotency_keys");
    assert_eq!(kept, Vec::<String>::new());
}

#[test]
fn an_answer_that_shows_a_secret_is_kept_sealed_and_for_its_caller_alone() {
    let registry = TestRegistry::new();
    let made = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    let secret = made.json()["token"].as_str().unwrap().to_owned();
    let rows = registry.world.sqlite.texts(
        "select caller || key || fingerprint || coalesce(answer, '-') from idempotency_keys",
    );
    assert!(!rows[0].ends_with('-') && !rows[0].contains(&secret));
    // Moved to another row it opens nothing.
    post(&registry.admin(), TOKENS, "k2", &token("ci")).expect(201);
    registry.change(
        "update idempotency_keys set answer = (select answer from idempotency_keys where key = 'k') where key = 'k2'",
    );
    post(&registry.admin(), TOKENS, "k2", &token("ci")).expect(500);
}
