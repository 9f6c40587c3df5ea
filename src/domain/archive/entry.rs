//! One entry: where its data begins, and its bytes.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::{ArchiveFault, Entry, Fields, MANIFEST_LIMIT};

/// The fixed part of the header before each entry's data.
pub const LOCAL_HEADER: u64 = 30;

const HEADER: [u8; 4] = *b"PK\x03\x04";
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Where the entry's data begins and how long it is, from its local header. That header may have
/// other extra fields than the directory, so that only it knows.
pub fn find_data(entry: &Entry, header: &[u8]) -> Result<(u64, u64), ArchiveFault> {
    let fields = Fields(header);
    let lengths = || Some((fields.u16(26)?, fields.u16(28)?));
    let (name, extra) = lengths()
        .filter(|_| fields.starts_with(HEADER))
        .ok_or(ArchiveFault::Damaged("an entry's header is missing"))?;
    let start = entry
        .offset
        .checked_add(LOCAL_HEADER)
        .and_then(|at| at.checked_add(u64::from(name)))
        .and_then(|at| at.checked_add(u64::from(extra)))
        .ok_or(ArchiveFault::Damaged("an entry reaches past its data"))?;
    // Packed bytes beyond the limit cannot unpack to fewer by more than deflate's few bytes a block.
    if entry.unpacked > MANIFEST_LIMIT || entry.packed > MANIFEST_LIMIT.saturating_mul(2) {
        return Err(ArchiveFault::manifest_too_large(entry.unpacked));
    }
    Ok((start, entry.packed))
}

/// Unpacks the data of an entry and checks its length and checksum.
pub fn unpack(entry: &Entry, data: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let limit = usize::try_from(entry.unpacked.min(MANIFEST_LIMIT)).unwrap_or(0);
    let bytes = match entry.method {
        STORED => data.to_vec(),
        DEFLATED => decompress_to_vec_with_limit(data, limit)
            .map_err(|_| ArchiveFault::Damaged("an entry does not unpack"))?,
        _ => return Err(ArchiveFault::Unsupported("a rare compression method")),
    };
    if u64::try_from(bytes.len()) != Ok(entry.unpacked) {
        return Err(ArchiveFault::Damaged("an entry has another length"));
    }
    if crc32(&bytes) != entry.crc32 {
        return Err(ArchiveFault::Damaged("an entry has another checksum"));
    }
    Ok(bytes)
}

/// CRC-32 as zip and gzip have it (reflected, polynomial 0xEDB88320).
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    add_to_crc32(0, bytes)
}

/// The checksum of what `crc` is the checksum of with `bytes` behind it, a byte a step.
pub(super) fn add_to_crc32(crc: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!crc, |crc, byte| {
        let index = usize::from(crc.to_le_bytes()[0] ^ byte);
        CRC32_TABLE.get(index).copied().unwrap_or_default() ^ (crc >> 8)
    })
}

static CRC32_TABLE: [u32; 256] = crc32_table();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler, over its own bounds"
)]
const fn crc32_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index: usize = 0;
    let mut start: u32 = 0;
    while index < table.len() {
        let mut crc = start;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
            bit += 1;
        }
        table[index] = crc;
        index += 1;
        start += 1;
    }
    table
}
