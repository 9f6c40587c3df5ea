//! Signing in by a password, what a login is good for, and how it ends.

use repertoire::domain::token::TokenHash;
use repertoire::store::logins::{IDLE, LONGEST};

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::world::Port;

const LOGIN: &str = "__Host-repertoire";

fn secret(browser: &Browser<'_>) -> String {
    browser.cookies.borrow()[LOGIN].clone()
}

fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/ui/account").path == "/ui/account"
}

fn actions(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select action || ' ' || subject_name || ' ' || actor_name from audit
         where organisation_id is null and subject_kind = 'account' order by id",
    )
}

/// Tries to sign in, and gives what that led to.
fn attempt(registry: &TestRegistry, email: &str, password: &str) -> Page {
    registry.sign_in(email, password).1
}

#[test]
fn who_has_the_password_is_signed_in_with_a_new_secret_each_time() {
    let registry = TestRegistry::new();
    let first = secret(&registry.owner_browser());
    let (browser, page) = registry.sign_in(&OWNER.to_uppercase(), PASSWORD);
    assert_eq!(page.path, "/ui/acme");
    let second = secret(&browser);
    assert_ne!(first, second);
    // In the database there is the hash alone, and nothing of the password.
    let kept = registry
        .world
        .sqlite
        .texts("select hash from logins order by created_at, rowid");
    assert_eq!(kept.len(), 2);
    assert!(kept.contains(&TokenHash::of(&second).as_str().to_owned()));
    let everything = registry.world.sqlite.texts(
        "select json_group_array(json_array(id, hash, account_id, user_agent)) from logins union all
         select json_group_array(json_array(account_id, hash)) from passwords union all
         select json_group_array(json_array(request, before_json, after_json)) from audit",
    );
    let everything = everything.concat();
    for hidden in [first.as_str(), &second, PASSWORD] {
        assert!(!everything.contains(hidden));
    }
    let lines = registry.world.lines.borrow();
    let lines: Vec<_> = lines.iter().map(|(_, line)| line.as_str()).collect();
    assert!(!lines.concat().contains(&second));
}

#[test]
fn a_secret_that_somebody_planted_is_none_afterwards() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    let browser = registry.browser();
    let planted = "A".repeat(43);
    for name in [LOGIN, "repertoire", "__Host-repertoire-form"] {
        let mut cookies = browser.cookies.borrow_mut();
        cookies.insert(name.to_owned(), planted.clone());
    }
    let attacker = browser.copy();
    let page = browser.get("/ui/sign-in").expect(200);
    let values = [("email", OWNER), ("password", PASSWORD)];
    browser.submit(&page, "/ui/sign-in", &values).expect(200);
    assert_ne!(secret(&browser), planted);
    assert!(is_signed_in(&browser));
    assert!(!is_signed_in(&attacker));
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_one_and_the_same() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    let ask = |email: &str| {
        let browser = registry.browser();
        let page = browser.get("/ui/sign-in").expect(200);
        registry.world.forget_calls();
        let values = [("email", email), ("password", "not the password")];
        let page = browser.submit(&page, "/ui/sign-in", &values).expect(422);
        assert_eq!(page.attributes("#email", "value"), [email]);
        assert_eq!(page.attributes("#password", "value"), [""]);
        assert!(!browser.cookies.borrow().contains_key(LOGIN));
        (page.text(), registry.world.calls(Port::Db))
    };
    assert_eq!(ask(OWNER), ask("bob@example.com"));
    assert_eq!(
        actions(&registry).last().unwrap(),
        "sign_in.refused ada@example.com ada@example.com"
    );
}

#[test]
fn attempts_are_limited_by_account_and_by_address_and_let_others_in() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    for email in [OWNER, "nobody@example.com"] {
        for _ in 0..8 {
            attempt(&registry, email, "not the password").expect(422);
        }
        let page = attempt(&registry, email, PASSWORD).expect(429);
        assert_eq!(page.answer.header("retry-after"), Some("900"));
    }
    // From another address the owner still comes in, so that nobody shuts her out.
    let other = registry.browser();
    other.headers.borrow_mut()[1].1 = "198.51.100.9".to_owned();
    let page = other.get("/ui/sign-in").expect(200);
    let values = [("email", OWNER), ("password", PASSWORD)];
    other.submit(&page, "/ui/sign-in", &values).expect(200);
    assert!(is_signed_in(&other));
    registry.pass_time(901);
    attempt(&registry, OWNER, PASSWORD).expect(200);
}

#[test]
fn many_accounts_from_one_address_are_limited_too() {
    let registry = TestRegistry::new();
    for number in 0..60 {
        attempt(&registry, &format!("u{number}@example.com"), "x").expect(422);
    }
    attempt(&registry, "new@example.com", "x").expect(429);
}

#[test]
fn signing_out_ends_the_login_wherever_its_secret_is() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let thief = browser.copy();
    assert!(is_signed_in(&thief));
    let page = browser.get("/ui/acme").expect(200);
    let page = browser.submit(&page, "/ui/sign-out", &[]).expect(200);
    assert_eq!(page.path, "/ui/sign-in");
    assert_eq!(page.one(".notice"), "You are signed out");
    assert!(!browser.cookies.borrow().contains_key(LOGIN));
    assert!(!is_signed_in(&thief));
    assert_eq!(
        actions(&registry).last().unwrap(),
        "login.ended ada@example.com Ada King"
    );
}

#[test]
fn logins_are_listed_and_ended_one_by_one_or_all_others() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let (second, _) = registry.sign_in(OWNER, PASSWORD);
    let (third, _) = registry.sign_in(OWNER, PASSWORD);
    let page = browser.get("/ui/account").expect(200);
    assert_eq!(page.all("tbody tr").len(), 3);
    assert_eq!(page.all(".badge"), ["this one"]);
    let page = browser.submit(&page, "/ui/account/logins", &[]);
    assert_eq!(page.one(".notice"), "One browser is signed out");
    let left = [&browser, &second, &third].map(is_signed_in);
    assert_eq!(left.iter().filter(|is_in| **is_in).count(), 2);
    drop(registry.sign_in(OWNER, PASSWORD));
    let page = browser.get("/ui/account").expect(200);
    let fields = page.fields("/ui/sign-out");
    let all = [fields[0].clone(), ("login".to_owned(), "others".to_owned())];
    browser.post("/ui/account/logins", &all).expect(303);
    let page = browser.get("/ui/account").expect(200);
    assert_eq!(page.one(".notice"), "2 browsers are signed out");
    assert!(is_signed_in(&browser) && !is_signed_in(&second) && !is_signed_in(&third));
    // Somebody else's login is none of hers.
    let member = registry.member_browser("bob@example.com", "member");
    let id = registry.world.sqlite.texts(
        "select l.id from logins l join accounts a on a.id = l.account_id
         where a.email = 'ada@example.com' and l.ended_at is null",
    );
    let page = member.get("/ui/account").expect(200);
    let fields = [
        page.fields("/ui/sign-out").remove(0),
        ("login".to_owned(), id[0].clone()),
    ];
    member.post("/ui/account/logins", &fields).expect(303);
    assert!(is_signed_in(&browser));
}

#[test]
fn a_login_ends_when_it_is_idle_and_after_its_time() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    registry.pass_time(IDLE - 1);
    assert!(is_signed_in(&browser));
    let begun = IDLE - 1;
    let mut passed = begun;
    while passed + IDLE - 1 < LONGEST {
        registry.pass_time(IDLE - 1);
        passed += IDLE - 1;
        assert!(is_signed_in(&browser));
    }
    registry.pass_time(LONGEST - passed);
    assert!(!is_signed_in(&browser));
    let (idle, _) = registry.sign_in(OWNER, PASSWORD);
    registry.pass_time(IDLE);
    assert!(!is_signed_in(&idle));
}

#[test]
fn the_use_of_a_login_is_written_down_once_an_hour() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let writes = |registry: &TestRegistry| {
        let before = registry.world.sqlite.changes();
        browser.get("/ui/acme").expect(200);
        browser.get("/ui/acme").expect(200);
        registry.world.sqlite.changes() - before
    };
    assert_eq!(writes(&registry), 0);
    registry.pass_time(3_600);
    assert_eq!(writes(&registry), 1);
}

#[test]
fn another_password_needs_the_one_there_is_and_ends_other_logins() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let (other, _) = registry.sign_in(OWNER, PASSWORD);
    let path = "/ui/account/password";
    let page = browser.get(path).expect(200);
    let wrong = [
        ("current", "not the password"),
        ("password", "another long one"),
    ];
    let page = browser.submit(&page, path, &wrong).expect(422);
    assert_eq!(page.one(".error"), "This is not your current password");
    let weak = [("current", PASSWORD), ("password", "short")];
    let page = browser.submit(&page, path, &weak).expect(422);
    assert!(
        page.one("#password-error")
            .contains("at least 12 characters")
    );
    let right = [("current", PASSWORD), ("password", "another long one")];
    let page = browser.submit(&page, path, &right).expect(200);
    assert_eq!(page.path, "/ui/account");
    assert!(is_signed_in(&browser) && !is_signed_in(&other));
    attempt(&registry, OWNER, PASSWORD).expect(422);
    attempt(&registry, OWNER, "another long one").expect(200);
    assert!(actions(&registry).contains(&"password.changed ada@example.com Ada King".to_owned()));
}

#[test]
fn nobody_is_led_to_another_host_by_signing_in() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/ui/../..//evil.example",
        "javascript:alert(1)",
        "/ui/%0d%0alocation:%20x",
    ] {
        let browser = registry.browser();
        let page = browser.get(&format!("/ui/sign-in?next={next}")).expect(200);
        let values = [("email", OWNER), ("password", PASSWORD)];
        let page = browser.submit_once(&page, "/ui/sign-in", &values);
        let to = page.location().unwrap();
        assert!(
            to.starts_with("/ui") && !to.contains("evil.example"),
            "{to}"
        );
        // Nor when the form itself is changed.
        let page = registry.browser().get("/ui/sign-in").expect(200);
        let values = [("email", OWNER), ("password", PASSWORD), ("next", next)];
        let page = browser.submit_once(&page, "/ui/sign-in", &values);
        assert!(page.location().is_none_or(|to| !to.contains("evil")));
    }
}
