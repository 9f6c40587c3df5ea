//! A second factor: set up, asked for, lost, switched off.

use repertoire::domain::one_time_code::CodeSecret;

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::devices::{SECOND_FACTOR, scan};

const CODE: &str = "/ui/sign-in/code";
const LOGIN: &str = "__Host-repertoire";

fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/ui/account").path == "/ui/account"
}

fn secret(browser: &Browser<'_>) -> String {
    browser.cookies.borrow()[LOGIN].clone()
}

fn actions(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select action || ' ' || subject_name || ' ' || actor_name from audit
         where organisation_id is null and subject_kind = 'account' order by id",
    )
}

/// Signs in by the password, and gives the page that asks for the code.
#[track_caller]
fn half<'a>(registry: &'a TestRegistry, email: &str) -> (Browser<'a>, Page) {
    let (browser, page) = registry.sign_in(email, PASSWORD);
    assert_eq!(page.status(), 200);
    assert!(page.path.starts_with(CODE), "{}", page.path);
    (browser, page)
}

fn owner_with_codes(registry: &TestRegistry) -> (Browser<'_>, CodeSecret, Vec<String>) {
    let browser = registry.owner_browser();
    let (secret, codes) = registry.set_up_codes(&browser, PASSWORD);
    // The code of this step is used.
    registry.pass_time(30);
    (browser, secret, codes)
}

fn send(browser: &Browser<'_>, page: &Page, code: &str) -> Page {
    browser.submit(page, CODE, &[("code", code)])
}

#[test]
fn codes_are_set_up_by_a_first_code_and_the_password() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let (other, _) = registry.sign_in(OWNER, PASSWORD);
    let page = browser.get(SECOND_FACTOR).expect(200);
    let app = scan(&page);
    assert_eq!(page.all("svg.qr path").len(), 1);
    // Until it is confirmed nothing is kept, and another look shows another secret.
    let again = scan(&browser.get(SECOND_FACTOR));
    assert_ne!(again.reveal(), app.reveal());
    let kept = || {
        let sqlite = &registry.world.sqlite;
        sqlite.texts("select account_id || sealed_secret from second_factors")
    };
    let wrong = [("code", "000000"), ("current", PASSWORD)];
    let page = browser.submit(&page, SECOND_FACTOR, &wrong).expect(422);
    assert_eq!(scan(&page).reveal(), app.reveal());
    let code = registry.code(&app);
    let wrong = [("code", code.as_str()), ("current", "not the password")];
    let page = browser.submit(&page, SECOND_FACTOR, &wrong).expect(422);
    assert_eq!(page.one(".error"), "This is not your current password");
    assert_eq!(scan(&page).reveal(), app.reveal());
    assert_eq!(kept(), Vec::<String>::new());
    assert!(is_signed_in(&other));
    let right = [("code", code.as_str()), ("current", PASSWORD)];
    let done = browser.submit(&page, SECOND_FACTOR, &right).expect(200);
    let codes: Vec<_> = done
        .one(".code")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(codes.len(), 10);
    assert!(is_signed_in(&browser) && !is_signed_in(&other));
    // Sent again, it is one too many, and the secret of a page of before is none.
    browser.submit(&page, SECOND_FACTOR, &right).expect(409);
    let page = browser.get(SECOND_FACTOR).expect(200);
    assert!(page.text().contains("10 recovery codes are left"));
    // Sealed and hashed; nowhere else anything of it.
    assert_eq!(kept().len(), 1);
    assert!(kept()[0].contains("sealed:account:"));
    let sqlite = &registry.world.sqlite;
    let everything = [
        sqlite.texts("select hash from recovery_codes").concat(),
        sqlite
            .texts("select json_array(request, before_json, after_json) from audit")
            .concat(),
        registry.world.request_lines.borrow().concat(),
        registry.world.warnings().concat(),
    ];
    let everything = everything.concat();
    for hidden in codes.iter().chain([&app.reveal()]) {
        assert!(!everything.contains(hidden.as_str()));
        assert!(!everything.contains(&hidden.replace('-', "")));
    }
    assert!(actions(&registry).contains(&"second_factor.created ada@example.com Ada King".into()));
}

#[test]
fn a_secret_that_was_shown_to_another_login_confirms_nothing() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let member = registry.member_browser("bob@example.com", "member");
    let page = browser.get(SECOND_FACTOR).expect(200);
    let app = scan(&page);
    let sealed = page.attributes("input[name=sealed]", "value").remove(0);
    let page = member.get(SECOND_FACTOR).expect(200);
    let code = registry.code(&app);
    let values = [
        ("sealed", sealed.as_str()),
        ("code", &code),
        ("current", PASSWORD),
    ];
    let page = member.submit(&page, SECOND_FACTOR, &values).expect(422);
    assert!(page.one(".notice").contains("Scan the code anew"));
}

#[test]
fn a_right_password_alone_opens_nothing() {
    let registry = TestRegistry::new();
    let (_owner, app, _) = owner_with_codes(&registry);
    let browser = registry.browser();
    let page = browser.get("/ui/acme/packages").expect(200);
    let values = [("email", OWNER), ("password", PASSWORD)];
    let page = browser.submit(&page, "/ui/sign-in", &values).expect(200);
    assert_eq!(page.path, "/ui/sign-in/code?next=%2Fui%2Facme%2Fpackages");
    let half_secret = secret(&browser);
    let thief = browser.copy();
    for path in ["/ui/acme", "/ui/account", SECOND_FACTOR, "/ui"] {
        let page = browser.get(path);
        assert!(page.path.starts_with("/ui/sign-in"), "{}", page.path);
    }
    // Nor does the API know such a thing.
    let with_half = registry.with_token(&half_secret);
    with_half.get("/api/v1/me").expect(401);
    send(&browser, &page, "000000").expect(422);
    send(&browser, &page, "").expect(422);
    let done = send(&browser, &page, &registry.code(&app)).expect(200);
    assert_eq!(done.path, "/ui/acme/packages");
    // The secret is another one now, and that of before opens nothing, not even the page for the code.
    assert_ne!(secret(&browser), half_secret);
    assert!(is_signed_in(&browser) && !is_signed_in(&thief));
    assert_eq!(thief.get(CODE).path, "/ui/sign-in");
    let lines = actions(&registry);
    let last = &lines[lines.len() - 3..];
    let refused = "sign_in.refused ada@example.com ada@example.com";
    let created = "login.created ada@example.com Ada King";
    assert_eq!(last, [refused, refused, created]);
}

#[test]
fn no_code_is_taken_twice_and_none_of_before() {
    let registry = TestRegistry::new();
    let (_owner, app, _) = owner_with_codes(&registry);
    let before = app.code_at(registry.world.now.get() - 30).unwrap();
    let now = registry.code(&app);
    let after = app.code_at(registry.world.now.get() + 30).unwrap();
    let attempt = |code: &str| {
        let (browser, page) = half(&registry, OWNER);
        send(&browser, &page, code).status()
    };
    // Of the step before one was used to set it up.
    assert_eq!(attempt(&before), 422);
    assert_eq!(attempt(&now), 200);
    assert_eq!(attempt(&now), 422);
    // A clock that is ahead is no harm, but then what is behind is over.
    assert_eq!(attempt(&after), 200);
    assert_eq!(attempt(&now), 422);
    registry.pass_time(30);
    assert_eq!(attempt(&after), 422);
    registry.pass_time(30);
    assert_eq!(attempt(&registry.code(&app)), 200);
}

#[test]
fn a_recovery_code_stands_in_once() {
    let registry = TestRegistry::new();
    let (_owner, _, codes) = owner_with_codes(&registry);
    let (browser, page) = half(&registry, OWNER);
    let typed = codes[3].to_uppercase().replace('-', " ");
    let done = send(&browser, &page, &typed).expect(200);
    assert_eq!(done.path, "/ui/acme");
    let page = browser.get(SECOND_FACTOR).expect(200);
    assert!(page.text().contains("9 recovery codes are left"));
    let (browser, page) = half(&registry, OWNER);
    send(&browser, &page, &codes[3]).expect(422);
    send(&browser, &page, &codes[4]).expect(200);
    let lines = actions(&registry);
    let used = "recovery_code.used ada@example.com Ada King".to_owned();
    assert_eq!(
        lines.iter().filter(|line| **line == used).count(),
        2,
        "{lines:#?}"
    );
    // Somebody else's are nothing.
    let bob = registry.member_browser("bob@example.com", "member");
    registry.set_up_codes(&bob, PASSWORD);
    let (browser, page) = half(&registry, "bob@example.com");
    send(&browser, &page, &codes[5]).expect(422);
}

#[test]
fn guesses_at_the_code_are_limited_from_wherever_they_come() {
    let registry = TestRegistry::new();
    let (_owner, app, codes) = owner_with_codes(&registry);
    let (browser, page) = half(&registry, OWNER);
    send(&browser, &page, &codes[0]).expect(200);
    for number in 0..8 {
        let browser = registry.browser();
        browser.headers.borrow_mut()[1].1 = format!("198.51.100.{number}");
        let page = browser.get("/ui/sign-in").expect(200);
        let values = [("email", OWNER), ("password", PASSWORD)];
        let page = browser.submit(&page, "/ui/sign-in", &values);
        // One that was right before is a guess like others.
        let guess = if number % 2 == 0 { "000000" } else { &codes[0] };
        send(&browser, &page, guess).expect(422);
    }
    let (browser, page) = half(&registry, OWNER);
    let page = send(&browser, &page, &registry.code(&app)).expect(429);
    assert_eq!(page.answer.header("retry-after"), Some("900"));
    assert!(!is_signed_in(&browser));
    registry.pass_time(901);
    let (browser, page) = half(&registry, OWNER);
    send(&browser, &page, &registry.code(&app)).expect(200);
}

#[test]
fn who_takes_too_long_begins_anew() {
    let registry = TestRegistry::new();
    let (_owner, app, _) = owner_with_codes(&registry);
    let (browser, page) = half(&registry, OWNER);
    registry.pass_time(600);
    let page = send(&browser, &page, &registry.code(&app));
    assert_eq!(page.path, "/ui/sign-in");
    assert!(page.one(".notice").contains("Begin anew"));
    assert_eq!(browser.get(CODE).path, "/ui/sign-in");
    assert_eq!(registry.browser().get(CODE).path, "/ui/sign-in");
}

#[test]
fn switching_it_off_and_other_codes_ask_for_the_password() {
    let registry = TestRegistry::new();
    let (browser, app, codes) = owner_with_codes(&registry);
    let (other, page) = half(&registry, OWNER);
    send(&other, &page, &registry.code(&app)).expect(200);
    let (off, again) = (
        format!("{SECOND_FACTOR}/off"),
        format!("{SECOND_FACTOR}/recovery-codes"),
    );
    let page = browser.get(SECOND_FACTOR).expect(200);
    let token = page.fields("/ui/sign-out").remove(0);
    let ask = |path: &str, password: &str| {
        let current = ("current".to_owned(), password.to_owned());
        browser.post(path, &[token.clone(), current])
    };
    for path in [&off, &again] {
        let page = ask(path, "not the password").expect(422);
        assert_eq!(page.one(".error"), "This is not your current password");
    }
    let made = ask(&again, PASSWORD).expect(200).one(".code");
    let (late, page) = half(&registry, OWNER);
    send(&late, &page, &codes[0]).expect(422);
    send(&late, &page, made.split(' ').next().unwrap()).expect(200);
    ask(&off, PASSWORD).expect(303);
    assert!(is_signed_in(&browser) && !is_signed_in(&other) && !is_signed_in(&late));
    assert_eq!(registry.sign_in(OWNER, PASSWORD).1.path, "/ui/acme");
    let sqlite = &registry.world.sqlite;
    assert_eq!(sqlite.texts("select hash from recovery_codes").len(), 0);
    let lines = actions(&registry);
    for action in ["second_factor.removed", "recovery_codes.replaced"] {
        assert!(lines.contains(&format!("{action} ada@example.com Ada King")));
    }
    // What is not there is not switched off.
    ask(&off, PASSWORD).expect(303);
    assert!(
        browser
            .get(SECOND_FACTOR)
            .one(".notice")
            .contains("no second factor")
    );
}

#[test]
fn another_password_leaves_the_second_factor() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let bob = registry.member_browser("bob@example.com", "member");
    let (app, _) = registry.set_up_codes(&bob, PASSWORD);
    registry.pass_time(30);
    let id = account(&registry, "bob@example.com");
    let token = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    let made = owner.post(&format!("/ui/acme/people/{id}/reset"), &[token]);
    let link = made.expect(200).one(".code");
    let browser = registry.browser();
    let page = browser.get("/ui/reset").expect(200);
    let page = browser.submit(&page, "/ui/reset", &[("token", &link)]);
    let values = [("password", "another long one")];
    browser.submit(&page, "/ui/reset", &values).expect(200);
    let (browser, page) = registry.sign_in("bob@example.com", "another long one");
    assert_eq!(page.path, CODE);
    send(&browser, &page, &registry.code(&app)).expect(200);
}

fn account(registry: &TestRegistry, email: &str) -> String {
    let all = registry
        .world
        .sqlite
        .texts("select email || ' ' || id from accounts");
    let found = all
        .iter()
        .find_map(|one| one.strip_prefix(&format!("{email} ")));
    found.unwrap().to_owned()
}

#[test]
fn who_manages_people_takes_it_off_from_whom_he_may_help() {
    let registry = TestRegistry::new();
    let (owner, _, _) = owner_with_codes(&registry);
    let admin = registry.member_browser("eve@example.com", "admin");
    let bob = registry.member_browser("bob@example.com", "member");
    registry.set_up_codes(&bob, PASSWORD);
    let remove = |browser: &Browser<'_>, email: &str| {
        let token = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
        let id = account(&registry, email);
        let path = format!("/ui/acme/people/{id}/second-factor/remove");
        browser.post(&path, &[token])
    };
    remove(&bob, "bob@example.com").expect(403);
    remove(&bob, OWNER).expect(403);
    remove(&admin, OWNER).expect(403);
    assert!(is_signed_in(&bob));
    // His page has the button.
    let own = format!("/ui/acme/people/{}", account(&registry, "bob@example.com"));
    let action = format!("{own}/second-factor/remove");
    let page = admin.get(&own).expect(200);
    let page = admin.submit(&page, &action, &[]).expect(200);
    assert_eq!(page.path, "/ui/acme/people");
    assert!(
        !admin
            .get(&own)
            .text()
            .contains("Take the second factor off")
    );
    assert!(!is_signed_in(&bob));
    let line = "second_factor.removed bob@example.com Somebody".to_owned();
    assert!(actions(&registry).contains(&line));
    assert_eq!(
        registry.sign_in("bob@example.com", PASSWORD).1.path,
        "/ui/acme"
    );
    // There is none any more: nothing ends, nothing is told.
    let (bob, _) = registry.sign_in("bob@example.com", PASSWORD);
    let before = actions(&registry).len();
    remove(&owner, "bob@example.com").expect(303);
    assert!(is_signed_in(&bob));
    assert_eq!(actions(&registry).len(), before);
    let stranger = "/ui/acme/people/nobody/second-factor/remove";
    let token = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    owner.post(stranger, &[token]).expect(404);
}

#[test]
fn nobody_is_led_to_another_host_by_a_code() {
    let registry = TestRegistry::new();
    let (_owner, app, _) = owner_with_codes(&registry);
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        registry.pass_time(30);
        let (browser, _) = half(&registry, OWNER);
        let page = browser.get(&format!("{CODE}?next={next}")).expect(200);
        assert_eq!(page.attributes("input[name=next]", "value"), [""]);
        let code = registry.code(&app);
        let values = [("code", code.as_str()), ("next", next)];
        let page = browser.submit_once(&page, CODE, &values);
        assert_eq!(page.location().as_deref(), Some("/ui"));
    }
}
