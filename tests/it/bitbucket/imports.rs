//! What an import and a comparison lead to.

use super::*;

#[test]
fn a_repository_of_each_becomes_a_package() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        // More than a page of either; the tag of a tag leads to the commit of the inner one.
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        let versions = registry.composer_metadata(PACKAGE);
        assert_eq!(
            versions[0]["source"]["reference"],
            versions[1]["source"]["reference"]
        );
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        let names: Vec<_> = dev
            .iter()
            .map(|one| one["version"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["dev-main", "dev-feature/x"]);
        let first = &versions[2];
        let commit = scene.repository().git.resolve("refs/tags/v1.0.0").unwrap();
        assert_eq!(first["dist"]["reference"], commit);
        if product == Product::Cloud {
            // As Composer's own driver for it has them.
            let page = format!("https://bitbucket.org/{PROJECT}");
            assert_eq!(first["source"]["url"], format!("{page}.git"));
            assert_eq!(
                first["support"]["source"],
                format!("{page}/src/{commit}/?at=v1.0.0")
            );
            assert_eq!(first["support"]["issues"], format!("{page}/issues"));
            assert_eq!(first["homepage"], page);
            assert_eq!(first["time"], "2026-11-01T12:00:00+00:00");
        } else {
            // As Composer has them by git alone.
            assert_eq!(
                first["source"]["url"],
                format!("{SERVER}/scm/{PROJECT}.git")
            );
            assert_eq!(first.get("support"), None);
            assert_eq!(first["time"], "2026-11-01T11:00:00+00:00");
        }
        let shown = registry.shown(PACKAGE);
        assert_eq!(shown["project"]["id"], product.id());
    }
}

#[test]
fn a_tag_that_is_moved_keeps_its_first_commit_and_the_attempt_is_shown() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let before = scene.registry.composer_metadata(PACKAGE)[2].clone();
        let moved = scene.push("refs/tags/v1.0.0", "Something else");
        let event = product.push(PROJECT, &[("refs/tags/v1.0.0", Some(&moved))]);
        event.deliver(&scene, "1").expect(202);
        scene.settle();
        let after = scene.registry.composer_metadata(PACKAGE)[2].clone();
        assert_eq!(after["dist"], before["dist"]);
        assert_eq!(after["description"], "The first");
        let refs = scene.registry.refs(PACKAGE);
        let line = refs.lines().find(|line| line.contains("v1.0.0")).unwrap();
        assert!(line.contains("moved"), "{line}");
    }
}

#[test]
fn a_tag_that_moves_while_it_is_imported_gives_one_of_its_commits_whole() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.import();
        // The comparison has listed the refs; no commit was asked for yet.
        scene.registry.run_one_job();
        let first = scene.repository().git.resolve("refs/tags/v1.0.0").unwrap();
        scene.push("refs/tags/v1.0.0", "Something else");
        scene.settle();
        let version = scene.registry.composer_metadata(PACKAGE)[2].clone();
        assert_eq!(version["dist"]["reference"], first);
        assert_eq!(version["description"], "The first");
    }
}

#[test]
fn a_rename_and_a_transfer_are_followed() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let mut old = PROJECT;
        for (number, new) in ["acme/renamed", "other/moved"].into_iter().enumerate() {
            scene.repository().full_name = new.to_owned();
            let tag = format!("refs/tags/v2.{number}.0");
            scene.push(&tag, new);
            let event = product.renamed(old, new);
            event.deliver(&scene, &format!("{number}")).expect(202);
            scene.settle();
            let shown = scene.registry.shown(PACKAGE);
            assert_eq!(shown["project"]["full_name"], new);
            assert_eq!(shown["project"]["id"], product.id());
            assert_eq!(scene.versions()[0], format!("v2.{number}.0"));
            old = new;
        }
        // Nobody tells, and another one has the old name now: it is not taken for ours.
        scene.repository().full_name = "other/hidden".to_owned();
        scene.double().add(77, old);
        scene.push("refs/tags/v3.0.0", "Still ours");
        scene.registry.sync(PACKAGE);
        scene.registry.assert_settled();
        assert_eq!(scene.versions()[0], "v3.0.0");
        let shown = scene.registry.shown(PACKAGE);
        assert_eq!(shown["project"]["full_name"], "other/hidden");
    }
}

#[test]
fn a_rename_between_a_comparison_and_its_imports_does_no_harm() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.import();
        scene.registry.run_one_job();
        scene.repository().full_name = "acme/renamed".to_owned();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn an_empty_repository_is_said_to_be_empty() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.double().add(50, "acme/empty");
        let said = scene.ask_for_import("acme/empty").expect(422).json();
        let detail = said["detail"].as_str().unwrap();
        assert!(
            detail.contains("`acme/empty` has no commits yet"),
            "{detail}"
        );
    }
}

#[test]
fn a_repository_that_becomes_empty_loses_its_versions_and_keeps_its_archives() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let dist = scene.registry.composer_metadata(PACKAGE)[2]["dist"]["url"].clone();
        let git = scene.repository();
        for name in [
            "tags/v1.0.0",
            "tags/v1.1.0",
            "tags/v1.1.1",
            "heads/main",
            "heads/feature/x",
        ] {
            git.git.delete(&format!("refs/{name}"));
        }
        drop(git);
        scene.registry.sync(PACKAGE);
        scene.registry.assert_settled();
        let shown = scene.registry.shown(PACKAGE);
        assert_eq!(shown["versions"], json!([]));
        let path = dist
            .as_str()
            .unwrap()
            .split_once(".com")
            .unwrap()
            .1
            .to_owned();
        scene.registry.admin().get(&path).expect(200);
    }
}

#[test]
fn a_comparison_without_news_is_cheap_where_there_are_entity_tags() {
    let scene = Scene::imported(Product::Cloud);
    let head = scene.registry.head();
    scene.registry.world.github.borrow_mut().seen.clear();
    scene.registry.sync(PACKAGE);
    assert_eq!(scene.registry.head(), head);
    let double = scene.registry.world.github.borrow();
    let refs: Vec<_> = double
        .seen
        .iter()
        .filter(|one| one.contains("/refs/"))
        .collect();
    assert_eq!(refs.len(), 3);
    assert!(refs.iter().all(|one| one.ends_with(" 304")), "{refs:?}");
    assert_eq!(double.seen.len(), refs.len() + 1, "{:?}", double.seen);
}

#[test]
fn jobs_go_where_the_repository_was_last_and_look_nowhere_else() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.import();
        let double = &scene.registry.world.github;
        double.borrow_mut().seen.clear();
        scene.settle();
        let double = double.borrow();
        let count = |end: &str| {
            let seen = double.seen.iter();
            seen.filter(|one| one.ends_with(end)).count()
        };
        match product {
            // Asked once, by the comparison: archives are found by the name that is remembered.
            Product::Cloud => assert_eq!(count("%7D 200"), 1),
            // Asked by the comparison, by each of four imports and for the webhook, but never among all others.
            Product::Server => {
                assert_eq!(count("/repos/lib-source 200"), 1 + 4 + 1);
                assert_eq!(count("/rest/api/latest/repos 200"), 0);
            }
        }
    }
}
