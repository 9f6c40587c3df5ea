//! What our own code answers to the oracle's questions.

use repertoire::domain::branch::{
    BranchRole, branch_alias, normalize_branch, parse_numeric_alias_prefix,
};
use repertoire::domain::constraint::Constraint;
use repertoire::domain::entry::{ReleasedVersion, build_entry};
use repertoire::domain::funding::{Funding, parse_funding};
use repertoire::domain::manifest::Manifest;
use repertoire::domain::minify::{expand, minify};
use repertoire::domain::name::{NameGlob, PackageName};
use repertoire::domain::stability::parse_stability;
use repertoire::domain::tag_version::{version_of_branch, version_of_tag};
use repertoire::domain::version::{compare_normalized, normalize};
use serde_json::{Map, Value, json};

use crate::repositories::repository_difference;

/// The time of every commit that the oracle knows.
pub(crate) const COMMIT_TIME: &str = "2026-11-01T12:00:00+00:00";

/// What Composer's dumper can write; all other keys are kept beyond what it does.
const DUMPED: [&str; 36] = [
    "name",
    "version",
    "version_normalized",
    "target-dir",
    "source",
    "dist",
    "require",
    "conflict",
    "provide",
    "replace",
    "require-dev",
    "suggest",
    "time",
    "published-time",
    "default-branch",
    "bin",
    "type",
    "extra",
    "installation-source",
    "autoload",
    "autoload-dev",
    "notification-url",
    "include-path",
    "php-ext",
    "archive",
    "scripts",
    "license",
    "authors",
    "description",
    "homepage",
    "keywords",
    "repositories",
    "support",
    "funding",
    "abandoned",
    "transport-options",
];

/// What we answer to one line, where Composer answers otherwise.
pub(crate) fn difference(line: &str) -> Option<String> {
    let query: Value = serde_json::from_str(line).unwrap();
    if query["op"] == "repository" {
        return repository_difference(&query["in"], &query["out"])
            .map(|difference| format!("{difference}\n  in {line}"));
    }
    let ours = answer(query["op"].as_str().unwrap(), &query["in"]);
    if query["op"] == "document" {
        return document_difference(&ours, &query["out"])
            .map(|difference| format!("{difference}\n  in {line}"));
    }
    // As texts, since maps with another order of keys are equal as values. PHP has one empty array for both kinds.
    let theirs = query["out"].to_string();
    (ours.to_string().replace("{}", "[]") != theirs).then(|| format!("{line} but we say {ours}"))
}

fn answer(op: &str, input: &Value) -> Value {
    let text = |index: usize| input[index].as_str().unwrap();
    let role = || match input[2] {
        Value::Bool(true) => BranchRole::Default,
        _ => BranchRole::Other,
    };
    match op {
        "normalize" => json!(normalize(text(0)).ok()),
        "branch" => json!(normalize_branch(text(0))),
        "stability" => json!(parse_stability(text(0))),
        "prefix" => json!(parse_numeric_alias_prefix(text(0))),
        "compare" => json!(compare_normalized(text(0), text(1)) as i8),
        "constraint" => json!(
            Constraint::parse(text(0))
                .ok()
                .map(|constraint| constraint.to_string())
        ),
        "matches" => json!(
            Constraint::parse(text(0))
                .ok()
                .map(|constraint| constraint.matches(text(1)))
        ),
        // We take capitals and lower them, where Composer refuses a manifest that has them.
        "name" => json!(PackageName::parse(text(0)).is_ok_and(|name| name.as_str() == text(0))),
        "glob" => {
            let name = PackageName::parse(text(1)).unwrap();
            json!(NameGlob::parse(text(0)).unwrap().matches(&name))
        }
        "alias" => json!(branch_alias(text(0), &manifest(&input[1]), role()).unwrap()),
        "tag" => json!(
            version_of_tag(text(0), input[1].as_str())
                .ok()
                .map(|version| json!([version.pretty(), version.normalized(), null]))
        ),
        "ref-branch" => json!(
            version_of_branch(text(0), &manifest(&input[1]), role())
                .ok()
                .map(|branch| json!([
                    branch.version.pretty(),
                    branch.version.normalized(),
                    branch.alias
                ]))
        ),
        "funding" => json!(
            parse_funding(text(0))
                .iter()
                .map(Funding::to_json)
                .collect::<Vec<_>>()
        ),
        "document" => json!(document(text(0), text(1), text(2))),
        "minify" => json!(minify(versions(&input[0]))),
        "expand" => json!(expand(versions(&input[0]))),
        _ => panic!("unknown question {op}"),
    }
}

fn manifest(aliases: &Value) -> Map<String, Value> {
    let mut manifest = Map::new();
    manifest.insert("extra".to_owned(), json!({ "branch-alias": aliases }));
    manifest
}

/// PHP writes an empty version as an empty list.
fn versions(list: &Value) -> Vec<Map<String, Value>> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry.as_object().cloned().unwrap_or_default())
        .collect()
}

/// The entry of one manifest at one tag (`tag`), at the default branch (`default`) or at another (`branch`).
fn document(text: &str, git_ref: &str, kind: &str) -> Option<Map<String, Value>> {
    let manifest = Manifest::parse(text.as_bytes()).ok()?;
    let role = match kind {
        "default" => BranchRole::Default,
        _ => BranchRole::Other,
    };
    let version = match kind {
        "tag" => version_of_tag(git_ref, manifest.version().ok()?.as_deref()).ok()?,
        _ => {
            version_of_branch(git_ref, manifest.fields(), role)
                .ok()?
                .version
        }
    };
    manifest.check_version(version.pretty()).ok()?;
    let released = ReleasedVersion {
        spelled_name: Some("acme/lib".to_owned()),
        pretty: version.pretty().to_owned(),
        normalized: version.normalized().to_owned(),
        manifest: manifest.fields().clone(),
        time: COMMIT_TIME.to_owned(),
        is_default_branch: role == BranchRole::Default,
        ..ReleasedVersion::default()
    };
    let package = PackageName::parse("acme/lib").unwrap();
    Some(build_entry(&package, &released, "https://a.b"))
}

/// Where an entry of ours differs from what Composer's dumper wrote, key by key.
pub(crate) fn document_difference(ours: &Value, theirs: &Value) -> Option<String> {
    let (ours, theirs) = match (ours.as_object(), theirs.as_object()) {
        (None, None) => return None,
        (Some(ours), Some(theirs)) => (ours, theirs),
        (None, Some(_)) => return Some("we refuse what Composer takes".to_owned()),
        (Some(_), None) => return Some("we take what Composer refuses".to_owned()),
    };
    // Ours alone to say: where it is downloaded, since when, and who is told of it.
    let is_compared =
        |key: &str| !["source", "dist", "published-time", "notification-url"].contains(&key);
    let differences: Vec<String> = DUMPED
        .into_iter()
        .filter(|key| is_compared(key))
        .filter_map(|key| {
            let ours = ours.get(key).map(as_in_php);
            let theirs = theirs.get(key).map(as_in_php);
            let show = |value: Option<Value>| {
                value.map_or("nothing".to_owned(), |value| value.to_string())
            };
            (ours.as_ref().map(Value::to_string) != theirs.as_ref().map(Value::to_string))
                .then(|| format!("`{key}`: we say {}, Composer {}", show(ours), show(theirs)))
        })
        .collect();
    let foreign = theirs.keys().find(|key| !DUMPED.contains(&key.as_str()));
    assert_eq!(
        foreign, None,
        "Composer's dumper writes a key that nobody told us of"
    );
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// PHP has one kind of array: an object whose keys count up from zero is a list, and so is an empty one.
fn as_in_php(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let is_list = map
                .keys()
                .enumerate()
                .all(|(index, key)| *key == index.to_string());
            if is_list {
                map.values().map(as_in_php).collect()
            } else {
                let entries = map.iter();
                Value::Object(
                    entries
                        .map(|(key, value)| (key.clone(), as_in_php(value)))
                        .collect(),
                )
            }
        }
        Value::Array(list) => list.iter().map(as_in_php).collect(),
        other => other.clone(),
    }
}
