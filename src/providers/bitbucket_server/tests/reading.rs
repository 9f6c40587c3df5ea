//! Refs, files, commits and archives.

use super::*;

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
        json!({"values": [{"displayId": "v1"}], "isLastPage": true}),
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
