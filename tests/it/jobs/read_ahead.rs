//! Many commits at once by GraphQL, with the results of REST.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::github::Answer as Reply;
use crate::support::github_app::{GraphQl, Odd};
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// A project with this many tags and a branch, whose import was asked for.
fn asked(tags: usize, graphql: GraphQl) -> TestRegistry {
    let registry = TestRegistry::new();
    let mut github = registry.world.github.borrow_mut();
    github.add_project(41, PROJECT);
    github.per_page = Some(100);
    github.graphql = graphql;
    drop(github);
    registry.push(
        "refs/heads/main",
        &json!({"name": PACKAGE, "description": "A library"}),
    );
    for tag in 0..tags {
        registry.push_tag(&format!("v1.{tag}.0"));
    }
    registry.import(PROJECT);
    registry.world.github.borrow_mut().seen.clear();
    registry
}

/// How many requests of the import were of each kind.
fn count(registry: &TestRegistry, part: &str) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|one| one.contains(part)).count()
}

/// How many commits were read and not taken in yet.
fn kept(registry: &TestRegistry) -> usize {
    let sqlite = &registry.world.sqlite;
    sqlite.texts("select \"commit\" from read_commits").len()
}

#[test]
fn a_first_import_of_100_tags_takes_two_requests_for_all_they_say_and_two_for_each_archive() {
    let registry = asked(100, GraphQl::Working);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE).len(), 100);
    // 101 commits with the branch's.
    assert_eq!(count(&registry, "/graphql"), 2);
    assert_eq!(count(&registry, "/git/commits/"), 0);
    // The name of the package is looked up before anything is planned.
    assert_eq!(count(&registry, "/contents/composer.json"), 1);
    assert_eq!(count(&registry, "/zipball/"), 101);
    assert_eq!(count(&registry, "codeload.github.com"), 101);
    // And the project, its tags, its branches, and how to pay for it: in the project, and for all of the owner's. Its
    // webhook is another matter.
    let github = registry.world.github.borrow();
    let asked = github.seen.iter().filter(|one| !one.contains("/hooks"));
    assert_eq!(asked.count(), 2 + 1 + 202 + 5);
    drop(github);
    assert_eq!(kept(&registry), 0);
}

#[test]
fn documents_are_the_same_by_graphql_and_by_rest() {
    let documents = |graphql| {
        let registry = asked(12, graphql);
        registry.run_jobs();
        registry.assert_settled();
        let bytes = |path: &str| registry.admin().get(path).expect(200).bytes();
        [
            bytes("/r/acme/main/p2/acme/lib.json"),
            bytes("/r/acme/main/p2/acme/lib~dev.json"),
        ]
    };
    let by_rest = documents(GraphQl::Refused(404));
    for graphql in [
        GraphQl::Working,
        GraphQl::Slow(10),
        GraphQl::Slow(3),
        GraphQl::Refused(401),
        GraphQl::Refused(403),
        GraphQl::Refused(502),
        GraphQl::Failing,
        GraphQl::Spent,
        GraphQl::Elsewhere,
    ] {
        assert_eq!(documents(graphql), by_rest, "{graphql:?}");
    }
}

#[test]
fn the_allowances_of_rest_and_graphql_are_apart() {
    for graphql in [GraphQl::Working, GraphQl::Spent] {
        let registry = asked(12, graphql);
        let mut github = registry.world.github.borrow_mut();
        github.add_project(42, "acme/other");
        let manifest = json!({"name": "acme/other"}).to_string();
        github
            .project("acme/other")
            .push("refs/heads/main", Some(&manifest));
        drop(github);
        let admin = registry.admin();
        let listed = admin.get("/api/v1/orgs/acme/connections").json();
        let connection = &listed["connections"][0]["id"];
        let other =
            json!({"connection": connection, "project": "acme/other", "repository": "main"});
        admin.post("/api/v1/orgs/acme/packages", &other).expect(202);
        // The first project is compared, and the comparison of the other one spends what REST had left.
        registry.run_one_job();
        let reset = registry.world.now.get() + 1_800;
        let mut github = registry.world.github.borrow_mut();
        github.refusals = vec![
            Reply::new(403, r#"{"message":"API rate limit exceeded"}"#)
                .with("x-ratelimit-resource", "core")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", reset.to_string()),
        ];
        github.seen.clear();
        drop(github);
        let mut meanwhile = Vec::new();
        while registry.world.now.get() < reset {
            assert!(registry.run_one_job());
            let mut github = registry.world.github.borrow_mut();
            if registry.world.now.get() < reset {
                meanwhile.append(&mut github.seen);
            }
        }
        assert_eq!(meanwhile.len(), 2, "{meanwhile:?}");
        assert!(meanwhile[0].ends_with(" 403"), "{meanwhile:?}");
        assert!(meanwhile[1].contains("/graphql"), "{meanwhile:?}");
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.versions(PACKAGE).len(), 12);
        let by_rest = if graphql == GraphQl::Working { 0 } else { 13 };
        assert_eq!(count(&registry, "/git/commits/"), by_rest + 1);
        let path = "/api/v1/orgs/acme/jobs";
        for job in registry.admin().get(path).json()["jobs"]
            .as_array()
            .unwrap()
        {
            assert_eq!(
                (&job["state"], &job["progress"]["failed"]),
                (&json!("done"), &json!(0))
            );
        }
    }
}

#[test]
fn what_graphql_has_otherwise_is_read_by_rest() {
    let registry = asked(8, GraphQl::Working);
    let odd = [Odd::Link, Odd::Truncated, Odd::Binary, Odd::Converted];
    for (number, odd) in odd.into_iter().enumerate() {
        let mut github = registry.world.github.borrow_mut();
        let project = github.project(PROJECT);
        let commit = project.refs[&format!("refs/tags/v1.{number}.0")].clone();
        project.make_odd(&commit, odd);
    }
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(count(&registry, "/graphql"), 1);
    assert_eq!(count(&registry, "/contents/composer.json"), 1 + 4);
    assert_eq!(count(&registry, "/git/commits/"), 4);
    for version in registry.composer_metadata(PACKAGE) {
        // Of its own commit, and no other one's.
        assert_eq!(version["extra"]["tag"], version["version"]);
    }
}

#[test]
fn a_commit_without_composer_json_says_so_as_by_rest() {
    let registry = asked(6, GraphQl::Working);
    let mut github = registry.world.github.borrow_mut();
    github.project(PROJECT).push("refs/tags/v2.0.0", None);
    drop(github);
    registry.run_jobs();
    registry.assert_settled();
    let refs = registry.refs(PACKAGE);
    assert!(
        refs.contains("v2.0.0 skipped there is no composer.json at this commit"),
        "{refs}"
    );
}

#[test]
fn a_few_commits_are_not_worth_it() {
    let registry = asked(4, GraphQl::Working);
    registry.run_jobs();
    assert_eq!(count(&registry, "/graphql"), 0);
    assert_eq!(count(&registry, "/git/commits/"), 5);
}

#[test]
fn a_tag_that_moves_after_it_was_read_is_taken_in_as_it_was_listed() {
    let registry = asked(6, GraphQl::Working);
    // The comparison, and what it reads ahead.
    assert!(registry.run_one_job() && registry.run_one_job());
    assert_eq!(kept(&registry), 7);
    let listed =
        registry.world.github.borrow_mut().project(PROJECT).refs["refs/tags/v1.3.0"].clone();
    registry.push(
        "refs/tags/v1.3.0",
        &json!({"name": PACKAGE, "description": "Moved"}),
    );
    registry.run_jobs();
    let versions = registry.composer_metadata(PACKAGE);
    let version = versions
        .iter()
        .find(|one| one["version"] == "v1.3.0")
        .unwrap();
    assert_eq!(version["source"]["reference"], Value::from(listed));
    assert_eq!(version["extra"]["tag"], "v1.3.0");
    assert_eq!(version.get("description"), None);
}

#[test]
fn more_than_a_hundred_are_read_one_hundred_after_the_other() {
    let registry = asked(230, GraphQl::Working);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE).len(), 230);
    assert_eq!(count(&registry, "/graphql"), 3);
    assert_eq!(count(&registry, "/git/commits/"), 0);
    let tags: BTreeSet<_> = registry
        .composer_metadata(PACKAGE)
        .iter()
        .map(|one| one["extra"]["tag"].to_string())
        .collect();
    assert_eq!(tags.len(), 230);
}

#[test]
fn what_was_read_for_nothing_is_forgotten_after_a_day() {
    let registry = asked(6, GraphQl::Working);
    assert!(registry.run_one_job() && registry.run_one_job());
    let job = registry.world.sqlite.texts("select id from jobs").remove(0);
    let path = format!("/api/v1/orgs/acme/jobs/{job}/cancel");
    registry
        .admin()
        .send("POST", &path, &[], Vec::new())
        .expect(200);
    registry.run_jobs();
    assert_eq!(kept(&registry), 7);
    registry.pass_time(24 * 60 * 60 + 1);
    registry.world.sqlite.texts("select id from jobs");
    registry.change("update git_repos set last_reconciled_at = 9999999999");
    registry.housekeep();
    assert_eq!(kept(&registry), 0);
}
