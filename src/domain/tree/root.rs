//! The root of a tree.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::domain::blob::{Blob, BlobHash};

use super::outline::{Outline, spread};
use super::{DamagedTree, NO_HASH, bucket_number};

const HEADER: &str = "repertoire-root 3 ";
/// Of what older programs wrote: without an outline, and before that without what Composer 1 reads.
const HEADER_WITHOUT_OUTLINE: &str = "repertoire-root 2 ";
const HEADER_WITHOUT_COMPOSER_1: &str = "repertoire-root 1 ";
/// `3f `, 64 hex digits, a blank, an eight-digit number, a line feed.
const LINE: usize = 3 + 64 + 1 + 8 + 1;
/// The header, a ten-digit count, a blank, 64 hex digits or dashes, a line feed.
const FIRST_LINE_WITHOUT_COMPOSER_1: usize = HEADER.len() + 10 + 1 + 64 + 1;
/// The same with a blank and 64 more hex digits or dashes.
const FIRST_LINE_WITHOUT_OUTLINE: usize = FIRST_LINE_WITHOUT_COMPOSER_1 + 1 + 64;
/// The same with a ten-digit count and two three-digit numbers, each after a blank.
const FIRST_LINE: usize = FIRST_LINE_WITHOUT_OUTLINE + 1 + 10 + 1 + 3 + 1 + 3;

/// A decoded root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    pub(super) names: Option<BlobHash>,
    pub(super) composer_1: Option<BlobHash>,
    pub(super) buckets: BTreeMap<u8, (BlobHash, u32)>,
    pub(super) outline: Outline,
}

impl Root {
    /// Reads a root node.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedTree> {
        let first = read_first_line(bytes)?;
        let read = |lines: &[u8]| {
            lines
                .chunks(LINE)
                .map(|line| {
                    let (number, hash, count) = read_line(line)?;
                    Some((number, (hash, count)))
                })
                .collect::<Option<BTreeMap<_, _>>>()
                .ok_or(DamagedTree("root line"))
        };
        let nodes = read(first.outline_lines)?;
        let outline = Outline::of_nodes(first.outlined_count, first.outline_spread, nodes)
            .ok_or(DamagedTree("root outline"))?;
        Ok(Self {
            buckets: read(first.lines)?,
            names: first.names,
            composer_1: first.composer_1,
            outline,
        })
    }

    /// Writes the root node.
    pub fn encode(&self) -> Blob {
        let spell =
            |hash: &Option<BlobHash>| hash.as_ref().map_or(NO_HASH, BlobHash::as_str).to_owned();
        let mut text = format!(
            "{HEADER}{:010} {} {} {:010} {:03} {:03}\n",
            self.package_count(),
            spell(&self.names),
            spell(&self.composer_1),
            self.outline.package_count(),
            self.outline.spread(),
            self.outline.nodes().count(),
        );
        for (number, (hash, count)) in &self.buckets {
            let _ = writeln!(text, "{number:02x} {hash} {count:08}");
        }
        for (number, hash, length) in self.outline.nodes() {
            let _ = writeln!(text, "{number:02x} {hash} {length:08}");
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

    /// The outline. It has all packages, or some of them while it is filled for the first time.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Whether no outline was begun, as in what an older program wrote.
    pub fn lacks_outline(&self) -> bool {
        self.outline.package_count() == 0 && self.package_count() > 0
    }
}

/// Finds one bucket in the bytes of a root, without decoding the rest.
pub fn find_bucket(root: &[u8], number: u8) -> Result<Option<BlobHash>, DamagedTree> {
    let first = split_first_line(root)?;
    let line = first_line_from(first.lines, number)?;
    Ok(line
        .filter(|(found, ..)| *found == number)
        .map(|(_, hash, _)| hash))
}

/// Where the outline has a name, whether there is such a package or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutlineNode {
    /// There is no outline, or not of all packages yet.
    Unfinished,
    /// In no node: there are no packages at all.
    Empty,
    /// In this node.
    At(BlobHash),
}

/// Finds the node of the outline for a name in the bytes of a root, without decoding the rest. Every name has one: where
/// its own would be empty, the next one that is not, and after the last one the first.
pub fn find_outline_node(root: &[u8], name: &str) -> Result<OutlineNode, DamagedTree> {
    let first = split_first_line(root)?;
    if first.outlined_count != first.package_count {
        return Ok(OutlineNode::Unfinished);
    }
    let number = spread(bucket_number(name), first.outline_spread);
    let lines = first.outline_lines;
    let found = match first_line_from(lines, number)? {
        None => first_line_from(lines, 0)?,
        found => found,
    };
    Ok(found.map_or(OutlineNode::Empty, |(_, hash, _)| OutlineNode::At(hash)))
}

/// The first of the lines whose number is this one or higher.
fn first_line_from(lines: &[u8], number: u8) -> Result<Option<(u8, BlobHash, u32)>, DamagedTree> {
    let line_at = |index: usize| {
        let start = index.saturating_mul(LINE);
        lines.get(start..start.saturating_add(LINE))
    };
    let damaged = DamagedTree("root line");
    let (mut low, mut high) = (0_usize, lines.len() / LINE);
    let mut found = None;
    while low < high {
        let middle = low.midpoint(high);
        // Of those on the way no more than the number is looked at: a root is searched with each request.
        let line = line_at(middle).ok_or(damaged)?;
        let order = number_of(line).ok_or(damaged)?.cmp(&number);
        if order == Ordering::Less {
            low = middle.saturating_add(1);
            continue;
        }
        found = Some(line);
        if order == Ordering::Equal {
            break;
        }
        high = middle;
    }
    found.map(|line| read_line(line).ok_or(damaged)).transpose()
}

/// The number that a line begins with.
fn number_of(line: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (digit(line.first()?)?, digit(line.get(1)?)?);
    u8::try_from((high << 4) | low).ok()
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
    /// Of how many packages the outline tells: of fewer than there are while it is filled for the first time.
    outlined_count: u64,
    /// Among how many nodes the outline's names are spread.
    outline_spread: u16,
    lines: &'a [u8],
    outline_lines: &'a [u8],
}

impl FirstLine<'_> {
    /// Whether there is an outline of all packages.
    pub fn is_outlined(&self) -> bool {
        self.outlined_count == self.package_count
    }

    /// Among how many nodes its names are spread.
    pub fn outline_spread(&self) -> u16 {
        self.outline_spread
    }
}

/// Reads the first line of a root, without decoding the rest.
pub fn read_first_line(root: &[u8]) -> Result<FirstLine<'_>, DamagedTree> {
    let parts = split_first_line(root)?;
    Ok(FirstLine {
        package_count: parts.package_count,
        names: BlobHash::parse(parts.names),
        composer_1: BlobHash::parse(parts.composer_1),
        outlined_count: parts.outlined_count,
        outline_spread: parts.outline_spread,
        lines: parts.lines,
        outline_lines: parts.outline_lines,
    })
}

/// The same where it stands, hashes not looked at.
struct Parts<'a> {
    package_count: u64,
    names: &'a str,
    composer_1: &'a str,
    outlined_count: u64,
    outline_spread: u16,
    lines: &'a [u8],
    outline_lines: &'a [u8],
}

fn split_first_line(root: &[u8]) -> Result<Parts<'_>, DamagedTree> {
    let damaged = || DamagedTree("root header");
    let length = if root.starts_with(HEADER.as_bytes()) {
        FIRST_LINE
    } else if root.starts_with(HEADER_WITHOUT_OUTLINE.as_bytes()) {
        FIRST_LINE_WITHOUT_OUTLINE
    } else if root.starts_with(HEADER_WITHOUT_COMPOSER_1.as_bytes()) {
        FIRST_LINE_WITHOUT_COMPOSER_1
    } else {
        return Err(damaged());
    };
    let (first, lines) = root.split_at_checked(length).ok_or_else(damaged)?;
    let mut fields = std::str::from_utf8(first)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .and_then(|text| text.get(HEADER.len()..))
        .ok_or_else(damaged)?
        .split(' ');
    let package_count = read_number(fields.next()).ok_or(DamagedTree("root count"))?;
    let names = fields.next().ok_or_else(damaged)?;
    let composer_1 = fields.next().unwrap_or(NO_HASH);
    let (outlined_count, outline_spread, nodes) = if length == FIRST_LINE {
        let mut number = || read_number(fields.next()).ok_or(DamagedTree("root outline"));
        (number()?, number()?, number()?)
    } else {
        (0, 1, 0)
    };
    let outline_spread = u16::try_from(outline_spread)
        .ok()
        .filter(|spread| spread.is_power_of_two() && *spread <= 256 && nodes <= u64::from(*spread))
        .ok_or(DamagedTree("root outline"))?;
    if fields.next().is_some() {
        return Err(damaged());
    }
    let buckets = usize::try_from(nodes)
        .ok()
        .and_then(|nodes| lines.len().checked_sub(nodes.checked_mul(LINE)?))
        .ok_or(DamagedTree("root length"))?;
    let (lines, outline_lines) = lines
        .split_at_checked(buckets)
        .filter(|(lines, _)| lines.len() % LINE == 0)
        .ok_or(DamagedTree("root length"))?;
    Ok(Parts {
        package_count,
        names,
        composer_1,
        outlined_count,
        outline_spread,
        lines,
        outline_lines,
    })
}

fn read_number(digits: Option<&str>) -> Option<u64> {
    digits?.parse().ok()
}

fn read_line(line: &[u8]) -> Option<(u8, BlobHash, u32)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let mut parts = line.split(' ');
    let number = u8::from_str_radix(parts.next()?, 16).ok()?;
    let hash = BlobHash::parse(parts.next()?)?;
    let count = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((number, hash, count))
}
