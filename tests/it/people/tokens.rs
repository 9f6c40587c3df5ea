use repertoire::domain::time::rfc3339;
use repertoire::domain::token::is_mistyped;
use serde_json::{Value, json};

use super::{ORG, delete, grant, join, text};
use crate::support::persona::Persona;
use crate::support::{TestRegistry, isolate};

const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
const TOKENS: &str = "/api/v1/orgs/acme/tokens";

fn make(persona: &Persona<'_>, asked: &Value) -> Value {
    persona.post(TOKENS, asked).expect(201).json()
}

fn at(made: &Value) -> String {
    format!("{TOKENS}/{}", text(&made["id"]))
}

#[test]
fn a_person_makes_tokens_that_act_as_she_does() {
    let registry = TestRegistry::imported();
    join(&registry, "owner@example.com", "owner");
    let ada = join(&registry, "ada@example.com", "maintainer");
    let person = registry.with_token(&ada.token);
    let made = make(&person, &json!({"kind": "personal", "name": "laptop"}));
    let token = text(&made["token"]);
    assert!(token.starts_with("rptp_") && !is_mistyped(&token));
    assert_eq!(made["person"]["id"], json!(ada.account));
    let laptop = registry.with_token(&token);
    laptop.get(TAGGED).expect(200);
    laptop.get(&format!("{ORG}/packages")).expect(200);
    // She is no admin, so neither is her token, and she sees no tokens but her own.
    laptop
        .post(TOKENS, &json!({"name": "ci", "access": "read"}))
        .expect(403);
    let asked = json!({"kind": "personal", "name": "x", "access": "admin"});
    let x = make(&person, &asked);
    registry
        .with_token(x["token"].as_str().unwrap())
        .post(TOKENS, &json!({"name": "ci", "access": "read"}))
        .expect(403);
    // A machine is nobody, and nobody makes tokens of others.
    registry
        .admin()
        .post(TOKENS, &json!({"kind": "personal", "name": "x"}))
        .expect(422);
    registry
        .admin()
        .post(TOKENS, &json!({"kind": "customer", "name": "x"}))
        .expect(422);
    // What she is given later, her token has too.
    let member = format!("{ORG}/members/{}", ada.account);
    registry
        .admin()
        .patch(&member, &json!({"role": "admin"}))
        .expect(200);
    laptop
        .post(TOKENS, &json!({"name": "ci", "access": "read"}))
        .expect(201);
}

#[test]
fn a_member_sees_and_keeps_her_own_tokens_alone() {
    let registry = TestRegistry::new();
    let machine = make(&registry.admin(), &json!({"name": "ci", "access": "read"}));
    let eve = join(&registry, "eve@example.com", "member");
    let ada = join(&registry, "ada@example.com", "member");
    let person = registry.with_token(&ada.token);
    let hers = make(
        &person,
        &json!({"kind": "personal", "name": "laptop", "access": "read"}),
    );
    let listed = person.get(TOKENS).expect(200).json();
    let names: Vec<_> = listed["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| text(&token["person"]["name"]))
        .collect();
    assert_eq!(names, ["ada", "ada"]);
    let others = person.get(&format!("{TOKENS}?person={}", eve.account));
    assert_eq!(others.expect(200).json()["tokens"], json!([]));
    for method in ["GET", "PATCH", "DELETE"] {
        person
            .send(method, &at(&machine), &[], b"{}".to_vec())
            .expect(404);
    }
    person.get(&at(&hers)).expect(200);
    person
        .patch(&at(&hers), &json!({"name": "old laptop"}))
        .expect(200);
    delete(&person, &at(&hers)).expect(204);
    // Others may end what is hers, and not have it.
    let first = text(&person.get("/api/v1/token").json()["id"]);
    let path = format!("{TOKENS}/{first}");
    registry
        .admin()
        .patch(&path, &json!({"name": "mine"}))
        .expect(403);
    registry
        .admin()
        .post(&format!("{path}/rotate"), &json!({}))
        .expect(403);
    delete(&registry.admin(), &path).expect(204);
    person.get(TOKENS).expect(401);
}

#[test]
fn nobody_gives_more_than_he_has() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    let keeper = make(
        &admin,
        &json!({"name": "k", "abilities": ["manage_tokens", "read_metadata"], "networks": ["192.0.2.0/24"]}),
    );
    let near = [("cf-connecting-ip", "192.0.2.9".to_owned())];
    let keeper = registry.with_token(keeper["token"].as_str().unwrap());
    let ask = |asked: &Value| keeper.send("POST", TOKENS, &near, asked.to_string().into_bytes());
    let inside = json!(["192.0.2.128/25"]);
    ask(&json!({"name": "a", "abilities": ["read_metadata"], "networks": inside})).expect(201);
    let refused = ask(&json!({"name": "a", "access": "write", "networks": inside}));
    let detail = text(&refused.expect(403).json()["detail"]);
    assert!(detail.contains("`read_dists`, `upload`"), "{detail}");
    for networks in [json!(null), json!(["192.0.0.0/16"]), json!(["2001:db8::1"])] {
        ask(&json!({"name": "a", "abilities": ["read_metadata"], "networks": networks}))
            .expect(403);
    }
    // Neither by a change, nor by having one that may more shown anew.
    let mighty = make(&admin, &json!({"name": "m", "access": "admin"}));
    let patch = |path: &str, asked: Value| {
        keeper.send("PATCH", path, &near, asked.to_string().into_bytes())
    };
    patch(&at(&mighty), json!({"name": "mine"})).expect(403);
    keeper
        .send(
            "POST",
            &format!("{}/rotate", at(&mighty)),
            &near,
            b"{}".to_vec(),
        )
        .expect(403);
    let small = make(
        &admin,
        &json!({"name": "s", "abilities": ["read_metadata"], "networks": ["192.0.2.1"]}),
    );
    patch(&at(&small), json!({"networks": null})).expect(403);
    patch(&at(&small), json!({"access": "read"})).expect(403);
    patch(&at(&small), json!({"networks": ["192.0.2.2"]})).expect(200);
    // No organisation's token owns it, so none can make one that does.
    let own = json!({"name": "o", "abilities": ["own"]});
    registry
        .with_token(mighty["token"].as_str().unwrap())
        .post(TOKENS, &own)
        .expect(403);
    admin.post(TOKENS, &own).expect(201);
    // A token does not change itself.
    let owner = registry.with_token(mighty["token"].as_str().unwrap());
    owner.patch(&at(&mighty), &json!({"name": "x"})).expect(403);
}

#[test]
fn limits_that_contradict_are_refused_with_the_reason() {
    let registry = TestRegistry::new();
    for asked in [
        json!({"name": "x", "abilities": ["manage_packages"], "packages": ["acme/*"]}),
        json!({"name": "x", "abilities": ["read_metadata", "view"], "repositories": ["main"]}),
        json!({"name": "x", "access": "admin", "only_granted": true}),
        json!({"name": "x", "access": "read", "abilities": ["upload"]}),
        json!({"name": "x", "abilities": []}),
        json!({"name": "x", "abilities": ["fly"]}),
        json!({"name": "x"}),
        json!({"name": "x", "access": "read", "networks": []}),
        json!({"name": "x", "access": "read", "networks": ["10.0.0.0/33"]}),
        json!({"name": "x", "access": "read", "kind": "robot"}),
    ] {
        let refused = registry.admin().post(TOKENS, &asked).expect(422).json();
        assert!(text(&refused["detail"]).len() > 20);
    }
    let made = make(&registry.admin(), &json!({"name": "x", "access": "admin"}));
    registry
        .admin()
        .patch(&at(&made), &json!({"packages": ["acme/*"]}))
        .expect(422);
}

#[test]
fn a_token_is_shown_with_its_terms_and_listed_by_kind_state_and_person() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    let ada = join(&registry, "ada@example.com", "member");
    let end = rfc3339(registry.world.now.get() + 60);
    let asked = json!({
        "name": "ci", "abilities": ["upload", "read_metadata"], "repositories": ["main"], "packages": ["acme/*"],
        "networks": ["10.1.2.3/8", "2001:db8::1"], "expires_at": end,
    });
    let made = make(&admin, &asked);
    let shown = admin.get(&at(&made)).expect(200).json();
    assert_eq!(shown["access"], json!(null));
    assert_eq!(shown["abilities"], json!(["read_metadata", "upload"]));
    assert_eq!(shown["networks"], json!(["10.0.0.0/8", "2001:db8::1/128"]));
    assert_eq!(shown["state"], "active");
    assert_eq!(shown["last_used"], json!(null));
    assert!(shown.get("token").is_none());
    let dead = make(&admin, &json!({"name": "dead", "access": "read"}));
    delete(&admin, &at(&dead)).expect(204);
    registry.pass_time(60);
    let names = |query: &str| -> Vec<String> {
        let listed = admin.get(&format!("{TOKENS}?{query}")).expect(200).json();
        let tokens = listed["tokens"].as_array().unwrap();
        tokens.iter().map(|token| text(&token["name"])).collect()
    };
    assert_eq!(names("state=expired"), ["ci"]);
    assert_eq!(names("state=revoked"), ["dead"]);
    assert_eq!(names("kind=personal"), ["first token"]);
    assert_eq!(names(&format!("person={}", ada.account)), ["first token"]);
    assert_eq!(names("customer=none"), Vec::<String>::new());
    admin.get(&format!("{TOKENS}?state=lost")).expect(422);
}

#[test]
fn a_long_list_comes_in_pages() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    for number in 0..205 {
        registry.pass_time(number % 2);
        make(
            &admin,
            &json!({"name": number.to_string(), "access": "read"}),
        );
    }
    let (mut path, mut names) = (TOKENS.to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).expect(200).json();
        names.extend(
            page["tokens"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| text(&one["name"])),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("{TOKENS}?cursor={next}"),
            None => break,
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 205);
}

#[test]
fn a_change_of_limits_is_seen_at_once_and_elsewhere_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let made = make(
        &registry.admin(),
        &json!({"name": "ci", "access": "read", "packages": ["other/*"]}),
    );
    let elsewhere = isolate(&registry.world);
    let token = text(&made["token"]);
    let far = Persona::new(&elsewhere, Some(&token));
    let near = registry.with_token(&token);
    far.get(TAGGED).expect(404);
    near.get(TAGGED).expect(404);
    let wide = registry
        .admin()
        .patch(&at(&made), &json!({"packages": null, "name": "all"}))
        .expect(200)
        .json();
    assert_eq!(wide["packages"], json!(null));
    assert_eq!(wide["name"], "all");
    let seen = near.get(TAGGED).expect(200);
    let validator = seen.header("last-modified").unwrap().to_owned();
    // A name is no change of what it sees.
    registry
        .admin()
        .patch(&at(&made), &json!({"name": "renamed"}))
        .expect(200);
    near.get_with(TAGGED, "if-modified-since", &validator)
        .expect(304);
    registry
        .admin()
        .patch(&at(&made), &json!({"repositories": ["main"]}))
        .expect(200);
    near.get_with(TAGGED, "if-modified-since", &validator)
        .expect(304);
    registry.pass_time(10);
    far.get(TAGGED).expect(200);
    let end = rfc3339(registry.world.now.get() + 5);
    registry
        .admin()
        .patch(&at(&made), &json!({"expires_at": end}))
        .expect(200);
    registry.pass_time(10);
    far.get(TAGGED).expect(404);
    near.get(TAGGED).expect(404);
    registry
        .admin()
        .patch(&at(&made), &json!({"expires_at": null}))
        .expect(200);
    near.get(TAGGED).expect(200);
}

#[test]
fn a_token_is_good_from_its_networks_alone() {
    let registry = TestRegistry::imported();
    let asked =
        json!({"name": "ci", "access": "read", "networks": ["192.0.2.0/24", "2001:db8::/32"]});
    let made = make(&registry.admin(), &asked);
    let reader = registry.with_token(made["token"].as_str().unwrap());
    for (address, status) in [
        ("192.0.2.200", 200),
        ("::ffff:192.0.2.200", 200),
        ("2001:db8:1::7", 200),
        ("192.0.3.1", 404),
        ("2001:db9::7", 404),
    ] {
        reader
            .get_with(TAGGED, "cf-connecting-ip", address)
            .expect(status);
    }
    let far = reader.get_with("/api/v1/token", "cf-connecting-ip", "203.0.113.1");
    let bar = text(&far.expect(200).json()["bar"]);
    assert!(bar.contains("not valid from your network address"), "{bar}");
}

#[test]
fn a_rotated_token_goes_on_for_a_while_and_says_what_replaced_it() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let asked = json!({"name": "ci", "access": "read", "only_granted": true});
    let old = make(&admin, &asked);
    grant(&registry, &format!("token:{}", text(&old["id"])), "acme/*");
    let rotate = format!("{}/rotate", at(&old));
    for hours in [-1, 169] {
        admin
            .post(&rotate, &json!({"overlap_hours": hours}))
            .expect(422);
    }
    let new = admin
        .post(&rotate, &json!({"overlap_hours": 2}))
        .expect(201)
        .json();
    assert_ne!(new["id"], old["id"]);
    assert_eq!(new["name"], "ci");
    assert_eq!(new["only_granted"], true);
    assert_eq!(new["expires_at"], json!(null));
    let with = |made: &Value| registry.with_token(made["token"].as_str().unwrap());
    with(&old).get(TAGGED).expect(200);
    with(&new).get(TAGGED).expect(200);
    let shown = admin.get(&at(&old)).json();
    assert_eq!(shown["replaced_by"], new["id"]);
    assert_eq!(
        shown["expires_at"],
        json!(rfc3339(registry.world.now.get() + 7_200))
    );
    registry.pass_time(7_200);
    with(&old).get(TAGGED).expect(404);
    with(&new).get(TAGGED).expect(200);
    // Without an overlap it ends at once; one that has ended is not rotated.
    let newest = admin
        .post(
            &format!("{}/rotate", at(&new)),
            &json!({"overlap_hours": 0}),
        )
        .expect(201)
        .json();
    with(&new).get(TAGGED).expect(404);
    with(&newest).get(TAGGED).expect(200);
    let brief =
        json!({"name": "x", "access": "read", "expires_at": rfc3339(registry.world.now.get() + 5)});
    let brief = make(&admin, &brief);
    registry.pass_time(5);
    let refused = admin.post(&format!("{}/rotate", at(&brief)), &json!({}));
    assert!(text(&refused.expect(409).json()["detail"]).contains("expired"));
}

#[test]
fn a_rotation_asked_for_again_leaves_one_new_token_until_that_is_used() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let old = make(&admin, &json!({"name": "ci", "access": "read"}));
    let rotate = format!("{}/rotate", at(&old));
    let lost = admin.post(&rotate, &json!({})).expect(201).json();
    let new = admin.post(&rotate, &json!({})).expect(201).json();
    assert_eq!(new["id"], lost["id"]);
    let with = |made: &Value| registry.with_token(made["token"].as_str().unwrap());
    with(&lost).get(TAGGED).expect(401);
    with(&new).get(TAGGED).expect(200);
    pollster::block_on(repertoire::http::finish(&registry.app));
    registry.run_jobs();
    let refused = admin.post(&rotate, &json!({})).expect(409).json();
    assert!(text(&refused["detail"]).contains(&text(&new["id"])));
    with(&new).get(TAGGED).expect(200);
}

#[test]
fn what_a_token_can_do_is_told_in_words() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let asked =
        json!({"name": "ci", "access": "read", "only_granted": true, "networks": ["192.0.2.1"]});
    let made = make(&admin, &asked);
    grant(&registry, &format!("token:{}", text(&made["id"])), "acme/*");
    let told = admin
        .get(&format!("{}/abilities", at(&made)))
        .expect(200)
        .json();
    assert_eq!(
        told["in_words"],
        json!([
            "It may see packages and their versions.",
            "It may download archives.",
            "Only from the networks 192.0.2.1/32.",
            "Of packages it sees what was granted:",
            "acme/*.",
        ])
    );
    assert_eq!(told["grants"][0]["packages"], json!(["acme/*"]));
    assert_eq!(told["abilities"][1]["name"], "read_dists");
    delete(&admin, &at(&made)).expect(204);
    let told = admin.get(&format!("{}/abilities", at(&made))).json();
    assert_eq!(told["abilities"], json!([]));
    assert!(text(&told["bar"]).contains("revoked"));
    let own = admin.get("/api/v1/token").expect(200).json();
    assert_eq!(own["kind"], "instance");
    assert_eq!(own["organisation"], json!(null));
    assert_eq!(own["abilities"].as_array().unwrap().len(), 11);
}
