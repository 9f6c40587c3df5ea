//! The documents of a package: `p2/{name}.json` and `p2/{name}~dev.json`.

use serde_json::{Map, Value, json};

use crate::domain::archive::ArchiveFormat;
use crate::domain::entry::{ReleasedVersion, build_entry};
use crate::domain::minify::{expand, minify};
use crate::domain::name::PackageName;
use crate::domain::version::compare_normalized;

/// Moved by one whenever the same versions give other documents than before, for Composer 2 or 1, or another tree: every
/// repository is then published again. Documents that come out the same keep their validators.
pub const DOCUMENT_FORM: i64 = 2;

/// The address of an archive below a repository's address. Stands in lock files for ever: never to change.
pub fn dist_path(package: &PackageName, reference: &str, format: ArchiveFormat) -> String {
    format!("dist/{package}/{reference}.{}", format.ending())
}

/// The same address as Composer fills it in of a mirror's.
pub const DIST_TEMPLATE: &str = "dist/%package%/%reference%.%type%";

/// Builds the entries of versions, newest first. `address` is the repository's own, without a trailing slash.
pub fn build_entries(
    package: &PackageName,
    mut versions: Vec<ReleasedVersion>,
    address: &str,
) -> Vec<Map<String, Value>> {
    versions.sort_by(|one, other| {
        compare_normalized(&other.normalized, &one.normalized)
            .then_with(|| one.normalized.cmp(&other.normalized))
    });
    versions
        .into_iter()
        .map(|version| build_entry(package, &version, address))
        .collect()
}

/// Builds a p2 document.
pub fn build_document(package: &PackageName, entries: Vec<Map<String, Value>>) -> Vec<u8> {
    let document = json!({
        "minified": "composer/2.0",
        "packages": { package.as_str(): minify(entries) },
        // An empty list is an answer; without the key, each update asks for advisories with requests of their own.
        "security-advisories": [],
    });
    serde_json::to_vec(&document).unwrap_or_default()
}

/// The entries of a p2 document, in their order; none where it has no such package.
pub fn read_document(
    package: &PackageName,
    bytes: &[u8],
) -> Result<Vec<Map<String, Value>>, serde_json::Error> {
    let mut document: Value = serde_json::from_slice(bytes)?;
    let of_package = document
        .get_mut("packages")
        .and_then(|packages| packages.get_mut(package.as_str()))
        .map(Value::take);
    let Some(Value::Array(minified)) = of_package else {
        return Ok(Vec::new());
    };
    let minified = minified.into_iter().filter_map(|entry| match entry {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Ok(expand(minified.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(pretty: &str, normalized: &str, manifest: &Value) -> ReleasedVersion {
        ReleasedVersion {
            pretty: pretty.to_owned(),
            normalized: normalized.to_owned(),
            manifest: manifest.as_object().unwrap().clone(),
            reference: "abc".to_owned(),
            shasum: "def".to_owned(),
            time: "2026-01-01T00:00:00+00:00".to_owned(),
            published_at: 1_795_293_000,
            ..ReleasedVersion::default()
        }
    }

    fn build(versions: Vec<ReleasedVersion>) -> Value {
        let package = PackageName::parse("acme/lib").unwrap();
        let address = "https://packages.example.com/r/acme/main";
        let bytes = build_document(&package, build_entries(&package, versions, address));
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn newest_comes_first_and_only_differences_follow() {
        let old =
            json!({"name": "acme/lib", "require": {"php": "^8.1"}, "bin": ["x"], "x-unknown": [1]});
        let new = json!({"name": "acme/lib", "require": {"php": "^8.1"}, "version": "9.9.9"});
        let document = build(vec![
            version("1.0.0", "1.0.0.0", &old),
            version("v1.10.0", "1.10.0.0", &new),
        ]);
        let entries = document["packages"]["acme/lib"].as_array().unwrap();
        assert_eq!(entries[0]["version"], "v1.10.0");
        assert_eq!(entries[0]["version_normalized"], "1.10.0.0");
        assert_eq!(
            entries[0]["dist"],
            json!({
                "type": "zip",
                "url": "https://packages.example.com/r/acme/main/dist/acme/lib/abc.zip",
                "reference": "abc",
                "shasum": "def",
            })
        );
        assert_eq!(entries[0]["published-time"], "2026-11-21T20:30:00+00:00");
        assert_eq!(
            entries[1],
            json!({"version": "1.0.0", "version_normalized": "1.0.0.0", "bin": ["x"], "x-unknown": [1]})
        );
        assert_eq!(document["security-advisories"], json!([]));
    }
}
