use serde_json::{Value, json};

use crate::support::{SETUP_SECRET, TestRegistry};

/// The codes of the fields that are wrong, each with its field.
fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|fault| {
            (
                fault["field"].as_str().unwrap(),
                fault["code"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_field_that_is_wrong_is_told_at_once() {
    let registry = TestRegistry::new();
    let asked = json!({"access": "root", "packages": ["acme/*", "a b"], "repositories": "main", "colour": "red"});
    let problem = registry
        .admin()
        .post("/api/v1/orgs/acme/tokens", &asked)
        .expect(422)
        .json();
    assert_eq!(problem["code"], "invalid_input");
    let expected = [
        ("/access", "bad_value"),
        ("/packages/1", "bad_value"),
        ("/repositories", "wrong_type"),
        ("/colour", "unknown_field"),
        ("/name", "missing_field"),
    ];
    assert_eq!(faults(&problem), expected);
    // Each sentence is in the one for people as well.
    for fault in problem["errors"].as_array().unwrap() {
        let said = fault["detail"].as_str().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(said), "{said}");
    }
}

#[test]
fn fields_are_named_however_deep_and_wherever_they_are_checked() {
    let registry = TestRegistry::imported();
    let (connection, _) = registry.connect();
    let org = "/api/v1/orgs/acme";
    let mirror = json!({"dist-url": "https://m.example/%package%.zip"});
    for (method, path, body, field, code) in [
        (
            "PATCH",
            "repositories/main",
            json!({"mirrors": [mirror, {"dist-url": "ftp://x"}]}),
            "/mirrors/1/dist-url",
            "bad_value",
        ),
        (
            "PATCH",
            "repositories/main",
            json!({"mirrors": [{"url": "x"}]}),
            "/mirrors/0/url",
            "unknown_field",
        ),
        (
            "PATCH",
            "repositories/main",
            json!({"messages": [{"level": "loud", "text": "x"}]}),
            "/messages/0/level",
            "bad_value",
        ),
        (
            "POST",
            "repositories",
            json!({"slug": "A"}),
            "/slug",
            "bad_value",
        ),
        (
            "POST",
            "tokens",
            json!({"name": "ci", "access": "read", "repositories": ["main", "none"]}),
            "/repositories/1",
            "bad_value",
        ),
        (
            "PATCH",
            "packages/acme/lib",
            json!({"moved_tags": 1}),
            "/moved_tags",
            "wrong_type",
        ),
        (
            "PATCH",
            "packages/acme/lib",
            json!({"colour": 1}),
            "/colour",
            "unknown_field",
        ),
        (
            "PATCH",
            &format!("connections/{connection}"),
            json!({"groups": [{"name": "acme"}, {"name": ".."}]}),
            "/groups/1/name",
            "bad_value",
        ),
        (
            "PATCH",
            &format!("connections/{connection}"),
            json!({"reconcile_hours": 0}),
            "/reconcile_hours",
            "bad_value",
        ),
        (
            "PATCH",
            &format!("connections/{connection}"),
            json!({"hook_mapping": {"package_name": 1}}),
            "/hook_mapping/package_name",
            "wrong_type",
        ),
        (
            "POST",
            &format!("connections/{connection}/imports"),
            json!({"projects": ["a/b", ""], "repository": "main"}),
            "/projects/1",
            "bad_value",
        ),
    ] {
        let path = format!("{org}/{path}");
        let answer = registry
            .admin()
            .send(method, &path, &[], body.to_string().into_bytes());
        let problem = answer.expect(422).json();
        assert_eq!(faults(&problem), [(field, code)], "{path} {body}");
    }
}

#[test]
fn each_kind_of_refusal_has_its_code() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    let code = |answer: crate::support::persona::Answer, status| {
        answer.expect(status).json()["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        code(registry.anonymous().get("/api/v1/orgs"), 401),
        "unauthenticated"
    );
    assert_eq!(
        code(registry.reader("*").get("/api/v1/orgs/acme/tokens"), 403),
        "forbidden"
    );
    assert_eq!(code(admin.get("/api/v1/orgs/none"), 404), "not_found");
    assert_eq!(code(admin.get("/api/v1/nothing"), 404), "not_found");
    assert_eq!(
        code(admin.patch("/api/v1/orgs", &json!({})), 405),
        "method_not_allowed"
    );
    assert_eq!(
        code(admin.post("/api/v1/orgs", &json!({"slug": "acme"})), 409),
        "taken"
    );
    let large = vec![b' '; 300 * 1024];
    assert_eq!(
        code(admin.send("POST", "/api/v1/orgs", &[], large), 413),
        "too_large"
    );
    let again = json!({"organisation": "acme", "repository": "main"});
    let operator = registry.with_token(SETUP_SECRET);
    assert_eq!(
        code(operator.post("/api/v1/setup", &again), 409),
        "already_set_up"
    );
}
