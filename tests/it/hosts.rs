//! Every git host alike: an import, a webhook, what is the host's own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pollster::block_on;
use repertoire::providers::outgoing::Gateway;
use repertoire::providers::{Credentials, LsRefs, ProviderKind};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::git_server::GIT_SERVER;
use crate::support::github::Answer as Reply;
use crate::support::hosts::HOST_TOKEN;
use crate::support::persona::Answer;
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

/// A connection as it was made.
fn connect(registry: &TestRegistry, provider: &str) -> Value {
    let asked = json!({"provider": provider, "token": HOST_TOKEN});
    registry
        .admin()
        .post(CONNECTIONS, &asked)
        .expect(201)
        .json()
}

fn import(registry: &TestRegistry, connection: &Value) -> String {
    let asked = json!({"connection": connection["id"], "project": PROJECT, "repository": "main"});
    let made = registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &asked)
        .expect(202)
        .json();
    made["job"]["id"].as_str().unwrap().to_owned()
}

/// A registry whose project was imported from that host.
fn imported(provider: &str) -> (TestRegistry, Value) {
    let registry = TestRegistry::new();
    registry.make_project();
    let connection = connect(&registry, provider);
    import(&registry, &connection);
    registry.run_jobs();
    registry.assert_settled();
    (registry, connection)
}

fn mac(key: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn deliver(
    registry: &TestRegistry,
    connection: &Value,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Answer {
    let path = format!("/hooks/{}", connection["id"].as_str().unwrap());
    registry
        .anonymous()
        .send("POST", &path, headers, body.to_vec())
}

fn secret(connection: &Value) -> String {
    connection["webhook"]["secret"].as_str().unwrap().to_owned()
}

/// A push as GitLab tells of it, with the old token.
fn gitlab_push(connection: &Value, delivery: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let body = json!({
        "object_kind": "tag_push", "ref": "refs/tags/v1.2.0", "after": "1".repeat(40), "project_id": 41,
        "project": {"id": 41, "path_with_namespace": PROJECT},
    });
    let headers = vec![
        ("x-gitlab-event", "Tag Push Hook".to_owned()),
        ("x-gitlab-token", secret(connection)),
        ("x-gitlab-webhook-uuid", delivery.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, body.to_string().into_bytes())
}

/// The same as Forgejo tells of it.
fn forgejo_push(connection: &Value, delivery: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let about = json!({"ref": "refs/tags/v1.2.0", "repository": {"id": 41, "full_name": PROJECT}});
    let body = about.to_string().into_bytes();
    let headers = vec![
        ("x-forgejo-event", "push".to_owned()),
        ("x-github-event", "push".to_owned()),
        ("x-forgejo-delivery", delivery.to_owned()),
        (
            "x-forgejo-signature",
            hex::encode(mac(secret(connection).as_bytes(), &body)),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, body)
}

#[test]
fn a_project_of_each_host_becomes_a_package() {
    for (provider, host, tag, branch) in [
        ("gitlab", "gitlab.com", "-/tree/v1.1.0", "-/tree/main"),
        ("forgejo", "codeberg.org", "tag/v1.1.0", "branch/main"),
    ] {
        let (registry, connection) = imported(provider);
        assert_eq!(connection["account"], "acme-bot");
        assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
        let version = registry.composer_metadata(PACKAGE).remove(0);
        let clone_url = format!("https://{host}/{PROJECT}.git");
        assert_eq!(version["source"]["url"], clone_url);
        let page = |of: &str| format!("https://{host}/{PROJECT}/{of}");
        assert_eq!(version["support"]["source"], page(tag));
        assert_eq!(version["time"], "2026-11-01T12:00:00+00:00");
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        assert_eq!(dev[0]["version"], "dev-main");
        assert_eq!(dev[0]["support"]["source"], page(branch));
    }
}

#[test]
fn a_webhook_of_each_host_leads_to_an_import_and_its_replay_does_nothing() {
    for (provider, push, event) in [
        (
            "gitlab",
            gitlab_push as fn(&Value, &str) -> _,
            "Tag Push Hook",
        ),
        ("forgejo", forgejo_push, "push"),
    ] {
        let (registry, connection) = imported(provider);
        registry.push_tag("v1.2.0");
        // Four tags in one push: no host tells of more than three, but of one push of them.
        for tag in ["v1.3.0", "v1.4.0", "v1.5.0"] {
            registry.push_tag(tag);
        }
        registry.delete_ref("refs/tags/v1.0.0");
        registry.world.forget_calls();
        let (headers, body) = push(&connection, "1");
        let answer = deliver(&registry, &connection, &headers, &body).expect(202);
        assert_eq!(answer.json()["result"], "accepted");
        assert_eq!(registry.world.calls(Port::Outbound), 0);
        registry.run_jobs();
        registry.assert_settled();
        let versions = ["v1.5.0", "v1.4.0", "v1.3.0", "v1.2.0", "v1.1.0"];
        assert_eq!(registry.versions(PACKAGE), versions);

        let again = deliver(&registry, &connection, &headers, &body).expect(202);
        let said = again.json()["result"].as_str().unwrap().to_owned();
        assert!(said.starts_with("duplicate"), "{said}");
        let listed = registry.admin().get("/api/v1/orgs/acme/deliveries").json();
        assert_eq!(listed["deliveries"][0]["event"], event);
    }
}

#[test]
fn a_forged_delivery_of_each_host_does_nothing() {
    for (provider, push, proof) in [
        (
            "gitlab",
            gitlab_push as fn(&Value, &str) -> _,
            "x-gitlab-token",
        ),
        ("forgejo", forgejo_push, "x-forgejo-signature"),
    ] {
        let (registry, connection) = imported(provider);
        let (good, body): (Vec<(&'static str, String)>, Vec<u8>) = push(&connection, "1");
        let value = good
            .iter()
            .find(|(name, _)| *name == proof)
            .unwrap()
            .1
            .clone();
        for forged in [String::new(), value[1..].to_owned(), "0".repeat(64)] {
            let mut headers = good.clone();
            headers.retain(|(name, _)| *name != proof);
            deliver(&registry, &connection, &headers, &body).expect(401);
            headers.push((proof, forged));
            deliver(&registry, &connection, &headers, &body).expect(401);
        }
        assert_eq!(registry.world.queue.borrow().len(), 0);
        // GitHub's signature says nothing at another host without that host's own headers.
        let headers = [("x-github-event", "push".to_owned())];
        deliver(&registry, &connection, &headers, &body).expect(401);
    }
}

#[test]
fn what_a_host_tells_beside_is_answered_with_success() {
    let (registry, connection) = imported("gitlab");
    let (mut headers, _) = gitlab_push(&connection, "1");
    let other = json!({"object_kind": "push", "ref": "refs/heads/main", "project_id": 42});
    for (delivery, body, said) in [
        (
            "1",
            json!({"object_kind": "issue"}),
            "events say nothing about tags or branches",
        ),
        ("2", other, "no package here is synced from this repository"),
    ] {
        headers.retain(|(name, _)| *name != "x-gitlab-webhook-uuid");
        headers.push(("x-gitlab-webhook-uuid", delivery.to_owned()));
        let body = body.to_string().into_bytes();
        let answer = deliver(&registry, &connection, &headers, &body).expect(202);
        let result = answer.json()["result"].as_str().unwrap().to_owned();
        assert!(result.contains(said), "{result}");
    }
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn gitlab_may_sign_and_its_signature_grows_old() {
    let (registry, connection) = imported("gitlab");
    let key = connection["webhook"]["signing_token"].as_str().unwrap();
    let key = STANDARD
        .decode(key.strip_prefix("whsec_").unwrap())
        .unwrap();
    let (mut headers, body) = gitlab_push(&connection, "unused");
    headers.retain(|(name, _)| *name != "x-gitlab-token");
    let now = registry.world.now.get();
    let signed = |delivery: &str, sent: i64| {
        let mut message = format!("{delivery}.{sent}.").into_bytes();
        message.extend_from_slice(&body);
        let mut signed = headers.clone();
        signed.push(("webhook-id", delivery.to_owned()));
        signed.push(("webhook-timestamp", sent.to_string()));
        let signature = STANDARD.encode(mac(&key, &message));
        signed.push(("webhook-signature", format!("v1,{signature}")));
        signed
    };
    deliver(&registry, &connection, &signed("a", now - 301), &body).expect(401);
    let first = deliver(&registry, &connection, &signed("b", now - 300), &body).expect(202);
    assert_eq!(first.json()["delivery"], "b");
    // A retry has the id of the first attempt and a time of its own.
    let retry = deliver(&registry, &connection, &signed("b", now), &body).expect(202);
    assert!(
        retry.json()["result"]
            .as_str()
            .unwrap()
            .contains("duplicate")
    );
    registry.run_jobs();
}

#[test]
fn a_renamed_project_is_followed_at_each_host() {
    for provider in ["gitlab", "forgejo"] {
        let (registry, connection) = imported(provider);
        let mut double = registry.world.github.borrow_mut();
        double.project(PROJECT).full_name = "acme/renamed".to_owned();
        drop(double);
        let (headers, body) = if provider == "gitlab" {
            gitlab_push(&connection, "1")
        } else {
            forgejo_push(&connection, "1")
        };
        deliver(&registry, &connection, &headers, &body).expect(202);
        registry.run_jobs();
        registry.assert_settled();
        let shown = registry
            .admin()
            .get("/api/v1/orgs/acme/packages/acme/lib")
            .expect(200)
            .json();
        assert_eq!(shown["project"]["full_name"], "acme/renamed");
    }
}

#[test]
fn archives_come_as_gitlab_allows_them_and_nothing_fails() {
    let registry = TestRegistry::new();
    registry.make_project();
    for minor in 2..24 {
        registry.push_tag(&format!("v1.{minor}.0"));
    }
    let mut double = registry.world.github.borrow_mut();
    double.archive_limit.a_minute = Some(5);
    drop(double);
    let connection = connect(&registry, "gitlab");
    let job = import(&registry, &connection);
    let started = registry.world.now.get();
    // The reconcile, the first round of the 25 imports, and the webhook.
    for _ in 0..27 {
        registry.run_one_job();
    }
    assert_eq!(registry.world.now.get(), started, "nobody was waited for");
    let shown = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/jobs/{job}"))
        .json();
    assert_eq!(shown["state"], "running");
    let message = shown["message"].as_str().unwrap();
    assert!(message.contains("few archives of a project"), "{message}");
    assert_eq!(registry.world.github.borrow().archives_asked(), 6);
    // What there is already is shown, and what takes no archive is not held up.
    registry.run_one_job();
    assert_eq!(registry.world.now.get(), started);
    let imported = "select name from job_refs where state = 'imported' and name like 'refs/tags/%'";
    let imported = registry.world.sqlite.texts(imported);
    assert_eq!(registry.versions(PACKAGE).len(), imported.len());
    assert!(imported.len() >= 4, "{imported:?}");
    let (headers, body) = gitlab_push(&connection, "1");
    deliver(&registry, &connection, &headers, &body).expect(202);
    let reconcile = registry.world.queue.borrow_mut().pop_back().unwrap();
    registry.world.queue.borrow_mut().push_front(reconcile);
    registry.run_one_job();
    assert_eq!(registry.world.now.get(), started);
    let last = registry.world.github.borrow().seen.last().cloned().unwrap();
    assert!(last.ends_with("/repository/branches 200"), "{last}");
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE).len(), 24);
    let minutes = (registry.world.now.get() - started) / 60;
    assert!((4..=7).contains(&minutes), "{minutes} minutes");
    let asked = registry.world.github.borrow().archives_asked();
    assert!(asked <= 25 + 6, "{asked} requests for 25 archives");
}

#[test]
fn limits_outages_and_broken_archives_of_each_host_are_waited_out() {
    for provider in ["gitlab", "forgejo"] {
        let registry = TestRegistry::new();
        registry.make_project();
        let connection = connect(&registry, provider);
        let job = import(&registry, &connection);
        let started = registry.world.now.get();
        let mut double = registry.world.github.borrow_mut();
        double.truncate_archives = 1;
        double.refusals = vec![
            Reply::new(429, "Retry later"),
            Reply::new(429, "").with("retry-after", "40"),
            Reply::new(503, "<html>"),
        ];
        drop(double);
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
        assert!(registry.world.now.get() >= started + 60 + 40, "{provider}");
        let shown = registry
            .admin()
            .get(&format!("/api/v1/orgs/acme/jobs/{job}"))
            .json();
        assert_eq!(shown["state"], "done");
    }
}

#[test]
fn a_token_that_no_longer_works_fails_the_job_and_says_so() {
    for provider in ["gitlab", "forgejo"] {
        let (registry, connection) = imported(provider);
        let (headers, body) = if provider == "gitlab" {
            gitlab_push(&connection, "1")
        } else {
            forgejo_push(&connection, "1")
        };
        deliver(&registry, &connection, &headers, &body).expect(202);
        let refused = Reply::new(401, r#"{"message":"401 Unauthorized"}"#);
        registry.world.github.borrow_mut().refusals.push(refused);
        registry.run_jobs();
        let shown = registry.admin().get(CONNECTIONS).json();
        let trouble = shown["connections"][0]["trouble"].as_str().unwrap();
        assert!(trouble.contains("refused the token"), "{trouble}");
        assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_form_is_verified_as_it_was_sent() {
    let (registry, connection) = imported("forgejo");
    let (mut headers, json) = forgejo_push(&connection, "1");
    let text = String::from_utf8(json.clone()).unwrap();
    let form = utf8_percent_encode(&text, NON_ALPHANUMERIC);
    let body = format!("payload={form}").into_bytes();
    headers.retain(|(name, _)| !["content-type", "x-forgejo-signature"].contains(name));
    headers.push((
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    ));
    let sign = |bytes: &[u8]| hex::encode(mac(secret(&connection).as_bytes(), bytes));
    // A signature of what the form holds is none of the form.
    headers.push(("x-forgejo-signature", sign(&json)));
    deliver(&registry, &connection, &headers, &body).expect(401);
    headers.pop();
    headers.push(("x-forgejo-signature", sign(&body)));
    let answer = deliver(&registry, &connection, &headers, &body).expect(202);
    assert_eq!(answer.json()["result"], "accepted");
    registry.run_jobs();
}

#[test]
fn a_branch_that_is_pushed_twice_in_half_a_minute_is_followed() {
    let (registry, connection) = imported("gitlab");
    for (delivery, description) in [("1", "once"), ("2", "twice")] {
        registry.pass_time(7);
        let manifest = json!({"name": PACKAGE, "description": description});
        let commit = registry.push("refs/heads/main", &manifest);
        let (headers, body) = gitlab_push(&connection, delivery);
        deliver(&registry, &connection, &headers, &body).expect(202);
        registry.run_jobs();
        registry.assert_settled();
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        assert_eq!(dev[0]["dist"]["reference"], commit, "{description}");
    }
}

#[test]
fn a_real_git_server_lists_its_refs_to_a_host_beside_it() {
    let registry = TestRegistry::new();
    let gateway = Gateway::of(&registry.app);
    let credentials = Credentials::new(None, HOST_TOKEN);
    let host = ProviderKind::Forgejo
        .connect(gateway, GIT_SERVER, &credentials)
        .unwrap();
    let listed = block_on(host.ls_refs(&format!("{GIT_SERVER}/many.git"))).unwrap();
    let LsRefs::Listed(listed) = listed else {
        panic!("{listed:?}");
    };
    assert_eq!(listed.default_branch.as_deref(), Some("main"));
    assert_eq!(listed.refs.len(), 46);
    assert_eq!(listed.refs[0].name, "refs/heads/main");
    let none = block_on(host.ls_refs(&format!("{GIT_SERVER}/none.git"))).unwrap();
    assert_eq!(none, LsRefs::Unavailable);
}

/// A delivery as a host signs it with a secret.
type Signer = fn(&str, i64, &[u8]) -> Vec<(&'static str, String)>;

fn gitlab_token(secret: &str, _: i64, _: &[u8]) -> Vec<(&'static str, String)> {
    vec![
        ("x-gitlab-event", "Tag Push Hook".to_owned()),
        ("x-gitlab-token", secret.to_owned()),
        ("x-gitlab-webhook-uuid", "one".to_owned()),
    ]
}

/// As Standard Webhooks has it: the key is the bytes that the secret spells in hex.
fn gitlab_signed(secret: &str, now: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    let mut message = format!("one.{now}.").into_bytes();
    message.extend_from_slice(body);
    let signature = STANDARD.encode(mac(&hex::decode(secret).unwrap(), &message));
    vec![
        ("x-gitlab-event", "Tag Push Hook".to_owned()),
        ("webhook-id", "one".to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

fn forgejo_signed(secret: &str, _: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    let signature = hex::encode(mac(secret.as_bytes(), body));
    vec![
        ("x-forgejo-event", "push".to_owned()),
        ("x-forgejo-signature", signature),
        ("x-forgejo-delivery", "one".to_owned()),
    ]
}

fn gitea_signed(secret: &str, _: i64, body: &[u8]) -> Vec<(&'static str, String)> {
    let signature = hex::encode(mac(secret.as_bytes(), body));
    vec![
        ("x-gitea-event", "push".to_owned()),
        ("x-gitea-signature", signature),
        ("x-gitea-delivery", "one".to_owned()),
    ]
}

#[test]
fn both_secrets_are_good_while_one_takes_the_place_of_the_other_however_a_host_signs() {
    let cases: [(&str, Signer); 4] = [
        ("gitlab", gitlab_token),
        ("gitlab", gitlab_signed),
        ("forgejo", forgejo_signed),
        ("gitea", gitea_signed),
    ];
    for (provider, signed) in cases {
        let registry = TestRegistry::new();
        registry.make_project();
        let mut asked = json!({"provider": provider, "token": HOST_TOKEN});
        if provider == "gitea" {
            asked["base_url"] = "https://codeberg.org".into();
        }
        let connection = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        let body = json!({
            "object_kind": "tag_push", "ref": "refs/tags/v1.2.0", "after": "1".repeat(40), "project_id": 41,
            "project": {"id": 41, "path_with_namespace": PROJECT}, "repository": {"id": 41, "full_name": PROJECT},
        });
        let body = body.to_string().into_bytes();
        let send = |secret: &str| {
            let mut headers = signed(secret, registry.world.now.get(), &body);
            headers.push(("content-type", "application/json".to_owned()));
            deliver(&registry, &connection, &headers, &body).status()
        };
        let old = secret(&connection);
        assert_eq!(send(&old), 202, "{provider}");
        let path = format!(
            "{CONNECTIONS}/{}/webhook-secret",
            connection["id"].as_str().unwrap()
        );
        let rotated = registry
            .admin()
            .post(&path, &json!({"overlap_hours": 1}))
            .expect(200);
        let new = rotated.json()["secret"].as_str().unwrap().to_owned();
        let statuses = || [send(&old), send(&new), send(&"0".repeat(64))];
        assert_eq!(statuses(), [202, 202, 401], "{provider}");
        registry.pass_time(60 * 60 - 1);
        assert_eq!(statuses(), [202, 202, 401], "{provider}");
        registry.pass_time(1);
        assert_eq!(statuses(), [401, 202, 401], "{provider}");
        registry.run_jobs();
    }
}
