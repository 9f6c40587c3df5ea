//! The archive of a commit as a body, made while it is read.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use crate::domain::git_archive::{ArchiveFault, ArchiveWriter, SharedFiles};
use crate::domain::plain_git::ObjectId;
use crate::domain::plain_git::pack::Pack;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::ByteStream;

/// See above.
pub(super) struct ArchiveBody {
    pack: Rc<Pack>,
    id: ObjectId,
    writer: Option<ArchiveWriter>,
    shared: Rc<RefCell<SharedFiles>>,
}

impl ArchiveBody {
    pub(super) fn new(pack: Rc<Pack>, id: ObjectId, shared: Rc<RefCell<SharedFiles>>) -> Self {
        Self {
            pack,
            id,
            writer: None,
            shared,
        }
    }
}

#[async_trait(?Send)]
impl ByteStream for ArchiveBody {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(
                ArchiveWriter::new(self.pack.clone(), self.id).map_err(|fault| explain(&fault))?,
            ),
        };
        writer
            .next_bytes(&mut self.shared.borrow_mut())
            .map_err(|fault| explain(&fault))
    }
}

/// What cannot be packed today cannot be packed tomorrow: the commit is what it is.
fn explain(fault: &ArchiveFault) -> Error {
    Error::new(ErrorKind::TooLarge, fault.to_string())
}
