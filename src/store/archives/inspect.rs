//! A stored archive is looked into by three or four small reads, whatever its size.

use std::borrow::Cow;

use crate::domain::archive::{
    ArchiveFault, Directory, End, Entry, LIMITS, LOCAL_HEADER, TAIL, check_commit, check_size,
    find_data, find_end, read_directory, unpack,
};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Blobs;

/// What an archive holds, as far as we need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// The bytes of its composer.json: the one at the top, else in the only top folder.
    pub composer_json: Option<Vec<u8>>,
    /// Files and folders.
    pub entries: u64,
    /// Its comment; `git archive` writes the commit there.
    pub comment: String,
}

/// Checks the archive of `size` bytes under `key` and finds its composer.json.
///
/// The outer error is the store's; the inner one is the archive's, and the caller knows who sent it:
/// [`refuse_download`] and [`refuse_upload`] turn it into an error.
pub async fn inspect(
    blobs: &dyn Blobs,
    key: &str,
    size: u64,
    expected_commit: Option<&str>,
) -> Result<Result<ArchiveFacts, ArchiveFault>> {
    match look(blobs, key, size, expected_commit).await {
        Ok(facts) => Ok(Ok(facts)),
        Err(Trouble::Archive(fault)) => Ok(Err(fault)),
        Err(Trouble::Store(error)) => Err(error),
    }
}

/// The error for an archive that a provider sent: what was spoiled on its way is fetched again.
pub fn refuse_download(fault: &ArchiveFault) -> Error {
    if fault.is_damage() {
        return Error::new(ErrorKind::Upstream { retryable: true }, fault.to_string());
    }
    Error::invalid(fault.to_string())
}

/// The error for an archive that a person sent.
pub fn refuse_upload(fault: &ArchiveFault) -> Error {
    Error::invalid(fault.to_string())
}

pub(super) enum Trouble {
    Archive(ArchiveFault),
    Store(Error),
}

impl From<ArchiveFault> for Trouble {
    fn from(fault: ArchiveFault) -> Self {
        Self::Archive(fault)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

async fn look(
    blobs: &dyn Blobs,
    key: &str,
    size: u64,
    expected_commit: Option<&str>,
) -> Result<ArchiveFacts, Trouble> {
    let archive = Tail::open(blobs, key, size).await?;
    let end = find_end(&archive.bytes, size)?;
    if let Some(commit) = expected_commit {
        check_commit(&end.comment, commit)?;
    }
    let directory = load_directory(&archive, &end).await?;
    let composer_json = match directory.find_manifest() {
        Some(entry) => Some(load_entry(&archive, entry).await?),
        None => None,
    };
    Ok(ArchiveFacts {
        composer_json,
        entries: end.entries,
        comment: String::from_utf8_lossy(&end.comment).into_owned(),
    })
}

pub(super) async fn load_directory(archive: &Tail<'_>, end: &End) -> Result<Directory, Trouble> {
    check_size(end, LIMITS)?;
    let bytes = archive
        .read(end.directory_offset, end.directory_size)
        .await?;
    Ok(read_directory(&bytes, end, LIMITS)?)
}

pub(super) async fn load_entry(archive: &Tail<'_>, entry: &Entry) -> Result<Vec<u8>, Trouble> {
    let header = archive.read(entry.offset, LOCAL_HEADER).await?;
    let (start, length) = find_data(entry, &header)?;
    let data = archive.read(start, length).await?;
    Ok(unpack(entry, &data)?)
}

/// An archive whose last bytes are here already. Small archives are here as a whole.
pub(super) struct Tail<'a> {
    blobs: &'a dyn Blobs,
    key: &'a str,
    size: u64,
    start: u64,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Tail<'a> {
    pub(super) async fn open(
        blobs: &'a dyn Blobs,
        key: &'a str,
        size: u64,
    ) -> Result<Self, Trouble> {
        let mut archive = Self {
            blobs,
            key,
            size,
            start: size,
            bytes: Vec::new(),
        };
        let start = size.saturating_sub(TAIL);
        archive.bytes = archive
            .read(start, size.saturating_sub(start))
            .await?
            .into_owned();
        archive.start = start;
        Ok(archive)
    }

    /// Exactly these bytes.
    async fn read(&self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Trouble> {
        let end = offset
            .checked_add(length)
            .filter(|end| *end <= self.size)
            .ok_or(ArchiveFault::Damaged("a record reaches past its end"))?;
        if length == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let local = |position: u64| usize::try_from(position.checked_sub(self.start)?).ok();
        let here = local(offset)
            .zip(local(end))
            .and_then(|(from, to)| self.bytes.get(from..to));
        if let Some(bytes) = here {
            return Ok(Cow::Borrowed(bytes));
        }
        let bytes = self
            .blobs
            .get_range(self.key, offset, length)
            .await?
            .ok_or_else(|| Error::internal(format!("the archive `{}` is missing", self.key)))?;
        if u64::try_from(bytes.len()) != Ok(length) {
            return Err(Trouble::Store(Error::internal(format!(
                "the archive `{}` is shorter than its {} bytes",
                self.key, self.size
            ))));
        }
        Ok(Cow::Owned(bytes))
    }
}
