//! People and tokens: who may do what, who may give it to whom, and how soon it holds.

mod abilities;
mod bad_credentials;
mod invitations;
mod last_use;
mod members;
mod own;
mod tokens;

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::persona::Persona;

pub(crate) const ORG: &str = "/api/v1/orgs/acme";

/// Somebody who accepted an invitation: the account's id and the first token.
pub(crate) struct Joined {
    pub(crate) account: String,
    pub(crate) token: String,
}

/// Invites somebody into `acme` and has her accept.
pub(crate) fn join(registry: &TestRegistry, email: &str, role: &str) -> Joined {
    join_at(registry, "acme", email, role, &[])
}

pub(crate) fn join_at(
    registry: &TestRegistry,
    org: &str,
    email: &str,
    role: &str,
    teams: &[&str],
) -> Joined {
    let asked = json!({"email": email, "role": role, "teams": teams});
    let path = format!("/api/v1/orgs/{org}/invitations");
    let made = registry.admin().post(&path, &asked).expect(201).json();
    let name = email.split('@').next().unwrap();
    let accepted = accept(registry, made["token"].as_str().unwrap(), name);
    Joined {
        account: text(&accepted["member"]),
        token: text(&accepted["token"]),
    }
}

pub(crate) fn accept(registry: &TestRegistry, secret: &str, name: &str) -> Value {
    let asked = json!({"token": secret, "name": name});
    let path = "/api/v1/invitations/accept";
    registry.anonymous().post(path, &asked).expect(201).json()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn delete(persona: &Persona<'_>, path: &str) -> crate::support::persona::Answer {
    persona.send("DELETE", path, &[], Vec::new())
}

/// A second organisation, and a machine of it that may do everything there but own it.
pub(crate) fn globex(registry: &TestRegistry) -> String {
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let asked = json!({"name": "a", "access": "admin"});
    let made = admin
        .post("/api/v1/orgs/globex/tokens", &asked)
        .expect(201)
        .json();
    text(&made["token"])
}

/// Lets a team see packages, as a grant does.
pub(crate) fn grant(registry: &TestRegistry, subject: &str, packages: &str) {
    let statement = repertoire::ports::Statement::new(
        "insert into grants (id, organisation_id, subject, packages, source, keeps, created_at, changed_at)
         values (?1, 1, ?1, ?2, 1, 0, 0, 0)",
    )
    .bind(subject)
    .bind(json!([packages]).to_string());
    registry.world.sqlite.change(&statement);
}
