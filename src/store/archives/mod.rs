//! Archives: taken in as a stream while they are hashed, then looked into by ranged reads.

mod inspect;
mod kept;
mod take_in;

pub use inspect::{ArchiveFacts, inspect, refuse_download, refuse_upload};
pub use kept::KeptArchive;
pub use take_in::{StoredArchive, take_in};

#[cfg(test)]
mod tests;
