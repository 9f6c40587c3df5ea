//! What documents carry, and how it is reached by whichever host somebody asks.

use repertoire::http::Reply;
use serde_json::{Value, json};

use super::{AT, HOST, make_primary, map, shown, text};
use crate::composer::ROOT;
use crate::support::TestRegistry;
use crate::support::persona::Persona;

const OTHER: &str = "https://other.acme.example";

fn dist_url(registry: &TestRegistry) -> String {
    let versions = registry.composer_metadata("acme/lib");
    text(&versions[0]["dist"]["url"])
}

/// Where Composer would ask for an archive first: at the mirror that the root document names, if there is one.
fn asked_first(root: &Value, dist: &str) -> String {
    let Some(template) = root["mirrors"][0]["dist-url"].as_str() else {
        return dist.to_owned();
    };
    assert_eq!(root["mirrors"][0]["preferred"], true);
    let (_, end) = dist.split_once("/dist/acme/lib/").unwrap();
    let (reference, kind) = end.split_once('.').unwrap();
    template
        .replace("%package%", "acme/lib")
        .replace("%reference%", reference)
        .replace("%type%", kind)
}

fn read(persona: &Persona<'_>, url: &str, origin: &str) {
    let path = url
        .strip_prefix(origin)
        .unwrap_or_else(|| panic!("{url} is not at {origin}"));
    persona.get(path).expect(200);
}

#[test]
fn documents_carry_the_primary_host_of_their_repository_or_else_of_its_organisation() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    map(&registry, "other.acme.example", None);
    let repository = || {
        let answer = registry.admin().get("/api/v1/orgs/acme/repositories/main");
        text(&answer.expect(200).json()["url"])
    };
    assert!(dist_url(&registry).starts_with("https://packages.example.com/r/acme/main/dist/"));
    make_primary(&registry, "other.acme.example", true);
    assert!(dist_url(&registry).starts_with("https://other.acme.example/main/dist/"));
    assert_eq!(repository(), "https://other.acme.example/main");
    make_primary(&registry, HOST, true);
    assert!(dist_url(&registry).starts_with("https://packages.acme.example/dist/"));
    assert_eq!(repository(), AT);
    // One of a repository and one of its organisation do not oust each other.
    assert_eq!(shown(&registry, "other.acme.example")["primary"], true);
    make_primary(&registry, HOST, false);
    assert!(dist_url(&registry).starts_with("https://other.acme.example/main/dist/"));
    make_primary(&registry, "other.acme.example", false);
    assert!(dist_url(&registry).starts_with("https://packages.example.com/r/acme/main/dist/"));
}

#[test]
fn of_two_hosts_of_a_repository_one_is_primary() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    map(&registry, "other.acme.example", Some("main"));
    make_primary(&registry, HOST, true);
    make_primary(&registry, "other.acme.example", true);
    assert_eq!(shown(&registry, HOST)["primary"], false);
    assert_eq!(shown(&registry, "other.acme.example")["primary"], true);
    assert!(dist_url(&registry).starts_with("https://other.acme.example/dist/"));
    registry.admin().at(AT).get("/packages.json").expect(200);
}

#[test]
fn whichever_host_is_asked_archives_are_there_first() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    map(&registry, "other.acme.example", None);
    let places = [
        ("https://packages.example.com", "/r/acme/main"),
        (AT, ""),
        (OTHER, "/main"),
    ];
    for primary in [None, Some(HOST), Some("other.acme.example"), None] {
        for host in [HOST, "other.acme.example"] {
            make_primary(&registry, host, primary == Some(host));
        }
        let dist = dist_url(&registry);
        for (origin, at) in places {
            let here = || registry.admin().at(origin);
            let root = here()
                .get(&format!("{at}/packages.json"))
                .expect(200)
                .json();
            let first = asked_first(&root, &dist);
            assert!(
                first.starts_with(&format!("{origin}{at}/dist/")),
                "{primary:?}: {first}"
            );
            read(&here(), &first, origin);
        }
    }
}

#[test]
fn the_mirrors_of_the_owner_are_tried_before_ours() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let own = json!({"dist-url": "https://mirror.example/%package%/%reference%.%type%", "preferred": true});
    registry
        .admin()
        .patch(
            "/api/v1/orgs/acme/repositories/main",
            &json!({"mirrors": [own]}),
        )
        .expect(200);
    let root = registry
        .admin()
        .at(AT)
        .get("/packages.json")
        .expect(200)
        .json();
    let mirrors = root["mirrors"].as_array().unwrap();
    // The last preferred one is tried first.
    assert_eq!(mirrors.len(), 2);
    assert_eq!(mirrors[1], own);
}

#[test]
fn who_never_had_another_host_is_told_of_no_mirror() {
    let registry = TestRegistry::imported();
    let root = registry.admin().get(ROOT).expect(200).json();
    assert_eq!(root.get("mirrors"), None);
    map(&registry, HOST, Some("main"));
    let root = registry.admin().get(ROOT).expect(200).json();
    assert_eq!(root.get("mirrors"), None);
}

#[test]
fn every_address_that_stood_in_a_lock_file_goes_on_answering() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    map(&registry, "other.acme.example", None);
    let mut locked = vec![dist_url(&registry)];
    for (host, is_primary) in [
        (HOST, true),
        ("other.acme.example", true),
        (HOST, false),
        ("other.acme.example", false),
    ] {
        make_primary(&registry, host, is_primary);
        locked.push(dist_url(&registry));
        for url in &locked {
            let end = url.find("/dist/").unwrap();
            let origin_end = url[8..].find('/').unwrap() + 8;
            assert!(origin_end <= end);
            let (origin, path) = url.split_at(origin_end);
            registry.admin().at(origin).get(path).expect(200);
        }
    }
    locked.sort();
    locked.dedup();
    assert_eq!(locked.len(), 3);
}

#[test]
fn the_root_moves_its_validator_when_documents_carry_another_address() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let validators = || {
        [
            (ROOT, "https://packages.example.com"),
            ("/packages.json", AT),
        ]
        .map(|(path, origin)| {
            let answer = registry.admin().at(origin).get(path).expect(200);
            answer.header("last-modified").unwrap().to_owned()
        })
    };
    let before = validators();
    make_primary(&registry, HOST, true);
    let then = validators();
    assert_ne!(before[0], then[0]);
    assert_ne!(before[1], then[1]);
    make_primary(&registry, HOST, false);
    let after = validators();
    assert_ne!(then, after);
    assert_ne!(before, after);
    let Reply { status, .. } = registry
        .admin()
        .at(AT)
        .get_with("/packages.json", "if-modified-since", &after[1])
        .reply;
    assert_eq!(status, 304);
}

#[test]
fn the_past_is_reached_by_a_host_that_it_does_not_know() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    make_primary(&registry, HOST, true);
    let here = || registry.admin().at(AT);
    // Revision 1 was published when there was no such host.
    let root = here().get("/@1/packages.json").expect(200).json();
    let document = here().get("/@1/p2/acme/lib.json").expect(200).json();
    let dist = text(&document["packages"]["acme/lib"][0]["dist"]["url"]);
    assert!(
        dist.starts_with("https://packages.example.com/r/acme/main/dist/"),
        "{dist}"
    );
    read(&here(), &asked_first(&root, &dist), AT);
}

#[test]
fn a_new_repository_carries_the_host_of_its_organisation_from_the_first() {
    let registry = TestRegistry::new();
    map(&registry, HOST, None);
    make_primary(&registry, HOST, true);
    registry
        .admin()
        .upload("acme/tool", "1.0.0", "x")
        .expect(201);
    let document = registry
        .admin()
        .at(AT)
        .get("/main/p2/acme/tool.json")
        .expect(200)
        .json();
    let dist = text(&document["packages"]["acme/tool"][0]["dist"]["url"]);
    assert!(
        dist.starts_with("https://packages.acme.example/main/dist/acme/tool/"),
        "{dist}"
    );
    registry
        .admin()
        .at(AT)
        .get(dist.strip_prefix(AT).unwrap())
        .expect(200);
}
