//! Our rules of versions against the answers of Composer 2.11 itself, on tables of random questions.
//!
//! `tests/oracle/README.md` says how the tables are made.

use repertoire::domain::branch::{
    BranchRole, branch_alias, normalize_branch, parse_numeric_alias_prefix,
};
use repertoire::domain::constraint::Constraint;
use repertoire::domain::minify::{expand, minify};
use repertoire::domain::name::{NameGlob, PackageName};
use repertoire::domain::stability::parse_stability;
use repertoire::domain::tag_version::{version_of_branch, version_of_tag};
use repertoire::domain::version::{compare_normalized, normalize};
use serde_json::{Map, Value, json};

/// Reads every line of a table; all differences are shown, not the first alone.
fn check(table: &str) {
    let differences: Vec<String> = table.lines().filter_map(difference).collect();
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// What we answer to one line, where Composer answers otherwise.
fn difference(line: &str) -> Option<String> {
    let query: Value = serde_json::from_str(line).unwrap();
    let ours = answer(query["op"].as_str().unwrap(), &query["in"]);
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

#[test]
fn versions_read_as_in_composer() {
    check(include_str!("../fixtures/composer/versions.jsonl"));
}

#[test]
fn versions_are_ordered_as_in_php() {
    check(include_str!("../fixtures/composer/order.jsonl"));
}

#[test]
fn constraints_read_and_match_as_in_composer() {
    check(include_str!("../fixtures/composer/constraints.jsonl"));
}

#[test]
fn git_refs_become_the_versions_that_composer_makes_of_them() {
    check(include_str!("../fixtures/composer/refs.jsonl"));
}

#[test]
fn names_and_patterns_are_composers() {
    check(include_str!("../fixtures/composer/names.jsonl"));
}

#[test]
fn documents_are_minified_as_by_composer() {
    check(include_str!("../fixtures/composer/minify.jsonl"));
}
