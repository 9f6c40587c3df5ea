//! A bad day of every git host, each fault met with each of them. To have another host judged, add it to [`scene::HOSTS`].
//!
//! What is tested where; `here` is this file, with every host of the list, and end to end means `tests/e2e/scenarios`.
//!
//! | fault | GitHub | GitLab | Gitea, Forgejo | Bitbucket Cloud, Data Center | plain git |
//! |---|---|---|---|---|---|
//! | archive in many chunks, of unknown length | here | here | here | here | here |
//! | answer that breaks off | here; `api/jobs.rs` | here; `hosts.rs` | here; `hosts.rs` | here | here |
//! | 429, 403, 503 with `Retry-After`; 429 without | here; `api/jobs.rs` | here; `hosts.rs` | here; `hosts.rs` | here; `bitbucket/refusals.rs` | here |
//! | 403 without | here | here | here | here | here |
//! | project that the token may see no more: 404, 403, for git 401 | `withheld.rs` | `withheld.rs` | `withheld.rs` | `withheld.rs` | `withheld.rs` |
//! | the limit on archives alone | has none | `hosts.rs` | has none | has none | has none |
//! | 301 after a rename | here; `hooks.rs` | here; `hosts.rs` | here; `hosts.rs` | here; `bitbucket/webhooks.rs` | here |
//! | 302 to another host, without the token | each archive of the double | here | here | here | `providers/plain_git/tests.rs` |
//! | archive that is slow | here; end to end: `jobs.mjs`, `traps.mjs` | here | here | here | here, the pack |
//! | delivery twice, replayed, out of order | here; `hooks.rs` | here; `hosts.rs` | here; `hosts.rs` | here; `bitbucket/webhooks.rs` | here |
//! | forged delivery | here; `hooks.rs` | here; `hosts.rs` | here; `hosts.rs` | here; `bitbucket/webhooks.rs` | here |
//! | four tags in one push, of which nobody tells | here | here | here | here | here |
//! | annotated tags, tags of tags | end to end: `imports.mjs` | ids of tag objects in the double | ids of tag objects in the double | `bitbucket/imports.rs` | here |
//! | empty project | here | here | here | here | here |
//! | tag that moves during a sync | here | here | here | here | here |
//! | tag that is gone during a sync | here | here | here | here | here |
//! | each call fails, before and after its effect | `jobs/faults.rs` | here | here | here | `jobs/plain_git.rs` |
//! | the queue loses its messages | `jobs/lost_messages.rs` | the same code | the same code | the same code | `jobs/lost_messages.rs` |

mod scene;
mod withheld;

use serde_json::json;

use crate::support::faults::with_every_fault;
use crate::support::git_server::change;
use crate::support::github::Answer as Reply;
use crate::support::{PACKAGE, TestRegistry};
use scene::{HOSTS, Scene, at_every_host, hmac_hex, text};

#[test]
fn an_archive_in_many_chunks_comes_in_whole() {
    at_every_host("chunks", |scene| {
        // What does not compress, several chunks of it.
        let noise: String = (0..600_u32)
            .map(|n| hmac_hex("noise", &n.to_le_bytes()))
            .collect();
        let commit = scene.push("refs/tags/v2.0.0", &noise);
        scene.import();
        scene.settle();
        let path = format!("/r/acme/main/dist/acme/lib/{commit}.zip");
        let archive = scene.registry.admin().get(&path).expect(200).bytes();
        assert!(archive.len() > 4 * 4096, "{} bytes", archive.len());
        let version = scene.registry.composer_metadata(PACKAGE).remove(0);
        let shasum = hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&archive));
        assert_eq!(version["dist"]["shasum"], shasum);
    });
}

#[test]
fn what_breaks_off_is_fetched_again() {
    at_every_host("cut", |scene| {
        let job = scene.import();
        let mut double = scene.registry.world.github.borrow_mut();
        double.truncate_archives = 1;
        double.git_faults.truncate_packs = 1;
        drop(double);
        scene.settle();
        let double = scene.registry.world.github.borrow();
        let left = if scene.host.is_git {
            double.git_faults.truncate_packs
        } else {
            double.truncate_archives
        };
        assert_eq!(left, 0, "nothing broke off");
        drop(double);
        assert_eq!(scene.versions(), ["v1.1.0", "v1.0.0"]);
        assert_eq!(scene.job(&job)["progress"]["imported"], 3);
    });
}

#[test]
fn an_archive_that_is_slow_comes_in_whole_and_is_asked_for_once() {
    at_every_host("slow", |scene| {
        let noise: String = (0..600_u32)
            .map(|n| hmac_hex("noise", &n.to_le_bytes()))
            .collect();
        let commit = scene.push("refs/tags/v2.0.0", &noise);
        scene.import();
        scene.registry.world.github.borrow_mut().seconds_a_chunk = 45;
        let started = scene.registry.world.now.get();
        scene.settle();
        let took = scene.registry.world.now.get() - started;
        assert!(took > 10 * 60, "{took} seconds");
        assert_eq!(scene.versions(), ["v2.0.0", "v1.1.0", "v1.0.0"]);
        let path = format!("/r/acme/main/dist/acme/lib/{commit}.zip");
        scene.registry.admin().get(&path).expect(200);
        let seen = std::mem::take(&mut scene.registry.world.github.borrow_mut().seen);
        // What is sent again meanwhile finds that nothing is left to do.
        scene.registry.housekeep();
        scene.settle();
        let again = scene.registry.world.github.borrow().seen.len();
        assert!(again <= 6, "{again} requests after {}", seen.len());
        let archives = seen.iter().filter(|one| {
            let is_archive = [
                "/zipball/",
                "archive.zip",
                "/archive/",
                "/archive ",
                "/get/",
            ]
            .iter()
            .any(|part| one.contains(part));
            is_archive && !one.ends_with(" 302")
        });
        let wanted = if scene.host.is_git || scene.host.provider == "github" {
            0
        } else {
            4
        };
        assert_eq!(archives.count(), wanted, "{seen:?}");
    });
}

#[test]
fn limits_with_and_without_a_time_are_waited_for() {
    at_every_host("limits", |scene| {
        let job = scene.import();
        let started = scene.registry.world.now.get();
        let later = |status| Reply::new(status, "slow down").with("retry-after", "40");
        scene.refuse(vec![
            later(429),
            Reply::new(429, "slow down"),
            later(403),
            later(503),
        ]);
        scene.settle();
        assert_eq!(scene.job(&job)["state"], "done");
        let unmet = scene.registry.world.github.borrow().refusals.len();
        assert_eq!(unmet, 0, "refusals were left over");
        let waited = scene.registry.world.now.get() - started;
        // Data Center limits by 429 alone: after its 403 the project is looked for where it may have moved to.
        let is_data_center = scene.host.provider == "bitbucket-server";
        let least = if is_data_center {
            40 + 60 + 40
        } else {
            40 + 60 + 40 + 40
        };
        assert!(waited >= least, "{}: {waited} seconds", scene.host.provider);
        assert_eq!(scene.versions(), ["v1.1.0", "v1.0.0"]);
    });
}

#[test]
fn a_refusal_without_a_time_is_told_and_loses_nothing() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "refused");
        scene.push("refs/tags/v1.2.0", "Three");
        scene.tell("1");
        scene.withhold(403);
        scene.registry.run_jobs();
        let listed = scene.registry.admin().get("/api/v1/orgs/acme/jobs").json();
        let newest = &listed["jobs"][0];
        assert_eq!(newest["state"], "queued", "{}: {newest}", host.provider);
        let message = text(&newest["message"]);
        assert!(message.contains("waits: `"), "{message}");
        let project = &scene.registry.shown(PACKAGE)["project"];
        assert_eq!(project["trouble"], message);
        assert_eq!(scene.versions(), ["v1.1.0", "v1.0.0"]);
        // A person has it looked at again, and all is well.
        scene.show_again();
        scene.registry.sync(PACKAGE);
        scene.settle();
        let project = &scene.registry.shown(PACKAGE)["project"];
        assert_eq!(project["trouble"], json!(null));
        assert_eq!(scene.versions(), ["v1.2.0", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_project_that_moved_is_followed() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "moved");
        let moved = "faults-moved-away.git";
        if host.is_git {
            let from = scene.folder();
            let to = from.with_file_name(moved);
            let _ = std::fs::remove_dir_all(&to);
            std::fs::rename(from, to).unwrap();
            let paths = (format!("/{}/", scene.project), format!("/{moved}/"));
            scene.registry.world.github.borrow_mut().git_faults.moved = Some(paths);
        } else {
            scene.rename("acme/renamed");
        }
        let scene_now = Scene {
            project: if host.is_git {
                moved.to_owned()
            } else {
                scene.project.clone()
            },
            ..scene
        };
        if host.is_git || host.is_bitbucket {
            scene_now.push("refs/tags/v1.2.0", "Three");
        } else {
            let mut double = scene_now.registry.world.github.borrow_mut();
            let manifest = json!({"name": PACKAGE, "description": "Three"}).to_string();
            double
                .project("acme/renamed")
                .push("refs/tags/v1.2.0", Some(&manifest));
        }
        scene_now.registry.sync(PACKAGE);
        scene_now.registry.assert_settled();
        assert_eq!(
            scene_now.versions(),
            ["v1.2.0", "v1.1.0", "v1.0.0"],
            "{}",
            host.provider
        );
        if !host.is_git {
            let shown = scene_now.registry.shown(PACKAGE);
            assert_eq!(shown["project"]["full_name"], "acme/renamed");
        }
    }
}

#[test]
fn archives_that_are_kept_elsewhere_come_without_the_token() {
    // That no credentials come along is the double's own check. GitHub's are never kept anywhere else.
    for host in HOSTS.iter().filter(|host| !host.is_git) {
        let scene = Scene::with_project(host, "elsewhere");
        let world = &scene.registry.world;
        let mut double = world.github.borrow_mut();
        double.keeps_archives_elsewhere = true;
        double.bitbucket.sends_archives_elsewhere = true;
        drop(double);
        scene.import();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.0", "v1.0.0"]);
        let seen = world.github.borrow().seen.clone();
        let redirected = seen.iter().filter(|one| one.ends_with(" 302")).count();
        assert_eq!(redirected, 3, "{}: {seen:?}", host.provider);
    }
}

#[test]
fn deliveries_twice_and_in_the_wrong_order_come_to_the_same_end() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "deliveries");
        // Told of in the wrong order: what counts is how things are.
        let (first, body) = (host.push)(&scene, "1");
        scene.push("refs/tags/v1.2.0", "Three");
        let (second, _) = (host.push)(&scene, "2");
        scene.push("refs/tags/v1.3.0", "Four");
        scene.remove("refs/tags/v1.0.0");
        for headers in [&second, &first, &second] {
            assert_eq!(scene.deliver(headers, &body), 202);
        }
        scene.settle();
        let versions = ["v1.3.0", "v1.2.0", "v1.1.0"];
        assert_eq!(scene.versions(), versions, "{}", host.provider);
        let head = scene.registry.head();
        // Played again a day later.
        scene.registry.pass_time(24 * 60 * 60);
        for headers in [&first, &second] {
            assert_eq!(scene.deliver(headers, &body), 202);
        }
        scene.settle();
        assert_eq!(scene.versions(), versions);
        assert_eq!(scene.registry.head(), head, "nothing was published anew");
    }
}

#[test]
fn a_forged_delivery_does_nothing() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "forged");
        scene.push("refs/tags/v1.2.0", "Three");
        let (right, body) = (host.push)(&scene, "1");
        let jobs = || scene.registry.world.sqlite.texts("select id from jobs");
        let before = jobs();
        for forged in ["", "sha256=", "Bearer ", "Bearer wrong", &"0".repeat(64)] {
            let mut headers = right.clone();
            let proof = headers.iter_mut().find(|(name, _)| *name == host.proof);
            proof.unwrap().1 = forged.to_owned();
            assert_eq!(scene.deliver(&headers, &body), 401, "{}", host.provider);
        }
        assert_eq!(jobs(), before);
        // The id of a forged delivery is not used up.
        assert_eq!(scene.deliver(&right, &body), 202);
        scene.settle();
        assert_eq!(scene.versions()[0], "v1.2.0");
    }
}

#[test]
fn tags_that_no_webhook_told_of_are_found_by_the_schedule() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "untold");
        // More than three in one push: most hosts tell of none.
        for minor in 2..6 {
            scene.push(&format!("refs/tags/v1.{minor}.0"), "New");
        }
        scene.registry.pass_time(7 * 60 * 60);
        scene.registry.housekeep();
        scene.settle();
        assert_eq!(scene.versions().len(), 6, "{}", host.provider);
    }
}

#[test]
fn tags_of_tags_lead_to_their_commit() {
    // The other doubles name tag objects beside commits; only git lets a tag be of a tag.
    let host = HOSTS.iter().find(|host| host.is_git).unwrap();
    let scene = Scene::with_project(host, "annotated");
    let commit = scene.push("refs/heads/next", "Next");
    let folder = scene.folder();
    change(&folder, &["tag", "-a", "-m", "x", "v2.0.0", &commit], "");
    change(
        &folder,
        &[
            "-c",
            "advice.nestedTag=false",
            "tag",
            "-a",
            "-m",
            "x",
            "v2.1.0",
            "v2.0.0",
        ],
        "",
    );
    // One that leads to no commit gives no version and stops nobody.
    let tree = change(&folder, &["rev-parse", &format!("{commit}^{{tree}}")], "");
    change(&folder, &["update-ref", "refs/tags/v3.0.0", &tree], "");
    scene.import();
    scene.registry.run_jobs();
    let found = scene.registry.composer_metadata(PACKAGE);
    for (version, wanted) in found.iter().zip(["v2.1.0", "v2.0.0"]) {
        assert_eq!(version["version"], wanted);
        assert_eq!(version["dist"]["reference"], commit);
    }
    assert_eq!(scene.versions().len(), 4, "{:?}", scene.versions());
}

#[test]
fn an_empty_project_says_so_and_is_taken_once_it_is_none() {
    for host in &HOSTS {
        let scene = Scene::empty(host, "empty");
        let asked = json!({"connection": scene.connection["id"], "project": scene.project, "repository": "main"});
        let admin = scene.registry.admin();
        let refused = admin.post("/api/v1/orgs/acme/packages", &asked).expect(422);
        let detail = text(&refused.json()["detail"]);
        assert!(
            detail.contains("no commits") || detail.contains("no composer.json"),
            "{}: {detail}",
            host.provider
        );
        scene.push("refs/heads/main", "A library");
        scene.push("refs/tags/v1.0.0", "One");
        scene.import();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.0.0"]);
    }
}

#[test]
fn a_project_that_was_emptied_keeps_its_archives() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "emptied");
        let version = scene.registry.composer_metadata(PACKAGE).remove(0);
        for name in ["refs/tags/v1.0.0", "refs/tags/v1.1.0"] {
            scene.remove(name);
        }
        scene.registry.sync(PACKAGE);
        scene.registry.assert_settled();
        assert_eq!(scene.versions().len(), 0, "{}", host.provider);
        let reference = text(&version["dist"]["reference"]);
        let path = format!("/r/acme/main/dist/acme/lib/{reference}.zip");
        scene.registry.admin().get(&path).expect(200);
    }
}

#[test]
fn a_tag_that_moves_during_a_sync_is_one_of_both_and_then_stays() {
    at_every_host("moving", |scene| {
        let first = scene.push("refs/tags/v1.2.0", "first");
        scene.import();
        // The refs were listed, and nothing was taken in.
        scene.registry.run_one_job();
        let second = scene.push("refs/tags/v1.2.0", "second");
        scene.registry.run_jobs();
        for _ in 0..2 {
            scene.registry.sync(PACKAGE);
            scene.registry.assert_settled();
        }
        let version = scene.registry.composer_metadata(PACKAGE).remove(0);
        assert_eq!(version["version"], "v1.2.0");
        let reference = text(&version["dist"]["reference"]);
        let description = text(&version["description"]);
        // All of it is of one commit, whichever that is.
        let wanted = if reference == first {
            "first"
        } else {
            "second"
        };
        assert!([first, second].contains(&reference));
        assert_eq!(description, wanted);
        let archive = format!("/r/acme/main/dist/acme/lib/{reference}.zip");
        scene.registry.admin().get(&archive).expect(200);
    });
}

#[test]
fn a_tag_that_is_gone_during_a_sync_leaves_no_job_open() {
    at_every_host("going", |scene| {
        scene.push("refs/tags/v1.2.0", "Three");
        scene.import();
        scene.registry.run_one_job();
        scene.remove("refs/tags/v1.2.0");
        scene.registry.run_jobs();
        for _ in 0..2 {
            scene.registry.sync(PACKAGE);
        }
        assert_eq!(
            scene.versions(),
            ["v1.1.0", "v1.0.0"],
            "{}",
            scene.host.provider
        );
        let open = "select id from jobs where state not in ('done', 'failed')";
        assert_eq!(
            scene.registry.world.sqlite.texts(open),
            Vec::<String>::new()
        );
    });
}

#[test]
fn an_import_from_each_host_comes_to_the_same_end_whatever_fails() {
    // GitHub and plain git have tests of their own for this, with more in them; Gitea is Forgejo by another name.
    for host in HOSTS
        .iter()
        .filter(|host| !["github", "gitea", "git"].contains(&host.provider))
    {
        let asked = || {
            let scene = Scene::with_project(host, "every");
            scene.import();
            scene.registry
        };
        with_every_fault(asked, TestRegistry::run_jobs, |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
            registry.assert_settled();
        });
    }
}
