//! Values by key, bounded in bytes, of which those stay that are asked for.

use std::collections::HashMap;
use std::mem;

use crate::store::memo::weight::{Weigh, entry_bytes};

/// Two generations. New values and those that are asked for are in the young one. When that has half of the bytes, the old
/// one is dropped and the young one grows old: so what was not asked for meanwhile goes, without a list of what was used
/// when, and without a moment at which nothing is known.
pub(super) struct Kept<V> {
    young: Generation<V>,
    old: Generation<V>,
    /// Bytes of one generation, at most.
    half: usize,
}

struct Generation<V> {
    values: HashMap<String, V>,
    bytes: usize,
}

impl<V> Default for Generation<V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            bytes: 0,
        }
    }
}

impl<V: Weigh> Generation<V> {
    fn remove(&mut self, key: &str) -> Option<(String, V)> {
        let (key, value) = self.values.remove_entry(key)?;
        self.bytes = self.bytes.saturating_sub(entry_bytes(&key, &value));
        Some((key, value))
    }
}

impl<V: Weigh> Kept<V> {
    /// Of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            young: Generation::default(),
            old: Generation::default(),
            half: limit.div_euclid(2),
        }
    }

    /// Looks at a value; what is young costs one look into a table.
    pub(super) fn look<R>(&mut self, key: &str, read: impl FnOnce(&V) -> R) -> Option<R> {
        if let Some(value) = self.young.values.get(key) {
            return Some(read(value));
        }
        let (key, value) = self.old.remove(key)?;
        let result = read(&value);
        self.put(key, value);
        Some(result)
    }

    /// Keeps a value. One that is larger than a generation is not kept.
    pub(super) fn insert(&mut self, key: &str, value: V) {
        self.remove(key);
        self.put(key.to_owned(), value);
    }

    fn put(&mut self, key: String, value: V) {
        let bytes = entry_bytes(&key, &value);
        if bytes > self.half {
            return;
        }
        if self.young.bytes.saturating_add(bytes) > self.half {
            self.old = mem::take(&mut self.young);
        }
        self.young.bytes = self.young.bytes.saturating_add(bytes);
        self.young.values.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.young = Generation::default();
        self.old = Generation::default();
    }

    pub(super) fn bytes(&self) -> usize {
        self.young.bytes.saturating_add(self.old.bytes)
    }

    pub(super) fn count(&self) -> usize {
        self.young
            .values
            .len()
            .saturating_add(self.old.values.len())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    const LIMIT: usize = 100_000;

    #[test]
    fn it_never_has_more_than_its_bytes_and_keeps_what_is_asked_for() {
        let mut kept = Kept::new(LIMIT);
        kept.insert("often", 0_i64);
        for number in 1..10_000 {
            kept.insert(&number.to_string(), number);
            assert_eq!(
                kept.look("often", |value| *value),
                Some(0),
                "after {number}"
            );
            assert!(kept.bytes() <= LIMIT, "{} after {number}", kept.bytes());
        }
        assert_eq!(kept.look("1", |value| *value), None);
        assert_eq!(kept.look("9999", |value| *value), Some(9_999));
    }

    #[test]
    fn bytes_are_those_of_what_is_there() {
        let mut kept = Kept::new(LIMIT);
        for round in 0..50_i64 {
            for number in 0..40 {
                kept.insert(&number.to_string(), round);
            }
        }
        assert_eq!(kept.count(), 40);
        for number in 0..40 {
            kept.remove(&number.to_string());
        }
        assert_eq!((kept.count(), kept.bytes()), (0, 0));
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_drives_out_nothing() {
        let mut kept = Kept::new(LIMIT);
        let bytes = |length: usize| -> Rc<[u8]> { vec![0; length].into() };
        kept.insert("small", bytes(1));
        let large = bytes(LIMIT);
        kept.insert("large", large);
        assert_eq!(kept.look("small", |value| value.len()), Some(1));
        assert_eq!(kept.look("large", |value| value.len()), None);
    }
}
