//! Uploads in parts.

use repertoire::http::handle;
use serde_json::{Value, json};

use crate::support::archives::pack;
use crate::support::faults::with_every_fault;
use crate::support::interleave::Run;
use crate::support::persona::{Answer, Persona};
use crate::support::{TestRegistry, isolate};

const UPLOADS: &str = "/r/acme/main/uploads";
const PART: usize = 5 * 1024 * 1024;

fn archive(size: usize) -> Vec<u8> {
    let noise: Vec<u8> = (0..size as u64)
        .map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[0])
        .collect();
    let manifest = br#"{"name": "acme/large"}"#;
    pack("tar", &[("composer.json", manifest), ("noise", &noise)])
}

fn begin(writer: &Persona<'_>, asked: &Value) -> String {
    let answer = writer.post(UPLOADS, asked).expect(201).json();
    answer["id"].as_str().unwrap().to_owned()
}

fn begin_for(writer: &Persona<'_>, bytes: &[u8]) -> String {
    begin(
        writer,
        &json!({"name": "acme/large", "version": "1.0.0", "size": bytes.len()}),
    )
}

fn send_part(writer: &Persona<'_>, id: &str, bytes: &[u8], number: usize) -> Answer {
    let part = bytes.chunks(PART).nth(number - 1).unwrap().to_vec();
    writer.send("PUT", &format!("{UPLOADS}/{id}/{number}"), &[], part)
}

fn look(writer: &Persona<'_>, id: &str) -> Value {
    writer.get(&format!("{UPLOADS}/{id}")).expect(200).json()
}

fn complete(writer: &Persona<'_>, id: &str) -> Answer {
    writer.send("POST", &format!("{UPLOADS}/{id}/complete"), &[], Vec::new())
}

fn archives(registry: &TestRegistry) -> usize {
    let objects = registry.world.objects.borrow();
    objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .count()
}

#[test]
fn parts_in_any_order_and_sent_twice_become_one_archive() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = archive(2 * PART + 1000);
    let id = begin_for(&writer, &bytes);
    let shown = look(&writer, &id);
    assert_eq!(shown["part_size"], PART);
    assert_eq!(shown["parts"], 3);
    send_part(&writer, &id, &bytes, 3).expect(200);
    send_part(&writer, &id, &bytes, 1).expect(200);
    send_part(&writer, &id, &bytes, 3).expect(200);
    assert_eq!(look(&writer, &id)["received"], json!([1, 3]));
    let answer = complete(&writer, &id).expect(409).json();
    assert!(answer["warning"].as_str().unwrap().contains("missing: 2"));
    send_part(&writer, &id, &bytes, 2).expect(200);
    let answer = complete(&writer, &id).expect(200).json();
    assert_eq!(complete(&writer, &id).expect(200).json(), answer);
    let entry = registry.composer_metadata("acme/large").remove(0);
    assert_eq!(entry["dist"]["url"], answer["dist"]["url"]);
    let url = entry["dist"]["url"].as_str().unwrap();
    let path = url.strip_prefix(crate::support::ADDRESS).unwrap();
    assert!(registry.admin().get(path).bytes() == bytes);
    let shown = look(&writer, &id);
    assert_eq!(shown["state"], "done");
    assert_eq!(shown["result"], answer);
    send_part(&writer, &id, &bytes, 1).expect(409);
    let path = format!("{UPLOADS}/{id}");
    writer.send("DELETE", &path, &[], Vec::new()).expect(409);
    // The same bytes by another upload are known, and leave nothing.
    let again = begin_for(&writer, &bytes);
    for number in 1..=3 {
        send_part(&writer, &again, &bytes, number).expect(200);
    }
    complete(&writer, &again).expect(200);
    assert_eq!(archives(&registry), 1);
}

/// An archive without a composer.json, for a definition.
fn plain_archive(size: usize) -> Vec<u8> {
    let noise = vec![7; size];
    pack("tar", &[("lib/code.php", b"<?php"), ("noise", &noise)])
}

fn define(registry: &TestRegistry, sha256: &Value) -> Answer {
    let package = json!({"name": "acme/old", "version": "1.0.0", "dist": {"sha256": sha256}});
    let asked = json!({"repository": "main", "package": package});
    let path = "/api/v1/orgs/acme/packages/acme/old/definition";
    let body = asked.to_string().into_bytes();
    let headers = [("content-type", "application/json".to_owned())];
    registry.admin().send("PUT", path, &headers, body)
}

#[test]
fn an_archive_for_a_definition_comes_in_parts_and_needs_no_manifest() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = plain_archive(65 * 1024 * 1024);
    let asked = json!({"name": "acme/old", "size": bytes.len(), "for": "definition"});
    let id = begin(&writer, &asked);
    assert_eq!(look(&writer, &id)["for"], "definition");
    for number in 1..=bytes.len().div_ceil(PART) {
        send_part(&writer, &id, &bytes, number).expect(200);
    }
    complete(&writer, &id).expect(202);
    registry.run_jobs();
    let shown = look(&writer, &id);
    assert_eq!(shown["state"], "done", "{shown}");
    let archive = shown["result"].clone();
    assert_eq!(
        (&archive["type"], &archive["size"]),
        (&json!("tar"), &json!(bytes.len()))
    );
    define(&registry, &archive["sha256"]).expect(200);
    registry.run_jobs();
    let entry = registry.composer_metadata("acme/old").remove(0);
    assert_eq!(entry["dist"]["shasum"], archive["shasum"]);
    let url = entry["dist"]["url"].as_str().unwrap();
    let path = url.strip_prefix(crate::support::ADDRESS).unwrap();
    assert!(registry.admin().get(path).bytes() == bytes);
}

#[test]
fn what_is_for_a_definition_is_for_no_other_package() {
    let registry = TestRegistry::imported();
    let writer = registry.writer();
    for (asked, status) in [
        (
            json!({"name": crate::support::PACKAGE, "size": 9, "for": "definition"}),
            409,
        ),
        (
            json!({"name": "acme/old", "size": 9, "for": "definition", "version": "1.0.0"}),
            422,
        ),
        (json!({"name": "acme/old", "size": 9, "for": "fun"}), 422),
    ] {
        writer.post(UPLOADS, &asked).expect(status);
    }
    let bytes = archive(1000);
    let id = begin_for(&writer, &bytes);
    send_part(&writer, &id, &bytes, 1).expect(200);
    complete(&writer, &id).expect(200);
    let asked = json!({"name": "acme/large", "size": 9, "for": "definition"});
    writer.post(UPLOADS, &asked).expect(409);
    registry.run_jobs();
}

#[test]
fn an_archive_for_a_definition_comes_to_the_same_end_whatever_fails() {
    let bytes = plain_archive(1000);
    let play = |registry: &TestRegistry| {
        let writer = registry.admin();
        let asked = json!({"name": "acme/old", "size": bytes.len(), "for": "definition"});
        let begun = persist(|| writer.post(UPLOADS, &asked)).expect(201).json();
        let id = begun["id"].as_str().unwrap();
        persist(|| send_part(&writer, id, &bytes, 1)).expect(200);
        let archive = persist(|| complete(&writer, id)).expect(200).json();
        persist(|| define(registry, &archive["sha256"])).expect(200);
        registry.pass_time(25 * 60 * 60);
        for _ in 0..2 {
            registry.housekeep();
            registry.run_jobs();
        }
    };
    with_every_fault(TestRegistry::new, play, |registry, calm| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.composer_metadata("acme/old").len(), 1);
        assert_eq!(archives(registry), 1);
        let lines = "select action from audit where action = 'archive.uploaded'";
        assert_eq!(registry.world.sqlite.texts(lines).len(), 1);
        registry.assert_settled();
    });
}

#[test]
fn a_large_one_is_completed_by_the_queue() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = archive(65 * 1024 * 1024);
    let id = begin_for(&writer, &bytes);
    for number in 1..=bytes.len().div_ceil(PART) {
        send_part(&writer, &id, &bytes, number).expect(200);
    }
    let answer = complete(&writer, &id).expect(202).json();
    assert_eq!(answer["state"], "checking");
    complete(&writer, &id).expect(202);
    registry.run_jobs();
    let shown = look(&writer, &id);
    assert_eq!(shown["state"], "done", "{shown}");
    assert_eq!(complete(&writer, &id).expect(200).json(), shown["result"]);
    assert_eq!(registry.versions("acme/large"), ["1.0.0"]);
    // A message that comes late does nothing more.
    let head = registry.head();
    registry.run_jobs();
    assert_eq!(registry.head(), head);
}

#[test]
fn a_message_that_was_lost_is_sent_again() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = archive(1000);
    let id = begin_for(&writer, &bytes);
    send_part(&writer, &id, &bytes, 1).expect(200);
    registry
        .world
        .sqlite
        .texts("update uploads set state = 'checking' returning id");
    registry.pass_time(16 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(look(&writer, &id)["state"], "done");
    assert_eq!(registry.versions("acme/large"), ["1.0.0"]);
}

#[test]
fn what_is_refused_says_why_for_good_and_leaves_nothing() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = archive(1000);
    let size = bytes.len();
    let zeros = "0".repeat(64);
    for (asked, said) in [
        (
            json!({"name": "acme/large", "version": "1.0.0", "size": size, "sha256": zeros}),
            "SHA-256",
        ),
        (
            json!({"name": "acme/other", "version": "1.0.0", "size": size}),
            "is named `acme/large`",
        ),
        (
            json!({"name": "acme/large", "size": size}),
            "Nobody says which version",
        ),
    ] {
        let id = begin(&writer, &asked);
        send_part(&writer, &id, &bytes, 1).expect(200);
        for _ in 0..2 {
            let answer = complete(&writer, &id).expect(422).json();
            assert!(
                answer["warning"].as_str().unwrap().contains(said),
                "{answer}"
            );
        }
        assert_eq!(look(&writer, &id)["state"], "failed");
        assert!(
            look(&writer, &id)["message"]
                .as_str()
                .unwrap()
                .contains(said)
        );
    }
    let id = begin(
        &writer,
        &json!({"name": "acme/large", "version": "1.0.0", "size": 3000}),
    );
    let path = format!("{UPLOADS}/{id}/1");
    writer.send("PUT", &path, &[], vec![1; 3000]).expect(200);
    complete(&writer, &id).expect(422);
    assert_eq!(archives(&registry), 0);
    assert_eq!(registry.head().0, 0);
}

#[test]
fn parts_have_their_size_and_their_number() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    for asked in [
        json!({"name": "acme/large", "size": 0}),
        json!({"name": "large", "size": 10}),
        json!({"name": "acme/large", "size": 10, "version": "no!"}),
        json!({"name": "acme/large", "size": 10, "sha256": "abc"}),
        json!({"name": "acme/large"}),
    ] {
        writer.post(UPLOADS, &asked).expect(422);
    }
    let asked = json!({"name": "acme/large", "size": 500_000_001});
    writer.post(UPLOADS, &asked).expect(413);
    let id = begin(&writer, &json!({"name": "acme/large", "size": PART + 10}));
    for (number, size) in [(1, 10), (1, PART + 1), (2, 9), (2, 11), (3, 10), (0, 10)] {
        let path = format!("{UPLOADS}/{id}/{number}");
        writer.send("PUT", &path, &[], vec![0; size]).expect(422);
    }
    assert_eq!(look(&writer, &id)["received"], json!([]));
}

#[test]
fn an_upload_is_its_repositorys_and_its_packages() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let id = begin(&writer, &json!({"name": "acme/large", "size": 10}));
    let path = format!("{UPLOADS}/{id}");
    registry.anonymous().get(&path).expect(401);
    registry.reader("acme/*").get(&path).expect(403);
    let token =
        registry.make_token(&json!({"name": "ci", "access": "write", "packages": ["acme/other"]}));
    registry.with_token(&token).get(&path).expect(403);
    let asked = json!({"name": "acme/large", "size": 10});
    registry
        .with_token(&token)
        .post(UPLOADS, &asked)
        .expect(403);
    let other = json!({"slug": "other"});
    let repositories = "/api/v1/orgs/acme/repositories";
    registry.admin().post(repositories, &other).expect(201);
    let elsewhere = format!("/r/acme/other/uploads/{id}");
    writer.get(&elsewhere).expect(404);
    writer.get(&format!("{UPLOADS}/unknown")).expect(404);
    writer.send("DELETE", &path, &[], Vec::new()).expect(204);
    writer.get(&path).expect(404);
}

#[test]
fn what_nobody_goes_on_with_is_given_up() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let bytes = archive(1000);
    let id = begin_for(&writer, &bytes);
    let other = begin_for(&writer, &bytes);
    registry.pass_time(20 * 60 * 60);
    send_part(&writer, &id, &bytes, 1).expect(200);
    registry.pass_time(20 * 60 * 60);
    registry.housekeep();
    assert_eq!(look(&writer, &id)["received"], json!([1]));
    writer.get(&format!("{UPLOADS}/{other}")).expect(404);
    registry.pass_time(5 * 60 * 60);
    registry.housekeep();
    writer.get(&format!("{UPLOADS}/{id}")).expect(404);
    assert_eq!(registry.world.warnings(), Vec::<String>::new());
}

#[test]
fn no_more_than_a_hundred_are_open() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let asked = json!({"name": "acme/large", "size": 10});
    let first = begin(&writer, &asked);
    for _ in 1..100 {
        begin(&writer, &asked);
    }
    writer.post(UPLOADS, &asked).expect(409);
    let path = format!("{UPLOADS}/{first}");
    writer.send("DELETE", &path, &[], Vec::new()).expect(204);
    begin(&writer, &asked);
}

/// As a careful client: what failed on the other side is sent again.
fn persist(mut send: impl FnMut() -> Answer) -> Answer {
    let answer = send();
    if answer.status() < 500 {
        return answer;
    }
    send()
}

#[test]
fn an_upload_comes_to_the_same_end_whatever_fails() {
    let bytes = archive(1000);
    let play = |registry: &TestRegistry| {
        let writer = registry.admin();
        let asked = json!({"name": "acme/large", "version": "1.0.0", "size": bytes.len()});
        let begun = persist(|| writer.post(UPLOADS, &asked)).expect(201).json();
        let id = begun["id"].as_str().unwrap();
        persist(|| send_part(&writer, id, &bytes, 1)).expect(200);
        persist(|| complete(&writer, id)).expect(200);
        registry.pass_time(25 * 60 * 60);
        for _ in 0..2 {
            registry.housekeep();
            registry.run_jobs();
        }
    };
    with_every_fault(TestRegistry::new, play, |registry, calm| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions("acme/large"), ["1.0.0"]);
        assert_eq!(archives(registry), 1);
        let open = "select id from uploads where state <> 'done'";
        assert_eq!(registry.world.sqlite.texts(open), Vec::<String>::new());
        registry.assert_settled();
    });
}

#[test]
fn a_form_comes_to_the_same_end_whatever_fails() {
    let bytes = archive(1000);
    let play = |registry: &TestRegistry| {
        let writer = registry.admin();
        let path = "/r/acme/main/?version=1.0.0";
        let answer = persist(|| writer.send("PUT", path, &[], bytes.clone()));
        assert!(answer.status() < 300);
        registry.pass_time(25 * 60 * 60);
        for _ in 0..2 {
            registry.housekeep();
            registry.run_jobs();
        }
    };
    with_every_fault(TestRegistry::new, play, |registry, calm| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(archives(registry), 1);
        registry.assert_settled();
    });
}

/// Plays two requests step by step against each other, cut wherever the first may be; gives the statuses.
fn race(
    registry: &TestRegistry,
    cut: usize,
    requests: [(&str, &str, Vec<u8>); 2],
) -> ([u16; 2], bool) {
    let world = &registry.world;
    let token = registry.admin().token.unwrap();
    let (here, there) = (isolate(world), isolate(world));
    world.gives_way.set(true);
    let [first, second] = requests;
    let make = |app, (method, path, body): (&str, &str, Vec<u8>)| {
        Persona::new(app, Some(&token)).request(method, path, &[], body)
    };
    let mut one = Run::new(handle(&here, make(&here, first)));
    let is_through = one.steps(cut);
    let two = Run::new(handle(&there, make(&there, second))).finish();
    let one = one.finish();
    world.gives_way.set(false);
    ([one.status, two.status], is_through)
}

#[test]
fn two_parts_at_once_are_both_there() {
    let bytes = archive(PART + 1000);
    for cut in 0.. {
        let registry = TestRegistry::new();
        let writer = registry.admin();
        let id = begin_for(&writer, &bytes);
        let path = |number: usize| format!("{UPLOADS}/{id}/{number}");
        let part = |number: usize| bytes.chunks(PART).nth(number - 1).unwrap().to_vec();
        let (one, two) = (path(1), path(2));
        let requests = [
            ("PUT", one.as_str(), part(1)),
            ("PUT", two.as_str(), part(2)),
        ];
        let (statuses, is_through) = race(&registry, cut, requests);
        assert_eq!(statuses, [200, 200], "{cut}");
        complete(&writer, &id).expect(200);
        assert_eq!(registry.versions("acme/large"), ["1.0.0"]);
        if is_through {
            break;
        }
    }
}

#[test]
fn who_completes_twice_at_once_has_one_version() {
    let bytes = archive(1000);
    for cut in 0.. {
        let registry = TestRegistry::new();
        let writer = registry.admin();
        let id = begin_for(&writer, &bytes);
        send_part(&writer, &id, &bytes, 1).expect(200);
        let path = format!("{UPLOADS}/{id}/complete");
        let requests = [
            ("POST", path.as_str(), Vec::new()),
            ("POST", path.as_str(), Vec::new()),
        ];
        let (statuses, is_through) = race(&registry, cut, requests);
        assert_eq!(statuses, [200, 200], "{cut}");
        assert_eq!(archives(&registry), 1);
        // What this isolate remembers is of before.
        registry.pass_time(10);
        assert_eq!(registry.versions("acme/large"), ["1.0.0"]);
        registry.run_jobs();
        if is_through {
            break;
        }
    }
}
