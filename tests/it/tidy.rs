//! The rules of the house that the compiler cannot hold.

use std::path::{Path, PathBuf};

/// Each room and the rooms it may name. `error`, `config`, `app` and `ports` stand beside them.
const ROOMS: [(&str, &[&str]); 8] = [
    ("domain", &["error"]),
    ("ports", &["domain", "error"]),
    ("store", &["domain", "ports", "error", "config", "app"]),
    ("providers", &["domain", "ports", "error", "config", "app"]),
    (
        "connect",
        &["domain", "ports", "store", "providers", "error", "app"],
    ),
    (
        "http",
        &[
            "connect",
            "domain",
            "ports",
            "store",
            "providers",
            "error",
            "config",
            "app",
            "jobs",
        ],
    ),
    (
        "jobs",
        &[
            "connect",
            "domain",
            "ports",
            "store",
            "providers",
            "error",
            "config",
            "app",
        ],
    ),
    (
        "edge",
        &[
            "domain",
            "ports",
            "store",
            "providers",
            "http",
            "jobs",
            "error",
            "config",
            "app",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every file of a room with its text; comments left out, since words are free.
fn files(room: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
    let mut found = Vec::new();
    sources(&folder, &mut found);
    assert!(!found.is_empty(), "the room {room} is empty");
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let code: Vec<_> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            (path.display().to_string(), code.join("\n"))
        })
        .collect()
}

/// The first word of every path that begins with `crate::`.
fn named_rooms(code: &str) -> Vec<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
                .collect()
        })
        .collect()
}

#[test]
fn rooms_name_only_what_lies_below_them() {
    for (room, allowed) in ROOMS {
        for (file, code) in files(room) {
            for named in named_rooms(&code) {
                assert!(
                    named == room || allowed.contains(&named.as_str()),
                    "{file}: `{room}` must not name `{named}`"
                );
            }
        }
    }
}

#[test]
fn the_domain_knows_neither_time_nor_waiting() {
    for (file, code) in files("domain") {
        for word in ["async ", "await", "SystemTime", "Instant", "getrandom"] {
            assert!(!code.contains(word), "{file} has `{word}`");
        }
    }
}

#[test]
fn requests_reach_jobs_by_enqueueing_only() {
    for (file, code) in files("http") {
        for rest in code.split("jobs::").skip(1) {
            // `store::jobs`, the rows, and the handlers called `jobs` are other things.
            if !code.contains(&format!("crate::jobs::{rest}")) {
                continue;
            }
            let names = rest.split_once(';').map_or(rest, |(names, _)| names);
            for name in names.trim_matches(['{', '}']).split(',').map(str::trim) {
                assert!(
                    name.is_empty() || name == "Job" || name.starts_with("enqueue"),
                    "{file} takes `{name}` from jobs"
                );
            }
        }
    }
}

#[test]
fn statements_are_written_in_the_store_only() {
    for (room, _) in ROOMS {
        if room == "store" {
            continue;
        }
        for (file, code) in files(room) {
            let code = code.to_ascii_lowercase();
            for verb in [
                "\"select ",
                "insert into ",
                "\"update ",
                "delete from ",
                "statement::new(",
            ] {
                assert!(!code.contains(verb), "{file} has `{verb}`");
            }
        }
    }
}

#[test]
fn the_platform_is_named_at_the_edge_only() {
    for (room, _) in ROOMS {
        if room == "edge" {
            continue;
        }
        for (file, code) in files(room) {
            for name in [
                "worker::",
                "worker_sys",
                "wasm_bindgen",
                "js_sys",
                "web_sys",
            ] {
                assert!(!code.contains(name), "{file} has `{name}`");
            }
        }
    }
}

/// Where a path of `docs/traps.md` leads.
fn test_file(named: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(rest) = named.strip_prefix("it/") {
        return Some(folder.join("tests/it").join(rest));
    }
    if let Some(rest) = named.strip_prefix("e2e/") {
        return Some(folder.join("tests/e2e/scenarios").join(rest));
    }
    let is_path = named.starts_with("src/") || named.starts_with("tests/");
    is_path.then(|| folder.join(named))
}

/// The texts in backticks and in curly quotation marks, in order.
fn quoted(line: &str) -> Vec<(char, &str)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['`', '“']) {
        let mark = rest[start..].chars().next().unwrap();
        let end_mark = if mark == '`' { '`' } else { '”' };
        let inner = &rest[start + mark.len_utf8()..];
        let Some(end) = inner.find(end_mark) else {
            break;
        };
        found.push((mark, &inner[..end]));
        rest = &inner[end + end_mark.len_utf8()..];
    }
    found
}

#[test]
fn every_test_in_the_list_of_traps_is_there() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/traps.md");
    let list = std::fs::read_to_string(list).unwrap();
    let mut checked = 0;
    for line in list.lines() {
        let is_row = line
            .strip_prefix("| ")
            .is_some_and(|cells| cells.starts_with(|first: char| first.is_ascii_digit()));
        if !is_row {
            continue;
        }
        let mut file = None;
        let mut named = 0;
        for (mark, text) in quoted(line) {
            if mark == '`'
                && let Some(path) = test_file(text)
            {
                file = Some((text, std::fs::read_to_string(path).expect(text)));
            } else if let Some((path, content)) = &file {
                let is_there = if mark == '`' {
                    content.contains(&format!("fn {text}("))
                } else {
                    // What stands for a value of the test is an ellipsis.
                    text.split('…').all(|part| content.contains(part))
                };
                assert!(is_there, "{path} has no test {text:?}");
                named += 1;
            }
        }
        assert!(named > 0 || line.contains("| not built"), "{line}");
        checked += named;
    }
    assert!(checked > 50, "{checked}");
}
