//! What customers see who see some of it: by Composer's own requests.

use std::collections::{BTreeMap, BTreeSet};

use repertoire::domain::time::rfc3339;
use serde_json::{Value, json};

use super::ROOT;
use crate::support::persona::Persona;
use crate::support::shop::{Buyer, DAY, RELEASES, after, archive, entries, seen};
use crate::support::world::{NOW, Port};
use crate::support::{TestRegistry, isolate};

const LIB: &str = "/r/acme/main/p2/acme/lib.json";

/// What was granted, and what of `acme/lib` is seen by it.
fn terms() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (
            json!({}),
            &["3.0.0", "2.0.0", "2.0.0-beta1", "1.1.0", "1.0.0"],
        ),
        (json!({"versions": "^2.0"}), &["2.0.0", "2.0.0-beta1"]),
        (
            json!({"versions": "^1.0 || 3.0.0"}),
            &["3.0.0", "1.1.0", "1.0.0"],
        ),
        (json!({"released_until": after(1)}), &["1.1.0", "1.0.0"]),
        (json!({"released_after": after(2)}), &["3.0.0", "2.0.0"]),
        (
            json!({"minimum_stability": "stable"}),
            &["3.0.0", "2.0.0", "1.1.0", "1.0.0"],
        ),
        (
            json!({"versions": "^2.0", "minimum_stability": "stable"}),
            &["2.0.0"],
        ),
        (json!({"versions": "^9.0"}), &[]),
        (json!({"packages": ["acme/tool"]}), &[]),
        (
            json!({"repositories": ["main"], "versions": "1.0.0"}),
            &["1.0.0"],
        ),
    ]
}

fn names(answer: &Value) -> Vec<String> {
    let names = answer.as_array().unwrap().iter();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Holds every way by which a package or a version can be met against what should be seen.
fn assert_sees(registry: &TestRegistry, buyer: &Buyer, expected: &[&str]) {
    let persona = registry.with_token(&buyer.token);
    assert_eq!(seen(&persona, "acme/lib"), expected);
    let is_seen = !expected.is_empty();
    let lists = |names: &[String]| names.iter().any(|name| name == "acme/lib");
    let root = persona.get(ROOT).expect(200).json();
    let listed = root
        .get("available-packages")
        .map(names)
        .unwrap_or_default();
    assert_eq!(lists(&listed), is_seen, "packages.json");
    assert!(
        listed.iter().all(|name| name.starts_with("acme/")),
        "{listed:?}"
    );
    let list = persona.get("/r/acme/main/list.json").expect(200).json();
    assert_eq!(lists(&names(&list["packageNames"])), is_seen, "list.json");
    let search = persona
        .get("/r/acme/main/search.json?q=lib")
        .expect(200)
        .json();
    assert_eq!(search["total"], i64::from(is_seen), "search.json");
    let changes = persona
        .get("/r/acme/main/metadata/changes.json?since=0")
        .expect(200)
        .json();
    let told = changes["actions"].as_array().unwrap();
    let is_told = |one: &Value| one["package"] == "acme/lib";
    let asks_anew = |one: &Value| one["type"] == "resync";
    assert!(
        told.iter().any(asks_anew) || told.iter().any(is_told) == is_seen,
        "changes.json"
    );
    assert!(!told.iter().any(|one| one["package"] == "other/secret"));
    let advisories = persona
        .get("/r/acme/main/security-advisories?packages[]=acme/lib&packages[]=other/secret")
        .expect(200)
        .json();
    assert_eq!(advisories["advisories"].get("acme/lib").is_some(), is_seen);
    assert!(advisories["advisories"].get("other/secret").is_none());
    // Each archive there is, named or not; to whom is kept out as a whole, why.
    let hidden = if !is_seen && root.get("warning-versions").is_none() {
        403
    } else {
        404
    };
    for entry in entries(&registry.admin(), "acme/lib") {
        let version = entry["version"].as_str().unwrap();
        let status = if expected.contains(&version) {
            200
        } else {
            hidden
        };
        assert_eq!(persona.get(&archive(&entry)).status(), status, "{version}");
    }
}

#[test]
fn everything_that_composer_asks_shows_the_versions_granted_and_no_other() {
    let registry = TestRegistry::shop();
    for (terms, expected) in terms() {
        println!("{terms}");
        let buyer = registry.buyer_with(&terms);
        assert_sees(&registry, &buyer, expected);
    }
}

#[test]
fn several_grants_add_up() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "1.0.0"}));
    registry.grant(
        &buyer,
        &json!({"packages": ["acme/lib"], "released_after": after(3)}),
    );
    assert_sees(&registry, &buyer, &["3.0.0", "1.0.0"]);
    let collection = registry.make(
        "collections",
        &json!({"name": "Second", "items": [{"packages": ["acme/lib"], "versions": "^2.0", "minimum_stability": "stable"}]}),
    );
    let grant = registry.grant(&buyer, &json!({"collection": collection}));
    assert_sees(&registry, &buyer, &["3.0.0", "2.0.0", "1.0.0"]);
    registry.remove(&format!("grants/{grant}"));
    assert_sees(&registry, &buyer, &["3.0.0", "1.0.0"]);
}

#[test]
fn the_source_is_shown_to_whom_it_was_granted() {
    let registry = TestRegistry::imported();
    let with = registry.buyer_with(&json!({"versions": "^1.0"}));
    let without = registry.buyer_with(&json!({"versions": "^1.0", "source": false}));
    let shown = |buyer: &Buyer| {
        let all = entries(&registry.with_token(&buyer.token), "acme/lib");
        assert_eq!(all.len(), 2);
        all.iter()
            .filter(|entry| entry.get("source").is_some())
            .count()
    };
    assert_eq!(shown(&with), 2);
    assert_eq!(shown(&without), 0);
    let text = registry.with_token(&without.token).get(LIB).bytes();
    assert!(
        !String::from_utf8(text).unwrap().contains("github"),
        "the address leaks"
    );
}

#[test]
fn who_is_frozen_keeps_what_there_was_and_its_archives() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let path = format!("customers/{}", buyer.id);
    registry.alter(&path, &json!({"state": "frozen", "frozen_at": after(1)}));
    assert_sees(&registry, &buyer, &["1.1.0", "1.0.0"]);
    let root = registry
        .with_token(&buyer.token)
        .get(ROOT)
        .expect(200)
        .json();
    let day = &after(1)[..10];
    assert_eq!(
        root["warning"],
        format!(
            "You see these packages as they were on {day}, and nothing newer. Ask the people who gave you the token"
        )
    );
    // From now on: all that there is, and no more.
    registry.alter(&path, &json!({"state": "active"}));
    registry.alter(&path, &json!({"state": "frozen"}));
    registry.pass_time(DAY);
    registry
        .writer()
        .upload("acme/lib", "4.0.0", "")
        .expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    let frozen: Vec<_> = RELEASES.iter().rev().copied().collect();
    assert_sees(&registry, &buyer, &frozen);
    registry.alter(&path, &json!({"state": "active"}));
    assert_eq!(
        seen(&registry.with_token(&buyer.token), "acme/lib")[0],
        "4.0.0"
    );
}

#[test]
fn who_is_suspended_gets_nothing_and_is_told_why() {
    let registry = TestRegistry::shop();
    registry.change("update organisations set contact = 'Write to sales@acme.example'");
    let buyer = registry.buyer_with(&json!({}));
    let reason = json!({"state": "suspended", "reason": "Invoice 17 is not paid."});
    registry.alter(&format!("customers/{}", buyer.id), &reason);
    assert_sees(&registry, &buyer, &[]);
    let persona = registry.with_token(&buyer.token);
    let expected = "Your access to these packages is suspended: Invoice 17 is not paid. Write to sales@acme.example";
    assert_eq!(persona.get(ROOT).expect(200).json()["warning"], expected);
    assert_eq!(persona.get(LIB).status(), 404);
    let path = archive(&entries(&registry.admin(), "acme/lib")[0]);
    assert_eq!(persona.get(&path).expect(403).json()["warning"], expected);
}

#[test]
fn when_the_time_is_over_each_grant_keeps_or_loses_as_it_says() {
    let registry = TestRegistry::shop();
    let end = NOW + DAY + DAY / 2;
    let ended = |keeps: bool| {
        let buyer = registry.buyer_with(&json!({"keeps": keeps}));
        let path = format!("customers/{}", buyer.id);
        let shown = registry.alter(&path, &json!({"expires_at": rfc3339(end)}));
        assert_eq!(shown["state"], "expired");
        buyer
    };
    assert_sees(&registry, &ended(true), &["1.1.0", "1.0.0"]);
    let lost = ended(false);
    assert_sees(&registry, &lost, &[]);
    let root = registry
        .with_token(&lost.token)
        .get(ROOT)
        .expect(200)
        .json();
    assert_eq!(
        root["warning"],
        "Your access to these packages has ended. Ask the people who gave you the token"
    );
    // The same for the end of a grant alone, beside one that goes on.
    let both = registry.buyer_with(&json!({"versions": "3.0.0"}));
    registry.grant(&both, &json!({"keeps": true, "expires_at": rfc3339(end)}));
    assert_sees(&registry, &both, &["3.0.0", "1.1.0", "1.0.0"]);
    let both = registry.buyer_with(&json!({"versions": "3.0.0"}));
    registry.grant(&both, &json!({"expires_at": rfc3339(end)}));
    assert_sees(&registry, &both, &["3.0.0"]);
}

#[test]
fn a_date_takes_effect_when_it_comes_without_anybody_doing_anything() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let end = registry.world.now.get() + 60;
    let path = format!("customers/{}", buyer.id);
    registry.alter(&path, &json!({"expires_at": rfc3339(end)}));
    let persona = registry.with_token(&buyer.token);
    assert_eq!(seen(&persona, "acme/lib").len(), 5);
    registry.pass_time(60 + 10);
    assert_eq!(seen(&persona, "acme/lib").len(), 0);
}

#[test]
fn a_token_from_another_network_or_past_its_date_gets_nothing() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let path = format!("/api/v1/orgs/acme/customers/{}/tokens", buyer.id);
    let end = registry.world.now.get() + 60;
    let made = registry.admin().post(
        &path,
        &json!({"name": "office", "networks": ["192.0.2.7/24", "2001:db8::1"], "expires_at": rfc3339(end)}),
    );
    let made = made.expect(201).json();
    assert_eq!(made["networks"], json!(["192.0.2.0/24", "2001:db8::1/128"]));
    let persona = registry.with_token(made["token"].as_str().unwrap());
    let from = |address| persona.get_with(LIB, "cf-connecting-ip", address).status();
    assert_eq!(from("192.0.2.200"), 200);
    assert_eq!(from("2001:db8::1"), 200);
    assert_eq!(from("198.51.100.1"), 404);
    assert_eq!(persona.get(LIB).status(), 404);
    let root = persona.get(ROOT).expect(200).json();
    assert_eq!(
        root["warning"],
        "The token you use here is not valid from your network address. Ask the people who gave you the token"
    );
    registry.pass_time(60);
    assert_eq!(from("192.0.2.200"), 404);
}

#[test]
fn composer_1_gets_by_name_what_composer_2_gets() {
    let registry = TestRegistry::shop();
    registry.alter("repositories/main", &json!({"composer_1": "full"}));
    registry.run_jobs();
    registry.pass_time(10);
    for (terms, expected) in terms() {
        let buyer = registry.buyer_with(&terms);
        let persona = registry.with_token(&buyer.token);
        let answer = persona.get("/r/acme/main/p/acme/lib.json");
        let mut versions: Vec<String> = if expected.is_empty() {
            answer.expect(404);
            Vec::new()
        } else {
            let document = answer.expect(200).json();
            let versions = document["packages"]["acme/lib"].as_object().unwrap();
            versions.keys().cloned().collect()
        };
        let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        versions.sort();
        expected.sort();
        assert_eq!(versions, expected, "{terms}");
    }
}

#[test]
fn a_thousand_customers_with_the_same_limits_share_one_view() {
    let registry = TestRegistry::shop();
    let customers: Vec<_> = (0..1_000)
        .map(|number| json!({"external_id": format!("c{number}"), "name": format!("Customer {number}")}))
        .collect();
    let grants: Vec<_> = (0..1_000)
        .map(|number| {
            json!({"external_id": format!("g{number}"), "subject": {"customer_external_id": format!("c{number}")},
                   "packages": ["acme/*"], "versions": "^2.0"})
        })
        .collect();
    for (what, list) in [("customers", customers), ("grants", grants)] {
        let path = format!("/api/v1/orgs/acme/{what}/bulk");
        let body = json!({ what: list }).to_string().into_bytes();
        let answer = registry.admin().send("PUT", &path, &[], body);
        assert_eq!(answer.expect(200).json()["created"], 1_000);
    }
    let ids = registry.world.sqlite.texts("select id from customers");
    for id in &ids {
        let path = format!("/api/v1/orgs/acme/customers/{id}/tokens");
        let made = registry.admin().post(&path, &json!({"name": "ci"}));
        let token = made.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(
            seen(&registry.with_token(&token), "acme/lib"),
            ["2.0.0", "2.0.0-beta1"]
        );
    }
    let objects = registry.world.objects.borrow();
    assert_eq!(
        objects
            .keys()
            .filter(|key| key.starts_with("views/"))
            .count(),
        1
    );
}

#[test]
fn the_validator_of_a_view_moves_with_the_document_and_the_limits_alone() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let persona = registry.with_token(&buyer.token);
    let validator = || {
        let answer = persona.get(LIB).expect(200);
        answer.header("last-modified").unwrap().to_owned()
    };
    let first = validator();
    // Nothing of it: time, another package, another customer, a grant of something else, a note.
    registry.pass_time(DAY);
    registry
        .writer()
        .upload("acme/tool", "1.1.0", "")
        .expect(201);
    registry.run_jobs();
    let other = registry.buyer_with(&json!({}));
    registry.alter(
        &format!("customers/{}", other.id),
        &json!({"state": "suspended"}),
    );
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"notes": "Pays on time"}),
    );
    let tool = registry.grant(&buyer, &json!({"packages": ["acme/tool"]}));
    registry.pass_time(10);
    assert_eq!(validator(), first);
    persona
        .get_with(LIB, "if-modified-since", &first)
        .expect(304);
    // The grant.
    let lib = registry.grant(&buyer, &json!({"versions": "^1.0"}));
    let second = validator();
    assert_ne!(second, first);
    registry.remove(&format!("grants/{lib}"));
    registry.remove(&format!("grants/{tool}"));
    assert_eq!(validator(), first);
    // The document.
    registry
        .writer()
        .upload("acme/lib", "2.1.0", "")
        .expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    assert_ne!(validator(), first);
    // Who may not see it is not told that nothing changed.
    let last = validator();
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "suspended"}),
    );
    persona
        .get_with(LIB, "if-modified-since", &last)
        .expect(404);
}

#[test]
fn a_stranger_and_a_limited_customer_cannot_tell_what_exists() {
    let registry = TestRegistry::shop();
    registry.fill(500);
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let made = registry.admin().post(
        "/api/v1/orgs/globex/tokens",
        &json!({"name": "all of ours", "access": "admin"}),
    );
    let neighbour = made.expect(201).json()["token"].clone();
    // All of the names fit what was granted, and no version of them does.
    let within = registry.buyer(&json!({"name": "Within"}));
    registry.grant(
        &within,
        &json!({"packages": ["bulk/*"], "versions": "^2.0"}),
    );
    let whos = [
        ("limited", registry.with_token(&buyer.token)),
        ("within", registry.with_token(&within.token)),
        (
            "neighbour",
            registry.with_token(neighbour.as_str().unwrap()),
        ),
        ("stranger", registry.anonymous()),
    ];
    // What the tree is read by is remembered by then, of those that exist and of those that do not.
    for number in 0..1_000 {
        let path = format!("/r/acme/main/p2/bulk/p{number}.json");
        let is_there = registry.admin().get(&path).status() == 200;
        assert_eq!(is_there, number < 500);
    }
    whos[0].1.get(LIB).expect(200);
    let mut told: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    let mut costs: BTreeMap<(&str, &str), BTreeSet<usize>> = BTreeMap::new();
    for number in 0..1_000 {
        // The first half exists.
        for path in [
            "p2/bulk/pN.json",
            "p2/bulk/pN~dev.json",
            "p/bulk/pN.json",
            "providers/bulk/pN.json",
            "dist/bulk/pN/r.zip",
            "search.json?q=bulk/pN",
            "list.json?filter=bulk/pN",
            "security-advisories?packages[]=bulk/pN",
        ] {
            let asked = format!("/r/acme/main/{}", path.replace('N', &number.to_string()));
            for (who, persona) in &whos {
                // A search walks all names each time: of these a tenth, of both halves.
                if *who == "within" && path.contains("search") && number % 10 > 0 {
                    continue;
                }
                let before = registry.world.effects.borrow().len();
                let answer = persona.get(&asked).transcript();
                let cost = registry.world.effects.borrow().len() - before;
                told.entry((who, path)).or_default().insert(answer);
                // The first is when the memory was still cold.
                if number > 0 {
                    costs.entry((who, path)).or_default().insert(cost);
                }
            }
        }
    }
    assert_eq!(told.len(), 32);
    for (what, told) in told {
        assert_eq!(told.len(), 1, "{what:?}: {told:?}");
    }
    for (what, costs) in costs {
        assert_eq!(costs.len(), 1, "{what:?}: {costs:?}");
    }
}

#[test]
fn an_archive_of_a_hidden_version_is_as_costly_to_ask_for_as_none() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let limited = registry.with_token(&buyer.token);
    let owner = registry.admin();
    let versions = entries(&owner, "acme/lib");
    let of = |version: &str| {
        let entry = versions.iter().find(|entry| entry["version"] == version);
        archive(entry.unwrap())
    };
    let (seen, hidden) = (of("2.0.0"), of("1.0.0"));
    let none = hidden.replace(['1', '2'], "0");
    assert_ne!(none, hidden);
    // What others may ask for is remembered, and helps nobody else.
    owner.get(&hidden).expect(200);
    let other = registry.buyer_with(&json!({"versions": "^1.0"}));
    registry.with_token(&other.token).get(&hidden).expect(200);
    limited.get(&seen).expect(200);
    let mut told = BTreeSet::new();
    for path in [&hidden, &none, &hidden, &none] {
        registry.world.forget_calls();
        let answer = limited.get(path).expect(404).transcript();
        told.insert((answer, registry.world.effects.borrow().len()));
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_warm_limited_document_costs_no_read_of_anything() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let warm = isolate(&registry.world);
    let persona = Persona::new(&warm, Some(&buyer.token));
    persona.get(LIB).expect(200);
    registry.world.forget_calls();
    persona.get(LIB).expect(200);
    assert_eq!(registry.world.effects.borrow().len(), 0);
    // A new isolate finds the view near by.
    let cold = isolate(&registry.world);
    Persona::new(&cold, Some(&buyer.token)).get(LIB).expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
    assert_eq!(registry.world.calls(Port::Blobs), 0);
}

#[test]
fn a_change_is_in_force_in_every_isolate_within_ten_seconds() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^1.0"}));
    let elsewhere = isolate(&registry.world);
    let far = Persona::new(&elsewhere, Some(&buyer.token));
    let near = registry.with_token(&buyer.token);
    let collection = registry.make(
        "collections",
        &json!({"name": "All", "items": [{"packages": ["acme/lib"], "versions": "3.0.0"}]}),
    );
    let check = |expected: &[&str]| {
        // Here at once; there when what is remembered ages.
        assert_eq!(seen(&near, "acme/lib"), expected);
        registry.pass_time(10);
        assert_eq!(seen(&far, "acme/lib"), expected);
    };
    check(&["1.1.0", "1.0.0"]);
    let grant = registry.grant(&buyer, &json!({"collection": collection}));
    check(&["3.0.0", "1.1.0", "1.0.0"]);
    let items = json!([{"packages": ["acme/lib"], "versions": "2.0.0"}]);
    registry.alter(
        &format!("collections/{collection}"),
        &json!({ "items": items }),
    );
    check(&["2.0.0", "1.1.0", "1.0.0"]);
    registry.remove(&format!("grants/{grant}"));
    check(&["1.1.0", "1.0.0"]);
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "suspended"}),
    );
    check(&[]);
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "active"}),
    );
    check(&["1.1.0", "1.0.0"]);
    registry.remove_confirmed(&format!("customers/{}", buyer.id), "Buyer");
    near.get(LIB).expect(401);
    registry.pass_time(10);
    far.get(LIB).expect(401);
}
