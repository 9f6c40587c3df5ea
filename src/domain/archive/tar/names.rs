//! The names of an archive's entries, and where its links lead.

use super::super::directory::{self, NamedEntry};
use super::super::{ArchiveFault, DIRECTORY_LIMIT};

/// All names so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    entries: Vec<Name>,
    /// Where links lead, from the archive's top; with the link's own name for the message.
    links: Vec<(Vec<u8>, Vec<u8>)>,
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

    /// Adds where a symbolic link leads. It is seen from the link's own folder.
    pub(super) fn add_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), ArchiveFault> {
        let outside = || ArchiveFault::LinkOutside(directory::shown(path));
        if target.is_empty() || target.starts_with(b"/") || target.contains(&b'\\') {
            return Err(outside());
        }
        let mut place: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        place.pop();
        for segment in target.split(|byte| *byte == b'/') {
            match segment {
                b"" | b"." => {}
                b".." => {
                    place.pop().ok_or_else(outside)?;
                }
                _ => place.push(segment),
            }
        }
        self.keep_link(path, place.join(&b'/'))
    }

    /// Adds what a hard link is a second name of, from the archive's top.
    pub(super) fn add_hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), ArchiveFault> {
        let target = directory::clean_name(target)
            .ok()
            .flatten()
            .ok_or_else(|| ArchiveFault::LinkOutside(directory::shown(path)))?;
        self.keep_link(path, target)
    }

    fn keep_link(&mut self, path: &[u8], target: Vec<u8>) -> Result<(), ArchiveFault> {
        self.count(path.len().saturating_add(target.len()))?;
        self.links.push((path.to_vec(), target));
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
        // Composer takes that folder for the package, so nothing may lead out of it.
        if let Some(top) = &top {
            for (path, target) in &self.links {
                let is_inside = target
                    .strip_prefix(top.as_slice())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
                if !is_inside {
                    return Err(ArchiveFault::LinkOutside(directory::shown(path)));
                }
            }
        }
        Ok(top)
    }
}
