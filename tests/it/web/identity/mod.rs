//! Signing in by providers, there and back.

mod faults;
mod linking;
mod oauth;
mod oidc;
mod rules;
mod settings;

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::browser::{Browser, PASSWORD, Page};
use crate::support::identity::{CLIENT, ISSUER, SECRET};

pub(crate) const PROVIDERS: &str = "/api/v1/orgs/acme/identity-providers";
pub(crate) const OWN: &str = "/api/v1/identity-providers";
pub(crate) const RULES: &str = "/api/v1/orgs/acme/sign-in-rules";
pub(crate) const ACME: &str = "/ui/sign-in?organisation=acme";

/// What an issuer says of Ada.
pub(crate) fn ada() -> Value {
    json!({"sub": "ada-1", "email": "ada@acme.example", "email_verified": true, "name": "Ada King"})
}

pub(crate) fn set_up(registry: &TestRegistry, path: &str, mut asked: Value) {
    asked["client_id"] = json!(CLIENT);
    asked["client_secret"] = json!(SECRET);
    registry.admin().post(path, &asked).expect(201);
}

pub(crate) fn set_rules(registry: &TestRegistry, rules: &Value) {
    registry.admin().patch(RULES, rules).expect(200);
}

/// With an issuer of `acme`'s own, at which Ada is, and registration open for her domain.
pub(crate) fn with_issuer() -> TestRegistry {
    let registry = TestRegistry::new();
    add_issuer(&registry);
    registry
}

pub(crate) fn add_issuer(registry: &TestRegistry) {
    registry
        .world
        .identity
        .borrow_mut()
        .add_issuer(ISSUER, ada());
    let asked = json!({"kind": "oidc", "slug": "okta", "name": "Acme ID", "base_url": ISSUER});
    set_up(registry, PROVIDERS, asked);
    let open = json!({"registration": "open", "domains": ["acme.example"]});
    set_rules(registry, &open);
}

/// Presses the first button of a sign-in page, and gives where the provider is.
#[track_caller]
pub(crate) fn leave(browser: &Browser<'_>, page: &str) -> String {
    let page = browser.get(page).expect(200);
    let action = page
        .attributes("form[action^='/ui/sign-in/with/']", "action")
        .remove(0);
    let onward = browser.submit(&page, &action, &[]).expect(200);
    onward_of(&onward)
}

/// Where the page leads that says that somebody is led on.
#[track_caller]
pub(crate) fn onward_of(page: &Page) -> String {
    let url = page.attributes("a#onward", "href").remove(0);
    let refresh = page.attributes("meta[http-equiv=refresh]", "content");
    assert_eq!(refresh, [format!("0;url={url}")]);
    url
}

/// There and back, by the first button.
#[track_caller]
pub(crate) fn walk(registry: &TestRegistry, browser: &Browser<'_>, page: &str) -> Page {
    let url = leave(browser, page);
    let back = registry.world.identity.borrow_mut().agree(&url);
    browser.get(&back)
}

/// Lines of the audit log about refused sign-ins: their reasons, the last one first.
pub(crate) fn reasons(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select json_extract(after_json, '$.reason') from audit where action = 'sign_in.refused' order by id desc",
    )
}

pub(crate) fn count(registry: &TestRegistry, sql: &'static str) -> i64 {
    registry.world.sqlite.texts(sql)[0].parse().unwrap()
}

/// Confirms and unlinks by GitHub of the instance, so that each of those forms was sent once.
pub(crate) fn walk_to_the_end(registry: &TestRegistry, owner: &Browser<'_>) {
    let email = "carol@example.com";
    drop(registry.member_browser(email, "member"));
    registry
        .world
        .identity
        .borrow_mut()
        .add_github("https://github.com", 77, email, true);
    registry.change("update identity_providers set client_id = 'repertoire client'");
    let browser = registry.browser();
    let url = leave(&browser, "/ui/sign-in");
    // The secret that was typed is not the one that GitHub has.
    let path = "/ui/instance/sign-in/providers/github";
    let page = owner.get(path).expect(200);
    owner
        .submit(&page, path, &[("client_secret", SECRET)])
        .expect(200);
    let back = registry.world.identity.borrow_mut().agree(&url);
    let page = browser.get(&back).expect(200);
    assert_eq!(page.path, "/ui/sign-in/confirm");
    browser
        .submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)])
        .expect(200);
    let page = browser.get("/ui/account/identities").expect(200);
    let action = page
        .attributes("form[action$='/unlink']", "action")
        .remove(0);
    browser.submit(&page, &action, &[]).expect(200);
}
