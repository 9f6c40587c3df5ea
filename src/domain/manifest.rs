//! composer.json as it was read: every key kept, in its order.
//!
//! One version that a client cannot load makes the client refuse the whole document of its package
//! (Composer `ComposerRepository::loadAsyncPackages`), so what the client's `ArrayLoader` would choke on
//! is refused here, with the reason.

use serde_json::{Map, Value};

use crate::domain::constraint::Constraint;
use crate::domain::name::PackageName;

/// The link kinds of composer.json; their values must all be constraints.
const LINKS: [&str; 5] = ["require", "require-dev", "conflict", "provide", "replace"];

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

    /// The `version`, as written; a number counts as its text, as in PHP.
    pub fn version(&self) -> Option<String> {
        match self.fields.get("version")? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The `description`.
    pub fn description(&self) -> Option<&str> {
        self.text("description")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    fn check_kinds(&self) -> Result<(), ManifestFault> {
        let wrong = |key: &str, expected| {
            Err(ManifestFault::WrongKind {
                key: key.to_owned(),
                expected,
            })
        };
        for key in [
            "name",
            "type",
            "description",
            "homepage",
            "target-dir",
            "time",
        ] {
            if self
                .fields
                .get(key)
                .is_some_and(|value| !value.is_string() && !value.is_null())
            {
                return wrong(key, "text");
            }
        }
        for key in [
            "autoload",
            "autoload-dev",
            "extra",
            "config",
            "support",
            "php-ext",
        ] {
            // PHP cannot tell an empty list from an empty object, so `[]` passes for both.
            if self
                .fields
                .get(key)
                .is_some_and(|value| !is_map(value) && !value.is_null())
            {
                return wrong(key, "an object");
            }
        }
        for key in ["bin", "license"] {
            if self
                .fields
                .get(key)
                .is_some_and(|value| !is_text_or_list(value))
            {
                return wrong(key, "text or a list of texts");
            }
        }
        // 2.10.2 and later abort the whole run on a binary outside of the package.
        if bin_paths(self.fields.get("bin"))
            .any(|path| path.split(['/', '\\']).any(|part| part == ".."))
        {
            return wrong("bin", "paths inside of the package");
        }
        Ok(())
    }

    fn check_links(&self) -> Result<(), ManifestFault> {
        for kind in LINKS {
            let Some(value) = self.fields.get(kind) else {
                continue;
            };
            if !is_map(value) {
                return Err(ManifestFault::WrongKind {
                    key: kind.to_owned(),
                    expected: "an object of names and constraints",
                });
            }
            for (package, constraint) in value.as_object().into_iter().flatten() {
                let Some(text) = constraint.as_str() else {
                    return Err(ManifestFault::WrongKind {
                        key: format!("{kind}.{package}"),
                        expected: "text",
                    });
                };
                if text != "self.version" && Constraint::parse(text).is_err() {
                    return Err(ManifestFault::BadConstraint {
                        kind,
                        package: package.clone(),
                        constraint: text.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

fn is_map(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn is_text_or_list(value: &Value) -> bool {
    match value {
        Value::Null | Value::String(_) => true,
        Value::Array(list) => list.iter().all(Value::is_string),
        _ => false,
    }
}

fn bin_paths(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let single = value.and_then(Value::as_str);
    let several = value.and_then(Value::as_array).into_iter().flatten();
    single.into_iter().chain(several.filter_map(Value::as_str))
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
            (
                br#"{"require":{"a/b":1}}"#,
                "`require.a/b` in composer.json must be text",
            ),
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
    fn an_empty_php_array_passes_for_an_object() {
        assert!(Manifest::parse(br#"{"name":"a/b","require":[],"extra":[]}"#).is_ok());
    }
}
