//! A version that a person wrote down, as Composer's `package` repositories have it: what composer.json would say, a
//! version, and where its archive or its source is.

use serde_json::{Map, Value};

use crate::domain::entry::Source;
use crate::domain::manifest::Manifest;
use crate::domain::name::PackageName;
use crate::domain::upload::{check_address, read_source};
use crate::domain::version::Version;

/// Versions in one definition.
const MOST_VERSIONS: usize = 500;
/// Composer's kinds of archives. `path` is none: it is a folder on the client's machine.
const KINDS: [&str; 7] = ["zip", "tar", "gzip", "xz", "rar", "phar", "file"];
const REFERENCE_LIMIT: usize = 255;

/// What is wrong with a definition; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidDefinition(String);

fn refuse<T>(text: impl Into<String>) -> Result<T, InvalidDefinition> {
    Err(InvalidDefinition(text.into()))
}

/// Where a defined version's archive is.
#[derive(Debug, Clone, PartialEq)]
pub enum DefinedDist {
    /// There is none but a source.
    Nowhere,
    /// Elsewhere: `type`, `url`, and perhaps `reference` and `shasum`.
    Elsewhere(Map<String, Value>),
    /// Here, by the SHA-256 of an archive that was uploaded for the package.
    Here(String),
}

/// A version as it was defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// All of it, as given.
    pub fields: Map<String, Value>,
    /// Its version.
    pub version: Version,
    /// Where its archive is.
    pub dist: DefinedDist,
    /// Where its source is.
    pub source: Option<Source>,
}

impl Definition {
    /// Reads one version or a list of them.
    pub fn parse_all(name: &PackageName, package: &Value) -> Result<Vec<Self>, InvalidDefinition> {
        let several = match package {
            Value::Array(several) => several.as_slice(),
            one => std::slice::from_ref(one),
        };
        if several.len() > MOST_VERSIONS {
            return refuse(format!(
                "A definition has at most {MOST_VERSIONS} versions; a package with more is best uploaded"
            ));
        }
        let mut found: Vec<Self> = Vec::new();
        for one in several {
            let definition = Self::parse(name, one)?;
            let normalized = definition.version.normalized();
            if found
                .iter()
                .any(|other| other.version.normalized() == normalized)
            {
                return refuse(format!(
                    "Version `{}` is defined twice",
                    definition.version.pretty()
                ));
            }
            found.push(definition);
        }
        Ok(found)
    }

    /// Reads and checks one version.
    pub fn parse(name: &PackageName, package: &Value) -> Result<Self, InvalidDefinition> {
        let Value::Object(fields) = package else {
            return refuse("A version is defined by an object with `name`, `version` and `dist`");
        };
        let manifest = manifest_of(fields);
        let bytes = serde_json::to_vec(&manifest).unwrap_or_default();
        let said =
            |text: String| InvalidDefinition(text.replace("composer.json", "the definition"));
        let manifest = Manifest::parse(&bytes).map_err(|fault| said(fault.to_string()))?;
        if manifest.package_name().as_ref() != Some(name) {
            return refuse(format!(
                "`name` in the definition must be `{name}`, which is the package in the address"
            ));
        }
        let version = manifest
            .version()
            .map_err(|fault| said(fault.to_string()))?
            .ok_or_else(|| InvalidDefinition("A defined version needs a `version`".to_owned()))?;
        let version =
            Version::parse(&version).map_err(|error| InvalidDefinition(error.to_string()))?;
        manifest
            .check_version(version.pretty())
            .map_err(|fault| said(fault.to_string()))?;
        let dist = match fields.get("dist") {
            None | Some(Value::Null) => DefinedDist::Nowhere,
            Some(dist) => read_dist(dist)?,
        };
        let source = match fields.get("source") {
            None | Some(Value::Null) => None,
            Some(source) => Some(read_defined_source(source)?),
        };
        if dist == DefinedDist::Nowhere && source.is_none() {
            return refuse(format!(
                "Version `{}` needs a `dist` or a `source`; without, nobody could install it",
                version.pretty()
            ));
        }
        Ok(Self {
            fields: fields.clone(),
            version,
            dist,
            source,
        })
    }

    /// What stands for composer.json.
    pub fn manifest(&self) -> Map<String, Value> {
        manifest_of(&self.fields)
    }
}

fn manifest_of(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut manifest = fields.clone();
    for key in ["dist", "source"] {
        manifest.shift_remove(key);
    }
    manifest
}

fn read_dist(dist: &Value) -> Result<DefinedDist, InvalidDefinition> {
    let Value::Object(fields) = dist else {
        return refuse("`dist` must be an object");
    };
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    if let Some(sha256) = text("sha256") {
        if fields.len() > 1 {
            return refuse(
                "`dist` has `sha256` for an uploaded archive, or `type` and `url` for one elsewhere, not both",
            );
        }
        return Ok(DefinedDist::Here(sha256.to_ascii_lowercase()));
    }
    let known = ["type", "url", "reference", "shasum"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return refuse(format!(
            "`dist` has `{}`; it can have `type`, `url`, `reference` and `shasum`",
            unknown.escape_debug()
        ));
    }
    if !text("type").is_some_and(|kind| KINDS.contains(&kind)) {
        return refuse(format!("`dist.type` must be one of {}", KINDS.join(", ")));
    }
    let url = text("url").unwrap_or_default();
    check_address("`dist`", url, &["https"])
        .map_err(|fault| InvalidDefinition(fault.to_string()))?;
    let is_reference = |value: &Value| {
        value.is_null()
            || value
                .as_str()
                .is_some_and(|text| text.len() <= REFERENCE_LIMIT)
    };
    if !fields.get("reference").is_none_or(is_reference) {
        return refuse(format!(
            "`dist.reference` must be text of at most {REFERENCE_LIMIT} bytes"
        ));
    }
    let is_shasum = |value: &Value| {
        value.is_null()
            || value.as_str().is_some_and(|text| {
                text.is_empty() || (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            })
    };
    if !fields.get("shasum").is_none_or(is_shasum) {
        return refuse("`dist.shasum` must be the SHA-1 of the archive, 40 hexadecimal digits");
    }
    Ok(DefinedDist::Elsewhere(fields.clone()))
}

fn read_defined_source(source: &Value) -> Result<Source, InvalidDefinition> {
    let text = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default();
    read_source(text("type"), text("url"), text("reference"))
        .map_err(|fault| InvalidDefinition(fault.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(package: &Value) -> Result<Vec<Definition>, InvalidDefinition> {
        Definition::parse_all(&PackageName::parse("acme/old").unwrap(), package)
    }

    fn with(changes: &Value) -> Value {
        let mut package = json!({
            "name": "acme/old", "version": "1.0", "require": {"php": ">=7"},
            "dist": {"type": "zip", "url": "https://files.example/old-1.0.zip"},
        });
        for (key, value) in changes.as_object().unwrap() {
            package[key] = value.clone();
        }
        package
    }

    #[test]
    fn what_composer_has_is_read() {
        let read = parse(&with(&json!({}))).unwrap().remove(0);
        assert_eq!(read.version.normalized(), "1.0.0.0");
        assert!(matches!(read.dist, DefinedDist::Elsewhere(_)));
        assert!(!read.manifest().contains_key("dist"));
        let source = json!({"type": "git", "url": "git@git.example:a/b.git", "reference": "v1"});
        let read = parse(&with(&json!({"dist": null, "source": source}))).unwrap();
        assert_eq!(read[0].dist, DefinedDist::Nowhere);
        assert_eq!(read[0].source.as_ref().unwrap().kind, "git");
        let uploaded = parse(&with(&json!({"dist": {"sha256": "ABC"}}))).unwrap();
        assert_eq!(uploaded[0].dist, DefinedDist::Here("abc".to_owned()));
        let list = json!([with(&json!({})), with(&json!({"version": "dev-main"}))]);
        assert_eq!(parse(&list).unwrap().len(), 2);
        assert_eq!(parse(&json!([])).unwrap(), []);
    }

    #[test]
    fn what_nobody_could_install_is_refused_with_a_reason() {
        let dist = |dist: &Value| with(&json!({ "dist": dist }));
        let url = "https://files.example/a.zip";
        for (package, said) in [
            (json!("acme/old"), "an object"),
            (with(&json!({"name": "acme/new"})), "must be `acme/old`"),
            (with(&json!({"version": null})), "needs a `version`"),
            (with(&json!({"version": "no!"})), "no!"),
            (
                with(&json!({"require": {"php": "~~"}})),
                "in the definition is not a valid constraint",
            ),
            (with(&json!({"dist": null})), "needs a `dist` or a `source`"),
            (dist(&json!([])), "`dist` must be an object"),
            (dist(&json!({"type": "path", "url": url})), "`dist.type`"),
            (dist(&json!({"url": url})), "`dist.type`"),
            (
                dist(&json!({"type": "zip", "url": "http://files.example/a.zip"})),
                "must begin with `https://`",
            ),
            (
                dist(&json!({"type": "zip", "url": "git@files.example:a.zip"})),
                "must begin with `https://`",
            ),
            (
                dist(&json!({"type": "zip", "url": "https://me:x@files.example/a.zip"})),
                "credentials",
            ),
            (
                dist(&json!({"type": "zip", "url": "https://x@files.example/a.zip"})),
                "credentials",
            ),
            (
                dist(&json!({"type": "zip", "url": url, "shasum": "abc"})),
                "`dist.shasum`",
            ),
            (
                dist(&json!({"type": "zip", "url": url, "reference": 1})),
                "`dist.reference`",
            ),
            (
                dist(&json!({"type": "zip", "url": url, "mirrors": []})),
                "`dist` has `mirrors`",
            ),
            (dist(&json!({"sha256": "abc", "url": url})), "not both"),
            (with(&json!({"source": {"type": "git"}})), "The source"),
            (
                json!([with(&json!({})), with(&json!({"version": "v1.0.0"}))]),
                "defined twice",
            ),
            (Value::Array(vec![with(&json!({})); 501]), "at most 500"),
        ] {
            let fault = parse(&package).unwrap_err().to_string();
            assert!(fault.contains(said), "{said}: {fault}");
        }
    }
}
