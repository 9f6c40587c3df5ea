//! Recovery codes: ten for who loses the device of her second factor, each good once.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::Result;

/// So many are made at once.
pub const COUNT: usize = 10;
/// 16 × log2(32) = 80 bits: too many to be guessed from a hash that is fast.
const LENGTH: usize = 16;
/// 32 characters, none of which looks like another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A recovery code in clear, without its hyphens. Shown once, never stored; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// Makes one; `fill` gives randomness fit for secrets.
    pub fn generate(fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Self> {
        let mut bytes = [0_u8; LENGTH];
        fill(&mut bytes)?;
        // 256 = 8 × 32, so each character is equally likely.
        let characters = bytes.iter().map(|byte| {
            let at = usize::from(*byte % 32);
            ALPHABET.get(at).map_or('a', |byte| char::from(*byte))
        });
        Ok(Self(characters.collect()))
    }

    /// Reads what somebody typed: capitals, hyphens and spaces do not matter. None where it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .filter(|one| !one.is_whitespace() && *one != '-')
            .map(|one| one.to_ascii_lowercase())
            .collect();
        let is_code = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        is_code.then_some(Self(code))
    }

    /// In groups of four, for people.
    pub fn reveal(&self) -> String {
        let mut shown = String::new();
        for (at, one) in self.0.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                shown.push('-');
            }
            shown.push(one);
        }
        shown
    }

    /// What is stored: a hash that is another one for each account.
    pub fn hash(&self, account: &str) -> String {
        let mut digest = Sha256::new();
        for part in ["recovery code", account, &self.0] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        hex::encode(digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_however_it_is_typed() {
        let code = RecoveryCode::generate(|buffer| {
            for (at, byte) in buffer.iter_mut().enumerate() {
                *byte = u8::try_from(at * 37 % 256).unwrap();
            }
            Ok(())
        })
        .unwrap();
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        for typed in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
        ] {
            assert_eq!(RecoveryCode::read(&typed), Some(code.clone()), "{typed}");
        }
        for other in ["", "123456", &shown[1..], &shown.replace(&shown[..1], "l")] {
            assert_eq!(RecoveryCode::read(other), None, "{other}");
        }
        assert_ne!(code.hash("a"), code.hash("b"));
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }
}
