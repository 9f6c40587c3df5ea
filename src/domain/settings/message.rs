//! Texts that Composer prints to the person at the terminal, by the version of Composer.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::InvalidSetting;
use crate::domain::constraint::Constraint;

/// The longest text of a message, in bytes.
const TEXT_LIMIT: usize = 500;
/// The longest constraint of a message, in bytes.
const VERSIONS_LIMIT: usize = 200;
/// The releases that read one text of each level (Composer 1.8.5 to 2.1.14): minor version, first and last patch.
const READ_ONE_TEXT: [(&str, u8, u8); 5] = [
    ("1.8", 5, 6),
    ("1.9", 0, 3),
    ("1.10", 0, 27),
    ("2.0", 0, 14),
    ("2.1", 0, 14),
];
/// From here on clients read the lists `warnings` and `infos` (Composer 2.2.0-RC1, `HttpDownloader::outputWarnings`).
const READS_LISTS: &str = "2.2.0.0-dev";

/// How a message is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[deserr(rename_all = lowercase)]
pub enum Level {
    /// In green.
    Info,
    /// In yellow.
    Warning,
}

/// A message, and which versions of Composer print it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, JsonSchema)]
#[serde(deny_unknown_fields)]
#[deserr(deny_unknown_fields)]
pub struct Message {
    /// How it is printed.
    pub level: Level,
    /// What is printed.
    pub text: String,
    /// A constraint on Composer's own version.
    #[serde(default = "any_version")]
    #[deserr(default = any_version())]
    pub versions: String,
}

fn any_version() -> String {
    "*".to_owned()
}

impl Message {
    /// Whether it can be printed.
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        if self.text.trim().is_empty() {
            return Err(InvalidSetting::new("/text", "A message needs a `text`"));
        }
        if self.text.len() > TEXT_LIMIT {
            return Err(InvalidSetting::new(
                "/text",
                format!("`text` of a message has more than {TEXT_LIMIT} bytes, shorten it"),
            ));
        }
        // They would reach the terminals of everybody who uses the repository.
        if self.text.chars().any(|one| one.is_control() && one != '\n') {
            return Err(InvalidSetting::new(
                "/text",
                "`text` of a message has control characters, leave them out",
            ));
        }
        if self.versions.len() > VERSIONS_LIMIT {
            return Err(InvalidSetting::new(
                "/versions",
                format!("`versions` of a message has more than {VERSIONS_LIMIT} bytes, shorten it"),
            ));
        }
        Constraint::parse(&self.versions)
            .map(|_| ())
            .map_err(|error| {
                InvalidSetting::new("/versions", format!("`versions` of a message: {error}"))
            })
    }
}

/// Puts messages into `packages.json`: all of them into the lists that newer clients read, and the first one of each
/// level that is meant for any older client into the key that those read. Newer ones read that as well, and are excluded.
pub(crate) fn add_messages(root: &mut Map<String, Value>, messages: &[Message]) {
    for (level, key, list) in [
        (Level::Info, "info", "infos"),
        (Level::Warning, "warning", "warnings"),
    ] {
        let spoken: Vec<_> = messages
            .iter()
            .filter(|message| message.level == level)
            .filter_map(|message| Some((message, plain_groups(&message.versions)?)))
            .collect();
        if spoken.is_empty() {
            continue;
        }
        let for_older = spoken
            .iter()
            .find(|(message, _)| is_for_older(&message.versions));
        if let Some((first, groups)) = for_older {
            let older: Vec<_> = groups
                .iter()
                .map(|group| format!("{group} <{READS_LISTS}"))
                .collect();
            root.insert(key.to_owned(), first.text.as_str().into());
            root.insert(format!("{key}-versions"), older.join(" || ").into());
        }
        let entries = spoken.iter().map(
            |(message, groups)| json!({"message": message.text, "versions": groups.join(" || ")}),
        );
        root.insert(list.to_owned(), entries.collect());
    }
}

/// Whether any release that reads one text is meant.
fn is_for_older(versions: &str) -> bool {
    Constraint::parse(versions).is_ok_and(|constraint| {
        READ_ONE_TEXT.iter().any(|(minor, first, last)| {
            (*first..=*last).any(|patch| constraint.matches(&format!("{minor}.{patch}.0")))
        })
    })
}

/// A constraint in the plainest words, by its OR groups: a text that an older client could not read would make its whole
/// repository unreadable.
fn plain_groups(versions: &str) -> Option<Vec<String>> {
    let constraint = Constraint::parse(versions).ok()?;
    let plain = constraint.to_string().replace(['[', ']'], "");
    Some(plain.split(" || ").map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: Level, text: &str, versions: &str) -> Message {
        Message {
            level,
            text: text.to_owned(),
            versions: versions.to_owned(),
        }
    }

    /// What each way of reading prints, for a version of Composer.
    fn printed(messages: &[Message], composer: &str) -> Vec<String> {
        let mut root = Map::new();
        add_messages(&mut root, messages);
        let takes = |constraint: &Value| {
            let constraint = Constraint::parse(constraint.as_str().unwrap()).unwrap();
            constraint.matches(composer)
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut printed = Vec::new();
        for key in ["warning", "info"] {
            if root.contains_key(key) && takes(&root[&format!("{key}-versions")]) {
                printed.push(text(&root[key]));
            }
        }
        // 2.2.0.0-RC1 is the first that reads them.
        if !Constraint::parse("<2.2").unwrap().matches(composer) {
            for list in ["warnings", "infos"] {
                for entry in root
                    .get(list)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    if takes(&entry["versions"]) {
                        printed.push(text(&entry["message"]));
                    }
                }
            }
        }
        printed
    }

    #[test]
    fn each_client_prints_what_is_meant_for_it_once() {
        let messages = [
            message(Level::Warning, "all", "*"),
            message(Level::Warning, "some", "^2.5 || 1.8 - 1.10"),
            message(Level::Info, "odd", "<2.0 || >=2.1,<2.4 | ~2.11"),
        ];
        let cases = [
            ("1.10.27.0", vec!["all", "odd"]),
            ("2.0.14.0", vec!["all"]),
            ("2.1.14.0", vec!["all", "odd"]),
            ("2.2.0.0-RC1", vec!["all", "odd"]),
            ("2.2.28.0", vec!["all", "odd"]),
            ("2.5.5.0", vec!["all", "some"]),
            ("2.11.0.0", vec!["all", "some", "odd"]),
        ];
        for (composer, expected) in cases {
            assert_eq!(printed(&messages, composer), expected, "{composer}");
        }
        assert_eq!(printed(&messages[1..2], "1.9.0.0"), ["some"]);
        assert_eq!(printed(&messages[1..2], "2.4.0.0"), Vec::<String>::new());
        let new_and_old = [
            message(Level::Info, "new", ">=2.5"),
            message(Level::Info, "old", "1.10.27"),
        ];
        assert_eq!(printed(&new_and_old, "2.5.0.0"), ["new"]);
        assert_eq!(printed(&new_and_old, "1.10.27.0"), ["old"]);
    }

    #[test]
    fn constraints_are_written_in_the_plainest_words() {
        let mut root = Map::new();
        add_messages(&mut root, &[message(Level::Info, "a", "^2.5 || *")]);
        assert_eq!(
            Value::Object(root),
            json!({
                "info": "a",
                "info-versions": ">= 2.5.0.0-dev < 3.0.0.0-dev <2.2.0.0-dev || * <2.2.0.0-dev",
                "infos": [{"message": "a", "versions": ">= 2.5.0.0-dev < 3.0.0.0-dev || *"}],
            })
        );
    }

    #[test]
    fn what_cannot_be_printed_is_refused() {
        message(Level::Info, "Hello", "^2.5").check().unwrap();
        message(Level::Info, "Two\nlines", "*").check().unwrap();
        for (text, versions, reason) in [
            ("", "*", "needs a `text`"),
            ("  ", "*", "needs a `text`"),
            ("\u{1b}[31mred", "*", "control characters"),
            ("Hello", "", "is empty"),
            ("Hello", "~>2", "`~>`"),
            ("Hello", "later", "`later`"),
        ] {
            let refused = message(Level::Info, text, versions).check().unwrap_err();
            assert!(refused.to_string().contains(reason), "{refused}");
        }
        message(Level::Info, &"a".repeat(501), "*")
            .check()
            .unwrap_err();
        message(Level::Info, "a", &"1.0 || ".repeat(40))
            .check()
            .unwrap_err();
    }
}
