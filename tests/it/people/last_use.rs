//! When a token was last used: noticed without a write, and told after the answer.

use pollster::block_on;
use repertoire::app::App;
use repertoire::http::{finish, is_unfinished};
use repertoire::store::token_uses::TELL_EVERY;
use serde_json::{Value, json};

use super::text;
use crate::support::persona::Persona;
use crate::support::world::Port;
use crate::support::{TestRegistry, isolate};

const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
const TOKENS: &str = "/api/v1/orgs/acme/tokens";

fn made(registry: &TestRegistry) -> (String, String) {
    let asked = json!({"name": "ci", "access": "read"});
    let made = registry.admin().post(TOKENS, &asked).expect(201).json();
    (text(&made["id"]), text(&made["token"]))
}

fn ask(app: &App, token: &str, address: &str, agent: &str) {
    let headers = [
        ("cf-connecting-ip", address.to_owned()),
        ("user-agent", agent.to_owned()),
    ];
    Persona::new(app, Some(token))
        .send("GET", TAGGED, &headers, Vec::new())
        .expect(200);
}

fn last_used(registry: &TestRegistry, id: &str) -> Value {
    let shown = registry.admin().get(&format!("{TOKENS}/{id}"));
    shown.expect(200).json()["last_used"].clone()
}

#[test]
fn a_use_is_noticed_without_a_call_and_told_once_in_some_minutes() {
    let registry = TestRegistry::imported();
    let (id, token) = made(&registry);
    let app = isolate(&registry.world);
    let agent = "Composer/2.9.1 (Linux; PHP 8.3.6)";
    ask(&app, &token, "192.0.2.1", agent);
    assert!(is_unfinished(&app));
    block_on(finish(&app));
    registry.world.forget_calls();
    for _ in 0..50 {
        ask(&app, &token, "192.0.2.1", agent);
        assert!(!is_unfinished(&app));
    }
    // Not even the queue: nobody waits for anything.
    assert_eq!(registry.world.effects.borrow().len(), 0);
    registry.run_jobs();
    let at = repertoire::domain::time::rfc3339(registry.world.now.get());
    assert_eq!(
        last_used(&registry, &id),
        json!({"at": at, "address": "192.0.2.1", "client": "Composer/2.9.1"})
    );
    registry.pass_time(TELL_EVERY - 1);
    ask(&app, &token, "192.0.2.2", "curl/8.5");
    assert!(!is_unfinished(&app));
    registry.pass_time(1);
    ask(&app, &token, "192.0.2.2", "curl/8.5");
    // The answer was there before the queue was asked.
    assert_eq!(registry.world.calls(Port::Queue), 0);
    block_on(finish(&app));
    assert_eq!(registry.world.calls(Port::Queue), 1);
    registry.run_jobs();
    assert_eq!(last_used(&registry, &id)["client"], "curl/8.5");
}

#[test]
fn the_newest_use_stays_whatever_order_they_come_in() {
    let registry = TestRegistry::imported();
    let (id, token) = made(&registry);
    let (one, other) = (isolate(&registry.world), isolate(&registry.world));
    ask(&one, &token, "192.0.2.1", "first/1");
    registry.pass_time(1);
    ask(&other, &token, "192.0.2.2", "second/1");
    block_on(finish(&other));
    block_on(finish(&one));
    let message = registry.world.queue.borrow()[0].clone();
    registry.world.queue.borrow_mut().push_back(message);
    registry.run_jobs();
    assert_eq!(last_used(&registry, &id)["client"], "second/1");
}

#[test]
fn a_use_that_could_not_be_told_is_told_with_the_next() {
    let registry = TestRegistry::imported();
    let (id, token) = made(&registry);
    let app = isolate(&registry.world);
    ask(&app, &token, "192.0.2.1", "first/1");
    registry
        .world
        .plan_fault(Some(crate::support::world::Fault {
            call: 0,
            flavour: crate::support::world::Flavour::Before,
        }));
    block_on(finish(&app));
    assert!(registry.world.warnings()[0].contains("could not be told"));
    assert_eq!(last_used(&registry, &id), json!(null));
    ask(&app, &token, "192.0.2.1", "second/1");
    block_on(finish(&app));
    registry.run_jobs();
    assert_eq!(last_used(&registry, &id)["client"], "second/1");
}

#[test]
fn a_token_that_was_refused_was_not_used() {
    let registry = TestRegistry::imported();
    let asked = json!({"name": "ci", "access": "read", "networks": ["192.0.2.0/24"]});
    let made = registry.admin().post(TOKENS, &asked).expect(201).json();
    let app = isolate(&registry.world);
    Persona::new(&app, made["token"].as_str())
        .get_with(TAGGED, "cf-connecting-ip", "203.0.113.1")
        .expect(404);
    Persona::new(&app, Some("unknown-token"))
        .get(TAGGED)
        .expect(401);
    Persona::new(&app, None).get(TAGGED).expect(401);
    assert!(!is_unfinished(&app));
}
