use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::providers::ProviderKind;
use crate::providers::replay::{
    Answer, NOW, ReplayClient, answer, commit, gateway, list_refs, ok, refused, token,
};

const TOKEN: &str = "glpat-0123456789";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const BASE: &str = "https://gitlab.com/api/v4";
const PARK: ErrorKind = ErrorKind::Upstream { retryable: false };

fn gitlab(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    ProviderKind::GitLab
        .connect(gateway(client), "", &token(TOKEN))
        .unwrap()
}

fn at(path: &str) -> String {
    format!("{BASE}{path}")
}

fn on_path(path: &str, answer: Answer) -> ReplayClient {
    ReplayClient::default().on(&at(path), answer)
}

fn user() -> Answer {
    ok(&json!({"id": 7, "username": "ada"}))
}

fn scopes(scopes: &[&str]) -> Answer {
    ok(&json!({"id": 1, "scopes": scopes, "user_id": 7, "active": true}))
}

const SELF: &str = "/personal_access_tokens/self";

#[test]
fn the_base_address_is_taken_as_people_paste_it() {
    for (base, api) in [
        ("", BASE),
        ("https://gitlab.com/", BASE),
        ("https://gitlab.com/api/v4/", BASE),
        (
            " https://Git.Example.com/gitlab/ ",
            "https://git.example.com/gitlab/api/v4",
        ),
        (
            "https://git.example.com:8443/a/b/api/v4",
            "https://git.example.com:8443/a/b/api/v4",
        ),
    ] {
        let client = ReplayClient::default()
            .on(&format!("{api}{SELF}"), scopes(&["read_api"]))
            .on(&format!("{api}/user"), user());
        let host = GitLab::new(gateway(&client), base, &token(TOKEN)).unwrap();
        assert_eq!(block_on(host.check_access()).unwrap().login, "ada");
        client.assert_done();
    }
    let client = ReplayClient::default();
    for base in ["http://a.com", "https://10.0.0.1", "https://a.com?x", "x"] {
        let error = GitLab::new(gateway(&client), base, &token(TOKEN));
        assert_eq!(error.err().unwrap().kind(), ErrorKind::Invalid, "{base}");
    }
}

#[test]
fn each_kind_of_token_goes_in_its_own_header() {
    let client = on_path(SELF, scopes(&["api"])).on(&at("/user"), user());
    block_on(gitlab(&client).check_access()).unwrap();
    for request in 0..2 {
        assert_eq!(
            client.header(request, "private-token").as_deref(),
            Some(TOKEN)
        );
        assert_eq!(client.header(request, "authorization"), None);
    }

    let client = on_path("/user", user());
    let oauth = Credentials::new(Some("oauth2"), "abc");
    let host = GitLab::new(gateway(&client), "", &oauth).unwrap();
    assert_eq!(block_on(host.check_access()).unwrap().login, "ada");
    assert_eq!(
        client.header(0, "authorization").as_deref(),
        Some("Bearer abc")
    );
    assert_eq!(client.header(0, "private-token"), None);

    let client = ReplayClient::default();
    for (credentials, words) in [
        (Credentials::new(Some("ada"), TOKEN), "leave `username` out"),
        (token("gldt-abc"), "deploy token"),
        (token(""), "The token is empty"),
    ] {
        let error = GitLab::new(gateway(&client), "", &credentials)
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn what_the_token_lacks_is_said() {
    for (has, lacks) in [
        (&["api"][..], false),
        (&["read_user", "read_api"], false),
        (&["read_repository", "read_user"], true),
        (&[], true),
    ] {
        let mut client = on_path(SELF, scopes(has));
        if !lacks {
            client = client.on(&at("/user"), user());
        }
        let account = block_on(gitlab(&client).check_access()).unwrap();
        assert_eq!(account.missing.len(), usize::from(lacks), "{has:?}");
        assert!(
            account
                .missing
                .iter()
                .all(|text| text.contains("`read_api`"))
        );
        client.assert_done();
    }
    let scope = answer(
        403,
        r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token."}"#,
    );
    let client = on_path(SELF, refused(404, "404 Not Found")).on(&at("/user"), scope);
    let error = block_on(gitlab(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), PARK);
    assert!(error.message().contains("`read_api`"), "{error}");
}

#[test]
fn older_instances_and_other_addresses_are_told_apart() {
    let client = on_path(SELF, refused(404, "404 Not Found")).on(&at("/user"), user());
    assert_eq!(
        block_on(gitlab(&client).check_access()).unwrap().login,
        "ada"
    );

    let client = on_path(SELF, answer(404, "<html>")).on(&at("/user"), answer(404, "<html>"));
    let error = block_on(gitlab(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("no GitLab API"), "{error}");

    let client = on_path(SELF, refused(401, "401 Unauthorized"));
    let error = block_on(gitlab(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.message().contains("refused the token"), "{error}");
    assert!(!error.to_string().contains(TOKEN));
}

#[test]
fn limits_and_failures_have_their_kind() {
    for (answer, kind) in [
        (
            refused(502, "Bad Gateway"),
            ErrorKind::Upstream { retryable: true },
        ),
        (
            answer(429, "Retry later").with("retry-after", "17"),
            ErrorKind::RateLimited { retry_after: 17 },
        ),
        (
            answer(429, "Retry later"),
            ErrorKind::RateLimited { retry_after: 60 },
        ),
        (
            refused(429, "x")
                .with("ratelimit-remaining", "0")
                .with("ratelimit-reset", (NOW + 33).to_string()),
            ErrorKind::RateLimited { retry_after: 33 },
        ),
        (refused(403, "403 Forbidden"), PARK),
        (answer(200, "<html>"), PARK),
    ] {
        let client = on_path("/projects/42", answer);
        let error = block_on(gitlab(&client).describe_project("42")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

fn found() -> Value {
    json!({
        "id": 42, "path_with_namespace": "acme/sub/hello", "default_branch": "main",
        "visibility": "internal", "archived": true, "empty_repo": false, "issues_enabled": true,
        "web_url": "https://gitlab.com/acme/sub/hello",
        "http_url_to_repo": "https://gitlab.com/acme/sub/hello.git",
        "permissions": {"project_access": {"access_level": 20}, "group_access": null},
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut project = found();
    for (name, value) in changes {
        project[*name] = value.clone();
    }
    project
}

#[test]
fn a_project_is_found_by_path_by_id_and_after_a_rename() {
    for (name, path) in [
        ("acme/sub/hello", "/projects/acme%2Fsub%2Fhello"),
        ("42", "/projects/42"),
    ] {
        let client = on_path(path, ok(&found()));
        let project = block_on(gitlab(&client).describe_project(name)).unwrap();
        assert_eq!(project.provider_id, "42");
        assert_eq!(project.full_name, "acme/sub/hello");
        assert_eq!(project.default_branch.as_deref(), Some("main"));
        assert_eq!(project.clone_url, "https://gitlab.com/acme/sub/hello.git");
        assert!(project.is_private && project.is_archived);
        let page = "https://gitlab.com/acme/sub/hello/-/";
        assert_eq!(project.source_page, Some(format!("{page}tree/{{ref}}")));
        assert_eq!(project.issues_page, Some(format!("{page}issues")));
    }
    let client = on_path(
        "/projects/acme%2Fold",
        answer(301, "").with("location", at("/projects/42")),
    )
    .on(&at("/projects/42"), ok(&found()));
    let project = block_on(gitlab(&client).describe_project("acme/old")).unwrap();
    assert_eq!(project.full_name, "acme/sub/hello");
    assert!(client.header(1, "private-token").is_some());

    let public = with(&[("visibility", json!("public"))]);
    let client = on_path("/projects/42", ok(&public));
    assert!(
        !block_on(gitlab(&client).describe_project("42"))
            .unwrap()
            .is_private
    );
}

#[test]
fn an_empty_project_has_no_branch_and_a_guest_is_told_why() {
    for changes in [
        [
            ("empty_repo", json!(true)),
            ("default_branch", json!("main")),
        ],
        [("empty_repo", json!(true)), ("default_branch", json!(null))],
    ] {
        let client = on_path("/projects/42", ok(&with(&changes)));
        let project = block_on(gitlab(&client).describe_project("42")).unwrap();
        assert_eq!(project.default_branch, None);
    }
    let guest =
        json!({"project_access": {"access_level": 10}, "group_access": {"access_level": 5}});
    let seen = with(&[("default_branch", json!(null)), ("permissions", guest)]);
    let off = with(&[("repository_access_level", json!("disabled"))]);
    for (project, words) in [(seen, "the role Reporter"), (off, "is switched off")] {
        let client = on_path("/projects/42", ok(&project));
        let error = block_on(gitlab(&client).describe_project("42")).unwrap_err();
        assert_eq!(error.kind(), PARK);
        assert!(error.message().contains(words), "{error}");
    }
    let client = on_path("/projects/acme%2Fx", refused(404, "404 Project Not Found"));
    let error = block_on(gitlab(&client).describe_project("acme/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("`read_api`"), "{error}");
    for name in [
        "", "acme", "acme/", "/x", "acme/..", "a//b", "a/x?y", "a/ b", "a/x#",
    ] {
        let error = block_on(gitlab(&ReplayClient::default()).describe_project(name));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}

/// As GitLab has them: `target` is the tag object where there is one.
fn page(names: &[(&str, usize)]) -> Answer {
    let items: Vec<Value> = names
        .iter()
        .map(|(name, number)| {
            json!({"name": name, "target": "f".repeat(40),
                   "commit": {"id": commit(*number), "short_id": "x", "message": "m"}})
        })
        .collect();
    ok(&Value::Array(items))
}

const TAGS: &str =
    "/projects/42/repository/tags?pagination=keyset&order_by=name&sort=asc&per_page=100";
/// Of a size that goes with the time of the tests.
const BRANCHES: &str = "/projects/42/repository/branches?pagination=keyset&per_page=85";
const MORE_TAGS: &str = "/projects/42/repository/tags?order_by=name&page_token=v2&pagination=keyset&per_page=100&sort=asc";

/// A link as an instance behind a proxy gives it: with a scheme and a name that only it knows.
fn next() -> String {
    let (_, query) = MORE_TAGS.split_once('?').unwrap();
    format!(
        "<http://gitlab.internal/api/v4/projects/acme%2Fhello/repository/tags?{query}>; rel=\"next\""
    )
}

fn list(client: &ReplayClient, known: &RefListing) -> Result<RefListing> {
    list_refs(gitlab(client).as_ref(), client, known)
}

fn names(listing: &RefListing) -> Vec<(&str, &str)> {
    let refs = listing.refs.iter();
    refs.map(|found| (found.name.as_str(), found.commit.as_str()))
        .collect()
}

fn first_listing() -> RefListing {
    let client = on_path(
        TAGS,
        page(&[("v1", 1), ("v2", 2)])
            .with("etag", "W/\"t1\"")
            .with("link", next()),
    )
    .on(&at(MORE_TAGS), page(&[("v3", 3)]).with("etag", "W/\"t2\""))
    .on(
        &at(BRANCHES),
        page(&[("main", 3)])
            .with("etag", "W/\"b\"")
            .with("x-next-page", "2"),
    );
    list(&client, &RefListing::default()).unwrap()
}

#[test]
fn refs_are_the_commits_that_tags_lead_to_over_all_pages() {
    assert_eq!(
        names(&first_listing()),
        [
            ("refs/tags/v1", commit(1).as_str()),
            ("refs/tags/v2", &commit(2)),
            ("refs/tags/v3", &commit(3)),
            ("refs/heads/main", &commit(3)),
        ]
    );
}

#[test]
fn unchanged_pages_are_not_read_again_and_a_moved_tag_is_seen() {
    let known = first_listing();
    let client = on_path(TAGS, answer(304, "").with("link", next()))
        .on(&at(MORE_TAGS), page(&[("v3", 4)]).with("etag", "W/\"t3\""))
        .on(&at(BRANCHES), answer(304, ""));
    let listing = list(&client, &known).unwrap();
    assert_eq!(listing.refs[2].commit, commit(4));
    assert_eq!(listing.refs.len(), 4);
    assert_eq!(
        client.header(0, "if-none-match").as_deref(),
        Some("W/\"t1\"")
    );
}

#[test]
fn an_empty_page_ends_a_listing_and_a_tag_of_a_tree_is_no_version() {
    let client = on_path(TAGS, page(&[("v1", 1)]).with("link", next()))
        .on(&at(MORE_TAGS), page(&[]).with("link", next()))
        .on(&at(BRANCHES), page(&[]));
    assert_eq!(list(&client, &RefListing::default()).unwrap().refs.len(), 1);

    let tree = ok(&json!([{"name": "tree", "target": commit(9), "commit": null}]));
    let client = on_path(TAGS, tree).on(&at(BRANCHES), page(&[]));
    assert!(
        list(&client, &RefListing::default())
            .unwrap()
            .refs
            .is_empty()
    );
}

#[test]
fn an_empty_repository_has_no_refs_and_a_missing_project_is_said_to_be_gone() {
    let client = on_path(TAGS, refused(404, "404 Repository Not Found"))
        .on(&at(BRANCHES), refused(404, "404 Repository Not Found"));
    let listing = list(&client, &RefListing::default()).unwrap();
    assert_eq!(listing, RefListing::default());

    let client = on_path(TAGS, refused(404, "404 Project Not Found"));
    let error = list(&client, &RefListing::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn answers_that_are_no_refs_are_refused() {
    for body in [
        json!([{"name": "v1", "commit": {"id": "main"}}]),
        json!([{"name": "", "commit": {"id": commit(1)}}]),
        json!([{"name": "v1"}]),
        json!({"message": "hello"}),
    ] {
        let client = on_path(TAGS, ok(&body));
        let error = list(&client, &RefListing::default()).unwrap_err();
        assert_eq!(error.kind(), PARK, "{body}");
    }
}

#[test]
fn a_file_is_read_raw_at_its_commit_or_at_the_head() {
    for (path, commit, url) in [
        (
            "composer.json",
            Some(COMMIT),
            format!("composer.json/raw?ref={COMMIT}"),
        ),
        (
            "composer.json",
            None,
            "composer.json/raw?ref=HEAD".to_owned(),
        ),
        (
            "a b/?c",
            Some(COMMIT),
            format!("a%20b%2F%3Fc/raw?ref={COMMIT}"),
        ),
    ] {
        let client = on_path(
            &format!("/projects/42/repository/files/{url}"),
            answer(200, "{}"),
        );
        let read = block_on(gitlab(&client).read_file("42", path, commit, 10));
        assert_eq!(read.unwrap().unwrap(), b"{}");
    }
    let url = format!("/projects/42/repository/files/x/raw?ref={COMMIT}");
    let read = |answer| {
        let client = on_path(&url, answer);
        block_on(gitlab(&client).read_file("42", "x", Some(COMMIT), 10))
    };
    assert_eq!(read(refused(404, "404 File Not Found")).unwrap(), None);
    assert_eq!(
        read(refused(403, "403 Forbidden")).unwrap_err().kind(),
        PARK
    );
    let large = read(answer(200, "12345678901")).unwrap_err();
    assert_eq!(large.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_commit_has_its_time_in_whole_seconds_of_utc() {
    let path = format!("/projects/42/repository/commits/{COMMIT}?stats=false");
    let client = on_path(
        &path,
        ok(&json!({"id": COMMIT, "committed_date": "2024-02-29T12:30:00.201+02:00"})),
    );
    let time = block_on(gitlab(&client).commit_time("42", COMMIT)).unwrap();
    assert_eq!(time, "2024-02-29T10:30:00Z");
}

fn archive_url() -> String {
    format!("/projects/42/repository/archive.zip?sha={COMMIT}")
}

#[test]
fn an_archive_comes_as_it_is_and_without_the_token_from_elsewhere() {
    let client = on_path(&archive_url(), answer(200, "PK"));
    let mut response = block_on(gitlab(&client).open_archive("42", COMMIT)).unwrap();
    assert_eq!(block_on(response.body.next()).unwrap().unwrap(), b"PK");
    assert_eq!(
        client.header(0, "accept-encoding").as_deref(),
        Some("identity")
    );

    let link = "https://storage.example.com/a.zip?signature=x";
    let client =
        on_path(&archive_url(), answer(302, "").with("location", link)).on(link, answer(200, "PK"));
    block_on(gitlab(&client).open_archive("42", COMMIT)).unwrap();
    assert!(client.header(0, "private-token").is_some());
    assert_eq!(client.header(1, "private-token"), None);

    let client = on_path(&archive_url(), refused(404, "404 File Not Found"));
    let error = block_on(gitlab(&client).open_archive("42", COMMIT))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_limit_of_archives_is_one_of_its_own() {
    let body = r#"{"message":{"error":"This archive has been requested too many times. Try again later."}}"#;
    for (answer, retry_after) in [
        (answer(429, body), 60),
        (answer(429, body).with("retry-after", "12"), 12),
    ] {
        let client = on_path(&archive_url(), answer);
        let host = gitlab(&client);
        assert!(host.limits_archives_apart());
        let error = block_on(host.open_archive("42", COMMIT)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::ArchivesLimited { retry_after });
        assert!(error.is_retryable());
        assert!(error.message().contains("few archives"), "{error}");
    }
}

#[test]
fn ids_and_commits_cannot_change_the_path() {
    let client = ReplayClient::default();
    let host = gitlab(&client);
    for id in ["", "42/..", "acme/hello", "-1"] {
        assert!(block_on(host.commit_time(id, COMMIT)).is_err(), "{id}");
        assert!(
            block_on(host.list_refs(id, &HashMap::new())).is_err(),
            "{id}"
        );
    }
    for commit in ["", "main", "0123456", &format!("{COMMIT}?")] {
        assert!(block_on(host.read_file("42", "a", Some(commit), 1)).is_err());
        assert!(block_on(host.open_archive("42", commit)).is_err());
    }
}

#[test]
fn no_two_seconds_of_half_a_minute_ask_for_the_same_listing_of_branches() {
    let sizes: Vec<usize> = (NOW..NOW + 31).map(branches_per_page).collect();
    let mut different = sizes.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 31);
    assert!(sizes.iter().all(|size| (70..=100).contains(size)));
}
