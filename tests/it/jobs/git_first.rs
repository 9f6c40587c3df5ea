use serde_json::{Value, json};

use crate::support::github::GITHUB_TOKEN;
use crate::support::hosts::HOST_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const HOUR: i64 = 60 * 60;

/// A project at one of the three hosts, imported.
fn imported(provider: &str) -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    import(&registry, provider);
    registry
}

/// Imports the project through a connection without webhooks: what has a healthy one is compared once a day only.
fn import(registry: &TestRegistry, provider: &str) {
    let token = if provider == "github" {
        GITHUB_TOKEN
    } else {
        HOST_TOKEN
    };
    let asked = json!({"provider": provider, "token": token, "hooks": "manual"});
    let made = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", &asked);
    let connection = made.expect(201).json()["id"].clone();
    let asked = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    let made = registry.admin().post("/api/v1/orgs/acme/packages", &asked);
    made.expect(202);
    registry.run_jobs();
    registry.assert_settled();
}

/// What a scheduled comparison asks after some hours.
fn compare(registry: &TestRegistry, hours: i64) -> Vec<String> {
    registry.pass_time(hours * HOUR);
    registry.world.github.borrow_mut().seen.clear();
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    registry.world.github.borrow().seen.clone()
}

fn last_job(registry: &TestRegistry) -> Value {
    let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    jobs["jobs"][0].clone()
}

fn git_only(provider: &str) -> Vec<String> {
    let host = match provider {
        "github" => "github.com",
        "gitlab" => "gitlab.com",
        _ => "codeberg.org",
    };
    vec![format!(
        "POST https://{host}/{PROJECT}.git/git-upload-pack 200"
    )]
}

#[test]
fn an_unchanged_project_costs_one_request_that_no_api_counts_and_the_api_is_asked_once_a_day() {
    // Requests of an unchanged comparison with two tags and a branch: by the API, and by git.
    for (provider, by_api) in [("github", 3), ("gitlab", 4), ("forgejo", 3)] {
        let registry = imported(provider);
        let head = registry.head();
        for _ in 0..3 {
            assert_eq!(compare(&registry, 7), git_only(provider), "{provider}");
            let job = last_job(&registry);
            assert_eq!(job["cause"], "schedule");
            assert_eq!(job["state"], "done");
            assert_eq!(job["progress"]["unchanged"], 3);
        }
        // A day after the last comparison by the API.
        let asked = compare(&registry, 7);
        assert_eq!(asked.len(), by_api, "{provider}: {asked:?}");
        assert!(asked.iter().all(|one| one.contains("/api")), "{asked:?}");
        assert_eq!(compare(&registry, 7), git_only(provider), "{provider}");
        assert_eq!(registry.head(), head);
    }
}

#[test]
fn with_more_refs_the_api_costs_more_and_git_the_same() {
    let registry = TestRegistry::new();
    registry.make_project();
    for number in 0..19 {
        registry.push_tag(&format!("v2.{number}.0"));
    }
    import(&registry, "github");
    assert_eq!(compare(&registry, 7).len(), 1);
    // The double gives two tags a page: eleven pages, one of branches, and the project.
    assert_eq!(compare(&registry, 24).len(), 13);
}

#[test]
fn what_git_tells_of_is_looked_at_by_the_api() {
    let changes: [fn(&TestRegistry); 5] = [
        |registry| {
            registry.push_tag("v1.2.0");
        },
        |registry| {
            let moved = json!({"name": PACKAGE, "description": "Moved"});
            registry.push("refs/heads/main", &moved);
        },
        |registry| registry.delete_ref("refs/tags/v1.0.0"),
        |registry| {
            registry.push("refs/heads/next", &json!({"name": PACKAGE}));
            let mut github = registry.world.github.borrow_mut();
            github.project(PROJECT).default_branch = "next".to_owned();
        },
        // One that failed is tried again.
        |registry| {
            registry.change("update git_refs set state = 'failed' where name like '%v1.0.0'");
        },
    ];
    for change in changes {
        let registry = imported("github");
        change(&registry);
        let asked = compare(&registry, 7);
        assert!(asked.len() > 3, "{asked:?}");
        assert_eq!(asked[..1], git_only("github"));
        let calm = compare(&registry, 7);
        assert_eq!(calm, git_only("github"));
    }
}

#[test]
fn git_that_refuses_the_token_is_left_alone_for_a_week_or_until_there_is_another_token() {
    for status in [401, 403] {
        let registry = imported("gitlab");
        registry.world.github.borrow_mut().refuse_git = Some(status);
        let is_git = |one: &String| one.contains("git-upload-pack");
        assert_eq!(
            compare(&registry, 7)
                .iter()
                .filter(|one| is_git(one))
                .count(),
            1
        );
        for _ in 0..4 {
            let asked = compare(&registry, 7);
            assert_eq!(asked.len(), 4, "{asked:?}");
            assert!(!asked.iter().any(is_git), "{asked:?}");
        }
        registry.world.github.borrow_mut().refuse_git = None;
        let connection = registry.world.sqlite.texts("select id from connections");
        let path = format!("/api/v1/orgs/acme/connections/{}", connection[0]);
        let token = json!({"token": HOST_TOKEN});
        registry.admin().patch(&path, &token).expect(200);
        assert_eq!(compare(&registry, 7), git_only("gitlab"));
    }
}

#[test]
fn git_that_does_not_answer_costs_the_comparison_nothing_but_a_request() {
    for status in [404, 500, 301] {
        let registry = imported("github");
        registry.push_tag("v1.2.0");
        registry.world.github.borrow_mut().refuse_git = Some(status);
        let asked = compare(&registry, 7);
        assert!(asked.len() > 3, "{asked:?}");
        assert_eq!(registry.versions(PACKAGE), ["v1.2.0", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn the_token_goes_to_the_hosts_own_address_alone() {
    for elsewhere in [
        "https://evil.example/acme/lib-source.git",
        "https://github.com.evil.example/acme/lib-source.git",
        "https://github.com:8443/acme/lib-source.git",
        "http://github.com/acme/lib-source.git",
        "git@github.com:acme/lib-source.git",
        "https://github.com",
    ] {
        let registry = imported("github");
        registry.world.sqlite.change(
            &repertoire::ports::Statement::new("update git_repos set clone_url = ?1")
                .bind(elsewhere),
        );
        let asked = compare(&registry, 7);
        assert!(
            asked
                .iter()
                .all(|one| one.contains("https://api.github.com/")),
            "{asked:?}"
        );
    }
}

#[test]
fn a_comparison_that_somebody_asked_for_is_made_by_the_api() {
    let registry = imported("github");
    registry.world.github.borrow_mut().seen.clear();
    registry.sync(PACKAGE);
    let asked = registry.world.github.borrow().seen.clone();
    assert!(!asked.iter().any(|one| one.contains("git-upload-pack")));
}

#[test]
fn a_connection_in_trouble_is_asked_by_the_api_whether_that_is_over() {
    let registry = imported("github");
    registry.change("update connections set trouble = 'the host was down'");
    let asked = compare(&registry, 7);
    assert_eq!(asked.len(), 3, "{asked:?}");
    let listed = registry.admin().get("/api/v1/orgs/acme/connections").json();
    assert_eq!(listed["connections"][0]["trouble"], Value::Null);
    assert_eq!(compare(&registry, 7), git_only("github"));
}
