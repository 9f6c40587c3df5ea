//! What a run of Composer and a release cost: operations of the platform, counted, and their price. The table of
//! `docs/cost.md` is made here; `COST_UPDATE=1 cargo test --test it cost` writes it anew.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;

use pollster::block_on;
use repertoire::app::App;
use repertoire::http::{Body, begin_to_gather, tell_gathered};
use repertoire::jobs::{Message, Outcome, run_counts};
use serde_json::{Value, json};

use crate::support::persona::{Answer, Persona};
use crate::support::world::{Effect, Port};
use crate::support::{ADMIN, TestRegistry, isolate};

const FILE: &str = "docs/cost.md";
const BEGIN: &str = "<!-- counted: written by `COST_UPDATE=1 cargo test --test it cost` -->\n";
const END: &str = "<!-- end of counted -->\n";

/// How many machines come one after the other to one isolate, where there are many.
const MACHINES: usize = 20;

/// What all machines say they are.
const AGENT: &str = "Composer/2.10.0 (Linux; 6.8.0; PHP 8.4.2; cURL 8.5.0; CI)";

/// A run on so many packages by so many machines.
type Install = fn(&TestRegistry, usize, usize) -> Operations;

/// Operations as they are billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Operations {
    requests: usize,
    kv_reads: usize,
    kv_writes: usize,
    /// Calls of D1: a batch is one.
    d1_calls: usize,
    rows_written: usize,
    /// Entries of indexes written with them: the tables of what Composer causes have no index but their key.
    index_entries: usize,
    r2_class_a: usize,
    r2_class_b: usize,
    messages: usize,
    /// Requests to a git host, which cost no money.
    to_hosts: usize,
}

/// USD for a million, of 2026-11. Included quotas are left out.
mod prices {
    pub(super) const REQUEST: f64 = 0.30;
    pub(super) const KV_READ: f64 = 0.50;
    pub(super) const KV_WRITE: f64 = 5.0;
    /// Of rows that a call of D1 reads; the largest one reads some hundred.
    pub(super) const D1_CALL: f64 = 100.0 * 0.001;
    /// Of a table, or of an index.
    pub(super) const ROW_WRITTEN: f64 = 1.0;
    pub(super) const R2_CLASS_A: f64 = 4.50;
    pub(super) const R2_CLASS_B: f64 = 0.36;
    /// Written, read and deleted.
    pub(super) const MESSAGE: f64 = 3.0 * 0.40;
    /// A millisecond a request is more than any of them takes; a message of the queue takes ten.
    pub(super) const CPU_OF_REQUEST: f64 = 0.02;
    pub(super) const CPU_OF_MESSAGE: f64 = 10.0 * 0.02;
}

impl Operations {
    /// USD for a million of these.
    fn price(self) -> f64 {
        let of = |count: usize, price: f64| f64::from(u32::try_from(count).unwrap()) * price;
        of(self.requests, prices::REQUEST + prices::CPU_OF_REQUEST)
            + of(self.kv_reads, prices::KV_READ)
            + of(self.kv_writes, prices::KV_WRITE)
            + of(self.d1_calls, prices::D1_CALL)
            + of(self.rows_written + self.index_entries, prices::ROW_WRITTEN)
            + of(self.r2_class_a, prices::R2_CLASS_A)
            + of(self.r2_class_b, prices::R2_CLASS_B)
            + of(self.messages, prices::MESSAGE + prices::CPU_OF_MESSAGE)
    }
}

/// A client and the isolate it meets, which knows nothing at first.
struct Run<'a> {
    registry: &'a TestRegistry,
    isolate: App,
    counted: Operations,
    changes: u64,
    asked: usize,
    /// The archives of which the data centre has a copy, where it is to have some (`CACHE_ARCHIVES`).
    kept_nearby: Option<HashSet<String>>,
    /// When what was gathered is told.
    told_at: Option<i64>,
}

impl<'a> Run<'a> {
    fn begin(registry: &'a TestRegistry) -> Self {
        registry.pass_time(3_600);
        registry.world.forget_calls();
        Self {
            registry,
            isolate: isolate(&registry.world),
            counted: Operations::default(),
            changes: registry.world.sqlite.changes(),
            asked: 0,
            kept_nearby: None,
            told_at: None,
        }
    }

    /// What is read of the blob store for an archive: the second read leaves a copy (`src/edge/archive_cache.rs`; that it does
    /// so is shown by `tests/e2e/archive-cache.test.mjs`).
    fn reads_of_archive(&mut self, key: &str) -> usize {
        match &mut self.kept_nearby {
            None => 1,
            Some(kept) => 2 * usize::from(kept.insert(key.to_owned())),
        }
    }

    /// Sends a request, as the edge does with what comes after the answer. A second passes with each ten.
    fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Answer {
        self.tell(self.registry.world.now.get());
        let mut headers = headers.to_vec();
        headers.push(("user-agent", AGENT.to_owned()));
        let persona = Persona::new(&self.isolate, Some(ADMIN));
        let answer = persona.send(method, path, &headers, body);
        self.counted.requests += 1;
        // What goes out as a native stream passes by the ports.
        match &answer.reply.body {
            Body::Document(_) => self.counted.kv_reads += 1,
            Body::Archive { key, .. } => {
                let reads = self.reads_of_archive(key);
                self.counted.r2_class_b += reads;
            }
            Body::Empty | Body::Bytes(_) | Body::Elsewhere | Body::Asset(_) => {}
        }
        if repertoire::http::is_unfinished(&self.isolate) {
            block_on(repertoire::http::finish(&self.isolate));
        }
        if let Some(milliseconds) = begin_to_gather(&self.isolate) {
            let wait = i64::from(milliseconds / 1_000);
            self.told_at = Some(self.registry.world.now.get() + wait);
        }
        self.asked += 1;
        if self.asked.is_multiple_of(10) {
            self.registry.pass_time(1);
        }
        answer
    }

    /// Tells of what was gathered, when its time has come.
    fn tell(&mut self, now: i64) {
        if self.told_at.is_some_and(|at| at <= now) {
            self.told_at = None;
            block_on(tell_gathered(&self.isolate));
        }
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], Vec::new())
    }

    /// What there was to do, with what the queue did of it.
    fn end(mut self) -> Operations {
        self.tell(i64::MAX);
        // What is counted waits for half a minute, so that it comes together; all else runs as it comes.
        let (mut counts, mut others): (Vec<_>, VecDeque<_>) = (Vec::new(), VecDeque::new());
        for waiting in self.registry.world.queue.borrow_mut().drain(..) {
            if waiting.text.contains("\"job\":\"count_") {
                let (text, attempts) = (waiting.text, 1);
                counts.push(Message { text, attempts });
            } else {
                others.push_back(waiting);
            }
        }
        *self.registry.world.queue.borrow_mut() = others;
        while self.registry.run_one_job() {}
        for outcome in block_on(run_counts(&self.registry.app, &counts)) {
            assert_eq!(outcome, Outcome::Done);
        }
        let world = &self.registry.world;
        let operations = |port, effect| world.operations(port, effect);
        self.counted.kv_reads += operations(Port::Cache, Effect::None);
        self.counted.kv_writes += operations(Port::Cache, Effect::Some);
        self.counted.d1_calls += world.calls(Port::Db);
        self.counted.r2_class_b += operations(Port::Blobs, Effect::None);
        self.counted.r2_class_a += operations(Port::Blobs, Effect::Some);
        self.counted.messages += world.messages_sent();
        self.counted.to_hosts += world.calls(Port::Outbound);
        let changed = world.sqlite.changes() - self.changes;
        self.counted.rows_written += usize::try_from(changed).unwrap();
        self.counted
    }
}

const ROOT: &str = "/r/acme/main/packages.json";

fn document(number: usize) -> String {
    format!("/r/acme/main/p2/bulk/p{number}.json")
}

fn archive(number: usize) -> String {
    format!("/r/acme/main/dist/bulk/p{number}/r.zip")
}

fn report(run: &mut Run<'_>, packages: usize) {
    let downloads: Vec<Value> = (0..packages)
        .map(|number| json!({"name": format!("bulk/p{number}"), "version": "1.0.0.0"}))
        .collect();
    let body = json!({ "downloads": downloads }).to_string().into_bytes();
    let headers = [("content-type", "application/json".to_owned())];
    run.ask("POST", "/r/acme/main/downloads", &headers, body)
        .expect(201);
}

/// `composer install` by a lock file on machines that have nothing, one after the other. Composer 2.10 asks for
/// `packages.json` too.
fn installs(registry: &TestRegistry, packages: usize, machines: usize) -> Operations {
    install_all(Run::begin(registry), packages, machines, false)
}

/// The same where the data centre keeps archives, of which it has none at first.
fn installs_nearby(registry: &TestRegistry, packages: usize, machines: usize) -> Operations {
    let mut run = Run::begin(registry);
    run.kept_nearby = Some(HashSet::new());
    install_all(run, packages, machines, false)
}

/// `composer update` on machines that have nothing.
fn cold_updates(registry: &TestRegistry, packages: usize, machines: usize) -> Operations {
    install_all(Run::begin(registry), packages, machines, true)
}

fn install_all(
    mut run: Run<'_>,
    packages: usize,
    machines: usize,
    with_documents: bool,
) -> Operations {
    for _ in 0..machines {
        run.get(ROOT).expect(200);
        if with_documents {
            for number in 0..packages {
                run.get(&document(number)).expect(200);
            }
        }
        for number in 0..packages {
            run.get(&archive(number)).expect(200);
        }
        report(&mut run, packages);
    }
    run.end()
}

/// `composer update` where nothing is new.
fn warm_updates(registry: &TestRegistry, packages: usize, machines: usize) -> Operations {
    let modified = |path: &str| {
        let answer = registry.admin().get(path).expect(200);
        let time = answer.header("last-modified").unwrap().to_owned();
        vec![("if-modified-since", time)]
    };
    let known: Vec<_> = std::iter::once(ROOT.to_owned())
        .chain((0..packages).map(document))
        .map(|path| (modified(&path), path))
        .collect();
    let mut run = Run::begin(registry);
    for _ in 0..machines {
        for (headers, path) in &known {
            run.ask("GET", path, headers, Vec::new()).expect(304);
        }
    }
    run.end()
}

/// A tag is pushed: from the webhook to the moment at which it is visible.
fn new_tag(registry: &TestRegistry, tag: &str) -> Operations {
    registry.push_tag(tag);
    let mut run = Run::begin(registry);
    // The webhook goes to the isolate of the registry.
    registry.deliver_webhook(tag).expect(202);
    run.counted.requests += 1;
    let counted = run.end();
    // A version has some indexes, a job none.
    Operations {
        index_entries: counted.rows_written,
        ..counted
    }
}

fn table() -> String {
    let mut table = String::from(
        "| what | requests | KV reads | KV writes | D1 calls | rows written | R2 class A | R2 class B | messages | requests to the git host | USD for a million |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut line = |what: String, times: usize, counted: Operations| {
        let times_f64 = f64::from(u32::try_from(times).unwrap());
        let each = |count: usize| {
            let count = f64::from(u32::try_from(count).unwrap()) / times_f64;
            let text = format!("{count:.1}");
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        };
        writeln!(
            table,
            "| {what} | {} | {} | {} | {} | {} | {} | {} | {} | {} | **{:.2}** |",
            each(counted.requests),
            each(counted.kv_reads),
            each(counted.kv_writes),
            each(counted.d1_calls),
            each(counted.rows_written),
            each(counted.r2_class_a),
            each(counted.r2_class_b),
            each(counted.messages),
            each(counted.to_hosts),
            counted.price() / times_f64,
        )
        .unwrap();
    };
    for packages in [30, 250] {
        let registry = TestRegistry::imported();
        registry.fill(i64::try_from(packages).unwrap());
        // Somebody was here before, so that what has copies near the readers has them.
        installs(&registry, packages, 1);
        let runs: [(&str, Install); 4] = [
            ("install by a lock file", installs),
            (
                "install by a lock file, archives kept nearby",
                installs_nearby,
            ),
            ("update, nothing at hand", cold_updates),
            ("update, nothing new", warm_updates),
        ];
        for (what, run) in runs {
            for (machines, which) in [(1, "alone"), (MACHINES, "of many")] {
                let counted = run(&registry, packages, machines);
                line(
                    format!("{packages} packages: {what}, {which}"),
                    machines,
                    counted,
                );
            }
        }
    }
    let registry = TestRegistry::imported();
    let counted = new_tag(&registry, "v1.2.0");
    line(
        "a new tag, in a repository of one package".to_owned(),
        1,
        counted,
    );
    registry.fill(1_000);
    let counted = new_tag(&registry, "v1.3.0");
    line(
        "a new tag, in a repository of a thousand".to_owned(),
        1,
        counted,
    );
    table
}

#[test]
fn what_the_documentation_says_is_what_is_counted() {
    let made = format!("{BEGIN}\n{}\n{END}", table());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    if std::env::var_os("COST_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{made}{after}")).unwrap();
        return;
    }
    let kept = text.get(before.len()..text.len() - after.len()).unwrap();
    assert_eq!(
        kept, made,
        "{FILE} is stale; `COST_UPDATE=1 cargo test --test it cost` writes it anew"
    );
}
