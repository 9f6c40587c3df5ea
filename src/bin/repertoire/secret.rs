//! Tokens: they come from where no other process sees them, and go into one header.

use std::fmt;
use std::io::{IsTerminal, Read};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// Tokens are some dozens of characters; more is something else, pasted by mistake.
const LONGEST: u64 = 16 * 1024;

/// A text that is never printed by mistake.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Reads a token: visible ASCII, as headers take it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::usage(
                "This is no token: one has visible ASCII characters alone, and no spaces",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself, to be sent.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// Asks a person without showing what is typed; reads standard input where there is nobody to ask, or `from_input` says so.
pub(crate) fn ask(prompt: &str, from_input: bool) -> Result<Secret> {
    let text = if from_input || !std::io::stdin().is_terminal() {
        let mut text = String::new();
        let mut input = std::io::stdin().take(LONGEST);
        input
            .read_to_string(&mut text)
            .map_err(|error| Failure::failed(format!("Standard input cannot be read: {error}")))?;
        text
    } else {
        rpassword::prompt_password(format!("{prompt}: "))
            .map_err(|error| Failure::failed(format!("The terminal cannot be read: {error}")))?
    };
    Ok(Secret(text.trim().to_owned()))
}
