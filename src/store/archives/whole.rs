//! The archive of a whole commit: which folders of it are packages, and what each of them holds.
//!
//! It is read by ranges of a megabyte, in the order in which it was written, so that neither the archive nor a file of
//! it is ever in memory as a whole.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::archive::{
    ArchiveFault, Directory, Entry, LOCAL_HEADER, Unpacker, check_commit, find_end, find_start,
};
use crate::domain::archive::{MANIFEST_LIMIT, write::MemberKind};
use crate::domain::manifest::Manifest;
use crate::domain::monorepo::{
    FolderDigest, FolderPatterns, FoundFolder, LONGEST_FOLDER, MOST_FOLDERS, ManifestFacts, ROOT,
    list_members,
};
use crate::error::{Error, Result};
use crate::ports::Blobs;
use crate::store::archives::inspect::{Tail, Trouble, load_directory, refuse_download};

/// What is read of an archive at once.
const WINDOW: u64 = 1024 * 1024;

/// What an unpacked file is handed on in.
const CHUNK: usize = 64 * 1024;

/// A stored archive of a commit, with its directory.
pub struct WholeArchive<'a> {
    blobs: &'a dyn Blobs,
    key: String,
    size: u64,
    directory: Directory,
    /// The folder that everything is in, without a slash.
    top: Vec<u8>,
}

/// The folders of a commit that are packages.
#[derive(Debug, Default)]
pub struct Packages {
    /// By path.
    pub folders: Vec<FoundFolder>,
    /// Each composer.json that can be read, as JSON with its keys in order, by the digest of its folder.
    pub manifests: BTreeMap<String, String>,
}

impl<'a> WholeArchive<'a> {
    /// Opens the archive of `size` bytes under `key`, which is to be of this commit.
    pub async fn open(blobs: &'a dyn Blobs, key: &str, size: u64, commit: &str) -> Result<Self> {
        match Self::try_open(blobs, key, size, commit).await {
            Ok(whole) => Ok(whole),
            Err(Trouble::Archive(fault)) => Err(refuse_download(&fault)),
            Err(Trouble::Store(error)) => Err(error),
        }
    }

    async fn try_open(
        blobs: &'a dyn Blobs,
        key: &str,
        size: u64,
        commit: &str,
    ) -> Result<Self, Trouble> {
        let tail = Tail::open(blobs, key, size).await?;
        let end = find_end(&tail.bytes, size)?;
        check_commit(&end.comment, commit)?;
        let directory = load_directory(&tail, &end).await?;
        let top = directory.top_folder().unwrap_or_default().to_vec();
        if top.is_empty() {
            return Err(Trouble::Archive(ArchiveFault::Unsupported(
                "more than one folder at its top",
            )));
        }
        Ok(Self {
            blobs,
            key: key.to_owned(),
            size,
            directory,
            top,
        })
    }

    /// Finds the folders that are packages, and reads all that lies in them. Too many are `Invalid`.
    pub async fn find_packages(&self, patterns: &FolderPatterns) -> Result<Packages> {
        let mut packages = Packages::default();
        let mut found = Vec::new();
        for (path, entry) in self.directory.below(&self.top) {
            let Some(folder) = folder_of_manifest(path) else {
                continue;
            };
            // What is no text fits no pattern.
            let Ok(folder) = std::str::from_utf8(folder) else {
                continue;
            };
            if !entry.is_folder && patterns.matches(folder) {
                found.push((folder.to_owned(), entry));
            }
        }
        if found.len() > MOST_FOLDERS {
            return Err(Error::invalid(format!(
                "{} folders of this commit are packages by the project's `folders`; at most {MOST_FOLDERS} can be, \
                 so make the patterns narrower",
                found.len()
            )));
        }
        let mut reading = Reading::new(self);
        let contents = self.hash_contents(&found, &mut reading).await?;
        for (path, manifest) in found {
            let below = self.path_of(&path);
            let mut digest = FolderDigest::default();
            for (member, entry) in list_members(&self.directory, &below) {
                if let Some(entry) = entry
                    && let Some(content) = contents.get(&entry.offset)
                {
                    digest.add(&member, entry.kind, content);
                }
            }
            let digest = digest.finish();
            let (name, facts) = if path.len() > LONGEST_FOLDER {
                let fault = format!("the path of this folder has more than {LONGEST_FOLDER} bytes");
                (None, ManifestFacts::refused(fault))
            } else {
                match read_manifest(manifest, &mut reading).await? {
                    Ok(manifest) => {
                        let text = serde_json::to_string(manifest.fields());
                        let text = text.map_err(Error::internal)?;
                        packages.manifests.insert(digest.clone(), text);
                        let name = manifest.package_name();
                        let name = name.map(|name| name.as_str().to_owned());
                        (name, ManifestFacts::of(&manifest))
                    }
                    Err(fault) => (None, ManifestFacts::refused(fault)),
                }
            };
            packages.folders.push(FoundFolder {
                path,
                name,
                digest,
                facts,
            });
        }
        packages
            .folders
            .sort_by(|one, other| one.path.cmp(&other.path));
        Ok(packages)
    }

    /// The SHA-256 of every file below one of the folders, by where the file stands. Read in the order of the archive.
    async fn hash_contents(
        &self,
        folders: &[(String, &Entry)],
        reading: &mut Reading<'_>,
    ) -> Result<BTreeMap<u64, [u8; 32]>> {
        let mut entries = BTreeMap::new();
        for (path, _) in folders {
            let below = self.path_of(path);
            let files = self.directory.below(&below);
            entries.extend(
                files
                    .filter(|(_, entry)| !entry.is_folder)
                    .map(|(_, entry)| (entry.offset, entry)),
            );
        }
        let mut contents = BTreeMap::new();
        for (offset, entry) in entries {
            let mut hash = Sha256::new();
            let mut file = EntryReader::open(entry, reading).await?;
            while let Some(chunk) = file.next(reading).await? {
                hash.update(&chunk);
            }
            contents.insert(offset, hash.finalize().into());
        }
        Ok(contents)
    }

    /// The members of a folder in git's order, by their paths from it on.
    pub(super) fn members(&self, folder: &str) -> Vec<(Vec<u8>, Option<Entry>)> {
        let below = self.path_of(folder);
        list_members(&self.directory, &below)
            .into_iter()
            .map(|(path, entry)| (path, entry.cloned()))
            .collect()
    }

    fn path_of(&self, folder: &str) -> Vec<u8> {
        if folder == ROOT {
            return self.top.clone();
        }
        [self.top.as_slice(), b"/", folder.as_bytes()].concat()
    }
}

/// The folder of a composer.json; none for any other path.
fn folder_of_manifest(path: &[u8]) -> Option<&[u8]> {
    if path == b"composer.json" {
        return Some(ROOT.as_bytes());
    }
    path.strip_suffix(b"/composer.json")
}

/// A composer.json, or why it is none.
async fn read_manifest(
    entry: &Entry,
    reading: &mut Reading<'_>,
) -> Result<Result<Manifest, String>> {
    if entry.kind == MemberKind::Link {
        return Ok(Err(
            "composer.json is a symbolic link; put the file itself into the folder".to_owned(),
        ));
    }
    if entry.unpacked > MANIFEST_LIMIT {
        return Ok(Err("composer.json is larger than 1 MB".to_owned()));
    }
    let bytes = read_whole(entry, reading).await?;
    Ok(Manifest::parse(&bytes).map_err(|fault| fault.to_string()))
}

/// All bytes of an entry, which the caller knows to be small.
pub(super) async fn read_whole(entry: &Entry, reading: &mut Reading<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = EntryReader::open(entry, reading).await?;
    while let Some(chunk) = file.next(reading).await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A place in a stored archive, with what was read there last.
pub(super) struct Reading<'a> {
    blobs: &'a dyn Blobs,
    key: &'a str,
    size: u64,
    start: u64,
    window: Vec<u8>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(whole: &'a WholeArchive<'_>) -> Self {
        Self {
            blobs: whole.blobs,
            key: &whole.key,
            size: whole.size,
            start: 0,
            window: Vec::new(),
        }
    }

    /// Bytes from `offset` on: at least one and at most `length`.
    async fn bytes(&mut self, offset: u64, length: u64) -> Result<&[u8]> {
        let is_here = offset
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok())
            .is_some_and(|at| at < self.window.len());
        if !is_here {
            let left = self.size.saturating_sub(offset);
            if left == 0 || length == 0 {
                let fault = ArchiveFault::Damaged("an entry reaches past its data");
                return Err(refuse_download(&fault));
            }
            let missing =
                || Error::internal(format!("the archive `{}` is missing or short", self.key));
            let read = self
                .blobs
                .get_range(self.key, offset, left.min(WINDOW))
                .await?;
            self.window = read.filter(|bytes| !bytes.is_empty()).ok_or_else(missing)?;
            self.start = offset;
        }
        let at = usize::try_from(offset.saturating_sub(self.start)).unwrap_or_default();
        let here = self.window.get(at..).unwrap_or_default();
        let most = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(here.get(..most).unwrap_or(here))
    }
}

/// One file of an archive, unpacked as it is read.
pub(super) struct EntryReader {
    unpacker: Unpacker,
    at: u64,
    left: u64,
    is_finished: bool,
}

impl EntryReader {
    pub(super) async fn open(entry: &Entry, reading: &mut Reading<'_>) -> Result<Self> {
        let mut header = Vec::new();
        while let Some(left) = usize::try_from(LOCAL_HEADER)
            .ok()
            .and_then(|size| size.checked_sub(header.len()))
            .filter(|left| *left > 0)
        {
            let read = u64::try_from(header.len()).unwrap_or_default();
            let at = entry.offset.saturating_add(read);
            let bytes = reading.bytes(at, u64::try_from(left).unwrap_or(1)).await?;
            header.extend_from_slice(bytes);
        }
        let at = find_start(entry, &header).map_err(|fault| refuse_download(&fault))?;
        Ok(Self {
            unpacker: Unpacker::new(entry).map_err(|fault| refuse_download(&fault))?,
            at,
            left: entry.packed,
            is_finished: false,
        })
    }

    /// The next bytes; none at the end, when length and checksum were found to be right.
    pub(super) async fn next(&mut self, reading: &mut Reading<'_>) -> Result<Option<Vec<u8>>> {
        let refuse = |fault: ArchiveFault| refuse_download(&fault);
        let mut chunk = vec![0; CHUNK];
        let mut filled = 0_usize;
        while !self.is_finished && filled < CHUNK {
            let packed = if self.left > 0 {
                reading.bytes(self.at, self.left).await?
            } else {
                &[]
            };
            let room = chunk.get_mut(filled..).unwrap_or_default();
            let step = self.unpacker.step(packed, room).map_err(refuse)?;
            let taken = u64::try_from(step.taken).unwrap_or_default();
            self.at = self.at.saturating_add(taken);
            self.left = self.left.saturating_sub(taken);
            filled = filled.saturating_add(step.given);
            if step.taken == 0 && step.given == 0 {
                self.unpacker.finish().map_err(refuse)?;
                self.is_finished = true;
            }
        }
        chunk.truncate(filled);
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}
