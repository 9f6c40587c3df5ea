//! Host names of organisations: claimed, verified by the DNS, answered, and carried by documents.

mod addresses;
mod answers;
mod claims;
mod looks;

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::persona::{Answer, Persona};

pub(crate) const HOST: &str = "packages.acme.example";
/// The same in an address.
pub(crate) const AT: &str = "https://packages.acme.example";
const HOSTS: &str = "/api/v1/orgs/acme/hosts";

fn path(host: &str) -> String {
    format!("{HOSTS}/{host}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Claims a host name for an organisation; gives the answer.
fn claim(
    registry: &TestRegistry,
    organisation: &str,
    host: &str,
    repository: Option<&str>,
) -> Value {
    let path = format!("/api/v1/orgs/{organisation}/hosts");
    let mut body = json!({ "host": host });
    if let Some(repository) = repository {
        body["repository"] = repository.into();
    }
    registry.admin().post(&path, &body).expect(201).json()
}

/// Has the record of a claim, or of several, be what the DNS has.
fn set_records(registry: &TestRegistry, claims: &[&Value]) {
    let values: Vec<_> = claims
        .iter()
        .map(|claim| text(&claim["dns"][0]["value"]))
        .collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    let name = text(&claims[0]["dns"][0]["name"]);
    registry.world.dns.borrow_mut().set(&name, &values);
}

fn remove_records(registry: &TestRegistry, host: &str) {
    registry
        .world
        .dns
        .borrow_mut()
        .forget(&format!("_repertoire.{host}"));
}

/// Looks by hand, when that may be.
fn verify(registry: &TestRegistry, organisation: &str, host: &str) -> Answer {
    registry.pass_time(10);
    let path = format!("/api/v1/orgs/{organisation}/hosts/{host}/verify");
    registry.admin().send("POST", &path, &[], Vec::new())
}

/// Claims a host name and verifies it.
pub(crate) fn map(registry: &TestRegistry, host: &str, repository: Option<&str>) -> Value {
    let claimed = claim(registry, "acme", host, repository);
    set_records(registry, &[&claimed]);
    let verified = verify(registry, "acme", host).expect(200).json();
    assert_eq!(verified["state"], "verified");
    claimed
}

fn make_primary(registry: &TestRegistry, host: &str, is_primary: bool) {
    let body = json!({ "primary": is_primary });
    registry.admin().patch(&path(host), &body).expect(200);
    registry.run_jobs();
}

fn shown(registry: &TestRegistry, host: &str) -> Value {
    registry.admin().get(&path(host)).expect(200).json()
}

/// Nothing: no body, and no header that tells of anything.
#[track_caller]
fn assert_nothing(persona: &Persona<'_>, path: &str) {
    insta::allow_duplicates! {
        insta::assert_snapshot!(persona.get(path).transcript(), @"
        404
        cache-control: no-store
        ");
    }
}

/// Another organisation with a repository `main` and a token that reads it.
fn add_globex(registry: &TestRegistry) -> String {
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    admin
        .post("/api/v1/orgs/globex/repositories", &json!({"slug": "main"}))
        .expect(201);
    let asked = json!({"name": "a", "access": "admin"});
    let made = admin.post("/api/v1/orgs/globex/tokens", &asked).expect(201);
    text(&made.json()["token"])
}
