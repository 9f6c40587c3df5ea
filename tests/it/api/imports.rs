//! What a connection reaches, and what an import of it would come to.

use repertoire::domain::policy::PackagePolicy;
use serde_json::{Value, json};

use crate::support::git_server::GIT_SERVER;
use crate::support::hosts::HOST_TOKEN;
use crate::support::persona::Answer;
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

fn connect(registry: &TestRegistry, asked: &Value) -> String {
    let made = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", asked);
    made.expect(201).json()["id"].as_str().unwrap().to_owned()
}

fn of_connection(connection: &str, rest: &str) -> String {
    format!("/api/v1/orgs/acme/connections/{connection}/{rest}")
}

fn preview(registry: &TestRegistry, connection: &str, asked: &Value) -> Answer {
    registry
        .admin()
        .post(&of_connection(connection, "imports/preview"), asked)
}

/// The names of a list's projects, all pages, and how many pages there were.
fn list(registry: &TestRegistry, connection: &str, search: &str) -> (Vec<String>, usize) {
    let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("projects?search={search}&cursor={cursor}");
        let path = path.trim_end_matches("&cursor=");
        let answer = registry.admin().get(&of_connection(connection, path));
        let page = answer.expect(200).json();
        pages += 1;
        let projects = page["projects"].as_array().unwrap();
        names.extend(
            projects
                .iter()
                .map(|one| one["full_name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return (names, pages),
        }
    }
}

/// Five projects beside the one of most tests.
fn with_projects() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    let mut github = registry.world.github.borrow_mut();
    for (id, name) in [
        (50, "acme/app"),
        (51, "tools/lib"),
        (52, "acme/x"),
        (53, "acme/y"),
        (54, "tools/z"),
    ] {
        github.add_project(id, name);
        github.project(name).push("refs/heads/main", Some("{}"));
    }
    drop(github);
    registry
}

#[test]
fn each_host_lists_what_the_token_reaches_page_by_page() {
    for (provider, token) in [
        ("github", crate::support::github::GITHUB_TOKEN),
        ("gitlab", HOST_TOKEN),
        ("forgejo", HOST_TOKEN),
    ] {
        let registry = with_projects();
        let connection = connect(&registry, &json!({"provider": provider, "token": token}));
        let (names, pages) = list(&registry, &connection, "");
        let expected = [
            PROJECT,
            "acme/app",
            "tools/lib",
            "acme/x",
            "acme/y",
            "tools/z",
        ];
        assert_eq!(names, expected, "{provider}");
        // GitLab tells of a next page until one is not full.
        let most = if provider == "gitlab" { 4 } else { 3 };
        assert_eq!(pages, most, "{provider}");
        assert_eq!(
            list(&registry, &connection, "LIB").0,
            [PROJECT, "tools/lib"],
            "{provider}"
        );
        assert_eq!(
            list(&registry, &connection, "tools/").0,
            ["tools/lib", "tools/z"]
        );
        assert_eq!(
            list(&registry, &connection, "nothing").0,
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_listed_project_tells_whether_it_is_a_package_here() {
    let registry = TestRegistry::imported();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let listed = registry
        .admin()
        .get(&of_connection(&connection, "projects"))
        .expect(200)
        .json();
    let expected = json!({
        "id": "41", "full_name": PROJECT, "web_url": format!("https://github.com/{PROJECT}"),
        "private": true, "archived": false, "fork": false, "default_branch": "main",
        "packages": [{"name": PACKAGE, "repositories": ["main"]}],
    });
    assert_eq!(listed, json!({"projects": [expected], "next": null}));
    // By another connection to the same host as well.
    let (other, _) = registry.connect();
    let again = registry
        .admin()
        .get(&of_connection(&other, "projects"))
        .expect(200)
        .json();
    assert_eq!(again, listed);
}

#[test]
fn a_cursor_leads_nowhere_but_to_a_page() {
    let registry = with_projects();
    for (provider, token) in [
        ("github", crate::support::github::GITHUB_TOKEN),
        ("gitlab", HOST_TOKEN),
        ("forgejo", HOST_TOKEN),
    ] {
        let connection = connect(&registry, &json!({"provider": provider, "token": token}));
        registry.world.forget_calls();
        for cursor in [
            "https%3A%2F%2Fevil.example%2F",
            "2%26x%3D1",
            "-1",
            "2%2F..",
            "x",
        ] {
            let path = of_connection(&connection, &format!("projects?cursor={cursor}"));
            registry.admin().get(&path).expect(422);
            let asked = json!({"pattern": "acme/*", "cursor": format!("0.{cursor}")});
            preview(&registry, &connection, &asked).expect(422);
        }
        for cursor in ["x", "x.2", "-1.2", ""] {
            let asked = json!({"pattern": "acme/*", "cursor": cursor});
            preview(&registry, &connection, &asked).expect(422);
        }
        assert_eq!(registry.world.calls(Port::Outbound), 0);
    }
}

#[test]
fn plain_git_has_no_list_and_says_what_to_do() {
    let registry = TestRegistry::new();
    let connection = connect(
        &registry,
        &json!({"provider": "git", "base_url": GIT_SERVER}),
    );
    let pattern = json!({"pattern": "*", "repository": "main"});
    let path = of_connection(&connection, "imports");
    for answer in [
        registry
            .admin()
            .get(&of_connection(&connection, "projects")),
        preview(&registry, &connection, &json!({"pattern": "*"})),
        registry.admin().post(&path, &pattern),
    ] {
        let detail = answer.expect(422).json()["detail"].clone();
        assert!(
            detail.as_str().unwrap().contains("name each one"),
            "{detail}"
        );
    }
    // By name it works: over git as it is.
    let asked = json!({"projects": ["few.git", "none.git"]});
    let shown = preview(&registry, &connection, &asked).expect(200).json();
    assert_eq!(shown["projects"][0]["package"], "acme/plain");
    assert_eq!(
        shown["projects"][0]["versions_by_name"],
        json!({"tags": 3, "branches": 1, "others": 0})
    );
    let reason = shown["projects"][1]["reason"].as_str().unwrap();
    assert!(reason.contains("has no such repository"), "{reason}");
    let named = json!({"projects": ["few.git", "none.git"], "repository": "main"});
    let started = registry.admin().post(&path, &named).expect(202).json();
    registry.run_jobs();
    registry.assert_settled();
    let import = started["import"]["id"].as_str().unwrap();
    let import = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/imports/{import}"))
        .json();
    assert_eq!(import["progress"]["added"], 1);
    assert_eq!(import["progress"]["refused"], 1);
    assert_eq!(registry.versions("acme/plain").len(), 3);
}

#[test]
fn a_preview_names_the_package_and_counts_versions_by_name_without_writing_anything() {
    let registry = TestRegistry::imported();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let add = |id, name: &str, text: Option<&str>| {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(id, name);
        for git_ref in [
            "heads/main",
            "heads/dependabot/x",
            "tags/v1.0.0",
            "tags/1.0.0",
            "tags/v1.1",
            "tags/nightly",
        ] {
            github.project(name).push(&format!("refs/{git_ref}"), text);
        }
    };
    add(50, "acme/new", Some(r#"{"name":"acme/new"}"#));
    add(51, "acme/none", None);
    add(52, "acme/taken", Some(r#"{"name":"acme/lib"}"#));
    add(53, "other/x", None);
    let before = registry.world.sqlite.changes();
    let asked = json!({"pattern": ["acme/*"]});
    let mut rows = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut asked = asked.clone();
        asked["cursor"] = cursor.clone();
        let shown = preview(&registry, &connection, &asked).expect(200).json();
        rows.extend(shown["projects"].as_array().unwrap().clone());
        cursor = shown["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let lines: Vec<_> = rows
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or("-");
            let (counts, here) = (&one["versions_by_name"], &one["packages"]);
            format!(
                "{} {} {counts} {here} {}",
                text("full_name"),
                text("package"),
                text("reason")
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    acme/lib-source acme/lib {"tags":2,"branches":1,"others":0} [{"name":"acme/lib","repositories":["main"]}] -
    acme/new acme/new {"tags":2,"branches":1,"others":3} [] -
    acme/none - null [] `acme/none` has no composer.json at the top of its default branch `main`; if its packages are in folders, name these in `folders`
    acme/taken - null [] `acme/lib` is in this organisation already, from another source
    "#);
    assert_eq!(registry.world.sqlite.changes(), before);
    // A version that the package's settings make counts as they say.
    registry.set(
        PACKAGE,
        &json!({"tag_prefixes": ["lib-"], "transient_branches": []}),
    );
    registry.push_tag("lib-7.0");
    let asked = json!({"projects": ["41"]});
    let shown = preview(&registry, &connection, &asked).expect(200).json();
    assert_eq!(
        shown["projects"][0]["versions_by_name"],
        json!({"tags": 3, "branches": 1, "others": 0})
    );
}

#[test]
fn a_preview_asks_little_at_a_time() {
    let registry = TestRegistry::new();
    let (connection, _) = registry.connect();
    let names: Vec<_> = (0..25).map(|number| format!("acme/p{number:02}")).collect();
    for (id, name) in (100..).zip(&names) {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(id, name);
        let text = json!({"name": name}).to_string();
        github.project(name).push("refs/heads/main", Some(&text));
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        registry.world.github.borrow_mut().seen.clear();
        let mut asked = json!({"projects": names});
        if let Some(cursor) = &cursor {
            asked["cursor"] = cursor.as_str().into();
        }
        let shown = preview(&registry, &connection, &asked).expect(200).json();
        assert!(registry.world.github.borrow().seen.len() <= 30);
        let projects = shown["projects"].as_array().unwrap();
        seen.extend(
            projects
                .iter()
                .map(|one| one["package"].as_str().unwrap().to_owned()),
        );
        cursor = shown["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, names);
    // Where git does not answer, the API is asked.
    registry.world.github.borrow_mut().refuse_git = Some(404);
    let shown = preview(&registry, &connection, &json!({"projects": ["acme/p00"]}));
    let shown = shown.expect(200).json();
    assert_eq!(
        shown["projects"][0]["versions_by_name"],
        json!({"tags": 0, "branches": 1, "others": 0})
    );
}

#[test]
fn an_import_that_means_nothing_is_refused() {
    let registry = TestRegistry::imported();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let before = registry.world.sqlite.changes();
    let many = vec!["x/y"; 1_001];
    for (asked, said) in [
        (json!({"repository": "main"}), "which projects are meant"),
        (
            json!({"repository": "main", "projects": ["a/b"], "pattern": "a/*"}),
            "which projects are meant",
        ),
        (
            json!({"repository": "main", "projects": []}),
            "1 to 1000 entries",
        ),
        (
            json!({"repository": "main", "projects": many}),
            "1 to 1000 entries",
        ),
        (
            json!({"repository": "main", "projects": [""]}),
            "no name of a project",
        ),
        (
            json!({"repository": "main", "pattern": []}),
            "which projects are meant",
        ),
        (
            json!({"repository": "main", "pattern": "!acme/*"}),
            "which projects are meant",
        ),
        (json!({"repository": "main", "pattern": "acme/?"}), "`?`"),
        (
            json!({"repository": "none", "pattern": "acme/*"}),
            "`repository`",
        ),
    ] {
        let path = of_connection(&connection, "imports");
        let answer = registry.admin().post(&path, &asked).expect(422).json();
        assert!(
            answer["detail"].as_str().unwrap().contains(said),
            "{answer}"
        );
    }
    registry
        .admin()
        .get("/api/v1/orgs/acme/imports/none")
        .expect(404);
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn imports_are_listed_newest_first_and_narrowed_by_a_state_that_there_is() {
    let registry = TestRegistry::imported();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let path = of_connection(&connection, "imports");
    let mut ids = Vec::new();
    for _ in 0..2 {
        registry.pass_time(1);
        let asked = json!({"projects": [PROJECT], "repository": "main"});
        let started = registry.admin().post(&path, &asked).expect(202).json();
        ids.insert(0, started["import"]["id"].clone());
        registry.run_jobs();
    }
    let listed = registry
        .admin()
        .get("/api/v1/orgs/acme/imports")
        .expect(200)
        .json();
    let shown: Vec<_> = listed["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(shown, ids);
    assert_eq!(listed["imports"][0]["progress"]["known"], 1);
    let first = ids[0].as_str().unwrap();
    let page = registry
        .admin()
        .get("/api/v1/orgs/acme/imports?limit=1")
        .json();
    assert_eq!(page["imports"][0]["id"], ids[0]);
    let next = page["next"].as_str().unwrap();
    let page = format!("/api/v1/orgs/acme/imports?limit=1&cursor={next}");
    let page = registry.admin().get(&page).json();
    assert_eq!(page["imports"][0]["id"], ids[1]);
    assert_eq!(page["next"], Value::Null);
    let narrowed = format!("/api/v1/orgs/acme/imports/{first}?state=nonsense");
    registry.admin().get(&narrowed).expect(422);
    // Long after its end it is forgotten; what it did stays.
    registry.pass_time(31 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    let listed = registry
        .admin()
        .get("/api/v1/orgs/acme/imports")
        .expect(200)
        .json();
    assert_eq!(listed["imports"], json!([]));
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_preview_counts_by_the_settings_that_a_package_begins_with() {
    let registry = TestRegistry::imported();
    let settings = serde_json::to_value(PackagePolicy::of_new_package()).unwrap();
    assert_eq!(registry.shown(PACKAGE)["settings"], settings);
}
