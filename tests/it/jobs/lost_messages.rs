//! A queue that loses its messages, as the local one does when its process is killed: what was under way goes on after
//! minutes, to the same end.

use pollster::block_on;
use repertoire::app::App;
use repertoire::jobs::{self, Outcome};
use serde_json::json;

use crate::support::git_server::GIT_SERVER;
use crate::support::github::Answer;
use crate::support::interleave::Run;
use crate::support::world::{Port, Waiting, World};
use crate::support::{PACKAGE, PROJECT, TestRegistry, isolate};

/// The time between two rounds of housekeeping, in seconds.
const ROUND: i64 = 300;

/// An import from GitHub that has been asked for and not begun.
fn from_github() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push_tag("1.1.0");
    registry.push("refs/tags/not-a-version", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry
}

/// A sync that finds a tag gone and nothing else, so that all it has to do is publish.
fn with_nothing_to_import() -> TestRegistry {
    let registry = TestRegistry::imported();
    registry.delete_ref("refs/tags/v1.0.0");
    registry.deliver_webhook("one").expect(202);
    registry
}

/// An import from a server that speaks git alone.
fn from_plain_git() -> TestRegistry {
    let registry = TestRegistry::new();
    let connection = json!({"provider": "git", "base_url": GIT_SERVER});
    let made = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", &connection)
        .expect(201)
        .json();
    let package = json!({"connection": made["id"], "project": "few.git", "repository": "main"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &package)
        .expect(202);
    registry
}

/// Delivers what is in the queue until nothing is left.
async fn deliver_all(app: &App, world: &World) {
    loop {
        let first = world.queue.borrow_mut().pop_front();
        let Some(mut message) = first else { return };
        message.attempts += 1;
        world.now.set(world.now.get().max(message.due));
        if let Outcome::Retry { .. } = jobs::run(app, &message.text, message.attempts).await {
            world.queue.borrow_mut().push_back(message);
        }
    }
}

/// The process ends and takes the queue along; another begins.
fn start_anew(registry: &mut TestRegistry) {
    registry.world.gives_way.set(false);
    registry.world.queue.borrow_mut().clear();
    registry.app = isolate(&registry.world);
}

/// What the cron does in half an hour.
fn let_the_cron_run(registry: &TestRegistry) {
    for _ in 0..6 {
        registry.pass_time(ROUND);
        registry.housekeep();
        registry.run_jobs();
    }
}

/// How many archives or packs the hosts were asked for.
fn fetched(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|one| one.contains("/zipball/") || one.contains("/git-upload-pack"))
        .count()
}

/// What is in the queue, but for publications, which housekeeping asks for on its own account.
fn queued(registry: &TestRegistry) -> Vec<Waiting> {
    let queue = registry.world.queue.borrow();
    let queue = queue.iter().filter(|one| !one.text.contains("publish"));
    queue.cloned().collect()
}

fn count_jobs(registry: &TestRegistry) -> usize {
    registry.world.sqlite.texts("select id from jobs").len()
}

/// Kills the process at each call of a port in turn.
fn with_every_kill(prepare: impl Fn() -> TestRegistry) {
    let calm = prepare();
    calm.world.github.borrow_mut().seen.clear();
    calm.run_jobs();
    for steps in 0.. {
        let mut registry = prepare();
        registry.world.github.borrow_mut().seen.clear();
        registry.world.gives_way.set(true);
        let is_through = {
            let mut process = Run::new(deliver_all(&registry.app, &registry.world));
            process.steps(steps)
        };
        start_anew(&mut registry);
        let_the_cron_run(&registry);
        println!("killed at call {steps}");
        assert_eq!(registry.contents(), calm.contents());
        registry.assert_settled();
        assert_eq!(count_jobs(&registry), count_jobs(&calm));
        // What was under way is fetched again, at most: from plain git that is the look at the refs, too.
        let again = fetched(&registry) - fetched(&calm).min(fetched(&registry));
        assert!(again <= 3, "{again} were fetched again");
        if is_through {
            assert!(steps > 30, "the scene calls no port");
            return;
        }
    }
}

#[test]
fn an_import_that_was_killed_goes_on_wherever_it_was() {
    with_every_kill(from_github);
}

#[test]
fn an_import_from_plain_git_that_was_killed_goes_on_wherever_it_was() {
    with_every_kill(from_plain_git);
}

#[test]
fn a_sync_that_was_killed_is_published_wherever_it_was() {
    with_every_kill(with_nothing_to_import);
}

#[test]
fn any_one_message_may_be_lost() {
    for prepare in [from_github, from_plain_git, with_nothing_to_import] {
        let calm = prepare();
        let mut messages = 0;
        while calm.run_one_job() {
            messages += 1;
        }
        for lost in 0..messages {
            let registry = prepare();
            for _ in 0..lost {
                registry.run_one_job();
            }
            let gone = registry.world.queue.borrow_mut().pop_front();
            println!("{gone:?} is lost");
            registry.run_jobs();
            let_the_cron_run(&registry);
            assert_eq!(registry.contents(), calm.contents());
            registry.assert_settled();
        }
    }
}

#[test]
fn messages_that_stand_in_a_long_queue_are_not_sent_again() {
    let registry = from_github();
    registry.run_one_job();
    let before = queued(&registry).len();
    for round in 1..=9 {
        registry.pass_time(ROUND);
        registry.housekeep();
        // One that asks, at most, in any ten minutes, and none for the first ten.
        let asking = queued(&registry).len() - before;
        assert!(asking <= round / 2, "{asking} after {round} rounds");
    }
    assert!(queued(&registry).len() > before);
    registry.world.github.borrow_mut().seen.clear();
    registry.run_jobs();
    registry.assert_settled();
    let imported = registry
        .world
        .sqlite
        .texts("select distinct reference from versions")
        .len();
    assert_eq!(
        fetched(&registry),
        imported,
        "each archive was asked for once"
    );
}

#[test]
fn what_waits_because_the_host_said_so_is_not_sent_again() {
    let registry = from_github();
    registry.run_one_job();
    registry.world.queue.borrow_mut().truncate(1);
    let limited = Answer::new(429, "slow down").with("retry-after", "7200");
    registry.world.github.borrow_mut().refusals.push(limited);
    registry.run_one_job();
    let waiting = queued(&registry);
    assert_eq!(waiting.len(), 1);
    for _ in 0..20 {
        registry.pass_time(ROUND);
        registry.housekeep();
        assert_eq!(queued(&registry), waiting);
    }
    // The others, which were lost, are sent for once that is over.
    registry.run_jobs();
    let_the_cron_run(&registry);
    registry.assert_settled();
}

#[test]
fn what_fails_and_is_tried_again_is_not_sent_twice() {
    let registry = from_github();
    registry.run_one_job();
    registry.world.queue.borrow_mut().truncate(1);
    let down = Answer::new(503, "down");
    registry.world.github.borrow_mut().refusals.push(down);
    registry.run_one_job();
    for _ in 0..6 {
        registry.pass_time(ROUND);
        registry.housekeep();
        assert_eq!(queued(&registry).len(), 1);
    }
    for _ in 0..4 {
        let_the_cron_run(&registry);
    }
    registry.assert_settled();
}

#[test]
fn what_was_cancelled_is_not_resumed() {
    let registry = from_github();
    registry.run_one_job();
    registry.world.queue.borrow_mut().clear();
    let id = registry.world.sqlite.texts("select id from jobs").remove(0);
    registry.pass_time(3 * ROUND);
    registry.housekeep();
    let cancel = format!("/api/v1/orgs/acme/jobs/{id}/cancel");
    registry
        .admin()
        .send("POST", &cancel, &[], Vec::new())
        .expect(200);
    registry.world.forget_calls();
    registry.run_jobs();
    assert_eq!(registry.world.calls(Port::Outbound), 0);
    let unknown = format!(
        r#"{{"v":1,"job":"resume","id":"{}","since":0}}"#,
        "0".repeat(32)
    );
    assert_eq!(
        block_on(jobs::run(&registry.app, &unknown, 1)),
        Outcome::Done
    );
}
