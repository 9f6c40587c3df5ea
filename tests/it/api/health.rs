//! What the owner of an instance is told of how it is.

use serde_json::Value;

use crate::support::persona::Persona;
use crate::support::world::CacheMood;
use crate::support::{ADMIN, TestRegistry, isolate};

const HEALTH: &str = "/api/v1/health";

/// What is failing, by name.
fn failing(health: &Value) -> Vec<&str> {
    let parts = health.as_object().unwrap().iter();
    parts
        .filter(|(_, part)| part["status"] == "failing")
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn an_instance_that_is_well_says_so() {
    let registry = TestRegistry::imported();
    registry.housekeep();
    registry.run_jobs();
    let health = registry.admin().get(HEALTH).expect(200).json();
    assert_eq!(health["status"], "ok");
    for part in ["d1", "kv", "r2", "queue", "schema", "schedule"] {
        assert_eq!(health[part]["status"], "ok", "{part}");
    }
    assert_eq!(health["waiting"]["dead_letters"], 0);
    assert_eq!(health["waiting"]["oldest_job_since"], Value::Null);
    assert_eq!(health["waiting"]["oldest_publication_since"], Value::Null);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let known = crate::support::sqlite::migrations().pop().unwrap().0;
    assert_eq!(health["schema"]["known"], Value::String(known));
    // What was sent to try the queue does nothing.
    registry.run_jobs();
    registry.assert_settled();
}

#[test]
fn each_part_that_fails_is_named_and_the_others_are_not() {
    let registry = TestRegistry::imported();
    let world = &registry.world;
    registry.admin().get(HEALTH).expect(200);
    let told = |part: &str| {
        let health = registry.admin().get(HEALTH).expect(503).json();
        assert_eq!(health["status"], "failing");
        assert_eq!(failing(&health), [part]);
        health
    };
    world.db_is_down.set(true);
    assert_eq!(told("d1")["waiting"], Value::Null);
    world.db_is_down.set(false);
    world.cache_mood.set(CacheMood::Denying);
    told("kv");
    world.cache_mood.set(CacheMood::Working);
    world.blobs_are_down.set(true);
    told("r2");
    world.blobs_are_down.set(false);
    world.queue_is_down.set(true);
    told("queue");
    world.queue_is_down.set(false);
    registry.admin().get(HEALTH).expect(200);
    // Each with its reason in the log, once.
    for what in ["database", "cache", "blob store", "queue"] {
        let lines = registry.world.warnings();
        let told = lines
            .iter()
            .filter(|line| line.contains(&format!("Trouble with the {what}, seen")));
        assert_eq!(told.count(), 1, "{what}: {lines:?}");
    }
    registry.run_jobs();
}

#[test]
fn while_the_database_is_down_only_who_is_known_is_told() {
    let registry = TestRegistry::imported();
    registry.admin().get(HEALTH).expect(200);
    registry.world.db_is_down.set(true);
    registry.pass_time(900);
    assert_eq!(
        failing(&registry.admin().get(HEALTH).expect(503).json()),
        ["d1"]
    );
    let cold = isolate(&registry.world);
    for persona in [
        registry.with_token("unknown-token"),
        Persona::new(&cold, Some(ADMIN)),
    ] {
        let answer = persona.get(HEALTH).expect(503);
        assert_eq!(answer.json()["code"], "unavailable");
        assert_eq!(answer.header("retry-after"), Some("10"));
    }
    registry.run_jobs();
}

#[test]
fn what_waits_is_told_with_its_age() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(crate::support::PROJECT);
    registry.change(
        "insert into dead_letters (message, reason, received_at) values ('{}', 'a test', 0)",
    );
    let since = repertoire::domain::time::rfc3339(registry.world.now.get());
    registry.pass_time(600);
    let health = registry.admin().get(HEALTH).expect(200).json();
    assert_eq!(health["waiting"]["oldest_job_since"], Value::String(since));
    assert_eq!(health["waiting"]["dead_letters"], 1);
    // What waits since its organisation is suspended is as it should be.
    registry.change("update organisations set suspended_at = 1");
    let health = registry.admin().get(HEALTH).expect(200).json();
    assert_eq!(health["waiting"]["oldest_job_since"], Value::Null);
    registry.change("update organisations set suspended_at = null");
    registry.run_jobs();
}

#[test]
fn a_cron_that_stopped_is_a_failure() {
    let registry = TestRegistry::imported();
    let health = registry.admin().get(HEALTH).expect(200).json();
    assert_eq!(health["schedule"]["last_round_at"], Value::Null);
    registry.housekeep();
    registry.pass_time(900);
    registry.admin().get(HEALTH).expect(200);
    registry.pass_time(1);
    let health = registry.admin().get(HEALTH).expect(503).json();
    assert_eq!(failing(&health), ["schedule"]);
    registry.housekeep();
    registry.admin().get(HEALTH).expect(200);
    registry.run_jobs();
}

/// As wrangler keeps it.
#[test]
fn a_schema_that_is_behind_the_program_is_a_failure_and_one_that_is_ahead_is_none() {
    let registry = TestRegistry::imported();
    registry
        .change("create table d1_migrations (id integer primary key, name text, applied_at text)");
    registry.change("insert into d1_migrations (name) values ('0001_create_organisations.sql')");
    let health = registry.admin().get(HEALTH).expect(503).json();
    assert_eq!(failing(&health), ["schema"]);
    assert_eq!(health["schema"]["applied"], "0001_create_organisations.sql");
    registry.change("insert into d1_migrations (name) values ('9999_of_a_newer_program.sql')");
    registry.admin().get(HEALTH).expect(200);
    registry.run_jobs();
}

#[test]
fn nobody_but_the_owner_of_the_instance_is_told() {
    let registry = TestRegistry::imported();
    registry.anonymous().get(HEALTH).expect(401);
    registry.with_token("unknown-token").get(HEALTH).expect(401);
    let token = registry.make_token(&serde_json::json!({"name": "all", "access": "admin"}));
    registry.with_token(&token).get(HEALTH).expect(403);
}
