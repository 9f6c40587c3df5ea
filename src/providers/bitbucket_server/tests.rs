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
            PARK,
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

    // An empty one has none.
    let client = there().on(&at(&format!("{PLACE}/default-branch")), answer(204, ""));
    let project = block_on(server(&client).describe_project("42")).unwrap();
    assert_eq!(project.default_branch, None);

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
    assert_eq!(error.kind(), PARK);
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

fn list(kind: &str, start: usize) -> String {
    at(&format!(
        "{PLACE}/{kind}?orderBy=ALPHABETICAL&limit=500&start={start}"
    ))
}

fn tag(name: &str, commit: &str, object: Option<&str>) -> Value {
    json!({"id": format!("refs/tags/{name}"), "displayId": name, "type": "TAG",
           "latestCommit": commit, "latestChangeset": commit, "hash": object})
}

#[test]
fn refs_are_the_commits_that_tags_lead_to_over_all_pages() {
    let [inner, outer, outermost] = ["a", "b", "c"].map(|digit| digit.repeat(40));
    let client = there()
        .on(
            &list("tags", 0),
            all(
                &[
                    tag("v1", &commit(1), None),
                    tag("v2", &commit(2), Some(&inner)),
                    // What a tag of a tag leads to is told one step far.
                    tag("v2-final", &inner, Some(&outer)),
                ],
                Some(3),
            ),
        )
        .on(
            &list("tags", 3),
            all(
                &[
                    tag("v2-final", &inner, Some(&outer)),
                    tag("v2-last", &outer, Some(&outermost)),
                ],
                None,
            ),
        )
        .on(
            &list("branches", 0),
            all(
                &[json!({"id": "refs/heads/a/b", "displayId": "a/b", "latestCommit": commit(3)})],
                None,
            ),
        );
    let listing = list_refs(server(&client).as_ref(), &client, &RefListing::default()).unwrap();
    let names: Vec<_> = listing
        .refs
        .iter()
        .map(|found| (found.name.as_str(), found.commit.clone()))
        .collect();
    assert_eq!(
        names,
        [
            ("refs/tags/v1", commit(1)),
            ("refs/tags/v2", commit(2)),
            ("refs/tags/v2-final", commit(2)),
            ("refs/tags/v2-last", commit(2)),
            ("refs/heads/a/b", commit(3)),
        ]
    );
    assert!(listing.pages.is_empty());
}

#[test]
fn a_listing_that_does_not_end_well_is_no_listing() {
    for body in [
        json!({"values": [], "isLastPage": false}),
        json!({"values": [], "isLastPage": false, "nextPageStart": 0}),
        json!({"values": [tag("v1", "main", None)], "isLastPage": true}),
        json!({"values": [tag("", &commit(1), None)], "isLastPage": true}),
        json!([]),
    ] {
        let client = there().on(&list("tags", 0), ok(&body));
        let error = list_refs(server(&client).as_ref(), &client, &RefListing::default());
        assert_eq!(error.unwrap_err().kind(), PARK, "{body}");
    }
    let client = there().on(&list("tags", 0), problem(404, "x"));
    let error = list_refs(server(&client).as_ref(), &client, &RefListing::default());
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    // Tags that lead to one another in a circle end somewhere.
    let [one, two] = ["a", "b"].map(|digit| digit.repeat(40));
    let circle = [tag("x", &one, Some(&two)), tag("y", &two, Some(&one))];
    let client = there()
        .on(&list("tags", 0), all(&circle, None))
        .on(&list("branches", 0), all(&[], None));
    let listing = list_refs(server(&client).as_ref(), &client, &RefListing::default());
    assert_eq!(listing.unwrap().refs.len(), 2);
}

#[test]
fn a_file_is_read_raw_at_its_commit_or_at_the_head() {
    for (path, commit, url) in [
        (
            "composer.json",
            Some(COMMIT),
            format!("composer.json?at={COMMIT}"),
        ),
        ("composer.json", None, "composer.json".to_owned()),
        ("a b/?c", Some(COMMIT), format!("a%20b/%3Fc?at={COMMIT}")),
    ] {
        let client = there().on(&at(&format!("{PLACE}/raw/{url}")), answer(200, "{}"));
        let read = block_on(server(&client).read_file("42", path, commit, 10));
        assert_eq!(read.unwrap().unwrap(), b"{}");
    }
    let read = |answer| {
        let client = there().on(&at(&format!("{PLACE}/raw/x?at={COMMIT}")), answer);
        block_on(server(&client).read_file("42", "x", Some(COMMIT), 10))
    };
    assert_eq!(
        read(problem(404, "The path x does not exist")).unwrap(),
        None
    );
    assert_eq!(
        read(answer(200, "12345678901")).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[test]
fn a_commit_has_its_author_s_time_and_a_tag_is_no_commit() {
    let url = at(&format!("{PLACE}/commits/{COMMIT}"));
    let said = |id: &str| {
        ok(&json!({"id": id, "authorTimestamp": 1_709_202_600_999_i64,
                   "committerTimestamp": 1_709_300_000_000_i64}))
    };
    let client = there().on(&url, said(COMMIT));
    let time = block_on(server(&client).commit_time("42", COMMIT)).unwrap();
    assert_eq!(time, "2024-02-29T10:30:00Z");

    let client = there().on(&url, said(&commit(1)));
    let error = block_on(server(&client).commit_time("42", COMMIT)).unwrap_err();
    assert_eq!(error.kind(), PARK);
    assert!(error.message().contains("tag the commit itself"), "{error}");
}

#[test]
fn an_archive_has_one_folder_and_comes_without_the_token_from_elsewhere() {
    let url = at(&format!(
        "{PLACE}/archive?at={COMMIT}&format=zip&prefix={COMMIT}%2F"
    ));
    let link = "https://storage.example.com/a.zip?signature=x";
    let client = there()
        .on(&url, answer(302, "").with("location", link))
        .on(link, answer(200, "PK"));
    let mut response = block_on(server(&client).open_archive("42", COMMIT)).unwrap();
    assert_eq!(block_on(response.body.next()).unwrap().unwrap(), b"PK");
    assert_eq!(
        client.header(1, "accept-encoding").as_deref(),
        Some("identity")
    );
    assert!(client.header(1, "authorization").is_some());
    assert_eq!(client.header(2, "authorization"), None);

    let client = there().on(&url, problem(404, "x"));
    let error = block_on(server(&client).open_archive("42", COMMIT))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn ids_and_commits_cannot_change_the_path() {
    let client = ReplayClient::default();
    let host = server(&client);
    for id in ["", "42/..", "ACME/hello", "-1"] {
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
    // Nor can what the host says.
    for (key, slug) in [("..", "x"), ("A", "../x"), ("A?", "x")] {
        let client = on_path(PLACE, ok(&repository(42, key, slug)));
        let error = block_on(server(&client).commit_time("42", COMMIT)).unwrap_err();
        assert_eq!(error.kind(), PARK, "{key}/{slug}");
    }
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

const WANTED: WantedHook<'_> = WantedHook {
    url: "https://packages.example.com/hooks/1",
    secret: "s3cret",
};

#[test]
fn webhooks_of_a_repository_and_of_a_project_are_kept() {
    for (place, path) in [
        (HookPlace::Project("42"), format!("{PLACE}/webhooks")),
        (
            HookPlace::Group("~ada"),
            "/projects/~ada/webhooks".to_owned(),
        ),
    ] {
        let start = || match place {
            HookPlace::Project(_) => there(),
            HookPlace::Group(_) => ReplayClient::default(),
        };
        let other = json!({"id": 1, "url": "https://other.example"});
        let ours = json!({"id": 2, "url": WANTED.url});
        let client = start()
            .on(
                &at(&format!("{path}?limit=100&start=0")),
                all(&[other], Some(1)),
            )
            .on(
                &at(&format!("{path}?limit=100&start=1")),
                all(std::slice::from_ref(&ours), None),
            );
        let found = block_on(server(&client).find_hook(place, WANTED.url)).unwrap();
        assert_eq!(found.as_deref(), Some("2"));

        let made = answer(201, ours.to_string());
        let client = start().on(&at(&path), made.clone());
        let id = block_on(server(&client).save_hook(place, None, &WANTED)).unwrap();
        assert_eq!(id, "2");
        let sent = client.seen().pop().unwrap();
        assert_eq!(sent.method, "POST");
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["url"], WANTED.url);
        assert_eq!(body["configuration"]["secret"], "s3cret");
        assert_eq!(
            body["events"],
            json!(ProviderKind::BitbucketServer.webhook_events())
        );

        let one = at(&format!("{path}/2"));
        let client = start().on(&one, ok(&ours));
        block_on(server(&client).save_hook(place, Some("2"), &WANTED)).unwrap();
        assert_eq!(client.seen().pop().unwrap().method, "PUT");
        // One that somebody removed is made anew.
        let client = start().on(&one, answer(404, "")).on(&at(&path), made);
        block_on(server(&client).save_hook(place, Some("2"), &WANTED)).unwrap();
        client.assert_done();

        for status in [204, 404] {
            let client = start().on(&one, answer(status, ""));
            block_on(server(&client).remove_hook(place, "2")).unwrap();
            assert_eq!(client.seen().pop().unwrap().method, "DELETE");
        }
    }
}

#[test]
fn who_may_not_set_up_webhooks_is_told_what_is_lacking() {
    let path = format!("{PLACE}/webhooks");
    for (answer, kind, words) in [
        (
            problem(401, "You are not permitted to access this resource"),
            ErrorKind::Forbidden,
            "admin permission",
        ),
        (problem(403, "x"), ErrorKind::Forbidden, "admin permission"),
        (
            problem(400, "The URL is invalid"),
            ErrorKind::Invalid,
            "The URL is invalid",
        ),
        (
            problem(401, "Authentication failed. Please check your credentials"),
            PARK,
            "refused the token",
        ),
        (
            answer(429, ""),
            ErrorKind::RateLimited { retry_after: 60 },
            "limits",
        ),
    ] {
        let client = there().on(&at(&path), answer);
        let place = HookPlace::Project("42");
        let error = block_on(server(&client).save_hook(place, None, &WANTED)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    let client = ReplayClient::default();
    let error = block_on(server(&client).find_hook(HookPlace::Group("a/b"), "x"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
    let error = block_on(server(&client).remove_hook(HookPlace::Group("a"), "../x"));
    assert!(error.is_err());
}
