//! Roots that older programs wrote are read for ever, and built on.

use std::fmt::Write;

use repertoire::domain::blob::{Blob, BlobHash};
use repertoire::domain::tree::Root;
use repertoire::ports::Statement;
use serde_json::json;

use crate::support::faults::with_every_fault;
use crate::support::shop::Buyer;
use crate::support::world::Object;
use crate::support::{PACKAGE, TestRegistry};

/// Puts a root of an earlier encoding into the place of the head's.
fn age_root(registry: &TestRegistry, number: u8) -> String {
    let key = format!("blobs/{}", registry.head().1);
    let new = registry.world.objects.borrow()[&key].bytes.clone();
    let root = Root::decode(&new).unwrap();
    let spell = |hash: Option<&BlobHash>| hash.map_or("-".repeat(64), ToString::to_string);
    let mut old = format!(
        "repertoire-root {number} {:010} {}",
        root.package_count(),
        spell(root.names())
    );
    if number > 1 {
        write!(old, " {}", spell(root.composer_1())).unwrap();
    }
    old.push('\n');
    for line in String::from_utf8(new)
        .unwrap()
        .lines()
        .skip(1)
        .take(root.buckets().count())
    {
        writeln!(old, "{line}").unwrap();
    }
    let old = Blob::new(old.into_bytes());
    let uploaded = registry.world.now.get();
    let object = Object {
        bytes: old.bytes().to_vec(),
        uploaded,
    };
    let key = old.hash().blob_key();
    registry.world.objects.borrow_mut().insert(key, object);
    let statement = Statement::new(
        "update repositories set head_root = ?1, published_form = 0, form_revision = 0",
    )
    .bind(old.hash().as_str());
    registry.world.sqlite.change(&statement);
    old.hash().to_string()
}

#[test]
fn a_tree_of_the_first_encoding_is_read_and_built_on() {
    let registry = TestRegistry::imported();
    let document = "/r/acme/main/p2/acme/lib.json";
    let bytes = registry.admin().get(document).bytes();
    let old = age_root(&registry, 1);
    registry.pass_time(10);
    let agent = crate::support::composer_1::AGENT;
    let offers = || {
        let root = registry
            .admin()
            .get_with("/r/acme/main/packages.json", "user-agent", agent);
        root.expect(200).json().get("provider-includes").is_some()
    };
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    assert!(!offers());
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert!(offers());
    assert_eq!(registry.admin().get(document).bytes(), bytes);
    assert_ne!(registry.head().1, old);
}

/// What somebody is told who sees some versions, each way, of what is there and of what is not.
fn told(registry: &TestRegistry, buyer: &Buyer) -> Vec<String> {
    let persona = registry.with_token(&buyer.token);
    let paths = [
        "/r/acme/main/p2/acme/lib.json",
        "/r/acme/main/p2/acme/lib~dev.json",
        "/r/acme/main/p2/acme/tool.json",
        "/r/acme/main/p2/acme/none.json",
        "/r/acme/main/p/acme/lib.json",
        "/r/acme/main/providers/acme/lib.json",
        "/r/acme/main/search.json?q=lib",
        "/r/acme/main/security-advisories?packages[]=acme/lib&packages[]=acme/tool",
        "/api/v1/orgs/acme/packages/acme/lib",
        "/api/v1/orgs/acme/packages/acme/tool",
        "/api/v1/orgs/acme/packages",
    ];
    let told = paths.map(|path| {
        let answer = persona.get(path);
        format!(
            "{path} {} {}",
            answer.status(),
            String::from_utf8(answer.bytes()).unwrap()
        )
    });
    told.to_vec()
}

fn outlined(registry: &TestRegistry) -> (u64, u64) {
    let root = BlobHash::parse(&registry.head().1).unwrap();
    let objects = registry.world.objects.borrow();
    let root = Root::decode(&objects[&root.blob_key()].bytes).unwrap();
    (root.outline().package_count(), root.package_count())
}

#[test]
fn a_tree_without_an_outline_gets_one_in_steps_and_answers_the_same_all_the_while() {
    let registry = TestRegistry::shop();
    registry.fill(450);
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let (expected, contents, head) = (
        told(&registry, &buyer),
        registry.contents(),
        registry.head(),
    );
    assert_eq!(outlined(&registry), (453, 453));
    age_root(&registry, 2);
    registry.pass_time(10);
    assert_eq!(outlined(&registry), (0, 453));
    assert_eq!(told(&registry, &buyer), expected);
    registry.housekeep();
    let mut steps = vec![0];
    while registry.run_one_job() {
        registry.pass_time(10);
        assert_eq!(told(&registry, &buyer), expected);
        let (now, _) = outlined(&registry);
        if steps.last() != Some(&now) {
            steps.push(now);
        }
    }
    assert_eq!(steps, [0, 80, 160, 240, 320, 400, 453]);
    registry.assert_settled();
    assert_eq!(registry.contents(), contents);
    assert_eq!(registry.head().1, head.1, "equal contents have equal roots");
    // Once is enough.
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.head().0, head.0 + 6);
    // The past has none, and is answered as it was.
    let path = format!("/r/acme/main@{}/p2/acme/lib.json", head.0);
    registry.with_token(&buyer.token).get(&path).expect(200);
}

#[test]
fn an_outline_comes_with_the_next_publish_too() {
    let registry = TestRegistry::shop();
    age_root(&registry, 2);
    registry.change("update repositories set published_form = 1000, form_revision = head_revision");
    registry.pass_time(10);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(
        outlined(&registry),
        (0, 3),
        "a newer program's is left alone"
    );
    registry
        .writer()
        .upload("acme/tool", "1.1.0", "")
        .expect(201);
    registry.run_jobs();
    assert_eq!(outlined(&registry), (3, 3));
    registry.assert_settled();
}

#[test]
fn an_outline_is_filled_to_the_same_end_whatever_fails() {
    with_every_fault(
        || {
            let registry = TestRegistry::imported();
            age_root(&registry, 2);
            registry.pass_time(10);
            registry
        },
        |registry| {
            for _ in 0..2 {
                registry.pass_time(5 * 60);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, calm| {
            registry.assert_settled();
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(outlined(registry), (1, 1));
            assert_eq!(registry.head().1, calm.head().1);
        },
    );
}

#[test]
fn a_release_in_a_large_repository_writes_one_node_of_the_outline() {
    let registry = TestRegistry::shop();
    registry.fill(1_000);
    let before = registry.world.objects.borrow().len();
    registry
        .writer()
        .upload("acme/tool", "1.1.0", "new")
        .expect(201);
    registry.run_jobs();
    // The archive, the document, its bucket, a node of the outline, the root; what Composer 1 reads: three.
    let written = registry.world.objects.borrow().len() - before;
    assert_eq!(written, 5 + 3);
}
