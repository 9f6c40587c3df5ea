//! The index of one repository: a root lists up to 256 buckets, a bucket lists package entries.
//!
//! Both are text in one canonical spelling, so equal contents have equal hashes:
//!
//! ```text
//! repertoire-root 2 0000000002 <hash of the names, or dashes> <hash of what Composer 1 reads, or dashes>
//! 3f <hash of the bucket> 00000001
//! ```
//!
//! ```text
//! repertoire-bucket 1
//! acme/lib <hash of the tagged document> 1795200000 <hash of the ~dev document> 1795200050
//! ```
//!
//! Root lines have a fixed width and are searched by halving; bucket lines are found by the name at their start.
//! Neither needs to be parsed whole to answer one request. The encoding never changes under its number; roots of number 1,
//! which end their first line after the names, are read for ever and written no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::domain::blob::{Blob, BlobHash};

const ROOT_HEADER: &str = "repertoire-root 2 ";
const OLD_ROOT_HEADER: &str = "repertoire-root 1 ";
const BUCKET_HEADER: &str = "repertoire-bucket 1\n";
/// `3f `, 64 hex digits, a blank, an eight-digit count, a line feed.
const ROOT_LINE: usize = 3 + 64 + 1 + 8 + 1;
/// The header, a ten-digit count, a blank, 64 hex digits or dashes, a line feed.
const OLD_ROOT_FIRST_LINE: usize = OLD_ROOT_HEADER.len() + 10 + 1 + 64 + 1;
/// The same with a blank and 64 more hex digits or dashes.
const ROOT_FIRST_LINE: usize = OLD_ROOT_FIRST_LINE + 1 + 64;
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

/// A decoded root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    names: Option<BlobHash>,
    composer_1: Option<BlobHash>,
    buckets: BTreeMap<u8, (BlobHash, u32)>,
}

impl Root {
    /// Reads a root node.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedTree> {
        let first = read_first_line(bytes)?;
        let mut buckets = BTreeMap::new();
        for line in first.lines.chunks(ROOT_LINE) {
            let (number, hash, count) = read_root_line(line).ok_or(DamagedTree("root line"))?;
            buckets.insert(number, (hash, count));
        }
        Ok(Self {
            names: first.names,
            composer_1: first.composer_1,
            buckets,
        })
    }

    /// Writes the root node.
    pub fn encode(&self) -> Blob {
        let spell =
            |hash: &Option<BlobHash>| hash.as_ref().map_or(NO_HASH, BlobHash::as_str).to_owned();
        let mut text = format!(
            "{ROOT_HEADER}{:010} {} {}\n",
            self.package_count(),
            spell(&self.names),
            spell(&self.composer_1)
        );
        for (number, (hash, count)) in &self.buckets {
            let _ = writeln!(text, "{number:02x} {hash} {count:08}");
        }
        Blob::new(text.into_bytes())
    }

    /// How many packages the tree has.
    pub fn package_count(&self) -> u64 {
        self.buckets
            .values()
            .fold(0, |sum, (_, count)| sum.saturating_add(u64::from(*count)))
    }

    /// The blob that lists all names; older programs wrote none where there were 300 or more.
    pub fn names(&self) -> Option<&BlobHash> {
        self.names.as_ref()
    }

    /// The file that names the listings of Composer 1 ([`crate::domain::composer_1`]), when they are built.
    pub fn composer_1(&self) -> Option<&BlobHash> {
        self.composer_1.as_ref()
    }

    /// The bucket of that number.
    pub fn bucket(&self, number: u8) -> Option<&BlobHash> {
        self.buckets.get(&number).map(|(hash, _)| hash)
    }

    /// All buckets.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, &BlobHash)> {
        self.buckets
            .iter()
            .map(|(number, (hash, _))| (*number, hash))
    }
}

/// Finds one bucket in the bytes of a root, without decoding the rest.
pub fn find_bucket(root: &[u8], number: u8) -> Result<Option<BlobHash>, DamagedTree> {
    let FirstLine { lines, .. } = read_first_line(root)?;
    let mut low = 0_usize;
    let mut high = lines.len() / ROOT_LINE;
    while low < high {
        let middle = low.midpoint(high);
        let start = middle.saturating_mul(ROOT_LINE);
        let line = lines
            .get(start..start.saturating_add(ROOT_LINE))
            .ok_or(DamagedTree("root line"))?;
        let (found, hash, _) = read_root_line(line).ok_or(DamagedTree("root line"))?;
        match found.cmp(&number) {
            std::cmp::Ordering::Equal => return Ok(Some(hash)),
            std::cmp::Ordering::Less => low = middle.saturating_add(1),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

/// What the first line of a root says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstLine<'a> {
    /// How many packages the tree has.
    pub package_count: u64,
    /// The blob that lists all names; older programs wrote none where there were 300 or more.
    pub names: Option<BlobHash>,
    /// The file that names the listings of Composer 1, when they are built.
    pub composer_1: Option<BlobHash>,
    lines: &'a [u8],
}

/// Reads the first line of a root, without decoding the rest.
pub fn read_first_line(root: &[u8]) -> Result<FirstLine<'_>, DamagedTree> {
    let damaged = || DamagedTree("root header");
    let length = if root.starts_with(OLD_ROOT_HEADER.as_bytes()) {
        OLD_ROOT_FIRST_LINE
    } else if root.starts_with(ROOT_HEADER.as_bytes()) {
        ROOT_FIRST_LINE
    } else {
        return Err(damaged());
    };
    let (first, lines) = root.split_at_checked(length).ok_or_else(damaged)?;
    let mut fields = std::str::from_utf8(first)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .and_then(|text| text.get(ROOT_HEADER.len()..))
        .ok_or_else(damaged)?
        .split(' ');
    let package_count = fields
        .next()
        .and_then(|digits| digits.parse().ok())
        .ok_or(DamagedTree("root count"))?;
    let names = fields.next().ok_or_else(damaged)?;
    let composer_1 = fields.next().unwrap_or(NO_HASH);
    if fields.next().is_some() {
        return Err(damaged());
    }
    if lines.len() % ROOT_LINE != 0 {
        return Err(DamagedTree("root length"));
    }
    Ok(FirstLine {
        package_count,
        names: BlobHash::parse(names),
        composer_1: BlobHash::parse(composer_1),
        lines,
    })
}

/// The names in the bytes of a list of names, sorted.
pub fn read_names(bytes: &[u8]) -> Result<Vec<String>, DamagedTree> {
    let text = std::str::from_utf8(bytes).map_err(|_| DamagedTree("names"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Finds one package in the bytes of a bucket, without decoding the rest.
pub fn find_package(bucket: &[u8], name: &str) -> Result<Option<PackageEntry>, DamagedTree> {
    let lines = bucket
        .strip_prefix(BUCKET_HEADER.as_bytes())
        .ok_or(DamagedTree("bucket header"))?;
    let Some(line) = find_line(lines, name.as_bytes()) else {
        return Ok(None);
    };
    std::str::from_utf8(line)
        .ok()
        .and_then(read_package_line)
        .map(|(_, entry)| Some(entry))
        .ok_or(DamagedTree("bucket line"))
}

/// The line that begins with this name and a blank, among lines that are sorted by their names. Looks at few of them, and at
/// no more of those than their names: a bucket is read with each request.
fn find_line<'a>(lines: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = lines;
    while !rest.is_empty() {
        let is_end = |byte: &u8| *byte == b'\n';
        // The line that the middle is in.
        let (before, after) = rest.split_at(rest.len() / 2);
        let start = before
            .iter()
            .rposition(is_end)
            .map_or(0, |at| at.saturating_add(1));
        let end = after.iter().position(is_end).map_or(rest.len(), |at| {
            before.len().saturating_add(at).saturating_add(1)
        });
        let line = rest.get(start..end)?;
        let found = line.split(|byte| *byte == b' ').next()?;
        match found.cmp(name) {
            std::cmp::Ordering::Equal => return line.strip_suffix(b"\n").or(Some(line)),
            std::cmp::Ordering::Less => rest = rest.get(end..)?,
            std::cmp::Ordering::Greater => rest = rest.get(..start)?,
        }
    }
    None
}

/// A decoded bucket: name to entry.
pub type Bucket = BTreeMap<String, PackageEntry>;

/// Reads a bucket node whole.
pub fn decode_bucket(bytes: &[u8]) -> Result<Bucket, DamagedTree> {
    bucket_lines(bytes)?
        .lines()
        .map(|line| read_package_line(line).ok_or(DamagedTree("bucket line")))
        .collect()
}

/// What became of the documents of a bucket, by name.
pub fn compare_buckets(before: &Bucket, after: &Bucket) -> Vec<Changed> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        let mut compare = |is_dev, old: Option<&DocumentEntry>, new: Option<&DocumentEntry>| {
            if old.map(|entry| &entry.hash) != new.map(|entry| &entry.hash) {
                changes.push(Changed {
                    package: name.clone(),
                    is_dev,
                    changed_at: new.map(|entry| entry.changed_at),
                });
            }
        };
        compare(
            false,
            old.map(|entry| &entry.tagged),
            new.map(|entry| &entry.tagged),
        );
        compare(
            true,
            old.and_then(|entry| entry.dev.as_ref()),
            new.and_then(|entry| entry.dev.as_ref()),
        );
    }
    changes
}

/// The names in the bytes of a bucket, sorted, without the rest.
pub fn read_bucket_names(bytes: &[u8]) -> Result<Vec<String>, DamagedTree> {
    bucket_lines(bytes)?
        .lines()
        .map(|line| line.split_once(' ').map(|(name, _)| name.to_owned()))
        .collect::<Option<_>>()
        .ok_or(DamagedTree("bucket line"))
}

/// Writes a bucket node.
pub fn encode_bucket(bucket: &Bucket) -> Blob {
    let mut text = String::from(BUCKET_HEADER);
    for (name, entry) in bucket {
        let (dev_hash, dev_time) = entry
            .dev
            .as_ref()
            .map_or((NO_HASH, 0), |dev| (dev.hash.as_str(), dev.changed_at));
        let _ = writeln!(
            text,
            "{name} {} {} {dev_hash} {dev_time}",
            entry.tagged.hash, entry.tagged.changed_at
        );
    }
    Blob::new(text.into_bytes())
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

/// Applies changes at Unix second `time`. `buckets` holds the decoded buckets that [`touched_buckets`] names
/// (absent ones are empty); `names` is the current list of names, left out when the changes add and take none
/// ([`changes_names`]) and the root has one; `composer_1` names what Composer 1 is to read.
/// An entry whose documents stay the same keeps its times, so nothing new gives the same root.
pub fn update(
    root: &Root,
    mut buckets: BTreeMap<u8, Bucket>,
    names: Option<Vec<String>>,
    changes: &BTreeMap<String, Change>,
    composer_1: Option<BlobHash>,
    time: i64,
) -> UpdatedTree {
    let mut next = root.clone();
    next.composer_1 = composer_1;
    let mut blobs = Vec::new();
    let mut listed: Option<BTreeSet<String>> = names.map(|names| names.into_iter().collect());
    let mut touched = BTreeSet::new();
    for (name, change) in changes {
        let number = bucket_number(name);
        touched.insert(number);
        let bucket = buckets.entry(number).or_default();
        match change {
            Change::Remove => {
                bucket.remove(name);
                if let Some(listed) = &mut listed {
                    listed.remove(name);
                }
            }
            Change::Put { tagged, dev } => {
                let before = bucket.remove(name);
                let keep = |hash: &BlobHash, known: Option<&DocumentEntry>| DocumentEntry {
                    hash: hash.clone(),
                    changed_at: known
                        .filter(|known| known.hash == *hash)
                        .map_or(time, |known| known.changed_at),
                };
                let entry = PackageEntry {
                    tagged: keep(tagged, before.as_ref().map(|entry| &entry.tagged)),
                    dev: dev.as_ref().map(|hash| {
                        keep(hash, before.as_ref().and_then(|entry| entry.dev.as_ref()))
                    }),
                };
                bucket.insert(name.clone(), entry);
                if let Some(listed) = &mut listed {
                    listed.insert(name.clone());
                }
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
        let mut text = String::new();
        for name in &listed {
            text.push_str(name);
            text.push('\n');
        }
        let blob = Blob::new(text.into_bytes());
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

fn read_root_line(line: &[u8]) -> Option<(u8, BlobHash, u32)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let mut parts = line.split(' ');
    let number = u8::from_str_radix(parts.next()?, 16).ok()?;
    let hash = BlobHash::parse(parts.next()?)?;
    let count = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((number, hash, count))
}

fn bucket_lines(bytes: &[u8]) -> Result<&str, DamagedTree> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.strip_prefix(BUCKET_HEADER))
        .ok_or(DamagedTree("bucket header"))
}

fn read_package_line(line: &str) -> Option<(String, PackageEntry)> {
    let mut parts = line.split(' ');
    let name = parts.next()?.to_owned();
    let tagged = DocumentEntry {
        hash: BlobHash::parse(parts.next()?)?,
        changed_at: parts.next()?.parse().ok()?,
    };
    let dev_hash = parts.next()?;
    let dev_time = parts.next()?.parse().ok()?;
    let dev = if dev_hash == NO_HASH {
        None
    } else {
        Some(DocumentEntry {
            hash: BlobHash::parse(dev_hash)?,
            changed_at: dev_time,
        })
    };
    parts
        .next()
        .is_none()
        .then_some((name, PackageEntry { tagged, dev }))
}

#[cfg(test)]
mod tests;
