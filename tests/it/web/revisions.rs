//! The history of a repository.

use serde_json::json;

use super::reader;
use crate::support::shop::upload_with;
use crate::support::world::Port;
use crate::support::{PACKAGE, TestRegistry};

const HISTORY: &str = "/ui/acme/repositories/main/revisions";

#[test]
fn revisions_tell_what_came_changed_and_went_and_who_caused_it() {
    let registry = TestRegistry::imported();
    registry.pass_time(60);
    upload_with(&registry, "acme/tool", "1.0.0", &json!({}), &[]);
    registry.pass_time(60);
    registry.push_tag("v1.2.0");
    registry.push(
        "refs/heads/main",
        &json!({"name": PACKAGE, "description": "Another"}),
    );
    registry.sync(PACKAGE);
    let browser = registry.owner_browser();
    let page = browser.get(HISTORY).expect(200);
    let numbers = page.all("td[data-label=Revision] a");
    assert_eq!(
        numbers.first().map(String::as_str),
        Some("3"),
        "{numbers:?}"
    );
    assert_eq!(page.all("td[data-label=Revision] .badge"), ["now"]);
    registry.world.forget_calls();
    let page = browser
        .ask("GET", &format!("{HISTORY}/3"), &[], "")
        .expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(page.all(".change h2"), ["acme/lib changed"]);
    let groups = page.all(".change > div");
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert!(
        groups[0].starts_with("Added v1.2.0 released by "),
        "{groups:?}"
    );
    assert!(groups[1].starts_with("Changed dev-main "), "{groups:?}");
    assert!(
        page.one(".facts").contains("acme/lib: by hand"),
        "{}",
        page.one(".facts")
    );
    let page = browser.get(&format!("{HISTORY}/2")).expect(200);
    assert_eq!(page.all(".change h2"), ["acme/tool new"]);
    assert!(
        page.one(".change li").contains("1.0.0 released by release"),
        "{}",
        page.one(".change li")
    );

    // Any two, in any direction.
    let compared = |from: i64, to: i64| {
        let page = browser
            .get(&format!("{HISTORY}/compare?from={from}&to={to}"))
            .expect(200);
        page.all(".change h2")
    };
    assert_eq!(compared(0, 3), ["acme/lib new", "acme/tool new"]);
    assert_eq!(compared(1, 3), ["acme/lib changed", "acme/tool new"]);
    assert_eq!(compared(3, 1), ["acme/lib changed", "acme/tool gone"]);
    assert_eq!(compared(2, 2), Vec::<String>::new());
    let form = browser.get(HISTORY);
    assert_eq!(form.attributes("#from", "value"), ["2"]);
    for wrong in ["compare", "compare?from=x&to=1", "compare?from=-1&to=1"] {
        browser.get(&format!("{HISTORY}/{wrong}")).expect(422);
    }
    for missing in ["9", "compare?from=1&to=9", "0", "9/packages", "x"] {
        browser.get(&format!("{HISTORY}/{missing}")).expect(404);
    }
    browser
        .get("/ui/acme/repositories/none/revisions")
        .expect(404);
}

#[test]
fn a_repository_is_shown_as_it_was() {
    let registry = TestRegistry::imported();
    registry.pass_time(60);
    upload_with(&registry, "acme/tool", "1.0.0", &json!({}), &[]);
    registry.pass_time(60);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    let browser = registry.owner_browser();
    let page = browser.get(&format!("{HISTORY}/1/packages")).expect(200);
    assert_eq!(page.all(".rows li"), ["acme/lib"]);
    assert_eq!(
        page.one(".code"),
        "composer config repositories.main composer https://packages.example.com/r/acme/main@1"
    );
    // What the command says is what Composer finds.
    let then = registry.reader("*").get("/r/acme/main@1/p2/acme/tool.json");
    assert_eq!(then.status(), 404);
    registry.world.forget_calls();
    let path = format!("{HISTORY}/1/packages/acme/lib");
    let page = browser.ask("GET", &path, &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(
        page.all("td[data-label=Version]"),
        ["v1.1.0", "v1.0.0", "dev-main"]
    );
    let page = browser
        .get(&format!("{HISTORY}/3/packages/acme/lib"))
        .expect(200);
    assert_eq!(page.all("td[data-label=Version]").len(), 4);
    browser
        .get(&format!("{HISTORY}/1/packages/acme/tool"))
        .expect(404);
}

#[test]
fn the_history_is_for_those_who_read_all_of_the_packages() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    assert!(
        browser
            .get("/ui/acme")
            .attributes("a", "href")
            .contains(&HISTORY.to_owned())
    );
    let member = reader(&registry, &json!({}));
    for below in [
        "",
        "/1",
        "/compare?from=0&to=1",
        "/1/packages",
        "/1/packages/acme/lib",
    ] {
        let refused = member.get(&format!("{HISTORY}{below}")).expect(403);
        assert!(!refused.text().contains("acme/lib"), "{below}");
    }
    let auditor = registry.member_browser("eve@example.com", "auditor");
    auditor.get(HISTORY).expect(200);
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    auditor
        .get("/ui/globex/repositories/main/revisions")
        .expect(404);
}

#[test]
fn a_long_history_and_a_large_difference_are_cut_into_pages() {
    let registry = TestRegistry::imported();
    registry.fill(120);
    let browser = registry.owner_browser();
    let latest = registry.head().0;
    let path = format!("{HISTORY}/compare?from=1&to={latest}");
    registry.world.forget_calls();
    let page = browser.ask("GET", &path, &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert!(page.text().contains("120 packages differ"));
    assert_eq!(page.all(".change").len(), 25);
    let mut path = page.attributes("a[rel=next]", "href").remove(0);
    for _ in 0..3 {
        path = browser
            .get(&path)
            .expect(200)
            .attributes("a[rel=next]", "href")
            .remove(0);
    }
    let last = browser.get(&path).expect(200);
    assert_eq!(last.all(".change").len(), 20);
    assert!(last.attributes("a[rel=next]", "href").is_empty());
    let page = browser
        .get(&format!("{HISTORY}/{latest}/packages"))
        .expect(200);
    assert_eq!(page.all(".rows li").len(), 100);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(browser.get(&next).expect(200).all(".rows li").len(), 21);
    let page = browser.get(&format!("{HISTORY}?limit=1")).expect(200);
    assert_eq!(page.all("tbody tr").len(), 1);
    assert_eq!(page.attributes("a[rel=next]", "href").len(), 1);
}

#[test]
fn a_repository_in_which_nothing_was_published_says_so() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get(HISTORY).expect(200);
    assert_eq!(page.one(".empty h2"), "Nothing was published yet");
}

#[test]
fn a_repository_is_rolled_back_when_its_name_was_typed() {
    let registry = TestRegistry::imported();
    registry.pass_time(60);
    upload_with(&registry, "acme/tool", "1.0.0", &json!({}), &[]);
    registry.pass_time(60);
    registry.push_tag("v1.2.0");
    registry.sync(PACKAGE);
    assert_eq!(registry.head().0, 3);
    let client = registry.reader("*");
    let document = |path: &str| client.get(path).expect(200);
    let first = document("/r/acme/main@1/p2/acme/lib.json").bytes();
    assert_ne!(document("/p2/acme/lib.json").bytes(), first);
    let changed_at = |path: &str| document(path).header("last-modified").map(str::to_owned);
    let before = changed_at("/p2/acme/lib.json");

    let browser = registry.owner_browser();
    let page = browser.get(&format!("{HISTORY}/1/packages")).expect(200);
    let action = page.attributes("a.danger", "href").remove(0);
    registry.pass_time(60);
    let page = browser.get(&action).expect(200);
    let page = browser
        .submit(&page, &action, &[("confirm", "second")])
        .expect(422);
    assert_eq!(page.one("#confirm-error"), "Type main");
    assert_eq!(registry.head().0, 3);
    let page = browser
        .submit(&page, &action, &[("confirm", "main")])
        .expect(200);
    assert_eq!(
        page.one("p[role=status]"),
        "Revision 4 holds what revision 1 held"
    );
    registry.pass_time(10);

    // Composer gets what there was then, and is told that it changed.
    assert_eq!(document("/p2/acme/lib.json").bytes(), first);
    assert_ne!(changed_at("/p2/acme/lib.json"), before);
    client.get("/p2/acme/tool.json").expect(404);
    let page = browser
        .get(&format!("{HISTORY}/compare?from=1&to=4"))
        .expect(200);
    assert_eq!(page.one(".empty h2"), "No package differs");
    let told = registry.world.sqlite.texts(
        "select actor_name || ' ' || after_json from audit where action = 'repository.rolled_back'",
    );
    assert_eq!(told, [r#"Ada King {"revision":4,"rolled_back_to":1}"#]);

    // And forward again; a release brings its package back by itself.
    registry.push_tag("v1.3.0");
    registry.sync(PACKAGE);
    let versions = registry.versions(PACKAGE);
    assert!(versions.contains(&"v1.2.0".to_owned()) && versions.contains(&"v1.3.0".to_owned()));
    let rollback = "/api/v1/orgs/acme/repositories/main/rollback";
    let asked = json!({"revision": 3, "confirm": "main"});
    let done = registry.admin().post(rollback, &asked).expect(200).json();
    assert_eq!(done, json!({"revision": 6, "kept": []}));
    registry.pass_time(10);
    client.get("/p2/acme/tool.json").expect(200);
    // Nobody else may, and what is not there is refused.
    for (revision, confirm, status) in [(9, "main", 422), (1, "x", 422), (6, "main", 409)] {
        let asked = json!({"revision": revision, "confirm": confirm});
        registry.admin().post(rollback, &asked).expect(status);
    }
    let auditor = registry.member_browser("eve@example.com", "auditor");
    auditor.get(&action).expect(403);
    assert!(
        auditor
            .get(&format!("{HISTORY}/1/packages"))
            .all("a.danger")
            .is_empty()
    );
    let fields = [
        super::token(&auditor),
        ("confirm".to_owned(), "main".to_owned()),
    ];
    assert_eq!(auditor.post(&action, &fields).status(), 403);
}

#[test]
fn what_cannot_be_installed_any_more_does_not_come_back() {
    let registry = TestRegistry::new();
    for (name, version) in [
        ("acme/gone", "1.0.0"),
        ("acme/lib", "1.0.0"),
        ("acme/out", "1.0.0"),
        ("acme/tool", "1.0.0"),
        ("acme/yanked", "1.0.0"),
    ] {
        upload_with(&registry, name, version, &json!({}), &[]);
        registry.pass_time(10);
    }
    let then = registry.head().0;
    upload_with(&registry, "acme/lib", "2.0.0", &json!({}), &[]);
    upload_with(&registry, "acme/tool", "2.0.0", &json!({}), &[]);
    let admin = registry.admin();
    let delete = |path: &str, body: serde_json::Value, status: u16| {
        let path = format!("/api/v1/orgs/acme/{path}");
        admin
            .send("DELETE", &path, &[], body.to_string().into())
            .expect(status);
        registry.run_jobs();
    };
    delete("packages/acme/gone", json!({"confirm": "acme/gone"}), 204);
    delete("repositories/main/packages/acme/out", json!({}), 200);
    delete(
        "packages/acme/lib/versions/1.0.0",
        json!({"confirm": "acme/lib 1.0.0"}),
        204,
    );
    let yank = "/api/v1/orgs/acme/packages/acme/yanked/versions/1.0.0/yank";
    admin.post(yank, &json!({})).expect(200);
    registry.run_jobs();
    let asked = json!({"revision": then, "confirm": "main"});
    let done = admin
        .post("/api/v1/orgs/acme/repositories/main/rollback", &asked)
        .expect(200);
    assert_eq!(
        done.json()["kept"],
        json!(["acme/gone", "acme/lib", "acme/out", "acme/yanked"])
    );
    registry.pass_time(10);
    assert_eq!(registry.versions("acme/lib"), ["2.0.0"]);
    assert_eq!(registry.versions("acme/tool"), ["1.0.0"]);
    let client = registry.reader("*");
    for gone in ["gone", "out", "yanked"] {
        client.get(&format!("/p2/acme/{gone}.json")).expect(404);
    }
}
