//! What a connection shows to its host.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};

/// A token, and the name it goes with where the host wants one.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// With one, both go as Basic; without, the token goes in the host's own header.
    pub username: Option<String>,
    /// An access token, or the password of `username`.
    pub token: String,
}

/// Never shows the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// What somebody typed. An empty username is none.
    pub fn new(username: Option<&str>, token: &str) -> Self {
        let username = username.map(str::trim).filter(|name| !name.is_empty());
        Self {
            username: username.map(str::to_owned),
            token: token.trim().to_owned(),
        }
    }

    /// The token, when it is one that can stand in a header.
    pub(super) fn plain_token(&self) -> Result<&str> {
        let token = self.token.trim();
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(token);
        }
        Err(Error::invalid(
            "The token is empty or has characters that no token has; copy it again",
        ))
    }

    /// The token of a host that has no use for a name beside it.
    pub(super) fn token_alone(&self, host: &str) -> Result<&str> {
        if self.username.is_some() {
            return Err(Error::invalid(format!(
                "{host} takes a token alone; leave `username` out"
            )));
        }
        self.plain_token()
    }

    /// The value of `Authorization` for a name and its token (RFC 7617); none without a name.
    pub fn basic(&self) -> Result<Option<String>> {
        let Some(username) = &self.username else {
            return Ok(None);
        };
        if username.contains(':') || username.chars().any(char::is_control) {
            return Err(Error::invalid(
                "`username` must have no colon and no control characters",
            ));
        }
        if self.token.is_empty() || self.token.chars().any(char::is_control) {
            return Err(Error::invalid(
                "The token is empty or has control characters; copy it again",
            ));
        }
        let pair = STANDARD.encode(format!("{username}:{}", self.token));
        Ok(Some(format!("Basic {pair}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printed_holds_the_secret() {
        let shown = format!("{:?}", Credentials::new(Some("ada"), "s3cret"));
        assert!(
            shown.contains("ada") && !shown.contains("s3cret"),
            "{shown}"
        );
    }

    #[test]
    fn a_name_and_its_token_go_as_basic() {
        // The example of RFC 7617.
        let named = Credentials::new(Some(" Aladdin "), "open sesame");
        assert_eq!(
            named.basic().unwrap().as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(Credentials::new(Some(" "), "x").basic().unwrap(), None);
        assert_eq!(Credentials::new(None, "x").basic().unwrap(), None);
        for (username, token) in [("a:b", "x"), ("a\nb", "x"), ("a", ""), ("a", "x\ny")] {
            assert!(Credentials::new(Some(username), token).basic().is_err());
        }
    }
}
