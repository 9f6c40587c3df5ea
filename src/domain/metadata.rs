//! The documents a client reads: `packages.json`, `p2/{name}.json` and `p2/{name}~dev.json`.

use serde_json::json;

use crate::domain::entry::{ReleasedVersion, build_entry};
use crate::domain::minify::minify;
use crate::domain::name::PackageName;
use crate::domain::version::compare_normalized;

/// Moved by one whenever the form of `packages.json` changes with the same contents,
/// since its validator would otherwise tell clients that nothing has changed.
pub const ROOT_DOCUMENT_FORM: i64 = 6;

/// A pattern that no package name can match: a vendor begins with a letter or a digit. An empty list of
/// names would be read as "not given", and every name would be asked for.
const NOTHING: &str = "-/-";

/// The address of an archive below a repository's address. Stands in lock files for ever: never to change.
pub fn dist_path(package: &PackageName, reference: &str) -> String {
    format!("dist/{package}/{reference}.zip")
}

/// Builds a p2 document. `address` is the repository's own, without a trailing slash.
pub fn build_document(
    package: &PackageName,
    mut versions: Vec<ReleasedVersion>,
    address: &str,
) -> Vec<u8> {
    versions.sort_by(|one, other| {
        compare_normalized(&other.normalized, &one.normalized)
            .then_with(|| one.normalized.cmp(&other.normalized))
    });
    let entries = versions
        .into_iter()
        .map(|version| build_entry(package, &version, address))
        .collect();
    let document = json!({
        "minified": "composer/2.0",
        "packages": { package.as_str(): minify(entries) },
        // An empty list is an answer; without the key, each update asks for advisories with requests of their own.
        "security-advisories": [],
    });
    serde_json::to_vec(&document).unwrap_or_default()
}

/// What a caller may know of a repository's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// All of them.
    Listed(Vec<String>),
    /// Patterns that cover them.
    Patterns(Vec<String>),
}

/// Builds `packages.json` for a repository at `address` (absolute: clients resolve relative URLs against the
/// host alone, not against the repository's path).
pub fn build_root(address: &str, names: Names) -> Vec<u8> {
    let (key, names) = match names {
        Names::Listed(names) if !names.is_empty() => ("available-packages", names),
        Names::Patterns(patterns) if !patterns.is_empty() => {
            ("available-package-patterns", patterns)
        }
        Names::Listed(_) | Names::Patterns(_) => {
            ("available-package-patterns", vec![NOTHING.to_owned()])
        }
    };
    let root = json!({
        "packages": [],
        "metadata-url": format!("{address}/p2/%package%.json"),
        (key): names,
        // Clients append `?filter=…` to it, so it can have no query of its own.
        "list": format!("{address}/list.json"),
        "search": format!("{address}/search.json?q=%query%&type=%type%"),
        "providers-api": format!("{address}/providers/%package%.json"),
        "metadata-changes-url": format!("{address}/metadata/changes.json"),
        "notify-batch": format!("{address}/downloads"),
        "security-advisories": {
            "metadata": true,
            "api-url": format!("{address}/security-advisories"),
        },
        "warning": "This repository speaks the protocol of Composer 2; please update Composer",
        "warning-versions": "<1.999",
    });
    serde_json::to_vec(&root).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

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
        let bytes = build_document(
            &package,
            versions,
            "https://packages.example.com/r/acme/main",
        );
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

    #[test]
    fn a_root_never_has_an_empty_list_of_names() {
        let root: Value =
            serde_json::from_slice(&build_root("https://a.b", Names::Listed(Vec::new()))).unwrap();
        assert!(root.get("available-packages").is_none());
        assert_eq!(root["available-package-patterns"], json!(["-/-"]));
        assert_eq!(root["metadata-url"], "https://a.b/p2/%package%.json");
    }
}
