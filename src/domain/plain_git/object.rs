//! Commits and trees.

use super::{GitFault, ObjectId};

/// Who did something to a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// As written; may be empty.
    pub name: String,
    /// As written; may be empty.
    pub email: String,
    /// Unix seconds.
    pub time: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its files.
    pub tree: ObjectId,
    /// What it came from; known even where history was not fetched.
    pub parents: Vec<ObjectId>,
    /// Who wrote the change.
    pub author: Signature,
    /// Who put it there.
    pub committer: Signature,
    /// The message, as far as it is text.
    pub message: String,
}

impl Commit {
    /// Reads a commit object.
    pub fn read(bytes: &[u8]) -> Result<Self, GitFault> {
        let text = String::from_utf8_lossy(bytes);
        let (head, message) = text
            .split_once("\n\n")
            .unwrap_or((text.trim_end_matches('\n'), ""));
        let mut tree = None;
        let mut parents = Vec::new();
        let (mut author, mut committer) = (None, None);
        for line in head.lines() {
            // Continued lines of a signature begin with a blank and match nothing here.
            match line.split_once(' ') {
                Some(("tree", id)) => tree = ObjectId::parse(id),
                Some(("parent", id)) => parents.extend(ObjectId::parse(id)),
                Some(("author", who)) => author = read_signature(who),
                Some(("committer", who)) => committer = read_signature(who),
                _ => {}
            }
        }
        Ok(Self {
            tree: tree.ok_or(GitFault::Damaged("a commit has no tree"))?,
            parents,
            author: author.ok_or(GitFault::Damaged("a commit has no author"))?,
            committer: committer.ok_or(GitFault::Damaged("a commit has no committer"))?,
            message: message.to_owned(),
        })
    }
}

/// `Ada Lovelace <ada@example.com> 1795293000 +0100`. A time that cannot be read is the beginning of time, as in git.
fn read_signature(text: &str) -> Option<Signature> {
    let (name, rest) = text.split_once('<')?;
    // Broken addresses are found in old commits: git takes the first bracket for the address, the last for the time.
    let (email, _) = rest.split_once('>')?;
    let (_, when) = rest.rsplit_once('>')?;
    let mut when = when.split_whitespace();
    let time = when.next().and_then(|seconds| seconds.parse().ok());
    let offset = when.next().and_then(read_offset);
    Some(Signature {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        time: time.unwrap_or_default(),
        offset: offset.unwrap_or_default(),
    })
}

/// `+0130` is 90 minutes.
fn read_offset(text: &str) -> Option<i32> {
    let number: i32 = text.parse().ok()?;
    let minutes = (number / 100)
        .saturating_mul(60)
        .saturating_add(number % 100);
    (-1440..=1440).contains(&minutes).then_some(minutes)
}

/// What a tree's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link; the object is its target's path.
    Link,
    /// A folder.
    Folder,
    /// A commit of another repository, of which nothing is here.
    Submodule,
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its name in that folder, any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its object.
    pub id: ObjectId,
}

/// Reads a tree object: its entries in git's order.
pub fn read_tree(bytes: &[u8]) -> Result<Vec<TreeEntry>, GitFault> {
    const FAULT: GitFault = GitFault::Damaged("a folder cannot be read");
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mode, after) = split_at_byte(rest, b' ').ok_or(FAULT)?;
        let (name, after) = split_at_byte(after, 0).ok_or(FAULT)?;
        let (id, after) = after.split_at_checked(20).ok_or(FAULT)?;
        let is_usable = !name.is_empty() && !matches!(name, b"." | b"..") && !name.contains(&b'/');
        if !is_usable {
            return Err(FAULT);
        }
        entries.push(TreeEntry {
            name: name.to_vec(),
            kind: read_mode(mode).ok_or(FAULT)?,
            id: ObjectId::from_bytes(id).ok_or(FAULT)?,
        });
        rest = after;
    }
    Ok(entries)
}

fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|found| *found == byte)?;
    Some((bytes.get(..at)?, bytes.get(at.checked_add(1)?..)?))
}

/// Octal, as in `stat`; git looks at the owner's right to execute alone.
fn read_mode(digits: &[u8]) -> Option<EntryKind> {
    let mode = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => Some(EntryKind::Executable),
        0o100_000 => Some(EntryKind::File),
        0o120_000 => Some(EntryKind::Link),
        0o040_000 => Some(EntryKind::Folder),
        0o160_000 => Some(EntryKind::Submodule),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_commit_is_read() {
        let commit = Commit::read(
            b"tree 1111111111111111111111111111111111111111\n\
              parent 2222222222222222222222222222222222222222\n\
              author Ada <King> <ada@example.com> 1795293000 +0130\n\
              committer <> 5 -0030\n\
              gpgsig -----BEGIN\n tree 3333333333333333333333333333333333333333\n\nSubject\n\nBody\n",
        )
        .unwrap();
        assert_eq!(commit.tree.to_string(), "1".repeat(40));
        assert_eq!(commit.parents.len(), 1);
        assert_eq!(commit.author.name, "Ada");
        assert_eq!(commit.author.email, "King");
        assert_eq!(
            (commit.author.time, commit.author.offset),
            (1_795_293_000, 90)
        );
        assert_eq!((commit.committer.time, commit.committer.offset), (5, -30));
        assert_eq!(commit.message, "Subject\n\nBody\n");
        assert!(Commit::read(b"tree x\n\n").is_err());
    }

    #[test]
    fn a_tree_is_read() {
        let mut bytes = Vec::new();
        for (mode, name) in [
            ("100644", "a"),
            ("100755", "b"),
            ("120000", "c"),
            ("40000", "d"),
            ("160000", "e"),
        ] {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(&[7; 20]);
        }
        let kinds: Vec<_> = read_tree(&bytes)
            .unwrap()
            .into_iter()
            .map(|entry| entry.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                EntryKind::File,
                EntryKind::Executable,
                EntryKind::Link,
                EntryKind::Folder,
                EntryKind::Submodule
            ]
        );
        for name in ["..", ".", "a/b", ""] {
            let mut bytes = format!("100644 {name}\0").into_bytes();
            bytes.extend_from_slice(&[7; 20]);
            assert!(read_tree(&bytes).is_err(), "{name}");
        }
    }

    #[test]
    fn a_megabyte_is_read_in_one_pass_or_refused() {
        let mut commit = b"tree 1111111111111111111111111111111111111111\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\n".to_vec();
        commit.extend(vec![b'x'; 1_000_000]);
        assert_eq!(Commit::read(&commit).unwrap().message.len(), 1_000_000);
        assert!(read_tree(&vec![b' '; 1_000_000]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Commit::read(&bytes);
            let _ = read_tree(&bytes);
        }
    }
}
