//! Finding the objects of a pack, which names none of them: each is unpacked once and hashed.

use std::cell::RefCell;
use std::collections::HashMap;

use sha1::{Digest, Sha1};

use super::entry::{Base, HeaderKind, Slot, bounded, inflate_at, read_header};
use super::recent::Recent;
use super::{GitFault, Kind, ObjectId, Pack};

/// `PACK`, the version, the number of objects.
const HEADER: usize = 12;
/// The SHA-1 over all before it.
const TRAILER: usize = 20;
/// The shortest entry: a header of a byte and an empty zlib stream of eight.
const SHORTEST_ENTRY: usize = 9;

pub(super) fn open(bytes: Vec<u8>) -> Result<Pack, GitFault> {
    let end = bytes.len().checked_sub(TRAILER);
    let (body, trailer) = end
        .and_then(|end| bytes.split_at_checked(end))
        .filter(|(body, _)| body.starts_with(b"PACK"))
        .ok_or(GitFault::Damaged("there is no pack in it"))?;
    let version = read_u32(body, 4);
    if !matches!(version, Some(2 | 3)) {
        return Err(GitFault::Damaged("its pack is of an unknown version"));
    }
    if Sha1::digest(body).as_slice() != trailer {
        return Err(GitFault::Damaged("its pack has another checksum"));
    }
    let count = read_u32(body, 8)
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count <= body.len() / SHORTEST_ENTRY)
        .ok_or(GitFault::Damaged("its pack has an impossible size"))?;
    let scanned = scan(body, count)?;
    let mut pack = Pack {
        slots: scanned.slots,
        by_id: scanned.by_id,
        bytes,
        recent: RefCell::new(Recent::default()),
    };
    name_deltas(&mut pack, scanned.named_bases)?;
    Ok(pack)
}

struct Scanned {
    slots: Vec<Slot>,
    by_id: HashMap<ObjectId, usize>,
    /// Slots whose base is given by name, under that name.
    named_bases: HashMap<ObjectId, Vec<usize>>,
}

/// Walks through all entries; what is whole is hashed on the way.
fn scan(body: &[u8], count: usize) -> Result<Scanned, GitFault> {
    let mut scanned = Scanned {
        slots: Vec::with_capacity(count),
        by_id: HashMap::with_capacity(count),
        named_bases: HashMap::new(),
    };
    let mut starts: HashMap<usize, usize> = HashMap::with_capacity(count);
    let mut at = HEADER;
    for number in 0..count {
        let header = read_header(body, at)?;
        let size = bounded(header.size)?;
        let (content, end) = inflate_at(body, header.data, size)?;
        let base = match header.kind {
            HeaderKind::Whole(kind) => {
                scanned.by_id.insert(object_id(kind, &content), number);
                Base::None(kind)
            }
            HeaderKind::Offset(back) => at
                .checked_sub(back)
                .and_then(|start| starts.get(&start))
                .map(|base| Base::At(*base))
                .ok_or(GitFault::Damaged("a delta leads out of the pack"))?,
            HeaderKind::Named(id) => {
                scanned.named_bases.entry(id).or_default().push(number);
                Base::Named(id)
            }
        };
        starts.insert(at, number);
        scanned.slots.push(Slot {
            data: header.data,
            size,
            base,
        });
        at = end;
    }
    if at == body.len() {
        Ok(scanned)
    } else {
        Err(GitFault::Damaged("there is something behind its pack"))
    }
}

/// Names what is built on others. Bases by position come before what is built on them; one by name may come later,
/// and whatever is built on such a one waits until it has its name.
fn name_deltas(
    pack: &mut Pack,
    mut named_bases: HashMap<ObjectId, Vec<usize>>,
) -> Result<(), GitFault> {
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut ready = Vec::new();
    for (number, slot) in pack.slots.iter().enumerate() {
        if let Base::At(base) = slot.base {
            children.entry(base).or_default().push(number);
        }
    }
    for (id, number) in &pack.by_id {
        ready.extend(named_bases.remove(id).unwrap_or_default());
        ready.extend(children.remove(number).unwrap_or_default());
    }
    // Depth first and in the pack's order, so that the base is nearly always still at hand.
    ready.sort_unstable_by(|one, other| other.cmp(one));
    while let Some(number) = ready.pop() {
        let (kind, content) = pack.unpack(number)?;
        let id = object_id(kind, &content);
        pack.by_id.insert(id, number);
        let mut freed = named_bases.remove(&id).unwrap_or_default();
        freed.extend(children.remove(&number).unwrap_or_default());
        freed.sort_unstable_by(|one, other| other.cmp(one));
        ready.extend(freed);
    }
    match named_bases.into_keys().next() {
        None => Ok(()),
        Some(id) => Err(GitFault::Missing(id)),
    }
}

fn object_id(kind: Kind, content: &[u8]) -> ObjectId {
    let mut hash = Sha1::new();
    hash.update(format!("{} {}\0", kind.name(), content.len()));
    hash.update(content);
    ObjectId(hash.finalize().into())
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    field.try_into().ok().map(u32::from_be_bytes)
}
