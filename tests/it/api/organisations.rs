use serde_json::json;

use crate::support::{ADMIN, SETUP_SECRET, TestRegistry};

#[test]
fn an_instance_is_set_up_once() {
    let registry = TestRegistry::bare();
    let asked = json!({"organisation": "acme", "repository": "main"});
    registry
        .anonymous()
        .post("/api/v1/setup", &asked)
        .expect(401);
    registry
        .with_token("other-secret")
        .post("/api/v1/setup", &asked)
        .expect(401);
    let operator = registry.with_token(SETUP_SECRET);
    let made = operator.post("/api/v1/setup", &asked).expect(201).json();
    assert_eq!(
        made["repository_url"],
        "https://packages.example.com/r/acme/main"
    );
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("rpta_"));
    registry
        .with_token(token)
        .get("/r/acme/main/packages.json")
        .expect(200);
    operator.post("/api/v1/setup", &asked).expect(409);
    let other = json!({"organisation": "globex", "repository": "main"});
    operator.post("/api/v1/setup", &other).expect(409);
    let listed = registry.with_token(token).get("/api/v1/orgs").json();
    assert_eq!(listed["organisations"].as_array().unwrap().len(), 1);
}

#[test]
fn a_set_up_that_is_refused_leaves_nothing() {
    let registry = TestRegistry::bare();
    let operator = registry.with_token(SETUP_SECRET);
    for (organisation, token) in [
        ("Not A Slug", "long-enough"),
        ("acme", "short"),
        ("acme", "with:colon-inside"),
    ] {
        let asked = json!({"organisation": organisation, "repository": "main", "token": token});
        operator.post("/api/v1/setup", &asked).expect(422);
    }
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select slug from organisations"),
        Vec::<String>::new()
    );
}

#[test]
fn slugs_are_taken_once() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "acme"}))
        .expect(409);
    let path = "/api/v1/orgs/acme/repositories";
    admin.post(path, &json!({"slug": "main"})).expect(409);
    admin.post(path, &json!({"slug": "second"})).expect(201);
    let listed = admin.get(path).json();
    assert_eq!(listed["repositories"][1]["slug"], "second");
    assert_eq!(listed["repositories"].as_array().unwrap().len(), 2);
}

#[test]
fn only_the_owner_of_the_instance_makes_organisations() {
    let registry = TestRegistry::new();
    let token = registry.make_token(&json!({"name": "admin", "access": "admin"}));
    let admin = registry.with_token(&token);
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(403);
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let listed = admin.get("/api/v1/orgs").json();
    assert_eq!(listed["organisations"].as_array().unwrap().len(), 1);
}

#[test]
fn revisions_say_what_was_published_and_when() {
    let registry = TestRegistry::imported();
    let listed = registry
        .admin()
        .get("/api/v1/orgs/acme/repositories/main/revisions")
        .expect(200)
        .json();
    let newest = &listed["revisions"][0];
    assert_eq!(newest["number"], registry.head().0);
    assert_eq!(newest["root"], registry.head().1);
    assert_eq!(newest["cause"], "acme/lib");
    registry
        .admin()
        .get("/api/v1/orgs/acme/repositories/none/revisions")
        .expect(404);
}

#[test]
fn an_error_is_a_problem_and_says_what_to_do() {
    let registry = TestRegistry::new();
    let answer = registry
        .admin()
        .send("POST", "/api/v1/orgs", &[], b"{".to_vec());
    insta::assert_snapshot!(answer.transcript(), @r#"
    422
    cache-control: no-store
    content-type: application/problem+json

    {"type":"about:blank","title":"Invalid input","status":422,"code":"invalid_json","detail":"The body is no JSON: EOF while parsing an object at line 1 column 1"}
    "#);
    insta::assert_snapshot!(registry.anonymous().get("/api/v1/orgs").transcript(), @r#"
    401
    cache-control: no-store
    content-type: application/problem+json
    www-authenticate: Basic realm="Repertoire", charset="UTF-8"

    {"type":"about:blank","title":"Not authenticated","status":401,"code":"unauthenticated","detail":"The API needs a token: send `Authorization: Bearer YOUR-TOKEN`"}
    "#);
}

#[test]
fn monitors_hear_of_a_database_that_is_down() {
    let registry = TestRegistry::new();
    registry.anonymous().get("/healthz").expect(200);
    registry.world.db_is_down.set(true);
    registry.anonymous().get("/healthz").expect(503);
    registry.with_token(ADMIN).get("/api/v1/orgs").expect(503);
}
