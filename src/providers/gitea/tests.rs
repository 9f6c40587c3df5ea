use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorKind;
use crate::providers::ProviderKind;
use crate::providers::replay::{
    Answer, ReplayClient, answer, commit, gateway, list_refs, ok, refused, token,
};

const TOKEN: &str = "0123456789abcdef";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const BASE: &str = "https://codeberg.org/api/v1";
const PARK: ErrorKind = ErrorKind::Upstream { retryable: false };
const SEARCH: &str = "/repos/search?limit=1";

fn forgejo(client: &ReplayClient) -> Box<dyn GitHost + '_> {
    ProviderKind::Forgejo
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
    ok(&json!({"id": 7, "login": "ada"}))
}

fn search() -> Answer {
    ok(&json!({"ok": true, "data": []}))
}

#[test]
fn the_base_address_is_taken_as_people_paste_it() {
    for (kind, base, api) in [
        (ProviderKind::Forgejo, "", BASE),
        (ProviderKind::Gitea, "", "https://gitea.com/api/v1"),
        (
            ProviderKind::Gitea,
            "https://Git.example.com/git/api/v1/",
            "https://git.example.com/git/api/v1",
        ),
        (
            ProviderKind::Forgejo,
            " https://git.example.com:8443/ ",
            "https://git.example.com:8443/api/v1",
        ),
    ] {
        let client = ReplayClient::default()
            .on(&format!("{api}/user"), user())
            .on(&format!("{api}{SEARCH}"), search());
        let host = kind.connect(gateway(&client), base, &token(TOKEN)).unwrap();
        let account = block_on(host.check_access()).unwrap();
        assert_eq!((account.login.as_str(), account.missing.len()), ("ada", 0));
        let expected = format!("token {TOKEN}");
        assert_eq!(client.header(0, "authorization"), Some(expected));
        client.assert_done();
    }
    let client = ReplayClient::default();
    for base in ["http://a.com", "https://127.0.0.1:3000", "https://a.com?x"] {
        let refused = ProviderKind::Gitea.connect(gateway(&client), base, &token(TOKEN));
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::Invalid, "{base}");
    }
}

#[test]
fn a_name_and_its_token_go_as_basic() {
    let client = on_path("/user", user()).on(&at(SEARCH), search());
    let named = Credentials::new(Some("ada"), TOKEN);
    let host = ProviderKind::Forgejo
        .connect(gateway(&client), "", &named)
        .unwrap();
    block_on(host.check_access()).unwrap();
    let sent = client.header(0, "authorization").unwrap();
    assert_eq!(sent, named.basic().unwrap().unwrap());
}

#[test]
fn what_the_token_lacks_is_said_and_its_owner_may_stay_unknown() {
    let scope = "token does not have at least one of required scope(s): [read:user]";
    let client = on_path("/user", refused(403, scope)).on(&at(SEARCH), search());
    let account = block_on(forgejo(&client).check_access()).unwrap();
    assert_eq!(
        (account.login.as_str(), account.missing.len()),
        ("unknown", 0)
    );

    let client = on_path("/user", user()).on(&at(SEARCH), refused(403, "scope"));
    let account = block_on(forgejo(&client).check_access()).unwrap();
    assert!(account.missing[0].contains("`read:repository`"));

    let client = on_path("/user", refused(401, "user does not exist"));
    let error = block_on(forgejo(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(!error.to_string().contains(TOKEN));

    let client = on_path("/user", answer(404, "<html>"));
    let error = block_on(forgejo(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("no Forgejo API"), "{error}");
}

#[test]
fn limits_of_proxies_and_failures_have_their_kind() {
    for (answer, kind) in [
        (
            answer(429, "<html>").with("retry-after", "9"),
            ErrorKind::RateLimited { retry_after: 9 },
        ),
        (answer(429, ""), ErrorKind::RateLimited { retry_after: 60 }),
        (answer(502, ""), ErrorKind::Upstream { retryable: true }),
        (refused(403, "forbidden"), PARK),
        (answer(200, "<html>"), PARK),
        (
            ok(&json!({"id": 42, "full_name": "../x", "html_url": "", "clone_url": ""})),
            PARK,
        ),
    ] {
        let client = on_path("/repositories/42", answer);
        let error = block_on(forgejo(&client).describe_project("42")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

fn repository(changes: &Value) -> Answer {
    let mut repository = json!({
        "id": 42, "full_name": "acme/hello", "default_branch": "main", "private": false,
        "internal": false, "archived": true, "empty": false,
        "html_url": "https://codeberg.org/acme/hello",
        "clone_url": "https://codeberg.org/acme/hello.git",
    });
    for (name, value) in changes.as_object().unwrap() {
        repository[name] = value.clone();
    }
    ok(&repository)
}

fn known() -> ReplayClient {
    on_path("/repositories/42", repository(&json!({})))
}

#[test]
fn a_project_is_found_by_name_by_id_and_after_a_rename() {
    for (name, path) in [
        ("acme/hello", "/repos/acme/hello"),
        ("42", "/repositories/42"),
    ] {
        let client = on_path(path, repository(&json!({})));
        let project = block_on(forgejo(&client).describe_project(name)).unwrap();
        assert_eq!(project.provider_id, "42");
        assert_eq!(project.default_branch.as_deref(), Some("main"));
        assert!(!project.is_private && project.is_archived);
        let page = "https://codeberg.org/acme/hello";
        assert_eq!(
            project.source_page,
            Some(format!("{page}/{{kind}}/{{ref}}"))
        );
        assert_eq!(project.issues_page, None);
    }
    let client = on_path(
        "/repos/acme/old",
        answer(307, "").with("location", "/api/v1/repos/acme/hello"),
    )
    .on(
        &at("/repos/acme/hello"),
        repository(&json!({"internal": true})),
    );
    let project = block_on(forgejo(&client).describe_project("acme/old")).unwrap();
    assert_eq!(project.full_name, "acme/hello");
    assert!(project.is_private);
    assert!(client.header(1, "authorization").is_some());

    let client = on_path("/repositories/42", repository(&json!({"empty": true})));
    let project = block_on(forgejo(&client).describe_project("42")).unwrap();
    assert_eq!(project.default_branch, None);

    let client = on_path("/repos/acme/x", refused(404, "not found"));
    let error = block_on(forgejo(&client).describe_project("acme/x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for name in ["", "acme", "a/b/c", "acme/..", "acme/x?y"] {
        let error = block_on(forgejo(&ReplayClient::default()).describe_project(name));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}

/// `id` is the tag object.
fn tag_page(names: &[(&str, usize)]) -> Answer {
    let items: Vec<Value> = names
        .iter()
        .map(|(name, number)| {
            json!({"name": name, "id": "f".repeat(40),
                   "commit": {"url": "x", "sha": commit(*number), "created": "x"}})
        })
        .collect();
    ok(&Value::Array(items))
}

fn branch_page(names: &[(&str, usize)]) -> Answer {
    let items: Vec<Value> = names
        .iter()
        .map(|(name, number)| json!({"name": name, "commit": {"id": commit(*number), "message": "m"}}))
        .collect();
    ok(&Value::Array(items))
}

fn tags(page: usize) -> String {
    at(&format!("/repos/acme/hello/tags?limit=50&page={page}"))
}

fn branches(page: usize) -> String {
    at(&format!("/repos/acme/hello/branches?limit=50&page={page}"))
}

fn list(client: &ReplayClient, known: &RefListing) -> Result<RefListing> {
    list_refs(forgejo(client).as_ref(), client, known)
}

#[test]
fn refs_are_the_commits_that_tags_lead_to_over_all_pages() {
    // The instance gives two a page, whatever it is asked for.
    let client = known()
        .on(
            &tags(1),
            tag_page(&[("v3", 3), ("v2", 2)])
                .with("x-total-count", "3")
                .with("link", "<http://inside:3000/api/v1/x?page=2>; rel=\"next\""),
        )
        .on(&tags(2), tag_page(&[("v1", 1)]).with("x-total-count", "3"))
        .on(
            &branches(1),
            branch_page(&[("main", 3)]).with("x-total-count", "1"),
        );
    let listing = list(&client, &RefListing::default()).unwrap();
    let found: Vec<_> = listing
        .refs
        .iter()
        .map(|found| (found.name.as_str(), found.commit.clone()))
        .collect();
    assert_eq!(
        found,
        [
            ("refs/tags/v3", commit(3)),
            ("refs/tags/v2", commit(2)),
            ("refs/tags/v1", commit(1)),
            ("refs/heads/main", commit(3)),
        ]
    );
}

#[test]
fn without_totals_and_links_an_empty_page_is_the_end() {
    let client = known()
        .on(&tags(1), tag_page(&[("v1", 1)]))
        .on(&tags(2), tag_page(&[]))
        .on(&branches(1), branch_page(&[]));
    let listing = list(&client, &RefListing::default()).unwrap();
    assert_eq!(listing.refs.len(), 1);
    // A wrong total does no harm either.
    let client = known()
        .on(&tags(1), tag_page(&[("v1", 1)]).with("x-total-count", "9"))
        .on(&tags(2), tag_page(&[]).with("x-total-count", "9"))
        .on(&branches(1), branch_page(&[]));
    assert_eq!(list(&client, &RefListing::default()).unwrap().refs.len(), 1);
}

#[test]
fn unchanged_pages_are_not_read_again_where_they_have_an_entity_tag() {
    let client = known()
        .on(
            &tags(1),
            tag_page(&[("v1", 1)])
                .with("etag", "\"t\"")
                .with("x-total-count", "1"),
        )
        .on(&branches(1), branch_page(&[]));
    let first = list(&client, &RefListing::default()).unwrap();
    let client = known()
        .on(&tags(1), answer(304, "").with("x-total-count", "2"))
        .on(&tags(2), tag_page(&[("v2", 2)]).with("x-total-count", "2"))
        .on(&branches(1), branch_page(&[]));
    assert_eq!(list(&client, &first).unwrap().refs.len(), 2);
    assert_eq!(client.header(1, "if-none-match").as_deref(), Some("\"t\""));
}

#[test]
fn an_empty_repository_has_no_refs() {
    let client = known()
        .on(&tags(1), refused(409, "Git Repository is empty."))
        .on(&branches(1), ok(&json!([])));
    let listing = list(&client, &RefListing::default()).unwrap();
    assert!(listing.refs.is_empty());

    let client = on_path("/repositories/42", refused(404, "not found"));
    let error = list(&client, &RefListing::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_is_read_raw_at_its_commit_or_on_the_default_branch() {
    let raw = "/repos/acme/hello/raw";
    for (path, commit, url) in [
        (
            "composer.json",
            Some(COMMIT),
            format!("{raw}/composer.json?ref={COMMIT}"),
        ),
        ("composer.json", None, format!("{raw}/composer.json")),
        (
            "a b/?c",
            Some(COMMIT),
            format!("{raw}/a%20b/%3Fc?ref={COMMIT}"),
        ),
    ] {
        let client = known().on(&at(&url), answer(200, "{}"));
        let read = block_on(forgejo(&client).read_file("42", path, commit, 10));
        assert_eq!(read.unwrap().unwrap(), b"{}");
    }
    let client = known().on(
        &at(&format!("{raw}/x?ref={COMMIT}")),
        refused(404, "The target couldn't be found."),
    );
    let read = block_on(forgejo(&client).read_file("42", "x", Some(COMMIT), 10));
    assert_eq!(read.unwrap(), None);
}

#[test]
fn the_name_of_a_project_is_asked_for_once() {
    let date = json!({"commit": {"committer": {"date": "2024-02-29T12:30:00+02:00"}}});
    let times = "stat=false&verification=false&files=false";
    let client = known()
        .on(
            &at(&format!("/repos/acme/hello/git/commits/{COMMIT}?{times}")),
            ok(&date),
        )
        .on(
            &at(&format!("/repos/acme/hello/raw/x?ref={COMMIT}")),
            answer(200, "x"),
        );
    let host = forgejo(&client);
    let time = block_on(host.commit_time("42", COMMIT)).unwrap();
    assert_eq!(time, "2024-02-29T10:30:00Z");
    block_on(host.read_file("42", "x", Some(COMMIT), 10)).unwrap();
    assert_eq!(client.seen().len(), 3);
}

#[test]
fn an_archive_comes_from_the_host_or_from_its_storage() {
    let url = at(&format!("/repos/acme/hello/archive/{COMMIT}.zip"));
    let client = known().on(&url, answer(200, "PK"));
    let mut response = block_on(forgejo(&client).open_archive("42", COMMIT)).unwrap();
    assert_eq!(block_on(response.body.next()).unwrap().unwrap(), b"PK");
    assert_eq!(
        client.header(1, "accept-encoding").as_deref(),
        Some("identity")
    );

    let link = "https://storage.example.com/a.zip?signature=x";
    let client = known()
        .on(&url, answer(303, "").with("location", link))
        .on(link, answer(200, "PK"));
    block_on(forgejo(&client).open_archive("42", COMMIT)).unwrap();
    assert!(client.header(1, "authorization").is_some());
    assert_eq!(client.header(2, "authorization"), None);

    let client = known().on(&url, refused(404, "not found"));
    let error = block_on(forgejo(&client).open_archive("42", COMMIT))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("DISABLE_DOWNLOAD_SOURCE_ARCHIVES"));
}

#[test]
fn ids_and_commits_cannot_change_the_path() {
    let client = ReplayClient::default();
    let host = forgejo(&client);
    for id in ["", "42/..", "acme/hello", "-1"] {
        assert!(block_on(host.commit_time(id, COMMIT)).is_err(), "{id}");
        assert!(
            block_on(host.list_refs(id, &HashMap::new())).is_err(),
            "{id}"
        );
    }
    for commit in ["", "main", "0123456", &format!("{COMMIT}?")] {
        assert!(block_on(host.open_archive("42", commit)).is_err());
        assert!(block_on(host.commit_time("42", commit)).is_err());
    }
}
