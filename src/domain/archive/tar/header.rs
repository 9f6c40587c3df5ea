//! One header block: a name, a kind, a size and a checksum over them.

use super::super::ArchiveFault;

/// What everything in a tar archive is a multiple of.
pub(super) const BLOCK: usize = 512;

const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..263;
const PREFIX: std::ops::Range<usize> = 345..500;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// A symbolic link, or a second name for a file that came before.
    Link,
    /// A folder.
    Folder,
    /// The name of the next entry, too long for its header (GNU).
    LongName,
    /// The target of the next entry, which is a link (GNU).
    LongLink,
    /// Records about the next entry (POSIX).
    Records,
    /// Records about all entries to come (POSIX); `git archive` writes the commit there.
    GlobalRecords,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) size: u64,
}

/// Whether a block is the header of an entry: its checksum is right, and it is not empty.
pub fn is_header(block: &[u8]) -> bool {
    !is_empty(block) && has_checksum(block)
}

pub(super) fn is_empty(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// The sum of all bytes, those of the checksum itself taken as blanks.
fn has_checksum(block: &[u8]) -> bool {
    let Some(expected) = block.get(CHECKSUM).and_then(octal) else {
        return false;
    };
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if CHECKSUM.contains(&at) { b' ' } else { *byte }))
        .sum();
    sum == expected
}

/// Reads a header block.
pub(super) fn read_header(block: &[u8]) -> Result<Header, ArchiveFault> {
    if !has_checksum(block) {
        return Err(ArchiveFault::Damaged("an entry's header is missing"));
    }
    let field = |range| block.get(range).unwrap_or_default();
    let size = number(field(SIZE)).ok_or(ArchiveFault::Damaged("an entry has no size"))?;
    let mut name = text(field(NAME)).to_vec();
    // Only POSIX has a prefix; GNU keeps times there.
    if field(MAGIC) == b"ustar\0" {
        let prefix = text(field(PREFIX));
        if !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
    }
    let kind = match block.get(KIND).copied().unwrap_or_default() {
        b'0' | b'\0' | b'7' => Kind::File,
        b'1' | b'2' => Kind::Link,
        b'5' => Kind::Folder,
        b'L' => Kind::LongName,
        b'K' => Kind::LongLink,
        b'x' => Kind::Records,
        b'g' => Kind::GlobalRecords,
        b'3' | b'4' | b'6' => return Err(ArchiveFault::Unsupported("devices or pipes")),
        b'S' => return Err(ArchiveFault::Unsupported("sparse files")),
        _ => return Err(ArchiveFault::Unsupported("a rare kind of entry")),
    };
    Ok(Header { name, kind, size })
}

/// A text ends at its first zero.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, or GNU's form for what needs more of them: the first bit set, the rest a number.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first != 0x80 {
        return octal(field);
    }
    rest.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(256)?.checked_add(u64::from(*byte))
    })
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = field
        .split(|byte| matches!(byte, 0 | b' '))
        .find(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = char::from(*digit).to_digit(8)?;
        value.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

/// The value of a key in POSIX records: `25 path=some/long/name\n` again and again. The last one counts.
pub(super) fn find_record<'a>(
    records: &'a [u8],
    key: &[u8],
) -> Result<Option<&'a [u8]>, ArchiveFault> {
    const DAMAGED: ArchiveFault = ArchiveFault::Damaged("the records of an entry cannot be read");
    let mut rest = records;
    let mut found = None;
    while !rest.is_empty() {
        let digits = rest
            .iter()
            .position(|byte| *byte == b' ')
            .and_then(|end| rest.get(..end))
            .filter(|digits| digits.len() <= 7 && digits.iter().all(u8::is_ascii_digit))
            .ok_or(DAMAGED)?;
        let length = digits.iter().fold(0_usize, |length, digit| {
            length
                .saturating_mul(10)
                .saturating_add(usize::from(digit.wrapping_sub(b'0')))
        });
        let (record, after) = rest.split_at_checked(length).ok_or(DAMAGED)?;
        let pair = record
            .get(digits.len().saturating_add(1)..)
            .and_then(|pair| pair.strip_suffix(b"\n"))
            .ok_or(DAMAGED)?;
        let split = pair.iter().position(|byte| *byte == b'=').ok_or(DAMAGED)?;
        if pair.get(..split) == Some(key) {
            found = pair.get(split.saturating_add(1)..);
        }
        rest = after;
    }
    Ok(found)
}
