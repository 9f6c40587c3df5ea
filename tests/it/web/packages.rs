//! The pages of packages: what who sees, and what is done there.

use serde_json::json;

use super::{reader, token};
use crate::support::browser::Page;
use crate::support::world::Port;
use crate::support::{PACKAGE, TestRegistry};

const LIST: &str = "/ui/acme/packages";
const LIB: &str = "/ui/acme/packages/acme/lib";

fn names(page: &Page) -> Vec<String> {
    page.all("tbody td[data-label=Name]")
}

/// The version numbers of a package's page, in their order.
fn versions(page: &Page) -> Vec<String> {
    page.all("details.details summary .mono")
}

/// An organisation of which nobody here is a member.
fn make_globex(registry: &TestRegistry) {
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
}

#[test]
fn packages_are_searched_filtered_and_cut_into_pages() {
    let registry = TestRegistry::imported();
    registry.fill(150);
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    let first = names(&page);
    assert_eq!((first.len(), first[0].as_str()), (100, PACKAGE));
    let next = page.attributes("a[rel=next]", "href").remove(0);
    let page = browser.get(&next).expect(200);
    assert_eq!(names(&page).len(), 51);
    assert!(page.attributes("a[rel=next]", "href").is_empty());
    assert_eq!(page.attributes("a[rel=first]", "href"), [LIST]);

    let page = browser.get(&format!("{LIST}?search=library")).expect(200);
    assert_eq!(names(&page), [PACKAGE]);
    assert_eq!(page.attributes("#search", "value"), ["library"]);
    assert_eq!(page.one("td[data-label=Description]"), "A library");
    assert_eq!(page.one("td[data-label=Versions]"), "3");
    let page = browser.get(&format!("{LIST}?filter=bulk/*")).expect(200);
    assert_eq!(names(&page).len(), 100);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(names(&browser.get(&next).expect(200)).len(), 50);
    let page = browser
        .get(&format!("{LIST}?repository=nowhere"))
        .expect(200);
    assert_eq!(page.one(".empty h2"), "No package fits");
    let page = browser.get(&format!("{LIST}?search=%3F%3F")).expect(200);
    assert_eq!(page.one(".empty h2"), "No package fits");
}

#[test]
fn a_pattern_that_fits_no_name_is_told_beside_its_field() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser
        .get(&format!("{LIST}?filter=%3Cb%3E!&search=x"))
        .expect(422);
    assert!(page.one("#filter-error").contains("acme/*"));
    assert_eq!(page.attributes("#filter", "value"), ["<b>!"]);
    assert_eq!(page.attributes("#search", "value"), ["x"]);
    browser.get(&format!("{LIST}?cursor=!")).expect(422);
}

#[test]
fn an_organisation_without_packages_says_how_the_first_one_comes() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no package yet");
    let upload = page.one(".empty .code");
    assert!(upload.contains("https://packages.example.com/r/acme/main/upload/acme/tools/1.2.0"));
    let to = page.attributes(".empty a.main-action", "href").remove(0);
    let connections = browser.ask("GET", &to, &[], "").expect(200);
    assert_eq!(connections.heading(), "Connections");
    let nobody = registry.member_browser("bob@example.com", "member");
    let page = nobody.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no package for you yet");
    assert!(page.all(".empty .code").is_empty());
}

#[test]
fn five_thousand_packages_take_three_batches_however_they_are_asked_for() {
    let registry = TestRegistry::imported();
    registry.fill(5_000);
    let owner = registry.owner_browser();
    let member = reader(&registry, &json!({}));
    for browser in [&owner, &member] {
        for query in [
            "",
            "?search=library",
            "?filter=bulk/p4*",
            "?repository=main&search=bulk",
        ] {
            registry.world.forget_calls();
            let page = browser
                .ask("GET", &format!("{LIST}{query}"), &[], "")
                .expect(200);
            assert!(!names(&page).is_empty(), "{query}");
            let batches = registry.world.calls(Port::Db);
            assert!(batches <= 3, "{query}: {batches}");
        }
    }
}

#[test]
fn everybody_sees_what_composer_would_be_told() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    registry
        .admin()
        .post(
            "/api/v1/orgs/acme/packages/acme/lib/versions/3.0.0/yank",
            &json!({}),
        )
        .expect(200);
    registry.run_jobs();
    let reader = reader(&registry, &json!({}));
    let page = reader.get(LIST).expect(200);
    assert_eq!(names(&page), ["acme/lib", "acme/tool", "other/secret"]);
    registry.world.forget_calls();
    let page = reader.ask("GET", LIB, &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(versions(&page), ["2.0.0", "2.0.0-beta1", "1.1.0", "1.0.0"]);
    for hidden in [
        "Settings",
        "Yank",
        "Sync",
        "Deprecate",
        "yanked",
        "Installs",
    ] {
        assert!(!page.text().contains(hidden), "{hidden}");
    }
    assert!(page.one(".code").contains("composer require acme/lib"));
    let csrf = token(&reader);
    for what in ["yank", "unyank", "deprecate", "undeprecate", "sync"] {
        let fields = [csrf.clone(), ("version".to_owned(), "1.0.0".to_owned())];
        let refused = reader.post(&format!("{LIB}/{what}"), &fields);
        assert_eq!(refused.status(), 403, "{what}: {}", refused.text());
    }
    let refused = reader.get(&format!("{LIB}/deprecate?version=1.0.0"));
    assert_eq!(refused.status(), 403);
    // A maintainer sees the yanked version, and may put it back.
    let maintainer = registry.member_browser("mia@example.com", "maintainer");
    let page = maintainer.get(LIB).expect(200);
    assert_eq!(versions(&page)[0], "3.0.0");
    assert_eq!(page.all("summary .badge.bad"), ["yanked"]);
}

#[test]
fn who_sees_some_packages_in_some_versions_sees_no_others() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    let terms = json!({"packages": ["acme/lib"], "versions": "^1.0"});
    let some = reader(&registry, &terms);
    for query in ["", "?search=lib"] {
        registry.world.forget_calls();
        let page = some
            .ask("GET", &format!("{LIST}{query}"), &[], "")
            .expect(200);
        assert!(registry.world.calls(Port::Db) <= 3, "{query}");
        assert_eq!(names(&page), ["acme/lib"]);
        assert_eq!(page.one("td[data-label=Versions]"), "2");
    }
    let page = some.get(LIB).expect(200);
    assert_eq!(versions(&page), ["1.1.0", "1.0.0"]);
    some.ask("GET", "/ui/acme/packages/acme/tool", &[], "")
        .expect(404);
}

#[test]
fn packages_of_another_organisation_are_not_there() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    make_globex(&registry);
    let member = registry.member_browser("bob@example.com", "maintainer");
    for path in [
        "/ui/globex/packages",
        "/ui/globex/packages/acme/lib",
        "/ui/globex/packages/acme/lib/deprecate?version=v1.0.0",
        "/ui/acme/packages/acme/nothing",
        "/ui/acme/packages/Not%20a/name",
        "/ui/acme/packages/acme/lib/deprecate?version=9",
    ] {
        member.ask("GET", path, &[], "").expect(404);
    }
    let csrf = token(&member);
    for what in ["yank", "deprecate", "sync"] {
        let path = format!("/ui/globex/packages/acme/lib/{what}");
        let fields = [csrf.clone(), ("version".to_owned(), "v1.0.0".to_owned())];
        assert_eq!(member.post(&path, &fields).status(), 404);
    }
}

#[test]
fn a_package_is_shown_with_its_versions_and_what_gave_none() {
    let registry = TestRegistry::imported();
    registry.push(
        "refs/tags/v1.2.0",
        &json!({
            "name": PACKAGE, "license": "MIT", "require": {"php": "^8.2", "acme/tool": "*"},
            "conflict": {"acme/old": "<2"}, "provide": {"psr/log-implementation": "1.0"},
            "autoload": {"psr-4": {"Acme\\": "src/"}}
        }),
    );
    registry.push("refs/tags/nonsense", &json!({"name": PACKAGE}));
    registry.push("refs/heads/dependabot/npm/x", &json!({"name": PACKAGE}));
    registry.sync(PACKAGE);
    let browser = registry.owner_browser();
    let page = browser.get(LIB).expect(200);
    assert_eq!(page.heading(), PACKAGE);
    let shown = versions(&page);
    assert!(
        shown.contains(&"v1.2.0".to_owned()) && shown.len() == 4,
        "{shown:?}"
    );
    let all = page.all("details.details");
    let text = all.iter().find(|text| text.contains("v1.2.0")).unwrap();
    for said in [
        "MIT",
        "Requires php ^8.2 acme/tool *",
        "Conflicts acme/old <2",
        "Provides psr/log-implementation 1.0",
        "src/",
        "refs/tags/v1.2.0",
        "SHA-256",
        "Archive zip,",
        "Source git https://",
        "Published 20",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let install = page.one("section.card .code");
    assert_eq!(
        install,
        "composer config repositories.main composer https://packages.example.com/r/acme/main composer config --auth \
         http-basic.packages.example.com token YOUR-TOKEN composer require acme/lib"
    );
    let refs = page.all("td[data-label=Ref]");
    assert_eq!(refs, ["refs/heads/dependabot/npm/x", "refs/tags/nonsense"]);
    assert!(
        page.all("td[data-label=Why]")
            .iter()
            .all(|why| !why.is_empty())
    );
}

#[test]
fn what_is_abandoned_says_so() {
    let registry = TestRegistry::imported();
    registry.set(PACKAGE, &json!({"abandoned": "acme/new"}));
    let browser = registry.owner_browser();
    let member = reader(&registry, &json!({}));
    for browser in [&browser, &member] {
        let page = browser.get(LIST).expect(200);
        assert_eq!(page.all("td[data-label=State]"), ["abandoned for acme/new"]);
        let page = browser.get(LIB).expect(200);
        assert!(
            page.text()
                .contains("This package is abandoned for acme/new.")
        );
    }
}

#[test]
fn a_version_is_yanked_and_put_back() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(LIB).expect(200);
    let yank = format!("{LIB}/yank");
    let values = [("version", "v1.1.0")];
    let page = browser.submit(&page, &yank, &values).expect(200);
    assert_eq!(page.one("p[role=status]"), "v1.1.0 is yanked");
    assert_eq!(page.all("summary .badge.bad"), ["yanked"]);
    registry.run_jobs();
    assert!(!registry.versions(PACKAGE).contains(&"v1.1.0".to_owned()));
    let page = browser
        .submit(&page, &format!("{LIB}/unyank"), &[])
        .expect(200);
    assert_eq!(page.one("p[role=status]"), "v1.1.0 is back");
    registry.run_jobs();
    assert!(registry.versions(PACKAGE).contains(&"v1.1.0".to_owned()));
    let page = browser
        .submit(&page, &yank, &[("version", "9.9.9")])
        .expect(404);
    assert_eq!(page.heading(), "There is nothing here");
    let told = registry
        .world
        .sqlite
        .texts("select actor_name from audit where action like '%yank%' order by id");
    assert_eq!(told, ["Ada King", "Ada King"]);
}

#[test]
fn people_are_warned_of_a_version_and_what_was_typed_is_kept() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let action = format!("{LIB}/deprecate");
    let form = browser.get(&format!("{action}?version=v1.0.0")).expect(200);
    assert_eq!(form.heading(), "Deprecate v1.0.0");
    let typed = [
        ("message", "<b>It is old</b>"),
        ("use", "not a constraint!"),
    ];
    let page = browser.submit(&form, &action, &typed).expect(422);
    assert_eq!(page.attributes("#message", "value"), ["<b>It is old</b>"]);
    assert!(page.one("#use-error").contains("^1.2.4"));
    let page = browser.submit(&form, &action, &[]).expect(422);
    assert!(!page.one("#message-error").is_empty());
    let typed = [("message", "<b>It is old</b>"), ("use", "^1.1")];
    let page = browser.submit(&page, &action, &typed).expect(200);
    assert_eq!(page.path, LIB);
    assert_eq!(page.one(".details .notice"), "<b>It is old</b>; use ^1.1");
    assert!(page.all(".details .notice b").is_empty());
    let page = browser
        .submit(&page, &format!("{LIB}/undeprecate"), &[])
        .expect(200);
    assert!(page.all(".details .notice").is_empty());
    registry.run_jobs();
    let told = registry
        .world
        .sqlite
        .texts("select actor_name from audit where action like '%deprecat%' order by id");
    assert_eq!(told, ["Ada King", "Ada King"]);
}

#[test]
fn a_package_is_compared_with_its_git_repository_at_once() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(LIB).expect(200);
    registry.push_tag("v1.3.0");
    registry.pass_time(1);
    let page = browser
        .submit(&page, &format!("{LIB}/sync"), &[])
        .expect(200);
    assert!(
        page.one("p[role=status]")
            .starts_with("It is being compared")
    );
    registry.run_jobs();
    assert!(versions(&browser.get(LIB)).contains(&"v1.3.0".to_owned()));
    let told = registry
        .world
        .sqlite
        .texts("select actor_name from audit where request like '%/sync' order by id");
    assert_eq!(told, ["Ada King"]);
    // What is uploaded has nothing to be compared with.
    registry.writer().upload("acme/up", "1.0.0", "").expect(201);
    registry.run_jobs();
    let up = "/ui/acme/packages/acme/up";
    let page = browser.get(up).expect(200);
    assert!(!page.text().contains("Sync now"));
    let page = browser.post(&format!("{up}/sync"), &[token(&browser)]);
    assert_eq!(page.location().as_deref(), Some(up));
    assert!(browser.get(up).one("p[role=status]").contains("uploaded"));
}

#[test]
fn markup_in_what_packages_say_is_harmless() {
    let registry = TestRegistry::new();
    registry.make_project();
    let markup = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><h1>x</h1>";
    let manifest = json!({
        "name": PACKAGE, "description": markup, "homepage": "javascript:alert(1)", "license": "<b>MIT</b>",
        "suggest": {"acme/other": markup}, "autoload": {"psr-4": {"</code><script>": "src/"}}
    });
    registry.push("refs/heads/main", &manifest);
    registry.push("refs/tags/v2.0.0", &manifest);
    registry.import(crate::support::PROJECT);
    registry.run_jobs();
    let owner = registry.owner_browser();
    let member = reader(&registry, &json!({}));
    for browser in [&owner, &member] {
        for path in [LIST, LIB] {
            // The browser itself refuses scripts, handlers and addresses that run something.
            let page = browser.get(path).expect(200);
            assert!(page.text().contains("<script>alert(1)</script>"), "{path}");
            assert!(
                page.all("main img, main script, main h1 + h1, td b")
                    .is_empty()
            );
        }
        let page = browser.get(LIB).expect(200);
        assert!(versions(&page).contains(&"v2.0.0".to_owned()));
    }
}

#[test]
fn many_versions_are_cut_into_pages() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    for number in 0..30 {
        writer
            .upload(PACKAGE, &format!("1.{number}.0"), "")
            .expect(201);
    }
    registry.run_jobs();
    let owner = registry.owner_browser();
    let member = reader(&registry, &json!({}));
    for browser in [&owner, &member] {
        let page = browser.get(LIB).expect(200);
        let shown = versions(&page);
        assert_eq!((shown.len(), shown[0].as_str()), (25, "1.29.0"));
        let next = page.attributes("a[rel=next]", "href").remove(0);
        registry.world.forget_calls();
        let page = browser.ask("GET", &next, &[], "").expect(200);
        assert!(registry.world.calls(Port::Db) <= 3);
        assert_eq!(
            versions(&page),
            ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]
        );
        assert_eq!(page.attributes("a[rel=first]", "href"), [LIB]);
    }
}
