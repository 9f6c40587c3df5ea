//! What is printed: results to standard output, all else to standard error.

use std::env;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::arguments::Global;
use crate::failure::{Failure, Result};

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";
/// What stands where there is nothing.
const NOTHING: &str = "-";

/// How somebody wants to be told.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Output {
    /// Answers as the API gave them.
    pub(crate) json: bool,
    quiet: bool,
    colour: bool,
    draws: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let forbids = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let plain = global.no_color || forbids("NO_COLOR") || is_dumb;
        Self {
            json: global.json,
            quiet: global.quiet,
            colour: !plain && stdout().is_terminal(),
            draws: !global.quiet && !is_dumb && stderr().is_terminal(),
        }
    }

    /// Whether progress is drawn: on a terminal, and nowhere else.
    pub(crate) fn draws(&self) -> bool {
        self.draws
    }

    /// Something for people who look on; nothing that a program would want.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(stderr(), "{}", clean(text));
        }
    }

    /// Why it failed. For programs as JSON, on one line.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let text = if self.json {
            failure.as_json().to_string()
        } else {
            format!("error: {}", clean(&failure.message))
        };
        let _ = writeln!(stderr(), "{text}");
    }

    /// Bytes as they came.
    #[expect(
        clippy::unused_self,
        reason = "results go by whoever decides how they look"
    )]
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result {
        print(bytes)
    }

    /// A line of text, or several.
    #[expect(
        clippy::unused_self,
        reason = "results go by whoever decides how they look"
    )]
    pub(crate) fn line(&self, text: &str) -> Result {
        print(format!("{}\n", clean(text)).as_bytes())
    }

    /// JSON on one line, as the API writes it.
    #[expect(
        clippy::unused_self,
        reason = "results go by whoever decides how they look"
    )]
    pub(crate) fn value(&self, value: &Value) -> Result {
        print(format!("{value}\n").as_bytes())
    }

    /// Rows below titles, in columns.
    pub(crate) fn table(&self, columns: &[(&str, &str)], rows: &[Value]) -> Result {
        if rows.is_empty() {
            self.note("Nothing.");
            return Ok(());
        }
        let titles = columns.iter().map(|(title, _)| (*title).to_owned());
        let mut lines = vec![titles.collect::<Vec<_>>()];
        lines.extend(rows.iter().map(|row| {
            let cells = columns
                .iter()
                .map(|(_, pointer)| cell(pointer, row.pointer(pointer)));
            cells.collect()
        }));
        self.aligned(&lines)
    }

    /// What there is of one thing: a line for each field, a table for each list.
    pub(crate) fn fields(&self, value: &Value) -> Result {
        let Some(fields) = value.as_object() else {
            return self.line(&cell("", Some(value)));
        };
        let is_table = |value: &Value| {
            let rows = value.as_array();
            rows.is_some_and(|rows| rows.first().is_some_and(Value::is_object))
        };
        let widest = fields.keys().map(|name| name.width()).max().unwrap_or(0);
        for (name, value) in fields.iter().filter(|(_, value)| !is_table(value)) {
            let gap = " ".repeat(widest.saturating_sub(name.width()).saturating_add(2));
            let text = cell(name, Some(value));
            let title = self.paint(BOLD, name);
            print(format!("{title}{gap}{}\n", self.paint(state_colour(&text), &text)).as_bytes())?;
        }
        for (name, value) in fields.iter().filter(|(_, value)| is_table(value)) {
            let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
            print(format!("\n{}\n", self.paint(BOLD, name)).as_bytes())?;
            let first = rows.first().and_then(Value::as_object);
            let names = first.into_iter().flat_map(|row| row.keys());
            let columns: Vec<_> = names
                .map(|name| (name.to_uppercase().replace('_', " "), format!("/{name}")))
                .collect();
            let columns: Vec<_> = columns
                .iter()
                .map(|(title, pointer)| (title.as_str(), pointer.as_str()))
                .collect();
            self.table(&columns, rows)?;
        }
        Ok(())
    }

    fn aligned(&self, lines: &[Vec<String>]) -> Result {
        let count = lines.first().map_or(0, Vec::len);
        let widths: Vec<_> = (0..count)
            .map(|column| {
                let cells = lines.iter().filter_map(|line| line.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for (number, line) in lines.iter().enumerate() {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let colour = if number == 0 {
                    BOLD
                } else {
                    state_colour(cell)
                };
                text.push_str(&self.paint(colour, cell));
                // The last one has no blanks behind it.
                if column.saturating_add(1) < count {
                    let gap = width.saturating_sub(cell.width()).saturating_add(2);
                    text.push_str(&" ".repeat(gap));
                }
            }
            text.push('\n');
        }
        print(text.as_bytes())
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}

fn state_colour(text: &str) -> &'static str {
    match text {
        "failed" | "refused" | "suspended" | "revoked" | "cancelled" | "none" => RED,
        "done" | "active" | "imported" | "accepted" | "all" => GREEN,
        "queued" | "running" | "publishing" | "waiting" | "frozen" | "expired" | "some" => YELLOW,
        _ => "",
    }
}

/// A value as people read it. What is called `…_at` or `time` is a time.
fn cell(pointer: &str, value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => NOTHING.to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) if text.is_empty() => NOTHING.to_owned(),
        Some(Value::String(text)) if is_time(pointer) => short_time(text),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => NOTHING.to_owned(),
        Some(Value::Array(items)) => {
            let texts: Vec<_> = items.iter().map(|item| cell("", Some(item))).collect();
            texts.join(", ")
        }
        Some(Value::Object(fields)) => {
            // Somebody or something is called by its name.
            if let Some(name) = fields.get("name").and_then(Value::as_str) {
                name.to_owned()
            } else {
                let present = fields.iter().filter(|(_, value)| !value.is_null());
                let texts: Vec<_> = present
                    .map(|(name, value)| format!("{name} {}", cell(name, Some(value))))
                    .collect();
                texts.join(", ")
            }
        }
        Some(Value::Number(number)) => number.to_string(),
    };
    clean(&text).replace('\n', " ")
}

fn is_time(pointer: &str) -> bool {
    pointer.ends_with("_at") || pointer.ends_with("/at") || pointer.ends_with("time")
}

/// `2026-11-21T20:30:00+00:00` as `2026-11-21 20:30`: the API's times are in UTC.
fn short_time(text: &str) -> String {
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {}", time.get(..5).unwrap_or(time)),
        None => text.to_owned(),
    }
}

/// What others wrote moves no cursor and paints nothing.
fn clean(text: &str) -> String {
    let is_harmless = |sign: char| !sign.is_control() || sign == '\n';
    text.chars()
        .map(|sign| if is_harmless(sign) { sign } else { '\u{fffd}' })
        .collect()
}

/// Writes to standard output. Who closed it has seen enough.
fn print(bytes: &[u8]) -> Result {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "Standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_people_read_them() {
        for (pointer, value, text) in [
            ("/x", json!(null), "-"),
            ("/x", json!(true), "yes"),
            ("/x", json!(["a", "b"]), "a, b"),
            ("/x", json!([]), "-"),
            (
                "/created_at",
                json!("2026-11-21T20:30:00+00:00"),
                "2026-11-21 20:30",
            ),
            (
                "/subject",
                json!({"customer": "c1", "team": null}),
                "customer c1",
            ),
            ("/teams", json!([{"id": "t1", "name": "Core"}]), "Core"),
            ("/name", json!("\u{1b}[31mred\ntwo"), "\u{fffd}[31mred two"),
        ] {
            assert_eq!(cell(pointer, Some(&value)), text);
        }
    }
}
