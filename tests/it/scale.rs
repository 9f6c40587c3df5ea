//! A repository of thousands is answered and published by the same work as one of five, and no invocation does more than
//! the platform allows.

use pollster::block_on;
use repertoire::app::App;

use serde_json::json;

use crate::support::persona::{Answer, Persona};
use crate::support::sqlite::Work;
use crate::support::world::{Effect, Port};
use crate::support::{ADMIN, TestRegistry, isolate};

/// Packages of the smaller and of the larger repository.
const FEW: i64 = 5;
const MANY: i64 = 3_000;
/// More than a page of any list has.
const SOME: i64 = 150;

/// Calls of the ports, and what the database had to do for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    messages: usize,
    kv_reads: usize,
    kv_writes: usize,
    r2_reads: usize,
    r2_writes: usize,
    work: Work,
}

impl Counted {
    fn take(registry: &TestRegistry) -> Self {
        let world = &registry.world;
        let counted = Self {
            messages: world.messages_sent(),
            kv_reads: world.operations(Port::Cache, Effect::None),
            kv_writes: world.operations(Port::Cache, Effect::Some),
            r2_reads: world.operations(Port::Blobs, Effect::None),
            r2_writes: world.operations(Port::Blobs, Effect::Some),
            work: world.sqlite.take_work(),
        };
        world.forget_calls();
        counted
    }

    /// What does not depend on how SQLite goes about it.
    fn operations(self) -> [usize; 6] {
        let statements = self.work.statements;
        [
            self.messages,
            statements,
            self.kv_reads,
            self.kv_writes,
            self.r2_reads,
            self.r2_writes,
        ]
    }

    /// All that counts against one invocation's subrequests.
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
fn composer_is_answered_by_the_same_operations_in_a_large_repository() {
    let (few, many) = (Scene::of(FEW), Scene::of(MANY));
    let document = "/r/acme/main/p2/bulk/p3.json";
    let root = "/r/acme/main/packages.json";
    let count = |scene: &Scene| {
        let modified = |path| {
            let answer = scene.registry.with_token(&scene.reader).get(path);
            answer.header("last-modified").unwrap().to_owned()
        };
        let (document_time, root_time) = (modified(document), modified(root));
        let mut all = Vec::new();
        for token in [ADMIN, &scene.reader] {
            all.push(scene.count(token, document, None, 200));
            all.push(scene.count(token, document, Some(&document_time), 304));
            all.push(scene.count(token, "/r/acme/main/p2/bulk/none.json", None, 404));
            all.push(scene.count(token, root, None, 200));
        }
        all.push(scene.count(&scene.reader, root, Some(&root_time), 304));
        all
    };
    for (one, (few, many)) in count(&few).into_iter().zip(count(&many)).enumerate() {
        for (few, many) in few.into_iter().zip(many) {
            println!("{one} {:?} {:?}", few, many);
        }
    }
}

#[test]
fn lists_and_searches_look_at_no_more_rows_in_a_large_repository() {
    let paths = [
        "/r/acme/main/search.json?q=p3",
        "/r/acme/main/search.json?q=",
        "/r/acme/main/search.json?q=&type=library",
        "/api/v1/orgs/acme/packages",
        "/api/v1/orgs/acme/packages?repository=main",
        "/api/v1/orgs/acme/packages?filter=bulk/p1*",
    ];
    let (some, many) = (Scene::of(SOME), Scene::of(MANY));
    for path in paths {
        for (who, few, many) in [
            (
                "admin",
                some.count(ADMIN, path, None, 200)[0],
                many.count(ADMIN, path, None, 200)[0],
            ),
            (
                "reader",
                some.count(&some.reader, path, None, 200)[0],
                many.count(&many.reader, path, None, 200)[0],
            ),
        ] {
            println!("{path} {who}\n  {few:?}\n  {many:?}");
        }
    }
}
