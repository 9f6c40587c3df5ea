//! Held against `git archive` and `git check-attr`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;
use zip::ZipArchive;

use super::glob::{Glob, Slashes};
use super::*;
use crate::domain::plain_git::testing::Repository;

/// Path → whether it may be run or is a link, and its bytes.
type Files = BTreeMap<String, (u32, Vec<u8>)>;

fn read_zip(bytes: Vec<u8>, prefix: &str) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = Files::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = file
            .name()
            .unwrap()
            .strip_prefix(prefix)
            .unwrap()
            .to_owned();
        // Git leaves the modes of plain files and folders out.
        let mode = file.unix_mode().unwrap_or_default();
        let mode = match mode & 0o170_000 {
            0o120_000 => 0o120_000,
            0o100_000 => mode & 0o111,
            _ => 0,
        };
        assert!(
            files.insert(name.clone(), (mode, content)).is_none(),
            "{name}"
        );
    }
    files.remove("");
    files
}

fn build(pack: &Rc<Pack>, commit: &str, shared: &mut SharedFiles) -> Vec<u8> {
    let id = ObjectId::parse(commit).unwrap();
    let mut writer = ArchiveWriter::new(pack.clone(), id).unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = writer.next_bytes(shared).unwrap() {
        bytes.extend(chunk);
    }
    bytes
}

fn ours(repository: &Repository, commit: &str) -> Files {
    let pack = Rc::new(Pack::open(repository.pack(&[commit], &["--delta-base-offset"])).unwrap());
    read_zip(
        build(&pack, commit, &mut SharedFiles::default()),
        "package/",
    )
}

fn theirs(repository: &Repository, commit: &str) -> Files {
    let bytes = repository.git(
        &["archive", "--format=zip", "--prefix=package/", commit],
        b"",
    );
    read_zip(bytes, "package/")
}

fn assert_alike(repository: &Repository, commit: &str) {
    let (ours, theirs) = (ours(repository, commit), theirs(repository, commit));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    for (name, (mode, content)) in &theirs {
        let (our_mode, our_content) = &ours[name];
        assert_eq!(our_mode, mode, "mode of {name}");
        assert!(
            our_content == content,
            "{name}: {:?} but git has {:?}",
            String::from_utf8_lossy(our_content),
            String::from_utf8_lossy(content)
        );
    }
}

#[test]
fn files_modes_links_and_submodules_are_those_of_git_archive() {
    let repository = Repository::new("archive");
    repository.write("composer.json", b"{}");
    repository.write("src/Deep/er/File.php", b"<?php\n");
    repository.write("bin/tool", b"#!/bin/sh\n");
    let mut mode = std::fs::metadata(repository.path("bin/tool"))
        .unwrap()
        .permissions();
    mode.set_mode(0o755);
    std::fs::set_permissions(repository.path("bin/tool"), mode).unwrap();
    symlink("../src", repository.path("bin/link")).unwrap();
    repository.write("empty", b"");
    repository.write("na\u{ef}ve \u{1f418}.txt", "\u{fc}\n".as_bytes());
    repository.write("large.bin", &vec![7; 300_000]);
    repository.git(
        &[
            "update-index",
            "--add",
            "--cacheinfo",
            "160000,1111111111111111111111111111111111111111,sub",
        ],
        b"",
    );
    let tree = {
        repository.git(&["add", "-A", "--", ":!sub"], b"");
        repository.git(
            &[
                "update-index",
                "--add",
                "--cacheinfo",
                "160000,1111111111111111111111111111111111111111,sub",
            ],
            b"",
        );
        repository.text(&["write-tree"])
    };
    let commit = repository.text(&["commit-tree", "-m", "A commit", &tree]);
    let pack = repository.pack(&[&commit], &[]);
    assert!(!pack.is_empty());
    assert_alike(&repository, &commit);
}

#[test]
fn what_is_not_for_export_stays_out() {
    let repository = Repository::new("export-ignore");
    for name in [
        "a.php",
        "tests/A.php",
        "tests/deep/B.php",
        "docs/index.md",
        "docs/keep/this.md",
        ".github/ci.yml",
        "x/only/ignored.txt",
        "x/.gitattributes",
        "keep/phpunit.xml",
        "phpunit.xml",
        "keep/a b.txt",
        "all/a",
        "all/b",
        "macro.txt",
        "sub/.gitattributes",
        "sub/kept.dist",
        "z.dist",
    ] {
        repository.write(name, name.as_bytes());
    }
    repository.write(
        ".gitattributes",
        b"\xef\xbb\xbf/phpunit.xml -export-ignore\n/tests export-ignore\n\
          # a comment\n\
          docs/** export-ignore\n\
          docs/keep -export-ignore\r\n\
          /.github/ export-ignore\n\
          /phpunit.xml\texport-ignore\n\
          \"keep/a b.txt\" export-ignore\n\
          *.dist export-ignore\n\
          [attr]secret export-ignore -diff\n\
          macro.txt secret\n\
          !a.php export-ignore\n\
          a.php export-ignore=false\n\
          a.php bad!name export-ignore\n\
          .gitattributes export-ignore",
    );
    repository.write(
        "x/.gitattributes",
        b"only/ignored.txt export-ignore\n[attr]nope export-ignore\n",
    );
    repository.write("sub/.gitattributes", b"*.dist !export-ignore\n");
    repository.write("all/.gitattributes", b"* export-ignore\n");
    let commit = repository.commit("A commit");
    assert_alike(&repository, &commit);
    let names: Vec<_> = ours(&repository, &commit).into_keys().collect();
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("tests/") || name.starts_with("all/a"))
    );
    assert!(names.contains(&"sub/kept.dist".to_owned()));
}

#[test]
fn contents_are_converted_as_by_git_archive() {
    let repository = Repository::new("convert");
    let lines = b"one\ntwo\r\nthree\rfour\n";
    for (name, content) in [
        ("always.txt", &lines[..]),
        ("auto.txt", b"one\ntwo\n"),
        ("auto-mixed.txt", lines),
        ("auto-binary.txt", b"one\n\0two\n"),
        ("auto-odd.txt", b"\x01\x02\nx\n"),
        ("never.txt", b"one\n"),
        ("plain.txt", b"one\n"),
        ("old.txt", b"one\n"),
        ("id.txt", b"a $Id$ b $Id: 1234 $ c $Id: foo bar $ d $Id: x\n$ e $Id:$ f $Identity$ g $Id"),
        ("subst.txt", b"$Format:%H|%h|%T|%t|%P|%p|%an|%ae|%al|%at|%ad|%aD|%ai|%aI|%as|%cn|%ce|%ct|%cd|%cI|%s|%f|%b|%B|%n|%%|%x41|%z|%$ and $Format:%s$ but $Format:%H"),
        ("both.txt", b"$Id$\n$Format:%ct$\n"),
    ] {
        repository.write(name, content);
    }
    repository.write(
        ".gitattributes",
        b"always.txt text eol=crlf\nauto* text=auto eol=crlf\nnever.txt -text eol=crlf\nplain.txt eol=lf\n\
          old.txt crlf eol=crlf\nid.txt ident\nsubst.txt export-subst\nboth.txt export-subst ident eol=crlf\n",
    );
    repository.commit("First");
    // Bytes as they are: `git add` would make line ends uniform.
    let raw = repository.git(&["hash-object", "-w", "--no-filters", "--stdin"], lines);
    let raw = String::from_utf8(raw).unwrap();
    for name in ["always.txt", "auto-mixed.txt"] {
        let entry = format!("100644,{},{name}", raw.trim());
        repository.git(&["update-index", "--cacheinfo", &entry], b"");
    }
    let tree = repository.text(&["write-tree"]);
    let parent = repository.text(&["rev-parse", "HEAD"]);
    let message = "A subject: with (odd) things..and\nmore of it\n\n\nThe body\n\nhas two parts\n";
    let commit = repository.text(&["commit-tree", "-p", &parent, "-m", message, &tree]);
    assert_alike(&repository, &commit);
}

#[test]
fn equal_trees_give_equal_bytes_whatever_the_pack_and_the_commit() {
    let repository = Repository::new("bytes");
    for number in 0..30 {
        repository.write(
            &format!("src/File{number}.php"),
            format!("<?php // {number}\n").repeat(200).as_bytes(),
        );
    }
    let first = repository.commit("First");
    repository.write("other", b"x");
    repository.commit("Second");
    std::fs::remove_file(repository.path("other")).unwrap();
    let third = repository.commit("Third");
    let all = Rc::new(Pack::open(repository.pack(&["--all"], &["--delta-base-offset"])).unwrap());
    let one = repository.pack(&[&first], &["--window=0", "--compression=1"]);
    let one = Rc::new(Pack::open(one).unwrap());
    let mut shared = SharedFiles::default();
    let expected = build(&all, &first, &mut shared);
    assert_eq!(build(&all, &third, &mut shared), expected);
    assert_eq!(build(&one, &first, &mut SharedFiles::default()), expected);
}

#[test]
fn ten_thousand_files_and_the_sizes_a_zip_can_have() {
    let repository = Repository::new("many");
    for number in 0..10_000 {
        repository.write(
            &format!("d{}/f{number}", number % 100),
            number.to_string().as_bytes(),
        );
    }
    let commit = repository.commit("Many");
    assert_alike(&repository, &commit);
}

/// Whether git thinks that the pattern in a `.gitattributes` at the top matches each path.
fn git_matches(repository: &Repository, patterns: &[String], paths: &[&str]) -> Vec<Vec<bool>> {
    patterns
        .iter()
        .map(|pattern| {
            repository.write(".gitattributes", format!("{pattern} hit\n").as_bytes());
            let input: Vec<u8> = paths
                .iter()
                .flat_map(|path| [path.as_bytes(), b"\0"].concat())
                .collect();
            let output = repository.git(&["check-attr", "-z", "--stdin", "hit"], &input);
            let fields: Vec<_> = output.split(|byte| *byte == 0).collect();
            fields
                .chunks_exact(3)
                .map(|line| line[2] == b"set")
                .collect()
        })
        .collect()
}

#[test]
fn patterns_match_as_in_git() {
    const PATHS: [&str; 14] = [
        "a", "b", "ab", "a/b", "a/b/c", "b/a", "a/a/b", "dir/", "a/dir/", "a.b", "[a]", "a-b",
        "a/ab", "ab/c",
    ];
    const PIECES: [&str; 24] = [
        "a",
        "b",
        "c",
        "/",
        "*",
        "**",
        "?",
        "[ab]",
        "[!a]",
        "[^b]",
        "[a-c]",
        "[]a]",
        "[[:alpha:]]",
        "[[:nope:]]",
        "[a",
        "\\a",
        "\\*",
        ".",
        "-",
        "/**/",
        "**/",
        "/**",
        "dir",
        "[a-]",
    ];
    let repository = Repository::new("patterns");
    // A small generator of our own, so that the same patterns are asked each time.
    let mut state = 1_u32;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize % bound
    };
    let patterns: Vec<String> = (0..400)
        .map(|_| {
            (0..=next(4))
                .map(|_| PIECES[next(PIECES.len())])
                .collect::<String>()
        })
        .filter(|pattern| !pattern.starts_with('!'))
        .collect();
    let answers = git_matches(&repository, &patterns, &PATHS);
    let mut differences = Vec::new();
    for (pattern, answers) in patterns.iter().zip(answers) {
        let mut attributes = Attributes::default();
        attributes.enter(b"", format!("{pattern} hit\n").as_bytes());
        for (path, expected) in PATHS.iter().zip(answers) {
            if attributes.look_up(path.as_bytes()).is_set("hit") != expected {
                differences.push(format!("`{pattern}` and `{path}`: git says {expected}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_megabyte_of_keywords_is_read_once() {
    let mut attributes = Attributes::default();
    attributes.enter(b"", b"* ident");
    let id = ObjectId::parse(&"1".repeat(40)).unwrap();
    let found = attributes.look_up(b"a");
    let content = b"$Id: a b ".repeat(120_000);
    assert_eq!(*convert::convert(&content, id, &found), *content);
}

#[test]
fn macros_that_lead_to_each_other_come_to_an_end() {
    let mut attributes = Attributes::default();
    let mut content =
        String::from("* m0\n[attr]circle circle2\n[attr]circle2 circle hit\n* circle\n");
    for number in 0..4_000 {
        let next = number + 1;
        let line = format!("[attr]m{number} m{next}\n");
        content.push_str(&line);
    }
    attributes.enter(b"", content.as_bytes());
    let found = attributes.look_up(b"a");
    assert!(found.is_set("hit") && found.is_set("m5") && !found.is_set("m3999"));
}

#[test]
fn attributes_without_end_are_refused() {
    let repository = Repository::new("attributes");
    repository.write(".gitattributes", "a b\n".repeat(20_000).as_bytes());
    let commit = repository.commit("A commit");
    let pack = Rc::new(Pack::open(repository.pack(&[&commit], &[])).unwrap());
    let writer = ArchiveWriter::new(pack, ObjectId::parse(&commit).unwrap());
    assert_eq!(writer.err(), Some(ArchiveFault::LargeAttributes));
}

#[test]
fn a_pattern_of_many_stars_does_not_explode() {
    let glob = Glob::parse("*a".repeat(500).as_bytes(), Slashes::Apart).unwrap();
    assert!(!glob.matches("a".repeat(4_000).replace("aaaa", "aaab").as_bytes()));
}

proptest! {
    #[test]
    fn any_attributes_are_read(content in prop::collection::vec(any::<u8>(), 0..200), path in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut attributes = Attributes::default();
        attributes.enter(b"", &content);
        attributes.look_up(&path);
    }

    #[test]
    fn any_content_is_converted(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut attributes = Attributes::default();
        attributes.enter(b"", b"* ident text=auto eol=crlf");
        let id = ObjectId::parse(&"1".repeat(40)).unwrap();
        convert::convert(&content, id, &attributes.look_up(b"a"));
        let commit = Commit::read(b"tree 1111111111111111111111111111111111111111\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nx").unwrap();
        subst::substitute(&content, id, &commit);
    }
}
