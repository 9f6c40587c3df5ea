use serde_json::json;

use super::ROOT;
use crate::support::persona::Persona;
use crate::support::{ADDRESS, ADMIN, TestRegistry, isolate};

const PATH: &str = "/r/acme/main/list.json";

fn names(persona: &Persona<'_>, query: &str) -> Vec<String> {
    let answer = persona.get(&format!("{PATH}?{query}")).expect(200);
    serde_json::from_value(answer.json()["packageNames"].clone()).unwrap()
}

fn three_packages() -> TestRegistry {
    let registry = TestRegistry::new();
    for package in ["other/lib", "acme/tool", "acme/lib-x"] {
        registry.writer().upload(package, "1.0.0", "").expect(201);
    }
    registry
}

#[test]
fn names_are_listed_by_pattern_and_by_vendor() {
    let registry = three_packages();
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    let url = root["list"].as_str().unwrap();
    assert_eq!(url.strip_prefix(ADDRESS), Some(PATH));
    let all = ["acme/lib-x", "acme/tool", "other/lib"];
    for (query, expected) in [
        ("", &all[..]),
        ("filter=", &all),
        ("filter=%2A", &all),
        ("filter=acme%2F*", &all[..2]),
        ("filter=ACME/Lib*", &all[..1]),
        ("filter=*lib*", &["acme/lib-x", "other/lib"]),
        ("filter=acme", &[]),
        ("filter=acme/tool", &["acme/tool"]),
        ("filter=acme/%3F*", &[]),
        ("vendor=Acme", &all[..2]),
        ("vendor=acme&filter=*/t*", &["acme/tool"]),
        ("vendor=ac", &[]),
        ("vendor=other&filter=acme/*", &[]),
    ] {
        assert_eq!(names(&admin, query), expected, "{query}");
    }
}

#[test]
fn only_what_may_be_seen_is_listed() {
    let registry = three_packages();
    assert_eq!(names(&registry.reader("other/*"), ""), ["other/lib"]);
    assert_eq!(
        names(&registry.reader("acme/t*"), "vendor=acme"),
        ["acme/tool"]
    );
    let nothing = registry.reader("none/*").get(PATH).expect(200);
    assert_eq!(nothing.json(), json!({"packageNames": []}));
    registry.anonymous().get(PATH).expect(401);
    registry.with_token("unknown-token").get(PATH).expect(401);
}

#[test]
fn an_unchanged_list_is_answered_empty_after_access() {
    let registry = three_packages();
    let admin = registry.admin();
    let answer = admin.get(PATH).expect(200);
    let validator = answer.header("last-modified").unwrap().to_owned();
    let again = admin
        .get_with(PATH, "if-modified-since", &validator)
        .expect(304);
    assert_eq!(again.bytes(), b"");
    registry
        .anonymous()
        .get_with(PATH, "if-modified-since", &validator)
        .expect(401);
    registry
        .writer()
        .upload("acme/new", "1.0.0", "")
        .expect(201);
    admin
        .get_with(PATH, "if-modified-since", &validator)
        .expect(200);
}

#[test]
fn a_moment_lists_what_was_there_then() {
    let registry = three_packages();
    let (revision, _) = registry.head();
    registry
        .writer()
        .upload("acme/new", "1.0.0", "")
        .expect(201);
    let path = format!("/r/acme/main@{revision}/list.json?vendor=acme");
    let then = registry.admin().get(&path).expect(200).json();
    assert_eq!(then["packageNames"], json!(["acme/lib-x", "acme/tool"]));
}

#[test]
fn a_large_repository_is_listed_from_its_buckets_without_the_database() {
    let registry = TestRegistry::new();
    registry.fill(301);
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let cold = isolate(&registry.world);
    let admin = Persona::new(&cold, Some(ADMIN));
    let root = admin.get(ROOT).json();
    assert!(root.get("available-packages").is_none());
    registry.world.forget_calls();
    let all = names(&admin, "");
    assert_eq!(all.len(), 302);
    assert!(all.is_sorted());
    assert_eq!(registry.world.calls(crate::support::world::Port::Db), 0);
    assert_eq!(names(&admin, "filter=bulk/p30*").len(), 2);
    assert_eq!(names(&registry.reader("acme/*"), ""), ["acme/tool"]);
}
