//! Where links may lead.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What never stands in an address as it is: what ends it in quotes or a tag, and what browsers make something else of.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'\\')
    .add(b'^')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// An address is never longer, in bytes.
const LONGEST: usize = 2_000;

/// Where a file lies, for its relative links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base {
    /// The page of the project's files at the commit, without a slash at its end.
    files: Option<String>,
    /// The folder of the file in the project, without slashes around it; empty for the top.
    folder: String,
}

impl Base {
    /// Of a project with a page for its files. What is no `http` or `https` address is none.
    pub fn new(files: Option<&str>, folder: &str) -> Self {
        let files = files
            .filter(|page| scheme_of(page).is_some_and(|scheme| scheme != Scheme::Mail))
            .and_then(absolute)
            .map(|page| {
                let end = page.find(['?', '#']).unwrap_or(page.len());
                page.get(..end)
                    .unwrap_or(&page)
                    .trim_end_matches('/')
                    .to_owned()
            });
        Self {
            files,
            folder: folder.trim_matches('/').to_owned(),
        }
    }

    /// Where a link leads; none where it must not, or cannot be known.
    pub(super) fn resolve(&self, link: &str, prefix: &str) -> Option<String> {
        let link = link.trim();
        // Browsers leave out tabs and line ends wherever they stand, and so would read what we did not.
        if link.is_empty() || link.len() > LONGEST || link.chars().any(char::is_control) {
            return None;
        }
        if let Some(anchor) = link.strip_prefix('#') {
            let anchor: String = slug(anchor);
            return (!anchor.is_empty()).then(|| format!("#{prefix}{anchor}"));
        }
        if link.starts_with("//") || link.starts_with('\\') || link.starts_with("/\\") {
            // Another host by the scheme of the page.
            return link
                .starts_with("//")
                .then(|| absolute(&format!("https:{link}")))
                .flatten();
        }
        if has_scheme(link) {
            return scheme_of(link).and_then(|_| absolute(link));
        }
        self.relative(link)
    }

    /// A path in the project. It never leaves it.
    fn relative(&self, link: &str) -> Option<String> {
        let files = self.files.as_ref()?;
        let (path, rest) = link.split_at_checked(link.find(['?', '#']).unwrap_or(link.len()))?;
        let anchor = rest.find('#').and_then(|at| rest.get(at..)).unwrap_or("");
        let mut segments: Vec<&str> = Vec::new();
        if !path.starts_with('/') {
            segments.extend(self.folder.split('/').filter(|one| !one.is_empty()));
        }
        for segment in path.split(['/', '\\']) {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                other => segments.push(other),
            }
        }
        let mut address = files.clone();
        for segment in segments {
            address.push('/');
            address.extend(utf8_percent_encode(segment, UNSAFE));
        }
        address.extend(utf8_percent_encode(anchor, UNSAFE));
        Some(address)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Web,
    Mail,
}

/// Whether a link begins with the name of a scheme: with a colon before anything that a path may have.
fn has_scheme(link: &str) -> bool {
    let end = link.find(['/', '?', '#', '\\']).unwrap_or(link.len());
    link.get(..end).is_some_and(|start| start.contains(':'))
}

/// The scheme of an address, if it is one of those that links may have.
fn scheme_of(address: &str) -> Option<Scheme> {
    let (name, rest) = address.split_once(':')?;
    match name.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.strip_prefix("//").and_then(|rest| {
            let host = rest.split(['/', '?', '#', '\\']).next()?;
            (!host.is_empty() && !host.contains('@')).then_some(Scheme::Web)
        }),
        "mailto" => (!rest.is_empty()).then_some(Scheme::Mail),
        _ => None,
    }
}

/// An address with its scheme in small letters, as it may stand in quotes.
fn absolute(address: &str) -> Option<String> {
    scheme_of(address)?;
    let (name, rest) = address.split_once(':')?;
    let rest = utf8_percent_encode(rest, UNSAFE);
    Some(format!("{}:{rest}", name.to_ascii_lowercase()))
}

/// The anchor of a heading, as git hosts make it of its text: small letters, digits, hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars().take(100) {
        match character {
            ' ' | '-' => slug.push('-'),
            '_' => slug.push('_'),
            other if other.is_alphanumeric() => slug.extend(other.to_lowercase()),
            _ => {}
        }
    }
    slug
}
