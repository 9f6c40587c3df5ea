//! The audit log, as people look at it and take it along.

use serde_json::json;

use crate::support::TestRegistry;

const LOG: &str = "/ui/acme/audit";

#[test]
fn a_line_says_who_did_what_and_what_it_was_before() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let changed = registry.admin().patch(
        "/api/v1/orgs/acme/repositories/main",
        &json!({"description": "Ours & <b>"}),
    );
    changed.expect(200);
    let page = browser.get(LOG).expect(200);
    let first = |what: &str| page.all(&format!("td[data-label={what}]")).remove(0);
    assert_eq!(first("Who"), "first administrator token");
    assert_eq!(first("What"), "repository.updated");
    assert_eq!(first("About"), "main repository");
    let details = first("Details");
    assert!(details.contains("description none Ours & <b>"), "{details}");
    assert!(details.contains("PATCH /api/v1/orgs/acme/repositories/main"));
    assert!(page.all("td b").is_empty());
    // All lines about that thing.
    let link = page.attributes("td[data-label=About] a", "href").remove(0);
    let page = browser.get(&link).expect(200);
    let actions = page.all("td[data-label=What]");
    assert_eq!(actions, ["repository.updated", "repository.created"]);
}

#[test]
fn the_log_is_filtered_and_goes_on_where_it_ended() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    for name in ["a", "b", "c"] {
        registry.make("tokens", &json!({"name": name, "access": "read"}));
    }
    let rows = |query: &str| {
        let page = browser.get(&format!("{LOG}?{query}")).expect(200);
        page.all("td[data-label=About]")
    };
    assert_eq!(rows("action=token").len(), 3);
    assert_eq!(rows("action=token&subject=b"), ["b token"]);
    assert_eq!(rows("action=token&actor=first+administrator").len(), 3);
    assert!(rows("action=token&actor=job").is_empty());
    assert_eq!(
        rows("action=token&since=2026-11-21&until=2026-11-21").len(),
        3
    );
    assert!(rows("until=2020-01-01").is_empty());
    let page = browser.get(&format!("{LOG}?action=nothing")).expect(200);
    assert_eq!(page.one(".empty h2"), "Nothing fits");
    assert_eq!(page.attributes("#action", "value"), ["nothing"]);
    let page = browser.get(&format!("{LOG}?since=yesterday")).expect(422);
    assert!(page.one("[role=alert]").contains("must be a day or a time"));
    let page = browser
        .get(&format!("{LOG}?action=token&limit=2"))
        .expect(200);
    let next = page.attributes("[rel=next]", "href").remove(0);
    let page = browser.get(&next).expect(200);
    assert_eq!(page.all("td[data-label=About]"), ["a token"]);
    assert_eq!(
        page.attributes("[rel=first]", "href"),
        [format!("{LOG}?action=token")]
    );
}

#[test]
fn it_is_taken_along_as_a_file_in_which_nothing_is_a_formula() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    registry.make("tokens", &json!({"name": "=1+1", "access": "read"}));
    let page = browser.get(&format!("{LOG}?action=token")).expect(200);
    let [csv, lines] = page.attributes(".actions a", "href").try_into().unwrap();
    let file = browser.ask("GET", &csv, &[], "").expect(200);
    let header = |name: &str| file.answer.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"audit.csv\""
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(file.html.contains(r#""'=1+1""#), "{}", file.html);
    assert_eq!(file.html.lines().count(), 2);
    let file = browser.ask("GET", &lines, &[], "").expect(200);
    let line: serde_json::Value = serde_json::from_str(file.html.trim()).unwrap();
    assert_eq!(line["subject"]["name"], "=1+1");
}

#[test]
fn who_may_not_read_it_is_told_so() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    for role in ["member", "maintainer"] {
        let browser = registry.member_browser(&format!("{role}@example.com"), role);
        for path in [LOG.to_owned(), format!("{LOG}/export?format=csv")] {
            let page = browser.get(&path).expect(403);
            assert_eq!(page.heading(), "You may not do that");
        }
        assert!(
            !browser
                .get("/ui/acme")
                .all(".nav a")
                .contains(&"Audit log".to_owned())
        );
    }
    let auditor = registry.member_browser("eve@example.com", "auditor");
    auditor.get(LOG).expect(200);
    let nobody = registry
        .browser()
        .ask("GET", &format!("{LOG}/export"), &[], "");
    assert_eq!(nobody.status(), 303);
}

#[test]
fn the_longest_page_of_a_list_is_light() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    for number in 0..101 {
        let name = format!("token number {number} of a long list");
        let asked =
            json!({"name": name, "access": "read", "packages": [format!("acme/p{number}")]});
        registry.make("tokens", &asked);
    }
    let before = registry.world.sqlite.changes();
    for path in [LOG, "/ui/acme/tokens"] {
        let page = browser.ask("GET", path, &[], "").expect(200);
        assert_eq!(page.all("tbody tr").len(), 100);
        // Style and scripts weigh another 15 kB.
        let bytes = miniz_oxide::deflate::compress_to_vec(page.html.as_bytes(), 6).len();
        assert!(bytes <= 45_000, "{path}: {bytes}");
    }
    assert_eq!(registry.world.sqlite.changes(), before);
}
