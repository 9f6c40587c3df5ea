//! Webhooks that we register ourselves: once for each project, found again, and no failure of the import.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pollster::block_on;
use repertoire::jobs;
use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github::{Answer, GITHUB_TOKEN};
use crate::support::hosts::HOST_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry, isolate_at};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";
const HOOK: &str = "/api/v1/orgs/acme/packages/acme/lib/hook";
const PLACE: &str = "github repositories 41";

fn hook(registry: &TestRegistry) -> Value {
    registry.shown(PACKAGE)["project"]["hook"].clone()
}

fn url(registry: &TestRegistry) -> String {
    let ids = registry.world.sqlite.texts("select id from connections");
    format!("https://packages.example.com/hooks/{}", ids[0])
}

fn refuse(registry: &TestRegistry, refusal: Option<(u16, &str)>) {
    let refusal = refusal.map(|(status, body)| (status, body.to_owned()));
    registry.world.github.borrow_mut().hooks.refusal = refusal;
}

fn asked_for_hooks(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    github
        .seen
        .iter()
        .filter(|one| one.contains("/hooks"))
        .count()
}

#[test]
fn the_hook_of_a_project_is_registered_and_a_push_arrives_by_itself() {
    let registry = TestRegistry::imported();
    registry.assert_settled();
    assert_eq!(registry.hook_places(), [PLACE]);
    let id = registry.world.github.borrow().hooks.all[0].id.to_string();
    assert_eq!(
        hook(&registry),
        json!({"state": "registered", "id": id, "group": null, "reason": null, "url": url(&registry)})
    );
    let sent = registry.world.github.borrow().hooks.all[0].body.clone();
    assert_eq!(sent["name"], "web");
    assert_eq!(sent["active"], true);
    assert_eq!(
        sent["events"],
        json!(["push", "create", "delete", "repository"])
    );
    assert_eq!(sent["config"]["content_type"], "json");
    assert_eq!(sent["config"]["insecure_ssl"], "0");

    registry.push_tag("v1.2.0");
    let answers = registry.tell_of_push(41, PROJECT, "1");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status(), 202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");

    registry.world.github.borrow_mut().seen.clear();
    registry.sync(PACKAGE);
    assert_eq!(asked_for_hooks(&registry), 0, "it is known to be there");
}

#[test]
fn a_hook_that_is_there_already_is_found_and_set_right() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    let config = json!({"url": url(&registry), "secret": "old", "content_type": "form"});
    let ours = {
        let mut github = registry.world.github.borrow_mut();
        for other in ["https://ci.example.com", "https://chat.example.com"] {
            github.hooks.add(PLACE, json!({"config": {"url": other}}));
        }
        github
            .hooks
            .add(PLACE, json!({"active": false, "config": config}))
    };
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.hook_places().len(), 3);
    assert_eq!(hook(&registry)["id"], ours.to_string());
    registry.push_tag("v1.2.0");
    let ours = &registry.world.github.borrow().hooks.all[2].body.clone();
    assert_eq!(ours["active"], true);
    assert_eq!(ours["config"]["content_type"], "json");
    assert_ne!(ours["config"]["secret"], "old");
}

#[test]
fn one_hook_is_registered_whatever_fails() {
    let asked = || {
        let registry = TestRegistry::new();
        registry.make_project();
        registry.import(PROJECT);
        registry
    };
    with_every_fault(asked, TestRegistry::run_jobs, |registry, calm| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.hook_places(), [PLACE]);
        assert_eq!(hook(registry)["state"], "registered");
        let id = registry.world.github.borrow().hooks.all[0].id.to_string();
        assert_eq!(hook(registry)["id"], id);
    });
}

#[test]
fn what_prevents_a_hook_is_shown_and_is_no_failure_of_the_import() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, ..) = registry.import(PROJECT);
    refuse(&registry, Some((404, r#"{"message":"Not Found"}"#)));
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    let shown = hook(&registry);
    assert_eq!(shown["state"], "refused");
    let reason = shown["reason"].as_str().unwrap();
    assert!(reason.contains("admin:repo_hook"), "{reason}");
    assert_eq!(shown["url"], url(&registry), "to be pasted by hand");

    // Nobody is asked again with each comparison, but a person may.
    registry.world.github.borrow_mut().seen.clear();
    registry.sync(PACKAGE);
    assert_eq!(asked_for_hooks(&registry), 0);
    let refused = registry.admin().post(HOOK, &json!({})).expect(422).json();
    assert_eq!(refused["detail"], reason);

    // Another token may have the right.
    refuse(&registry, None);
    let path = format!("{CONNECTIONS}/{connection}");
    let token = json!({"token": GITHUB_TOKEN});
    registry.admin().patch(&path, &token).expect(200);
    registry.sync(PACKAGE);
    assert_eq!(hook(&registry)["state"], "registered");
    assert_eq!(hook(&registry)["reason"], json!(null));
}

#[test]
fn rights_that_were_granted_at_the_host_are_found_the_next_day() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    refuse(
        &registry,
        Some((403, r#"{"message":"Must have admin rights"}"#)),
    );
    registry.run_jobs();
    let reason = hook(&registry)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("Must have admin rights"), "{reason}");
    refuse(&registry, None);
    registry.pass_time(23 * 60 * 60);
    registry.sync(PACKAGE);
    assert_eq!(hook(&registry)["state"], "refused");
    registry.pass_time(2 * 60 * 60);
    registry.sync(PACKAGE);
    assert_eq!(hook(&registry)["state"], "registered");
}

#[test]
fn a_full_list_of_hooks_is_said_in_the_hosts_words() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    let body = r#"{"message":"Validation Failed","errors":[{"resource":"Hook","code":"custom",
                   "message":"The \"push\" event cannot have more than 20 hooks"}]}"#;
    registry.world.github.borrow_mut().hooks.full = Some((422, body.to_owned()));
    registry.run_jobs();
    registry.assert_settled();
    let reason = hook(&registry)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("cannot have more than 20 hooks"),
        "{reason}"
    );
}

#[test]
fn a_limit_of_the_host_is_waited_for() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    // The comparison and its three imports, so that the webhook comes next.
    for _ in 0..4 {
        registry.run_one_job();
    }
    let limited = Answer::new(429, "").with("retry-after", "90");
    registry.world.github.borrow_mut().refusals.push(limited);
    let before = registry.world.now.get();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(hook(&registry)["state"], "registered");
    assert!(registry.world.now.get() >= before + 90);
}

#[test]
fn by_hand_a_hook_is_registered_and_removed_and_stays_so() {
    let registry = TestRegistry::new();
    registry.make_project();
    let asked = json!({"provider": "github", "token": GITHUB_TOKEN, "hooks": "manual"});
    let connection = registry
        .admin()
        .post(CONNECTIONS, &asked)
        .expect(201)
        .json();
    assert_eq!(connection["hooks"], "manual");
    let asked = json!({"connection": connection["id"], "project": PROJECT, "repository": "main"});
    let packages = "/api/v1/orgs/acme/packages";
    registry.admin().post(packages, &asked).expect(202);
    registry.run_jobs();
    assert_eq!(registry.hook_places(), Vec::<String>::new());
    assert_eq!(hook(&registry)["state"], "manual");

    let made = registry.admin().post(HOOK, &json!({})).expect(200).json();
    assert_eq!(made["hook"]["state"], "registered");
    registry.admin().post(HOOK, &json!({})).expect(200);
    assert_eq!(
        registry.hook_places(),
        [PLACE],
        "found again instead of doubled"
    );

    let path = format!("{CONNECTIONS}/{}", connection["id"].as_str().unwrap());
    let automatic = json!({"hooks": "automatic"});
    let shown = registry.admin().patch(&path, &automatic).expect(200).json();
    assert_eq!(shown["hooks"], "automatic");
    let remove = || registry.admin().send("DELETE", HOOK, &[], Vec::new());
    assert_eq!(remove().expect(200).json()["hook"]["state"], "manual");
    assert_eq!(registry.hook_places(), Vec::<String>::new());
    remove().expect(200);
    registry.sync(PACKAGE);
    assert_eq!(
        registry.hook_places(),
        Vec::<String>::new(),
        "a person removed it"
    );
    registry.admin().post(HOOK, &json!({})).expect(200);
    assert_eq!(registry.hook_places(), [PLACE]);
    registry
        .admin()
        .patch(&path, &json!({"hooks": "always"}))
        .expect(422);
}

#[test]
fn a_hook_that_somebody_removed_at_the_host_comes_back_once_it_was_missed() {
    let registry = TestRegistry::imported();
    registry.world.github.borrow_mut().hooks.all.clear();
    registry.push_tag("v1.2.0");
    registry.pass_time(7 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    assert_eq!(registry.hook_places(), [PLACE]);
}

#[test]
fn a_hook_follows_the_registry_to_another_address() {
    let registry = TestRegistry::imported();
    let id = registry.world.github.borrow().hooks.all[0].id;
    let moved = isolate_at(&registry.world, "https://composer.example.com");
    registry.pass_time(7 * 60 * 60);
    block_on(jobs::housekeep(&moved));
    while let Some(message) = { registry.world.queue.borrow_mut().pop_front() } {
        block_on(jobs::run(&moved, &message.text, 1));
    }
    let hooks = &registry.world.github.borrow().hooks.all;
    assert_eq!(hooks.len(), 1);
    assert_eq!(hooks[0].id, id);
    let url = hooks[0].body["config"]["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://composer.example.com/hooks/"),
        "{url}"
    );
}

#[test]
fn each_host_is_asked_in_its_own_way() {
    for (provider, place) in [
        ("gitlab", "gitlab projects 41"),
        ("forgejo", "forgejo repos acme/lib-source"),
    ] {
        let registry = TestRegistry::new();
        registry.make_project();
        let asked = json!({"provider": provider, "token": HOST_TOKEN});
        let connection = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        let asked =
            json!({"connection": connection["id"], "project": PROJECT, "repository": "main"});
        let packages = "/api/v1/orgs/acme/packages";
        registry.admin().post(packages, &asked).expect(202);
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.hook_places(), [place]);
        let secret = connection["webhook"]["secret"].as_str().unwrap();
        let body = registry.world.github.borrow().hooks.all[0].body.clone();
        if provider == "gitlab" {
            assert_eq!(body["url"], url(&registry));
            assert_eq!(body["push_events"], true);
            assert_eq!(body["tag_push_events"], true);
            // What old versions show, and what new ones sign with: the key is the 32 bytes of the secret.
            assert_eq!(body["token"], secret);
            let key = format!("whsec_{}", STANDARD.encode(hex::decode(secret).unwrap()));
            assert_eq!(body["signing_token"], key);
            assert_eq!(
                body["signing_token"],
                connection["webhook"]["signing_token"]
            );
        } else {
            assert_eq!(body["type"], "forgejo");
            assert_eq!(body["active"], true);
            assert_eq!(body["config"]["url"], url(&registry));
            assert_eq!(body["config"]["content_type"], "json");
            assert_eq!(body["config"]["secret"], secret);
            assert_eq!(
                body["events"],
                json!(["push", "create", "delete", "repository"])
            );
        }
        // Again by hand: changed in place, in the host's own way; then removed.
        registry.admin().post(HOOK, &json!({})).expect(200);
        assert_eq!(registry.hook_places(), [place]);
        registry
            .admin()
            .send("DELETE", HOOK, &[], Vec::new())
            .expect(200);
        assert_eq!(registry.hook_places(), Vec::<String>::new());
    }
}

#[test]
fn what_each_token_lacks_is_named() {
    for (provider, refusal, words) in [
        (
            "gitlab",
            (
                403,
                r#"{"error":"insufficient_scope","error_description":"x"}"#,
            ),
            "scope `api`",
        ),
        (
            "gitlab",
            (404, r#"{"message":"404 Not Found"}"#),
            "role Maintainer",
        ),
        (
            "forgejo",
            (
                403,
                r#"{"message":"token does not have at least one of required scope(s): [write:repository]"}"#,
            ),
            "required scope(s): [write:repository]",
        ),
    ] {
        let registry = TestRegistry::new();
        registry.make_project();
        let asked = json!({"provider": provider, "token": HOST_TOKEN});
        let connection = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        let asked =
            json!({"connection": connection["id"], "project": PROJECT, "repository": "main"});
        let packages = "/api/v1/orgs/acme/packages";
        registry.admin().post(packages, &asked).expect(202);
        refuse(&registry, Some(refusal));
        registry.run_jobs();
        registry.assert_settled();
        let reason = hook(&registry)["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(words), "{reason}");
    }
}
