//! Organisations and those below them: made, shown, changed.

use serde_json::json;

use super::{make_organisation, owner_of};
use crate::support::TestRegistry;

const ACME: &str = "/api/v1/orgs/acme";

#[test]
fn owners_change_the_name_and_whom_to_ask() {
    let registry = TestRegistry::new();
    let owner = owner_of(&registry, "acme");
    let shown = owner.get(ACME).expect(200);
    let tag = shown.header("etag").unwrap().to_owned();
    let asked = json!({"name": "Acme Inc.", "contact": "Write to help@acme.example"});
    let changed = owner
        .send(
            "PATCH",
            ACME,
            &[("if-match", tag.clone())],
            asked.to_string().into(),
        )
        .expect(200)
        .json();
    assert_eq!(changed["name"], "Acme Inc.");
    assert_eq!(changed["contact"], "Write to help@acme.example");
    assert_eq!(changed["state"], "active");
    // Whoever has seen it before that is told.
    owner
        .send(
            "PATCH",
            ACME,
            &[("if-match", tag)],
            asked.to_string().into(),
        )
        .expect(412);
    // What is absent stays, null takes away.
    let changed = owner.patch(ACME, &json!({"contact": null})).expect(200);
    assert_eq!(changed.json()["name"], "Acme Inc.");
    let shown = owner.get(ACME).json();
    assert_eq!(shown["contact"], json!(null));
    for wrong in [
        json!({"name": ""}),
        json!({"contact": "two\nlines"}),
        json!({"managed_by_parent": true}),
        json!({"slug": "other"}),
    ] {
        owner.patch(ACME, &wrong).expect(422);
    }
}

#[test]
fn whom_to_ask_is_what_a_barred_customer_reads() {
    let registry = TestRegistry::new();
    let buyer = registry.buyer_with(&json!({}));
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "suspended"}),
    );
    registry
        .admin()
        .patch(ACME, &json!({"contact": "Write to help@acme.example"}))
        .expect(200);
    let root = registry
        .with_token(&buyer.token)
        .get("/r/acme/main/packages.json");
    let warning = super::text(&root.expect(200).json()["warning"]);
    assert!(warning.ends_with("Write to help@acme.example"), "{warning}");
}

#[test]
fn admins_and_readers_do_not_change_an_organisation() {
    let registry = TestRegistry::new();
    for access in ["admin", "read"] {
        let token = registry.make_token(&json!({"name": "a", "access": access}));
        let refused = registry
            .with_token(&token)
            .patch(ACME, &json!({"name": "b"}));
        assert!(
            refused.expect(403).json()["detail"]
                .to_string()
                .contains("`own`")
        );
    }
    let owner = owner_of(&registry, "acme");
    for beyond in [
        json!({"state": "suspended"}),
        json!({"reason": "why"}),
        json!({"quotas": {"packages": null}}),
    ] {
        owner.patch(ACME, &beyond).expect(403);
    }
}

#[test]
fn reserved_slugs_are_refused_with_the_reason() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    for (slug, reason) in [
        ("admin", "the pages of the owner of this instance are there"),
        ("upload", "uploads go there"),
        ("p2", "metadata is there"),
    ] {
        for path in ["/api/v1/orgs", "/api/v1/orgs/acme/repositories"] {
            let refused = admin.post(path, &json!({"slug": slug})).expect(422).json();
            assert!(refused["detail"].to_string().contains(reason), "{refused}");
        }
    }
}

#[test]
fn an_owner_makes_organisations_below_his_own() {
    let registry = TestRegistry::new();
    let owner = owner_of(&registry, "acme");
    let orgs = "/api/v1/orgs";
    let made = owner.post(
        orgs,
        &json!({"slug": "acme-client", "name": "Client", "parent": "acme"}),
    );
    let made = made.expect(201).json();
    assert_eq!(made["parent"], "acme");
    assert_eq!(made["managed_by_parent"], true);
    // Names of others are not to be tried out.
    let refused = owner
        .post(orgs, &json!({"slug": "client", "parent": "acme"}))
        .expect(422)
        .json();
    assert!(
        refused["detail"].to_string().contains("`acme-`"),
        "{refused}"
    );
    registry
        .admin()
        .post(orgs, &json!({"slug": "client", "parent": "acme"}))
        .expect(201);
    // One level.
    for who in [&owner, &registry.admin()] {
        let deeper = json!({"slug": "acme-client-2", "parent": "acme-client"});
        let refused = who.post(orgs, &deeper).expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "/parent");
    }
    owner.post(orgs, &json!({"slug": "acme-top"})).expect(403);
    let token = registry.make_token(&json!({"name": "a", "access": "admin"}));
    registry
        .with_token(&token)
        .post(orgs, &json!({"slug": "acme-x", "parent": "acme"}))
        .expect(403);
    let below = owner
        .get("/api/v1/orgs/acme/organisations?limit=1")
        .expect(200)
        .json();
    assert_eq!(below["organisations"][0]["slug"], "acme-client");
    let path = format!(
        "/api/v1/orgs/acme/organisations?limit=1&cursor={}",
        super::text(&below["next"])
    );
    let below = owner.get(&path).expect(200).json();
    assert_eq!(below["organisations"][0]["slug"], "client");
    assert_eq!(below["next"], json!(null));
}

#[test]
fn whoever_manages_the_parent_manages_what_is_below_until_that_says_otherwise() {
    let registry = TestRegistry::new();
    make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    let parent = owner_of(&registry, "acme");
    let client = owner_of(&registry, "client");
    let path = "/api/v1/orgs/client";
    parent.get(path).expect(200);
    let slugs = |answer: crate::support::persona::Answer| -> Vec<String> {
        let listed = answer.expect(200).json();
        let all = listed["organisations"].as_array().unwrap();
        all.iter().map(|one| super::text(&one["slug"])).collect()
    };
    assert_eq!(slugs(parent.get("/api/v1/orgs")), ["acme", "client"]);
    parent
        .post(
            &format!("{path}/tokens"),
            &json!({"name": "a", "access": "read"}),
        )
        .expect(201);
    // The client's people see nothing of the parent.
    client.get(ACME).expect(404);
    assert_eq!(slugs(client.get("/api/v1/orgs")), ["client"]);
    client
        .patch(path, &json!({"managed_by_parent": false}))
        .expect(200);
    parent.get(path).expect(404);
    parent
        .patch(path, &json!({"managed_by_parent": true}))
        .expect(404);
    // It still is listed, with what is no secret between the two.
    let below = parent.get("/api/v1/orgs/acme/organisations").json();
    assert_eq!(below["organisations"][0]["managed_by_parent"], false);
    client
        .patch(path, &json!({"managed_by_parent": true}))
        .expect(200);
    parent.get(path).expect(200);
}

#[test]
fn a_client_inherits_nothing_and_reads_what_it_is_granted() {
    let registry = TestRegistry::new();
    registry
        .writer()
        .upload("acme/lib", "1.0.0", "a")
        .expect(201);
    registry
        .writer()
        .upload("acme/secret", "1.0.0", "b")
        .expect(201);
    registry.run_jobs();
    make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    let client = owner_of(&registry, "client");
    for path in [
        "/r/acme/main/packages.json",
        "/r/acme/main/p2/acme/lib.json",
        "/r/client/main/p2/acme/lib.json",
    ] {
        client.get(path).expect(404);
    }
    let listed = client
        .get("/api/v1/orgs/client/packages")
        .expect(200)
        .json();
    assert_eq!(listed["packages"], json!([]));
    registry.make(
        "grants",
        &json!({"subject": {"organisation": "client"}, "packages": ["acme/lib"]}),
    );
    registry.pass_time(5);
    client.get("/r/acme/main/p2/acme/lib.json").expect(200);
    client.get("/r/acme/main/p2/acme/secret.json").expect(404);
    // Reading is all: what was granted is not the client's.
    client.upload("acme/lib", "2.0.0", "x").expect(403);
    // A package of the client's own is nobody's above it.
    let manifest = json!({"name": "client/app"}).to_string();
    let archive = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    client
        .send(
            "PUT",
            "/r/client/main/upload/client/app/1.0.0",
            &[],
            archive,
        )
        .expect(201);
    let parent = owner_of(&registry, "acme");
    parent.get("/r/client/main/p2/client/app.json").expect(404);
    // A grant goes down one step and no other way.
    let up = json!({"subject": {"organisation": "acme"}, "packages": ["client/*"]});
    client.post("/api/v1/orgs/client/grants", &up).expect(422);
}

#[test]
fn landing_texts_are_kept_as_they_were_written() {
    let registry = TestRegistry::new();
    let landing = "# Acme\n\n<b>Packages</b> & more\r\n";
    let repositories = "/api/v1/orgs/acme/repositories";
    let body = json!({"slug": "open", "landing": landing, "description": "All of it"});
    let made = registry
        .admin()
        .post(repositories, &body)
        .expect(201)
        .json();
    assert_eq!(made["landing"], landing);
    assert_eq!(made["description"], "All of it");
    let path = format!("{repositories}/open");
    let tag = registry
        .admin()
        .get(&path)
        .header("etag")
        .unwrap()
        .to_owned();
    let changed = json!({"landing": "Other"}).to_string();
    let headers = [("if-match", tag)];
    registry
        .admin()
        .send("PATCH", &path, &headers, changed.clone().into())
        .expect(200);
    registry
        .admin()
        .send("PATCH", &path, &headers, changed.into())
        .expect(412);
    registry
        .admin()
        .patch(&path, &json!({"landing": ""}))
        .expect(200);
    assert_eq!(registry.admin().get(&path).json()["landing"], json!(null));
    let long = "x".repeat(16 * 1024 + 1);
    registry
        .admin()
        .patch(&path, &json!({"landing": long}))
        .expect(422);
    let told = registry.world.sqlite.texts(
        "select coalesce(after_json ->> '$.landing', '-') from audit where subject_name = 'open' order by id",
    );
    assert_eq!(told, [landing, "Other", "-"]);
}
