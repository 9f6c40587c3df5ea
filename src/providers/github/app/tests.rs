use pollster::block_on;
use serde_json::json;

use super::*;
use crate::error::ErrorKind;
use crate::providers::github::projects;
use crate::providers::replay::{ReplayClient, answer, gateway, ok, refused};

const API: &str = "https://api.github.com";

fn app(client: &ReplayClient) -> AppApi<'_> {
    AppApi::new(gateway(client), "", "header.claims.signature").unwrap()
}

fn on_path(path: &str, answer: crate::providers::replay::Answer) -> ReplayClient {
    ReplayClient::default().on(&format!("{API}{path}"), answer)
}

#[test]
fn an_app_says_who_it_is_and_what_it_lacks() {
    let facts = json!({
        "id": 12345, "slug": "acme-packages", "name": "Acme Packages", "client_id": "Iv23li",
        "html_url": "https://github.com/apps/acme-packages",
        "permissions": {"contents": "read", "metadata": "read"},
        "events": ["push", "create", "delete", "repository"],
    });
    let client = on_path("/app", ok(&facts));
    let described = block_on(app(&client).describe()).unwrap();
    assert_eq!(
        (described.app_id, described.slug.as_str()),
        (12345, "acme-packages")
    );
    assert_eq!(described.missing, Vec::<String>::new());
    assert_eq!(
        client.header(0, "authorization").as_deref(),
        Some("Bearer header.claims.signature")
    );

    let mut poor = facts;
    poor["permissions"] = json!({"metadata": "read"});
    poor["events"] = json!(["push"]);
    let client = on_path("/app", ok(&poor));
    let missing = block_on(app(&client).describe()).unwrap().missing;
    assert!(missing[0].contains("`Contents`"), "{missing:?}");
    assert!(
        missing[1].contains("`create`, `delete`, `repository`"),
        "{missing:?}"
    );
}

#[test]
fn a_key_of_another_app_is_told_from_a_wrong_address() {
    let said = "A JSON web token could not be decoded";
    let client = on_path("/app", refused(401, said));
    let error = block_on(app(&client).describe()).unwrap_err();
    assert!(error.message().contains(said), "{error}");
    assert!(
        error.message().contains("must be of the same app"),
        "{error}"
    );
    let client = on_path("/app", answer(404, "<html>"));
    let error = block_on(app(&client).describe()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("/api/v3"), "{error}");
}

fn installed(id: i64, login: &str) -> serde_json::Value {
    json!({
        "id": id, "account": {"login": login, "id": 9, "type": "Organization"},
        "target_type": "Organization", "repository_selection": "selected",
        "html_url": format!("https://github.com/organizations/{login}/settings/installations/{id}"),
        "permissions": {"contents": "read", "metadata": "read"}, "suspended_at": null,
    })
}

#[test]
fn installations_are_listed_over_all_pages() {
    let next = format!("{API}/app/installations?per_page=100&page=2");
    let mut second = installed(2, "globex");
    second["suspended_at"] = json!("2026-11-01T00:00:00Z");
    second["permissions"] = json!({});
    let client = on_path(
        "/app/installations?per_page=100",
        ok(&json!([installed(1, "acme")])).with("link", format!("<{next}>; rel=\"next\"")),
    )
    .on(&next, ok(&json!([second])));
    let listed = block_on(app(&client).list_installations()).unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|one| (one.id, one.account.as_str(), one.is_suspended))
            .collect::<Vec<_>>(),
        [(1, "acme", false), (2, "globex", true)]
    );
    assert!(listed[0].missing.is_empty());
    assert!(listed[1].missing[0].contains("`Contents`"));
}

#[test]
fn an_installation_that_is_gone_is_none() {
    let client = on_path("/app/installations/7", refused(404, "Not Found"));
    assert_eq!(block_on(app(&client).find_installation(7)).unwrap(), None);
}

#[test]
fn tokens_may_be_of_any_length() {
    let token = format!("ghs_{}", "x".repeat(2_000));
    let given = json!({"token": token, "expires_at": "2026-11-22T04:00:00Z"});
    let client = on_path(
        "/app/installations/7/access_tokens",
        answer(201, given.to_string()),
    );
    let made = block_on(app(&client).create_token(7)).unwrap();
    assert_eq!(made.token, token);
    assert_eq!(made.expires_at, 1_795_320_000);
    assert_eq!(client.seen()[0].method, "POST");
}

#[test]
fn a_token_that_is_refused_says_what_to_do() {
    for (status, said, words) in [
        (
            404,
            "Not Found",
            "not installed at `api.github.com` any more",
        ),
        (
            403,
            "This installation has been suspended",
            "can unsuspend it",
        ),
        (
            401,
            "'Expiration time' claim ('exp') is too far in the future",
            "too far in the future",
        ),
    ] {
        let path = "/app/installations/7/access_tokens";
        let client = on_path(path, refused(status, said));
        let error = block_on(app(&client).create_token(7)).err().unwrap();
        let kind = match status {
            403 => ErrorKind::CredentialRefused,
            _ => ErrorKind::Upstream { retryable: false },
        };
        assert_eq!(error.kind(), kind);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn the_repositories_of_an_installation_are_listed_and_searched() {
    let repository = |id: i64, name: &str| {
        json!({
            "id": id, "full_name": name, "default_branch": "main", "private": true,
            "html_url": format!("https://github.com/{name}"), "clone_url": format!("https://github.com/{name}.git"),
        })
    };
    let body = json!({"total_count": 3, "repositories": [repository(1, "acme/Lib"), repository(2, "acme/app")]});
    let url = format!("{API}/installation/repositories?per_page=100&page=");
    let last = json!({"total_count": 3, "repositories": [repository(3, "acme/library")]});
    let client = ReplayClient::default()
        .on(
            &format!("{url}1"),
            ok(&body).with("link", format!("<{url}2>; rel=\"next\"")),
        )
        .on(&format!("{url}2"), ok(&last));
    let api = api::open(gateway(&client), "", "ghs_1", Holder::Installation).unwrap();
    let first = block_on(projects::list(&api, true, Some(" LIB"), None)).unwrap();
    let names = |page: &crate::providers::ProjectPage| -> Vec<String> {
        page.projects
            .iter()
            .map(|project| project.full_name.clone())
            .collect()
    };
    assert_eq!(names(&first), ["acme/Lib"]);
    assert_eq!(first.next.as_deref(), Some("2"));
    let second = block_on(projects::list(
        &api,
        true,
        Some(" LIB"),
        first.next.as_deref(),
    ))
    .unwrap();
    assert_eq!(
        (names(&second), second.next),
        (vec!["acme/library".to_owned()], None)
    );
    let error = block_on(projects::list(
        &api,
        true,
        None,
        Some("https://api.github.com/user"),
    ));
    assert_eq!(error.err().unwrap().kind(), ErrorKind::Invalid);
}
