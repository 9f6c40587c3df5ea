//! Composer prints the `warning` of a JSON body when the status is 300 or more and the type is exactly
//! `application/json`. Metadata that is not there is asked for all the time and says nothing.

use repertoire::error::{Error, ErrorKind};
use repertoire::http::problem::{Reader, reply};
use serde_json::{Value, json};

use crate::support::persona::Answer;
use crate::support::{ADMIN, TestRegistry, isolate};

/// Everything that Composer asks of a repository, by its method.
const ROUTES: [(&str, &str); 17] = [
    ("GET", "packages.json"),
    ("GET", "p2/acme/lib.json"),
    ("GET", "p2/acme/lib~dev.json"),
    ("GET", "p/acme/lib.json"),
    (
        "GET",
        "p/acme/lib$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    ),
    (
        "GET",
        "p/includes$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    ),
    (
        "GET",
        "p/listing-3f$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    ),
    ("GET", "dist/acme/lib/0123.zip"),
    ("GET", "list.json"),
    ("GET", "search.json"),
    ("GET", "providers/psr/log-implementation.json"),
    ("GET", "metadata/changes.json"),
    ("GET", "security-advisories?packages[0]=acme/lib"),
    ("POST", "security-advisories"),
    ("POST", "downloads"),
    ("POST", "downloads/acme/lib"),
    ("PUT", "upload/acme/new/1.0.0"),
];

#[track_caller]
fn assert_printed(answer: &Answer, status: u16, words: &str) {
    let body = answer.json();
    assert_eq!(answer.status(), status, "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = body["warning"].as_str().unwrap_or_default();
    assert!(text.contains(words), "{body}");
}

#[track_caller]
fn assert_silent(answer: &Answer) {
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({"error": "Not found"}));
}

#[test]
fn what_composer_prints_is_said_so_that_it_prints_it() {
    let registry = TestRegistry::imported();
    let limits = json!({"name": "ci", "access": "read", "repositories": []});
    let stranger = registry.make_token(&limits);
    for (method, path) in ROUTES {
        let send = |token: Option<&str>, method: &str, repository: &str| {
            let persona = crate::support::persona::Persona::new(&registry.app, token);
            persona.send(method, &format!("{repository}/{path}"), &[], Vec::new())
        };
        let main = "/r/acme/main";
        assert_printed(&send(None, method, main), 401, "is private");
        assert_printed(
            &send(Some("rpta_mistyped"), method, main),
            401,
            "is not valid",
        );
        let wrong = send(Some(ADMIN), "DELETE", main);
        assert_printed(&wrong, 405, "allowed here");
        assert!(wrong.header("allow").is_some());
        for answer in [
            send(Some(&stranger), method, main),
            send(Some(ADMIN), method, "/r/acme/none"),
            send(Some(ADMIN), method, "/r/acme/main@99"),
        ] {
            if path.starts_with("dist/") {
                assert_printed(&answer, 404, "composer update");
            } else {
                assert_silent(&answer);
            }
        }
        let down = isolate(&registry.world);
        registry.world.db_is_down.set(true);
        let persona = crate::support::persona::Persona::new(&down, Some(ADMIN));
        let answer = persona.send(method, &format!("{main}/{path}"), &[], Vec::new());
        registry.world.db_is_down.set(false);
        assert_printed(&answer, 503, "");
        let text = answer.json()["warning"].as_str().unwrap().to_owned();
        assert!(
            !text.is_empty() && !text.contains("database is down"),
            "{text}"
        );
        // An archive may be as large as it likes.
        if method == "POST" {
            let huge = [("content-length", (1_u64 << 40).to_string())];
            let path = format!("{main}/{path}");
            let answer = registry.admin().send(method, &path, &huge, Vec::new());
            assert_printed(&answer, 413, "larger than");
        }
    }
}

#[test]
fn what_is_not_there_is_silent_unless_it_is_an_archive() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    for path in [
        "p2/acme/none.json",
        "p2/acme/none~dev.json",
        "p2/acme/lib.txt",
        "p/acme/none.json",
        "p/acme/lib$0.json",
        "p/other.json",
        "none",
    ] {
        assert_silent(&admin.get(&format!("/r/acme/main/{path}")));
    }
    assert_printed(
        &admin.get("/r/acme/main/dist/acme/lib/0123.zip"),
        404,
        "composer update",
    );
    assert_printed(
        &admin.get("/dist/acme/none/0123.zip"),
        404,
        "composer update",
    );
}

#[test]
fn bad_input_and_refusals_say_why() {
    let registry = TestRegistry::imported();
    let reader = registry.reader("acme/*");
    let main = "/r/acme/main";
    assert_printed(&reader.upload("acme/lib", "9.0.0", ""), 403, "");
    let admin = registry.admin();
    let cases: [(&str, &Value, &str); 2] = [
        ("downloads", &json!({}), "downloads"),
        ("downloads/acme/lib", &json!({}), "version_normalized"),
    ];
    for (path, body, words) in cases {
        assert_printed(&admin.post(&format!("{main}/{path}"), body), 422, words);
    }
    assert_printed(
        &admin.get(&format!("{main}/search.json?page=x")),
        422,
        "page",
    );
}

#[test]
fn every_kind_of_error_is_said_so_that_composer_prints_it() {
    let registry = TestRegistry::new();
    for (kind, status) in [
        (ErrorKind::Unauthenticated, 401),
        (ErrorKind::Forbidden, 403),
        (ErrorKind::Invalid, 422),
        (ErrorKind::Conflict, 409),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::RateLimited { retry_after: 7 }, 429),
        (ErrorKind::Upstream { retryable: true }, 502),
        (ErrorKind::Internal, 500),
    ] {
        let error = Error::new(kind, "what happened").because("what nobody must see");
        let reply = reply(&registry.app, Reader::Composer, &error);
        let answer = Answer::new(&registry.app, reply);
        assert_printed(&answer, status, "what happened");
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("7"));
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
        assert!(!answer.transcript().contains("nobody must see"));
    }
    let missing = Error::not_found("a name that nobody must know");
    let missing = reply(&registry.app, Reader::Composer, &missing);
    assert_silent(&Answer::new(&registry.app, missing));
}

#[test]
fn programs_are_told_in_their_own_form() {
    let registry = TestRegistry::imported();
    for path in ["/api/v1/orgs", "/hooks/c0ffee", "/healthz"] {
        let answer = registry
            .admin()
            .send("DELETE", path, &[], Vec::new())
            .expect(405);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.json()["title"], "Method not allowed");
        assert!(answer.header("allow").is_some());
    }
}
