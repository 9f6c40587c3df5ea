//! OpenID Connect: every algorithm that is accepted, and every lie that is not.

use serde_json::{Value, json};

use super::*;
use crate::support::identity::{Alg, Mood};
use crate::support::world::NOW;

#[test]
fn somebody_whom_nobody_knows_becomes_a_member_where_registration_is_open() {
    let registry = with_issuer();
    let browser = registry.browser();
    let page = walk(&registry, &browser, ACME).expect(200);
    assert_eq!(page.path, "/ui/acme");
    assert!(page.text().contains("ada@acme.example"));
    let shown = registry.admin().get("/api/v1/orgs/acme/members").json();
    let member = &shown["members"][0];
    assert_eq!(member["email"], "ada@acme.example");
    assert_eq!(
        (&member["name"], &member["role"]),
        (&json!("Ada King"), &json!("member"))
    );
    let account = browser.get("/ui/account/identities").expect(200);
    assert!(account.text().contains("Acme ID"));
    // And again, as the same person.
    let other = registry.browser();
    walk(&registry, &other, ACME).expect(200);
    assert_eq!(count(&registry, "select count(*) from accounts"), 1);
    assert_eq!(count(&registry, "select count(*) from identities"), 1);
}

#[test]
fn every_accepted_algorithm_is_verified_and_keys_may_change() {
    for alg in [Alg::Rs256, Alg::Ps256, Alg::Es256, Alg::EdDsa] {
        let registry = with_issuer();
        registry.world.identity.borrow_mut().issuer(ISSUER).alg = alg;
        let page = walk(&registry, &registry.browser(), ACME).expect(200);
        assert_eq!(page.path, "/ui/acme", "{alg:?}");
        let asked = |what: &str| {
            let seen = &registry.world.identity.borrow().seen;
            seen.iter().filter(|url| url.ends_with(what)).count()
        };
        assert_eq!(asked("/keys"), 1);
        // Another key, which this isolate has not heard of: it asks once more.
        registry
            .world
            .identity
            .borrow_mut()
            .issuer(ISSUER)
            .generation = 1;
        walk(&registry, &registry.browser(), ACME).expect(200);
        assert_eq!(asked("/keys"), 2, "{alg:?}");
        walk(&registry, &registry.browser(), ACME).expect(200);
        assert_eq!(asked("/keys"), 2, "{alg:?}");
        // The description was read when the provider was set up, and once more by the first sign-in.
        assert_eq!(asked("openid-configuration"), 2);
        // A key under the name of the one that is known is no reason to ask.
        registry.world.identity.borrow_mut().issuer(ISSUER).mood = Mood::OtherKey;
        walk(&registry, &registry.browser(), ACME).expect(502);
        assert_eq!(asked("/keys"), 2, "{alg:?}");
    }
}

#[test]
fn no_lie_is_believed() {
    let other = "https://evil.example";
    let many = json!([CLIENT, "another"]);
    let cases: Vec<(Mood, &str)> = vec![
        (Mood::AlgNone, "algorithm that is not accepted"),
        (Mood::HmacWithPublicKey, "algorithm that is not accepted"),
        (Mood::OtherKey, "the signature of its token is wrong"),
        (Mood::Tampered, "the signature of its token is wrong"),
        (Mood::Critical, "critical headers"),
        (Mood::KeyForEncryption, "not fit"),
        (Mood::KeyOfOtherAlgorithm, "not fit"),
        (Mood::Claim("iss", json!(other)), "another issuer"),
        (Mood::Claim("iss", json!([ISSUER, other])), "another issuer"),
        (Mood::Claim("iss", Value::Null), "another issuer"),
        (Mood::Claim("aud", json!("another")), "another application"),
        (Mood::Claim("aud", many), "another application"),
        (Mood::Claim("aud", Value::Null), "another application"),
        (Mood::Claim("azp", json!("another")), "another application"),
        (Mood::Claim("exp", json!(NOW - 61)), "has expired"),
        (Mood::Claim("exp", json!("soon")), "has expired"),
        (Mood::Claim("exp", Value::Null), "has expired"),
        (Mood::Claim("iat", json!(NOW + 61)), "not of this moment"),
        (Mood::Claim("iat", json!(NOW - 3_601)), "not of this moment"),
        (Mood::Claim("iat", Value::Null), "not of this moment"),
        (Mood::Claim("nbf", json!(NOW + 61)), "not of this moment"),
        (Mood::Claim("nonce", json!("another")), "another sign-in"),
        (Mood::Claim("nonce", Value::Null), "another sign-in"),
        (
            Mood::Claim("at_hash", json!("AAAA")),
            "do not belong together",
        ),
        (Mood::Claim("sub", json!("")), "names nobody"),
        (Mood::Claim("sub", Value::Null), "names nobody"),
        (Mood::OtherIssuer, "another issuer"),
        (Mood::Status("/token", 500), "status 500"),
        (Mood::Status("/keys", 503), "status 503"),
        (
            Mood::Status("/.well-known/openid-configuration", 500),
            "status 500",
        ),
        (Mood::Truncated("/token"), "no readable token"),
        (Mood::Truncated("/keys"), "no readable keys"),
        (Mood::Endless("/keys"), "larger than"),
        (Mood::Endless("/token"), "larger than"),
        (Mood::Refuses("invalid_grant"), "try again"),
        (Mood::Refuses("invalid_client"), "client id and secret"),
    ];
    for (mood, why) in cases {
        let registry = with_issuer();
        let browser = registry.browser();
        registry.world.identity.borrow_mut().issuer(ISSUER).mood = mood.clone();
        let is_description = matches!(mood, Mood::Status("/.well-known/openid-configuration", _));
        let page = if is_description {
            let page = browser.get(ACME).expect(200);
            let action = page
                .attributes("form[action^='/ui/sign-in/with/']", "action")
                .remove(0);
            browser.submit(&page, &action, &[])
        } else {
            walk(&registry, &browser, ACME)
        };
        let page = page.expect(502);
        assert!(page.text().contains(why), "{mood:?}: {}", page.text());
        assert!(page.text().contains("Acme ID could not say who you are"));
        assert!(reasons(&registry)[0].contains(why), "{mood:?}");
        assert_eq!(
            count(&registry, "select count(*) from accounts"),
            0,
            "{mood:?}"
        );
        assert_eq!(
            count(&registry, "select count(*) from logins"),
            0,
            "{mood:?}"
        );
        assert_eq!(
            browser.get("/ui/acme").path,
            "/ui/sign-in?next=%2Fui%2Facme"
        );
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for (name, value) in [("exp", NOW - 59), ("iat", NOW + 60), ("nbf", NOW + 60)] {
        let registry = with_issuer();
        let mood = Mood::Claim(name, json!(value));
        registry.world.identity.borrow_mut().issuer(ISSUER).mood = mood;
        walk(&registry, &registry.browser(), ACME).expect(200);
    }
}

#[test]
fn a_token_for_several_names_us_as_the_one_it_was_made_for() {
    let registry = with_issuer();
    let mut person = ada();
    person["aud"] = json!(["another", CLIENT]);
    person["azp"] = json!(CLIENT);
    registry.world.identity.borrow_mut().issuer(ISSUER).person = person;
    walk(&registry, &registry.browser(), ACME).expect(200);
}

#[test]
fn what_comes_back_is_good_once_and_in_its_own_browser_alone() {
    let registry = with_issuer();
    let browser = registry.browser();
    let url = leave(&browser, ACME);
    let back = registry.world.identity.borrow_mut().agree(&url);
    // Somebody else's browser: nothing, and the state is not used up by that.
    let none = "was not begun in this browser";
    let stranger = registry.browser();
    assert!(stranger.get(&back).expect(400).text().contains(none));
    drop(leave(&stranger, ACME));
    assert!(stranger.get(&back).expect(400).text().contains(none));
    assert_eq!(count(&registry, "select count(*) from logins"), 0);
    let thief = browser.copy();
    browser.get(&back).expect(200);
    // The same address once more, with the cookie of before.
    assert!(thief.get(&back).expect(400).text().contains(none));
    assert_eq!(count(&registry, "select count(*) from logins"), 1);
    // A code that was used, with a state that was not.
    let url = leave(&thief, ACME);
    let fresh = registry.world.identity.borrow_mut().agree(&url);
    let state = |address: &str| {
        let query = address.split_once('?').unwrap().1.to_owned();
        query
            .split('&')
            .find(|pair| pair.starts_with("state="))
            .unwrap()
            .to_owned()
    };
    let mixed = back.replace(&state(&back), &state(&fresh));
    assert!(thief.get(&mixed).expect(502).text().contains("try again"));
    // And that state is used up.
    assert!(thief.get(&fresh).expect(400).text().contains(none));
    assert_eq!(count(&registry, "select count(*) from logins"), 1);
    assert_eq!(
        count(
            &registry,
            "select count(*) from sign_in_flows where proven is null"
        ),
        1
    );
}

#[test]
fn what_comes_back_late_is_nothing() {
    let registry = with_issuer();
    let browser = registry.browser();
    let url = leave(&browser, ACME);
    let back = registry.world.identity.borrow_mut().agree(&url);
    registry.pass_time(601);
    browser.get(&back).expect(400);
    for query in ["", "?state=", "?code=x", "?state=x&code=y"] {
        browser
            .get(&format!("/ui/sign-in/callback/acme/okta{query}"))
            .expect(400);
    }
}

#[test]
fn two_providers_are_not_taken_for_each_other() {
    let registry = with_issuer();
    let evil = "https://evil.example";
    registry.world.identity.borrow_mut().add_issuer(evil, ada());
    let asked = json!({"kind": "oidc", "slug": "evil", "name": "Aardvark", "base_url": evil});
    set_up(&registry, PROVIDERS, asked);
    let browser = registry.browser();
    // It begins at one, whose answer is sent to the address of the other.
    let url = leave(&browser, ACME);
    assert!(url.starts_with(evil));
    let back = registry.world.identity.borrow_mut().agree(&url);
    let page = browser.get(&back.replace("/evil?", "/okta?")).expect(403);
    assert!(
        page.text().contains("came from another provider"),
        "{}",
        page.text()
    );
    // It begins at one that hands the browser on to the other one.
    let url = leave(&browser, ACME);
    let mut identity = registry.world.identity.borrow_mut();
    let handed_on = url.replace(evil, ISSUER);
    let back = identity.agree(&handed_on);
    drop(identity);
    let page = browser.get(&back).expect(502);
    assert!(page.text().contains("another issuer"), "{}", page.text());
    let seen = registry.world.identity.borrow().seen.clone();
    // So the code of the honest one was handed to nobody.
    assert!(!seen.contains(&format!("{evil}/token")), "{seen:?}");
    assert_eq!(count(&registry, "select count(*) from logins"), 0);
}

#[test]
fn an_issuer_is_the_one_it_says_it_is() {
    let registry = TestRegistry::new();
    registry
        .world
        .identity
        .borrow_mut()
        .add_issuer(ISSUER, ada());
    let ask = |base: &str| {
        let asked =
            json!({"kind": "oidc", "base_url": base, "client_id": "a", "client_secret": "b"});
        registry.admin().post(PROVIDERS, &asked)
    };
    for base in [
        &format!("{ISSUER}/"),
        "http://id.acme.example/realm",
        "https://127.0.0.1/realm",
        "https://id.acme.example/realm?x=1",
        "ftp://x",
    ] {
        let refused = ask(base).expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "/base_url", "{base}");
    }
    ask(ISSUER).expect(201);
}

#[test]
fn the_user_info_adds_what_the_token_lacks_and_is_about_the_same_person() {
    let registry = with_issuer();
    let mut identity = registry.world.identity.borrow_mut();
    let issuer = identity.issuer(ISSUER);
    issuer.person = json!({"sub": "ada-1"});
    issuer.user_info =
        Some(json!({"sub": "bob-1", "email": "bob@acme.example", "email_verified": true}));
    issuer.takes_basic = false;
    drop(identity);
    let page = walk(&registry, &registry.browser(), ACME).expect(502);
    assert!(page.text().contains("about somebody else"));
    registry
        .world
        .identity
        .borrow_mut()
        .issuer(ISSUER)
        .user_info = Some(ada());
    let page = walk(&registry, &registry.browser(), ACME).expect(200);
    assert!(page.text().contains("ada@acme.example"));
    // An address of the token's is not verified by what the user info says of another.
    let mut identity = registry.world.identity.borrow_mut();
    let issuer = identity.issuer(ISSUER);
    issuer.person = json!({"sub": "eve-1", "email": "eve@acme.example"});
    issuer.user_info = Some(json!({"sub": "eve-1", "email_verified": true}));
    drop(identity);
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(page.text().contains("was verified"), "{}", page.text());
}

#[test]
fn who_says_no_there_reads_it_in_words() {
    for (word, why) in [
        ("access_denied", "you did not agree"),
        ("server_error", "it did not let you in"),
    ] {
        let registry = with_issuer();
        registry.world.identity.borrow_mut().issuer(ISSUER).mood = Mood::Denies(word);
        let page = walk(&registry, &registry.browser(), ACME).expect(403);
        assert!(page.text().contains(why), "{}", page.text());
        assert!(reasons(&registry)[0].contains(why));
    }
}

#[test]
fn nobody_is_led_elsewhere_afterwards() {
    let registry = with_issuer();
    for (next, ends) in [
        ("%2Fui%2Faccount", "/ui/account"),
        ("https%3A%2F%2Fevil.example", "/ui/acme"),
        ("%2F%2Fevil.example", "/ui/acme"),
        ("%2Fui%2F%5Cevil.example", "/ui/acme"),
    ] {
        let page = walk(
            &registry,
            &registry.browser(),
            &format!("{ACME}&next={next}"),
        );
        assert_eq!(page.expect(200).path, ends, "{next}");
    }
}

#[test]
fn only_so_many_sign_ins_begin_from_one_address() {
    let registry = with_issuer();
    let browser = registry.browser();
    let page = browser.get(ACME).expect(200);
    let action = page
        .attributes("form[action^='/ui/sign-in/with/']", "action")
        .remove(0);
    for _ in 0..60 {
        browser.submit(&page, &action, &[]).expect(200);
    }
    let page = browser.submit(&page, &action, &[]).expect(429);
    assert!(page.text().contains("too many attempts"));
    let stored = registry
        .world
        .sqlite
        .texts("select group_concat(hash || browser || next) from sign_in_flows");
    for secret in browser.cookies.borrow().values() {
        assert!(!stored[0].contains(secret.as_str()));
    }
}
