use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use repertoire::domain::time::rfc3339;
use serde_json::json;

use super::{DEV, ROOT, TAGGED, dist_path};
use crate::support::persona::Persona;
use crate::support::{ADMIN, TestRegistry, isolate};

#[test]
fn nobody_is_asked_for_credentials() {
    let registry = TestRegistry::imported();
    insta::assert_snapshot!(registry.anonymous().get(ROOT).transcript(), @r#"
    401
    cache-control: no-store
    content-type: application/json
    www-authenticate: Basic realm="Repertoire", charset="UTF-8"

    {"warning":"This repository is private: run `composer config http-basic.packages.example.com token YOUR-TOKEN` with a token of yours, or ask its owner for one"}
    "#);
}

#[test]
fn a_bad_token_is_told_so() {
    let registry = TestRegistry::imported();
    let expected = registry.with_token("unknown-token").get(ROOT).transcript();
    insta::assert_snapshot!(expected, @r#"
    401
    cache-control: no-store
    content-type: application/json
    www-authenticate: Basic realm="Repertoire", charset="UTF-8"

    {"warning":"The token sent to packages.example.com is not valid: it was revoked, has expired or is mistyped. Ask the repository's owner for a new one and run `composer config http-basic.packages.example.com token YOUR-TOKEN`"}
    "#);
    for header in ["Bearer rptd_mistyped", "Basic !", "Digest x", "Bearer"] {
        let answer = registry.anonymous().get_with(ROOT, "authorization", header);
        assert_eq!(answer.transcript(), expected, "{header}");
    }
}

#[test]
fn a_mistyped_token_costs_no_look() {
    let registry = TestRegistry::imported();
    registry.world.forget_calls();
    registry.with_token("rptd_mistyped").get(ROOT).expect(401);
    registry
        .admin()
        .get("/r/acme/main/p2/no-package.json")
        .expect(404);
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn a_token_comes_as_password_as_user_name_or_as_bearer() {
    let registry = TestRegistry::imported();
    for header in [
        format!("Bearer {ADMIN}"),
        format!("Basic {}", STANDARD.encode(format!("anybody:{ADMIN}"))),
        format!("Basic {}", STANDARD.encode(format!("{ADMIN}:"))),
        format!(
            "Basic {}",
            STANDARD.encode(format!("{ADMIN}:x-oauth-basic"))
        ),
    ] {
        registry
            .anonymous()
            .get_with(TAGGED, "authorization", &header)
            .expect(200);
    }
}

#[test]
fn a_token_limited_to_packages_sees_no_other() {
    let registry = TestRegistry::imported();
    let writer = registry.writer();
    writer.upload("other/tool", "1.0.0", "").expect(201);
    let archive = dist_path(&registry);
    let reader = registry.reader("other/*");
    let root = reader.get(ROOT).expect(200).json();
    assert_eq!(root["available-packages"], json!(["other/tool"]));
    reader.get("/r/acme/main/p2/other/tool.json").expect(200);
    for path in [TAGGED, DEV, &archive] {
        reader.get(path).expect(404);
    }
    registry.reader("acme/*").get(&archive).expect(200);
}

#[test]
fn a_token_limited_to_repositories_enters_no_other() {
    let registry = TestRegistry::imported();
    let body = json!({"slug": "second"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &body)
        .expect(201);
    let token =
        registry.make_token(&json!({"name": "ci", "access": "read", "repositories": ["second"]}));
    let reader = registry.with_token(&token);
    reader.get("/r/acme/second/packages.json").expect(200);
    reader.get(ROOT).expect(404);
    reader.get(TAGGED).expect(404);
    reader.get(&dist_path(&registry)).expect(404);
}

#[test]
fn a_token_of_another_organisation_enters_nothing() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let body = json!({"name": "ci", "access": "admin"});
    let made = registry
        .admin()
        .post("/api/v1/orgs/globex/tokens", &body)
        .expect(201)
        .json();
    let stranger = registry.with_token(made["token"].as_str().unwrap());
    for path in [ROOT, TAGGED, &dist_path(&registry)] {
        stranger.get(path).expect(404);
    }
}

#[test]
fn a_token_ends_at_its_second_even_where_it_is_remembered() {
    let registry = TestRegistry::imported();
    let end = registry.world.now.get() + 2;
    let token =
        registry.make_token(&json!({"name": "ci", "access": "read", "expires_at": rfc3339(end)}));
    let reader = registry.with_token(&token);
    reader.get(TAGGED).expect(200);
    registry.pass_time(1);
    reader.get(TAGGED).expect(200);
    registry.pass_time(1);
    reader.get(TAGGED).expect(404);
    // Neither does a database that is down bring it back.
    registry.world.db_is_down.set(true);
    registry.pass_time(60);
    reader.get(TAGGED).expect(404);
    let root = reader.get(ROOT).expect(200).json();
    assert_eq!(
        root["warning"],
        "The token you use here has expired. Ask the people who gave you the token"
    );
    assert_eq!(root["available-package-patterns"], json!(["-/-"]));
}

#[test]
fn a_revoked_token_is_refused_here_at_once_and_elsewhere_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let made = registry.admin().post(
        "/api/v1/orgs/acme/tokens",
        &json!({"name": "ci", "access": "read"}),
    );
    let made = made.expect(201).json();
    let token = made["token"].as_str().unwrap();
    let elsewhere = isolate(&registry.world);
    let far = Persona::new(&elsewhere, Some(token));
    let near = registry.with_token(token);
    far.get(TAGGED).expect(200);
    near.get(TAGGED).expect(200);
    let path = format!("/api/v1/orgs/acme/tokens/{}", made["id"].as_str().unwrap());
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    near.get(TAGGED).expect(401);
    registry.pass_time(10);
    far.get(TAGGED).expect(401);
}

#[test]
fn a_public_repository_is_open_for_reading_only() {
    let registry = TestRegistry::imported();
    let body = json!({"slug": "open", "public": true});
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &body)
        .expect(201);
    let manifest = json!({"name": "acme/free"}).to_string();
    let archive = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    let path = "/r/acme/open/upload/acme/free/1.0.0";
    registry
        .anonymous()
        .send("PUT", path, &[], archive.clone())
        .expect(401);
    registry
        .reader("acme/*")
        .send("PUT", path, &[], archive.clone())
        .expect(403);
    let made = registry
        .writer()
        .send("PUT", path, &[], archive.clone())
        .expect(201)
        .json();
    let anonymous = registry.anonymous();
    let root = anonymous
        .get("/r/acme/open/packages.json")
        .expect(200)
        .json();
    assert_eq!(root["available-packages"], json!(["acme/free"]));
    anonymous.get("/r/acme/open/p2/acme/free.json").expect(200);
    anonymous.get("/r/acme/open/p2/acme/none.json").expect(404);
    let url = made["dist"]["url"]
        .as_str()
        .unwrap()
        .strip_prefix(crate::support::ADDRESS)
        .unwrap();
    assert_eq!(anonymous.get(url).expect(200).bytes(), archive);
    // Another repository of the same organisation stays closed, and a bad token is no token.
    anonymous.get(ROOT).expect(401);
    registry
        .with_token("unknown-token")
        .get("/r/acme/open/packages.json")
        .expect(401);
    // Somebody limited to other packages sees here what everybody sees.
    let root = registry
        .reader("other/*")
        .get("/r/acme/open/packages.json")
        .expect(200)
        .json();
    assert_eq!(root["available-packages"], json!(["acme/free"]));
}
