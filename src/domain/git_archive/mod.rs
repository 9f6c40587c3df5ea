//! An archive of a commit made by ourselves, with the files and modes that `git archive` gives it.
//!
//! The bytes depend on the tree alone (and on the commit where `export-subst` asks for it): fixed times, git's own
//! order, one way to compress. All is below one folder, `package/`: a flat archive whose only entry is a folder would
//! lose that folder when Composer unpacks it.

mod attributes;
mod convert;
mod glob;
mod subst;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use super::archive::write::{Member, MemberKind, Packed, ZipWriter, pack_bytes};
use super::plain_git::object::{Commit, EntryKind, TreeEntry, read_tree};
use super::plain_git::pack::{Kind, Pack};
use super::plain_git::{GitFault, ObjectId};
use attributes::{Attributes, FILE_LIMIT, Found};

/// The folder everything is in.
const TOP: &[u8] = b"package/";

/// How deep folders may lie in each other.
const DEEPEST: usize = 100;

/// Bytes of compressed files that are kept for the next archive: versions of a package share most of theirs.
const SHARED_BYTES: usize = 8 * 1024 * 1024;

/// Why no archive could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// The objects.
    #[error(transparent)]
    Git(#[from] GitFault),
    /// Folders in folders in folders.
    #[error("A folder lies more than {DEEPEST} folders deep")]
    TooDeep,
    /// A `.gitattributes` that is none.
    #[error("A `.gitattributes` is larger than {FILE_LIMIT} bytes; shorten it")]
    LargeAttributes,
    /// More than a zip file of the common form can hold.
    #[error("The archive would hold more than 65,534 files or 4 GB")]
    TooLarge,
}

/// Compressed files by the object they were made of.
#[derive(Default)]
pub struct SharedFiles {
    packed: HashMap<ObjectId, Rc<Packed>>,
    bytes: usize,
}

impl SharedFiles {
    fn get(&self, id: ObjectId) -> Option<Rc<Packed>> {
        self.packed.get(&id).cloned()
    }

    /// Keeps as long as there is room: the first archive of a run has most of what the others have.
    fn keep(&mut self, id: ObjectId, packed: &Rc<Packed>) {
        let bytes = self.bytes.saturating_add(packed.len());
        if bytes <= SHARED_BYTES {
            self.bytes = bytes;
            self.packed.insert(id, packed.clone());
        }
    }
}

/// A folder that is being written.
struct Open {
    /// With a slash at its end; empty at the top.
    path: Vec<u8>,
    entries: std::vec::IntoIter<TreeEntry>,
    /// Whether it stands in the archive: a folder that holds nothing but folders which are left out does not.
    is_written: bool,
    has_attributes: bool,
}

/// An archive on its way, piece by piece.
pub struct ArchiveWriter {
    pack: Rc<Pack>,
    id: ObjectId,
    commit: Commit,
    attributes: Attributes,
    open: Vec<Open>,
    zip: ZipWriter,
    is_finished: bool,
}

impl ArchiveWriter {
    /// Begins the archive of a commit that is in the pack with all its files.
    pub fn new(pack: Rc<Pack>, id: ObjectId) -> Result<Self, ArchiveFault> {
        let commit = Commit::read(&pack.read_kind(id, Kind::Commit)?)?;
        let mut writer = Self {
            pack,
            id,
            attributes: Attributes::default(),
            open: Vec::new(),
            zip: ZipWriter::default(),
            is_finished: false,
            commit,
        };
        writer.enter(Vec::new(), writer.commit.tree)?;
        Ok(writer)
    }

    /// The next bytes, some tens of kilobytes or one file; none at the end.
    pub fn next_bytes(
        &mut self,
        shared: &mut SharedFiles,
    ) -> Result<Option<Vec<u8>>, ArchiveFault> {
        const ENOUGH: usize = 64 * 1024;
        let mut bytes = Vec::new();
        while bytes.len() < ENOUGH && !self.is_finished {
            let Some(folder) = self.open.last_mut() else {
                self.zip.finish(&mut bytes).ok_or(ArchiveFault::TooLarge)?;
                self.is_finished = true;
                break;
            };
            match folder.entries.next() {
                Some(entry) => self.write(&mut bytes, &entry, shared)?,
                None => self.leave(),
            }
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    fn enter(&mut self, path: Vec<u8>, tree: ObjectId) -> Result<(), ArchiveFault> {
        if self.open.len() >= DEEPEST {
            return Err(ArchiveFault::TooDeep);
        }
        let entries = read_tree(&self.pack.read_kind(tree, Kind::Tree)?)?;
        // A link of that name is not followed.
        let file = entries.iter().find(|entry| {
            entry.name == b".gitattributes"
                && matches!(entry.kind, EntryKind::File | EntryKind::Executable)
        });
        let content = match file {
            Some(entry) => Some(self.pack.read_kind(entry.id, Kind::Blob)?),
            None => None,
        };
        if content
            .as_ref()
            .is_some_and(|content| content.len() > FILE_LIMIT)
        {
            return Err(ArchiveFault::LargeAttributes);
        }
        let has_attributes = content.is_some() || path.is_empty();
        if has_attributes {
            let content = content.as_deref().map_or(&[][..], Vec::as_slice);
            self.attributes.enter(&path, content);
        }
        self.open.push(Open {
            path,
            entries: entries.into_iter(),
            is_written: false,
            has_attributes,
        });
        Ok(())
    }

    fn leave(&mut self) {
        if self.open.pop().is_some_and(|folder| folder.has_attributes) {
            self.attributes.leave();
        }
    }

    fn write(
        &mut self,
        bytes: &mut Vec<u8>,
        entry: &TreeEntry,
        shared: &mut SharedFiles,
    ) -> Result<(), ArchiveFault> {
        let mut path = self
            .open
            .last()
            .map(|folder| folder.path.clone())
            .unwrap_or_default();
        path.extend_from_slice(&entry.name);
        if matches!(entry.kind, EntryKind::Folder) {
            path.push(b'/');
        }
        // A submodule is looked up as a folder, with a slash, too.
        let mut looked_up = path.clone();
        if matches!(entry.kind, EntryKind::Submodule) {
            looked_up.push(b'/');
        }
        let found = self.attributes.look_up(&looked_up);
        let is_left_out = found.is_set("export-ignore");
        if matches!(entry.kind, EntryKind::Folder) {
            return if is_left_out {
                Ok(())
            } else {
                self.enter(path, entry.id)
            };
        }
        // As in git: a file that is left out still leaves its folder behind.
        self.write_folders(bytes)?;
        if is_left_out {
            return Ok(());
        }
        let (kind, packed) = match entry.kind {
            EntryKind::Submodule => {
                path.push(b'/');
                (MemberKind::Folder, Rc::default())
            }
            EntryKind::Link => {
                let target = self.pack.read_kind(entry.id, Kind::Blob)?;
                (MemberKind::Link, Rc::new(Packed::stored(target.to_vec())))
            }
            EntryKind::Executable => (
                MemberKind::Executable,
                self.pack_file(entry.id, &found, shared)?,
            ),
            EntryKind::File | EntryKind::Folder => {
                (MemberKind::File, self.pack_file(entry.id, &found, shared)?)
            }
        };
        self.put(bytes, &path, kind, &packed)
    }

    /// Folders stand in the archive from their first file on.
    fn write_folders(&mut self, bytes: &mut Vec<u8>) -> Result<(), ArchiveFault> {
        let empty = Packed::default();
        for folder in &mut self.open {
            if !folder.is_written {
                folder.is_written = true;
                let name = [TOP, &folder.path].concat();
                let member = Member {
                    name: &name,
                    kind: MemberKind::Folder,
                };
                self.zip
                    .add(bytes, &member, &empty)
                    .ok_or(ArchiveFault::TooLarge)?;
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        bytes: &mut Vec<u8>,
        path: &[u8],
        kind: MemberKind,
        packed: &Packed,
    ) -> Result<(), ArchiveFault> {
        let name = [TOP, path].concat();
        self.zip
            .add(bytes, &Member { name: &name, kind }, packed)
            .ok_or(ArchiveFault::TooLarge)
    }

    fn pack_file(
        &self,
        id: ObjectId,
        found: &Found,
        shared: &mut SharedFiles,
    ) -> Result<Rc<Packed>, ArchiveFault> {
        let is_plain = ["export-subst", "ident", "eol"]
            .iter()
            .all(|name| found.get(name).is_none());
        if is_plain && let Some(packed) = shared.get(id) {
            return Ok(packed);
        }
        let content = self.pack.read_kind(id, Kind::Blob)?;
        let mut converted = convert::convert(&content, id, found);
        if found.is_set("export-subst")
            && let Some(replaced) = subst::substitute(&converted, self.id, &self.commit)
        {
            converted = Cow::Owned(replaced);
        }
        let packed = Rc::new(pack_bytes(&converted));
        if is_plain {
            shared.keep(id, &packed);
        }
        Ok(packed)
    }
}

#[cfg(test)]
mod tests;
