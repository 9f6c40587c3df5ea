//! Objects that were unpacked lately, up to a number of bytes.

use std::collections::{HashMap, VecDeque};

use super::{Content, Kind, RECENT_BYTES};

/// First in, first out: deltas of one file lie close together in a pack, so more would gain little.
#[derive(Default)]
pub(super) struct Recent {
    contents: HashMap<usize, (Kind, Content)>,
    order: VecDeque<usize>,
    bytes: usize,
}

impl Recent {
    pub(super) fn get(&mut self, slot: usize) -> Option<(Kind, Content)> {
        self.contents.get(&slot).cloned()
    }

    pub(super) fn keep(&mut self, slot: usize, kind: Kind, content: &Content) {
        if content.len() > RECENT_BYTES / 4 || self.contents.contains_key(&slot) {
            return;
        }
        self.bytes = self.bytes.saturating_add(content.len());
        self.contents.insert(slot, (kind, content.clone()));
        self.order.push_back(slot);
        while self.bytes > RECENT_BYTES {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some((_, content)) = self.contents.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(content.len());
            }
        }
    }
}
