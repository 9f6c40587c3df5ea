//! The webhook that anybody can send: a bearer secret, and JSON that names what changed.

use serde_json::{Value, json};

use crate::support::git_server::GIT_SERVER;
use crate::support::hosts::HOST_TOKEN;
use crate::support::persona::Answer;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";
const UNKNOWN: &str = "ignored: no package of this connection is";

/// Two packages of one connection, with its id and secret.
fn connected() -> (TestRegistry, String, String) {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, secret, _) = registry.import(PROJECT);
    {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(42, "acme/tool");
        let text = json!({"name": "acme/tool"}).to_string();
        let project = github.project("acme/tool");
        project.push("refs/heads/main", Some(&text));
    }
    let asked = json!({"connection": connection, "project": "acme/tool", "repository": "main"});
    let packages = "/api/v1/orgs/acme/packages";
    registry.admin().post(packages, &asked).expect(202);
    registry.run_jobs();
    registry.assert_settled();
    (registry, connection, secret)
}

fn send(registry: &TestRegistry, connection: &str, secret: &str, body: &Value) -> Answer {
    send_as(
        registry,
        connection,
        secret,
        "application/json",
        &body.to_string(),
    )
}

fn send_as(
    registry: &TestRegistry,
    connection: &str,
    secret: &str,
    content_type: &str,
    body: &str,
) -> Answer {
    let headers = [("content-type", content_type.to_owned())];
    let path = format!("/hooks/{connection}/generic");
    registry
        .with_token(secret)
        .send("POST", &path, &headers, body.as_bytes().to_vec())
}

/// What a delivery led to: the packages of its jobs, which run to their end.
fn packages_of(registry: &TestRegistry, answer: Answer) -> Vec<String> {
    let body = answer.expect(202).json();
    let jobs = body["jobs"].as_array().unwrap().clone();
    let mut packages: Vec<_> = jobs
        .iter()
        .map(|job| {
            let path = format!("/api/v1/orgs/acme/jobs/{}", job.as_str().unwrap());
            let job = registry.admin().get(&path).expect(200).json();
            assert_eq!(job["cause"], "webhook generic");
            job["package"].as_str().unwrap().to_owned()
        })
        .collect();
    registry.run_jobs();
    registry.assert_settled();
    packages.sort();
    packages
}

#[test]
fn repositories_packages_and_projects_are_named_in_each_way() {
    let (registry, connection, secret) = connected();
    for body in [
        json!({"repository": {"url": "https://github.com/acme/lib-source.git"}}),
        json!({"repository": {"url": "https://github.com/Acme/lib-source"}}),
        json!({"repository": {"url": "git@github.com:acme/lib-source.git"}}),
        json!({"repository": {"url": "ssh://git@ssh.github.com:443/acme/lib-source.git"}}),
        json!({"composer": {"package_name": "acme/lib"}}),
        json!({"composer": {"package_name": ["Acme/Lib", "acme/unknown"]}}),
        json!({"project": {"id": 41}}),
        json!({"project_id": "41"}),
    ] {
        let answer = send(&registry, &connection, &secret, &body);
        assert_eq!(packages_of(&registry, answer), [PACKAGE], "{body}");
    }
}

#[test]
fn one_delivery_may_start_several_jobs() {
    let (registry, connection, secret) = connected();
    registry.push_tag("v1.2.0");
    let body = json!({"composer": {"package_name": ["acme/lib", "acme/tool"]}, "project_id": 42});
    let answer = send(&registry, &connection, &secret, &body);
    assert_eq!(packages_of(&registry, answer), [PACKAGE, "acme/tool"]);
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let listed = registry.admin().get("/api/v1/orgs/acme/deliveries").json();
    let delivery = &listed["deliveries"][0];
    assert_eq!(delivery["event"], "generic");
    assert_eq!(delivery["verdict"], "accepted");
    let projects = delivery["projects"].as_array().unwrap();
    assert_eq!(projects.len(), 2);
    assert!(
        projects
            .iter()
            .all(|project| project["job"]["state"] == "done")
    );
}

#[test]
fn a_form_is_read_as_well() {
    let (registry, connection, secret) = connected();
    let kind = "application/x-www-form-urlencoded";
    let body = "x=1&payload=%7B%22project%22%3A+%7B%22id%22%3A+41%7D%7D";
    let answer = send_as(&registry, &connection, &secret, kind, body);
    assert_eq!(packages_of(&registry, answer), [PACKAGE]);
    send_as(&registry, &connection, &secret, kind, "x=1").expect(422);
}

#[test]
fn what_is_understood_and_none_of_ours_is_answered_with_success() {
    let (registry, connection, secret) = connected();
    for (body, result) in [
        (
            json!({"repository": {"url": "https://github.com/acme/other"}}),
            UNKNOWN,
        ),
        (
            json!({"repository": {"url": "https://evil.example/acme/lib-source"}}),
            UNKNOWN,
        ),
        (
            json!({"composer": {"package_name": "acme/unknown"}}),
            UNKNOWN,
        ),
        (json!({"project": {"id": 99}}), UNKNOWN),
        (json!({"ref": "refs/heads/main"}), "ignored: it names no"),
        (json!([]), "ignored: it names no"),
    ] {
        let answer = send(&registry, &connection, &secret, &body)
            .expect(202)
            .json();
        let said = answer["result"].as_str().unwrap();
        assert!(said.starts_with(result), "{said}");
        assert_eq!(answer["jobs"], json!([]));
    }
    send_as(&registry, &connection, &secret, "application/json", "{").expect(422);
    send_as(&registry, "unknown", &secret, "application/json", "{}").expect(404);
}

#[test]
fn only_the_secret_of_the_connection_opens() {
    let (registry, connection, secret) = connected();
    let (_, other) = registry.connect();
    let body = json!({"project": {"id": 41}});
    for wrong in [other.as_str(), "", &secret[..63]] {
        send(&registry, &connection, wrong, &body).expect(401);
    }
    let path = format!("/hooks/{connection}/generic");
    registry.anonymous().post(&path, &body).expect(401);
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn a_mapping_turns_any_other_json_into_one() {
    let (registry, connection, secret) = connected();
    let path = format!("{CONNECTIONS}/{connection}");
    let mapping = json!({"repository_url": "/push/repo/http_url", "package_name": "/names"});
    let asked = json!({ "hook_mapping": mapping });
    let shown = registry.admin().patch(&path, &asked).expect(200).json();
    assert_eq!(shown["hook_mapping"], mapping);
    let url = "https://github.com/acme/lib-source.git";
    for (body, packages) in [
        (json!({"push": {"repo": {"http_url": url}}}), vec![PACKAGE]),
        (json!({"names": ["acme/tool"]}), vec!["acme/tool"]),
        // Where it leads to nothing, the standard form still counts.
        (json!({"project": {"id": 41}}), vec![PACKAGE]),
    ] {
        let answer = send(&registry, &connection, &secret, &body);
        assert_eq!(packages_of(&registry, answer), packages, "{body}");
    }
    for wrong in [
        json!({"repository_url": "push/repo"}),
        json!({"repository_url": "/a~2"}),
        json!({"branch": "/ref"}),
        json!({}),
        json!("/ref"),
    ] {
        let asked = json!({ "hook_mapping": wrong });
        registry.admin().patch(&path, &asked).expect(422);
    }
    let asked = json!({"hook_mapping": null});
    let shown = registry.admin().patch(&path, &asked).expect(200).json();
    assert_eq!(shown["hook_mapping"], json!(null));
    let body = json!({"names": ["acme/tool"]});
    let answer = send(&registry, &connection, &secret, &body)
        .expect(202)
        .json();
    assert_eq!(answer["jobs"], json!([]));
}

#[test]
fn an_id_of_the_sender_makes_a_repetition_harmless() {
    let (registry, connection, secret) = connected();
    let path = format!("/hooks/{connection}/generic");
    let tell = || {
        let headers = [("x-request-id", "push-1".to_owned())];
        let body = json!({"project": {"id": 41}}).to_string().into_bytes();
        let answer = registry
            .with_token(&secret)
            .send("POST", &path, &headers, body);
        answer.expect(202).json()["result"].clone()
    };
    assert_eq!(tell(), "accepted");
    registry.run_jobs();
    assert_eq!(tell(), "duplicate: this delivery was received before");
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn every_kind_of_connection_has_one() {
    let registry = TestRegistry::new();
    registry.make_project();
    for (provider, token, base_url, project, package) in [
        ("gitlab", HOST_TOKEN, "", PROJECT, PACKAGE),
        ("git", "", GIT_SERVER, "few.git", "acme/plain"),
    ] {
        let asked = json!({"provider": provider, "token": token, "base_url": base_url});
        let made = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(201)
            .json();
        let connection = made["id"].as_str().unwrap();
        let url = made["webhook"]["generic_url"].as_str().unwrap();
        assert!(
            url.ends_with(&format!("/hooks/{connection}/generic")),
            "{url}"
        );
        let asked = json!({"connection": connection, "project": project, "repository": "main"});
        let packages = "/api/v1/orgs/acme/packages";
        registry.admin().post(packages, &asked).expect(202);
        registry.run_jobs();
        let secret = made["webhook"]["secret"].as_str().unwrap();
        let url = registry.composer_metadata(package)[0]["source"]["url"].clone();
        let body = json!({"repository": {"url": url}});
        let answer = send(&registry, connection, secret, &body);
        assert_eq!(packages_of(&registry, answer), [package]);
    }
}
