//! The sweep: what nothing names goes, what anything names stays, whoever publishes meanwhile.

use pollster::block_on;
use repertoire::domain::blob::BlobHash;
use repertoire::http::handle;
use repertoire::store::sweep::{GRACE, VIEWS_KEPT, sweep};
use serde_json::json;

use crate::support::faults::with_every_fault;
use crate::support::github::git_archive;
use crate::support::interleave::Run;
use crate::support::persona::Persona;
use crate::support::shop::seen;
use crate::support::whole::{Checked, check_whole};
use crate::support::world::Object;
use crate::support::{TestRegistry, isolate};

fn keys(registry: &TestRegistry) -> Vec<String> {
    registry.world.objects.borrow().keys().cloned().collect()
}

fn leave(registry: &TestRegistry, key: &str, bytes: &[u8], age: i64) {
    let object = Object {
        bytes: bytes.to_vec(),
        uploaded: registry.world.now.get() - age,
    };
    registry
        .world
        .objects
        .borrow_mut()
        .insert(key.to_owned(), object);
}

#[test]
fn nothing_that_anything_names_is_removed() {
    let registry = TestRegistry::imported();
    registry.push_tag("v1.2.0");
    registry.delete_ref("refs/tags/v1.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let before = keys(&registry);
    registry.pass_time(10 * GRACE);
    let swept = block_on(sweep(&registry.app)).unwrap();
    assert_eq!((swept.seen, swept.removed), (before.len(), 0));
    assert_eq!(keys(&registry), before);
    check_whole(&registry.world, &mut Checked::default());
}

#[test]
fn an_orphan_goes_after_a_day_and_a_young_one_stays() {
    let registry = TestRegistry::imported();
    let before = keys(&registry);
    let old = BlobHash::of(b"old").blob_key();
    let young = BlobHash::of(b"young").blob_key();
    leave(&registry, &old, b"old", GRACE + 1);
    leave(&registry, &young, b"young", GRACE - 1);
    leave(&registry, "archives/1/old.zip", b"old", GRACE + 1);
    leave(&registry, "archives/1/young.zip", b"young", GRACE - 1);
    let swept = block_on(sweep(&registry.app)).unwrap();
    assert_eq!(swept.removed, 2);
    let left: Vec<_> = keys(&registry)
        .into_iter()
        .filter(|key| !before.contains(key))
        .collect();
    assert_eq!(left, ["archives/1/young.zip".to_owned(), young.clone()]);
    // A part that was swept to its end rests for a day.
    assert_eq!(block_on(sweep(&registry.app)).unwrap().seen, 0);
    registry.pass_time(GRACE + 1);
    assert_eq!(block_on(sweep(&registry.app)).unwrap().removed, 2);
    assert_eq!(keys(&registry), before);
}

#[test]
fn a_sweep_goes_on_where_it_stopped() {
    let registry = TestRegistry::new();
    for number in 0..2_500 {
        let bytes = format!("orphan {number}");
        let key = BlobHash::of(bytes.as_bytes()).blob_key();
        leave(&registry, &key, bytes.as_bytes(), 2 * GRACE);
    }
    let removed: Vec<_> = (0..4)
        .map(|_| block_on(sweep(&registry.app)).unwrap().removed)
        .collect();
    assert_eq!(removed, [1_000, 1_000, 500, 0]);
}

#[test]
fn a_sweep_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::imported();
        for text in ["one", "two"] {
            let key = BlobHash::of(text.as_bytes()).blob_key();
            leave(&registry, &key, text.as_bytes(), 2 * GRACE);
        }
        leave(&registry, "archives/1/orphan.zip", b"", 2 * GRACE);
        registry
    };
    let play = |registry: &TestRegistry| {
        for _ in 0..6 {
            registry.housekeep();
            registry.run_jobs();
            registry.pass_time(300);
        }
    };
    with_every_fault(prepare, play, |registry, calm| {
        assert_eq!(keys(registry), keys(calm));
        assert!(!keys(registry).contains(&"archives/1/orphan.zip".to_owned()));
        let doomed = "select hash from doomed_blobs where removal is null";
        assert_eq!(registry.world.sqlite.texts(doomed), Vec::<String>::new());
        assert_eq!(registry.contents(), calm.contents());
        registry.assert_settled();
    });
}

const PATH: &str = "/r/acme/main/upload/acme/tool/1.0.0";

fn archive() -> Vec<u8> {
    let manifest = json!({"name": "acme/tool"}).to_string();
    git_archive("top", "", &[("composer.json", &manifest)])
}

/// A registry whose blob store still has, from long ago, every blob that the next upload is going to write.
fn with_orphans() -> TestRegistry {
    let prepare = || {
        let registry = TestRegistry::new();
        *registry.token.borrow_mut() = registry.writer().token.unwrap();
        registry
    };
    let twin = prepare();
    let token = twin.token.borrow().clone();
    twin.with_token(&token)
        .send("PUT", PATH, &[], archive())
        .expect(201);
    let registry = prepare();
    for (key, object) in twin.world.objects.borrow().iter() {
        if key.starts_with("blobs/") {
            leave(&registry, key, &object.bytes, 2 * GRACE);
        }
    }
    registry
}

/// Rounds of what goes on by itself: the queue delivers, minutes pass, the cron comes.
fn let_things_settle(registry: &TestRegistry) {
    for _ in 0..6 {
        let waiting = registry.world.queue.borrow().len();
        for _ in 0..waiting {
            registry.run_one_job();
        }
        registry.pass_time(300);
        registry.housekeep();
    }
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions("acme/tool"), ["1.0.0"]);
    registry.pass_time(2 * GRACE);
    registry.housekeep();
    registry.run_jobs();
    check_whole(&registry.world, &mut Checked::default());
}

#[test]
fn a_publish_and_a_sweep_in_any_order_never_lose_a_blob() {
    for publisher_first in [true, false] {
        for first_steps in 0..if publisher_first { 40 } else { 8 } {
            for second_steps in 1..if publisher_first { 8 } else { 40 } {
                let registry = with_orphans();
                registry.world.gives_way.set(true);
                let token = registry.token.borrow().clone();
                let (here, there) = (isolate(&registry.world), isolate(&registry.world));
                let request =
                    Persona::new(&here, Some(&token)).request("PUT", PATH, &[], archive());
                let mut publisher = Run::new(handle(&here, request));
                let mut sweeper = Run::new(sweep(&there));
                let reply = if publisher_first {
                    publisher.steps(first_steps);
                    sweeper.steps(second_steps);
                    let reply = publisher.finish();
                    sweeper.finish().unwrap();
                    reply
                } else {
                    sweeper.steps(first_steps);
                    publisher.steps(second_steps);
                    sweeper.finish().unwrap();
                    publisher.finish()
                };
                assert_eq!(reply.status, 201);
                registry.world.gives_way.set(false);
                let_things_settle(&registry);
            }
        }
    }
}

#[test]
fn a_sweep_that_died_half_way_stops_nobody_for_long() {
    for steps in 0..12 {
        let registry = with_orphans();
        registry.world.gives_way.set(true);
        let there = isolate(&registry.world);
        let mut sweeper = Run::new(sweep(&there));
        sweeper.steps(steps);
        drop(sweeper);
        registry.world.gives_way.set(false);
        let token = registry.token.borrow().clone();
        registry
            .with_token(&token)
            .send("PUT", PATH, &[], archive())
            .expect(201);
        let_things_settle(&registry);
    }
}

#[test]
fn views_go_after_ninety_days_and_are_made_anew() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let persona = registry.with_token(&buyer.token);
    let views = || {
        let keys = keys(&registry);
        keys.into_iter()
            .filter(|key| key.starts_with("views/"))
            .count()
    };
    let before = seen(&persona, "acme/lib");
    assert_eq!(views(), 1);
    registry.pass_time(VIEWS_KEPT);
    registry.housekeep();
    assert_eq!(views(), 1);
    registry.pass_time(2 * GRACE);
    registry.housekeep();
    assert_eq!(views(), 0);
    // The copy near by is gone as well by then, and so is what an isolate remembered.
    registry.world.copies.borrow_mut().clear();
    let other = isolate(&registry.world);
    assert_eq!(
        seen(&Persona::new(&other, Some(&buyer.token)), "acme/lib"),
        before
    );
    assert_eq!(views(), 1);
    registry.run_jobs();
}
