use serde_json::json;

use super::{DEV, ROOT, TAGGED};
use crate::support::{ADMIN, PACKAGE, TestRegistry};

#[test]
fn the_root_names_the_packages_and_where_their_documents_are() {
    let registry = TestRegistry::imported();
    let answer = registry.admin().get(ROOT).expect(200);
    assert_eq!(
        answer.json(),
        json!({
            "packages": [],
            "metadata-url": "https://packages.example.com/r/acme/main/p2/%package%.json",
            "available-packages": ["acme/lib"],
            "list": "https://packages.example.com/r/acme/main/list.json",
            "search": "https://packages.example.com/r/acme/main/search.json?q=%query%&type=%type%",
            "providers-api": "https://packages.example.com/r/acme/main/providers/%package%.json",
            "metadata-changes-url": "https://packages.example.com/r/acme/main/metadata/changes.json",
            "notify-batch": "https://packages.example.com/r/acme/main/downloads",
            "security-advisories": {
                "metadata": true,
                "api-url": "https://packages.example.com/r/acme/main/security-advisories",
            },
            "warning": "This repository speaks the protocol of Composer 2; please update Composer",
            "warning-versions": "<1.999",
        })
    );
    assert!(answer.bytes().len() < 2_048);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert!(answer.header("last-modified").is_some());
    let revision = registry.head().0.to_string();
    assert_eq!(
        answer.header("x-repertoire-revision"),
        Some(revision.as_str())
    );
}

#[test]
fn the_documents_are_as_recorded() {
    let registry = TestRegistry::imported();
    for (name, path) in [("tagged", TAGGED), ("dev", DEV)] {
        let document = registry.admin().get(path).expect(200).json();
        let text = serde_json::to_string_pretty(&document).unwrap();
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn what_the_client_has_already_is_answered_empty_and_only_for_the_same_bytes() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    for path in [ROOT, TAGGED, DEV] {
        let validator = admin.get(path).header("last-modified").unwrap().to_owned();
        let answer = admin
            .get_with(path, "if-modified-since", &validator)
            .expect(304);
        assert_eq!(answer.bytes(), b"");
        assert_eq!(answer.header("last-modified"), Some(validator.as_str()));
        assert_eq!(answer.header("content-type"), None);
        // Later is not equal: another registry's validator says nothing about ours.
        for other in [
            "Sat, 21 Nov 2099 20:30:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "nonsense",
        ] {
            admin.get_with(path, "if-modified-since", other).expect(200);
        }
    }
}

#[test]
fn a_304_is_decided_after_access() {
    let registry = TestRegistry::imported();
    let validator = registry
        .admin()
        .get(TAGGED)
        .header("last-modified")
        .unwrap()
        .to_owned();
    let stranger = registry.reader("other/*");
    stranger
        .get_with(TAGGED, "if-modified-since", &validator)
        .expect(404);
    registry
        .anonymous()
        .get_with(TAGGED, "if-modified-since", &validator)
        .expect(401);
}

#[test]
fn a_validator_moves_with_each_change_and_only_then() {
    let registry = TestRegistry::imported();
    let validators = || {
        [TAGGED, DEV].map(|path| {
            registry
                .admin()
                .get(path)
                .header("last-modified")
                .unwrap()
                .to_owned()
        })
    };
    let [tagged, dev] = validators();
    // A tag within the same second moves the one document, and by a second at least.
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let [tagged_now, dev_now] = validators();
    assert_ne!(tagged_now, tagged);
    assert_eq!(dev_now, dev);
}

#[test]
fn the_validator_of_the_root_moves_with_the_names_and_not_with_releases() {
    let registry = TestRegistry::imported();
    let validator = || {
        let answer = registry.admin().get(ROOT);
        answer.header("last-modified").unwrap().to_owned()
    };
    let first = validator();
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    assert_eq!(validator(), first);
    registry
        .admin()
        .get_with(ROOT, "if-modified-since", &first)
        .expect(304);
    registry.fill(1);
    let second = validator();
    assert_ne!(second, first);
    registry.pass_time(100);
    registry.push_tag("v1.3.0");
    registry.deliver_webhook("two").expect(202);
    registry.run_jobs();
    assert_eq!(validator(), second);
    // Had a program of before published this, it would have written no time of the names: the revision's own is taken.
    registry.change("update revisions set names_changed_at = null");
    registry.pass_time(100);
    assert_ne!(validator(), second);
}

#[test]
fn a_validator_is_the_documents_own_whoever_sees_all_of_it() {
    let registry = TestRegistry::imported();
    let known = registry.admin().get(TAGGED);
    registry.pass_time(1_000);
    // A new token gives nobody's cache a reason to fetch again what it has.
    let answer = registry.reader("acme/*").get(TAGGED);
    assert_eq!(
        answer.header("last-modified"),
        known.header("last-modified")
    );
}

#[test]
fn a_package_that_is_not_there_and_one_that_is_not_to_be_seen_are_the_same_bytes() {
    let registry = TestRegistry::imported();
    let reader = registry.reader("other/*");
    let none = registry.admin().get("/r/acme/main/p2/acme/none.json");
    let expected = none.expect(404).transcript();
    insta::assert_snapshot!(expected, @r#"
    404
    cache-control: no-store
    content-type: application/json

    {"error":"Not found"}
    "#);
    let archive = super::dist_path(&registry);
    for path in [
        TAGGED,
        DEV,
        "/r/acme/main/p2/acme/none~dev.json",
        "/r/acme/main/p/acme/lib.json",
        "/r/acme/main/p/acme/none.json",
    ] {
        assert_eq!(reader.get(path).transcript(), expected, "{path}");
    }
    let none = registry.admin().get("/r/acme/main/dist/acme/none/0123.zip");
    let expected = none.expect(404).transcript();
    for path in [
        &archive,
        "/r/acme/main/dist/acme/lib/0123.zip",
        "/r/acme/main/dist/acme/none/0123.zip",
        "/r/acme/none/dist/acme/lib/0123.zip",
        "/r/none/main/dist/acme/lib/0123.zip",
    ] {
        assert_eq!(reader.get(path).transcript(), expected, "{path}");
    }
}

#[test]
fn a_repository_that_is_not_there_and_one_that_is_not_to_be_entered_are_the_same_bytes() {
    let registry = TestRegistry::imported();
    let body = json!({"slug": "second"});
    let made = registry.admin();
    made.post("/api/v1/orgs/acme/repositories", &body)
        .expect(201);
    let limits = json!({"name": "ci", "access": "read", "repositories": ["second"]});
    let reader = registry.with_token(&registry.make_token(&limits));
    let expected = reader
        .get("/r/none/main/packages.json")
        .expect(404)
        .transcript();
    insta::assert_snapshot!(expected, @r#"
    404
    cache-control: no-store
    content-type: application/json

    {"error":"Not found"}
    "#);
    for path in [
        ROOT,
        TAGGED,
        "/r/acme/none/packages.json",
        "/r/acme/main@1/packages.json",
        "/r/acme/second@99/packages.json",
        "/r/acme/second@1999-01-01/packages.json",
        "/r/acme/second@soon/packages.json",
        "/packages.json",
    ] {
        assert_eq!(reader.get(path).transcript(), expected, "{path}");
    }
}

#[test]
fn head_is_answered_as_get() {
    let registry = TestRegistry::imported();
    for path in [ROOT, TAGGED, DEV, "/r/acme/main/p2/acme/none.json"] {
        let get = registry.admin().get(path);
        let head = registry.admin().send("HEAD", path, &[], Vec::new());
        assert_eq!(
            (head.status(), &head.reply.headers),
            (get.status(), &get.reply.headers)
        );
    }
    let wrong = registry
        .admin()
        .send("DELETE", TAGGED, &[], Vec::new())
        .expect(405);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
}

#[test]
fn a_package_whose_last_version_went_is_gone() {
    let registry = TestRegistry::imported();
    for git_ref in ["refs/tags/v1.0.0", "refs/tags/v1.1.0"] {
        registry.delete_ref(git_ref);
    }
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE), Vec::<String>::new());
    registry.delete_ref("refs/heads/main");
    registry.deliver_webhook("two").expect(202);
    registry.run_jobs();
    registry.assert_settled();
    registry.admin().get(TAGGED).expect(404);
    let root = registry.admin().get(ROOT).json();
    assert_eq!(root["available-package-patterns"], json!(["-/-"]));
}

#[test]
fn the_past_is_served_by_number_and_by_date_with_addresses_of_its_own() {
    let registry = TestRegistry::imported();
    let (revision, _) = registry.head();
    registry.pass_time(7 * 24 * 60 * 60);
    registry.push_tag("v2.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    for moment in [
        revision.to_string(),
        "2026-11-21".to_owned(),
        "2026-11-22T00:00:00Z".to_owned(),
    ] {
        let root = registry
            .admin()
            .get(&format!("/r/acme/main@{moment}/packages.json"))
            .expect(200)
            .json();
        let expected =
            format!("https://packages.example.com/r/acme/main@{revision}/p2/%package%.json");
        assert_eq!(root["metadata-url"], json!(expected));
        let document = registry
            .admin()
            .get(&format!("/r/acme/main@{moment}/p2/acme/lib.json"))
            .expect(200);
        assert!(
            !String::from_utf8(document.bytes())
                .unwrap()
                .contains("v2.0.0")
        );
    }
    assert_eq!(registry.versions(PACKAGE)[0], "v2.0.0");
}

#[test]
fn the_instances_own_host_is_its_first_repository() {
    let registry = TestRegistry::imported();
    let root = registry
        .with_token(ADMIN)
        .get("/packages.json")
        .expect(200)
        .json();
    assert_eq!(
        root["metadata-url"],
        json!("https://packages.example.com/p2/%package%.json")
    );
    let by_host = registry.admin().get("/p2/acme/lib.json").bytes();
    assert_eq!(by_host, registry.admin().get(TAGGED).bytes());
}
