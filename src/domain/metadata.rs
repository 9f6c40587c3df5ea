//! The documents of a package: `p2/{name}.json` and `p2/{name}~dev.json`.

use serde_json::{Map, Value, json};

use crate::domain::minify::minify;
use crate::domain::name::PackageName;
use crate::domain::time::rfc3339;
use crate::domain::version::compare_normalized;

/// Moved by one whenever the same versions give other documents than before, for Composer 2 or 1: every repository is then
/// published again. Documents that come out the same keep their validators.
pub const DOCUMENT_FORM: i64 = 1;

/// Where a version's source code lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// An address for `git clone`.
    pub url: String,
    /// The commit.
    pub reference: String,
}

/// A version as it goes into a document.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedVersion {
    /// As tagged: `v1.2.0`, `dev-main`.
    pub pretty: String,
    /// `1.2.0.0`.
    pub normalized: String,
    /// All of composer.json.
    pub manifest: Map<String, Value>,
    /// What `dist.reference` says.
    pub reference: String,
    /// SHA-1 of the archive, in hex.
    pub shasum: String,
    /// Its source, when it comes from git.
    pub source: Option<Source>,
    /// RFC 3339: the commit's time, or the upload's.
    pub time: String,
    /// Unix second at which this registry first made it installable.
    pub published_at: i64,
    /// Whether it is the default branch.
    pub is_default_branch: bool,
    /// Whether its project was archived at the git host.
    pub is_abandoned: bool,
}

/// The address of an archive below a repository's address. Stands in lock files for ever: never to change.
pub fn dist_path(package: &PackageName, reference: &str) -> String {
    format!("dist/{package}/{reference}.zip")
}

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
        .map(|version| build_entry(package, version, address))
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

/// Keys of composer.json that are ours to say, or that only a root package may have an opinion on.
/// (Composer `VcsRepository::preProcess` and `ArrayLoader` treat them so.)
const OWN_KEYS: [&str; 8] = [
    "name",
    "version",
    "version_normalized",
    "source",
    "dist",
    "default-branch",
    "published-time",
    "notification-url",
];

fn build_entry(
    package: &PackageName,
    version: ReleasedVersion,
    address: &str,
) -> Map<String, Value> {
    let mut entry = Map::new();
    let mut set = |key: &str, value: Value| {
        entry.insert(key.to_owned(), value);
    };
    set("name", version_name(package, &version.manifest));
    set("version", version.pretty.into());
    set("version_normalized", version.normalized.into());
    if let Some(source) = version.source {
        set(
            "source",
            json!({"type": "git", "url": source.url, "reference": source.reference}),
        );
    }
    set(
        "dist",
        json!({
            "type": "zip",
            "url": format!("{address}/{}", dist_path(package, &version.reference)),
            "reference": version.reference,
            "shasum": version.shasum,
        }),
    );
    let mut has_time = false;
    let mut has_abandoned = false;
    for (key, value) in version.manifest {
        if OWN_KEYS.contains(&key.as_str()) {
            continue;
        }
        // A document cannot carry this text as a value: it is how minified entries say that a key ends.
        if value == "__unset" {
            continue;
        }
        has_time |= key == "time";
        has_abandoned |= key == "abandoned";
        set(&key, value);
    }
    if !has_time {
        set("time", version.time.into());
    }
    set("published-time", rfc3339(version.published_at).into());
    if version.is_default_branch {
        set("default-branch", true.into());
    }
    if version.is_abandoned && !has_abandoned {
        set("abandoned", true.into());
    }
    entry
}

/// The name as the manifest spells it, when it is this package's; its capitals are for display.
fn version_name(package: &PackageName, manifest: &Map<String, Value>) -> Value {
    let spelled = manifest.get("name").and_then(Value::as_str);
    match spelled {
        Some(name) if name.eq_ignore_ascii_case(package.as_str()) => name.into(),
        _ => package.as_str().into(),
    }
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
            source: None,
            time: "2026-01-01T00:00:00+00:00".to_owned(),
            published_at: 1_795_293_000,
            is_default_branch: false,
            is_abandoned: false,
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

    #[test]
    fn the_manifest_cannot_speak_for_the_registry() {
        let manifest = json!({
            "name": "other/name", "dist": {"url": "https://evil.example"}, "source": 1,
            "default-branch": true, "published-time": "1999-01-01", "time": "2001-02-03",
        });
        let document = build(vec![version("1.0.0", "1.0.0.0", &manifest)]);
        let entry = &document["packages"]["acme/lib"][0];
        assert_eq!(entry["name"], "acme/lib");
        assert!(
            entry["dist"]["url"]
                .as_str()
                .unwrap()
                .starts_with("https://packages.example.com/")
        );
        assert!(entry.get("source").is_none());
        assert!(entry.get("default-branch").is_none());
        assert_eq!(entry["published-time"], "2026-11-21T20:30:00+00:00");
        assert_eq!(entry["time"], "2001-02-03");
    }
}
