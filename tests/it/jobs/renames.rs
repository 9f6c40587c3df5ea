//! A package whose composer.json takes another name.

use pollster::block_on;
use repertoire::jobs::{self, Outcome};
use serde_json::{Value, json};

use crate::support::interleave::Run;
use crate::support::{PACKAGE, PROJECT, TestRegistry, isolate};

const NEW: &str = "acme/new";

/// Names the default branch.
fn name_it(registry: &TestRegistry, name: &str) {
    registry.push("refs/heads/main", &json!({"name": name}));
}

fn renamed() -> TestRegistry {
    let registry = TestRegistry::imported();
    name_it(&registry, NEW);
    registry.sync(PACKAGE);
    registry.assert_settled();
    registry
}

fn abandoned(registry: &TestRegistry, document: &str) -> Value {
    let entries = registry.composer_metadata(document);
    let said = entries.iter().map(|entry| entry.get("abandoned").cloned());
    json!(said.collect::<Vec<_>>())
}

#[test]
fn the_old_one_is_abandoned_for_the_new_one_which_has_all_versions() {
    let registry = TestRegistry::imported();
    let old = registry.composer_metadata(PACKAGE);
    name_it(&registry, NEW);
    registry.push_tag("v2.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry.assert_settled();

    let mut still = registry.composer_metadata(PACKAGE);
    for entry in &mut still {
        assert_eq!(entry.remove("abandoned"), Some(json!(NEW)));
    }
    assert_eq!(still, old);
    assert_eq!(abandoned(&registry, "acme/lib~dev"), json!([NEW]));
    for entry in &old {
        let url = entry["dist"]["url"].as_str().unwrap();
        let path = url.strip_prefix(crate::support::ADDRESS).unwrap();
        registry.admin().get(path).expect(200);
    }

    assert_eq!(registry.versions(NEW), ["v2.0.0", "v1.1.0", "v1.0.0"]);
    assert_eq!(registry.versions("acme/new~dev"), ["dev-main"]);
    assert_eq!(abandoned(&registry, NEW), json!([null, null, null]));
    for entry in registry.composer_metadata(NEW) {
        assert_eq!(entry["name"], NEW);
        let url = entry["dist"]["url"].as_str().unwrap();
        let path = url.strip_prefix(crate::support::ADDRESS).unwrap();
        registry.admin().get(path).expect(200);
    }
    // Each row has its own archive; what was kept was not fetched again: two tags and two commits of `main`, and the new tag.
    let keys = registry
        .world
        .sqlite
        .texts("select archive_key from dists order by 1");
    assert_eq!(keys.len(), 7);
    let seen = registry.world.github.borrow().seen.clone();
    let fetched = seen.iter().filter(|one| one.contains("/zipball/"));
    assert_eq!(fetched.count(), 5);
    let hashes = "select distinct reference || ' ' || sha256 from dists";
    assert_eq!(registry.world.sqlite.texts(hashes).len(), 5);

    let (before, after) = (registry.shown(PACKAGE), registry.shown(NEW));
    assert_eq!(
        (&before["abandoned"], &before["renamed_to"], &before["refs"]),
        (&json!(NEW), &json!(NEW), &json!([]))
    );
    assert_eq!(
        (&after["abandoned"], &after["renamed_from"]),
        (&json!(false), &json!(PACKAGE))
    );
    assert_eq!(after["repositories"], json!(["main"]));
    assert_eq!(after["project"], before["project"]);
    let found = registry
        .admin()
        .get("/r/acme/main/search.json?q=acme")
        .json();
    let found: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].clone(), one.get("abandoned").cloned()))
        .collect();
    assert!(
        found.contains(&(json!(PACKAGE), Some(json!(NEW)))),
        "{found:?}"
    );
    assert!(found.contains(&(json!(NEW), None)), "{found:?}");
}

#[test]
fn hooks_and_schedules_sync_the_new_one_and_the_old_one_is_frozen() {
    let registry = renamed();
    let old = registry.composer_metadata(PACKAGE);
    registry.push_tag("v2.0.0");
    registry.deliver_webhook("two").expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(NEW)[0], "v2.0.0");
    registry.delete_ref("refs/tags/v1.0.0");
    // A hook that was heard is trusted for a day.
    registry.pass_time(25 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(NEW), ["v2.0.0", "v1.1.0"]);
    assert_eq!(registry.composer_metadata(PACKAGE), old);

    let sync = "/api/v1/orgs/acme/packages/acme/lib/sync";
    let answer = registry.admin().send("POST", sync, &[], Vec::new());
    let detail = answer.expect(409).json()["detail"].clone();
    assert!(detail.as_str().unwrap().contains(NEW), "{detail}");
    let path = "/api/v1/orgs/acme/packages/acme/lib";
    let asked = json!({"moved_tags": "follow"});
    registry.admin().patch(path, &asked).expect(409);
    registry.writer().upload(PACKAGE, "9.0.0", "").expect(409);
    // Whether it is abandoned is still a person's to say.
    registry.set(PACKAGE, &json!({"abandoned": false}));
    assert_eq!(abandoned(&registry, PACKAGE), json!([null, null]));
}

#[test]
fn settings_and_repositories_go_along() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    registry.change(
        "insert into repository_packages (repository_id, package_id)
         select r.id, p.id from repositories r, packages p where r.slug = 'second'",
    );
    registry.set(
        PACKAGE,
        &json!({"moved_tags": "follow", "tag_prefixes": ["x-"], "transient_branches": ["bot/*"]}),
    );
    name_it(&registry, NEW);
    registry.sync(PACKAGE);
    registry.assert_settled();
    let shown = registry.shown(NEW);
    assert_eq!(shown["repositories"], json!(["main", "second"]));
    assert_eq!(shown["settings"], registry.shown(PACKAGE)["settings"]);
    registry
        .admin()
        .get("/r/acme/second/p2/acme/new.json")
        .expect(200);
}

#[test]
fn renamed_back_the_old_one_is_synced_again() {
    let registry = renamed();
    registry.delete_ref("refs/tags/v1.0.0");
    registry.push_tag("v2.0.0");
    name_it(&registry, PACKAGE);
    registry.sync(NEW);
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v2.0.0", "v1.1.0"]);
    assert_eq!(abandoned(&registry, PACKAGE), json!([null, null]));
    assert_eq!(registry.versions(NEW), ["v1.1.0", "v1.0.0"]);
    assert_eq!(abandoned(&registry, NEW), json!([PACKAGE, PACKAGE]));
    assert_eq!(registry.shown(PACKAGE)["renamed_to"], Value::Null);
    assert_eq!(registry.shown(PACKAGE)["renamed_from"], NEW);
    registry.push_tag("v3.0.0");
    registry.deliver_webhook("three").expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v3.0.0");
    assert_eq!(registry.versions(NEW)[0], "v1.1.0");
}

#[test]
fn a_second_rename_leads_from_the_first_name_to_the_last() {
    let registry = renamed();
    name_it(&registry, "acme/newest");
    registry.sync(NEW);
    registry.assert_settled();
    let newest = json!(["acme/newest", "acme/newest"]);
    assert_eq!(abandoned(&registry, PACKAGE), newest);
    assert_eq!(abandoned(&registry, NEW), newest);
    assert_eq!(registry.shown("acme/newest")["renamed_from"], NEW);
}

#[test]
fn a_name_of_another_source_is_not_taken() {
    let registry = TestRegistry::imported();
    registry.writer().upload(NEW, "7.0.0", "").expect(201);
    name_it(&registry, NEW);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(registry.versions(NEW), ["7.0.0"]);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    assert_eq!(registry.shown(PACKAGE)["renamed_to"], Value::Null);
    let notice = registry.shown(PACKAGE)["notice"].clone();
    insta::assert_snapshot!(notice.as_str().unwrap(), @"composer.json on `main` is named `acme/new` now, but that package of this organisation is uploaded; this one goes on as `acme/lib`; name one of the two otherwise");
    let job = &registry.admin().get("/api/v1/orgs/acme/jobs").json()["jobs"][0];
    assert_eq!((&job["state"], &job["message"]), (&json!("done"), &notice));

    // Named otherwise, all is well again.
    name_it(&registry, PACKAGE);
    registry.sync(PACKAGE);
    assert_eq!(registry.shown(PACKAGE)["notice"], Value::Null);
    let job = &registry.admin().get("/api/v1/orgs/acme/jobs").json()["jobs"][0];
    assert_eq!(job["message"], Value::Null);
}

#[test]
fn a_name_of_another_organisation_is_free() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    registry.change(
        "insert into packages (organisation_id, name, created_at)
         select id, 'acme/new', 0 from organisations where slug = 'globex'",
    );
    name_it(&registry, NEW);
    registry.sync(PACKAGE);
    assert_eq!(registry.versions(NEW), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn without_a_valid_name_the_package_goes_on_and_says_why() {
    let registry = TestRegistry::imported();
    let mut notices = Vec::new();
    for text in [
        Some(r#"{"type":"library"}"#),
        Some(r#"{"name":"No Name"}"#),
        Some("{"),
        None,
    ] {
        {
            let mut github = registry.world.github.borrow_mut();
            github.project(PROJECT).push("refs/heads/main", text);
        }
        registry.sync(PACKAGE);
        registry.assert_settled();
        let notice = registry.shown(PACKAGE)["notice"].clone();
        let job = &registry.admin().get("/api/v1/orgs/acme/jobs").json()["jobs"][0];
        assert_eq!(job["message"], notice);
        notices.push(notice.as_str().unwrap().to_owned());
    }
    insta::assert_snapshot!(notices.join("\n"), @"
    composer.json on `main` has no `name`; the package goes on as `acme/lib`
    composer.json on `main` is named `No Name`, which is no package name such as `vendor/name`; the package goes on as `acme/lib`
    on `main`, composer.json is not valid JSON: EOF while parsing an object at line 1 column 1; the package goes on as `acme/lib`
    there is no composer.json on `main`; the package goes on as `acme/lib`
    ");
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    assert_eq!(
        registry.admin().get("/api/v1/orgs/acme/packages").json()["packages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn other_capitals_are_no_other_name() {
    let registry = TestRegistry::imported();
    name_it(&registry, "Acme/Lib");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(registry.shown(PACKAGE)["notice"], Value::Null);
    assert_eq!(registry.shown(PACKAGE)["renamed_to"], Value::Null);
    let entry = &registry.composer_metadata("acme/lib~dev")[0];
    assert_eq!(entry["name"], "Acme/Lib");
}

#[test]
fn the_name_of_another_branch_or_of_a_tag_says_nothing() {
    let registry = TestRegistry::imported();
    registry.push("refs/heads/next", &json!({"name": NEW}));
    registry.push("refs/tags/v2.0.0", &json!({"name": NEW}));
    registry.sync(PACKAGE);
    assert_eq!(registry.versions(PACKAGE)[0], "v2.0.0");
    assert_eq!(registry.shown(PACKAGE)["renamed_to"], Value::Null);
}

#[test]
fn a_job_that_failed_before_the_rename_is_run_again_for_the_new_name() {
    let registry = TestRegistry::imported();
    let outage = || crate::support::github::Answer::new(500, "");
    let outages = (0..8).map(|_| outage());
    registry.world.github.borrow_mut().refusals.extend(outages);
    registry.sync(PACKAGE);
    let failed = registry
        .world
        .sqlite
        .texts("select id from jobs where state = 'failed'")
        .remove(0);
    name_it(&registry, NEW);
    registry.sync(PACKAGE);
    registry.push_tag("v2.0.0");
    let path = format!("/api/v1/orgs/acme/jobs/{failed}");
    let retry = format!("{path}/retry");
    registry
        .admin()
        .send("POST", &retry, &[], Vec::new())
        .expect(200);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.admin().get(&path).json()["package"], NEW);
    assert_eq!(registry.versions(NEW)[0], "v2.0.0");
    assert_eq!(registry.versions(PACKAGE)[0], "v1.1.0");
}

/// Two jobs of the git repository of a package that is about to be renamed, both to be compared.
fn two_jobs() -> (TestRegistry, [String; 2]) {
    let registry = TestRegistry::imported();
    name_it(&registry, NEW);
    registry.push_tag("v2.0.0");
    let message = |cause: &str| {
        let answer = registry.admin().send(
            "POST",
            "/api/v1/orgs/acme/packages/acme/lib/sync",
            &[],
            Vec::new(),
        );
        let job = answer.expect(202).json()["job"]["id"].clone();
        // As if it had begun: a queued one serves everybody.
        registry.world.sqlite.change(
            &repertoire::ports::Statement::new(
                "update jobs set state = 'running', cause = ?2 where id = ?1",
            )
            .bind(job.as_str())
            .bind(cause),
        );
        format!(r#"{{"v":1,"job":"reconcile","id":{job}}}"#)
    };
    let messages = [message("one"), message("two")];
    registry.world.queue.borrow_mut().clear();
    (registry, messages)
}

fn assert_renamed_once(registry: &TestRegistry, cut: usize) {
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(
        registry.versions(NEW),
        ["v2.0.0", "v1.1.0", "v1.0.0"],
        "{cut}"
    );
    assert_eq!(registry.versions("acme/new~dev"), ["dev-main"], "{cut}");
    // It may have had the newest tag before it was renamed.
    let old = abandoned(registry, PACKAGE);
    assert!(
        old.as_array().unwrap().iter().all(|said| said == NEW),
        "{old}"
    );
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select name from packages where renamed_to is null"),
        [NEW]
    );
    let refs = registry.refs(NEW);
    assert_eq!(refs.lines().count(), 4, "{refs}");
    assert!(
        refs.lines().all(|line| line.contains(" imported ")),
        "{refs}"
    );
}

#[test]
fn two_comparisons_at_once_rename_once() {
    for cut in 0.. {
        let (registry, [first, second]) = two_jobs();
        registry.world.gives_way.set(true);
        let (here, there) = (isolate(&registry.world), isolate(&registry.world));
        let mut one = Run::new(jobs::run(&here, &first, 1));
        let is_through = one.steps(cut);
        let two = Run::new(jobs::run(&there, &second, 1));
        assert_eq!(two.finish(), Outcome::Done);
        assert_eq!(one.finish(), Outcome::Done);
        registry.world.gives_way.set(false);
        assert_renamed_once(&registry, cut);
        if is_through {
            break;
        }
    }
}

#[test]
fn an_import_that_is_under_way_goes_on_with_the_new_name() {
    for cut in 0.. {
        let registry = TestRegistry::imported();
        registry.push_tag("v2.0.0");
        let sync = "/api/v1/orgs/acme/packages/acme/lib/sync";
        let answer = registry.admin().send("POST", sync, &[], Vec::new());
        answer.expect(202);
        registry.run_one_job();
        // The import of v2.0.0 has begun when the name changes and another job finds out.
        let import = registry.world.queue.borrow_mut().pop_front().unwrap();
        registry.world.gives_way.set(true);
        let here = isolate(&registry.world);
        let mut under_way = Run::new(jobs::run(&here, &import.text, 1));
        let is_through = under_way.steps(cut);
        registry.world.gives_way.set(false);
        name_it(&registry, NEW);
        let answer = registry.admin().send("POST", sync, &[], Vec::new());
        answer.expect(202);
        registry.run_one_job();
        if under_way.finish() != Outcome::Done {
            block_on(jobs::run(&registry.app, &import.text, 2));
        }
        assert_renamed_once(&registry, cut);
        if is_through {
            break;
        }
    }
}
