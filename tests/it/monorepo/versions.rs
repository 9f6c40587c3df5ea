//! Which tags are versions of which packages.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Mono, PROJECT};
use crate::support::hosts::HOST_TOKEN;

/// Five packages and ten tags: v1.0.0 has four packages; each tag changes one or two; `e` comes with v1.4.0.
fn ten_tags() -> Mono {
    let mono = Mono::with(&["a", "b", "c", "d"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.0.1\n");
    mono.tag("v1.0.1");
    mono.change("b", "<?php // 1.1.0\n");
    mono.tag("v1.1.0-RC1");
    mono.tag("v1.1.0");
    mono.change("c", "<?php // 1.2.0\n");
    mono.change("a", "<?php // 1.2.0\n");
    mono.tag("v1.2.0");
    mono.write("README.md", "Nothing but words");
    mono.tag("v1.3.0");
    mono.add("e");
    mono.tag("v1.4.0");
    mono.change("e", "<?php // 1.5.0\n");
    mono.tag("v1.5.0");
    mono.change("a", "<?php // 2.0.0\n");
    mono.tag("v2.0.0");
    mono.tag("v2.0.1");
    mono
}

#[test]
fn a_tag_is_a_version_of_the_packages_whose_folder_changed() {
    let mono = ten_tags();
    mono.import("changed");
    assert_eq!(mono.versions("a"), ["v2.0.0", "v1.2.0", "v1.0.1", "v1.0.0"]);
    // A stable version after an equal candidate is one: who wants stable ones has not seen that.
    assert_eq!(
        mono.versions("b"),
        ["v2.0.0", "v1.1.0", "v1.1.0-RC1", "v1.0.0"]
    );
    assert_eq!(mono.versions("c"), ["v2.0.0", "v1.2.0", "v1.0.0"]);
    assert_eq!(mono.versions("d"), ["v2.0.0", "v1.0.0"]);
    assert_eq!(mono.versions("e"), ["v2.0.0", "v1.5.0", "v1.4.0"]);
    for package in ["a", "b", "c", "d", "e"] {
        assert_eq!(mono.versions(&format!("{package}~dev")), ["dev-main"]);
    }
    assert_eq!(
        mono.fate("a", "refs/tags/v1.1.0"),
        "skipped: `packages/a` did not change since v1.0.1"
    );
    assert_eq!(
        mono.fate("d", "refs/tags/v1.5.0"),
        "skipped: `packages/d` did not change since v1.0.0"
    );
    assert_eq!(mono.fate("e", "refs/tags/v1.3.0"), "-: -");
}

#[test]
fn all_is_every_tag_of_every_package_that_is_there() {
    let mono = ten_tags();
    mono.import("all");
    for package in ["a", "b", "c", "d"] {
        assert_eq!(mono.versions(package).len(), 10, "{package}");
    }
    assert_eq!(mono.versions("e"), ["v2.0.1", "v2.0.0", "v1.5.0", "v1.4.0"]);
}

#[test]
fn what_became_of_each_package_stands_with_the_job() {
    let mono = ten_tags();
    let id = mono.import("changed");
    let path = format!("/api/v1/orgs/acme/jobs/{id}");
    let job = mono.registry.admin().get(&path).expect(200).json();
    assert_eq!(
        (&job["package"], &job["project"]),
        (&Value::Null, &json!(PROJECT))
    );
    let find = |name: &str| {
        let refs = job["refs"].as_array().unwrap();
        refs.iter().find(|one| one["ref"] == name).unwrap().clone()
    };
    let tag = find("refs/tags/v1.0.1");
    assert_eq!(
        (&tag["state"], &tag["version"], &tag["reason"]),
        (&json!("imported"), &json!("v1.0.1"), &Value::Null)
    );
    assert_eq!(
        tag["packages"][0],
        json!({"package": "acme/a", "folder": "packages/a", "state": "imported", "version": "v1.0.1", "reason": null})
    );
    assert_eq!(
        tag["packages"][1],
        json!({"package": "acme/b", "folder": "packages/b", "state": "skipped", "version": null,
               "reason": "`packages/b` did not change since v1.0.0"})
    );
    let words = find("refs/tags/v1.3.0");
    assert_eq!(words["state"], "skipped");
    assert_eq!(
        words["reason"],
        "none of its packages has a version of it; each has its reason"
    );
}

#[test]
fn the_archive_of_a_commit_is_fetched_once_and_kept_no_longer_than_needed() {
    let mono = ten_tags();
    mono.import("changed");
    let github = mono.registry.world.github.borrow();
    let archives: Vec<_> = github
        .seen
        .iter()
        .filter(|one| one.contains("codeload"))
        .collect();
    // Ten tags, three of which have the files of another one; `main` is where the last tag is.
    assert_eq!(archives.len(), 8);
    drop(github);
    let objects = mono.registry.world.objects.borrow();
    let left: Vec<_> = objects
        .keys()
        .filter(|key| key.contains("whole-"))
        .collect();
    assert_eq!(left, Vec::<&String>::new());
    // One archive for each version, and one for `dev-main` where no version has that commit.
    let sqlite = &mono.registry.world.sqlite;
    let dists = sqlite.texts("select archive_key from dists");
    let stored: Vec<_> = objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .collect();
    assert_eq!(stored.len(), dists.len());
}

#[test]
fn packages_of_one_commit_become_visible_together() {
    let mono = Mono::with(&["a", "b", "c"]);
    mono.import("changed");
    let revision = mono.registry.head().0;
    for package in ["a", "b", "c"] {
        mono.change(package, "<?php // next\n");
    }
    mono.tag("v1.0.0");
    mono.sync();
    assert_eq!(mono.registry.head().0, revision + 1);
    assert_eq!(mono.versions("a"), mono.versions("c"));
}

#[test]
fn a_deleted_tag_gives_its_place_to_the_next() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.1.0\n");
    mono.tag("v1.1.0");
    mono.change("b", "<?php // 1.2.0\n");
    mono.tag("v1.2.0");
    mono.import("changed");
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
    let bytes = mono.archive("a", "v1.1.0");
    mono.delete("refs/tags/v1.1.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.2.0", "v1.0.0"]);
    assert_eq!(mono.versions("b"), ["v1.2.0", "v1.0.0"]);
    assert_eq!(mono.archive("a", "v1.2.0"), bytes);
    let job = mono.last_job();
    let states: Vec<_> = job["refs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].clone())
        .collect();
    assert_eq!(states, ["removed", "imported"]);
    // It is tagged again: the version that stood in for it changes nothing any more.
    mono.registry.pass_time(1);
    mono.files
        .borrow_mut()
        .insert("packages/b/src/A.php".to_owned(), "<?php\n".to_owned());
    mono.push("refs/tags/v1.1.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
    assert_eq!(
        mono.fate("a", "refs/tags/v1.2.0"),
        "skipped: `packages/a` did not change since v1.1.0"
    );
}

#[test]
fn a_moved_tag_moves_only_the_packages_that_follow() {
    let mono = Mono::with(&["a", "b"]);
    let first = mono.tag("v1.0.0");
    mono.import("changed");
    mono.change("a", "<?php // moved\n");
    let second = mono.tag("v1.0.0");
    mono.sync();
    let reference = |package: &str| {
        let entries = mono.registry.composer_metadata(package);
        entries[0]["dist"]["reference"].as_str().unwrap().to_owned()
    };
    assert_eq!(reference("acme/a"), first);
    let fate = mono.fate("a", "refs/tags/v1.0.0");
    assert!(fate.starts_with("kept: the tag moved from "), "{fate}");
    assert!(fate.contains("a version never changes"), "{fate}");
    let fate = mono.fate("b", "refs/tags/v1.0.0");
    assert!(fate.contains("have the same `packages/b`"), "{fate}");

    mono.registry
        .set("acme/a", &json!({"moved_tags": "follow"}));
    assert_eq!(reference("acme/a"), second);
    assert_eq!(reference("acme/b"), first);
    assert_eq!(mono.fate("a", "refs/tags/v1.0.0"), "imported: -");
}

#[test]
fn the_choice_between_changed_and_all_can_be_changed() {
    let mono = ten_tags();
    mono.import("changed");
    let changed = mono.registry.contents();
    let archives = mono.registry.world.github.borrow().seen.len();
    mono.set(&json!({"versions": "all"}));
    assert_eq!(mono.versions("d").len(), 10);
    assert!(mono.registry.world.github.borrow().seen.len() > archives);
    mono.set(&json!({"versions": "changed"}));
    assert_eq!(mono.registry.contents(), changed);
}

#[test]
fn tags_for_one_package_by_their_prefix_are_no_versions_of_others() {
    let mono = Mono::with(&["a", "b"]);
    mono.import("changed");
    mono.registry
        .set("acme/a", &json!({"tag_prefixes": ["a-"]}));
    mono.registry
        .set("acme/b", &json!({"tag_prefixes": ["acme-b@"]}));
    mono.tag("a-1.2.0");
    mono.change("a", "<?php // of b's tag\n");
    mono.tag("acme-b@2.0.0");
    mono.sync();
    assert_eq!(mono.versions("a"), ["1.2.0"]);
    assert_eq!(mono.versions("b"), ["2.0.0"]);
    assert_eq!(
        mono.fate("b", "refs/tags/a-1.2.0"),
        "skipped: the tag `a-1.2.0` is for `acme/a`, which has `a-` in its `tag_prefixes`"
    );
    assert_eq!(
        mono.fate("a", "refs/tags/acme-b@2.0.0"),
        "skipped: the tag `acme-b@2.0.0` is for `acme/b`, which has `acme-b@` in its `tag_prefixes`"
    );
}

#[test]
fn branches_are_versions_of_all_packages_but_where_one_leaves_them_out() {
    let mono = Mono::with(&["a", "b"]);
    mono.push("refs/heads/renovate/x");
    mono.push("refs/heads/feature");
    mono.import("changed");
    for package in ["a~dev", "b~dev"] {
        assert_eq!(mono.versions(package), ["dev-feature", "dev-main"]);
    }
    mono.registry
        .set("acme/a", &json!({"transient_branches": ["feature"]}));
    assert_eq!(mono.versions("a~dev"), ["dev-main", "dev-renovate/x"]);
    assert_eq!(mono.versions("b~dev"), ["dev-feature", "dev-main"]);
    // One that all leave out is not even looked at.
    mono.registry
        .set("acme/b", &json!({"transient_branches": ["feature"]}));
    mono.delete("refs/heads/renovate/x");
    mono.sync();
    assert_eq!(mono.versions("a~dev"), ["dev-main"]);
    assert_eq!(mono.versions("b~dev"), ["dev-main"]);
    let fate = mono.fate("b", "refs/heads/feature");
    assert!(
        fate.starts_with("skipped: branches like `feature` are not imported"),
        "{fate}"
    );
}

#[test]
fn a_job_that_is_cancelled_is_made_up_for() {
    let mono = ten_tags();
    let job = mono.ask("changed");
    for _ in 0..6 {
        mono.registry.run_one_job();
    }
    let path = format!("/api/v1/orgs/acme/jobs/{job}/cancel");
    mono.registry
        .admin()
        .send("POST", &path, &[], Vec::new())
        .expect(200);
    mono.registry.run_jobs();
    let path = format!("/api/v1/orgs/acme/jobs/{job}/retry");
    mono.registry
        .admin()
        .send("POST", &path, &[], Vec::new())
        .expect(200);
    mono.run();
    let calm = ten_tags();
    calm.import("changed");
    assert_eq!(mono.registry.contents(), calm.registry.contents());
}

/// The documents, but for the dev versions: which commit `main` is at differs.
fn tagged(mono: &Mono) -> Vec<(String, Value)> {
    let contents = mono.registry.contents();
    contents
        .into_iter()
        .map(|(name, tagged, _)| (name, tagged))
        .collect()
}

fn states(tags: usize) -> impl Strategy<Value = Vec<(usize, u8)>> {
    // Of each tag, which of the versions it is, and what the folder holds: few contents, so that some come back.
    Just((0..tags).collect::<Vec<_>>())
        .prop_shuffle()
        .prop_flat_map(move |order| {
            proptest::collection::vec(0_u8..3, tags)
                .prop_map(move |contents| order.iter().copied().zip(contents).collect())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_order_in_which_tags_come_changes_nothing(tags in states(6)) {
        const VERSIONS: [&str; 6] = ["v1.0.0-RC1", "v1.0.0", "v1.1.0-beta1", "v1.1.0", "v2.0.0", "v2.1.0"];
        let build = |tags: &[(usize, u8)], each: bool| {
            let mono = Mono::with(&["a"]);
            if each {
                mono.import("changed");
            }
            for (version, content) in tags {
                mono.change("a", &format!("<?php // {content}\n"));
                mono.push(&format!("refs/tags/{}", VERSIONS[*version]));
                if each {
                    mono.sync();
                }
            }
            if !each {
                mono.import("changed");
            }
            mono
        };
        let together = build(&tags, false);
        let one_by_one = build(&tags, true);
        prop_assert_eq!(tagged(&one_by_one), tagged(&together));
        let mut sorted = tags.clone();
        sorted.sort_unstable();
        prop_assert_eq!(tagged(&build(&sorted, true)), tagged(&together));
    }
}

#[test]
fn three_packages_take_no_more_archives_than_one_where_a_host_gives_few() {
    let mono = Mono::with(&["a", "b", "c"]);
    for minor in 0..24 {
        for package in ["a", "b", "c"] {
            mono.change(package, &format!("<?php // {minor}\n"));
        }
        mono.push(&format!("refs/tags/v1.{minor}.0"));
    }
    mono.registry
        .world
        .github
        .borrow_mut()
        .archive_limit
        .a_minute = Some(5);
    let admin = mono.registry.admin();
    let connection = json!({"provider": "gitlab", "token": HOST_TOKEN});
    let connection = admin
        .post("/api/v1/orgs/acme/connections", &connection)
        .expect(201)
        .json();
    let package = json!({
        "connection": connection["id"], "project": PROJECT, "repository": "main", "folders": ["packages/*"],
    });
    admin
        .post("/api/v1/orgs/acme/packages", &package)
        .expect(202);
    let started = mono.registry.world.now.get();
    mono.run();
    for package in ["a", "b", "c"] {
        assert_eq!(mono.versions(package).len(), 24);
    }
    let asked = mono.registry.world.github.borrow().archives_asked();
    assert!(asked <= 25 + 6, "{asked} requests for 25 archives");
    let minutes = (mono.registry.world.now.get() - started) / 60;
    assert!((4..=8).contains(&minutes), "{minutes} minutes");
}

#[test]
fn branches_are_there_while_tags_are_still_waited_for() {
    let mono = Mono::with(&["a", "b"]);
    let main = mono.push("refs/heads/main");
    mono.change("a", "<?php // tagged\n");
    let tagged = mono.push("refs/tags/v1.0.0");
    mono.ask("changed");
    // Reconcile, and the look at the branch.
    mono.registry.run_one_job();
    let look = |commit: &str| {
        let mut queue = mono.registry.world.queue.borrow_mut();
        let at = queue
            .iter()
            .position(|one| one.text.contains(commit))
            .unwrap();
        queue.remove(at).unwrap()
    };
    let later = look(&tagged);
    assert!(mono.registry.world.queue.borrow()[0].text.contains(&main));
    mono.registry.run_one_job();
    let id = mono.last_job()["id"].as_str().unwrap().to_owned();
    let message = format!(r#"{{"v":1,"job":"decide_folders","id":"{id}"}}"#);
    let decided = pollster::block_on(repertoire::jobs::run(&mono.registry.app, &message, 1));
    assert_eq!(decided, repertoire::jobs::Outcome::Done);
    mono.registry.run_jobs();
    assert_eq!(mono.versions("a~dev"), ["dev-main"]);
    assert_eq!(mono.versions("a"), Vec::<String>::new());
    assert_eq!(mono.last_job()["state"], "running");
    mono.registry.world.queue.borrow_mut().push_back(later);
    mono.run();
    assert_eq!(mono.versions("a"), ["v1.0.0"]);
}

/// Deletes what is below `acme/…`, and lets the queue run.
fn remove(mono: &Mono, path: &str, name: &str) {
    let path = format!("/api/v1/orgs/acme/packages/acme/{path}");
    let body = json!({ "confirm": name }).to_string().into_bytes();
    let admin = mono.registry.admin();
    admin.send("DELETE", &path, &[], body).expect(204);
    mono.run();
    mono.registry.pass_time(10);
}

#[test]
fn a_deleted_version_of_a_folder_stays_away_and_gives_its_place_to_the_next() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.change("a", "<?php // 1.1\n");
    mono.tag("v1.1.0");
    mono.write("README.md", "Nothing of a package");
    mono.tag("v1.2.0");
    mono.import("changed");
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
    let of_b = mono.versions("b");
    remove(&mono, "a/versions/v1.1.0", "acme/a v1.1.0");
    // What was the same beside it is the version that has these contents now.
    assert_eq!(mono.versions("a"), ["v1.2.0", "v1.0.0"]);
    mono.change("a", "<?php // 1.3\n");
    mono.tag("v1.3.0");
    mono.sync();
    mono.registry.pass_time(10);
    assert_eq!(mono.versions("a"), ["v1.3.0", "v1.2.0", "v1.0.0"]);
    assert_eq!(mono.versions("b"), of_b);
    let fate = mono.fate("a", "refs/tags/v1.1.0");
    assert!(
        fate.starts_with("skipped: version `v1.1.0` was deleted by a person on"),
        "{fate}"
    );
    let path = "/api/v1/orgs/acme/packages/acme/a/versions/v1.1.0/restore";
    mono.registry.admin().post(path, &json!({})).expect(202);
    mono.run();
    mono.registry.pass_time(10);
    assert_eq!(mono.versions("a"), ["v1.3.0", "v1.1.0", "v1.0.0"]);
}

#[test]
fn a_deleted_package_of_many_stays_away_and_the_others_go_on() {
    let mono = Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.import("changed");
    remove(&mono, "b", "acme/b");
    mono.change("a", "<?php // 1.1\n");
    mono.change("b", "<?php // 1.1\n");
    mono.tag("v1.1.0");
    mono.sync();
    mono.registry.pass_time(10);
    assert_eq!(mono.versions("a"), ["v1.1.0", "v1.0.0"]);
    let admin = mono.registry.admin();
    admin.get("/r/acme/main/p2/acme/b.json").expect(404);
    let project = mono.project();
    assert!(
        project["no_packages"]
            .to_string()
            .contains("was deleted by a person; import the project again"),
        "{project}"
    );
}
