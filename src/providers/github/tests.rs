use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::providers::replay::{
    Answer, NOW, ReplayClient, answer, commit, gateway, list_refs, ok, refused, token,
};
use crate::providers::{FoundRef, ProviderKind};

const TOKEN: &str = "ghp_0123456789";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const API: &str = "https://api.github.com";

fn github(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    ProviderKind::GitHub
        .connect(gateway(client), "", &token(TOKEN))
        .unwrap()
}

fn at(path: &str) -> String {
    format!("{API}{path}")
}

fn on_path(path: &str, answer: Answer) -> ReplayClient {
    ReplayClient::default().on(&at(path), answer)
}

const PARK: ErrorKind = ErrorKind::Upstream { retryable: false };

#[test]
fn the_base_address_is_read_once_and_checked() {
    for (base, expected) in [
        ("", "https://api.github.com/user"),
        ("https://github.com/", "https://api.github.com/user"),
        ("https://api.github.com/", "https://api.github.com/user"),
        (
            " https://Git.Example.com/api/v3// ",
            "https://git.example.com/api/v3/user",
        ),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com/user"),
    ] {
        let client = ReplayClient::default().on(expected, ok(&json!({"id": 7, "login": "ada"})));
        let host = GitHub::new(gateway(&client), base, &token(TOKEN)).unwrap();
        assert_eq!(block_on(host.check_access()).unwrap().login, "ada");
    }
    let client = ReplayClient::default();
    for base in [
        "http://git.example.com",
        "https://10.0.0.1/api/v3",
        "https://u:p@a.com",
        "https://a.com?x",
        "x",
    ] {
        let error = GitHub::new(gateway(&client), base, &token(TOKEN))
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{base}");
    }
    for text in ["", "  ", "a b", "a\nb", "tökən"] {
        let error = GitHub::new(gateway(&client), "", &token(text))
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
    }
    let named = Credentials::new(Some("ada"), TOKEN);
    let error = GitHub::new(gateway(&client), "", &named).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("leave `username` out"), "{error}");
}

#[test]
fn every_request_says_who_asks() {
    let client = on_path("/user", ok(&json!({"id": 7, "login": "ada"})));
    let account = block_on(github(&client).check_access()).unwrap();
    assert_eq!(
        (account.provider_id.as_str(), account.login.as_str()),
        ("7", "ada")
    );
    assert!(account.missing.is_empty());
    for (name, value) in [
        ("authorization", "Bearer ghp_0123456789"),
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
        ("user-agent", "Repertoire"),
    ] {
        assert_eq!(client.header(0, name).as_deref(), Some(value));
    }
}

#[test]
fn a_missing_scope_is_named() {
    for (scopes, missing) in [
        ("repo, workflow", None),
        ("", Some("no private repositories")),
        ("public_repo, repo:status", Some("public repositories only")),
    ] {
        let user = ok(&json!({"id": 7, "login": "ada"})).with("x-oauth-scopes", scopes);
        let client = on_path("/user", user);
        let account = block_on(github(&client).check_access()).unwrap();
        match missing {
            None => assert!(account.missing.is_empty()),
            Some(words) => assert!(account.missing[0].contains(words), "{account:?}"),
        }
    }
}

#[test]
fn a_refused_token_is_reported_without_it() {
    let client = on_path("/user", refused(401, "Bad credentials"));
    let error = block_on(github(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(
        error
            .message()
            .contains("refused the token: Bad credentials")
    );
    assert!(!error.to_string().contains(TOKEN));

    let client = on_path("/user", answer(404, "<html>"));
    let error = block_on(github(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("/api/v3"));

    let client = on_path("/user", answer(200, "<html>"));
    let error = block_on(github(&client).check_access()).unwrap_err();
    assert!(error.message().contains("check the base URL"));
}

#[test]
fn limits_and_failures_have_their_kind() {
    for (answer, kind) in [
        (
            refused(500, "Server Error"),
            ErrorKind::Upstream { retryable: true },
        ),
        (
            refused(429, "slow down").with("retry-after", "9"),
            ErrorKind::RateLimited { retry_after: 9 },
        ),
        (
            refused(403, "API rate limit exceeded")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", (NOW + 40).to_string()),
            ErrorKind::RateLimited { retry_after: 40 },
        ),
        (
            refused(403, "You have exceeded a secondary rate limit.")
                .with("x-ratelimit-remaining", "4000"),
            ErrorKind::RateLimited { retry_after: 60 },
        ),
        (
            refused(403, "Your account was suspended").with("x-ratelimit-remaining", "4000"),
            ErrorKind::CredentialRefused,
        ),
        (refused(403, "Repository access blocked"), PARK),
    ] {
        let client = on_path("/user", answer);
        let error = block_on(github(&client).check_access()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

fn repository() -> Value {
    json!({
        "id": 42, "full_name": "acme/hello", "default_branch": "main", "private": true,
        "archived": false, "html_url": "https://github.com/acme/hello",
        "clone_url": "https://github.com/acme/hello.git",
    })
}

#[test]
fn a_project_is_found_by_name_by_id_and_after_a_rename() {
    for (name, path) in [
        ("acme/hello", "/repos/acme/hello"),
        ("42", "/repositories/42"),
    ] {
        let client = on_path(path, ok(&repository()));
        let project = block_on(github(&client).describe_project(name)).unwrap();
        assert_eq!(project.provider_id, "42");
        assert_eq!(project.default_branch.as_deref(), Some("main"));
        assert!(project.is_private && !project.is_archived);
    }
    let client = on_path(
        "/repos/acme/old",
        answer(301, "{}").with("location", at("/repositories/42")),
    )
    .on(&at("/repositories/42"), ok(&repository()));
    let project = block_on(github(&client).describe_project("acme/old")).unwrap();
    assert_eq!(project.full_name, "acme/hello");
    assert!(client.header(1, "authorization").is_some());
}

#[test]
fn a_project_that_is_not_shown_says_what_the_token_needs() {
    let client = on_path("/repos/acme/x", refused(404, "Not Found"));
    let error = block_on(github(&client).describe_project("acme/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("scope `repo`"));
    for name in [
        "", "acme", "acme/", "/x", "a/b/c", "acme/..", "./x", "acme/x?y", "ac me/x", "acme/x#",
    ] {
        let error = block_on(github(&ReplayClient::default()).describe_project(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
}

fn page(names: &[(&str, usize)]) -> Answer {
    let items: Vec<Value> = names
        .iter()
        .map(|(name, number)| json!({"name": name, "commit": {"sha": commit(*number)}}))
        .collect();
    ok(&Value::Array(items))
}

fn tags(query: &str) -> String {
    at(&format!("/repositories/42/tags?per_page=100{query}"))
}

fn branches() -> String {
    at("/repositories/42/branches?per_page=100")
}

fn next(url: &str) -> String {
    format!("<{url}>; rel=\"next\"")
}

fn list(client: &ReplayClient, known: &RefListing) -> Result<RefListing> {
    list_refs(github(client).as_ref(), client, known)
}

fn names(listing: &RefListing) -> Vec<&str> {
    listing
        .refs
        .iter()
        .map(|found| found.name.as_str())
        .collect()
}

/// Two full pages of tags at two a page, and one branch.
fn first_listing() -> RefListing {
    let client = ReplayClient::default()
        .on(
            &tags(""),
            page(&[("v4", 4), ("v3", 3)])
                .with("etag", "W/\"t1\"")
                .with("link", next(&tags("&page=2"))),
        )
        .on(
            &tags("&page=2"),
            page(&[("v3", 3), ("v2", 2)]).with("etag", "W/\"t2\""),
        )
        .on(
            &branches(),
            page(&[("feature/x", 9)]).with("etag", "W/\"b1\""),
        );
    list(&client, &RefListing::default()).unwrap()
}

#[test]
fn all_pages_are_read_and_no_name_comes_twice() {
    let listing = first_listing();
    assert_eq!(
        names(&listing),
        [
            "refs/tags/v4",
            "refs/tags/v3",
            "refs/tags/v2",
            "refs/heads/feature/x"
        ]
    );
    assert_eq!(
        listing.refs[3],
        FoundRef {
            name: "refs/heads/feature/x".into(),
            commit: commit(9),
        }
    );
    assert_eq!(listing.pages.len(), 3);
    let text = serde_json::to_string(&listing.pages).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<RefPage>>(&text).unwrap(),
        listing.pages
    );
}

#[test]
fn unchanged_pages_are_not_read_again() {
    let known = first_listing();
    let client = ReplayClient::default()
        .on(&tags(""), answer(304, ""))
        .on(
            &tags("&page=2"),
            answer(304, "").with("link", "<https://a/>; rel=\"prev\""),
        )
        .on(&branches(), answer(304, ""));
    let listing = list(&client, &known).unwrap();
    assert_eq!(listing, known);
    assert_eq!(
        client.header(0, "if-none-match").as_deref(),
        Some("W/\"t1\"")
    );
    assert_eq!(
        client.header(1, "if-none-match").as_deref(),
        Some("W/\"t2\"")
    );
}

#[test]
fn a_changed_page_replaces_the_known_one() {
    let known = first_listing();
    let client = ReplayClient::default()
        .on(&tags(""), page(&[("v5", 5)]).with("etag", "W/\"t3\""))
        .on(&branches(), answer(304, ""));
    let listing = list(&client, &known).unwrap();
    assert_eq!(names(&listing), ["refs/tags/v5", "refs/heads/feature/x"]);
    assert_eq!(listing.pages[0].etag.as_deref(), Some("W/\"t3\""));
    assert_eq!(listing.pages.len(), 2);
}

#[test]
fn a_full_last_page_is_asked_again_for_its_links() {
    let known = first_listing();
    let client = ReplayClient::default()
        .on(&tags(""), answer(304, ""))
        .on(&tags("&page=2"), answer(304, ""))
        .on(
            &tags("&page=2"),
            page(&[("v3", 3), ("v2", 2)]).with("link", next(&tags("&page=3"))),
        )
        .on(&tags("&page=3"), page(&[("v1", 1)]))
        .on(&branches(), answer(304, ""));
    let listing = list(&client, &known).unwrap();
    assert!(names(&listing).contains(&"refs/tags/v1"));
}

#[test]
fn a_page_without_an_etag_is_asked_plainly() {
    let mut known = first_listing();
    for page in &mut known.pages {
        page.etag = None;
    }
    let client = ReplayClient::default()
        .on(&tags(""), page(&[]))
        .on(&branches(), page(&[]));
    assert!(list(&client, &known).unwrap().refs.is_empty());
    assert_eq!(client.header(0, "if-none-match"), None);
}

#[test]
fn an_empty_page_ends_a_listing_and_an_empty_repository_has_no_refs() {
    let client = ReplayClient::default()
        .on(&tags(""), page(&[]).with("link", next(&tags("&page=2"))))
        .on(&branches(), page(&[]));
    assert!(
        list(&client, &RefListing::default())
            .unwrap()
            .refs
            .is_empty()
    );

    let client = ReplayClient::default()
        .on(&tags(""), refused(409, "Git Repository is empty."))
        .on(&branches(), refused(409, "Git Repository is empty."));
    assert_eq!(
        list(&client, &RefListing::default()).unwrap(),
        RefListing::default()
    );
}

#[test]
fn a_project_that_is_gone_is_said_to_be() {
    let client = ReplayClient::default().on(&tags(""), refused(404, "Not Found"));
    let error = list(&client, &RefListing::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().starts_with("The project is gone"));
}

#[test]
fn a_listing_without_end_is_given_up() {
    let mut client = ReplayClient::default();
    for _ in 0..500 {
        client = client.on(&tags(""), page(&[("v1", 1)]).with("link", next(&tags(""))));
    }
    let error = list(&client, &RefListing::default()).unwrap_err();
    assert_eq!(error.kind(), PARK);
    assert!(error.message().contains("500 pages"), "{error}");
}

#[test]
fn the_token_does_not_follow_a_link_to_another_host() {
    for url in [
        "https://evil.example/tags",
        "https://api.github.com:444/x",
        "https://10.0.0.1/",
        "/relative",
        "x",
    ] {
        let client =
            ReplayClient::default().on(&tags(""), page(&[("v1", 1)]).with("link", next(url)));
        let error = list(&client, &RefListing::default()).unwrap_err();
        assert_eq!(error.kind(), PARK, "{url}");
    }
}

#[test]
fn refs_that_are_none_are_refused() {
    for body in [
        json!([{"name": "v1", "commit": {"sha": "main"}}]),
        json!([{"name": "", "commit": {"sha": commit(1)}}]),
        json!([{"name": "v1"}]),
        json!({"message": "hello"}),
    ] {
        let client = ReplayClient::default().on(&tags(""), ok(&body));
        assert_eq!(
            list(&client, &RefListing::default()).unwrap_err().kind(),
            PARK
        );
    }
}

fn read(client: &ReplayClient, path: &str, limit: usize) -> Result<Option<Vec<u8>>> {
    block_on(github(client).read_file("42", path, Some(COMMIT), limit))
}

fn contents(path: &str) -> String {
    format!("/repositories/42/contents/{path}?ref={COMMIT}")
}

#[test]
fn without_a_commit_a_file_is_read_on_the_default_branch() {
    let client = on_path("/repositories/42/contents/composer.json", answer(200, "{}"));
    let read = block_on(github(&client).read_file("42", "composer.json", None, 10));
    assert_eq!(read.unwrap().unwrap(), b"{}");
}

#[test]
fn a_file_is_read_raw_at_its_commit() {
    let client = on_path(&contents("composer.json"), answer(200, "{}"));
    assert_eq!(read(&client, "composer.json", 10).unwrap().unwrap(), b"{}");
    assert_eq!(
        client.header(0, "accept").as_deref(),
        Some("application/vnd.github.raw+json")
    );
    let client = on_path(&contents("a%20b/%3Fc%23.json"), answer(200, "{}"));
    assert!(read(&client, "a b/?c#.json", 10).unwrap().is_some());
}

#[test]
fn a_missing_file_is_none_and_a_missing_permission_is_said() {
    let client = on_path(&contents("composer.json"), refused(404, "Not Found"));
    assert_eq!(read(&client, "composer.json", 10).unwrap(), None);

    let denied = refused(403, "Resource not accessible by personal access token");
    for answer in [
        denied.clone(),
        denied.with("x-accepted-github-permissions", "contents=read"),
    ] {
        let client = on_path(&contents("composer.json"), answer);
        let error = read(&client, "composer.json", 10).unwrap_err();
        assert_eq!(error.kind(), PARK);
        assert!(
            error
                .message()
                .contains("give it read access to `Contents`"),
            "{error}"
        );
    }
}

#[test]
fn a_file_over_the_limit_is_too_large() {
    let client = on_path(&contents("composer.json"), answer(200, "12345678901"));
    let error = read(&client, "composer.json", 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().contains("`composer.json`"));
}

#[test]
fn a_commit_has_its_time_in_utc() {
    let path = format!("/repositories/42/git/commits/{COMMIT}");
    for (date, expected) in [
        ("2024-02-29T12:30:00Z", Some("2024-02-29T12:30:00Z")),
        ("2024-02-29T12:30:00+02:00", Some("2024-02-29T10:30:00Z")),
        ("yesterday", None),
    ] {
        let client = on_path(&path, ok(&json!({"committer": {"date": date}})));
        let time = block_on(github(&client).commit_time("42", COMMIT)).ok();
        assert_eq!(time.as_deref(), expected);
    }
}

#[test]
fn an_archive_is_fetched_from_its_other_host_without_the_token() {
    let link = "https://codeload.github.com/acme/hello/legacy.zip/x?token=signed";
    let client = on_path(
        &format!("/repositories/42/zipball/{COMMIT}"),
        answer(302, "").with("location", link),
    )
    .on(link, answer(200, "PK"));
    let mut response = block_on(github(&client).open_archive("42", COMMIT)).unwrap();
    assert_eq!(block_on(response.body.next()).unwrap().unwrap(), b"PK");
    assert_eq!(
        client.header(0, "accept-encoding").as_deref(),
        Some("identity")
    );
    assert_eq!(
        client.header(1, "accept-encoding").as_deref(),
        Some("identity")
    );
    assert!(client.header(0, "authorization").is_some());
    assert_eq!(client.header(1, "authorization"), None);
    assert_eq!(
        client.header(1, "user-agent").as_deref(),
        Some("Repertoire")
    );

    let client = on_path(
        &format!("/repositories/42/zipball/{COMMIT}"),
        answer(302, "").with("location", link),
    )
    .on(link, answer(404, "404: Not Found"));
    let error = block_on(github(&client).open_archive("42", COMMIT))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.to_string().contains("signed"));
}

#[test]
fn ids_and_commits_cannot_change_the_path() {
    let client = ReplayClient::default();
    let host = github(&client);
    for id in ["", "42/..", "acme/hello", "-1", "123456789012345678901"] {
        assert!(block_on(host.commit_time(id, COMMIT)).is_err(), "{id}");
        assert!(
            block_on(host.list_refs(id, &HashMap::new())).is_err(),
            "{id}"
        );
    }
    for commit in [
        "",
        "main",
        "0123456",
        &COMMIT.to_uppercase(),
        &format!("{COMMIT}?"),
    ] {
        assert!(
            block_on(host.read_file("42", "a", Some(commit), 1)).is_err(),
            "{commit}"
        );
        assert!(
            block_on(host.open_archive("42", commit)).is_err(),
            "{commit}"
        );
    }
}

#[test]
fn a_webhook_is_verified_named_and_read() {
    let kind = ProviderKind::parse("github").unwrap();
    assert_eq!(kind.as_str(), "github");
    assert_eq!(ProviderKind::parse("GitHub"), None);
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = vec![
        ("x-hub-signature-256".to_owned(), signature.to_owned()),
        ("x-github-delivery".to_owned(), "guid".to_owned()),
    ];
    let secret = b"It's a Secret to Everybody";
    assert!(kind.verify_webhook(secret, &headers, b"Hello, World!", NOW));
    assert!(!kind.verify_webhook(secret, &headers, b"Hello, World?", NOW));
    assert!(!kind.verify_webhook(secret, &[], b"Hello, World!", NOW));
    assert_eq!(kind.delivery_id(&headers), Some("guid"));
}
