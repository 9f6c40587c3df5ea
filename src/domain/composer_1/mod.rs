//! What Composer 1 reads: a document for each package, a listing for each bucket of the tree, and one file that names the
//! listings. Each names the one below it by its SHA-256, so all that a run reads belongs together.
//!
//! ```text
//! {"repository":7,"provider-includes":{"p/listing-3f$%hash%.json":{"sha256":"…","count":2}}}
//! {"repository":7,"providers":{"acme/lib":{"sha256":"…","time":1795200000}}}
//! {"repository":7,"packages":{"acme/lib":{"v1.0.0":{…},"dev-main":{…}}}}
//! ```
//!
//! They are asked for by hash alone, so each begins by saying whose it is: nothing else in the blob store begins so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::blob::{Blob, BlobHash};
use crate::domain::name::PackageName;
use crate::domain::tree::{DamagedTree, bucket_number};

/// A document in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The document.
    pub hash: BlobHash,
    /// The Unix second at which it last changed.
    pub changed_at: i64,
}

/// A listing: names to documents.
pub type Listing = BTreeMap<String, Provider>;

/// The file that names the listings: bucket number to listing and its number of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Includes(BTreeMap<u8, (BlobHash, u64)>);

#[derive(Serialize, Deserialize)]
struct ProviderText {
    sha256: String,
    time: i64,
}

#[derive(Serialize, Deserialize)]
struct ListingText {
    repository: i64,
    providers: BTreeMap<String, ProviderText>,
}

#[derive(Serialize, Deserialize)]
struct IncludeText {
    sha256: String,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct IncludesText {
    repository: i64,
    #[serde(rename = "provider-includes")]
    includes: BTreeMap<String, IncludeText>,
}

/// The address of a document below the repository's, with Composer's placeholders.
pub const DOCUMENT_PATH: &str = "p/%package%$%hash%.json";
/// The same without a hash: the document as it is now.
pub const LAZY_PATH: &str = "p/%package%.json";
/// The address of the file that names the listings.
pub const INCLUDES_PATH: &str = "p/includes$%hash%.json";

const LISTING_START: &str = "p/listing-";
const LISTING_END: &str = "$%hash%.json";

impl Includes {
    /// Reads it.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedTree> {
        let damaged = || DamagedTree::of("includes of Composer 1");
        let text: IncludesText = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        let read = |(path, include): (String, IncludeText)| {
            let digits = path
                .strip_prefix(LISTING_START)?
                .strip_suffix(LISTING_END)?;
            let number = u8::from_str_radix(digits, 16).ok()?;
            Some((number, (BlobHash::parse(&include.sha256)?, include.count)))
        };
        let listings: Option<_> = text.includes.into_iter().map(read).collect();
        listings.map(Self).ok_or_else(damaged)
    }

    /// Writes it.
    pub fn encode(&self, repository: i64) -> Blob {
        let includes = self.0.iter().map(|(number, (hash, count))| {
            let include = IncludeText {
                sha256: hash.to_string(),
                count: *count,
            };
            (format!("{LISTING_START}{number:02x}{LISTING_END}"), include)
        });
        blob(&IncludesText {
            repository,
            includes: includes.collect(),
        })
    }

    /// The listing of a bucket.
    pub fn listing(&self, number: u8) -> Option<&BlobHash> {
        self.0.get(&number).map(|(hash, _)| hash)
    }

    /// All listings.
    pub fn listings(&self) -> impl Iterator<Item = &BlobHash> {
        self.0.values().map(|(hash, _)| hash)
    }

    /// How many packages are listed. Fewer than the tree has: they are still being built.
    pub fn package_count(&self) -> u64 {
        self.0
            .values()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// Reads a listing.
pub fn decode_listing(bytes: &[u8]) -> Result<Listing, DamagedTree> {
    let damaged = || DamagedTree::of("a listing of Composer 1");
    let text: ListingText = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    let read = |(name, provider): (String, ProviderText)| {
        let hash = BlobHash::parse(&provider.sha256)?;
        let changed_at = provider.time;
        Some((name, Provider { hash, changed_at }))
    };
    let listing: Option<_> = text.providers.into_iter().map(read).collect();
    listing.ok_or_else(damaged)
}

fn encode_listing(repository: i64, listing: &Listing) -> Blob {
    let providers = listing.iter().map(|(name, provider)| {
        let text = ProviderText {
            sha256: provider.hash.to_string(),
            time: provider.changed_at,
        };
        (name.clone(), text)
    });
    blob(&ListingText {
        repository,
        providers: providers.collect(),
    })
}

/// Builds the document of a package from the entries of its versions, as the documents of Composer 2 have them.
pub fn build_document(
    repository: i64,
    package: &PackageName,
    entries: impl IntoIterator<Item = Map<String, Value>>,
) -> Blob {
    let mut versions = Map::new();
    for mut entry in entries {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let pretty = text("version").to_owned();
        // Composer 1 knows a version by it, among all that it has loaded from the repository, and makes names of its own by
        // adding `-alias` and `-root`: the end of ours keeps them apart from the next branch's.
        let uid = format!("{package} {}.", text("version_normalized"));
        entry.insert("uid".to_owned(), uid.into());
        versions.insert(pretty, Value::Object(entry));
    }
    blob(&json!({"repository": repository, "packages": {package.as_str(): versions}}))
}

/// Whether these bytes are a listing, or the names of all listings, of this repository.
pub fn is_listing(bytes: &[u8], repository: i64) -> bool {
    ["providers", "provider-includes"].iter().any(|key| {
        bytes.starts_with(format!("{{\"repository\":{repository},\"{key}\":{{").as_bytes())
    })
}

/// Whether these bytes are a document of this package in this repository.
pub fn is_document(bytes: &[u8], repository: i64, package: &PackageName) -> bool {
    let start = format!("{{\"repository\":{repository},\"packages\":{{\"{package}\":{{");
    bytes.starts_with(start.as_bytes())
}

/// Listings on their way to a new state: those that are touched, and the names of all.
pub struct Draft {
    repository: i64,
    includes: Includes,
    touched: BTreeMap<u8, Listing>,
}

impl Draft {
    /// `touched` holds the listings of the buckets that will be touched; those that do not exist are empty.
    pub fn new(repository: i64, includes: Includes, touched: BTreeMap<u8, Listing>) -> Self {
        Self {
            repository,
            includes,
            touched,
        }
    }

    /// The document of a package as it was.
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.touched.get(&bucket_number(name))?.get(name)
    }

    /// The package has this document now, from Unix second `time` on if it is another one.
    pub fn put(&mut self, name: &str, hash: BlobHash, time: i64) {
        let listing = self.touched.entry(bucket_number(name)).or_default();
        let known = listing.get(name).filter(|known| known.hash == hash);
        let changed_at = known.map_or(time, |known| known.changed_at);
        listing.insert(name.to_owned(), Provider { hash, changed_at });
    }

    /// The package is gone.
    pub fn remove(&mut self, name: &str) {
        if let Some(listing) = self.touched.get_mut(&bucket_number(name)) {
            listing.remove(name);
        }
    }

    /// The new files that are to be stored, and the name of the one that names the others, which comes last. What was
    /// there before is not among them.
    pub fn finish(mut self) -> (BlobHash, Vec<Blob>) {
        let known: BTreeSet<BlobHash> = self.includes.listings().cloned().collect();
        let before = self.includes.encode(self.repository);
        let mut blobs = Vec::new();
        for (number, listing) in &self.touched {
            if listing.is_empty() {
                self.includes.0.remove(number);
                continue;
            }
            let blob = encode_listing(self.repository, listing);
            let count = u64::try_from(listing.len()).unwrap_or(u64::MAX);
            self.includes
                .0
                .insert(*number, (blob.hash().clone(), count));
            if !known.contains(blob.hash()) {
                blobs.push(blob);
            }
        }
        let after = self.includes.encode(self.repository);
        let hash = after.hash().clone();
        // A repository's very first file has no packages and was never stored.
        if after != before || known.is_empty() {
            blobs.push(after);
        }
        (hash, blobs)
    }
}

fn blob(value: &impl Serialize) -> Blob {
    Blob::new(serde_json::to_vec(value).unwrap_or_default())
}

#[cfg(test)]
mod tests;
