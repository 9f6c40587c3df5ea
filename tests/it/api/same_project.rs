//! One project, several repositories and connections.

use serde_json::json;

use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// How often a host was asked for an archive.
fn archives_asked(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|one| one.contains("/zipball/")).count()
}

fn stored_archives(registry: &TestRegistry) -> usize {
    let objects = registry.world.objects.borrow();
    objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .count()
}

/// Asserts that a repository serves the newest archive.
fn assert_serves(registry: &TestRegistry, repository: &str) {
    let reference = registry.composer_metadata(PACKAGE)[0]["dist"]["reference"].clone();
    let path = format!(
        "/r/acme/{repository}/dist/{PACKAGE}/{}.zip",
        reference.as_str().unwrap()
    );
    let answer = registry.admin().get(&path).expect(200);
    assert!(answer.bytes().starts_with(b"PK"));
}

#[test]
fn the_same_project_in_two_repositories_and_through_two_connections_has_its_archives_once() {
    let registry = TestRegistry::imported();
    let slug = json!({"slug": "second"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &slug)
        .expect(201);
    assert_eq!(
        (archives_asked(&registry), stored_archives(&registry)),
        (3, 3)
    );
    let first = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let (second, _) = registry.connect();
    for (connection, repository) in [(&first, "second"), (&second, "main"), (&second, "second")] {
        let asked = json!({"connection": connection, "project": PROJECT, "repository": repository});
        registry
            .admin()
            .post("/api/v1/orgs/acme/packages", &asked)
            .expect(202);
        registry.run_jobs();
        let asked = json!({"pattern": "*", "repository": repository});
        registry
            .admin()
            .post(
                &format!("/api/v1/orgs/acme/connections/{connection}/imports"),
                &asked,
            )
            .expect(202);
        registry.run_jobs();
        registry.assert_settled();
    }
    assert_eq!(
        (archives_asked(&registry), stored_archives(&registry)),
        (3, 3)
    );
    assert_serves(&registry, "main");
    assert_serves(&registry, "second");
    // It is one package, synced through the connection it came by.
    let shown = registry.shown(PACKAGE);
    assert_eq!(shown["repositories"], json!(["main", "second"]));
    assert_eq!(shown["project"]["connection"], first.as_str());
    // What comes later is fetched once as well.
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    assert_eq!(
        (archives_asked(&registry), stored_archives(&registry)),
        (4, 4)
    );
    assert_serves(&registry, "second");
}
