//! An archive that somebody uploads: looked at while it comes in, and into once it is stored.

use async_trait::async_trait;

use super::{StoredArchive, inspect, refuse_upload, take_in};
use crate::domain::archive::{ArchiveFault, ArchiveFormat, LIMITS, Probe, Probed};
use crate::error::{Error, Result};
use crate::ports::{Blobs, ByteStream, MultipartBlobs};

/// How much of a stored archive is read at once when it is looked through again.
const PIECE: u64 = 4 * 1024 * 1024;

/// An archive that is stored and was found to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedArchive {
    /// Its size and hashes.
    pub stored: StoredArchive,
    /// How it is packed.
    pub format: ArchiveFormat,
    /// Its composer.json, if it has one where Composer looks for it.
    pub composer_json: Option<Vec<u8>>,
}

/// Stores `body` under `key` as [`take_in`] does, and checks that it is an archive of a package.
///
/// After an error of the archive itself nothing is kept, or only what nobody names and the sweep takes away.
pub async fn take_in_upload(
    blobs: &dyn Blobs,
    multipart: &dyn MultipartBlobs,
    key: &str,
    body: &mut dyn ByteStream,
    limit: u64,
) -> Result<UploadedArchive> {
    let mut watched = Watched {
        body,
        probe: Probe::new(LIMITS),
    };
    let stored = take_in(blobs, multipart, key, &mut watched, limit).await?;
    match examine(blobs, key, stored, watched.probe).await {
        Ok(archive) => Ok(archive),
        Err(error) => {
            if !error.is_retryable() {
                // Not worth a second message: the sweep comes by.
                let _ = blobs.delete(&[key.to_owned()]).await;
            }
            Err(error)
        }
    }
}

/// The same for an archive that is stored already: it is read once, piece by piece.
pub async fn examine_stored(blobs: &dyn Blobs, key: &str, size: u64) -> Result<UploadedArchive> {
    let mut pieces = Pieces {
        blobs,
        key,
        size,
        offset: 0,
    };
    let mut probe = Probe::new(LIMITS);
    let mut hashes = super::take_in::Hashes::default();
    while let Some(piece) = pieces.next().await? {
        hashes.add(&piece, size)?;
        probe.add(&piece).map_err(|fault| refuse_upload(&fault))?;
    }
    examine(blobs, key, hashes.finish(), probe).await
}

async fn examine(
    blobs: &dyn Blobs,
    key: &str,
    stored: StoredArchive,
    probe: Probe,
) -> Result<UploadedArchive> {
    let refuse = |fault: ArchiveFault| refuse_upload(&fault);
    let probed = probe.finish().map_err(refuse)?;
    let format = probed.format();
    let composer_json = match probed {
        Probed::Tar(_, facts) => facts.composer_json,
        Probed::Zip => {
            let facts = inspect(blobs, key, stored.size, None).await?;
            facts.map_err(refuse)?.composer_json
        }
    };
    Ok(UploadedArchive {
        stored,
        format,
        composer_json,
    })
}

/// A body that is looked at as it passes by. What is no archive ends it, so that nothing is stored.
struct Watched<'a> {
    body: &'a mut dyn ByteStream,
    probe: Probe,
}

#[async_trait(?Send)]
impl ByteStream for Watched<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let chunk = self.body.next().await?;
        if let Some(chunk) = &chunk {
            self.probe
                .add(chunk)
                .map_err(|fault| refuse_upload(&fault))?;
        }
        Ok(chunk)
    }
}

/// A stored object, read by ranges.
struct Pieces<'a> {
    blobs: &'a dyn Blobs,
    key: &'a str,
    size: u64,
    offset: u64,
}

#[async_trait(?Send)]
impl ByteStream for Pieces<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let left = self.size.saturating_sub(self.offset);
        if left == 0 {
            return Ok(None);
        }
        let wanted = left.min(PIECE);
        let piece = self
            .blobs
            .get_range(self.key, self.offset, wanted)
            .await?
            .ok_or_else(|| Error::internal(format!("the archive `{}` is missing", self.key)))?;
        if u64::try_from(piece.len()) != Ok(wanted) {
            return Err(Error::internal(format!(
                "the archive `{}` is shorter than its {} bytes",
                self.key, self.size
            )));
        }
        self.offset = self.offset.saturating_add(wanted);
        Ok(Some(piece))
    }
}
