//! The ways in which clients of other registries send an archive, and the formats it may have.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::archives::{FORMATS, pack};
use crate::support::persona::{Answer, Persona};

const MANIFEST: &[u8] = br#"{"name": "acme/tool"}"#;

fn archive(ending: &str) -> Vec<u8> {
    pack(ending, &[("composer.json", MANIFEST), ("a.php", b"<?php")])
}

fn put(writer: &Persona<'_>, path: &str, body: Vec<u8>) -> Answer {
    writer.send("PUT", &format!("/r/acme/main{path}"), &[], body)
}

/// A field of a form: its name, whether it is a file, its content.
type Field<'a> = (&'a str, bool, &'a [u8]);

fn send_form(writer: &Persona<'_>, method: &str, path: &str, fields: &[Field<'_>]) -> Answer {
    let mut body = Vec::new();
    for (name, is_file, content) in fields {
        body.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"");
        body.extend_from_slice(name.as_bytes());
        if *is_file {
            body.extend_from_slice(
                b"\"; filename=\"../../etc/x.zip\"\r\nContent-Type: x/y\r\n\r\n",
            );
        } else {
            body.extend_from_slice(b"\"\r\n\r\n");
        }
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    let header = ("content-type", "multipart/form-data; boundary=b".to_owned());
    writer.send(method, &format!("/r/acme/main{path}"), &[header], body)
}

#[test]
fn each_format_is_taken_in_and_given_out_as_it_is() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    for (at, ending) in FORMATS.iter().enumerate() {
        let bytes = archive(ending);
        let version = format!("1.{at}.0");
        let path = format!("/upload/acme/tool/{version}");
        let answer = put(&writer, &path, bytes.clone()).expect(201).json();
        let entry = registry.composer_metadata("acme/tool").remove(0);
        assert_eq!(entry["version"], version);
        let kind = if *ending == "zip" { "zip" } else { "tar" };
        assert_eq!(entry["dist"]["type"], kind);
        assert_eq!(entry["dist"]["url"], answer["dist"]["url"]);
        assert_eq!(answer["dist"]["type"], kind);
        let reference = entry["dist"]["reference"].as_str().unwrap();
        let address = format!("/r/acme/main/dist/acme/tool/{reference}");
        let url = entry["dist"]["url"].as_str().unwrap();
        assert!(url.ends_with(&format!("{address}.{ending}")), "{url}");
        let given = registry.admin().get(&format!("{address}.{ending}"));
        assert_eq!(given.bytes(), bytes);
        let content_type = match *ending {
            "zip" => "application/zip",
            "tar" => "application/x-tar",
            "tar.gz" => "application/gzip",
            _ => "application/x-bzip2",
        };
        assert_eq!(given.header("content-type"), Some(content_type));
        // What a mirror's `%type%` leads to.
        let by_type = registry.admin().get(&format!("{address}.{kind}"));
        assert_eq!(by_type.expect(200).bytes(), bytes);
        let other = if *ending == "zip" { "tar" } else { "zip" };
        registry
            .admin()
            .get(&format!("{address}.{other}"))
            .expect(404);
    }
    let shown = registry.shown("acme/tool");
    let formats: Vec<_> = shown["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["dist"]["format"].as_str().unwrap())
        .collect();
    assert_eq!(formats, ["tar.bz2", "tar.gz", "tar", "zip"]);
}

#[test]
fn a_damaged_archive_of_any_format_is_refused_and_leaves_nothing() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    for ending in FORMATS {
        let whole = archive(ending);
        // Of a plain tar the rest is filling; its end is two blocks in.
        let length = if ending == "tar" {
            1600
        } else {
            whole.len() - 5
        };
        let path = "/upload/acme/tool/1.0.0";
        let answer = put(&writer, path, whole[..length].to_vec()).expect(422);
        let warning = answer.json()["warning"].as_str().unwrap().to_owned();
        assert!(warning.starts_with("The archive"), "{ending}: {warning}");
        let no_manifest = pack(ending, &[("a.php", b"<?php")]);
        let answer = put(&writer, path, no_manifest).expect(422).json();
        let warning = answer["warning"].as_str().unwrap();
        assert!(warning.contains("has no composer.json"), "{warning}");
    }
    let objects = registry.world.objects.borrow();
    let left: Vec<_> = objects
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .collect();
    assert_eq!(left, Vec::<&String>::new());
}

#[test]
fn forms_come_from_nexus_and_packistry_with_their_parts_in_any_order() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let file = archive("zip");
    // `composer nexus-push` with a source.
    send_form(
        &writer,
        "PUT",
        "/packages/upload/acme/tool/1.0.0",
        &[
            ("package", true, &file),
            ("src-type", false, b"git"),
            ("src-url", false, b"https://git.example/acme/tool.git"),
            ("src-ref", false, b"0123abc"),
        ],
    )
    .expect(201);
    let entry = registry.composer_metadata("acme/tool").remove(0);
    assert_eq!(
        entry["source"],
        json!({"type": "git", "url": "https://git.example/acme/tool.git", "reference": "0123abc"})
    );
    // Packistry's, with the file first and last.
    let tar = archive("tar.gz");
    for (version, fields) in [
        (
            "1.1.0",
            [("file", true, &*tar), ("version", false, b"1.1.0")],
        ),
        (
            "1.2.0",
            [("version", false, b"1.2.0"), ("file", true, &*tar)],
        ),
    ] {
        let answer = send_form(&writer, "POST", "/acme/tool", &fields).expect(201);
        assert_eq!(answer.json()["version"], version);
    }
    // The file without a file name, and fields that mean nothing here.
    let fields: [Field<'_>; 3] = [
        ("file", false, &tar),
        ("asset.kind", false, b"x"),
        ("version", false, b"dev-main"),
    ];
    send_form(&writer, "POST", "/upload/acme/tool", &fields).expect(201);
    // By name alone.
    let fields: [Field<'_>; 2] = [("name", false, b"acme/tool"), ("anything", true, &tar)];
    let answer = send_form(&writer, "POST", "/upload?version=1.3.0", &fields).expect(201);
    assert_eq!(answer.json()["version"], "1.3.0");
    assert_eq!(
        registry.versions("acme/tool"),
        ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    );
    assert_eq!(registry.versions("acme/tool~dev"), ["dev-main"]);
}

#[test]
fn the_name_and_the_version_may_be_in_composer_json_alone() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let manifest = json!({"name": "acme/tool", "version": "v3.1"}).to_string();
    let versioned = pack("tar.bz2", &[("composer.json", manifest.as_bytes())]);
    let answer = put(&writer, "", versioned.clone()).expect(201).json();
    assert_eq!(answer["name"], "acme/tool");
    assert_eq!(answer["version"], "v3.1");
    put(&writer, "/", versioned.clone()).expect(200);
    put(&writer, "/upload/acme/tool", versioned.clone()).expect(200);
    put(&writer, "/?version=3.1.0", versioned.clone()).expect(200);
    writer.send("PUT", "/", &[], versioned).expect(200);
    for version in ["1.x-dev", "dev-feature/x"] {
        let answer = put(&writer, &format!("/?version={version}"), archive("tar"));
        assert_eq!(answer.expect(201).json()["version"], version);
    }
}

#[test]
fn contradictions_and_gaps_are_named_and_leave_nothing() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let zip = archive("zip");
    let file: Field<'_> = ("file", true, &zip);
    let version: Field<'_> = ("version", false, b"1.0.0");
    let long = vec![b'x'; 10_000];
    let many = vec![version; 40];
    let refused: [(&str, Vec<Field<'_>>, &str); 11] = [
        (
            "/upload/acme/tool/2.0.0",
            vec![file, version],
            "The address says version `2.0.0`",
        ),
        (
            "/acme/tool?version=2.0.0",
            vec![version, file],
            "The field `version` says",
        ),
        ("/acme/other", vec![file, version], "is named `acme/tool`"),
        ("/acme/tool", vec![file], "Nobody says which version"),
        ("/acme/tool", vec![version], "holds no archive"),
        ("/acme/tool", vec![file, version, file], "two files"),
        (
            "/acme/tool",
            vec![file, ("version", false, &long)],
            "`version` of the form has more than",
        ),
        ("/acme/tool", many, "more than 32 parts"),
        (
            "/acme/tool",
            vec![file, version, ("src-url", false, b"https://a.b/c")],
            "all of the fields",
        ),
        (
            "/acme/tool",
            vec![
                file,
                version,
                ("src-type", false, b"git"),
                ("src-url", false, b"https://me:secret@a.b/c"),
                ("src-ref", false, b"x"),
            ],
            "credentials",
        ),
        (
            "/acme/tool",
            vec![file, ("version", false, b"\xff")],
            "not UTF-8",
        ),
    ];
    for (path, fields, said) in refused {
        let answer = send_form(&writer, "POST", path, &fields).expect(422);
        let warning = answer.json()["warning"].as_str().unwrap().to_owned();
        assert!(warning.contains(said), "{path}: {warning}");
    }
    let header = ("content-type", "multipart/form-data; boundary=b".to_owned());
    let cut = b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nPK".to_vec();
    let path = "/r/acme/main/acme/tool";
    writer.send("POST", path, &[header], cut).expect(422);
    let header = ("content-type", "multipart/form-data".to_owned());
    writer.send("POST", path, &[header], zip).expect(422);
    let objects = registry.world.objects.borrow();
    assert!(!objects.keys().any(|key| key.starts_with("archives/")));
    assert_eq!(registry.head().0, 0);
}

#[test]
fn an_upload_without_a_name_needs_a_token_for_the_name_it_turns_out_to_have() {
    let registry = TestRegistry::new();
    let bytes = archive("zip");
    put(&registry.anonymous(), "/?version=1.0.0", bytes.clone()).expect(401);
    put(&registry.reader("acme/*"), "/?version=1.0.0", bytes.clone()).expect(403);
    let token =
        registry.make_token(&json!({"name": "ci", "access": "write", "packages": ["acme/other"]}));
    let other = registry.with_token(&token);
    put(&other, "/?version=1.0.0", bytes.clone()).expect(403);
    let objects = registry.world.objects.borrow().len();
    assert_eq!(objects, 0);
    put(&registry.writer(), "/?version=1.0.0", bytes).expect(201);
}

#[test]
fn duplicates_are_refused_or_ignored_as_the_repository_has_it() {
    let registry = TestRegistry::new();
    let writer = registry.writer();
    let first = writer.upload("acme/tool", "v1.0", "one").expect(201).json();
    let settings = "/api/v1/orgs/acme/repositories/main";
    let shown = registry.admin().get(settings).expect(200).json();
    assert_eq!(shown["duplicates"], "refuse");
    writer.upload("acme/tool", "1.0.0", "two").expect(409);
    registry
        .admin()
        .patch(settings, &json!({"duplicates": "replace"}))
        .expect(422);
    registry
        .admin()
        .patch(settings, &json!({"duplicates": "ignore"}))
        .expect(200);
    let head = registry.head();
    let objects = registry.world.objects.borrow().len();
    let answer = writer.upload("acme/tool", "1.0.0", "two").expect(200);
    let answer = answer.json();
    assert_eq!(answer["ignored"], true);
    assert_eq!(answer["version"], "v1.0");
    assert_eq!(answer["dist"], first["dist"]);
    let same = writer.upload("acme/tool", "1.0.0", "one").expect(200);
    assert_eq!(same.json()["ignored"], false);
    assert_eq!(registry.head(), head);
    assert_eq!(registry.world.objects.borrow().len(), objects);
    // A dev version follows whatever the setting.
    writer.upload("acme/tool", "dev-main", "one").expect(201);
    let moved = writer.upload("acme/tool", "dev-main", "two").expect(201);
    let entry = registry.composer_metadata("acme/tool~dev").remove(0);
    assert_eq!(entry["dist"]["reference"], moved.json()["dist"]["sha256"]);
}
