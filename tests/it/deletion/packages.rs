//! Packages.

use serde_json::{Value, json};

use super::{ask, delete, dist, let_time_pass, lines, objects, status};
use crate::support::faults::with_every_fault;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const PATH: &str = "/packages/acme/lib";

fn import_again(registry: &TestRegistry) -> u16 {
    let sqlite = &registry.world.sqlite;
    let connection = sqlite.texts("select id from connections").remove(0);
    let body = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    let status = ask(registry, "POST", "/packages", &body).status();
    registry.run_jobs();
    status
}

#[test]
fn a_deleted_package_leaves_everything_and_stays_away() {
    let registry = TestRegistry::imported();
    ask(
        &registry,
        "POST",
        "/repositories",
        &json!({"slug": "second"}),
    )
    .expect(201);
    ask(
        &registry,
        "PUT",
        "/repositories/second/packages/acme/lib",
        &json!({}),
    )
    .expect(200);
    registry.run_jobs();
    let archive = dist(&registry, PACKAGE, "v1.1.0");
    let past = format!("/r/acme/main@{}/p2/acme/lib.json", registry.head().0);
    for wrong in [
        json!({}),
        json!({"confirm": "lib"}),
        json!({"confirm": "acme/lib v1.1.0"}),
    ] {
        ask(&registry, "DELETE", PATH, &wrong).expect(422);
    }
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    assert_eq!(objects(&registry, "archives/"), Vec::<String>::new());
    registry.pass_time(10);
    for address in [
        "/r/acme/main/p2/acme/lib.json",
        "/r/acme/second/p2/acme/lib.json",
        "/api/v1/orgs/acme/packages/acme/lib",
        archive.as_str(),
    ] {
        assert_eq!(status(&registry, address), 404, "{address}");
    }
    // The past goes on naming it, and cannot install it.
    assert_eq!(status(&registry, &past), 200);
    let admin = registry.admin();
    let none = json!([]);
    assert_eq!(
        admin.get("/r/acme/main/list.json").json()["packageNames"],
        none
    );
    assert_eq!(
        admin.get("/r/acme/main/search.json?q=lib").json()["total"],
        0
    );
    assert_eq!(
        admin.get("/api/v1/orgs/acme/packages").json()["packages"],
        none
    );
    // Nobody is told of pushes any more, and who is told all the same does nothing.
    assert_eq!(
        registry.world.github.borrow().hooks.places(),
        Vec::<&str>::new()
    );
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("after").expect(202);
    registry.pass_time(7 * 60 * 60);
    let_time_pass(&registry);
    assert_eq!(status(&registry, "/r/acme/main/p2/acme/lib.json"), 404);
    // Who asks twice is answered twice, and it is said once.
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    assert_eq!(lines(&registry, "package.deleted"), 1);
    assert_eq!(lines(&registry, "version.deleted"), 3);
    assert_eq!(delete(&registry, "/packages/acme/none", "acme/none"), 404);
    registry.assert_settled();
}

#[test]
fn a_package_that_is_imported_again_has_the_same_versions_with_the_same_bytes_alone() {
    let registry = TestRegistry::imported();
    let before = registry.contents();
    ask(
        &registry,
        "DELETE",
        &format!("{PATH}/versions/v1.0.0"),
        &json!({"confirm": "acme/lib v1.0.0"}),
    )
    .expect(204);
    registry.run_jobs();
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    // Meanwhile somebody moved a tag to another commit.
    registry.push(
        "refs/tags/v1.1.0",
        &json!({"name": PACKAGE, "description": "Moved"}),
    );
    assert_eq!(import_again(&registry), 202);
    registry.pass_time(10);
    assert_eq!(registry.versions(PACKAGE), Vec::<String>::new());
    let refs = registry.refs(PACKAGE);
    assert!(
        refs.contains("v1.0.0 skipped version `v1.0.0` was deleted by a person"),
        "{refs}"
    );
    assert!(
        refs.contains("v1.1.0 skipped version `v1.1.0` was deleted with a package"),
        "{refs}"
    );
    for version in ["v1.0.0", "v1.1.0"] {
        ask(
            &registry,
            "POST",
            &format!("{PATH}/versions/{version}/restore"),
            &json!({}),
        )
        .expect(202);
        registry.run_jobs();
    }
    registry.pass_time(10);
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    // With everything as it was, all of it comes back by itself.
    let registry = TestRegistry::imported();
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    assert_eq!(import_again(&registry), 202);
    assert_eq!(registry.contents(), before);
    assert_eq!(registry.shown(PACKAGE)["deleted_versions"], json!([]));
    assert_eq!(registry.world.github.borrow().hooks.places().len(), 1);
    registry.assert_settled();
}

#[test]
fn an_upload_of_a_deleted_package_has_to_be_what_it_was() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/up", "1.0.0", "one").expect(201);
    registry.run_jobs();
    assert_eq!(delete(&registry, "/packages/acme/up", "acme/up"), 204);
    let refused = writer
        .upload("acme/up", "1.0.0", "other")
        .expect(409)
        .json();
    assert!(
        refused
            .to_string()
            .contains("deleted with a package of this name"),
        "{refused}"
    );
    writer.upload("acme/up", "1.0.0", "one").expect(201);
    writer.upload("acme/up", "2.0.0", "two").expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(registry.versions("acme/up"), ["2.0.0", "1.0.0"]);
    // And once more: what was served by either of them is remembered.
    assert_eq!(delete(&registry, "/packages/acme/up", "acme/up"), 204);
    writer.upload("acme/up", "2.0.0", "other").expect(409);
    writer.upload("acme/up", "2.0.0", "two").expect(201);
    registry.run_jobs();
    let_time_pass(&registry);
}

#[test]
fn a_definition_of_a_deleted_package_has_to_be_what_it_was() {
    let registry = TestRegistry::new();
    let define = |url: &str| {
        let dist = json!({"type": "zip", "url": url, "reference": "a"});
        let package = json!({"name": "acme/defined", "version": "1.0.0", "dist": dist});
        let body = json!({"repository": "main", "package": package});
        let answer = ask(&registry, "PUT", "/packages/acme/defined/definition", &body);
        registry.run_jobs();
        answer.status()
    };
    assert_eq!(define("https://example.com/one.zip"), 200);
    assert_eq!(
        delete(&registry, "/packages/acme/defined", "acme/defined"),
        204
    );
    assert_eq!(define("https://example.com/other.zip"), 409);
    assert_eq!(define("https://example.com/one.zip"), 200);
    registry.pass_time(10);
    assert_eq!(registry.versions("acme/defined"), ["1.0.0"]);
}

#[test]
fn a_deletion_of_a_package_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || {
            let registry = TestRegistry::imported();
            ask(
                &registry,
                "POST",
                "/repositories",
                &json!({"slug": "second"}),
            )
            .expect(201);
            ask(
                &registry,
                "PUT",
                "/repositories/second/packages/acme/lib",
                &json!({}),
            )
            .expect(200);
            registry.run_jobs();
            registry
        },
        |registry| {
            if delete(registry, PATH, "acme/lib") != 204 {
                assert_eq!(delete(registry, PATH, "acme/lib"), 204);
            }
            let_time_pass(registry);
        },
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(objects(registry, "archives/"), Vec::<String>::new());
            assert_eq!(lines(registry, "package.deleted"), 1);
            assert_eq!(
                registry.world.github.borrow().hooks.places(),
                Vec::<&str>::new()
            );
            for sql in [
                "select archive_key from deleted_archives",
                "select reference from dists",
            ] {
                assert_eq!(
                    registry.world.sqlite.texts(sql),
                    Vec::<String>::new(),
                    "{sql}"
                );
            }
            registry.assert_settled();
        },
    );
}

#[test]
fn the_row_of_a_deleted_package_leaves_when_nothing_names_it() {
    let registry = TestRegistry::imported();
    let writer = registry.writer();
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    writer.upload("acme/other", "1.0.0", "one").expect(201);
    registry.run_jobs();
    let packages = || {
        registry
            .world
            .sqlite
            .texts("select name from packages order by id")
    };
    registry.pass_time(24 * 60 * 60);
    let_time_pass(&registry);
    assert_eq!(packages().len(), 2, "a job that is still listed names it");
    let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(jobs["jobs"][0]["package"], PACKAGE);
    registry.pass_time(31 * 24 * 60 * 60);
    let_time_pass(&registry);
    assert_eq!(packages(), ["acme/other"]);
    // What it served is known all the same.
    writer.upload("acme/lib", "v1.0.0", "other").expect(409);
}

#[test]
fn a_group_that_adds_new_projects_does_not_add_a_deleted_one() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, _, _) = registry.import(PROJECT);
    registry.run_jobs();
    let groups = json!({"groups": [{"name": "acme", "repository": "main", "add_new": true}]});
    ask(
        &registry,
        "PATCH",
        &format!("/connections/{connection}"),
        &groups,
    )
    .expect(200);
    registry.run_jobs();
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    registry.push_tag("v1.2.0");
    let answer = registry.deliver_webhook("after").expect(202).json();
    assert_eq!(answer["job"], Value::Null, "{answer}");
    registry.run_jobs();
    assert_eq!(
        status(&registry, "/api/v1/orgs/acme/packages/acme/lib"),
        404
    );
    registry.assert_settled();
}

#[test]
fn what_was_under_way_ends_with_the_reason() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, job) = registry.import(PROJECT);
    registry.run_one_job();
    assert_eq!(delete(&registry, PATH, "acme/lib"), 204);
    let shown = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/jobs/{job}"))
        .json();
    assert_eq!(shown["state"], "cancelled");
    assert_eq!(
        shown["message"],
        "the package was deleted by a person on 2026-11-21"
    );
    assert_eq!(shown["package"], PACKAGE);
}

#[test]
fn an_owner_alone_deletes_a_package() {
    let registry = TestRegistry::imported();
    let token =
        registry.make_token(&json!({"name": "a", "abilities": ["view", "manage_packages"]}));
    let body = json!({"confirm": "acme/lib"}).to_string().into_bytes();
    let path = "/api/v1/orgs/acme/packages/acme/lib";
    registry
        .with_token(&token)
        .send("DELETE", path, &[], body)
        .expect(403);
    assert_eq!(registry.versions(PACKAGE).len(), 2);
}
