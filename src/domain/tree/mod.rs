//! The index of one repository: a root lists up to 256 buckets, a bucket lists package entries. Beside them the root lists
//! the nodes of the [outline], which knows of the versions too what access is decided from.
//!
//! All are text in one canonical spelling, so equal contents have equal hashes:
//!
//! ```text
//! repertoire-root 3 0000000002 <hash of the names, or dashes> <hash of what Composer 1 reads, or dashes> 0000000002 001 001
//! 3f <hash of the bucket> 00000002
//! 00 <hash of the node of the outline> 00000417
//! ```
//!
//! ```text
//! repertoire-bucket 1
//! acme/lib <hash of the tagged document> 1795200000 <hash of the ~dev document> 1795200050
//! ```
//!
//! Lines are searched by halving, those of a root by their width, those of a bucket and of an outline by the name at their
//! start. None needs to be parsed whole to answer one request. The encoding never changes under its number; roots of number 2,
//! which end their first line after the second hash and have no outline, and of number 1, which end it after the names, are
//! read for ever and written no more.

mod bucket;
mod name_list;
pub mod outline;
mod root;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::domain::blob::{Blob, BlobHash};

pub use bucket::{
    Bucket, compare_buckets, decode_bucket, encode_bucket, find_package, read_bucket_names,
};
pub use name_list::{NameLines, read_names, write_names};
use outline::Outline;
pub use root::{FirstLine, OutlineNode, Root, find_bucket, find_outline_node, read_first_line};

const NO_HASH: &str = "----------------------------------------------------------------";

/// A caller who sees fewer packages than this is told all of their names (`available-packages`).
pub const NAMED_PACKAGES: usize = 300;

/// A document of a package, and the Unix second at which it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEntry {
    /// The document.
    pub hash: BlobHash,
    /// When it last changed; strictly later than the change before.
    pub changed_at: i64,
}

/// What the tree says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageEntry {
    /// The document of tagged versions; it exists for every package.
    pub tagged: DocumentEntry,
    /// The document of dev versions, when there are any.
    pub dev: Option<DocumentEntry>,
}

impl PackageEntry {
    /// Whether this is one of the package's documents.
    pub fn names(&self, document: &BlobHash) -> bool {
        self.tagged.hash == *document || self.dev.as_ref().is_some_and(|dev| dev.hash == *document)
    }
}

/// A change to one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The package has these documents now.
    Put {
        /// The document of tagged versions.
        tagged: BlobHash,
        /// The document of dev versions, when there are any.
        dev: Option<BlobHash>,
    },
    /// The package has no version left.
    Remove,
}

/// What became of a document between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The package.
    pub package: String,
    /// Whether it is the document of dev versions.
    pub is_dev: bool,
    /// When it last changed; none when it is gone.
    pub changed_at: Option<i64>,
}

/// A stored tree node could not be read: the blob store gave other bytes than were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tree node is damaged: {0}")]
pub struct DamagedTree(&'static str);

impl DamagedTree {
    /// What is damaged, in words.
    pub(crate) fn of(what: &'static str) -> Self {
        Self(what)
    }
}

/// The number of the bucket a package lives in: the first byte of the SHA-256 of its name.
pub fn bucket_number(name: &str) -> u8 {
    Sha256::digest(name.as_bytes())
        .first()
        .copied()
        .unwrap_or_default()
}

/// The buckets that changes to these packages touch: these must be loaded before [`update`].
pub fn touched_buckets<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<u8> {
    names.map(bucket_number).collect()
}

/// A tree after a change: its root, and every blob that must be stored before a head may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatedTree {
    /// The new root.
    pub root: BlobHash,
    /// The new nodes, the root last.
    pub blobs: Vec<Blob>,
    /// Whether the list of names is another one.
    pub has_other_names: bool,
}

/// Whether there are names that come or go. `buckets` holds those that [`touched_buckets`] names.
pub fn changes_names(buckets: &BTreeMap<u8, Bucket>, changes: &BTreeMap<String, Change>) -> bool {
    changes.iter().any(|(name, change)| {
        let is_there = buckets
            .get(&bucket_number(name))
            .is_some_and(|bucket| bucket.contains_key(name));
        is_there == matches!(change, Change::Remove)
    })
}

/// What packages come to, by name; none for one that is gone.
pub type Entries = BTreeMap<String, Option<PackageEntry>>;

/// The entries after changes at Unix second `time`. `buckets` holds those that [`touched_buckets`] names (absent ones are
/// empty). An entry whose documents stay the same keeps its times.
pub fn date_entries(
    buckets: &BTreeMap<u8, Bucket>,
    changes: &BTreeMap<String, Change>,
    time: i64,
) -> Entries {
    let date = |name: &String, change: &Change| {
        let Change::Put { tagged, dev } = change else {
            return None;
        };
        let before = buckets
            .get(&bucket_number(name))
            .and_then(|bucket| bucket.get(name));
        let keep = |hash: &BlobHash, known: Option<&DocumentEntry>| DocumentEntry {
            hash: hash.clone(),
            changed_at: known
                .filter(|known| known.hash == *hash)
                .map_or(time, |known| known.changed_at),
        };
        Some(PackageEntry {
            tagged: keep(tagged, before.map(|entry| &entry.tagged)),
            dev: dev
                .as_ref()
                .map(|hash| keep(hash, before.and_then(|entry| entry.dev.as_ref()))),
        })
    };
    changes
        .iter()
        .map(|(name, change)| (name.clone(), date(name, change)))
        .collect()
}

/// Puts entries ([`date_entries`]) in the place of those that there are. `buckets` holds the decoded buckets that
/// [`touched_buckets`] names (absent ones are empty); `names` is the current list of names, left out when the changes add
/// and take none ([`changes_names`]) and the root has one; `composer_1` names what Composer 1 is to read, and `outline` is
/// what the outline becomes, whose new nodes are not among the blobs given. Nothing new gives the same root.
pub fn update(
    root: &Root,
    mut buckets: BTreeMap<u8, Bucket>,
    names: Option<Vec<String>>,
    entries: &Entries,
    composer_1: Option<BlobHash>,
    outline: Outline,
) -> UpdatedTree {
    let mut next = root.clone();
    next.composer_1 = composer_1;
    next.outline = outline;
    let mut blobs = Vec::new();
    let mut listed: Option<BTreeSet<String>> = names.map(|names| names.into_iter().collect());
    let mut touched = BTreeSet::new();
    for (name, entry) in entries {
        let number = bucket_number(name);
        touched.insert(number);
        let bucket = buckets.entry(number).or_default();
        if let Some(entry) = entry {
            bucket.insert(name.clone(), entry.clone());
            if let Some(listed) = &mut listed {
                listed.insert(name.clone());
            }
        } else {
            bucket.remove(name);
            if let Some(listed) = &mut listed {
                listed.remove(name);
            }
        }
    }
    for number in touched {
        let Some(bucket) = buckets.get(&number) else {
            continue;
        };
        if bucket.is_empty() {
            next.buckets.remove(&number);
            continue;
        }
        let blob = encode_bucket(bucket);
        let count = u32::try_from(bucket.len()).unwrap_or(u32::MAX);
        let known = next
            .buckets
            .insert(number, (blob.hash().clone(), count))
            .map(|(hash, _)| hash);
        if known.as_ref() != Some(blob.hash()) {
            blobs.push(blob);
        }
    }
    if let Some(listed) = listed {
        let blob = Blob::new(write_names(listed.iter().map(String::as_str)));
        let hash = blob.hash().clone();
        if root.names.as_ref() != Some(&hash) {
            blobs.push(blob);
        }
        next.names = Some(hash);
    }
    let blob = next.encode();
    let hash = blob.hash().clone();
    blobs.push(blob);
    UpdatedTree {
        root: hash,
        blobs,
        has_other_names: next.names != root.names,
    }
}

#[cfg(test)]
mod tests;
