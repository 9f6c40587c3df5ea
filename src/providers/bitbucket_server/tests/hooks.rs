//! Webhooks that we register.

use super::*;

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
            ErrorKind::CredentialRefused,
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
