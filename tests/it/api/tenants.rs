//! What is of another organisation does not exist, whatever its id.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::world::Port;

#[test]
fn ids_of_another_organisation_are_unknown_everywhere() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    registry
        .admin()
        .post("/api/v1/orgs/globex/repositories", &json!({"slug": "main"}))
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
    let first = |sql| registry.world.sqlite.texts(sql).remove(0);
    let job = first("select id from jobs");
    let connection = first("select id from connections");
    let acme = registry.admin().post(
        "/api/v1/orgs/acme/tokens",
        &json!({"name": "a", "access": "read"}),
    );
    let acme = acme.json()["id"].as_str().unwrap().to_owned();
    registry.change("insert into dead_letters (organisation_id, message, reason, received_at) values (1, '{}', '', 0)");
    let before = registry.world.sqlite.changes();
    for org in ["acme", "globex", "none"] {
        for (method, path) in [
            ("GET", format!("jobs/{job}")),
            ("POST", format!("jobs/{job}/cancel")),
            ("POST", format!("jobs/{job}/retry")),
            ("DELETE", format!("tokens/{acme}")),
            ("GET", "packages/acme/lib".to_owned()),
            ("POST", "packages/acme/lib/sync".to_owned()),
            ("PATCH", "packages/acme/lib".to_owned()),
            ("DELETE", "dead-letters/1".to_owned()),
            ("POST", "dead-letters/1/retry".to_owned()),
            ("GET", "repositories/none/revisions".to_owned()),
        ] {
            let path = format!("/api/v1/orgs/{org}/{path}");
            stranger
                .send(method, &path, &[], b"{}".to_vec())
                .expect(404);
        }
    }
    for org in ["acme", "none"] {
        for list in [
            "repositories",
            "repositories/main/revisions",
            "tokens",
            "connections",
            "packages",
            "jobs",
            "deliveries",
            "dead-letters",
        ] {
            stranger
                .get(&format!("/api/v1/orgs/{org}/{list}"))
                .expect(404);
        }
        for list in ["repositories", "tokens", "connections", "packages"] {
            stranger
                .post(&format!("/api/v1/orgs/{org}/{list}"), &json!({}))
                .expect(404);
        }
    }
    // A connection of somebody else's cannot be imported through.
    let asked =
        json!({"connection": connection, "project": "acme/lib-source", "repository": "main"});
    stranger
        .post("/api/v1/orgs/globex/packages", &asked)
        .expect(422);
    let asked = json!({"name": "b", "access": "read", "repositories": ["none"]});
    stranger
        .post("/api/v1/orgs/globex/tokens", &asked)
        .expect(422);
    assert_eq!(registry.world.sqlite.changes(), before);
    for list in ["packages", "jobs", "deliveries", "connections"] {
        let listed = stranger
            .get(&format!("/api/v1/orgs/globex/{list}"))
            .expect(200)
            .json();
        assert_eq!(listed[list], json!([]), "{list}");
    }
    let listed = stranger.get("/api/v1/orgs/globex/dead-letters").json();
    assert_eq!(listed["dead_letters"], json!([]));
    assert_eq!(
        stranger.get("/api/v1/orgs").json()["organisations"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn projects_and_imports_of_another_organisation_do_not_exist() {
    let registry = TestRegistry::imported();
    let slug = json!({"slug": "globex"});
    registry.admin().post("/api/v1/orgs", &slug).expect(201);
    let asked = json!({"name": "a", "access": "admin"});
    let made = registry.admin().post("/api/v1/orgs/globex/tokens", &asked);
    let made = made.expect(201).json();
    let stranger = registry.with_token(made["token"].as_str().unwrap());
    let first = |sql| registry.world.sqlite.texts(sql).remove(0);
    let connection = first("select id from connections");
    let asked = json!({"projects": ["acme/lib-source"], "repository": "main"});
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports");
    registry.admin().post(&path, &asked).expect(202);
    registry.run_jobs();
    let import = first("select id from imports");
    let before = registry.world.sqlite.changes();
    registry.world.forget_calls();
    for org in ["acme", "globex", "none"] {
        let base = format!("/api/v1/orgs/{org}");
        for path in [
            format!("imports/{import}"),
            format!("connections/{connection}/projects"),
        ] {
            stranger.get(&format!("{base}/{path}")).expect(404);
        }
        let named = json!({"projects": ["acme/lib-source"]});
        for (path, asked) in [
            (format!("imports/{import}/cancel"), &json!({})),
            (format!("connections/{connection}/imports"), &asked),
            (format!("connections/{connection}/imports/preview"), &named),
        ] {
            stranger.post(&format!("{base}/{path}"), asked).expect(404);
        }
    }
    stranger.get("/api/v1/orgs/acme/imports").expect(404);
    let listed = stranger.get("/api/v1/orgs/globex/imports").expect(200);
    assert_eq!(listed.json()["imports"], json!([]));
    assert_eq!(registry.world.sqlite.changes(), before);
    assert_eq!(registry.world.calls(Port::Outbound), 0);
}

#[test]
fn two_organisations_may_have_packages_of_one_name() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    registry
        .admin()
        .post("/api/v1/orgs/globex/repositories", &json!({"slug": "main"}))
        .expect(201);
    let manifest = json!({"name": "acme/lib"}).to_string();
    let archive = crate::support::github::git_archive("top", "", &[("composer.json", &manifest)]);
    registry
        .admin()
        .send("PUT", "/r/globex/main/upload/acme/lib/7.0.0", &[], archive)
        .expect(201);
    assert_eq!(registry.versions("acme/lib"), ["v1.1.0", "v1.0.0"]);
    let theirs = registry
        .admin()
        .get("/r/globex/main/p2/acme/lib.json")
        .expect(200);
    assert!(
        !String::from_utf8(theirs.bytes())
            .unwrap()
            .contains("v1.1.0")
    );
    // The archive of the one is not found in the repository of the other.
    let reference = registry.composer_metadata("acme/lib")[0]["dist"]["reference"]
        .as_str()
        .unwrap()
        .to_owned();
    registry
        .admin()
        .get(&format!("/r/globex/main/dist/acme/lib/{reference}.zip"))
        .expect(404);
}
