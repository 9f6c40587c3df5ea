//! Archives of packages. Zip as PKWARE's APPNOTE describes it is read backwards in small pieces: the end record,
//! the central directory, one entry. Tar is read forwards while it comes in. Nothing here needs the whole archive, and
//! nothing trusts it.

mod directory;
mod end;
mod entry;
mod format;
mod inflate;
mod probe;
pub mod tar;
pub mod write;

pub use directory::{Directory, Entry, check_size, read_directory};
pub use end::{End, TAIL, find_end};
pub use entry::{LOCAL_HEADER, find_data, unpack};
pub use format::ArchiveFormat;
pub use probe::{Probe, Probed};
pub use tar::TarFacts;

/// The most a composer.json may take, unpacked. Real ones stay below 100 KB.
pub const MANIFEST_LIMIT: u64 = 1024 * 1024;

/// The largest central directory that is read into memory: 100,000 entries at some 160 bytes each.
pub const DIRECTORY_LIMIT: u64 = 16 * 1024 * 1024;

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Files and folders.
    pub entries: u64,
    /// Bytes of all files, unpacked.
    pub unpacked: u64,
    /// Unpacked bytes for each packed one, once more than `ratio_floor` bytes come out.
    pub ratio: u64,
    /// Below this many unpacked bytes any ratio is fine.
    pub ratio_floor: u64,
}

/// Ratio and floor are those of Composer's own guard: what fails them, ext-zip refuses at every
/// install. The sum is ten times the default size limit of an archive.
pub const LIMITS: ArchiveLimits = ArchiveLimits {
    entries: 100_000,
    unpacked: 5_000_000_000,
    ratio: 100,
    ratio_floor: 50 * 1024 * 1024,
};

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// Nothing that Composer could unpack.
    #[error("The archive is neither zip nor tar, tar.gz or tar.bz2")]
    UnknownFormat,
    /// Cut short, or no zip at all.
    #[error("The archive has no end record: it was cut short or is no zip file")]
    NoEnd,
    /// The records contradict each other or the bytes.
    #[error("The archive is damaged: {0}")]
    Damaged(&'static str),
    /// The archive says that it was made from another commit.
    #[error("The archive was made from commit `{found}`, not from `{expected}`")]
    OtherCommit {
        /// The commit that was asked for.
        expected: String,
        /// The commit in its comment.
        found: String,
    },
    /// A zip feature that Composer cannot unpack everywhere either.
    #[error(
        "The archive uses {0}, which is not supported; pack it again as a plain zip or tar file"
    )]
    Unsupported(&'static str),
    /// Over one of the limits.
    #[error("The archive holds {what}; the limit is {limit}")]
    OverLimit {
        /// What there is too much of, with its amount.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// An entry that could be written outside of the package's folder.
    #[error(
        "The archive holds the entry `{0}`, whose name is not allowed; pack it with plain relative names"
    )]
    UnsafeName(String),
    /// A tar file of which a client would make something else than was packed.
    #[error(
        "Composer would not unpack this tar file as it was packed, since it has {0}; pack it as zip, or with {1}"
    )]
    Unfaithful(&'static str, &'static str),
    /// Two entries for one path, or a file where another entry needs a folder.
    #[error("The archive holds two entries for `{0}`")]
    DuplicateName(String),
}

impl ArchiveFault {
    fn manifest_too_large(size: u64) -> Self {
        Self::OverLimit {
            what: format!("a composer.json of {size} bytes"),
            limit: format!("{MANIFEST_LIMIT} bytes"),
        }
    }

    fn unpacked_too_large(unpacked: u64, limits: ArchiveLimits) -> Self {
        Self::OverLimit {
            what: format!("{unpacked} bytes when unpacked"),
            limit: format!("{} bytes", limits.unpacked),
        }
    }

    fn ratio_too_high(unpacked: u64, packed: u64, limits: ArchiveLimits) -> Self {
        Self::OverLimit {
            what: format!("{unpacked} bytes packed into {packed}"),
            limit: format!("{} times", limits.ratio),
        }
    }

    /// Whether the bytes look spoiled on their way, so that fetching them again may help. All other
    /// faults are in what was packed.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::NoEnd | Self::Damaged(_) | Self::OtherCommit { .. }
        )
    }
}

/// Checks the comment against the commit the archive should be of. `git archive` writes the commit
/// there, and so do the providers that run it; a comment that is no commit says nothing.
pub fn check_commit(comment: &[u8], expected: &str) -> Result<(), ArchiveFault> {
    let is_commit = matches!(comment.len(), 40 | 64) && comment.iter().all(u8::is_ascii_hexdigit);
    if !is_commit || comment.eq_ignore_ascii_case(expected.as_bytes()) {
        return Ok(());
    }
    Err(ArchiveFault::OtherCommit {
        expected: expected.to_owned(),
        found: String::from_utf8_lossy(comment).into_owned(),
    })
}

/// Little-endian fields of a record; none behind its end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&self, offset: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(offset..offset.checked_add(length)?)
    }

    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.bytes(offset, N)?.try_into().ok()
    }

    fn u16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    fn u32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn u64(&self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }

    fn starts_with(&self, signature: [u8; 4]) -> bool {
        self.array(0) == Some(signature)
    }
}

#[cfg(test)]
mod tests;
