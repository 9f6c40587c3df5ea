//! Webhooks that we register.

use super::*;

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
