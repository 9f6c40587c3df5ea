//! From a stream into the blob store, with one buffer.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::ports::{Blobs, ByteStream, MultipartBlobs};

/// The size of the buffer and of every part but the last: the smallest that R2 takes, of which 10,000 are 50 GB.
/// Five imports run at once in a consumer, each with this buffer and a copy of it on its way out: 50 MB of an
/// isolate's 128.
pub const PART: usize = 5 * 1024 * 1024;

/// Until an archive is larger than this, the buffer grows as needed: most archives stay below.
const SMALL: usize = 512 * 1024;

/// What is known of an archive once all of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArchive {
    /// Bytes.
    pub size: u64,
    /// The SHA-1 in hex: Composer's `dist.shasum`.
    pub sha1: String,
    /// The SHA-256 in hex: ours.
    pub sha256: String,
}

/// Stores `body` under `key` while hashing it. At most `limit` bytes are taken.
///
/// After an error nothing new is visible under `key`: an upload in parts is aborted, and a failed
/// `put` leaves what was there. Nothing is ever deleted here, because an earlier run may have stored
/// the same archive under the same key and a row may already name it.
pub async fn take_in(
    blobs: &dyn Blobs,
    multipart: &dyn MultipartBlobs,
    key: &str,
    body: &mut dyn ByteStream,
    limit: u64,
) -> Result<StoredArchive> {
    take_in_parts(blobs, Upload::new(multipart, key, PART), body, limit).await
}

/// The same with parts of any size, so that tests need not hash megabytes.
pub(super) async fn take_in_parts(
    blobs: &dyn Blobs,
    mut upload: Upload<'_>,
    body: &mut dyn ByteStream,
    limit: u64,
) -> Result<StoredArchive> {
    let taken = pump(blobs, &mut upload, body, limit).await;
    if taken.is_err() {
        upload.abort().await;
    }
    taken
}

async fn pump(
    blobs: &dyn Blobs,
    upload: &mut Upload<'_>,
    body: &mut dyn ByteStream,
    limit: u64,
) -> Result<StoredArchive> {
    let mut hashes = Hashes::default();
    let mut buffer = Vec::new();
    while let Some(chunk) = body.next().await? {
        hashes.add(&chunk, limit)?;
        let mut rest = chunk.as_slice();
        while !rest.is_empty() {
            // A full buffer waits for one more byte: an archive of exactly one part is put whole.
            if buffer.len() == upload.part_size {
                upload.send(&buffer).await?;
                buffer.clear();
            }
            let room = upload.part_size.saturating_sub(buffer.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            grow(&mut buffer, now.len(), upload.part_size);
            buffer.extend_from_slice(now);
            rest = later;
        }
    }
    if upload.id.is_none() {
        blobs.put(upload.key, &buffer).await?;
    } else {
        upload.send(&buffer).await?;
        upload.complete().await?;
    }
    Ok(hashes.finish())
}

/// Doubling would end at twice a part; this ends at exactly one.
fn grow(buffer: &mut Vec<u8>, by: usize, part_size: usize) {
    if buffer.len().saturating_add(by) > SMALL {
        buffer.reserve_exact(part_size.saturating_sub(buffer.len()));
    }
}

/// What is computed of an archive on its way.
#[derive(Default)]
pub(super) struct Hashes {
    size: u64,
    sha1: Sha1,
    sha256: Sha256,
}

impl Hashes {
    pub(super) fn add(&mut self, chunk: &[u8], limit: u64) -> Result<()> {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(length);
        if self.size > limit {
            return Err(too_large(limit));
        }
        self.sha1.update(chunk);
        self.sha256.update(chunk);
        Ok(())
    }

    pub(super) fn finish(self) -> StoredArchive {
        StoredArchive {
            size: self.size,
            sha1: hex::encode(self.sha1.finalize()),
            sha256: hex::encode(self.sha256.finalize()),
        }
    }
}

fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "The archive is larger than {limit} bytes, the limit of this registry. \
             Leave large files out of it (`export-ignore` in `.gitattributes`), \
             or ask the operator to raise `ARCHIVE_LIMIT`."
        ),
    )
}

/// An upload in parts, which begins with the first of them.
pub(super) struct Upload<'a> {
    multipart: &'a dyn MultipartBlobs,
    key: &'a str,
    part_size: usize,
    id: Option<String>,
    parts: Vec<String>,
}

impl<'a> Upload<'a> {
    pub(super) fn new(multipart: &'a dyn MultipartBlobs, key: &'a str, part_size: usize) -> Self {
        Self {
            multipart,
            key,
            part_size,
            id: None,
            parts: Vec::new(),
        }
    }

    async fn send(&mut self, part: &[u8]) -> Result<()> {
        let id = match &self.id {
            Some(id) => id,
            None => self
                .id
                .insert(self.multipart.create_multipart(self.key).await?),
        };
        let number = u16::try_from(self.parts.len())
            .ok()
            .and_then(|sent| sent.checked_add(1))
            .filter(|number| *number <= 10_000)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "The archive has too many parts"))?;
        let tag = self
            .multipart
            .upload_part(self.key, id, number, part)
            .await?;
        self.parts.push(tag);
        Ok(())
    }

    async fn complete(&self) -> Result<()> {
        match &self.id {
            Some(id) => {
                self.multipart
                    .complete_multipart(self.key, id, &self.parts)
                    .await
            }
            None => Ok(()),
        }
    }

    /// The first error is the one to report; parts that cannot be freed now are freed by R2 after a week.
    async fn abort(&self) {
        if let Some(id) = &self.id {
            let _ = self.multipart.abort_multipart(self.key, id).await;
        }
    }
}
