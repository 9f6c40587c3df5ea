//! Documents as somebody sees them who does not see all versions.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::blob::BlobHash;
use super::super::minify::{expand, minify};
use super::{Limits, VersionFacts};

/// Moved by one whenever the same document and the same limits give another view: the old ones are then made no more.
const VIEW_FORM: u8 = 1;

/// The name of a view: the same document and the same limits give the same bytes, made once for all who have them.
pub fn view_name(document: &BlobHash, limits: &Limits) -> BlobHash {
    let mut digest = Sha256::new();
    digest.update([VIEW_FORM]);
    digest.update(document.as_str());
    digest.update(limits.spelling());
    BlobHash::of_digest(&digest.finalize().into())
}

/// A p2 document, or one that Composer 1 asks for by name, with those versions alone that the limits let through; none
/// when there is none, or when the document cannot be read.
pub fn limit_document(document: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let mut document: Map<String, Value> = serde_json::from_slice(document).ok()?;
    let is_minified = document.contains_key("minified");
    let packages = document.get_mut("packages")?.as_object_mut()?;
    let mut is_empty = true;
    for versions in packages.values_mut() {
        match versions {
            Value::Array(list) => {
                let entries = std::mem::take(list)
                    .into_iter()
                    .filter_map(|entry| match entry {
                        Value::Object(entry) => Some(entry),
                        _ => None,
                    });
                let entries: Vec<_> = entries.collect();
                let entries = if is_minified {
                    expand(entries)
                } else {
                    entries
                };
                let seen = entries
                    .into_iter()
                    .filter_map(|entry| limit_entry(entry, limits))
                    .collect::<Vec<_>>();
                is_empty &= seen.is_empty();
                let seen = if is_minified { minify(seen) } else { seen };
                *list = seen.into_iter().map(Value::Object).collect();
            }
            Value::Object(by_version) => {
                let seen: Map<String, Value> = std::mem::take(by_version)
                    .into_iter()
                    .filter_map(|(version, entry)| match entry {
                        Value::Object(entry) => {
                            limit_entry(entry, limits).map(|entry| (version, Value::Object(entry)))
                        }
                        _ => None,
                    })
                    .collect();
                is_empty &= seen.is_empty();
                *by_version = seen;
            }
            _ => return None,
        }
    }
    if is_empty {
        return None;
    }
    serde_json::to_vec(&document).ok()
}

/// The entry as it is seen; none when it is not.
fn limit_entry(mut entry: Map<String, Value>, limits: &Limits) -> Option<Map<String, Value>> {
    let facts = VersionFacts::of_entry(&entry)?;
    if !limits.shows(&facts) {
        return None;
    }
    if !limits.shows_source(&facts) {
        entry.shift_remove("source");
        // Where the code is, as the host has it: the page of the source leads there as well.
        if let Some(Value::Object(support)) = entry.get_mut("support") {
            support.shift_remove("source");
            support.shift_remove("issues");
            if support.is_empty() {
                entry.shift_remove("support");
            }
        }
    }
    Some(entry)
}
