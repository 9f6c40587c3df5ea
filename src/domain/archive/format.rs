//! The formats that an archive may have. What counts is how its bytes begin; names and content types are only hints.

use serde::{Deserialize, Serialize};

use super::tar::is_header;

/// A tar header is one block; no shorter beginning tells a tar file from anything else.
pub(super) const BEGINNING: usize = 512;

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ArchiveFormat {
    /// zip.
    #[default]
    #[serde(rename = "zip")]
    Zip,
    /// tar, not compressed.
    #[serde(rename = "tar")]
    Tar,
    /// tar in gzip.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// tar in bzip2.
    #[serde(rename = "tar.bz2")]
    TarBz2,
}

impl ArchiveFormat {
    /// All of them, the longest ending first.
    const ALL: [Self; 4] = [Self::TarBz2, Self::TarGz, Self::Tar, Self::Zip];

    /// Tells it by the first bytes, of which there are [`BEGINNING`] unless the archive is shorter.
    pub fn detect(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if beginning.starts_with(&[0x1F, 0x8B, 8]) {
            return Some(Self::TarGz);
        }
        if beginning.starts_with(b"BZh") {
            return Some(Self::TarBz2);
        }
        beginning
            .get(..BEGINNING)
            .is_some_and(is_header)
            .then_some(Self::Tar)
    }

    /// How a file of this format ends, without the dot; so it is stored, and so it stands in addresses.
    /// PHP's `PharData` opens a file only under an ending that it knows, and goes by its bytes then.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::TarBz2 => "tar.bz2",
        }
    }

    /// Composer's `dist.type`: it has one for all kinds of tar.
    pub fn dist_type(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar | Self::TarGz | Self::TarBz2 => "tar",
        }
    }

    /// The media type of a file.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
            Self::TarGz => "application/gzip",
            Self::TarBz2 => "application/x-bzip2",
        }
    }

    /// Reads an ending.
    pub fn parse(ending: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.ending() == ending)
    }

    /// Cuts the ending off the name of a file.
    pub fn strip_from(file: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|format| {
            let name = file.strip_suffix(format.ending())?.strip_suffix('.')?;
            (!name.is_empty()).then_some((name, format))
        })
    }

    /// Whether a file of this format may be asked for by `asked`: by its own ending, or by its type, which is what
    /// Composer fills into the address of a mirror.
    pub fn answers_to(self, asked: Self) -> bool {
        asked == self || asked.ending() == self.dist_type()
    }
}
