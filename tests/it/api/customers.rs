//! Customers, their tokens, collections and grants.

use repertoire::domain::time::rfc3339;
use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::shop::seen;

const CUSTOMERS: &str = "/api/v1/orgs/acme/customers";
const GRANTS: &str = "/api/v1/orgs/acme/grants";
const COLLECTIONS: &str = "/api/v1/orgs/acme/collections";

/// The fields that an answer refuses, each once.
pub(super) fn refused(answer: &Value) -> Vec<String> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let fields = errors
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned());
    fields.collect()
}

fn listed(registry: &TestRegistry, query: &str) -> Vec<String> {
    let list = registry
        .admin()
        .get(&format!("{CUSTOMERS}?{query}"))
        .expect(200)
        .json();
    let names = list["customers"].as_array().unwrap().iter();
    names
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_customer_is_made_shown_changed_and_removed() {
    let registry = TestRegistry::shop();
    let asked = json!({"name": "Globex", "email": "it@globex.example", "external_id": "4711", "notes": "Found us at a fair"});
    let made = registry.admin().post(CUSTOMERS, &asked).expect(201).json();
    let id = made["id"].as_str().unwrap();
    let path = format!("{CUSTOMERS}/{id}");
    let shown = registry.admin().get(&path).expect(200).json();
    assert_eq!(shown, made);
    assert_eq!(shown["state"], "active");
    let changed = registry.alter(
        &format!("customers/{id}"),
        &json!({"email": null, "name": "Globex Inc."}),
    );
    assert_eq!(
        (&changed["email"], &changed["name"]),
        (&Value::Null, &json!("Globex Inc."))
    );
    assert_eq!(changed["external_id"], "4711");
    // A reason is of a suspension, and goes with it.
    let suspended = json!({"state": "suspended", "reason": "Not paid"});
    assert_eq!(
        registry.alter(&format!("customers/{id}"), &suspended)["reason"],
        "Not paid"
    );
    let active = registry.alter(&format!("customers/{id}"), &json!({"state": "active"}));
    assert_eq!(active["reason"], Value::Null);
    for wrong in [json!({}), json!({"confirm": "Globex"})] {
        let body = wrong.to_string().into_bytes();
        let answer = registry
            .admin()
            .send("DELETE", &path, &[], body)
            .expect(422);
        assert_eq!(refused(&answer.json()), ["/confirm"]);
    }
    registry.remove_confirmed(&format!("customers/{id}"), "Globex Inc.");
    registry.admin().get(&path).expect(404);
}

#[test]
fn what_makes_no_sense_is_refused_by_field_all_at_once() {
    let registry = TestRegistry::shop();
    let future = rfc3339(registry.world.now.get() + 60);
    for (asked, fields) in [
        (json!({}), &["/name"][..]),
        (
            json!({"name": " ", "email": "nobody", "colour": "red"}),
            &["/name", "/email", "/colour"],
        ),
        (json!({"name": "A", "state": "expired"}), &["/state"]),
        (json!({"name": "A", "reason": "Not paid"}), &["/reason"]),
        (
            json!({"name": "A", "state": "frozen", "frozen_at": future}),
            &["/frozen_at"],
        ),
        (
            json!({"name": "A", "frozen_at": "2026-01-01T00:00:00Z"}),
            &["/frozen_at"],
        ),
        (json!({"name": "A", "expires_at": "soon"}), &["/expires_at"]),
        (json!({"name": "A", "external_id": " 1"}), &["/external_id"]),
    ] {
        let answer = registry.admin().post(CUSTOMERS, &asked).expect(422).json();
        assert_eq!(refused(&answer), fields, "{asked}");
    }
    let known = json!({"name": "A", "external_id": "1"});
    registry.admin().post(CUSTOMERS, &known).expect(201);
    registry.admin().post(CUSTOMERS, &known).expect(409);
    assert_eq!(listed(&registry, ""), ["A"]);
}

#[test]
fn lists_are_narrowed_and_come_in_pages() {
    let registry = TestRegistry::shop();
    let past = rfc3339(registry.world.now.get() - 60);
    for body in [
        json!({"name": "Ada", "email": "Ada@example.com", "external_id": "1"}),
        json!({"name": "Bob", "state": "suspended", "expires_at": past}),
        json!({"name": "Cy", "state": "frozen"}),
        json!({"name": "Di", "expires_at": past}),
    ] {
        registry.admin().post(CUSTOMERS, &body).expect(201);
    }
    for (query, names) in [
        ("", &["Ada", "Bob", "Cy", "Di"][..]),
        ("state=active", &["Ada"]),
        ("state=suspended", &["Bob"]),
        ("state=frozen", &["Cy"]),
        ("state=expired", &["Di"]),
        ("email=ada%40EXAMPLE.com", &["Ada"]),
        ("external_id=1", &["Ada"]),
        ("search=example", &["Ada"]),
        ("search=i", &["Di"]),
    ] {
        assert_eq!(listed(&registry, query), names, "{query}");
    }
    registry
        .admin()
        .get(&format!("{CUSTOMERS}?state=odd"))
        .expect(422);
    let mut names = Vec::new();
    let mut query = "limit=3".to_owned();
    loop {
        let page = registry
            .admin()
            .get(&format!("{CUSTOMERS}?{query}"))
            .expect(200)
            .json();
        names.extend(
            page["customers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("limit=3&cursor={next}");
    }
    assert_eq!(names, ["Ada", "Bob", "Cy", "Di"]);
}

#[test]
fn a_customer_has_tokens_of_its_own_and_loses_them_one_by_one_or_all() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let path = format!("{CUSTOMERS}/{}/tokens", buyer.id);
    assert!(buyer.token.starts_with("rptc_"));
    let second = registry
        .admin()
        .post(&path, &json!({"name": "laptop"}))
        .expect(201)
        .json();
    let list = registry.admin().get(&path).expect(200);
    assert!(
        !String::from_utf8(list.bytes())
            .unwrap()
            .contains(&buyer.token)
    );
    assert_eq!(list.json()["tokens"].as_array().unwrap().len(), 2);
    let one = format!("{path}/{}", second["id"].as_str().unwrap());
    assert_eq!(
        registry.admin().get(&one).expect(200).json()["name"],
        "laptop"
    );
    registry
        .admin()
        .send("DELETE", &one, &[], Vec::new())
        .expect(204);
    registry
        .admin()
        .send("DELETE", &one, &[], Vec::new())
        .expect(404);
    let laptop = registry.with_token(second["token"].as_str().unwrap());
    laptop.get("/r/acme/main/packages.json").expect(401);
    assert_eq!(
        seen(&registry.with_token(&buyer.token), "acme/tool"),
        ["1.0.0"]
    );
    for (asked, field) in [
        (json!({"name": "x", "networks": ["here"]}), "/networks"),
        (json!({"name": "x", "networks": []}), "/networks"),
        (
            json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}),
            "/expires_at",
        ),
        (json!({"name": ""}), "/name"),
    ] {
        let answer = registry.admin().post(&path, &asked).expect(422).json();
        assert_eq!(refused(&answer), [field]);
    }
    registry.remove_confirmed(&format!("customers/{}", buyer.id), "Buyer");
    registry
        .with_token(&buyer.token)
        .get("/r/acme/main/packages.json")
        .expect(401);
    assert_eq!(
        registry.world.sqlite.texts("select id from grants"),
        Vec::<String>::new()
    );
}

#[test]
fn a_grant_says_what_is_wrong_by_field() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer(&json!({"name": "Buyer"}));
    let sees_all = registry.make_token(&json!({"name": "ci", "access": "read"}));
    assert!(!sees_all.is_empty());
    let token = registry
        .world
        .sqlite
        .texts("select id from tokens where name = 'ci' and kind = 'machine'")
        .remove(0);
    let subject = json!({"customer": buyer.id});
    for (asked, fields) in [
        (json!({"packages": ["acme/*"]}), &["/subject"][..]),
        (
            json!({"subject": {"customer": "x", "team": "y"}, "packages": ["a/b"]}),
            &["/subject"],
        ),
        (
            json!({"subject": {"robot": "x"}, "packages": ["a/b"]}),
            &["/subject/robot"],
        ),
        (
            json!({"subject": {"customer": "x"}, "packages": ["a/b"]}),
            &["/subject/customer"],
        ),
        (
            json!({"subject": {"team": "x"}, "packages": ["a/b"]}),
            &["/subject/team"],
        ),
        (
            json!({"subject": {"organisation": "acme"}, "packages": ["a/b"]}),
            &["/subject/organisation"],
        ),
        (
            json!({"subject": {"token": token}, "packages": ["a/b"]}),
            &["/subject/token"],
        ),
        (json!({"subject": subject}), &["/packages"]),
        (json!({"subject": subject, "packages": []}), &["/packages"]),
        (
            json!({"subject": subject, "packages": ["a b"]}),
            &["/packages/0"],
        ),
        (
            json!({"subject": subject, "packages": ["a/b"], "collection": "x"}),
            &["/collection"],
        ),
        (
            json!({"subject": subject, "collection": "x"}),
            &["/collection"],
        ),
        (
            json!({"subject": subject, "packages": ["a/b"], "versions": "^^1"}),
            &["/versions"],
        ),
        (
            json!({"subject": subject, "packages": ["a/b"], "repositories": ["main", "none"]}),
            &["/repositories/1"],
        ),
        (
            json!({"subject": subject, "packages": ["a/b"], "minimum_stability": "solid", "released_until": "x"}),
            &["/minimum_stability", "/released_until"],
        ),
        (
            json!({"subject": subject, "packages": ["a/b"], "released_after": "2026-02-01T00:00:00Z", "released_until": "2026-01-01T00:00:00Z"}),
            &["/released_after"],
        ),
    ] {
        let answer = registry.admin().post(GRANTS, &asked).expect(422).json();
        assert_eq!(refused(&answer), fields, "{asked}");
    }
    assert_eq!(registry.admin().get(GRANTS).json()["grants"], json!([]));
}

#[test]
fn a_token_that_sees_only_grants_takes_them() {
    let registry = TestRegistry::shop();
    let token = registry.make_token(&json!({"name": "ci", "access": "read"}));
    registry.change("update tokens set only_granted = 1 where name = 'ci'");
    let id = registry
        .world
        .sqlite
        .texts("select id from tokens where name = 'ci'")
        .remove(0);
    let machine = registry.with_token(&token);
    assert_eq!(seen(&machine, "acme/lib"), Vec::<String>::new());
    registry.make(
        "grants",
        &json!({"subject": {"token": id}, "packages": ["acme/lib"], "versions": "^2.0"}),
    );
    assert_eq!(seen(&machine, "acme/lib"), ["2.0.0", "2.0.0-beta1"]);
    assert_eq!(seen(&machine, "acme/tool"), Vec::<String>::new());
}

#[test]
fn a_sub_organisation_and_a_team_take_grants() {
    let registry = TestRegistry::shop();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "client"}))
        .expect(201);
    registry.change("update organisations set parent_id = 1 where slug = 'client'");
    let made = registry.admin().post(
        "/api/v1/orgs/client/tokens",
        &json!({"name": "theirs", "access": "read"}),
    );
    let theirs = made.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let grant = registry.make(
        "grants",
        &json!({"subject": {"organisation": "client"}, "packages": ["acme/tool"]}),
    );
    assert_eq!(seen(&registry.with_token(&theirs), "acme/tool"), ["1.0.0"]);
    let shown = registry
        .admin()
        .get(&format!("{GRANTS}?organisation=client"))
        .expect(200)
        .json();
    assert_eq!(shown["grants"][0]["id"], grant);
    assert_eq!(
        shown["grants"][0]["subject"],
        json!({"organisation": "client"})
    );
    registry.change(
        "insert into teams (id, organisation_id, name, created_at) values ('t', 1, 'Theirs', 0)",
    );
    registry.change(
        "insert into accounts (id, email, name, created_at) values ('a', 'a@b.example', 'Ada', 0)",
    );
    registry.change("insert into members (organisation_id, account_id, role, created_at, grant_changed_at) values (1, 'a', 'member', 0, 0)");
    registry.change("insert into team_members values ('t', 'a')");
    registry.make(
        "grants",
        &json!({"subject": {"team": "t"}, "packages": ["acme/tool"]}),
    );
    let moved = registry
        .world
        .sqlite
        .texts("select grant_changed_at from members")
        .remove(0);
    assert_eq!(moved, registry.world.now.get().to_string());
}

#[test]
fn grants_are_found_by_subject_collection_and_package_and_changed() {
    let registry = TestRegistry::shop();
    let (one, other) = (
        registry.buyer(&json!({"name": "One"})),
        registry.buyer(&json!({"name": "Other"})),
    );
    let collection = registry.make(
        "collections",
        &json!({"name": "Tools", "items": [{"packages": ["acme/tool"]}]}),
    );
    let a = registry.grant(&one, &json!({}));
    let b = registry.grant(
        &other,
        &json!({"packages": ["acme/lib"], "external_id": "order-1"}),
    );
    let c = registry.grant(&other, &json!({"collection": collection}));
    let found = |query: &str| {
        let list = registry
            .admin()
            .get(&format!("{GRANTS}?{query}"))
            .expect(200)
            .json();
        let mut ids: Vec<_> = list["grants"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    };
    assert_eq!(found(""), sorted(&[&a, &b, &c]));
    assert_eq!(found(&format!("customer={}", other.id)), sorted(&[&b, &c]));
    assert_eq!(found(&format!("collection={collection}")), sorted(&[&c]));
    assert_eq!(found("package=acme/tool"), sorted(&[&a, &c]));
    assert_eq!(found("package=acme/lib"), sorted(&[&a, &b]));
    registry
        .admin()
        .get(&format!("{GRANTS}?customer=none"))
        .expect(404);
    // From packages to a collection; it stays with whom it is for.
    let changed = registry.alter(
        &format!("grants/{b}"),
        &json!({"collection": collection, "versions": "^1.0"}),
    );
    assert_eq!(
        (&changed["packages"], &changed["collection"]),
        (&Value::Null, &json!(collection))
    );
    assert_eq!(
        seen(&registry.with_token(&other.token), "acme/lib"),
        Vec::<String>::new()
    );
    let answer = registry
        .admin()
        .patch(
            &format!("{GRANTS}/{b}"),
            &json!({"subject": {"customer": one.id}}),
        )
        .expect(422);
    assert_eq!(refused(&answer.json()), ["/subject"]);
    // Nothing but the words: the collection goes only with its grants when that is said.
    let path = format!("{COLLECTIONS}/{collection}");
    let answer = registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(409)
        .json();
    assert_eq!(answer["code"], "in_use");
    registry.remove(&format!("collections/{collection}?grants=remove"));
    assert_eq!(found(""), [a]);
}

#[test]
fn a_collection_is_made_shown_and_refused() {
    let registry = TestRegistry::shop();
    let asked = json!({"name": "Suite", "items": [{"packages": ["acme/*"], "versions": "^2.0", "source": false}, {"packages": ["acme/tool"]}]});
    let made = registry
        .admin()
        .post(COLLECTIONS, &asked)
        .expect(201)
        .json();
    let path = format!("{COLLECTIONS}/{}", made["id"].as_str().unwrap());
    assert_eq!(registry.admin().get(&path).expect(200).json(), made);
    assert_eq!(made["items"][0]["versions"], "^2.0");
    assert_eq!(made["grants"], 0);
    registry.admin().post(COLLECTIONS, &asked).expect(409);
    for (asked, fields) in [
        (json!({"name": "X"}), &["/items"][..]),
        (
            json!({"name": "X", "items": [{"packages": []}]}),
            &["/items/0/packages"],
        ),
        (
            json!({"name": "X", "items": [{"packages": ["a/b"], "versions": "^^"}, {"packages": ["a b"]}]}),
            &["/items/0/versions", "/items/1/packages/0"],
        ),
    ] {
        let answer = registry
            .admin()
            .post(COLLECTIONS, &asked)
            .expect(422)
            .json();
        assert_eq!(refused(&answer), fields, "{asked}");
    }
    let listed = registry.admin().get(COLLECTIONS).expect(200).json();
    assert_eq!(listed["collections"], json!([made]));
}

#[test]
fn only_those_who_manage_customers_do_and_only_their_own() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    for persona in [registry.writer(), registry.with_token(&buyer.token)] {
        persona.get(CUSTOMERS).expect(403);
        persona.post(GRANTS, &json!({})).expect(403);
    }
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let made = registry.admin().post(
        "/api/v1/orgs/globex/tokens",
        &json!({"name": "a", "access": "admin"}),
    );
    let token = made.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let stranger = registry.with_token(&token);
    let grant = registry
        .world
        .sqlite
        .texts("select id from grants")
        .remove(0);
    for org in ["acme", "globex"] {
        for path in [
            format!("customers/{}", buyer.id),
            format!("customers/{}/tokens", buyer.id),
            format!("grants/{grant}"),
            format!("effective-access?customer={}", buyer.id),
        ] {
            stranger
                .get(&format!("/api/v1/orgs/{org}/{path}"))
                .expect(404);
        }
    }
    let theirs = json!({"subject": {"customer": buyer.id}, "packages": ["*"]});
    let answer = stranger
        .post("/api/v1/orgs/globex/grants", &theirs)
        .expect(422)
        .json();
    assert_eq!(refused(&answer), ["/subject/customer"]);
}
