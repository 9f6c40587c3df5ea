//! Holds our own answers against Composer's: reads the oracle's answered questions, one JSON object a line, and prints
//! how many of which kind there were, and each difference. `scripts/oracle.mjs` runs it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test without a harness: it prints what it found and panics when something is wrong"
)]

mod answers;
mod repositories;
#[expect(
    dead_code,
    reason = "the registry of the other tests, of which only a part is needed here"
)]
#[path = "../it/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, stdin};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in stdin().lock().lines() {
        let line = line.expect("the questions are text");
        let query: serde_json::Value = serde_json::from_str(&line).expect("a question is JSON");
        let (asked, differing) = counts
            .entry(query["op"].as_str().unwrap_or_default().to_owned())
            .or_default();
        *asked += 1;
        if let Some(difference) = answers::difference(&line) {
            *differing += 1;
            println!("DIFFERENT {difference}");
        }
    }
    let mut is_equal = !counts.is_empty();
    for (op, (asked, differing)) in counts {
        println!("{op}: {asked} asked, {differing} different");
        is_equal &= differing == 0;
    }
    if is_equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
