//! Imports by an installation of a GitHub App, whose tokens end.

use serde_json::json;

use crate::support::faults::with_every_fault;
use crate::support::github_app::{
    CONNECTIONS, OTHER_KEY, connect, import, installed, text, tokens_made,
};
use crate::support::{PACKAGE, TestRegistry};

#[test]
fn an_installation_is_a_connection_like_any_other() {
    let registry = installed();
    let (github_app, connection) = connect(&registry);
    let shown = registry.admin().get(CONNECTIONS).expect(200).json()["connections"][0].clone();
    assert_eq!(shown["account"], "acme");
    assert_eq!(shown["github_app"], github_app);
    assert_eq!(shown["installation"], 7);
    assert_eq!(
        shown["webhook"]["url"],
        format!("https://packages.example.com/hooks/{github_app}")
    );
    import(&registry, &connection);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    // One token of 2,000 characters for all of it, and nowhere in clear.
    assert_eq!(tokens_made(&registry), 1);
    let token = registry
        .world
        .github
        .borrow()
        .app
        .tokens
        .keys()
        .next()
        .unwrap()
        .clone();
    assert_eq!(token.len(), 2_000);
    let stored = registry
        .world
        .sqlite
        .texts("select sealed_token from connections")
        .remove(0);
    assert_eq!(
        stored,
        format!(
            "sealed:connection:{connection}:token:{}",
            hex::encode(token)
        )
    );
}

#[test]
fn a_token_serves_until_five_minutes_before_its_end() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    registry.pass_time(3_600 - 301 - 1);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 1);
    registry.pass_time(1);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    // Long after the end of all of them.
    registry.pass_time(100_000);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 3);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    registry.assert_settled();
}

#[test]
fn while_one_gets_another_token_the_others_use_what_is_left() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    registry.pass_time(3_600 - 200);
    registry.change("update connections set token_claimed_until = 9999999999");
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 1);
    // Whoever claimed it died, and the end is near.
    registry.pass_time(150);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    registry.assert_settled();
}

#[test]
fn a_token_that_is_refused_before_its_time_is_replaced_once() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    // As after a key of the app was deleted and its tokens were revoked.
    registry.world.github.borrow_mut().app.tokens.clear();
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(tokens_made(&registry), 2);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let refused = |registry: &TestRegistry| {
        let github = registry.world.github.borrow();
        let seen = github.seen.iter();
        seen.filter(|one| one.ends_with(" 401")).count()
    };
    assert_eq!(refused(&registry), 1);
    // When every token is refused, nobody goes round in circles.
    let mut github = registry.world.github.borrow_mut();
    github.app.keys = vec![OTHER_KEY];
    github.app.tokens.clear();
    drop(github);
    registry.sync(PACKAGE);
    assert_eq!(refused(&registry), 3);
    let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(jobs["jobs"][0]["state"], "queued");
    let message = text(&jobs["jobs"][0]["message"]);
    assert!(message.contains("must be of the same app"), "{message}");
}

#[test]
fn a_token_that_opens_no_more_is_replaced() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    // As after another `ENCRYPTION_KEY`, when the app was given its key again.
    registry.change("update connections set sealed_token = 'sealed:for something else'");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(tokens_made(&registry), 2);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
}

#[test]
fn a_suspended_installation_says_so_where_a_person_looks() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    let suspend = |is_suspended: bool| {
        let mut github = registry.world.github.borrow_mut();
        github.app.installations.get_mut(&7).unwrap().is_suspended = is_suspended;
    };
    for age in [0, 4_000] {
        suspend(true);
        registry.pass_time(age);
        registry.sync(PACKAGE);
        let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
        let message = text(&jobs["jobs"][0]["message"]);
        assert!(
            message.contains("is suspended at `api.github.com`"),
            "{message}"
        );
        let trouble = || {
            let connections = registry.admin().get(CONNECTIONS).json();
            connections["connections"][0]["trouble"].clone()
        };
        assert_eq!(trouble(), jobs["jobs"][0]["message"]);
        suspend(false);
        // GitHub tells of it as a rule; else it is found out.
        registry.pass_time(7 * 60 * 60);
        registry.housekeep();
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(trouble(), json!(null));
    }
}

#[test]
fn a_project_that_the_installation_was_not_given_is_not_shown() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    registry
        .world
        .github
        .borrow_mut()
        .add_project(42, "acme/secret");
    let asked = json!({"connection": connection, "project": "acme/secret", "repository": "main"});
    let refused = registry.admin().post("/api/v1/orgs/acme/packages", &asked);
    let detail = text(&refused.expect(422).json()["detail"]);
    assert!(
        detail.contains("it must be given the repository"),
        "{detail}"
    );
}

#[test]
fn a_first_import_by_an_app_and_graphql_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = installed();
        // Enough for what is said of them to be read ahead; one stands back, and one is none.
        for tag in ["v2.0.0", "v3.0.0", "1.1.0", "not-a-version"] {
            registry.push_tag(tag);
        }
        let (_, connection) = connect(&registry);
        import(&registry, &connection);
        // The token of before is at its end: the jobs need another one.
        registry.pass_time(3_500);
        registry
    };
    let check = |registry: &TestRegistry, calm: &TestRegistry| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions(PACKAGE).len(), 4);
        registry.assert_settled();
        let kept = registry
            .world
            .sqlite
            .texts("select \"commit\" from read_commits");
        assert_eq!(kept, Vec::<String>::new());
        let github = calm.world.github.borrow();
        assert!(github.seen.iter().any(|one| one.contains("/graphql")));
    };
    with_every_fault(prepare, TestRegistry::run_jobs, check);
}
