//! Bandwidth: added up without a write, told some minutes late, and held.

use pollster::block_on;
use repertoire::app::App;
use repertoire::http::{finish, is_unfinished};
use repertoire::store::bandwidth::TELL_EVERY;
use serde_json::{Value, json};

use super::{change, text, used};
use crate::support::persona::Persona;
use crate::support::world::{Fault, Flavour, Port};
use crate::support::{ADMIN, PACKAGE, TestRegistry, isolate};

fn archive(registry: &TestRegistry) -> (String, i64) {
    let entry = Value::Object(registry.composer_metadata(PACKAGE)[0].clone());
    let path = crate::support::shop::archive(&entry);
    let size = registry.admin().send("HEAD", &path, &[], Vec::new());
    let size = size.header("content-length").unwrap().parse().unwrap();
    (path, size)
}

/// An isolate that has told that its token was used.
fn warm(registry: &TestRegistry) -> App {
    let app = isolate(&registry.world);
    Persona::new(&app, Some(ADMIN))
        .get("/r/acme/main/packages.json")
        .expect(200);
    block_on(finish(&app));
    registry.run_jobs();
    app
}

#[test]
fn archives_are_added_up_without_a_call_and_told_once_in_some_minutes() {
    let registry = TestRegistry::imported();
    let (path, size) = archive(&registry);
    let app = warm(&registry);
    let admin = Persona::new(&app, Some(ADMIN));
    admin.get(&path).expect(200);
    assert!(is_unfinished(&app));
    block_on(finish(&app));
    registry.run_jobs();
    assert_eq!(used(&registry, "bandwidth").0, size);
    registry.world.forget_calls();
    for _ in 0..3 {
        admin.get(&path).expect(200);
        assert!(!is_unfinished(&app));
    }
    assert_eq!(
        registry.world.calls(Port::Db) + registry.world.calls(Port::Queue),
        0
    );
    // A part counts as a part; what sends nothing counts for nothing.
    admin.get_with(&path, "range", "bytes=0-9").expect(206);
    admin
        .get_with(&path, "range", "bytes=99999999-")
        .expect(416);
    admin.send("HEAD", &path, &[], Vec::new()).expect(200);
    let tag = admin
        .get_with(&path, "range", "bytes=0-0")
        .header("etag")
        .unwrap()
        .to_owned();
    admin.get_with(&path, "if-none-match", &tag).expect(304);
    registry.pass_time(TELL_EVERY);
    assert!(is_unfinished(&app));
    block_on(finish(&app));
    // The same message twice counts once.
    let again = registry.world.queue.borrow()[0].clone();
    registry.world.queue.borrow_mut().push_back(again);
    registry.run_jobs();
    assert_eq!(used(&registry, "bandwidth").0, 4 * size + 11);
    let usage = registry.admin().get("/api/v1/orgs/acme/usage").json();
    assert_eq!(
        usage["months"],
        json!([{"month": "2026-11", "bandwidth": 4 * size + 11, "bandwidth_below": 0}])
    );
}

#[test]
fn what_cannot_be_told_is_told_later() {
    let registry = TestRegistry::imported();
    let (path, size) = archive(&registry);
    let app = warm(&registry);
    Persona::new(&app, Some(ADMIN)).get(&path).expect(200);
    for call in 0..2 {
        let flavour = Flavour::Before;
        registry.world.plan_fault(Some(Fault { call, flavour }));
        block_on(finish(&app));
        assert!(
            registry
                .world
                .warnings()
                .last()
                .unwrap()
                .contains("could not be told")
        );
    }
    block_on(finish(&app));
    registry.run_jobs();
    assert_eq!(used(&registry, "bandwidth").0, size);
}

#[test]
fn who_has_served_enough_serves_no_archives_until_the_next_month() {
    let registry = TestRegistry::imported();
    let (path, size) = archive(&registry);
    let app = warm(&registry);
    let buyer = registry.buyer_with(&json!({}));
    let reader = Persona::new(&app, Some(&buyer.token));
    change(
        &registry,
        &json!({"contact": "Write to help@acme.example", "quotas": {"bandwidth": size + size / 10}}),
    );
    reader.get(&path).expect(200);
    block_on(finish(&app));
    registry.run_jobs();
    assert_eq!(used(&registry, "bandwidth").2, "near");
    registry.pass_time(TELL_EVERY);
    reader.get(&path).expect(200);
    block_on(finish(&app));
    registry.run_jobs();
    assert_eq!(used(&registry, "bandwidth").2, "reached");
    registry.pass_time(5);
    let refused = reader.get(&path).expect(403);
    assert_eq!(refused.header("content-type"), Some("application/json"));
    let told = text(&refused.json()["warning"]);
    assert!(
        told.contains("bandwidth") && told.ends_with("Write to help@acme.example"),
        "{told}"
    );
    // What costs nothing goes on.
    reader.get("/r/acme/main/p2/acme/lib.json").expect(200);
    reader.send("HEAD", &path, &[], Vec::new()).expect(200);
    // Nobody learns of what he may not see.
    let none = path.replace(PACKAGE, "acme/none");
    reader.get(&none).expect(404);
    change(&registry, &json!({"quotas": {"bandwidth": size * 100}}));
    registry.pass_time(5);
    reader.get(&path).expect(200);
    change(&registry, &json!({"quotas": {"bandwidth": 1}}));
    registry.pass_time(5);
    reader.get(&path).expect(403);
    // NOW is the 21st of November.
    registry.pass_time(10 * 24 * 60 * 60);
    reader.get(&path).expect(200);
    block_on(finish(&app));
    registry.run_jobs();
    let usage = registry.admin().get("/api/v1/orgs/acme/usage").json();
    assert_eq!(usage["months"][0]["month"], "2026-12");
    assert_eq!(usage["months"][1]["month"], "2026-11");
}

#[test]
fn those_below_count_for_the_quota_above() {
    let registry = TestRegistry::new();
    super::make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    let client = super::owner_of(&registry, "client");
    let manifest = json!({"name": "client/app"}).to_string();
    let packed = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    let upload = "/r/client/main/upload/client/app/1.0.0";
    client.send("PUT", upload, &[], packed).expect(201);
    let document = client
        .get("/r/client/main/p2/client/app.json")
        .expect(200)
        .json();
    let path = crate::support::shop::archive(&document["packages"]["client/app"][0]);
    change(&registry, &json!({"quotas": {"bandwidth": 1}}));
    registry.pass_time(5);
    client.get(&path).expect(200);
    block_on(finish(&registry.app));
    registry.run_jobs();
    registry.pass_time(5);
    client.get(&path).expect(403);
    let usage = registry.admin().get("/api/v1/orgs/acme/usage").json();
    assert_eq!(usage["bandwidth"]["used"], 0);
    assert_eq!(usage["bandwidth"]["state"], "reached");
}
