//! GitHub Apps and their installations.

use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::github_app::{APP_ID, APP_KEY, CLIENT_ID, OTHER_KEY};
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const APPS: &str = "/api/v1/orgs/acme/github-apps";
const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A registry with a project that installation 7 was given.
fn installed() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    let mut github = registry.world.github.borrow_mut();
    github.install(7, "acme", &[41]);
    drop(github);
    registry
}

fn add_app(registry: &TestRegistry) -> Value {
    let asked = json!({"client_id": CLIENT_ID, "private_key": APP_KEY});
    registry.admin().post(APPS, &asked).expect(201).json()
}

/// Adds the app and connects installation 7; gives the app's id and the connection's.
fn connect(registry: &TestRegistry) -> (String, String) {
    let github_app = text(&add_app(registry)["id"]);
    let asked = json!({"provider": "github", "github_app": github_app, "installation": 7});
    let made = registry.admin().post(CONNECTIONS, &asked).expect(201);
    (github_app, text(&made.json()["id"]))
}

fn import(registry: &TestRegistry, connection: &str) {
    let asked = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &asked)
        .expect(202);
}

/// How many tokens GitHub was asked for.
fn tokens_made(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|one| one.contains("/access_tokens 201"))
        .count()
}

#[test]
fn an_app_is_tried_and_keeps_its_secrets() {
    let registry = installed();
    let made = add_app(&registry);
    assert_eq!(made["app_id"], APP_ID);
    assert_eq!(made["slug"], "acme-packages");
    assert_eq!(made["missing"], json!([]));
    let (id, secret) = (text(&made["id"]), text(&made["webhook"]["secret"]));
    assert_eq!(
        made["webhook"]["url"],
        format!("https://packages.example.com/hooks/{id}")
    );
    assert_eq!(secret.len(), 64);
    let listed = registry.admin().get(APPS).expect(200).json().to_string();
    assert!(listed.contains(&id) && !listed.contains(&secret));
    assert!(!listed.contains("PRIVATE KEY"));
    let stored = registry
        .world
        .sqlite
        .texts("select sealed_private_key || sealed_webhook_secret from github_apps")
        .remove(0);
    assert!(
        stored.contains(&format!("sealed:github-app:{id}:key:")),
        "{stored}"
    );
    assert!(
        stored.contains(&format!("sealed:github-app:{id}:webhook:")),
        "{stored}"
    );
}

#[test]
fn an_app_may_be_named_by_its_number_and_keep_a_secret_of_its_owner() {
    let registry = installed();
    let secret = "a secret that GitHub has already";
    let key = include_str!("../../fixtures/keys/app.pkcs8.pem").replace('\n', "\\n");
    let asked = json!({"app_id": APP_ID, "private_key": key, "webhook_secret": secret});
    let made = registry.admin().post(APPS, &asked).expect(201).json();
    assert_eq!(made["webhook"].get("secret"), None);
    assert_eq!(made["issuer"], APP_ID.to_string());
}

#[test]
fn what_is_no_app_is_refused_with_what_to_do() {
    let registry = installed();
    for (asked, words) in [
        (
            json!({}),
            "Send the app's `client_id` and its `private_key`",
        ),
        (json!({"client_id": CLIENT_ID}), "and its `private_key`"),
        (
            json!({"client_id": CLIENT_ID, "private_key": "garbage"}),
            "the whole text of the .pem file",
        ),
        (
            json!({"client_id": CLIENT_ID, "private_key": include_str!("../../fixtures/keys/elliptic.pem")}),
            "an RSA private key is needed",
        ),
        (
            json!({"client_id": CLIENT_ID, "private_key": include_str!("../../fixtures/keys/locked.pkcs1.pem")}),
            "locked by a passphrase",
        ),
        (
            json!({"client_id": CLIENT_ID, "private_key": OTHER_KEY}),
            "must be of the same app",
        ),
        (
            json!({"client_id": "Iv23liOther", "private_key": APP_KEY}),
            "Integration not found",
        ),
        (
            json!({"client_id": "<x>", "private_key": APP_KEY}),
            "`client_id` is the one on the app's page",
        ),
        (
            json!({"client_id": CLIENT_ID, "app_id": 1, "private_key": APP_KEY}),
            "but not both",
        ),
        (
            json!({"client_id": CLIENT_ID, "private_key": APP_KEY, "webhook_secret": "short"}),
            "16 to 1,000 bytes",
        ),
        (
            json!({"client_id": CLIENT_ID, "private_key": APP_KEY, "base_url": "https://10.0.0.1/api/v3"}),
            "private",
        ),
    ] {
        let refused = registry.admin().post(APPS, &asked).expect(422).json();
        let detail = text(&refused["detail"]);
        assert!(detail.contains(words), "{detail}");
        assert!(!detail.contains("MII"), "{detail}");
    }
    let listed = registry.admin().get(APPS).json();
    assert_eq!(listed["github_apps"], json!([]));
}

#[test]
fn an_app_that_lacks_a_permission_says_so_and_its_installation_is_refused() {
    let registry = installed();
    registry.world.github.borrow_mut().app.permissions = json!({"metadata": "read"});
    let made = add_app(&registry);
    assert!(text(&made["missing"][0]).contains("`Contents`"), "{made}");
    let asked = json!({"provider": "github", "github_app": made["id"], "installation": 7});
    let refused = registry.admin().post(CONNECTIONS, &asked).expect(422);
    let detail = text(&refused.json()["detail"]);
    assert!(detail.contains("`Contents`"), "{detail}");
}

#[test]
fn installations_are_those_that_the_host_has() {
    let registry = installed();
    let mut github = registry.world.github.borrow_mut();
    github.install(8, "globex", &[]);
    github.app.installations.get_mut(&8).unwrap().is_suspended = true;
    drop(github);
    let (github_app, connection) = connect(&registry);
    let mut github = registry.world.github.borrow_mut();
    github.app.installations.get_mut(&7).unwrap().account = "acme-new".to_owned();
    drop(github);
    let path = format!("{APPS}/{github_app}/installations");
    let listed = registry.admin().get(&path).expect(200).json();
    let shown: Vec<_> = listed["installations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([
                one["installation"],
                one["account"],
                one["suspended"],
                one["connection"]
            ])
        })
        .collect();
    assert_eq!(
        shown,
        [
            json!([7, "acme-new", false, connection]),
            json!([8, "globex", true, null])
        ]
    );
    // An account that was renamed is followed.
    let connections = registry.admin().get(CONNECTIONS).json();
    assert_eq!(connections["connections"][0]["account"], "acme-new");
}

#[test]
fn an_installation_is_a_connection_like_any_other() {
    let registry = installed();
    let (github_app, connection) = connect(&registry);
    let shown = registry.admin().get(CONNECTIONS).expect(200).json()["connections"][0].clone();
    assert_eq!(shown["account"], "acme");
    assert_eq!(shown["github_app"], github_app);
    assert_eq!(shown["installation"], 7);
    assert_eq!(
        shown["webhook"]["url"],
        format!("https://packages.example.com/hooks/{github_app}")
    );
    import(&registry, &connection);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    // One token of 2,000 characters for all of it, and nowhere in clear.
    assert_eq!(tokens_made(&registry), 1);
    let token = registry
        .world
        .github
        .borrow()
        .app
        .tokens
        .keys()
        .next()
        .unwrap()
        .clone();
    assert_eq!(token.len(), 2_000);
    let stored = registry
        .world
        .sqlite
        .texts("select sealed_token from connections")
        .remove(0);
    assert_eq!(
        stored,
        format!(
            "sealed:connection:{connection}:token:{}",
            hex::encode(token)
        )
    );
}

#[test]
fn a_connection_names_an_app_and_an_installation_of_its_own() {
    let registry = installed();
    let (github_app, _) = connect(&registry);
    let mut github = registry.world.github.borrow_mut();
    github.install(8, "globex", &[]);
    github.app.installations.get_mut(&8).unwrap().is_suspended = true;
    drop(github);
    for (asked, status, words) in [
        (
            json!({"provider": "github", "github_app": github_app, "installation": 7}),
            409,
            "connected already",
        ),
        (
            json!({"provider": "github", "github_app": github_app, "installation": 8}),
            422,
            "suspended",
        ),
        (
            json!({"provider": "github", "github_app": github_app, "installation": 9}),
            422,
            "has no installation 9",
        ),
        (
            json!({"provider": "github", "github_app": github_app}),
            422,
            "go together",
        ),
        (
            json!({"provider": "github", "installation": 7}),
            422,
            "go together",
        ),
        (
            json!({"provider": "github", "github_app": "app-0", "installation": 7}),
            422,
            "names no GitHub App",
        ),
        (
            json!({"provider": "gitlab", "github_app": github_app, "installation": 7}),
            422,
            "go with the provider",
        ),
        (
            json!({"provider": "github", "github_app": github_app, "installation": 7, "token": "x"}),
            422,
            "leave `username` and `token` out",
        ),
        (
            json!({"provider": "github", "github_app": github_app, "installation": 7, "base_url": "https://git.example.com/api/v3"}),
            422,
            "leave `base_url` out",
        ),
    ] {
        let refused = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(status)
            .json();
        let detail = text(&refused["detail"]);
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn a_token_serves_until_five_minutes_before_its_end() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    registry.pass_time(3_600 - 301 - 1);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 1);
    registry.pass_time(1);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    // Long after the end of all of them.
    registry.pass_time(100_000);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 3);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    registry.assert_settled();
}

#[test]
fn while_one_gets_another_token_the_others_use_what_is_left() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    registry.pass_time(3_600 - 200);
    registry.change("update connections set token_claimed_until = 9999999999");
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 1);
    // Whoever claimed it died, and the end is near.
    registry.pass_time(150);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
    registry.assert_settled();
}

#[test]
fn a_token_that_is_refused_before_its_time_is_replaced_once() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    // As after a key of the app was deleted and its tokens were revoked.
    registry.world.github.borrow_mut().app.tokens.clear();
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(tokens_made(&registry), 2);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let refused = |registry: &TestRegistry| {
        let github = registry.world.github.borrow();
        let seen = github.seen.iter();
        seen.filter(|one| one.ends_with(" 401")).count()
    };
    assert_eq!(refused(&registry), 1);
    // When every token is refused, nobody goes round in circles.
    let mut github = registry.world.github.borrow_mut();
    github.app.keys = vec![OTHER_KEY];
    github.app.tokens.clear();
    drop(github);
    registry.sync(PACKAGE);
    assert_eq!(refused(&registry), 3);
    let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(jobs["jobs"][0]["state"], "failed");
    let message = text(&jobs["jobs"][0]["message"]);
    assert!(message.contains("must be of the same app"), "{message}");
}

#[test]
fn a_token_that_opens_no_more_is_replaced() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    // As after another `ENCRYPTION_KEY`, when the app was given its key again.
    registry.change("update connections set sealed_token = 'sealed:for something else'");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(tokens_made(&registry), 2);
    registry.sync(PACKAGE);
    assert_eq!(tokens_made(&registry), 2);
}

#[test]
fn a_suspended_installation_says_so_where_a_person_looks() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    import(&registry, &connection);
    registry.run_jobs();
    let suspend = |is_suspended: bool| {
        let mut github = registry.world.github.borrow_mut();
        github.app.installations.get_mut(&7).unwrap().is_suspended = is_suspended;
    };
    for age in [0, 4_000] {
        suspend(true);
        registry.pass_time(age);
        registry.sync(PACKAGE);
        let jobs = registry.admin().get("/api/v1/orgs/acme/jobs").json();
        let message = text(&jobs["jobs"][0]["message"]);
        assert!(
            message.contains("is suspended at `api.github.com`"),
            "{message}"
        );
        let trouble = || {
            let connections = registry.admin().get(CONNECTIONS).json();
            connections["connections"][0]["trouble"].clone()
        };
        assert_eq!(trouble(), jobs["jobs"][0]["message"]);
        suspend(false);
        registry.sync(PACKAGE);
        assert_eq!(trouble(), json!(null));
    }
}

#[test]
fn a_project_that_the_installation_was_not_given_is_not_shown() {
    let registry = installed();
    let (_, connection) = connect(&registry);
    registry
        .world
        .github
        .borrow_mut()
        .add_project(42, "acme/secret");
    let asked = json!({"connection": connection, "project": "acme/secret", "repository": "main"});
    let refused = registry.admin().post("/api/v1/orgs/acme/packages", &asked);
    let detail = text(&refused.expect(422).json()["detail"]);
    assert!(
        detail.contains("it must be given the repository"),
        "{detail}"
    );
}

#[test]
fn a_key_is_rotated_and_an_app_in_use_stays() {
    let registry = installed();
    let (github_app, connection) = connect(&registry);
    let path = format!("{APPS}/{github_app}");
    let wrong = registry
        .admin()
        .patch(&path, &json!({"private_key": OTHER_KEY}));
    wrong.expect(422);
    registry.world.github.borrow_mut().app.keys = vec![APP_KEY, OTHER_KEY];
    let rotated = registry
        .admin()
        .patch(&path, &json!({"private_key": OTHER_KEY}));
    assert_eq!(rotated.expect(200).json()["webhook"].get("secret"), None);
    // The first one is deleted at GitHub.
    registry.world.github.borrow_mut().app.keys = vec![OTHER_KEY];
    registry.pass_time(4_000);
    import(&registry, &connection);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(tokens_made(&registry), 2);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(409);
    // With a token of its own the connection has no more use for the app.
    let token = json!({"token": crate::support::github::GITHUB_TOKEN});
    let moved = registry
        .admin()
        .patch(&format!("{CONNECTIONS}/{connection}"), &token);
    let moved = moved.expect(200).json();
    assert_eq!(
        (&moved["github_app"], &moved["account"]),
        (&json!(null), &json!("acme-bot"))
    );
    assert_eq!(
        moved["webhook"]["url"],
        format!("https://packages.example.com/hooks/{connection}")
    );
    assert_eq!(text(&moved["webhook"]["secret"]).len(), 64);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(404);
    registry.push_tag("v3.0.0");
    registry.sync(PACKAGE);
    assert_eq!(registry.versions(PACKAGE)[0], "v3.0.0");
}

#[test]
fn a_connection_moves_from_a_token_to_an_installation() {
    let registry = installed();
    let (connection, _, _) = registry.import(PROJECT);
    registry.run_jobs();
    let github_app = text(&add_app(&registry)["id"]);
    let path = format!("{CONNECTIONS}/{connection}");
    let asked = json!({"github_app": github_app, "installation": 7});
    let moved = registry.admin().patch(&path, &asked).expect(200).json();
    assert_eq!(
        (&moved["account"], &moved["installation"]),
        (&json!("acme"), &json!(7))
    );
    registry.admin().patch(&path, &json!({})).expect(422);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
}

#[test]
fn an_app_of_another_organisation_does_not_exist() {
    let registry = installed();
    let (github_app, _) = connect(&registry);
    let admin = registry.admin();
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let asked = json!({"name": "a", "access": "admin"});
    let token = admin.post("/api/v1/orgs/globex/tokens", &asked).expect(201);
    let stranger = registry.with_token(&text(&token.json()["token"]));
    let before = registry.world.sqlite.changes();
    for org in ["acme", "globex"] {
        for (method, path) in [
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/installations"),
            ("GET", "/deliveries"),
        ] {
            let path = format!("/api/v1/orgs/{org}/github-apps/{github_app}{path}");
            stranger
                .send(method, &path, &[], b"{}".to_vec())
                .expect(404);
        }
    }
    stranger.get(APPS).expect(404);
    stranger.post(APPS, &json!({})).expect(404);
    let listed = stranger.get("/api/v1/orgs/globex/github-apps").expect(200);
    assert_eq!(listed.json()["github_apps"], json!([]));
    let asked = json!({"provider": "github", "github_app": github_app, "installation": 7});
    stranger
        .post("/api/v1/orgs/globex/connections", &asked)
        .expect(422);
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn a_first_import_by_an_app_and_graphql_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = installed();
        // Enough for what is said of them to be read ahead; one stands back, and one is none.
        for tag in ["v2.0.0", "v3.0.0", "1.1.0", "not-a-version"] {
            registry.push_tag(tag);
        }
        let (_, connection) = connect(&registry);
        import(&registry, &connection);
        // The token of before is at its end: the jobs need another one.
        registry.pass_time(3_500);
        registry
    };
    let check = |registry: &TestRegistry, calm: &TestRegistry| {
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions(PACKAGE).len(), 4);
        registry.assert_settled();
        let kept = registry
            .world
            .sqlite
            .texts("select \"commit\" from read_commits");
        assert_eq!(kept, Vec::<String>::new());
        let github = calm.world.github.borrow();
        assert!(github.seen.iter().any(|one| one.contains("/graphql")));
    };
    with_every_fault(prepare, TestRegistry::run_jobs, check);
}
