//! An archive that is kept already, read again piece by piece: for another row, which gets an object of its own.

use std::rc::Rc;

use async_trait::async_trait;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::db::{first_as, row};
use crate::ports::outbound::ByteStream;
use crate::ports::{Blobs, Statement};

/// Bytes in one piece.
const PIECE: u64 = 1024 * 1024;

/// A kept archive as a stream.
pub struct KeptArchive {
    blobs: Rc<dyn Blobs>,
    key: String,
    size: u64,
    offset: u64,
}

row! {
    struct Row {
        archive_key: String,
        size: u64,
    }
}

impl KeptArchive {
    /// The archive that another package of the same git repository has of a commit, from before the package had its name.
    /// A row names it, so that no sweep takes it; `prefix` is where the archives of that commit lie.
    pub async fn find(app: &App, prefix: &str) -> Result<Option<Self>> {
        let rows = app
            .db
            .rows(
                // `0` is the character after the slash that `prefix` ends with.
                Statement::new(
                    "select archive_key, size from dists
                     where archive_key > ?1 || '/' and archive_key < ?1 || '0' order by archive_key limit 1",
                )
                .bind(prefix),
            )
            .await?;
        Ok(first_as::<Row>(rows)?.map(|row| Self {
            blobs: app.blobs.clone(),
            key: row.archive_key,
            size: row.size,
            offset: 0,
        }))
    }
}

#[async_trait(?Send)]
impl ByteStream for KeptArchive {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.offset >= self.size {
            return Ok(None);
        }
        let piece = self
            .blobs
            .get_range(&self.key, self.offset, PIECE)
            .await?
            .filter(|piece| !piece.is_empty())
            .ok_or_else(|| Error::internal(format!("archive {} is gone or short", self.key)))?;
        let read = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(read);
        Ok(Some(piece))
    }
}
