//! What a version says of itself, out of its composer.json or its entry in the metadata.

use serde_json::{Map, Value};

use crate::http::web::page::Moment;

/// What composer.json calls it, and what people read.
const LINKS: [(&str, &str); 6] = [
    ("require", "Requires"),
    ("require-dev", "Requires for development"),
    ("conflict", "Conflicts"),
    ("provide", "Provides"),
    ("replace", "Replaces"),
    ("suggest", "Suggests"),
];

/// Packages that a version names, under one heading.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) label: &'static str,
    /// Each with its constraint.
    pub(super) packages: Vec<(String, String)>,
}

/// A short fact of a version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) text: String,
    /// Where it leads.
    pub(super) href: Option<String>,
}

impl Fact {
    pub(super) fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
            href: None,
        }
    }
}

/// A version as its `<details>` shows it.
pub(super) struct ShownVersion {
    pub(super) version: String,
    pub(super) released: Option<Moment>,
    pub(super) is_yanked: bool,
    /// What people are warned of.
    pub(super) warning: Option<String>,
    pub(super) facts: Vec<Fact>,
    pub(super) links: Vec<Links>,
    /// As JSON, for people.
    pub(super) autoload: Option<String>,
}

/// The packages that a version names.
pub(super) fn links_of(entry: &Map<String, Value>) -> Vec<Links> {
    LINKS
        .into_iter()
        .filter_map(|(key, label)| {
            let packages: Vec<_> = entry
                .get(key)?
                .as_object()?
                .iter()
                .filter_map(|(name, constraint)| {
                    Some((name.clone(), constraint.as_str()?.to_owned()))
                })
                .collect();
            (!packages.is_empty()).then_some(Links { label, packages })
        })
        .collect()
}

/// Its `autoload`.
pub(super) fn autoload_of(entry: &Map<String, Value>) -> Option<String> {
    let autoload = entry.get("autoload")?;
    let is_empty = match autoload {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    (!is_empty)
        .then(|| serde_json::to_string_pretty(autoload).ok())
        .flatten()
}

/// Its type, licence, homepage and the like.
pub(super) fn facts_of(entry: &Map<String, Value>) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(kind) = text(entry, "type") {
        facts.push(Fact::new("Type", kind));
    }
    let licence = match entry.get("license") {
        Some(Value::String(one)) => Some(one.clone()),
        Some(Value::Array(all)) => {
            let all: Vec<_> = all.iter().filter_map(Value::as_str).collect();
            (!all.is_empty()).then(|| all.join(", "))
        }
        _ => None,
    };
    facts.push(Fact::new(
        "Licence",
        licence.unwrap_or_else(|| "none named".to_owned()),
    ));
    if let Some(homepage) = text(entry, "homepage") {
        facts.push(Fact {
            href: web_address(homepage),
            ..Fact::new("Homepage", homepage)
        });
    }
    facts
}

/// Where its source is: what composer.json's `source` says, in one line.
pub(super) fn source_fact(source: &Map<String, Value>) -> Option<Fact> {
    let url = text(source, "url")?;
    let kind = text(source, "type").unwrap_or("git");
    let reference = text(source, "reference").unwrap_or_default();
    Some(Fact {
        href: web_address(url),
        ..Fact::new("Source", format!("{kind} {url} {reference}").trim_end())
    })
}

/// A text of an entry, when there is something in it.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    let value = fields.get(key).and_then(Value::as_str);
    value.filter(|value| !value.is_empty())
}

/// An address that a browser may be led to: what somebody wrote into a composer.json is shown, but runs nothing.
pub(super) fn web_address(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    (is_web
        && !url
            .chars()
            .any(|one| one.is_whitespace() || one.is_control()))
    .then(|| url.to_owned())
}

/// Bytes in words.
pub(in crate::http::web::place) fn size_words(bytes: i64) -> String {
    let bytes = u64::try_from(bytes).unwrap_or_default();
    let scaled = |unit: u64, name: &str| {
        let tenths = bytes
            .saturating_mul(10)
            .checked_div(unit)
            .unwrap_or_default();
        let (whole, rest) = (
            tenths.checked_div(10).unwrap_or_default(),
            tenths.checked_rem(10).unwrap_or_default(),
        );
        format!("{whole}.{rest} {name}")
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => scaled(1_000, "kB"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "MB"),
        _ => scaled(1_000_000_000, "GB"),
    }
}

/// A moment that a version itself says, in RFC 3339; as it stands where it is none.
pub(super) fn moment_of(time: &str) -> Option<Moment> {
    (!time.is_empty()).then(|| Moment {
        exact: time.to_owned(),
        text: time.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_runs_anything() {
        assert!(web_address("https://example.com/x").is_some());
        for other in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a b",
            "//x",
        ] {
            assert_eq!(web_address(other), None);
        }
    }

    #[test]
    fn sizes_are_read_by_people() {
        assert_eq!(size_words(999), "999 B");
        assert_eq!(size_words(1_250), "1.2 kB");
        assert_eq!(size_words(7_000_000), "7.0 MB");
        assert_eq!(size_words(2_500_000_000), "2.5 GB");
    }
}
