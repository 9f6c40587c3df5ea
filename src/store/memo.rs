//! What an isolate remembers between requests: finished values with a time, in bounded number.
//! Never a pending future: a request must not wait for another one's I/O.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::domain::access::{Principal, VersionFacts};
use crate::domain::name::PackageName;
use crate::store::bandwidth::Bandwidth;
use crate::store::connections::Connection;
use crate::store::dists::DistPointer;
use crate::store::github_apps::GitHubApp;
use crate::store::mapped_hosts::{Looks, MappedHost};
use crate::store::repositories::{Head, Repository};
use crate::store::token_uses::TokenUses;

/// How long what can change is taken for granted, in seconds. A revocation, a grant or a release is in force
/// everywhere after this time and the replica's lag, well below the ten seconds we promise.
pub const FRESH: i64 = 4;

/// How long what was remembered may still serve when the database cannot be reached, in seconds.
pub const STALE: i64 = 15 * 60;

/// About 100 bytes each: a few hundred kilobytes at most.
const PRINCIPALS: usize = 4_096;
const REPOSITORIES: usize = 2_048;
const DISTS: usize = 4_096;
const CONNECTIONS: usize = 256;
/// Of host names that are somebody's, and of those that are nobody's: whoever makes up names drives out made-up names.
const HOSTS: usize = 2_048;
/// At most 300 names each, some ten kilobytes.
const NAME_LISTS: usize = 256;
/// Kinds of them: there are fewer.
const OUTAGES: usize = 64;
/// Tree nodes are at most some 40 kB; together they may take this many bytes of the isolate's 128 MB.
const NODE_BYTES: usize = 8 * 1024 * 1024;
/// What is larger, such as the list of fifty thousand names, is seldom asked for and would drive out what is.
const LARGEST_NODE: usize = 256 * 1024;

/// The memory of one isolate.
pub struct Memo {
    /// Token hash to principal; absence is remembered too.
    pub principals: Shelf<Option<Rc<Principal>>>,
    /// Repository address to repository with its head; absence is remembered too.
    pub repositories: Shelf<Option<Rc<Repository>>>,
    /// Host name to what it stands for.
    pub mapped_hosts: Shelf<MappedHost>,
    /// Host names that stand for nothing.
    pub unmapped_hosts: Shelf<()>,
    /// How many host names that it had not heard of the isolate looked up of late.
    pub host_looks: Looks,
    /// (repository, moment) to the head there was then. The past does not change.
    pub past_heads: Shelf<Head>,
    /// (revision, what the caller sees) to the names that have a version for him.
    pub visible_names: Shelf<Rc<[PackageName]>>,
    /// (repository, package, reference) to the versions that the archive was served for.
    pub references: Shelf<Rc<[VersionFacts]>>,
    /// (repository, package, reference) to archive. Only what exists, for it never changes.
    pub dists: Shelf<DistPointer>,
    /// Connections by id, for webhooks that come in bursts. Their secrets are sealed here as well.
    pub connections: Shelf<Connection>,
    /// GitHub Apps by id, for the same reason.
    pub github_apps: Shelf<GitHubApp>,
    /// Of each connection whose address got deliveries with a wrong signature: when that was last written down, and how
    /// many came since.
    pub refused_deliveries: Shelf<(i64, u32)>,
    /// Of each connection whose host refused for a spent allowance of its REST API alone: until when it wants to be left
    /// alone. Who does not remember waits for no harm.
    pub rest_spent_until: Shelf<i64>,
    /// What failed of late, and was told.
    pub outages: Shelf<()>,
    /// What there is to tell of the use of tokens.
    pub token_uses: TokenUses,
    /// What there is to tell of archives that were served.
    pub bandwidth: Bandwidth,
    /// Tree nodes by hash.
    pub nodes: Nodes,
    /// Until when a pack of git's is held in memory: there is room for one. A time and no flag, since whoever holds it may
    /// be ended by the platform.
    pub pack_held_until: Cell<i64>,
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            principals: Shelf::new(PRINCIPALS),
            repositories: Shelf::new(REPOSITORIES),
            mapped_hosts: Shelf::new(HOSTS),
            unmapped_hosts: Shelf::new(HOSTS),
            host_looks: Looks::default(),
            past_heads: Shelf::new(REPOSITORIES),
            visible_names: Shelf::new(NAME_LISTS),
            references: Shelf::new(DISTS),
            dists: Shelf::new(DISTS),
            connections: Shelf::new(CONNECTIONS),
            github_apps: Shelf::new(CONNECTIONS),
            refused_deliveries: Shelf::new(CONNECTIONS),
            rest_spent_until: Shelf::new(CONNECTIONS),
            outages: Shelf::new(OUTAGES),
            token_uses: TokenUses::default(),
            bandwidth: Bandwidth::default(),
            nodes: Nodes::default(),
            pack_held_until: Cell::new(0),
        }
    }
}

impl Memo {
    /// Forgets all that another isolate may have changed just now: who may do what, what is published, and where.
    pub fn forget_what_changes(&self) {
        self.principals.clear();
        self.repositories.clear();
        self.mapped_hosts.clear();
        self.unmapped_hosts.clear();
    }
}

/// Values by key, each with the second it was put there.
pub struct Shelf<V> {
    entries: RefCell<HashMap<String, (V, i64)>>,
    limit: usize,
}

impl<V: Clone> Shelf<V> {
    /// An empty shelf for at most `limit` values.
    pub fn new(limit: usize) -> Self {
        Self {
            entries: RefCell::default(),
            limit,
        }
    }

    /// The value, when it was put there at most `age` seconds ago.
    pub fn recall(&self, key: &str, now: i64, age: i64) -> Option<V> {
        let entries = self.entries.borrow();
        let (value, at) = entries.get(key)?;
        (now.saturating_sub(*at) <= age).then(|| value.clone())
    }

    /// Remembers a value. A full shelf is emptied: what is asked for often is back at once, at the price of one read.
    pub fn remember(&self, key: &str, value: V, now: i64) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= self.limit && !entries.contains_key(key) {
            entries.clear();
        }
        entries.insert(key.to_owned(), (value, now));
    }

    /// Forgets one value: whoever changed it in this isolate sees the change at once.
    pub fn forget(&self, key: &str) {
        self.entries.borrow_mut().remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
    }
}

/// Immutable bytes by hash, bounded in bytes.
#[derive(Default)]
pub struct Nodes {
    entries: RefCell<HashMap<String, Rc<[u8]>>>,
    bytes: Cell<usize>,
}

impl Nodes {
    /// The bytes, if they are here.
    pub fn recall(&self, hash: &str) -> Option<Rc<[u8]>> {
        self.entries.borrow().get(hash).cloned()
    }

    /// Remembers bytes; when they would not fit, everything else goes.
    pub fn remember(&self, hash: &str, bytes: Rc<[u8]>) {
        if bytes.len() > LARGEST_NODE {
            return;
        }
        let mut entries = self.entries.borrow_mut();
        if self.bytes.get().saturating_add(bytes.len()) > NODE_BYTES {
            entries.clear();
            self.bytes.set(0);
        }
        let length = bytes.len();
        if entries.insert(hash.to_owned(), bytes).is_none() {
            self.bytes.set(self.bytes.get().saturating_add(length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_ages_and_is_bounded() {
        let shelf = Shelf::new(2);
        shelf.remember("a", 1, 100);
        assert_eq!(shelf.recall("a", 104, FRESH), Some(1));
        assert_eq!(shelf.recall("a", 105, FRESH), None);
        assert_eq!(shelf.recall("a", 105, STALE), Some(1));
        shelf.remember("b", 2, 100);
        shelf.remember("c", 3, 100);
        assert_eq!(shelf.recall("a", 100, FRESH), None);
        assert_eq!(shelf.recall("c", 100, FRESH), Some(3));
    }

    #[test]
    fn nodes_never_take_more_than_their_bytes() {
        let nodes = Nodes::default();
        for number in 0..80 {
            nodes.remember(&number.to_string(), vec![0; LARGEST_NODE].into());
            assert!(nodes.bytes.get() <= NODE_BYTES);
        }
        assert!(nodes.recall("79").is_some());
        assert!(nodes.recall("0").is_none());
        nodes.remember("large", vec![0; LARGEST_NODE + 1].into());
        assert!(nodes.recall("large").is_none());
        assert!(nodes.recall("79").is_some());
    }
}
