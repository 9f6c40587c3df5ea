//! What somebody sees first of an organisation.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::shop::report_installs;
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
        ["/ui/acme/packages/acme/lib"; 2]
    );
    assert!(
        page.one(".rows > li:first-child")
            .starts_with("acme/lib v1.1.0 by ")
    );
}

#[test]
fn installs_are_drawn_by_day() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    assert!(browser.get("/ui/acme").all(".chart").is_empty());
    let reader = registry.reader("acme/*");
    report_installs(
        &reader,
        "8.3",
        &[("acme/lib", "3.0.0.0"), ("acme/tool", "1.0.0.0")],
    );
    registry.run_jobs();
    registry.world.forget_calls();
    let page = browser.ask("GET", "/ui/acme", &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(page.all(".chart-hit").len(), 30);
    assert_eq!(page.all("tfoot td"), ["2"]);
    assert_eq!(page.all(".rows > li").len(), 7);
}

#[test]
fn what_needs_a_person_is_counted() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    let tiles = page.all(".tile-value");
    assert_eq!(
        (tiles.len(), tiles[0].as_str(), tiles[1].as_str()),
        (6, "1", "3")
    );
    assert!(tiles[2].ends_with('B') && tiles[2] != "0 B", "{tiles:?}");
    assert_eq!(tiles[3..], ["0", "0", "0"]);
    assert!(page.all(".table").is_empty());
    assert!(page.all(".tile .badge").is_empty());
    // What is well leads nowhere.
    assert_eq!(page.attributes(".tile a", "href"), ["/ui/acme/packages"]);
    registry.change("update jobs set state = 'failed'");
    registry.change("update git_repos set withheld_at = 1, withheld_reason = 'it is gone'");
    let page = browser.get("/ui/acme").expect(200);
    assert_eq!(page.all(".tile-value")[3..], ["1", "1", "0"]);
    assert_eq!(page.all(".tile .badge").len(), 2);
    assert_eq!(page.all("td[data-label=State]"), ["failed", "withheld"]);
    let to = "/ui/acme/jobs?state=needs-a-person";
    assert_eq!(
        page.attributes(".tile a", "href"),
        ["/ui/acme/packages", to, to]
    );
    assert_eq!(page.attributes("section p a", "href")[0], to);
    let jobs = browser.get(to).expect(200);
    assert_eq!(jobs.all("td[data-label=State]"), ["failed"]);
    assert!(jobs.text().contains("it is gone"));
    assert!(page.text().contains("it is gone"));
    assert_eq!(
        page.attributes("td[data-label=Package] a", "href"),
        ["/ui/acme/packages/acme/lib"; 2]
    );
    registry.change("update jobs set state = 'done'");
    registry.change("update git_repos set withheld_at = null, withheld_reason = null");
}

#[test]
fn who_manages_nothing_sees_what_there_is_to_install() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    let nobody = registry.member_browser("nobody@example.com", "member");
    let page = nobody.get("/ui/acme").expect(200);
    assert_eq!(page.one(".empty h2"), "There is no package for you yet");
    let member = super::reader(&registry, &json!({"packages": ["acme/*"]}));
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
