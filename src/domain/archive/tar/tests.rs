#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::super::{ArchiveFault, ArchiveFormat, ArchiveLimits, LIMITS, Probe, Probed};

const MANIFEST: &[u8] = br#"{"name": "acme/hello", "description": "hello hello hello hello"}"#;

/// Looks through an archive that comes in pieces of `size` bytes.
fn probe_in(archive: &[u8], size: usize, limits: ArchiveLimits) -> Result<Probed, ArchiveFault> {
    let mut probe = Probe::new(limits);
    for piece in archive.chunks(size.max(1)) {
        probe.add(piece)?;
    }
    probe.finish()
}

fn probe(archive: &[u8]) -> Result<Probed, ArchiveFault> {
    probe_in(archive, 4096, LIMITS)
}

fn manifest(archive: &[u8]) -> Result<Option<Vec<u8>>, ArchiveFault> {
    match probe(archive)? {
        Probed::Tar(_, facts) => Ok(facts.composer_json),
        Probed::Zip => panic!("no tar"),
    }
}

/// A header block, with the content behind it.
fn entry_of(kind: u8, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    sign(&mut block);
    block.extend_from_slice(content);
    block.resize(block.len().div_ceil(512) * 512, 0);
    block
}

fn sign(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry_of(b'0', name, "", content)
}

fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = entries.concat();
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// What a tool makes of bytes.
fn filtered(command: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command)
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("repertoire-tar-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn tar(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("tar")
            .args(["--create", "--file=-"])
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn package() -> Folder {
    let folder = Folder::new();
    folder.write("top/composer.json", MANIFEST);
    folder.write("top/src/A.php", b"<?php");
    folder.write(
        &format!("top/{}/deep.php", "a-long-name/".repeat(12)),
        b"<?php",
    );
    folder.write("top/large.bin", &vec![7; 100_000]);
    folder
}

#[test]
fn archives_of_tar_itself_are_read_in_every_form_and_compression() {
    let folder = package();
    let mut seen = Vec::new();
    for form in ["gnu", "ustar", "oldgnu"] {
        let plain = folder.tar(&[&format!("--format={form}"), "top"]);
        for (archive, format) in [
            (plain.clone(), ArchiveFormat::Tar),
            (filtered("gzip", &plain), ArchiveFormat::TarGz),
            (filtered("bzip2", &plain), ArchiveFormat::TarBz2),
        ] {
            for size in [1, 7, 511, 512, 513, 100_000, usize::MAX] {
                let probed = probe_in(&archive, size, LIMITS).unwrap();
                let Probed::Tar(found, facts) = probed else {
                    panic!("{form} {format:?} {size}");
                };
                assert_eq!(found, format);
                assert_eq!(facts.composer_json.as_deref(), Some(MANIFEST));
                seen.push((facts.entries, facts.unpacked));
            }
        }
    }
    seen.dedup();
    // 14 folders and four files.
    assert_eq!(seen, [(18, 100_000 + 10 + MANIFEST.len() as u64)]);
}

#[test]
fn a_package_at_the_top_is_found() {
    let folder = package();
    let top = folder.0.join("top");
    let top = top.to_str().unwrap();
    for names in [&["composer.json", "src"][..], &["./composer.json", "./src"]] {
        let archive = filtered("gzip", &folder.tar(&[&["-C", top], names].concat()));
        assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
    }
}

#[test]
fn what_php_would_unpack_otherwise_is_refused() {
    let folder = package();
    let top = folder.0.join("top");
    let refused = |archive: &[u8], said: &str| {
        let fault = probe(archive).unwrap_err();
        assert!(fault.to_string().contains(said), "{fault}");
        assert!(!fault.is_damage());
    };
    refused(
        &folder.tar(&["-C", top.to_str().unwrap(), "."]),
        "its own top folder",
    );
    refused(
        &folder.tar(&["--format=posix", "top"]),
        "long names in POSIX form",
    );
    std::fs::hard_link(top.join("large.bin"), top.join("src/second.bin")).unwrap();
    refused(&folder.tar(&["top"]), "links");
    std::fs::remove_file(top.join("src/second.bin")).unwrap();
    std::os::unix::fs::symlink("../large.bin", top.join("src/link")).unwrap();
    refused(&folder.tar(&["top"]), "links");
    probe(&folder.tar(&["--dereference", "--hard-dereference", "top"])).unwrap();
    std::fs::remove_file(top.join("src/link")).unwrap();
    std::os::unix::fs::symlink("x".repeat(200), top.join("src/link")).unwrap();
    refused(&folder.tar(&["top"]), "links");
    // POSIX records that say nothing new, such as times, are fine.
    let short = folder.tar(&["--format=posix", "top/composer.json", "top/src/A.php"]);
    probe(&short).unwrap();
}

#[test]
fn archives_of_git_are_read() {
    // The header that `git archive` begins with holds the commit.
    let records = b"52 comment=0123456789abcdef0123456789abcdef01234567\n";
    let archive = tar_of(&[
        entry_of(b'g', "pax_global_header", "", records),
        entry_of(b'5', "top/", "", b""),
        file("top/composer.json", MANIFEST),
    ]);
    assert_eq!(manifest(&archive).unwrap().as_deref(), Some(MANIFEST));
}

#[test]
fn the_manifest_is_found_by_composers_rule() {
    for (names, is_found) in [
        (&["composer.json", "a/composer.json"][..], true),
        (&["a/composer.json", "a/src/x"], true),
        (&["a/src/x", "a/composer.json", "__MACOSX/._a"], true),
        (&["a/composer.json", "b/x"], false),
        (&["a/composer.json", "README"], false),
        (&["a/b/composer.json"], false),
        (&["src/x"], false),
    ] {
        let entries: Vec<_> = names.iter().map(|name| file(name, b"x")).collect();
        let found = manifest(&tar_of(&entries)).unwrap();
        assert_eq!(found.is_some(), is_found, "{names:?}");
    }
}

#[test]
fn an_empty_manifest_is_one() {
    let archive = tar_of(&[file("composer.json", b""), file("b", b"1")]);
    assert_eq!(manifest(&archive).unwrap(), Some(Vec::new()));
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["../a", "/a", "a/../../b", "c:/a", "a\\b"] {
        let fault = probe(&tar_of(&[file(name, b"")])).unwrap_err();
        assert!(
            matches!(fault, ArchiveFault::UnsafeName(_)),
            "{name}: {fault}"
        );
    }
}

#[test]
fn one_path_has_one_entry_and_nothing_lies_below_a_file() {
    for second in ["a", "./a", "a/b"] {
        let archive = tar_of(&[file("a", b"x"), file(second, b"")]);
        let fault = probe(&archive).unwrap_err();
        assert_eq!(fault, ArchiveFault::DuplicateName("a".into()), "{second}");
    }
}

#[test]
fn long_names_count_as_much_as_short_ones() {
    let name = format!("{}/../../../x", "a".repeat(120));
    let mut long = name.clone().into_bytes();
    long.push(0);
    let gnu = tar_of(&[entry_of(b'L', "././@LongLink", "", &long), file("a", b"")]);
    let fault = probe(&gnu).unwrap_err();
    assert!(matches!(fault, ArchiveFault::UnsafeName(_)), "{fault}");
}

#[test]
fn what_composer_could_not_unpack_is_refused() {
    let large = vec![b' '; 2 * 1024 * 1024];
    let records = b"23 GNU.sparse.major=1\n\n";
    for (archive, said) in [
        (tar_of(&[entry_of(b'3', "a", "", b"")]), "devices"),
        (tar_of(&[entry_of(b'S', "a", "", b"")]), "sparse"),
        (
            tar_of(&[entry_of(b'x', "x", "", records), file("a", b"")]),
            "sparse",
        ),
        (
            tar_of(&[entry_of(b'L', "a", "", &large)]),
            "about one entry",
        ),
        (tar_of(&[file("composer.json", &large)]), "a composer.json"),
        (b"no archive at all".to_vec(), "neither zip nor tar"),
        (vec![0; 2048], "neither zip nor tar"),
        (Vec::new(), "neither zip nor tar"),
    ] {
        let fault = probe(&archive).unwrap_err();
        assert!(fault.to_string().contains(said), "{fault}");
        assert!(!fault.is_damage());
    }
    let twice = |command| {
        let archive = filtered(command, &tar_of(&[file("composer.json", MANIFEST)]));
        [archive.clone(), archive].concat()
    };
    for command in ["gzip", "bzip2"] {
        let fault = probe(&twice(command)).unwrap_err();
        assert!(fault.to_string().contains("several"), "{fault}");
    }
}

#[test]
fn an_archive_cut_anywhere_is_damaged() {
    let plain = tar_of(&[file("a/composer.json", MANIFEST), file("a/b.php", b"<?php")]);
    // The first zero block is the end; what follows is filling.
    let end = plain.len() - 1024 + 512;
    for length in 512..end {
        assert!(probe(&plain[..length]).unwrap_err().is_damage(), "{length}");
    }
    probe(&plain[..end]).unwrap();
    for command in ["gzip", "bzip2"] {
        let packed = filtered(command, &plain);
        for length in 10..packed.len() {
            let fault = probe(&packed[..length]).unwrap_err();
            assert!(fault.is_damage(), "{command} {length}: {fault}");
        }
    }
}

#[test]
fn a_changed_byte_is_noticed_wherever_there_is_a_checksum() {
    let plain = tar_of(&[file("composer.json", MANIFEST)]);
    for command in ["gzip", "bzip2"] {
        let packed = filtered(command, &plain);
        // Behind gzip's header, which has a time in it, and bzip2's, which has the size of blocks.
        for at in 10..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 0x10;
            // A bit that nothing depends on, such as the length of a code that does not occur, may change.
            let same = |probed| probed == probe(&packed).unwrap();
            assert!(probe(&changed).map_or(true, same), "{command} {at}");
        }
    }
    for at in 0..148 {
        let mut changed = plain.clone();
        changed[at] ^= 1;
        assert!(probe(&changed).is_err(), "{at}");
    }
    let mut more = plain;
    let last = more.len() - 1;
    more[last] = 1;
    assert!(probe(&more).unwrap_err().is_damage());
}

#[test]
fn limits_are_kept_and_named() {
    let entries: Vec<_> = ["a", "b", "c"].map(|name| file(name, &[0; 5000])).into();
    let archive = tar_of(&entries);
    let check = |archive: &[u8], limits| match probe_in(archive, 100, limits) {
        Err(fault @ ArchiveFault::OverLimit { .. }) => fault.to_string(),
        other => panic!("{other:?}"),
    };
    let few = ArchiveLimits {
        entries: 2,
        ..LIMITS
    };
    assert!(check(&archive, few).contains("the limit is 2 entries"));
    let small = ArchiveLimits {
        unpacked: 14_999,
        ..LIMITS
    };
    assert!(check(&archive, small).contains("15000 bytes when unpacked"));
    let tight = ArchiveLimits {
        ratio: 5,
        ratio_floor: 10_000,
        ..LIMITS
    };
    for command in ["gzip", "bzip2"] {
        assert!(check(&filtered(command, &archive), tight).contains("5 times"));
    }
    // Without compression there is nothing to be held against.
    probe_in(&archive, 100, tight).unwrap();
    let names: Vec<_> = (0..300)
        .map(|at| {
            let name = format!("{at}{}", "/a".repeat(30_000));
            [entry_of(b'L', "l", "", name.as_bytes()), file("a", b"")].concat()
        })
        .collect();
    let fault = probe(&tar_of(&names)).unwrap_err();
    assert!(!fault.is_damage());
}

#[test]
fn formats_are_told_by_their_bytes_and_named_by_their_endings() {
    for (file, format) in [
        ("abc.zip", ArchiveFormat::Zip),
        ("abc.tar", ArchiveFormat::Tar),
        ("abc.tar.gz", ArchiveFormat::TarGz),
        ("abc.tar.bz2", ArchiveFormat::TarBz2),
    ] {
        assert_eq!(ArchiveFormat::strip_from(file), Some(("abc", format)));
        assert_eq!(ArchiveFormat::parse(format.ending()), Some(format));
    }
    for file in [".zip", "zip", "abc.rar", "abc", ""] {
        assert_eq!(ArchiveFormat::strip_from(file), None);
    }
    let gz = ArchiveFormat::TarGz;
    assert!(gz.answers_to(gz) && gz.answers_to(ArchiveFormat::Tar));
    assert!(!gz.answers_to(ArchiveFormat::Zip) && !gz.answers_to(ArchiveFormat::TarBz2));
    assert!(!ArchiveFormat::Tar.answers_to(gz));
    assert_eq!(probe(b"PK\x03\x04"), Ok(Probed::Zip));
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        files in proptest::collection::btree_map(
            "[a-z]{1,8}\\.php",
            proptest::collection::vec(any::<u8>(), 0..2000),
            0..12,
        ),
        sizes in proptest::collection::vec(1_usize..3000, 1..40),
        command in prop_oneof![Just(None), Just(Some("gzip")), Just(Some("bzip2"))],
    ) {
        let mut entries: Vec<_> = files.iter().map(|(name, bytes)| file(name, bytes)).collect();
        entries.push(file("composer.json", MANIFEST));
        let plain = tar_of(&entries);
        let archive = command.map_or_else(|| plain.clone(), |command| filtered(command, &plain));
        let mut probe = Probe::new(LIMITS);
        let mut rest = archive.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*size).min(rest.len()));
            probe.add(now).unwrap();
            rest = later;
        }
        let split = probe.finish().unwrap();
        prop_assert_eq!(&split, &probe_in(&archive, usize::MAX, LIMITS).unwrap());
        let Probed::Tar(_, facts) = split else { panic!("no tar") };
        prop_assert_eq!(facts.composer_json.as_deref(), Some(MANIFEST));
        prop_assert_eq!(facts.entries, files.len() as u64 + 1);
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        start in prop_oneof![Just(&b""[..]), Just(&b"\x1f\x8b\x08\0"[..]), Just(&b"BZh9"[..])],
        size in 1_usize..700,
    ) {
        let _ = probe_in(&[start, &bytes].concat(), size, LIMITS);
    }

    #[test]
    fn changed_headers_never_panic(
        position in 0_usize..512,
        value in any::<u8>(),
        kind in prop_oneof![Just(b'0'), Just(b'x'), Just(b'L'), Just(b'2'), Just(b'1')],
        content in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut entry = entry_of(kind, "a", "b", &content);
        entry[position] = value;
        sign(&mut entry);
        let _ = probe(&tar_of(&[entry, file("composer.json", MANIFEST)]));
    }
}
