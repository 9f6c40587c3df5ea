//! What the owner of a repository decides about it: `composer_1`, `mirrors`, `messages` and `duplicates`.
//! They travel as one small JSON object; what is absent has its default.

mod message;
mod mirror;

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use message::add_messages;
pub use message::{Level, Message};
pub use mirror::Mirror;

/// Mirrors of one repository: each is tried for each archive, so more only make failures slower.
const MOST_MIRRORS: usize = 8;
/// Messages of one repository: each is printed at each update.
const MOST_MESSAGES: usize = 8;

/// Who is given the keys of Composer 1 in `packages.json`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Deserr, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[deserr(rename_all = lowercase)]
pub enum Composer1 {
    /// A client that says it is Composer 1.
    #[default]
    Auto,
    /// Everybody.
    Full,
    /// Nobody; its documents are not even built.
    Off,
}

impl Composer1 {
    /// Whether the documents of Composer 1 are built.
    pub fn is_built(self) -> bool {
        self != Self::Off
    }
}

/// What becomes of an upload of a stable version that is there already with other bytes. That it takes the place of the
/// first is not on offer: lock files hold the first one's address and checksum.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Deserr, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[deserr(rename_all = lowercase)]
pub enum Duplicates {
    /// It is refused.
    #[default]
    Refuse,
    /// It is answered as if it had been taken, and the first stays: for pipelines that run again.
    Ignore,
}

/// The settings of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Who is given the keys of Composer 1.
    pub composer_1: Composer1,
    /// Other places to download from.
    pub mirrors: Vec<Mirror>,
    /// What Composer prints to the person at the terminal.
    pub messages: Vec<Message>,
    /// What becomes of uploads of what is there already.
    pub duplicates: Duplicates,
}

/// A setting that makes no sense; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidSetting {
    /// Which setting, as a JSON pointer (RFC 6901) into the change.
    pub field: String,
    /// What to do.
    pub message: String,
}

impl InvalidSetting {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same, said of an entry of a list.
    fn within(mut self, list: &str, index: usize) -> Self {
        self.field = format!("{list}/{index}{}", self.field);
        self
    }
}

/// A change of settings: what is absent stays as it is, a list replaces the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SettingsPatch {
    /// Who is given the keys of Composer 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composer_1: Option<Composer1>,
    /// Other places to download from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirrors: Option<Vec<Mirror>>,
    /// What Composer prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// What becomes of uploads of what is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

impl SettingsPatch {
    /// Whether everything in it can be put into force.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        let mirrors = self.mirrors.as_deref().unwrap_or_default();
        if mirrors.len() > MOST_MIRRORS {
            return Err(InvalidSetting::new(
                "/mirrors",
                format!("A repository has at most {MOST_MIRRORS} mirrors, leave some out"),
            ));
        }
        for (index, mirror) in mirrors.iter().enumerate() {
            mirror
                .check()
                .map_err(|fault| fault.within("/mirrors", index))?;
        }
        let messages = self.messages.as_deref().unwrap_or_default();
        if messages.len() > MOST_MESSAGES {
            return Err(InvalidSetting::new(
                "/messages",
                format!("A repository has at most {MOST_MESSAGES} messages, leave some out"),
            ));
        }
        for (index, message) in messages.iter().enumerate() {
            message
                .check()
                .map_err(|fault| fault.within("/messages", index))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_has_its_default() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.composer_1, Composer1::Auto);
    }

    #[test]
    fn a_patch_names_what_it_changes_and_nothing_else() {
        let patch = SettingsPatch {
            mirrors: Some(Vec::new()),
            ..SettingsPatch::default()
        };
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"mirrors":[]}"#);
    }

    #[test]
    fn lists_are_bounded() {
        let message = || Message {
            level: Level::Info,
            text: "a".to_owned(),
            versions: "*".to_owned(),
        };
        let patch = |count| SettingsPatch {
            messages: Some(std::iter::repeat_with(message).take(count).collect()),
            ..SettingsPatch::default()
        };
        patch(MOST_MESSAGES).check().unwrap();
        patch(MOST_MESSAGES + 1).check().unwrap_err();
    }
}
