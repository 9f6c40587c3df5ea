//! What a git host knows about a project stands in every version's metadata, where composer.json is silent about it.

use serde_json::{Value, json};

use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// The entry of a version.
fn entry(registry: &TestRegistry, version: &str) -> Value {
    let dev = format!("{PACKAGE}~dev");
    let documents = [PACKAGE, &dev].map(|name| registry.composer_metadata(name));
    let found = documents
        .into_iter()
        .flatten()
        .find(|entry| entry["version"] == version);
    Value::Object(found.unwrap())
}

fn requests_for_funding(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|request| request.contains("FUNDING.yml"))
        .count()
}

fn sync(registry: &TestRegistry, delivery: &str) {
    registry.pass_time(60);
    registry.deliver_webhook(delivery).expect(202);
    registry.run_jobs();
    registry.assert_settled();
}

#[test]
fn pages_and_funding_are_told_where_a_manifest_is_silent() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push(
        "refs/tags/v2.0.0",
        &json!({"name": PACKAGE, "support": {"source": "https://a.b"}, "funding": [], "abandoned": false}),
    );
    {
        let mut github = registry.world.github.borrow_mut();
        let project = github.project(PROJECT);
        project.has_issues = true;
        project.is_archived = true;
        project.funding = Some("github: [octo]\n".to_owned());
        github.owner_funding = Some("ko_fi: never-asked\n".to_owned());
    }
    registry.import(PROJECT);
    registry.run_jobs();

    let tagged = entry(&registry, "v1.0.0");
    assert_eq!(
        tagged["support"],
        json!({
            "source": "https://github.com/acme/lib-source/tree/v1.0.0",
            "issues": "https://github.com/acme/lib-source/issues",
        })
    );
    assert_eq!(
        tagged["funding"],
        json!([{"type": "github", "url": "https://github.com/octo"}])
    );
    assert_eq!(tagged["abandoned"], true);
    assert_eq!(
        entry(&registry, "dev-main")["support"]["source"],
        "https://github.com/acme/lib-source/tree/main"
    );

    let outspoken = entry(&registry, "v2.0.0");
    assert_eq!(outspoken["support"]["source"], "https://a.b");
    assert_eq!(outspoken.get("funding"), None);
    assert_eq!(outspoken.get("abandoned"), None);
}

#[test]
fn an_owners_funding_stands_in_for_a_projects_own() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.world.github.borrow_mut().owner_funding = Some("patreon: acme\n".to_owned());
    registry.import(PROJECT);
    registry.run_jobs();
    assert_eq!(
        entry(&registry, "v1.1.0")["funding"],
        json!([{"type": "patreon", "url": "https://www.patreon.com/acme"}])
    );
}

#[test]
fn funding_is_read_again_only_when_the_default_branch_has_moved() {
    let registry = TestRegistry::imported();
    let asked = requests_for_funding(&registry);
    assert_eq!(asked, 2);
    registry.push_tag("v1.2.0");
    sync(&registry, "a tag");
    assert_eq!(requests_for_funding(&registry), asked);

    registry.world.github.borrow_mut().project(PROJECT).funding = Some("github: octo".to_owned());
    registry.push(
        "refs/heads/main",
        &json!({"name": PACKAGE, "description": "Paid"}),
    );
    sync(&registry, "the default branch");
    assert_eq!(
        entry(&registry, "v1.2.0")["funding"][0]["url"],
        "https://github.com/octo"
    );
}

#[test]
fn a_change_of_these_facts_alone_is_published() {
    let registry = TestRegistry::imported();
    let (before, _) = registry.head();
    sync(&registry, "nothing new");
    assert_eq!(registry.head().0, before);
    registry
        .world
        .github
        .borrow_mut()
        .project(PROJECT)
        .has_issues = true;
    sync(&registry, "issues were opened");
    assert_eq!(
        entry(&registry, "v1.0.0")["support"]["issues"],
        "https://github.com/acme/lib-source/issues"
    );
}

#[test]
fn funding_that_cannot_be_read_holds_no_version_up() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    registry.world.github.borrow_mut().fail_funding = Some(502);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(entry(&registry, "v1.0.0").get("funding"), None);

    let mut github = registry.world.github.borrow_mut();
    github.fail_funding = None;
    github.project(PROJECT).funding = Some("github: octo".to_owned());
    drop(github);
    sync(&registry, "later");
    assert_eq!(entry(&registry, "v1.0.0")["funding"][0]["type"], "github");
}
