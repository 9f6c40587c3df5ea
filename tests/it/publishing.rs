//! Blobs and heads: what is published is published whole, once, and for ever.

use pollster::block_on;
use repertoire::http::handle;
use repertoire::store::publications::{Published, publish};
use serde_json::json;

use crate::support::github::git_archive;
use crate::support::interleave::Run;
use crate::support::persona::Persona;
use crate::support::world::{CacheMood, Object};
use crate::support::{PACKAGE, TestRegistry, isolate};

/// An upload that has not begun, as a future of another isolate's.
macro_rules! uploading {
    ($app:expr, $token:expr, $package:expr, $version:expr) => {{
        let manifest = json!({"name": $package}).to_string();
        let archive = git_archive("top", "", &[("composer.json", &manifest)]);
        let path = format!("/r/acme/main/upload/{}/{}", $package, $version);
        let request = Persona::new(&$app, Some($token)).request("PUT", &path, &[], archive);
        Run::new(handle(&$app, request))
    }};
}

/// Two packages, each about to get another version.
fn two_packages() -> (TestRegistry, String) {
    let registry = TestRegistry::new();
    let token = registry.writer().token.unwrap();
    for package in ["acme/one", "acme/two"] {
        let writer = registry.with_token(&token);
        writer.upload(package, "1.0.0", "").expect(201);
    }
    (registry, token)
}

#[test]
fn two_publishers_at_once_both_have_their_packages_in_the_tree() {
    for cut in 0.. {
        let (registry, token) = two_packages();
        registry.world.gives_way.set(true);
        let (here, there) = (isolate(&registry.world), isolate(&registry.world));
        let mut one = uploading!(here, &token, "acme/one", "1.1.0");
        let is_through = one.steps(cut);
        let two = uploading!(there, &token, "acme/two", "1.1.0");
        assert_eq!(two.finish().status, 201);
        assert_eq!(one.finish().status, 201);
        registry.world.gives_way.set(false);
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.versions("acme/one"), ["1.1.0", "1.0.0"], "{cut}");
        assert_eq!(registry.versions("acme/two"), ["1.1.0", "1.0.0"], "{cut}");
        if is_through {
            break;
        }
    }
}

#[test]
fn two_publishers_step_by_step_both_have_their_packages_in_the_tree() {
    for stride in 1..6 {
        let (registry, token) = two_packages();
        registry.world.gives_way.set(true);
        let (here, there) = (isolate(&registry.world), isolate(&registry.world));
        let mut one = uploading!(here, &token, "acme/one", "1.1.0");
        let mut two = uploading!(there, &token, "acme/two", "1.1.0");
        while !(one.steps(stride) & two.steps(1)) {}
        assert_eq!(one.finish().status, 201);
        assert_eq!(two.finish().status, 201);
        registry.world.gives_way.set(false);
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.versions("acme/one"), ["1.1.0", "1.0.0"]);
        assert_eq!(registry.versions("acme/two"), ["1.1.0", "1.0.0"]);
    }
}

#[test]
fn two_uploads_of_one_version_keep_one_of_them() {
    for cut in 0.. {
        let registry = TestRegistry::new();
        let token = registry.writer().token.unwrap();
        registry.world.gives_way.set(true);
        let (here, there) = (isolate(&registry.world), isolate(&registry.world));
        let request = |app, text: &str| {
            let manifest = json!({"name": "acme/tool"}).to_string();
            let archive = git_archive("top", "", &[("composer.json", &manifest), ("a", text)]);
            let path = "/r/acme/main/upload/acme/tool/1.0.0";
            Persona::new(app, Some(&token)).request("PUT", path, &[], archive)
        };
        let mut one = Run::new(handle(&here, request(&here, "one")));
        let is_through = one.steps(cut);
        let two = Run::new(handle(&there, request(&there, "two"))).finish();
        let one = one.finish();
        registry.world.gives_way.set(false);
        registry.pass_time(300);
        registry.housekeep();
        registry.run_jobs();
        registry.assert_settled();
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{cut}");
        // The bytes that lost can still become a version of their own.
        for (version, text) in [("1.1.0", "one"), ("1.2.0", "two")] {
            let writer = registry.with_token(&token);
            writer.upload("acme/tool", version, text).expect(201);
        }
        if is_through {
            break;
        }
    }
}

#[test]
fn the_same_twice_flips_nothing() {
    let registry = TestRegistry::imported();
    let head = registry.head();
    registry.change(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, 0 from repository_packages",
    );
    registry.pass_time(100);
    assert_eq!(block_on(publish(&registry.app, 1)).unwrap(), Published::All);
    assert_eq!(registry.head(), head);
    registry.assert_settled();
}

#[test]
fn a_publish_without_news_that_loses_its_race_leaves_nothing_behind() {
    for asked_after in 0..40 {
        for cut in 0..6 {
            let (registry, token) = two_packages();
            registry.world.gives_way.set(true);
            let (here, there) = (isolate(&registry.world), isolate(&registry.world));
            let mut other = uploading!(there, &token, "acme/two", "1.1.0");
            other.steps(asked_after);
            registry.change(
                "insert into pending_publications (repository_id, package_id, sequence, asked_at)
                 select 1, id, 1, 0 from packages where name = 'acme/one'
                 on conflict (repository_id, package_id) do update set sequence = sequence + 1",
            );
            let mut idle = Run::new(publish(&here, 1));
            idle.steps(cut);
            assert_eq!(other.finish().status, 201);
            idle.finish().unwrap();
            registry.world.gives_way.set(false);
            registry.assert_settled();
        }
    }
}

#[test]
fn a_sync_without_news_flips_nothing() {
    let registry = TestRegistry::imported();
    let head = registry.head();
    registry.pass_time(100);
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.head(), head);
}

#[test]
fn a_cache_that_has_nothing_or_fails_changes_no_answer() {
    let paths = [
        "/r/acme/main/packages.json",
        "/r/acme/main/p2/acme/lib.json",
        "/r/acme/main/p2/acme/lib~dev.json",
        "/r/acme/main/p2/acme/none.json",
    ];
    let calm = TestRegistry::imported();
    for mood in [CacheMood::Empty, CacheMood::Denying] {
        let registry = TestRegistry::new();
        registry.world.cache_mood.set(mood);
        registry.make_project();
        registry.import(crate::support::PROJECT);
        registry.run_jobs();
        registry.assert_settled();
        assert_eq!(registry.head(), calm.head());
        for path in paths {
            let cold = isolate(&registry.world);
            let answer = Persona::new(&cold, Some(crate::support::ADMIN)).get(path);
            assert_eq!(answer.transcript(), calm.admin().get(path).transcript());
        }
    }
}

#[test]
fn an_old_revision_opened_again_gives_its_old_bytes() {
    let registry = TestRegistry::imported();
    let (revision, _) = registry.head();
    let document = registry
        .admin()
        .get("/r/acme/main/p2/acme/lib.json")
        .bytes();
    let time = registry.world.now.get();
    registry.pass_time(7 * 24 * 60 * 60);
    registry.push_tag("v9.0.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v9.0.0");
    for _ in 0..3 {
        registry.housekeep();
        registry.run_jobs();
        registry.pass_time(2 * 24 * 60 * 60);
    }
    let date = repertoire::domain::time::rfc3339(time + 10).replace("+00:00", "Z");
    for moment in [revision.to_string(), date] {
        let path = format!("/r/acme/main@{moment}/p2/acme/lib.json");
        assert_eq!(registry.admin().get(&path).expect(200).bytes(), document);
    }
}

#[test]
fn more_packages_than_fit_into_one_flip_are_all_published() {
    let registry = TestRegistry::new();
    let token = registry.writer().token.unwrap();
    let writer = registry.with_token(&token);
    writer.upload("acme/first", "1.0.0", "").expect(201);
    registry.change(
        "insert into packages (organisation_id, name, created_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 450)
         select 1, 'acme/p' || i, 0 from n",
    );
    registry.change(
        "insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at)
         select p.id, 'r', d.archive_key || '#' || p.id, d.size, d.sha1, d.sha256, 0
         from packages p join dists d on d.id = 1 where p.name <> 'acme/first'",
    );
    let key = registry
        .world
        .sqlite
        .texts("select archive_key from dists where id = 1")
        .remove(0);
    {
        let mut objects = registry.world.objects.borrow_mut();
        let bytes = objects[&key].bytes.clone();
        for copy in registry
            .world
            .sqlite
            .texts("select archive_key from dists where id <> 1")
        {
            let uploaded = registry.world.now.get();
            let bytes = bytes.clone();
            objects.insert(copy, Object { bytes, uploaded });
        }
    }
    registry.change("insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
         select package_id, '1.0.0', '1.0.0.0', 0, reference, id, '{}', '2026-01-01T00:00:00Z', 0
         from dists where id <> 1");
    registry.change("insert into repository_packages (repository_id, package_id) select 1, id from packages where name <> 'acme/first'");
    registry.change(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, 0 from repository_packages",
    );
    registry.pass_time(300);
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.contents().len(), 451);
    // Too many to be listed by name.
    let root = registry.admin().get("/r/acme/main/packages.json").json();
    assert_eq!(root["available-package-patterns"], json!(["*/*"]));
}

#[test]
fn an_instance_that_moved_publishes_its_documents_under_the_new_address() {
    let registry = TestRegistry::imported();
    let before = registry.head().0;
    let moved = TestRegistry {
        app: crate::support::isolate_at(&registry.world, "https://elsewhere.example.com"),
        world: std::rc::Rc::clone(&registry.world),
        token: std::cell::RefCell::default(),
    };
    let again = serde_json::json!({"organisation": "acme", "repository": "main"});
    moved
        .with_token(crate::support::SETUP_SECRET)
        .post("/api/v1/setup", &again)
        .expect(409);
    moved.run_jobs();
    assert_eq!(moved.head().0, before + 1);
    let entry = moved.composer_metadata(crate::support::PACKAGE)[0].clone();
    let url = entry["dist"]["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://elsewhere.example.com/r/acme/main/dist/"),
        "{url}"
    );
    moved.housekeep();
    moved.run_jobs();
    assert_eq!(moved.head().0, before + 1, "once is enough");
}

#[test]
fn an_older_form_of_documents_is_published_again_and_equal_ones_keep_their_dates() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let dates = || {
        ["acme/lib", "acme/lib~dev", "acme/tool"].map(|name| {
            let answer = registry
                .admin()
                .get(&format!("/r/acme/main/p2/{name}.json"));
            answer.header("last-modified").unwrap().to_owned()
        })
    };
    let (head, before) = (registry.head(), dates());
    registry.pass_time(1_000);
    registry.change("update repositories set published_form = 0");
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!((registry.head(), dates()), (head.clone(), before.clone()));
    // Another form gives another document of this one package.
    registry.change("update versions set manifest = json_set(manifest, '$.description', 'In another form') where pretty = '1.0.0'");
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(
        registry.head(),
        head,
        "a form that is known is not built again"
    );
    registry.change("update repositories set published_form = 0");
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    let after = dates();
    assert_eq!(after[..2], before[..2]);
    assert_ne!(after[2], before[2]);
    assert_eq!(registry.head().0, head.0 + 1);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.head().0, head.0 + 1, "once is enough");
}

#[test]
fn what_a_program_without_forms_published_meanwhile_is_published_again() {
    let registry = TestRegistry::imported();
    let head = registry.head();
    // Such a program moves the head and says nothing of its form.
    registry.change(
        "update repositories set head_revision = head_revision + 1, head_time = head_time + 1",
    );
    registry.change(
        "insert into revisions (repository_id, number, root, time, cause)
         select id, head_revision, head_root, head_time, 'old' from repositories",
    );
    registry.change("update versions set manifest = json_set(manifest, '$.description', 'As before') where pretty = 'v1.0.0'");
    registry.pass_time(10);
    registry.housekeep();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.head().0, head.0 + 2);
    let oldest = registry.composer_metadata(PACKAGE).pop().unwrap();
    assert_eq!(oldest["description"], "As before");
    let forms = "select published_form || ' ' || (form_revision = head_revision) from repositories";
    let form = repertoire::domain::metadata::DOCUMENT_FORM;
    assert_eq!(registry.world.sqlite.texts(forms), [format!("{form} 1")]);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.head().0, head.0 + 2, "once is enough");
}

#[test]
fn a_newer_form_is_left_to_the_newer_program() {
    let registry = TestRegistry::imported();
    let head = registry.head();
    registry.change("update repositories set published_form = published_form + 1");
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.head(), head);
    let waiting = "select package_id from pending_publications";
    assert_eq!(registry.world.sqlite.texts(waiting), Vec::<String>::new());
}
