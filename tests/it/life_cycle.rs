//! What a person does to versions and packages, and that it stays so.

use repertoire::http::Body;
use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::persona::Answer;
use crate::support::{PACKAGE, TestRegistry};

const VERSIONS: &str = "/api/v1/orgs/acme/packages/acme/lib/versions";

fn ask(registry: &TestRegistry, method: &str, path: &str, body: &Value) -> Answer {
    let admin = registry.admin();
    admin.send(method, path, &[], body.to_string().into_bytes())
}

fn say(registry: &TestRegistry, method: &str, version: &str, body: &Value) -> Answer {
    let answer = ask(registry, method, &format!("{VERSIONS}/{version}"), body);
    registry.run_jobs();
    answer
}

/// Where the archive of a version of `acme/lib` is.
fn dist(registry: &TestRegistry, version: &str) -> String {
    let versions = registry.composer_metadata(PACKAGE);
    let found = versions.iter().find(|one| one["version"] == version);
    let url = found.unwrap()["dist"]["url"].as_str().unwrap().to_owned();
    url.strip_prefix(crate::support::ADDRESS)
        .unwrap()
        .to_owned()
}

fn last_modified(registry: &TestRegistry) -> String {
    let answer = registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(200);
    answer.header("last-modified").unwrap().to_owned()
}

fn archives(registry: &TestRegistry) -> usize {
    let objects = registry.world.objects.borrow();
    objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .count()
}

fn lines(registry: &TestRegistry, action: &str) -> usize {
    let path = format!("/api/v1/orgs/acme/audit?action={action}");
    registry.admin().get(&path).json()["lines"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn a_yanked_version_leaves_the_metadata_and_is_installed_by_lock_files() {
    let registry = TestRegistry::imported();
    let (archive, before) = (dist(&registry, "v1.1.0"), last_modified(&registry));
    registry.pass_time(60);
    let shown = say(&registry, "POST", "v1.1.0/yank", &json!({}))
        .expect(200)
        .json();
    assert!(shown["yanked_at"].is_string());
    registry.pass_time(10);
    assert_eq!(registry.versions(PACKAGE), ["v1.0.0"]);
    assert_ne!(last_modified(&registry), before);
    registry.admin().get(&archive).expect(200);
    // Neither a sync nor its tag on another day puts it back.
    registry.sync(PACKAGE);
    registry.delete_ref("refs/tags/v1.1.0");
    registry.sync(PACKAGE);
    registry.sync(PACKAGE);
    registry.push_tag("v1.1.0");
    registry.sync(PACKAGE);
    assert_eq!(registry.versions(PACKAGE), ["v1.0.0"]);
    // Said twice is said once, by either of its spellings.
    say(&registry, "POST", "1.1.0.0/yank", &json!({})).expect(200);
    assert_eq!(lines(&registry, "version.yanked"), 1);
}

#[test]
fn what_was_yanked_can_be_put_back() {
    let registry = TestRegistry::imported();
    let before = registry.contents();
    say(&registry, "POST", "v1.0.0/yank", &json!({})).expect(200);
    say(&registry, "POST", "v1.1.0/yank", &json!({})).expect(200);
    say(&registry, "POST", "dev-main/yank", &json!({})).expect(200);
    // With nothing left to install the package is not there.
    registry.pass_time(10);
    registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(404);
    for version in ["v1.0.0", "v1.1.0", "dev-main"] {
        let path = format!("{version}/yank");
        say(&registry, "DELETE", &path, &json!({})).expect(200);
        say(&registry, "DELETE", &path, &json!({})).expect(200);
    }
    assert_eq!(registry.contents(), before);
    assert_eq!(lines(&registry, "version.unyanked"), 3);
    registry.assert_settled();
}

#[test]
fn composer_warns_of_a_deprecated_version_and_of_no_other() {
    let registry = TestRegistry::imported();
    let path = "v1.0.0/deprecation";
    let said = json!({"message": "loses data on Windows", "use": "^1.1"});
    let shown = say(&registry, "PUT", path, &said).expect(200).json();
    assert_eq!(shown["deprecated"], said);
    registry.pass_time(10);
    let versions = registry.composer_metadata(PACKAGE);
    assert_eq!(versions[0].get("abandoned"), None);
    // Composer puts it between “Use” and “instead”.
    assert_eq!(
        versions[1]["abandoned"],
        "acme/lib ^1.1 (loses data on Windows)"
    );
    say(&registry, "DELETE", path, &json!({})).expect(200);
    registry.pass_time(10);
    assert_eq!(
        registry.composer_metadata(PACKAGE)[1].get("abandoned"),
        None
    );
    for wrong in [
        json!({}),
        json!({"message": " "}),
        json!({"message": "two\nlines"}),
        json!({"message": "x", "use": "not a constraint !"}),
    ] {
        say(&registry, "PUT", path, &wrong).expect(422);
    }
}

#[test]
fn a_deleted_version_is_gone_with_its_archive_and_stays_gone() {
    let registry = TestRegistry::imported();
    let (archive, count) = (dist(&registry, "v1.1.0"), archives(&registry));
    let confirmed = json!({"confirm": "acme/lib v1.1.0"});
    for wrong in [
        json!({}),
        json!({"confirm": "acme/lib v1.0.0"}),
        json!({"confirm": "yes"}),
    ] {
        say(&registry, "DELETE", "v1.1.0", &wrong).expect(422);
    }
    registry.admin().get(&archive).expect(200);
    say(&registry, "DELETE", "v1.1.0", &confirmed).expect(204);
    assert_eq!(archives(&registry), count - 1);
    registry.pass_time(10);
    let other = crate::support::isolate(&registry.world);
    let other = crate::support::persona::Persona::new(&other, Some(crate::support::ADMIN));
    registry.world.copies.borrow_mut().clear();
    other.get(&archive).expect(404);
    registry.sync(PACKAGE);
    registry.push_tag("v1.1.0");
    registry.sync(PACKAGE);
    assert_eq!(registry.versions(PACKAGE), ["v1.0.0"]);
    let refs = registry.refs(PACKAGE);
    assert!(
        refs.contains("refs/tags/v1.1.0 skipped version `v1.1.0` was deleted by a person on 2026-11-21; restore it with"),
        "{refs}"
    );
    assert_eq!(
        registry.shown(PACKAGE)["deleted_versions"][0]["version"],
        "v1.1.0"
    );
    say(&registry, "DELETE", "v1.1.0", &confirmed).expect(204);
    assert_eq!(lines(&registry, "version.deleted"), 1);
    registry.housekeep();
    registry.run_jobs();
}

#[test]
fn copies_of_archives_from_before_a_deletion_are_not_looked_for() {
    let registry = TestRegistry::imported();
    let kept = dist(&registry, "v1.0.0");
    let copy = || {
        registry.pass_time(10);
        match registry.admin().get(&kept).expect(200).reply.body {
            Body::Archive { copy, .. } => copy,
            other => panic!("{other:?}"),
        }
    };
    let before = copy();
    assert_eq!(before, copy());
    let confirmed = json!({"confirm": "acme/lib v1.1.0"});
    let path = format!("{VERSIONS}/v1.1.0");
    ask(&registry, "DELETE", &path, &confirmed).expect(204);
    let after = copy();
    assert_ne!(after, before);
    assert_eq!(after, copy());
}

#[test]
fn a_deleted_version_comes_back_when_somebody_says_so() {
    let registry = TestRegistry::imported();
    let before = registry.contents();
    say(&registry, "POST", "v1.1.0/restore", &json!({})).expect(409);
    let confirmed = json!({"confirm": "acme/lib v1.1.0"});
    say(&registry, "DELETE", "v1.1.0", &confirmed).expect(204);
    say(&registry, "POST", "v1.1.0/yank", &json!({})).expect(409);
    let answer = say(&registry, "POST", "v1.1.0/restore", &json!({})).expect(202);
    assert!(answer.json()["job"]["id"].is_string());
    assert_eq!(registry.contents(), before);
    assert_eq!(registry.shown(PACKAGE)["deleted_versions"], json!([]));
    registry.assert_settled();
    assert_eq!(lines(&registry, "version.released"), 1);
}

#[test]
fn a_deleted_upload_is_taken_again_with_the_same_bytes_alone() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/up", "1.0.0", "one").expect(201);
    writer.upload("acme/up", "1.1.0", "two").expect(201);
    registry.run_jobs();
    let path = "/api/v1/orgs/acme/packages/acme/up/versions/1.0.0";
    let confirmed = json!({"confirm": "acme/up 1.0.0"});
    ask(&registry, "DELETE", path, &confirmed).expect(204);
    registry.run_jobs();
    let refused = writer
        .upload("acme/up", "1.0.0", "other")
        .expect(409)
        .json();
    assert!(
        refused.to_string().contains("deleted by a person"),
        "{refused}"
    );
    writer.upload("acme/up", "1.0.0", "one").expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(registry.versions("acme/up"), ["1.1.0", "1.0.0"]);
    // After a restore the number is anybody's.
    ask(&registry, "DELETE", path, &confirmed).expect(204);
    ask(&registry, "POST", &format!("{path}/restore"), &json!({})).expect(202);
    writer.upload("acme/up", "1.0.0", "other").expect(201);
    registry.run_jobs();
    registry.housekeep();
    registry.run_jobs();
}

#[test]
fn an_archive_that_another_version_has_stays() {
    let registry = TestRegistry::imported();
    // Another tag at the same commit.
    {
        let mut github = registry.world.github.borrow_mut();
        let project = github.project(crate::support::PROJECT);
        let commit = project.refs["refs/tags/v1.1.0"].clone();
        project.refs.insert("refs/tags/v1.2.0".to_owned(), commit);
    }
    registry.sync(PACKAGE);
    let archive = dist(&registry, "v1.2.0");
    assert_eq!(archive, dist(&registry, "v1.1.0"));
    let confirmed = json!({"confirm": "acme/lib v1.1.0"});
    say(&registry, "DELETE", "v1.1.0", &confirmed).expect(204);
    registry.pass_time(10);
    assert_eq!(registry.versions(PACKAGE), ["v1.2.0", "v1.0.0"]);
    assert!(
        !registry
            .admin()
            .get(&archive)
            .expect(200)
            .bytes()
            .is_empty()
    );
}

#[test]
fn a_deletion_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        TestRegistry::imported,
        |registry| {
            let confirmed = json!({"confirm": "acme/lib v1.1.0"});
            if say(registry, "DELETE", "v1.1.0", &confirmed).status() != 204 {
                say(registry, "DELETE", "v1.1.0", &confirmed).expect(204);
            }
            for _ in 0..2 {
                registry.pass_time(3 * 60);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(archives(registry), archives(calm));
            assert_eq!(lines(registry, "version.deleted"), 1);
            let left = registry
                .world
                .sqlite
                .texts("select archive_key from deleted_archives");
            assert_eq!(left, Vec::<String>::new());
            registry.assert_settled();
        },
    );
}

#[test]
fn a_package_is_put_into_repositories_and_taken_out_of_them() {
    let registry = TestRegistry::imported();
    let slug = json!({"slug": "second"});
    ask(&registry, "POST", "/api/v1/orgs/acme/repositories", &slug).expect(201);
    let of =
        |repository: &str| format!("/api/v1/orgs/acme/repositories/{repository}/packages/acme/lib");
    let before = registry.contents();
    for _ in 0..2 {
        let shown = ask(&registry, "PUT", &of("second"), &json!({}))
            .expect(200)
            .json();
        assert_eq!(shown["repositories"], json!(["main", "second"]));
        registry.run_jobs();
    }
    registry
        .admin()
        .get("/r/acme/second/p2/acme/lib.json")
        .expect(200);
    for _ in 0..2 {
        let shown = ask(&registry, "DELETE", &of("main"), &json!({}))
            .expect(200)
            .json();
        assert_eq!(shown["repositories"], json!(["second"]));
        registry.run_jobs();
    }
    registry.pass_time(10);
    registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(404);
    let listed = registry.admin().get("/r/acme/main/list.json").json();
    assert_eq!(listed["packageNames"], json!([]));
    let found = registry
        .admin()
        .get("/r/acme/main/search.json?q=lib")
        .json();
    assert_eq!(found["total"], 0);
    registry
        .admin()
        .get("/r/acme/second/p2/acme/lib.json")
        .expect(200);
    let found = registry
        .admin()
        .get("/r/acme/second/search.json?q=lib")
        .json();
    assert_eq!(found["total"], 1);
    ask(&registry, "PUT", &of("main"), &json!({})).expect(200);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(registry.contents(), before);
    ask(&registry, "PUT", &of("none"), &json!({})).expect(404);
    registry.assert_settled();
}

#[test]
fn the_owner_s_tokens_are_the_owner_s() {
    const TOKENS: &str = "/api/v1/tokens";
    let registry = TestRegistry::new();
    let asked = json!({"name": "deploy"});
    let made = ask(&registry, "POST", TOKENS, &asked).expect(201).json();
    let second = registry.with_token(made["token"].as_str().unwrap());
    let listed = second.get(TOKENS).expect(200).json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(made["token"].as_str().unwrap()));
    let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
    // Nobody locks themselves out.
    second.send("DELETE", &path, &[], Vec::new()).expect(409);
    ask(&registry, "DELETE", &path, &json!({})).expect(204);
    ask(&registry, "DELETE", &path, &json!({})).expect(404);
    second.get(TOKENS).expect(401);
    let of_acme = registry.make_token(&json!({"name": "a", "access": "admin"}));
    let of_acme = registry.with_token(&of_acme);
    of_acme.get(TOKENS).expect(404);
    of_acme.post(TOKENS, &asked).expect(404);
    of_acme.send("DELETE", &path, &[], Vec::new()).expect(404);
}

#[test]
fn versions_of_another_organisation_cannot_be_touched() {
    let registry = TestRegistry::imported();
    ask(
        &registry,
        "POST",
        "/api/v1/orgs",
        &json!({"slug": "globex"}),
    )
    .expect(201);
    let asked = json!({"name": "a", "abilities": ["view", "manage_packages", "own"]});
    let made = ask(&registry, "POST", "/api/v1/orgs/globex/tokens", &asked).json();
    let stranger = registry.with_token(made["token"].as_str().unwrap());
    let before = registry.contents();
    for org in ["acme", "globex"] {
        for (method, path) in [
            ("POST", "packages/acme/lib/versions/v1.0.0/yank"),
            ("DELETE", "packages/acme/lib/versions/v1.0.0"),
            ("PUT", "packages/acme/lib/versions/v1.0.0/deprecation"),
            ("POST", "packages/acme/lib/versions/v1.0.0/restore"),
            ("DELETE", "repositories/main/packages/acme/lib"),
            ("PUT", "repositories/main/packages/acme/lib"),
        ] {
            let body = json!({"confirm": "acme/lib v1.0.0", "message": "x"}).to_string();
            let path = format!("/api/v1/orgs/{org}/{path}");
            stranger.send(method, &path, &[], body.into()).expect(404);
        }
    }
    registry.run_jobs();
    assert_eq!(registry.contents(), before);
}
