//! Each call of each port fails once on the ways in: whoever tries again comes in, and nothing is half done.

use crate::support::SETUP_SECRET;
use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::devices::{Algorithm, Device, PASSKEYS, SECOND_FACTOR, borrowed, scan};
use crate::support::faults::with_every_fault;

const BOB: &str = "bob@example.com";
const OTHER: &str = "another long one";

fn has_form(page: &Page, action: &str) -> bool {
    let css = format!("form[action=\"{action}\"]");
    page.status() == 200 && !page.all(&css).is_empty()
}

/// Fills in the form of a page as often as it takes: a fault strikes once. `step` says whether it is through.
#[track_caller]
fn insist(mut step: impl FnMut() -> bool) {
    assert!((0..4).any(|_| step()), "it never goes through");
}

fn texts(registry: &TestRegistry, sql: &'static str) -> Vec<String> {
    registry.world.sqlite.texts(sql)
}

/// Whoever has an account has all that belongs to it, once.
fn assert_whole(registry: &TestRegistry, calm: &TestRegistry) {
    for sql in [
        "select email || ' ' || owns_instance from accounts order by email",
        "select a.email from passwords p join accounts a on a.id = p.account_id order by 1",
        "select a.email || ' ' || m.role from members m join accounts a on a.id = m.account_id order by 1",
        "select a.email || ' ' || count(*) from recovery_codes c join accounts a on a.id = c.account_id
         group by a.id order by 1",
        "select a.email from second_factors f join accounts a on a.id = f.account_id order by 1",
        "select a.email || ' ' || p.name from passkeys p join accounts a on a.id = p.account_id order by 1",
        "select email || (accepted_at is not null) from invitations order by 1",
        "select used_at is not null from password_resets order by 1",
    ] {
        assert_eq!(texts(registry, sql), texts(calm, sql), "{sql}");
    }
}

#[track_caller]
fn comes_in(registry: &TestRegistry, email: &str, password: &str) {
    let (_, page) = registry.sign_in(email, password);
    assert_eq!(page.status(), 200, "{}", page.text());
    assert!(!page.path.starts_with("/ui/sign-in"), "{}", page.path);
}

#[test]
fn the_first_start_is_made_whole_or_not_at_all() {
    let play = |registry: &TestRegistry| {
        let browser = registry.browser();
        insist(|| {
            let page = browser.get("/ui/first-start");
            if !has_form(&page, "/ui/first-start") {
                return page.status() == 200;
            }
            let values = [
                ("secret", SETUP_SECRET),
                ("email", OWNER),
                ("name", "Ada"),
                ("password", PASSWORD),
                ("organisation", "acme"),
                ("repository", "main"),
            ];
            let page = browser.submit_once(&page, "/ui/first-start", &values);
            page.status() == 303
        });
    };
    with_every_fault(TestRegistry::bare, play, |registry, calm| {
        assert_whole(registry, calm);
        comes_in(registry, OWNER, PASSWORD);
    });
}

/// The secret of the link that asks somebody in, made before.
fn invited() -> TestRegistry {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    let asked = serde_json::json!({"email": BOB, "role": "maintainer"});
    let path = "/api/v1/orgs/acme/invitations";
    let made = registry.admin().post(path, &asked).expect(201).json();
    let token = made["token"].as_str().unwrap().to_owned();
    registry.token.replace(token);
    registry
}

#[test]
fn who_is_asked_in_comes_in_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let browser = registry.browser();
        let token = registry.token.borrow().clone();
        let path = "/ui/invitation";
        insist(|| {
            let page = browser.get(path);
            if !has_form(&page, path) {
                return false;
            }
            let page = browser.submit_once(&page, path, &[("token", &token)]);
            // It was used: with the password that she chose.
            if page.status() == 409 {
                return true;
            }
            if page.all("#password").is_empty() {
                return false;
            }
            let values = [("name", "Bob"), ("password", PASSWORD)];
            browser.submit_once(&page, path, &values).status() == 303
        });
    };
    with_every_fault(invited, play, |registry, calm| {
        assert_whole(registry, calm);
        comes_in(registry, BOB, PASSWORD);
    });
}

/// A member for whom a link to another password was made.
fn with_link() -> TestRegistry {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    drop(registry.member_browser(BOB, "member"));
    let bob = texts(
        &registry,
        "select id from accounts where email = 'bob@example.com'",
    )
    .remove(0);
    let token = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    let made = owner.post(&format!("/ui/acme/people/{bob}/reset"), &[token]);
    let link = made.expect(200).one(".code");
    drop(owner);
    registry.token.replace(link);
    registry
}

#[test]
fn another_password_is_chosen_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let browser = registry.browser();
        let link = registry.token.borrow().clone();
        let path = "/ui/reset";
        insist(|| {
            let page = browser.get(path);
            if !has_form(&page, path) {
                return false;
            }
            let page = browser.submit_once(&page, path, &[("token", &link)]);
            if page.status() == 404 {
                return true;
            }
            if page.all("#password").is_empty() {
                return false;
            }
            let page = browser.submit_once(&page, path, &[("password", OTHER)]);
            page.status() == 303
        });
        insist(|| {
            let page = browser.get("/ui/sign-in");
            if !has_form(&page, "/ui/sign-in") {
                return false;
            }
            let values = [("email", BOB), ("password", OTHER)];
            let page = browser.submit_once(&page, "/ui/sign-in", &values);
            page.status() == 303
        });
    };
    with_every_fault(with_link, play, |registry, calm| {
        assert_whole(registry, calm);
        assert_eq!(registry.sign_in(BOB, PASSWORD).1.status(), 422);
        comes_in(registry, BOB, OTHER);
    });
}

/// The owner, with the cookie of her browser for who goes on.
fn signed_in() -> TestRegistry {
    let registry = TestRegistry::new();
    let cookie = registry.owner_browser().cookies.borrow()["__Host-repertoire"].clone();
    registry.token.replace(cookie);
    registry
}

fn going_on(registry: &TestRegistry) -> Browser<'_> {
    let browser = registry.browser();
    let cookie = registry.token.borrow().clone();
    let mut cookies = browser.cookies.borrow_mut();
    cookies.insert("__Host-repertoire".to_owned(), cookie);
    drop(cookies);
    browser
}

#[test]
fn a_second_factor_is_there_with_its_codes_or_not_at_all() {
    let play = |registry: &TestRegistry| {
        let browser = going_on(registry);
        insist(|| {
            let page = browser.get(SECOND_FACTOR);
            if !has_form(&page, SECOND_FACTOR) {
                return page.text().contains("recovery codes are left");
            }
            let code = registry.code(&scan(&page));
            let values = [("code", code.as_str()), ("current", PASSWORD)];
            let page = browser.submit_once(&page, SECOND_FACTOR, &values);
            page.status() == 200 && page.heading() == "Keep your recovery codes"
        });
        // The page that says so may be lost: other codes can be had.
        registry.pass_time(1);
        insist(|| {
            let page = browser.get(SECOND_FACTOR);
            let path = format!("{SECOND_FACTOR}/recovery-codes");
            if !has_form(&page, &path) {
                return false;
            }
            let page = browser.submit_once(&page, &path, &[("current", PASSWORD)]);
            page.status() == 200
        });
        insist(|| {
            let page = browser.get(SECOND_FACTOR);
            if page.status() != 200 || has_form(&page, SECOND_FACTOR) {
                return page.status() == 200;
            }
            let token = page.fields("/ui/sign-out").remove(0);
            let current = ("current".to_owned(), PASSWORD.to_owned());
            let page = browser.post(&format!("{SECOND_FACTOR}/off"), &[token, current]);
            page.status() == 303
        });
    };
    with_every_fault(signed_in, play, |registry, calm| {
        assert_whole(registry, calm);
        assert!(texts(registry, "select account_id from recovery_codes").is_empty());
        comes_in(registry, OWNER, PASSWORD);
        let made = texts(
            registry,
            "select action from audit where action like 'second_factor.%' order by id",
        );
        assert_eq!(made, ["second_factor.created", "second_factor.removed"]);
    });
}

/// The owner with a second factor; what her app has is handed on.
fn with_codes() -> TestRegistry {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let (app, _) = registry.set_up_codes(&owner, PASSWORD);
    drop(owner);
    registry.token.replace(app.reveal());
    registry
}

#[test]
fn a_code_signs_in_once_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let app = registry.token.borrow().clone();
        let app = repertoire::domain::one_time_code::CodeSecret::parse(&app).unwrap();
        let browser = registry.browser();
        insist(|| {
            registry.pass_time(30);
            let page = browser.get("/ui/sign-in");
            if !has_form(&page, "/ui/sign-in") {
                return false;
            }
            let values = [("email", OWNER), ("password", PASSWORD)];
            let page = browser.submit_once(&page, "/ui/sign-in", &values);
            if page.status() != 303 {
                return false;
            }
            let page = browser.get("/ui/sign-in/code");
            if !has_form(&page, "/ui/sign-in/code") {
                return false;
            }
            let code = registry.code(&app);
            let page = browser.submit_once(&page, "/ui/sign-in/code", &[("code", &code)]);
            page.status() == 303
        });
        assert_eq!(browser.get("/ui/account").path, "/ui/account");
    };
    with_every_fault(with_codes, play, |registry, calm| {
        assert_whole(registry, calm);
        // A login was begun by each code that was taken, and by nothing else.
        let begun = texts(registry, "select id from logins where method = 'totp'");
        assert!(begun.len() == 1 || begun.len() == 2, "{}", begun.len());
        let half = "select id from logins where is_half = 1 and ended_at is null";
        assert!(texts(registry, half).len() <= 1);
    });
}

#[test]
fn a_passkey_is_added_once_and_signs_in_whatever_fails() {
    let play = |registry: &TestRegistry| {
        let browser = going_on(registry);
        let device = Device::new(1, Algorithm::Es256);
        insist(|| {
            let page = browser.get(PASSKEYS);
            if page.status() != 200 {
                return false;
            }
            if !page.all("td[data-label=Name]").is_empty() {
                return true;
            }
            if !has_form(&page, PASSKEYS) {
                return false;
            }
            device.forget();
            let mut values = device.create(&page);
            values.push(("name", "Laptop".to_owned()));
            values.push(("current", PASSWORD.to_owned()));
            let page = browser.submit_once(&page, PASSKEYS, &borrowed(&values));
            page.status() == 303
        });
        let browser = registry.browser();
        insist(|| {
            let page = browser.get("/ui/sign-in");
            if page.all("form[data-passkey]").is_empty() {
                return false;
            }
            let values = device.get(&page);
            let path = "/ui/sign-in/passkey";
            browser
                .submit_once(&page, path, &borrowed(&values))
                .status()
                == 303
        });
        insist(|| browser.get("/ui/account").path == "/ui/account");
    };
    with_every_fault(signed_in, play, |registry, calm| {
        assert_whole(registry, calm);
        let begun = texts(registry, "select id from logins where method = 'passkey'");
        assert!(begun.len() == 1 || begun.len() == 2, "{}", begun.len());
    });
}
