mod hooks;
mod listing;
mod reading;

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::providers::ProviderKind;
use crate::providers::replay::{Answer, ReplayClient, answer, commit, gateway, ok, refused, token};

const TOKEN: &str = "ATCTT3xFfGN0-access";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const UUID: &str = "{c75687fb-e99d-4579-9087-190dbd406d30}";
const REPOSITORY: &str = "/repositories/%7B%7D/%7Bc75687fb-e99d-4579-9087-190dbd406d30%7D";
const PARK: ErrorKind = ErrorKind::Upstream { retryable: false };

fn bitbucket(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    ProviderKind::Bitbucket
        .connect(gateway(client), "", &token(TOKEN))
        .unwrap()
}

fn at(path: &str) -> String {
    format!("{BASE_URL}{path}")
}

fn on_path(path: &str, answer: Answer) -> ReplayClient {
    ReplayClient::default().on(&at(path), answer)
}

const USER: &str = "/user?fields=uuid,username,nickname,display_name";
const PROBE: &str = "/repositories/%7B%7D/%7B00000000-0000-0000-0000-000000000000%7D?fields=uuid";

fn user() -> Answer {
    ok(&json!({"uuid": "{7}", "nickname": "ada", "display_name": "Ada Example"}))
}

/// As Bitbucket says it.
fn problem(status: u16, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"message": message, "detail": {"required": ["repository"]}}});
    answer(status, body.to_string())
}

fn lacking() -> Answer {
    problem(
        403,
        "Your credentials lack one or more required privilege scopes.",
    )
}

#[test]
fn the_base_address_is_taken_as_people_paste_it() {
    for (base, api) in [
        ("", BASE_URL),
        ("https://bitbucket.org/", BASE_URL),
        ("https://api.bitbucket.org", BASE_URL),
        (" https://api.bitbucket.org/2.0/ ", BASE_URL),
        ("https://proxy.example/bb", "https://proxy.example/bb/2.0"),
        (
            "https://proxy.example/bb/2.0",
            "https://proxy.example/bb/2.0",
        ),
    ] {
        let client = ReplayClient::default()
            .on(&format!("{api}{USER}"), user())
            .on(&format!("{api}{PROBE}"), problem(404, "Not found"));
        let host = Bitbucket::new(gateway(&client), base, &token(TOKEN)).unwrap();
        assert_eq!(block_on(host.check_access()).unwrap().login, "ada");
        client.assert_done();
    }
}

#[test]
fn each_kind_of_token_goes_in_its_own_way() {
    for (credentials, expected) in [
        (token(TOKEN), format!("Bearer {TOKEN}")),
        (
            Credentials::new(Some("x-token-auth"), "oauth"),
            "Bearer oauth".to_owned(),
        ),
        (
            Credentials::new(Some("ada@example.org"), "ATATT1"),
            "Basic YWRhQGV4YW1wbGUub3JnOkFUQVRUMQ==".to_owned(),
        ),
    ] {
        let client = on_path(USER, user()).on(&at(PROBE), problem(404, "x"));
        let host = Bitbucket::new(gateway(&client), "", &credentials).unwrap();
        block_on(host.check_access()).unwrap();
        for request in 0..2 {
            assert_eq!(
                client.header(request, "authorization").as_ref(),
                Some(&expected)
            );
        }
    }
    let client = ReplayClient::default();
    for (credentials, words) in [
        (token("ATATT1"), "e-mail address"),
        (Credentials::new(Some("ada"), "ATATT1"), "e-mail address"),
        (
            Credentials::new(Some("x-bitbucket-api-token-auth"), "ATATT1"),
            "e-mail address",
        ),
        (
            Credentials::new(Some("a@b.example"), TOKEN),
            "leave `username` out",
        ),
        (Credentials::new(Some("ada"), "ATBBx"), "app password"),
        (
            Credentials::new(Some("a@b.example"), "ATBBx"),
            "app password",
        ),
        (token(""), "The token is empty"),
    ] {
        let error = Bitbucket::new(gateway(&client), "", &credentials)
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn what_the_token_lacks_is_said() {
    let client = on_path(USER, user()).on(&at(PROBE), lacking());
    let account = block_on(bitbucket(&client).check_access()).unwrap();
    assert_eq!(account.login, "ada");
    assert!(account.missing[0].contains("`read:repository:bitbucket`"));

    // An access token is nobody's.
    for status in [401, 403] {
        let nobody = problem(
            status,
            "This API is not accessible by this authentication mechanism",
        );
        // One of a single repository may hear of others that they are closed to it.
        for elsewhere in [problem(404, "x"), problem(403, "Access denied.")] {
            let client = on_path(USER, nobody.clone()).on(&at(PROBE), elsewhere);
            let account = block_on(bitbucket(&client).check_access()).unwrap();
            assert_eq!(account.login, "unknown");
            assert!(account.missing.is_empty());
        }
    }

    let client = on_path(USER, answer(401, "")).on(&at(PROBE), answer(401, ""));
    let error = block_on(bitbucket(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.message().contains("refused the token"), "{error}");
    assert!(!error.to_string().contains(TOKEN));

    let client = on_path(USER, answer(404, "<html>"));
    let error = block_on(bitbucket(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("`bitbucket-server`"), "{error}");
}

#[test]
fn limits_and_refusals_have_their_kind() {
    let path = format!("{REPOSITORY}?fields={FIELDS}");
    for (answer, kind, words) in [
        (
            answer(429, "Rate limit for this resource has been exceeded"),
            ErrorKind::RateLimited { retry_after: 60 },
            "limits our requests",
        ),
        (
            answer(429, "").with("retry-after", "17"),
            ErrorKind::RateLimited { retry_after: 17 },
            "17 seconds",
        ),
        (
            answer(503, ""),
            ErrorKind::Upstream { retryable: true },
            "503",
        ),
        (lacking(), PARK, "`read:repository:bitbucket`"),
        (
            problem(403, "Access denied. You must have read access."),
            PARK,
            "You must have read access",
        ),
        (
            problem(410, "CHANGE-2770 - Functionality has been deprecated"),
            PARK,
            "newer Repertoire",
        ),
        (
            problem(401, "App passwords are no longer supported."),
            PARK,
            "API token",
        ),
        (answer(200, "<html>"), PARK, "check the base URL"),
    ] {
        let client = on_path(&path, answer);
        let error = block_on(bitbucket(&client).describe_project(UUID)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    // Near the limit nothing is refused yet.
    let client = on_path(&path, ok(&found()).with("x-ratelimit-nearlimit", "true"));
    block_on(bitbucket(&client).describe_project(UUID)).unwrap();
}

fn found() -> Value {
    json!({
        "uuid": UUID, "full_name": "acme/hello", "is_private": true, "has_issues": true, "website": "",
        "mainbranch": {"name": "main"},
        "links": {
            "html": {"href": "https://bitbucket.org/acme/hello"},
            "clone": [
                {"name": "ssh", "href": "git@bitbucket.org:acme/hello.git"},
                {"name": "https", "href": "https://ada@bitbucket.org/acme/hello.git"},
            ],
        },
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut repository = found();
    for (name, value) in changes {
        repository[*name] = value.clone();
    }
    repository
}

#[test]
fn a_project_is_found_by_name_by_uuid_and_after_a_rename() {
    for (name, path) in [
        (UUID, REPOSITORY),
        ("acme/hello", "/repositories/acme/hello"),
    ] {
        let client = on_path(&format!("{path}?fields={FIELDS}"), ok(&found()));
        let project = block_on(bitbucket(&client).describe_project(name)).unwrap();
        assert_eq!(project.provider_id, UUID);
        assert_eq!(project.full_name, "acme/hello");
        assert_eq!(project.default_branch.as_deref(), Some("main"));
        assert_eq!(project.clone_url, "https://bitbucket.org/acme/hello.git");
        assert!(project.is_private && !project.is_archived);
        let page = "https://bitbucket.org/acme/hello";
        let source = format!("{page}/src/{{commit}}/?at={{ref}}");
        assert_eq!(project.source_page, Some(source));
        assert_eq!(project.issues_page, Some(format!("{page}/issues")));
        // As Composer's driver has it, the page itself stands for a website.
        assert_eq!(project.homepage.as_deref(), Some(page));
    }
    let client = on_path(
        &format!("/repositories/acme/old?fields={FIELDS}"),
        answer(301, "").with(
            "location",
            at(&format!("/repositories/acme/hello?fields={FIELDS}")),
        ),
    )
    .on(
        &at(&format!("/repositories/acme/hello?fields={FIELDS}")),
        ok(&with(&[("website", json!("https://acme.example"))])),
    );
    let project = block_on(bitbucket(&client).describe_project("acme/old")).unwrap();
    assert_eq!(project.full_name, "acme/hello");
    assert_eq!(project.homepage.as_deref(), Some("https://acme.example"));
    assert!(client.header(1, "authorization").is_some());
}

#[test]
fn an_empty_repository_has_no_branch_and_a_wrong_name_is_explained() {
    let client = on_path(
        &format!("{REPOSITORY}?fields={FIELDS}"),
        ok(&with(&[("mainbranch", json!(null))])),
    );
    let project = block_on(bitbucket(&client).describe_project(UUID)).unwrap();
    assert_eq!(project.default_branch, None);

    let path = format!("/repositories/acme/x?fields={FIELDS}");
    let client = on_path(&path, problem(404, "Repository acme/x not found"));
    let error = block_on(bitbucket(&client).describe_project("acme/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("`read:repository:bitbucket`"),
        "{error}"
    );
    for name in [
        "", "acme", "acme/", "acme/..", "a/b/c", "a/x?y", "42", "{42}",
    ] {
        let error = block_on(bitbucket(&ReplayClient::default()).describe_project(name));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    // What goes into paths is looked at.
    for (name, value) in [("full_name", "acme/../x"), ("uuid", "{../../x}")] {
        let client = on_path(
            &format!("{REPOSITORY}?fields={FIELDS}"),
            ok(&with(&[(name, json!(value))])),
        );
        let error = block_on(bitbucket(&client).describe_project(UUID)).unwrap_err();
        assert_eq!(error.kind(), PARK, "{name}");
    }
}
