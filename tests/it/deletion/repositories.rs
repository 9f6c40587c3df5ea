//! Repositories.

use repertoire::http::handle;
use serde_json::json;

use super::{ask, delete, let_time_pass, lines, objects, status};
use crate::support::faults::with_every_fault;
use crate::support::github::git_archive;
use crate::support::interleave::Run;
use crate::support::persona::Persona;
use crate::support::{ADMIN, PACKAGE, TestRegistry, isolate};

const DAY: i64 = 24 * 60 * 60;

/// With `acme/lib` in `main` and `second`, and `acme/up` in `second` alone.
fn with_second() -> TestRegistry {
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
    let token = registry.make_token(&json!({"name": "up", "access": "write"}));
    let manifest = json!({"name": "acme/up"}).to_string();
    let archive = git_archive("top", "", &[("composer.json", &manifest)]);
    registry
        .with_token(&token)
        .send("PUT", "/r/acme/second/upload/acme/up/1.0.0", &[], archive)
        .expect(201);
    registry.run_jobs();
    registry
}

#[test]
fn a_deleted_repository_is_gone_with_its_past_and_its_packages_stay() {
    let registry = with_second();
    let before = (registry.contents(), objects(&registry, "archives/"));
    for wrong in [json!({}), json!({"confirm": "main"})] {
        ask(&registry, "DELETE", "/repositories/second", &wrong).expect(422);
    }
    assert_eq!(delete(&registry, "/repositories/second", "second"), 204);
    registry.pass_time(10);
    for address in [
        "/r/acme/second/packages.json",
        "/r/acme/second@1/packages.json",
        "/r/acme/second/p2/acme/lib.json",
        "/api/v1/orgs/acme/repositories/second",
    ] {
        assert_eq!(status(&registry, address), 404, "{address}");
    }
    assert_eq!(
        (registry.contents(), objects(&registry, "archives/")),
        before
    );
    assert_eq!(registry.shown("acme/up")["repositories"], json!([]));
    assert_eq!(registry.shown(PACKAGE)["repositories"], json!(["main"]));
    assert_eq!(lines(&registry, "repository.deleted"), 1);
    // It may be made again, and is another one then.
    ask(
        &registry,
        "POST",
        "/repositories",
        &json!({"slug": "second"}),
    )
    .expect(201);
    let ids = registry
        .world
        .sqlite
        .texts("select id from repositories order by id");
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(status(&registry, "/r/acme/second/p2/acme/lib.json"), 404);
    assert_eq!(status(&registry, "/r/acme/second@1/packages.json"), 404);
    ask(
        &registry,
        "PUT",
        "/repositories/second/packages/acme/up",
        &json!({}),
    )
    .expect(200);
    registry.run_jobs();
    assert_eq!(status(&registry, "/r/acme/second/p2/acme/up.json"), 200);
    registry.assert_settled();
}

#[test]
fn documents_that_only_a_deleted_repository_named_are_swept() {
    let registry = with_second();
    let before = objects(&registry, "blobs/");
    assert_eq!(delete(&registry, "/repositories/second", "second"), 204);
    let_time_pass(&registry);
    registry.pass_time(2 * DAY);
    let_time_pass(&registry);
    let left = objects(&registry, "blobs/");
    assert!(left.len() < before.len(), "nothing was swept");
    // As many as a registry has that never had it, and all of `main` is there, its past too.
    assert_eq!(left, objects(&TestRegistry::imported(), "blobs/"));
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select hash from repository_blobs where repository_id <> 1"),
        Vec::<String>::new()
    );
}

#[test]
fn blobs_of_before_they_were_recorded_stay() {
    let registry = with_second();
    registry.change("update published_blobs set is_recorded = 0");
    registry.change("delete from repository_blobs");
    let before = objects(&registry, "blobs/");
    assert_eq!(delete(&registry, "/repositories/second", "second"), 204);
    let_time_pass(&registry);
    registry.pass_time(2 * DAY);
    let_time_pass(&registry);
    assert_eq!(objects(&registry, "blobs/"), before);
}

#[test]
fn a_token_of_deleted_repositories_sees_nothing() {
    let registry = with_second();
    let narrow =
        registry.make_token(&json!({"name": "a", "access": "read", "repositories": ["second"]}));
    let both = registry
        .make_token(&json!({"name": "b", "access": "read", "repositories": ["main", "second"]}));
    registry
        .with_token(&narrow)
        .get("/r/acme/second/p2/acme/lib.json")
        .expect(200);
    assert_eq!(delete(&registry, "/repositories/second", "second"), 204);
    registry.pass_time(10);
    for repository in ["main", "second"] {
        let path = format!("/r/acme/{repository}/p2/acme/lib.json");
        registry.with_token(&narrow).get(&path).expect(404);
    }
    registry
        .with_token(&both)
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
    // One of the same name that is made later is none of theirs.
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
    registry.pass_time(10);
    for token in [&narrow, &both] {
        registry
            .with_token(token)
            .get("/r/acme/second/p2/acme/lib.json")
            .expect(404);
    }
}

#[test]
fn a_grant_of_a_deleted_repository_gives_nothing() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"repositories": ["main"]}));
    let persona = registry.with_token(&buyer.token);
    assert!(!crate::support::shop::seen(&persona, "acme/lib").is_empty());
    assert_eq!(delete(&registry, "/repositories/main", "main"), 204);
    ask(&registry, "POST", "/repositories", &json!({"slug": "main"})).expect(201);
    ask(
        &registry,
        "PUT",
        "/repositories/main/packages/acme/lib",
        &json!({}),
    )
    .expect(200);
    registry.run_jobs();
    registry.pass_time(10);
    persona.get("/r/acme/main/p2/acme/lib.json").expect(404);
    registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
}

#[test]
fn a_deletion_of_a_repository_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        with_second,
        |registry| {
            let status = delete(registry, "/repositories/second", "second");
            if status != 204 {
                let again = delete(registry, "/repositories/second", "second");
                assert!([204, 404].contains(&again), "{again}");
            }
            // A sweep that failed half way begins again with the next one.
            for _ in 0..2 {
                let_time_pass(registry);
                registry.pass_time(2 * DAY);
            }
            let_time_pass(registry);
        },
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(objects(registry, ""), objects(calm, ""));
            assert_eq!(lines(registry, "repository.deleted"), 1);
            registry.assert_settled();
        },
    );
}

#[test]
fn parts_of_uploads_are_freed_with_their_repository_whatever_fails() {
    let begun = json!({"name": "acme/large", "version": "1.0.0", "size": 10});
    with_every_fault(
        || {
            let registry = with_second();
            for repository in ["main", "second", "second"] {
                let path = format!("/r/acme/{repository}/uploads");
                registry.admin().post(&path, &begun).expect(201);
            }
            registry
        },
        |registry| {
            let again = delete(registry, "/repositories/second", "second");
            if again != 204 && again != 404 {
                assert!([204, 404].contains(&delete(registry, "/repositories/second", "second")));
            }
            let_time_pass(registry);
        },
        |registry, _| {
            // The one in the other repository goes on.
            assert_eq!(registry.world.uploads.borrow().len(), 1);
            let open = registry
                .world
                .sqlite
                .texts("select repository_id from uploads");
            assert_eq!(open, ["1"]);
            registry.pass_time(2 * DAY);
            let_time_pass(registry);
            let left = registry.world.sqlite.texts("select * from deleted_uploads");
            assert_eq!(left, Vec::<String>::new());
        },
    );
}

#[test]
fn an_upload_that_begins_while_its_repository_is_deleted_leaves_nothing_in_the_blob_store() {
    let begun = json!({"name": "acme/large", "version": "1.0.0", "size": 10});
    for calls in 1.. {
        let registry = with_second();
        let body = begun.to_string().into_bytes();
        let request = registry
            .admin()
            .request("POST", "/r/acme/second/uploads", &[], body);
        registry.world.gives_way.set(true);
        let mut first = Run::new(handle(&registry.app, request));
        let is_through = first.steps(calls);
        registry.world.gives_way.set(false);
        let confirmed = json!({"confirm": "second"}).to_string().into_bytes();
        let elsewhere = isolate(&registry.world);
        Persona::new(&elsewhere, Some(ADMIN))
            .send(
                "DELETE",
                "/api/v1/orgs/acme/repositories/second",
                &[],
                confirmed,
            )
            .expect(204);
        first.finish();
        registry.run_jobs();
        registry.housekeep();
        registry.run_jobs();
        assert_eq!(
            registry.world.uploads.borrow().len(),
            0,
            "after {calls} calls"
        );
        if is_through {
            break;
        }
    }
}
