//! Webhooks of GitHub Apps: one address for all installations, and each delivery for its own alone.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github::{GITHUB_TOKEN, sign};
use crate::support::github_app::{
    APP_KEY, CLIENT_ID, CONNECTIONS, add_app, import, installed, text,
};
use crate::support::persona::Answer;
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

struct Scene {
    registry: TestRegistry,
    github_app: String,
    secret: String,
    connection: String,
}

/// A project that was imported by installation 7.
fn scene() -> Scene {
    let registry = installed();
    let made = add_app(&registry);
    let (github_app, secret) = (text(&made["id"]), text(&made["webhook"]["secret"]));
    let asked = json!({"provider": "github", "github_app": github_app, "installation": 7});
    let connected = registry.admin().post(CONNECTIONS, &asked).expect(201);
    let connection = text(&connected.json()["id"]);
    import(&registry, &connection);
    registry.run_jobs();
    Scene {
        registry,
        github_app,
        secret,
        connection,
    }
}

impl Scene {
    fn send(&self, event: &str, id: &str, secret: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        let headers = [
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", id.to_owned()),
            ("x-hub-signature-256", sign(secret, &body)),
            ("content-type", "application/json".to_owned()),
        ];
        let path = format!("/hooks/{}", self.github_app);
        self.registry
            .anonymous()
            .send("POST", &path, &headers, body)
    }

    fn deliver(&self, event: &str, id: &str, body: &Value) -> Value {
        self.send(event, id, &self.secret, body).expect(202).json()
    }

    fn connection(&self) -> Value {
        let listed = self.registry.admin().get("/api/v1/orgs/acme/connections");
        listed.json()["connections"][0].clone()
    }

    /// Verdicts and details of the deliveries at the app's address, by id.
    fn deliveries(&self) -> Vec<Value> {
        let path = format!(
            "/api/v1/orgs/acme/github-apps/{}/deliveries",
            self.github_app
        );
        let listed = self.registry.admin().get(&path).expect(200).json();
        let mut rows = listed["deliveries"].as_array().unwrap().clone();
        rows.sort_by_key(|row| row["id"].to_string());
        rows
    }

    fn jobs(&self) -> usize {
        self.registry
            .world
            .sqlite
            .texts("select id from jobs")
            .len()
    }
}

fn push(installation: i64) -> Value {
    json!({
        "ref": "refs/heads/main", "repository": {"id": 41, "full_name": PROJECT},
        "installation": {"id": installation, "node_id": "x"},
    })
}

fn installation(action: &str) -> Value {
    json!({"action": action, "installation": {"id": 7, "account": {"login": "acme", "id": 70}}, "repositories": []})
}

#[test]
fn a_push_brings_a_tag_and_is_recorded_with_its_connection() {
    let scene = scene();
    scene.registry.push_tag("v1.2.0");
    scene.registry.world.forget_calls();
    let answer = scene.deliver("push", "1", &push(7));
    assert_eq!(answer["result"], "accepted");
    assert_eq!(scene.registry.world.calls(Port::Outbound), 0);
    scene.registry.run_jobs();
    scene.registry.assert_settled();
    assert_eq!(scene.registry.versions(PACKAGE)[0], "v1.2.0");
    let rows = scene.deliveries();
    assert_eq!(rows[0]["connection"], scene.connection);
    assert_eq!(
        (
            &rows[0]["verdict"],
            &rows[0]["installation"],
            &rows[0]["job"]
        ),
        (&json!("accepted"), &json!(7), &answer["job"])
    );
    let all = scene.registry.admin().get("/api/v1/orgs/acme/deliveries");
    assert_eq!(all.json()["deliveries"].as_array().unwrap().len(), 1);
    // The same again is the same.
    let jobs = scene.jobs();
    let again = scene.deliver("push", "1", &push(7));
    assert_eq!(
        again["result"],
        "duplicate: this delivery was received before"
    );
    assert_eq!(scene.jobs(), jobs);
}

#[test]
fn a_burst_costs_one_round_of_storage_for_each_delivery() {
    let scene = scene();
    scene.deliver("push", "1", &push(7));
    scene.registry.world.forget_calls();
    scene.deliver("push", "2", &push(7));
    assert_eq!(scene.registry.world.calls(Port::Db), 1);
    scene.registry.run_jobs();
}

#[test]
fn only_the_apps_own_secret_signs() {
    let scene = scene();
    for secret in ["", "other", &scene.connection] {
        scene.send("push", "1", secret, &push(7)).expect(401);
    }
    // A connection's secret is for its own address.
    let (_, other) = scene.registry.connect();
    scene.send("push", "1", &other, &push(7)).expect(401);
    let unknown = Scene {
        github_app: "app-unknown".to_owned(),
        ..scene
    };
    unknown
        .send("push", "1", &unknown.secret, &push(7))
        .expect(404);
    assert_eq!(unknown.registry.world.queue.borrow().len(), 0);
    let recorded = unknown
        .registry
        .world
        .sqlite
        .texts("select id from deliveries");
    assert_eq!(recorded, Vec::<String>::new());
}

#[test]
fn what_no_connection_is_concerned_by_is_accepted_and_recorded_as_ignored() {
    let scene = scene();
    let jobs = scene.jobs();
    let body =
        json!({"action": "created", "installation": {"id": 8, "account": {"login": "globex"}}});
    for (event, id, body, result) in [
        (
            "push",
            "1",
            push(8),
            "ignored: no connection here is made by installation 8",
        ),
        (
            "installation",
            "2",
            body,
            "ignored: no connection here is made by installation 8",
        ),
        (
            "security_advisory",
            "3",
            json!({}),
            "ignored: it is about no installation",
        ),
    ] {
        assert_eq!(scene.deliver(event, id, &body)["result"], result);
        assert_eq!(
            scene.deliver(event, id, &body)["result"],
            "duplicate: this delivery was received before"
        );
    }
    scene
        .send(
            "ping",
            "4",
            &scene.secret,
            &json!({"zen": "x", "hook": {"app_id": 1}}),
        )
        .expect(200);
    scene.send("push", "", &scene.secret, &push(8)).expect(422);
    assert_eq!(scene.jobs(), jobs);
    assert_eq!(scene.registry.world.queue.borrow().len(), 0);
    let rows = scene.deliveries();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            json!([
                row["event"],
                row["verdict"],
                row["installation"],
                row["connection"]
            ])
        })
        .collect();
    assert_eq!(
        shown,
        [
            json!(["push", "ignored", 8, null]),
            json!(["installation", "ignored", 8, null]),
            json!(["security_advisory", "ignored", null, null]),
            json!(["ping", "ignored", null, null]),
        ]
    );
    // They are forgotten as all others are.
    scene.registry.pass_time(31 * 24 * 60 * 60);
    scene.registry.housekeep();
    scene.registry.run_jobs();
    assert_eq!(scene.deliveries(), Vec::<Value>::new());
}

#[test]
fn an_installation_of_another_organisation_is_never_reached() {
    let scene = scene();
    let admin = scene.registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    // The same app, taken in by somebody else as well, who has an installation of their own.
    let asked = json!({"client_id": CLIENT_ID, "private_key": APP_KEY});
    let made = admin.post("/api/v1/orgs/globex/github-apps", &asked);
    let made = made.expect(201).json();
    scene
        .registry
        .world
        .github
        .borrow_mut()
        .install(8, "globex", &[41]);
    let asked = json!({"provider": "github", "github_app": made["id"], "installation": 8});
    admin
        .post("/api/v1/orgs/globex/connections", &asked)
        .expect(201);
    let before = scene.connection();
    let theirs = Scene {
        registry: scene.registry,
        github_app: text(&made["id"]),
        secret: text(&made["webhook"]["secret"]),
        connection: String::new(),
    };
    let jobs = theirs.jobs();
    for (event, id, body) in [
        ("push", "1", push(7)),
        ("installation", "2", installation("suspend")),
        ("installation", "3", installation("deleted")),
    ] {
        let answer = theirs.deliver(event, id, &body);
        assert_eq!(
            answer["result"],
            "ignored: no connection here is made by installation 7"
        );
    }
    assert_eq!(theirs.jobs(), jobs);
    assert_eq!(theirs.connection(), before);
}

#[test]
fn a_suspended_installation_is_noted_and_goes_on_when_it_may() {
    let scene = scene();
    let suspend = |is_suspended: bool| {
        let mut github = scene.registry.world.github.borrow_mut();
        github.app.installations.get_mut(&7).unwrap().is_suspended = is_suspended;
    };
    suspend(true);
    scene.deliver("installation", "1", &installation("suspend"));
    let trouble = text(&scene.connection()["trouble"]);
    assert!(trouble.contains("suspended by `acme`"), "{trouble}");
    assert_eq!(scene.registry.world.queue.borrow().len(), 0);
    // Of what is pushed meanwhile nobody hears.
    scene.registry.push_tag("v1.2.0");
    suspend(false);
    scene.deliver("installation", "2", &installation("unsuspend"));
    assert_eq!(scene.connection()["trouble"], json!(null));
    // The first once more, late: it changes nothing.
    scene.deliver("installation", "1", &installation("suspend"));
    assert_eq!(scene.connection()["trouble"], json!(null));
    scene.registry.run_jobs();
    scene.registry.assert_settled();
    assert_eq!(scene.registry.versions(PACKAGE)[0], "v1.2.0");
}

#[test]
fn what_waits_for_an_installation_goes_on_with_a_delivery_or_a_sync_by_hand() {
    for by_hand in [false, true] {
        let scene = scene();
        let suspend = |is_suspended: bool| {
            let mut github = scene.registry.world.github.borrow_mut();
            let installation = github.app.installations.get_mut(&7).unwrap();
            installation.is_suspended = is_suspended;
        };
        suspend(true);
        scene.deliver("installation", "1", &installation("suspend"));
        let path = format!("/api/v1/orgs/acme/packages/{PACKAGE}/sync");
        let sync = || scene.registry.admin().post(&path, &json!({})).expect(202);
        sync();
        scene.registry.run_jobs();
        assert_eq!(scene.connection()["waits_for_credential"], true);
        // The delivery that says that it is over never came.
        suspend(false);
        scene.registry.push_tag("v1.2.0");
        scene.registry.pass_time(61);
        if by_hand {
            sync();
        } else {
            scene.deliver("push", "2", &push(7));
        }
        scene.registry.run_jobs();
        scene.registry.assert_settled();
        assert_eq!(scene.registry.versions(PACKAGE)[0], "v1.2.0");
        assert_eq!(scene.connection()["waits_for_credential"], false);
        assert_eq!(scene.connection()["trouble"], json!(null));
    }
}

#[test]
fn an_app_that_was_uninstalled_says_what_to_do() {
    let scene = scene();
    scene
        .registry
        .world
        .github
        .borrow_mut()
        .app
        .installations
        .clear();
    scene.deliver("installation", "1", &installation("deleted"));
    let trouble = text(&scene.connection()["trouble"]);
    assert!(trouble.contains("uninstalled from `acme`"), "{trouble}");
    let tokens = scene
        .registry
        .world
        .sqlite
        .texts("select sealed_token from connections");
    assert_eq!(tokens, [""]);
    scene.registry.sync(PACKAGE);
    let jobs = scene.registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(jobs["jobs"][0]["state"], "queued");
    let message = text(&jobs["jobs"][0]["message"]);
    assert!(message.contains("install it again"), "{message}");
    // What was published stays.
    assert_eq!(scene.registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn repositories_that_come_and_go_are_compared_where_they_are_ours() {
    let scene = scene();
    scene.registry.push_tag("v1.2.0");
    let jobs = scene.jobs();
    let body = |id: u64| {
        json!({
            "action": "added", "installation": {"id": 7, "account": {"login": "acme"}},
            "repositories_added": [{"id": id, "full_name": "x/y"}], "repositories_removed": [],
        })
    };
    scene.deliver("installation_repositories", "1", &body(99));
    assert_eq!(scene.jobs(), jobs);
    scene.deliver("installation_repositories", "2", &body(41));
    assert_eq!(scene.jobs(), jobs + 1);
    scene.registry.run_jobs();
    assert_eq!(scene.registry.versions(PACKAGE)[0], "v1.2.0");
    // Taken away, it is missing, and the job says so.
    let mut github = scene.registry.world.github.borrow_mut();
    github
        .app
        .installations
        .get_mut(&7)
        .unwrap()
        .projects
        .clear();
    drop(github);
    let body = json!({
        "action": "removed", "installation": {"id": 7}, "repositories_removed": [{"id": 41}],
    });
    scene.registry.pass_time(1);
    scene.deliver("installation_repositories", "3", &body);
    scene.registry.run_jobs();
    let jobs = scene.registry.admin().get("/api/v1/orgs/acme/jobs").json();
    let message = text(&jobs["jobs"][0]["message"]);
    assert!(
        message.contains("it must be given the repository"),
        "{message}"
    );
}

const NEW: &str = "acme/new-source";

impl Scene {
    /// Has what is new of an account added to `main`, or not.
    fn set_groups(&self, groups: &Value) -> Answer {
        let path = format!("{CONNECTIONS}/{}", self.connection);
        let asked = json!({ "groups": groups });
        self.registry.admin().patch(&path, &asked)
    }

    /// A project of the installation that nobody has told of.
    fn give_project(&self, composer_json: Option<&Value>) {
        let mut github = self.registry.world.github.borrow_mut();
        github.add_project(42, NEW);
        let text = composer_json.map(Value::to_string);
        let project = github.project(NEW);
        project.push("refs/heads/main", text.as_deref());
        project.push("refs/tags/v3.0.0", text.as_deref());
        let given = &mut github.app.installations.get_mut(&7).unwrap().projects;
        given.push(42);
    }

    fn hooks(&self) -> Vec<String> {
        self.registry.hook_places()
    }
}

fn adding() -> Value {
    json!([{"name": "acme", "repository": "main", "add_new": true}])
}

fn given(id: u64, full_name: &str) -> Value {
    let repository = json!({"id": id, "full_name": full_name});
    json!({
        "action": "added", "installation": {"id": 7, "account": {"login": "acme"}},
        "repositories_added": [repository], "repositories_removed": [],
    })
}

/// A scene whose connection adds what is new.
fn scene_that_adds() -> Scene {
    let scene = scene();
    let shown = scene.set_groups(&adding()).expect(200).json();
    assert_eq!(shown["groups"], adding());
    scene.registry.run_jobs();
    scene.give_project(Some(&json!({"name": "acme/new"})));
    scene
}

#[test]
fn a_group_of_an_installation_has_no_webhook_but_the_apps() {
    let scene = scene_that_adds();
    assert_eq!(scene.hooks(), Vec::<String>::new());
    let asked = scene.registry.world.calls(Port::Outbound);
    let groups = json!([{"name": "acme"}]);
    assert_eq!(
        scene.set_groups(&groups).expect(200).json()["groups"][0]["add_new"],
        false
    );
    scene.set_groups(&json!([])).expect(200);
    assert_eq!(scene.registry.world.calls(Port::Outbound), asked);
    // A connection whose hook for a group was registered with a token keeps hearing by it, with its own secret.
    let path = format!("{CONNECTIONS}/{}", scene.connection);
    let admin = scene.registry.admin();
    let token = json!({"token": GITHUB_TOKEN, "groups": adding()});
    let shown = admin.patch(&path, &token).expect(200).json();
    let secret = text(&shown["webhook"]["secret"]);
    assert_eq!(scene.hooks(), ["github orgs acme"]);
    let installation =
        json!({"github_app": scene.github_app, "installation": 7, "groups": adding()});
    admin.patch(&path, &installation).expect(200);
    let body = push(7).to_string().into_bytes();
    let headers = [
        ("x-github-event", "push".to_owned()),
        ("x-github-delivery", "1".to_owned()),
        ("x-hub-signature-256", sign(&secret, &body)),
        ("content-type", "application/json".to_owned()),
    ];
    let github = scene.registry.world.github.borrow();
    let url = text(&github.hooks.all[0].body["config"]["url"]);
    drop(github);
    let (_, address) = url.split_once("/hooks/").unwrap();
    let answer =
        scene
            .registry
            .anonymous()
            .send("POST", &format!("/hooks/{address}"), &headers, body);
    answer.expect(202);
    scene.set_groups(&json!([])).expect(200);
    assert_eq!(scene.hooks(), Vec::<String>::new());
    scene.registry.run_jobs();
}

#[test]
fn who_leaves_the_app_says_what_becomes_of_the_groups() {
    let scene = scene_that_adds();
    let path = format!("{CONNECTIONS}/{}", scene.connection);
    let token = json!({ "token": GITHUB_TOKEN });
    let refused = scene.registry.admin().patch(&path, &token).expect(422);
    assert!(text(&refused.json()["detail"]).contains("give `groups` as well"));
    assert_eq!(scene.connection()["installation"], 7);
}

#[test]
fn what_an_installation_is_given_becomes_a_package_where_that_is_wanted() {
    for event in [
        "installation_repositories",
        "installation",
        "repository",
        "push",
    ] {
        let scene = scene_that_adds();
        let mut body = match event {
            "installation_repositories" => given(42, NEW),
            "installation" => installation("created"),
            _ => json!({"action": "created", "ref": "refs/heads/main", "installation": {"id": 7}}),
        };
        let repository = json!({"id": 42, "full_name": NEW});
        if event == "installation" {
            body["repositories"] = json!([repository]);
        } else {
            body["repository"] = repository;
        }
        scene.deliver(event, "1", &body);
        scene.registry.run_jobs();
        scene.registry.assert_settled();
        assert_eq!(scene.registry.versions("acme/new"), ["v3.0.0"], "{event}");
        // The same again is the same.
        let jobs = scene.jobs();
        scene.deliver(event, "1", &body);
        assert_eq!(scene.jobs(), jobs, "{event}");
    }
}

#[test]
fn what_is_no_package_or_not_wanted_is_not_added() {
    let scene = scene_that_adds();
    let packages = || {
        let sqlite = &scene.registry.world.sqlite;
        sqlite.texts("select name from packages")
    };
    let row = |id: &str| {
        let rows = scene.deliveries();
        rows.into_iter().find(|row| row["id"] == id).unwrap()
    };
    scene.deliver("installation_repositories", "1", &given(43, "acme/empty"));
    scene.registry.run_jobs();
    assert_eq!(row("1")["verdict"], "ignored");
    scene.deliver(
        "installation_repositories",
        "2",
        &given(42, "globex/elsewhere"),
    );
    scene.set_groups(&json!([{"name": "acme"}])).expect(200);
    scene.deliver("installation_repositories", "3", &given(42, NEW));
    scene.registry.run_jobs();
    assert_eq!(packages(), [PACKAGE]);
    // New at its host, it has no commit yet; the push that brings one is told of as well.
    scene.set_groups(&adding()).expect(200);
    let mut github = scene.registry.world.github.borrow_mut();
    github.add_project(44, "acme/young");
    let given = &mut github.app.installations.get_mut(&7).unwrap().projects;
    given.push(44);
    drop(github);
    let mut body = json!({"action": "created", "installation": {"id": 7}});
    body["repository"] = json!({"id": 44, "full_name": "acme/young"});
    scene.deliver("repository", "4", &body);
    scene.registry.run_jobs();
    assert_eq!(packages(), [PACKAGE]);
    let manifest = json!({"name": "acme/young"}).to_string();
    let mut github = scene.registry.world.github.borrow_mut();
    github
        .project("acme/young")
        .push("refs/heads/main", Some(&manifest));
    drop(github);
    body["ref"] = "refs/heads/main".into();
    scene.deliver("push", "5", &body);
    scene.registry.run_jobs();
    scene.registry.assert_settled();
    assert_eq!(packages(), [PACKAGE, "acme/young"]);
}

#[test]
fn what_happens_to_a_repository_is_looked_at_as_it_is() {
    for action in ["renamed", "transferred", "archived", "deleted"] {
        let scene = scene_that_adds();
        let mut github = scene.registry.world.github.borrow_mut();
        match action {
            "renamed" => "acme/lib-renamed".clone_into(&mut github.project(PROJECT).full_name),
            "transferred" => "globex/lib-source".clone_into(&mut github.project(PROJECT).full_name),
            "archived" => github.project(PROJECT).is_archived = true,
            _ => {
                github.projects.remove(&41);
            }
        }
        let name = github.projects.get(&41).map(|one| one.full_name.clone());
        drop(github);
        let body = json!({
            "action": action, "installation": {"id": 7},
            "repository": {"id": 41, "full_name": name.as_deref().unwrap_or(PROJECT)},
        });
        scene.deliver("repository", "1", &body);
        scene.registry.run_jobs();
        let shown = scene.registry.shown(PACKAGE)["project"].clone();
        if action == "deleted" {
            let trouble = text(&shown["trouble"]);
            assert!(trouble.contains("waits: "), "{trouble}");
        } else {
            assert_eq!(shown["full_name"], name.unwrap(), "{action}");
        }
        // What was published stays, whatever it was.
        assert_eq!(scene.registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn what_is_given_becomes_one_package_whatever_fails() {
    let app = RefCell::new((String::new(), String::new()));
    let prepare = || {
        let made = scene_that_adds();
        app.replace((made.github_app, made.secret));
        made.registry
    };
    let play = |registry: &TestRegistry| {
        let (github_app, secret) = app.borrow().clone();
        let body = given(42, NEW).to_string().into_bytes();
        let tell = || {
            let headers = [
                ("x-github-event", "installation_repositories".to_owned()),
                ("x-github-delivery", "1".to_owned()),
                ("x-hub-signature-256", sign(&secret, &body)),
                ("content-type", "application/json".to_owned()),
            ];
            let path = format!("/hooks/{github_app}");
            let anonymous = registry.anonymous();
            anonymous.send("POST", &path, &headers, body.clone())
        };
        if tell().status() != 202 {
            tell().expect(202);
        }
        registry.run_jobs();
        registry.pass_time(200);
        registry.housekeep();
        registry.run_jobs();
    };
    with_every_fault(prepare, play, |registry, calm| {
        registry.assert_settled();
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions("acme/new"), ["v3.0.0"]);
    });
}

#[test]
fn an_account_that_is_renamed_is_followed() {
    let scene = scene();
    let mut github = scene.registry.world.github.borrow_mut();
    github.project(PROJECT).full_name = "acme-new/lib-source".to_owned();
    drop(github);
    let body = json!({
        "action": "renamed", "account": {"login": "acme-new"}, "changes": {"login": {"from": "acme"}},
        "installation": {"id": 7}, "target_type": "Organization",
    });
    scene.deliver("installation_target", "1", &body);
    assert_eq!(scene.connection()["account"], "acme-new");
    scene.registry.run_jobs();
    scene.registry.assert_settled();
    let shown = scene.registry.shown(PACKAGE);
    assert_eq!(shown["project"]["full_name"], "acme-new/lib-source");
}
