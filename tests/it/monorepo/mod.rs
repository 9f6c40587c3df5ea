//! One git repository with many packages, from the push to what Composer reads.

mod archives;
mod faults;
mod lists;
mod names;
mod versions;
mod waiting;

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{ADDRESS, TestRegistry};

/// The project, its id at GitHub, and how tags and branches are called.
const PROJECT: &str = "acme/mono";
const ID: u64 = 77;

/// A project at GitHub whose files are changed and tagged one after another.
struct Mono {
    registry: TestRegistry,
    files: RefCell<BTreeMap<String, String>>,
}

impl Mono {
    /// With these packages in folders below `packages`, on the branch `main`.
    fn with(packages: &[&str]) -> Self {
        let mono = Self {
            registry: TestRegistry::new(),
            files: RefCell::default(),
        };
        let mut github = mono.registry.world.github.borrow_mut();
        github.add_project(ID, PROJECT);
        drop(github);
        mono.write("README.md", "Many packages");
        for package in packages {
            mono.add(package);
        }
        mono.push("refs/heads/main");
        mono
    }

    fn write(&self, path: &str, text: &str) {
        let mut files = self.files.borrow_mut();
        files.insert(path.to_owned(), text.to_owned());
    }

    /// A package `acme/x` in `packages/x`.
    fn add(&self, package: &str) {
        self.name(&format!("packages/{package}"), &format!("acme/{package}"));
        self.write(&format!("packages/{package}/src/A.php"), "<?php\n");
    }

    /// Names the package of a folder.
    fn name(&self, folder: &str, name: &str) {
        let manifest = json!({"name": name, "description": format!("Package {name}")});
        self.write(&format!("{folder}/composer.json"), &manifest.to_string());
    }

    /// Changes a file of a package.
    fn change(&self, package: &str, text: &str) {
        self.write(&format!("packages/{package}/src/A.php"), text);
    }

    /// Removes all that lies in a folder, and gives it by its paths from there on.
    fn remove(&self, folder: &str) -> BTreeMap<String, String> {
        let mut files = self.files.borrow_mut();
        let start = format!("{folder}/");
        let (gone, left) = std::mem::take(&mut *files)
            .into_iter()
            .partition(|(path, _): &(String, String)| path.starts_with(&start));
        *files = left;
        let gone: BTreeMap<String, String> = gone;
        gone.into_iter()
            .map(|(path, text)| (path[start.len()..].to_owned(), text))
            .collect()
    }

    fn push(&self, git_ref: &str) -> String {
        let files = self.files.borrow();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let mut github = self.registry.world.github.borrow_mut();
        github.project(PROJECT).push_files(git_ref, &files)
    }

    /// Pushes the files to `main` and tags them.
    fn tag(&self, tag: &str) -> String {
        self.push("refs/heads/main");
        self.push(&format!("refs/tags/{tag}"))
    }

    fn delete(&self, git_ref: &str) {
        let mut github = self.registry.world.github.borrow_mut();
        github.project(PROJECT).refs.remove(git_ref).unwrap();
    }

    /// Asks for the import of `packages/*`; gives the job's id.
    fn ask(&self, versions: &str) -> String {
        self.ask_for(&json!(["packages/*"]), versions)
    }

    fn ask_for(&self, folders: &Value, versions: &str) -> String {
        let (connection, _) = self.registry.connect();
        let body = json!({
            "connection": connection, "project": PROJECT, "repository": "main", "folders": folders,
            "versions": versions,
        });
        let made = self
            .registry
            .admin()
            .post("/api/v1/orgs/acme/packages", &body);
        let job = made.expect(202).json()["job"]["id"].clone();
        job.as_str().unwrap().to_owned()
    }

    /// Imports `packages/*`, to the end.
    fn import(&self, versions: &str) -> String {
        let job = self.ask(versions);
        self.run();
        job
    }

    fn run(&self) {
        self.registry.run_jobs();
        self.registry.assert_settled();
    }

    /// Compares the project with GitHub, to the end, as every six hours.
    fn sync(&self) {
        self.registry.pass_time(7 * 60 * 60);
        self.registry.housekeep();
        self.run();
    }

    /// The tagged versions of a package, newest first.
    fn versions(&self, package: &str) -> Vec<String> {
        self.registry.versions(&format!("acme/{package}"))
    }

    /// What became of a package at a ref: its state and the reason.
    fn fate(&self, package: &str, git_ref: &str) -> String {
        let shown = self.registry.shown(&format!("acme/{package}"));
        let refs = shown["refs"].as_array().unwrap().iter();
        let mut found = refs.filter(|one| one["ref"] == git_ref);
        let one = found.next().unwrap_or(&Value::Null);
        format!(
            "{}: {}",
            one["state"].as_str().unwrap_or("-"),
            one["reason"].as_str().unwrap_or("-")
        )
    }

    /// The newest job, with its refs.
    fn last_job(&self) -> Value {
        let jobs = self.registry.admin().get("/api/v1/orgs/acme/jobs").json();
        let id = jobs["jobs"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/orgs/acme/jobs/{id}");
        self.registry.admin().get(&path).expect(200).json()
    }

    fn number(&self) -> i64 {
        let sqlite = &self.registry.world.sqlite;
        sqlite.texts("select cast(id as text) from git_repos")[0]
            .parse()
            .unwrap()
    }

    fn project(&self) -> Value {
        let path = format!("/api/v1/orgs/acme/projects/{}", self.number());
        self.registry.admin().get(&path).expect(200).json()
    }

    /// Changes settings of the project, and lets the job that this leads to run.
    fn set(&self, settings: &Value) {
        let path = format!("/api/v1/orgs/acme/projects/{}", self.number());
        self.registry.admin().patch(&path, settings).expect(200);
        self.run();
    }

    /// The bytes of the archive of a package's version.
    fn archive(&self, package: &str, version: &str) -> Vec<u8> {
        let entries = self.registry.composer_metadata(&format!("acme/{package}"));
        let entry = entries
            .iter()
            .find(|entry| entry["version"] == version)
            .unwrap();
        let url = entry["dist"]["url"].as_str().unwrap();
        let path = url.strip_prefix(ADDRESS).unwrap();
        self.registry.admin().get(path).expect(200).bytes()
    }
}
