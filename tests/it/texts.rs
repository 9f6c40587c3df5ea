//! README and CHANGELOG: read from archives, made harmless, told of, and swept.

use pollster::block_on;
use repertoire::domain::name::PackageName;
use repertoire::store::package_texts::{Texts, find_texts, load_text};
use serde_json::json;

use crate::support::TestRegistry;
use crate::support::github::git_archive;
use crate::support::whole::{Checked, check_whole};

fn upload(registry: &TestRegistry, version: &str, files: &[(&str, &str)]) {
    let manifest = json!({"name": "acme/tool"}).to_string();
    let mut all = vec![("composer.json", manifest.as_str())];
    all.extend(files);
    let path = format!("/r/acme/main/upload/acme/tool/{version}");
    let archive = git_archive("top", "", &all);
    registry
        .writer()
        .send("PUT", &path, &[], archive)
        .expect(201);
    registry.run_jobs();
}

fn texts(registry: &TestRegistry) -> Option<Texts> {
    // An upload publishes by itself; what is left comes with housekeeping.
    registry.housekeep();
    registry.run_jobs();
    let name = PackageName::parse("acme/tool").unwrap();
    block_on(find_texts(&registry.app, 1, &name)).unwrap()
}

fn html(registry: &TestRegistry, key: Option<&String>) -> String {
    block_on(load_text(&registry.app, key.unwrap()))
        .unwrap()
        .unwrap()
}

fn objects(registry: &TestRegistry) -> usize {
    let objects = registry.world.objects.borrow();
    objects
        .keys()
        .filter(|key| key.starts_with("texts/"))
        .count()
}

#[test]
fn a_readme_and_a_changelog_are_those_of_the_newest_stable_version() {
    let registry = TestRegistry::new();
    upload(
        &registry,
        "1.0.0",
        &[
            ("README.md", "# Tool\n\n<script>x</script>[a](javascript:x)"),
            ("docs/README.md", "other"),
            ("CHANGES", "1 < 2"),
        ],
    );
    let found = texts(&registry).unwrap();
    assert_eq!(
        (found.version.as_str(), found.normalized.as_str()),
        ("1.0.0", "1.0.0.0")
    );
    assert_eq!(
        (
            found.readme_file.as_deref(),
            found.changelog_file.as_deref()
        ),
        (Some("README.md"), Some("CHANGES"))
    );
    assert_eq!(
        html(&registry, found.readme_key.as_ref()),
        "<h2 id=\"readme-tool\">Tool</h2>\n"
    );
    assert_eq!(
        html(&registry, found.changelog_key.as_ref()),
        "<pre>1 &lt; 2</pre>"
    );
    // A later one is a beta.
    upload(&registry, "2.0.0-beta1", &[("README.md", "beta")]);
    assert_eq!(texts(&registry).unwrap(), found);
    upload(
        &registry,
        "2.0.0",
        &[("readme.markdown", "two"), ("README", "plain")],
    );
    let next = texts(&registry).unwrap();
    assert_eq!(
        (next.version.as_str(), next.readme_file.as_deref()),
        ("2.0.0", Some("readme.markdown"))
    );
    assert_eq!(html(&registry, next.readme_key.as_ref()), "<p>two</p>\n");
    assert_eq!(next.changelog_key, None);
    // An older one that comes later changes nothing.
    upload(&registry, "1.1.0", &[("README.md", "old")]);
    assert_eq!(texts(&registry).unwrap(), next);
    check_whole(&registry.world, &mut Checked::default());
}

#[test]
fn what_nothing_names_is_swept_and_the_rest_stays() {
    let registry = TestRegistry::new();
    upload(
        &registry,
        "1.0.0",
        &[("README.md", "one"), ("CHANGELOG.md", "one")],
    );
    texts(&registry).unwrap();
    upload(&registry, "2.0.0", &[("README.md", "two")]);
    let found = texts(&registry).unwrap();
    assert_eq!(objects(&registry), 3);
    for _ in 0..3 {
        registry.pass_time(25 * 60 * 60);
        registry.housekeep();
        registry.run_jobs();
    }
    assert_eq!(objects(&registry), 1);
    assert_eq!(html(&registry, found.readme_key.as_ref()), "<p>two</p>\n");
    // With the package its texts go.
    let body = json!({"confirm": "acme/tool"}).to_string().into_bytes();
    let path = "/api/v1/orgs/acme/packages/acme/tool";
    let status = registry.admin().send("DELETE", path, &[], body).status();
    assert!((200..300).contains(&status), "{status}");
    registry.run_jobs();
    for _ in 0..3 {
        registry.pass_time(25 * 60 * 60);
        registry.housekeep();
        registry.run_jobs();
    }
    assert_eq!(objects(&registry), 0);
}

#[test]
fn what_has_no_texts_is_read_once() {
    let registry = TestRegistry::new();
    upload(&registry, "1.0.0", &[]);
    let found = texts(&registry).unwrap();
    assert_eq!((found.readme_key, found.changelog_key), (None, None));
    registry.world.forget_calls();
    let due = "select cast(count(*) as text) from package_texts where is_due = 1";
    assert_eq!(registry.world.sqlite.texts(due), ["0"]);
}

#[test]
fn a_readme_that_cannot_be_read_now_is_read_later() {
    let registry = TestRegistry::new();
    upload(&registry, "1.0.0", &[("README.md", "one")]);
    texts(&registry).unwrap();
    // Claimed by somebody who died.
    registry.change("update package_texts set is_due = 1, claimed_at = 1795293000, version = null");
    registry.pass_time(16 * 60);
    assert!(texts(&registry).is_some());
    // An older program wrote it.
    registry.change("update package_texts set form = 0");
    texts(&registry).unwrap();
    let forms = registry
        .world
        .sqlite
        .texts("select cast(form as text) from package_texts");
    assert_eq!(forms, ["2"]);
}
