//! Imports from a server that speaks git alone, where one answer holds many commits.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;
use crate::support::git_server::GIT_SERVER;
use crate::support::world::Port;

/// An import of that repository that has been asked for and not begun.
fn asked(repository: &str) -> TestRegistry {
    let registry = TestRegistry::new();
    let connection = json!({"provider": "git", "base_url": GIT_SERVER});
    let connection = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", &connection)
        .expect(201)
        .json();
    let package =
        json!({"connection": connection["id"], "project": repository, "repository": "main"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &package)
        .expect(202);
    registry
}

fn versions(registry: &TestRegistry) -> usize {
    registry.composer_metadata("acme/plain").len()
}

#[test]
fn an_import_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || asked("few.git"),
        TestRegistry::run_jobs,
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(versions(registry), 3);
            registry.assert_settled();
        },
    );
}

#[test]
fn more_commits_than_one_message_takes_are_left_to_the_next() {
    let registry = asked("many.git");
    registry.world.github.borrow_mut().seen.clear();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(versions(&registry), 45);
    // The refs, the head for its name, and two portions.
    assert_eq!(registry.world.github.borrow().seen.len(), 4);
}

#[test]
fn a_commit_costs_few_rounds_of_storage() {
    let registry = asked("many.git");
    registry.world.forget_calls();
    registry.run_jobs();
    let (db, blobs) = (
        registry.world.calls(Port::Db),
        registry.world.calls(Port::Blobs),
    );
    // What waits, whether its version was deleted, whether it and its archive are known, and the batch; the archive, and a
    // look into it. The rest is for the job as a whole.
    assert!(db <= 45 * 5 + 40, "{db} rounds of D1");
    assert!(blobs <= 45 * 2 + 20, "{blobs} rounds of R2");
}
