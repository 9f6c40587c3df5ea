//! Archives of folders, held against those that are made of git's objects.

use std::io::{Cursor, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::rc::Rc;

use pollster::block_on;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::tests::{Bucket, bucket_with};
use super::{FolderCut, WholeArchive};
use crate::domain::git_archive::{ArchiveWriter, SharedFiles};
use crate::domain::monorepo::FolderPatterns;
use crate::domain::plain_git::ObjectId;
use crate::domain::plain_git::pack::Pack;
use crate::domain::plain_git::testing::Repository;
use crate::error::Result;
use crate::ports::ByteStream;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn open(bucket: &Bucket) -> WholeArchive<'_> {
    let size = bucket.object().unwrap().len() as u64;
    block_on(WholeArchive::open(bucket, "key", size, COMMIT)).unwrap()
}

fn cut(whole: &WholeArchive<'_>, folder: &str) -> Result<Vec<u8>> {
    let mut body = FolderCut::new(whole, folder);
    let mut bytes = Vec::new();
    while let Some(chunk) = block_on(body.next())? {
        bytes.extend(chunk);
    }
    Ok(bytes)
}

fn zip_of(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.set_comment(COMMIT).unwrap();
    writer.finish().unwrap().into_inner()
}

fn patterns(text: &str) -> FolderPatterns {
    FolderPatterns::parse(&[text.to_owned()]).unwrap()
}

fn made_of_objects(repository: &Repository, commit: &str) -> Vec<u8> {
    let pack = Rc::new(Pack::open(repository.pack(&[commit], &[])).unwrap());
    let id = ObjectId::parse(commit).unwrap();
    let mut writer = ArchiveWriter::new(pack, id).unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = writer.next_bytes(&mut SharedFiles::default()).unwrap() {
        bytes.extend(chunk);
    }
    bytes
}

#[test]
fn a_folder_is_the_archive_that_its_own_tree_would_have() {
    let repository = Repository::new("cut");
    repository.write("README.md", b"many");
    repository.write("packages/a/composer.json", br#"{"name":"acme/a"}"#);
    repository.write(
        "packages/a/.gitattributes",
        b"/tests export-ignore\n*.dist export-ignore\n",
    );
    repository.write("packages/a/tests/T.php", b"<?php\n");
    repository.write("packages/a/only/x.dist", b"");
    repository.write("packages/a/src/a-b", b"x");
    repository.write(
        "packages/a/src/a/b",
        b"all work and no play all work and no play",
    );
    repository.write("packages/a/src/a.b", b"");
    repository.write("packages/a/na\u{ef}ve", b"x");
    repository.write("packages/a/bin/tool", b"#!/bin/sh\n");
    let mut mode = std::fs::metadata(repository.path("packages/a/bin/tool"))
        .unwrap()
        .permissions();
    mode.set_mode(0o755);
    std::fs::set_permissions(repository.path("packages/a/bin/tool"), mode).unwrap();
    symlink("../src", repository.path("packages/a/bin/link")).unwrap();
    repository.write("packages/ab/composer.json", br#"{"name":"acme/ab"}"#);
    let commit = repository.commit("whole");
    let alone = repository.text(&["commit-tree", "-m", "alone", "HEAD:packages/a"]);

    let expected = made_of_objects(&repository, &alone);
    let ours = bucket_with(made_of_objects(&repository, &commit));
    let theirs = repository.git(&["archive", "--format=zip", "--prefix=x/", &commit], b"");
    for whole in [ours, bucket_with(theirs)] {
        let size = whole.object().unwrap().len() as u64;
        let whole = block_on(WholeArchive::open(&whole, "key", size, &commit)).unwrap();
        assert!(cut(&whole, "packages/a").unwrap() == expected);
    }
}

#[test]
fn large_files_go_through_in_pieces_and_stand_as_they_are() {
    let large: Vec<u8> = (0..4_300_000_u32)
        .map(|at| (at.wrapping_mul(at) / 7).to_le_bytes()[1])
        .collect();
    let zeros = vec![0; 500_000];
    let files = [
        ("top/a/composer.json", &b"{\"name\":\"acme/a\"}"[..]),
        ("top/a/large.bin", &large),
        ("top/a/zeros", &zeros),
        ("top/b/composer.json", b"{\"name\":\"acme/b\"}"),
    ];
    let mut archives = Vec::new();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bucket = bucket_with(zip_of(method, &files));
        let whole = open(&bucket);
        let found = block_on(whole.find_packages(&patterns("*"))).unwrap();
        archives.push((cut(&whole, "a").unwrap(), found.folders[0].digest.clone()));
        let longest = bucket
            .ranges
            .borrow()
            .iter()
            .map(|(_, length)| *length)
            .max();
        assert!(longest.unwrap() <= 1024 * 1024);
    }
    assert!(archives[0] == archives[1], "the same, whoever packed it");
    let mut archive = ZipArchive::new(Cursor::new(archives.remove(0).0)).unwrap();
    let mut file = archive.by_name("package/large.bin").unwrap();
    assert_eq!(file.compression(), CompressionMethod::Stored);
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    assert!(content == large);
    drop(file);
    let zeros = archive.by_name("package/zeros").unwrap();
    assert!(zeros.compressed_size() < 10_000);
}

#[test]
fn spoiled_bytes_are_found_wherever_they_are() {
    let text = b"all work and no play makes jack a dull boy, all work and no play".repeat(20);
    let files = [
        ("top/a/composer.json", &b"{\"name\":\"acme/a\"}"[..]),
        ("top/a/text", &text),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let good = zip_of(method, &files);
        let end = good
            .windows(4)
            .position(|four| four == b"PK\x01\x02")
            .unwrap();
        for at in [end - 40, end - 20, end - 10] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            let bucket = bucket_with(bytes);
            let whole = open(&bucket);
            let error = block_on(whole.find_packages(&patterns("*"))).unwrap_err();
            assert!(error.is_retryable(), "{method:?} {at}: {error}");
            assert!(cut(&whole, "a").unwrap_err().is_retryable());
        }
    }
}

#[test]
fn a_digest_tells_paths_modes_and_contents_and_nothing_else() {
    let digest = |files: &[(&str, &[u8])]| {
        let bucket = bucket_with(zip_of(CompressionMethod::Deflated, files));
        let whole = open(&bucket);
        let found = block_on(whole.find_packages(&patterns("a"))).unwrap();
        found.folders[0].digest.clone()
    };
    let manifest: (&str, &[u8]) = ("top/a/composer.json", b"{\"name\":\"acme/a\"}");
    let first = digest(&[manifest, ("top/a/x", b"1"), ("top/a/y", b"")]);
    assert_eq!(
        digest(&[
            ("top/b", b"?"),
            ("top/a/y", b""),
            ("top/a/x", b"1"),
            manifest
        ]),
        first
    );
    for other in [
        [manifest, ("top/a/x", b"2"), ("top/a/y", b"")],
        [manifest, ("top/a/z", b"1"), ("top/a/y", b"")],
        [manifest, ("top/a/x", b""), ("top/a/y", b"1")],
        [manifest, ("top/a/x", b"1"), ("top/a/y/y", b"")],
    ] {
        assert_ne!(digest(&other), first);
    }
}
