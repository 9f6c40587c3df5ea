//! The archive of one folder, cut out of the archive of its whole commit.
//!
//! Equal folders give equal bytes, whoever made the whole archive and however he packed it: members in git's order, no
//! times, all below `package/`, and one way to pack. Files of up to [`IN_MEMORY`] bytes are packed anew; larger ones,
//! which would take too much memory for that, stand as they are.

use async_trait::async_trait;

use crate::domain::archive::Entry;
use crate::domain::archive::write::{Member, MemberKind, Packed, ZipWriter, pack_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::ByteStream;
use crate::store::archives::whole::{EntryReader, Reading, WholeArchive, read_whole};

/// The folder everything is in, as in the archives that are made of git's objects: a flat archive whose only entry is a
/// folder would lose that folder when Composer unpacks it.
const TOP: &[u8] = b"package/";

/// The largest file that is packed anew. Never to change for the same archive twice: equal folders give equal bytes.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// What is handed on at once, or a little more.
const ENOUGH: usize = 64 * 1024;

/// An archive on its way, piece by piece.
pub struct FolderCut<'a> {
    reading: Reading<'a>,
    members: std::vec::IntoIter<(Vec<u8>, Option<Entry>)>,
    zip: ZipWriter,
    /// A large file that is being handed on.
    large: Option<EntryReader>,
    is_finished: bool,
}

impl<'a> FolderCut<'a> {
    /// Begins the archive of a folder.
    pub fn new(whole: &'a WholeArchive<'_>, folder: &str) -> Self {
        let mut members = whole.members(folder);
        members.insert(0, (Vec::new(), None));
        Self {
            reading: Reading::new(whole),
            members: members.into_iter(),
            zip: ZipWriter::default(),
            large: None,
            is_finished: false,
        }
    }

    async fn write(
        &mut self,
        into: &mut Vec<u8>,
        path: &[u8],
        entry: Option<&Entry>,
    ) -> Result<()> {
        let name = [TOP, path].concat();
        let member = Member {
            name: &name,
            kind: entry.map_or(MemberKind::Folder, |entry| entry.kind),
        };
        let written = match entry {
            None => self.zip.add(into, &member, &Packed::default()),
            Some(entry) if entry.unpacked > IN_MEMORY => {
                self.large = Some(EntryReader::open(entry, &mut self.reading).await?);
                self.zip
                    .begin_stored(into, &member, entry.unpacked, entry.crc32)
            }
            Some(entry) => {
                let content = read_whole(entry, &mut self.reading).await?;
                let packed = match entry.kind {
                    MemberKind::Link => Packed::stored(content),
                    _ => pack_bytes(&content),
                };
                self.zip.add(into, &member, &packed)
            }
        };
        written.ok_or_else(too_large)
    }
}

#[async_trait(?Send)]
impl ByteStream for FolderCut<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(large) = &mut self.large {
            if let Some(chunk) = large.next(&mut self.reading).await? {
                return Ok(Some(chunk));
            }
            self.large = None;
        }
        let mut bytes = Vec::new();
        while bytes.len() < ENOUGH && self.large.is_none() && !self.is_finished {
            if let Some((path, entry)) = self.members.next() {
                self.write(&mut bytes, &path, entry.as_ref()).await?;
            } else {
                self.zip.finish(&mut bytes).ok_or_else(too_large)?;
                self.is_finished = true;
            }
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        "The archive of this folder would hold more than 65,534 files or 4 GB",
    )
}
