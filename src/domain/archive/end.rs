//! The end of central directory record, and its zip64 form.

use super::{ArchiveFault, Fields};

/// How much of an archive's end is needed to find its end record: the longest comment (65,535), the
/// record itself (22), and the zip64 locator and record before it (20 + 56).
pub const TAIL: u64 = 65_535 + 22 + 20 + 56;

const END: [u8; 4] = *b"PK\x05\x06";
const END_SIZE: usize = 22;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_SIZE: usize = 20;
const END64: [u8; 4] = *b"PK\x06\x06";

/// What the end record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How many entries the central directory has.
    pub entries: u64,
    /// Where it begins.
    pub directory_offset: u64,
    /// Its bytes.
    pub directory_size: u64,
    /// The archive's comment.
    pub comment: Vec<u8>,
}

/// Finds the end record in the last bytes of an archive of `size` bytes.
///
/// The record must end where the archive ends and the directory must end where the record begins.
/// Both hold for every archive written in one go, and both fail for one that lost bytes anywhere.
pub fn find_end(tail: &[u8], size: u64) -> Result<End, ArchiveFault> {
    let tail_start = u64::try_from(tail.len())
        .ok()
        .and_then(|length| size.checked_sub(length))
        .ok_or(ArchiveFault::NoEnd)?;
    let at = find_record(tail)?;
    let (before, record) = tail.split_at_checked(at).ok_or(ArchiveFault::NoEnd)?;
    let end_offset = offset_in(tail_start, at)?;
    let plain = read_plain(&Fields(record)).ok_or(ArchiveFault::NoEnd)?;
    let (found, directory_end) = match find_locator(before) {
        Some(locator) => read_zip64(&plain, &Fields(locator), tail, tail_start)?,
        None => (plain, end_offset),
    };
    if found.directory_offset.checked_add(found.directory_size) != Some(directory_end) {
        return Err(ArchiveFault::Damaged(
            "its directory is not where its end record says",
        ));
    }
    Ok(found)
}

/// The position of the one end record whose comment reaches exactly to the end. Two such records
/// would let two readers see two different archives in the same bytes.
fn find_record(tail: &[u8]) -> Result<usize, ArchiveFault> {
    let mut found = None;
    for (at, window) in tail.windows(END_SIZE).enumerate() {
        let fields = Fields(window);
        if !fields.starts_with(END) {
            continue;
        }
        let comment = fields.u16(20).map(usize::from);
        let end = comment.and_then(|length| at.checked_add(END_SIZE)?.checked_add(length));
        if end == Some(tail.len()) && found.replace(at).is_some() {
            return Err(ArchiveFault::Damaged("it has two end records"));
        }
    }
    found.ok_or(ArchiveFault::NoEnd)
}

fn read_plain(record: &Fields<'_>) -> Option<End> {
    Some(End {
        entries: u64::from(record.u16(10)?),
        directory_size: u64::from(record.u32(12)?),
        directory_offset: u64::from(record.u32(16)?),
        comment: record.0.get(END_SIZE..)?.to_vec(),
    })
}

/// The zip64 locator, which stands directly before the end record when there is one.
fn find_locator(before: &[u8]) -> Option<&[u8]> {
    let locator = before.get(before.len().checked_sub(LOCATOR_SIZE)?..)?;
    Fields(locator).starts_with(LOCATOR).then_some(locator)
}

/// The zip64 record gives the fields that were too large for the plain one, marked there by all ones.
/// Returns them with the offset of that record, which is where the directory ends.
fn read_zip64(
    plain: &End,
    locator: &Fields<'_>,
    tail: &[u8],
    tail_start: u64,
) -> Result<(End, u64), ArchiveFault> {
    let damaged = ArchiveFault::Damaged("its zip64 end record is missing");
    let offset = locator.u64(8).ok_or_else(|| damaged.clone())?;
    let record = offset
        .checked_sub(tail_start)
        .and_then(|at| usize::try_from(at).ok())
        .and_then(|at| tail.get(at..))
        .map(Fields)
        .filter(|record| record.starts_with(END64))
        .ok_or_else(|| damaged.clone())?;
    let field = |small: u64, marker: u64, at: usize| match record.u64(at) {
        Some(large) if small == marker || small == large => Ok(large),
        Some(_) => Err(ArchiveFault::Damaged("its two end records disagree")),
        None => Err(damaged.clone()),
    };
    let end = End {
        entries: field(plain.entries, u64::from(u16::MAX), 32)?,
        directory_size: field(plain.directory_size, u64::from(u32::MAX), 40)?,
        directory_offset: field(plain.directory_offset, u64::from(u32::MAX), 48)?,
        comment: plain.comment.clone(),
    };
    Ok((end, offset))
}

fn offset_in(tail_start: u64, at: usize) -> Result<u64, ArchiveFault> {
    u64::try_from(at)
        .ok()
        .and_then(|at| tail_start.checked_add(at))
        .ok_or(ArchiveFault::NoEnd)
}
