use repertoire::http::{Body, handle};
use serde_json::json;

use crate::support::interleave::Run;
use crate::support::persona::{Answer, Persona};
use crate::support::{ADMIN, PACKAGE, TestRegistry, isolate};

const REPOSITORY: &str = "/api/v1/orgs/acme/repositories/main";

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

fn change(
    registry: &TestRegistry,
    path: &str,
    body: &serde_json::Value,
    name: &'static str,
    tag: &str,
) -> Answer {
    let body = body.to_string().into_bytes();
    let headers = [(name, tag.to_owned())];
    registry.admin().send("PATCH", path, &headers, body)
}

#[test]
fn what_the_caller_has_already_is_not_sent_again() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let shown = admin.get(REPOSITORY).expect(200);
    assert_eq!(shown.header("cache-control"), Some("private, no-cache"));
    let seen = tag(&shown);
    for known in [
        seen.clone(),
        format!("W/{seen}"),
        format!("\"other\", {seen}"),
        "*".to_owned(),
    ] {
        let again = admin
            .get_with(REPOSITORY, "if-none-match", &known)
            .expect(304);
        assert_eq!(again.reply.body, Body::Empty);
        assert_eq!(tag(&again), seen);
    }
    admin
        .patch(REPOSITORY, &json!({"public": true}))
        .expect(200);
    let other = admin
        .get_with(REPOSITORY, "if-none-match", &seen)
        .expect(200);
    assert_ne!(tag(&other), seen);
    // What is not there has none, and neither has an error.
    assert_eq!(
        admin
            .get("/api/v1/orgs/acme/repositories/none")
            .header("etag"),
        None
    );
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_refused() {
    let registry = TestRegistry::imported();
    let (connection, _) = registry.connect();
    for (path, change_to) in [
        (REPOSITORY.to_owned(), json!({"description": "Ours"})),
        (
            format!("/api/v1/orgs/acme/packages/{PACKAGE}"),
            json!({"abandoned": true}),
        ),
        (
            format!("/api/v1/orgs/acme/connections/{connection}"),
            json!({"reconcile_hours": 12}),
        ),
    ] {
        let before = tag(&registry.admin().get(&path).expect(200));
        change(&registry, &path, &change_to, "if-match", &before).expect(200);
        let after = tag(&registry.admin().get(&path));
        assert_ne!(before, after);
        let refused = change(&registry, &path, &change_to, "if-match", &before).expect(412);
        assert_eq!(refused.json()["code"], "precondition_failed");
        // A weak tag says nothing about bytes.
        change(
            &registry,
            &path,
            &change_to,
            "if-match",
            &format!("W/{after}"),
        )
        .expect(412);
        assert_eq!(tag(&registry.admin().get(&path)), after);
        change(&registry, &path, &change_to, "if-match", "*").expect(200);
        registry.run_jobs();
    }
}

#[test]
fn what_is_gone_or_there_already_is_told_by_conditions() {
    let registry = TestRegistry::new();
    let token = registry.admin().post(
        "/api/v1/orgs/acme/tokens",
        &json!({"name": "ci", "access": "read"}),
    );
    let path = format!(
        "/api/v1/orgs/acme/tokens/{}",
        token.json()["id"].as_str().unwrap()
    );
    let seen = tag(&registry.admin().get(&path).expect(200));
    let delete = |path: &str, tag: &str| {
        registry
            .admin()
            .send("DELETE", path, &[("if-match", tag.to_owned())], Vec::new())
    };
    delete(&path, "\"other\"").expect(412);
    delete(&path, &seen).expect(204);
    // It is shown as revoked, so it is another one now.
    delete(&path, &seen).expect(412);
    delete("/api/v1/orgs/acme/tokens/none", "*").expect(412);
    // Made, but only where there is none.
    let definition = "/api/v1/orgs/acme/packages/acme/old/definition";
    let body = json!({"repository": "main", "package": {
        "name": "acme/old", "version": "1.0.0", "source": {"type": "git", "url": "https://git.example/old", "reference": "a"},
    }});
    let put = || {
        let headers = [("if-none-match", "*".to_owned())];
        registry
            .admin()
            .send("PUT", definition, &headers, body.to_string().into_bytes())
    };
    put().expect(200);
    put().expect(412);
    registry.run_jobs();
}

#[test]
fn of_two_changes_at_once_one_is_made() {
    let package = format!("/api/v1/orgs/acme/packages/{PACKAGE}");
    let scenes = [
        (
            REPOSITORY,
            json!({"description": "one"}),
            json!({"description": "two"}),
        ),
        (
            package.as_str(),
            json!({"abandoned": true}),
            json!({"abandoned": "acme/new"}),
        ),
    ];
    for (path, one, other) in scenes {
        // The other comes between each two calls of the first.
        for calls in 1.. {
            let registry = TestRegistry::imported();
            let seen = tag(&registry.admin().get(path).expect(200));
            let headers = [("if-match", seen)];
            let request =
                registry
                    .admin()
                    .request("PATCH", path, &headers, one.to_string().into_bytes());
            registry.world.gives_way.set(true);
            let mut first = Run::new(handle(&registry.app, request));
            let is_through = first.steps(calls);
            registry.world.gives_way.set(false);
            if is_through {
                assert!(calls > 3, "the change calls no port");
                registry.run_jobs();
                break;
            }
            let elsewhere = isolate(&registry.world);
            let rival = Persona::new(&elsewhere, Some(ADMIN));
            let body = other.to_string().into_bytes();
            let second = rival.send("PATCH", path, &headers, body).status();
            let first = first.finish().status;
            let mut statuses = [first, second];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "after {calls} calls, {path}");
            registry.run_jobs();
        }
    }
}
