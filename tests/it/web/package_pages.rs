//! README, CHANGELOG and dependencies of a package: what they show, and to whom.

use serde_json::json;

use super::reader;
use crate::support::shop::upload_with;
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const LIB: &str = "/ui/acme/packages/acme/lib";

const HOSTILE: &str = "# Lib <b>x</b>\n\n<script>alert(1)</script>\n\n[click](javascript:alert(1)) \
                       [ok](https://example.com/x) ![p](data:text/html,x)\n\n<iframe src=https://evil.example></iframe>\n\n\
                       - [x] done\n- [ ] open\n\n<style>body{display:none}</style><h1 onclick=x>one</h1>\n\n\
                       | a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | `</code><script>` |\n";

#[test]
fn a_readme_and_a_changelog_come_with_the_sync_and_are_harmless() {
    let registry = TestRegistry::new();
    registry.world.github.borrow_mut().add_project(41, PROJECT);
    let markup = "<script>alert(1)</script>\"'><h1>x</h1>";
    let manifest = json!({
        "name": PACKAGE, "description": markup, "license": [markup], "version": null,
        "authors": [{"name": markup, "email": markup, "homepage": "javascript:alert(1)"}],
        "keywords": [markup], "require": {"acme/<script>": "*"}
    })
    .to_string();
    for git_ref in ["refs/heads/main", "refs/tags/v1.0.0"] {
        let files = [
            ("composer.json", manifest.as_str()),
            ("README.md", HOSTILE),
            (
                "CHANGELOG.md",
                "# 1.0.0\n\n- <script>alert(2)</script> first",
            ),
        ];
        let mut github = registry.world.github.borrow_mut();
        github.project(PROJECT).push_files(git_ref, &files);
    }
    registry.import(PROJECT);
    registry.run_jobs();
    let owner = registry.owner_browser();
    let member = reader(&registry, &json!({}));
    for browser in [&owner, &member] {
        registry.world.forget_calls();
        // The test's browser refuses scripts, handlers, and addresses that run something, on each of them.
        let page = browser
            .ask("GET", &format!("{LIB}/readme"), &[], "")
            .expect(200);
        assert!(registry.world.calls(Port::Db) <= 3);
        assert!(page.one(".prose > h2:first-child").starts_with("Lib"));
        assert_eq!(
            page.attributes(".prose a", "href"),
            ["https://example.com/x"]
        );
        assert!(
            page.all(".prose h1, .prose script, .prose iframe, .prose style")
                .is_empty()
        );
        assert_eq!(page.all(".prose input[type=checkbox][disabled]").len(), 2);
        assert!(page.text().contains("README.md of v1.0.0"));
        let page = browser.get(&format!("{LIB}/changelog")).expect(200);
        assert_eq!(page.all(".prose > h2"), ["1.0.0"]);
        for path in [
            LIB.to_owned(),
            format!("{LIB}/dependencies"),
            "/ui/acme/packages".to_owned(),
        ] {
            let page = browser.get(&path).expect(200);
            assert!(page.all("main script, main h1 + h1").is_empty(), "{path}");
        }
    }
    for path in [
        "/ui/acme",
        "/ui/acme/repositories/main/revisions/1",
        &format!("{LIB}/settings"),
    ] {
        owner.get(path).expect(200);
    }
}

#[test]
fn who_does_not_see_the_version_does_not_see_its_readme() {
    let registry = TestRegistry::new();
    let none = json!({});
    upload_with(
        &registry,
        "acme/lib",
        "1.0.0",
        &none,
        &[("README.md", "the first")],
    );
    upload_with(
        &registry,
        "acme/lib",
        "2.0.0",
        &none,
        &[
            ("README.md", "the secret second"),
            ("CHANGELOG.md", "secret changes"),
        ],
    );
    upload_with(
        &registry,
        "acme/hidden",
        "1.0.0",
        &none,
        &[("README.md", "hidden")],
    );
    let owner = registry.owner_browser();
    assert!(
        owner
            .get(&format!("{LIB}/readme"))
            .text()
            .contains("the secret second")
    );
    let some = reader(
        &registry,
        &json!({"packages": ["acme/lib"], "versions": "^1.0"}),
    );
    for what in ["readme", "changelog"] {
        let page = some.get(&format!("{LIB}/{what}")).expect(200);
        assert!(page.one(".empty h2").starts_with("There is no "), "{what}");
        for hidden in ["secret", "2.0.0", ".md of"] {
            assert!(!page.text().contains(hidden), "{what}: {hidden}");
        }
        let hidden = some
            .get(&format!("/ui/acme/packages/acme/hidden/{what}"))
            .expect(404);
        let nothing = some
            .get(&format!("/ui/acme/packages/acme/nothing/{what}"))
            .expect(404);
        assert_eq!(hidden.text(), nothing.text());
    }
    // Of what is not for her there is no tab, and no page.
    let tabs = some.get(LIB).all(".tabs a");
    assert_eq!(tabs, ["Versions", "README", "Changelog", "Dependencies"]);
    for what in [
        "statistics",
        "settings",
        "delete",
        "delete-version?version=1.0.0",
    ] {
        some.get(&format!("{LIB}/{what}")).expect(403);
    }
    assert_eq!(owner.get(LIB).all(".tabs a").len(), 6);
}

#[test]
fn a_package_without_a_readme_says_where_one_would_come_from() {
    let registry = TestRegistry::new();
    upload_with(&registry, "acme/lib", "1.0.0", &json!({}), &[]);
    let owner = registry.owner_browser();
    let page = owner.get(&format!("{LIB}/readme")).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no README to show");
    assert!(page.one(".empty").contains("export-ignore"));
    owner
        .get("/ui/acme/packages/acme/nothing/readme")
        .expect(404);
}

#[test]
fn dependencies_and_dependents_are_told_as_far_as_they_are_seen() {
    let registry = TestRegistry::new();
    let upload = |name: &str, version: &str, require: serde_json::Value| {
        upload_with(
            &registry,
            name,
            version,
            &json!({ "require": require }),
            &[],
        );
    };
    upload("acme/base", "1.0.0", json!({}));
    upload(
        "acme/lib",
        "1.0.0",
        json!({"php": "^8.2", "acme/base": "^1.0", "symfony/console": "^7.0"}),
    );
    upload("acme/app", "1.0.0", json!({"acme/lib": "*"}));
    upload("other/shop", "1.0.0", json!({}));
    upload("other/shop", "2.0.0", json!({"acme/lib": "*"}));
    let links = |page: &crate::support::browser::Page| page.attributes("main .rows a", "href");
    let owner = registry.owner_browser();
    let path = format!("{LIB}/dependencies");
    registry.world.forget_calls();
    let page = owner.ask("GET", &path, &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(
        page.all("main .rows li"),
        ["acme/base", "symfony/console", "acme/app", "other/shop"]
    );
    assert_eq!(
        links(&page),
        ["acme/base", "acme/app", "other/shop"].map(|name| format!("/ui/acme/packages/{name}"))
    );
    // She sees the library, and of the shop the version that does not require it.
    let member = reader(&registry, &json!({"packages": ["acme/lib"]}));
    let page = member.get(&path).expect(200);
    assert_eq!(page.all("main .rows li"), ["acme/base", "symfony/console"]);
    assert!(links(&page).is_empty());
    let team = registry
        .world
        .sqlite
        .texts("select id from teams")
        .remove(0);
    for terms in [
        json!({"packages": ["other/*"], "versions": "^1.0"}),
        json!({"packages": ["acme/app"]}),
    ] {
        let mut grant = terms.clone();
        grant["subject"] = json!({ "team": team });
        registry.make("grants", &grant);
    }
    let page = member.get(&path).expect(200);
    assert_eq!(links(&page), ["/ui/acme/packages/acme/app"]);
    assert!(!page.text().contains("other/shop"));
    // What a publish takes away goes here too.
    let yank = "/api/v1/orgs/acme/packages/acme/app/versions/1.0.0/yank";
    registry.admin().post(yank, &json!({})).expect(200);
    registry.run_jobs();
    let page = owner.get(&path).expect(200);
    assert_eq!(
        links(&page),
        [
            "/ui/acme/packages/acme/base",
            "/ui/acme/packages/other/shop"
        ]
    );
    owner
        .get("/ui/acme/packages/acme/nothing/dependencies")
        .expect(404);
}

#[test]
fn two_thousand_versions_stay_within_the_weight_of_a_page() {
    let registry = TestRegistry::new();
    upload_with(&registry, "acme/lib", "0.0.1", &json!({}), &[]);
    registry.change(
        "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 2000)
         insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
         select v.package_id, '1.' || n || '.0', '1.' || n || '.0.0', 0, v.reference, v.dist_id, v.manifest, v.time, v.published_at
         from numbers, versions v where v.pretty = '0.0.1'",
    );
    let owner = registry.owner_browser();
    for path in [
        LIB.to_owned(),
        format!("{LIB}?from=1000"),
        format!("{LIB}/settings"),
    ] {
        registry.world.forget_calls();
        let page = owner.ask("GET", &path, &[], "").expect(200);
        assert!(registry.world.calls(Port::Db) <= 3, "{path}");
        let packed = miniz_oxide::deflate::compress_to_vec(page.html.as_bytes(), 6).len();
        assert!(packed < 30_000, "{path}: {packed}");
    }
    assert!(owner.get(LIB).one("#versions .badge").contains("2001"));
    registry.change("delete from versions where pretty <> '0.0.1'");
}
