//! Every git host as the tests of its faults handle it.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::bitbucket::{ACCESS_TOKEN, SERVER, uuid};
use crate::support::git_server::{GIT_SERVER, change, create};
use crate::support::github::{Answer as Reply, GITHUB_TOKEN, sign};
use crate::support::hosts::HOST_TOKEN;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// The project's id at its host, where that is a number.
const NUMBER: u64 = 41;
const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

/// The headers and the body of a webhook.
pub(crate) type Delivery = (Vec<(&'static str, String)>, Vec<u8>);

/// A host as these tests handle it.
pub(crate) struct Host {
    /// As the API names it.
    pub(crate) provider: &'static str,
    /// What else a connection is made with.
    pub(crate) connection: fn() -> Value,
    /// How a webhook tells that a ref changed: its headers and body.
    pub(crate) push: fn(&Scene, delivery: &str) -> Delivery,
    /// The header that proves who sent a webhook.
    pub(crate) proof: &'static str,
    /// Whether its repositories are real ones behind git's own server.
    pub(crate) is_git: bool,
    /// Whether it is a Bitbucket, whose repositories are real ones as well.
    pub(crate) is_bitbucket: bool,
}

pub(crate) const HOSTS: [Host; 7] = [
    Host {
        provider: "github",
        connection: || json!({"token": GITHUB_TOKEN}),
        push: github_push,
        proof: "x-hub-signature-256",
        is_git: false,
        is_bitbucket: false,
    },
    Host {
        provider: "gitlab",
        connection: || json!({"token": HOST_TOKEN}),
        push: gitlab_push,
        proof: "x-gitlab-token",
        is_git: false,
        is_bitbucket: false,
    },
    Host {
        provider: "gitea",
        connection: || json!({"token": HOST_TOKEN, "base_url": "https://codeberg.org"}),
        push: gitea_push,
        proof: "x-gitea-signature",
        is_git: false,
        is_bitbucket: false,
    },
    Host {
        provider: "forgejo",
        connection: || json!({"token": HOST_TOKEN}),
        push: forgejo_push,
        proof: "x-forgejo-signature",
        is_git: false,
        is_bitbucket: false,
    },
    Host {
        provider: "bitbucket",
        connection: || json!({"token": ACCESS_TOKEN}),
        push: bitbucket_push,
        proof: "x-hub-signature",
        is_git: false,
        is_bitbucket: true,
    },
    Host {
        provider: "bitbucket-server",
        connection: || json!({"token": ACCESS_TOKEN, "base_url": SERVER}),
        push: bitbucket_server_push,
        proof: "x-hub-signature",
        is_git: false,
        is_bitbucket: true,
    },
    Host {
        provider: "git",
        connection: || json!({"base_url": GIT_SERVER}),
        push: git_push,
        proof: "authorization",
        is_git: true,
        is_bitbucket: false,
    },
];

/// A registry and a project at a host, which is not imported yet.
pub(crate) struct Scene {
    pub(crate) registry: TestRegistry,
    pub(crate) host: &'static Host,
    /// As the API is asked for it.
    pub(crate) project: String,
    /// The connection as it was made.
    pub(crate) connection: Value,
}

/// Plays a scene at every host; `name` keeps the repositories of the tests apart.
pub(crate) fn at_every_host(name: &str, play: impl Fn(Scene)) {
    for host in &HOSTS {
        println!("{name} at {}", host.provider);
        play(Scene::with_project(host, name));
    }
}

impl Scene {
    /// With a project that has no commit.
    pub(crate) fn empty(host: &'static Host, name: &str) -> Self {
        let registry = TestRegistry::new();
        let project = if host.is_git {
            let path = format!("faults-{name}.git");
            create(&path);
            path
        } else {
            let mut double = registry.world.github.borrow_mut();
            if host.is_bitbucket {
                double.bitbucket.add(NUMBER, PROJECT);
            } else {
                double.add_project(NUMBER, PROJECT);
            }
            PROJECT.to_owned()
        };
        let mut asked = (host.connection)();
        asked["provider"] = host.provider.into();
        let connection = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        Self {
            registry,
            host,
            project,
            connection,
        }
    }

    /// With a project that has `main`, `v1.0.0` and `v1.1.0`.
    pub(crate) fn with_project(host: &'static Host, name: &str) -> Self {
        let scene = Self::empty(host, name);
        scene.push("refs/heads/main", "A library");
        scene.push("refs/tags/v1.0.0", "One");
        scene.push("refs/tags/v1.1.0", "Two");
        scene
    }

    /// The same, imported.
    pub(crate) fn imported(host: &'static Host, name: &str) -> Self {
        let scene = Self::with_project(host, name);
        scene.import();
        scene.settle();
        scene
    }

    /// Points a ref at a new commit whose composer.json has this description.
    pub(crate) fn push(&self, git_ref: &str, description: &str) -> String {
        let manifest = json!({"name": PACKAGE, "description": description});
        if self.host.is_bitbucket {
            let manifest = manifest.to_string();
            let files = [("composer.json", manifest.as_str()), ("code.php", git_ref)];
            let double = self.registry.world.github.borrow();
            return double.bitbucket.repositories[&NUMBER]
                .git
                .commit(git_ref, &files);
        }
        if !self.host.is_git {
            return self.registry.push(git_ref, &manifest);
        }
        let manifest = manifest.to_string();
        let folder = self.folder();
        let blob = change(&folder, &["hash-object", "-w", "--stdin"], &manifest);
        let line = format!("100644 blob {blob}\tcomposer.json\n");
        let tree = change(&folder, &["mktree"], &line);
        let commit = change(&folder, &["commit-tree", &tree, "-m", description], "");
        change(&folder, &["update-ref", git_ref, &commit], "");
        commit
    }

    pub(crate) fn remove(&self, git_ref: &str) {
        if self.host.is_git {
            change(&self.folder(), &["update-ref", "-d", git_ref], "");
        } else if self.host.is_bitbucket {
            let double = self.registry.world.github.borrow();
            double.bitbucket.repositories[&NUMBER].git.delete(git_ref);
        } else {
            self.registry.delete_ref(git_ref);
        }
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("git-server")
            .join(&self.project)
    }

    /// Asks for an import; gives the job's id.
    pub(crate) fn import(&self) -> String {
        let asked = json!({"connection": self.connection["id"], "project": self.project, "repository": "main"});
        let made = self
            .registry
            .admin()
            .post("/api/v1/orgs/acme/packages", &asked);
        text(&made.expect(202).json()["job"]["id"])
    }

    /// Runs all jobs; nothing may be left open or have failed.
    pub(crate) fn settle(&self) {
        self.registry.run_jobs();
        self.registry.assert_settled();
    }

    pub(crate) fn versions(&self) -> Vec<String> {
        self.registry.versions(PACKAGE)
    }

    pub(crate) fn secret(&self) -> String {
        text(&self.connection["webhook"]["secret"])
    }

    /// Delivers a webhook with these headers; gives the status.
    pub(crate) fn deliver(&self, headers: &[(&'static str, String)], body: &[u8]) -> u16 {
        let path = format!("/hooks/{}", text(&self.connection["id"]));
        let anonymous = self.registry.anonymous();
        anonymous
            .send("POST", &path, headers, body.to_vec())
            .status()
    }

    /// Tells of a push.
    pub(crate) fn tell(&self, delivery: &str) {
        let (headers, body) = (self.host.push)(self, delivery);
        assert_eq!(self.deliver(&headers, &body), 202);
    }

    pub(crate) fn job(&self, id: &str) -> Value {
        let path = format!("/api/v1/orgs/acme/jobs/{id}");
        self.registry.admin().get(&path).expect(200).json()
    }

    /// The project has another name at its host from now on.
    pub(crate) fn rename(&self, full_name: &str) {
        let mut double = self.registry.world.github.borrow_mut();
        if self.host.is_bitbucket {
            let found = double.bitbucket.repositories.get_mut(&NUMBER);
            full_name.clone_into(&mut found.unwrap().full_name);
        } else {
            full_name.clone_into(&mut double.project(PROJECT).full_name);
        }
    }

    /// From now on the host answers so for all of the project.
    pub(crate) fn withhold(&self, status: u16) {
        let parts = match self.host.provider {
            "gitlab" => vec!["/projects/41".to_owned(), format!("/{PROJECT}")],
            "github" | "gitea" | "forgejo" => {
                vec!["/repositories/41".to_owned(), format!("/{PROJECT}")]
            }
            "git" => vec![format!("/{}/", self.project)],
            _ => vec![
                format!("/{PROJECT}"),
                "000000000041".to_owned(),
                "/repos/lib-source".to_owned(),
                "/repos?".to_owned(),
            ],
        };
        self.registry.world.github.borrow_mut().withheld = Some((parts, status));
    }

    /// The host shows it again.
    pub(crate) fn show_again(&self) {
        self.registry.world.github.borrow_mut().withheld = None;
    }

    /// The next requests are refused so.
    pub(crate) fn refuse(&self, refusals: Vec<Reply>) {
        self.registry.world.github.borrow_mut().refusals = refusals;
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn hmac_hex(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn as_json() -> (&'static str, String) {
    ("content-type", "application/json".to_owned())
}

fn push_body() -> Vec<u8> {
    json!({"ref": "refs/tags/v1.2.0", "repository": {"id": 41, "full_name": PROJECT}})
        .to_string()
        .into_bytes()
}

fn github_push(scene: &Scene, delivery: &str) -> Delivery {
    let body = push_body();
    let headers = vec![
        ("x-github-event", "push".to_owned()),
        ("x-github-delivery", delivery.to_owned()),
        ("x-hub-signature-256", sign(&scene.secret(), &body)),
        as_json(),
    ];
    (headers, body)
}

/// Both Bitbuckets sign in the same way.
fn sent_by_bitbucket(
    scene: &Scene,
    event: &str,
    id: (&'static str, &str),
    body: &Value,
) -> Delivery {
    let body = body.to_string().into_bytes();
    let signature = format!("sha256={}", hmac_hex(&scene.secret(), &body));
    let headers = vec![
        ("x-event-key", event.to_owned()),
        (id.0, id.1.to_owned()),
        ("x-hub-signature", signature),
        as_json(),
    ];
    (headers, body)
}

fn bitbucket_push(scene: &Scene, delivery: &str) -> Delivery {
    let target = json!({"type": "tag", "name": "v1.2.0", "target": {"hash": "1".repeat(40)}});
    let body = json!({
        "repository": {"uuid": uuid(NUMBER), "full_name": PROJECT},
        "push": {"changes": [{"new": target, "old": null, "created": true}]},
    });
    sent_by_bitbucket(scene, "repo:push", ("x-request-uuid", delivery), &body)
}

fn bitbucket_server_push(scene: &Scene, delivery: &str) -> Delivery {
    let (key, slug) = PROJECT.split_once('/').unwrap();
    let body = json!({
        "repository": {"id": NUMBER, "slug": slug, "project": {"key": key}},
        "changes": [{"ref": {"id": "refs/tags/v1.2.0"}, "refId": "refs/tags/v1.2.0", "type": "ADD",
                     "fromHash": "0".repeat(40), "toHash": "1".repeat(40)}],
    });
    sent_by_bitbucket(
        scene,
        "repo:refs_changed",
        ("x-request-id", delivery),
        &body,
    )
}

fn gitlab_push(scene: &Scene, delivery: &str) -> Delivery {
    let body = json!({
        "object_kind": "tag_push", "ref": "refs/tags/v1.2.0", "after": "1".repeat(40), "project_id": 41,
        "project": {"id": 41, "path_with_namespace": PROJECT},
    });
    let headers = vec![
        ("x-gitlab-event", "Tag Push Hook".to_owned()),
        ("x-gitlab-token", scene.secret()),
        ("x-gitlab-webhook-uuid", delivery.to_owned()),
        as_json(),
    ];
    (headers, body.to_string().into_bytes())
}

fn gitea_push(scene: &Scene, delivery: &str) -> Delivery {
    let body = push_body();
    let headers = vec![
        ("x-gitea-event", "push".to_owned()),
        ("x-gitea-delivery", delivery.to_owned()),
        ("x-gitea-signature", hmac_hex(&scene.secret(), &body)),
        as_json(),
    ];
    (headers, body)
}

fn forgejo_push(scene: &Scene, delivery: &str) -> Delivery {
    let body = push_body();
    let headers = vec![
        ("x-forgejo-event", "push".to_owned()),
        ("x-forgejo-delivery", delivery.to_owned()),
        ("x-forgejo-signature", hmac_hex(&scene.secret(), &body)),
        as_json(),
    ];
    (headers, body)
}

fn git_push(scene: &Scene, delivery: &str) -> Delivery {
    let url = format!("{GIT_SERVER}/{}", scene.project);
    let body = json!({"repository": {"url": url}}).to_string().into_bytes();
    let headers = vec![
        ("authorization", format!("Bearer {}", scene.secret())),
        ("x-request-id", delivery.to_owned()),
        as_json(),
    ];
    (headers, body)
}
