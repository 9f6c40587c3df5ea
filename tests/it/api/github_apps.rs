//! GitHub Apps and their installations.

use serde_json::json;

use crate::support::github_app::{
    APP_ID, APP_KEY, APPS, CLIENT_ID, CONNECTIONS, OTHER_KEY, add_app, connect, import, installed,
    text, tokens_made,
};
use crate::support::{PACKAGE, PROJECT};

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
    let shown = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/packages/{PACKAGE}"));
    assert_eq!(shown.expect(200).json()["project"]["hook"]["state"], "app");
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
