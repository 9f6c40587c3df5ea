//! Access tokens: `rptd_` + 43 base-62 characters (256 random bits) + a checksum of 6.
//!
//! The prefix and the checksum let secret scanners recognise a leaked token without asking us,
//! and let us refuse a mistyped one without any I/O. Only the SHA-256 is ever stored.

use std::fmt;

use crate::domain::blob::hex_of;
use sha2::{Digest, Sha256};

use crate::error::Result;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 × log2(62) = 256.03 bits.
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
/// 62^6, the number of checksums.
const CHECKSUMS: u64 = 56_800_235_584;

/// What a token is for. The prefixes never change: scanners and people's scripts know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The owner of the instance.
    Admin,
    /// A machine of an organisation.
    Deploy,
    /// A person, in one organisation.
    Personal,
    /// Somebody packages are sold to.
    Customer,
    /// An invitation: it opens nothing but the membership it is for.
    Invitation,
    /// A link to choose another password: it opens nothing else.
    Reset,
}

impl TokenKind {
    const ALL: [Self; 6] = [
        Self::Admin,
        Self::Deploy,
        Self::Personal,
        Self::Customer,
        Self::Invitation,
        Self::Reset,
    ];

    /// How its tokens begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Admin => "rpta_",
            Self::Deploy => "rptd_",
            Self::Personal => "rptp_",
            Self::Customer => "rptc_",
            Self::Invitation => "rpti_",
            Self::Reset => "rptr_",
        }
    }
}

/// A token in clear. Shown once, never stored; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainToken(String);

impl PlainToken {
    /// Makes a token; `fill` gives randomness fit for secrets.
    pub fn generate(
        kind: TokenKind,
        mut fill: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<Self> {
        let mut text = String::from(kind.prefix());
        let end = text.len().saturating_add(SECRET_LENGTH);
        let mut pool = [0_u8; 64];
        while text.len() < end {
            fill(&mut pool)?;
            // Bytes from 248 on are thrown away, so that each of the 62 characters is equally likely (248 = 4 × 62).
            for byte in pool.iter().filter(|byte| **byte < 248) {
                if text.len() < end {
                    text.push(character(u64::from(*byte)));
                }
            }
        }
        let sum = checksum(&text);
        text.push_str(&sum);
        Ok(Self(text))
    }

    /// A token that somebody else chose; it has no checksum and is looked up as it is.
    pub fn chosen(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The token itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// Its first characters, for people to tell tokens apart: the prefix and four more.
    pub fn hint(&self) -> String {
        self.0.chars().take(9).collect()
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PlainToken(…)")
    }
}

/// The SHA-256 of a token in hex. A slow hash would protect weak secrets; these have 256 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes a token as it was presented.
    pub fn of(token: &str) -> Self {
        Self(hex_of(&Sha256::digest(token.as_bytes()).into()))
    }

    /// One that was read back from where it is stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text looks like one of our tokens but cannot be one: cut short, mistyped.
/// Such a credential is refused without a look-up.
pub fn is_mistyped(text: &str) -> bool {
    let Some(prefix) = TokenKind::ALL
        .into_iter()
        .map(TokenKind::prefix)
        .find(|prefix| text.starts_with(prefix))
    else {
        return false;
    };
    let length = prefix
        .len()
        .saturating_add(SECRET_LENGTH)
        .saturating_add(CHECKSUM_LENGTH);
    if text.len() != length || !text.is_ascii() {
        return true;
    }
    let (secret, sum) = text.split_at(length.saturating_sub(CHECKSUM_LENGTH));
    checksum(secret) != sum
}

/// Six base-62 digits of the SHA-256, so that a scanner needs no more than a hash to verify.
fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        % CHECKSUMS;
    let mut digits = [0_u64; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = number % 62;
        number /= 62;
    }
    digits.into_iter().map(character).collect()
}

fn character(number: u64) -> char {
    usize::try_from(number % 62)
        .ok()
        .and_then(|index| ALPHABET.get(index))
        .map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generate(kind: TokenKind) -> PlainToken {
        let mut next = 0_u8;
        PlainToken::generate(kind, |buffer| {
            for byte in buffer {
                next = next.wrapping_mul(31).wrapping_add(97);
                *byte = next;
            }
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn a_token_has_its_form_and_passes_its_own_check() {
        for (kind, prefix) in [
            (TokenKind::Admin, "rpta_"),
            (TokenKind::Deploy, "rptd_"),
            (TokenKind::Personal, "rptp_"),
            (TokenKind::Customer, "rptc_"),
            (TokenKind::Invitation, "rpti_"),
        ] {
            let token = generate(kind);
            assert_eq!(token.reveal().len(), 54);
            assert!(token.reveal().starts_with(prefix));
            assert!(!is_mistyped(token.reveal()));
            assert_eq!(token.hint().len(), 9);
            assert_eq!(format!("{token:?}"), "PlainToken(…)");
        }
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        let token = generate(TokenKind::Admin);
        for position in 0..token.reveal().len() {
            let mut text: Vec<char> = token.reveal().chars().collect();
            text[position] = if text[position] == 'x' { 'y' } else { 'x' };
            let text: String = text.into_iter().collect();
            // A broken prefix makes it somebody else's kind of token, which is looked up.
            assert_eq!(is_mistyped(&text), position >= 5, "{text}");
        }
        assert!(is_mistyped("rptd_short"));
        assert!(!is_mistyped("a-token-chosen-by-a-script"));
    }
}
