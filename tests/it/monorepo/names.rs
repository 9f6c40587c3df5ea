//! Which package a folder is.

use serde_json::{Value, json};

use super::{Mono, PROJECT};
use crate::support::{PACKAGE, TestRegistry};

#[test]
fn a_package_appears_with_the_first_tag_or_commit_of_the_default_branch() {
    let mono = Mono::with(&["a"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    mono.add("b");
    mono.push("refs/heads/feature");
    mono.sync();
    let path = "/api/v1/orgs/acme/packages/acme/b";
    mono.registry.admin().get(path).expect(404);
    assert_eq!(
        mono.project()["no_packages"],
        json!([{
            "ref": "refs/heads/feature", "folder": "packages/b",
            "reason": "neither a tag nor the branch `main` has the package `acme/b` yet",
        }])
    );
    mono.push("refs/heads/main");
    mono.sync();
    let shown = mono.registry.shown("acme/b");
    assert_eq!(shown["folder"], "packages/b");
    assert_eq!(shown["description"], "Package acme/b");
    assert_eq!(shown["repositories"], json!(["main"]));
    assert_eq!(mono.versions("b~dev"), ["dev-feature", "dev-main"]);
    assert_eq!(mono.project()["no_packages"], json!([]));
}

#[test]
fn a_folder_that_moves_stays_the_same_package() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    for (path, text) in mono.remove("packages/a") {
        mono.write(&format!("packages/moved/{path}"), &text);
    }
    // The same contents in another place are the same package, and no change.
    mono.tag("v1.1.0");
    mono.write("packages/moved/src/A.php", "<?php // 1.2.0\n");
    mono.tag("v1.2.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.2.0", "v1.0.0"]);
    assert_eq!(mono.registry.shown("acme/a")["folder"], "packages/moved");
    let entries = mono.registry.composer_metadata("acme/a");
    let pages: Vec<_> = entries
        .iter()
        .map(|entry| entry["support"]["source"].clone())
        .collect();
    assert_eq!(
        pages,
        [
            "https://github.com/acme/mono/tree/v1.2.0/packages/moved",
            "https://github.com/acme/mono/tree/v1.0.0/packages/a"
        ]
    );
    // A clone would be of all packages.
    assert!(entries.iter().all(|entry| entry.get("source").is_none()));
}

#[test]
fn a_folder_that_goes_leaves_its_old_versions() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    mono.remove("packages/a");
    mono.tag("v1.1.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    mono.registry
        .admin()
        .get("/r/acme/main/p2/acme/a~dev.json")
        .expect(404);
    assert_eq!(mono.versions("b"), ["v1.0.0"]);
}

#[test]
fn a_name_of_another_source_is_listed_and_takes_nothing_from_it() {
    let mono = Mono::with(&["a", "b"]);
    mono.name("packages/c", "acme/tool");
    mono.name("packages/d", "acme/a");
    mono.write("packages/e/composer.json", "{");
    mono.write("packages/f/composer.json", r#"{"description":"no name"}"#);
    mono.tag("v1.0.0");
    mono.registry
        .writer()
        .upload("acme/tool", "1.0.0", "one")
        .expect(201);
    mono.import("changed");
    assert_eq!(mono.versions("tool"), ["1.0.0"]);
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    let project = mono.project();
    let strays: Vec<_> = project["no_packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|stray| stray["ref"] == "refs/tags/v1.0.0")
        .map(|stray| {
            format!(
                "{}: {}",
                stray["folder"].as_str().unwrap(),
                stray["reason"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        strays,
        [
            "packages/c: the package `acme/tool` of this organisation is uploaded; name one of the two otherwise",
            "packages/d: `acme/a` is the name of `packages/a` as well, which comes first; name one of the two otherwise",
            "packages/e: composer.json is not valid JSON: EOF while parsing an object at line 1 column 1",
            "packages/f: composer.json has no valid `name`; it must be like `vendor/name`",
        ]
    );
    let job = mono.last_job();
    let refs = job["refs"].as_array().unwrap();
    let tag = refs
        .iter()
        .find(|one| one["ref"] == "refs/tags/v1.0.0")
        .unwrap();
    assert_eq!(tag["packages"].as_array().unwrap().len(), 6);
    assert_eq!(tag["state"], "imported");
}

#[test]
fn another_name_in_a_folder_is_another_package_and_abandons_the_first() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    mono.name("packages/a", "acme/new");
    mono.tag("v1.1.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
    assert_eq!(mono.versions("new"), ["v1.1.0"]);
    let abandoned = |package: &str| {
        let entries = mono.registry.composer_metadata(package);
        entries[0].get("abandoned").cloned()
    };
    assert_eq!(abandoned("acme/a"), Some(json!("acme/new")));
    assert_eq!(abandoned("acme/new"), None);
    assert_eq!(mono.registry.shown("acme/new")["renamed_from"], "acme/a");
    // And back.
    mono.name("packages/a", "acme/a");
    mono.change("a", "<?php // back\n");
    mono.tag("v1.2.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.2.0", "v1.0.0"]);
    assert_eq!(abandoned("acme/a"), None);
    assert_eq!(abandoned("acme/new"), Some(json!("acme/a")));
}

#[test]
fn other_patterns_take_other_folders() {
    let mono = Mono::with(&["a", "internal-b"]);
    mono.write("composer.json", r#"{"name":"acme/all"}"#);
    mono.name("bundles/x/y", "acme/y");
    mono.tag("v1.0.0");
    mono.ask_for(&json!(["packages/*", "!packages/internal-*"]), "changed");
    mono.run();
    let names = |mono: &Mono| -> Vec<Value> {
        let project = mono.project();
        let packages = project["packages"].as_array().unwrap().iter();
        packages.map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names(&mono), ["acme/a"]);
    mono.set(&json!({"folders": [".", "packages/*", "bundles/**"]}));
    assert_eq!(
        names(&mono),
        ["acme/a", "acme/all", "acme/internal-b", "acme/y"]
    );
    for package in ["a", "all", "internal-b", "y"] {
        assert_eq!(mono.versions(package), ["v1.0.0"], "{package}");
    }
    // The top is what a clone gives.
    let entry = mono.registry.composer_metadata("acme/all").remove(0);
    assert_eq!(entry["source"]["url"], "https://github.com/acme/mono.git");
    // A folder that is no package any more leaves: nobody wants it from here.
    mono.set(&json!({"folders": ["packages/a"]}));
    let gone = "/r/acme/main/p2/acme/y.json";
    mono.registry.admin().get(gone).expect(404);
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let mono = Mono::with(&["a"]);
    let (connection, _) = mono.registry.connect();
    let ask = |more: &Value| {
        let mut body = json!({"connection": connection, "project": PROJECT, "repository": "main"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = mono
            .registry
            .admin()
            .post("/api/v1/orgs/acme/packages", &body);
        (
            answer.status(),
            answer.json()["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    for (asked, words) in [
        (json!({"folders": []}), "1 to 50 patterns"),
        (json!({"folders": ["!packages/a"]}), "only exceptions"),
        (
            json!({"folders": ["/packages"]}),
            "`/packages` in `folders`",
        ),
        (
            json!({"folders": ["packages/"]}),
            "`packages/` in `folders`",
        ),
        (json!({"folders": ["a/../b"]}), "`a/../b` in `folders`"),
        (
            json!({"folders": ["packages/*"], "versions": "some"}),
            "`changed` or `all`",
        ),
        (json!({"versions": "all"}), "`folders`"),
        (json!({}), "name these in `folders`"),
    ] {
        let (status, detail) = ask(&asked);
        assert_eq!(status, 422, "{asked}: {detail}");
        assert!(detail.contains(words), "{asked}: {detail}");
    }
    assert_eq!(ask(&json!({"folders": ["packages/*"]})).0, 202);
    mono.run();
    let (status, detail) = ask(&json!({}));
    assert_eq!(status, 422, "{detail}");
    mono.registry
        .admin()
        .get("/api/v1/orgs/acme/projects/99")
        .expect(404);
    let path = format!("/api/v1/orgs/acme/projects/{}", mono.number());
    mono.registry
        .admin()
        .patch(&path, &json!({"folders": []}))
        .expect(422);
    mono.registry.reader("*").get(&path).expect(403);
}

#[test]
fn a_project_that_is_one_package_stays_so_until_somebody_says_otherwise() {
    let registry = TestRegistry::imported();
    let before = registry.contents();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let body = json!({
        "connection": connection, "project": crate::support::PROJECT, "repository": "main", "folders": ["."],
    });
    let refused = registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &body)
        .expect(409)
        .json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("the one package `acme/lib`"), "{detail}");
    registry.run_jobs();
    assert_eq!(registry.contents(), before);

    // From here on its top is one of its packages. Its versions are the same, of the same archives.
    let archives = registry
        .world
        .sqlite
        .texts("select archive_key from dists order by 1");
    registry
        .admin()
        .patch(
            "/api/v1/orgs/acme/projects/1",
            &json!({"folders": ["."], "versions": "all"}),
        )
        .expect(200);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.contents(), before);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select archive_key from dists order by 1"),
        archives
    );
    assert_eq!(registry.shown(PACKAGE)["folder"], ".");
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.2.0", "v1.1.0", "v1.0.0"]);
    registry.sync(PACKAGE);
    registry.assert_settled();
}

#[test]
fn patterns_that_fit_nothing_say_so() {
    let mono = Mono::with(&["a"]);
    mono.ask_for(&json!(["bundles/*"]), "changed");
    mono.run();
    let job = mono.last_job();
    assert_eq!(job["state"], "done");
    let reason = "no folder of this commit with a composer.json is a package by the `folders` of its project";
    assert_eq!(job["refs"][0]["reason"], reason);
    assert_eq!(mono.project()["packages"], json!([]));
    mono.set(&json!({"folders": ["packages/*"]}));
    assert_eq!(mono.versions("a~dev"), ["dev-main"]);
}

#[test]
fn a_sync_that_waits_while_a_project_becomes_many_packages_is_one_of_all_of_them() {
    let registry = TestRegistry::imported();
    let path = "/api/v1/orgs/acme/packages/acme/lib/sync";
    let asked = registry
        .admin()
        .send("POST", path, &[], Vec::new())
        .expect(202)
        .json();
    let path = "/api/v1/orgs/acme/projects/1";
    let changed = registry
        .admin()
        .patch(path, &json!({"folders": ["."]}))
        .expect(200)
        .json();
    assert_eq!(changed["job"]["id"], asked["job"]["id"]);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.shown(PACKAGE)["folder"], ".");
}
