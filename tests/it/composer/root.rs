use pollster::block_on;
use repertoire::http::handle;
use serde_json::{Value, json};

use super::{DEV, ROOT, TAGGED};
use crate::support::composer_1::AGENT;
use crate::support::persona::{Answer, Persona};
use crate::support::{TestRegistry, isolate};

const REPOSITORY: &str = "/api/v1/orgs/acme/repositories/main";

fn date(persona: &Persona<'_>, path: &str) -> String {
    persona
        .get(path)
        .header("last-modified")
        .unwrap()
        .to_owned()
}

/// Every text in a document that is an address, by its key.
fn addresses(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| addresses(value, key, found)),
        Value::Array(items) => items.iter().for_each(|item| addresses(item, key, found)),
        Value::String(text) if key.ends_with("url") || text.contains('/') => {
            found.push((key.to_owned(), text.clone()));
        }
        _ => {}
    }
}

#[test]
fn every_key_is_there_and_every_address_is_absolute() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let mirror =
        json!({"dist-url": "https://m.example/%package%/%reference%.zip", "preferred": true});
    let messages = json!([
        {"level": "info", "text": "Hello", "versions": ">=2.0"},
        {"level": "warning", "text": "Careful"},
    ]);
    let settings = json!({"composer_1": "full", "mirrors": [mirror], "messages": messages});
    registry.admin().patch(REPOSITORY, &settings).expect(200);
    for persona in [registry.admin(), registry.reader("acme/*")] {
        let root = persona.get(ROOT).expect(200).json();
        for key in [
            "packages",
            "metadata-url",
            "available-packages",
            "list",
            "search",
            "providers-api",
            "notify-batch",
            "notify",
            "metadata-changes-url",
            "security-advisories",
            "mirrors",
            "info",
            "info-versions",
            "infos",
            "warning",
            "warning-versions",
            "warnings",
        ] {
            assert!(root.get(key).is_some(), "{key}");
        }
        assert_eq!(root["mirrors"], json!([mirror]));
        let mut found = Vec::new();
        addresses(&root, "", &mut found);
        found.retain(|(key, _)| key != "available-packages");
        assert!(found.len() > 8, "{found:?}");
        for (key, address) in found {
            assert!(address.starts_with("https://"), "{key}: {address}");
        }
    }
}

fn ask(
    persona: &Persona<'_>,
    registry: &TestRegistry,
    origin: &str,
    path: &str,
    agent: &str,
) -> Answer {
    let headers = [("user-agent", agent.to_owned())];
    let mut request = persona.request("GET", path, &headers, Vec::new());
    request.origin = origin.to_owned();
    Answer::new(&registry.app, block_on(handle(&registry.app, request)))
}

#[test]
fn a_root_without_names_is_small_however_long_its_address() {
    let registry = TestRegistry::new();
    let long = "a".repeat(63);
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": long}))
        .expect(201);
    let repositories = format!("/api/v1/orgs/{long}/repositories");
    admin
        .post(&repositories, &json!({"slug": long}))
        .expect(201);
    let origin = format!("https://{}.packages.example.com", "h".repeat(40));
    let path = format!("/r/{long}/{long}/packages.json");
    for agent in ["Composer/2.11.0", AGENT] {
        let answer = ask(&admin, &registry, &origin, &path, agent).expect(200);
        let length = answer.bytes().len();
        assert!(length <= 2_048, "{agent}: {length} bytes");
        assert!(
            answer.json()["metadata-url"]
                .as_str()
                .unwrap()
                .starts_with(&origin)
        );
    }
}

#[test]
fn names_are_listed_to_who_sees_fewer_than_three_hundred() {
    let registry = TestRegistry::new();
    let known = |persona: &Persona<'_>| {
        let root = persona.get(ROOT).expect(200).json();
        let count = root["available-packages"].as_array().map(Vec::len);
        assert_ne!(count, Some(0));
        (count, root["available-package-patterns"].clone())
    };
    let nothing = json!(["-/-"]);
    let admin = registry.admin();
    assert_eq!(known(&admin), (None, nothing.clone()));
    registry.fill(299);
    let some = registry.reader("bulk/p1*");
    let none = registry.reader("other/*");
    assert_eq!(known(&admin), (Some(299), Value::Null));
    assert_eq!(known(&some), (Some(111), Value::Null));
    assert_eq!(known(&none), (None, nothing.clone()));
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    assert_eq!(known(&admin), (None, json!(["*/*"])));
    // It still sees fewer, whatever others see.
    assert_eq!(known(&some), (Some(111), Value::Null));
    let many = json!({"name": "ci", "access": "read", "packages": ["bulk/*", "acme/*"]});
    let many = registry.make_token(&many);
    assert_eq!(
        known(&registry.with_token(&many)),
        (None, json!(["bulk/*", "acme/*"]))
    );
    // Whole names need no more than their own buckets.
    let named =
        json!({"name": "ci", "access": "read", "packages": ["bulk/p7", "acme/tool", "acme/none"]});
    let named = registry.make_token(&named);
    let root = registry.with_token(&named).get(ROOT).json();
    assert_eq!(root["available-packages"], json!(["acme/tool", "bulk/p7"]));
    let absent = json!({"name": "ci", "access": "read", "packages": ["acme/none"]});
    let absent = registry.make_token(&absent);
    assert_eq!(known(&registry.with_token(&absent)), (None, nothing));
}

#[test]
fn a_setting_moves_the_validator_of_the_root_and_no_other() {
    let registry = TestRegistry::imported();
    registry.pass_time(1_000);
    // A token that is younger than the head: its time must not hide the change.
    let reader = registry.reader("acme/*");
    let all = |persona: &Persona<'_>| [ROOT, TAGGED, DEV].map(|path| date(persona, path));
    for (persona, duplicates) in [(registry.admin(), "ignore"), (reader, "refuse")] {
        for settings in [
            json!({"messages": [{"level": "info", "text": "One"}]}),
            json!({"messages": [{"level": "info", "text": "Two"}]}),
            json!({"mirrors": [{"git-url": "https://m.example/%normalizedUrl%"}]}),
            json!({"messages": [], "mirrors": []}),
        ] {
            let before = all(&persona);
            registry.admin().patch(REPOSITORY, &settings).expect(200);
            let after = all(&persona);
            assert_ne!(before[0], after[0], "{settings}");
            assert_eq!(before[1..], after[1..], "{settings}");
            // The same again, and what is not in the document, change nothing.
            registry.admin().patch(REPOSITORY, &settings).expect(200);
            let described = json!({"description": "Ours", "duplicates": duplicates});
            registry.admin().patch(REPOSITORY, &described).expect(200);
            assert_eq!(all(&persona), after, "{settings}");
        }
    }
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn a_setting_is_in_force_everywhere_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let elsewhere = isolate(&registry.world);
    let persona = Persona::new(&elsewhere, Some(crate::support::ADMIN));
    let infos = || persona.get(ROOT).expect(200).json().get("infos").cloned();
    assert_eq!(infos(), None);
    let settings = json!({"messages": [{"level": "info", "text": "Hello"}]});
    registry.admin().patch(REPOSITORY, &settings).expect(200);
    registry.pass_time(10);
    assert_eq!(
        infos(),
        Some(json!([{"message": "Hello", "versions": "*"}]))
    );
}

#[test]
fn metadata_costs_no_look_at_the_settings() {
    let registry = TestRegistry::imported();
    registry.change("update repositories set settings = 'not JSON' where slug = 'main'");
    registry.pass_time(10);
    registry.admin().get(TAGGED).expect(200);
    registry.admin().get(ROOT).expect(500);
}
