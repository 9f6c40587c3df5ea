//! Search: what of a package is looked in, and what somebody's words look for.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::entry::{Place, ReleasedVersion};
use crate::domain::name::PackageName;
use crate::domain::stability::{Stability, parse_stability};
use crate::domain::version::compare_normalized;

/// Characters of a description or of all keywords that are looked in. 80 packages go into one statement, which D1
/// limits to 2 MB of parameters: 80 times three times 1,000 characters stay below it, whatever the script.
const TEXT_LIMIT: usize = 1_000;
/// Characters of a short text, such as the type.
const SHORT_LIMIT: usize = 200;
/// Names that a package may provide or replace: a framework replaces some sixty. It keeps 80 packages in one statement.
const MOST_PROVIDED: usize = 200;
/// More words than this are not looked for; nobody types them.
const MOST_WORDS: usize = 16;

/// What search knows of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchEntry {
    /// `vendor/name`.
    pub name: String,
    /// Its description, or nothing.
    pub description: String,
    /// Its keywords, with blanks between.
    pub keywords: String,
    /// `library`, `composer-plugin`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// An address for people.
    pub homepage: Option<String>,
    /// Set when it is abandoned: the package to use instead, or nothing.
    pub replacement: Option<String>,
}

/// Whether an address is one that people may be led to.
pub fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// What search is to know of a package, from the version that speaks for it: the default branch, else the highest tag,
/// else any branch. None for a package without versions.
pub fn summarize(
    name: &PackageName,
    tagged: &[ReleasedVersion],
    dev: &[ReleasedVersion],
) -> Option<SearchEntry> {
    let highest = || {
        tagged
            .iter()
            .max_by(|one, other| compare_normalized(&one.normalized, &other.normalized))
    };
    let speaker = dev
        .iter()
        .find(|version| version.is_default_branch)
        .or_else(highest)
        .or_else(|| dev.first())?;
    let manifest = &speaker.manifest;
    let keywords: Vec<&str> = match manifest.get("keywords") {
        Some(Value::Array(keywords)) => keywords.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Some(SearchEntry {
        name: name.as_str().to_owned(),
        description: cut(
            text(manifest, "description").unwrap_or_default(),
            TEXT_LIMIT,
        ),
        keywords: cut(&keywords.join(" "), TEXT_LIMIT),
        kind: cut(text(manifest, "type").unwrap_or("library"), SHORT_LIMIT).to_lowercase(),
        homepage: text(manifest, "homepage")
            .filter(|url| is_web_address(url))
            .map(|url| cut(url, TEXT_LIMIT)),
        replacement: match manifest.get("abandoned") {
            Some(Value::Bool(true)) => Some(String::new()),
            Some(Value::String(replacement)) => Some(cut(replacement, SHORT_LIMIT)),
            Some(_) => None,
            None => speaker.host.is_archived.then(String::new),
        },
    })
}

/// The version that tells people what a package is: the highest stable one whose archive is here, else the default branch,
/// else the highest of all, else a branch.
pub fn find_speaker<'a>(
    tagged: &'a [ReleasedVersion],
    dev: &'a [ReleasedVersion],
) -> Option<&'a ReleasedVersion> {
    let is_here = |version: &&ReleasedVersion| matches!(version.place, Place::Here(_));
    let by_number = |one: &&ReleasedVersion, other: &&ReleasedVersion| {
        compare_normalized(&one.normalized, &other.normalized)
    };
    let here = || tagged.iter().filter(is_here);
    here()
        .filter(|version| parse_stability(&version.normalized) == Stability::Stable)
        .max_by(by_number)
        .or_else(|| {
            let mut branches = dev.iter().filter(is_here);
            branches.find(|version| version.is_default_branch)
        })
        .or_else(|| here().max_by(by_number))
        .or_else(|| dev.iter().find(is_here))
}

/// The names that a package provides or replaces in any of its versions, its own left out.
pub fn provided_names(
    name: &PackageName,
    tagged: &[ReleasedVersion],
    dev: &[ReleasedVersion],
) -> BTreeSet<PackageName> {
    linked_names(name, tagged, dev, &["provide", "replace"])
}

/// The names that a package requires in any of its versions, its own left out.
pub fn required_names(
    name: &PackageName,
    tagged: &[ReleasedVersion],
    dev: &[ReleasedVersion],
) -> BTreeSet<PackageName> {
    linked_names(name, tagged, dev, &["require"])
}

fn linked_names(
    name: &PackageName,
    tagged: &[ReleasedVersion],
    dev: &[ReleasedVersion],
    keys: &[&str],
) -> BTreeSet<PackageName> {
    tagged
        .iter()
        .chain(dev)
        .flat_map(|version| keys.iter().filter_map(|key| version.manifest.get(*key)))
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .filter_map(|linked| PackageName::parse(linked).ok())
        .filter(|linked| linked != name)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .take(MOST_PROVIDED)
        .collect()
}

fn text<'a>(manifest: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    manifest.get(key).and_then(Value::as_str)
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// A query in the language of SQLite's FTS5 that finds what has every word, or one that begins with it. None when
/// there is no word. Every word is quoted, so nothing that somebody types is read as an operator.
pub fn full_text_query(words: &str) -> Option<String> {
    let words: Vec<String> = words
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(|word| format!("\"{}\"*", cut(word, SHORT_LIMIT)))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(normalized: &str, is_default_branch: bool, manifest: &Value) -> ReleasedVersion {
        ReleasedVersion {
            pretty: normalized.to_owned(),
            normalized: normalized.to_owned(),
            manifest: manifest.as_object().unwrap().clone(),
            is_default_branch,
            ..ReleasedVersion::default()
        }
    }

    fn described(normalized: &str, is_default_branch: bool) -> ReleasedVersion {
        let manifest = json!({"description": normalized});
        version(normalized, is_default_branch, &manifest)
    }

    #[test]
    fn the_default_branch_speaks_then_the_highest_tag_then_any_branch() {
        let name = PackageName::parse("acme/lib").unwrap();
        let tagged = [described("1.9.0.0", false), described("1.10.0.0", false)];
        let main = [described("dev-x", false), described("dev-main", true)];
        let other = [described("dev-x", false)];
        let speaker =
            |tagged: &[_], dev: &[_]| summarize(&name, tagged, dev).map(|entry| entry.description);
        assert_eq!(speaker(&tagged, &main).unwrap(), "dev-main");
        assert_eq!(speaker(&tagged, &other).unwrap(), "1.10.0.0");
        assert_eq!(speaker(&[], &other).unwrap(), "dev-x");
        assert_eq!(speaker(&[], &[]), None);
    }

    #[test]
    fn whatever_stands_in_a_manifest_is_taken_in_bounds() {
        let name = PackageName::parse("acme/lib").unwrap();
        let read = |manifest: &Value| {
            summarize(&name, &[version("1.0.0.0", false, manifest)], &[]).unwrap()
        };
        let odd = json!({"description": 1, "keywords": "x", "type": [], "homepage": "javascript:x", "abandoned": 0});
        let entry = read(&odd);
        assert_eq!(
            (entry.description.as_str(), entry.keywords.as_str()),
            ("", "")
        );
        assert_eq!(
            (entry.kind.as_str(), entry.homepage, entry.replacement),
            ("library", None, None)
        );
        let full = json!({"description": "é".repeat(5_000), "keywords": ["a", 1, "b c"], "type": "Composer-Plugin",
                          "homepage": "https://a.b", "abandoned": "acme/new"});
        let entry = read(&full);
        assert_eq!(entry.description.chars().count(), TEXT_LIMIT);
        assert_eq!(
            (entry.keywords.as_str(), entry.kind.as_str()),
            ("a b c", "composer-plugin")
        );
        assert_eq!(entry.homepage.as_deref(), Some("https://a.b"));
        assert_eq!(entry.replacement.as_deref(), Some("acme/new"));
        assert_eq!(
            read(&json!({"abandoned": true})).replacement.as_deref(),
            Some("")
        );
    }

    #[test]
    fn words_are_quoted_and_operators_are_none() {
        let query = |words| full_text_query(words).unwrap_or_default();
        assert_eq!(query("acme/lib-x"), r#""acme"* "lib"* "x"*"#);
        assert_eq!(
            query("a OR \"b\" NOT* c:d"),
            r#""a"* "OR"* "b"* "NOT"* "c"* "d"*"#
        );
        assert_eq!(query("größe"), r#""größe"*"#);
        assert_eq!(query(" -*\"\0"), "");
        assert_eq!(query(&"a ".repeat(1_000)).matches('a').count(), MOST_WORDS);
    }
}
