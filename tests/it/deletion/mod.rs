//! Packages, repositories, connections and organisations that a person deletes: what goes, what stays, and what never comes
//! back by itself.

mod connections;
mod organisations;
mod packages;
mod races;
mod repositories;

use serde_json::{Value, json};

use crate::support::persona::Answer;
use crate::support::whole::{Checked, check_whole};
use crate::support::{ADDRESS, ADMIN, TestRegistry, isolate, persona::Persona};

fn ask(registry: &TestRegistry, method: &str, path: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/orgs/acme{path}");
    registry
        .admin()
        .send(method, &path, &[], body.to_string().into_bytes())
}

/// Deletes what is at an address, and lets the queue run.
fn delete(registry: &TestRegistry, path: &str, name: &str) -> u16 {
    let status = ask(registry, "DELETE", path, &json!({ "confirm": name })).status();
    registry.run_jobs();
    status
}

/// The objects of the blob store below a prefix.
fn objects(registry: &TestRegistry, prefix: &str) -> Vec<String> {
    let objects = registry.world.objects.borrow();
    let keys = objects.keys().filter(|key| key.starts_with(prefix));
    keys.cloned().collect()
}

/// Where the archive of a version is.
fn dist(registry: &TestRegistry, package: &str, version: &str) -> String {
    let versions = registry.composer_metadata(package);
    let found = versions.iter().find(|one| one["version"] == version);
    let url = found.unwrap()["dist"]["url"].as_str().unwrap();
    url.strip_prefix(ADDRESS).unwrap().to_owned()
}

/// The status of an address to an isolate that remembers nothing, with no copies near by.
fn status(registry: &TestRegistry, path: &str) -> u16 {
    registry.world.copies.borrow_mut().clear();
    let other = isolate(&registry.world);
    Persona::new(&other, Some(ADMIN)).get(path).status()
}

/// Lines of the log, as the owner of the instance reads them.
fn lines(registry: &TestRegistry, action: &str) -> usize {
    let sqlite = &registry.world.sqlite;
    let all = sqlite.texts("select action from audit");
    all.iter().filter(|one| *one == action).count()
}

/// Some rounds of what goes on by itself.
fn let_time_pass(registry: &TestRegistry) {
    for _ in 0..2 {
        registry.pass_time(11 * 60);
        registry.housekeep();
        registry.run_jobs();
    }
    check_whole(&registry.world, &mut Checked::default());
}
