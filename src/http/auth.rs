//! The Authorization header. None, bad and good are three answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::token::{TokenHash, is_mistyped};

/// What a request brought along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// Something that cannot be a token of ours: refused without a look-up.
    Unreadable,
    /// The hash of a token, to be looked up.
    Token(TokenHash),
}

/// The most bytes of the header that are read; tokens of ours, user name and all, have far fewer.
const MAX_LENGTH: usize = 8_192;

/// Reads the header: `Bearer {token}`, or `Basic` with the token as password (any user name), or with the token as
/// user name and no password worth the name, as people and CI systems write it.
pub fn read_credentials(header: Option<&str>) -> Credentials {
    let Some(header) = header.map(str::trim).filter(|header| !header.is_empty()) else {
        return Credentials::None;
    };
    if header.len() > MAX_LENGTH {
        return Credentials::Unreadable;
    }
    let Some((scheme, rest)) = header.split_once(' ') else {
        return Credentials::Unreadable;
    };
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.trim().to_owned()),
        "basic" => basic_token(rest.trim()),
        _ => None,
    };
    match token {
        Some(token) if !token.is_empty() && !is_mistyped(&token) => {
            Credentials::Token(TokenHash::of(&token))
        }
        _ => Credentials::Unreadable,
    }
}

fn basic_token(encoded: &str) -> Option<String> {
    let decoded = STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    let token = match password {
        "" | "x-oauth-basic" => user,
        password => password,
    };
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_token_comes_in_any_of_its_forms() {
        let expected = Credentials::Token(TokenHash::of("secret-token"));
        for header in [
            "Bearer secret-token".to_owned(),
            "bearer  secret-token ".to_owned(),
            basic("anybody:secret-token"),
            basic("secret-token:"),
            basic("secret-token:x-oauth-basic"),
        ] {
            assert_eq!(read_credentials(Some(&header)), expected, "{header}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_not_the_same() {
        assert_eq!(read_credentials(None), Credentials::None);
        assert_eq!(read_credentials(Some(" ")), Credentials::None);
        for header in [
            "Bearer",
            "Bearer ",
            "Basic !!!",
            "Digest x",
            "Basic bm9jb2xvbg==",
            "Bearer rptd_short",
            &format!("Bearer {}", "a".repeat(MAX_LENGTH)),
        ] {
            assert_eq!(
                read_credentials(Some(header)),
                Credentials::Unreadable,
                "{header}"
            );
        }
    }
}
