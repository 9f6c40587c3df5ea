//! The outline: what the tree says of each package, and of each of its versions what access is decided from.
//!
//! Whoever is limited by versions is answered from it. That there is no such package, and that there is one of which
//! nothing is seen, is told by the same node: each name has one, whether there is such a package or not.
//!
//! ```text
//! repertoire-outline 1
//! acme/lib <tagged hash> 1795200000 <dev hash, or dashes> 1795200050 1.1.0.0@1795200000,1.0.0.0@1795100000 dev-main=9999999-dev@1795200050
//! ```
//!
//! Names are spread among as few nodes, a power of two up to 256, as keep these at 64 KiB on the average: the first bits of
//! the bucket's number say in which. How many there are follows from what is in them, so equal contents have equal nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::domain::access::{Limits, VersionFacts};
use crate::domain::blob::{Blob, BlobHash};

use super::bucket::{find_line, read_package, write_package};
use super::{DamagedTree, PackageEntry, bucket_number};

const HEADER: &str = "repertoire-outline 1\n";
/// Bytes of lines that nodes have on the average, at most, until there are [`MOST_NODES`].
const NODE_BYTES: u64 = 64 * 1024;
const MOST_NODES: u16 = 256;
/// What eight digits hold.
const LONGEST: u32 = 99_999_999;
/// In place of a list of no versions; one of any has an `@`.
const NO_VERSIONS: &str = "-";
/// What stands for something else in a line. Whatever is not ASCII is encoded too.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b',').add(b'=').add(b'@');

/// What access to the versions of a package is decided from, in the order of its documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutlinedVersions {
    /// Of the document of tagged versions.
    pub tagged: Vec<VersionFacts>,
    /// Of the document of dev versions.
    pub dev: Vec<VersionFacts>,
}

/// What the outline says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlinedPackage {
    /// Its documents.
    pub entry: PackageEntry,
    /// The versions in them.
    pub versions: OutlinedVersions,
}

impl OutlinedPackage {
    /// Whether limits leave anything of the document of tagged versions, and of that of dev versions.
    pub fn is_seen(&self, limits: &Limits) -> (bool, bool) {
        let is_any = |versions: &[VersionFacts]| versions.iter().any(|one| limits.shows(one));
        (is_any(&self.versions.tagged), is_any(&self.versions.dev))
    }
}

/// The number of the node for a bucket's number, where names are spread among so many nodes.
pub(super) fn spread(bucket: u8, nodes: u16) -> u8 {
    let number = u16::from(bucket).saturating_mul(nodes) / MOST_NODES;
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Among how many nodes lines of so many bytes are spread.
fn spread_for(bytes: u64) -> u16 {
    let mut nodes = 1_u16;
    while nodes < MOST_NODES && bytes > NODE_BYTES.saturating_mul(u64::from(nodes)) {
        nodes = nodes.saturating_mul(2);
    }
    nodes
}

/// The nodes of an outline, as a root names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    package_count: u64,
    spread: u16,
    /// With the bytes of their lines.
    nodes: BTreeMap<u8, (BlobHash, u32)>,
}

impl Default for Outline {
    fn default() -> Self {
        Self {
            package_count: 0,
            spread: 1,
            nodes: BTreeMap::new(),
        }
    }
}

impl Outline {
    /// What a root says; none when it makes no sense.
    pub(super) fn of_nodes(
        package_count: u64,
        spread: u16,
        nodes: BTreeMap<u8, (BlobHash, u32)>,
    ) -> Option<Self> {
        let is_known = nodes.keys().all(|number| u16::from(*number) < spread);
        is_known.then_some(Self {
            package_count,
            spread,
            nodes,
        })
    }

    /// Of how many packages it tells.
    pub fn package_count(&self) -> u64 {
        self.package_count
    }

    /// Among how many nodes names are spread.
    pub fn spread(&self) -> u16 {
        self.spread
    }

    /// The nodes that are not empty: number, blob, and the bytes of its lines.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, &BlobHash, u32)> {
        self.nodes
            .iter()
            .map(|(number, (hash, length))| (*number, hash, *length))
    }
}

/// Finds one package in the bytes of a node, by halving: what is not there takes as many steps as what is.
pub fn find_outlined(node: &[u8], name: &str) -> Result<Option<OutlinedPackage>, DamagedTree> {
    let Some(line) = find_line(node_lines(node)?, name.as_bytes()) else {
        return Ok(None);
    };
    let line = std::str::from_utf8(line).map_err(|_| damaged())?;
    let (_, package) = read_line(line).ok_or_else(damaged)?;
    Ok(Some(package))
}

/// Reads a node whole.
pub fn decode_outline_node(node: &[u8]) -> Result<BTreeMap<String, OutlinedPackage>, DamagedTree> {
    let lines = std::str::from_utf8(node_lines(node)?).map_err(|_| damaged())?;
    lines
        .lines()
        .map(|line| read_line(line).ok_or_else(damaged))
        .collect()
}

/// Lines by name. They are not read to be written again.
type Lines = BTreeMap<String, String>;

/// An outline on its way to a new state.
#[derive(Debug, Clone)]
pub struct OutlineDraft {
    before: Outline,
    package_count: u64,
    loaded: BTreeMap<u8, Lines>,
}

impl OutlineDraft {
    /// Begins with the nodes that a root names. Those of the packages that change are to be loaded first.
    pub fn new(before: &Outline) -> Self {
        Self {
            before: before.clone(),
            package_count: before.package_count,
            loaded: BTreeMap::new(),
        }
    }

    /// The nodes that changes to these packages touch and that are there.
    pub fn touched<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<(u8, BlobHash)> {
        let numbers: BTreeSet<u8> = names
            .map(|name| spread(bucket_number(name), self.before.spread))
            .collect();
        self.before
            .nodes
            .iter()
            .filter(|(number, _)| numbers.contains(number))
            .map(|(number, (hash, _))| (*number, hash.clone()))
            .collect()
    }

    /// Takes the bytes of a node.
    pub fn load(&mut self, number: u8, node: &[u8]) -> Result<(), DamagedTree> {
        let lines = std::str::from_utf8(node_lines(node)?).map_err(|_| damaged())?;
        let lines = lines
            .lines()
            .map(|line| {
                let (name, _) = line.split_once(' ')?;
                Some((name.to_owned(), line.to_owned()))
            })
            .collect::<Option<_>>()
            .ok_or_else(damaged)?;
        self.loaded.insert(number, lines);
        Ok(())
    }

    /// The package has these documents now, with these versions.
    pub fn put(&mut self, name: &str, entry: &PackageEntry, versions: &OutlinedVersions) {
        let mut line = String::new();
        write_package(&mut line, name, entry);
        write_versions(&mut line, &versions.tagged);
        write_versions(&mut line, &versions.dev);
        if self.lines_of(name).insert(name.to_owned(), line).is_none() {
            self.package_count = self.package_count.saturating_add(1);
        }
    }

    /// The package is gone.
    pub fn remove(&mut self, name: &str) {
        if self.lines_of(name).remove(name).is_some() {
            self.package_count = self.package_count.saturating_sub(1);
        }
    }

    fn lines_of(&mut self, name: &str) -> &mut Lines {
        let number = spread(bucket_number(name), self.before.spread);
        self.loaded.entry(number).or_default()
    }

    /// The nodes that are still to be loaded, once all changes are made: all that there are when names are spread
    /// otherwise from now on, which is seldom.
    pub fn missing(&self) -> Vec<(u8, BlobHash)> {
        if self.next_spread() == self.before.spread {
            return Vec::new();
        }
        self.untouched()
            .map(|(number, hash, _)| (number, hash.clone()))
            .collect()
    }

    fn untouched(&self) -> impl Iterator<Item = (u8, &BlobHash, u32)> {
        self.before
            .nodes()
            .filter(|(number, ..)| !self.loaded.contains_key(number))
    }

    fn next_spread(&self) -> u16 {
        let untouched = self
            .untouched()
            .fold(0_u64, |sum, (.., length)| sum.saturating_add(length.into()));
        let loaded = self.loaded.values().fold(0_u64, |sum, lines| {
            sum.saturating_add(length_of(lines).into())
        });
        spread_for(untouched.saturating_add(loaded))
    }

    /// The new outline, and the nodes that are to be stored before a root may name them. What was there before is not among
    /// them.
    pub fn finish(self) -> (Outline, Vec<Blob>) {
        let spread_now = self.next_spread();
        let known: BTreeSet<&BlobHash> = self.before.nodes().map(|(_, hash, _)| hash).collect();
        let (mut nodes, touched) = if spread_now == self.before.spread {
            (self.before.nodes.clone(), self.loaded)
        } else {
            let mut spread_anew = BTreeMap::<u8, Lines>::new();
            for (name, line) in self.loaded.into_values().flatten() {
                let number = spread(bucket_number(&name), spread_now);
                spread_anew.entry(number).or_default().insert(name, line);
            }
            (BTreeMap::new(), spread_anew)
        };
        let mut blobs = Vec::new();
        for (number, lines) in touched {
            if lines.is_empty() {
                nodes.remove(&number);
                continue;
            }
            let length = length_of(&lines);
            let blob = write_node(&lines);
            nodes.insert(number, (blob.hash().clone(), length));
            if !known.contains(blob.hash()) {
                blobs.push(blob);
            }
        }
        let outline = Outline {
            package_count: self.package_count,
            spread: spread_now,
            nodes,
        };
        (outline, blobs)
    }
}

/// The bytes of lines, each with its line feed.
fn length_of(lines: &Lines) -> u32 {
    let length = lines.values().fold(0_usize, |sum, line| {
        sum.saturating_add(line.len()).saturating_add(1)
    });
    u32::try_from(length).unwrap_or(LONGEST).min(LONGEST)
}

fn write_node(lines: &Lines) -> Blob {
    let mut text = String::from(HEADER);
    for line in lines.values() {
        text.push_str(line);
        text.push('\n');
    }
    Blob::new(text.into_bytes())
}

fn write_versions(line: &mut String, versions: &[VersionFacts]) {
    line.push(' ');
    if versions.is_empty() {
        line.push_str(NO_VERSIONS);
    }
    for (index, version) in versions.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let _ = write!(
            line,
            "{}",
            utf8_percent_encode(&version.normalized, ENCODED)
        );
        if let Some(alias) = &version.alias {
            let _ = write!(line, "={}", utf8_percent_encode(alias, ENCODED));
        }
        let _ = write!(line, "@{}", version.published_at);
    }
}

fn node_lines(node: &[u8]) -> Result<&[u8], DamagedTree> {
    node.strip_prefix(HEADER.as_bytes())
        .ok_or(DamagedTree("outline header"))
}

fn read_line(line: &str) -> Option<(String, OutlinedPackage)> {
    let mut parts = line.split(' ');
    let (name, entry) = read_package(&mut parts)?;
    let tagged = read_versions(parts.next()?)?;
    let dev = read_versions(parts.next()?)?;
    let versions = OutlinedVersions { tagged, dev };
    parts
        .next()
        .is_none()
        .then_some((name, OutlinedPackage { entry, versions }))
}

fn read_versions(text: &str) -> Option<Vec<VersionFacts>> {
    if text == NO_VERSIONS {
        return Some(Vec::new());
    }
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    text.split(',')
        .map(|version| {
            let (version, published_at) = version.split_once('@')?;
            let (normalized, alias) = match version.split_once('=') {
                Some((normalized, alias)) => (normalized, Some(decode(alias)?)),
                None => (version, None),
            };
            Some(VersionFacts {
                normalized: decode(normalized)?,
                alias,
                published_at: published_at.parse().ok()?,
            })
        })
        .collect()
}

fn damaged() -> DamagedTree {
    DamagedTree("outline line")
}

#[cfg(test)]
mod tests;
