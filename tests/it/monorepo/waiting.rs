//! Jobs about many packages that wait: for a credential, for their project to be shown, for the host to have news.

use serde_json::{Value, json};

use super::{Mono, PROJECT};
use crate::support::github::GITHUB_TOKEN;

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

fn tagged() -> Mono {
    let mono = Mono::with(&["a", "b"]);
    for minor in 0..5 {
        mono.change("a", &format!("<?php // {minor}\n"));
        mono.tag(&format!("v1.{minor}.0"));
    }
    mono
}

fn asked(mono: &Mono) -> Vec<String> {
    std::mem::take(&mut mono.registry.world.github.borrow_mut().seen)
}

fn job(mono: &Mono, id: &str) -> Value {
    let path = format!("/api/v1/orgs/acme/jobs/{id}");
    mono.registry.admin().get(&path).expect(200).json()
}

fn give(mono: &Mono, token: &str) {
    let shown = mono.registry.admin().get(CONNECTIONS).expect(200).json();
    let id = shown["connections"][0]["id"].as_str().unwrap();
    let path = format!("{CONNECTIONS}/{id}");
    let asked = json!({ "token": token });
    mono.registry.admin().patch(&path, &asked).expect(200);
}

/// After the comparison, the message for the webhook and one look.
fn begun(mono: &Mono) -> String {
    let id = mono.ask("all");
    for _ in 0..3 {
        mono.registry.run_one_job();
    }
    id
}

#[test]
fn a_refused_credential_has_the_job_wait_and_another_one_resumes_it() {
    let mono = tagged();
    let id = begun(&mono);
    mono.registry.world.github.borrow_mut().token = Some("ghp_another".to_owned());
    asked(&mono);
    while mono.registry.run_one_job() {}
    assert_eq!(asked(&mono).len(), 1);
    assert_eq!(job(&mono, &id)["state"], "queued");
    assert_eq!(job(&mono, &id)["progress"]["failed"], 0);
    give(&mono, "ghp_another");
    mono.run();
    assert_eq!(mono.versions("a").len(), 5);
    assert_eq!(mono.versions("b").len(), 5);
    // Its webhook was registered once, and is the project's own.
    let hooks = mono.registry.shown("acme/a")["project"]["hook"].clone();
    assert_eq!(hooks["state"], "registered", "{hooks}");
}

#[test]
fn a_project_that_is_withheld_has_the_job_wait_and_nothing_fails() {
    let mono = tagged();
    let id = begun(&mono);
    let parts = vec!["/repositories/77".to_owned(), format!("/{PROJECT}")];
    mono.registry.world.github.borrow_mut().withheld = Some((parts, 404));
    asked(&mono);
    while mono.registry.run_one_job() {}
    assert!(asked(&mono).len() <= 4);
    let waiting = job(&mono, &id);
    assert_eq!(waiting["state"], "queued");
    assert_eq!(waiting["progress"]["failed"], 0);
    assert!(waiting["message"].as_str().unwrap().contains("waits: `"));
    let warnings = mono.registry.world.warnings();
    let said = warnings.iter().filter(|line| line.contains("waits: "));
    assert_eq!(said.count(), 1, "{warnings:?}");
    mono.registry.world.github.borrow_mut().withheld = None;
    give(&mono, GITHUB_TOKEN);
    mono.run();
    assert_eq!(mono.versions("a").len(), 5);
}

#[test]
fn a_scheduled_comparison_without_news_asks_git_alone_and_proves_the_hook() {
    let mono = tagged();
    mono.import("changed");
    asked(&mono);
    mono.sync();
    let seen = asked(&mono);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains("git-upload-pack"), "{seen:?}");
    let proven = "select id from git_repos where hook_proven_at is not null";
    assert_eq!(mono.registry.world.sqlite.texts(proven).len(), 1);
    // Of which no webhook told.
    mono.change("b", "<?php // news\n");
    mono.tag("v1.5.0");
    for _ in 0..4 {
        mono.sync();
    }
    assert!(mono.versions("b").contains(&"v1.5.0".to_owned()));
    let missed = "select id from git_repos where hook_missed_at is not null";
    assert_eq!(mono.registry.world.sqlite.texts(missed).len(), 1);
}
