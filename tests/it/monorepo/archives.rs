//! The bytes of archives.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::support::git_server::{GIT_SERVER, read};
use crate::support::github::GITHUB_TOKEN;
use crate::support::hosts::HOST_TOKEN;
use crate::support::{ADDRESS, TestRegistry};

/// A zip of these files and nothing else.
pub(super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        writer
            .start_file(*path, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same archive packed by somebody else: nothing compressed, other times, last things first.
fn repack(archive: Vec<u8>) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in (0..archive.len()).rev() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().to_string();
        let mode = file.unix_mode().unwrap_or(0o644);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .unix_permissions(mode);
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        if name.ends_with('/') {
            // Some hosts leave folders out.
        } else if mode & 0o170_000 == 0o120_000 {
            let target = String::from_utf8(content).unwrap();
            writer.add_symlink(name, target, options).unwrap();
        } else {
            writer.start_file(name, options).unwrap();
            writer.write_all(&content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// Path → whether it is a program or a link, and its bytes.
fn files(archive: &[u8], top: &str) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().strip_prefix(top).unwrap().to_owned();
        let mode = file.unix_mode().unwrap_or_default();
        let mode = match mode & 0o170_000 {
            0o120_000 => 0o120_000,
            0o040_000 => continue,
            _ => mode & 0o111,
        };
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        if !name.is_empty() && !name.ends_with('/') {
            files.insert(name, (mode, content));
        }
    }
    files
}

/// The archives of both packages of `mono.git` by name and version, imported from a host of this kind.
fn imported(provider: &str, pack: fn(Vec<u8>) -> Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let registry = TestRegistry::new();
    let mut connection = json!({"provider": provider});
    let mut project = "acme/mono";
    match provider {
        "git" => {
            connection["base_url"] = GIT_SERVER.into();
            project = "mono.git";
        }
        "github" => connection["token"] = GITHUB_TOKEN.into(),
        _ => connection["token"] = HOST_TOKEN.into(),
    }
    if provider != "git" {
        let mut github = registry.world.github.borrow_mut();
        github.add_project(77, "acme/mono");
        for git_ref in ["refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.1.0"] {
            let commit = read("mono.git", &["rev-parse", git_ref]);
            let commit = String::from_utf8(commit).unwrap().trim().to_owned();
            let whole = read(
                "mono.git",
                &["archive", "--format=zip", "--prefix=mono-1/", "-1", &commit],
            );
            github
                .project("acme/mono")
                .push_archive(git_ref, &commit, pack(whole));
        }
    }
    let connection = registry
        .admin()
        .post("/api/v1/orgs/acme/connections", &connection)
        .expect(201)
        .json();
    let package = json!({
        "connection": connection["id"], "project": project, "repository": "main", "folders": ["packages/*"],
    });
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &package)
        .expect(202);
    registry.run_jobs();
    registry.assert_settled();
    let mut archives = BTreeMap::new();
    for package in ["acme/a", "acme/b"] {
        for entry in registry.composer_metadata(package) {
            let path = entry["dist"]["url"]
                .as_str()
                .unwrap()
                .strip_prefix(ADDRESS)
                .unwrap();
            let bytes = registry.admin().get(path).expect(200).bytes();
            let version = entry["version"].as_str().unwrap();
            archives.insert(format!("{package} {version}"), bytes);
        }
    }
    archives
}

#[test]
fn every_host_and_every_way_to_pack_gives_the_same_bytes() {
    let plain = imported("git", |whole| whole);
    let names: Vec<_> = plain.keys().collect();
    assert_eq!(names, ["acme/a v1.0.0", "acme/b v1.0.0", "acme/b v1.1.0"]);
    assert_eq!(imported("git", |whole| whole), plain);
    assert_eq!(imported("github", |whole| whole), plain);
    assert_eq!(imported("gitlab", |whole| whole), plain);
    assert_eq!(imported("forgejo", repack), plain);
}

#[test]
fn what_is_in_them_is_what_git_archive_gives_for_the_folder() {
    let ours = imported("github", |whole| whole);
    for (version, tree) in [
        ("acme/a v1.0.0", "v1.0.0:packages/a"),
        ("acme/b v1.0.0", "v1.0.0:packages/b"),
        ("acme/b v1.1.0", "main:packages/b"),
    ] {
        let theirs = read("mono.git", &["archive", "--format=zip", tree]);
        assert_eq!(
            files(&ours[version], "package/"),
            files(&theirs, ""),
            "{version}"
        );
    }
    let a = files(&ours["acme/a v1.0.0"], "package/");
    assert_eq!(a["bin/tool"].0, 0o111);
    assert_eq!(a["bin/link"], (0o120_000, b"../src/empty".to_vec()));
    assert!(!a.contains_key("tests/Test.php") && !a.contains_key("secret.txt"));
}

#[test]
fn the_same_files_under_other_commits_are_the_same_bytes() {
    let mono = super::Mono::with(&["a", "b"]);
    mono.tag("v1.0.0");
    mono.change("b", "<?php // 1.1.0\n");
    mono.tag("v1.1.0");
    mono.import("all");
    assert_eq!(mono.archive("a", "v1.0.0"), mono.archive("a", "v1.1.0"));
    assert_ne!(mono.archive("b", "v1.0.0"), mono.archive("b", "v1.1.0"));
    let entries = mono.registry.composer_metadata("acme/a");
    let shasums: Vec<&Value> = entries
        .iter()
        .map(|entry| &entry["dist"]["shasum"])
        .collect();
    assert_eq!(shasums[0], shasums[1]);
}

#[test]
fn more_folders_than_one_message_cuts_are_left_to_the_next() {
    let names: Vec<String> = (0..45).map(|number| format!("p{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mono = super::Mono::with(&names);
    mono.tag("v1.0.0");
    mono.import("changed");
    // All of them in one revision.
    assert_eq!(mono.registry.head().0, 1);
    assert_eq!(mono.registry.contents().len(), 45);
    assert_eq!(mono.versions("p44"), ["v1.0.0"]);
}

#[test]
fn too_many_folders_are_refused_with_the_number() {
    let names: Vec<String> = (0..201).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mono = super::Mono::with(&names);
    mono.ask("changed");
    mono.registry.run_jobs();
    let job = mono.last_job();
    assert_eq!(job["state"], "failed");
    let reason = job["refs"][0]["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.starts_with("201 folders of this commit are packages"),
        "{reason}"
    );
}
