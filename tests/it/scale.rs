//! A repository of thousands is answered and published by the same work as one of five, and no invocation does more than
//! the platform allows. The tables of `docs/performance.md` that are counted are made here;
//! `PERFORMANCE_UPDATE=1 cargo test --test it scale` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use pollster::block_on;
use repertoire::app::App;
use serde_json::{Value, json};

use crate::support::persona::{Answer, Persona};
use crate::support::sqlite::Work;
use crate::support::world::{Effect, Port};
use crate::support::{ADMIN, TestRegistry, isolate};

/// Packages of the smaller and of the larger repository.
const FEW: i64 = 5;
const MANY: i64 = 2_000;
/// More than a page of any list has.
const SOME: i64 = 150;
/// Packages that change at once.
const DIRTY: i64 = 1_000;

/// What Cloudflare allows one invocation of a paid plan (2026-11).
mod limits {
    /// D1's queries, each of a batch for itself.
    pub(super) const D1_QUERIES: usize = 1_000;
    /// Operations of KV.
    pub(super) const KV_OPERATIONS: usize = 1_000;
    /// All calls of bindings together were 1,000 before they became 10,000: who still has an older plan is to be served too.
    pub(super) const SUBREQUESTS: usize = 1_000;
    /// Bytes of a parameter.
    pub(super) const PARAMETER: usize = 2_000_000;
    /// Messages that one invocation of the consumer is given at most (`wrangler.consumer.toml`).
    pub(super) const MESSAGES: usize = 5;
}

/// Calls of the ports, and what the database had to do for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    messages: usize,
    kv_reads: usize,
    kv_writes: usize,
    r2_reads: usize,
    r2_writes: usize,
    to_hosts: usize,
    work: Work,
}

impl Counted {
    /// Since the last call of this.
    fn take(registry: &TestRegistry) -> Self {
        let world = &registry.world;
        let counted = Self {
            messages: world.messages_sent(),
            kv_reads: world.operations(Port::Cache, Effect::None),
            kv_writes: world.operations(Port::Cache, Effect::Some),
            r2_reads: world.operations(Port::Blobs, Effect::None),
            r2_writes: world.operations(Port::Blobs, Effect::Some),
            to_hosts: world.calls(Port::Outbound),
            work: world.sqlite.take_work(),
        };
        world.forget_calls();
        counted
    }

    /// What does not depend on how SQLite goes about it.
    fn operations(self) -> [usize; 7] {
        [
            self.messages,
            self.work.statements,
            self.kv_reads,
            self.kv_writes,
            self.r2_reads,
            self.r2_writes,
            self.to_hosts,
        ]
    }

    /// All that counts against the subrequests of one invocation.
    fn subrequests(self) -> usize {
        self.operations().into_iter().sum()
    }
}

/// A repository of so many packages, and the token of a machine that may read all of them by a pattern.
struct Scene {
    registry: TestRegistry,
    reader: String,
}

impl Scene {
    fn of(packages: i64) -> Self {
        let registry = TestRegistry::new();
        registry.fill(packages);
        let asked = json!({"name": "ci", "access": "read", "packages": ["bulk/*"]});
        let reader = registry.make_token(&asked);
        registry.pass_time(3_600);
        Self { registry, reader }
    }

    /// What a request asks of the ports: of an isolate that knows nothing, and of the same once more.
    fn count(&self, token: &str, path: &str, since: Option<&str>, status: u16) -> [Counted; 2] {
        let isolate = isolate(&self.registry.world);
        Counted::take(&self.registry);
        let counted = [(); 2].map(|()| {
            ask(&isolate, token, path, since).expect(status);
            Counted::take(&self.registry)
        });
        self.registry.run_jobs();
        counted
    }
}

fn ask(isolate: &App, token: &str, path: &str, since: Option<&str>) -> Answer {
    let persona = Persona::new(isolate, Some(token));
    let answer = match since {
        None => persona.get(path),
        Some(time) => persona.get_with(path, "if-modified-since", time),
    };
    if repertoire::http::is_unfinished(isolate) {
        block_on(repertoire::http::finish(isolate));
    }
    answer
}

#[test]
fn composer_is_answered_by_the_same_work_in_a_large_repository() {
    let (few, many) = (Scene::of(FEW), Scene::of(MANY));
    let document = "/r/acme/main/p2/bulk/p3.json";
    let root = "/r/acme/main/packages.json";
    let count = |scene: &Scene| {
        let modified = |path| {
            let answer = scene.registry.with_token(&scene.reader).get(path);
            answer.header("last-modified").unwrap().to_owned()
        };
        let (document_time, root_time) = (modified(document), modified(root));
        let reader = scene.reader.as_str();
        [
            scene.count(ADMIN, document, None, 200),
            scene.count(reader, document, None, 200),
            scene.count(reader, document, Some(&document_time), 304),
            scene.count(reader, "/r/acme/main/p2/bulk/none.json", None, 404),
            scene.count(ADMIN, root, None, 200),
            scene.count(reader, root, None, 200),
            scene.count(reader, root, Some(&root_time), 304),
        ]
    };
    for (request, ([few_cold, few_warm], [cold, warm])) in
        count(&few).into_iter().zip(count(&many)).enumerate()
    {
        assert_eq!(warm, few_warm, "request {request}");
        assert_eq!(warm.subrequests(), 0, "request {request}");
        assert_eq!(cold.work, few_cold.work, "request {request}");
        // The root, and one more node: in a small repository a name may have no bucket, in a large one nobody lists all names.
        assert!(cold.kv_reads <= 2, "request {request}: {cold:?}");
        assert_eq!((cold.r2_reads, cold.r2_writes, cold.kv_writes), (0, 0, 0));
    }
}

#[test]
fn a_release_is_published_by_the_same_work_in_a_large_repository() {
    let release = |packages, package: &str| {
        let registry = TestRegistry::new();
        registry.fill(packages);
        let token = registry.writer().token.unwrap();
        registry.pass_time(3_600);
        Counted::take(&registry);
        let writer = registry.with_token(&token);
        writer.upload(package, "2.0.0", "").expect(201);
        let counted = Counted::take(&registry);
        registry.run_jobs();
        registry.assert_settled();
        counted
    };
    for package in ["bulk/p3", "bulk/new"] {
        let (few, many) = (release(FEW, package), release(MANY, package));
        let [few_operations, operations] = [few, many].map(Counted::operations);
        assert_eq!(few.r2_writes, many.r2_writes, "{package}");
        assert_eq!(few.work.statements, many.work.statements, "{package}");
        // A bucket may be new in a small repository, and is read in a large one: from KV or, for Composer 1, from R2.
        for (one, (few, many)) in few_operations.into_iter().zip(operations).enumerate() {
            assert!(many <= few + 3, "{package}, {one}: {few} and {many}");
        }
        assert!(
            many.work.steps <= few.work.steps * 5 / 4,
            "{package}: {few:?} {many:?}"
        );
    }
}

#[test]
fn lists_and_searches_look_at_no_more_rows_in_a_large_repository() {
    let paths = [
        "/r/acme/main/search.json?q=p77",
        "/r/acme/main/search.json?q=",
        "/api/v1/orgs/acme/packages",
        "/api/v1/orgs/acme/packages?repository=main",
    ];
    let (some, many) = (Scene::of(SOME), Scene::of(MANY));
    // As many are found in both.
    for scene in [&some, &many] {
        scene
            .registry
            .change("delete from package_search where name like 'bulk/p77_%'");
    }
    for path in paths {
        for [few, many] in [
            [
                some.count(ADMIN, path, None, 200),
                many.count(ADMIN, path, None, 200),
            ],
            [
                some.count(&some.reader, path, None, 200),
                many.count(&many.reader, path, None, 200),
            ],
        ] {
            let ([few, _], [many, _]) = (few, many);
            assert_eq!(few.operations(), many.operations(), "{path}");
            let allowed = few.work.steps + few.work.steps / 4;
            assert!(many.work.steps <= allowed, "{path}: {few:?} {many:?}");
            assert!(many.work.largest_parameter < 2_000, "{path}: {many:?}");
        }
    }
}

#[test]
fn a_small_repository_is_listed_by_the_same_work_in_a_large_organisation() {
    let count = |packages| {
        let scene = Scene::of(packages);
        let new = json!({"slug": "small"});
        let admin = scene.registry.admin();
        admin
            .post("/api/v1/orgs/acme/repositories", &new)
            .expect(201);
        // The first and the last of all by name, and one in between.
        scene.registry.change(
            "insert into repository_packages (repository_id, package_id)
             select r.id, p.id from repositories r, packages p
             where r.slug = 'small' and (p.name in ('bulk/p0', 'bulk/p3')
                   or p.name = (select max(name) from packages))",
        );
        let path = "/api/v1/orgs/acme/packages?repository=small&limit=5";
        let list = admin.get(path).expect(200).json();
        assert_eq!(list["packages"].as_array().unwrap().len(), 3);
        let [counted, _] = scene.count(ADMIN, path, None, 200);
        counted
    };
    let (few, many) = (count(SOME), count(MANY));
    assert_eq!(few.operations(), many.operations());
    assert!(
        many.work.steps <= few.work.steps + few.work.steps / 4,
        "{few:?} {many:?}"
    );
}

/// Delivers the messages of the queue one after the other; gives what each was and what it asked for.
fn count_messages(registry: &TestRegistry) -> Vec<(String, Counted)> {
    let mut counted = Vec::new();
    loop {
        let Some(job) = registry.world.queue.borrow().front().map(|message| {
            let message: Value = serde_json::from_str(&message.text).unwrap();
            message["job"].as_str().unwrap().to_owned()
        }) else {
            return counted;
        };
        Counted::take(registry);
        registry.world.check_at_the_end(|| registry.run_one_job());
        counted.push((job, Counted::take(registry)));
    }
}

/// A thousand packages wait, each with tags and branches.
fn dirty() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.fill_unpublished(DIRTY);
    registry.change(
        "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
         select package_id, 'dev-main', 'dev-main', 1, reference, dist_id,
                json_set(manifest, '$.description', printf('%.2000c', 'd')), time, 0 from versions",
    );
    registry.ask_for_publishing();
    registry
}

#[test]
fn a_thousand_changed_packages_are_published_within_the_limits_of_each_invocation() {
    let registry = dirty();
    let messages = count_messages(&registry);
    registry.assert_settled();
    assert_eq!(registry.contents().len(), usize::try_from(DIRTY).unwrap());
    let mut queries: Vec<usize> = Vec::new();
    for (_, counted) in &messages {
        assert!(counted.subrequests() <= limits::SUBREQUESTS, "{counted:?}");
        let kv = counted.kv_reads + counted.kv_writes;
        assert!(kv <= limits::KV_OPERATIONS, "{counted:?}");
        assert!(counted.work.largest_parameter <= limits::PARAMETER);
        queries.push(counted.work.statements);
    }
    queries.sort_unstable();
    let fullest: usize = queries.iter().rev().take(limits::MESSAGES).sum();
    assert!(fullest <= limits::D1_QUERIES, "{queries:?}");
}

#[test]
fn a_package_of_two_thousand_versions_is_published_by_work_in_proportion() {
    let publish = |versions: i64| {
        let registry = TestRegistry::new();
        registry.fill(1);
        let statement = repertoire::ports::Statement::new(
            "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n + 1 < ?1)
             insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
             select v.package_id, '1.' || n || '.0', '1.' || n || '.0.0', 0, v.reference, v.dist_id, v.manifest, v.time, 0
             from numbers, versions v where v.id = 1",
        );
        registry.world.sqlite.change(&statement.bind(versions));
        registry.change(
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select repository_id, package_id, 1, 0 from repository_packages",
        );
        registry.ask_for_publishing();
        let counted = count_messages(&registry);
        registry.assert_settled();
        let found = registry.versions("bulk/p0").len();
        assert_eq!(i64::try_from(found).unwrap(), versions);
        counted.first().unwrap().1
    };
    let (few, many) = (publish(200), publish(2_000));
    assert_eq!(few.operations(), many.operations());
    assert!(many.work.steps <= 11 * few.work.steps, "{few:?} {many:?}");
}

const FILE: &str = "docs/performance.md";
const BEGIN: &str =
    "<!-- counted: written by `PERFORMANCE_UPDATE=1 cargo test --test it scale` -->\n";
const END: &str = "<!-- end of counted -->";

fn table() -> String {
    let mut table = String::from(
        "| step | messages sent | D1 queries | KV reads | KV writes | R2 reads | R2 writes | requests to the git host |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut line = |what: &str, counted: Counted| {
        let cells = counted.operations().map(|count| count.to_string());
        writeln!(table, "| {what} | {} |", cells.join(" | ")).unwrap();
    };
    let registry = TestRegistry::imported();
    registry.pass_time(3_600);
    registry.push_tag("v1.2.0");
    Counted::take(&registry);
    registry.deliver_webhook("one").expect(202);
    line("a new tag: the webhook", Counted::take(&registry));
    for (job, counted) in count_messages(&registry) {
        line(&format!("a new tag: `{job}`"), counted);
    }
    assert!(registry.versions("acme/lib").contains(&"v1.2.0".to_owned()));
    let messages = count_messages(&dirty());
    let fullest = messages.iter().map(|(_, counted)| *counted);
    let fullest = fullest.max_by_key(|counted| counted.subrequests()).unwrap();
    let what = format!(
        "1,000 changed packages with tags and branches: the fullest of {} messages",
        messages.len()
    );
    line(&what, fullest);
    table
}

#[test]
fn the_documented_steps_of_a_publish_are_those_that_are_counted() {
    let made = format!("{BEGIN}\n{}\n{END}", table());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    if std::env::var_os("PERFORMANCE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{made}{after}")).unwrap();
        return;
    }
    let kept = text.get(before.len()..text.len() - after.len()).unwrap();
    assert_eq!(
        kept, made,
        "{FILE} is stale; `PERFORMANCE_UPDATE=1 cargo test --test it scale` writes it anew"
    );
}
