//! The list of packages for those who manage them: filters, orders, and many at once.

use serde_json::json;

use super::{reader, token};
use crate::support::browser::{Browser, Page};
use crate::support::shop::{report_installs, upload_with};
use crate::support::world::Port;
use crate::support::{PACKAGE, TestRegistry};

const LIST: &str = "/ui/acme/packages";
const BULK: &str = "/ui/acme/packages/bulk";

fn names(page: &Page) -> Vec<String> {
    page.all("tbody td[data-label=Name]")
}

/// `acme/lib` from GitHub, and two uploads of other kinds.
fn mixed() -> TestRegistry {
    let registry = TestRegistry::imported();
    registry.pass_time(10);
    let plugin = json!({"type": "composer-plugin"});
    upload_with(&registry, "acme/plugin", "1.0.0", &plugin, &[]);
    registry.pass_time(10);
    upload_with(&registry, "other/theme", "1.0.0", &json!({}), &[]);
    registry
}

#[test]
fn packages_are_filtered_by_what_they_are_and_how_they_do() {
    let registry = mixed();
    let browser = registry.owner_browser();
    let list = |query: &str| names(&browser.get(&format!("{LIST}?{query}")).expect(200));
    assert_eq!(list("type=composer-plugin"), ["acme/plugin"]);
    assert_eq!(list("vendor=acme"), ["acme/lib", "acme/plugin"]);
    assert_eq!(list("vendor=ACME&source=upload"), ["acme/plugin"]);
    assert_eq!(list("source=github"), ["acme/lib"]);
    assert_eq!(list("source=gitlab"), Vec::<String>::new());
    assert_eq!(list("health=good").len(), 3);
    registry.change("update jobs set state = 'failed'");
    assert_eq!(list("health=failed"), ["acme/lib"]);
    assert_eq!(list("health=good"), ["acme/plugin", "other/theme"]);
    let page = browser.get(LIST).expect(200);
    assert_eq!(
        page.all("td[data-label=State]"),
        ["sync failed", "in use", "in use"]
    );
    registry.change("update git_repos set withheld_at = 1, withheld_reason = 'gone'");
    assert_eq!(list("health=withheld"), ["acme/lib"]);
    registry.change("update git_repos set withheld_at = null, withheld_reason = null");
    registry.change("update jobs set state = 'done'");
    registry.change("update packages set abandoned = 'true' where name = 'other/theme'");
    assert_eq!(list("health=abandoned"), ["other/theme"]);
    registry.change("update packages set abandoned = null");
    assert_eq!(list("health=empty"), Vec::<String>::new());
    let page = browser
        .get(&format!("{LIST}?health=%3Cb%3E&vendor=%22x"))
        .expect(200);
    assert_eq!(page.one(".empty h2"), "No package fits");
    assert_eq!(page.attributes("#vendor", "value"), ["\"x"]);
}

#[test]
fn packages_are_sorted_and_the_pages_follow_the_order() {
    let registry = mixed();
    report_installs(
        &registry.reader("*"),
        "8.3",
        &[(PACKAGE, "1.0.0.0"), (PACKAGE, "1.1.0.0")],
    );
    report_installs(&registry.reader("*"), "8.3", &[("other/theme", "1.0.0.0")]);
    registry.run_jobs();
    let browser = registry.owner_browser();
    let page = browser.get(&format!("{LIST}?sort=installs")).expect(200);
    assert_eq!(names(&page), ["acme/lib", "other/theme", "acme/plugin"]);
    assert_eq!(page.all("td[data-label=Installs]"), ["2", "1", "0"]);
    let page = browser.get(&format!("{LIST}?sort=released")).expect(200);
    assert_eq!(names(&page), ["other/theme", "acme/plugin", "acme/lib"]);
    // One by one, to the end.
    let mut path = format!("{LIST}?sort=released&limit=1");
    let mut all = Vec::new();
    for _ in 0..3 {
        let page = browser.get(&path).expect(200);
        all.extend(names(&page));
        let next = page.attributes("a[rel=next]", "href");
        path = next
            .first()
            .map(|next| format!("{next}&limit=1"))
            .unwrap_or_default();
    }
    assert_eq!(
        (all, path.as_str()),
        (
            ["other/theme", "acme/plugin", "acme/lib"]
                .map(str::to_owned)
                .to_vec(),
            ""
        )
    );
}

#[test]
fn five_thousand_packages_take_three_batches_and_little_room_in_any_order() {
    let registry = TestRegistry::imported();
    registry.fill(5_000);
    let browser = registry.owner_browser();
    for query in [
        "",
        "?sort=released",
        "?sort=installs",
        "?health=good&source=upload",
        "?vendor=bulk&sort=released",
    ] {
        registry.world.forget_calls();
        let page = browser
            .ask("GET", &format!("{LIST}{query}"), &[], "")
            .expect(200);
        assert!(registry.world.calls(Port::Db) <= 3, "{query}");
        assert_eq!(names(&page).len(), 100, "{query}");
        let packed = miniz_oxide::deflate::compress_to_vec(page.html.as_bytes(), 6).len();
        assert!(packed < 30_000, "{query}: {packed}");
    }
}

fn send(browser: &Browser<'_>, action: &str, packages: &[&str]) -> Page {
    let mut fields = vec![token(browser), ("action".to_owned(), action.to_owned())];
    fields.extend(
        packages
            .iter()
            .map(|name| ("package".to_owned(), (*name).to_owned())),
    );
    browser.post(BULK, &fields)
}

#[test]
fn many_packages_are_asked_for_twice_and_each_says_what_happened() {
    let registry = mixed();
    let browser = registry.owner_browser();
    let form = browser.get(LIST).expect(200);
    assert_eq!(form.attributes("input[name=package]", "value").len(), 3);
    let asked = send(
        &browser,
        "sync",
        &["acme/lib", "other/theme", "acme/nothing", "<b>"],
    )
    .expect(200);
    assert_eq!(asked.heading(), "Sync packages");
    assert_eq!(
        asked.all(".rows li"),
        ["acme/lib", "acme/nothing", "other/theme"]
    );
    let before = registry
        .world
        .sqlite
        .texts("select count(*) from jobs where state = 'queued'");
    assert_eq!(before, ["0"]);
    registry.pass_time(1);
    let done = browser.submit(&asked, BULK, &[]).expect(200);
    let said = done.all(".rows li");
    assert!(said[0].contains("done is being compared"), "{said:?}");
    assert!(
        said[1].contains("not done There is no such package"),
        "{said:?}"
    );
    assert!(
        said[2].contains("not done") && said[2].contains("uploaded"),
        "{said:?}"
    );
    registry.run_jobs();

    let asked = send(&browser, "abandon", &["acme/lib", "other/theme"]).expect(200);
    browser.submit(&asked, BULK, &[]).expect(200);
    registry.run_jobs();
    assert_eq!(registry.shown(PACKAGE)["abandoned"], json!(true));
    let asked = send(&browser, "use-again", &["acme/lib"]).expect(200);
    browser.submit(&asked, BULK, &[]).expect(200);
    registry.run_jobs();
    assert_eq!(registry.shown(PACKAGE)["abandoned"], json!(false));
    assert_eq!(registry.shown("other/theme")["abandoned"], json!(true));

    let asked = send(&browser, "delete", &["acme/plugin", "other/theme"]).expect(200);
    let wrong = browser
        .submit(&asked, BULK, &[("confirm", "yes")])
        .expect(422);
    assert_eq!(wrong.one("#confirm-error"), "Type delete 2");
    browser
        .submit(&wrong, BULK, &[("confirm", "delete 2")])
        .expect(200);
    registry.run_jobs();
    assert_eq!(names(&browser.get(LIST)), ["acme/lib"]);
    let told = registry
        .world
        .sqlite
        .texts("select actor_name || ' ' || count(*) from audit where action = 'package.deleted' group by actor_name");
    assert_eq!(told, ["Ada King 2"]);
}

#[test]
fn what_cannot_be_done_to_many_says_why() {
    let registry = mixed();
    let browser = registry.owner_browser();
    let said = |page: &Page| {
        assert_eq!(page.location().as_deref(), Some(LIST));
        browser.get(LIST).one("p[role=status]")
    };
    assert!(said(&send(&browser, "sync", &[])).contains("tick the boxes"));
    assert!(said(&send(&browser, "eat", &["acme/lib"])).contains("Choose what to do"));
    let many: Vec<_> = (0..26).map(|number| format!("acme/p{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(said(&send(&browser, "sync", &many)).contains("at most 25"));
    // Deleting is for owners; who does not manage packages has no boxes.
    let maintainer = registry.member_browser("mia@example.com", "maintainer");
    assert_eq!(maintainer.get(LIST).all("button[value=delete]").len(), 0);
    send(&maintainer, "delete", &["acme/lib"]).expect(403);
    let auditor = registry.member_browser("eve@example.com", "auditor");
    assert!(auditor.get(LIST).all("input[name=package]").is_empty());
    let member = reader(&registry, &json!({}));
    let page = member.get(LIST).expect(200);
    assert!(
        page.all("input[name=package], #vendor, td[data-label=Installs]")
            .is_empty()
    );
    send(&member, "sync", &["acme/lib"]).expect(403);
}
