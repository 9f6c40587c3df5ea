//! One entry of a pack: its header, and its compressed bytes.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{GitFault, Kind, OBJECT_LIMIT, ObjectId};

/// What an entry is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing: it is whole, and of this kind.
    None(Kind),
    /// The entry of that number.
    At(usize),
    /// The object of that name.
    Named(ObjectId),
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// Where its compressed bytes begin.
    pub(super) data: usize,
    /// How many bytes they unpack to.
    pub(super) size: usize,
    pub(super) base: Base,
}

/// The header of an entry as it stands.
pub(super) struct Header {
    pub(super) kind: HeaderKind,
    pub(super) size: u64,
    /// Where the compressed bytes begin.
    pub(super) data: usize,
}

pub(super) enum HeaderKind {
    Whole(Kind),
    /// This many bytes back.
    Offset(usize),
    Named(ObjectId),
}

const SHORT: GitFault = GitFault::Damaged("a pack ends in the middle of an object");

/// Reads the header that begins at `start`.
pub(super) fn read_header(bytes: &[u8], start: usize) -> Result<Header, GitFault> {
    let mut at = start;
    let mut byte = take(bytes, &mut at)?;
    let number = (byte >> 4) & 7;
    let mut size = u64::from(byte & 15);
    let mut shift = 4_u32;
    while byte & 0x80 != 0 {
        byte = take(bytes, &mut at)?;
        let part = u64::from(byte & 0x7f)
            .checked_shl(shift)
            .filter(|_| shift < 57)
            .ok_or(GitFault::Damaged("an object has an impossible size"))?;
        size |= part;
        shift = shift.saturating_add(7);
    }
    let kind = match number {
        1 => HeaderKind::Whole(Kind::Commit),
        2 => HeaderKind::Whole(Kind::Tree),
        3 => HeaderKind::Whole(Kind::Blob),
        4 => HeaderKind::Whole(Kind::Tag),
        6 => HeaderKind::Offset(read_offset(bytes, &mut at)?),
        7 => {
            let end = at.checked_add(20).ok_or(SHORT)?;
            let id = bytes.get(at..end).and_then(ObjectId::from_bytes);
            at = end;
            HeaderKind::Named(id.ok_or(SHORT)?)
        }
        _ => return Err(GitFault::Damaged("an object is of an unknown kind")),
    };
    Ok(Header {
        kind,
        size,
        data: at,
    })
}

/// How far back the base lies: seven bits a byte, highest first, one added for each byte that follows.
fn read_offset(bytes: &[u8], at: &mut usize) -> Result<usize, GitFault> {
    const FAULT: GitFault = GitFault::Damaged("a delta leads out of the pack");
    let mut byte = take(bytes, at)?;
    let mut offset = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = take(bytes, at)?;
        offset = offset
            .checked_add(1)
            .and_then(|offset| offset.checked_mul(128))
            .and_then(|offset| offset.checked_add(usize::from(byte & 0x7f)))
            .ok_or(FAULT)?;
    }
    Ok(offset)
}

fn take(bytes: &[u8], at: &mut usize) -> Result<u8, GitFault> {
    let byte = bytes.get(*at).copied().ok_or(SHORT)?;
    *at = at.saturating_add(1);
    Ok(byte)
}

/// Unpacks the bytes of a slot.
pub(super) fn inflate(bytes: &[u8], slot: &Slot) -> Result<Vec<u8>, GitFault> {
    inflate_at(bytes, slot.data, slot.size).map(|(content, _)| content)
}

/// Unpacks `size` bytes from the zlib stream at `start`; also says where that stream ends.
pub(super) fn inflate_at(
    bytes: &[u8],
    start: usize,
    size: usize,
) -> Result<(Vec<u8>, usize), GitFault> {
    let input = bytes.get(start..).ok_or(SHORT)?;
    // One byte more than there should be: a stream that holds more is found out.
    let mut content = vec![0; size.saturating_add(1)];
    let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut decompressor = DecompressorOxide::new();
    let (status, read, written) = decompress(&mut decompressor, input, &mut content, 0, flags);
    if status != TINFLStatus::Done || written != size {
        return Err(GitFault::Damaged("an object does not unpack"));
    }
    content.truncate(size);
    Ok((content, start.saturating_add(read)))
}

/// The size of an object, when it can be held in memory.
pub(super) fn bounded(size: u64) -> Result<usize, GitFault> {
    usize::try_from(size)
        .ok()
        .filter(|_| size <= OBJECT_LIMIT)
        .ok_or(GitFault::LargeObject {
            size,
            limit: OBJECT_LIMIT,
        })
}
