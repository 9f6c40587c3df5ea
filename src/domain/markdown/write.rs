//! From what the library reads to the few elements that there are.

use std::collections::BTreeMap;

use pulldown_cmark::{
    Alignment, CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
};

use super::links::{Base, slug};

/// What each link says of where it leads.
const REL: &str = "nofollow noopener noreferrer";

/// Elements in each other; deeper ones are left out with their tags, their texts stay.
const DEEPEST: usize = 50;

/// Writes HTML.
pub(super) struct Writer<'a> {
    base: &'a Base,
    prefix: &'a str,
    most: usize,
    html: String,
    /// How each element that is open ends, in order; empty for one that was left out.
    open: Vec<&'static str>,
    /// How many of them are in a link.
    links: usize,
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
    /// The text of a heading, or of a picture, while it is read.
    gathered: Option<Gathered>,
    slugs: BTreeMap<String, usize>,
}

struct Gathered {
    kind: GatheredKind,
    /// Where its element begins.
    at: usize,
    text: String,
    /// Whether there is an end to it.
    is_open: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum GatheredKind {
    Heading(u8),
    Picture(Option<String>),
}

impl<'a> Writer<'a> {
    pub(super) fn new(base: &'a Base, prefix: &'a str, most: usize) -> Self {
        Self {
            base,
            prefix,
            most,
            html: String::new(),
            open: Vec::new(),
            links: 0,
            alignments: Vec::new(),
            column: 0,
            is_head: false,
            gathered: None,
            slugs: BTreeMap::new(),
        }
    }

    /// Writes a text; whether all of it.
    pub(super) fn write(&mut self, text: &str) -> bool {
        let options =
            Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        for event in Parser::new_ext(text, options) {
            if self.html.len() > self.most {
                return false;
            }
            self.event(event);
        }
        true
    }

    /// Closes what is open, and gives the whole.
    pub(super) fn finish(mut self) -> String {
        // The text was cut in a heading.
        self.insert_heading();
        while let Some(end) = self.open.pop() {
            self.html.push_str(end);
        }
        self.html
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                if self.is_picture() {
                    return self.text(&text);
                }
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak if self.is_picture() => self.text(" "),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>\n"),
            Event::TaskListMarker(is_done) => {
                // A field without a name says nothing to who hears the page.
                self.html.push_str(if is_done {
                    "<input type=\"checkbox\" aria-label=\"done\" disabled checked> "
                } else {
                    "<input type=\"checkbox\" aria-label=\"not done\" disabled> "
                });
            }
            // What somebody wrote as HTML is dropped; the rest is not asked for.
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_) => {}
        }
    }

    fn is_picture(&self) -> bool {
        let kind = self.gathered.as_ref().map(|gathered| &gathered.kind);
        matches!(kind, Some(GatheredKind::Picture(_)))
    }

    fn text(&mut self, text: &str) {
        if let Some(gathered) = &mut self.gathered {
            gathered.text.push_str(text);
            if matches!(gathered.kind, GatheredKind::Picture(_)) {
                return;
            }
        }
        escape(&mut self.html, text);
    }

    /// Opens an element, unless it would be too deep.
    fn open(&mut self, start: &str, end: &'static str) {
        if self.open.len() >= DEEPEST || self.is_picture() {
            return self.open.push("");
        }
        self.html.push_str(start);
        self.open.push(end);
    }

    fn close(&mut self) {
        if let Some(end) = self.open.pop() {
            self.html.push_str(end);
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.open("<p>", "</p>\n"),
            Tag::Heading { level, .. } => self.begin_heading(level),
            Tag::BlockQuote(_) => self.open("<blockquote>", "</blockquote>\n"),
            Tag::CodeBlock(kind) => {
                let start = match &kind {
                    CodeBlockKind::Fenced(said) => code_start(said),
                    CodeBlockKind::Indented => "<pre><code>".to_owned(),
                };
                self.open(&start, "</code></pre>\n");
            }
            Tag::List(None) => self.open("<ul>", "</ul>\n"),
            Tag::List(Some(1)) => self.open("<ol>", "</ol>\n"),
            Tag::List(Some(from)) => {
                self.open(&format!("<ol start=\"{from}\">"), "</ol>\n");
            }
            Tag::Item => self.open("<li>", "</li>\n"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.open("<div class=\"table\"><table>", "</table></div>\n");
            }
            Tag::TableHead => {
                self.is_head = true;
                self.column = 0;
                self.open("<thead><tr>", "</tr></thead>\n");
            }
            Tag::TableRow => {
                self.column = 0;
                self.open("<tr>", "</tr>\n");
            }
            Tag::TableCell => self.begin_cell(),
            Tag::Emphasis => self.open("<em>", "</em>"),
            Tag::Strong => self.open("<strong>", "</strong>"),
            Tag::Strikethrough => self.open("<del>", "</del>"),
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => self.begin_link(link_type, &dest_url),
            Tag::Image { dest_url, .. } => self.begin_picture(&dest_url),
            // Blocks of HTML have their lines as events, which are dropped; the rest is not asked for.
            _ => self.open("", ""),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::Image => self.end_picture(),
            TagEnd::Link => {
                self.links = self.links.saturating_sub(1);
                self.close();
            }
            TagEnd::TableHead => {
                self.is_head = false;
                self.close();
            }
            TagEnd::TableCell => {
                self.column = self.column.saturating_add(1);
                self.close();
            }
            _ => self.close(),
        }
    }

    fn begin_heading(&mut self, level: HeadingLevel) {
        // The page has the only heading of the first level.
        let level = match level {
            HeadingLevel::H1 => 2,
            HeadingLevel::H2 => 3,
            HeadingLevel::H3 => 4,
            HeadingLevel::H4 => 5,
            HeadingLevel::H5 | HeadingLevel::H6 => 6,
        };
        self.gathered = Some(Gathered {
            kind: GatheredKind::Heading(level),
            at: self.html.len(),
            text: String::new(),
            is_open: self.open.len() < DEEPEST,
        });
        let end = match level {
            2 => "</h2>\n",
            3 => "</h3>\n",
            4 => "</h4>\n",
            5 => "</h5>\n",
            _ => "</h6>\n",
        };
        self.open("", end);
    }

    /// The id of a heading is made of its text, so its tag is written when that is known.
    fn end_heading(&mut self) {
        self.insert_heading();
        self.close();
    }

    fn insert_heading(&mut self) {
        if let Some(Gathered {
            kind: GatheredKind::Heading(level),
            at,
            text,
            is_open: true,
        }) = self.gathered.take()
        {
            let slug = self.own_slug(slug(text.trim()));
            let start = format!("<h{level} id=\"{}{slug}\">", self.prefix);
            if self.html.is_char_boundary(at) {
                self.html.insert_str(at, &start);
            }
        }
    }

    /// A slug that no heading before has, as git hosts number them.
    fn own_slug(&mut self, slug: String) -> String {
        let slug = if slug.is_empty() {
            "section".to_owned()
        } else {
            slug
        };
        let mut own = slug.clone();
        while self.slugs.contains_key(&own) {
            let number = self.slugs.entry(slug.clone()).or_default();
            *number = number.saturating_add(1);
            own = format!("{slug}-{number}");
        }
        self.slugs.insert(own.clone(), 0);
        own
    }

    fn begin_cell(&mut self) {
        let align = match self.alignments.get(self.column) {
            Some(Alignment::Left) => " class=\"align-left\"",
            Some(Alignment::Center) => " class=\"align-center\"",
            Some(Alignment::Right) => " class=\"align-right\"",
            _ => "",
        };
        if self.is_head {
            self.open(&format!("<th scope=\"col\"{align}>"), "</th>");
        } else {
            self.open(&format!("<td{align}>"), "</td>");
        }
    }

    fn begin_link(&mut self, kind: LinkType, address: &str) {
        let address = match kind {
            LinkType::Email if !address.starts_with("mailto:") => format!("mailto:{address}"),
            _ => address.to_owned(),
        };
        self.links = self.links.saturating_add(1);
        match self.resolve(&address).filter(|_| self.links == 1) {
            Some(start) => self.open(&start, "</a>"),
            None => self.open("", ""),
        }
    }

    /// How a link begins.
    fn resolve(&self, address: &str) -> Option<String> {
        let address = self.base.resolve(address, self.prefix)?;
        let mut start = String::from("<a href=\"");
        escape(&mut start, &address);
        if !address.starts_with('#') {
            start.push_str("\" rel=\"");
            start.push_str(REL);
        }
        start.push_str("\">");
        Some(start)
    }

    /// A picture in a link is its text; one by itself is a link to it.
    fn begin_picture(&mut self, address: &str) {
        let own = self.resolve(address).filter(|_| self.links == 0);
        self.open.push("");
        // In a heading its text is one with that of the heading, in another picture with that of the picture.
        if self.gathered.is_none() {
            self.gathered = Some(Gathered {
                kind: GatheredKind::Picture(own),
                at: self.html.len(),
                text: String::new(),
                is_open: true,
            });
        }
    }

    fn end_picture(&mut self) {
        self.open.pop();
        let gathered = match self.gathered.take() {
            Some(Gathered {
                kind: GatheredKind::Picture(link),
                text,
                ..
            }) => (link, text),
            other => {
                self.gathered = other;
                return;
            }
        };
        let (link, text) = gathered;
        let text = if text.trim().is_empty() {
            "Picture"
        } else {
            text.trim()
        };
        self.html.push_str(link.as_deref().unwrap_or_default());
        escape(&mut self.html, text);
        if link.is_some() {
            self.html.push_str("</a>");
        }
    }
}

/// The start of a code block; the first word behind its fence is its language.
fn code_start(said: &str) -> String {
    let language = said.split([' ', ',', '{', '\t']).next().unwrap_or_default();
    let is_plain = (1..=20).contains(&language.len())
        && language
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'#' | b'_'));
    if is_plain {
        format!("<pre><code class=\"language-{language}\">")
    } else {
        "<pre><code>".to_owned()
    }
}

/// Writes a text so that it is nothing but text. Characters that turn the order of others around, and those that nobody sees
/// and nobody means, are left out.
pub(super) fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(character),
            '\u{200e}'
            | '\u{200f}'
            | '\u{061c}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => {}
            other => html.push(other),
        }
    }
}
