//! Unpacking one entry as its bytes arrive, in pieces of a size that the caller sets.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

use super::entry::{DEFLATED, STORED, add_to_crc32};
use super::{ArchiveFault, Entry};

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Packed bytes that are used up.
    pub taken: usize,
    /// Unpacked bytes that were written.
    pub given: usize,
}

/// An entry that is being unpacked; its length and checksum are held against what the directory says of it.
pub struct Unpacker {
    /// None for an entry that is stored as it is.
    inflater: Option<Box<InflateState>>,
    is_ended: bool,
    crc32: u32,
    given: u64,
    expected_crc32: u32,
    expected: u64,
}

impl Unpacker {
    /// Begins with an entry. What Composer cannot unpack everywhere is refused.
    pub fn new(entry: &Entry) -> Result<Self, ArchiveFault> {
        let inflater = match entry.method {
            STORED => None,
            DEFLATED => Some(InflateState::new_boxed(DataFormat::Raw)),
            _ => return Err(ArchiveFault::Unsupported("a rare compression method")),
        };
        Ok(Self {
            inflater,
            is_ended: false,
            crc32: 0,
            given: 0,
            expected_crc32: entry.crc32,
            expected: entry.unpacked,
        })
    }

    /// Unpacks as much as fits. A step that gives and takes nothing has nothing left to give.
    pub fn step(&mut self, packed: &[u8], into: &mut [u8]) -> Result<Step, ArchiveFault> {
        let step = match &mut self.inflater {
            None => {
                let count = packed.len().min(into.len());
                for (to, from) in into.iter_mut().zip(packed) {
                    *to = *from;
                }
                Step {
                    taken: count,
                    given: count,
                }
            }
            Some(_) if self.is_ended => Step { taken: 0, given: 0 },
            Some(inflater) => {
                let result = inflate(inflater, packed, into, MZFlush::None);
                match result.status {
                    Ok(MZStatus::StreamEnd) => self.is_ended = true,
                    // It is waiting for more bytes or more room.
                    Ok(_) | Err(MZError::Buf) => {}
                    Err(_) => return Err(ArchiveFault::Damaged("an entry does not unpack")),
                }
                Step {
                    taken: result.bytes_consumed,
                    given: result.bytes_written,
                }
            }
        };
        let bytes = into.get(..step.given).unwrap_or_default();
        self.crc32 = add_to_crc32(self.crc32, bytes);
        let given = u64::try_from(step.given).unwrap_or(u64::MAX);
        self.given = self.given.saturating_add(given);
        if self.given > self.expected {
            return Err(ArchiveFault::Damaged("an entry has another length"));
        }
        Ok(step)
    }

    /// Says whether all of it came, and as it was packed.
    pub fn finish(&self) -> Result<(), ArchiveFault> {
        if self.given != self.expected {
            return Err(ArchiveFault::Damaged("an entry has another length"));
        }
        if self.crc32 != self.expected_crc32 {
            return Err(ArchiveFault::Damaged("an entry has another checksum"));
        }
        Ok(())
    }
}
