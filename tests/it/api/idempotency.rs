use repertoire::http::handle;
use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github::GITHUB_TOKEN;
use crate::support::interleave::Run;
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
    registry.change("update idempotency_keys set answer = null, changed_at = null");
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

#[test]
fn what_changed_something_and_has_no_answer_is_never_made_again() {
    let registry = TestRegistry::new();
    post(&registry.admin(), TOKENS, "k", &token("ci")).expect(201);
    // Whoever answered died over it, after the change.
    registry.change("update idempotency_keys set answer = null");
    let waits = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(409);
    assert_eq!(waits.json()["code"], "idempotency_key_in_use");
    registry.pass_time(5 * 60);
    for _ in 0..2 {
        let unknown = post(&registry.admin(), TOKENS, "k", &token("ci")).expect(409);
        assert_eq!(unknown.json()["code"], "idempotency_outcome_unknown");
        assert_eq!(unknown.header("retry-after"), None);
    }
    assert_eq!(names(&registry), ["ci"]);
    post(&registry.admin(), TOKENS, "another", &token("ci")).expect(201);
}

#[test]
fn who_takes_longer_than_his_turn_makes_nothing() {
    let slow = || {
        let registry = TestRegistry::new();
        let headers = [("idempotency-key", "k".to_owned())];
        let body = token("ci").to_string().into_bytes();
        let request = registry.admin().request("POST", TOKENS, &headers, body);
        (registry, request)
    };
    for calls in 1.. {
        let (registry, request) = slow();
        registry.world.gives_way.set(true);
        let mut first = Run::new(handle(&registry.app, request));
        let is_through = first.steps(calls);
        registry.world.gives_way.set(false);
        if is_through {
            break;
        }
        registry.pass_time(5 * 60);
        let elsewhere = isolate(&registry.world);
        let second = Persona::new(&elsewhere, Some(ADMIN));
        let second = post(&second, TOKENS, "k", &token("ci"));
        let first = first.finish().status;
        let statuses = (first, second.status());
        assert!(
            [(409, 201), (201, 409), (201, 201)].contains(&statuses),
            "{statuses:?}"
        );
        assert_eq!(names(&registry), ["ci"], "after {calls} calls");
    }
}

/// Sends a request with a key until the answer says that this is worth nothing any more; gives the last status and code.
fn insist(registry: &TestRegistry, path: &str, body: &Value) -> (u16, Value) {
    for _ in 0..4 {
        let answer = post(&registry.admin(), path, "k", body);
        let code = if answer.status() < 400 {
            Value::Null
        } else {
            answer.json()["code"].clone()
        };
        if answer.status() < 400 || code == "idempotency_outcome_unknown" {
            return (answer.status(), code);
        }
        registry.pass_time(5 * 60);
    }
    panic!("it was never answered");
}

#[test]
fn a_key_never_makes_a_thing_twice_whatever_fails() {
    let terms = json!({"name": "All", "items": [{"packages": ["acme/*"]}]});
    let connection = json!({"provider": "github", "token": GITHUB_TOKEN});
    for (path, body, count) in [
        (
            TOKENS,
            token("ci"),
            "select count(*) from tokens where name = 'ci'",
        ),
        (
            "/api/v1/orgs/acme/customers",
            json!({"name": "Globex"}),
            "select count(*) from customers",
        ),
        (
            "/api/v1/orgs/acme/collections",
            terms,
            "select count(*) from collections",
        ),
        (
            "/api/v1/orgs/acme/connections",
            connection,
            "select count(*) from connections",
        ),
        (
            "/api/v1/orgs/acme/repositories",
            json!({"slug": "second"}),
            "select count(*) from repositories where slug = 'second'",
        ),
        (
            "/api/v1/orgs/acme/packages/acme/lib/sync",
            json!({}),
            "select count(*) from jobs where cause = 'by hand'",
        ),
    ] {
        with_every_fault(
            || {
                if path.ends_with("/sync") {
                    TestRegistry::imported()
                } else {
                    TestRegistry::new()
                }
            },
            |registry| {
                let (status, code) = insist(registry, path, &body);
                let made = registry.world.sqlite.texts(count);
                // A sync first has the project looked at again; whoever is told to look may find no job after that.
                let is_half_done = status == 409 && path.ends_with("/sync") && made == ["0"];
                assert!(is_half_done || made == ["1"], "{made:?} {status} {code}");
                registry.run_jobs();
            },
            |_, _| {},
        );
    }
}
