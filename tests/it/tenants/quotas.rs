//! Quotas of packages and of storage: held by the database itself, told in words, and looked at again when they are raised.

use repertoire::http::handle;
use serde_json::{Value, json};

use super::{change, make_organisation, owner_of, text, used};
use crate::support::github::git_archive;
use crate::support::interleave::Run;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

fn set(registry: &TestRegistry, quotas: &Value) {
    change(registry, &json!({ "quotas": quotas }));
}

fn stored(registry: &TestRegistry) -> i64 {
    let sum = registry
        .world
        .sqlite
        .texts("select coalesce(sum(size), 0) from dists");
    sum[0].parse().unwrap()
}

fn archives(registry: &TestRegistry) -> usize {
    let objects = registry.world.objects.borrow();
    objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .count()
}

#[test]
fn what_is_used_is_counted_as_it_changes() {
    let registry = TestRegistry::imported();
    assert_eq!(
        used(&registry, "packages"),
        (1, json!(null), "within".to_owned())
    );
    assert_eq!(used(&registry, "storage").0, stored(&registry));
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "x")
        .expect(201);
    // The same bytes once more, and into another repository, are nothing more.
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "x")
        .expect(200);
    let repositories = "/api/v1/orgs/acme/repositories";
    registry
        .admin()
        .post(repositories, &json!({"slug": "second"}))
        .expect(201);
    registry
        .admin()
        .send(
            "PUT",
            "/api/v1/orgs/acme/repositories/second/packages/acme/tool",
            &[],
            Vec::new(),
        )
        .expect(200);
    registry.run_jobs();
    assert_eq!(used(&registry, "packages").0, 2);
    assert_eq!(used(&registry, "storage").0, stored(&registry));
    let usage = registry.admin().get("/api/v1/orgs/acme/usage").json();
    assert_eq!(usage["versions"], 4);
    // What is deleted frees its room once no head names it any more.
    let confirmed = json!({"confirm": "acme/tool 1.0.0"}).to_string();
    registry
        .admin()
        .send(
            "DELETE",
            "/api/v1/orgs/acme/packages/acme/tool/versions/1.0.0",
            &[],
            confirmed.into(),
        )
        .expect(204);
    registry.run_jobs();
    registry.pass_time(7 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(used(&registry, "storage").0, stored(&registry));
    let of_tool = "select count(*) from dists d join packages p on p.id = d.package_id where p.name = 'acme/tool'";
    assert_eq!(registry.world.sqlite.texts(of_tool), ["0"]);
}

#[test]
fn an_upload_of_one_package_too_many_is_refused() {
    let registry = TestRegistry::new();
    set(&registry, &json!({"packages": 1}));
    let writer = registry.writer();
    writer.upload("acme/lib", "1.0.0", "x").expect(201);
    assert_eq!(
        used(&registry, "packages"),
        (1, json!(1), "reached".to_owned())
    );
    let before = archives(&registry);
    let refused = writer.upload("acme/tool", "1.0.0", "x").expect(403).json();
    assert!(
        text(&refused["warning"]).starts_with("This organisation may have 1 packages, and has 1")
    );
    assert_eq!(archives(&registry), before);
    // Another version of what is there is no other package.
    writer.upload("acme/lib", "1.1.0", "y").expect(201);
    let definition = json!({
        "repository": "main",
        "package": {"name": "acme/defined", "version": "1.0.0", "source": {"type": "git", "url": "https://example.com/a.git", "reference": "1"}},
    });
    let path = "/api/v1/orgs/acme/packages/acme/defined/definition";
    let refused = registry
        .admin()
        .send("PUT", path, &[], definition.to_string().into());
    assert_eq!(refused.expect(403).json()["code"], "quota_exceeded");
    set(&registry, &json!({"packages": 2}));
    writer.upload("acme/tool", "1.0.0", "x").expect(201);
    set(&registry, &json!({"packages": null}));
    writer.upload("acme/third", "1.0.0", "x").expect(201);
    registry.run_jobs();
}

#[test]
fn a_deleted_package_makes_room_for_another_at_once() {
    let registry = TestRegistry::imported();
    set(&registry, &json!({"packages": 1}));
    let writer = registry.writer();
    writer.upload("acme/tool", "1.0.0", "x").expect(403);
    let confirmed = json!({"confirm": PACKAGE}).to_string();
    registry
        .admin()
        .send(
            "DELETE",
            "/api/v1/orgs/acme/packages/acme/lib",
            &[],
            confirmed.into_bytes(),
        )
        .expect(204);
    registry.run_jobs();
    assert_eq!(used(&registry, "packages").0, 0);
    writer.upload("acme/tool", "1.0.0", "x").expect(201);
    // The row that goes later is not counted down twice.
    registry.pass_time(40 * 86_400);
    for _ in 0..3 {
        registry.housekeep();
        registry.run_jobs();
    }
    assert_eq!(used(&registry, "packages").0, 1);
}

#[test]
fn an_upload_that_does_not_fit_leaves_nothing() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/lib", "1.0.0", "x").expect(201);
    registry.run_jobs();
    let size = stored(&registry);
    let before = archives(&registry);
    // The stream crosses the limit.
    set(&registry, &json!({"storage": size + 10}));
    let refused = writer.upload("acme/lib", "2.0.0", "y").expect(403).json();
    let expected = format!(
        "may store {} bytes of archives, and stores {size}",
        size + 10
    );
    assert!(text(&refused["warning"]).contains(&expected), "{refused}");
    assert_eq!(archives(&registry), before);
    // There is no room from the first byte on, whatever comes: what is stored already too.
    set(&registry, &json!({"storage": size}));
    writer.upload("acme/lib", "1.0.0", "x").expect(403);
    let begun = json!({"name": "acme/lib", "version": "3.0.0", "size": 1});
    writer.post("/uploads", &begun).expect(403);
    let archive = git_archive("top", "", &[("a", "b")]);
    let path = "/api/v1/orgs/acme/packages/acme/defined/archives";
    let refused = registry
        .admin()
        .send("POST", path, &[], archive)
        .expect(403);
    assert_eq!(refused.json()["code"], "quota_exceeded");
    assert_eq!(archives(&registry), before);
    assert_eq!(
        used(&registry, "storage"),
        (size, json!(size), "reached".to_owned())
    );
    set(&registry, &json!({"storage": size * 3}));
    writer.upload("acme/lib", "2.0.0", "y").expect(201);
    registry.run_jobs();
}

#[test]
fn two_uploads_at_once_do_not_share_the_last_room() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    writer.upload("acme/lib", "1.0.0", "x").expect(201);
    registry.run_jobs();
    let size = stored(&registry);
    // Room for one more: both look while it is there.
    set(&registry, &json!({"storage": size * 2 + size / 2}));
    let other = git_archive(
        "top",
        "",
        &[("composer.json", r#"{"name":"acme/lib"}"#), ("text", "z")],
    );
    let one = git_archive(
        "top",
        "",
        &[("composer.json", r#"{"name":"acme/lib"}"#), ("text", "y")],
    );
    let request = |version: &str, archive: Vec<u8>| {
        let path = format!("/r/acme/main/upload/acme/lib/{version}");
        handle(&registry.app, writer.request("PUT", &path, &[], archive))
    };
    registry.world.gives_way.set(true);
    let mut one = Run::new(request("2.0.0", one));
    let mut two = Run::new(request("3.0.0", other));
    // Side by side, step by step.
    while !(one.steps(1) & two.steps(1)) {}
    let mut statuses = [one.finish().status, two.finish().status];
    registry.world.gives_way.set(false);
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403]);
    registry.run_jobs();
    assert!(stored(&registry) <= size * 2 + size / 2);
    assert_eq!(used(&registry, "storage").0, stored(&registry));
}

#[test]
fn a_sync_says_so_on_its_refs_and_goes_on_when_there_is_room() {
    let registry = TestRegistry::new();
    registry.make_project();
    set(&registry, &json!({"storage": 10}));
    registry.import(PROJECT);
    registry.run_jobs();
    let refs = registry.refs(PACKAGE);
    assert_eq!(
        refs.matches("failed This organisation may store 10 bytes")
            .count(),
        3,
        "{refs}"
    );
    assert_eq!(archives(&registry), 0);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select count(*) from dead_letters"),
        ["0"]
    );
    // Nothing is fetched in vain, however often it is compared.
    set(&registry, &json!({"storage": 0}));
    registry.run_jobs();
    let asked = registry.world.github.borrow().archives_asked();
    for _ in 0..3 {
        registry.sync(PACKAGE);
    }
    assert_eq!(registry.world.github.borrow().archives_asked(), asked);
    set(&registry, &json!({"storage": 1_000_000}));
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    let left = registry
        .world
        .sqlite
        .texts("select name from git_refs where state = 'failed'");
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_project_beyond_the_quota_is_refused_wherever_it_comes_from() {
    let registry = TestRegistry::new();
    registry.make_project();
    set(&registry, &json!({"packages": 0}));
    let (connection, _) = registry.connect();
    let body = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    let refused = registry.admin().post("/api/v1/orgs/acme/packages", &body);
    assert_eq!(refused.expect(403).json()["code"], "quota_exceeded");
    let path = format!("/api/v1/orgs/acme/connections/{connection}/imports");
    let asked = json!({"projects": [PROJECT], "repository": "main"});
    let import = registry.admin().post(&path, &asked).expect(202).json();
    registry.run_jobs();
    let path = format!(
        "/api/v1/orgs/acme/imports/{}",
        text(&import["import"]["id"])
    );
    let shown = registry.admin().get(&path).expect(200).json().to_string();
    assert!(shown.contains("may have 0 packages"), "{shown}");
    registry.run_jobs();
}

#[test]
fn a_name_that_changes_at_its_source_waits_for_room() {
    let registry = TestRegistry::imported();
    set(&registry, &json!({"packages": 1}));
    registry.push("refs/heads/main", &json!({"name": "acme/renamed"}));
    registry.sync(PACKAGE);
    let notice = registry.shown(PACKAGE).to_string();
    assert!(
        notice.contains("there is no room for another package"),
        "{notice}"
    );
    set(&registry, &json!({"packages": 2}));
    registry.run_jobs();
    registry.shown("acme/renamed");
}

#[test]
fn those_below_share_the_quota_and_learn_no_numbers() {
    let registry = TestRegistry::new();
    make_organisation(&registry, &json!({"slug": "client", "parent": "acme"}));
    set(&registry, &json!({"packages": 1}));
    let client = owner_of(&registry, "client");
    let upload = |name: &str| {
        let manifest = json!({"name": name}).to_string();
        let archive = git_archive("top", "", &[("composer.json", &manifest)]);
        let path = format!("/r/client/main/upload/{name}/1.0.0");
        client.send("PUT", &path, &[], archive)
    };
    upload("client/app").expect(201);
    let refused = upload("client/tool").expect(403).json();
    let told = text(&refused["warning"]);
    assert!(
        told.contains("of the organisation that this one belongs to"),
        "{told}"
    );
    assert!(!told.contains('1'), "{told}");
    let refused = registry
        .writer()
        .upload("acme/lib", "1.0.0", "x")
        .expect(403)
        .json();
    assert!(text(&refused["warning"]).contains("may have 1 packages, and has 1"));
    let usage = registry.admin().get("/api/v1/orgs/acme/usage").json();
    assert_eq!(
        usage["packages"],
        json!({"used": 0, "used_below": 1, "quota": 1, "state": "reached"})
    );
    registry.run_jobs();
}

#[test]
fn usage_is_for_the_organisation_and_the_owner_of_the_instance() {
    let registry = TestRegistry::new();
    registry
        .writer()
        .upload("acme/lib", "1.0.0", "a")
        .expect(201);
    registry.run_jobs();
    make_organisation(&registry, &json!({"slug": "globex"}));
    make_organisation(&registry, &json!({"slug": "initech"}));
    set(&registry, &json!({"packages": 10}));
    let owner = owner_of(&registry, "acme");
    let reader = registry.reader("*");
    owner.get("/api/v1/orgs/acme/usage").expect(200);
    reader.get("/api/v1/orgs/acme/usage").expect(403);
    owner_of(&registry, "globex")
        .get("/api/v1/orgs/acme/usage")
        .expect(404);
    owner.get("/api/v1/usage").expect(403);
    let slugs = |query: &str| -> Vec<String> {
        let mut slugs = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/api/v1/usage?limit=1{query}{next}");
            let page = registry.admin().get(&path).expect(200).json();
            let rows = page["organisations"].as_array().unwrap();
            slugs.extend(rows.iter().map(|row| text(&row["slug"])));
            match page["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return slugs,
            }
        }
    };
    assert_eq!(slugs(""), ["acme", "globex", "initech"]);
    registry.change("update organisations set storage_used = 1000000 where slug = 'initech'");
    assert_eq!(slugs("&sort=packages"), ["acme", "globex", "initech"]);
    assert_eq!(slugs("&sort=storage"), ["initech", "acme", "globex"]);
    assert_eq!(slugs("&sort=bandwidth"), ["acme", "globex", "initech"]);
    registry.admin().get("/api/v1/usage?sort=name").expect(422);
    registry.admin().get("/api/v1/usage?cursor=eA").expect(422);
    for wrong in [json!(-1), json!("1"), json!(1.5)] {
        let body = json!({"quotas": {"storage": wrong}});
        registry
            .admin()
            .patch("/api/v1/orgs/acme", &body)
            .expect(422);
    }
}
