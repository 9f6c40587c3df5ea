//! One isolate and a thousand organisations with ten thousand customers, who ask in a random order.

use std::collections::{BTreeMap, BTreeSet};

use repertoire::domain::token::TokenHash;
use repertoire::ports::Statement;
use repertoire::store::memo::Memo;
use serde_json::{Value, json};

use crate::support::persona::Persona;
use crate::support::world::Port;
use crate::support::{TestRegistry, isolate};

const ORGANISATIONS: u64 = 1_000;
const CUSTOMERS: u64 = 10_000;
const LIMITS: u64 = 50;
/// Repositories that were really published; each organisation has the contents of one of them.
const CONTENTS: u64 = 20;
const VERSIONS: u64 = 60;
/// Visits of customers: `packages.json`, a document, and the document of its branches.
const VISITS: u64 = 3_000;
/// Visits in a second, of one isolate.
const PACE: u64 = 20;

/// SplitMix64: the same order in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Some are asked for often, and most seldom.
    fn favour(&mut self, sides: u64) -> u64 {
        let first = self.roll(sides);
        self.roll(first + 1)
    }
}

fn token(customer: u64) -> String {
    format!("customer-token-{customer}")
}

fn limit(customer: u64) -> String {
    format!("<=1.{}.0", customer % LIMITS + 5)
}

/// Makes the organisations, the customers and what each may see.
fn make_tenants(registry: &TestRegistry) {
    for content in 0..CONTENTS {
        let body = json!({"slug": format!("content-{content}")});
        registry
            .admin()
            .post("/api/v1/orgs/acme/repositories", &body)
            .expect(201);
        let package = format!("vendor{content}/lib");
        let versions = (0..VERSIONS).map(|number| {
            json!({
                "version": format!("1.{number}.0"),
                "dist": {"type": "zip", "url": format!("https://archives.example/{number}.zip"), "reference": "r"},
                "description": "A library for what vendors sell, with as much of a text as there is in one",
                "autoload": {"psr-4": {"Vendor\\Lib\\": "src/"}},
                "require": {"php": ">=8.2", "psr/log": "^3.0"},
            })
        });
        define(registry, content, &package, &versions.collect::<Vec<_>>());
    }
    let rows = |rows: Vec<Value>| Value::Array(rows).to_string();
    let change = |sql, rows: String| {
        registry
            .world
            .sqlite
            .change(&Statement::new(sql).bind(rows));
    };
    let organisations = (0..ORGANISATIONS).map(|number| json!({"slug": format!("tenant-{number}"), "content": format!("content-{}", number % CONTENTS)}));
    let organisations = rows(organisations.collect());
    change(
        "insert into organisations (slug, name, created_at)
         select value ->> 'slug', value ->> 'slug', 0 from json_each(?1)",
        organisations.clone(),
    );
    change(
        "insert into repositories (organisation_id, slug, head_revision, head_root, head_time, published_address,
                                   created_at, published_form)
         select o.id, 'main', r.head_revision, r.head_root, r.head_time, r.published_address, 0, r.published_form
         from json_each(?1) t join organisations o on o.slug = t.value ->> 'slug'
                              join repositories r on r.slug = t.value ->> 'content'",
        organisations,
    );
    let customers = (0..CUSTOMERS).map(|number| {
        json!({
            "id": format!("customer-{number}"),
            "tenant": format!("tenant-{}", number % ORGANISATIONS),
            "hash": TokenHash::of(&token(number)).as_str(),
            "packages": json!([format!("vendor{}/*", number % ORGANISATIONS % CONTENTS)]).to_string(),
            "versions": limit(number / ORGANISATIONS * 7 + number),
        })
    });
    let customers = rows(customers.collect());
    for sql in [
        "insert into customers (id, organisation_id, name, created_at, changed_at, grant_changed_at)
         select c.value ->> 'id', o.id, c.value ->> 'id', 0, 0, 0
         from json_each(?1) c join organisations o on o.slug = c.value ->> 'tenant'",
        "insert into tokens (id, organisation_id, name, access, hash, hint, created_at, grant_changed_at, kind, customer_id)
         select 't-' || (c.value ->> 'id'), o.id, 'ci', 'read', c.value ->> 'hash', '', 0, 0, 'customer', c.value ->> 'id'
         from json_each(?1) c join organisations o on o.slug = c.value ->> 'tenant'",
        "insert into grants (id, organisation_id, subject, packages, versions, created_at, changed_at)
         select 'g-' || (c.value ->> 'id'), o.id, 'customer:' || (c.value ->> 'id'), c.value ->> 'packages',
                c.value ->> 'versions', 0, 0
         from json_each(?1) c join organisations o on o.slug = c.value ->> 'tenant'",
    ] {
        change(sql, customers.clone());
    }
}

/// What is remembered takes no more than it may, what is asked for again is mostly there, and customers with equal limits
/// share what is made for them.
#[test]
fn a_thousand_organisations_share_an_isolate_and_never_take_more_than_its_memory() {
    let registry = TestRegistry::new();
    make_tenants(&registry);
    let app = isolate(&registry.world);
    let world = &registry.world;
    let before: BTreeSet<String> = world.objects.borrow().keys().cloned().collect();
    world.request_lines.take();
    world.forget_calls();
    let mut dice = Dice(1);
    let (mut peak, mut documents) = (0, BTreeMap::<u64, BTreeSet<String>>::new());
    let mut answered = BTreeMap::<String, [u64; 4]>::new();
    for visit in 0..VISITS {
        if visit % PACE == 0 {
            registry.pass_time(1);
        }
        let customer = dice.favour(CUSTOMERS);
        let tenant = customer % ORGANISATIONS;
        let persona_token = token(customer);
        let persona = Persona::new(&app, Some(&persona_token));
        let content = tenant % CONTENTS;
        let base = format!("/r/tenant-{tenant}/main");
        persona.get(&format!("{base}/packages.json")).expect(200);
        let read = persona
            .get(&format!("{base}/p2/vendor{content}/lib.json"))
            .expect(200);
        documents
            .entry(content)
            .or_default()
            .insert(String::from_utf8(read.bytes()).unwrap());
        // Of the others it is not told whether they exist.
        let other = (content + 1) % CONTENTS;
        persona
            .get(&format!("{base}/p2/vendor{other}/lib.json"))
            .expect(404);
        peak = peak.max(app.memo.bytes());
        assert!(app.memo.bytes() <= Memo::most_bytes());
    }
    for line in world.request_lines.take() {
        let line: Value = serde_json::from_str(&line).unwrap();
        let counts = answered
            .entry(line["route"].as_str().unwrap().to_owned())
            .or_default();
        counts[0] += 1;
        counts[1] += line["d1_calls"].as_u64().unwrap();
        counts[2] += line["kv_reads"].as_u64().unwrap();
        counts[3] += line["r2_reads"].as_u64().unwrap();
    }
    let made: Vec<_> = world
        .objects
        .borrow()
        .keys()
        .filter(|key| !before.contains(*key))
        .cloned()
        .collect();
    eprintln!("| requests | answered | D1 calls | KV reads | R2 reads |\n|---|---|---|---|---|");
    for (route, [count, d1, kv, r2]) in &answered {
        eprintln!("| `{route}` | {count} | {d1} | {kv} | {r2} |");
    }
    let memo = &app.memo;
    eprintln!("| remembered | count | bytes |\n|---|---|---|");
    for (what, count, bytes) in [
        (
            "principals",
            memo.principals.count(),
            memo.principals.bytes(),
        ),
        (
            "repositories",
            memo.repositories.count(),
            memo.repositories.bytes(),
        ),
        ("nodes and views", memo.nodes.count(), memo.nodes.bytes()),
        ("all, at most", 0, peak),
        ("all that may be", 0, Memo::most_bytes()),
    ] {
        eprintln!("| {what} | {count} | {bytes} |");
    }
    eprintln!("{} views of {CONTENTS} documents", made.len());
    // Nobody made more than one view for a document and a limit, and each limit has its own.
    assert!(documents.values().all(|seen| seen.len() as u64 <= LIMITS));
    let distinct: usize = documents.values().map(BTreeSet::len).sum();
    assert_eq!(made.len(), distinct, "{made:?}");
    assert!(distinct as u64 > CONTENTS * LIMITS / 2, "{distinct}");
    // A visit asks the database twice at most: for who it is and where, and the first time for which names it sees.
    let [requests, d1, kv, r2] = answered.values().fold([0; 4], |sum, one| {
        [
            sum[0] + one[0],
            sum[1] + one[1],
            sum[2] + one[2],
            sum[3] + one[3],
        ]
    });
    assert_eq!(requests, 3 * VISITS);
    assert!(d1 <= 2 * VISITS, "{d1}");
    assert_eq!(world.calls(Port::Db) as u64, d1);
    // A view is looked for once in each place before it is made; nodes and documents are read once.
    assert!(
        kv <= 2 * distinct as u64 + 200 && r2 <= distinct as u64 + 200,
        "{kv} {r2}"
    );
}

/// A repository's package with its versions, without an archive for each.
fn define(registry: &TestRegistry, content: u64, package: &str, versions: &[Value]) {
    let manifests: Vec<Value> = versions
        .iter()
        .map(|version| {
            let mut manifest = version.clone();
            manifest["name"] = json!(package);
            json!({"version": version["version"], "manifest": manifest.to_string()})
        })
        .collect();
    let asked = json!({"package": package, "repository": format!("content-{content}"), "versions": manifests}).to_string();
    let key = format!("archives/{package}");
    let archive = crate::support::world::Object {
        bytes: vec![0],
        uploaded: 0,
    };
    registry.world.objects.borrow_mut().insert(key, archive);
    for sql in [
        "insert into packages (organisation_id, name, created_at)
         select r.organisation_id, ?1 ->> 'package', 0 from repositories r where r.slug = ?1 ->> 'repository'",
        "insert into repository_packages (repository_id, package_id)
         select r.id, p.id from packages p, repositories r
         where r.slug = ?1 ->> 'repository' and p.name = ?1 ->> 'package'",
        "insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at)
         select id, 'r', 'archives/' || name, 1, '', '', 0 from packages where name = ?1 ->> 'package'",
        "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
         select p.id, v.value ->> 'version', (v.value ->> 'version') || '.0', 0, 'r', d.id, v.value ->> 'manifest', '', 0
         from json_each(?1, '$.versions') v, packages p join dists d on d.package_id = p.id
         where p.name = ?1 ->> 'package'",
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, 0 from repository_packages m
         join packages p on p.id = m.package_id where p.name = ?1 ->> 'package'",
    ] {
        registry.world.sqlite.change(&Statement::new(sql).bind(&asked));
    }
    let repository = registry
        .world
        .sqlite
        .texts("select cast(max(id) as text) from repositories")
        .remove(0);
    let job = repertoire::jobs::Job::Publish {
        repository: repository.parse().unwrap(),
    };
    pollster::block_on(repertoire::jobs::enqueue(&registry.app, &[job])).unwrap();
    registry.run_jobs();
}
