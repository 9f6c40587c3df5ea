use pollster::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::providers::github::api::{self, Holder};
use crate::providers::replay::{
    Answer as Reply, ReplayClient, answer, commit, gateway, ok, refused,
};

const URL: &str = "https://api.github.com/graphql";
const PROJECT: NamedProject<'_> = NamedProject {
    provider_id: "42",
    full_name: "acme/hello",
};

fn commits(count: usize) -> Vec<String> {
    (0..count).map(commit).collect()
}

fn blob(text: &str) -> Value {
    let id = hex::encode(Sha1::digest(format!("blob {}\0{text}", text.len())));
    json!({"oid": id, "text": text})
}

fn object(commit: &str, file: &Value) -> Value {
    json!({"oid": commit, "committedDate": "2026-11-01T13:00:00+01:00", "file": file})
}

fn plain(commit: &str) -> Value {
    object(commit, &json!({"mode": 33_188, "object": blob("{}")}))
}

fn found(objects: &[Value]) -> Value {
    let named: serde_json::Map<_, _> = objects
        .iter()
        .enumerate()
        .map(|(number, object)| (format!("c{number}"), object.clone()))
        .collect();
    json!({"data": {"repository": {"databaseId": 42}, "commits": named}})
}

fn ask(client: &ReplayClient, commits: &[String]) -> Result<Vec<CommitFacts>> {
    let api = api::open(gateway(client), "", "ghp_1", Holder::Person).unwrap();
    block_on(read(&api, &PROJECT, commits))
}

fn once(answer: Reply) -> ReplayClient {
    ReplayClient::default().on(URL, answer)
}

#[test]
fn a_hundred_commits_are_one_request_each_by_its_id() {
    let wanted = commits(100);
    let objects: Vec<_> = wanted.iter().map(|commit| plain(commit)).collect();
    let client = once(ok(&found(&objects)));
    let mut read = ask(&client, &wanted).unwrap();
    read.sort_by(|one, other| one.commit.cmp(&other.commit));
    assert_eq!(read.len(), 100);
    assert_eq!(
        read[7],
        CommitFacts {
            commit: commit(7),
            manifest: Some("{}".to_owned()),
            time: "2026-11-01T12:00:00Z".to_owned(),
        }
    );
    let seen = client.seen();
    assert_eq!((seen.len(), seen[0].method), (1, "POST"));
    assert!(seen[0].body.len() < 12_000, "{}", seen[0].body.len());
    let sent: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(sent["variables"], json!({"owner": "acme", "name": "hello"}));
    let query = sent["query"].as_str().unwrap();
    assert!(wanted.iter().all(|commit| query.contains(commit.as_str())));
}

#[test]
fn what_is_not_exactly_the_file_is_left_to_rest() {
    let text = "{\"name\":\"acme/hello\"}";
    let mut cut = blob(text);
    cut["text"] = json!("{\"name\":");
    let mut converted = blob("\u{e4}");
    converted["oid"] = json!(hex::encode(Sha1::digest(b"blob 1\0\xe4")));
    let mut binary = blob(text);
    binary["text"] = json!(null);
    let large = "x".repeat(LONGEST + 1);
    let wanted = commits(9);
    let objects = [
        object(&wanted[0], &json!({"mode": 33_188, "object": cut})),
        object(&wanted[1], &json!({"mode": 33_188, "object": converted})),
        object(&wanted[2], &json!({"mode": 33_188, "object": binary})),
        // A symbolic link, a submodule, a folder.
        object(
            &wanted[3],
            &json!({"mode": 40_960, "object": blob("x.json")}),
        ),
        object(&wanted[4], &json!({"mode": 57_344, "object": null})),
        object(&wanted[5], &json!({"mode": 16_384, "object": {}})),
        object(&wanted[6], &json!({"mode": 33_188, "object": blob(&large)})),
        // No commit, and no object at all.
        json!({}),
        json!(null),
    ];
    assert_eq!(ask(&once(ok(&found(&objects))), &wanted).unwrap(), []);
    let executable = object(&wanted[0], &json!({"mode": 33_261, "object": blob(text)}));
    let missing = object(&wanted[1], &json!(null));
    let stranger = plain(&commit(77));
    let mut read = ask(&once(ok(&found(&[executable, missing, stranger]))), &wanted).unwrap();
    read.sort_by(|one, other| one.commit.cmp(&other.commit));
    let manifests: Vec<_> = read.iter().map(|facts| facts.manifest.as_deref()).collect();
    assert_eq!(manifests, [Some(text), None]);
}

#[test]
fn an_answer_with_holes_says_nothing_of_what_is_missing() {
    let wanted = commits(2);
    let mut partial = found(&[plain(&wanted[0]), object(&wanted[1], &json!(null))]);
    partial["errors"] = json!([{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "too much"}]);
    let read = ask(&once(ok(&partial)), &wanted).unwrap();
    let read: Vec<_> = read.iter().map(|facts| facts.commit.as_str()).collect();
    assert_eq!(read, [wanted[0].as_str()]);
}

#[test]
fn refusals_are_told_from_limits() {
    let elsewhere =
        json!({"data": {"repository": {"databaseId": 43}, "commits": {"c0": plain(&commit(0))}}});
    let none = json!({"data": {"repository": null, "commits": null}, "errors": [{"message": "Could not resolve"}]});
    let failing = json!({"errors": [{"message": "Field 'file' doesn't exist on type 'Commit'"}]});
    let spent = refused(403, "API rate limit exceeded")
        .with("x-ratelimit-resource", "graphql")
        .with("x-ratelimit-remaining", "0");
    for reply in [
        ok(&elsewhere),
        ok(&none),
        ok(&failing),
        answer(404, "<html>"),
        refused(401, "This endpoint requires you to be authenticated."),
        spent,
    ] {
        let error = ask(&once(reply), &commits(1)).unwrap_err();
        assert!(
            !matches!(error.kind(), ErrorKind::RateLimited { .. }),
            "{error}"
        );
    }
    let slow = refused(403, "You have exceeded a secondary rate limit.").with("retry-after", "30");
    let error = ask(&once(slow), &commits(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited { retry_after: 30 });
}

#[test]
fn a_query_that_is_too_slow_is_halved() {
    let wanted = commits(40);
    let part = |range: std::ops::Range<usize>| {
        let objects: Vec<_> = wanted[range].iter().map(|commit| plain(commit)).collect();
        ok(&found(&objects))
    };
    let client = once(answer(502, "<html>"))
        .on(URL, answer(502, "<html>"))
        .on(URL, part(0..10))
        .on(URL, part(10..20))
        .on(URL, part(20..40));
    assert_eq!(ask(&client, &wanted).unwrap().len(), 40);
    client.assert_done();
    // What fails however few are asked for does not go on for ever, and what was read is kept.
    let client = once(answer(502, ""))
        .on(URL, part(0..10))
        .on(URL, answer(502, ""));
    assert_eq!(ask(&client, &wanted[..20]).unwrap().len(), 10);
    client.assert_done();
    let client = once(answer(502, ""));
    assert!(ask(&client, &wanted[..10]).is_err());
}

#[test]
fn an_enterprise_server_has_it_one_level_higher() {
    for (base, url) in [
        ("https://api.github.com", URL),
        (
            "https://git.example.com/api/v3",
            "https://git.example.com/api/graphql",
        ),
        (
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com/graphql",
        ),
    ] {
        assert_eq!(endpoint(base), url);
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in any::<proptest::sample::Index>(),
        number in 0_usize..4,
    ) {
        let wanted = commits(3);
        let objects: Vec<_> = wanted.iter().map(|commit| plain(commit)).collect();
        let whole = found(&objects).to_string();
        for body in [bytes.as_slice(), &whole.as_bytes()[..cut.index(whole.len())]] {
            prop_assert!(ask(&once(answer(200, body)), &wanted).is_err());
        }
        // Whatever stands in the place of a value, nothing is made up.
        let odd = [json!(null), json!(7), json!("x"), json!([])][number].clone();
        for pointer in ["/data/commits/c1", "/data/commits/c1/file", "/data/commits/c1/file/object", "/data/commits"] {
            let mut changed = found(&objects);
            *changed.pointer_mut(pointer).unwrap() = odd.clone();
            for facts in ask(&once(ok(&changed)), &wanted).unwrap_or_default() {
                prop_assert!(wanted.contains(&facts.commit));
                let is_as_sent = facts.manifest.is_none_or(|text| text == "{}");
                prop_assert!(is_as_sent);
            }
        }
    }
}
