//! What goes on while the database, the cache or the blob store do not answer, and that nothing is lost by it.

use serde_json::json;

use crate::support::persona::{Answer, Persona};
use crate::support::world::{CacheMood, Port};
use crate::support::{ADMIN, TestRegistry, isolate};

const ROOT: &str = "/r/acme/main/packages.json";
const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
/// For how long somebody who is known reads on.
const STALE: i64 = 15 * 60;

#[track_caller]
fn comes_again_later(answer: Answer) {
    let answer = answer.expect(503);
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn dist(registry: &TestRegistry) -> String {
    let entries = registry.composer_metadata("acme/lib");
    let url = entries[0]["dist"]["url"].as_str().unwrap();
    url.strip_prefix(crate::support::ADDRESS)
        .unwrap()
        .to_owned()
}

#[test]
fn who_is_known_reads_on_to_the_last_second_of_fifteen_minutes_and_no_longer() {
    let registry = TestRegistry::imported();
    let app = isolate(&registry.world);
    let known = Persona::new(&app, Some(ADMIN));
    let archive = dist(&registry);
    for path in [ROOT, TAGGED, &archive] {
        known.get(path).expect(200);
    }
    registry.world.db_is_down.set(true);
    registry.pass_time(STALE);
    for path in [ROOT, TAGGED, &archive] {
        known.get(path).expect(200);
    }
    registry.pass_time(1);
    for path in [ROOT, TAGGED, &archive] {
        comes_again_later(known.get(path));
    }
}

#[test]
fn what_was_revoked_meanwhile_is_out_when_the_database_is_back() {
    let registry = TestRegistry::imported();
    let made = registry
        .admin()
        .post(
            "/api/v1/orgs/acme/tokens",
            &json!({"name": "ci", "access": "read"}),
        )
        .expect(201)
        .json();
    let app = isolate(&registry.world);
    let known = Persona::new(&app, made["token"].as_str());
    known.get(TAGGED).expect(200);
    let id = made["id"].as_str().unwrap();
    registry.remove(&format!("tokens/{id}"));
    registry.world.db_is_down.set(true);
    registry.pass_time(STALE);
    known.get(TAGGED).expect(200);
    registry.world.db_is_down.set(false);
    known.get(TAGGED).expect(401);
    // And it stays out when the database is gone again.
    registry.world.db_is_down.set(true);
    registry.pass_time(60);
    known.get(TAGGED).expect(401);
}

#[test]
fn who_is_unknown_is_sent_away_for_a_while_whatever_he_asks_for() {
    let registry = TestRegistry::imported();
    let archive = dist(&registry);
    registry.world.db_is_down.set(true);
    let app = isolate(&registry.world);
    for token in [Some(ADMIN), Some("unknown-token"), None] {
        let unknown = Persona::new(&app, token);
        for path in [ROOT, TAGGED, &archive, "/r/acme/nothing/packages.json"] {
            comes_again_later(unknown.get(path));
        }
    }
    let lines = registry.world.warnings();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn without_the_cache_all_comes_from_the_blob_store() {
    let registry = TestRegistry::imported();
    registry.world.cache_mood.set(CacheMood::Denying);
    let app = isolate(&registry.world);
    let cold = Persona::new(&app, Some(ADMIN));
    for path in [ROOT, TAGGED, "/r/acme/main/list.json"] {
        cold.get(path).expect(200);
    }
    assert!(registry.world.calls(Port::Blobs) > 0);
    let lines = registry.world.warnings();
    assert_eq!(
        lines.len(),
        2,
        "of reads and of copies, once each: {lines:?}"
    );
    // Nor is publishing held up by it.
    registry.push_tag("v1.2.0");
    registry.sync("acme/lib");
    registry.pass_time(10);
    assert_eq!(
        registry.versions("acme/lib"),
        ["v1.2.0", "v1.1.0", "v1.0.0"]
    );
    registry.assert_settled();
}

#[test]
fn a_webhook_that_could_not_be_written_down_is_refused_and_may_come_again() {
    let registry = TestRegistry::imported();
    registry.push_tag("v1.2.0");
    registry.world.db_is_down.set(true);
    comes_again_later(registry.deliver_webhook("one"));
    registry.world.db_is_down.set(false);
    registry.pass_time(60);
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(
        registry.versions("acme/lib"),
        ["v1.2.0", "v1.1.0", "v1.0.0"]
    );
    registry.assert_settled();
}

#[test]
fn a_call_of_the_api_is_refused_and_does_the_same_when_it_comes_again() {
    let registry = TestRegistry::imported();
    let asked = json!({"name": "Buyer"});
    registry.world.db_is_down.set(true);
    let answer = registry.admin().post("/api/v1/orgs/acme/customers", &asked);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.json()["code"], "unavailable");
    comes_again_later(answer);
    comes_again_later(registry.admin().get("/api/v1/orgs/acme/customers"));
    registry.world.db_is_down.set(false);
    registry
        .admin()
        .post("/api/v1/orgs/acme/customers", &asked)
        .expect(201);
    let listed = registry.admin().get("/api/v1/orgs/acme/customers").json();
    assert_eq!(listed["customers"].as_array().unwrap().len(), 1);
}

#[test]
fn an_upload_during_an_outage_is_refused_and_comes_in_later() {
    let registry = TestRegistry::imported();
    let writer = registry.writer();
    writer.get(ROOT).expect(200);
    for is_down in [&registry.world.db_is_down, &registry.world.blobs_are_down] {
        is_down.set(true);
        comes_again_later(writer.upload("acme/tool", "2.0.0", "new"));
        is_down.set(false);
    }
    writer.upload("acme/tool", "2.0.0", "new").expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(registry.versions("acme/tool"), ["2.0.0"]);
}

#[test]
fn installations_are_counted_though_the_database_is_down() {
    let registry = TestRegistry::imported();
    registry.admin().get(ROOT).expect(200);
    registry.world.db_is_down.set(true);
    let body = json!({"downloads": [{"name": "acme/lib", "version": "1.1.0.0"}]});
    let answer = registry.admin().post("/r/acme/main/downloads", &body);
    assert_eq!(answer.status(), 201);
    registry.world.db_is_down.set(false);
    registry.run_jobs();
    let counted = registry
        .world
        .sqlite
        .texts("select cast(count as text) from downloads");
    assert_eq!(counted, ["1"]);
}
