//! composer.json as it was read: every key kept, in its order.
//!
//! One version that a client cannot load makes the client refuse the whole document of its package
//! (Composer `ComposerRepository::loadAsyncPackages`), so what the client's `ArrayLoader` would choke on
//! is refused here, with the reason. What it accepts is accepted; `keys.rs` has the rules, key by key.

mod keys;
mod moment;
mod php;

use serde_json::{Map, Value};

use keys::Reading;

pub(crate) use keys::{has_time, is_set};

use crate::domain::constraint::Constraint;
use crate::domain::name::PackageName;
use crate::domain::scan;

/// Why a composer.json cannot become a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// Not JSON.
    #[error("composer.json is not valid JSON: {0}")]
    BrokenJson(String),
    /// JSON, but no object, or an empty one.
    #[error("composer.json is empty or not an object")]
    NoObject,
    /// A key has a value of the wrong kind.
    #[error("`{key}` in composer.json must be {expected}")]
    WrongKind {
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A link's value is no constraint.
    #[error("`{kind}.{package}` in composer.json is not a valid constraint: `{constraint}`")]
    BadConstraint {
        /// `require`, …
        kind: &'static str,
        /// The package linked to.
        package: String,
        /// The text that is no constraint.
        constraint: String,
    },
}

/// A composer.json that a client can load.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    fields: Map<String, Value>,
}

impl Manifest {
    /// Reads and checks the bytes of a composer.json.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestFault> {
        // Composer's own reader refuses a byte order mark too.
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| ManifestFault::BrokenJson(error.to_string()))?;
        let Value::Object(fields) = value else {
            return Err(ManifestFault::NoObject);
        };
        if fields.is_empty() {
            return Err(ManifestFault::NoObject);
        }
        let manifest = Self { fields };
        manifest.check_kinds()?;
        manifest.check_links()?;
        Ok(manifest)
    }

    /// All keys, in their order.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The `name`, as written.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The `name`, when it is a valid package name.
    pub fn package_name(&self) -> Option<PackageName> {
        self.name().and_then(|name| PackageName::parse(name).ok())
    }

    /// The `version`, as written; a number or a truth value counts as its text, as in PHP.
    pub fn version(&self) -> Result<Option<String>, ManifestFault> {
        let Some(version) = self.fields.get("version").filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        php::to_text(version)
            .map(Some)
            .ok_or_else(|| ManifestFault::WrongKind {
                key: "version".to_owned(),
                expected: "text, or best be left out",
            })
    }

    /// The `description`.
    pub fn description(&self) -> Option<&str> {
        self.text("description")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    /// Whether a link stands for the version of the package itself.
    pub fn links_itself(&self) -> bool {
        let links = keys::LINKS.iter().filter_map(|kind| self.fields.get(*kind));
        links
            .flat_map(php::entries)
            .any(|(_, link)| *link == "self.version")
    }

    /// Whether its links can be read for this version, given as it is shown: `self.version` stands for it, and not
    /// every version can be written in a constraint.
    pub fn check_version(&self, pretty: &str) -> Result<(), ManifestFault> {
        if Constraint::parse(pretty).is_ok() {
            return Ok(());
        }
        for kind in keys::LINKS {
            let links = self.fields.get(kind).map(php::entries).unwrap_or_default();
            if let Some((package, _)) = links.into_iter().find(|(_, link)| *link == "self.version")
            {
                return Err(ManifestFault::BadConstraint {
                    kind,
                    package: scan::excerpt(&package),
                    constraint: scan::excerpt(pretty),
                });
            }
        }
        Ok(())
    }

    fn check_kinds(&self) -> Result<(), ManifestFault> {
        for (key, value) in &self.fields {
            keys::read(key, value, "").map_err(|(key, expected)| ManifestFault::WrongKind {
                key: scan::excerpt(&key),
                expected,
            })?;
        }
        // 2.10.2 and later abort the whole run on a binary outside of the package.
        if bin_paths(self.fields.get("bin"))
            .any(|path| path.split(['/', '\\']).any(|part| part == ".."))
        {
            return Err(ManifestFault::WrongKind {
                key: "bin".to_owned(),
                expected: "paths inside of the package",
            });
        }
        Ok(())
    }

    fn check_links(&self) -> Result<(), ManifestFault> {
        for kind in keys::LINKS {
            let links = self.fields.get(kind).map(php::entries).unwrap_or_default();
            for (package, constraint) in links {
                // Composer passes over what is no text.
                let Some(text) = constraint.as_str() else {
                    continue;
                };
                if text != "self.version" && Constraint::parse(text).is_err() {
                    return Err(ManifestFault::BadConstraint {
                        kind,
                        package: scan::excerpt(&package),
                        constraint: scan::excerpt(text),
                    });
                }
            }
        }
        Ok(())
    }
}

/// What stands in an entry for a version shown as `pretty`: every key of a manifest that Composer's dumper would write,
/// with its value, and every key that Composer does not know, as it is. A value that Composer would stop over is left
/// out; [`Manifest::parse`] has refused it long before.
pub fn dump(fields: &Map<String, Value>, pretty: &str) -> Map<String, Value> {
    let mut dumped = Map::new();
    for (key, value) in fields {
        let value = match keys::read(key, value, pretty) {
            Ok(Reading::Value(value)) => value,
            Ok(Reading::Unknown) => value.clone(),
            Ok(Reading::Nothing) | Err(_) => continue,
        };
        // A document cannot carry this text as a value: it is how minified entries say that a key ends.
        if value != "__unset" {
            dumped.insert(key.clone(), value);
        }
    }
    dumped
}

fn bin_paths(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let single = value.and_then(Value::as_str);
    let several = value.map(php::entries).unwrap_or_default();
    let several = several.into_iter().filter_map(|(_, path)| path.as_str());
    single.into_iter().chain(several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_manifest_keeps_its_keys_in_their_order() {
        let manifest = Manifest::parse(
            br#"{"zebra":1,"name":"Acme/Lib","require":{"php":"^8.2","a/b":"self.version"}}"#,
        )
        .unwrap();
        let keys: Vec<_> = manifest.fields().keys().collect();
        assert_eq!(keys, ["zebra", "name", "require"]);
        assert_eq!(manifest.package_name().unwrap().as_str(), "acme/lib");
    }

    #[test]
    fn what_a_client_would_choke_on_is_refused_with_the_reason() {
        let cases: [(&[u8], &str); 7] = [
            (
                b"{",
                "composer.json is not valid JSON: EOF while parsing an object at line 1 column 1",
            ),
            (b"[]", "composer.json is empty or not an object"),
            (b"{}", "composer.json is empty or not an object"),
            (
                br#"{"require":{"a/b":"~~1"}}"#,
                "`require.a/b` in composer.json is not a valid constraint: `~~1`",
            ),
            (br#"{"type":1}"#, "`type` in composer.json must be text"),
            (
                br#"{"autoload":"src"}"#,
                "`autoload` in composer.json must be an object",
            ),
            (
                br#"{"bin":["../evil"]}"#,
                "`bin` in composer.json must be paths inside of the package",
            ),
        ];
        for (json, reason) in cases {
            assert_eq!(Manifest::parse(json).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn what_composer_passes_over_is_accepted() {
        for text in [
            r#"{"name":"a/b","require":[],"extra":[]}"#,
            r#"{"name":"a/b","require":"php","keywords":"a","extra":1,"description":[],"support":"x"}"#,
            r#"{"name":["a"],"require":{"a/b":1},"authors":false,"time":[]}"#,
        ] {
            assert!(Manifest::parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn self_version_needs_a_version_that_can_be_required() {
        let manifest = Manifest::parse(br#"{"replace":{"a/b":"self.version"}}"#).unwrap();
        assert_eq!(manifest.check_version("dev-main"), Ok(()));
        assert_eq!(
            manifest
                .check_version("1.0 || || 2")
                .unwrap_err()
                .to_string(),
            "`replace.a/b` in composer.json is not a valid constraint: `1.0 || || 2`"
        );
    }
}
