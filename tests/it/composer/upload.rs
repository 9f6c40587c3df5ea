use serde_json::json;

use crate::support::TestRegistry;
use crate::support::github::git_archive;

#[test]
fn an_upload_can_be_installed_at_once() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let answer = writer.upload("acme/tool", "v1.0", "one").expect(201).json();
    let version = registry.composer_metadata("acme/tool").remove(0);
    assert_eq!(version["version"], "v1.0");
    assert_eq!(version["version_normalized"], "1.0.0.0");
    assert_eq!(version["dist"]["url"], answer["dist"]["url"]);
    assert_eq!(version["dist"]["shasum"], answer["dist"]["shasum"]);
    assert!(version.get("source").is_none());
}

#[test]
fn the_same_bytes_again_are_welcome_and_others_are_a_conflict() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/tool", "1.0.0", "one").expect(201);
    let head = registry.head();
    let count = registry.world.objects.borrow().len();
    writer.upload("acme/tool", "1.0", "one").expect(200);
    let refused = writer
        .upload("acme/tool", "1.0.0", "two")
        .expect(409)
        .json();
    assert_eq!(
        refused["warning"],
        "`acme/tool` 1.0.0 exists with other contents, and a version never changes; upload them as a new version"
    );
    assert_eq!(registry.head(), head);
    assert_eq!(registry.world.objects.borrow().len(), count);
}

#[test]
fn a_dev_version_follows_its_uploads() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let first = writer
        .upload("acme/tool", "dev-main", "one")
        .expect(201)
        .json();
    let second = writer
        .upload("acme/tool", "dev-main", "two")
        .expect(201)
        .json();
    let version = registry.composer_metadata("acme/tool~dev").remove(0);
    assert_eq!(version["dist"]["reference"], second["dist"]["reference"]);
    let old = first["dist"]["reference"].as_str().unwrap();
    registry
        .admin()
        .get(&format!("/r/acme/main/dist/acme/tool/{old}.zip"))
        .expect(200);
}

#[test]
fn what_cannot_be_a_version_is_refused_and_leaves_nothing() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let count = registry.world.objects.borrow().len();
    let manifest = json!({"name": "acme/tool", "version": "2.0.0"}).to_string();
    let whole = git_archive("top", "", &[("composer.json", &manifest)]);
    let path = |version: &str| format!("/r/acme/main/upload/acme/tool/{version}");
    for (version, archive, said) in [
        ("1.0.0", whole.clone(), "says version `2.0.0`"),
        ("2.0.0", whole[..whole.len() - 10].to_vec(), "archive"),
        ("2.0.0", b"no zip".to_vec(), "archive"),
        ("2.0.0", Vec::new(), "archive"),
        (
            "2.0.0",
            git_archive("top", "", &[("a", "")]),
            "has no composer.json",
        ),
        (
            "2.0.0",
            git_archive("top", "", &[("composer.json", "{")]),
            "composer.json",
        ),
        (
            "2.0.0",
            git_archive("top", "", &[("composer.json", r#"{"name":"acme/other"}"#)]),
            "is named `acme/other`",
        ),
        ("not-a-version!", whole, "not-a-version"),
    ] {
        let answer = writer.send("PUT", &path(version), &[], archive).expect(422);
        let warning = answer.json()["warning"].as_str().unwrap().to_owned();
        assert!(warning.contains(said), "{warning}");
    }
    assert_eq!(registry.world.objects.borrow().len(), count);
    assert_eq!(registry.head().0, 0);
}

#[test]
fn an_upload_needs_a_token_that_may_write_this_package() {
    let registry = TestRegistry::new();
    registry
        .anonymous()
        .upload("acme/tool", "1.0.0", "")
        .expect(401);
    registry
        .reader("acme/*")
        .upload("acme/tool", "1.0.0", "")
        .expect(403);
    let token =
        registry.make_token(&json!({"name": "ci", "access": "write", "packages": ["acme/tool"]}));
    let writer = registry.with_token(&token);
    writer.upload("acme/other", "1.0.0", "").expect(403);
    writer.upload("acme/tool", "1.0.0", "").expect(201);
    assert_eq!(registry.contents().len(), 1);
}

#[test]
fn a_package_from_git_takes_no_uploads() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/lib", "9.0.0", "")
        .expect(409);
    assert_eq!(registry.versions("acme/lib"), ["v1.1.0", "v1.0.0"]);
}
