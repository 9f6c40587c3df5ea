//! A suspended organisation: everybody is told, nothing is taken in, and all of it goes on where it stood.

use serde_json::{Value, json};

use super::{change, make_organisation, owner_of, text};
use crate::support::world::{Port, Waiting};
use crate::support::{PACKAGE, TestRegistry};

const REASON: &str = "the invoice of October is not paid";

fn suspend(registry: &TestRegistry) {
    let shown = change(registry, &json!({"state": "suspended", "reason": REASON}));
    assert_eq!(shown["state"], "suspended");
    assert_eq!(shown["reason"], REASON);
    registry.pass_time(5);
}

fn resume(registry: &TestRegistry) {
    let shown = change(registry, &json!({"state": "active"}));
    assert_eq!(shown["reason"], json!(null));
    registry.pass_time(5);
}

fn archive_of(registry: &TestRegistry) -> String {
    let entry = Value::Object(registry.composer_metadata(PACKAGE)[0].clone());
    crate::support::shop::archive(&entry)
}

#[test]
fn composer_is_told_why_nothing_is_there() {
    let registry = TestRegistry::imported();
    let path = archive_of(&registry);
    let reader = registry.reader("*");
    suspend(&registry);
    let root = reader.get("/r/acme/main/packages.json").expect(200).json();
    assert!(text(&root["warning"]).contains(REASON), "{root}");
    assert!(!root.to_string().contains(PACKAGE), "{root}");
    reader.get("/r/acme/main/p2/acme/lib.json").expect(404);
    let refused = reader.get(&path).expect(403);
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert!(text(&refused.json()["warning"]).contains(REASON));
    reader.upload("acme/lib", "9.0.0", "x").expect(403);
    // The owner of the instance goes on.
    registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
    registry.admin().get(&path).expect(200);
    resume(&registry);
    registry.run_jobs();
    reader.get("/r/acme/main/p2/acme/lib.json").expect(200);
    reader.get(&path).expect(200);
}

#[test]
fn whoever_reads_a_public_repository_is_told_as_well() {
    let registry = TestRegistry::imported();
    registry.alter("repositories/main", &json!({"public": true}));
    let path = archive_of(&registry);
    make_organisation(&registry, &json!({"slug": "globex"}));
    let stranger = owner_of(&registry, "globex");
    suspend(&registry);
    for who in [&registry.anonymous(), &stranger] {
        let root = who.get("/r/acme/main/packages.json").expect(200).json();
        assert!(text(&root["warning"]).contains(REASON), "{root}");
        assert!(!root.to_string().contains(PACKAGE), "{root}");
        for nothing in [
            "p2/acme/lib.json",
            "list.json",
            "search.json?q=lib",
            "metadata/changes.json",
        ] {
            who.get(&format!("/r/acme/main/{nothing}")).expect(404);
        }
        who.get(&path).expect(403);
    }
    resume(&registry);
    registry.run_jobs();
    registry
        .anonymous()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
}

#[test]
fn the_api_refuses_changes_but_not_the_owner_of_the_instance() {
    let registry = TestRegistry::imported();
    let owner = owner_of(&registry, "acme");
    make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    let asked = json!({"email": "ada@example.com", "role": "member"});
    let invited = owner
        .post("/api/v1/orgs/acme/invitations", &asked)
        .expect(201)
        .json();
    suspend(&registry);
    let accepted = json!({"token": invited["token"], "name": "Ada"});
    let refused = registry
        .anonymous()
        .post("/api/v1/invitations/accept", &accepted);
    assert_eq!(refused.expect(403).json()["code"], "organisation_suspended");
    let teams = "/api/v1/orgs/acme/teams";
    let team = json!({"name": "Core"});
    let refused = owner.post(teams, &team).expect(403).json();
    assert_eq!(refused["code"], "organisation_suspended");
    assert!(text(&refused["detail"]).contains(REASON));
    registry.admin().post(teams, &team).expect(201);
    // What is below it stands still with it, also for those who manage it from above.
    let client = owner_of(&registry, "client");
    let refused = client
        .post("/api/v1/orgs/client/teams", &team)
        .expect(403)
        .json();
    assert_eq!(refused["code"], "organisation_suspended");
    let shown = registry.admin().get("/api/v1/orgs/client").json();
    assert_eq!(shown["state"], "suspended_with_parent");
    assert_eq!(shown["reason"], REASON);
    let root = client
        .get("/r/client/main/packages.json")
        .expect(200)
        .json();
    assert!(text(&root["warning"]).contains(REASON));
    resume(&registry);
    registry.run_jobs();
    client.post("/api/v1/orgs/client/teams", &team).expect(201);
}

#[test]
fn whoever_manages_a_suspended_client_reads_it_and_changes_nothing() {
    let registry = TestRegistry::new();
    make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    let parent = owner_of(&registry, "acme");
    let body = json!({"state": "suspended", "reason": REASON});
    registry
        .admin()
        .patch("/api/v1/orgs/client", &body)
        .expect(200);
    parent.get("/api/v1/orgs/client").expect(200);
    for path in ["teams", "tokens", "repositories"] {
        let refused = parent.post(&format!("/api/v1/orgs/client/{path}"), &json!({}));
        assert_eq!(refused.expect(403).json()["code"], "organisation_suspended");
    }
    parent
        .patch("/api/v1/orgs/client", &json!({"managed_by_parent": false}))
        .expect(403);
    // The parent itself goes on.
    parent
        .post("/api/v1/orgs/acme/teams", &json!({"name": "Core"}))
        .expect(201);
}

#[test]
fn webhooks_are_answered_and_nothing_is_synced_until_it_ends() {
    let registry = TestRegistry::imported();
    suspend(&registry);
    registry.push_tag("v2.0.0");
    registry.world.forget_calls();
    let answer = registry.deliver_webhook("d1").expect(202).json();
    assert_eq!(answer["jobs"], json!([]));
    assert!(text(&answer["result"]).contains("suspended"), "{answer}");
    let replayed = registry.deliver_webhook("d1").expect(202).json();
    assert!(text(&replayed["result"]).starts_with("duplicate"));
    // Whoever looks at the deliveries reads why.
    let listed = registry.admin().get("/api/v1/orgs/acme/deliveries").json();
    assert!(listed["deliveries"][0].to_string().contains("suspended"));
    // Nor by the clock.
    registry.pass_time(2 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.world.calls(Port::Outbound), 0);
    resume(&registry);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v2.0.0", "v1.1.0", "v1.0.0"]);
}

#[test]
fn a_job_that_runs_stops_and_begins_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PACKAGE_PROJECT);
    // The comparison is done, its imports are in the queue.
    assert!(registry.run_one_job());
    suspend(&registry);
    registry.run_jobs();
    let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(jobs["jobs"][0]["state"], "queued");
    assert!(text(&jobs["jobs"][0]["message"]).contains("suspended"));
    for _ in 0..3 {
        registry.pass_time(20 * 60);
        registry.housekeep();
        // Nothing is sent in vain, but for what was made and waits to be seen.
        let is_publish = |message: &Waiting| message.text.contains(r#""job":"publish""#);
        assert!(registry.world.queue.borrow().iter().all(is_publish));
        registry.run_jobs();
    }
    // What somebody asks for meanwhile waits too, and says so.
    let asked = registry
        .admin()
        .post("/api/v1/orgs/acme/packages/acme/lib/sync", &json!({}));
    asked.expect(202);
    registry.run_jobs();
    assert_eq!(
        registry.world.sqlite.texts("select count(*) from versions"),
        ["0"]
    );
    resume(&registry);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

const PACKAGE_PROJECT: &str = crate::support::PROJECT;

#[test]
fn an_import_of_many_projects_waits() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, _) = registry.connect();
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports");
    let asked = json!({"projects": [PACKAGE_PROJECT], "repository": "main"});
    registry.admin().post(&path, &asked).expect(202);
    suspend(&registry);
    registry.world.forget_calls();
    registry.run_jobs();
    registry.pass_time(60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.world.calls(Port::Outbound), 0);
    resume(&registry);
    registry.housekeep();
    registry.pass_time(1);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_suspension_comes_to_the_same_end_whatever_fails() {
    use crate::support::faults::with_every_fault;
    with_every_fault(
        || {
            let registry = TestRegistry::imported();
            registry.push_tag("v2.0.0");
            registry
        },
        |registry| {
            for body in [
                json!({"state": "suspended", "reason": REASON}),
                json!({"state": "active"}),
            ] {
                let path = "/api/v1/orgs/acme";
                if registry.admin().patch(path, &body).status() != 200 {
                    registry.admin().patch(path, &body).expect(200);
                }
            }
            registry.run_jobs();
            let sqlite = &registry.world.sqlite;
            while sqlite.texts("select count(*) from jobs where state not in ('done')") != ["0"] {
                registry.pass_time(15 * 60);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, _| {
            assert_eq!(registry.versions(PACKAGE), ["v2.0.0", "v1.1.0", "v1.0.0"]);
            let told = registry.world.sqlite.texts(
                "select action from audit where action in ('organisation.suspended', 'organisation.resumed') order by id",
            );
            assert_eq!(told, ["organisation.suspended", "organisation.resumed"]);
        },
    );
}
