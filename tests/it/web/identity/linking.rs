//! Whose an identity is, and that nobody comes into an account by an address that anybody can claim.

use serde_json::json;

use super::*;
use crate::support::browser::OWNER;

const BOB: &str = "bob@acme.example";

fn be(registry: &TestRegistry, subject: &str, email: &str, verified: bool) {
    registry.world.identity.borrow_mut().issuer(ISSUER).person =
        json!({"sub": subject, "email": email, "email_verified": verified});
}

/// The issuer is the instance's.
fn with_own_issuer() -> TestRegistry {
    let registry = TestRegistry::new();
    registry
        .world
        .identity
        .borrow_mut()
        .add_issuer(ISSUER, ada());
    let asked = json!({"kind": "oidc", "slug": "okta", "name": "Acme ID", "base_url": ISSUER});
    set_up(&registry, OWN, asked);
    registry
}

#[test]
fn an_address_that_is_not_verified_opens_nothing() {
    for text in [json!(false), json!("false"), json!(null), json!(1)] {
        let registry = with_issuer();
        drop(registry.member_browser(BOB, "admin"));
        registry.world.identity.borrow_mut().issuer(ISSUER).person =
            json!({"sub": "eve", "email": BOB, "email_verified": text});
        let page = walk(&registry, &registry.browser(), ACME).expect(403);
        assert!(
            page.text()
                .contains("does not say that your e-mail address was verified")
        );
        assert_eq!(count(&registry, "select count(*) from identities"), 0);
        assert_eq!(
            count(
                &registry,
                "select count(*) from logins where provider_id is not null"
            ),
            0
        );
        assert!(reasons(&registry)[0].contains("verified"));
    }
}

#[test]
fn an_organisations_provider_speaks_for_its_own_members() {
    let registry = with_issuer();
    drop(registry.member_browser(BOB, "admin"));
    be(&registry, "bob-1", "Bob@Acme.Example", true);
    let browser = registry.browser();
    let page = walk(&registry, &browser, ACME).expect(200);
    assert_eq!(page.path, "/ui/acme");
    assert_eq!(count(&registry, "select count(*) from accounts"), 1);
    // Another identity with the same address is somebody else.
    be(&registry, "bob-2", BOB, true);
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(page.text().contains("linked to another identity"));
}

#[test]
fn an_organisations_provider_does_not_make_anybody_somebody_elsewhere() {
    let registry = with_issuer();
    let owner = registry.owner_browser();
    // The owner of the instance, by an address that the provider of an organisation says is hers.
    set_rules(
        &registry,
        &json!({"domains": ["example.com", "acme.example"]}),
    );
    be(&registry, "not-ada", OWNER, true);
    let thief = registry.browser();
    let page = walk(&registry, &thief, ACME).expect(200);
    assert_eq!(page.path, "/ui/sign-in/confirm");
    assert!(thief.get("/ui/acme").path.starts_with("/ui/sign-in"));
    let page = thief.submit(
        &page,
        "/ui/sign-in/confirm",
        &[("password", "a wrong guess at it")],
    );
    assert!(page.expect(422).text().contains("not the password"));
    assert_eq!(count(&registry, "select count(*) from identities"), 0);
    drop(owner);
}

#[test]
fn a_login_by_an_organisations_provider_opens_that_organisation_alone() {
    let registry = with_issuer();
    let owner = registry.owner_browser();
    set_rules(
        &registry,
        &json!({"domains": ["example.com", "acme.example"]}),
    );
    be(&registry, "ada-1", OWNER, true);
    let browser = registry.browser();
    let page = walk(&registry, &browser, ACME).expect(200);
    let page = browser.submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)]);
    // By her own word it is her identity; the owner of the instance she is by a password alone.
    assert_eq!(page.expect(200).path, "/ui/acme");
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    browser.ask("GET", "/ui/globex", &[], "").expect(404);
    browser
        .ask("GET", "/ui/instance/sign-in", &[], "")
        .expect(404);
    owner.ask("GET", "/ui/globex", &[], "").expect(200);
    owner
        .ask("GET", "/ui/instance/sign-in", &[], "")
        .expect(200);
    assert!(!browser.get("/ui/account").text().contains("globex"));
    // Nor does it change how she signs in.
    let page = browser.get("/ui/account/identities").expect(200);
    assert!(page.text().contains("sign in by your password"));
    assert!(
        page.attributes("form[action*='/identities/']", "action")
            .is_empty()
    );
    let csrf = page.fields("/ui/sign-out").remove(0);
    let provider = registry
        .world
        .sqlite
        .texts("select id from identity_providers")
        .remove(0);
    for what in ["link", "unlink"] {
        let path = format!("/ui/account/identities/{provider}/{what}");
        browser.post(&path, std::slice::from_ref(&csrf)).expect(403);
    }
    assert_eq!(count(&registry, "select count(*) from identities"), 1);
    for path in ["password", "second-factor", "passkeys"] {
        let path = format!("/ui/account/{path}");
        let page = browser.get(&path).expect(403);
        assert!(page.text().contains("Sign in by your password"), "{path}");
        browser.post(&path, std::slice::from_ref(&csrf)).expect(403);
    }
    // Where else she is signed in stays her own.
    assert!(
        !browser
            .get("/ui/account")
            .text()
            .contains("everywhere else")
    );
    for path in [
        "logins",
        "passkeys/1/remove",
        "second-factor/off",
        "second-factor/recovery-codes",
    ] {
        let path = format!("/ui/account/{path}");
        browser.post(&path, std::slice::from_ref(&csrf)).expect(403);
    }
}

#[test]
fn by_the_instances_provider_who_has_the_address_shows_that_she_knows_the_password() {
    let registry = with_own_issuer();
    drop(registry.owner_browser());
    be(&registry, "ada-1", OWNER, true);
    let browser = registry.browser();
    let page = walk(&registry, &browser, "/ui/sign-in").expect(200);
    assert_eq!(page.path, "/ui/sign-in/confirm");
    // Nobody else's browser has anything to confirm.
    registry.browser().get("/ui/sign-in/confirm").expect(400);
    let page = browser.submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)]);
    page.expect(200);
    browser.get("/ui/instance/sign-in").expect(200);
    // From then on the provider suffices.
    let again = registry.browser();
    walk(&registry, &again, "/ui/sign-in").expect(200);
    again.get("/ui/instance/sign-in").expect(200);
    assert_eq!(count(&registry, "select count(*) from sign_in_flows"), 0);
    // What was confirmed is confirmed once.
    browser.get("/ui/sign-in/confirm").expect(400);
}

#[test]
fn by_the_instances_provider_alone_a_stranger_gets_no_account() {
    let registry = with_own_issuer();
    drop(registry.owner_browser());
    be(&registry, "stranger", "nobody@example.com", true);
    let page = walk(&registry, &registry.browser(), "/ui/sign-in").expect(403);
    assert!(page.text().contains("without an invitation"));
}

#[test]
fn a_second_factor_is_asked_for_before_another_way_is_opened() {
    let registry = with_own_issuer();
    let owner = registry.owner_browser();
    drop(registry.set_up_codes(&owner, PASSWORD));
    be(&registry, "ada-1", OWNER, true);
    let browser = registry.browser();
    let page = walk(&registry, &browser, "/ui/sign-in").expect(200);
    let page = browser.submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)]);
    assert!(page.expect(422).text().contains("second factor"));
    assert_eq!(count(&registry, "select count(*) from identities"), 0);
    assert_ne!(browser.get("/ui/account").path, "/ui/account");
}

#[test]
fn guesses_at_the_confirmation_count_as_at_the_sign_in() {
    let registry = with_own_issuer();
    drop(registry.owner_browser());
    be(&registry, "ada-1", OWNER, true);
    let browser = registry.browser();
    let page = walk(&registry, &browser, "/ui/sign-in").expect(200);
    for _ in 0..8 {
        browser
            .submit(
                &page,
                "/ui/sign-in/confirm",
                &[("password", "a wrong guess at it")],
            )
            .expect(422);
    }
    browser
        .submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)])
        .expect(429);
    assert_eq!(count(&registry, "select count(*) from identities"), 0);
}

#[test]
fn who_is_signed_in_links_and_unlinks() {
    let registry = with_own_issuer();
    let browser = registry.member_browser(BOB, "member");
    be(&registry, "bob-1", "another@elsewhere.test", false);
    let here = "/ui/account/identities";
    let page = browser.get(here).expect(200);
    let action = page.attributes("form[action$='/link']", "action").remove(0);
    let page = browser.submit(&page, &action, &[]).expect(200);
    let wrong = browser.submit(&page, &action, &[("current", "not the password")]);
    assert!(
        wrong
            .expect(422)
            .text()
            .contains("not your current password")
    );
    let page = browser
        .submit(&page, &action, &[("current", PASSWORD)])
        .expect(200);
    let back = registry
        .world
        .identity
        .borrow_mut()
        .agree(&onward_of(&page));
    let page = browser.get(&back).expect(200);
    assert_eq!(page.path, here);
    assert!(
        page.text()
            .contains("You can sign in by Acme ID from now on")
    );
    let other = registry.browser();
    walk(&registry, &other, "/ui/sign-in").expect(200);
    assert!(other.get("/ui/account").text().contains(BOB));
    // It ends with its logins.
    let unlink = page
        .attributes("form[action$='/unlink']", "action")
        .remove(0);
    let page = browser.submit(&page, &unlink, &[]).expect(200);
    assert!(page.text().contains("It is unlinked"));
    assert!(other.get("/ui/account").path.starts_with("/ui/sign-in"));
    let log = registry
        .world
        .sqlite
        .texts("select action from audit where action like 'identity.%' order by id");
    assert_eq!(log, ["identity.linked", "identity.unlinked"]);
    // The last way to sign in stays.
    walk_link(&registry, &browser);
    registry.change("delete from passwords");
    let page = browser.get(here).expect(200);
    let page = browser.submit(&page, &unlink, &[]).expect(200);
    assert!(page.text().contains("It stays"), "{}", page.text());
    assert_eq!(count(&registry, "select count(*) from identities"), 1);
}

#[test]
fn who_has_no_password_links_a_way_right_after_signing_in_alone() {
    let registry = with_own_issuer();
    let browser = registry.member_browser(BOB, "member");
    registry.change("delete from passwords");
    let here = "/ui/account/identities";
    let link = || {
        let page = browser.get(here).expect(200);
        let action = page.attributes("form[action$='/link']", "action").remove(0);
        browser.submit_once(&page, &action, &[])
    };
    registry.pass_time(15 * 60);
    onward_of(&link().expect(200));
    registry.pass_time(1);
    assert_eq!(link().location().as_deref(), Some(here));
    let told = browser.get(here).expect(200);
    assert!(
        told.one(".notice.bad").contains("sign out, sign in again"),
        "{}",
        told.text()
    );
}

fn walk_link(registry: &TestRegistry, browser: &Browser<'_>) -> Page {
    let page = browser.get("/ui/account/identities").expect(200);
    let action = page.attributes("form[action$='/link']", "action").remove(0);
    let page = browser.submit(&page, &action, &[]).expect(200);
    let page = browser
        .submit(&page, &action, &[("current", PASSWORD)])
        .expect(200);
    let back = registry
        .world
        .identity
        .borrow_mut()
        .agree(&onward_of(&page));
    browser.get(&back)
}

#[test]
fn an_identity_is_one_persons_and_is_linked_by_who_asked_for_it() {
    let registry = with_own_issuer();
    let bob = registry.member_browser(BOB, "member");
    let carol = registry.member_browser("carol@acme.example", "member");
    walk_link(&registry, &bob).expect(200);
    let page = walk_link(&registry, &carol).expect(403);
    assert!(
        page.text().contains("linked to another account"),
        "{}",
        page.text()
    );
    // Carol asks, and somebody else is signed in when it comes back.
    be(&registry, "carol-1", "x@y.example", true);
    let page = carol.get("/ui/account/identities").expect(200);
    let action = page.attributes("form[action$='/link']", "action").remove(0);
    let page = carol.submit(&page, &action, &[]).expect(200);
    let page = carol
        .submit(&page, &action, &[("current", PASSWORD)])
        .expect(200);
    let back = registry
        .world
        .identity
        .borrow_mut()
        .agree(&onward_of(&page));
    let name = "__Host-repertoire".to_owned();
    let login = bob.cookies.borrow()[&name].clone();
    carol.cookies.borrow_mut().insert(name, login);
    let page = carol.get(&back).expect(403);
    assert!(page.text().contains("as somebody else"), "{}", page.text());
    assert_eq!(count(&registry, "select count(*) from identities"), 1);
}

#[test]
fn signing_in_makes_a_new_login_whatever_the_browser_brings_along() {
    let registry = with_issuer();
    let browser = registry.browser();
    let name = "__Host-repertoire".to_owned();
    browser
        .cookies
        .borrow_mut()
        .insert(name.clone(), "planted".to_owned());
    walk(&registry, &browser, ACME).expect(200);
    assert_ne!(browser.cookies.borrow()[&name], "planted");
    assert!(
        !browser
            .cookies
            .borrow()
            .contains_key("__Host-repertoire-sign-in")
    );
}
