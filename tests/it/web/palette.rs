//! What the command palette asks for, and the field that does without it.

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::browser::{Browser, asset};
use crate::support::world::Port;

fn names(browser: &Browser<'_>, typed: &str) -> Vec<String> {
    let path = format!("/ui/acme/find?search={typed}");
    let answer = browser.ask("GET", &path, &[], "").expect(200);
    assert_eq!(
        answer.answer.header("content-type"),
        Some("application/json")
    );
    assert_eq!(
        answer.answer.header("cache-control"),
        Some("private, no-store")
    );
    let found: Value = serde_json::from_str(&answer.html).unwrap();
    let packages = found["packages"].as_array().unwrap();
    for one in packages {
        browser.get(one["href"].as_str().unwrap()).expect(200);
    }
    let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
    packages.iter().map(name).collect()
}

#[test]
fn packages_are_found_by_who_may_see_them_and_by_nobody_else() {
    let registry = TestRegistry::shop();
    let owner = registry.owner_browser();
    assert_eq!(names(&owner, "acme"), ["acme/lib", "acme/tool"]);
    assert_eq!(names(&owner, "secr"), ["other/secret"]);
    assert!(names(&owner, "").is_empty() && names(&owner, "%25").is_empty());
    let member = registry.member_browser("bob@example.com", "member");
    assert!(names(&member, "acme").is_empty());
    let team = registry.make("teams", &json!({"name": "Core"}));
    let bob = registry
        .world
        .sqlite
        .texts("select id from accounts where email = 'bob@example.com'");
    let path = format!("/api/v1/orgs/acme/teams/{team}/members/{}", bob[0]);
    registry
        .admin()
        .send("PUT", &path, &[], Vec::new())
        .expect(204);
    registry.make(
        "grants",
        &json!({"subject": {"team": team}, "packages": ["acme/lib"]}),
    );
    assert_eq!(names(&member, "acme"), ["acme/lib"]);
    assert!(names(&member, "secret").is_empty());
    for browser in [&owner, &member] {
        registry.world.forget_calls();
        browser
            .ask("GET", "/ui/acme/find?search=acme", &[], "")
            .expect(200);
        assert!(
            registry.world.calls(Port::Db) <= 3,
            "{}",
            registry.world.calls(Port::Db)
        );
    }
    let stranger = registry.browser();
    assert_eq!(
        stranger
            .ask("GET", "/ui/acme/find?search=acme", &[], "")
            .status(),
        303
    );
}

#[test]
fn without_a_script_the_field_leads_to_the_list() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme/tokens").expect(200);
    assert_eq!(
        page.attributes("form[role=search]", "action"),
        ["/ui/acme/packages"]
    );
    assert_eq!(
        page.attributes("form[role=search] input", "name"),
        ["search"]
    );
    let page = browser.get("/ui/acme/packages?search=tool").expect(200);
    assert_eq!(page.all("td[data-label=Name]"), ["acme/tool"]);
    // The script is of this page, and small.
    let scripts = page.attributes("script[type=module]", "src");
    let palette = scripts.iter().find(|src| src.contains("palette")).unwrap();
    let script = asset(palette.strip_prefix("/assets/").unwrap());
    assert!(script.len() < 8_000, "{}", script.len());
    let text = String::from_utf8(script).unwrap();
    assert!(!text.contains("innerHTML") && !text.contains("eval("));
}
