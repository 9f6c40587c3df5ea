//! A credential that its host accepts no more: jobs wait, the host is left alone, and it is said once.

use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github::GITHUB_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";
const NEW_TOKEN: &str = "ghp_another";

fn revoke(registry: &TestRegistry) {
    registry.world.github.borrow_mut().token = Some(NEW_TOKEN.to_owned());
}

fn connection(registry: &TestRegistry) -> Value {
    registry.admin().get(CONNECTIONS).expect(200).json()["connections"][0].clone()
}

fn job(registry: &TestRegistry, id: &str) -> Value {
    let path = format!("/api/v1/orgs/acme/jobs/{id}");
    registry.admin().get(&path).expect(200).json()
}

fn give(registry: &TestRegistry, token: &str) -> crate::support::persona::Answer {
    let id = connection(registry)["id"].as_str().unwrap().to_owned();
    let asked = json!({ "token": token });
    registry
        .admin()
        .patch(&format!("{CONNECTIONS}/{id}"), &asked)
}

/// How often GitHub was asked since the last time.
fn asked(registry: &TestRegistry) -> usize {
    std::mem::take(&mut registry.world.github.borrow_mut().seen).len()
}

fn lines(registry: &TestRegistry) -> Vec<String> {
    let warnings = registry.world.warnings();
    warnings
        .into_iter()
        .filter(|line| line.contains("refused the token"))
        .collect()
}

#[test]
fn a_thousand_waiting_imports_say_so_once_and_go_on_with_another_token() {
    let registry = TestRegistry::new();
    registry.make_project();
    {
        let mut github = registry.world.github.borrow_mut();
        let text = json!({"name": PACKAGE}).to_string();
        for patch in 0..998 {
            let tag = format!("refs/tags/v2.0.{patch}");
            github.project(PROJECT).push(&tag, Some(&text));
        }
    }
    let (.., id) = registry.import(PROJECT);
    // The comparison, the message for its webhook, two messages that read ahead, and three imports.
    for _ in 0..7 {
        registry.run_one_job();
    }
    assert_eq!(job(&registry, &id)["progress"]["imported"], 3);
    revoke(&registry);
    asked(&registry);
    while registry.run_one_job() {}
    assert_eq!(asked(&registry), 1, "the host is asked once and left alone");
    assert_eq!(lines(&registry).len(), 1, "{:?}", lines(&registry));

    let waiting = job(&registry, &id);
    assert_eq!(waiting["state"], "queued");
    assert!(
        waiting["message"]
            .as_str()
            .unwrap()
            .contains("Store a new one in the connection")
    );
    assert_eq!(waiting["progress"]["failed"], 0);
    assert_eq!(waiting["progress"]["imported"], 3);
    let shown = connection(&registry);
    assert_eq!(shown["waits_for_credential"], true);
    assert_eq!(shown["trouble"], waiting["message"]);
    assert!(shown["trouble_since"].is_string());
    // What was taken in before is there.
    assert_eq!(registry.composer_metadata(PACKAGE).len(), 3);

    let shown = give(&registry, NEW_TOKEN).expect(200).json();
    assert_eq!(shown["trouble"], json!(null));
    assert_eq!(shown["waits_for_credential"], false);
    while registry.run_one_job() {}
    registry.assert_settled();
    assert_eq!(registry.composer_metadata(PACKAGE).len(), 1_000);
}

#[test]
fn while_it_is_refused_it_is_tried_every_six_hours_and_by_nobody_else() {
    let registry = TestRegistry::imported();
    revoke(&registry);
    asked(&registry);
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    assert_eq!(asked(&registry), 1);
    for delivery in ["2", "3", "4"] {
        registry
            .tell_of_push(41, PROJECT, delivery)
            .remove(0)
            .expect(202);
        registry.run_jobs();
    }
    for _ in 0..10 {
        registry.pass_time(30 * 60);
        registry.housekeep();
        registry.run_jobs();
    }
    assert_eq!(asked(&registry), 0);
    let waiting = registry
        .world
        .sqlite
        .texts("select id from jobs where state = 'queued'");
    assert_eq!(waiting.len(), 1, "one job waits for all that was told");
    assert_eq!(lines(&registry).len(), 1);

    registry.pass_time(2 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    let seen = std::mem::take(&mut registry.world.github.borrow_mut().seen);
    assert_eq!(seen, ["GET https://api.github.com/user 401"]);
    assert_eq!(lines(&registry).len(), 1);

    // It works again: somebody paid the bill.
    registry.world.github.borrow_mut().token = Some(GITHUB_TOKEN.to_owned());
    registry.push_tag("v1.2.0");
    registry.pass_time(6 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    assert_eq!(connection(&registry)["trouble"], json!(null));
    assert_eq!(connection(&registry)["waits_for_credential"], false);
}

#[test]
fn who_asks_for_a_sync_has_it_tried_at_once() {
    let registry = TestRegistry::imported();
    revoke(&registry);
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    asked(&registry);
    let path = format!("/api/v1/orgs/acme/packages/{PACKAGE}/sync");
    let sync = || registry.admin().post(&path, &json!({})).expect(202);
    // It was tried less than a minute ago.
    sync();
    registry.run_jobs();
    assert_eq!(asked(&registry), 0);
    registry.pass_time(61);
    for _ in 0..3 {
        sync();
        registry.run_jobs();
    }
    let seen = std::mem::take(&mut registry.world.github.borrow_mut().seen);
    assert_eq!(seen, ["GET https://api.github.com/user 401"]);
    assert_eq!(lines(&registry).len(), 1);
    assert_eq!(connection(&registry)["waits_for_credential"], true);

    registry.world.github.borrow_mut().token = Some(GITHUB_TOKEN.to_owned());
    registry.push_tag("v1.2.0");
    registry.pass_time(61);
    sync();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    assert_eq!(connection(&registry)["waits_for_credential"], false);
}

#[test]
fn a_token_that_does_not_work_either_changes_nothing() {
    let registry = TestRegistry::imported();
    revoke(&registry);
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    let before = connection(&registry);
    give(&registry, "ghp_wrong").expect(422);
    assert_eq!(connection(&registry), before);
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn waiting_and_going_on_come_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::imported();
        registry.push_tag("v1.2.0");
        registry
            .tell_of_push(41, PROJECT, "1")
            .remove(0)
            .expect(202);
        registry.run_one_job();
        revoke(&registry);
        registry
    };
    let play = |registry: &TestRegistry| {
        registry.run_jobs();
        registry.world.github.borrow_mut().token = Some(GITHUB_TOKEN.to_owned());
        for _ in 0..3 {
            registry.pass_time(7 * 60 * 60);
            registry.housekeep();
            registry.run_jobs();
            registry.pass_time(200);
            registry.housekeep();
            registry.run_jobs();
        }
    };
    with_every_fault(prepare, play, |registry, calm| {
        registry.assert_settled();
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    });
}

#[test]
fn a_blocked_account_is_the_credentials_fault_and_a_missing_permission_is_not() {
    use crate::support::github::Answer;
    for (message, waits) in [
        ("Sorry. Your account was suspended", true),
        ("403 Forbidden - Your account has been blocked.", true),
        ("Resource not accessible by personal access token", false),
        ("Repository access blocked", false),
    ] {
        let registry = TestRegistry::imported();
        let body = json!({ "message": message }).to_string();
        let refusal = Answer::new(403, body);
        registry.world.github.borrow_mut().refusals.push(refusal);
        registry
            .tell_of_push(41, PROJECT, "1")
            .remove(0)
            .expect(202);
        registry.run_jobs();
        assert_eq!(
            connection(&registry)["waits_for_credential"],
            waits,
            "{message}"
        );
    }
}

#[test]
fn an_import_of_many_projects_waits_for_a_credential_and_goes_on_with_another() {
    let registry = TestRegistry::new();
    let (id, _) = registry.connect();
    for number in 0..200 {
        let name = format!("acme/p{number}");
        let mut github = registry.world.github.borrow_mut();
        github.add_project(1_000 + number, &name);
        let manifest = json!({"name": name}).to_string();
        github
            .project(&name)
            .push("refs/heads/main", Some(&manifest));
    }
    let names: Vec<_> = (0..200).map(|number| format!("acme/p{number}")).collect();
    let asked = json!({"projects": names, "repository": "main"});
    let made = registry
        .admin()
        .post(&format!("{CONNECTIONS}/{id}/imports"), &asked);
    let import = made.expect(202).json()["import"]["id"].clone();
    let path = format!("/api/v1/orgs/acme/imports/{}", import.as_str().unwrap());
    revoke(&registry);
    asked_nothing_more_than(&registry, 1);
    let shown = registry.admin().get(&path).expect(200).json();
    assert_eq!(shown["state"], "adding");
    assert_eq!(lines(&registry).len(), 1, "{:?}", lines(&registry));
    for _ in 0..4 {
        registry.pass_time(20 * 60);
        registry.housekeep();
    }
    asked_nothing_more_than(&registry, 0);

    give(&registry, NEW_TOKEN).expect(200);
    while registry.run_one_job() {}
    let shown = registry.admin().get(&path).expect(200).json();
    assert_eq!(shown["state"], "done", "{shown}");
    assert_eq!(shown["progress"]["added"], 200);
    assert_eq!(lines(&registry).len(), 1);
}

fn asked_nothing_more_than(registry: &TestRegistry, most: usize) {
    asked(registry);
    while registry.run_one_job() {}
    assert!(asked(registry) <= most);
}
