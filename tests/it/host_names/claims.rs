//! What can be claimed, what is told to be set, and who may.

use serde_json::json;

use super::{
    AT, HOST, HOSTS, add_globex, assert_nothing, claim, make_primary, map, path, remove_records,
    set_records, shown, verify,
};
use crate::support::TestRegistry;
use crate::support::dns::Illness;

#[test]
fn a_claim_tells_what_to_set_in_the_dns_and_at_the_platform() {
    let registry = TestRegistry::new();
    let claimed = claim(&registry, "acme", " Packages.ACME.example. ", Some("main"));
    assert_eq!(claimed["host"], HOST);
    assert_eq!(claimed["repository"], "main");
    assert_eq!(claimed["state"], "waiting");
    assert_eq!(claimed["primary"], false);
    assert_eq!(claimed["url"], AT);
    let [txt, cname] = claimed["dns"].as_array().unwrap().as_slice() else {
        panic!("{claimed}");
    };
    assert_eq!(txt["type"], "TXT");
    assert_eq!(txt["name"], "_repertoire.packages.acme.example");
    let token = txt["value"]
        .as_str()
        .unwrap()
        .strip_prefix("repertoire-verification=");
    assert_eq!(token.unwrap().len(), 30);
    assert_eq!(cname["type"], "CNAME");
    assert_eq!(cname["name"], HOST);
    assert_eq!(cname["value"], "packages.example.com");
    let ways = claimed["platform"].to_string();
    assert!(
        ways.contains(
            r#"routes = [{ pattern = \"packages.acme.example\", custom_domain = true }]"#
        ),
        "{ways}"
    );
    assert!(ways.contains("custom hostname"), "{ways}");
    assert_eq!(shown(&registry, HOST), claimed);
    assert_eq!(shown(&registry, "PACKAGES.acme.example."), claimed);
    let listed = registry.admin().get(HOSTS).expect(200).json();
    assert_eq!(listed, json!({"hosts": [claimed], "next": null}));
    // Another claim has another token.
    let other = claim(&registry, "acme", "other.acme.example", None);
    assert_ne!(other["dns"][0]["value"], claimed["dns"][0]["value"]);
    assert_eq!(other["repository"], json!(null));
}

#[test]
fn what_nobody_can_own_is_refused_and_so_is_what_is_ours() {
    let registry = TestRegistry::new();
    for (host, why) in [
        ("192.0.2.1", "no IP address"),
        ("*.acme.example", "without `*`"),
        ("acme.example:8443", "no port"),
        ("https://acme.example", "without `https://`"),
        ("example", "two labels"),
        ("registry.local", "inside of a network"),
        (
            "repertoire.acme.workers.dev",
            "below a domain of the platform",
        ),
        ("packages.example.com", "of the registry itself"),
        ("alias.example", "of the registry itself"),
        ("x.packages.example.com", "of the registry itself"),
    ] {
        let answer = registry
            .admin()
            .post(HOSTS, &json!({ "host": host }))
            .expect(422)
            .json();
        assert_eq!(answer["errors"][0]["field"], "/host", "{host}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{host}: {detail}");
    }
    let body = json!({"host": HOST, "repository": "none"});
    let answer = registry.admin().post(HOSTS, &body).expect(422).json();
    assert_eq!(answer["errors"][0]["field"], "/repository");
    assert_eq!(registry.admin().get(HOSTS).json()["hosts"], json!([]));
}

#[test]
fn an_organisation_claims_a_name_once_and_not_without_end() {
    let registry = TestRegistry::new();
    claim(&registry, "acme", HOST, None);
    let again = registry
        .admin()
        .post(HOSTS, &json!({ "host": HOST }))
        .expect(409)
        .json();
    assert_eq!(again["code"], "taken");
    for number in 1..100 {
        claim(&registry, "acme", &format!("p{number}.acme.example"), None);
    }
    let full = registry
        .admin()
        .post(HOSTS, &json!({"host": "one-more.acme.example"}));
    assert!(
        full.expect(409).json()["detail"]
            .as_str()
            .unwrap()
            .contains("at most 100")
    );
    let first = registry
        .admin()
        .get(&format!("{HOSTS}?limit=60"))
        .expect(200)
        .json();
    let next = format!("{HOSTS}?cursor={}", first["next"].as_str().unwrap());
    let second = registry.admin().get(&next).expect(200).json();
    assert_eq!(second["hosts"].as_array().unwrap().len(), 40);
    assert_eq!(second["next"], json!(null));
}

#[test]
fn only_owners_change_host_names_and_who_views_reads_them() {
    let registry = TestRegistry::new();
    let token =
        |abilities: &[&str]| registry.make_token(&json!({"name": "a", "abilities": abilities}));
    let manager = token(&["view", "manage_packages", "manage_hooks"]);
    let manager = registry.with_token(&manager);
    claim(&registry, "acme", HOST, None);
    manager.get(HOSTS).expect(200);
    manager.get(&path(HOST)).expect(200);
    manager
        .post(HOSTS, &json!({"host": "x.acme.example"}))
        .expect(403);
    manager
        .patch(&path(HOST), &json!({"primary": true}))
        .expect(403);
    for (method, path) in [
        ("DELETE", path(HOST)),
        ("POST", format!("{}/verify", path(HOST))),
    ] {
        manager.send(method, &path, &[], Vec::new()).expect(403);
    }
    let stranger = add_globex(&registry);
    let stranger = registry.with_token(&stranger);
    stranger.get(HOSTS).expect(404);
    stranger
        .get("/api/v1/orgs/globex/hosts/packages.acme.example")
        .expect(404);
}

#[test]
fn a_host_that_documents_carry_is_not_given_up_by_mistake() {
    let registry = TestRegistry::imported();
    map(&registry, HOST, Some("main"));
    make_primary(&registry, HOST, true);
    let remove = || {
        registry
            .admin()
            .send("DELETE", &path(HOST), &[], Vec::new())
    };
    let refused = remove().expect(409).json();
    assert_eq!(refused["code"], "in_use");
    registry.admin().at(AT).get("/packages.json").expect(200);
    make_primary(&registry, HOST, false);
    remove().expect(204);
    remove().expect(404);
    assert_nothing(&registry.admin().at(AT), "/packages.json");
    // Claimed anew it has to be proven anew.
    let again = claim(&registry, "acme", HOST, None);
    assert_eq!(again["state"], "waiting");
    verify(&registry, "acme", HOST).expect(409);
    set_records(&registry, &[&again]);
    verify(&registry, "acme", HOST).expect(200);
}

#[test]
fn what_is_not_verified_is_nobodys_primary_host() {
    let registry = TestRegistry::imported();
    claim(&registry, "acme", HOST, Some("main"));
    let answer = registry
        .admin()
        .patch(&path(HOST), &json!({"primary": true}));
    let detail = answer.expect(409).json()["detail"].clone();
    assert!(
        detail.as_str().unwrap().contains("verify it first"),
        "{detail}"
    );
    assert_eq!(shown(&registry, HOST)["primary"], false);
}

#[test]
fn a_change_of_what_somebody_else_has_seen_is_refused() {
    let registry = TestRegistry::new();
    map(&registry, HOST, None);
    let tag = registry
        .admin()
        .get(&path(HOST))
        .header("etag")
        .unwrap()
        .to_owned();
    let patch = |tag: &str| {
        let body = json!({"primary": true}).to_string().into_bytes();
        registry
            .admin()
            .send("PATCH", &path(HOST), &[("if-match", tag.to_owned())], body)
    };
    patch(&tag).expect(200);
    patch(&tag).expect(412);
}

#[test]
fn a_claim_is_moved_to_another_repository_and_stays_verified_while_its_record_is_there() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let claimed = map(&registry, HOST, Some("main"));
    let at = registry.admin().at(AT);
    at.get("/p2/acme/lib.json").expect(200);
    let to = |repository: serde_json::Value| {
        let change = json!({ "repository": repository });
        registry.admin().patch(&path(HOST), &change)
    };
    let moved = to(json!("second")).expect(200).json();
    assert_eq!(
        (&moved["state"], &moved["repository"]),
        (&json!("verified"), &json!("second"))
    );
    assert_eq!(moved["dns"], claimed["dns"]);
    registry.pass_time(10);
    at.get("/packages.json").expect(200);
    at.get("/p2/acme/lib.json").expect(404);
    let moved = to(json!(null)).expect(200).json();
    assert_eq!(
        (&moved["state"], &moved["repository"]),
        (&json!("verified"), &json!(null))
    );
    registry.pass_time(10);
    at.get("/main/p2/acme/lib.json").expect(200);
    at.get("/p2/acme/lib.json").expect(404);
    to(json!("none")).expect(422);
    // While documents carry it, it leads where they say.
    make_primary(&registry, HOST, true);
    let refused = to(json!("main")).expect(409).json();
    assert_eq!(refused["code"], "in_use");
    make_primary(&registry, HOST, false);
    let both = json!({"repository": "main", "primary": true});
    let both = registry
        .admin()
        .patch(&path(HOST), &both)
        .expect(200)
        .json();
    assert_eq!(
        (&both["repository"], &both["primary"]),
        (&json!("main"), &json!(true))
    );
    registry.run_jobs();
    let log = registry
        .admin()
        .get("/api/v1/orgs/acme/audit?action=host.updated");
    let lines = log.expect(200).json()["lines"].as_array().unwrap().clone();
    let places: Vec<_> = lines
        .iter()
        .filter(|line| line["after"].get("repository").is_some())
        .map(|line| line["after"]["repository"].clone())
        .collect();
    assert_eq!(places, [json!("main"), json!(null), json!("second")]);
}

#[test]
fn a_claim_whose_record_is_gone_loses_its_verification_when_it_is_moved() {
    let registry = TestRegistry::imported();
    let claimed = map(&registry, HOST, Some("main"));
    let to = |repository: serde_json::Value| {
        let change = json!({ "repository": repository });
        registry.admin().patch(&path(HOST), &change)
    };
    // Where nothing can be seen nothing is changed.
    registry.world.dns.borrow_mut().illness = Some(Illness::Silent);
    to(json!(null)).expect(502);
    assert_eq!(shown(&registry, HOST)["repository"], "main");
    assert_eq!(shown(&registry, HOST)["state"], "verified");
    registry.world.dns.borrow_mut().illness = None;
    remove_records(&registry, HOST);
    let moved = to(json!(null)).expect(200).json();
    assert_eq!(
        (&moved["state"], &moved["repository"]),
        (&json!("waiting"), &json!(null))
    );
    assert!(
        moved["trouble"]
            .as_str()
            .unwrap()
            .starts_with("There is no TXT record")
    );
    registry.pass_time(10);
    assert_nothing(&registry.admin().at(AT), "/main/packages.json");
    set_records(&registry, &[&claimed]);
    verify(&registry, "acme", HOST).expect(200);
    registry
        .admin()
        .at(AT)
        .get("/main/packages.json")
        .expect(200);
}

#[test]
fn housekeeping_looks_at_many_host_names_at_once_and_one_that_fails_holds_up_nobody() {
    let registry = TestRegistry::new();
    let names: Vec<_> = (0..40)
        .map(|number| format!("h{number}.acme.example"))
        .collect();
    for (number, name) in names.iter().enumerate() {
        let claimed = claim(&registry, "acme", name, None);
        if number != 3 {
            set_records(&registry, &[&claimed]);
        }
    }
    registry.pass_time(60 * 60);
    registry.housekeep();
    let states = |state: &str| {
        let of = |name: &&String| shown(&registry, name)["state"] == state;
        names.iter().filter(of).count()
    };
    assert_eq!((states("verified"), states("waiting")), (39, 1));
}
