//! README and CHANGELOG as HTML that may stand in a page of ours.
//!
//! A library reads the Markdown (`pulldown-cmark`: CommonMark with tables, task lists and strikethrough). What is written is
//! written here, an element at a time from a short list, with every text escaped; so nothing that somebody wrote is ever
//! taken for markup. Raw HTML is dropped. Links lead to `http`, `https` and `mailto` alone; those that are relative lead to
//! the file at the git host, at that commit, and are texts where there is no such page. Pictures become links: the pages show
//! pictures of no other host, which would tell it who reads.

mod links;
mod write;

#[cfg(test)]
mod tests;

pub use links::Base;

use write::Writer;

/// The most of a file that is rendered, in bytes. Real ones stay below 100 KB.
pub const MOST: usize = 256 * 1024;

/// The most that becomes of it: tables may repeat what is not there.
const MOST_WRITTEN: usize = 1024 * 1024;

/// How the writing is numbered: one that writes otherwise has another number, and what there is, is made anew.
pub const FORM: i64 = 2;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What stands between two tags of a page.
    pub html: String,
    /// Whether something is missing at its end.
    pub is_cut: bool,
}

/// Renders Markdown. Headings are shifted below the one of the page, and ids begin with `prefix`.
pub fn render(bytes: &[u8], base: &Base, prefix: &str) -> Rendered {
    let (text, was_cut) = decode(bytes);
    let mut writer = Writer::new(base, prefix, MOST_WRITTEN);
    let is_whole = writer.write(&text);
    Rendered {
        html: writer.finish(),
        is_cut: was_cut || !is_whole,
    }
}

/// Renders a text that is no Markdown, as it is.
pub fn render_plain(bytes: &[u8]) -> Rendered {
    let (text, is_cut) = decode(bytes);
    let mut html = String::from("<pre>");
    write::escape(&mut html, &text);
    html.push_str("</pre>");
    Rendered { html, is_cut }
}

/// The text, and whether it was cut. It is cut at the end of a line where there is one.
fn decode(bytes: &[u8]) -> (String, bool) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let Some(beginning) = bytes.get(..MOST).filter(|_| bytes.len() > MOST) else {
        return (String::from_utf8_lossy(bytes).into_owned(), false);
    };
    let end = beginning
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap_or(MOST);
    let beginning = beginning.get(..end).unwrap_or(beginning);
    (String::from_utf8_lossy(beginning).into_owned(), true)
}
