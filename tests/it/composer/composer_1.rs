//! Composer 1.10.27 cannot be had from a registry of packages, so its requests are made as it makes them.

use repertoire::domain::blob::BlobHash;
use serde_json::{Value, json};

use super::{DEV, ROOT, TAGGED};
use crate::support::composer_1::{AGENT, Composer1};
use crate::support::{PACKAGE, TestRegistry};

const BASE: &str = "/r/acme/main";

fn set(registry: &TestRegistry, settings: &Value) {
    let path = "/api/v1/orgs/acme/repositories/main";
    registry.admin().patch(path, settings).expect(200);
}

fn root_for(registry: &TestRegistry, agent: &str) -> Value {
    let admin = registry.admin();
    admin.get_with(ROOT, "user-agent", agent).expect(200).json()
}

#[test]
fn hashes_lead_from_the_root_to_every_version() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let client = Composer1::new(registry.admin(), BASE);
    let found = client.run(&[PACKAGE, "acme/tool", "acme/none"]);
    let asked = client.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert_eq!(asked[0], ROOT);
    assert!(asked[1].starts_with("/r/acme/main/p/includes%24"));
    assert!(asked[2].starts_with("/r/acme/main/p/listing-"));
    assert!(asked[4].starts_with("/r/acme/main/p/acme/lib%24"));
    assert_eq!(found["acme/none"].len(), 0);
    let mut expected = registry.composer_metadata(PACKAGE);
    expected.extend(registry.composer_metadata("acme/lib~dev"));
    assert_eq!(found[PACKAGE].len(), expected.len());
    for version in expected {
        let normalized = version["version_normalized"].as_str().unwrap();
        let mut given = found[PACKAGE][&format!("acme/lib {normalized}.")].clone();
        given.remove("uid").unwrap();
        assert_eq!(given, version);
        let url = given["dist"]["url"].as_str().unwrap();
        let path = url.strip_prefix(crate::support::ADDRESS).unwrap();
        client.fetch(path, None).expect(200);
    }
}

#[test]
fn a_second_run_asks_for_the_root_and_for_what_changed() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let client = Composer1::new(registry.admin(), BASE);
    let names = [PACKAGE, "acme/tool"];
    client.run(&names);
    client.asked();
    client.run(&names);
    assert_eq!(client.asked(), [ROOT]);
    registry
        .writer()
        .upload("acme/tool", "1.1.0", "new")
        .expect(201);
    let found = client.run(&names);
    assert_eq!(found["acme/tool"].len(), 2);
    let asked = client.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[3].starts_with("/r/acme/main/p/acme/tool%24"));
}

#[test]
fn a_run_that_began_before_a_release_ends_with_what_it_began_with() {
    let registry = TestRegistry::imported();
    let client = Composer1::new(registry.admin(), BASE);
    let root = client.root();
    registry.push_tag("v2.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let hash = &client.listing(&root)[PACKAGE];
    let path = format!("{BASE}/p/{PACKAGE}${hash}.json");
    let document = client.fetch(&path, None).expect(200);
    assert_eq!(BlobHash::of(&document.bytes()).as_str(), hash);
    assert!(document.json()["packages"][PACKAGE].get("v2.0.0").is_none());
    assert_eq!(
        document.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    assert_eq!(client.run(&[PACKAGE])[PACKAGE].len(), 4);
}

#[test]
fn who_sees_some_packages_asks_for_them_by_name() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("other/tool", "1.0.0", "")
        .expect(201);
    let root = Composer1::new(registry.admin(), BASE).root();
    let all = Composer1::new(registry.admin(), BASE);
    let hash = all.listing(&root)["other/tool"].clone();
    all.run(&["other/tool"]);
    let client = Composer1::new(registry.reader("acme/*"), BASE);
    let limited = client.root();
    assert_eq!(
        limited["providers-lazy-url"],
        "https://packages.example.com/r/acme/main/p/%package%.json"
    );
    for absent in [
        "provider-includes",
        "providers-url",
        "providers",
        "available-packages",
    ] {
        assert!(limited.get(absent).is_none(), "{absent}");
    }
    client.asked();
    let found = client.run(&[PACKAGE, "other/tool"]);
    assert_eq!((found[PACKAGE].len(), found["other/tool"].len()), (3, 0));
    let asked = [
        ROOT,
        "/r/acme/main/p/acme/lib.json",
        "/r/acme/main/p/other/tool.json",
    ];
    assert_eq!(client.asked(), asked);
    // The second time the dates are the same, and nothing is sent.
    assert_eq!(client.run(&[PACKAGE])[PACKAGE].len(), 3);
    // To know a hash is not to see a name.
    client
        .fetch(&format!("{BASE}/p/other/tool${hash}.json"), None)
        .expect(404);
    for path in all.asked() {
        let status = client.fetch(&path, None).status();
        assert_eq!(status, if path == ROOT { 200 } else { 404 }, "{path}");
    }
}

#[test]
fn a_document_by_name_is_sent_when_it_changed() {
    let registry = TestRegistry::imported();
    let client = Composer1::new(registry.reader("acme/*"), BASE);
    let path = "/r/acme/main/p/acme/lib.json";
    let date = |answer: crate::support::persona::Answer| {
        answer.header("last-modified").unwrap().to_owned()
    };
    let first = date(client.fetch(path, None).expect(200));
    client.fetch(path, Some(&first)).expect(304);
    // A branch that goes takes its document away and leaves the older date of the other one.
    registry.delete_ref("refs/heads/main");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let second = date(client.fetch(path, Some(&first)).expect(200));
    assert_ne!(first, second);
    assert_eq!(client.run(&[PACKAGE])[PACKAGE].len(), 2);
}

#[test]
fn hashes_answer_for_their_own_repository_and_package_only() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let client = Composer1::new(registry.admin(), BASE);
    let root = client.root();
    let listing = client.listing(&root);
    let asked = client.asked();
    for path in &asked[1..] {
        client.fetch(path, None).expect(200);
        let elsewhere = path.replace("/r/acme/main/", "/r/acme/second/");
        client.fetch(&elsewhere, None).expect(404);
    }
    let hash = &listing[PACKAGE];
    client
        .fetch(&format!("{BASE}/p/acme/lib${hash}.json"), None)
        .expect(200);
    client
        .fetch(&format!("/p/acme/lib${hash}.json"), None)
        .expect(200);
    for path in [
        format!("{BASE}/p/acme/tool${hash}.json"),
        format!("{BASE}/p/includes${hash}.json"),
        format!("/r/acme/second/p/acme/lib${hash}.json"),
        format!("{BASE}/p/acme/lib${}.json", BlobHash::of(b"nothing")),
        // What is stored and is no file of Composer 1 is not told by its hash.
        format!(
            "{BASE}/p/acme/lib${}.json",
            BlobHash::of(&admin.get(TAGGED).bytes())
        ),
        format!("{BASE}/p/includes${}.json", registry.head().1),
        format!("{BASE}/p/acme/lib${}.json", hash.to_uppercase()),
    ] {
        client.fetch(&path, None).expect(404);
    }
}

#[test]
fn who_gets_the_keys_is_a_setting() {
    let registry = TestRegistry::imported();
    let keys = ["providers-url", "provider-includes", "notify"];
    let composer_2 = "Composer/2.11.0 (Linux; 6.1; PHP 8.2.36)";
    let offered = |agent: &str| {
        let root = root_for(&registry, agent);
        let offered = keys.map(|key| root.get(key).is_some());
        assert!(offered.iter().all(|one| *one == offered[0]), "{root}");
        assert_eq!(root.get("warning").is_some(), !offered[0]);
        (offered[0], root.get("available-packages").is_some())
    };
    assert_eq!(
        (offered(AGENT), offered(composer_2)),
        ((true, false), (false, true))
    );
    assert_eq!(offered("curl/8.0"), (false, true));
    set(&registry, &json!({"composer_1": "full"}));
    assert_eq!(
        (offered(AGENT), offered(composer_2)),
        ((true, true), (true, true))
    );
    set(&registry, &json!({"composer_1": "off"}));
    registry.run_jobs();
    assert_eq!(
        (offered(AGENT), offered(composer_2)),
        ((false, true), (false, true))
    );
    let root = BlobHash::parse(&registry.head().1).unwrap();
    assert!(crate::support::whole::read_composer_1(&registry.world, &root).is_none());
    registry
        .admin()
        .get("/r/acme/main/p/acme/lib.json")
        .expect(404);
    set(&registry, &json!({"composer_1": "auto"}));
    let root = root_for(&registry, AGENT);
    assert!(
        root["warning"]
            .as_str()
            .unwrap()
            .contains("still being written"),
        "{root}"
    );
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(
        (offered(AGENT), offered(composer_2)),
        ((true, false), (false, true))
    );
}

#[test]
fn listings_are_offered_when_they_are_complete() {
    let registry = TestRegistry::new();
    set(&registry, &json!({"composer_1": "off"}));
    registry.fill(450);
    set(&registry, &json!({"composer_1": "auto"}));
    let mut seen = Vec::new();
    loop {
        let root = root_for(&registry, AGENT);
        let is_offered = root.get("provider-includes").is_some();
        if is_offered {
            let client = Composer1::new(registry.admin(), BASE);
            assert_eq!(client.listing(&root).len(), 450);
        }
        seen.push(is_offered);
        if !registry.run_one_job() {
            break;
        }
    }
    // 80 packages in a message: six of them.
    assert_eq!(seen, [false, false, false, false, false, false, true]);
}

#[test]
fn an_empty_repository_has_an_empty_listing() {
    let registry = TestRegistry::new();
    let client = Composer1::new(registry.admin(), BASE);
    assert_eq!(client.run(&[PACKAGE])[PACKAGE].len(), 0);
    assert_eq!(client.asked(), [ROOT]);
}

#[test]
fn the_past_is_there_for_composer_1_as_well() {
    let registry = TestRegistry::imported();
    let (revision, _) = registry.head();
    registry.push_tag("v2.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let client = Composer1::new(registry.admin(), &format!("{BASE}@{revision}"));
    assert_eq!(client.run(&[PACKAGE])[PACKAGE].len(), 3);
    let reader = registry.reader("acme/*");
    let limited = Composer1::new(reader, &format!("{BASE}@{revision}"));
    assert_eq!(limited.run(&[PACKAGE])[PACKAGE].len(), 3);
    assert_eq!(
        Composer1::new(registry.admin(), BASE).run(&[PACKAGE])[PACKAGE].len(),
        4
    );
}

#[test]
fn no_two_kinds_of_root_have_a_validator_in_common() {
    let registry = TestRegistry::imported();
    let narrow = json!({"name": "ci", "access": "read", "packages": ["acme/lib"]});
    let narrow = registry.make_token(&narrow);
    let mut known = Vec::new();
    for _ in 0..3 {
        for persona in [
            registry.admin(),
            registry.reader("acme/*"),
            registry.with_token(&narrow),
        ] {
            for agent in [AGENT, "Composer/2.11.0"] {
                let answer = persona.get_with(ROOT, "user-agent", agent).expect(200);
                let date = answer.header("last-modified").unwrap().to_owned();
                persona
                    .send(
                        "GET",
                        ROOT,
                        &[
                            ("user-agent", agent.to_owned()),
                            ("if-modified-since", date.clone()),
                        ],
                        Vec::new(),
                    )
                    .expect(304);
                assert_eq!(date.len(), "Sat, 21 Nov 2026 20:30:00 GMT".len(), "{date}");
                known.push(date);
            }
        }
        registry.pass_time(1);
    }
    // Between the rounds nothing changed; a token that sees the same as one before it is told the same.
    let mut different = known.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 6, "{known:?}");
}

#[test]
fn a_release_of_a_package_writes_its_own_files_only() {
    let registry = TestRegistry::new();
    registry.fill(300);
    let before: Vec<_> = registry.world.objects.borrow().keys().cloned().collect();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let objects = registry.world.objects.borrow();
    let new: Vec<_> = objects
        .iter()
        .filter(|(key, _)| key.starts_with("blobs/") && !before.contains(key))
        .collect();
    // Its two documents, its bucket, the node of the outline, the names, of which it is one more, and the root; its listing and
    // the file that names the listings.
    assert_eq!(new.len(), 8);
    let copies = registry.world.copies.borrow();
    let near = new
        .iter()
        .filter(|(key, _)| copies.contains_key(&key.replace("blobs/", "b:")));
    assert_eq!(near.count(), 5, "what few read is copied when it is read");
    drop(copies);
    drop(objects);
    registry.admin().get(DEV).expect(404);
}

#[test]
fn a_setting_whose_message_was_lost_is_in_force_all_the_same() {
    let registry = TestRegistry::imported();
    let is_built = || {
        let root = BlobHash::parse(&registry.head().1).unwrap();
        crate::support::whole::read_composer_1(&registry.world, &root).is_some()
    };
    for (value, expected) in [("off", false), ("auto", true)] {
        set(&registry, &json!({"composer_1": value}));
        registry.world.queue.borrow_mut().clear();
        assert_eq!(is_built(), !expected);
        registry.pass_time(300);
        registry.housekeep();
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(is_built(), expected);
    }
}
