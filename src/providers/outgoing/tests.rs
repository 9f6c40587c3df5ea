use pollster::block_on;

use super::*;
use crate::providers::replay::{Answer, NOW, ReplayClient, StoppedClock, answer};

const TOKEN: &str = "ghp_secret";

fn get() -> OutRequest {
    OutRequest {
        method: "GET",
        headers: vec![
            ("accept".into(), "*/*".into()),
            ("authorization".into(), format!("Bearer {TOKEN}")),
            ("private-token".into(), TOKEN.into()),
        ],
        ..OutRequest::default()
    }
}

fn send_as(
    client: &ReplayClient,
    request: OutRequest,
    private: PrivateAddresses,
) -> Result<InResponse> {
    let gateway = Gateway::new(client, &StoppedClock, private);
    let address = gateway.address("https://a.example/start").unwrap();
    block_on(gateway.send(&address, request))
}

fn send(client: &ReplayClient) -> Result<InResponse> {
    send_as(client, get(), PrivateAddresses::Refused)
}

fn redirect(status: u16, location: &str) -> Answer {
    answer(status, "").with("location", location)
}

#[test]
fn credentials_stay_on_their_origin() {
    for location in [
        "https://b.example/x",
        "https://a.example:444/x",
        "https://sub.a.example/x",
    ] {
        let client = ReplayClient::default()
            .on("https://a.example/start", redirect(301, "/next"))
            .on("https://a.example/next", redirect(302, location))
            .on(location, redirect(302, "https://a.example/back"))
            .on("https://a.example/back", answer(200, "ok"));
        assert_eq!(send(&client).unwrap().status, 200);
        client.assert_done();
        for (number, expected) in [(0, true), (1, true), (2, false), (3, false)] {
            assert_eq!(client.header(number, "authorization").is_some(), expected);
            assert_eq!(client.header(number, "private-token").is_some(), expected);
            assert!(client.header(number, "accept").is_some());
        }
    }
}

#[test]
fn credentials_do_not_go_from_tls_to_none() {
    let client = ReplayClient::default()
        .on(
            "https://a.example/start",
            redirect(302, "http://a.example/x"),
        )
        .on("http://a.example/x", answer(200, ""));
    send_as(&client, get(), PrivateAddresses::Allowed).unwrap();
    assert_eq!(client.header(1, "authorization"), None);
}

#[test]
fn redirects_into_private_networks_are_refused() {
    for location in [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest?token=abc",
        "http://b.example/",
        "https://[::ffff:10.0.0.1]/",
        "https://u:p@b.example/",
        "//b.example/",
        "",
    ] {
        let client = ReplayClient::default().on("https://a.example/start", redirect(302, location));
        let error = send(&client).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Upstream { retryable: false });
        assert!(
            error
                .message()
                .starts_with("`a.example` redirected us, but"),
            "{error}"
        );
        assert!(!error.to_string().contains("abc"));
    }
}

#[test]
fn redirects_end_after_five() {
    let mut client = ReplayClient::default();
    for _ in 0..6 {
        client = client.on("https://a.example/start", redirect(302, "/start"));
    }
    assert!(send(&client).err().unwrap().message().contains("circle"));
    client.assert_done();
}

#[test]
fn a_request_that_changes_something_is_repeated_on_its_host_only() {
    let post = || OutRequest {
        method: "POST",
        body: b"{}".to_vec(),
        ..get()
    };
    let refused = PrivateAddresses::Refused;
    let client = ReplayClient::default()
        .on("https://a.example/start", redirect(307, "/renamed"))
        .on("https://a.example/renamed", answer(201, ""));
    assert_eq!(send_as(&client, post(), refused).unwrap().status, 201);
    assert_eq!(client.seen()[1].body, b"{}");

    for (status, location) in [(302, "/other"), (307, "https://b.example/")] {
        let client =
            ReplayClient::default().on("https://a.example/start", redirect(status, location));
        assert!(send_as(&client, post(), refused).is_err());
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_named_without_its_url() {
    let cause = upstream(true, "fetch of https://a.example/start?token=abc failed");
    let client = ReplayClient::default().failing("https://a.example/start", cause);
    let error = send(&client).err().unwrap();
    assert!(error.is_retryable());
    assert_eq!(error.message(), "`a.example` could not be reached");
    assert!(!error.to_string().contains("abc"));
}

fn refusal(answer: Answer) -> Error {
    let client = ReplayClient::default();
    let gateway = Gateway::new(&client, &StoppedClock, PrivateAddresses::Refused);
    gateway.refusal("a.example", &answer.response(), None)
}

fn wait(answer: Answer) -> Option<u32> {
    match refusal(answer).kind() {
        ErrorKind::RateLimited { retry_after } => Some(retry_after),
        _ => None,
    }
}

#[test]
fn limits_say_how_long_to_wait() {
    for status in [403, 429] {
        let limited = || answer(status, "");
        assert_eq!(wait(limited().with("retry-after", "30")), Some(30));
        assert_eq!(wait(limited().with("retry-after", "0")), Some(1));
        assert_eq!(wait(limited().with("retry-after", "-5")), Some(1));
        assert_eq!(wait(limited().with("retry-after", "9999999")), Some(86_400));
        let reset = |remaining, at: i64| {
            limited()
                .with("x-ratelimit-remaining", remaining)
                .with("x-ratelimit-reset", at.to_string())
        };
        assert_eq!(wait(reset("0", NOW + 90)), Some(90));
        assert_eq!(wait(reset("0", NOW - 90)), Some(1));
        assert_eq!(wait(reset("0", i64::MAX)), Some(86_400));
        assert_eq!(wait(reset("0", i64::MIN)), Some(1));
        assert_eq!(wait(limited().with("x-ratelimit-remaining", "0")), Some(60));
        assert_eq!(wait(reset("5", NOW + 90)), (status == 429).then_some(60));
        assert_eq!(wait(limited()), (status == 429).then_some(60));
    }
    assert_eq!(wait(answer(503, "").with("retry-after", "7")), Some(7));
    assert_eq!(
        wait(answer(503, "").with("x-ratelimit-remaining", "0")),
        None
    );
    assert_eq!(wait(answer(500, "").with("retry-after", "7")), None);
}

#[test]
fn a_wait_may_be_a_date() {
    let date = jiff::Timestamp::from_second(NOW + 120).unwrap();
    let text = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .unwrap();
    assert!(text.ends_with("GMT"));
    assert_eq!(wait(answer(429, "").with("retry-after", text)), Some(120));
    assert_eq!(wait(answer(429, "").with("retry-after", "soon")), Some(60));
}

#[test]
fn each_status_has_its_kind() {
    for (status, kind) in [
        (401, ErrorKind::CredentialRefused),
        (403, ErrorKind::Upstream { retryable: false }),
        (404, ErrorKind::NotFound),
        (410, ErrorKind::NotFound),
        (422, ErrorKind::Upstream { retryable: false }),
        (451, ErrorKind::Upstream { retryable: false }),
        (500, ErrorKind::Upstream { retryable: true }),
        (502, ErrorKind::Upstream { retryable: true }),
        (408, ErrorKind::Upstream { retryable: true }),
    ] {
        assert_eq!(refusal(answer(status, "")).kind(), kind, "{status}");
    }
    assert!(
        refusal(answer(401, ""))
            .message()
            .contains("Store a new one")
    );
}

#[test]
fn bodies_are_read_up_to_their_limit() {
    let read = |answer: Answer, limit| block_on(read_body(answer.response(), limit, "The list"));
    assert_eq!(read(answer(200, "12345"), 5).unwrap(), b"12345");
    for long in [
        answer(200, "123456"),
        answer(200, "").with("content-length", "6"),
    ] {
        let error = read(long, 5).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.message(), "The list is larger than 5 bytes");
    }
}

#[test]
fn a_hosts_own_sentence_is_shown_only_when_it_is_fit() {
    let read = |body: &str| block_on(read_message(&mut answer(403, body).response(), TOKEN));
    assert_eq!(
        read(r#"{"message":"Bad credentials."}"#).unwrap(),
        "Bad credentials"
    );
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"message":7}"#,
        r#"{"message":""}"#,
        r#"{"message":"a\nb"}"#,
        r#"{"message":"no ghp_secret"}"#,
        &format!(r#"{{"message":"{}"}}"#, "x".repeat(301)),
    ] {
        assert_eq!(read(body), None, "{body}");
    }
}
