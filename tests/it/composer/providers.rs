use serde_json::{Value, json};

use super::ROOT;
use crate::support::github::git_archive;
use crate::support::{ADDRESS, TestRegistry};

const PATH: &str = "/r/acme/main/providers/psr/log-implementation.json";

fn upload(registry: &TestRegistry, version: &str, manifest: &Value) {
    let text = manifest.to_string();
    let archive = git_archive("top", "", &[("composer.json", &text)]);
    let name = manifest["name"].as_str().unwrap();
    let path = format!("/r/acme/main/upload/{name}/{version}");
    registry
        .writer()
        .send("PUT", &path, &[], archive)
        .expect(201);
}

fn two_providers() -> TestRegistry {
    let registry = TestRegistry::new();
    let provider = json!({"name": "acme/logger", "description": "Writes lines",
                          "provide": {"PSR/log-implementation": "1.0", "ext-x": "*"}});
    upload(&registry, "1.0.0", &provider);
    // One version that does is enough.
    upload(
        &registry,
        "2.0.0",
        &json!({"name": "acme/logger", "description": "Writes more"}),
    );
    let replacer = json!({"name": "other/logger", "type": "metapackage",
                          "replace": {"psr/log-implementation": "self.version", "other/logger": "*", "ext-y": "*"}});
    upload(&registry, "1.0.0", &replacer);
    registry
}

#[test]
fn who_provides_or_replaces_a_name_is_told() {
    let registry = two_providers();
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    let url = root["providers-api"].as_str().unwrap();
    let url = url.replace("%package%", "psr/log-implementation");
    assert_eq!(url.strip_prefix(ADDRESS), Some(PATH));
    assert_eq!(
        admin.get(PATH).expect(200).json(),
        json!({"providers": [
            {"name": "acme/logger", "description": "Writes more", "type": "library"},
            {"name": "other/logger", "description": "", "type": "metapackage"},
        ]})
    );
}

#[test]
fn a_name_that_nobody_provides_is_not_there() {
    let registry = two_providers();
    let (revision, _) = registry.head();
    let none = registry
        .admin()
        .get("/r/acme/main/providers/acme/none.json")
        .expect(404)
        .transcript();
    for path in [
        "/r/acme/main/providers/other/logger.json",
        "/r/acme/main/providers/x.json",
        "/r/acme/main/providers/acme/none",
        "/r/acme/main@1/providers/other/none.json",
    ] {
        assert_eq!(registry.admin().get(path).transcript(), none, "{path}");
    }
    assert_eq!(registry.reader("none/*").get(PATH).transcript(), none);
    let seen = registry.reader("other/*").get(PATH).expect(200).json();
    assert_eq!(seen["providers"].as_array().unwrap().len(), 1);
    registry.anonymous().get(PATH).expect(401);
    // Before the second package came.
    let then = format!(
        "/r/acme/main@{}/providers/psr/log-implementation.json",
        revision - 1
    );
    let then = registry.admin().get(&then).expect(200).json();
    assert_eq!(then["providers"].as_array().unwrap().len(), 1);
    let quiet = json!({"name": "acme/quiet", "provide": {"acme/virtual": "1.0"}});
    upload(&registry, "dev-main", &quiet);
    let path = "/r/acme/main/providers/acme/virtual.json";
    registry.admin().get(path).expect(200);
    upload(&registry, "dev-main", &json!({"name": "acme/quiet"}));
    registry.admin().get(path).expect(404);
}
