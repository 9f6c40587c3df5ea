//! The walk over the blocks of a tar archive.

use std::collections::BTreeMap;

use super::super::directory::clean_name;
use super::super::{ArchiveFault, ArchiveLimits, MANIFEST_LIMIT};
use super::header::{BLOCK, Header, Kind, find_record, is_empty, read_header, text};
use super::names::Names;

/// The most that a long name or the records of an entry may take.
const RECORDS_LIMIT: u64 = 64 * 1024;

/// Composer unpacks tar files with PHP's `PharData`. What that does not unpack as it was packed would be installed so
/// for ever, so it is refused: it makes empty files of links, stops at `./`, and knows no POSIX records.
const LINKS: ArchiveFault = ArchiveFault::Unfaithful(
    "links, which become empty files",
    "`tar --dereference --hard-dereference`",
);
const OWN_TOP: ArchiveFault = ArchiveFault::Unfaithful(
    "an entry for its own top folder, at which Composer stops",
    "the name of the package's folder in place of `.`",
);
const POSIX_NAMES: ArchiveFault = ArchiveFault::Unfaithful(
    "long names in POSIX form, which are cut off",
    "`tar --format=gnu`",
);

/// What a tar archive holds, as far as we need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarFacts {
    /// The bytes of its composer.json: the one at the top, else in the only top folder.
    pub composer_json: Option<Vec<u8>>,
    /// Files and folders.
    pub entries: u64,
    /// Bytes of all files.
    pub unpacked: u64,
}

/// Reads a tar archive that is handed over in pieces of any size.
#[derive(Debug)]
pub struct TarWalker {
    limits: ArchiveLimits,
    state: State,
    /// What of a block is here.
    block: Vec<u8>,
    /// What the last headers said of the next entry.
    next: Overrides,
    names: Names,
    manifests: Manifests,
    entries: u64,
    unpacked: u64,
}

#[derive(Debug)]
enum State {
    /// A header, or the end.
    Header,
    /// The content of an entry; `padding` follows up to the end of the block.
    Content {
        left: u64,
        padding: u64,
        kept: Option<Kept>,
    },
    /// Padding alone.
    Padding(u64),
    /// Behind the end: nothing but zeros may follow.
    End,
}

/// Content that is kept.
#[derive(Debug)]
struct Kept {
    what: Keep,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Keep {
    LongName,
    Records,
    /// A composer.json, by its path.
    Manifest(Vec<u8>),
}

#[derive(Debug, Default)]
struct Overrides {
    name: Option<Vec<u8>>,
    /// A name in POSIX records; none of the clients reads them.
    unread_name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Each composer.json that may turn out to be the package's: the one at the top, and the one of one top folder.
/// A second top folder with one of its own means that neither counts.
#[derive(Debug, Default)]
struct Manifests(BTreeMap<Vec<u8>, Vec<u8>>);

impl Manifests {
    fn wants(path: &[u8]) -> bool {
        let mut segments = path.rsplit(|byte| *byte == b'/');
        segments.next() == Some(b"composer.json") && segments.count() <= 1
    }

    fn add(&mut self, path: Vec<u8>, bytes: Vec<u8>) {
        // The first two of folders are enough to know that neither is meant.
        if self.0.len() < 3 || path == b"composer.json" {
            self.0.insert(path, bytes);
        }
    }

    fn take(mut self, top: Option<&[u8]>) -> Option<Vec<u8>> {
        match top {
            None => self.0.remove(b"composer.json".as_slice()),
            Some(top) => self.0.remove(&[top, b"/composer.json"].concat()),
        }
    }
}

impl TarWalker {
    /// At the beginning of an archive.
    pub fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            state: State::Header,
            block: Vec::with_capacity(BLOCK),
            next: Overrides::default(),
            names: Names::default(),
            manifests: Manifests::default(),
            entries: 0,
            unpacked: 0,
        }
    }

    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), ArchiveFault> {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = self.step(rest)?;
        }
        Ok(())
    }

    /// Nothing more comes: checks that this is the end, and gives what was found.
    pub fn finish(self) -> Result<TarFacts, ArchiveFault> {
        if !matches!(self.state, State::End) || !self.block.is_empty() {
            return Err(ArchiveFault::Damaged("it was cut short"));
        }
        let top = self.names.finish()?;
        Ok(TarFacts {
            composer_json: self.manifests.take(top.as_deref()),
            entries: self.entries,
            unpacked: self.unpacked,
        })
    }

    /// Takes as much of a piece as belongs together, and gives the rest.
    fn step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], ArchiveFault> {
        match &mut self.state {
            State::Header => {
                let wanted = BLOCK.saturating_sub(self.block.len());
                let (now, later) = piece.split_at_checked(wanted).unwrap_or((piece, &[]));
                self.block.extend_from_slice(now);
                if self.block.len() == BLOCK {
                    let block = std::mem::take(&mut self.block);
                    self.begin(&block)?;
                    self.block = block;
                    self.block.clear();
                }
                Ok(later)
            }
            State::Content {
                left,
                padding,
                kept,
            } => {
                let (now, later) = split(piece, *left);
                *left = left.saturating_sub(length(now));
                if let Some(kept) = kept {
                    kept.bytes.extend_from_slice(now);
                }
                if *left == 0 {
                    let (padding, kept) = (*padding, kept.take());
                    self.state = pad(padding);
                    if let Some(kept) = kept {
                        self.keep(kept)?;
                    }
                }
                Ok(later)
            }
            State::Padding(left) => {
                let (now, later) = split(piece, *left);
                self.state = pad(left.saturating_sub(length(now)));
                Ok(later)
            }
            State::End if is_empty(piece) => Ok(&[]),
            State::End => Err(ArchiveFault::Damaged("something follows its end")),
        }
    }

    fn begin(&mut self, block: &[u8]) -> Result<(), ArchiveFault> {
        if is_empty(block) {
            self.state = State::End;
            return Ok(());
        }
        let header = read_header(block)?;
        match header.kind {
            Kind::LongName => self.begin_kept(&header, Keep::LongName),
            // So the next entry is one.
            Kind::LongLink => Err(LINKS),
            Kind::Records => self.begin_kept(&header, Keep::Records),
            Kind::GlobalRecords => {
                check_records(header.size)?;
                self.state = content(header.size, None);
                Ok(())
            }
            _ => self.begin_entry(header),
        }
    }

    fn begin_kept(&mut self, header: &Header, what: Keep) -> Result<(), ArchiveFault> {
        check_records(header.size)?;
        let bytes = Vec::new();
        self.state = content(header.size, Some(Kept { what, bytes }));
        Ok(())
    }

    fn begin_entry(&mut self, mut header: Header) -> Result<(), ArchiveFault> {
        let next = std::mem::take(&mut self.next);
        let name = next.name.unwrap_or(header.name);
        // The old form has no folders but files whose names end in a slash. The whole name counts: a long one may be
        // cut off at a slash in the header.
        if header.kind == Kind::File && name.ends_with(b"/") {
            header.kind = Kind::Folder;
        }
        if next.unread_name.is_some_and(|unread| unread != name) {
            return Err(POSIX_NAMES);
        }
        // What is no file has no content, whatever its size says; some writers put one there.
        let size = match header.kind {
            Kind::File => next.size.unwrap_or(header.size),
            _ => 0,
        };
        self.entries = self.entries.saturating_add(1);
        self.unpacked = self.unpacked.saturating_add(size);
        self.check_limits()?;
        let mut kept = None;
        let path = clean_name(&name)?.ok_or(OWN_TOP)?;
        match header.kind {
            Kind::Link => return Err(LINKS),
            Kind::File if Manifests::wants(&path) => {
                if size > MANIFEST_LIMIT {
                    return Err(ArchiveFault::manifest_too_large(size));
                }
                kept = Some(Kept {
                    what: Keep::Manifest(path.clone()),
                    bytes: Vec::new(),
                });
            }
            _ => {}
        }
        self.names.add(path, header.kind == Kind::Folder)?;
        match kept {
            // There is no byte to come that would end it.
            Some(kept) if size == 0 => self.keep(kept)?,
            kept => self.state = content(size, kept),
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ArchiveFault> {
        if self.entries > self.limits.entries {
            return Err(ArchiveFault::OverLimit {
                what: format!("more than {} entries", self.limits.entries),
                limit: format!("{} entries", self.limits.entries),
            });
        }
        if self.unpacked > self.limits.unpacked {
            return Err(ArchiveFault::unpacked_too_large(self.unpacked, self.limits));
        }
        Ok(())
    }

    fn keep(&mut self, kept: Kept) -> Result<(), ArchiveFault> {
        let Kept { what, bytes } = kept;
        match what {
            Keep::LongName => self.next.name = Some(text(&bytes).to_vec()),
            Keep::Records => self.read_records(&bytes)?,
            Keep::Manifest(path) => self.manifests.add(path, bytes),
        }
        Ok(())
    }

    fn read_records(&mut self, records: &[u8]) -> Result<(), ArchiveFault> {
        if find_record(records, b"GNU.sparse.major")?.is_some()
            || find_record(records, b"GNU.sparse.map")?.is_some()
        {
            return Err(ArchiveFault::Unsupported("sparse files"));
        }
        if let Some(name) = find_record(records, b"path")? {
            self.next.unread_name = Some(name.to_vec());
        }
        if let Some(size) = find_record(records, b"size")? {
            let size = std::str::from_utf8(size)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(ArchiveFault::Damaged("an entry has no size"))?;
            self.next.size = Some(size);
        }
        Ok(())
    }
}

fn check_records(size: u64) -> Result<(), ArchiveFault> {
    if size > RECORDS_LIMIT {
        return Err(ArchiveFault::OverLimit {
            what: format!("{size} bytes about one entry"),
            limit: format!("{RECORDS_LIMIT} bytes"),
        });
    }
    Ok(())
}

fn content(size: u64, kept: Option<Kept>) -> State {
    let block = length(&[0; BLOCK]);
    let beyond = size.checked_rem(block).unwrap_or_default();
    let padding = if beyond == 0 {
        0
    } else {
        block.saturating_sub(beyond)
    };
    if size == 0 {
        return State::Header;
    }
    State::Content {
        left: size,
        padding,
        kept,
    }
}

fn pad(left: u64) -> State {
    if left == 0 {
        State::Header
    } else {
        State::Padding(left)
    }
}

fn split(piece: &[u8], at: u64) -> (&[u8], &[u8]) {
    usize::try_from(at)
        .ok()
        .and_then(|at| piece.split_at_checked(at))
        .unwrap_or((piece, &[]))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
