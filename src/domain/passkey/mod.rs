//! Passkeys: what a device answers to a challenge is checked as Web Authentication, Level 2, sections 7.1 and 7.2 say
//! (https://www.w3.org/TR/webauthn-2/). Attestation is not asked for: which make of device somebody has is hers to know.

mod authenticator;
mod client;
mod key;
#[cfg(test)]
mod tests;

pub use key::PublicKey;

use minicbor::Decoder;
use sha2::{Digest, Sha256};

use crate::domain::passkey::authenticator::AuthenticatorData;
use crate::domain::passkey::client::{Ceremony, check_client};

/// Bytes of a challenge; the standard asks for 16 at least.
pub const CHALLENGE: usize = 32;

/// Why the answer of a device is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("what the browser sent is no answer of a passkey")]
    Malformed,
    /// It is the answer to something else: making a key where signing in was asked for, or the other way round.
    #[error("this is the answer to another question")]
    OtherCeremony,
    /// It answers another challenge.
    #[error("this answers another challenge")]
    OtherChallenge,
    /// It was given to a page of another site, or to one in a frame.
    #[error("this passkey was asked for by another site")]
    OtherOrigin,
    /// The key is for another site.
    #[error("this passkey is for another site")]
    OtherSite,
    /// Nobody touched the device.
    #[error("nobody was there to confirm it")]
    NobodyThere,
    /// The device did not make sure of who that was.
    #[error(
        "the device did not ask for a fingerprint, a face or a PIN; choose one that does, or set a PIN on it"
    )]
    NotVerified,
    /// It is of a kind that we cannot check.
    #[error("this device signs in a way that is not known here")]
    UnknownAlgorithm,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The device has counted less than it had: there may be a copy of it.
    #[error("this passkey counts backwards, as a copy of it would")]
    CountsBackwards,
    /// The device says something else of its key than when that was made.
    #[error("this passkey contradicts what was said when it was made")]
    Contradiction,
}

/// The site that passkeys are for, in the words of browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Scheme, host and port: `https://packages.example.com`.
    pub origin: String,
    /// The host alone: what the standard calls the ID of the relying party.
    pub id: String,
}

impl Site {
    /// Of the instance's own address. None where browsers allow no passkeys: without https but for `localhost`, and on an
    /// address of numbers.
    pub fn of(public_url: &str) -> Option<Self> {
        let lower = public_url.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://")?;
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic()) && !host.contains('[');
        let is_safe = scheme == "https" || (scheme == "http" && is_local);
        if !is_name || !is_safe {
            return None;
        }
        let usual = if scheme == "https" { "443" } else { "80" };
        let port = port.filter(|port| *port != usual);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Some(Self {
            origin: format!("{scheme}://{host}{port}"),
            id: host.to_owned(),
        })
    }

    /// What a device puts in front of all that it signs for this site.
    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.id.as_bytes()).into()
    }
}

/// A key that a device has made for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// What the device calls it by.
    pub credential: Vec<u8>,
    /// Its public half.
    pub key: PublicKey,
    /// What the device has counted.
    pub sign_count: u32,
    /// Whether the device may copy it to others of the same person.
    pub is_syncable: bool,
}

/// What is known of a key from when it was made and last used.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its public half.
    pub key: PublicKey,
    /// What the device had counted.
    pub sign_count: u32,
    /// Whether the device may copy it.
    pub is_syncable: bool,
}

/// Checks what a device answered that was to make a key (7.1). `client` is what the browser wrote, `attestation` what the
/// device gave.
pub fn register(
    site: &Site,
    challenge: &[u8; CHALLENGE],
    client: &[u8],
    attestation: &[u8],
) -> Result<Registered, Refused> {
    check_client(client, Ceremony::Create, challenge, site)?;
    let data = read_attestation(attestation)?;
    let data = AuthenticatorData::parse(data)?;
    data.check(site)?;
    let (credential, key) = data.made.ok_or(Refused::Malformed)?;
    Ok(Registered {
        credential: credential.to_vec(),
        key,
        sign_count: data.sign_count,
        is_syncable: data.is_syncable,
    })
}

/// Checks what a device answered that was to prove that it has a key (7.2), and gives what it has counted since.
pub fn verify(
    site: &Site,
    challenge: &[u8; CHALLENGE],
    client: &[u8],
    authenticator: &[u8],
    signature: &[u8],
    known: &Known,
) -> Result<u32, Refused> {
    check_client(client, Ceremony::Get, challenge, site)?;
    let data = AuthenticatorData::parse(authenticator)?;
    data.check(site)?;
    if data.is_syncable != known.is_syncable {
        return Err(Refused::Contradiction);
    }
    let mut signed = authenticator.to_vec();
    signed.extend_from_slice(&Sha256::digest(client));
    known.key.verify(&signed, signature)?;
    // Devices that do not count say 0 each time.
    let counts = data.sign_count != 0 || known.sign_count != 0;
    if counts && data.sign_count <= known.sign_count {
        return Err(Refused::CountsBackwards);
    }
    Ok(data.sign_count)
}

/// The part of an attestation that counts. Its statement is not looked at: nothing is believed because of it.
fn read_attestation(bytes: &[u8]) -> Result<&[u8], Refused> {
    let malformed = |_| Refused::Malformed;
    let mut decoder = Decoder::new(bytes);
    let entries = decoder.map().map_err(malformed)?;
    let mut found = None;
    for _ in 0..entries.ok_or(Refused::Malformed)? {
        match decoder.str().map_err(malformed)? {
            "authData" if found.is_none() => found = Some(decoder.bytes().map_err(malformed)?),
            _ => decoder.skip().map_err(malformed)?,
        }
    }
    found
        .filter(|_| decoder.position() == bytes.len())
        .ok_or(Refused::Malformed)
}
