//! Who sees what, and what a change would give and take.

use serde_json::{Value, json};

use super::customers::refused;
use crate::support::TestRegistry;
use crate::support::shop::{after, seen};

const ACCESS: &str = "/api/v1/orgs/acme/effective-access";

fn explained(registry: &TestRegistry, query: &str) -> Value {
    registry
        .admin()
        .get(&format!("{ACCESS}?{query}"))
        .expect(200)
        .json()
}

/// The versions of a package that are said to be seen.
fn told(answer: &Value, package: &str) -> Vec<String> {
    let packages = answer["packages"].as_array().unwrap();
    let found = packages
        .iter()
        .find(|one| one["package"] == package)
        .unwrap();
    let versions = found["versions"].as_array().unwrap().iter();
    versions
        .filter(|one| one["seen"] == true)
        .map(|one| one["version"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_is_told_is_what_is_seen() {
    let registry = TestRegistry::shop();
    let path = |id: &str| format!("customers/{id}");
    for (terms, state) in [
        (json!({}), json!({})),
        (json!({"versions": "^2.0"}), json!({})),
        (
            json!({"released_until": after(2), "minimum_stability": "stable"}),
            json!({}),
        ),
        (json!({"versions": "^9"}), json!({})),
        (json!({}), json!({"state": "frozen", "frozen_at": after(1)})),
        (json!({}), json!({"state": "suspended"})),
        (json!({"keeps": true}), json!({"expires_at": after(0)})),
        (json!({}), json!({"expires_at": after(0)})),
    ] {
        let buyer = registry.buyer_with(&terms);
        registry.alter(&path(&buyer.id), &state);
        let answer = explained(&registry, &format!("customer={}", buyer.id));
        for package in ["acme/lib", "acme/tool", "other/secret"] {
            let mut told = told(&answer, package);
            let mut seen = seen(&registry.with_token(&buyer.token), package);
            told.sort();
            seen.sort();
            assert_eq!(told, seen, "{terms} {state} {package}");
        }
    }
}

#[test]
fn the_rest_is_told_with_its_reasons_and_the_grant_that_decided() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"packages": ["acme/tool"]}));
    let grant = registry.grant(
        &buyer,
        &json!({"packages": ["acme/lib"], "versions": "^2.0", "minimum_stability": "stable"}),
    );
    let answer = explained(
        &registry,
        &format!("customer={}&package=acme/lib", buyer.id),
    );
    assert_eq!(answer["packages"].as_array().unwrap().len(), 1);
    let lib = &answer["packages"][0];
    assert_eq!(
        (&lib["sees"], &lib["reason"]),
        (&json!("some"), &Value::Null)
    );
    let of = |version: &str| {
        lib["versions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["version"] == version)
            .unwrap()
            .clone()
    };
    assert_eq!(
        of("2.0.0"),
        json!({"version": "2.0.0", "seen": true, "grants": [grant]})
    );
    assert_eq!(
        of("1.0.0")["reasons"],
        json!([{"grant": grant, "reason": "it is not in `^2.0`"}])
    );
    assert_eq!(
        of("2.0.0-beta1")["reasons"],
        json!([{"grant": grant, "reason": "it is less stable than `stable`"}])
    );
    let secret = &explained(
        &registry,
        &format!("customer={}&package=other/secret", buyer.id),
    )["packages"][0];
    assert_eq!(
        (&secret["sees"], &secret["reason"]),
        (
            &json!("none"),
            &json!("No grant in force names this package")
        )
    );
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "suspended", "reason": "Not paid"}),
    );
    let answer = explained(&registry, &format!("customer={}", buyer.id));
    assert_eq!(
        answer["barred"],
        "Your access to these packages is suspended: Not paid. Ask the people who gave you the token"
    );
}

#[test]
fn tokens_members_and_teams_are_explained_too_and_it_comes_in_pages() {
    let registry = TestRegistry::shop();
    registry.make_token(&json!({"name": "ci", "access": "read", "packages": ["acme/tool"]}));
    let token = registry
        .world
        .sqlite
        .texts("select id from tokens where name = 'ci'")
        .remove(0);
    let answer = explained(&registry, &format!("token={token}"));
    assert_eq!(told(&answer, "acme/tool"), ["1.0.0"]);
    assert_eq!(
        answer["packages"][0]["reason"],
        "The token is limited to other packages"
    );
    registry.change(
        "insert into teams (id, organisation_id, name, created_at) values ('t', 1, 'Team', 0)",
    );
    registry.change("insert into accounts (id, email, name, created_at) values ('a', 'a@b.example', 'Ada', 0), ('b', 'b@b.example', 'Bob', 0)");
    registry.change("insert into members (organisation_id, account_id, role, created_at, grant_changed_at) values (1, 'a', 'member', 0, 0), (1, 'b', 'maintainer', 0, 0)");
    registry.change("insert into team_members values ('t', 'a')");
    registry.make(
        "grants",
        &json!({"subject": {"team": "t"}, "packages": ["acme/lib"], "versions": "^2.0"}),
    );
    for query in ["team=t", "member=a"] {
        let answer = explained(&registry, query);
        assert_eq!(
            told(&answer, "acme/lib"),
            ["2.0.0", "2.0.0-beta1"],
            "{query}"
        );
        assert_eq!(told(&answer, "acme/tool"), Vec::<String>::new(), "{query}");
    }
    assert_eq!(
        told(&explained(&registry, "member=b"), "other/secret"),
        ["1.0.0"]
    );
    let first = explained(&registry, "member=b&limit=2");
    let second = explained(
        &registry,
        &format!(
            "member=b&limit=2&cursor={}",
            first["next"].as_str().unwrap()
        ),
    );
    assert_eq!(first["packages"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&second["packages"][0]["package"], &second["next"]),
        (&json!("other/secret"), &Value::Null)
    );
    for query in ["", "team=t&member=a"] {
        registry
            .admin()
            .get(&format!("{ACCESS}?{query}"))
            .expect(422);
    }
    for query in ["team=x", "member=x", "token=x", "customer=x"] {
        registry
            .admin()
            .get(&format!("{ACCESS}?{query}"))
            .expect(404);
    }
}

#[test]
fn a_dry_run_tells_what_would_come_and_go_and_writes_nothing() {
    let registry = TestRegistry::shop();
    let collection = registry.make(
        "collections",
        &json!({"name": "Tools", "items": [{"packages": ["acme/tool"]}]}),
    );
    let buyer = registry.buyer_with(&json!({"packages": ["acme/lib"], "versions": "^1.0"}));
    let grant = registry
        .world
        .sqlite
        .texts("select id from grants")
        .remove(0);
    registry.grant(&buyer, &json!({"collection": collection}));
    let before = registry.world.sqlite.changes();
    let try_out = |changes: Value| {
        let body = json!({"customer": buyer.id, "changes": changes});
        let answer = registry
            .admin()
            .post(&format!("{ACCESS}/dry-run"), &body)
            .expect(200)
            .json();
        let packages = answer["packages"].as_array().unwrap().iter();
        packages
            .map(|one| {
                format!(
                    "{} +{} -{}",
                    one["package"].as_str().unwrap(),
                    one["gained"],
                    one["lost"]
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        try_out(json!([{"grant": {"packages": ["acme/lib"], "versions": "2.0.0"}}])),
        [r#"acme/lib +["2.0.0"] -[]"#]
    );
    assert_eq!(
        try_out(json!([{"grant": {"id": grant, "versions": "1.1.0 || 3.0.0"}}])),
        [r#"acme/lib +["3.0.0"] -["1.0.0"]"#]
    );
    assert_eq!(
        try_out(json!([{"remove_grant": grant}])),
        [r#"acme/lib +[] -["1.1.0","1.0.0"]"#]
    );
    assert_eq!(
        try_out(json!([{"collection": {"id": collection, "items": [{"packages": ["other/*"]}]}}])),
        [
            r#"acme/tool +[] -["1.0.0"]"#,
            r#"other/secret +["1.0.0"] -[]"#
        ]
    );
    assert_eq!(
        try_out(json!([{"customer": {"state": "suspended"}}])),
        [
            r#"acme/lib +[] -["1.1.0","1.0.0"]"#,
            r#"acme/tool +[] -["1.0.0"]"#
        ]
    );
    assert_eq!(
        try_out(json!([{"customer": {"state": "frozen", "frozen_at": after(0)}}])),
        [r#"acme/lib +[] -["1.1.0"]"#, r#"acme/tool +[] -["1.0.0"]"#]
    );
    assert_eq!(
        try_out(json!([{"grant": {"packages": ["acme/lib"], "versions": "1.0.0"}}])),
        Vec::<String>::new()
    );
    assert_eq!(registry.world.sqlite.changes(), before);
    for (changes, field) in [
        (json!([]), "/changes"),
        (json!([{"fly": {}}]), "/changes/0"),
        (
            json!([{"grant": {"packages": ["acme/lib"], "versions": "^^"}}]),
            "/changes/0/grant/versions",
        ),
        (
            json!([{"customer": {"state": "expired"}}]),
            "/changes/0/customer/state",
        ),
        (json!([{"remove_grant": "none"}]), "/changes/0/remove_grant"),
    ] {
        let body = json!({"customer": buyer.id, "changes": changes});
        let answer = registry
            .admin()
            .post(&format!("{ACCESS}/dry-run"), &body)
            .expect(422)
            .json();
        assert_eq!(refused(&answer), [field]);
    }
}
