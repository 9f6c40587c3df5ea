//! The buckets of a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::domain::blob::{Blob, BlobHash};

use super::{Changed, DamagedTree, DocumentEntry, NO_HASH, PackageEntry};

const HEADER: &str = "repertoire-bucket 1\n";

/// Finds one package in the bytes of a bucket, without decoding the rest.
pub fn find_package(bucket: &[u8], name: &str) -> Result<Option<PackageEntry>, DamagedTree> {
    let lines = bucket
        .strip_prefix(HEADER.as_bytes())
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
pub(super) fn find_line<'a>(lines: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
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
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let found = line.split(|byte| *byte == b' ').next()?;
        match found.cmp(name) {
            std::cmp::Ordering::Equal => return Some(line),
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
    let mut text = String::from(HEADER);
    for (name, entry) in bucket {
        write_package(&mut text, name, entry);
        text.push('\n');
    }
    Blob::new(text.into_bytes())
}

fn bucket_lines(bytes: &[u8]) -> Result<&str, DamagedTree> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.strip_prefix(HEADER))
        .ok_or(DamagedTree("bucket header"))
}

fn read_package_line(line: &str) -> Option<(String, PackageEntry)> {
    let mut parts = line.split(' ');
    let package = read_package(&mut parts)?;
    parts.next().is_none().then_some(package)
}

/// Writes the fields with which the line of a package begins, without a blank or line feed behind them.
pub(super) fn write_package(text: &mut String, name: &str, entry: &PackageEntry) {
    let (dev_hash, dev_time) = entry
        .dev
        .as_ref()
        .map_or((NO_HASH, 0), |dev| (dev.hash.as_str(), dev.changed_at));
    let _ = write!(
        text,
        "{name} {} {} {dev_hash} {dev_time}",
        entry.tagged.hash, entry.tagged.changed_at
    );
}

/// Reads these fields.
pub(super) fn read_package<'a>(
    parts: &mut impl Iterator<Item = &'a str>,
) -> Option<(String, PackageEntry)> {
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
    Some((name, PackageEntry { tagged, dev }))
}
