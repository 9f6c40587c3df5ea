use repertoire::domain::token::{TokenHash, is_mistyped};
use serde_json::json;

use crate::support::TestRegistry;

const TOKENS: &str = "/api/v1/orgs/acme/tokens";

#[test]
fn a_token_is_shown_once_and_kept_as_its_hash() {
    let registry = TestRegistry::new();
    let asked =
        json!({"name": "ci", "access": "read", "packages": ["acme/*"], "repositories": ["main"]});
    let made = registry.admin().post(TOKENS, &asked).expect(201).json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("rptd_") && token.len() == 54 && !is_mistyped(token));
    let stored = registry
        .world
        .sqlite
        .texts("select hash from tokens where name = 'ci'");
    assert_eq!(stored, [TokenHash::of(token).as_str()]);
    let listed = registry.admin().get(TOKENS).expect(200);
    assert!(!String::from_utf8(listed.bytes()).unwrap().contains(token));
    assert_eq!(listed.json()["tokens"][0]["hint"], token[..9]);
    assert_eq!(listed.json()["tokens"][0]["packages"], json!(["acme/*"]));
}

#[test]
fn a_token_that_makes_no_sense_is_refused() {
    let registry = TestRegistry::new();
    for asked in [
        json!({"access": "read"}),
        json!({"name": " ", "access": "read"}),
        json!({"name": "ci", "access": "root"}),
        json!({"name": "ci", "access": "read", "repositories": ["none"]}),
        json!({"name": "ci", "access": "read", "packages": ["acme/a b"]}),
        json!({"name": "ci", "access": "read", "expires_at": "tomorrow"}),
        json!({"name": "ci", "access": "read", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "ci", "access": "read", "colour": "red"}),
        // It could make itself others without limits.
        json!({"name": "ci", "access": "admin", "packages": ["acme/*"]}),
        json!({"name": "ci", "access": "admin", "repositories": ["main"]}),
    ] {
        registry.admin().post(TOKENS, &asked).expect(422);
    }
    let listed = registry.admin().get(TOKENS).json();
    assert_eq!(listed["tokens"], json!([]));
}

#[test]
fn a_token_is_revoked_once() {
    let registry = TestRegistry::new();
    let made = registry
        .admin()
        .post(TOKENS, &json!({"name": "ci", "access": "admin"}))
        .json();
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    let machine = registry.with_token(made["token"].as_str().unwrap());
    machine.get(TOKENS).expect(200);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    machine.get(TOKENS).expect(401);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(404);
    assert!(registry.admin().get(TOKENS).json()["tokens"][0]["revoked_at"].is_string());
}

#[test]
fn the_api_is_for_admins() {
    let registry = TestRegistry::new();
    registry.anonymous().get(TOKENS).expect(401);
    registry.reader("acme/*").get(TOKENS).expect(403);
    registry.writer().get(TOKENS).expect(403);
}
