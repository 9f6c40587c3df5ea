//! GitHub, a GitHub Enterprise server, Bitbucket, GitLab and Google.

use serde_json::json;

use super::*;

#[test]
fn github_and_bitbucket_say_who_somebody_is_by_their_apis() {
    for (kind, base) in [
        ("github", None),
        ("github", Some("https://git.acme.example")),
        ("bitbucket", None),
    ] {
        for is_verified in [true, false] {
            let registry = TestRegistry::new();
            let email = "ada@acme.example";
            let mut identity = registry.world.identity.borrow_mut();
            if kind == "bitbucket" {
                identity.add_bitbucket(email, is_verified);
            } else {
                identity.add_github(
                    base.unwrap_or("https://github.com"),
                    583_231,
                    email,
                    is_verified,
                );
            }
            drop(identity);
            let mut asked = json!({"kind": kind});
            if let Some(base) = base {
                asked["base_url"] = json!(base);
            }
            set_up(&registry, PROVIDERS, asked);
            set_rules(
                &registry,
                &json!({"registration": "open", "domains": ["acme.example"]}),
            );
            let page = walk(&registry, &registry.browser(), ACME);
            if is_verified {
                assert_eq!(page.expect(200).path, "/ui/acme");
                let subject = registry
                    .world
                    .sqlite
                    .texts("select subject from identities")
                    .remove(0);
                assert_eq!(
                    subject,
                    if kind == "bitbucket" {
                        "{a-uuid}"
                    } else {
                        "583231"
                    }
                );
            } else {
                assert!(page.expect(403).text().contains("was verified"));
                assert_eq!(count(&registry, "select count(*) from accounts"), 0);
            }
        }
    }
}

#[test]
fn the_public_address_of_a_profile_is_nothing() {
    let registry = TestRegistry::new();
    let mut identity = registry.world.identity.borrow_mut();
    identity.add_github("https://github.com", 1, "ada@acme.example", true);
    identity
        .people
        .get_mut("https://github.com")
        .unwrap()
        .emails = json!([]);
    drop(identity);
    set_up(&registry, PROVIDERS, json!({"kind": "github"}));
    set_rules(
        &registry,
        &json!({"registration": "open", "domains": ["elsewhere.test"]}),
    );
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(
        page.text().contains("gave no e-mail address"),
        "{}",
        page.text()
    );
}

#[test]
fn a_host_that_fails_is_named() {
    for status in [500, 403, 404] {
        let registry = TestRegistry::new();
        let mut identity = registry.world.identity.borrow_mut();
        identity.add_github("https://github.com", 1, "ada@acme.example", true);
        identity.people.get_mut("https://github.com").unwrap().fails = Some(status);
        drop(identity);
        set_up(&registry, PROVIDERS, json!({"kind": "github"}));
        let page = walk(&registry, &registry.browser(), ACME).expect(502);
        assert!(
            page.text()
                .contains(&format!("`api.github.com` answered with status {status}"))
        );
        assert!(reasons(&registry)[0].contains("api.github.com"));
    }
}

#[test]
fn gitlab_and_google_are_known_issuers() {
    for (kind, issuer, given) in [
        ("google", "https://accounts.google.com", None),
        ("gitlab", "https://gitlab.com", None),
        (
            "gitlab",
            "https://git.acme.example/gitlab",
            Some("https://git.acme.example/gitlab/"),
        ),
    ] {
        let registry = TestRegistry::new();
        registry
            .world
            .identity
            .borrow_mut()
            .add_issuer(issuer, ada());
        let mut asked = json!({"kind": kind});
        if let Some(given) = given {
            asked["base_url"] = json!(given);
        }
        set_up(&registry, PROVIDERS, asked);
        set_rules(
            &registry,
            &json!({"registration": "open", "domains": ["acme.example"]}),
        );
        let page = walk(&registry, &registry.browser(), ACME);
        assert_eq!(page.expect(200).path, "/ui/acme", "{issuer}");
    }
    let registry = TestRegistry::new();
    let asked = json!({"kind": "google", "base_url": "https://evil.example", "client_id": "a", "client_secret": "b"});
    let refused = registry.admin().post(PROVIDERS, &asked).expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "/base_url");
}
