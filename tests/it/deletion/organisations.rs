//! Organisations.

use repertoire::http::route::parse;
use serde_json::{Value, json};

use super::{let_time_pass, lines, objects};
use crate::routes::PATHS;
use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;
use crate::support::github::{GITHUB_TOKEN, git_archive};
use crate::support::persona::Answer;
use crate::support::sqlite::Sqlite;

const GLOBEX: &str = "/api/v1/orgs/globex";

fn ask(registry: &TestRegistry, method: &str, path: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/orgs/{path}");
    registry
        .admin()
        .send(method, &path, &[], body.to_string().into_bytes())
}

/// `acme` with a package, and beside it `globex` with something of everything.
fn with_globex() -> TestRegistry {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    ask(
        &registry,
        "POST",
        "globex/repositories",
        &json!({"slug": "main"}),
    )
    .expect(201);
    ask(
        &registry,
        "POST",
        "globex/repositories",
        &json!({"slug": "second"}),
    )
    .expect(201);
    let connection = ask(
        &registry,
        "POST",
        "globex/connections",
        &json!({"provider": "github", "token": GITHUB_TOKEN}),
    )
    .expect(201)
    .json()["id"]
        .clone();
    {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(43, "globex/web");
        let text = json!({"name": "globex/web"}).to_string();
        let project = github.project("globex/web");
        project.push("refs/heads/main", Some(&text));
        project.push("refs/tags/v1.0.0", Some(&text));
    }
    let body = json!({"connection": connection, "project": "globex/web", "repository": "main"});
    ask(&registry, "POST", "globex/packages", &body).expect(202);
    registry.run_jobs();
    let manifest = json!({"name": "globex/up"}).to_string();
    let archive = git_archive("top", "", &[("composer.json", &manifest)]);
    registry
        .admin()
        .send(
            "PUT",
            "/r/globex/second/upload/globex/up/1.0.0",
            &[],
            archive,
        )
        .expect(201);
    registry.run_jobs();
    for (path, body) in [
        (
            "globex/tokens",
            json!({"name": "ci", "access": "read", "repositories": ["main"]}),
        ),
        ("globex/teams", json!({"name": "Core"})),
        ("globex/customers", json!({"name": "Buyer"})),
        (
            "globex/collections",
            json!({"name": "All", "items": [{"packages": ["globex/*"]}]}),
        ),
        (
            "globex/invitations",
            json!({"email": "ada@example.com", "role": "member"}),
        ),
    ] {
        let made = ask(&registry, "POST", path, &body).expect(201).json();
        if path == "globex/customers" {
            let subject = json!({"customer": made["id"]});
            let grant = json!({"subject": subject, "packages": ["globex/*"]});
            ask(&registry, "POST", "globex/grants", &grant).expect(201);
        }
        if path == "globex/invitations" {
            let accepted = json!({"token": made["token"], "name": "Ada"});
            registry
                .anonymous()
                .post("/api/v1/invitations/accept", &accepted)
                .expect(201);
        }
    }
    for sql in [
        "insert into second_factors (account_id, sealed_secret, created_at, last_step)
         select id, 'sealed', 0, 0 from accounts",
        "insert into recovery_codes (account_id, hash) select id, 'hash' from accounts",
        "insert into passkeys (id, account_id, credential, algorithm, public_key, sign_count, is_syncable, name,
                               created_at)
         select 'p1', id, 'credential', -7, '', 0, 0, 'Laptop', 0 from accounts",
    ] {
        registry.change(sql);
    }
    registry
}

/// Somebody installs what globex has.
fn install(registry: &TestRegistry) {
    let downloads = json!({"downloads": [{"name": "globex/up", "version": "1.0.0.0"}]});
    registry
        .admin()
        .post("/r/globex/second/downloads", &downloads)
        .expect(201);
    registry.run_jobs();
}

fn suspend(registry: &TestRegistry) {
    registry.change("update organisations set suspended_at = 1 where slug = 'globex'");
}

fn delete(registry: &TestRegistry) -> Answer {
    let body = json!({"confirm": "globex"}).to_string().into_bytes();
    registry.admin().send("DELETE", GLOBEX, &[], body)
}

/// How many rows of each table are about the organisation with this id.
fn rows_of(sqlite: &Sqlite) -> Vec<String> {
    let mut found = Vec::new();
    for table in sqlite.texts(
        "select m.name from sqlite_master m join pragma_table_info(m.name) c
         where m.type = 'table' and c.name = 'organisation_id' order by 1",
    ) {
        let sql = format!("select count(*) from {table} where organisation_id = 2");
        let count = sqlite.texts(Box::leak(sql.into_boxed_str())).remove(0);
        if count != "0" {
            found.push(format!("{table} {count}"));
        }
    }
    found
}

#[test]
fn an_organisation_is_deleted_by_the_owner_of_the_instance_when_it_is_suspended() {
    let registry = with_globex();
    let made = ask(
        &registry,
        "POST",
        "globex/tokens",
        &json!({"name": "a", "abilities": ["view", "own"]}),
    )
    .json();
    let own = registry.with_token(made["token"].as_str().unwrap());
    let body = json!({"confirm": "globex"}).to_string().into_bytes();
    own.send("DELETE", GLOBEX, &[], body.clone()).expect(403);
    let refused = delete(&registry).expect(409).json();
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .starts_with("Suspend the organisation first"),
        "{refused}"
    );
    suspend(&registry);
    let wrong = json!({"confirm": "acme"}).to_string().into_bytes();
    registry
        .admin()
        .send("DELETE", GLOBEX, &[], wrong)
        .expect(422);
    ask(&registry, "GET", "globex", &json!({})).expect(200);
    // What is below it goes first.
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "initech"}))
        .expect(201);
    registry.change("update organisations set parent_id = 2 where slug = 'initech'");
    let refused = delete(&registry).expect(409).json();
    assert!(
        refused["detail"].as_str().unwrap().contains("initech"),
        "{refused}"
    );
    // The last one stays.
    let alone = TestRegistry::new();
    alone.change("update organisations set suspended_at = 1");
    let body = json!({"confirm": "acme"}).to_string().into_bytes();
    alone
        .admin()
        .send("DELETE", "/api/v1/orgs/acme", &[], body)
        .expect(409);
}

#[test]
fn a_deleted_organisation_is_gone_with_all_it_had_and_others_are_as_they_were() {
    let registry = with_globex();
    install(&registry);
    let rows = rows_of(&registry.world.sqlite);
    for table in ["readers 1", "organisation_clients 1"] {
        assert!(rows.iter().any(|row| row == table), "{rows:?}");
    }
    let before = (registry.contents(), objects(&registry, "archives/1/"));
    assert!(
        rows_of(&registry.world.sqlite).len() > 10,
        "{:?}",
        rows_of(&registry.world.sqlite)
    );
    suspend(&registry);
    assert_eq!(
        delete(&registry).expect(202).json(),
        json!({"slug": "globex", "state": "deleting"})
    );
    delete(&registry).expect(202);
    registry.run_jobs();
    delete(&registry).expect(404);
    assert_eq!(rows_of(&registry.world.sqlite), Vec::<String>::new());
    assert_eq!(objects(&registry, "archives/2/"), Vec::<String>::new());
    assert_eq!(
        (registry.contents(), objects(&registry, "archives/1/")),
        before
    );
    assert_eq!(registry.world.github.borrow().hooks.places().len(), 1);
    assert_eq!(
        registry.world.sqlite.texts("select email from accounts"),
        Vec::<String>::new()
    );
    // Of its log the instance keeps who deleted it.
    assert_eq!(lines(&registry, "organisation.deletion_begun"), 1);
    assert_eq!(lines(&registry, "organisation.deleted"), 1);
    registry.pass_time(2 * 24 * 60 * 60);
    let_time_pass(&registry);
    registry.pass_time(2 * 24 * 60 * 60);
    let_time_pass(&registry);
    assert_eq!(
        objects(&registry, "blobs/"),
        objects(&TestRegistry::imported(), "blobs/")
    );
    // Another one of that name is another one.
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select id from organisations order by id"),
        ["1", "3"]
    );
    registry.assert_settled();
}

#[test]
fn nothing_is_made_in_an_organisation_that_is_being_deleted() {
    let registry = with_globex();
    let token = ask(
        &registry,
        "POST",
        "globex/tokens",
        &json!({"name": "a", "access": "admin"}),
    );
    let theirs = token.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    suspend(&registry);
    delete(&registry).expect(202);
    let before = registry.world.sqlite.changes();
    let host = "packages.example.com";
    let mut refused = 0;
    for path in PATHS
        .iter()
        .filter(|path| path.starts_with("/api/v1/orgs/acme"))
    {
        let path = path.replacen("/orgs/acme", "/orgs/globex", 1);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let deletes = method == "DELETE" && path == GLOBEX;
            if deletes || parse(method, host, &path).is_err() {
                continue;
            }
            let answer = registry.admin().send(method, &path, &[], b"{}".to_vec());
            assert_eq!(answer.status(), 409, "{method} {path}");
            let said = answer.json();
            assert_eq!(said["code"], "ended", "{method} {path}: {said}");
            assert!(
                said["detail"]
                    .as_str()
                    .unwrap()
                    .starts_with("The organisation is being deleted")
            );
            let others = registry
                .with_token(&theirs)
                .send(method, &path, &[], b"{}".to_vec());
            assert_eq!(others.status(), 403, "{method} {path}");
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
    let below = json!({"slug": "globex-below", "parent": "globex"});
    registry.admin().post("/api/v1/orgs", &below).expect(409);
    let upload = registry.admin().send(
        "PUT",
        "/r/globex/main/upload/globex/up/2.0.0",
        &[],
        b"x".to_vec(),
    );
    let said = upload.expect(409).json();
    assert!(
        said["warning"]
            .as_str()
            .unwrap()
            .starts_with("The organisation is being deleted")
    );
    let parts = json!({"name": "globex/up", "version": "2.0.0", "size": 10});
    registry
        .admin()
        .post("/r/globex/main/uploads", &parts)
        .expect(409);
    assert_eq!(registry.world.sqlite.changes(), before);
    // Looking is allowed, and so is saying it again.
    ask(&registry, "GET", "globex", &json!({})).expect(200);
    delete(&registry).expect(202);
    registry.run_jobs();
    ask(&registry, "GET", "globex", &json!({})).expect(404);
}

#[test]
fn parts_of_uploads_leave_with_an_organisation_whatever_fails() {
    with_every_fault(
        || {
            let registry = with_globex();
            let begun = json!({"name": "globex/large", "version": "1.0.0", "size": 10});
            for repository in ["main", "second"] {
                let path = format!("/r/globex/{repository}/uploads");
                registry.admin().post(&path, &begun).expect(201);
            }
            assert_eq!(registry.world.uploads.borrow().len(), 2);
            suspend(&registry);
            registry
        },
        |registry| {
            if delete(registry).status() != 202 {
                delete(registry).expect(202);
            }
            registry.run_jobs();
            let_time_pass(registry);
        },
        |registry, _| {
            assert_eq!(registry.world.uploads.borrow().len(), 0);
            registry.pass_time(2 * 24 * 60 * 60);
            let_time_pass(registry);
            let left = registry.world.sqlite.texts("select * from deleted_uploads");
            assert_eq!(left, Vec::<String>::new());
        },
    );
}

#[test]
fn a_deletion_of_an_organisation_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || {
            let registry = with_globex();
            suspend(&registry);
            registry
        },
        |registry| {
            if delete(registry).status() != 202 {
                delete(registry).expect(202);
            }
            registry.run_jobs();
            let_time_pass(registry);
        },
        |registry, calm| {
            assert_eq!(registry.contents(), calm.contents());
            assert_eq!(rows_of(&registry.world.sqlite), Vec::<String>::new());
            assert_eq!(objects(registry, "archives/"), objects(calm, "archives/"));
            assert_eq!(lines(registry, "organisation.deleted"), 1);
            assert_eq!(registry.world.github.borrow().hooks.places().len(), 1);
            registry.assert_settled();
        },
    );
}

/// A table that is made later, and whose rows are an organisation's, must leave with it.
#[test]
fn no_table_of_an_organisation_is_forgotten() {
    let sqlite = Sqlite::migrated();
    let sources = ["organisations", "repositories", "connections"].map(|file| {
        let path = format!(
            "{}/src/store/deletion/{file}.rs",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read_to_string(path).unwrap()
    });
    let source = sources.concat();
    for table in sqlite.texts(
        "select distinct m.name from sqlite_master m join pragma_foreign_key_list(m.name) f
         where m.type = 'table' and m.name not in ('accounts')
         order by 1",
    ) {
        assert!(
            source.contains(&format!("delete from {table} "))
                || source.contains(&format!("delete from {table}\n")),
            "rows of {table} refer to an organisation or what it has, and are not deleted with it"
        );
    }
}
