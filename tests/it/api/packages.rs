use serde_json::json;

use crate::support::{PACKAGE, PROJECT, TestRegistry};

const PACKAGES: &str = "/api/v1/orgs/acme/packages";

#[test]
fn a_package_shows_its_versions_and_what_became_of_each_ref() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push("refs/tags/not-a-version", &json!({"name": PACKAGE}));
    registry.push("refs/tags/v2.0.0", &json!({"name": "other/name"}));
    let broken = |git_ref: &str, text| {
        let mut github = registry.world.github.borrow_mut();
        github.project(PROJECT).push(git_ref, text);
    };
    broken("refs/tags/v3.0.0", Some("{"));
    broken("refs/tags/v4.0.0", None);
    registry.import(PROJECT);
    registry.run_jobs();
    registry.assert_settled();
    let shown = registry
        .admin()
        .get("/api/v1/orgs/acme/packages/acme/lib")
        .expect(200)
        .json();
    let versions: Vec<_> = shown["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(
        json!(versions),
        json!(["v2.0.0", "v1.1.0", "v1.0.0", "dev-main"])
    );
    let refs: Vec<_> = shown["refs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one["ref"].as_str().unwrap(),
                one["state"].as_str().unwrap(),
                one["reason"].as_str().unwrap_or("-")
            )
        })
        .collect();
    insta::assert_snapshot!(refs.join("\n"), @"
    refs/heads/main imported -
    refs/tags/not-a-version skipped the tag `not-a-version` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are
    refs/tags/v1.0.0 imported -
    refs/tags/v1.1.0 imported -
    refs/tags/v2.0.0 imported composer.json at this commit is named `other/name`; the version is published as `acme/lib`
    refs/tags/v3.0.0 skipped composer.json is not valid JSON: EOF while parsing an object at line 1 column 1
    refs/tags/v4.0.0 skipped there is no composer.json at this commit
    ");
    let listed = registry.admin().get(PACKAGES).expect(200).json();
    assert_eq!(listed["packages"][0]["versions"], 4);
}

#[test]
fn a_project_that_cannot_be_imported_is_refused_with_the_reason() {
    let registry = TestRegistry::new();
    let (connection, _) = registry.connect();
    {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(1, "acme/empty");
        github.project("acme/empty").default_branch = String::new();
        github.add_project(2, "acme/plain");
        github.project("acme/plain").push("refs/heads/main", None);
        github.add_project(3, "acme/nameless");
        github
            .project("acme/nameless")
            .push("refs/heads/main", Some("{}"));
    }
    for (project, said) in [
        ("acme/none", "has no project `acme/none`"),
        ("acme/empty", "has no commits yet"),
        ("acme/plain", "has no composer.json"),
        ("acme/nameless", "name"),
        ("nonsense", "owner/name"),
    ] {
        let asked = json!({"connection": connection, "project": project, "repository": "main"});
        let answer = registry.admin().post(PACKAGES, &asked).expect(422).json();
        assert!(
            answer["detail"].as_str().unwrap().contains(said),
            "{answer}"
        );
    }
    for (connection, repository) in [("none", "main"), (connection.as_str(), "none")] {
        let asked = json!({"connection": connection, "project": PROJECT, "repository": repository});
        registry.admin().post(PACKAGES, &asked).expect(422);
    }
    assert_eq!(
        registry.world.sqlite.texts("select name from packages"),
        Vec::<String>::new()
    );
}

#[test]
fn a_name_belongs_to_its_first_source() {
    let registry = TestRegistry::imported();
    let (connection, _) = registry.connect();
    {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(99, "evil/lib");
        github
            .project("evil/lib")
            .push("refs/heads/main", Some(r#"{"name":"acme/lib"}"#));
    }
    let asked = json!({"connection": connection, "project": "evil/lib", "repository": "main"});
    registry.admin().post(PACKAGES, &asked).expect(409);
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_package_can_be_in_two_repositories() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let asked = json!({"connection": connection, "project": PROJECT, "repository": "second"});
    registry.admin().post(PACKAGES, &asked).expect(202);
    registry.run_jobs();
    registry.assert_settled();
    let document = registry
        .admin()
        .get("/r/acme/second/p2/acme/lib.json")
        .expect(200);
    assert!(
        String::from_utf8(document.bytes())
            .unwrap()
            .contains("/r/acme/second/dist/")
    );
    registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
}

#[test]
fn an_upload_into_a_second_repository_is_seen_there() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/tool", "1.0.0", "one").expect(201);
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let manifest = json!({"name": "acme/tool"}).to_string();
    let files = [("composer.json", manifest.as_str()), ("text", "one")];
    let archive = crate::support::github::git_archive("top", "", &files);
    writer
        .send("PUT", "/r/acme/second/upload/acme/tool/1.0.0", &[], archive)
        .expect(200);
    registry.run_jobs();
    registry
        .admin()
        .get("/r/acme/second/p2/acme/tool.json")
        .expect(200);
}

#[test]
fn a_writer_of_one_repository_changes_no_other() {
    let registry = TestRegistry::new();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "one")
        .expect(201);
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let token =
        registry.make_token(&json!({"name": "ci", "access": "write", "repositories": ["second"]}));
    let manifest = json!({"name": "acme/tool"}).to_string();
    let archive = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    let path = "/r/acme/second/upload/acme/tool/9.0.0";
    registry
        .with_token(&token)
        .send("PUT", path, &[], archive)
        .expect(403);
    assert_eq!(registry.versions("acme/tool"), ["1.0.0"]);
    registry
        .admin()
        .get("/r/acme/second/p2/acme/tool.json")
        .expect(404);
}

#[test]
fn a_sync_by_hand_takes_in_what_no_webhook_told() {
    let registry = TestRegistry::imported();
    registry.push_tag("v1.2.0");
    registry
        .admin()
        .send(
            "POST",
            "/api/v1/orgs/acme/packages/acme/lib/sync",
            &[],
            Vec::new(),
        )
        .expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    registry
        .admin()
        .send(
            "POST",
            "/api/v1/orgs/acme/packages/acme/tool/sync",
            &[],
            Vec::new(),
        )
        .expect(409);
}

#[test]
fn a_listing_that_did_not_change_is_asked_for_conditionally() {
    let registry = TestRegistry::imported();
    registry.world.github.borrow_mut().seen.clear();
    registry
        .admin()
        .send(
            "POST",
            "/api/v1/orgs/acme/packages/acme/lib/sync",
            &[],
            Vec::new(),
        )
        .expect(202);
    registry.run_jobs();
    let seen = registry.world.github.borrow().seen.clone();
    insta::assert_snapshot!(seen.join("\n"), @"
    GET https://api.github.com/repositories/41 200
    GET https://api.github.com/repositories/41/tags 304
    GET https://api.github.com/repositories/41/branches 304
    ");
}
