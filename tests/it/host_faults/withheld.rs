//! A project that its host shows to the credential no more, at every host: its jobs wait and say so once, nothing is made
//! of what the host answers, and other projects go on.

use serde_json::{Value, json};

use crate::host_faults::scene::{HOSTS, Host, Scene, text};
use crate::support::faults::with_every_fault;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// Where the host is a process of its own for each request, fewer say as much; git's come 40 a message.
fn tags(host: &Host) -> usize {
    match host {
        _ if host.is_git => 60,
        _ if host.is_bitbucket => 12,
        _ => 200,
    }
}

impl Scene {
    /// How often the host was asked since the last time.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.registry.world.github.borrow_mut().seen).len()
    }

    /// What was said of it in the log.
    fn lines(&self) -> Vec<String> {
        let lines = self.registry.world.warnings();
        lines
            .into_iter()
            .filter(|line| line.contains("waits: "))
            .collect()
    }

    fn project(&self) -> Value {
        self.registry.shown(PACKAGE)["project"].clone()
    }

    /// Stores a token in the connection.
    fn give_token(&self) {
        let mut asked = (self.host.connection)();
        if self.host.is_git {
            asked = json!({"username": "ada", "token": "another"});
        }
        asked.as_object_mut().unwrap().remove("base_url");
        let path = format!(
            "/api/v1/orgs/acme/connections/{}",
            text(&self.connection["id"])
        );
        self.registry.admin().patch(&path, &asked).expect(200);
    }
}

/// An import of many tags of which some were taken in.
fn half_imported(host: &'static Host, name: &str, tags: usize) -> (Scene, String) {
    let scene = Scene::with_project(host, name);
    for patch in 0..tags {
        scene.push(&format!("refs/tags/v2.0.{patch}"), &format!("Tag {patch}"));
    }
    let job = scene.import();
    while scene.job(&job)["progress"]["imported"].as_u64().unwrap() == 0 {
        assert!(scene.registry.run_one_job());
    }
    (scene, job)
}

/// What each host does for a project that a credential may not see; git servers and some others have more ways.
fn refusals(host: &Host) -> &'static [u16] {
    if host.is_git {
        &[401, 403, 404]
    } else {
        &[403, 404]
    }
}

#[test]
fn a_right_that_is_lost_in_an_import_is_told_once_and_nothing_is_made_of_it() {
    for host in &HOSTS {
        for status in refusals(host) {
            let name = format!("withheld-{status}");
            let which = format!("{} {status}", host.provider);
            println!("{which}");
            let tags = tags(host);
            let (scene, job) = half_imported(host, &name, tags);
            let before = scene.job(&job)["progress"].clone();
            scene.withhold(*status);
            scene.asked();
            while scene.registry.run_one_job() {}
            let asked = scene.asked();
            assert!(asked <= 8, "{which}: {asked} requests");
            assert_eq!(scene.lines().len(), 1, "{which}: {:?}", scene.lines());
            let waiting = scene.job(&job);
            assert_eq!(waiting["state"], "queued", "{which}");
            for state in ["failed", "skipped", "removed", "imported"] {
                assert_eq!(
                    waiting["progress"][state], before[state],
                    "{which}: {state}"
                );
            }
            let message = text(&waiting["message"]);
            assert!(message.contains("waits: `"), "{which}: {message}");
            assert_eq!(scene.project()["trouble"], message);
            assert!(scene.project()["trouble_since"].is_string());
            let shown = scene.registry.admin().get("/api/v1/orgs/acme/connections");
            let shown = &shown.json()["connections"][0];
            assert_eq!(shown["waits_for_credential"], false, "{which}");

            // Nobody asks meanwhile, whatever comes.
            scene.tell("1");
            scene.registry.pass_time(60 * 60);
            scene.registry.housekeep();
            while scene.registry.run_one_job() {}
            assert_eq!(scene.asked(), 0, "{which}");
            assert_eq!(scene.lines().len(), 1, "{which}");

            // Another token, and it goes on.
            scene.show_again();
            scene.give_token();
            scene.settle();
            assert_eq!(scene.versions().len(), tags + 2, "{which}");
            assert_eq!(scene.project()["trouble"], json!(null));
            assert_eq!(scene.lines().len(), 1, "{which}");
        }
    }
}

#[test]
fn a_withheld_project_is_asked_for_every_six_hours_and_goes_on_by_itself() {
    for host in &HOSTS {
        let scene = Scene::imported(host, "again");
        scene.push("refs/tags/v1.2.0", "Three");
        scene.withhold(404);
        scene.tell("1");
        while scene.registry.run_one_job() {}
        scene.asked();
        for _ in 0..11 {
            scene.registry.pass_time(30 * 60);
            scene.registry.housekeep();
            while scene.registry.run_one_job() {}
        }
        assert_eq!(scene.asked(), 0, "{}", host.provider);
        scene.registry.pass_time(60 * 60);
        scene.registry.housekeep();
        while scene.registry.run_one_job() {}
        let asked = scene.asked();
        // Some hosts are asked by id and by name; git in two ways; and two messages may have come at once.
        assert!((1..=4).contains(&asked), "{}: {asked}", host.provider);
        assert_eq!(scene.lines().len(), 1, "{:?}", scene.lines());
        scene.show_again();
        scene.registry.pass_time(7 * 60 * 60);
        scene.registry.housekeep();
        scene.settle();
        assert_eq!(
            scene.versions(),
            ["v1.2.0", "v1.1.0", "v1.0.0"],
            "{}",
            host.provider
        );
    }
}

/// What each host has of a project beside its files, its name and its refs.
fn is_of_files(host: &Host) -> Vec<&'static str> {
    match host.provider {
        "github" => vec!["/contents/", "/zipball/", "/graphql"],
        "gitlab" => vec!["/repository/files/", "/repository/archive"],
        "bitbucket" => vec!["/src/", "/get/"],
        _ => vec!["/raw/", "/archive"],
    }
}

#[test]
fn files_alone_that_are_withheld_make_no_tag_a_tag_without_a_manifest() {
    for host in HOSTS.iter().filter(|host| !host.is_git) {
        println!("{}", host.provider);
        let withhold = |scene: &Scene| {
            let parts = is_of_files(host).into_iter().map(str::to_owned).collect();
            scene.registry.world.github.borrow_mut().withheld = Some((parts, 404));
        };
        // In an import that has taken in some, and with tags that come later.
        let (half, job) = half_imported(host, "files-half", 12);
        let whole = Scene::imported(host, "files-whole");
        for (scene, job) in [(half, Some(job)), (whole, None)] {
            withhold(&scene);
            scene.push("refs/tags/v1.2.0", "Three");
            scene.tell("1");
            scene.asked();
            while scene.registry.run_one_job() {}
            let asked = scene.asked();
            assert!(asked <= 16, "{asked} requests");
            let jobs = scene.registry.admin().get("/api/v1/orgs/acme/jobs").json();
            for listed in jobs["jobs"].as_array().unwrap() {
                assert_eq!(listed["progress"]["skipped"], 0, "{listed}");
                assert_eq!(listed["progress"]["failed"], 0, "{listed}");
            }
            let trouble = text(&scene.project()["trouble"]);
            assert!(trouble.contains("none of its files"), "{trouble}");
            assert_eq!(scene.lines().len(), 1, "{:?}", scene.lines());
            scene.show_again();
            scene.give_token();
            scene.settle();
            let versions = if job.is_some() { 15 } else { 3 };
            assert_eq!(scene.versions().len(), versions);
            assert_eq!(scene.project()["trouble"], json!(null));
        }
    }
}

#[test]
fn a_first_import_whose_files_are_withheld_waits() {
    for host in HOSTS.iter().filter(|host| !host.is_git) {
        println!("{}", host.provider);
        let scene = Scene::with_project(host, "files-first");
        let job = scene.import();
        let mut parts: Vec<_> = is_of_files(host).into_iter().map(str::to_owned).collect();
        // Who may not read files is shown no commit either.
        parts.extend(["/git/commits/", "/commits/", "/commit/"].map(str::to_owned));
        scene.registry.world.github.borrow_mut().withheld = Some((parts, 404));
        while scene.registry.run_one_job() {}
        assert_eq!(scene.job(&job)["progress"]["skipped"], 0);
        assert_eq!(scene.job(&job)["state"], "queued");
        scene.show_again();
        scene.give_token();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_default_branch_that_lost_its_manifest_withholds_nothing() {
    let registry = TestRegistry::imported();
    let mut github = registry.world.github.borrow_mut();
    let project = github.project(PROJECT);
    project.push("refs/heads/main", None);
    project.push("refs/tags/v0.1.0", None);
    drop(github);
    registry.sync(PACKAGE);
    let shown = registry.shown(PACKAGE);
    assert_eq!(shown["project"]["trouble"], json!(null));
    let refs = shown["refs"].as_array().unwrap();
    let tag = refs
        .iter()
        .find(|one| one["name"] == "v0.1.0" || one["ref"] == "refs/tags/v0.1.0");
    assert_eq!(tag.unwrap()["state"], "skipped", "{refs:?}");
}

#[test]
fn a_tag_without_a_manifest_is_still_the_tags_own_fault() {
    let registry = TestRegistry::new();
    registry.make_project();
    let mut github = registry.world.github.borrow_mut();
    github.project(PROJECT).push("refs/tags/v0.1.0", None);
    drop(github);
    let (.., job) = registry.import(PROJECT);
    registry.run_jobs();
    registry.assert_settled();
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let shown = registry.admin().get(&path).expect(200).json();
    assert_eq!(shown["progress"]["skipped"], 1);
    assert_eq!(shown["state"], "done");
}

#[test]
fn one_project_that_is_withheld_stops_no_other_of_its_connection() {
    let host = HOSTS.iter().find(|host| host.provider == "github").unwrap();
    let scene = Scene::imported(host, "others");
    let mut double = scene.registry.world.github.borrow_mut();
    double.add_project(42, "acme/other");
    let manifest = json!({"name": "acme/other"}).to_string();
    for name in ["refs/heads/main", "refs/tags/v1.0.0"] {
        double.project("acme/other").push(name, Some(&manifest));
    }
    drop(double);
    let asked = json!({
        "connection": scene.connection["id"], "project": "acme/other", "repository": "main",
    });
    let admin = scene.registry.admin();
    admin.post("/api/v1/orgs/acme/packages", &asked).expect(202);
    scene.settle();
    scene.withhold(404);
    let mut double = scene.registry.world.github.borrow_mut();
    double
        .project("acme/other")
        .push("refs/tags/v1.1.0", Some(&manifest));
    drop(double);
    scene.registry.sync(PACKAGE);
    scene.registry.sync("acme/other");
    assert_eq!(scene.registry.versions("acme/other"), ["v1.1.0", "v1.0.0"]);
    let shown = scene.registry.shown("acme/other");
    assert_eq!(shown["project"]["trouble"], json!(null));
    assert!(scene.project()["trouble"].is_string());
}

#[test]
fn an_import_that_loses_its_project_comes_to_the_same_end_whatever_fails() {
    for provider in ["gitlab", "git"] {
        let host = HOSTS.iter().find(|host| host.provider == provider).unwrap();
        let prepare = || {
            let scene = Scene::with_project(host, "lost");
            scene.import();
            scene.registry.run_one_job();
            scene.withhold(if host.is_git { 401 } else { 404 });
            scene.registry
        };
        let play = |registry: &TestRegistry| {
            registry.run_jobs();
            registry.world.github.borrow_mut().withheld = None;
            for _ in 0..3 {
                registry.pass_time(7 * 60 * 60);
                registry.housekeep();
                registry.run_jobs();
                registry.pass_time(200);
                registry.housekeep();
                registry.run_jobs();
            }
        };
        with_every_fault(prepare, play, |registry, calm| {
            registry.assert_settled();
            // Git's own commits are of the time at which they were made.
            if !host.is_git {
                assert_eq!(registry.contents(), calm.contents());
            }
            assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
        });
    }
}
