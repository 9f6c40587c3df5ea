//! Refs, files, commits and archives.

use super::*;

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
        // What is not told is not the same as what is not there.
        json!({"values": [{"name": "v1"}]}),
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
