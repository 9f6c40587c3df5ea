//! Our rules of versions against the answers of Composer 2.11 itself, on tables of random questions.
//!
//! `tests/oracle/README.md` says how the tables are made.

use crate::answers::difference;

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

#[test]
fn manifests_become_the_entries_that_composers_dumper_writes() {
    check(include_str!("../fixtures/composer/documents.jsonl"));
}

#[test]
fn whole_git_repositories_become_what_composers_vcs_repository_makes_of_them() {
    check(include_str!("../fixtures/composer/repositories.jsonl"));
}

#[test]
fn versions_picked_by_hand_read_as_in_composer() {
    let table = include_str!("../fixtures/composer/picked.jsonl");
    assert!(table.lines().count() > 5 * 500);
    check(table);
}

#[test]
fn funding_reads_as_by_composers_driver() {
    check(include_str!("../fixtures/composer/funding.jsonl"));
}
