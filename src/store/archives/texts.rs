//! The texts that stand beside composer.json in a stored archive, found by three or four small reads.

use crate::domain::archive::{ArchiveFault, Directory, Entry, MANIFEST_LIMIT, find_end};
use crate::error::Result;
use crate::ports::Blobs;

use super::inspect::{Tail, Trouble, load_directory, load_entry};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// What it is called.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl TextFile {
    /// Whether it is Markdown, by its name.
    pub fn is_markdown(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        MARKDOWN.iter().any(|ending| name.ends_with(ending))
    }
}

/// What people read of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextFiles {
    /// What it is.
    pub readme: Option<TextFile>,
    /// What changed.
    pub changelog: Option<TextFile>,
}

const MARKDOWN: [&str; 2] = [".md", ".markdown"];

/// How a text may end, the best first.
const ENDINGS: [&str; 5] = [".md", ".markdown", "", ".txt", ".rst"];

const README: [&str; 1] = ["readme"];
const CHANGELOG: [&str; 3] = ["changelog", "changes", "history"];

/// Reads the texts of the zip archive of `size` bytes under `key`. A file of more than a megabyte is none.
pub async fn read_texts(
    blobs: &dyn Blobs,
    key: &str,
    size: u64,
) -> Result<Result<TextFiles, ArchiveFault>> {
    match look(blobs, key, size).await {
        Ok(files) => Ok(Ok(files)),
        Err(Trouble::Archive(fault)) => Ok(Err(fault)),
        Err(Trouble::Store(error)) => Err(error),
    }
}

async fn look(blobs: &dyn Blobs, key: &str, size: u64) -> Result<TextFiles, Trouble> {
    let archive = Tail::open(blobs, key, size).await?;
    let end = find_end(&archive.bytes, size)?;
    let directory = load_directory(&archive, &end).await?;
    let mut files = TextFiles::default();
    for (names, file) in [
        (README.as_slice(), &mut files.readme),
        (CHANGELOG.as_slice(), &mut files.changelog),
    ] {
        if let Some((name, entry)) = find_text(&directory, names) {
            *file = Some(TextFile {
                name: String::from_utf8_lossy(name).into_owned(),
                bytes: load_entry(&archive, entry).await?,
            });
        }
    }
    Ok(files)
}

/// The file of one of these names beside composer.json, in whichever case it is written.
fn find_text<'a>(directory: &'a Directory, names: &[&str]) -> Option<(&'a [u8], &'a Entry)> {
    let folder = directory.find_manifest().map_or(&b""[..], |manifest| {
        let name = manifest.name.as_slice();
        let slash = name.iter().rposition(|byte| *byte == b'/');
        slash.and_then(|at| name.get(..at)).unwrap_or_default()
    });
    let mut best: Option<(usize, &[u8], &Entry)> = None;
    for entry in directory.entries() {
        let name = entry.name.as_slice();
        let name = if folder.is_empty() {
            Some(name)
        } else {
            name.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix(b"/"))
        };
        let Some(name) = name.filter(|name| !name.contains(&b'/')) else {
            continue;
        };
        if entry.is_folder || entry.unpacked > MANIFEST_LIMIT {
            continue;
        }
        if let Some(rank) = rank(name, names)
            && best.is_none_or(|(before, ..)| rank < before)
        {
            best = Some((rank, name, entry));
        }
    }
    best.map(|(_, name, entry)| (name, entry))
}

/// How good a name is: the lower the better; none where it is another.
fn rank(name: &[u8], names: &[&str]) -> Option<usize> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    names
        .iter()
        .flat_map(|stem| ENDINGS.iter().map(move |ending| format!("{stem}{ending}")))
        .position(|known| known == name)
}
