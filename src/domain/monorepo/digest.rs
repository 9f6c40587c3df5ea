//! What a folder of an archive holds: its members in git's order, and one digest of them all.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::archive::write::MemberKind;
use crate::domain::archive::{Directory, Entry};

/// The members below a folder of an archive in git's order, by their paths from that folder on; those of folders end in
/// a slash. Every folder that something lies in is there, whether the archive has an entry for it or not.
pub fn list_members<'a>(
    directory: &'a Directory,
    folder: &[u8],
) -> BTreeMap<Vec<u8>, Option<&'a Entry>> {
    let mut members = BTreeMap::new();
    for (path, entry) in directory.below(folder) {
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let parent = path.get(..=at).unwrap_or_default();
            members.entry(parent.to_vec()).or_insert(None);
        }
        if entry.is_folder {
            members.entry([path, b"/"].concat()).or_insert(None);
        } else {
            members.insert(path.to_vec(), Some(entry));
        }
    }
    members
}

/// The digest of a folder, made file by file in the order of [`list_members`]. Folders by themselves do not count: git
/// knows none that are empty.
#[derive(Default)]
pub struct FolderDigest(Sha256);

impl FolderDigest {
    /// Adds a file by its path from the folder on and the SHA-256 of its bytes.
    pub fn add(&mut self, path: &[u8], kind: MemberKind, content: &[u8; 32]) {
        let kind = match kind {
            MemberKind::File => b'f',
            MemberKind::Executable => b'x',
            MemberKind::Link => b'l',
            MemberKind::Folder => return,
        };
        // No path has a NUL, so no two lists give the same bytes.
        self.0.update(path);
        self.0.update([0, kind]);
        self.0.update(content);
    }

    /// In 64 hex digits.
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}
