//! What an isolate remembers, and what that saves.

use repertoire::http::{Body, forget_after};
use serde_json::json;

use super::{DEV, ROOT, TAGGED, dist_path};
use crate::support::persona::Persona;
use crate::support::shop::seen;
use crate::support::world::{CacheMood, Port};
use crate::support::{ADMIN, TestRegistry, isolate};

#[test]
fn a_warm_document_costs_no_read_of_anything() {
    let registry = TestRegistry::imported();
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    admin.get(TAGGED).expect(200);
    registry.world.forget_calls();
    for path in [TAGGED, DEV, "/r/acme/main/p2/acme/none.json"] {
        // Another bucket of the tree may have to be read once; `acme/none` lives in none.
        let _ = admin.get(path);
    }
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn a_cold_document_costs_one_round_to_the_database_and_two_reads_near_by() {
    let registry = TestRegistry::imported();
    let cold = isolate(&registry.world);
    registry.world.forget_calls();
    Persona::new(&cold, Some(ADMIN)).get(TAGGED).expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
    assert_eq!(registry.world.calls(Port::Cache), 2);
    assert_eq!(registry.world.calls(Port::Blobs), 0);
}

#[test]
fn a_head_is_asked_for_once_in_its_time_however_many_documents_are_read() {
    let registry = TestRegistry::imported();
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    registry.world.forget_calls();
    for _ in 0..50 {
        admin.get(TAGGED).expect(200);
        admin.get(DEV).expect(200);
        admin.get(ROOT).expect(200);
    }
    assert_eq!(registry.world.calls(Port::Db), 1);
    registry.pass_time(10);
    admin.get(TAGGED).expect(200);
    assert_eq!(registry.world.calls(Port::Db), 2);
}

#[test]
fn a_warm_archive_costs_no_read_before_its_bytes() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    admin.get(&path).expect(200);
    registry.world.forget_calls();
    admin.get(&path).expect(200);
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn without_its_database_an_isolate_serves_whom_it_knows_for_a_quarter_of_an_hour() {
    let registry = TestRegistry::imported();
    let archive = dist_path(&registry);
    registry.admin().get(TAGGED).expect(200);
    registry.admin().get(&archive).expect(200);
    let stranger = registry.reader("acme/*");
    registry.world.db_is_down.set(true);
    for minutes in [1, 13] {
        registry.pass_time(minutes * 60);
        registry.admin().get(TAGGED).expect(200);
        registry.admin().get(&archive).expect(200);
        // Nobody new is let in, and nobody is told that he may not come in.
        stranger.get(TAGGED).expect(503);
        registry.with_token("unknown-token").get(TAGGED).expect(503);
        registry
            .admin()
            .get("/r/acme/unknown/packages.json")
            .expect(503);
    }
    registry.pass_time(2 * 60);
    registry.admin().get(TAGGED).expect(503);
    registry.world.db_is_down.set(false);
    registry.admin().get(TAGGED).expect(200);
}

#[test]
fn an_isolate_that_never_heard_of_anybody_lets_nobody_in_without_its_database() {
    let registry = TestRegistry::imported();
    registry.world.db_is_down.set(true);
    let cold = isolate(&registry.world);
    let answer = Persona::new(&cold, Some(ADMIN)).get(TAGGED).expect(503);
    insta::assert_snapshot!(answer.transcript(), @r#"
    503
    cache-control: no-store
    content-type: application/json
    retry-after: 10

    {"warning":"Our storage does not answer at the moment, please try again in some seconds"}
    "#);
}

/// The edge hands the API's requests on, and sees of them what came of them.
#[test]
fn what_another_worker_changed_is_forgotten_and_what_it_refused_is_not() {
    let registry = TestRegistry::imported();
    let edge = isolate(&registry.world);
    let reader = Persona::new(&edge, Some(ADMIN));
    reader.get(TAGGED).expect(200);
    registry.world.db_is_down.set(true);
    for (method, path, status) in [
        ("POST", "/api/v1/orgs/acme/tokens", 401),
        ("PUT", "/r/acme/main/upload/acme/lib/2.0.0", 503),
        ("GET", "/api/v1/orgs", 200),
        ("POST", "/hooks/anything", 202),
    ] {
        forget_after(&edge, method, path, status);
        reader.get(TAGGED).expect(200);
    }
    forget_after(&edge, "POST", "/api/v1/orgs/acme/tokens", 201);
    reader.get(TAGGED).expect(503);
}

/// Metadata comes from the copies near the reader, whole or made anew for who sees some versions; archives have no copies.
#[test]
fn without_the_blob_store_metadata_is_served_on() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^1.0"}));
    registry.world.blobs_are_down.set(true);
    for token in [ADMIN, &buyer.token] {
        let cold = isolate(&registry.world);
        let persona = Persona::new(&cold, Some(token));
        persona.get(ROOT).expect(200);
        let read = persona.get(TAGGED).expect(200);
        match &read.reply.body {
            Body::Document(hash) => {
                let copies = registry.world.copies.borrow();
                assert!(copies.contains_key(&hash.cache_key()));
            }
            _ => assert_eq!(seen(&persona, "acme/lib"), ["1.1.0", "1.0.0"]),
        }
    }
    // What has no copy either is not said to be missing.
    registry.world.cache_mood.set(CacheMood::Empty);
    let cold = isolate(&registry.world);
    let answer = Persona::new(&cold, Some(ADMIN)).get(TAGGED).expect(503);
    assert_eq!(answer.header("retry-after"), Some("10"));
}

/// Or an outage would bury its own cause.
#[test]
fn an_outage_is_told_once_a_minute() {
    let registry = TestRegistry::imported();
    let warm = isolate(&registry.world);
    let known = Persona::new(&warm, Some(ADMIN));
    let unknown = Persona::new(&warm, Some("unknown-token"));
    known.get(TAGGED).expect(200);
    registry.world.db_is_down.set(true);
    registry.world.cache_mood.set(CacheMood::Denying);
    for minute in 1..=2 {
        registry.pass_time(61);
        for _ in 0..20 {
            known.get(TAGGED).expect(200);
            unknown.get(TAGGED).expect(503);
        }
        let lines = registry.world.warnings();
        let told = |what: &str| {
            let start = format!("Trouble with {what};");
            lines.iter().filter(|line| line.starts_with(&start)).count()
        };
        assert_eq!(
            told("the database, serving from memory"),
            minute,
            "{lines:?}"
        );
        assert_eq!(told("storage"), minute, "{lines:?}");
        assert_eq!(lines.len(), 2 * minute, "{lines:?}");
    }
}

#[test]
fn a_release_is_seen_in_every_isolate_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let elsewhere = isolate(&registry.world);
    let far = Persona::new(&elsewhere, Some(ADMIN));
    let before = far.get(TAGGED).bytes();
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    assert_eq!(far.get(TAGGED).bytes(), before);
    registry.pass_time(10);
    assert_ne!(far.get(TAGGED).bytes(), before);
}

#[test]
fn archives_are_found_without_a_cache() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let bytes = registry.admin().get(&path).bytes();
    for mood in [CacheMood::Empty, CacheMood::Denying] {
        registry.world.cache_mood.set(mood);
        let cold = isolate(&registry.world);
        assert_eq!(
            Persona::new(&cold, Some(ADMIN))
                .get(&path)
                .expect(200)
                .bytes(),
            bytes
        );
    }
}
