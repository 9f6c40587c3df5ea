//! A customer's own pages: what it sees is what Composer is given, and nothing else opens.

use serde_json::json;

use crate::support::browser::{Browser, Page};
use crate::support::shop::{DAY, seen};
use crate::support::world::Port;
use crate::support::{ADMIN, TestRegistry};

const OWN: &str = "/ui/customer";

fn names(page: &Page) -> Vec<String> {
    page.all("tbody td[data-label=Name]")
}

fn try_token(registry: &TestRegistry, token: &str) -> Page {
    let browser = registry.browser();
    let page = browser.get("/ui/customer/sign-in").expect(200);
    browser.submit(&page, "/ui/customer/sign-in", &[("token", token)])
}

fn cookies(browser: &Browser<'_>) -> String {
    format!("{:?}", browser.cookies.borrow())
}

#[test]
fn what_a_customer_sees_is_what_composer_is_given() {
    let registry = TestRegistry::shop();
    for terms in [
        json!({"versions": "^1.0 || ^2.0"}),
        json!({"minimum_stability": "stable"}),
        json!({"packages": ["acme/tool"]}),
        json!({"packages": ["nobody/*"]}),
        json!({"packages": ["*"]}),
    ] {
        let buyer = registry.buyer_with(&terms);
        let persona = registry.with_token(&buyer.token);
        let browser = registry.buyer_browser(&buyer.token);
        let page = browser.get(OWN).expect(200);
        let listed = persona.get("/r/acme/main/list.json").expect(200).json();
        let listed: Vec<_> = listed["packageNames"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names(&page), listed, "{terms}");
        for package in ["acme/lib", "acme/tool", "other/secret"] {
            let page = browser.ask("GET", &format!("{OWN}/packages/{package}"), &[], "");
            let versions = seen(&persona, package);
            if versions.is_empty() {
                assert_eq!(page.status(), 404, "{package}");
            } else {
                assert_eq!(
                    page.expect(200).all("td[data-label=Version] .mono"),
                    versions
                );
            }
        }
    }
    let buyer = registry.buyer_with(&json!({}));
    let browser = registry.buyer_browser(&buyer.token);
    let page = browser.get(&format!("{OWN}?search=tool")).expect(200);
    assert_eq!(names(&page), ["acme/tool"]);
    let commands = page.all(".code").join("\n");
    assert!(commands.contains(
        "composer config repositories.main composer https://packages.example.com/r/acme/main"
    ));
    let page = browser.get(&format!("{OWN}?search=nothing")).expect(200);
    assert_eq!(page.one(".empty h2"), "No package fits");
    let page = browser
        .get(&format!("{OWN}/packages/acme/tool"))
        .expect(200);
    assert_eq!(page.one(".code"), "composer require acme/tool");
}

#[test]
fn a_customer_reaches_nothing_but_its_own_pages() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    let buyer = registry.buyer_with(&json!({}));
    let other = registry.buyer(&json!({"name": "Other"}));
    let browser = registry.buyer_browser(&buyer.token);
    for path in [
        "/ui",
        "/ui/acme",
        "/ui/acme/customers",
        "/ui/account",
        "/ui/acme/settings",
        &format!("/ui/acme/customers/{}", buyer.id),
    ] {
        let page = browser.get(path).expect(200);
        assert!(
            page.path.starts_with("/ui/sign-in"),
            "{path}: {}",
            page.path
        );
    }
    // The secret of its cookie is no login of a person and no token.
    let secret = browser.cookies.borrow()["__Host-repertoire-customer"].clone();
    let thief = registry.browser();
    thief
        .cookies
        .borrow_mut()
        .insert("__Host-repertoire".to_owned(), secret.clone());
    assert!(thief.get("/ui/acme").path.starts_with("/ui/sign-in"));
    registry
        .with_token(&secret)
        .get("/r/acme/main/packages.json")
        .expect(401);
    // Nor is the login of a person one of a customer.
    let person = registry.member_browser("bob@example.com", "admin");
    assert_eq!(person.get(OWN).path, "/ui/customer/sign-in");
    // Each sees its own.
    let page = registry.buyer_browser(&other.token).get(OWN).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no package for you yet");
    assert!(!page.text().contains("acme/lib") && page.text().contains("Other"));
}

#[test]
fn no_other_token_opens_it_and_bad_ones_are_counted() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let reader = registry.make_token(&json!({"name": "r", "access": "read"}));
    let mistyped = format!("{}x", buyer.token);
    for token in ["", "x", &mistyped, &reader, ADMIN] {
        let page = try_token(&registry, token);
        let page = page.expect(422);
        assert!(!page.one("#token-error").is_empty());
        assert!(
            token.is_empty() || !page.html.contains(token),
            "what was typed is not shown"
        );
    }
    // What was refused so far counts: with room for two more, the third is one too many.
    registry.world.bad_credentials.set(5 + 2);
    for status in [422, 422, 429] {
        try_token(&registry, "rptc_x").expect(status);
    }
    // A good one is let in nevertheless.
    drop(registry.buyer_browser(&buyer.token));
}

#[test]
fn a_login_ends_with_its_token_its_day_and_by_hand() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let before = registry.browser();
    let page = before.get("/ui/customer/sign-in").expect(200);
    let fixed = cookies(&before);
    before
        .submit(&page, "/ui/customer/sign-in", &[("token", &buyer.token)])
        .expect(200);
    assert_ne!(cookies(&before), fixed);
    assert!(!cookies(&before).contains(&buyer.token));
    assert!(
        !registry
            .world
            .sqlite
            .texts("select hash from customer_logins")
            .join("")
            .contains(&before.cookies.borrow()["__Host-repertoire-customer"])
    );
    // By hand: the stolen cookie is worth nothing afterwards.
    let stolen = before.copy();
    let page = before.get(OWN).expect(200);
    before
        .submit(&page, "/ui/customer/sign-out", &[])
        .expect(200);
    assert_eq!(stolen.get(OWN).path, "/ui/customer/sign-in");
    // By its day.
    let browser = registry.buyer_browser(&buyer.token);
    registry.pass_time(DAY / 2 - 1);
    assert_eq!(browser.get(OWN).path, OWN);
    registry.pass_time(1);
    assert_eq!(browser.get(OWN).path, "/ui/customer/sign-in");
    // With its token.
    let browser = registry.buyer_browser(&buyer.token);
    let tokens = format!("/api/v1/orgs/acme/customers/{}/tokens", buyer.id);
    let token = registry.admin().get(&tokens).expect(200).json()["tokens"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    registry.remove(&format!("customers/{}/tokens/{token}", buyer.id));
    assert_eq!(browser.get(OWN).path, "/ui/customer/sign-in");
    try_token(&registry, &buyer.token).expect(422);
    let lines = registry.world.sqlite.texts(
        "select action || ' ' || subject_name from audit where action like 'login.%' order by id",
    );
    assert_eq!(
        lines,
        [
            "login.created Buyer",
            "login.ended Buyer",
            "login.created Buyer",
            "login.created Buyer"
        ]
    );
}

#[test]
fn its_token_is_replaced_once_and_shown_once() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer(&json!({"name": "Globex"}));
    registry.grant(&buyer, &json!({"versions": "^1.0"}));
    let (browser, other) = (
        registry.buyer_browser(&buyer.token),
        registry.buyer_browser(&buyer.token),
    );
    let page = browser.get("/ui/customer/rotate").expect(200);
    let before = registry.world.sqlite.changes();
    assert!(page.all(".code").is_empty());
    assert_eq!(registry.world.sqlite.changes(), before);
    let made = browser
        .submit(&page, "/ui/customer/rotate", &[])
        .expect(200);
    let token = made.all(".code").remove(0);
    assert!(token.starts_with("rptc_") && token != buyer.token);
    assert!(!cookies(&browser).contains(&token));
    let page = browser.get("/ui/customer/rotate").expect(200);
    assert!(!page.html.contains(&token), "it is shown once");
    // Both are good for a day, with the same limits.
    for one in [&token, &buyer.token] {
        assert_eq!(
            seen(&registry.with_token(one), "acme/lib"),
            ["1.1.0", "1.0.0"]
        );
    }
    // Whoever else was signed in by the old one is out.
    assert_eq!(other.get(OWN).path, "/ui/customer/sign-in");
    registry.pass_time(DAY);
    registry
        .with_token(&buyer.token)
        .get("/r/acme/main/p2/acme/lib.json")
        .expect(404);
    assert_eq!(
        seen(&registry.with_token(&token), "acme/lib"),
        ["1.1.0", "1.0.0"]
    );
    let lines = registry.world.sqlite.texts("select actor_kind || ' ' || action from audit where request like 'POST /ui/customer/rotate' order by id");
    assert!(
        lines.contains(&"token token.created".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn who_is_kept_out_is_told_why_and_makes_nothing() {
    let registry = TestRegistry::shop();
    registry
        .admin()
        .patch(
            "/api/v1/orgs/acme",
            &json!({"contact": "Write to shop@acme.example"}),
        )
        .expect(200);
    let buyer = registry.buyer_with(&json!({}));
    let browser = registry.buyer_browser(&buyer.token);
    let form = browser.get("/ui/customer/rotate").expect(200);
    let path = format!("customers/{}", buyer.id);
    registry.alter(
        &path,
        &json!({"state": "suspended", "reason": "the invoice is open"}),
    );
    for browser in [&browser, &registry.buyer_browser(&buyer.token)] {
        let page = browser.get(OWN).expect(200);
        assert_eq!(
            page.one(".notice"),
            "Your access to these packages is suspended: the invoice is open. Write to shop@acme.example."
        );
        assert!(!page.text().contains("acme/lib"));
        browser
            .ask("GET", "/ui/customer/packages/acme/lib", &[], "")
            .expect(404);
    }
    let refused = browser
        .submit(&form, "/ui/customer/rotate", &[])
        .expect(403);
    assert!(refused.text().contains("the invoice is open"));
    registry.alter(&path, &json!({"state": "frozen"}));
    let page = browser.get(OWN).expect(200);
    assert!(page.one(".notice").contains("and nothing newer"));
    assert!(page.text().contains("acme/lib"));
    // From elsewhere than its token allows, the login is worth as little as the token.
    let bound = registry.buyer_with(&json!({}));
    let tokens = format!("/api/v1/orgs/acme/customers/{}/tokens", bound.id);
    let body = json!({"name": "office", "networks": ["203.0.113.7/32"]});
    let made = registry.admin().post(&tokens, &body).expect(201).json();
    let browser = registry.buyer_browser(made["token"].as_str().unwrap());
    assert!(browser.get(OWN).expect(200).text().contains("acme/lib"));
    for (name, value) in browser.headers.borrow_mut().iter_mut() {
        if *name == "cf-connecting-ip" {
            *value = "198.51.100.1".to_owned();
        }
    }
    let page = browser.get(OWN).expect(200);
    assert!(
        page.one(".notice")
            .contains("not valid from your network address")
    );
    assert!(!page.text().contains("acme/lib"));
}

#[test]
fn its_pages_take_three_batches_and_write_nothing() {
    let registry = TestRegistry::shop();
    let evil = "<img src=x onerror=alert(1)>";
    let buyer = registry.buyer(&json!({"name": evil}));
    registry.grant(&buyer, &json!({}));
    let browser = registry.buyer_browser(&buyer.token);
    let before = registry.world.sqlite.changes();
    for path in [
        "/ui/customer",
        "/ui/customer?search=lib",
        "/ui/customer/packages/acme/lib",
        "/ui/customer/installs",
        "/ui/customer/rotate",
    ] {
        registry.world.forget_calls();
        let page = browser.ask("GET", path, &[], "").expect(200);
        let batches = registry.world.calls(Port::Db);
        assert!(batches <= 3, "{path}: {batches}");
        assert!(
            page.all("img").is_empty() && page.text().contains(evil),
            "{path}"
        );
    }
    assert_eq!(registry.world.sqlite.changes(), before);
    assert_eq!(registry.browser().get(OWN).path, "/ui/customer/sign-in");
}
