use serde_json::json;

use crate::support::TestRegistry;
use crate::support::github::{Answer, GITHUB_TOKEN};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

#[test]
fn a_connection_keeps_its_secrets() {
    let registry = TestRegistry::new();
    let asked = json!({"provider": "github", "token": GITHUB_TOKEN});
    let made = registry
        .admin()
        .post(CONNECTIONS, &asked)
        .expect(201)
        .json();
    assert_eq!(made["account"], "acme-bot");
    let secret = made["webhook"]["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 64);
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made["webhook"]["url"],
        format!("https://packages.example.com/hooks/{id}")
    );
    let listed = String::from_utf8(registry.admin().get(CONNECTIONS).expect(200).bytes()).unwrap();
    assert!(!listed.contains(secret) && !listed.contains(GITHUB_TOKEN));
    let stored = registry
        .world
        .sqlite
        .texts("select sealed_token || sealed_webhook_secret from connections");
    assert!(!stored[0].contains(secret) && !stored[0].contains(GITHUB_TOKEN));
}

#[test]
fn a_token_that_does_not_work_is_refused_with_what_is_missing() {
    let registry = TestRegistry::new();
    let try_out = |token: &str| {
        let asked = json!({"provider": "github", "token": token});
        let answer = registry.admin().post(CONNECTIONS, &asked).expect(422);
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(try_out("ghp_other").contains("refused the token"));
    let limited = Answer::new(200, r#"{"id":7,"login":"acme-bot"}"#).with("x-oauth-scopes", "gist");
    registry.world.github.borrow_mut().refusals.push(limited);
    assert!(try_out(GITHUB_TOKEN).contains("lacks the scope `repo`"));
    assert_eq!(
        registry.world.sqlite.texts("select id from connections"),
        Vec::<String>::new()
    );
}

#[test]
fn a_host_that_nobody_should_ask_is_refused() {
    let registry = TestRegistry::new();
    for url in [
        "http://169.254.169.254/",
        "https://localhost/api/v3",
        "ftp://github.example",
        "https://10.0.0.1",
    ] {
        let asked = json!({"provider": "github", "base_url": url, "token": GITHUB_TOKEN});
        registry.admin().post(CONNECTIONS, &asked).expect(422);
    }
    let asked = json!({"provider": "sourceforge", "token": "x"});
    let refused = registry.admin().post(CONNECTIONS, &asked).expect(422);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("`github`"), "{detail}");
    assert_eq!(registry.world.github.borrow().seen, Vec::<String>::new());
}

#[test]
fn a_token_is_replaced_after_it_was_tried() {
    let registry = TestRegistry::new();
    let (id, _) = registry.connect();
    let path = format!("{CONNECTIONS}/{id}");
    let replace = |token: &str| {
        let body = serde_json::to_vec(&json!({ "token": token })).unwrap();
        registry.admin().send("PATCH", &path, &[], body)
    };
    let sealed = || {
        registry
            .world
            .sqlite
            .texts("select sealed_token from connections")
    };
    let before = sealed();
    replace("ghp_other").expect(422);
    assert_eq!(sealed(), before, "what does not work changes nothing");
    registry.change("update connections set trouble = 'expired', paused_until = 9999999999");
    let shown = replace(GITHUB_TOKEN).expect(200).json();
    assert_eq!(shown["id"], id.as_str());
    assert_eq!(shown["trouble"], json!(null));
    assert_eq!(shown["webhook"].get("secret"), None);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select coalesce(paused_until, 'none') from connections"),
        ["none"]
    );
    let elsewhere = format!("{CONNECTIONS}/of-nobody");
    registry
        .admin()
        .send("PATCH", &elsewhere, &[], br#"{"token":"x"}"#.to_vec())
        .expect(404);
}

#[test]
fn a_username_is_refused_where_the_token_goes_alone() {
    let registry = TestRegistry::new();
    let asked = json!({"provider": "github", "username": "ada", "token": GITHUB_TOKEN});
    let refused = registry.admin().post(CONNECTIONS, &asked).expect(422);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail, "GitHub takes a token alone; leave `username` out");
    assert_eq!(registry.world.github.borrow().seen, Vec::<String>::new());
}
