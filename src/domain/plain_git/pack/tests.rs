//! Packs made by git itself.

use proptest::prelude::*;

use super::super::object::{Commit, EntryKind, read_tree};
use super::super::testing::Repository;
use super::*;

/// Twenty commits of files that grow a little each time, so that git finds deltas.
fn fill(repository: &Repository) {
    for round in 0..20 {
        for file in 0..5 {
            let lines: Vec<_> = (0_u32..400)
                .map(|line| {
                    let round = if line % 50 == 49 { round } else { 0 };
                    format!("line {line} of file {file} in round {round}")
                })
                .collect();
            let text = lines.join("\n");
            repository.write(&format!("file-{file}.txt"), text.as_bytes());
        }
        repository.write("empty", b"");
        repository.commit(&format!("Round {round}"));
    }
    repository.git(&["tag", "-a", "-m", "A tag", "v1"], b"");
}

/// Every object is found under its name with git's own bytes.
fn check(repository: &Repository, bytes: Vec<u8>) {
    let pack = Pack::open(bytes).unwrap();
    let listed = repository.text(&["rev-list", "--objects", "--all"]);
    assert_eq!(pack.len(), listed.lines().count());
    for line in listed.lines() {
        let name = line.split(' ').next().unwrap();
        let id = ObjectId::parse(name).unwrap();
        let (kind, content) = pack.read(id).unwrap();
        assert_eq!(repository.text(&["cat-file", "-t", name]), kind.name());
        assert_eq!(
            *content,
            repository.git(&["cat-file", kind.name(), name], b"")
        );
    }
}

#[test]
fn objects_are_git_s_own_with_deltas_by_position_by_name_and_without() {
    let repository = Repository::new("kinds");
    fill(&repository);
    for options in [&["--delta-base-offset"][..], &[], &["--window=0"]] {
        check(&repository, repository.pack(&["--all"], options));
    }
}

#[test]
fn a_commit_leads_to_its_files() {
    let repository = Repository::new("walk");
    fill(&repository);
    let pack = Pack::open(repository.pack(&["--all"], &["--delta-base-offset"])).unwrap();
    let head = ObjectId::parse(&repository.text(&["rev-parse", "HEAD"])).unwrap();
    let commit = Commit::read(&pack.read_kind(head, Kind::Commit).unwrap()).unwrap();
    assert_eq!(commit.author.name, "Ada");
    let tree = read_tree(&pack.read_kind(commit.tree, Kind::Tree).unwrap()).unwrap();
    assert_eq!(tree.len(), 6);
    assert!(tree.iter().all(|entry| entry.kind == EntryKind::File));
    assert!(pack.read_kind(head, Kind::Blob).is_err());
    let unknown = ObjectId::parse(&"1".repeat(40)).unwrap();
    assert_eq!(pack.read(unknown), Err(GitFault::Missing(unknown)));
}

#[test]
fn a_pack_that_is_cut_or_changed_is_refused() {
    let repository = Repository::new("damage");
    fill(&repository);
    let bytes = repository.pack(&["--all"], &["--delta-base-offset"]);
    for end in (0..bytes.len()).step_by(97) {
        assert!(Pack::open(bytes[..end].to_vec()).is_err(), "{end}");
    }
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert_eq!(
        Pack::open(changed).err(),
        Some(GitFault::Damaged("its pack has another checksum"))
    );
}

proptest! {
    /// With a right checksum, so that the bytes are looked at.
    #[test]
    fn any_bytes_are_read_or_refused(count in 0_u32..4, body in prop::collection::vec(any::<u8>(), 0..120)) {
        use sha1::{Digest, Sha1};
        let mut bytes = b"PACK\0\0\0\x02".to_vec();
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend(body);
        let hash = Sha1::digest(&bytes);
        bytes.extend_from_slice(hash.as_slice());
        if let Ok(pack) = Pack::open(bytes) {
            for id in pack.by_id.keys() {
                pack.read(*id).unwrap();
            }
        }
    }
}
