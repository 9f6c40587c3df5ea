//! What somebody sees first of an organisation.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::world::Port;

#[test]
fn the_way_to_the_first_installation_is_led_to_until_it_is_gone() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    let told = "2 of 5 steps are done. Next: Make a token";
    assert!(page.text().contains(told), "{}", page.text());
    assert_eq!(
        page.attributes("progress", "value"),
        ["2"],
        "{}",
        page.text()
    );
    let first = page.attributes(".card a.main-action", "href").remove(0);
    assert_eq!(first, "/ui/acme/start");
    browser.get(&first).expect(200);
    drop(registry.reader("*"));
    registry
        .change("update tokens set last_used_client = 'Composer/2.8' where organisation_id = 1");
    registry.change("insert into downloads (package_id, version, day, count) values (1, '1.0.0.0', '2026-11-21', 1)");
    let page = browser.get("/ui/acme").expect(200);
    assert!(!page.text().contains("steps are done"), "{}", page.text());
    assert_eq!(
        page.attributes(".rows a", "href"),
        ["/ui/acme/packages/acme/lib"]
    );
}

#[test]
fn what_needs_a_person_is_counted() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    assert_eq!(page.all(".tile-value"), ["1", "0", "0", "0"]);
    assert!(page.all(".tile .badge").is_empty());
    registry.change("update jobs set state = 'failed'");
    registry.change("update git_repos set withheld_at = 1, withheld_reason = 'it is gone'");
    let page = browser.get("/ui/acme").expect(200);
    assert_eq!(page.all(".tile-value"), ["1", "1", "1", "0"]);
    assert_eq!(page.all(".tile .badge").len(), 2);
    registry.change("update jobs set state = 'done'");
    registry.change("update git_repos set withheld_at = null, withheld_reason = null");
}

#[test]
fn who_manages_nothing_sees_what_there_is_to_install() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    let member = registry.member_browser("bob@example.com", "member");
    let page = member.get("/ui/acme").expect(200);
    assert_eq!(page.one(".empty h2"), "There is no package for you yet");
    let team = registry.make("teams", &json!({"name": "Core"}));
    let bob = registry
        .world
        .sqlite
        .texts("select id from accounts where email = 'bob@example.com'")
        .remove(0);
    let path = format!("/api/v1/orgs/acme/teams/{team}/members/{bob}");
    registry
        .admin()
        .send("PUT", &path, &[], Vec::new())
        .expect(204);
    registry.make(
        "grants",
        &json!({"subject": {"team": team}, "packages": ["acme/*"]}),
    );
    registry.world.forget_calls();
    let page = member.ask("GET", "/ui/acme", &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(page.all("td[data-label=Name]"), ["acme/lib", "acme/tool"]);
    assert!(page.all(".tiles, .steps").is_empty());
    assert!(!page.text().contains("other/secret"));
    let auditor = registry.member_browser("eve@example.com", "auditor");
    let page = auditor.get("/ui/acme").expect(200);
    assert_eq!(page.all(".tile-value")[0], "3");
}
