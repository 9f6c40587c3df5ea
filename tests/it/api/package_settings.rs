//! The settings of a package: what may be set, by whom, and that it takes effect at once.

use serde_json::{Value, json};

use crate::support::{PACKAGE, TestRegistry};

const PATH: &str = "/api/v1/orgs/acme/packages/acme/lib";

#[test]
fn settings_are_shown_and_changed_one_by_one() {
    let registry = TestRegistry::imported();
    let defaults = json!({
        "transient_branches": ["dependabot/*", "renovate/*"],
        "tag_prefixes": ["release-"],
        "moved_tags": "keep",
        "abandoned": null,
    });
    assert_eq!(registry.shown(PACKAGE)["settings"], defaults);
    let answer = registry
        .admin()
        .patch(PATH, &json!({"moved_tags": "follow"}));
    let answer = answer.expect(200).json();
    let job = answer["job"]["id"].as_str().unwrap().to_owned();
    registry.run_jobs();
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let job = registry.admin().get(&path).expect(200).json();
    assert_eq!(
        (&job["state"], &job["cause"], &job["package"]),
        (&json!("done"), &json!("settings"), &json!(PACKAGE))
    );
    let answer = registry
        .admin()
        .patch(PATH, &json!({"tag_prefixes": ["lib-"]}));
    let mut changed = defaults;
    changed["moved_tags"] = json!("follow");
    changed["tag_prefixes"] = json!(["lib-"]);
    assert_eq!(answer.expect(200).json()["settings"], changed);
    registry.run_jobs();
    assert_eq!(registry.shown(PACKAGE)["settings"], changed);
    registry.assert_settled();
}

#[test]
fn nothing_new_starts_nothing() {
    let registry = TestRegistry::imported();
    for asked in [
        json!({}),
        json!({"moved_tags": "keep", "abandoned": null}),
        json!({"transient_branches": ["dependabot/*", "renovate/*"], "tag_prefixes": ["release-"]}),
    ] {
        let answer = registry.admin().patch(PATH, &asked).expect(200).json();
        assert_eq!(answer["job"], Value::Null);
    }
    assert!(registry.world.queue.borrow().is_empty());
}

#[test]
fn wrong_settings_change_nothing_and_say_what_to_do() {
    let registry = TestRegistry::imported();
    let before = registry.world.sqlite.changes();
    for (asked, said) in [
        (json!({"moved_tag": "keep"}), "`moved_tag` is no setting"),
        (
            json!({"moved_tags": "follow", "transient_branches": ["[x]"]}),
            "has `[`",
        ),
        (json!({"tag_prefixes": [" "]}), "has ` `"),
        (json!({"abandoned": "Something else"}), "no package name"),
        (json!({"abandoned": "acme/LIB"}), "in favour of itself"),
        (json!([]), "must be an object, not a list"),
    ] {
        let answer = registry.admin().patch(PATH, &asked).expect(422).json();
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
    assert_eq!(registry.world.sqlite.changes(), before);
    assert!(registry.world.queue.borrow().is_empty());
}

#[test]
fn only_who_manages_the_organisation_changes_settings() {
    let registry = TestRegistry::imported();
    let asked = json!({"moved_tags": "follow"});
    registry.anonymous().patch(PATH, &asked).expect(401);
    registry.reader("acme/*").patch(PATH, &asked).expect(403);
    registry.writer().patch(PATH, &asked).expect(403);
    registry
        .admin()
        .patch("/api/v1/orgs/acme/packages/acme/none", &asked)
        .expect(404);
    assert_eq!(registry.shown(PACKAGE)["settings"]["moved_tags"], "keep");
}

#[test]
fn what_is_uploaded_has_no_refs_to_set_anything_for() {
    let registry = TestRegistry::new();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let path = "/api/v1/orgs/acme/packages/acme/tool";
    let answer = registry
        .admin()
        .patch(path, &json!({"moved_tags": "follow"}));
    let detail = answer.expect(409).json()["detail"].clone();
    assert!(detail.as_str().unwrap().contains("is uploaded"), "{detail}");
    registry.set("acme/tool", &json!({"abandoned": true}));
    assert_eq!(
        registry.composer_metadata("acme/tool")[0]["abandoned"],
        true
    );
}

#[test]
fn a_person_says_whether_it_is_abandoned_and_the_document_moves() {
    let registry = TestRegistry::imported();
    let document = || {
        let answer = registry.admin().get("/r/acme/main/p2/acme/lib.json");
        let answer = answer.expect(200);
        let modified = answer.header("last-modified").unwrap().to_owned();
        let abandoned = registry.composer_metadata(PACKAGE)[0]
            .get("abandoned")
            .cloned();
        (modified, abandoned)
    };
    let found = || {
        let answer = registry.admin().get("/r/acme/main/search.json?q=lib");
        answer.json()["results"][0].get("abandoned").cloned()
    };
    let listed = || {
        let answer = registry.admin().get("/api/v1/orgs/acme/packages");
        answer.json()["packages"][0]["abandoned"].clone()
    };
    let (first, abandoned) = document();
    assert_eq!(abandoned, None);

    registry.pass_time(10);
    registry.set(PACKAGE, &json!({"abandoned": "acme/better"}));
    let (second, abandoned) = document();
    assert_ne!(second, first);
    assert_eq!(abandoned, Some(json!("acme/better")));
    assert_eq!(found(), Some(json!("acme/better")));
    assert_eq!(listed(), "acme/better");
    for entry in registry.composer_metadata(PACKAGE) {
        assert_eq!(entry["abandoned"], "acme/better");
    }
    for entry in registry.composer_metadata("acme/lib~dev") {
        assert_eq!(entry["abandoned"], "acme/better");
    }

    registry.set(PACKAGE, &json!({"abandoned": true}));
    assert_eq!(document().1, Some(json!(true)));
    assert_eq!(listed(), true);
    registry.set(PACKAGE, &json!({"abandoned": null}));
    assert_eq!((document().1, found()), (None, None));
    assert_eq!(listed(), false);
}

#[test]
fn what_a_person_said_wins_over_the_host_and_over_composer_json() {
    let registry = TestRegistry::imported();
    registry.push(
        "refs/tags/v1.2.0",
        &json!({"name": PACKAGE, "abandoned": "acme/theirs"}),
    );
    {
        let mut github = registry.world.github.borrow_mut();
        github.project(crate::support::PROJECT).is_archived = true;
    }
    registry.sync(PACKAGE);
    let abandoned = || {
        let entries = registry.composer_metadata(PACKAGE);
        let said = entries.iter().map(|entry| entry.get("abandoned").cloned());
        json!(said.collect::<Vec<_>>())
    };
    assert_eq!(abandoned(), json!(["acme/theirs", true, true]));
    registry.set(PACKAGE, &json!({"abandoned": false}));
    assert_eq!(abandoned(), json!([null, null, null]));
    registry.set(PACKAGE, &json!({"abandoned": "acme/ours"}));
    assert_eq!(abandoned(), json!(["acme/ours", "acme/ours", "acme/ours"]));
    registry.set(PACKAGE, &json!({"abandoned": null}));
    assert_eq!(abandoned(), json!(["acme/theirs", true, true]));
}
