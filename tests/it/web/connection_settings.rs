//! What can be set of a connection, by a browser.

use crate::support::TestRegistry;
use crate::support::browser::{Browser, Page};
use crate::support::git_server::GIT_SERVER;

/// The page of the one connection there is.
fn here(registry: &TestRegistry) -> String {
    let id = registry.world.sqlite.texts("select id from connections");
    format!("/ui/acme/connections/{}", id[0])
}

fn save(browser: &Browser<'_>, here: &str, values: &[(&str, &str)]) -> Page {
    let to = format!("{here}/settings");
    let page = browser.get(&to).expect(200);
    browser.submit(&page, &to, values)
}

/// A line of the facts of a connection's page.
fn fact(page: &Page, name: &str) -> String {
    let facts = page.all(".facts > div");
    let found = facts.iter().find_map(|fact| fact.strip_prefix(name));
    found
        .unwrap_or_else(|| panic!("no {name}: {facts:?}"))
        .trim()
        .to_owned()
}

#[test]
fn who_registers_webhooks_and_how_often_projects_are_compared_is_chosen() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let here = here(&registry);
    let page = browser.get(&here).expect(200);
    assert_eq!(fact(&page, "Webhooks"), "registered by themselves");
    assert_eq!(fact(&page, "Compared"), "every 6 hours");
    let values = [("hooks", "manual"), ("reconcile_hours", "24")];
    let page = save(&browser, &here, &values).expect(200);
    assert_eq!(
        (page.path.as_str(), page.one(".notice.good").as_str()),
        (here.as_str(), "Saved")
    );
    assert_eq!(fact(&page, "Webhooks"), "set up by hand");
    assert_eq!(fact(&page, "Compared"), "every 24 hours");
    let page = browser.get(&format!("{here}/settings")).expect(200);
    assert_eq!(page.attributes("#reconcile_hours", "value"), ["24"]);
    assert_eq!(page.attributes("option[selected]", "value"), ["manual"]);
    let values = [("hooks", "automatic"), ("reconcile_hours", "")];
    let page = save(&browser, &here, &values).expect(200);
    assert_eq!(fact(&page, "Webhooks"), "registered by themselves");
    assert_eq!(fact(&page, "Compared"), "every 6 hours");
    for wrong in ["0", "169", "-1", "soon", "1.5"] {
        let page = save(&browser, &here, &[("reconcile_hours", wrong)]).expect(422);
        assert!(
            page.one("#reconcile_hours-error").contains("from 1 to 168"),
            "{wrong}"
        );
        assert_eq!(page.attributes("#reconcile_hours", "value"), [wrong]);
    }
    let told =
        "select actor_kind || ' ' || actor_name from audit where action = 'connection.updated'";
    assert_eq!(registry.world.sqlite.texts(told), ["person Ada King"; 2]);
    registry.run_jobs();
}

#[test]
fn groups_are_typed_a_line_each() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let here = here(&registry);
    assert_ne!(registry.hook_places(), ["github orgs acme"]);
    let groups = |text: &str| save(&browser, &here, &[("groups", text)]);
    let page = groups(" acme -> main \r\n\r\n").expect(200);
    assert!(
        page.text().contains("acme: new projects are added to main"),
        "{}",
        page.text()
    );
    registry.run_jobs();
    assert_eq!(registry.hook_places(), ["github orgs acme"]);
    let page = browser.get(&format!("{here}/settings")).expect(200);
    assert_eq!(page.one("#groups"), "acme -> main");

    // What did not change is not asked of the host again, even while that refuses everything.
    let asked = registry.world.calls(crate::support::world::Port::Outbound);
    save(&browser, &here, &[("reconcile_hours", "12")]).expect(200);
    assert_eq!(
        registry.world.calls(crate::support::world::Port::Outbound),
        asked
    );

    for (typed, words) in [
        ("acme -> nowhere", "no repository of this organisation"),
        ("acme ->", "no repository of this organisation"),
        ("..", "the name of an organisation"),
        ("acme\nacme", "twice"),
    ] {
        let page = groups(typed).expect(422);
        assert!(
            page.one("#groups-error").contains(words),
            "{typed}: {}",
            page.text()
        );
        assert_eq!(page.one("#groups"), typed.replace('\n', " "));
    }
    let page = groups("").expect(200);
    assert!(!page.text().contains("Groups that tell"), "{}", page.text());
    registry.run_jobs();
    assert!(
        !registry
            .hook_places()
            .contains(&"github orgs acme".to_owned())
    );
}

#[test]
fn a_host_without_webhooks_is_only_asked_how_often() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let new = "/ui/acme/connections/new";
    let page = browser.get(&format!("{new}?provider=git")).expect(200);
    browser
        .submit(&page, new, &[("base_url", GIT_SERVER)])
        .expect(200);
    let here = here(&registry);
    let page = browser.get(&format!("{here}/settings")).expect(200);
    let to = format!("{here}/settings");
    let names: Vec<_> = page.fields(&to).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["csrf", "reconcile_hours"]);
    let page = browser
        .submit(&page, &to, &[("reconcile_hours", "1")])
        .expect(200);
    assert_eq!(fact(&page, "Compared"), "every hour");
    registry.run_jobs();
}
