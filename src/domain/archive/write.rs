//! Writing a zip archive as a stream. Equal members give equal bytes: no times, no extra fields, one compression.

use miniz_oxide::deflate::compress_to_vec;

use super::entry::crc32;

/// A balance: twice as fast as the best there is, and a few percent larger.
const LEVEL: u8 = 6;

/// 1 January 1980, the first day that a zip archive can name.
const DATE: u16 = 0x0021;
/// Made on Unix, by version 2.0 of the format: modes count.
const MADE_BY: u16 = 0x0314;
/// Version 2.0 is needed to unpack: folders and deflate.
const NEEDED: u16 = 20;
/// Names are UTF-8.
const UTF8: u16 = 0x0800;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A file, mode 644.
    File,
    /// A file that may be run, mode 755.
    Executable,
    /// A symbolic link; its bytes are the target.
    Link,
    /// A folder, mode 755; its name ends in a slash.
    Folder,
}

impl MemberKind {
    /// As `stat` has it, in the upper half; the lower half is DOS's mark for a folder.
    fn attributes(self) -> u32 {
        match self {
            Self::File => 0o100_644 << 16,
            Self::Executable => 0o100_755 << 16,
            Self::Link => 0o120_777 << 16,
            Self::Folder => (0o040_755 << 16) | 0x10,
        }
    }
}

/// A member without its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its path.
    pub name: &'a [u8],
    /// What it is.
    pub kind: MemberKind,
}

/// A member's bytes, ready to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    bytes: Vec<u8>,
    crc32: u32,
    unpacked: usize,
    is_deflated: bool,
}

impl Packed {
    /// The bytes as they are.
    pub fn stored(bytes: Vec<u8>) -> Self {
        Self {
            crc32: crc32(&bytes),
            unpacked: bytes.len(),
            is_deflated: false,
            bytes,
        }
    }

    /// How many bytes it takes in the archive.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it takes none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Compresses, where that makes it smaller.
pub fn pack_bytes(bytes: &[u8]) -> Packed {
    let deflated = compress_to_vec(bytes, LEVEL);
    if deflated.len() >= bytes.len() {
        return Packed::stored(bytes.to_vec());
    }
    Packed {
        crc32: crc32(bytes),
        unpacked: bytes.len(),
        is_deflated: true,
        bytes: deflated,
    }
}

/// What is known of a member's bytes before they are written.
#[derive(Debug, Clone, Copy)]
struct PackedFacts {
    crc32: u32,
    packed: u32,
    unpacked: u32,
    is_deflated: bool,
}

/// An archive that is being written.
#[derive(Debug, Default)]
pub struct ZipWriter {
    /// The central directory, which goes to the end.
    directory: Vec<u8>,
    members: u16,
    written: u32,
}

impl ZipWriter {
    /// Appends a member. None when the archive would become larger than the common form of zip allows.
    pub fn add(&mut self, into: &mut Vec<u8>, member: &Member<'_>, packed: &Packed) -> Option<()> {
        let facts = PackedFacts {
            crc32: packed.crc32,
            packed: u32::try_from(packed.bytes.len()).ok()?,
            unpacked: u32::try_from(packed.unpacked).ok()?,
            is_deflated: packed.is_deflated,
        };
        self.begin(into, member, facts)?;
        into.extend_from_slice(&packed.bytes);
        Some(())
    }

    /// Appends all of a large file but its bytes, which are to follow as they are, `size` in number and with this checksum.
    pub fn begin_stored(
        &mut self,
        into: &mut Vec<u8>,
        member: &Member<'_>,
        size: u64,
        crc32: u32,
    ) -> Option<()> {
        let size = u32::try_from(size).ok()?;
        let facts = PackedFacts {
            crc32,
            packed: size,
            unpacked: size,
            is_deflated: false,
        };
        self.begin(into, member, facts)
    }

    fn begin(&mut self, into: &mut Vec<u8>, member: &Member<'_>, facts: PackedFacts) -> Option<()> {
        let start = self.written;
        let fields = common_fields(member, facts)?;
        let header = [b"PK\x03\x04", &NEEDED.to_le_bytes()[..], &fields, &[0; 2]].concat();
        for part in [header.as_slice(), member.name] {
            into.extend_from_slice(part);
            self.written = self.written.checked_add(u32::try_from(part.len()).ok()?)?;
        }
        self.written = self.written.checked_add(facts.packed)?;
        for part in [
            b"PK\x01\x02",
            &MADE_BY.to_le_bytes()[..],
            &NEEDED.to_le_bytes(),
            &fields,
            // No extra field, no comment, first disk, no hint of text.
            &[0; 8],
            &member.kind.attributes().to_le_bytes(),
            &start.to_le_bytes(),
            member.name,
        ] {
            self.directory.extend_from_slice(part);
        }
        // 65,535 would mean that the true number stands elsewhere.
        self.members = self
            .members
            .checked_add(1)
            .filter(|count| *count < u16::MAX)?;
        Some(())
    }

    /// Appends the directory and the end record. None when the archive would become too large.
    pub fn finish(&self, into: &mut Vec<u8>) -> Option<()> {
        let size = u32::try_from(self.directory.len()).ok()?;
        self.written.checked_add(size)?;
        into.extend_from_slice(&self.directory);
        for part in [
            &b"PK\x05\x06"[..],
            &[0; 4],
            &self.members.to_le_bytes(),
            &self.members.to_le_bytes(),
            &size.to_le_bytes(),
            &self.written.to_le_bytes(),
            &[0; 2],
        ] {
            into.extend_from_slice(part);
        }
        Some(())
    }
}

/// What both headers of a member have: flags, method, time, checksum, sizes, the name's length.
fn common_fields(member: &Member<'_>, facts: PackedFacts) -> Option<Vec<u8>> {
    // Bytes that are no UTF-8 are left to the reader's guess, as git does.
    let flags = match std::str::from_utf8(member.name) {
        Ok(name) if !name.is_ascii() => UTF8,
        _ => 0,
    };
    let method = if facts.is_deflated { DEFLATED } else { STORED };
    Some(
        [
            &flags.to_le_bytes()[..],
            &method.to_le_bytes(),
            &0_u16.to_le_bytes(),
            &DATE.to_le_bytes(),
            &facts.crc32.to_le_bytes(),
            &facts.packed.to_le_bytes(),
            &facts.unpacked.to_le_bytes(),
            &u16::try_from(member.name.len()).ok()?.to_le_bytes(),
        ]
        .concat(),
    )
}
