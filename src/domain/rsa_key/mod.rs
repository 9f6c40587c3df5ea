//! The private key of a GitHub App, as people have it: PEM around PKCS#1, which GitHub hands out (RFC 8017, appendix A.1),
//! or around PKCS#8, which WebCrypto takes (RFC 5208). Either becomes the same PKCS#8.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Far more than a key of 16,384 bits takes.
const LONGEST: usize = 64 * 1024;
/// What RS256 asks for at least (RFC 7518, section 3.3).
const FEWEST_BITS: usize = 2_048;
/// The numbers of an RSA private key, its version first.
const NUMBERS: usize = 9;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// Version 0, and the algorithm `rsaEncryption` with its empty parameters.
const PREFIX: [u8; 18] = [
    0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00,
];

/// Why a text is no key that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no PEM in it.
    NoPem,
    /// It is locked by a passphrase.
    Encrypted,
    /// It is something else in PEM, by its label.
    Other(String),
    /// It begins as a key does, but is cut short or changed.
    Broken,
    /// It has so few bits.
    TooShort(usize),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPem => formatter.write_str(
                "The private key must be the whole text of the .pem file, from `-----BEGIN RSA PRIVATE KEY-----` on",
            ),
            Self::Encrypted => formatter.write_str(
                "The private key is locked by a passphrase; unlock it first, as by `openssl rsa -in KEY -out OPEN-KEY`",
            ),
            Self::Other(label) => write!(
                formatter,
                "This is a `{label}`, but an RSA private key is needed: the .pem file that GitHub gave when the key was generated"
            ),
            Self::Broken => formatter.write_str(
                "The private key is cut short or was changed on its way; copy the whole .pem file again",
            ),
            Self::TooShort(bits) => write!(
                formatter,
                "The private key has {bits} bits, and RS256 needs {FEWEST_BITS}; generate another one"
            ),
        }
    }
}

/// Reads a private key; gives it as PKCS#8 in DER.
pub fn read_private_key(text: &str) -> Result<Vec<u8>, KeyFault> {
    if text.len() > LONGEST {
        return Err(KeyFault::NoPem);
    }
    // Settings of programs often carry a key in one line, with the ends of lines written out.
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyFault::NoPem)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyFault::NoPem)?;
    if label == "ENCRYPTED PRIVATE KEY" {
        return Err(KeyFault::Encrypted);
    }
    if !matches!(label, "RSA PRIVATE KEY" | "PRIVATE KEY") {
        return Err(other(label));
    }
    let (body, _) = rest
        .split_once(&format!("-----END {label}-----"))
        .ok_or(KeyFault::Broken)?;
    // The older way to lock a key (RFC 1421).
    if body.contains("ENCRYPTED") {
        return Err(KeyFault::Encrypted);
    }
    let base64: String = body.split_whitespace().collect();
    let der = STANDARD.decode(base64).map_err(|_| KeyFault::Broken)?;
    let key = if label == "PRIVATE KEY" {
        unwrap(&der)?
    } else {
        &der
    };
    check(key)?;
    wrap(key).ok_or(KeyFault::Broken)
}

/// Labels stand in messages, so they must be words.
fn other(label: &str) -> KeyFault {
    let is_words = label.len() <= 40
        && label
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    if is_words {
        KeyFault::Other(label.to_owned())
    } else {
        KeyFault::NoPem
    }
}

/// The PKCS#1 key within PKCS#8. What may follow it, attributes, is of no use to us.
fn unwrap(der: &[u8]) -> Result<&[u8], KeyFault> {
    let (content, rest) = element(der, SEQUENCE).ok_or(KeyFault::Broken)?;
    if !rest.is_empty() {
        return Err(KeyFault::Broken);
    }
    let Some(rest) = content.strip_prefix(PREFIX.as_slice()) else {
        return Err(KeyFault::Other("key that is not of RSA".to_owned()));
    };
    let (key, _) = element(rest, OCTET_STRING).ok_or(KeyFault::Broken)?;
    Ok(key)
}

/// Whether these are the numbers of a key of two primes, long enough. Whether they belong together is seen by whoever
/// signs with them.
fn check(key: &[u8]) -> Result<(), KeyFault> {
    let (mut content, rest) = element(key, SEQUENCE).ok_or(KeyFault::Broken)?;
    let mut numbers = Vec::new();
    while !content.is_empty() {
        let (number, after) = element(content, INTEGER).ok_or(KeyFault::Broken)?;
        numbers.push(number);
        content = after;
    }
    let ([0], Some(modulus), NUMBERS, []) = (
        numbers.first().copied().unwrap_or_default(),
        numbers.get(1),
        numbers.len(),
        rest,
    ) else {
        return Err(KeyFault::Broken);
    };
    let digits = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let unused = digits.first().map_or(0, |byte| byte.leading_zeros());
    let bits = digits
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(unused).unwrap_or_default());
    if bits < FEWEST_BITS {
        return Err(KeyFault::TooShort(bits));
    }
    Ok(())
}

fn wrap(key: &[u8]) -> Option<Vec<u8>> {
    let mut content = PREFIX.to_vec();
    content.extend(enclose(OCTET_STRING, key)?);
    enclose(SEQUENCE, &content)
}

/// One element of DER with this tag, its length in the one form that DER allows.
fn enclose(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let mut element = vec![tag];
    let length = u16::try_from(content.len()).ok()?;
    match (length, length.to_be_bytes()) {
        (0..=0x7f, [_, low]) => element.push(low),
        (0x80..=0xff, [_, low]) => element.extend([0x81, low]),
        (_, [high, low]) => element.extend([0x82, high, low]),
    }
    element.extend_from_slice(content);
    Some(element)
}

/// The content of the first element, if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(&[tag])?;
    let (length, bytes) = match bytes {
        [length @ 0..=0x7f, rest @ ..] | [0x81, length @ 0x80..=0xff, rest @ ..] => {
            (usize::from(*length), rest)
        }
        [0x82, high @ 0x01..=0xff, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    bytes.split_at_checked(length)
}

#[cfg(test)]
mod tests;
