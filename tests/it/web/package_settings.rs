//! The settings of a package, and what cannot be undone.

use serde_json::json;

use super::{reader, token};
use crate::support::{PACKAGE, TestRegistry};

const LIB: &str = "/ui/acme/packages/acme/lib";
const SETTINGS: &str = "/ui/acme/packages/acme/lib/settings";

#[test]
fn settings_are_changed_and_what_was_typed_is_kept() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(page.one("#transient_branches"), "dependabot/* renovate/*");
    let typed = [
        ("transient_branches", "wip/*\n\n spike-* "),
        ("tag_prefixes", "lib-"),
        ("moved_tags", "follow"),
        ("abandoned", "for"),
        ("replacement", "no name"),
    ];
    let page = browser.submit(&page, SETTINGS, &typed).expect(422);
    assert!(page.one("#replacement-error").contains("no package name"));
    assert_eq!(page.attributes("#replacement", "value"), ["no name"]);
    assert_eq!(
        page.attributes("#moved_tags option[selected]", "value"),
        ["follow"]
    );
    assert!(page.one("#transient_branches").contains("spike-*"));
    let page = browser
        .submit(&page, SETTINGS, &[("replacement", "")])
        .expect(422);
    assert!(!page.one("#replacement-error").is_empty());
    let page = browser
        .submit(&page, SETTINGS, &[("replacement", "acme/new")])
        .expect(200);
    assert!(page.one("p[role=status]").starts_with("Saved"));
    assert_eq!(page.one("#transient_branches"), "wip/* spike-*");
    registry.run_jobs();
    let shown = registry.shown(PACKAGE);
    assert_eq!(
        shown["settings"],
        json!({"transient_branches": ["wip/*", "spike-*"], "tag_prefixes": ["lib-"], "moved_tags": "follow",
               "abandoned": "acme/new"})
    );
    // And back.
    let page = browser
        .submit(&page, SETTINGS, &[("abandoned", "")])
        .expect(200);
    assert_eq!(
        page.attributes("#abandoned option[selected]", "value"),
        [""]
    );
    registry.run_jobs();
    assert_eq!(registry.shown(PACKAGE)["abandoned"], json!(false));
    let told = registry.world.sqlite.texts(
        "select distinct actor_name from audit where request like 'PATCH %/packages/acme/lib'",
    );
    assert_eq!(told, ["Ada King"]);
}

#[test]
fn a_package_is_put_into_repositories_and_taken_out() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "second"}))
        .expect(201);
    let browser = registry.owner_browser();
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(
        page.attributes("input[name=repository][checked]", "value"),
        ["main"]
    );
    let action = format!("{SETTINGS}/repositories");
    let csrf = token(&browser);
    let ticked = [csrf.clone(), ("repository".to_owned(), "second".to_owned())];
    let page = browser.post(&action, &ticked);
    assert_eq!(page.location().as_deref(), Some(SETTINGS));
    registry.run_jobs();
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(
        page.attributes("input[name=repository][checked]", "value"),
        ["second"]
    );
    registry.reader("*").get("/p2/acme/lib.json").expect(404);
    browser.post(
        &action,
        &[csrf, ("repository".to_owned(), "main".to_owned())],
    );
    registry.run_jobs();
    assert!(!registry.versions(PACKAGE).is_empty());
}

#[test]
fn folders_of_a_project_are_changed_where_it_has_many_packages() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    assert!(browser.get(SETTINGS).all("#folders").is_empty());
    registry.change("update git_repos set folders = '[\"packages/*\"]'");
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(page.one("#folders"), "packages/*");
    let action = format!("{SETTINGS}/folders");
    let page = browser
        .submit(&page, &action, &[("folders", "../x")])
        .expect(422);
    assert!(!page.one("#folders-error").is_empty());
    assert_eq!(page.one("#folders"), "../x");
    let values = [("folders", "libs/*"), ("versions", "all")];
    let page = browser.submit(&page, &action, &values).expect(200);
    assert_eq!(page.one("#folders"), "libs/*");
    assert_eq!(
        page.attributes("#versions option[selected]", "value"),
        ["all"]
    );
    registry.change("update git_repos set folders = null");
    registry.run_jobs();
}

#[test]
fn a_version_is_deleted_when_its_name_was_typed_and_restored() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let action = format!("{LIB}/delete-version");
    let page = browser.get(&format!("{action}?version=v1.0.0")).expect(200);
    assert_eq!(page.heading(), "Delete acme/lib v1.0.0");
    let page = browser
        .submit(&page, &action, &[("confirm", "acme/lib")])
        .expect(422);
    assert_eq!(page.one("#confirm-error"), "Type acme/lib v1.0.0");
    let page = browser
        .submit(&page, &action, &[("confirm", "acme/lib v1.0.0")])
        .expect(200);
    assert_eq!(page.one("p[role=status]"), "v1.0.0 is deleted");
    registry.run_jobs();
    assert!(!registry.versions(PACKAGE).contains(&"v1.0.0".to_owned()));
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(page.all("td[data-label=Version]"), ["v1.0.0"]);
    registry.pass_time(1);
    let page = browser
        .submit(&page, &format!("{LIB}/restore"), &[])
        .expect(200);
    assert!(
        page.one("p[role=status]")
            .contains("may be published again")
    );
    assert!(page.all("td[data-label=Version]").is_empty());
    registry.run_jobs();
    assert!(registry.versions(PACKAGE).contains(&"v1.0.0".to_owned()));
}

#[test]
fn a_package_is_deleted_when_its_name_was_typed() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let action = format!("{LIB}/delete");
    let page = browser.get(&action).expect(200);
    let page = browser
        .submit(&page, &action, &[("confirm", "acme/other")])
        .expect(422);
    assert_eq!(page.attributes("#confirm", "value"), ["acme/other"]);
    let page = browser
        .submit(&page, &action, &[("confirm", "acme/lib")])
        .expect(200);
    assert_eq!(page.path, "/ui/acme/packages");
    assert_eq!(page.one("p[role=status]"), "acme/lib is deleted");
    browser.get(LIB).expect(404);
    registry.run_jobs();
    let told = registry
        .world
        .sqlite
        .texts("select actor_name from audit where action = 'package.deleted'");
    assert_eq!(told, ["Ada King"]);
}

#[test]
fn who_may_not_change_a_package_changes_nothing() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    let auditor = registry.member_browser("eve@example.com", "auditor");
    let page = auditor.get(SETTINGS).expect(200);
    assert!(page.all("main button").is_empty());
    let maintainer = registry.member_browser("mia@example.com", "maintainer");
    let page = maintainer.get(SETTINGS).expect(200);
    assert!(page.all("a.danger").is_empty());
    maintainer.get(&format!("{LIB}/delete")).expect(403);
    let member = reader(&registry, &json!({}));
    let before = registry.world.sqlite.texts("select max(id) from audit");
    for browser in [&auditor, &member] {
        let mut fields = vec![token(browser)];
        for (name, value) in [
            ("version", "v1.0.0"),
            ("confirm", "acme/lib"),
            ("abandoned", "yes"),
            ("action", "delete"),
            ("package", "acme/lib"),
            ("confirmed", "yes"),
        ] {
            fields.push((name.to_owned(), value.to_owned()));
        }
        for what in [
            "settings",
            "settings/repositories",
            "settings/folders",
            "delete",
            "delete-version",
            "restore",
        ] {
            let refused = browser.post(&format!("{LIB}/{what}"), &fields);
            assert_eq!(refused.status(), 403, "{what}: {}", refused.text());
        }
        assert_eq!(
            browser.post("/ui/acme/packages/bulk", &fields).status(),
            403
        );
    }
    assert_eq!(
        registry.world.sqlite.texts("select max(id) from audit"),
        before
    );
    registry.run_jobs();
    assert!(!registry.versions(PACKAGE).is_empty());
}
