//! Deletions beside a sync, an upload, a publish and the sweep, which give way to each other at every pair of their steps:
//! nothing is torn, nothing comes back, and no document names what is gone.

use std::future::Future;
use std::pin::Pin;

use pollster::block_on;
use repertoire::app::App;
use repertoire::http::handle;
use repertoire::jobs;
use repertoire::store::sweep::sweep;
use serde_json::json;

use super::{let_time_pass, objects};
use crate::support::github::git_archive;
use crate::support::interleave::Run;
use crate::support::persona::Persona;
use crate::support::whole::{Checked, check_whole};
use crate::support::{ADMIN, TestRegistry, isolate};

type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Deletes something, as the API does.
fn deletion<'a>(app: &'a App, path: &str, name: &str) -> Work<'a> {
    let body = json!({ "confirm": name }).to_string().into_bytes();
    let request = Persona::new(app, Some(ADMIN)).request("DELETE", path, &[], body);
    Box::pin(async move {
        handle(app, request).await;
    })
}

/// Delivers all that waits in the queue, once.
fn queue<'a>(registry: &'a TestRegistry, app: &'a App) -> Work<'a> {
    Box::pin(async move {
        let waiting = registry.world.queue.borrow().len();
        for _ in 0..waiting {
            let message = registry.world.queue.borrow_mut().pop_front();
            if let Some(message) = message {
                jobs::run(app, &message.text, 1).await;
            }
        }
    })
}

fn upload<'a>(app: &'a App, version: &str) -> Work<'a> {
    let manifest = json!({"name": "acme/up"}).to_string();
    let archive = git_archive("top", "", &[("composer.json", &manifest), ("v", version)]);
    let path = format!("/r/acme/main/upload/acme/up/{version}");
    let request = Persona::new(app, Some(ADMIN)).request("PUT", &path, &[], archive);
    Box::pin(async move {
        handle(app, request).await;
    })
}

/// Lets two at work take turns: the first does some steps, then the second does some, then the first ends and the second.
fn interleave(
    prepare: &dyn Fn() -> TestRegistry,
    one: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a>,
    other: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a>,
    check: &dyn Fn(&TestRegistry),
) {
    let mut first_steps = 0;
    loop {
        let mut is_through = false;
        // The second goes on to its end, or gives way half way.
        for second_steps in [4, 11, 1_000] {
            let registry = prepare();
            registry.world.gives_way.set(true);
            let (here, there) = (isolate(&registry.world), isolate(&registry.world));
            let mut first = Run::new(one(&registry, &here));
            let mut second = Run::new(other(&registry, &there));
            is_through = first.steps(first_steps);
            second.steps(second_steps);
            first.finish();
            second.finish();
            registry.world.gives_way.set(false);
            check_whole(&registry.world, &mut Checked::default());
            let_time_pass(&registry);
            check(&registry);
        }
        if is_through {
            assert!(first_steps > 3, "it takes no steps");
            return;
        }
        first_steps += 4;
    }
}

/// Imported, with a tag of which nothing was heard yet and whose sync stands in the queue.
fn with_news() -> TestRegistry {
    let registry = TestRegistry::imported();
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("news").expect(202);
    registry
}

fn is_gone(registry: &TestRegistry) {
    let heads = registry.contents();
    assert!(
        heads.iter().all(|(name, ..)| name != "acme/lib"),
        "it came back"
    );
    for sql in [
        "select reference from dists",
        "select pretty from versions",
        "select package_id from repository_packages",
        "select archive_key from deleted_archives",
        "select package_id from pending_publications",
    ] {
        assert_eq!(
            registry.world.sqlite.texts(sql),
            Vec::<String>::new(),
            "{sql}"
        );
    }
    registry.pass_time(3 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(objects(registry, "archives/"), Vec::<String>::new());
}

const PACKAGE: &str = "/api/v1/orgs/acme/packages/acme/lib";

#[test]
fn a_package_that_is_deleted_beside_a_sync_stays_deleted() {
    let delete: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> =
        &|_, app| deletion(app, PACKAGE, "acme/lib");
    let sync: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> = &|registry, app| {
        Box::pin(async move {
            // The comparison, the import and the publish.
            for _ in 0..3 {
                queue(registry, app).await;
            }
        })
    };
    interleave(&with_news, delete, sync, &is_gone);
    interleave(&with_news, sync, delete, &is_gone);
}

#[test]
fn a_version_that_is_deleted_beside_a_sync_stays_deleted() {
    let delete: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> = &|_, app| {
        deletion(
            app,
            "/api/v1/orgs/acme/packages/acme/lib/versions/v1.1.0",
            "acme/lib v1.1.0",
        )
    };
    let sync: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> = &|registry, app| {
        Box::pin(async move {
            for _ in 0..3 {
                queue(registry, app).await;
            }
        })
    };
    let check = |registry: &TestRegistry| {
        registry.pass_time(10);
        assert_eq!(registry.versions("acme/lib"), ["v1.2.0", "v1.0.0"]);
        // v1.2.0, v1.0.0 and the branch.
        assert_eq!(
            registry
                .world
                .sqlite
                .texts("select reference from dists")
                .len(),
            3
        );
    };
    interleave(&with_news, delete, sync, &check);
    interleave(&with_news, sync, delete, &check);
}

#[test]
fn a_package_that_is_deleted_beside_an_upload_is_whole_or_gone() {
    let prepare = || {
        let registry = TestRegistry::new();
        registry
            .admin()
            .upload("acme/up", "1.0.0", "one")
            .expect(201);
        registry.run_jobs();
        registry
    };
    let delete: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> =
        &|_, app| deletion(app, "/api/v1/orgs/acme/packages/acme/up", "acme/up");
    let send: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> =
        &|_, app| upload(app, "2.0.0");
    let check = |registry: &TestRegistry| {
        // The upload came before and went with the rest, or it came after and made the package again.
        let versions = registry.world.sqlite.texts("select pretty from versions");
        assert!(versions.is_empty() || versions == ["2.0.0"], "{versions:?}");
        let dists = registry.world.sqlite.texts("select reference from dists");
        assert_eq!(dists.len(), versions.len());
    };
    interleave(&prepare, delete, send, &check);
    interleave(&prepare, send, delete, &check);
}

#[test]
fn a_repository_that_is_deleted_beside_a_publish_and_a_sweep_loses_nothing_of_others() {
    let prepare = || {
        let registry = with_news();
        let body = json!({"slug": "second"});
        registry
            .admin()
            .post("/api/v1/orgs/acme/repositories", &body)
            .expect(201);
        let path = "/api/v1/orgs/acme/repositories/second/packages/acme/lib";
        registry
            .admin()
            .send("PUT", path, &[], b"{}".to_vec())
            .expect(200);
        registry
    };
    let delete: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> = &|_, app| {
        let deletion = deletion(app, "/api/v1/orgs/acme/repositories/second", "second");
        Box::pin(async move {
            deletion.await;
            sweep(app).await.unwrap();
        })
    };
    let publish: &dyn for<'a> Fn(&'a TestRegistry, &'a App) -> Work<'a> = &|registry, app| {
        Box::pin(async move {
            for _ in 0..3 {
                queue(registry, app).await;
            }
        })
    };
    let check = |registry: &TestRegistry| {
        registry.pass_time(10);
        assert_eq!(
            registry.versions("acme/lib"),
            ["v1.2.0", "v1.1.0", "v1.0.0"]
        );
        registry.pass_time(3 * 24 * 60 * 60);
        registry.housekeep();
        registry.run_jobs();
        check_whole(&registry.world, &mut Checked::default());
        let sql = "select repository_id from revisions where repository_id <> 1";
        assert_eq!(registry.world.sqlite.texts(sql), Vec::<String>::new());
        block_on(sweep(&registry.app)).unwrap();
    };
    interleave(&prepare, delete, publish, &check);
    interleave(&prepare, publish, delete, &check);
}
