//! Organisations as tenants: what is below what, what a suspension stops, what a quota refuses, and that nobody learns of
//! another.

mod bandwidth;
mod many;
mod organisations;
mod quotas;
mod strangers;
mod suspension;

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::persona::Persona;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A machine of an organisation that may do all that its owners may.
fn owner_of<'a>(registry: &'a TestRegistry, organisation: &str) -> Persona<'a> {
    let path = format!("/api/v1/orgs/{organisation}/tokens");
    let abilities = [
        "read_metadata",
        "read_dists",
        "upload",
        "view",
        "manage_packages",
        "manage_tokens",
        "manage_customers",
        "manage_hooks",
        "manage_members",
        "audit",
        "own",
    ];
    let asked = json!({"name": "owner", "abilities": abilities});
    let made = registry.admin().post(&path, &asked).expect(201).json();
    registry.with_token(&text(&made["token"]))
}

/// Makes an organisation with a repository `main`.
fn make_organisation(registry: &TestRegistry, body: &Value) {
    let admin = registry.admin();
    admin.post("/api/v1/orgs", body).expect(201);
    let path = format!("/api/v1/orgs/{}/repositories", text(&body["slug"]));
    admin.post(&path, &json!({"slug": "main"})).expect(201);
}

/// What the owner of the instance changes of `acme`, in force at once.
fn change(registry: &TestRegistry, body: &Value) -> Value {
    let changed = registry.admin().patch("/api/v1/orgs/acme", body);
    changed.expect(200).json()
}

/// What `acme` uses of one thing: itself, the quota and how near that is.
fn used(registry: &TestRegistry, what: &str) -> (i64, Value, String) {
    let usage = registry.admin().get("/api/v1/orgs/acme/usage");
    let usage = usage.expect(200).json();
    let one = &usage[what];
    (
        one["used"].as_i64().unwrap(),
        one["quota"].clone(),
        text(&one["state"]),
    )
}
