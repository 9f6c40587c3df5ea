//! Archives: taken in as a stream while they are hashed, then looked into by ranged reads.

mod cut;
mod examined;
mod inspect;
mod kept;
mod take_in;
mod texts;
mod whole;

pub use cut::FolderCut;
pub use examined::{UploadedArchive, examine_stored, take_in_upload};
pub use inspect::{ArchiveFacts, inspect, refuse_download, refuse_upload};
pub use kept::KeptArchive;
pub use take_in::{PART, StoredArchive, take_in};
pub use texts::{TextFile, TextFiles, read_texts};
pub use whole::{Packages, WholeArchive};

#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod tests;
