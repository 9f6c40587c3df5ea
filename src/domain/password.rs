//! Passwords of people: which are taken, and the slow hash that is kept of them.

use std::cmp::Reverse;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::error::{Error, Result};

/// Characters of a password at least (NIST SP 800-63B asks for 8, and for 15 where there is no second factor).
pub const SHORTEST: usize = 12;
/// Bytes of a password at most: all of them count, and nobody has us hash megabytes.
pub const LONGEST: usize = 256;
/// Bytes of a salt.
pub const SALT: usize = 16;

/// 19 MiB, two passes, one lane: the least that OWASP asks for where memory is what there is least of. An isolate has 128 MB
/// and hashes one password after the other, so this is taken once; it is some tenths of a second of CPU in WebAssembly.
/// Hashes say their own parameters, so these may change.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than [`SHORTEST`] characters.
    #[error(
        "A password has at least {SHORTEST} characters; some words in a row are easy to keep in mind"
    )]
    TooShort,
    /// More than [`LONGEST`] bytes.
    #[error("A password has at most {LONGEST} bytes")]
    TooLong,
    /// What is tried first.
    #[error(
        "This password is easy to guess: it repeats itself, or is your name, your address or this product's"
    )]
    Guessable,
}

/// Whether a password is taken from somebody with this address and name. No rules about kinds of characters: they make
/// passwords worse, not better.
pub fn check(password: &str, email: &str, name: &str) -> Result<(), WeakPassword> {
    if password.chars().count() < SHORTEST {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > LONGEST {
        return Err(WeakPassword::TooLong);
    }
    let lower = password.to_lowercase();
    let mut kinds: Vec<char> = lower.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let local = email.split('@').next().unwrap_or_default();
    let mut known: Vec<String> = [email, local, name, "repertoire", "password", "composer"]
        .into_iter()
        .chain(name.split_whitespace())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 2)
        .collect();
    // The longest first: nothing of it is left when a part of it was taken out before.
    known.sort_unstable_by_key(|word| Reverse(word.len()));
    let rest = known
        .iter()
        .fold(lower.clone(), |rest, word| rest.replace(word, ""));
    let is_run = [
        "abcdefghijklmnopqrstuvwxyz",
        "01234567890123456789",
        "qwertyuiopasdfghjklzxcvbnm",
    ]
    .iter()
    .any(|run| run.contains(lower.as_str()));
    if kinds.len() < 5 || is_run || rest.chars().count() < 4 {
        return Err(WeakPassword::Guessable);
    }
    Ok(())
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What is kept of a password: Argon2id in the PHC format, with the salt in it.
pub fn hash(password: &str, salt: &[u8; SALT]) -> Result<String> {
    let hash = argon2()?
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Whether a password is the one of a hash. Without a hash it is none, at the same work: who asks for somebody that there is
/// not waits as long.
pub fn verify(password: &str, hash: Option<&str>) -> Result<bool> {
    // What nobody can have chosen is not hashed; that says nothing of anybody.
    if password.len() > LONGEST {
        return Ok(false);
    }
    let argon2 = argon2()?;
    let Some(hash) = hash else {
        self::hash(password, &[0; SALT])?;
        return Ok(false);
    };
    let hash = PasswordHash::new(hash).map_err(Error::internal)?;
    Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hashed_is_verified_and_nothing_else() {
        let kept = hash("correct horse battery", &[7; SALT]).unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(verify("correct horse battery", Some(&kept)).unwrap());
        for other in ["correct horse batterz", "", "correct horse battery "] {
            assert!(!verify(other, Some(&kept)).unwrap(), "{other}");
        }
        assert!(!verify("correct horse battery", None).unwrap());
        assert_ne!(kept, hash("correct horse battery", &[8; SALT]).unwrap());
    }

    #[test]
    fn what_is_tried_first_is_not_taken() {
        let check = |password: &str| check(password, "ada@example.com", "Ada King");
        assert_eq!(check("elevenchars"), Err(WeakPassword::TooShort));
        assert_eq!(check(&"xy".repeat(200)), Err(WeakPassword::TooLong));
        for guessable in [
            "aaaaaaaaaaaaaaa",
            "abababababab",
            "123456789012",
            "abcdefghijkl",
            "ada@example.com",
            "Ada KingAda King",
            "repertoire12",
            "Password123Password",
        ] {
            assert_eq!(
                check(guessable),
                Err(WeakPassword::Guessable),
                "{guessable}"
            );
        }
        assert_eq!(check("correct horse battery"), Ok(()));
        assert_eq!(check("ä lange Zeile"), Ok(()));
    }
}
