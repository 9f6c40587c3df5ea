//! The names of an archive's entries.

use super::super::directory::{self, NamedEntry};
use super::super::{ArchiveFault, DIRECTORY_LIMIT};

/// All names so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    entries: Vec<Name>,
    /// Bytes of all of them.
    bytes: u64,
}

#[derive(Debug)]
struct Name {
    path: Vec<u8>,
    is_folder: bool,
}

impl NamedEntry for Name {
    fn path(&self) -> &[u8] {
        &self.path
    }

    fn is_folder(&self) -> bool {
        self.is_folder
    }
}

impl Names {
    /// Adds an entry.
    pub(super) fn add(&mut self, path: Vec<u8>, is_folder: bool) -> Result<(), ArchiveFault> {
        self.count(path.len())?;
        self.entries.push(Name { path, is_folder });
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), ArchiveFault> {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.bytes > DIRECTORY_LIMIT {
            return Err(ArchiveFault::OverLimit {
                what: "too many long names".to_owned(),
                limit: format!("{DIRECTORY_LIMIT} bytes for all names"),
            });
        }
        Ok(())
    }

    /// Checks all names against each other, and gives the only top folder if there is one.
    pub(super) fn finish(mut self) -> Result<Option<Vec<u8>>, ArchiveFault> {
        directory::sort_and_check(&mut self.entries)?;
        let has_manifest = directory::find_file(&self.entries, b"composer.json").is_some();
        let top = if has_manifest {
            None
        } else {
            directory::only_top_folder(&self.entries).map(<[u8]>::to_vec)
        };
        Ok(top)
    }
}
