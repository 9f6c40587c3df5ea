//! What a person sees and changes of herself.

use serde_json::json;

use super::{ORG, join, join_at, text};
use crate::support::TestRegistry;

const ME: &str = "/api/v1/me";

#[test]
fn a_person_changes_what_she_is_called_and_the_log_says_so() {
    let registry = TestRegistry::new();
    let ada = join(&registry, "ada@example.com", "member");
    let herself = registry.with_token(&ada.token);
    let shown = herself.get(ME).expect(200).json();
    assert_eq!(shown["id"], json!(ada.account));
    assert_eq!(shown["email"], "ada@example.com");
    assert_eq!(shown["name"], "ada");
    assert_eq!(shown["role"], "member");
    assert_eq!(
        shown["organisation"],
        json!({"slug": "acme", "name": "acme"})
    );
    let changed = herself
        .patch(ME, &json!({"name": " Ada King "}))
        .expect(200)
        .json();
    assert_eq!(changed["name"], "Ada King");
    let member = registry
        .admin()
        .get(&format!("{ORG}/members/{}", ada.account));
    assert_eq!(member.json()["name"], "Ada King");
    assert_eq!(
        herself.get("/api/v1/token").json()["person"]["name"],
        "Ada King"
    );
    let log = registry
        .admin()
        .get(&format!("{ORG}/audit?action=member.updated"));
    let lines = log.expect(200).json();
    assert_eq!(lines["lines"].as_array().unwrap().len(), 1);
    let line = &lines["lines"][0];
    assert_eq!(line["before"], json!({"name": "ada"}));
    assert_eq!(line["after"], json!({"name": "Ada King"}));
    assert_eq!(line["actor"]["kind"], "person");
    assert_eq!(line["subject"]["name"], "ada@example.com");
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "two\nlines"}),
        json!({"name": "x".repeat(201)}),
        json!({"name": "Ada", "role": "owner"}),
        json!({"name": "Ada", "email": "other@example.com"}),
    ] {
        herself.patch(ME, &wrong).expect(422);
    }
    assert_eq!(herself.get(ME).json()["name"], "Ada King");
}

#[test]
fn a_name_is_that_of_one_organisation() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let here = join(&registry, "ada@example.com", "member");
    let there = join_at(&registry, "globex", "ada@example.com", "member", &[]);
    let there = registry.with_token(&there.token);
    registry
        .with_token(&here.token)
        .patch(ME, &json!({"name": "Ada King"}))
        .expect(200);
    assert_eq!(there.get(ME).expect(200).json()["name"], "ada");
    assert_eq!(there.get(ME).json()["organisation"]["slug"], "globex");
}

#[test]
fn nobody_else_is_anybody_there_and_a_lesser_token_does_not_speak_for_her() {
    let registry = TestRegistry::new();
    registry.anonymous().get(ME).expect(401);
    for token in [
        crate::support::ADMIN.to_owned(),
        registry.make_token(&json!({"name": "ci", "access": "admin"})),
    ] {
        let nobody = registry.with_token(&token);
        nobody.get(ME).expect(404);
        nobody.patch(ME, &json!({"name": "Somebody"})).expect(404);
    }
    let ada = join(&registry, "ada@example.com", "maintainer");
    let herself = registry.with_token(&ada.token);
    let asked = json!({"name": "reads", "kind": "personal", "access": "read"});
    let made = herself
        .post(&format!("{ORG}/tokens"), &asked)
        .expect(201)
        .json();
    let reads = registry.with_token(&text(&made["token"]));
    reads.get(ME).expect(200);
    reads.patch(ME, &json!({"name": "Mallory"})).expect(403);
    assert_eq!(herself.get(ME).json()["name"], "ada");
}
