//! Archives: taken in as a stream while they are hashed, then looked into by ranged reads.

mod cut;
mod inspect;
mod take_in;
mod whole;

pub use cut::FolderCut;
pub use inspect::{ArchiveFacts, inspect, refuse_download, refuse_upload};
pub use take_in::{StoredArchive, take_in};
pub use whole::{Packages, WholeArchive};

#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod tests;
