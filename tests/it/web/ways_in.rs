//! Ways in that are links: the first start, invitations, another password.

use serde_json::{Value, json};

use crate::support::browser::{Browser, OWNER, PASSWORD};
use crate::support::{SETUP_SECRET, TestRegistry};

const START: &str = "/ui/first-start";

fn invite(registry: &TestRegistry, email: &str, role: &str) -> Value {
    let asked = json!({"email": email, "role": role});
    let made = registry
        .admin()
        .post("/api/v1/orgs/acme/invitations", &asked);
    made.expect(201).json()
}

fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/ui/account").path == "/ui/account"
}

#[test]
fn the_first_start_makes_one_owner_of_all_once() {
    let registry = TestRegistry::new();
    let late = registry.browser();
    let waiting = late.get(START).expect(200);
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    assert!(page.all(".nav a").contains(&"Packages".to_owned()));
    let members = registry.admin().get("/api/v1/orgs/acme/members");
    let members = members.expect(200).json();
    assert_eq!(members["members"][0]["email"], OWNER);
    assert_eq!(members["members"][0]["role"], "owner");
    // Whoever had the form open comes too late, with whatever address.
    for email in [OWNER, "eve@example.com"] {
        let values = [
            ("secret", SETUP_SECRET),
            ("email", email),
            ("name", "Eve"),
            ("password", "another long one"),
        ];
        let page = late.submit(&waiting, START, &values).expect(409);
        assert!(page.text().contains("good no more"));
    }
    assert!(late.get(START).expect(200).all("form").is_empty());
    assert!(!is_signed_in(&late));
    assert!(registry.sign_in(OWNER, "another long one").1.status() == 422);
    let accounts = registry.world.sqlite.texts("select email from accounts");
    assert_eq!(accounts, [OWNER]);
}

#[test]
fn a_bare_instance_gets_its_first_organisation_by_the_page() {
    let registry = TestRegistry::bare();
    let browser = registry.browser();
    let page = browser.get(START).expect(200);
    let values = [
        ("secret", SETUP_SECRET),
        ("email", OWNER),
        ("name", "Ada"),
        ("password", PASSWORD),
        ("organisation", "Not A Slug"),
        ("repository", "main"),
    ];
    let page = browser.submit(&page, START, &values).expect(422);
    assert_eq!(page.attributes("#organisation", "value"), ["Not A Slug"]);
    assert_eq!(page.all(".error").len(), 1);
    let values = [
        ("secret", SETUP_SECRET),
        ("password", PASSWORD),
        ("organisation", "acme"),
    ];
    let page = browser.submit(&page, START, &values).expect(200);
    assert_eq!(page.path, "/ui/acme/start");
    assert!(
        page.text()
            .contains("https://packages.example.com/r/acme/main")
    );
}

#[test]
fn only_who_has_the_secret_makes_the_first_start_and_guesses_are_counted() {
    let registry = TestRegistry::new();
    registry.world.bad_credentials.set(2);
    let browser = registry.browser();
    let page = browser.get(START).expect(200);
    let values = [
        ("secret", "setup-secreu"),
        ("email", "eve@example.com"),
        ("name", "Eve"),
        ("password", PASSWORD),
    ];
    for status in [403, 403, 429] {
        let page = browser.submit(&page, START, &values).expect(status);
        assert_eq!(page.attributes("#email", "value"), ["eve@example.com"]);
        assert!(!page.html.contains("setup-secreu"));
    }
    let accounts = registry.world.sqlite.texts("select email from accounts");
    assert_eq!(accounts, Vec::<String>::new());
}

#[test]
fn who_was_asked_in_makes_an_account_and_is_in() {
    let registry = TestRegistry::new();
    let made = invite(&registry, "bob@example.com", "maintainer");
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with("https://packages.example.com/ui/invitation#rpti_"));
    let browser = registry.browser();
    let page = browser.get("/ui/invitation").expect(200);
    // The whole link may be pasted.
    let page = browser.submit(&page, "/ui/invitation", &[("token", link)]);
    assert!(page.text().contains("bob@example.com"));
    let weak = [("name", "Bob"), ("password", "bob@example.com")];
    let page = browser.submit(&page, "/ui/invitation", &weak).expect(422);
    assert_eq!(page.attributes("#name", "value"), ["Bob"]);
    let values = [("name", "Bob"), ("password", PASSWORD)];
    let page = browser.submit(&page, "/ui/invitation", &values).expect(200);
    assert_eq!(page.path, "/ui/acme");
    assert!(registry.sign_in("bob@example.com", PASSWORD).1.status() == 200);
    let page = browser.get("/ui/invitation").expect(200);
    let page = browser.submit(&page, "/ui/invitation", &[("token", link)]);
    assert!(page.expect(409).one(".error").contains("used already"));
}

#[test]
fn an_invitation_gives_nobody_the_account_of_somebody_else() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let asked = json!({"email": OWNER, "role": "member"});
    let path = "/api/v1/orgs/globex/invitations";
    let made = registry.admin().post(path, &asked).expect(201).json();
    let token = made["token"].as_str().unwrap();
    let stranger = registry.browser();
    let page = stranger.get("/ui/invitation").expect(200);
    let csrf = page.fields("/ui/invitation").remove(0);
    let page = stranger.submit(&page, "/ui/invitation", &[("token", token)]);
    assert!(
        page.text()
            .contains("there is an account with this address")
    );
    let fields = [
        csrf,
        ("token".to_owned(), token.to_owned()),
        ("accept".to_owned(), "yes".to_owned()),
        ("name".to_owned(), "Eve".to_owned()),
        ("password".to_owned(), "another long one".to_owned()),
    ];
    stranger.post("/ui/invitation", &fields).expect(409);
    assert!(!is_signed_in(&stranger));
    assert_eq!(registry.sign_in(OWNER, "another long one").1.status(), 422);
    // She herself joins with one button, and keeps her password.
    let (owner, _) = registry.sign_in(OWNER, PASSWORD);
    let page = owner.get("/ui/invitation").expect(200);
    let page = owner.submit(&page, "/ui/invitation", &[("token", token)]);
    let page = owner.submit(&page, "/ui/invitation", &[]).expect(200);
    assert_eq!(page.path, "/ui/globex");
    assert_eq!(registry.sign_in(OWNER, PASSWORD).1.status(), 200);
    // Somebody else who is signed in does not join in her place.
    let made = invite(&registry, "eve@example.com", "admin");
    let member = registry.member_browser("bob@example.com", "member");
    let page = member.get("/ui/invitation").expect(200);
    let token = made["token"].as_str().unwrap();
    let page = member.submit(&page, "/ui/invitation", &[("token", token)]);
    assert!(!page.text().contains("as bob@example.com"));
    let roles = registry.world.sqlite.texts(
        "select m.role from members m join accounts a on a.id = m.account_id where a.email = 'bob@example.com'",
    );
    assert_eq!(roles, ["member"]);
}

#[test]
fn a_link_to_another_password_is_good_once_and_for_a_day() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let member = registry.member_browser("bob@example.com", "member");
    let bob = registry
        .world
        .sqlite
        .texts("select id from accounts where email = 'bob@example.com'")
        .remove(0);
    let csrf = |browser: &Browser<'_>| {
        let page = browser.get("/ui/account").expect(200);
        page.fields("/ui/sign-out").remove(0)
    };
    let path = format!("/ui/acme/people/{bob}/reset");
    let link = || {
        let page = owner.post(&path, &[csrf(&owner)]).expect(200);
        page.one(".code")
    };
    // Who does not manage people makes none, not even for herself.
    member.post(&path, &[csrf(&member)]).expect(403);
    let first = link();
    let second = link();
    assert!(second.starts_with("https://packages.example.com/ui/reset#rptr_"));
    let browser = registry.browser();
    let page = browser.get("/ui/reset").expect(200);
    let page = browser.submit(&page, "/ui/reset", &[("token", &first)]);
    assert!(page.expect(404).one(".error").contains("good no more"));
    let page = browser.get("/ui/reset").expect(200);
    let page = browser.submit(&page, "/ui/reset", &[("token", &second)]);
    assert!(page.text().contains("bob@example.com"));
    let values = [("password", "another long one")];
    let done = browser.submit(&page, "/ui/reset", &values).expect(200);
    assert_eq!(done.path, "/ui/sign-in");
    assert!(!is_signed_in(&member));
    browser.submit(&page, "/ui/reset", &values).expect(404);
    let again = browser.get("/ui/reset").expect(200);
    browser
        .submit(&again, "/ui/reset", &[("token", &second)])
        .expect(404);
    let (_, page) = registry.sign_in("bob@example.com", "another long one");
    assert_eq!(page.expect(200).path, "/ui/acme");
    let third = link();
    registry.pass_time(86_400);
    let page = browser.get("/ui/reset").expect(200);
    browser
        .submit(&page, "/ui/reset", &[("token", &third)])
        .expect(404);
}

#[test]
fn an_admin_resets_no_owner_and_nobody_who_is_elsewhere_too() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    let admin = registry.member_browser("eve@example.com", "admin");
    drop(registry.member_browser("bob@example.com", "member"));
    drop(registry.member_browser("zoe@example.com", "owner"));
    let id = |email: &str| {
        let all = registry
            .world
            .sqlite
            .texts("select email || ' ' || id from accounts");
        let found = all
            .iter()
            .find_map(|one| one.strip_prefix(&format!("{email} ")));
        found.unwrap().to_owned()
    };
    let page = admin.get("/ui/account").expect(200);
    let csrf = page.fields("/ui/sign-out").remove(0);
    let ask = |email: &str| {
        let path = format!("/ui/acme/people/{}/reset", id(email));
        admin.post(&path, std::slice::from_ref(&csrf)).status()
    };
    assert_eq!(ask("bob@example.com"), 200);
    assert_eq!(ask("zoe@example.com"), 403);
    assert_eq!(ask(OWNER), 403);
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    registry.change(
        "insert into members (organisation_id, account_id, role, created_at, grant_changed_at)
         select 2, id, 'member', 0, 0 from accounts where email = 'bob@example.com'",
    );
    assert_eq!(ask("bob@example.com"), 403);
}

#[test]
fn signing_in_over_an_open_login_ends_that() {
    let registry = TestRegistry::new();
    drop(registry.owner_browser());
    let browser = registry.member_browser("bob@example.com", "member");
    let before = browser.copy();
    assert!(is_signed_in(&before));
    let token = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = [token, field("email", OWNER), field("password", PASSWORD)];
    browser.post("/ui/sign-in", &fields).expect(303);
    assert!(browser.get("/ui/account").text().contains(OWNER));
    assert!(!is_signed_in(&before));
    // A refused attempt ends nothing.
    let token = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    let fields = [token, field("email", OWNER), field("password", "wrong one")];
    browser.post("/ui/sign-in", &fields).expect(422);
    assert!(is_signed_in(&browser));
    // So it is where an account is made.
    let made = invite(&registry, "eve@example.com", "member");
    let before = browser.copy();
    let page = browser.get("/ui/invitation").expect(200);
    let token = made["token"].as_str().unwrap();
    let mut fields = page.fields("/ui/invitation");
    fields.retain(|(name, _)| name == "csrf");
    fields.extend([
        field("token", token),
        field("accept", "yes"),
        field("name", "Eve"),
        field("password", PASSWORD),
    ]);
    browser.post("/ui/invitation", &fields).expect(303);
    assert!(
        browser
            .get("/ui/account")
            .text()
            .contains("eve@example.com")
    );
    assert!(!is_signed_in(&before));
}

#[test]
fn a_member_who_has_a_token_alone_gets_a_password_by_a_link() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let made = invite(&registry, "bob@example.com", "member");
    let body = json!({"token": made["token"], "name": "Bob"});
    let anonymous = registry.anonymous();
    let joined = anonymous.post("/api/v1/invitations/accept", &body);
    let bob = joined.expect(201).json()["member"]
        .as_str()
        .unwrap()
        .to_owned();
    let (browser, page) = registry.sign_in("bob@example.com", "another long one");
    assert_eq!(page.status(), 422);
    // The sign-in says whom to ask, and leads to where the link is used.
    let page = browser.get("/ui/sign-in").expect(200);
    assert!(
        page.text()
            .contains("Ask whoever manages the people of your organisation")
    );
    assert!(
        page.attributes("a", "href")
            .contains(&"/ui/reset".to_owned())
    );
    let token = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    let made = owner.post(&format!("/ui/acme/people/{bob}/reset"), &[token]);
    let link = made.expect(200).one(".code");
    let page = browser.get("/ui/reset").expect(200);
    let page = browser.submit(&page, "/ui/reset", &[("token", &link)]);
    let values = [("password", "another long one")];
    browser.submit(&page, "/ui/reset", &values).expect(200);
    let (_, page) = registry.sign_in("bob@example.com", "another long one");
    assert_eq!(page.path, "/ui/acme");
}
