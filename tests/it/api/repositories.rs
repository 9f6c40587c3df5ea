use serde_json::{Value, json};

use crate::support::TestRegistry;

const LIST: &str = "/api/v1/orgs/acme/repositories";
const PATH: &str = "/api/v1/orgs/acme/repositories/main";

#[test]
fn settings_are_changed_one_by_one_and_shown() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let fresh = admin.get(PATH).expect(200).json();
    assert_eq!(
        fresh,
        json!({
            "slug": "main", "description": null, "landing": null, "public": false,
            "url": "https://packages.example.com/r/acme/main", "revision": registry.head().0,
            "composer_1": "auto", "mirrors": [], "messages": [], "duplicates": "refuse",
        })
    );
    let mirror =
        json!({"dist-url": "https://m.example/%package%/%reference%.zip", "preferred": true});
    let message = json!({"level": "warning", "text": "Closed on Sunday", "versions": ">=2.2"});
    let mut expected = fresh;
    for (change, key, value) in [
        (json!({"description": "Ours"}), "description", json!("Ours")),
        (json!({"mirrors": [mirror]}), "mirrors", json!([mirror])),
        (json!({"messages": [message]}), "messages", json!([message])),
        (
            json!({"duplicates": "ignore"}),
            "duplicates",
            json!("ignore"),
        ),
        (json!({"composer_1": "full"}), "composer_1", json!("full")),
        (json!({"public": true}), "public", json!(true)),
        (json!({"mirrors": []}), "mirrors", json!([])),
        (json!({"description": ""}), "description", Value::Null),
    ] {
        expected[key] = value;
        assert_eq!(admin.patch(PATH, &change).expect(200).json(), expected);
        assert_eq!(admin.get(PATH).expect(200).json(), expected);
        assert_eq!(admin.get(LIST).json()["repositories"], json!([expected]));
    }
    admin.patch(PATH, &json!({})).expect(200);
    assert_eq!(admin.get(PATH).expect(200).json(), expected);
    registry
        .anonymous()
        .get("/r/acme/main/packages.json")
        .expect(200);
}

#[test]
fn a_change_that_makes_no_sense_is_refused_whole() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    let fresh = admin.get(PATH).json();
    for (change, words) in [
        (json!({"composer_2": "off"}), "composer_2"),
        (json!({"composer_1": "maybe"}), "maybe"),
        (json!({"public": "yes"}), "true or false"),
        (json!({"description": "a".repeat(501)}), "shorten"),
        (
            json!({"mirrors": [{"dist-url": "http://m.example/%package%"}]}),
            "https://",
        ),
        (
            json!({"mirrors": [{"svn-url": "https://m.example/"}]}),
            "svn-url",
        ),
        (
            json!({"mirrors": [{"preferred": true}]}),
            "needs a `dist-url`",
        ),
        (
            json!({"messages": [{"level": "error", "text": "a"}]}),
            "error",
        ),
        (
            json!({"messages": [{"level": "info", "text": "a", "versions": "later"}]}),
            "later",
        ),
        (
            json!({"messages": [{"level": "info", "text": "a", "until": "later"}]}),
            "until",
        ),
        (
            json!({"description": "Ours", "messages": [{"level": "info", "text": ""}]}),
            "text",
        ),
    ] {
        let refused = admin.patch(PATH, &change).expect(422).json();
        assert!(
            refused["detail"].as_str().unwrap().contains(words),
            "{refused}"
        );
        assert_eq!(admin.get(PATH).json(), fresh);
    }
}

#[test]
fn only_who_manages_the_organisation_changes_its_repositories() {
    let registry = TestRegistry::new();
    let change = json!({"public": true});
    registry.anonymous().patch(PATH, &change).expect(401);
    registry.writer().patch(PATH, &change).expect(403);
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let token = json!({"name": "boss", "access": "admin"});
    let made = registry
        .admin()
        .post("/api/v1/orgs/globex/tokens", &token)
        .expect(201)
        .json();
    let stranger = registry.with_token(made["token"].as_str().unwrap());
    for (path, status) in [(PATH, 404), ("/api/v1/orgs/globex/repositories/main", 404)] {
        stranger.patch(path, &change).expect(status);
        stranger.get(path).expect(status);
    }
    registry
        .admin()
        .patch("/api/v1/orgs/acme/repositories/none", &change)
        .expect(404);
    assert_eq!(registry.admin().get(PATH).json()["public"], false);
}
