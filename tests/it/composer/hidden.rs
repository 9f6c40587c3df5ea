//! Whoever was granted a pattern in some versions cannot tell a package of which none is seen from one that does not exist:
//! neither by bytes nor by calls, in an isolate that knows nothing, beside a cache that has nothing, and when all is warm.

use std::collections::{BTreeMap, BTreeSet};

use pollster::block_on;
use repertoire::app::App;
use repertoire::domain::blob::{Blob, BlobHash};
use repertoire::domain::tree::outline::Outline;
use repertoire::domain::tree::{Change, Root, date_entries, update};
use repertoire::jobs::{Job, enqueue};
use repertoire::ports::Statement;
use serde_json::json;

use super::ROOT;
use crate::support::persona::Persona;
use crate::support::shop::{Buyer, DAY, seen};
use crate::support::world::{Effect, Object, Port};
use crate::support::{TestRegistry, isolate};

/// Each way to ask for one package. `@R` is a revision that is not the newest one.
const PLACES: [&str; 16] = [
    "/r/acme/main/p2/bulk/N.json",
    "/r/acme/main/p2/bulk/N~dev.json",
    "/r/acme/main/p/bulk/N.json",
    "/r/acme/main/providers/bulk/N.json",
    // What a package of which nothing is seen provides.
    "/r/acme/main/providers/virtual/N.json",
    "/r/acme/main/dist/bulk/N/r.zip",
    "/r/acme/main/search.json?q=bulk/N",
    "/r/acme/main/list.json?filter=bulk/N",
    "/r/acme/main/security-advisories?packages[]=bulk/N",
    "/r/acme/main@R/p2/bulk/N.json",
    "/r/acme/main@R/p/bulk/N.json",
    "/r/acme/main@R/list.json?filter=bulk/N",
    "/r/acme/main@R/security-advisories?packages[]=bulk/N",
    "/api/v1/orgs/acme/packages/bulk/N",
    "/api/v1/orgs/acme/packages/bulk/N/versions/1.0.0",
    "/api/v1/orgs/acme/packages?filter=bulk/N",
];

const PORTS: [Port; 4] = [Port::Db, Port::Cache, Port::Blobs, Port::Queue];

/// An answer, and what it took: each call with whether it changed something, and how many there were of each port.
type Told = (String, Vec<Effect>, Vec<usize>);

fn ask(registry: &TestRegistry, app: &App, buyer: &Buyer, path: &str) -> Told {
    registry.world.forget_calls();
    let answer = Persona::new(app, Some(&buyer.token)).get(path).transcript();
    let effects = registry.world.effects.borrow().clone();
    let calls = PORTS.map(|port| registry.world.calls(port));
    (answer, effects, calls.to_vec())
}

fn publish(registry: &TestRegistry) {
    registry.change(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, 0 from repository_packages m
         join packages p on p.id = m.package_id where p.name like 'bulk/%'
         on conflict (repository_id, package_id) do update set sequence = sequence + 1",
    );
    block_on(enqueue(&registry.app, &[Job::Publish { repository: 1 }])).unwrap();
    registry.run_jobs();
    registry.assert_settled();
}

/// A shop with so many packages of which somebody who may have `^2.0` sees nothing, and somebody who may.
fn with_hidden(packages: i64, is_large: bool) -> (TestRegistry, Buyer) {
    let registry = TestRegistry::shop();
    registry.alter("repositories/main", &json!({"composer_1": "full"}));
    registry.run_jobs();
    registry.fill(packages);
    registry.change(
        "update versions set manifest = json_object('name', (select name from packages where id = package_id),
             'provide', json_object('virtual/' || (select substr(name, 6) from packages where id = package_id), '*'))
         where package_id in (select id from packages where name like 'bulk/%')",
    );
    if is_large {
        // Branches whose names take a thousand letters in the outline, three for each comma: more than eight megabytes.
        registry.change(
            "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
             with recursive numbers (n) as (select 10 union all select n + 1 from numbers where n < 43)
             select p.id, 'dev-' || n, 'dev-' || n || replace(hex(zeroblob(165)), '0', ','), 1, 'r', d.id,
                    json_object('name', p.name), '', 0
             from packages p join dists d on d.package_id = p.id, numbers where p.name like 'bulk/%'",
        );
    }
    publish(&registry);
    // So that there is a past that has all of it.
    registry.pass_time(DAY);
    registry
        .writer()
        .upload("acme/tool", "1.1.0", "")
        .expect(201);
    registry.run_jobs();
    registry.pass_time(DAY);
    let buyer = registry.buyer(&json!({"name": "Buyer"}));
    registry.grant(
        &buyer,
        &json!({"packages": ["bulk/*", "virtual/*", "acme/*"], "versions": "^2.0"}),
    );
    (registry, buyer)
}

fn spread(registry: &TestRegistry) -> (u16, usize) {
    let root = BlobHash::parse(&registry.head().1).unwrap();
    let objects = registry.world.objects.borrow();
    let root = Root::decode(&objects[&root.blob_key()].bytes).unwrap();
    (root.outline().spread(), root.outline().nodes().count())
}

/// Asks for names of which those below `existing` exist: of each place, all that was told and took anything.
fn assert_nothing_told(registry: &TestRegistry, buyer: &Buyer, existing: usize, step: usize) {
    let past = registry.head().0 - 1;
    let documents = registry.world.objects.borrow().len();
    let warm = isolate(&registry.world);
    let mut told: BTreeMap<(&str, &str), BTreeSet<Told>> = BTreeMap::new();
    for place in PLACES {
        for number in (0..2 * existing).step_by(step) {
            let path = path(place, number, past);
            // The first question that anybody ever asks: nothing is near, and nobody is known.
            registry.world.copies.borrow_mut().clear();
            let first = ask(registry, &isolate(&registry.world), buyer, &path);
            let cold = ask(registry, &isolate(&registry.world), buyer, &path);
            ask(registry, &warm, buyer, &path);
            let warm = ask(registry, &warm, buyer, &path);
            for (when, what) in [("first", first), ("cold", cold), ("warm", warm)] {
                told.entry((when, place)).or_default().insert(what);
            }
        }
    }
    assert_eq!(told.len(), 3 * PLACES.len());
    for ((when, place), told) in &told {
        assert_eq!(told.len(), 1, "{when} {place}: {told:?}");
    }
    let calls = |when, place| {
        let (_, _, calls) = told[&(when, place)].first().unwrap();
        calls.clone()
    };
    // Who asks; root and node from the cache; what is not there from the blob store, with copies left near.
    for place in [0, 1, 2].map(|index| PLACES[index]) {
        assert_eq!(calls("first", place), [1, 4, 2, 0], "{place}");
        assert_eq!(calls("cold", place), [1, 2, 0, 0], "{place}");
        assert_eq!(calls("warm", place), [0, 0, 0, 0], "{place}");
    }
    assert_eq!(
        registry.world.objects.borrow().len(),
        documents,
        "nothing was made"
    );
}

fn path(place: &str, number: usize, past: i64) -> String {
    place
        .replace('N', &format!("p{number}"))
        .replace("@R", &format!("@{past}"))
}

#[test]
fn nothing_tells_a_hidden_package_from_none_where_packages_are_few() {
    let (registry, buyer) = with_hidden(250, false);
    assert_eq!(spread(&registry), (1, 1));
    assert_nothing_told(&registry, &buyer, 250, 10);
}

#[test]
fn nothing_tells_a_hidden_package_from_none_where_there_is_much_of_them() {
    let (registry, buyer) = with_hidden(256, true);
    let (spread, nodes) = spread(&registry);
    assert_eq!(spread, 256);
    assert!(nodes < 200, "some names have the node of others");
    assert_nothing_told(&registry, &buyer, 256, 16);
    // What is seen costs three copies near the reader at most.
    let path = "/r/acme/main/p2/acme/lib.json";
    ask(&registry, &isolate(&registry.world), &buyer, path);
    let (_, _, calls) = ask(&registry, &isolate(&registry.world), &buyer, path);
    assert_eq!(calls, [1, 3, 0, 0]);
    assert_eq!(
        seen(&registry.with_token(&buyer.token), "acme/lib"),
        ["2.0.0", "2.0.0-beta1"]
    );
}

/// What each way to ask says of whether `acme/lib` is there.
fn ways(registry: &TestRegistry, buyer: &Buyer) -> Vec<(&'static str, bool)> {
    let persona = registry.with_token(&buyer.token);
    let get = |path: &str| persona.get(path);
    let lists = |path: &str| {
        let text = String::from_utf8(get(path).expect(200).bytes()).unwrap();
        text.contains("\"acme/lib\"")
    };
    let api = "/api/v1/orgs/acme/packages";
    vec![
        ("p2", get("/r/acme/main/p2/acme/lib.json").status() == 200),
        ("packages.json", lists(ROOT)),
        ("list.json", lists("/r/acme/main/list.json")),
        (
            "list.json, one",
            lists("/r/acme/main/list.json?filter=acme/lib"),
        ),
        ("search.json", lists("/r/acme/main/search.json?q=lib")),
        (
            "advisories",
            lists("/r/acme/main/security-advisories?packages[]=acme/lib"),
        ),
        ("API", get(&format!("{api}/acme/lib")).status() == 200),
        ("API, list", lists(api)),
    ]
}

fn assert_ways(registry: &TestRegistry, buyer: &Buyer, is_seen: bool) {
    for (way, told) in ways(registry, buyer) {
        assert_eq!(told, is_seen, "{way}");
    }
}

fn freeze(registry: &TestRegistry, buyer: &Buyer) {
    let path = format!("customers/{}", buyer.id);
    registry.alter(&path, &json!({"state": "frozen"}));
    registry.pass_time(10);
}

#[test]
fn who_is_frozen_is_told_everywhere_of_what_was_yanked_since() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({"versions": "2.0.0"}));
    let other = registry.buyer_with(&json!({"versions": "2.0.0"}));
    freeze(&registry, &buyer);
    registry.pass_time(DAY);
    let path = "/api/v1/orgs/acme/packages/acme/lib/versions/2.0.0/yank";
    registry.admin().post(path, &json!({})).expect(200);
    registry.run_jobs();
    registry.pass_time(10);
    assert_ways(&registry, &buyer, true);
    assert_ways(&registry, &other, false);
    // Who came later is told of what there was then, and that was none.
    freeze(&registry, &other);
    registry.pass_time(DAY);
    registry
        .admin()
        .send("DELETE", path, &[], Vec::new())
        .expect(200);
    registry.run_jobs();
    registry.pass_time(10);
    assert_ways(&registry, &other, false);
    let third = registry.buyer_with(&json!({"versions": "2.0.0"}));
    assert_ways(&registry, &third, true);
}

#[test]
fn who_is_frozen_is_told_of_a_branch_that_had_moved_back() {
    let registry = TestRegistry::shop();
    let writer = registry.writer();
    // There, elsewhere and back; days later it goes on.
    for text in ["one", "two", "one"] {
        registry.pass_time(DAY);
        writer.upload("acme/lib", "dev-main", text).expect(201);
        registry.run_jobs();
    }
    let back = repertoire::domain::time::rfc3339(registry.world.now.get() - 60);
    registry.pass_time(100);
    let buyer = registry.buyer_with(&json!({"released_after": back}));
    freeze(&registry, &buyer);
    registry.pass_time(DAY);
    writer.upload("acme/lib", "dev-main", "three").expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    let persona = registry.with_token(&buyer.token);
    let document = persona.get("/r/acme/main/p2/acme/lib~dev.json").expect(200);
    let versions = document.json()["packages"]["acme/lib"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 1);
    assert_ways(&registry, &buyer, true);
}

/// Puts a tree of so many packages into the place of the head's, all with the same document, as an older program would
/// have written it: without an outline.
fn pretend(registry: &TestRegistry, packages: usize) {
    let document = Blob::new(br#"{"packages":{}}"#.to_vec());
    let changes = (0..packages).map(|number| {
        let tagged = document.hash().clone();
        (format!("bulk/p{number}"), Change::Put { tagged, dev: None })
    });
    let entries = date_entries(&BTreeMap::new(), &changes.collect(), 1);
    let names = Some(Vec::new());
    let (buckets, outline) = (BTreeMap::new(), Outline::default());
    let tree = update(&Root::default(), buckets, names, &entries, None, outline);
    let uploaded = registry.world.now.get();
    for blob in tree.blobs.into_iter().chain([document]) {
        let bytes = blob.bytes().to_vec();
        let object = Object { bytes, uploaded };
        let key = blob.hash().blob_key();
        registry.world.objects.borrow_mut().insert(key, object);
    }
    let statement = Statement::new(
        "update repositories set head_root = ?1, head_revision = head_revision + 1, head_time = head_time + 1",
    );
    registry
        .world
        .sqlite
        .change(&statement.bind(tree.root.as_str()));
    registry.pass_time(10);
}

#[test]
fn a_list_of_more_than_five_thousand_packages_limited_by_version_asks_to_be_narrowed() {
    let registry = TestRegistry::new();
    let buyer = registry.buyer(&json!({"name": "Buyer"}));
    registry.grant(&buyer, &json!({"packages": ["bulk/*"], "versions": "^2.0"}));
    let persona = registry.with_token(&buyer.token);
    let (list, search) = ("/r/acme/main/list.json", "/r/acme/main/search.json");
    let packages = "/api/v1/orgs/acme/packages";
    pretend(&registry, 5_001);
    for path in [list, search] {
        let problem = persona.get(path).expect(422).json().to_string();
        assert!(
            problem.contains("5000 packages at most"),
            "{path}: {problem}"
        );
        assert!(
            problem.contains("name a vendor or a pattern"),
            "{path}: {problem}"
        );
    }
    let problem = persona.get(packages).expect(422).json();
    assert_eq!(problem["errors"][0]["field"], "?filter", "{problem}");
    for path in [list, packages] {
        persona.get(&format!("{path}?filter=bulk/p1*")).expect(200);
    }
    // One fewer is looked through.
    pretend(&registry, 5_000);
    for path in [list, search, packages] {
        persona.get(path).expect(200);
    }
}
