//! FUNDING.yml as GitHub has it, read as Composer's `GitHubDriver::getFundingInfo` reads it: line by line, not as YAML.

mod address;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::scan::{self, trim};
use address::Reading;

/// One way to pay for a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// `github`, `custom`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where to pay.
    pub url: String,
}

impl Funding {
    /// As composer.json has it.
    pub fn to_json(&self) -> Value {
        json!({"type": self.kind, "url": self.url})
    }
}

/// Reads a FUNDING.yml. Never fails: what is no funding is passed over.
pub fn parse_funding(text: &str) -> Vec<Funding> {
    let mut found = Vec::new();
    // The kind whose items stand on lines of their own.
    let mut open: Option<&str> = None;
    for line in text.split('\n') {
        let line = trim(line.strip_suffix('\r').unwrap_or(line));
        if let Some((kind, value)) = key_and_value(line) {
            if value == "[" {
                open = Some(kind);
                continue;
            }
            open = None;
            read_value(kind, value, &mut found);
        } else if let Some(kind) = open {
            if let Some(item) = list_item(line) {
                push(kind, item, &mut found);
            } else if line == "]" {
                open = None;
            }
        }
    }
    found.into_iter().filter_map(with_address).collect()
}

/// `kind: value`, the value without the blanks around it.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || sign == '_');
    let kind = scan::consumed(line, rest);
    let value = rest.trim_start_matches(scan::is_space).strip_prefix(':')?;
    let value = value.trim_start_matches(scan::is_space);
    (!kind.is_empty() && !value.is_empty()).then_some((kind, value))
}

fn read_value(kind: &str, value: &str, found: &mut Vec<Funding>) {
    if let Some(items) = bracketed(value) {
        for item in items.split(',') {
            // A quote may stand next to the blanks around the comma; all are cut in the end.
            push(kind, trim(item), found);
        }
    } else if !value.starts_with('#') {
        push(kind, before_comment(value), found);
    }
}

/// What stands between `[` and the first `]` after which only a comment may come.
fn bracketed(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('[')?;
    inner
        .match_indices(']')
        .find(|(at, _)| {
            let after = inner.get(at.saturating_add(1)..).unwrap_or_default();
            let after_blanks = after.trim_start_matches(scan::is_space);
            after.is_empty() || after_blanks.starts_with('#')
        })
        .and_then(|(at, _)| inner.get(..at))
}

/// The value up to the first blanks with a `#` behind them.
fn before_comment(value: &str) -> &str {
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('#') {
        let upto = scan::consumed(value, after);
        let kept = upto.strip_suffix('#').unwrap_or(upto);
        let body = kept.trim_end_matches(scan::is_space);
        if before.ends_with(scan::is_space) && !body.is_empty() {
            return body;
        }
        rest = after;
    }
    value
}

/// `- item`, or `item,` with perhaps a comment.
fn list_item(line: &str) -> Option<&str> {
    if let Some(item) = line.strip_prefix('-') {
        let body = item.trim_start_matches(scan::is_space);
        // A dash and blanks alone: the last blank is the item.
        return (!item.is_empty()).then_some(body);
    }
    let commas = line.rmatch_indices(',');
    let mut fitting = commas.filter(|(at, _)| {
        let after = line.get(at.saturating_add(1)..).unwrap_or_default();
        after.is_empty() || after.trim_start_matches(scan::is_space).starts_with('#')
    });
    fitting
        .find_map(|(at, _)| line.get(..at))
        .filter(|item| !item.is_empty())
}

fn push(kind: &str, item: &str, found: &mut Vec<Funding>) {
    found.push(Funding {
        kind: kind.to_owned(),
        url: item.trim_matches(['"', '\'', ' ']).to_owned(),
    });
}

/// The account made into an address, by the kind.
fn with_address(mut funding: Funding) -> Option<Funding> {
    let account = funding.url.as_str();
    let last = base_name(account);
    funding.url = match funding.kind.as_str() {
        "community_bridge" => format!("https://funding.communitybridge.org/projects/{last}"),
        "github" => format!("https://github.com/{last}"),
        "issuehunt" => format!("https://issuehunt.io/r/{account}"),
        "ko_fi" => format!("https://ko-fi.com/{last}"),
        "liberapay" => format!("https://liberapay.com/{last}"),
        "open_collective" => format!("https://opencollective.com/{last}"),
        "patreon" => format!("https://www.patreon.com/{last}"),
        "tidelift" => format!("https://tidelift.com/funding/github/{account}"),
        "polar" => format!("https://polar.sh/{last}"),
        "buy_me_a_coffee" => format!("https://www.buymeacoffee.com/{last}"),
        "thanks_dev" => format!("https://thanks.dev/{account}"),
        "otechie" => format!("https://otechie.com/{last}"),
        "custom" => match Reading::of(account) {
            Reading::Address => account.to_owned(),
            Reading::Path if is_host(account) => format!("https://{account}"),
            Reading::Path | Reading::Malformed => return None,
        },
        _ => account.to_owned(),
    };
    Some(funding)
}

/// What follows the last slash, those at the end not counted.
fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// `example.org`: a word, a dot, and two or three letters.
fn is_host(text: &str) -> bool {
    let is_word = |sign: u8| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-';
    text.split_once('.').is_some_and(|(word, end)| {
        !word.is_empty()
            && word.bytes().all(is_word)
            && matches!(end.len(), 2 | 3)
            && end.bytes().all(|sign| sign.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let found = parse_funding(text);
        found
            .into_iter()
            .map(|funding| format!("{} {}", funding.kind, funding.url))
            .collect()
    }

    #[test]
    fn accounts_become_addresses() {
        let text = "# how to help\n\
                    github: [acme, 'https://github.com/octo']\r\n\
                    patreon: acme # thanks\n\
                    open_collective: # nothing\n\
                    tidelift: packagist/acme/lib\n\
                    custom: [\"https://a.b/pay\", acme.org, not an address]\n\
                    ko_fi: [\n  one,\n  two, # the second\n]\n\
                    liberapay:\n  - not read\n";
        assert_eq!(
            read(text),
            [
                "github https://github.com/acme",
                "github https://github.com/octo",
                "patreon https://www.patreon.com/acme",
                "tidelift https://tidelift.com/funding/github/packagist/acme/lib",
                "custom https://a.b/pay",
                "custom https://acme.org",
                "ko_fi https://ko-fi.com/one",
                "ko_fi https://ko-fi.com/two",
            ]
        );
    }
}
