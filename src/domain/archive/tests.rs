#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use std::io::{Cursor, Write};
use std::process::Command;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const MANIFEST: &[u8] = br#"{"name": "acme/hello", "description": "hello hello hello hello"}"#;
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn zip_with(options: SimpleFileOptions, comment: &str, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
    }
    writer.set_comment(comment).unwrap();
    writer.finish().unwrap().into_inner()
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(deflated(), "", entries)
}

/// An archive whose entry names are exchanged for names of the same length that no writer would write.
fn renamed(mut archive: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = archive
        .windows(from.len())
        .enumerate()
        .filter_map(|(at, window)| (window == from.as_bytes()).then_some(at))
        .collect();
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    archive
}

/// Reads as the store does, only out of memory.
fn read_with(archive: &[u8], limits: ArchiveLimits) -> Result<(End, Directory), ArchiveFault> {
    let size = archive.len() as u64;
    let start = archive.len().saturating_sub(usize::try_from(TAIL).unwrap());
    let end = find_end(&archive[start..], size)?;
    let from = usize::try_from(end.directory_offset).unwrap();
    let to = from + usize::try_from(end.directory_size).unwrap();
    let directory = read_directory(&archive[from..to], &end, limits)?;
    Ok((end, directory))
}

fn read(archive: &[u8]) -> Result<(End, Directory), ArchiveFault> {
    read_with(archive, LIMITS)
}

fn manifest(archive: &[u8]) -> Result<Option<Vec<u8>>, ArchiveFault> {
    let (_, directory) = read(archive)?;
    let Some(entry) = directory.find_manifest() else {
        return Ok(None);
    };
    let at = usize::try_from(entry.offset).unwrap();
    let (start, length) = find_data(entry, &archive[at..])?;
    let start = usize::try_from(start).unwrap();
    let end = start + usize::try_from(length).unwrap();
    let data = archive
        .get(start..end)
        .ok_or(ArchiveFault::Damaged("short"))?;
    unpack(entry, data).map(Some)
}

fn manifest_path(names: &[&str]) -> Option<String> {
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, b"x".as_slice())).collect();
    let (_, directory) = read(&zip_of(&entries)).unwrap();
    directory
        .find_manifest()
        .map(|entry| String::from_utf8(entry.name.clone()).unwrap())
}

#[test]
fn the_manifest_is_found_by_composers_rule() {
    for (names, expected) in [
        (&["composer.json", "src/A.php"][..], Some("composer.json")),
        (&["a/composer.json", "composer.json"], Some("composer.json")),
        (&["./composer.json"], Some("composer.json")),
        (
            &["acme-hello-0123456/", "acme-hello-0123456/composer.json"],
            Some("acme-hello-0123456/composer.json"),
        ),
        (
            &["a/src/b/c.php", "a/composer.json"],
            Some("a/composer.json"),
        ),
        (
            &[
                "a/composer.json",
                "__MACOSX/a/x",
                ".DS_Store",
                "._a",
                "Thumbs.db",
            ],
            Some("a/composer.json"),
        ),
        (&["a/composer.json", "b/x"], None),
        (&["a/composer.json", "README"], None),
        (&["a/b/composer.json"], None),
        (&["a/composer.json/x"], None),
        (&["composer.json/"], None),
        (&["src/"], None),
        (&[], None),
    ] {
        assert_eq!(manifest_path(names).as_deref(), expected, "{names:?}");
    }
}

#[test]
fn a_manifest_is_unpacked_deflated_or_stored() {
    let files: &[(&str, &[u8])] = &[("top/", b""), ("top/composer.json", MANIFEST)];
    for options in [deflated(), stored(), deflated().large_file(true)] {
        let archive = zip_with(options, "", files);
        assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
    }
}

#[test]
fn an_archive_written_as_a_stream_is_read_by_its_directory() {
    // Its local headers hold no sizes; they follow the data.
    let mut writer = ZipWriter::new_stream(Vec::new());
    writer.start_file("composer.json", deflated()).unwrap();
    writer.write_all(MANIFEST).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    assert_eq!(&archive[18..26], [0; 8]);
    assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
}

#[test]
fn a_changed_byte_of_the_manifest_is_noticed() {
    let archive = zip_with(stored(), "", &[("composer.json", MANIFEST)]);
    let changed = renamed(archive, "acme/hello", "acme/hullo");
    assert_eq!(
        manifest(&changed),
        Err(ArchiveFault::Damaged("an entry has another checksum"))
    );
}

#[test]
fn an_archive_cut_anywhere_is_damaged() {
    let archive = zip_with(
        deflated(),
        COMMIT,
        &[("a/composer.json", MANIFEST), ("a/b.php", b"<?php")],
    );
    for length in 0..archive.len() {
        let fault = read(&archive[..length]).unwrap_err();
        assert!(fault.is_damage(), "{length}: {fault}");
    }
}

#[test]
fn an_archive_that_lost_bytes_in_the_middle_is_damaged() {
    let archive = zip_of(&[("a/composer.json", MANIFEST), ("a/b.php", b"<?php")]);
    for at in 0..archive.len() - 30 {
        let mut shorter = archive.clone();
        shorter.remove(at);
        assert!(read(&shorter).is_err(), "{at}");
    }
}

#[test]
fn a_zip64_end_record_is_read() {
    let archive = with_zip64_end(&zip_of(&[("composer.json", MANIFEST)]));
    assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
    let (end, _) = read(&archive).unwrap();
    assert_eq!(end.entries, 1);

    let size = archive.len() as u64;
    let without_record = &archive[archive.len() - 42..];
    assert!(find_end(without_record, size).unwrap_err().is_damage());
}

/// Rewrites the end of an archive in the zip64 form, with every plain field marked.
fn with_zip64_end(archive: &[u8]) -> Vec<u8> {
    let (end, _) = read(archive).unwrap();
    let mut bytes = archive[..archive.len() - 22].to_vec();
    let record_at = bytes.len() as u64;
    bytes.extend_from_slice(b"PK\x06\x06");
    bytes.extend_from_slice(&44_u64.to_le_bytes());
    bytes.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for value in [
        end.entries,
        end.entries,
        end.directory_size,
        end.directory_offset,
    ] {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    bytes.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    bytes.extend_from_slice(&record_at.to_le_bytes());
    bytes.extend_from_slice(&[1, 0, 0, 0]);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[0xFF; 12]);
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

#[test]
fn two_end_records_are_refused() {
    let inner = zip_of(&[("b", b"")]);
    let mut archive = zip_of(&[("a", b"")]);
    let length = archive.len();
    archive[length - 2..].copy_from_slice(&u16::try_from(inner.len()).unwrap().to_le_bytes());
    archive.extend_from_slice(&inner);
    assert_eq!(
        read(&archive).unwrap_err(),
        ArchiveFault::Damaged("it has two end records")
    );
}

#[test]
fn the_comment_is_compared_when_it_is_a_commit() {
    let archive = zip_with(deflated(), COMMIT, &[("a", b"")]);
    let (end, _) = read(&archive).unwrap();
    assert_eq!(end.comment, COMMIT.as_bytes());
    assert_eq!(check_commit(&end.comment, COMMIT), Ok(()));
    assert_eq!(check_commit(b"", COMMIT), Ok(()));
    assert_eq!(check_commit(b"made by hand", COMMIT), Ok(()));
    let other = "f".repeat(40);
    let fault = check_commit(&end.comment, &other).unwrap_err();
    assert!(fault.is_damage());
    assert!(fault.to_string().contains(COMMIT));
}

#[test]
fn names_that_lead_outside_are_refused() {
    let archive = zip_of(&[("aaaaaaaa", b"x")]);
    for name in [
        "../aaaaa",
        "aa/../aa",
        "aaaaa/..",
        "/aaaaaaa",
        "a\\aaaaaa",
        "..\\aaaaa",
        "c:/aaaaa",
        "aaa\0aaaa",
    ] {
        let fault = read(&renamed(archive.clone(), "aaaaaaaa", name)).unwrap_err();
        assert!(
            matches!(fault, ArchiveFault::UnsafeName(_)),
            "{name}: {fault}"
        );
        assert!(!fault.is_damage());
    }
    for name in ["..aaaaaa", "aa..aaaa", "aaaa...a", "a//aaaaa", "./aaaaaa"] {
        assert!(
            read(&renamed(archive.clone(), "aaaaaaaa", name)).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn one_path_has_one_entry() {
    for (second, from, to) in [
        ("bbbb", "bbbb", "aaaa"),
        ("bbbbbb", "bbbbbb", "./aaaa"),
        ("bbbb/", "bbbb", "aaaa"),
        ("bbbbbb", "bbbbbb", "aaaa/b"),
    ] {
        let archive = zip_of(&[("aaaa", b""), (second, b"")]);
        let fault = read(&renamed(archive, from, to)).unwrap_err();
        assert_eq!(fault, ArchiveFault::DuplicateName("aaaa".into()), "{to}");
    }
    let fine = zip_of(&[("a/", b""), ("a/b", b""), ("a.b", b""), ("ab", b"")]);
    assert_eq!(read(&fine).unwrap().1.entries().len(), 4);
}

#[test]
fn limits_are_kept_and_named() {
    let archive = zip_of(&[("a", b"12345"), ("b", b"12345"), ("c", &[0; 10_000])]);
    let check = |limits| match read_with(&archive, limits) {
        Err(fault @ ArchiveFault::OverLimit { .. }) => fault.to_string(),
        other => panic!("{other:?}"),
    };
    let entries = ArchiveLimits {
        entries: 2,
        ..LIMITS
    };
    assert_eq!(
        check(entries),
        "The archive holds 3 entries; the limit is 2 entries"
    );
    let unpacked = ArchiveLimits {
        unpacked: 10_009,
        ..LIMITS
    };
    assert!(check(unpacked).contains("10010 bytes when unpacked"));
    let ratio = ArchiveLimits {
        ratio: 2,
        ratio_floor: 10_000,
        ..LIMITS
    };
    assert!(check(ratio).contains("2 times"));
}

#[test]
fn a_bomb_of_overlapping_entries_is_refused() {
    let archive = zip_with(stored(), "", &[("a", &[b'x'; 400]), ("b", b"y")]);
    let (end, _) = read(&archive).unwrap();
    let from = usize::try_from(end.directory_offset).unwrap();
    let mut directory = archive[from..from + usize::try_from(end.directory_size).unwrap()].to_vec();
    // The second entry (46 + 1 bytes on) gets the place and the size of the first.
    let second = directory.len() / 2;
    let (first, rest) = directory.split_at_mut(second);
    rest[20..28].copy_from_slice(&first[20..28]);
    rest[42..46].copy_from_slice(&first[42..46]);
    assert_eq!(
        read_directory(&directory, &end, LIMITS),
        Err(ArchiveFault::Damaged("its entries overlap"))
    );
}

#[test]
fn a_manifest_that_unpacks_to_more_than_it_says_is_refused() {
    let large = vec![b' '; 3 * 1024 * 1024];
    let fault = manifest(&zip_of(&[("composer.json", &large)])).unwrap_err();
    assert!(matches!(fault, ArchiveFault::OverLimit { .. }), "{fault}");

    let packed = miniz_oxide::deflate::compress_to_vec(&large, 6);
    let entry = Entry {
        name: b"composer.json".to_vec(),
        is_folder: false,
        kind: write::MemberKind::File,
        method: 8,
        crc32: 0,
        packed: packed.len() as u64,
        unpacked: 100,
        offset: 0,
    };
    assert!(unpack(&entry, &packed).unwrap_err().is_damage());
}

#[test]
fn git_archives_are_read_with_their_commit() {
    let folder = std::env::temp_dir().join(format!("repertoire-archive-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("composer.json"), MANIFEST).unwrap();
    std::fs::write(folder.join("src/A.php"), "<?php").unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "First"]);
    let commit = String::from_utf8(git(&["rev-parse", "HEAD"])).unwrap();
    let archive = git(&["archive", "--format=zip", "--prefix=acme-hello-1/", "HEAD"]);
    std::fs::remove_dir_all(&folder).unwrap();

    let (end, directory) = read(&archive).unwrap();
    assert_eq!(check_commit(&end.comment, commit.trim()), Ok(()));
    assert!(check_commit(&end.comment, COMMIT).is_err());
    assert_eq!(directory.entries().len() as u64, end.entries);
    assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
        let end = End {
            entries: 3,
            directory_offset: 1000,
            directory_size: bytes.len() as u64,
            comment: Vec::new(),
        };
        let mut directory = b"PK\x01\x02".to_vec();
        directory.extend_from_slice(&bytes);
        let _ = read_directory(&directory, &end, LIMITS);
    }

    #[test]
    fn changed_bytes_never_panic_and_never_change_the_manifest(
        position in any::<proptest::sample::Index>(),
        value in any::<u8>(),
        cut in 0_usize..4,
    ) {
        let mut archive = zip_of(&[("a/composer.json", MANIFEST), ("a/b", b"x")]);
        let at = position.index(archive.len());
        archive[at] = value;
        archive.truncate(archive.len() - cut);
        if let Ok(Some(found)) = manifest(&archive) {
            prop_assert_eq!(found.as_slice(), MANIFEST);
        }
    }

    #[test]
    fn zips_of_any_writer_are_read_whole(
        files in proptest::collection::btree_map(
            "[a-z]{1,8}\\.php",
            proptest::collection::vec(any::<u8>(), 0..500),
            0..20,
        ),
        comment in "[ -~]{0,80}",
    ) {
        let entries: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        let archive = zip_with(deflated(), &comment, &entries);
        let (end, directory) = read(&archive).unwrap();
        prop_assert_eq!(&end.comment, comment.as_bytes());
        prop_assert_eq!(directory.entries().len(), files.len());
        for entry in directory.entries() {
            let at = usize::try_from(entry.offset).unwrap();
            let (start, length) = find_data(entry, &archive[at..]).unwrap();
            let start = usize::try_from(start).unwrap();
            let data = &archive[start..start + usize::try_from(length).unwrap()];
            let name = std::str::from_utf8(&entry.name).unwrap();
            prop_assert_eq!(&unpack(entry, data).unwrap(), &files[name]);
        }
    }
}
