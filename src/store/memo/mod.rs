//! What an isolate remembers between requests: finished values with a time, bounded in bytes.
//! Never a pending future: a request must not wait for another one's I/O.

mod kept;
mod weight;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::domain::access::{Principal, VersionFacts};
use crate::domain::name::PackageName;
use crate::ports::{Source, note};
use crate::store::bandwidth::Bandwidth;
use crate::store::connections::Connection;
use crate::store::dists::DistPointer;
use crate::store::github_apps::GitHubApp;
use crate::store::mapped_hosts::{Looks, MappedHost};
use crate::store::repositories::{Head, Repository};
use crate::store::served_archives::ServedArchives;
use crate::store::token_uses::{TOLD_USES, TokenUses};

use self::kept::Kept;
pub use self::weight::Weigh;

/// How long what can change is taken for granted, in seconds. A revocation, a grant or a release is in force
/// everywhere after this time and the replica's lag, well below the ten seconds we promise.
pub const FRESH: i64 = 4;

/// How long what was remembered may still serve when the database cannot be reached, in seconds.
pub const STALE: i64 = 15 * 60;

/// What each kind may take of the isolate's 128 MB, in bytes, by [`Weigh`]: some 30 MiB if all of it were full.
const PRINCIPALS: usize = 8 * MIB;
const REPOSITORIES: usize = 4 * MIB;
const PAST_HEADS: usize = MIB;
const DISTS: usize = 2 * MIB;
const REFERENCES: usize = 2 * MIB;
const CONNECTIONS: usize = MIB;
/// Of host names that are somebody's, and of those that are nobody's: whoever makes up names drives out made-up names.
const HOSTS: usize = MIB;
/// A list has at most 300 names, some twenty kilobytes.
const NAME_LISTS: usize = 2 * MIB;
/// A description or a set of keys has some kilobytes.
const IDENTITY_DOCUMENTS: usize = MIB;
/// Kinds of them: there are few.
const OUTAGES: usize = 64 * 1024;
/// Tree nodes are at most some 40 kB, views mostly less.
const NODES: usize = 8 * MIB;
/// What is larger, such as the list of fifty thousand names, is seldom asked for and would drive out what is.
const LARGEST_NODE: usize = 256 * 1024;

const MIB: usize = 1024 * 1024;

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
    /// (revision, what the caller sees) to the names that have a version for him; and (list of names, place, number) to these
    /// of its names.
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
    /// URL to what an identity provider says of itself, or its keys, as JSON.
    pub identity_documents: Shelf<Rc<str>>,
    /// What failed of late, and was told.
    pub outages: Shelf<()>,
    /// What there is to tell of the use of tokens.
    pub token_uses: TokenUses,
    /// What there is to tell of archives that were served.
    pub bandwidth: Bandwidth,
    /// The same of how often each was.
    pub served_archives: ServedArchives,
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
            past_heads: Shelf::new(PAST_HEADS),
            visible_names: Shelf::new(NAME_LISTS),
            references: Shelf::new(REFERENCES),
            dists: Shelf::new(DISTS),
            connections: Shelf::new(CONNECTIONS),
            github_apps: Shelf::new(CONNECTIONS),
            refused_deliveries: Shelf::new(CONNECTIONS),
            rest_spent_until: Shelf::new(CONNECTIONS),
            identity_documents: Shelf::new(IDENTITY_DOCUMENTS),
            outages: Shelf::new(OUTAGES),
            token_uses: TokenUses::default(),
            bandwidth: Bandwidth::default(),
            served_archives: ServedArchives::default(),
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

    /// Bytes that are held now, by what [`Weigh`] says.
    pub fn bytes(&self) -> usize {
        [
            self.principals.bytes(),
            self.repositories.bytes(),
            self.mapped_hosts.bytes(),
            self.unmapped_hosts.bytes(),
            self.past_heads.bytes(),
            self.visible_names.bytes(),
            self.references.bytes(),
            self.dists.bytes(),
            self.connections.bytes(),
            self.github_apps.bytes(),
            self.refused_deliveries.bytes(),
            self.rest_spent_until.bytes(),
            self.identity_documents.bytes(),
            self.outages.bytes(),
            self.token_uses.bytes(),
            self.nodes.bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// The most that [`Memo::bytes`] ever is.
    pub const fn most_bytes() -> usize {
        const ALL: [usize; 16] = [
            PRINCIPALS,
            REPOSITORIES,
            HOSTS,
            HOSTS,
            PAST_HEADS,
            NAME_LISTS,
            REFERENCES,
            DISTS,
            CONNECTIONS,
            CONNECTIONS,
            CONNECTIONS,
            CONNECTIONS,
            IDENTITY_DOCUMENTS,
            OUTAGES,
            TOLD_USES,
            NODES,
        ];
        let (mut sum, mut rest) = (0_usize, ALL.as_slice());
        while let [first, others @ ..] = rest {
            sum = sum.saturating_add(*first);
            rest = others;
        }
        sum
    }
}

/// Values by key, each with the second it was put there.
pub struct Shelf<V>(RefCell<Kept<(V, i64)>>);

impl<V: Clone + Weigh> Shelf<V> {
    /// An empty shelf for at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(RefCell::new(Kept::new(limit)))
    }

    /// The value, when it was put there at most `age` seconds ago.
    pub fn recall(&self, key: &str, now: i64, age: i64) -> Option<V> {
        let mut kept = self.0.borrow_mut();
        kept.look(key, |(value, at)| {
            (now.saturating_sub(*at) <= age).then(|| value.clone())
        })?
    }

    /// Whether something is remembered, of whatever age.
    pub fn has(&self, key: &str) -> bool {
        self.0.borrow_mut().look(key, |_| ()).is_some()
    }

    /// Remembers a value.
    pub fn remember(&self, key: &str, value: V, now: i64) {
        self.0.borrow_mut().insert(key, (value, now));
    }

    /// Forgets one value: whoever changed it in this isolate sees the change at once.
    pub fn forget(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Bytes that it holds now.
    pub fn bytes(&self) -> usize {
        self.0.borrow().bytes()
    }

    /// Values that it holds now.
    pub fn count(&self) -> usize {
        self.0.borrow().count()
    }
}

/// Immutable bytes by hash.
pub struct Nodes(RefCell<Kept<Rc<[u8]>>>);

impl Default for Nodes {
    fn default() -> Self {
        Self(RefCell::new(Kept::new(NODES)))
    }
}

impl Nodes {
    /// The bytes, if they are here.
    pub fn recall(&self, hash: &str) -> Option<Rc<[u8]>> {
        let bytes = self.0.borrow_mut().look(hash, Rc::clone);
        if bytes.is_some() {
            note(|seen| seen.found(Source::Memory));
        }
        bytes
    }

    /// Remembers bytes that are not too many.
    pub fn remember(&self, hash: &str, bytes: Rc<[u8]>) {
        if bytes.len() <= LARGEST_NODE {
            self.0.borrow_mut().insert(hash, bytes);
        }
    }

    /// Bytes that it holds now.
    pub fn bytes(&self) -> usize {
        self.0.borrow().bytes()
    }

    /// Values that it holds now.
    pub fn count(&self) -> usize {
        self.0.borrow().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_ages() {
        let shelf = Shelf::new(MIB);
        shelf.remember("a", 1_i64, 100);
        assert_eq!(shelf.recall("a", 104, FRESH), Some(1));
        assert_eq!(shelf.recall("a", 105, FRESH), None);
        assert_eq!(shelf.recall("a", 100 + STALE, STALE), Some(1));
        assert_eq!(shelf.recall("a", 101 + STALE, STALE), None);
        shelf.forget("a");
        assert_eq!(shelf.recall("a", 100, FRESH), None);
    }

    #[test]
    fn nodes_never_take_more_than_their_bytes() {
        let nodes = Nodes::default();
        for number in 0..80 {
            nodes.remember(&number.to_string(), vec![0; LARGEST_NODE].into());
            assert!(nodes.bytes() <= NODES);
        }
        assert!(nodes.recall("79").is_some());
        assert!(nodes.recall("0").is_none());
        nodes.remember("large", vec![0; LARGEST_NODE + 1].into());
        assert!(nodes.recall("large").is_none());
        assert!(nodes.recall("79").is_some());
    }
}
