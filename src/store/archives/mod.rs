//! Archives: taken in as a stream while they are hashed, then looked into by ranged reads.

mod examined;
mod inspect;
mod kept;
mod take_in;

pub use examined::{UploadedArchive, examine_stored, take_in_upload};
pub use inspect::{ArchiveFacts, inspect, refuse_download, refuse_upload};
pub use kept::KeptArchive;
pub use take_in::{PART, StoredArchive, take_in};

#[cfg(test)]
mod tests;
