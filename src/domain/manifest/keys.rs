//! The keys of composer.json that Composer knows: what its loader and its dumper together make of each value, and what
//! stops the loader (`ArrayLoader::load`, `ArrayDumper::dump`, both of 2.11).
//!
//! Keys that Composer does not know are kept as they are, so that plugins and later clients find what was written.

use serde_json::{Map, Value, json};

use super::{moment, php};

/// What a value must be, when Composer stops over what it is.
pub(super) type Expected = &'static str;

const TEXT: Expected = "text";
const TEXTS: Expected = "text or a list of texts";
const MAP: Expected = "an object";
const LIST: Expected = "a list";

/// The link kinds, in the order in which entries have them.
pub(super) const LINKS: [&str; 5] = ["require", "require-dev", "conflict", "provide", "replace"];

/// What becomes of a key.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// It stands in an entry with this value.
    Value(Value),
    /// It does not stand in an entry: empty, ignored by Composer, or not the manifest's to say.
    Nothing,
    /// Composer does not know the key.
    Unknown,
}

/// Reads one key. `pretty` is the version for which `self.version` stands. The error tells the key at fault and what it
/// must be.
pub(super) fn read(key: &str, value: &Value, pretty: &str) -> Result<Reading, (String, Expected)> {
    let at = |expected| (key.to_owned(), expected);
    let reading = match key {
        // Said by the registry, or only a root package's business.
        "name" | "version" | "version_normalized" | "default-branch" | "published-time"
        | "transport-options" | "repositories" | "minimum-stability" => Reading::Nothing,
        "source" => return check_address(key, value, &["type", "url", "reference"]),
        "dist" => return check_address(key, value, &["type", "url"]),
        // Whoever wrote it would be told of every installation: a version always reports to its own registry.
        "notification-url" if php::is_empty(value) || value.is_string() => Reading::Nothing,
        "notification-url" => return Err(at(TEXT)),
        "require" | "require-dev" | "conflict" | "provide" | "replace" => {
            read_links(value).map_err(at)?
        }
        "suggest" => return read_suggestions(value, pretty),
        "type" => text(value)
            .map_err(at)?
            .filter(|text| !matches!(*text, "" | "0"))
            .map_or(Reading::Nothing, |text| {
                Reading::Value(text.to_ascii_lowercase().into())
            }),
        "target-dir" => text(value).map_err(at)?.map_or(Reading::Nothing, |path| {
            Reading::Value(clean_path(path).into())
        }),
        "installation-source" => text(value).map_err(at)?.map_or(Reading::Nothing, keep_text),
        "autoload" | "autoload-dev" | "php-ext" => array(value).map_err(|()| at(MAP))?,
        "include-path" => array(value).map_err(|()| at(LIST))?,
        // These are passed over when they are of another kind.
        "extra" | "support" | "authors" | "funding" => array(value).unwrap_or(Reading::Nothing),
        "description" | "homepage" => match value {
            Value::String(_) if !php::is_empty(value) => Reading::Value(value.clone()),
            _ => Reading::Nothing,
        },
        "bin" => read_binaries(value).map_err(at)?,
        "time" => match value {
            Value::String(text) => some(moment::read(text).map(Value::from)),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                some(moment::read(&number.to_string()).map(Value::from))
            }
            _ => Reading::Nothing,
        },
        "keywords" => read_keywords(value).map_err(at)?,
        "license" if php::is_empty(value) => Reading::Nothing,
        "license" if php::is_array(value) => Reading::Value(value.clone()),
        "license" => Reading::Value(json!([value])),
        "scripts" => read_scripts(value),
        "archive" => return read_archive(value),
        "abandoned" => match value {
            value if php::is_empty(value) => Reading::Nothing,
            Value::String(_) => Reading::Value(value.clone()),
            _ => Reading::Value(true.into()),
        },
        _ => Reading::Unknown,
    };
    Ok(reading)
}

/// Whether a key is there for PHP's `isset`, as the drivers ask before they add something.
pub(crate) fn is_set(manifest: &Map<String, Value>, key: &str) -> bool {
    manifest.get(key).is_some_and(|value| !value.is_null())
}

/// Whether the manifest tells its own `time`; else it is the commit's.
pub(crate) fn has_time(manifest: &Map<String, Value>) -> bool {
    manifest
        .get("time")
        .is_some_and(|value| !php::is_empty(value))
}

fn some(value: Option<Value>) -> Reading {
    value.map_or(Reading::Nothing, Reading::Value)
}

fn keep_text(text: &str) -> Reading {
    Reading::Value(text.into())
}

fn text(value: &Value) -> Result<Option<&str>, Expected> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(TEXT),
    }
}

/// An array as it is, unless it is empty; the error means that it is none.
fn array(value: &Value) -> Result<Reading, ()> {
    match value {
        Value::Null => Ok(Reading::Nothing),
        value if !php::is_array(value) => Err(()),
        value if php::is_empty(value) => Ok(Reading::Nothing),
        value => Ok(Reading::Value(value.clone())),
    }
}

/// Names in lower case and sorted; what is no text is passed over. What the constraints mean is checked elsewhere.
/// A list has the target `0`, at which Composer stops.
fn read_links(value: &Value) -> Result<Reading, Expected> {
    let mut links = Map::new();
    for (target, constraint) in php::entries(value) {
        if constraint.is_string() {
            links.insert(target.to_ascii_lowercase(), constraint.clone());
        }
    }
    if links.contains_key("0") {
        return Err("an object of names and constraints");
    }
    Ok(sorted(links))
}

fn read_suggestions(value: &Value, pretty: &str) -> Result<Reading, (String, Expected)> {
    let mut suggestions = Map::new();
    for (target, reason) in php::entries(value) {
        let Some(text) = reason.as_str() else {
            return Err((format!("suggest.{target}"), TEXT));
        };
        let is_version = crate::domain::scan::trim(text) == "self.version";
        let reason = if is_version { pretty } else { text };
        suggestions.insert(target, reason.into());
    }
    Ok(match value {
        Value::Array(_) if !suggestions.is_empty() => {
            Reading::Value(suggestions.into_iter().map(|(_, reason)| reason).collect())
        }
        _ => sorted(suggestions),
    })
}

fn sorted(map: Map<String, Value>) -> Reading {
    if map.is_empty() {
        return Reading::Nothing;
    }
    let mut entries: Vec<_> = map.into_iter().collect();
    php::sort_by_key(&mut entries);
    Reading::Value(Value::Object(entries.into_iter().collect()))
}

fn read_binaries(value: &Value) -> Result<Reading, Expected> {
    let cut = |value: &Value| match value {
        Value::String(path) => Ok(Value::from(path.trim_start_matches('/'))),
        _ => Err(TEXTS),
    };
    Ok(match value {
        Value::Null => Reading::Nothing,
        value if !php::is_array(value) => Reading::Value(json!([cut(value)?])),
        value if php::is_empty(value) => Reading::Nothing,
        value => Reading::Value(php::try_map(value, cut)?),
    })
}

fn read_keywords(value: &Value) -> Result<Reading, Expected> {
    if !php::is_array(value) || php::is_empty(value) {
        return Ok(Reading::Nothing);
    }
    let keywords: Option<Vec<String>> = php::entries(value)
        .into_iter()
        .map(|(_, keyword)| php::to_text(keyword))
        .collect();
    let mut keywords = keywords.ok_or("a list of texts")?;
    php::sort_texts(&mut keywords);
    Ok(Reading::Value(keywords.into()))
}

/// Every event has a list.
fn read_scripts(value: &Value) -> Reading {
    if !php::is_array(value) || php::is_empty(value) {
        return Reading::Nothing;
    }
    let listed = |value: &Value| {
        Ok::<_, ()>(match value {
            Value::Null => json!([]),
            value if php::is_array(value) => value.clone(),
            value => json!([value]),
        })
    };
    php::try_map(value, listed).map_or(Reading::Nothing, Reading::Value)
}

fn read_archive(value: &Value) -> Result<Reading, (String, Expected)> {
    let part = |key: &str| value.get(key).filter(|value| !php::is_empty(value));
    let mut archive = Map::new();
    if let Some(name) = part("name") {
        if !name.is_string() {
            return Err(("archive.name".to_owned(), TEXT));
        }
        archive.insert("name".to_owned(), name.clone());
    }
    if let Some(exclude) = part("exclude") {
        if !php::is_array(exclude) {
            return Err(("archive.exclude".to_owned(), LIST));
        }
        archive.insert("exclude".to_owned(), exclude.clone());
    }
    Ok(some(
        (!archive.is_empty()).then_some(Value::Object(archive)),
    ))
}

/// A `source` or `dist` of its own. The registry says both itself, but one that Composer stops over is refused.
fn check_address(key: &str, value: &Value, needed: &[&str]) -> Result<Reading, (String, Expected)> {
    if value.is_null() {
        return Ok(Reading::Nothing);
    }
    let expected = if key == "source" {
        "an object with `type`, `url` and `reference`, or best be left out"
    } else {
        "an object with `type` and `url`, or best be left out"
    };
    let wrong = || Err((key.to_owned(), expected));
    let part = |name: &str| value.get(name).filter(|value| !value.is_null());
    if needed.iter().any(|name| part(name).is_none()) {
        return wrong();
    }
    let are_texts = ["type", "url", "shasum"]
        .into_iter()
        .filter(|name| *name != "shasum" || key == "dist")
        .all(|name| part(name).is_none_or(Value::is_string));
    let is_scalar = part("reference").is_none_or(|reference| !php::is_array(reference));
    let has_mirrors = part("mirrors").is_none_or(php::is_array);
    if are_texts && is_scalar && has_mirrors {
        Ok(Reading::Nothing)
    } else {
        wrong()
    }
}

/// Takes `.` and `..` out of a path, each run of them with the slashes around it, and the slashes in front.
fn clean_path(path: &str) -> String {
    let is_slash = |character: char| matches!(character, '/' | '\\');
    let mut cleaned = String::with_capacity(path.len());
    let mut rest = path;
    loop {
        // A run of dots begins at the start of the path or behind slashes.
        let after_slashes = rest.trim_start_matches(is_slash);
        let may_begin = rest.len() == path.len() || after_slashes.len() < rest.len();
        let after_dots = may_begin.then(|| skip_dots(after_slashes)).flatten();
        if let Some(after) = after_dots {
            cleaned.push('/');
            rest = after;
            // What follows directly is a name, so that the next run needs slashes of its own.
            let name_end = rest.find(is_slash).unwrap_or(rest.len());
            let (name, after_name) = rest.split_at_checked(name_end).unwrap_or((rest, ""));
            cleaned.push_str(name);
            rest = after_name;
        } else {
            let slashes = rest.len().saturating_sub(after_slashes.len());
            cleaned.push_str(rest.get(..slashes).unwrap_or_default());
            let name_end = after_slashes.find(is_slash).unwrap_or(after_slashes.len());
            let (name, after_name) = after_slashes
                .split_at_checked(name_end)
                .unwrap_or((after_slashes, ""));
            cleaned.push_str(name);
            rest = after_name;
        }
        if rest.is_empty() {
            return cleaned.trim_start_matches('/').to_owned();
        }
    }
}

/// The text after one or more `.` or `..`, each with its slashes or at the end.
fn skip_dots(text: &str) -> Option<&str> {
    let mut rest = text;
    let mut found = false;
    loop {
        let after = rest
            .strip_prefix("..")
            .filter(|after| after.is_empty() || after.starts_with(['/', '\\']))
            .or_else(|| {
                rest.strip_prefix('.')
                    .filter(|after| after.is_empty() || after.starts_with(['/', '\\']))
            });
        let Some(after) = after else {
            return found.then_some(rest);
        };
        found = true;
        rest = after.trim_start_matches(['/', '\\']);
        if rest.is_empty() {
            return Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_leave_a_path() {
        for (path, cleaned) in [
            ("a/b", "a/b"),
            ("/a//b/", "a//b/"),
            ("../a", "a"),
            ("a/../b", "a/b"),
            ("a/./../b/..", "a/b/"),
            ("..", ""),
            ("a..b/...", "a..b/..."),
            ("a\\..\\b", "a/b"),
            ("./.git", ".git"),
        ] {
            assert_eq!(clean_path(path), cleaned, "{path}");
        }
    }

    #[test]
    fn values_read_as_by_the_loader() {
        let value = |key, value: &Value| match read(key, value, "1.0") {
            Ok(Reading::Value(value)) => value,
            other => panic!("{other:?}"),
        };
        assert_eq!(value("license", &json!("MIT")), json!(["MIT"]));
        assert_eq!(value("type", &json!("Library")), json!("library"));
        assert_eq!(value("bin", &json!("/bin/x")), json!(["bin/x"]));
        assert_eq!(
            value("keywords", &json!(["b", 1, "a"])),
            json!(["1", "a", "b"])
        );
        assert_eq!(
            value("scripts", &json!({"x": "y", "z": null})),
            json!({"x": ["y"], "z": []})
        );
        assert_eq!(
            value("suggest", &json!({"a/b": " self.version "})),
            json!({"a/b": "1.0"})
        );
        assert_eq!(value("abandoned", &json!(1)), json!(true));
        let links = value("require", &json!({"Z/y": "1", "a/b": "^2", "x/y": 3}));
        assert_eq!(links.to_string(), r#"{"a/b":"^2","z/y":"1"}"#);
    }

    #[test]
    fn what_would_stop_the_loader_is_named() {
        let fault = |key, value: &Value| read(key, value, "1.0").unwrap_err().0;
        assert_eq!(fault("archive", &json!({"name": 1})), "archive.name");
        assert_eq!(fault("suggest", &json!({"a/b": 1})), "suggest.a/b");
        for key in [
            "source",
            "dist",
            "type",
            "autoload",
            "include-path",
            "bin",
            "target-dir",
            "notification-url",
        ] {
            assert_eq!(fault(key, &json!(1)), key);
        }
    }
}
