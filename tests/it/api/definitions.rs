//! Packages that a person writes down.

use serde_json::{Value, json};

use crate::support::archives::pack;
use crate::support::faults::with_every_fault;
use crate::support::persona::Answer;
use crate::support::{ADDRESS, TestRegistry};

const DEFINITION: &str = "/api/v1/orgs/acme/packages/acme/old/definition";
const ARCHIVES: &str = "/api/v1/orgs/acme/packages/acme/old/archives";

fn version(version: &str) -> Value {
    json!({
        "name": "acme/old",
        "version": version,
        "require": {"php": ">=7.4"},
        "autoload": {"classmap": ["lib/"]},
        "dist": {"type": "zip", "url": format!("https://files.example/old-{version}.zip")},
    })
}

fn define(registry: &TestRegistry, package: &Value) -> Answer {
    let body = json!({"repository": "main", "type": "package", "package": package});
    let admin = registry.admin();
    admin.send("PUT", DEFINITION, &[], body.to_string().into_bytes())
}

fn warning(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_definition_is_what_clients_read() {
    let registry = TestRegistry::new();
    let mut second = version("v1.1");
    second["dist"]["shasum"] = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".into();
    second["dist"]["reference"] = "abc".into();
    second["source"] =
        json!({"type": "git", "url": "https://git.example/old.git", "reference": "v1.1"});
    let only_source = json!({
        "name": "acme/old", "version": "dev-main",
        "source": {"type": "svn", "url": "https://svn.example/old", "reference": "trunk/@7"},
    });
    let list = json!([version("1.0"), second, only_source]);
    let shown = define(&registry, &list).expect(200).json();
    assert_eq!(shown["package"][0]["version"], "v1.1");
    assert_eq!(registry.admin().get(DEFINITION).expect(200).json(), shown);
    assert_eq!(registry.versions("acme/old"), ["v1.1", "1.0"]);
    let entry = registry.composer_metadata("acme/old").remove(0);
    assert_eq!(entry["dist"], second["dist"]);
    assert_eq!(entry["source"], second["source"]);
    assert_eq!(entry["version_normalized"], "1.1.0.0");
    assert_eq!(entry["autoload"], json!({"classmap": ["lib/"]}));
    assert!(entry.contains_key("published-time"));
    let older = registry.composer_metadata("acme/old").remove(1);
    assert_eq!(older.get("source"), None);
    assert_eq!(older["dist"]["url"], "https://files.example/old-1.0.zip");
    let dev = registry.composer_metadata("acme/old~dev").remove(0);
    assert_eq!(dev.get("dist"), None);
    assert_eq!(dev["source"]["type"], "svn");
    let versions = registry.shown("acme/old")["versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 3);
    let packages = registry.admin().get("/api/v1/orgs/acme/packages");
    assert_eq!(packages.json()["packages"][0]["versions"], 3);
}

#[test]
fn a_stable_version_never_changes_and_a_dev_one_may() {
    let registry = TestRegistry::new();
    define(&registry, &json!([version("1.0"), version("dev-main")])).expect(200);
    let head = registry.head();
    // The same, in another order of keys.
    let again = json!({
        "dist": version("1.0")["dist"], "autoload": {"classmap": ["lib/"]}, "require": {"php": ">=7.4"},
        "version": "1.0", "name": "acme/old",
    });
    define(&registry, &json!([version("dev-main"), again])).expect(200);
    assert_eq!(registry.head(), head);
    let mut other = version("1.0");
    other["dist"]["url"] = "https://files.example/other.zip".into();
    let refused = define(&registry, &json!([other, version("dev-main")])).expect(409);
    assert!(warning(&refused).contains("`acme/old` 1.0 is defined otherwise"));
    let mut moved = version("dev-main");
    moved["dist"]["reference"] = "abc".into();
    registry.pass_time(10);
    define(&registry, &json!([version("1.0"), moved])).expect(200);
    let dev = registry.composer_metadata("acme/old~dev").remove(0);
    assert_eq!(dev["dist"]["reference"], "abc");
    // What is no longer in the list leaves the metadata, and cannot come back as something else.
    define(&registry, &json!([version("dev-main")])).expect(200);
    assert_eq!(registry.versions("acme/old"), Vec::<String>::new());
    define(&registry, &json!([other])).expect(409);
    define(&registry, &version("1.0")).expect(200);
    assert_eq!(registry.versions("acme/old"), ["1.0"]);
}

#[test]
fn an_archive_may_be_ours_without_a_composer_json() {
    let registry = TestRegistry::new();
    let bytes = pack("tar.gz", &[("lib/old.php", b"<?php")]);
    let admin = registry.admin();
    let named = |sha256: &Value| {
        let mut named = version("1.0");
        named["dist"] = json!({ "sha256": sha256 });
        named
    };
    let unknown = define(&registry, &named(&"0".repeat(64).into())).expect(422);
    assert!(warning(&unknown).contains("No archive with the SHA-256"));
    admin
        .send("POST", ARCHIVES, &[], b"none".to_vec())
        .expect(422);
    let taken = admin.send("POST", ARCHIVES, &[], bytes.clone());
    let taken = taken.expect(201).json();
    let again = admin.send("POST", ARCHIVES, &[], bytes.clone());
    assert_eq!(again.expect(201).json(), taken);
    let objects = registry.world.objects.borrow().len();
    assert_eq!(objects, 1);
    define(&registry, &named(&taken["sha256"])).expect(200);
    let entry = registry.composer_metadata("acme/old").remove(0);
    assert_eq!(entry["dist"]["type"], "tar");
    assert_eq!(entry["dist"]["shasum"], taken["shasum"]);
    let url = entry["dist"]["url"].as_str().unwrap();
    assert!(url.ends_with(".tar.gz"), "{url}");
    let path = url.strip_prefix(ADDRESS).unwrap();
    assert_eq!(admin.get(path).expect(200).bytes(), bytes);
}

#[test]
fn versions_come_from_one_place() {
    let registry = TestRegistry::imported();
    let body = json!({"repository": "main", "package": []}).to_string();
    let send = |package: &str| {
        let path = format!("/api/v1/orgs/acme/packages/{package}/definition");
        registry
            .admin()
            .send("PUT", &path, &[], body.clone().into_bytes())
    };
    send("acme/lib").expect(409);
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let refused = send("acme/tool").expect(409);
    assert!(warning(&refused).contains("were uploaded"));
    define(&registry, &version("1.0")).expect(200);
    registry
        .writer()
        .upload("acme/old", "2.0.0", "")
        .expect(409);
    assert_eq!(registry.versions("acme/old"), ["1.0"]);
    let nowhere = registry.admin().send(
        "PUT",
        "/api/v1/orgs/acme/packages/acme/new/definition",
        &[],
        json!({"package": []}).to_string().into_bytes(),
    );
    assert!(warning(&nowhere.expect(422)).contains("in no repository yet"));
    registry
        .writer()
        .send("PUT", DEFINITION, &[], body.into_bytes())
        .expect(403);
}

#[test]
fn a_definition_comes_to_the_same_end_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let list = json!([version("1.0"), version("dev-main")]);
        if define(registry, &list).status() != 200 {
            define(registry, &list).expect(200);
        }
        registry.pass_time(200);
        registry.housekeep();
        registry.run_jobs();
    };
    with_every_fault(TestRegistry::new, play, |registry, calm| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions("acme/old"), ["1.0"]);
        registry.assert_settled();
    });
}
