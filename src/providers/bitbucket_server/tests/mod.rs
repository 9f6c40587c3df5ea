mod hooks;
mod reading;

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::providers::ProviderKind;
use crate::providers::replay::{
    Answer, ReplayClient, answer, commit, gateway, list_refs, ok, token,
};

const TOKEN: &str = "BBDC-0123456789";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const HOST: &str = "https://git.example.com/bitbucket";
const BASE: &str = "https://git.example.com/bitbucket/rest/api/latest";
const PLACE: &str = "/projects/ACME/repos/hello";
const ALL: &str = "/repos?limit=500&start=0&archived=ALL";
const PARK: ErrorKind = ErrorKind::Upstream { retryable: false };

/// A host that knows nothing yet.
fn blank(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    ProviderKind::BitbucketServer
        .connect(gateway(client), HOST, &token(TOKEN))
        .unwrap()
}

/// One that remembers where repository 42 was.
fn server(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    let host = blank(client);
    host.recall_name("42", "ACME/hello");
    host
}

fn at(path: &str) -> String {
    format!("{BASE}{path}")
}

fn on_path(path: &str, answer: Answer) -> ReplayClient {
    ReplayClient::default().on(&at(path), answer)
}

/// Repository 42 is where it was.
fn there() -> ReplayClient {
    on_path(PLACE, ok(&repository(42, "ACME", "hello")))
}

fn repository(id: u64, key: &str, slug: &str) -> Value {
    json!({
        "id": id, "slug": slug, "name": "Hello", "public": false, "archived": false,
        "project": {"key": key, "id": 1, "public": false},
        "links": {
            "self": [{"href": format!("{HOST}/projects/{key}/repos/{slug}/browse")}],
            "clone": [
                {"name": "ssh", "href": format!("ssh://git@git.example.com/{key}/{slug}.git")},
                {"name": "http", "href": format!("https://ada@git.example.com/bitbucket/scm/{key}/{slug}.git")},
            ],
        },
    })
}

fn all(values: &[Value], next: Option<u64>) -> Answer {
    ok(&json!({"values": values, "isLastPage": next.is_none(), "nextPageStart": next}))
}

/// As Bitbucket says it.
fn problem(status: u16, message: &str) -> Answer {
    let body = json!({"errors": [{"context": null, "message": message, "exceptionName": "x"}]});
    answer(status, body.to_string())
}

#[test]
fn the_base_address_is_taken_as_people_paste_it() {
    for (base, api) in [
        (HOST, BASE),
        ("https://git.example.com/bitbucket/", BASE),
        ("https://git.example.com/bitbucket/rest/api/1.0", BASE),
        ("https://git.example.com/bitbucket/rest/", BASE),
        (
            " https://Git.Example.com:8443 ",
            "https://git.example.com:8443/rest/api/latest",
        ),
    ] {
        let client = ReplayClient::default().on(&format!("{api}/repos?limit=1"), all(&[], None));
        let host = BitbucketServer::new(gateway(&client), base, &token(TOKEN)).unwrap();
        block_on(host.check_access()).unwrap();
        client.assert_done();
    }
    let client = ReplayClient::default();
    for base in [
        "",
        "http://a.com",
        "https://10.0.0.1",
        "https://a.com?x",
        "x",
    ] {
        let error = BitbucketServer::new(gateway(&client), base, &token(TOKEN));
        assert_eq!(error.err().unwrap().kind(), ErrorKind::Invalid, "{base}");
    }
}

#[test]
fn a_token_goes_alone_or_with_its_name_and_tells_whose_it_is() {
    for (credentials, expected) in [
        (token(TOKEN), format!("Bearer {TOKEN}")),
        (
            Credentials::new(Some("Aladdin"), "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned(),
        ),
    ] {
        let whose = all(&[], None)
            .with("x-ausername", "acme-bot")
            .with("x-auserid", "7");
        let client = on_path("/repos?limit=1", whose);
        let host = BitbucketServer::new(gateway(&client), HOST, &credentials).unwrap();
        let account = block_on(host.check_access()).unwrap();
        assert_eq!(
            (account.login.as_str(), account.provider_id.as_str()),
            ("acme-bot", "7")
        );
        assert_eq!(client.header(0, "authorization"), Some(expected));
    }
    let client = on_path("/repos?limit=1", answer(404, "<html>"));
    let error = block_on(blank(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.message().contains("no API of Bitbucket Data Center"),
        "{error}"
    );
}

#[test]
fn limits_and_refusals_have_their_kind() {
    for (answer, kind, words) in [
        (
            answer(429, ""),
            ErrorKind::RateLimited { retry_after: 60 },
            "limits our requests",
        ),
        (
            answer(429, "").with("retry-after", "9"),
            ErrorKind::RateLimited { retry_after: 9 },
            "9 seconds",
        ),
        (
            answer(503, ""),
            ErrorKind::Upstream { retryable: true },
            "503",
        ),
        (
            problem(
                401,
                "Authentication failed. Please check your credentials and try again.",
            ),
            ErrorKind::CredentialRefused,
            "refused the token",
        ),
        (
            problem(401, "You are not permitted to access this resource"),
            PARK,
            "read access to the repository",
        ),
        (answer(200, "<html>"), PARK, "check the base URL"),
    ] {
        let client = on_path("/projects/ACME/repos/x", answer);
        let error = block_on(blank(&client).describe_project("ACME/x")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!error.to_string().contains(TOKEN));
    }
}

fn main_branch() -> Answer {
    ok(&json!({"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"}))
}

#[test]
fn a_project_is_described_by_its_place_or_its_number() {
    for name in ["ACME/hello", "42"] {
        let client = there().on(&at(&format!("{PLACE}/default-branch")), main_branch());
        let project = block_on(server(&client).describe_project(name)).unwrap();
        assert_eq!(project.provider_id, "42");
        assert_eq!(project.full_name, "ACME/hello");
        assert_eq!(project.default_branch.as_deref(), Some("main"));
        assert_eq!(
            project.clone_url,
            "https://git.example.com/bitbucket/scm/ACME/hello.git"
        );
        assert_eq!(project.web_url, format!("{HOST}/projects/ACME/repos/hello"));
        assert!(project.is_private && !project.is_archived);
        assert_eq!(project.source_page, None);
    }
    let mut open = repository(42, "~ada", "hello");
    open["project"]["public"] = true.into();
    open["archived"] = true.into();
    let path = "/projects/~ada/repos/hello";
    // An older one keeps its default branch elsewhere.
    let client = on_path(path, ok(&open))
        .on(&at(&format!("{path}/default-branch")), answer(404, ""))
        .on(&at(&format!("{path}/branches/default")), main_branch());
    let project = block_on(blank(&client).describe_project("~ada/hello")).unwrap();
    assert!(!project.is_private && project.is_archived);
    client.assert_done();

    // An empty one has none, and this instance gives repositories by SSH alone.
    let mut by_ssh = repository(42, "ACME", "hello");
    by_ssh["links"]["clone"].as_array_mut().unwrap().pop();
    let client =
        on_path(PLACE, ok(&by_ssh)).on(&at(&format!("{PLACE}/default-branch")), answer(204, ""));
    let project = block_on(server(&client).describe_project("42")).unwrap();
    assert_eq!(project.default_branch, None);
    assert_eq!(
        project.clone_url,
        "ssh://git@git.example.com/ACME/hello.git"
    );

    let client = on_path("/projects/ACME/repos/x", problem(404, "x"));
    let error = block_on(blank(&client).describe_project("ACME/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for name in [
        "", "ACME", "ACME/", "a/..", "a/b/c", "~/x", "a/b?c", "~~a/x",
    ] {
        let error = block_on(blank(&ReplayClient::default()).describe_project(name));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}

fn listed() -> String {
    at("/projects/NEW/repos/moved/tags?orderBy=ALPHABETICAL&limit=500&start=0")
}

#[test]
fn a_repository_that_was_moved_is_found_by_its_number() {
    for (old, what) in [
        (problem(404, "x"), "nobody is there"),
        (ok(&repository(43, "ACME", "hello")), "another one is there"),
        (
            problem(401, "You are not permitted to access this resource"),
            "one that is closed to us is there",
        ),
    ] {
        let client = on_path(PLACE, old)
            .on(&at(ALL), all(&[repository(1, "A", "b")], Some(500)))
            .on(
                &at("/repos?limit=500&start=500&archived=ALL"),
                all(&[repository(42, "NEW", "moved")], None),
            )
            .on(&listed(), all(&[], None))
            .on(
                &at("/projects/NEW/repos/moved/branches?orderBy=ALPHABETICAL&limit=500&start=0"),
                all(&[], None),
            );
        let listing = list_refs(server(&client).as_ref(), &client, &RefListing::default());
        assert!(listing.unwrap().refs.is_empty(), "{what}");
    }
    // A redirect to the new place is followed.
    let new = "/projects/NEW/repos/moved";
    let client = on_path(PLACE, answer(301, "").with("location", at(new)))
        .on(&at(new), ok(&repository(42, "NEW", "moved")))
        .on(&at(&format!("{new}/default-branch")), main_branch());
    let project = block_on(server(&client).describe_project("42")).unwrap();
    assert_eq!(project.full_name, "NEW/moved");

    let client = on_path(PLACE, problem(404, "x")).on(&at(ALL), all(&[], None));
    let error = block_on(server(&client).describe_project("42")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("moved to where this token"),
        "{error}"
    );
    // The wrong token is no reason to think so.
    let wrong = || problem(401, "Authentication failed. Please check your credentials");
    let client = on_path(PLACE, wrong()).on(&at(ALL), wrong());
    let error = block_on(server(&client).describe_project("42")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
}

#[test]
fn a_place_is_looked_up_once() {
    let client = there()
        .on(&at(&format!("{PLACE}/raw/a?at={COMMIT}")), answer(200, "1"))
        .on(&at(&format!("{PLACE}/raw/b?at={COMMIT}")), answer(200, "2"));
    let host = server(&client);
    for path in ["a", "b"] {
        block_on(host.read_file("42", path, Some(COMMIT), 10)).unwrap();
    }
    client.assert_done();
}

#[test]
fn projects_are_listed_page_by_page() {
    let client = on_path(
        "/repos?limit=100&start=0&archived=ALL&name=hel%20lo",
        all(
            &[repository(42, "ACME", "hello"), repository(43, "..", "x")],
            Some(100),
        ),
    );
    let page = block_on(blank(&client).list_projects(Some(" hel lo "), None)).unwrap();
    assert_eq!(page.projects.len(), 1);
    assert_eq!(page.projects[0].full_name, "ACME/hello");
    assert_eq!(page.next.as_deref(), Some("100"));
    let client = on_path("/repos?limit=100&start=100&archived=ALL", all(&[], None));
    let page = block_on(blank(&client).list_projects(None, Some("100"))).unwrap();
    assert_eq!(page, ProjectPage::default());
    let error = block_on(blank(&client).list_projects(None, Some("x&y")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}
