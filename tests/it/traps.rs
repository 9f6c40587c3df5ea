//! Mistakes that other repositories made, one test each. `docs/traps.md` lists them all, with the tests elsewhere.

use pollster::block_on;
use repertoire::http::handle;
use serde_json::{Value, json};

use crate::composer::{DEV, ROOT, TAGGED, dist_path};
use crate::support::github::git_archive;
use crate::support::persona::{Answer, Persona};
use crate::support::world::{Effect, Port};
use crate::support::{ADDRESS, ADMIN, PACKAGE, PROJECT, TestRegistry, isolate, isolate_at};

/// Uploads a package whose composer.json is this.
fn upload(registry: &TestRegistry, manifest: &Value, version: &str, text: &str) -> Answer {
    let name = manifest["name"].as_str().unwrap();
    let files = [
        ("composer.json", manifest.to_string()),
        ("text", text.to_owned()),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let path = format!("/r/acme/main/upload/{name}/{version}");
    let archive = git_archive("top", "", &files);
    registry.admin().send("PUT", &path, &[], archive)
}

/// The archive of an uploaded version, as its document's address gives it.
fn archive_of(registry: &TestRegistry, package: &str) -> Vec<u8> {
    let version = registry.composer_metadata(package).remove(0);
    let url = version["dist"]["url"].as_str().unwrap();
    let path = url.strip_prefix(ADDRESS).unwrap();
    registry.admin().get(path).expect(200).bytes()
}

/// All texts in a value that look like an address.
fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with('/') || text.contains("://") => {
            found.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| addresses(field, found)),
        _ => {}
    }
}

#[test]
fn every_address_of_ours_is_absolute() {
    let registry = TestRegistry::imported();
    upload(&registry, &json!({"name": "acme/tool"}), "1.0.0", "").expect(201);
    let admin = registry.admin();
    for (path, at_least) in [
        (ROOT, 5),
        (TAGGED, 2),
        (DEV, 2),
        ("/r/acme/main/p2/acme/tool.json", 1),
    ] {
        let mut found = Vec::new();
        addresses(&admin.get(path).expect(200).json(), &mut found);
        assert!(found.len() >= at_least, "{path}: {found:?}");
        for address in found {
            let is_ours = address.starts_with(&format!("{ADDRESS}/r/acme/main/"));
            assert!(
                is_ours || address.starts_with("https://github.com/acme/"),
                "{path}: {address}"
            );
        }
    }
}

#[test]
fn the_root_holds_no_package_whatever_is_published() {
    let registry = TestRegistry::imported();
    let root = registry.admin().get(ROOT).expect(200).json();
    let inline = root.get("packages").map_or(0, |packages| {
        packages.as_object().map_or(0, serde_json::Map::len)
            + packages.as_array().map_or(0, Vec::len)
    });
    assert_eq!(inline, 0, "{root}");
    assert!(root["metadata-url"].is_string());
}

#[test]
fn keys_that_only_others_know_are_kept() {
    let registry = TestRegistry::new();
    let manifest = json!({
        "name": "acme/tool",
        "bin": ["bin/tool"],
        "extra": {"laravel": {"providers": ["Acme\\Provider"]}, "empty": {}, "list": []},
        "scripts": {"test": "phpunit"},
        "php-ext": {"extension-name": "tool"},
        "x-of-tomorrow": {"deep": [1, 2.5, null, true, "ü / \\"]},
    });
    upload(&registry, &manifest, "1.0.0", "").expect(201);
    let version = registry.composer_metadata("acme/tool").remove(0);
    for key in ["bin", "extra", "php-ext", "x-of-tomorrow"] {
        assert_eq!(version[key], manifest[key], "{key}");
    }
    // As Composer's dumper writes them.
    assert_eq!(version["scripts"], json!({"test": ["phpunit"]}));
}

#[test]
fn an_unknown_name_is_a_bare_404_that_costs_nothing() {
    let registry = TestRegistry::imported();
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    admin.get(TAGGED).expect(200);
    let paths = ["acme/none", "acme/none~dev"].map(|name| format!("/r/acme/main/p2/{name}.json"));
    for path in &paths {
        // The part of the index that would have it is read once.
        admin.get(path).expect(404);
    }
    registry.world.forget_calls();
    for path in &paths {
        let answer = admin.get(path).expect(404);
        assert_eq!(answer.header("location"), None);
        assert!(answer.bytes().len() < 100);
        assert!(answer.json().get("packages").is_none());
    }
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn every_commit_that_a_branch_was_at_keeps_its_archive() {
    let registry = TestRegistry::imported();
    let mut archives = Vec::new();
    for delivery in ["one", "two", "three"] {
        let composer_json = json!({"name": PACKAGE, "description": delivery});
        let commit = registry.push("refs/heads/main", &composer_json);
        registry.deliver_webhook(delivery).expect(202);
        registry.run_jobs();
        let version = registry.composer_metadata("acme/lib~dev").remove(0);
        assert_eq!(version["dist"]["reference"], commit.as_str());
        let path = format!("/r/acme/main/dist/{PACKAGE}/{commit}.zip");
        archives.push((
            path.clone(),
            registry.admin().get(&path).expect(200).bytes(),
        ));
    }
    registry.delete_ref("refs/heads/main");
    registry.push("refs/heads/other", &json!({"name": PACKAGE}));
    registry
        .world
        .github
        .borrow_mut()
        .project(PROJECT)
        .default_branch = "other".to_owned();
    registry.deliver_webhook("four").expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-other"]);
    for (path, bytes) in archives {
        assert_eq!(registry.admin().get(&path).expect(200).bytes(), bytes);
    }
}

#[test]
fn an_archive_that_the_host_packs_anew_is_not_fetched_again() {
    let registry = TestRegistry::imported();
    let before = registry.composer_metadata(PACKAGE).remove(0);
    let bytes = registry.admin().get(&dist_path(&registry)).bytes();
    let commit = before["dist"]["reference"].as_str().unwrap().to_owned();
    {
        let mut github = registry.world.github.borrow_mut();
        let project = github.project(PROJECT);
        project.repack(&commit);
        // A second tag of that commit, so that somebody wants its archive once more.
        project.refs.insert("refs/tags/v1.1.1".to_owned(), commit);
        github.seen.clear();
    }
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    let seen = registry.world.github.borrow().seen.clone();
    assert!(
        !seen.iter().any(|line| line.contains("/zipball/")),
        "{seen:?}"
    );
    let after = registry.composer_metadata(PACKAGE);
    assert_eq!(after[0]["version"], "v1.1.1");
    for version in &after[..2] {
        assert_eq!(version["dist"], before["dist"]);
    }
    assert_eq!(registry.admin().get(&dist_path(&registry)).bytes(), bytes);
}

#[test]
fn a_version_in_composer_json_has_to_be_the_one_of_the_upload() {
    let registry = TestRegistry::new();
    // (in composer.json, of the upload, the answer)
    for (declared, asked, status) in [
        ("1.2", "v1.2.0.0", 201),
        ("v2.0.0", "2.0", 201),
        ("3.0.0+build.7", "3.0.0", 201),
        ("4.0.0", "4.0.1", 422),
        ("dev-main", "5.0.0", 422),
        ("not a version", "6.0.0", 422),
    ] {
        let manifest = json!({"name": "acme/tool", "version": declared});
        upload(&registry, &manifest, asked, "").expect(status);
    }
    assert_eq!(registry.versions("acme/tool"), ["3.0.0", "2.0", "v1.2.0.0"]);
}

#[test]
fn names_that_look_like_files_are_names() {
    let registry = TestRegistry::new();
    let names = [
        "acme/lib",
        "acme/lib.php",
        "acme/index.php",
        "acme/jquery.ui",
        "acme/p2",
    ];
    for name in names {
        upload(&registry, &json!({"name": name}), "1.0.0", name).expect(201);
    }
    let root = registry.admin().get(ROOT).json();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(root["available-packages"], json!(sorted));
    let mut archives: Vec<_> = names
        .iter()
        .map(|name| {
            let versions = registry.composer_metadata(name);
            assert_eq!(versions[0]["name"], *name);
            archive_of(&registry, name)
        })
        .collect();
    archives.sort();
    archives.dedup();
    assert_eq!(archives.len(), names.len());
}

#[test]
fn names_that_are_the_same_letters_keep_their_archives_apart() {
    let registry = TestRegistry::new();
    let names = ["acme/a-b", "acme-a/b", "acme/a_b", "acme/a.b"];
    for name in names {
        upload(&registry, &json!({"name": name}), "1.0.0", name).expect(201);
    }
    for name in names {
        let manifest = json!({ "name": name }).to_string();
        let expected = git_archive("top", "", &[("composer.json", &manifest), ("text", name)]);
        assert_eq!(archive_of(&registry, name), expected, "{name}");
    }
}

#[test]
fn one_project_in_two_organisations_is_two_packages() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let globex = |path: &str, body: &Value, status: u16| {
        let path = format!("/api/v1/orgs/globex/{path}");
        admin.post(&path, body).expect(status).json()
    };
    admin
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    globex("repositories", &json!({"slug": "main"}), 201);
    let body = json!({"provider": "github", "token": crate::support::github::GITHUB_TOKEN});
    let connection = globex("connections", &body, 201);
    let body = json!({"connection": connection["id"], "project": PROJECT, "repository": "main"});
    globex("packages", &body, 202);
    registry.run_jobs();
    let path = dist_path(&registry);
    let theirs = path.replace("/r/acme/", "/r/globex/");
    let bytes = admin.get(&path).expect(200).bytes();
    assert_eq!(admin.get(&theirs).expect(200).bytes(), bytes);
    let keys = registry
        .world
        .sqlite
        .texts("select distinct archive_key from dists");
    assert_eq!(keys.len(), 6, "three commits, each stored twice: {keys:?}");
    // What the one syncs, the other does not see before it syncs itself.
    registry.push_tag("v1.2.0");
    admin
        .post("/api/v1/orgs/globex/packages/acme/lib/sync", &json!({}))
        .expect(202);
    registry.run_jobs();
    let document = "/r/globex/main/p2/acme/lib.json";
    let text = String::from_utf8(admin.get(document).expect(200).bytes()).unwrap();
    assert!(text.contains("v1.2.0"));
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn answers_are_left_to_the_platform_to_compress_and_to_nobody_to_share() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let archive = dist_path(&registry);
    for path in [
        ROOT,
        TAGGED,
        DEV,
        &archive,
        "/r/acme/main/list.json",
        "/r/acme/main/search.json?q=lib",
        "/r/acme/main/security-advisories?packages[]=acme/lib",
        "/r/acme/main/p2/acme/none.json",
    ] {
        let answer = admin.get(path);
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        // The platform compresses this type, and no archive.
        let kind = if *path == archive {
            "application/zip"
        } else {
            "application/json"
        };
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        let caching = answer.header("cache-control").unwrap();
        assert!(
            caching.contains("private") || caching.contains("no-store"),
            "{path}: {caching}"
        );
        assert!(!caching.contains("public"), "{path}: {caching}");
    }
}

#[test]
fn addresses_are_those_of_the_host_that_was_asked_whatever_is_forwarded() {
    let registry = TestRegistry::imported();
    let metadata_url = |public: &str, origin: &str, path: &str| {
        let app = isolate_at(&registry.world, public);
        let forged = [
            ("x-forwarded-host", "evil.example".to_owned()),
            ("x-forwarded-proto", "gopher".to_owned()),
            ("x-forwarded-prefix", "/evil".to_owned()),
            ("forwarded", "host=evil.example;proto=gopher".to_owned()),
        ];
        let mut request = Persona::new(&app, Some(ADMIN)).request("GET", path, &forged, Vec::new());
        request.origin = origin.to_owned();
        let answer = Answer::new(&app, block_on(handle(&app, request))).expect(200);
        let text = String::from_utf8(answer.bytes()).unwrap();
        assert!(!text.contains("evil") && !text.contains("gopher"), "{text}");
        answer.json()["metadata-url"].as_str().unwrap().to_owned()
    };
    for (public, origin, path, expected) in [
        (
            ADDRESS,
            ADDRESS,
            ROOT,
            "https://packages.example.com/r/acme/main",
        ),
        // A proxy that speaks https for us, and one that cuts a path off; both leave the host as it is.
        (
            ADDRESS,
            "http://packages.example.com",
            ROOT,
            "https://packages.example.com/r/acme/main",
        ),
        (
            "https://example.com/composer",
            "http://example.com",
            ROOT,
            "https://example.com/composer/r/acme/main",
        ),
        (
            "https://example.com/composer",
            "http://example.com",
            "/packages.json",
            "https://example.com/composer",
        ),
        // Another name of the same instance: credentials are for that host.
        (
            ADDRESS,
            "https://alias.example",
            ROOT,
            "https://alias.example/r/acme/main",
        ),
        (
            ADDRESS,
            "https://alias.example",
            "/packages.json",
            "https://alias.example",
        ),
    ] {
        assert_eq!(
            metadata_url(public, origin, path),
            format!("{expected}/p2/%package%.json"),
            "{public} asked as {origin}{path}"
        );
    }
}

#[test]
fn a_cache_that_tells_of_yesterday_neither_lets_in_nor_hides() {
    let registry = TestRegistry::imported();
    let made = json!({"name": "ci", "access": "read"});
    let made = registry.admin().post("/api/v1/orgs/acme/tokens", &made);
    let made = made.expect(201).json();
    let token = made["token"].as_str().unwrap();
    let far = isolate(&registry.world);
    Persona::new(&far, Some(token)).get(TAGGED).expect(200);
    let yesterday = registry.world.copies.borrow().clone();
    let path = format!("/api/v1/orgs/acme/tokens/{}", made["id"].as_str().unwrap());
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    // Elsewhere the cache has not heard of any of it, and goes on saying so.
    *registry.world.copies.borrow_mut() = yesterday;
    registry.pass_time(10);
    for app in [&far, &isolate(&registry.world)] {
        Persona::new(app, Some(token)).get(TAGGED).expect(401);
        let answer = Persona::new(app, Some(ADMIN)).get(TAGGED).expect(200);
        let text = String::from_utf8(answer.bytes()).unwrap();
        assert!(text.contains("v1.2.0"));
    }
}

#[test]
fn a_report_of_installations_is_one_message_and_writes_no_row() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    admin.get(TAGGED).expect(200);
    registry.world.forget_calls();
    let downloads: Vec<_> = ["1.1.0.0", "1.0.0.0", "dev-main"]
        .iter()
        .map(|version| json!({"name": PACKAGE, "version": version}))
        .collect();
    let body = json!({ "downloads": downloads });
    admin.post("/r/acme/main/downloads", &body).expect(201);
    let effects = registry.world.effects.borrow().clone();
    let changes = effects
        .iter()
        .filter(|effect| **effect == Effect::Some)
        .count();
    assert_eq!(changes, 1);
    assert_eq!(registry.world.calls(Port::Queue), 1);
    registry.run_jobs();
    let counted = registry
        .world
        .sqlite
        .texts("select count(*) || ' ' || sum(count) from downloads");
    assert_eq!(counted, ["3 3"]);
}
