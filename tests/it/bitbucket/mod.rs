//! Both Bitbuckets, the whole program over real git repositories: what a person who uses them would notice.

mod imports;
mod refusals;
mod webhooks;

use std::cell::RefMut;

use hmac::{Hmac, KeyInit, Mac};
use pollster::block_on;
use repertoire::error::ErrorKind;
use repertoire::providers::outgoing::Gateway;
use repertoire::providers::{Credentials, GitHost, HookPlace, ProviderKind, WantedHook};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::bitbucket::{
    ACCESS_TOKEN, API_TOKEN, Allowance, Bitbucket, EMAIL, Repository, SERVER, uuid,
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
