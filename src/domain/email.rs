//! E-mail addresses, as far as they must be told apart.

use std::fmt;

/// RFC 5321 allows a path of 256 bytes, angle brackets included.
const LONGEST: usize = 254;

/// An e-mail address in lower case: strictly the part before `@` could tell `A` from `a`, but no host does, and people
/// write it either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("An e-mail address has the form `name@example.com` and at most {LONGEST} bytes")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address. Whether mail arrives there nobody can tell from its form, so no more is asked of it.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|one| {
                    !one.is_whitespace() && !one.is_control() && !"<>\"(),:;\\@".contains(one)
                })
        };
        match text.rsplit_once('@') {
            Some((local, host)) if text.len() <= LONGEST && is_plain(local) && is_plain(host) => {
                Ok(Self(text.to_lowercase()))
            }
            _ => Err(InvalidEmail),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn capitals_and_spaces_around_make_no_other_person() {
        let email = Email::parse(" Ada.Lovelace+x@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "ada.lovelace+x@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ada",
            "@",
            "ada@",
            "@example.com",
            "a b@example.com",
            "a@b@c",
            "<a@b>",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,300}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
