//! A pack (gitformat-pack(5)) in memory: compressed as it came, each object unpacked when it is asked for.
//!
//! What is held is the pack, some 40 bytes for each object, and a bounded number of unpacked objects that
//! others are built on.

mod delta;
mod entry;
mod index;
mod recent;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::{GitFault, ObjectId};
use entry::{Base, Slot, inflate};
use recent::Recent;

/// Bytes of the largest object that is unpacked: with the pack, a second object it is built on, and the archive's
/// buffers it must fit into an isolate's 128 MB.
pub const OBJECT_LIMIT: u64 = 16 * 1024 * 1024;

/// Bytes of unpacked objects that are kept, since others are often built on them.
const RECENT_BYTES: usize = 8 * 1024 * 1024;

/// The longest chain of deltas that is followed. Git makes them of 50 at most, 4,095 when forced.
const LONGEST_CHAIN: usize = 4_096;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file's content.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// As in the text that is hashed into an object's name.
    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// An object's bytes.
pub type Content = Rc<Vec<u8>>;

/// A pack whose objects can be found by name.
pub struct Pack {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    by_id: HashMap<ObjectId, usize>,
    recent: RefCell<Recent>,
}

impl Pack {
    /// Reads a whole pack: checks its own hash, finds every object, works out every name.
    pub fn open(bytes: Vec<u8>) -> Result<Self, GitFault> {
        index::open(bytes)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// An object that must be there.
    pub fn read(&self, id: ObjectId) -> Result<(Kind, Content), GitFault> {
        let slot = *self.by_id.get(&id).ok_or(GitFault::Missing(id))?;
        self.unpack(slot)
    }

    /// An object that must be there and of that kind.
    pub fn read_kind(&self, id: ObjectId, wanted: Kind) -> Result<Content, GitFault> {
        let (kind, content) = self.read(id)?;
        if kind == wanted {
            Ok(content)
        } else {
            Err(GitFault::Damaged("an object is of another kind"))
        }
    }

    /// Unpacks a slot: down the chain of deltas to what is whole or still at hand, and up again.
    fn unpack(&self, slot: usize) -> Result<(Kind, Content), GitFault> {
        let mut chain = Vec::new();
        let mut at = slot;
        let (kind, mut content) = loop {
            if let Some(found) = self.recent.borrow_mut().get(at) {
                break found;
            }
            let found = self.slot(at)?;
            match found.base {
                Base::None(kind) => {
                    let content = Rc::new(inflate(&self.bytes, found)?);
                    self.recent.borrow_mut().keep(at, kind, &content);
                    break (kind, content);
                }
                Base::At(base) => {
                    chain.push(at);
                    at = base;
                }
                Base::Named(id) => {
                    chain.push(at);
                    at = *self.by_id.get(&id).ok_or(GitFault::Missing(id))?;
                }
            }
            if chain.len() > LONGEST_CHAIN {
                return Err(GitFault::Damaged("its deltas lead in a circle"));
            }
        };
        for at in chain.into_iter().rev() {
            let delta = inflate(&self.bytes, self.slot(at)?)?;
            content = Rc::new(delta::apply(&content, &delta)?);
            self.recent.borrow_mut().keep(at, kind, &content);
        }
        Ok((kind, content))
    }

    fn slot(&self, at: usize) -> Result<&Slot, GitFault> {
        self.slots
            .get(at)
            .ok_or(GitFault::Damaged("a delta leads out of the pack"))
    }
}

#[cfg(test)]
mod tests;
