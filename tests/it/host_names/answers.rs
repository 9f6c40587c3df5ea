//! What a host answers, and how little the others cost.

use serde_json::json;

use super::{AT, HOST, add_globex, assert_nothing, claim, make_primary, map, set_records, verify};
use crate::support::persona::Persona;
use crate::support::world::Port;
use crate::support::{ADMIN, TestRegistry, isolate, isolate_with};

/// What an own host has and no other: none of it is a repository's.
const ELSEWHERE: [&str; 9] = [
    "/",
    "/healthz",
    "/api/v1/openapi.json",
    "/api/v1/orgs",
    "/api/v1/orgs/acme/hosts",
    "/hooks/c0ffee",
    "/r/acme/main/packages.json",
    "/r/globex/main/packages.json",
    "/robots.txt",
];

#[test]
fn a_host_of_a_repository_has_the_repository_at_its_root_and_nothing_else() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let here = registry.admin().at(AT);
    let root = here.get("/packages.json").expect(200).json();
    assert_eq!(
        root["metadata-url"],
        "https://packages.acme.example/p2/%package%.json"
    );
    for path in [
        "/p2/acme/lib.json",
        "/p2/acme/lib~dev.json",
        "/list.json",
        "/search.json",
    ] {
        here.get(path).expect(200);
    }
    // And all else is what it is by the path, be it there or not.
    for path in [
        "/p2/acme/lib.json",
        "/p2/acme/lib~dev.json",
        "/@1/p2/acme/lib.json",
        "/list.json",
        "/search.json?q=lib",
        "/p/acme/lib.json",
        "/providers/acme/lib.json",
        "/metadata/changes.json?since=17952930000000",
        "/security-advisories?packages[]=acme/lib",
    ] {
        let there = registry
            .admin()
            .get(&format!("/r/acme/main{}", path.replacen("/@", "@", 1)));
        let here = here.get(path);
        assert_eq!(here.status(), there.status(), "{path}");
        let there = String::from_utf8(there.bytes()).unwrap();
        // Search leads to pages of the repository, at the address that was asked.
        let expected = match path {
            "/search.json?q=lib" => there.replace("https://packages.example.com/r/acme/main", AT),
            _ => there,
        };
        assert_eq!(String::from_utf8(here.bytes()).unwrap(), expected, "{path}");
    }
    let dist = crate::composer::dist_path(&registry);
    let dist = dist.strip_prefix("/r/acme/main").unwrap();
    assert_eq!(
        here.get(dist).expect(200).bytes(),
        registry.admin().get(&format!("/r/acme/main{dist}")).bytes()
    );
    for path in ELSEWHERE {
        assert_nothing(&here, path);
    }
    // An upload of a package of that name, as everywhere in a repository, and no webhook.
    here.send("POST", "/hooks/c0ffee", &[], Vec::new())
        .expect(422);
    here.send("POST", "/packages.json", &[], Vec::new())
        .expect(405);
    let report = json!({"downloads": [{"name": "acme/lib", "version": "1.1.0.0"}]});
    here.post("/downloads", &report).expect(201);
    registry.run_jobs();
}

#[test]
fn a_host_of_an_organisation_has_its_repositories_below_their_slugs() {
    let registry = TestRegistry::imported();
    add_globex(&registry);
    map(&registry, HOST, None);
    let here = registry.admin().at(AT);
    let root = here.get("/main/packages.json").expect(200).json();
    assert_eq!(
        root["metadata-url"],
        "https://packages.acme.example/main/p2/%package%.json"
    );
    let past = here.get("/main@1/packages.json").expect(200).json();
    assert_eq!(
        past["metadata-url"],
        "https://packages.acme.example/main@1/p2/%package%.json"
    );
    here.get("/main/p2/acme/lib.json").expect(200);
    here.get("/none/packages.json").expect(404);
    for path in ELSEWHERE {
        assert_nothing(&here, path);
    }
    assert_nothing(&here, "/packages.json");
    assert_nothing(&here, "/p2/acme/lib.json");
}

#[test]
fn the_past_has_its_address_on_a_host_of_a_repository_too() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let here = registry.admin().at(AT);
    let past = here
        .get("/@2026-11-21T23:59:59Z/packages.json")
        .expect(200)
        .json();
    assert_eq!(
        past["metadata-url"],
        "https://packages.acme.example/@1/p2/%package%.json"
    );
    let dist = past["mirrors"][0]["dist-url"].as_str().unwrap();
    assert!(
        dist.starts_with("https://packages.acme.example/@1/dist/"),
        "{dist}"
    );
}

#[test]
fn uploads_come_in_by_a_host_as_they_do_by_the_path() {
    let registry = TestRegistry::new();
    map(&registry, HOST, Some("main"));
    let manifest = json!({"name": "acme/tool"}).to_string();
    let archive = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    let here = registry.writer().at(AT);
    here.send("PUT", "/upload/acme/tool/1.0.0", &[], archive.clone())
        .expect(201);
    here.send("PUT", "/?version=2.0.0", &[], archive)
        .expect(201);
    here.get("/p2/acme/tool.json").expect(200);
}

#[test]
fn a_token_of_another_organisation_is_a_strangers() {
    let registry = TestRegistry::imported();
    let theirs = add_globex(&registry);
    map(&registry, HOST, Some("main"));
    for path in ["/packages.json", "/p2/acme/lib.json"] {
        let here = registry.with_token(&theirs).at(AT).get(path);
        let there = registry
            .with_token(&theirs)
            .get("/r/acme/none/packages.json");
        assert_eq!(here.transcript(), there.transcript(), "{path}");
        assert_eq!(here.status(), 404);
    }
    let nobody = registry
        .anonymous()
        .at(AT)
        .get("/packages.json")
        .expect(401);
    let text = String::from_utf8(nobody.bytes()).unwrap();
    assert!(
        text.contains("http-basic.packages.acme.example token"),
        "{text}"
    );
    registry
        .with_token("unknown-token")
        .at(AT)
        .get("/packages.json")
        .expect(401);
}

#[test]
fn whoever_writes_headers_changes_nothing() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let forged = [
        ("x-forwarded-host", HOST.to_owned()),
        ("forwarded", format!("host={HOST}")),
        ("host", HOST.to_owned()),
    ];
    let elsewhere = registry.admin().at("https://evil.example");
    elsewhere
        .send("GET", "/packages.json", &forged, Vec::new())
        .expect(404);
    let forged = [("x-forwarded-host", "evil.example".to_owned())];
    let here = registry.admin().at(AT);
    let root = here
        .send("GET", "/packages.json", &forged, Vec::new())
        .expect(200);
    assert!(!String::from_utf8(root.bytes()).unwrap().contains("evil"));
    // A proxy before us may speak http to us, and at any port.
    for origin in [
        "http://packages.acme.example",
        "http://PACKAGES.acme.example.:8080",
    ] {
        let root = registry
            .admin()
            .at(origin)
            .get("/packages.json")
            .expect(200)
            .json();
        assert_eq!(
            root["metadata-url"],
            "https://packages.acme.example/p2/%package%.json"
        );
    }
}

#[test]
fn any_other_host_answers_nothing_whoever_asks() {
    let registry = TestRegistry::imported();
    claim(&registry, "acme", HOST, Some("main"));
    for origin in [
        AT,
        "https://unknown.example",
        "https://packages.example.com.evil.example",
        "https://203.0.113.7",
        "https://[2001:db8::1]",
        "https://intranet",
        "https://",
        "https://a b",
    ] {
        for persona in [
            registry.admin(),
            registry.anonymous(),
            registry.with_token("unknown"),
        ] {
            let persona = persona.at(origin);
            assert_nothing(&persona, "/packages.json");
            assert_nothing(&persona, "/main/packages.json");
            for path in ELSEWHERE {
                assert_nothing(&persona, path);
            }
            persona.post("/hooks/c0ffee", &json!({})).expect(404);
        }
    }
    // This machine is always the instance's own.
    for origin in [
        "http://localhost:8787",
        "http://127.0.0.1:8787",
        "http://[::1]:8787",
    ] {
        registry
            .admin()
            .at(origin)
            .get("/packages.json")
            .expect(200);
        registry.anonymous().at(origin).get("/healthz").expect(200);
    }
}

#[test]
fn a_deployment_may_go_on_answering_any_host() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let app = isolate_with(&registry.world, &[("OTHER_HOSTS", "own")]);
    let admin = |origin| Persona::new(&app, Some(ADMIN)).at(origin);
    let root = admin("https://unknown.example")
        .get("/packages.json")
        .expect(200)
        .json();
    assert_eq!(
        root["metadata-url"],
        "https://unknown.example/p2/%package%.json"
    );
    admin("https://unknown.example")
        .get("/api/v1/orgs")
        .expect(200);
    admin("https://203.0.113.7").get("/healthz").expect(200);
    // What is somebody's is that one's all the same.
    assert_nothing(&admin(AT), "/api/v1/orgs");
    admin(AT).get("/p2/acme/lib.json").expect(200);
}

#[test]
fn a_host_costs_nothing_more_than_the_path() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let cold = isolate(&registry.world);
    let here = Persona::new(&cold, Some(ADMIN)).at(AT);
    registry.world.forget_calls();
    here.get("/p2/acme/lib.json").expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
    assert_eq!(registry.world.calls(Port::Cache), 2);
    here.get("/packages.json").expect(200);
    registry.world.forget_calls();
    for _ in 0..50 {
        here.get("/p2/acme/lib.json").expect(200);
        here.get("/packages.json").expect(200);
    }
    assert_eq!(registry.world.effects.borrow().len(), 0);
    registry.pass_time(10);
    here.get("/p2/acme/lib.json").expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
}

#[test]
fn a_host_of_an_organisation_is_as_cheap() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, None);
    let cold = isolate(&registry.world);
    let here = Persona::new(&cold, Some(ADMIN)).at(AT);
    registry.world.forget_calls();
    here.get("/main/p2/acme/lib.json").expect(200);
    here.get("/main/packages.json").expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
}

#[test]
fn names_that_are_made_up_cost_little_and_drive_out_nobody() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let app = isolate(&registry.world);
    let at = |origin: &str| Persona::new(&app, Some(ADMIN)).at(origin);
    at(AT).get("/packages.json").expect(200);
    registry.world.forget_calls();
    // One that is nobody's is remembered.
    for _ in 0..10 {
        at("https://one.example").get("/packages.json").expect(404);
    }
    assert_eq!(registry.world.calls(Port::Db), 1);
    // Of very many, few are looked up in a period; whoever is cut off so is told to come again.
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..5_000 {
        let answer = at(&format!("https://n{number}.example")).get("/packages.json");
        assert!(answer.bytes().is_empty());
        if answer.status() == 503 {
            assert_eq!(answer.header("retry-after"), Some("5"));
        }
        *statuses.entry(answer.status()).or_default() += 1;
    }
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        [(404, 62), (503, 4938)]
    );
    assert_eq!(registry.world.calls(Port::Db), 63);
    // Who is somebody's goes on being answered, from memory and after it.
    at(AT).get("/packages.json").expect(200);
    assert_eq!(registry.world.calls(Port::Db), 63);
    registry.pass_time(10);
    for number in 0..100 {
        let _ = at(&format!("https://m{number}.example")).get("/packages.json");
    }
    at(AT).get("/packages.json").expect(200);
    // What cannot be a host, or leads nowhere, is not even looked up.
    registry.world.forget_calls();
    at("https://203.0.113.7").get("/packages.json").expect(404);
    at("https://x.example").get("/wp-login.php").expect(404);
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn without_its_database_an_isolate_goes_on_with_the_hosts_it_knows() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    let here = || registry.admin().at(AT);
    here().get("/p2/acme/lib.json").expect(200);
    registry.world.db_is_down.set(true);
    registry.pass_time(13 * 60);
    here().get("/p2/acme/lib.json").expect(200);
    let unknown = registry
        .admin()
        .at("https://unknown.example")
        .get("/packages.json")
        .expect(503);
    assert!(unknown.bytes().is_empty());
    registry.pass_time(3 * 60);
    here().get("/p2/acme/lib.json").expect(503);
    registry.world.db_is_down.set(false);
    here().get("/p2/acme/lib.json").expect(200);
}

#[test]
fn what_becomes_of_a_host_is_seen_in_every_isolate_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let claimed = claim(&registry, "acme", HOST, Some("main"));
    let elsewhere = isolate(&registry.world);
    let far = || Persona::new(&elsewhere, Some(ADMIN)).at(AT);
    assert_nothing(&far(), "/packages.json");
    set_records(&registry, &[&claimed]);
    verify(&registry, "acme", HOST).expect(200);
    registry.admin().at(AT).get("/packages.json").expect(200);
    registry.pass_time(10);
    far().get("/packages.json").expect(200);
    let path = super::path(HOST);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    assert_nothing(&registry.admin().at(AT), "/packages.json");
    registry.pass_time(10);
    assert_nothing(&far(), "/packages.json");
}

#[test]
fn a_primary_host_is_no_more_than_a_name_of_the_repository() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    make_primary(&registry, HOST, true);
    let cold = isolate(&registry.world);
    registry.world.forget_calls();
    Persona::new(&cold, Some(ADMIN))
        .at(AT)
        .get("/packages.json")
        .expect(200);
    assert_eq!(registry.world.calls(Port::Db), 1);
}
