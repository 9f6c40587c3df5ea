//! The central directory: the names and sizes of all entries, and the checks on them.

use std::cmp::Ordering;

use super::{ArchiveFault, ArchiveLimits, DIRECTORY_LIMIT, End, Fields};

const HEADER: [u8; 4] = *b"PK\x01\x02";
const HEADER_SIZE: usize = 46;
/// The local header's fixed part; each entry takes at least that much beside its data.
const LOCAL_SIZE: u64 = 30;
const ENCRYPTED: u16 = 1;
const ZIP64_EXTRA: u16 = 1;
/// What file systems allow for a whole path.
const NAME_LIMIT: usize = 4096;

/// What the operating systems drop into archives; Composer does not count it when it looks for the
/// one top folder.
const LITTER: [&[u8]; 8] = [
    b".DS_Store",
    b"__MACOSX",
    b".AppleDouble",
    b".fseventsd",
    b".Spotlight-V100",
    b".Trashes",
    b"Thumbs.db",
    b"desktop.ini",
];

/// One entry as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path, `/` between folders, without a leading `./` or a trailing `/`.
    pub name: Vec<u8>,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// How it is packed: 0 as it is, 8 deflated.
    pub method: u16,
    /// The checksum of its unpacked bytes.
    pub crc32: u32,
    /// Its packed bytes.
    pub packed: u64,
    /// Its unpacked bytes.
    pub unpacked: u64,
    /// Where its local header begins.
    pub offset: u64,
}

/// What is in an archive under a path, whatever the archive's format.
pub(super) trait NamedEntry {
    /// The path in its one spelling.
    fn path(&self) -> &[u8];
    /// Whether it is a folder.
    fn is_folder(&self) -> bool;
}

impl NamedEntry for Entry {
    fn path(&self) -> &[u8] {
        &self.name
    }

    fn is_folder(&self) -> bool {
        self.is_folder
    }
}

/// All entries, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    entries: Vec<Entry>,
}

impl Directory {
    /// The entries in the order of their paths.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The package's composer.json: the one at the top, else the one in the only top folder. With
    /// anything else beside that folder Composer takes the archive as it is, and there is none.
    pub fn find_manifest(&self) -> Option<&Entry> {
        find_file(&self.entries, b"composer.json").or_else(|| {
            let mut path = only_top_folder(&self.entries)?.to_vec();
            path.extend_from_slice(b"/composer.json");
            find_file(&self.entries, &path)
        })
    }
}

/// The file of that path.
pub(super) fn find_file<'a, E: NamedEntry>(entries: &'a [E], path: &[u8]) -> Option<&'a E> {
    entries
        .iter()
        .find(|entry| entry.path() == path && !entry.is_folder())
}

/// The one folder that everything is in, litter aside.
pub(super) fn only_top_folder<E: NamedEntry>(entries: &[E]) -> Option<&[u8]> {
    let mut only = None;
    for entry in entries {
        let path = entry.path();
        let (top, is_folder) = match path.iter().position(|byte| *byte == b'/') {
            Some(at) => (path.get(..at)?, true),
            None => (path, entry.is_folder()),
        };
        if is_litter(top) {
            continue;
        }
        if !is_folder || only.is_some_and(|known| known != top) {
            return None;
        }
        only = Some(top);
    }
    only
}

fn is_litter(name: &[u8]) -> bool {
    name.starts_with(b"._") || LITTER.contains(&name)
}

/// Reads the central directory out of its bytes and checks every entry.
pub fn read_directory(
    bytes: &[u8],
    end: &End,
    limits: ArchiveLimits,
) -> Result<Directory, ArchiveFault> {
    check_size(end, limits)?;
    let mut rest = bytes;
    let mut records: u64 = 0;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (entry, length) = read_entry(rest)?;
        rest = rest.get(length..).ok_or_else(cut)?;
        records = records.saturating_add(1);
        entries.extend(entry);
    }
    if records != end.entries {
        return Err(ArchiveFault::Damaged(
            "it has another number of entries than its end record says",
        ));
    }
    check_amounts(&entries, end, limits)?;
    sort_and_check(&mut entries)?;
    Ok(Directory { entries })
}

/// What can be refused before the directory is read: too many entries, or too large a directory.
pub fn check_size(end: &End, limits: ArchiveLimits) -> Result<(), ArchiveFault> {
    if end.entries > limits.entries {
        return Err(ArchiveFault::OverLimit {
            what: format!("{} entries", end.entries),
            limit: format!("{} entries", limits.entries),
        });
    }
    if end.directory_size > DIRECTORY_LIMIT {
        return Err(ArchiveFault::OverLimit {
            what: format!("a directory of {} bytes", end.directory_size),
            limit: format!("{DIRECTORY_LIMIT} bytes"),
        });
    }
    Ok(())
}

/// One entry and the length of its record. None for the archive's own top (`./`).
fn read_entry(bytes: &[u8]) -> Result<(Option<Entry>, usize), ArchiveFault> {
    let fields = Fields(bytes);
    if !fields.starts_with(HEADER) {
        return Err(ArchiveFault::Damaged("its directory has foreign bytes"));
    }
    let short = |at| fields.u16(at).ok_or_else(cut);
    let long = |at| fields.u32(at).ok_or_else(cut);
    let name_length = usize::from(short(28)?);
    let extra_length = usize::from(short(30)?);
    let comment_length = usize::from(short(32)?);
    let name = fields.bytes(HEADER_SIZE, name_length).ok_or_else(cut)?;
    let extra_at = HEADER_SIZE.checked_add(name_length).ok_or_else(cut)?;
    let extra = fields.bytes(extra_at, extra_length).ok_or_else(cut)?;
    let length = extra_at
        .checked_add(extra_length)
        .and_then(|sum| sum.checked_add(comment_length))
        .ok_or_else(cut)?;
    if short(8)? & ENCRYPTED != 0 {
        return Err(ArchiveFault::Unsupported("encryption"));
    }
    // The order in the zip64 field is fixed, and only what is marked by all ones is in it.
    let mut large = Fields(find_zip64(extra).unwrap_or_default());
    let unpacked = widen(long(24)?, &mut large)?;
    let packed = widen(long(20)?, &mut large)?;
    let offset = widen(long(42)?, &mut large)?;
    let method = short(10)?;
    let crc32 = long(16)?;
    let entry = clean_name(name)?.map(|clean| Entry {
        name: clean,
        is_folder: name.ends_with(b"/"),
        method,
        crc32,
        packed,
        unpacked,
        offset,
    });
    Ok((entry, length))
}

fn cut() -> ArchiveFault {
    ArchiveFault::Damaged("its directory is cut short")
}

fn widen(small: u32, large: &mut Fields<'_>) -> Result<u64, ArchiveFault> {
    if small != u32::MAX {
        return Ok(u64::from(small));
    }
    let value = large
        .u64(0)
        .ok_or(ArchiveFault::Damaged("an entry lacks its zip64 sizes"))?;
    *large = Fields(large.0.get(8..).unwrap_or_default());
    Ok(value)
}

fn find_zip64(extra: &[u8]) -> Option<&[u8]> {
    let mut rest = extra;
    loop {
        let fields = Fields(rest);
        let kind = fields.u16(0)?;
        let length = usize::from(fields.u16(2)?);
        let content = fields.bytes(4, length)?;
        if kind == ZIP64_EXTRA {
            return Some(content);
        }
        rest = rest.get(length.checked_add(4)?..)?;
    }
}

/// The path in its one spelling, or a fault when it could lead out of the folder it is unpacked in.
pub(super) fn clean_name(name: &[u8]) -> Result<Option<Vec<u8>>, ArchiveFault> {
    let unsafe_name = || ArchiveFault::UnsafeName(shown(name));
    let has_drive = name.get(1) == Some(&b':');
    let odd = |byte: &u8| *byte == b'\\' || *byte == 0;
    if name.is_empty()
        || name.len() > NAME_LIMIT
        || name.starts_with(b"/")
        || has_drive
        || name.iter().any(odd)
    {
        return Err(unsafe_name());
    }
    let mut clean = Vec::with_capacity(name.len());
    for segment in name.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => return Err(unsafe_name()),
            _ => {
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(segment);
            }
        }
    }
    Ok((!clean.is_empty()).then_some(clean))
}

/// A name as a message shows it.
pub(super) fn shown(name: &[u8]) -> String {
    let start = name.get(..name.len().min(200)).unwrap_or_default();
    String::from_utf8_lossy(start).escape_debug().to_string()
}

/// Sums against the limits, and against the bytes that are there: entries that overlap, as in a
/// bomb that uses one stretch of data many times, add up to more than the archive.
fn check_amounts(entries: &[Entry], end: &End, limits: ArchiveLimits) -> Result<(), ArchiveFault> {
    let mut packed: u64 = 0;
    let mut unpacked: u64 = 0;
    for entry in entries {
        let taken = entry.packed.saturating_add(LOCAL_SIZE);
        if entry.offset.saturating_add(taken) > end.directory_offset {
            return Err(ArchiveFault::Damaged("an entry reaches past its data"));
        }
        packed = packed.saturating_add(taken);
        unpacked = unpacked.saturating_add(entry.unpacked);
    }
    if packed > end.directory_offset {
        return Err(ArchiveFault::Damaged("its entries overlap"));
    }
    if unpacked > limits.unpacked {
        return Err(ArchiveFault::unpacked_too_large(unpacked, limits));
    }
    if unpacked > limits.ratio_floor && unpacked > packed.saturating_mul(limits.ratio) {
        return Err(ArchiveFault::ratio_too_high(unpacked, packed, limits));
    }
    Ok(())
}

/// With `/` as the lowest byte, what lies in a folder follows the folder directly.
fn by_path(one: &[u8], other: &[u8]) -> Ordering {
    let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    one.iter().map(rank).cmp(other.iter().map(rank))
}

/// Sorts by path. No path may come twice, and nothing below a path that is a file: that would be written through a link.
pub(super) fn sort_and_check<E: NamedEntry>(entries: &mut [E]) -> Result<(), ArchiveFault> {
    entries.sort_by(|one, other| by_path(one.path(), other.path()));
    for (entry, next) in entries.iter().zip(entries.iter().skip(1)) {
        let same = entry.path() == next.path();
        let below = next
            .path()
            .strip_prefix(entry.path())
            .is_some_and(|rest| rest.starts_with(b"/"));
        if same || (below && !entry.is_folder()) {
            return Err(ArchiveFault::DuplicateName(shown(entry.path())));
        }
    }
    Ok(())
}
