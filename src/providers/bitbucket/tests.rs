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
        let client = on_path(USER, nobody).on(&at(PROBE), problem(404, "x"));
        let account = block_on(bitbucket(&client).check_access()).unwrap();
        assert_eq!(account.login, "unknown");
        assert!(account.missing.is_empty());
    }

    let client = on_path(USER, answer(401, "")).on(&at(PROBE), answer(401, ""));
    let error = block_on(bitbucket(&client).check_access()).unwrap_err();
    assert_eq!(error.kind(), PARK);
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

fn refs(kind: &str) -> String {
    format!(
        "{REPOSITORY}/refs/{kind}?pagelen=100&sort=name&fields=values.name,values.target.hash,next"
    )
}

const MORE_TAGS: &str = "?pagelen=100&page=Zx%3D&sort=name&fields=values.name%2Cnext";

fn page(names: &[(&str, usize)], next: Option<&str>) -> Answer {
    let values: Vec<Value> = names
        .iter()
        .map(|(name, number)| json!({"name": name, "target": {"hash": commit(*number)}}))
        .collect();
    let mut page = json!({"values": values});
    if let Some(query) = next {
        // With braces that stand in no address of ours.
        page["next"] =
            format!("https://api.bitbucket.org/2.0/repositories/{{}}/{UUID}/refs/tags{query}")
                .into();
    }
    ok(&page)
}

fn list(client: &ReplayClient, known: &RefListing) -> Result<RefListing> {
    let known = known
        .pages
        .iter()
        .map(|page| (page.url.clone(), page.clone()))
        .collect();
    let listing = block_on(bitbucket(client).list_refs(UUID, &known));
    client.assert_done();
    listing
}

fn first_listing() -> RefListing {
    let client = on_path(
        &refs("tags"),
        page(&[("v1", 1), ("v2", 2)], Some(MORE_TAGS)).with("etag", "\"t1\""),
    )
    .on(
        &at(&format!("{REPOSITORY}/refs/tags{MORE_TAGS}")),
        page(&[("v2", 2), ("v3", 3)], None).with("etag", "\"t2\""),
    )
    .on(&at(&refs("branches")), page(&[("main", 3)], None));
    list(&client, &RefListing::default()).unwrap()
}

#[test]
fn refs_are_read_over_all_pages_and_each_name_counts_once() {
    let listing = first_listing();
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
            ("refs/tags/v3", commit(3)),
            ("refs/heads/main", commit(3)),
        ]
    );
}

#[test]
fn unchanged_pages_are_not_read_again_and_lead_to_the_next() {
    let known = first_listing();
    let client = on_path(&refs("tags"), answer(304, ""))
        .on(
            &at(&format!("{REPOSITORY}/refs/tags{MORE_TAGS}")),
            page(&[("v3", 4)], None).with("etag", "\"t3\""),
        )
        .on(&at(&refs("branches")), page(&[("main", 4)], None));
    let listing = list(&client, &known).unwrap();
    assert_eq!(listing.refs.len(), 4);
    assert_eq!(listing.refs[2].commit, commit(4));
    assert_eq!(client.header(0, "if-none-match").as_deref(), Some("\"t1\""));
    // Without an entity tag there is nothing to ask with.
    assert_eq!(client.header(2, "if-none-match"), None);
}

#[test]
fn a_page_that_leads_nowhere_does_not_end_a_listing() {
    let client = on_path(
        &refs("tags"),
        ok(&json!({"values": [], "next": "nonsense"})),
    );
    assert_eq!(
        list(&client, &RefListing::default()).unwrap_err().kind(),
        PARK
    );
    for body in [
        json!([]),
        json!({"values": [{"name": "v1", "target": {"hash": "main"}}]}),
        json!({"values": [{"name": "", "target": {"hash": commit(1)}}]}),
    ] {
        let client = on_path(&refs("tags"), ok(&body));
        assert_eq!(
            list(&client, &RefListing::default()).unwrap_err().kind(),
            PARK
        );
    }
    let client = on_path(&refs("tags"), problem(404, "Repository not found"));
    let error = list(&client, &RefListing::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // A tag of a tree is no version, and an empty repository has no refs.
    let tree = ok(&json!({"values": [{"name": "tree", "target": null}]}));
    let client = on_path(&refs("tags"), tree).on(&at(&refs("branches")), page(&[], None));
    assert!(
        list(&client, &RefListing::default())
            .unwrap()
            .refs
            .is_empty()
    );
}

#[test]
fn a_file_is_read_raw_and_from_elsewhere_without_the_token() {
    let path = format!("{REPOSITORY}/src/{COMMIT}/a%20b/%3Fc");
    let client = on_path(&path, answer(200, "{}"));
    let read = block_on(bitbucket(&client).read_file(UUID, "a b/?c", Some(COMMIT), 10));
    assert_eq!(read.unwrap().unwrap(), b"{}");

    // A file of LFS lies somewhere else.
    let path = format!("{REPOSITORY}/src/{COMMIT}/composer.json");
    let link = "https://media.example.com/x?signature=y";
    let client = on_path(&path, answer(301, "").with("location", link)).on(link, answer(200, "{}"));
    let read = block_on(bitbucket(&client).read_file(UUID, "composer.json", Some(COMMIT), 10));
    assert_eq!(read.unwrap().unwrap(), b"{}");
    assert!(client.header(0, "authorization").is_some());
    assert_eq!(client.header(1, "authorization"), None);

    let read = |answer| {
        let client = on_path(&path, answer);
        block_on(bitbucket(&client).read_file(UUID, "composer.json", Some(COMMIT), 10))
    };
    assert_eq!(
        read(problem(404, "No such file or directory")).unwrap(),
        None
    );
    assert_eq!(
        read(answer(200, "12345678901")).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(read(lacking()).unwrap_err().kind(), PARK);
}

#[test]
fn the_newest_file_is_read_at_the_commit_of_the_default_branch() {
    let describe = format!("{REPOSITORY}?fields={FIELDS}");
    let branch = format!("{REPOSITORY}/refs/branches/feature/x?fields=target.hash");
    let file = format!("{REPOSITORY}/src/{COMMIT}/composer.json");
    let main = ok(&with(&[("mainbranch", json!({"name": "feature/x"}))]));
    let client = on_path(&describe, main)
        .on(&at(&branch), ok(&json!({"target": {"hash": COMMIT}})))
        .on(&at(&file), answer(200, "{}"));
    let read = block_on(bitbucket(&client).read_file(UUID, "composer.json", None, 10));
    assert_eq!(read.unwrap().unwrap(), b"{}");

    let client = on_path(&describe, ok(&with(&[("mainbranch", json!(null))])));
    let read = block_on(bitbucket(&client).read_file(UUID, "composer.json", None, 10));
    assert_eq!(read.unwrap(), None);
}

#[test]
fn a_commit_has_its_time_in_utc() {
    let path = format!("{REPOSITORY}/commit/{COMMIT}?fields=date");
    let client = on_path(&path, ok(&json!({"date": "2024-02-29T12:30:00+02:00"})));
    let time = block_on(bitbucket(&client).commit_time(UUID, COMMIT)).unwrap();
    assert_eq!(time, "2024-02-29T10:30:00Z");
}

fn archive(name: &str) -> String {
    format!("https://bitbucket.org/{name}/get/{COMMIT}.zip")
}

fn zip() -> Answer {
    answer(200, "PK").with("content-type", "application/zip")
}

#[test]
fn an_archive_comes_from_the_website_with_the_token_and_from_elsewhere_without() {
    let describe = at(&format!("{REPOSITORY}?fields={FIELDS}"));
    let link = "https://storage.example.com/a.zip?signature=x";
    let client = ReplayClient::default()
        .on(&describe, ok(&found()))
        .on(
            &archive("acme/hello"),
            answer(302, "").with("location", link),
        )
        .on(link, zip());
    let mut response = block_on(bitbucket(&client).open_archive(UUID, COMMIT)).unwrap();
    assert_eq!(block_on(response.body.next()).unwrap().unwrap(), b"PK");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(client.header(1, "authorization"), Some(bearer));
    assert_eq!(
        client.header(1, "accept-encoding").as_deref(),
        Some("identity")
    );
    assert_eq!(client.header(2, "authorization"), None);
}

#[test]
fn an_archive_is_asked_for_by_the_name_last_known_and_then_by_the_new_one() {
    let client = ReplayClient::default().on(&archive("acme/hello"), zip());
    let host = bitbucket(&client);
    host.recall_name(UUID, "acme/hello");
    block_on(host.open_archive(UUID, COMMIT)).unwrap();

    let describe = at(&format!("{REPOSITORY}?fields={FIELDS}"));
    let client = ReplayClient::default()
        .on(&archive("acme/old"), answer(404, ""))
        .on(&describe, ok(&found()))
        .on(&archive("acme/hello"), zip());
    let host = bitbucket(&client);
    host.recall_name(UUID, "acme/old");
    block_on(host.open_archive(UUID, COMMIT)).unwrap();
    // What was told since counts for more than what is remembered.
    host.recall_name(UUID, "acme/old");
    client.assert_done();

    let client = ReplayClient::default()
        .on(&archive("acme/hello"), answer(404, ""))
        .on(&describe, ok(&found()));
    let host = bitbucket(&client);
    host.recall_name(UUID, "acme/hello");
    let error = block_on(host.open_archive(UUID, COMMIT)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    client.assert_done();
}

#[test]
fn a_form_to_sign_in_is_no_archive() {
    let form = "https://id.atlassian.com/login?continue=x";
    let client = ReplayClient::default()
        .on(
            &archive("acme/hello"),
            answer(302, "").with("location", form),
        )
        .on(
            form,
            answer(200, "<html>").with("content-type", "text/html; charset=utf-8"),
        );
    let host = bitbucket(&client);
    host.recall_name(UUID, "acme/hello");
    let error = block_on(host.open_archive(UUID, COMMIT)).err().unwrap();
    assert_eq!(error.kind(), PARK);
    assert!(error.message().contains("asks to sign in"), "{error}");
}

#[test]
fn ids_and_commits_cannot_change_the_path() {
    let client = ReplayClient::default();
    let host = bitbucket(&client);
    let longer = format!("{UUID}/..");
    for id in ["", "42", "acme/hello", "{}", &longer] {
        assert!(block_on(host.commit_time(id, COMMIT)).is_err(), "{id}");
        assert!(
            block_on(host.list_refs(id, &HashMap::new())).is_err(),
            "{id}"
        );
    }
    for commit in ["", "main", "0123456", &format!("{COMMIT}?")] {
        assert!(block_on(host.read_file(UUID, "a", Some(commit), 1)).is_err());
        assert!(block_on(host.open_archive(UUID, commit)).is_err());
    }
}

const WORKSPACES: &str = "/user/workspaces?pagelen=100&fields=values.workspace.slug,next";

fn listing(workspace: &str, more: &str) -> String {
    let fields: Vec<_> = FIELDS
        .split(',')
        .map(|field| format!("values.{field}"))
        .collect();
    format!(
        "/repositories/{workspace}?pagelen=100&sort=created_on&fields={},next{more}",
        fields.join(",")
    )
}

fn api_token() -> Credentials {
    Credentials::new(Some("ada@example.org"), "ATATT1")
}

#[test]
fn projects_are_listed_workspace_by_workspace() {
    let workspaces = || {
        ok(
            &json!({"values": [{"workspace": {"slug": "beta"}}, {"workspace": {"slug": "acme"}},
                              {"workspace": {"slug": "void"}}]}),
        )
    };
    let second = "https://api.bitbucket.org/2.0/repositories/acme?page=2&pagelen=100";
    let client = on_path(WORKSPACES, workspaces()).on(
        &at(&listing("acme", "&role=member")),
        ok(&json!({"values": [found()], "next": second})),
    );
    let host = |client: &ReplayClient, cursor: Option<&str>| {
        let host = Bitbucket::new(gateway(client), "", &api_token()).unwrap();
        let page = block_on(host.list_projects(None, cursor)).unwrap();
        client.assert_done();
        page
    };
    let page = host(&client, None);
    assert_eq!(page.projects[0].full_name, "acme/hello");
    assert_eq!(page.next.as_deref(), Some("acme?page=2&pagelen=100"));

    let client = on_path(WORKSPACES, workspaces()).on(second, ok(&json!({"values": [found()]})));
    let page = host(&client, page.next.as_deref());
    assert_eq!(page.projects.len(), 1);
    assert_eq!(page.next.as_deref(), Some("beta"));

    // Workspaces without any are passed over, and the last one ends the list.
    let client = on_path(WORKSPACES, workspaces())
        .on(
            &at(&listing("beta", "&role=member")),
            ok(&json!({"values": []})),
        )
        .on(
            &at(&listing("void", "&role=member")),
            ok(&json!({"values": []})),
        );
    assert_eq!(host(&client, Some("beta")), ProjectPage::default());
}

#[test]
fn a_search_goes_along_and_may_name_its_workspace() {
    let client = on_path(
        WORKSPACES,
        ok(&json!({"values": [{"workspace": {"slug": "acme"}}]})),
    )
    .on(
        &at(&listing("acme", "&role=member&q=name%20~%20%22hel%20lo%22")),
        ok(&json!({"values": []})),
    );
    let host = Bitbucket::new(gateway(&client), "", &api_token()).unwrap();
    block_on(host.list_projects(Some(" hel \"lo\\ "), None)).unwrap();
    client.assert_done();

    // An access token is no member, and knows no workspaces.
    let query = listing("acme", "&q=name%20~%20%22hel%22");
    let client = on_path(&query, ok(&json!({"values": [found()]})));
    let page = block_on(bitbucket(&client).list_projects(Some("acme/hel"), None)).unwrap();
    assert_eq!((page.projects.len(), page.next), (1, None));
    let client = on_path(
        WORKSPACES,
        problem(
            403,
            "This API is not accessible by this authentication mechanism",
        ),
    );
    let error = block_on(bitbucket(&client).list_projects(Some("hel"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("`WORKSPACE/name`"), "{error}");

    let client = on_path(
        WORKSPACES,
        ok(&json!({"values": [{"workspace": {"slug": "acme"}}]})),
    );
    let error = block_on(bitbucket(&client).list_projects(None, Some("../user?x")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}

const HOOK: &str = "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}";
const HOOK_PATH: &str = "/%7B6ba7b810-9dad-11d1-80b4-00c04fd430c8%7D";
const WANTED: WantedHook<'_> = WantedHook {
    url: "https://packages.example.com/hooks/1",
    secret: "s3cret",
};

#[test]
fn webhooks_of_a_repository_and_of_a_workspace_are_kept() {
    for (place, path) in [
        (HookPlace::Project(UUID), format!("{REPOSITORY}/hooks")),
        (
            HookPlace::Group("acme"),
            "/workspaces/acme/hooks".to_owned(),
        ),
    ] {
        let listed = format!("{path}?pagelen=100&fields=values.uuid,values.url,next");
        let others = json!({"values": [{"uuid": "{0}", "url": "https://other.example"}],
                            "next": format!("https://api.bitbucket.org/2.0{path}?page=2")});
        let ours = json!({"values": [{"uuid": HOOK, "url": WANTED.url}]});
        let client = on_path(&listed, ok(&others)).on(&at(&format!("{path}?page=2")), ok(&ours));
        let found = block_on(bitbucket(&client).find_hook(place, WANTED.url)).unwrap();
        assert_eq!(found.as_deref(), Some(HOOK));

        let made = answer(201, json!({"uuid": HOOK, "url": WANTED.url}).to_string());
        let client = on_path(&path, made.clone());
        let id = block_on(bitbucket(&client).save_hook(place, None, &WANTED)).unwrap();
        assert_eq!(id, HOOK);
        let sent = client.seen().remove(0);
        assert_eq!(sent.method, "POST");
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["url"], WANTED.url);
        assert_eq!(body["secret"], "s3cret");
        assert_eq!(body["active"], true);
        assert_eq!(
            body["events"],
            json!(ProviderKind::Bitbucket.webhook_events())
        );

        let one = format!("{path}{HOOK_PATH}");
        let client = on_path(&one, ok(&json!({"uuid": HOOK, "url": WANTED.url})));
        block_on(bitbucket(&client).save_hook(place, Some(HOOK), &WANTED)).unwrap();
        assert_eq!(client.seen()[0].method, "PUT");
        // One that somebody removed is made anew.
        let client = on_path(&one, answer(404, "")).on(&at(&path), made);
        block_on(bitbucket(&client).save_hook(place, Some(HOOK), &WANTED)).unwrap();
        client.assert_done();

        for status in [204, 404] {
            let client = on_path(&one, answer(status, ""));
            block_on(bitbucket(&client).remove_hook(place, HOOK)).unwrap();
            assert_eq!(client.seen()[0].method, "DELETE");
        }
    }
}

#[test]
fn who_may_not_set_up_webhooks_is_told_what_is_lacking() {
    let path = format!("{REPOSITORY}/hooks");
    for (answer, kind, words) in [
        (lacking(), ErrorKind::Forbidden, "`write:webhook:bitbucket`"),
        (
            problem(400, "URL host not allowed"),
            ErrorKind::Invalid,
            "URL host not allowed",
        ),
        (problem(404, "x"), ErrorKind::NotFound, "no such repository"),
        (
            answer(429, ""),
            ErrorKind::RateLimited { retry_after: 60 },
            "limits",
        ),
        (
            refused(307, "").with("location", "https://elsewhere.example/hooks"),
            PARK,
            "redirected a request that changes something",
        ),
    ] {
        let client = on_path(&path, answer);
        let place = HookPlace::Project(UUID);
        let error = block_on(bitbucket(&client).save_hook(place, None, &WANTED)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!error.to_string().contains("s3cret"));
    }
    let client = ReplayClient::default();
    let error = block_on(bitbucket(&client).find_hook(HookPlace::Group("a/b"), "x"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
    let error = block_on(bitbucket(&client).remove_hook(HookPlace::Group("a"), "../x"));
    assert!(error.is_err());
}
