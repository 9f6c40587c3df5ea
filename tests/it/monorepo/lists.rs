//! The projects with many packages in one list, and what one would come to before it is imported.

use serde_json::{Value, json};

use super::{Mono, PROJECT};

const PROJECTS: &str = "/api/v1/orgs/acme/projects";

fn listed(mono: &Mono, query: &str) -> Value {
    let path = format!("{PROJECTS}{query}");
    mono.registry.admin().get(&path).expect(200).json()
}

#[test]
fn projects_with_folders_are_listed_with_their_packages() {
    let mono = Mono::with(&["a", "b"]);
    assert_eq!(listed(&mono, "")["projects"], json!([]));
    mono.tag("v1.0.0");
    mono.tag("nightly");
    mono.ask("all");
    mono.registry.run_jobs();
    mono.registry.assert_settled();
    let list = listed(&mono, "");
    assert_eq!(list["next"], json!(null));
    let one = &list["projects"][0];
    assert_eq!(one["full_name"], PROJECT);
    assert_eq!(one["folders"], json!(["packages/*"]));
    assert_eq!(one["versions"], "all");
    assert_eq!(
        one["packages"],
        json!([
            {"name": "acme/a", "folder": "packages/a", "renamed_to": null},
            {"name": "acme/b", "folder": "packages/b", "renamed_to": null},
        ])
    );
    // Each ref with its reason is shown with the project; here they are counted.
    let path = format!("{PROJECTS}/{}", one["number"]);
    let shown = mono.registry.admin().get(&path).expect(200).json();
    let refs = shown["refs"].as_array().unwrap();
    for state in ["imported", "skipped", "failed"] {
        let counted = refs.iter().filter(|one| one["state"] == state).count();
        assert_eq!(one["refs"][state], counted, "{state} of {refs:?}");
    }
    assert_eq!(refs.len(), 3);
    // A project that is one package is none of them.
    mono.registry.make_project();
    mono.registry.import(crate::support::PROJECT);
    mono.registry.run_jobs();
    assert_eq!(listed(&mono, "?limit=1"), list);
    mono.registry
        .admin()
        .get(&format!("{PROJECTS}?limit=0"))
        .expect(422);
}

fn preview(mono: &Mono, connection: &str, folders: &Value) -> Value {
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports/preview");
    let asked = json!({"projects": [PROJECT], "folders": folders});
    let answer = mono.registry.admin().post(&path, &asked).expect(200).json();
    assert_eq!(answer["projects"].as_array().unwrap().len(), 1);
    answer["projects"][0].clone()
}

#[test]
fn a_preview_knows_folders_and_leaves_nothing() {
    let mono = Mono::with(&["a", "b"]);
    mono.name("packages/nameless", "no name");
    mono.tag("v1.0.0");
    mono.change("a", "<?php // changed");
    mono.tag("v1.1.0");
    mono.tag("nightly");
    let (connection, _) = mono.registry.connect();
    let before = mono.registry.world.sqlite.changes();
    let objects = mono.registry.world.objects.borrow().len();
    let shown = preview(&mono, &connection, &json!(["packages/*"]));
    assert_eq!(shown["package"], json!(null));
    assert_eq!(
        shown["versions_by_name"],
        json!({"tags": 2, "branches": 1, "others": 1})
    );
    let folders = shown["folders"].as_array().unwrap();
    let names: Vec<_> = folders
        .iter()
        .map(|one| (one["folder"].clone(), one["package"].clone()))
        .collect();
    assert_eq!(
        names,
        [
            (json!("packages/a"), json!("acme/a")),
            (json!("packages/b"), json!("acme/b")),
            (json!("packages/nameless"), json!(null)),
        ]
    );
    assert_eq!(folders[0]["reason"], json!(null));
    assert!(folders[2]["reason"].is_string());
    assert_eq!(mono.registry.world.sqlite.changes(), before);
    assert_eq!(mono.registry.world.objects.borrow().len(), objects);

    let shown = preview(&mono, &connection, &json!(["elsewhere/*"]));
    let reason = shown["reason"].as_str().unwrap();
    assert!(reason.contains("No folder"), "{reason}");
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports/preview");
    let asked = json!({"projects": [PROJECT], "folders": []});
    mono.registry.admin().post(&path, &asked).expect(422);
}

#[test]
fn a_preview_of_folders_says_which_names_are_taken() {
    let mono = Mono::with(&["a"]);
    mono.name("packages/lib", crate::support::PACKAGE);
    mono.tag("v1.0.0");
    mono.registry.make_project();
    let (connection, ..) = mono.registry.import(crate::support::PROJECT);
    mono.registry.run_jobs();
    let shown = preview(&mono, &connection, &json!(["packages/*"]));
    assert_eq!(shown["folders"][0]["reason"], json!(null));
    let reason = shown["folders"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("another source"), "{reason}");
}
