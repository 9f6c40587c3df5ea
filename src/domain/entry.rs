//! One version as it stands in a document: what Composer's own repository would say of it, and what only we can say.
//!
//! The manifest's own keys are read in `manifest`; here they are put together with what the registry and the git host
//! add (Composer `VcsRepository::preProcess` and the drivers' `getComposerInformation`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::archive::ArchiveFormat;
use crate::domain::manifest::{dump, has_time, is_set};
use crate::domain::metadata::dist_path;
use crate::domain::name::PackageName;
use crate::domain::time::{parse_rfc3339, rfc3339};

/// Where a version's source code lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `git`, or another of Composer's kinds.
    #[serde(rename = "type")]
    pub kind: String,
    /// An address for `git clone`.
    pub url: String,
    /// The commit.
    pub reference: String,
}

/// Where a version's archive is.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// With us, in this format.
    Here(ArchiveFormat),
    /// Elsewhere, with what a person said of it: `type`, `url`, `reference`, `shasum`.
    Elsewhere(Map<String, Value>),
    /// Nowhere: there is a source alone.
    Nowhere,
}

impl Default for Place {
    fn default() -> Self {
        Self::Here(ArchiveFormat::default())
    }
}

/// What a git host adds to the manifests of a project, each only where a manifest is silent about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFacts {
    /// The page of the project's files at this version.
    pub source_page: Option<String>,
    /// The page of its issues.
    pub issues_page: Option<String>,
    /// Its website.
    pub homepage: Option<String>,
    /// How to pay for it, in the form that composer.json has.
    pub funding: Option<Value>,
    /// Whether it was archived there.
    pub is_archived: bool,
}

/// A version as it goes into a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReleasedVersion {
    /// The package's name as its default branch spells it, where that is known.
    pub spelled_name: Option<String>,
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
    /// Where the archive is.
    pub place: Place,
    /// Its source, when it comes from git or is said to.
    pub source: Option<Source>,
    /// RFC 3339: the commit's time, or the upload's.
    pub time: String,
    /// Unix second at which this registry first made it installable.
    pub published_at: i64,
    /// Whether it is the default branch.
    pub is_default_branch: bool,
    /// What its git host adds.
    pub host: HostFacts,
}

/// The order of keys, which is packagist.org's. All others follow in the order of composer.json.
const ORDER: [&str; 28] = [
    "name",
    "description",
    "keywords",
    "homepage",
    "version",
    "version_normalized",
    "license",
    "authors",
    "source",
    "dist",
    "type",
    "support",
    "php-ext",
    "funding",
    "time",
    "published-time",
    "autoload",
    "extra",
    "target-dir",
    "include-path",
    "bin",
    "default-branch",
    "require",
    "require-dev",
    "suggest",
    "conflict",
    "provide",
    "replace",
];

/// The whole entry of a version, not minified. `address` is the repository's own, without a trailing slash.
///
/// Every key that Composer's dumper knows has the value that it would write; keys that Composer does not know are kept.
/// `scripts` are kept too, as the dumper has them, though packagist.org leaves them out: clients run those of the root
/// package alone, and people read them with `composer show`.
pub fn build_entry(
    package: &PackageName,
    version: &ReleasedVersion,
    address: &str,
) -> Map<String, Value> {
    let mut found = dump(&version.manifest, &version.pretty);
    add_host_facts(&mut found, version);
    found.entry("type").or_insert_with(|| "library".into());
    if !has_time(&version.manifest) {
        let time = parse_rfc3339(&version.time).map_or_else(|| version.time.clone(), rfc3339);
        found.insert("time".to_owned(), time.into());
    }
    let mut set = |key: &str, value: Value| {
        found.insert(key.to_owned(), value);
    };
    set("name", version_name(package, version));
    set("version", version.pretty.as_str().into());
    set("version_normalized", version.normalized.as_str().into());
    if let Some(source) = &version.source {
        set(
            "source",
            json!({"type": source.kind, "url": source.url, "reference": source.reference}),
        );
    }
    match &version.place {
        Place::Here(format) => set(
            "dist",
            json!({
                "type": format.dist_type(),
                "url": format!("{address}/{}", dist_path(package, &version.reference, *format)),
                "reference": version.reference,
                "shasum": version.shasum,
            }),
        ),
        Place::Elsewhere(dist) => set("dist", dist.clone().into()),
        Place::Nowhere => {}
    }
    set("published-time", rfc3339(version.published_at).into());
    if version.is_default_branch {
        set("default-branch", true.into());
    }
    in_order(found)
}

fn in_order(mut found: Map<String, Value>) -> Map<String, Value> {
    let abandoned = found.shift_remove("abandoned");
    let mut entry = Map::new();
    for key in ORDER {
        if let Some(value) = found.shift_remove(key) {
            entry.insert(key.to_owned(), value);
        }
    }
    if let Some(abandoned) = abandoned {
        entry.insert("abandoned".to_owned(), abandoned);
    }
    entry.extend(found);
    entry
}

/// What the host knows stands where composer.json says nothing. A `support` that is no object is replaced.
fn add_host_facts(found: &mut Map<String, Value>, version: &ReleasedVersion) {
    let manifest = &version.manifest;
    let host = &version.host;
    let pages = [("source", &host.source_page), ("issues", &host.issues_page)];
    let pages: Vec<_> = pages
        .into_iter()
        .filter_map(|(key, page)| Some((key, page.as_ref()?)))
        .collect();
    if !pages.is_empty() {
        let mut support = match found.remove("support") {
            Some(Value::Object(support)) => support,
            Some(Value::Array(list)) => indexed(list),
            _ => Map::new(),
        };
        for (key, page) in pages {
            if !is_set(&support, key) {
                support.insert(key.to_owned(), page.as_str().into());
            }
        }
        found.insert("support".to_owned(), support.into());
    }
    if let Some(homepage) = &host.homepage
        && !is_set(manifest, "homepage")
    {
        found.insert("homepage".to_owned(), homepage.as_str().into());
    }
    if let Some(funding) = &host.funding
        && !is_set(manifest, "funding")
    {
        found.insert("funding".to_owned(), funding.clone());
    }
    if host.is_archived && !is_set(manifest, "abandoned") {
        found.insert("abandoned".to_owned(), true.into());
    }
}

/// A list as PHP sees it, a map from numbers.
fn indexed(list: Vec<Value>) -> Map<String, Value> {
    let entries = list.into_iter().enumerate();
    entries
        .map(|(index, value)| (index.to_string(), value))
        .collect()
}

/// The name as the default branch spells it, or else this manifest; its capitals are for display.
fn version_name(package: &PackageName, version: &ReleasedVersion) -> Value {
    let own = version.manifest.get("name").and_then(Value::as_str);
    let mut spelled = version.spelled_name.as_deref().into_iter().chain(own);
    let name = spelled.find(|name| name.eq_ignore_ascii_case(package.as_str()));
    name.unwrap_or(package.as_str()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(manifest: &Value) -> ReleasedVersion {
        ReleasedVersion {
            pretty: "1.0.0".to_owned(),
            normalized: "1.0.0.0".to_owned(),
            manifest: manifest.as_object().unwrap().clone(),
            reference: "abc".to_owned(),
            shasum: "def".to_owned(),
            time: "2026-01-01T00:00:00+00:00".to_owned(),
            published_at: 1_795_293_000,
            ..ReleasedVersion::default()
        }
    }

    fn build(version: &ReleasedVersion) -> Value {
        let package = PackageName::parse("acme/lib").unwrap();
        Value::Object(build_entry(
            &package,
            version,
            "https://packages.example.com/r/acme/main",
        ))
    }

    #[test]
    fn keys_stand_in_the_order_of_packagist_and_others_follow() {
        let manifest = json!({
            "x-unknown": {"b": [], "a": {}}, "require": {"php": "^8.1"}, "scripts": {"test": "phpunit"},
            "abandoned": "acme/new", "license": "MIT", "autoload": {"psr-4": {"A\\": "src"}}, "config": {"x": 1},
            "bin": "/bin/x", "keywords": ["b", "a"], "description": "d", "repositories": [], "extra": {},
        });
        let entry = build(&version(&manifest));
        let keys: Vec<_> = entry.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            keys.join(" "),
            "name description keywords version version_normalized license dist type time published-time autoload bin \
             require abandoned x-unknown scripts config"
        );
        assert_eq!(entry["x-unknown"], json!({"b": [], "a": {}}));
    }

    #[test]
    fn the_manifest_cannot_speak_for_the_registry() {
        let manifest = json!({
            "name": "other/name", "dist": {"type": "zip", "url": "https://evil.example"},
            "default-branch": true, "published-time": "1999-01-01", "time": "2001-02-03",
            "notification-url": "https://evil.example", "version_normalized": "9.9.9.9",
        });
        let entry = build(&version(&manifest));
        assert_eq!(entry["name"], "acme/lib");
        assert_eq!(
            entry["dist"],
            json!({
                "type": "zip",
                "url": "https://packages.example.com/r/acme/main/dist/acme/lib/abc.zip",
                "reference": "abc",
                "shasum": "def",
            })
        );
        for key in ["source", "default-branch", "notification-url"] {
            assert_eq!(entry.get(key), None, "{key}");
        }
        assert_eq!(entry["version_normalized"], "1.0.0.0");
        assert_eq!(entry["published-time"], "2026-11-21T20:30:00+00:00");
        assert_eq!(entry["time"], "2001-02-03T00:00:00+00:00");
    }

    #[test]
    fn the_host_speaks_where_the_manifest_is_silent() {
        let host = HostFacts {
            source_page: Some("https://git.example/acme/lib/tree/1.0.0".to_owned()),
            issues_page: Some("https://git.example/acme/lib/issues".to_owned()),
            homepage: Some("https://acme.example".to_owned()),
            funding: Some(json!([{"type": "github", "url": "https://github.com/acme"}])),
            is_archived: true,
        };
        let silent = ReleasedVersion {
            host: host.clone(),
            ..version(&json!({"support": "none", "abandoned": null}))
        };
        let entry = build(&silent);
        assert_eq!(
            entry["support"],
            json!({"source": "https://git.example/acme/lib/tree/1.0.0", "issues": "https://git.example/acme/lib/issues"})
        );
        assert_eq!(entry["homepage"], "https://acme.example");
        assert_eq!(entry["funding"][0]["type"], "github");
        assert_eq!(entry["abandoned"], true);

        let outspoken = ReleasedVersion {
            host,
            ..version(&json!({
                "support": {"issues": "https://a.b"}, "abandoned": false, "funding": [], "homepage": "https://c.d",
            }))
        };
        let entry = build(&outspoken);
        assert_eq!(entry["support"]["issues"], "https://a.b");
        assert_eq!(
            entry["support"]["source"],
            "https://git.example/acme/lib/tree/1.0.0"
        );
        assert_eq!(entry["homepage"], "https://c.d");
        assert_eq!(entry.get("funding"), None);
        assert_eq!(entry.get("abandoned"), None);
    }

    #[test]
    fn a_text_that_would_end_a_key_is_left_out() {
        let entry = build(&version(
            &json!({"description": "__unset", "x": "__unset", "y": ["__unset"]}),
        ));
        assert_eq!(entry.get("description"), None);
        assert_eq!(entry.get("x"), None);
        assert_eq!(entry["y"], json!(["__unset"]));
    }
}
