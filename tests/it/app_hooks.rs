//! Webhooks of GitHub Apps: one address for all installations, and each delivery for its own alone.

use serde_json::{Value, json};

use crate::support::github::sign;
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
