//! Both Bitbuckets, the whole program over real git repositories: what a person who uses them would notice.

use std::cell::RefMut;

use hmac::{Hmac, KeyInit, Mac};
use pollster::block_on;
use repertoire::error::ErrorKind;
use repertoire::providers::outgoing::Gateway;
use repertoire::providers::{Credentials, GitHost, HookPlace, ProviderKind, WantedHook};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::bitbucket::{
    ACCESS_TOKEN, API_TOKEN, Bitbucket, EMAIL, Repository, SERVER, uuid,
};
use crate::support::github::Answer as Reply;
use crate::support::persona::Answer;
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";
const NUMBER: u64 = 41;

/// What differs between the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Product {
    Cloud,
    Server,
}

const PRODUCTS: [Product; 2] = [Product::Cloud, Product::Server];

impl Product {
    fn kind(self) -> ProviderKind {
        match self {
            Self::Cloud => ProviderKind::Bitbucket,
            Self::Server => ProviderKind::BitbucketServer,
        }
    }

    fn base_url(self) -> &'static str {
        match self {
            Self::Cloud => "",
            Self::Server => SERVER,
        }
    }

    /// The id of the repository as the host has it.
    fn id(self) -> String {
        match self {
            Self::Cloud => uuid(NUMBER),
            Self::Server => NUMBER.to_string(),
        }
    }

    fn asked(self) -> Value {
        match self {
            Self::Cloud => json!({"provider": "bitbucket", "token": ACCESS_TOKEN}),
            Self::Server => json!({
                "provider": "bitbucket-server", "token": ACCESS_TOKEN, "base_url": SERVER,
            }),
        }
    }

    /// A push of these refs, each with what it is now (`None` when it is gone), in one delivery.
    fn push(self, full_name: &str, refs: &[(&str, Option<&str>)]) -> Event {
        let zeros = "0".repeat(40);
        let body = match self {
            Self::Cloud => {
                let changes = refs.iter().map(|(name, commit)| {
                    let (kind, short) = match name.strip_prefix("refs/tags/") {
                        Some(short) => ("tag", short),
                        None => ("branch", name.strip_prefix("refs/heads/").unwrap()),
                    };
                    let target = json!({"type": kind, "name": short, "target": {"hash": commit}});
                    match commit {
                        Some(_) => json!({"new": target, "old": null, "created": true}),
                        None => json!({"new": null, "old": target, "closed": true}),
                    }
                });
                json!({
                    "repository": {"uuid": self.id(), "full_name": full_name},
                    "push": {"changes": changes.collect::<Vec<_>>()},
                })
            }
            Self::Server => {
                let changes = refs.iter().map(|(name, commit)| {
                    let kind = if commit.is_some() { "ADD" } else { "DELETE" };
                    json!({"ref": {"id": name}, "refId": name, "type": kind,
                           "fromHash": zeros, "toHash": commit.unwrap_or(&zeros)})
                });
                json!({
                    "repository": described(full_name),
                    "changes": changes.collect::<Vec<_>>(),
                })
            }
        };
        let name = match self {
            Self::Cloud => "repo:push",
            Self::Server => "repo:refs_changed",
        };
        Event::new(self, name, &body)
    }

    fn renamed(self, old: &str, new: &str) -> Event {
        match self {
            Self::Cloud => {
                let body = json!({
                    "repository": {"uuid": self.id(), "full_name": new},
                    "changes": {"full_name": {"old": old, "new": new}},
                });
                Event::new(self, "repo:updated", &body)
            }
            Self::Server => {
                let body = json!({"old": described(old), "new": described(new)});
                Event::new(self, "repo:modified", &body)
            }
        }
    }
}

/// A repository in an event of Data Center.
fn described(full_name: &str) -> Value {
    let (key, slug) = full_name.split_once('/').unwrap();
    json!({"id": NUMBER, "slug": slug, "project": {"key": key}})
}

/// A delivery as the host sends it.
struct Event {
    product: Product,
    name: &'static str,
    body: Vec<u8>,
}

impl Event {
    fn new(product: Product, name: &'static str, body: &Value) -> Self {
        Self {
            product,
            name,
            body: body.to_string().into_bytes(),
        }
    }

    /// Sends it with this signature.
    fn send(&self, scene: &Scene, delivery: &str, signature: Option<String>) -> Answer {
        let id = match self.product {
            Product::Cloud => "x-request-uuid",
            Product::Server => "x-request-id",
        };
        let mut headers = vec![
            ("x-event-key", self.name.to_owned()),
            (id, delivery.to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        headers.extend(signature.map(|signature| ("x-hub-signature", signature)));
        let path = format!("/hooks/{}", scene.connection["id"].as_str().unwrap());
        let sender = scene.registry.anonymous();
        sender.send("POST", &path, &headers, self.body.clone())
    }

    fn deliver(&self, scene: &Scene, delivery: &str) -> Answer {
        let signature = scene.sign(&self.body);
        self.send(scene, delivery, Some(signature))
    }
}

/// A registry that is connected to one of the two, with one repository there.
struct Scene {
    registry: TestRegistry,
    connection: Value,
    product: Product,
}

impl Scene {
    /// With `v1.0.0`, an annotated `v1.1.0`, a tag of that tag, two branches; connected.
    fn connected(product: Product) -> Self {
        let registry = TestRegistry::new();
        let mut double = registry.world.github.borrow_mut();
        double.bitbucket.add(NUMBER, PROJECT);
        drop(double);
        let made = registry.admin().post(CONNECTIONS, &product.asked());
        let connection = made.expect(201).json();
        let scene = Self {
            registry,
            connection,
            product,
        };
        scene.push("refs/heads/main", "A library");
        scene.push("refs/heads/feature/x", "A feature");
        scene.push("refs/tags/v1.0.0", "The first");
        let second = scene.push("refs/heads/second", "The second");
        let repository = scene.repository();
        repository.git.annotate("v1.1.0", &second);
        repository.git.annotate("v1.1.1", "v1.1.0");
        repository.git.delete("refs/heads/second");
        drop(repository);
        scene
    }

    /// The same with its package imported.
    fn imported(product: Product) -> Self {
        let scene = Self::connected(product);
        scene.import();
        scene.settle();
        scene
    }

    fn import(&self) -> String {
        let made = self.ask_for_import(PROJECT).expect(202).json();
        made["job"]["id"].as_str().unwrap().to_owned()
    }

    fn ask_for_import(&self, project: &str) -> Answer {
        let asked = json!({
            "connection": self.connection["id"], "project": project, "repository": "main",
        });
        let admin = self.registry.admin();
        admin.post("/api/v1/orgs/acme/packages", &asked)
    }

    fn settle(&self) {
        self.registry.run_jobs();
        self.registry.assert_settled();
    }

    fn double(&self) -> RefMut<'_, Bitbucket> {
        RefMut::map(self.registry.world.github.borrow_mut(), |double| {
            &mut double.bitbucket
        })
    }

    fn repository(&self) -> RefMut<'_, Repository> {
        RefMut::map(self.double(), |double| {
            double.repositories.get_mut(&NUMBER).unwrap()
        })
    }

    /// Makes a commit and points a ref at it.
    fn push(&self, git_ref: &str, description: &str) -> String {
        let manifest = json!({"name": PACKAGE, "description": description}).to_string();
        let files = [
            ("composer.json", manifest.as_str()),
            ("src/code.php", git_ref),
        ];
        self.repository().git.commit(git_ref, &files)
    }

    fn sign(&self, body: &[u8]) -> String {
        let secret = self.connection["webhook"]["secret"].as_str().unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn versions(&self) -> Vec<String> {
        self.registry.versions(PACKAGE)
    }

    /// The host as jobs are connected to it.
    fn host(&self) -> Box<dyn GitHost + '_> {
        let credentials = Credentials::new(None, ACCESS_TOKEN);
        let gateway = Gateway::of(&self.registry.app);
        let kind = self.product.kind();
        kind.connect(gateway, self.product.base_url(), &credentials)
            .unwrap()
    }
}

#[test]
fn a_repository_of_each_becomes_a_package() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        // More than a page of either; the tag of a tag leads to the commit of the inner one.
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        let versions = registry.composer_metadata(PACKAGE);
        assert_eq!(
            versions[0]["source"]["reference"],
            versions[1]["source"]["reference"]
        );
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        let names: Vec<_> = dev
            .iter()
            .map(|one| one["version"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["dev-main", "dev-feature/x"]);
        let first = &versions[2];
        let commit = scene.repository().git.resolve("refs/tags/v1.0.0").unwrap();
        assert_eq!(first["dist"]["reference"], commit);
        if product == Product::Cloud {
            // As Composer's own driver for it has them.
            let page = format!("https://bitbucket.org/{PROJECT}");
            assert_eq!(first["source"]["url"], format!("{page}.git"));
            assert_eq!(
                first["support"]["source"],
                format!("{page}/src/{commit}/?at=v1.0.0")
            );
            assert_eq!(first["support"]["issues"], format!("{page}/issues"));
            assert_eq!(first["homepage"], page);
            assert_eq!(first["time"], "2026-11-01T12:00:00+00:00");
        } else {
            // As Composer has them by git alone.
            assert_eq!(
                first["source"]["url"],
                format!("{SERVER}/scm/{PROJECT}.git")
            );
            assert_eq!(first.get("support"), None);
            assert_eq!(first["time"], "2026-11-01T11:00:00+00:00");
        }
        let shown = registry.shown(PACKAGE);
        assert_eq!(shown["project"]["id"], product.id());
    }
}

#[test]
fn one_delivery_tells_of_several_refs_and_its_replay_of_none() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        let two = scene.push("refs/tags/v2.0.0", "The third");
        let main = scene.push("refs/heads/main", "Another library");
        for tag in ["v2.1.0", "v2.2.0", "v2.3.0"] {
            scene.push(&format!("refs/tags/{tag}"), tag);
        }
        scene.repository().git.delete("refs/tags/v1.0.0");
        let event = product.push(
            PROJECT,
            &[
                ("refs/tags/v1.0.0", None),
                ("refs/heads/main", Some(&main)),
                ("refs/tags/v2.0.0", Some(&two)),
            ],
        );
        registry.world.forget_calls();
        let answer = event.deliver(&scene, "1").expect(202);
        assert_eq!(answer.json()["result"], "accepted");
        assert_eq!(registry.world.calls(Port::Outbound), 0);
        scene.settle();
        let versions = ["v2.3.0", "v2.2.0", "v2.1.0", "v2.0.0", "v1.1.1", "v1.1.0"];
        assert_eq!(scene.versions(), versions);
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        assert_eq!(dev[0]["dist"]["reference"], main);

        // A second attempt has the id of the first.
        let again = event.deliver(&scene, "1").expect(202);
        let said = again.json()["result"].as_str().unwrap().to_owned();
        assert!(said.starts_with("duplicate"), "{said}");
        assert_eq!(registry.world.queue.borrow().len(), 0);
    }
}

#[test]
fn what_a_delivery_says_is_no_fact() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        // The later of two came first: the tag it tells of is there again.
        let gone = product.push(PROJECT, &[("refs/tags/v1.0.0", None)]);
        let invented = "1".repeat(40);
        let made = product.push(PROJECT, &[("refs/tags/v9.0.0", Some(&invented))]);
        for (event, delivery) in [(gone, "1"), (made, "2")] {
            event.deliver(&scene, delivery).expect(202);
            scene.settle();
        }
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_forged_or_unsigned_delivery_does_nothing() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let event = product.push(PROJECT, &[("refs/heads/main", Some("x"))]);
        let good = scene.sign(&event.body);
        let digits = good.strip_prefix("sha256=").unwrap();
        for forged in [
            None,
            Some(String::new()),
            Some("sha256=".to_owned()),
            Some(digits.to_owned()),
            Some(format!("sha1={digits}")),
            Some(scene.sign(b"{}")),
        ] {
            event.send(&scene, "1", forged).expect(401);
        }
        assert_eq!(scene.registry.world.queue.borrow().len(), 0);
        event.send(&scene, "1", Some(good)).expect(202);
        scene.settle();
    }
}

#[test]
fn what_a_host_tells_beside_is_answered_with_success() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let other = match product {
            Product::Cloud => json!({"repository": {"uuid": uuid(99), "full_name": "a/b"},
                                     "push": {"changes": []}}),
            Product::Server => {
                json!({"repository": {"id": 99, "slug": "b", "project": {"key": "a"}},
                                      "changes": []})
            }
        };
        let push = match product {
            Product::Cloud => "repo:push",
            Product::Server => "repo:refs_changed",
        };
        for (delivery, name, body, said) in [
            (
                "1",
                "pullrequest:created",
                json!({}),
                "say nothing about tags",
            ),
            (
                "2",
                "repo:something_new",
                json!([]),
                "say nothing about tags",
            ),
            ("3", push, other, "no package here is synced"),
        ] {
            let event = Event::new(product, name, &body);
            let answer = event.deliver(&scene, delivery).expect(202);
            let result = answer.json()["result"].as_str().unwrap().to_owned();
            assert!(result.contains(said), "{result}");
        }
        if product == Product::Server {
            let ping = Event::new(product, "diagnostics:ping", &json!({"test": true}));
            ping.deliver(&scene, "4").expect(200);
        }
        assert_eq!(scene.registry.world.queue.borrow().len(), 0);
    }
}

#[test]
fn a_tag_that_is_moved_keeps_its_first_commit_and_the_attempt_is_shown() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let before = scene.registry.composer_metadata(PACKAGE)[2].clone();
        let moved = scene.push("refs/tags/v1.0.0", "Something else");
        let event = product.push(PROJECT, &[("refs/tags/v1.0.0", Some(&moved))]);
        event.deliver(&scene, "1").expect(202);
        scene.settle();
        let after = scene.registry.composer_metadata(PACKAGE)[2].clone();
        assert_eq!(after["dist"], before["dist"]);
        assert_eq!(after["description"], "The first");
        let refs = scene.registry.refs(PACKAGE);
        let line = refs.lines().find(|line| line.contains("v1.0.0")).unwrap();
        assert!(line.contains("moved"), "{line}");
    }
}

#[test]
fn a_tag_that_moves_while_it_is_imported_gives_one_of_its_commits_whole() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.import();
        // The comparison has listed the refs; no commit was asked for yet.
        scene.registry.run_one_job();
        let first = scene.repository().git.resolve("refs/tags/v1.0.0").unwrap();
        scene.push("refs/tags/v1.0.0", "Something else");
        scene.settle();
        let version = scene.registry.composer_metadata(PACKAGE)[2].clone();
        assert_eq!(version["dist"]["reference"], first);
        assert_eq!(version["description"], "The first");
    }
}

#[test]
fn a_rename_and_a_transfer_are_followed() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let mut old = PROJECT;
        for (number, new) in ["acme/renamed", "other/moved"].into_iter().enumerate() {
            scene.repository().full_name = new.to_owned();
            let tag = format!("refs/tags/v2.{number}.0");
            scene.push(&tag, new);
            let event = product.renamed(old, new);
            event.deliver(&scene, &format!("{number}")).expect(202);
            scene.settle();
            let shown = scene.registry.shown(PACKAGE);
            assert_eq!(shown["project"]["full_name"], new);
            assert_eq!(shown["project"]["id"], product.id());
            assert_eq!(scene.versions()[0], format!("v2.{number}.0"));
            old = new;
        }
        // Nobody tells, and another one has the old name now: it is not taken for ours.
        scene.repository().full_name = "other/hidden".to_owned();
        scene.double().add(77, old);
        scene.push("refs/tags/v3.0.0", "Still ours");
        scene.registry.sync(PACKAGE);
        scene.registry.assert_settled();
        assert_eq!(scene.versions()[0], "v3.0.0");
        let shown = scene.registry.shown(PACKAGE);
        assert_eq!(shown["project"]["full_name"], "other/hidden");
    }
}

#[test]
fn a_rename_between_a_comparison_and_its_imports_does_no_harm() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.import();
        scene.registry.run_one_job();
        scene.repository().full_name = "acme/renamed".to_owned();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn limits_outages_and_broken_archives_are_waited_out() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let job = scene.import();
        let registry = &scene.registry;
        let started = registry.world.now.get();
        let mut double = registry.world.github.borrow_mut();
        double.truncate_archives = 1;
        double.refusals = vec![
            Reply::new(429, "Rate limit for this resource has been exceeded"),
            Reply::new(429, "").with("retry-after", "40"),
            Reply::new(503, "<html>"),
        ];
        drop(double);
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        assert!(registry.world.now.get() >= started + 60 + 40);
        let shown = registry
            .admin()
            .get(&format!("/api/v1/orgs/acme/jobs/{job}"));
        assert_eq!(shown.json()["state"], "done");
    }
}

#[test]
fn archives_that_lie_elsewhere_come_without_the_token() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        // The double fails the test when the token comes along.
        scene.double().sends_archives_elsewhere = true;
        scene.import();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        let seen = &scene.registry.world.github.borrow().seen;
        assert!(
            seen.iter()
                .any(|one| one.contains("https://storage.example.com/"))
        );
    }
}

#[test]
fn a_website_that_asks_to_sign_in_is_said_to() {
    let scene = Scene::connected(Product::Cloud);
    scene.double().asks_to_sign_in = true;
    let job = scene.import();
    scene.registry.run_jobs();
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let shown = scene.registry.admin().get(&path).json().to_string();
    assert!(shown.contains("asks to sign in"), "{shown}");
    assert!(!shown.contains(ACCESS_TOKEN));
}

#[test]
fn an_empty_repository_is_said_to_be_empty() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        scene.double().add(50, "acme/empty");
        let said = scene.ask_for_import("acme/empty").expect(422).json();
        let detail = said["detail"].as_str().unwrap();
        assert!(
            detail.contains("`acme/empty` has no commits yet"),
            "{detail}"
        );
    }
}

#[test]
fn a_repository_that_becomes_empty_loses_its_versions_and_keeps_its_archives() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let dist = scene.registry.composer_metadata(PACKAGE)[2]["dist"]["url"].clone();
        let git = scene.repository();
        for name in [
            "tags/v1.0.0",
            "tags/v1.1.0",
            "tags/v1.1.1",
            "heads/main",
            "heads/feature/x",
        ] {
            git.git.delete(&format!("refs/{name}"));
        }
        drop(git);
        scene.registry.sync(PACKAGE);
        scene.registry.assert_settled();
        let shown = scene.registry.shown(PACKAGE);
        assert_eq!(shown["versions"], json!([]));
        let path = dist
            .as_str()
            .unwrap()
            .split_once(".com")
            .unwrap()
            .1
            .to_owned();
        scene.registry.admin().get(&path).expect(200);
    }
}

#[test]
fn a_token_that_no_longer_works_fails_the_job_and_says_so() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        // Data Center looks for a moved repository before it believes that.
        for _ in 0..2 {
            let refused = Reply::new(401, r#"{"error":{"message":"Token is invalid"}}"#);
            registry.world.github.borrow_mut().refusals.push(refused);
        }
        registry.sync(PACKAGE);
        registry.world.github.borrow_mut().refusals.clear();
        let shown = registry.admin().get(CONNECTIONS).json();
        let trouble = shown["connections"][0]["trouble"].as_str().unwrap();
        assert!(trouble.contains("refused the token"), "{trouble}");
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_connection_says_which_credentials_it_takes() {
    let registry = TestRegistry::new();
    for (asked, words) in [
        (
            json!({"provider": "bitbucket", "token": API_TOKEN}),
            "e-mail address",
        ),
        (
            json!({"provider": "bitbucket", "token": "ATBBx", "username": "ada"}),
            "app password",
        ),
        (
            json!({"provider": "bitbucket", "token": ACCESS_TOKEN, "username": EMAIL}),
            "leave `username` out",
        ),
        (
            json!({"provider": "bitbucket", "token": "wrong"}),
            "refused the token",
        ),
        (
            json!({"provider": "bitbucket-server", "token": ACCESS_TOKEN}),
            "Give `base_url`",
        ),
        (
            json!({"provider": "bitbucket-server", "token": "wrong", "base_url": SERVER}),
            "refused the token",
        ),
        (
            json!({"provider": "stash", "token": "x"}),
            "`bitbucket`, `bitbucket-server` or `git`",
        ),
    ] {
        let said = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(422)
            .json();
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    }
    let asked = json!({"provider": "bitbucket", "token": API_TOKEN, "username": EMAIL});
    let made = registry
        .admin()
        .post(CONNECTIONS, &asked)
        .expect(201)
        .json();
    assert_eq!(made["account"], "acme-bot");
    assert_eq!(made["username"], EMAIL);
    let events = json!(ProviderKind::Bitbucket.webhook_events());
    assert_eq!(made["webhook"]["events"], events);
}

#[test]
fn projects_are_listed_to_the_end_and_searched() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let mut double = scene.double();
        for (number, name) in ["acme/two", "acme/three", "beta/four", "void/five"]
            .iter()
            .enumerate()
        {
            double.add(60 + number as u64, name);
        }
        drop(double);
        let host = scene.host();
        let read = |search: Option<&str>| {
            let mut names = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let page = block_on(host.list_projects(search, cursor.as_deref())).unwrap();
                names.extend(page.projects.into_iter().map(|project| project.full_name));
                assert!(names.len() <= 5, "{names:?}");
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => return names,
                }
            }
        };
        let all = [PROJECT, "acme/two", "acme/three", "beta/four", "void/five"];
        assert_eq!(read(None), all);
        assert_eq!(read(Some("five")), ["void/five"]);
        if product == Product::Cloud {
            assert_eq!(read(Some("beta/")), ["beta/four"]);
        }
    }
}

#[test]
fn a_webhook_that_is_there_is_found_again_instead_of_doubled() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let id = product.id();
        // Others were there before, more than a page of them.
        let strangers = [
            "https://one.example",
            "https://two.example",
            "https://three.example",
        ];
        for place in [HookPlace::Project(&id), HookPlace::Group("acme")] {
            let host = scene.host();
            host.recall_name(&id, PROJECT);
            let wanted = |url, secret| WantedHook { url, secret };
            for url in strangers {
                block_on(host.save_hook(place, None, &wanted(url, "x"))).unwrap();
            }
            let url = "https://packages.example.com/hooks/1";
            assert_eq!(block_on(host.find_hook(place, url)).unwrap(), None);
            let made = block_on(host.save_hook(place, None, &wanted(url, "one"))).unwrap();
            let found = block_on(host.find_hook(place, url)).unwrap();
            assert_eq!(found.as_ref(), Some(&made));
            let again = block_on(host.save_hook(place, found.as_deref(), &wanted(url, "two")));
            assert_eq!(again.unwrap(), made);
            let double = scene.double();
            let ours: Vec<_> = double
                .hooks
                .iter()
                .filter(|hook| hook.body["url"] == url)
                .collect();
            assert_eq!(ours.len(), 1);
            let body = &ours[0].body;
            let secret = match product {
                Product::Cloud => &body["secret"],
                Product::Server => &body["configuration"]["secret"],
            };
            assert_eq!(secret, "two");
            assert_eq!(body["events"], json!(product.kind().webhook_events()));
            drop(double);
            for _ in 0..2 {
                block_on(host.remove_hook(place, &made)).unwrap();
            }
            assert_eq!(block_on(host.find_hook(place, url)).unwrap(), None);
            let left = scene.double().hooks.drain(..).count();
            assert_eq!(left, strangers.len());
        }
        let nowhere = HookPlace::Group("nobody/else");
        let error = block_on(scene.host().find_hook(nowhere, "x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_comparison_without_news_is_cheap_where_there_are_entity_tags() {
    let scene = Scene::imported(Product::Cloud);
    let head = scene.registry.head();
    scene.registry.world.github.borrow_mut().seen.clear();
    scene.registry.sync(PACKAGE);
    assert_eq!(scene.registry.head(), head);
    let double = scene.registry.world.github.borrow();
    let refs: Vec<_> = double
        .seen
        .iter()
        .filter(|one| one.contains("/refs/"))
        .collect();
    assert_eq!(refs.len(), 3);
    assert!(refs.iter().all(|one| one.ends_with(" 304")), "{refs:?}");
    assert_eq!(double.seen.len(), refs.len() + 1, "{:?}", double.seen);
}
