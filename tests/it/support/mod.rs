//! A registry of one's own for each test: the real program over a world in memory, with personas and the verbs of the
//! product.

pub(crate) mod archives;
pub(crate) mod bitbucket;
pub(crate) mod browser;
pub(crate) mod composer_1;
pub(crate) mod devices;
pub(crate) mod dns;
pub(crate) mod faults;
pub(crate) mod git_folder;
pub(crate) mod git_server;
pub(crate) mod github;
pub(crate) mod github_app;
pub(crate) mod hooks;
pub(crate) mod hosts;
pub(crate) mod identity;
pub(crate) mod interleave;
pub(crate) mod persona;
pub(crate) mod shop;
pub(crate) mod smart_git;
pub(crate) mod sqlite;
pub(crate) mod whole;
pub(crate) mod world;

use std::cell::RefCell;
use std::rc::Rc;

use pollster::block_on;
use repertoire::app::App;
use repertoire::config::Config;
use repertoire::domain::blob::BlobHash;
use repertoire::domain::minify::expand;
use repertoire::jobs::{self, Outcome};
use repertoire::ports::{
    Clock, Counted, Counters, Entropy, HttpClient, Log, MultipartBlobs, RateLimit, Signer,
    Statement, Vault,
};
use repertoire::store::memo::Memo;
use serde_json::{Map, Value, json};

use github::{GITHUB_TOKEN, sign};
use persona::{Answer, Persona};
use world::{Object, Ports, World};

/// The address of the registry.
pub(crate) const ADDRESS: &str = "https://packages.example.com";
/// The owner's token.
pub(crate) const ADMIN: &str = "admin-token";
/// What guards the first set-up.
pub(crate) const SETUP_SECRET: &str = "setup-secret";
/// Deliveries after which the queue gives a message up; `wrangler.consumer.toml` says the same.
pub(crate) const MAX_DELIVERIES: u32 = 101;

/// The project that most tests import, and the package in it.
pub(crate) const PROJECT: &str = "acme/lib-source";
pub(crate) const PACKAGE: &str = "acme/lib";

pub(crate) struct TestRegistry {
    pub(crate) world: Rc<World>,
    /// The isolate that answers.
    pub(crate) app: App,
    /// A token that somebody was given before the scene began.
    pub(crate) token: RefCell<String>,
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        let left = self.world.queue.borrow().len();
        if !std::thread::panicking() {
            assert_eq!(left, 0, "messages were left in the queue");
        }
    }
}

/// A program over a world, with a memory of its own: another isolate.
pub(crate) fn isolate(world: &Rc<World>) -> App {
    isolate_at(world, ADDRESS)
}

/// The same under another address.
pub(crate) fn isolate_at(world: &Rc<World>, address: &str) -> App {
    isolate_with(world, &[("PUBLIC_URL", address)])
}

/// The same with other settings.
pub(crate) fn isolate_with(world: &Rc<World>, settings: &[(&str, &str)]) -> App {
    let ports = Rc::new(Ports(Rc::clone(world)));
    App {
        db: Rc::new(Counted(Ports(Rc::clone(world)))),
        blobs: Rc::new(Counted(Ports(Rc::clone(world)))),
        multipart: Rc::clone(&ports) as Rc<dyn MultipartBlobs>,
        cache: Rc::new(Counted(Ports(Rc::clone(world)))),
        queue: Rc::new(Counted(Ports(Rc::clone(world)))),
        counts: Rc::new(Counted(Ports(Rc::clone(world)))),
        outbound: Rc::clone(&ports) as Rc<dyn HttpClient>,
        clock: Rc::clone(&ports) as Rc<dyn Clock>,
        entropy: Rc::clone(&ports) as Rc<dyn Entropy>,
        vault: Rc::clone(&ports) as Rc<dyn Vault>,
        signer: Rc::clone(&ports) as Rc<dyn Signer>,
        bad_credentials: Rc::clone(&ports) as Rc<dyn RateLimit>,
        log: Rc::clone(&ports) as Rc<dyn Log>,
        counters: Some(ports as Rc<dyn Counters>),
        memo: Rc::new(Memo::default()),
        config: Rc::new(
            Config::read(|name| {
                let usual = [
                    ("PUBLIC_URL", ADDRESS),
                    ("SETUP_SECRET", SETUP_SECRET),
                    ("LOG_REQUESTS", "all"),
                    ("OWN_HOSTS", "alias.example, *.packages.example.com"),
                ];
                let mut all = settings.iter().chain(&usual);
                let (_, value) = all.find(|(known, _)| *known == name)?;
                Some((*value).to_owned())
            })
            .unwrap(),
        ),
    }
}

impl TestRegistry {
    /// Before the first set-up.
    pub(crate) fn bare() -> Self {
        Self::over(World::new())
    }

    /// Over a world that is there.
    pub(crate) fn over(world: Rc<World>) -> Self {
        Self {
            app: isolate(&world),
            token: RefCell::default(),
            world,
        }
    }

    /// With the organisation `acme` and its repository `main`.
    pub(crate) fn new() -> Self {
        let registry = Self::bare();
        let body = json!({"organisation": "acme", "repository": "main", "token": ADMIN});
        registry
            .with_token(SETUP_SECRET)
            .post("/api/v1/setup", &body)
            .expect(201);
        registry
    }

    /// With a project at GitHub (two tags, one branch) that has been imported and published.
    pub(crate) fn imported() -> Self {
        let registry = Self::new();
        registry.make_project();
        registry.import(PROJECT);
        registry.run_jobs();
        registry
    }

    // Personas.

    pub(crate) fn with_token(&self, token: &str) -> Persona<'_> {
        Persona::new(&self.app, Some(token))
    }

    /// The owner of the instance.
    pub(crate) fn admin(&self) -> Persona<'_> {
        self.with_token(ADMIN)
    }

    pub(crate) fn anonymous(&self) -> Persona<'_> {
        Persona::new(&self.app, None)
    }

    /// A machine that may read packages by a pattern.
    pub(crate) fn reader(&self, packages: &str) -> Persona<'_> {
        let token =
            self.make_token(&json!({"name": "ci", "access": "read", "packages": [packages]}));
        self.with_token(&token)
    }

    /// A machine that may upload.
    pub(crate) fn writer(&self) -> Persona<'_> {
        let token = self.make_token(&json!({"name": "release", "access": "write"}));
        self.with_token(&token)
    }

    pub(crate) fn make_token(&self, asked: &Value) -> String {
        let answer = self.admin().post("/api/v1/orgs/acme/tokens", asked);
        answer.expect(201).json()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    // Verbs.

    /// A project at GitHub with `v1.0.0`, `v1.1.0` and `main`.
    pub(crate) fn make_project(&self) {
        self.world.github.borrow_mut().add_project(41, PROJECT);
        self.push(
            "refs/heads/main",
            &json!({"name": PACKAGE, "description": "A library"}),
        );
        self.push_tag("v1.0.0");
        self.push_tag("v1.1.0");
    }

    pub(crate) fn push(&self, git_ref: &str, composer_json: &Value) -> String {
        let mut github = self.world.github.borrow_mut();
        let text = composer_json.to_string();
        github.project(PROJECT).push(git_ref, Some(&text))
    }

    pub(crate) fn push_tag(&self, tag: &str) -> String {
        self.push(
            &format!("refs/tags/{tag}"),
            &json!({"name": PACKAGE, "extra": {"tag": tag}}),
        )
    }

    pub(crate) fn delete_ref(&self, git_ref: &str) {
        let mut github = self.world.github.borrow_mut();
        github.project(PROJECT).refs.remove(git_ref).unwrap();
    }

    /// Connects GitHub; gives the connection's id and its webhook's secret.
    pub(crate) fn connect(&self) -> (String, String) {
        let body = json!({"provider": "github", "token": GITHUB_TOKEN});
        let made = self.admin().post("/api/v1/orgs/acme/connections", &body);
        let made = made.expect(201).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["id"]), text(&made["webhook"]["secret"]))
    }

    /// Connects GitHub and imports a project into `main`; gives the connection's id, its secret and the job's id.
    pub(crate) fn import(&self, project: &str) -> (String, String, String) {
        let (connection, secret) = self.connect();
        let body = json!({"connection": connection, "project": project, "repository": "main"});
        let made = self.admin().post("/api/v1/orgs/acme/packages", &body);
        let job = made.expect(202).json()["job"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        (connection, secret, job)
    }

    /// Changes settings of a package, and lets the job that this leads to run.
    pub(crate) fn set(&self, package: &str, settings: &Value) {
        let path = format!("/api/v1/orgs/acme/packages/{package}");
        self.admin().patch(&path, settings).expect(200);
        self.run_jobs();
        self.assert_settled();
    }

    /// Compares a package with GitHub by hand, to the end, a second after whatever was before.
    pub(crate) fn sync(&self, package: &str) {
        self.pass_time(1);
        let path = format!("/api/v1/orgs/acme/packages/{package}/sync");
        self.admin()
            .send("POST", &path, &[], Vec::new())
            .expect(202);
        self.run_jobs();
    }

    /// Lets GitHub tell of a push; the id makes it another delivery or the same one again.
    pub(crate) fn deliver_webhook(&self, delivery: &str) -> Answer {
        let connection = self
            .world
            .sqlite
            .texts("select id from connections")
            .remove(0);
        let sealed = self
            .world
            .sqlite
            .texts("select sealed_webhook_secret from connections")
            .remove(0);
        let secret = hex::decode(sealed.rsplit(':').next().unwrap()).unwrap();
        let secret = String::from_utf8(secret).unwrap();
        let id = self.world.github.borrow().project_id(PROJECT);
        let body =
            json!({"ref": "refs/heads/main", "repository": {"id": id, "full_name": PROJECT}});
        let body = body.to_string().into_bytes();
        let headers = [
            ("x-github-event", "push".to_owned()),
            ("x-github-delivery", delivery.to_owned()),
            ("x-hub-signature-256", sign(&secret, &body)),
            ("content-type", "application/json".to_owned()),
        ];
        let path = format!("/hooks/{connection}");
        self.anonymous().send("POST", &path, &headers, body)
    }

    /// Where GitHub has webhooks now.
    pub(crate) fn hook_places(&self) -> Vec<String> {
        let github = self.world.github.borrow();
        let places = github.hooks.places();
        places.into_iter().map(str::to_owned).collect()
    }

    /// Lets GitHub tell of a push to a project (by id and name) by each hook that is registered for it or its owner, with
    /// the secret that it was registered with; gives the answers.
    pub(crate) fn tell_of_push(&self, id: u64, full_name: &str, delivery: &str) -> Vec<Answer> {
        let (owner, _) = full_name.split_once('/').unwrap();
        let places = [
            format!("github repositories {id}"),
            format!("github orgs {owner}"),
        ];
        let hooks: Vec<_> = {
            let github = self.world.github.borrow();
            let hooks = github.hooks.all.iter();
            hooks
                .filter(|hook| places.contains(&hook.place) && hook.body["active"] == true)
                .map(|hook| {
                    let text = |key: &str| hook.body["config"][key].as_str().unwrap().to_owned();
                    (text("url"), text("secret"))
                })
                .collect()
        };
        let body =
            json!({"ref": "refs/heads/main", "repository": {"id": id, "full_name": full_name}});
        let body = body.to_string().into_bytes();
        let tell = |(url, secret): (String, String)| {
            let headers = [
                ("x-github-event", "push".to_owned()),
                ("x-github-delivery", delivery.to_owned()),
                ("x-hub-signature-256", sign(&secret, &body)),
                ("content-type", "application/json".to_owned()),
            ];
            let path = url.strip_prefix(ADDRESS).unwrap();
            self.anonymous().send("POST", path, &headers, body.clone())
        };
        hooks.into_iter().map(tell).collect()
    }

    /// Delivers what is in the queue, and what that leads to, until nothing is left.
    pub(crate) fn run_jobs(&self) {
        for _ in 0..1_000 {
            if !self.run_one_job() {
                return;
            }
        }
        panic!("the queue never empties");
    }

    /// Delivers the first message; whether there was one. Time passes until it is due. What is to come again goes to the end of the queue.
    pub(crate) fn run_one_job(&self) -> bool {
        let first = self.world.queue.borrow_mut().pop_front();
        let Some(mut message) = first else {
            return false;
        };
        message.attempts += 1;
        let now = &self.world.now;
        now.set(now.get().max(message.due));
        match block_on(jobs::run(&self.app, &message.text, message.attempts)) {
            Outcome::Done => {}
            Outcome::Retry { .. } if message.attempts < MAX_DELIVERIES => {
                self.world.queue.borrow_mut().push_back(message);
            }
            Outcome::Retry { .. } => {
                assert_eq!(
                    block_on(jobs::bury(&self.app, &message.text)),
                    Outcome::Done
                );
            }
        }
        true
    }

    pub(crate) fn housekeep(&self) {
        block_on(jobs::housekeep(&self.app));
    }

    pub(crate) fn pass_time(&self, seconds: i64) {
        self.world.now.set(self.world.now.get() + seconds);
    }

    // What there is to see.

    /// A document of `main`, expanded.
    pub(crate) fn composer_metadata(&self, package: &str) -> Vec<Map<String, Value>> {
        let path = format!("/r/acme/main/p2/{package}.json");
        let document = self.admin().get(&path).expect(200).json();
        let short = package.trim_end_matches("~dev");
        let versions = document["packages"][short].as_array().unwrap();
        expand(
            versions
                .iter()
                .map(|one| one.as_object().unwrap().clone())
                .collect(),
        )
    }

    /// The versions of a document, newest first.
    pub(crate) fn versions(&self, package: &str) -> Vec<String> {
        let versions = self.composer_metadata(package);
        versions
            .iter()
            .map(|one| one["version"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A package as the API shows it.
    pub(crate) fn shown(&self, package: &str) -> Value {
        let path = format!("/api/v1/orgs/acme/packages/{package}");
        self.admin().get(&path).expect(200).json()
    }

    /// The refs of a package, each with its state and reason in one line.
    pub(crate) fn refs(&self, package: &str) -> String {
        let shown = self.shown(package);
        let refs = shown["refs"].as_array().unwrap().iter().map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or("-");
            format!("{} {} {}", text("ref"), text("state"), text("reason"))
        });
        refs.collect::<Vec<_>>().join("\n")
    }

    /// The head of `main`: its revision and root.
    pub(crate) fn head(&self) -> (i64, String) {
        let text = self.world.sqlite.texts(
            "select head_revision || ' ' || coalesce(head_root, '') from repositories where slug = 'main' limit 1",
        );
        let (revision, root) = text[0].split_once(' ').unwrap();
        (revision.parse().unwrap(), root.to_owned())
    }

    /// All that `main` has to say, but for the times at which it came to say it.
    pub(crate) fn contents(&self) -> Vec<(String, Value, Option<Value>)> {
        let Some(root) = BlobHash::parse(&self.head().1) else {
            return Vec::new();
        };
        let mut packages = whole::read_tree(&self.world, &root);
        for (_, tagged, dev) in &mut packages {
            forget_times(tagged);
            dev.iter_mut().for_each(forget_times);
        }
        packages
    }

    /// Nothing is under way any more, nothing failed and nothing was given up.
    pub(crate) fn assert_settled(&self) {
        let sqlite = &self.world.sqlite;
        assert_eq!(
            sqlite.texts("select id || ' ' || state || ' ' || coalesce(message, '') from jobs where state <> 'done'"),
            Vec::<String>::new()
        );
        assert_eq!(
            sqlite.texts("select message from dead_letters"),
            Vec::<String>::new()
        );
        assert_eq!(
            sqlite.texts("select name from job_refs where state in ('waiting', 'failed')"),
            Vec::<String>::new()
        );
        assert_eq!(
            sqlite.texts("select package_id from pending_publications"),
            Vec::<String>::new()
        );
    }

    /// Puts `bulk/p0`, `bulk/p1`, … into `main`, each with one version, faster than by as many uploads.
    pub(crate) fn fill(&self, count: i64) {
        self.fill_unpublished(count);
        self.ask_for_publishing();
        self.world.check_at_the_end(|| self.run_jobs());
    }

    /// Puts a message into the queue that asks for what waits in `main` to be published.
    pub(crate) fn ask_for_publishing(&self) {
        let job = jobs::Job::Publish { repository: 1 };
        block_on(jobs::enqueue(&self.app, &[job])).unwrap();
    }

    /// The same packages, which wait to be published.
    pub(crate) fn fill_unpublished(&self, count: i64) {
        for index in 0..count {
            let archive = Object {
                bytes: vec![0],
                uploaded: self.world.now.get(),
            };
            let key = format!("archives/bulk/p{index}");
            self.world.objects.borrow_mut().insert(key, archive);
        }
        for sql in [
            "with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < ?1)
             insert into packages (organisation_id, name, created_at)
             select r.organisation_id, 'bulk/p' || n, 0 from numbers, repositories r where r.slug = 'main'",
            "insert into repository_packages (repository_id, package_id)
             select r.id, p.id from packages p, repositories r
             where r.slug = 'main' and p.name like 'bulk/%' and ?1 > 0",
            "insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at)
             select id, 'r', 'archives/' || name, 1, '', '', 0 from packages where name like 'bulk/%' and ?1 > 0",
            "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
             select p.id, '1.0.0', '1.0.0.0', 0, 'r', d.id, json_object('name', p.name), '', 0
             from packages p join dists d on d.package_id = p.id where p.name like 'bulk/%' and ?1 > 0",
            "insert into pending_publications (repository_id, package_id, sequence, asked_at)
             select m.repository_id, m.package_id, 1, 0 from repository_packages m
             join packages p on p.id = m.package_id where p.name like 'bulk/%' and ?1 > 0",
        ] {
            let statement = Statement::new(sql).bind(count);
            self.world.sqlite.change(&statement);
        }
    }

    /// Changes a row behind the program's back.
    pub(crate) fn change(&self, sql: &'static str) {
        self.world.sqlite.change(&Statement::new(sql));
    }
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("published-time");
            fields.values_mut().for_each(forget_times);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        _ => {}
    }
}
