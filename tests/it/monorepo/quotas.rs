//! What a quota refuses of some folders is no matter of the others.

use serde_json::{Value, json};

use super::Mono;

fn set(mono: &Mono, quotas: &Value) {
    let body = json!({ "quotas": quotas });
    let changed = mono.registry.admin().patch("/api/v1/orgs/acme", &body);
    changed.expect(200);
    mono.registry.run_jobs();
}

#[test]
fn new_packages_beyond_the_quota_wait_for_room_and_the_others_do_not() {
    let mono = Mono::with(&["a", "b", "c"]);
    set(&mono, &json!({"packages": 2}));
    mono.tag("v1.0.0");
    mono.ask("all");
    mono.registry.run_jobs();
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    assert_eq!(mono.versions("b"), ["v1.0.0"]);
    let missing = mono
        .registry
        .admin()
        .get("/api/v1/orgs/acme/packages/acme/c");
    missing.expect(404);
    let told = mono.last_job().to_string();
    assert!(told.contains("may have 2 packages, and has 2"), "{told}");
    assert_eq!(
        mono.registry
            .world
            .sqlite
            .texts("select count(*) from dead_letters"),
        ["0"]
    );
    // A further tag is a version of those that are there.
    mono.change("a", "<?php // 2\n");
    mono.tag("v1.1.0");
    mono.registry.pass_time(7 * 60 * 60);
    mono.registry.housekeep();
    mono.registry.run_jobs();
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
    set(&mono, &json!({"packages": 3}));
    assert_eq!(mono.versions("c"), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn archives_beyond_the_quota_are_cut_when_there_is_room() {
    let mono = Mono::with(&["a", "b"]);
    set(&mono, &json!({"storage": 0}));
    mono.tag("v1.0.0");
    mono.ask("all");
    mono.registry.run_jobs();
    let told = mono.last_job().to_string();
    assert!(told.contains("may store 0 bytes of archives"), "{told}");
    set(&mono, &json!({"storage": null}));
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    assert_eq!(mono.versions("b"), ["v1.0.0"]);
}
