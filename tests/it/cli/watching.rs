//! Jobs and imports, watched until they end.

use serde_json::json;

use super::Terminal;
use crate::support::github::GITHUB_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// The queue is at work while somebody watches: a message for each look.
fn work<'a>(registry: &'a TestRegistry, terminal: &Terminal<'a>) {
    *terminal.meanwhile.borrow_mut() = Box::new(|line| {
        if line.contains("/jobs/") || line.contains("/imports/") {
            registry.run_one_job();
        }
    });
}

fn connect(terminal: &Terminal<'_>) -> String {
    let made = terminal
        .type_in(
            &["connections", "add", "github", "--with-token", "--json"],
            GITHUB_TOKEN,
        )
        .expect(0);
    assert!(!made.out.contains(GITHUB_TOKEN));
    made.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_project_is_connected_imported_and_watched_until_it_can_be_installed() {
    let registry = TestRegistry::new();
    registry.make_project();
    let terminal = Terminal::of_owner(&registry);
    let connection = connect(&terminal);
    terminal
        .run(&["connections", "list"])
        .expect(0)
        .assert_says(&[&connection, "github"]);
    work(&registry, &terminal);
    let added = terminal
        .run(&[
            "packages",
            "add",
            PROJECT,
            "--connection",
            &connection,
            "--repository",
            "main",
            "--watch",
            "--interval",
            "0.1",
        ])
        .expect(0);
    added.assert_says(&["state", "done"]);
    // Not a terminal: lines, and nothing drawn.
    assert!(
        added.err.contains("waiting") && !added.err.contains('\u{1b}'),
        "{}",
        added.err
    );
    registry.run_jobs();

    let shown = terminal.json(&["packages", "show", PACKAGE]);
    let path = format!("/api/v1/orgs/acme/packages/{PACKAGE}");
    assert_eq!(shown, registry.admin().get(&path).json());
    terminal
        .run(&["packages", "list"])
        .expect(0)
        .assert_says(&["acme/lib", "A library"]);

    let jobs = terminal.json(&["jobs", "list"]);
    let id = jobs[0]["id"].as_str().unwrap();
    let quiet = terminal
        .run(&["jobs", "watch", id, "--quiet", "--json"])
        .expect(0);
    assert_eq!(quiet.err, "");
    assert_eq!(quiet.json()["progress"]["imported"], 3);
}

#[test]
fn a_job_that_fails_fails_the_command() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    registry.pass_time(1);
    terminal.run(&["packages", "sync", PACKAGE]).expect(0);
    let id = terminal.json(&["jobs", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    terminal.run(&["jobs", "cancel", &id]).expect(0);
    registry.run_jobs();
    let watched = terminal.run(&["jobs", "watch", &id]).expect(1);
    assert!(watched.err.contains("cancelled"), "{}", watched.err);
    terminal.run(&["jobs", "cancel", &id]).expect(5);
    registry.pass_time(1);
    work(&registry, &terminal);
    terminal
        .run(&["jobs", "retry", &id, "--watch", "--interval", "0.1"])
        .expect(0);
    registry.run_jobs();
}

#[test]
fn watching_ends_when_somebody_says_so() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    let late = terminal
        .run(&[
            "packages",
            "sync",
            PACKAGE,
            "--watch",
            "--interval",
            "0.1",
            "--timeout",
            "0.1",
        ])
        .expect(6);
    assert!(late.err.contains("repertoire jobs watch"), "{}", late.err);
    registry.run_jobs();
}

#[test]
fn many_projects_are_looked_at_and_then_imported() {
    let registry = TestRegistry::new();
    registry.make_project();
    let terminal = Terminal::of_owner(&registry);
    let connection = connect(&terminal);
    terminal
        .run(&["connections", "projects", &connection])
        .expect(0)
        .assert_says(&["PROJECT", PROJECT]);
    let asked = [
        "--connection",
        &connection,
        "--repository",
        "main",
        "--pattern",
        "acme/*",
    ];
    let with = |more: &[&'static str]| [&["packages", "import"], &asked[..], more].concat();
    terminal
        .run(&with(&["--dry-run"]))
        .expect(0)
        .assert_says(&[PROJECT, PACKAGE]);
    assert_eq!(terminal.json(&["packages", "list"]), json!([]));
    terminal
        .run(&[
            "packages",
            "import",
            "--connection",
            &connection,
            "--repository",
            "main",
        ])
        .expect(2);
    work(&registry, &terminal);
    terminal
        .run(&with(&["--watch", "--interval", "0.1"]))
        .expect(0)
        .assert_says(&["done"]);
    registry.run_jobs();
    let packages = terminal.json(&["packages", "list"]);
    assert_eq!(packages[0]["name"], PACKAGE);
    let imports = terminal.json(&["imports", "list"]);
    assert_eq!(imports[0]["progress"]["added"], 1);
}

#[test]
fn a_delivery_is_shown_and_replayed() {
    let registry = TestRegistry::imported();
    registry.deliver_webhook("first").expect(202);
    registry.run_jobs();
    let terminal = Terminal::of_owner(&registry);
    let deliveries = terminal.json(&["deliveries", "list"]);
    let id = deliveries[0]["id"].to_string();
    terminal
        .run(&["deliveries", "list"])
        .expect(0)
        .assert_says(&["push", "accepted", PROJECT]);
    registry.pass_time(1);
    work(&registry, &terminal);
    terminal
        .run(&["deliveries", "replay", &id, "--watch", "--interval", "0.1"])
        .expect(0);
    registry.run_jobs();
}
