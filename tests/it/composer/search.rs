use serde_json::{Value, json};

use super::ROOT;
use crate::support::github::git_archive;
use crate::support::persona::Persona;
use crate::support::world::Port;
use crate::support::{ADDRESS, ADMIN, TestRegistry, isolate};

const PATH: &str = "/r/acme/main/search.json";

fn upload(registry: &TestRegistry, version: &str, manifest: &Value) {
    let text = manifest.to_string();
    let archive = git_archive("top", "", &[("composer.json", &text)]);
    let name = manifest["name"].as_str().unwrap();
    let path = format!("/r/acme/main/upload/{name}/{version}");
    registry
        .writer()
        .send("PUT", &path, &[], archive)
        .expect(201);
}

fn some_packages() -> TestRegistry {
    let registry = TestRegistry::new();
    for manifest in [
        json!({"name": "acme/logger", "description": "Writes lines", "keywords": ["psr-3", "Café"],
               "homepage": "https://acme.example/logger"}),
        json!({"name": "acme/tool", "description": "Has a logger inside", "type": "Composer-Plugin"}),
        json!({"name": "other/old", "description": "Was here before", "abandoned": "acme/tool"}),
    ] {
        upload(&registry, "1.0.0", &manifest);
    }
    registry
}

fn search(persona: &Persona<'_>, query: &str) -> Value {
    persona.get(&format!("{PATH}?{query}")).expect(200).json()
}

fn found(persona: &Persona<'_>, query: &str) -> Vec<String> {
    let answer = search(persona, query);
    let results = answer["results"].as_array().unwrap();
    let names = results.iter().map(|one| one["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn words_are_found_in_names_keywords_and_descriptions() {
    let registry = some_packages();
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    let url = root["search"].as_str().unwrap();
    let expected = format!("{PATH}?q=%query%&type=%type%");
    assert_eq!(url.strip_prefix(ADDRESS), Some(expected.as_str()));
    let all = ["acme/logger", "acme/tool", "other/old"];
    for (query, expected) in [
        // The name counts for more than the description.
        ("q=logger", &["acme/logger", "acme/tool"][..]),
        ("q=LOG&type=", &["acme/logger", "acme/tool"]),
        ("q=acme%2Flogger", &["acme/logger", "acme/tool"]),
        ("q=inside+logger", &["acme/tool"]),
        ("q=cafe", &["acme/logger"]),
        ("q=psr-3", &["acme/logger"]),
        ("q=logger&type=composer-plugin", &["acme/tool"]),
        ("q=logger&type=Library", &["acme/logger"]),
        ("q=logger&type=lib", &[]),
        ("q=nowhere", &[]),
        ("q=logger+nowhere", &[]),
        ("q=ogger", &[]),
        ("", &all),
        ("q=+&type=library", &["acme/logger", "other/old"]),
    ] {
        assert_eq!(found(&admin, query), expected, "{query}");
    }
    assert_eq!(
        search(&admin, "q=acme+logger"),
        json!({"results": [
            {"name": "acme/logger", "description": "Writes lines", "url": "https://acme.example/logger"},
            {"name": "acme/tool", "description": "Has a logger inside",
             "url": "https://packages.example.com/r/acme/main/p2/acme/tool.json"},
        ], "total": 2})
    );
    assert_eq!(
        search(&admin, "q=old")["results"][0]["abandoned"],
        "acme/tool"
    );
}

#[test]
fn nothing_that_is_typed_is_an_operator() {
    let registry = some_packages();
    let admin = registry.admin();
    for (query, expected) in [
        ("q=%22", &[][..]),
        ("q=*", &[]),
        ("q=name%3Alogger", &[]),
        ("q=logger+OR+old", &[]),
        ("q=NOT+logger", &[]),
        ("q=%22logger%22*)", &["acme/logger", "acme/tool"]),
        ("q=^acme%00logger%27--", &["acme/logger", "acme/tool"]),
        ("q=%FF", &[]),
        ("q=logger&type=%27+or+1=1", &[]),
    ] {
        assert_eq!(found(&admin, query), expected, "{query}");
    }
    let long = format!("q={}", "logger+".repeat(10_000));
    assert_eq!(found(&admin, &long).len(), 2);
}

#[test]
fn only_what_may_be_seen_is_found_and_counted() {
    let registry = some_packages();
    let reader = registry.reader("acme/t*");
    assert_eq!(found(&reader, "q=logger"), ["acme/tool"]);
    assert_eq!(search(&reader, "")["total"], 1);
    assert_eq!(found(&registry.reader("none/*"), ""), Vec::<String>::new());
    registry.anonymous().get(PATH).expect(401);
    registry.with_token("unknown-token").get(PATH).expect(401);
    // Another repository of the organisation has none of these packages.
    let body = json!({"slug": "second", "public": true});
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &body)
        .expect(201);
    for persona in [registry.admin(), registry.anonymous(), reader] {
        let answer = persona.get("/r/acme/second/search.json").expect(200);
        assert_eq!(answer.json(), json!({"results": [], "total": 0}));
    }
}

#[test]
fn results_come_in_pages() {
    let registry = TestRegistry::new();
    registry.fill(301);
    let admin = registry.admin();
    let first = search(&admin, "q=bulk&type=library");
    assert_eq!(first["total"], 301);
    assert_eq!(first["results"].as_array().unwrap().len(), 15);
    let mut names = Vec::new();
    let mut next = Some(format!("{ADDRESS}{PATH}?q=bulk&per_page=100"));
    while let Some(url) = next {
        let page = admin
            .get(url.strip_prefix(ADDRESS).unwrap())
            .expect(200)
            .json();
        assert_eq!(page["total"], 301);
        let results = page["results"].as_array().unwrap();
        names.extend(results.iter().map(|one| one["name"].to_string()));
        next = page["next"].as_str().map(str::to_owned);
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!((count, names.len()), (301, 301));
    let reader = registry.reader("bulk/p30*");
    assert_eq!(search(&reader, "q=bulk")["total"], 2);
    for query in [
        "page=0",
        "page=x",
        "page=-1",
        "per_page=0",
        "per_page=101",
        "page=100001",
    ] {
        admin.get(&format!("{PATH}?{query}")).expect(422);
    }
    assert_eq!(found(&admin, "page=100000"), Vec::<String>::new());
}

#[test]
fn search_follows_what_is_published() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    assert_eq!(found(&admin, "q=library"), ["acme/lib"]);
    let (revision, _) = registry.head();
    registry.push(
        "refs/heads/main",
        &json!({"name": "acme/lib", "description": "Something else"}),
    );
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    assert_eq!(found(&admin, "q=library"), Vec::<String>::new());
    assert_eq!(found(&admin, "q=something"), ["acme/lib"]);
    upload(
        &registry,
        "1.0.0",
        &json!({"name": "acme/new", "description": "Something new"}),
    );
    assert_eq!(found(&admin, "q=something").len(), 2);
    let then = admin.get(&format!("/r/acme/main@{revision}/search.json?q=something"));
    assert_eq!(then.expect(200).json()["total"], 1);
    for git_ref in ["refs/tags/v1.0.0", "refs/tags/v1.1.0", "refs/heads/main"] {
        registry.delete_ref(git_ref);
    }
    registry.deliver_webhook("two").expect(202);
    registry.run_jobs();
    assert_eq!(found(&admin, ""), ["acme/new"]);
}

#[test]
fn an_index_that_was_lost_is_filled_by_publishing_once_more() {
    let registry = TestRegistry::imported();
    registry.change("delete from package_search");
    let (revision, _) = registry.head();
    // As the migration does for what was there before it.
    registry.change(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, 0 from repository_packages",
    );
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(found(&registry.admin(), "q=lib"), ["acme/lib"]);
    assert_eq!(registry.head().0, revision);
}

#[test]
fn a_search_is_one_round_to_the_database() {
    let registry = some_packages();
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    admin.get(ROOT).expect(200);
    registry.world.forget_calls();
    assert_eq!(found(&admin, "q=logger").len(), 2);
    assert_eq!(registry.world.calls(Port::Db), 1);
}

#[test]
fn who_sees_older_versions_alone_is_told_of_those() {
    let registry = TestRegistry::new();
    let old = json!({"name": "acme/lib", "description": "Counts apples", "provide": {"acme/counter": "1.0"}});
    let new = json!({"name": "acme/lib", "description": "Counts secret oranges", "keywords": ["orchard"],
        "homepage": "https://oranges.example", "provide": {"acme/secret": "1.0"}, "abandoned": true});
    upload(&registry, "1.0.0", &old);
    registry.pass_time(60);
    let frozen = registry.buyer_with(&json!({}));
    registry.alter(
        &format!("customers/{}", frozen.id),
        &json!({"state": "frozen"}),
    );
    registry.pass_time(60);
    upload(&registry, "2.0.0", &new);
    registry.run_jobs();
    registry.pass_time(10);
    let limited = registry.buyer_with(&json!({"versions": "^1.0"}));
    let whole = registry.buyer_with(&json!({}));
    for buyer in [&frozen, &limited] {
        let persona = registry.with_token(&buyer.token);
        for words in ["oranges", "orchard", "secret"] {
            assert_eq!(
                search(&persona, &format!("q={words}")),
                json!({"results": [], "total": 0})
            );
        }
        let shown = json!({"results": [{"name": "acme/lib", "description": "Counts apples",
            "url": "https://packages.example.com/r/acme/main/p2/acme/lib.json"}], "total": 1});
        assert_eq!(search(&persona, "q=lib"), shown);
        assert_eq!(search(&persona, ""), shown);
        persona
            .get("/r/acme/main/providers/acme/secret.json")
            .expect(404);
    }
    let provided = registry.with_token(&limited.token);
    let provided = provided.get("/r/acme/main/providers/acme/counter.json");
    assert_eq!(
        provided.expect(200).json(),
        json!({"providers": [{"name": "acme/lib", "description": "Counts apples", "type": "library"}]})
    );
    let whole = registry.with_token(&whole.token);
    assert_eq!(found(&whole, "q=oranges"), ["acme/lib"]);
    whole
        .get("/r/acme/main/providers/acme/secret.json")
        .expect(200);
}
