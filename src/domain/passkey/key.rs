//! Public keys, as devices write them (COSE, RFC 9053) and as they are stored, and what they verify.

use std::ops::RangeInclusive;

use minicbor::Decoder;
use minicbor::data::Type;
use p256::ecdsa::signature::Verifier;
use rsa::RsaPublicKey;
use rsa::traits::PublicKeyParts;

use crate::domain::passkey::Refused;

/// ECDSA over P-256 with SHA-256: what nearly all devices have.
const ES256: i64 = -7;
/// Ed25519.
const EDDSA: i64 = -8;
/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812): what Windows has on machines whose chip knows nothing else.
const RS256: i64 = -257;
/// The bits that the modulus of an RSA key may have.
const RSA_BITS: RangeInclusive<usize> = 2_048..=4_096;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// A point of P-256.
    Es256(p256::ecdsa::VerifyingKey),
    /// A point of Ed25519.
    EdDsa(ed25519_dalek::VerifyingKey),
    /// A modulus and an exponent.
    Rs256(RsaPublicKey),
}

/// The entries of a key that are looked at, by their labels.
#[derive(Default)]
struct Entries<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    /// The label -1, where it is bytes: of RSA the modulus.
    modulus: Option<&'a [u8]>,
    /// The label -2: a coordinate; of RSA the exponent.
    x: Option<&'a [u8]>,
    /// The label -3.
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// The algorithms that can be checked, the best known first, by their numbers in COSE.
    pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

    /// Reads a key by COSE.
    pub(super) fn decode(decoder: &mut Decoder<'_>) -> Result<Self, Refused> {
        let entries = read_entries(decoder).map_err(|_| Refused::Malformed)?;
        let entries = entries.ok_or(Refused::Malformed)?;
        match (entries.kind, entries.algorithm, entries.curve) {
            // Two coordinates on P-256.
            (Some(2), Some(ES256), Some(1)) => {
                let (Some(x), Some(y)) = (entries.x, entries.y) else {
                    return Err(Refused::Malformed);
                };
                if x.len() != 32 || y.len() != 32 {
                    return Err(Refused::Malformed);
                }
                es256(&[&[4], x, y].concat()).ok_or(Refused::Malformed)
            }
            // One coordinate on Ed25519.
            (Some(1), Some(EDDSA), Some(6)) => {
                let x = entries.x.ok_or(Refused::Malformed)?;
                ed25519(x).ok_or(Refused::Malformed)
            }
            (Some(3), Some(RS256), None) => {
                let (Some(modulus), Some(exponent)) = (entries.modulus, entries.x) else {
                    return Err(Refused::Malformed);
                };
                rs256(modulus, exponent).ok_or(Refused::Malformed)
            }
            _ => Err(Refused::UnknownAlgorithm),
        }
    }

    /// What is stored: the algorithm's number, and the key in hex.
    pub fn stored(&self) -> (i64, String) {
        match self {
            Self::Es256(key) => (ES256, hex::encode(key.to_encoded_point(false))),
            Self::EdDsa(key) => (EDDSA, hex::encode(key.as_bytes())),
            Self::Rs256(key) => {
                let (modulus, exponent) = (key.n().to_bytes_be(), key.e().to_bytes_be());
                let text = format!("{}.{}", hex::encode(modulus), hex::encode(exponent));
                (RS256, text)
            }
        }
    }

    /// Reads what was stored.
    pub fn of_stored(algorithm: i64, text: &str) -> Option<Self> {
        let read = |text: &str| hex::decode(text).ok();
        match algorithm {
            ES256 => es256(&read(text)?),
            EDDSA => ed25519(&read(text)?),
            RS256 => {
                let (modulus, exponent) = text.split_once('.')?;
                rs256(&read(modulus)?, &read(exponent)?)
            }
            _ => None,
        }
    }

    /// Checks a signature.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let is_right = match self {
            Self::Es256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::EdDsa(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::Rs256(key) => {
                rsa::pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| {
                    let key = rsa::pkcs1v15::VerifyingKey::<rsa::sha2::Sha256>::new(key.clone());
                    key.verify(message, &signature).is_ok()
                })
            }
        };
        is_right.then_some(()).ok_or(Refused::WrongSignature)
    }
}

fn es256(point: &[u8]) -> Option<PublicKey> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
    Some(PublicKey::Es256(key))
}

fn ed25519(point: &[u8]) -> Option<PublicKey> {
    let point = point.try_into().ok()?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(point).ok()?;
    (!key.is_weak()).then_some(PublicKey::EdDsa(key))
}

fn rs256(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let number = rsa::BigUint::from_bytes_be;
    // Odd, and small enough for its powers to cost nothing.
    let key = RsaPublicKey::new(number(modulus), number(exponent)).ok()?;
    let bits = key.n().bits();
    RSA_BITS.contains(&bits).then_some(PublicKey::Rs256(key))
}

/// None for a map without a length, which no device writes.
fn read_entries<'a>(
    decoder: &mut Decoder<'a>,
) -> Result<Option<Entries<'a>>, minicbor::decode::Error> {
    let Some(count) = decoder.map()? else {
        return Ok(None);
    };
    let mut entries = Entries::default();
    for _ in 0..count {
        match decoder.i64()? {
            1 => entries.kind = Some(decoder.i64()?),
            3 => entries.algorithm = Some(decoder.i64()?),
            -1 if decoder.datatype()? == Type::Bytes => entries.modulus = Some(decoder.bytes()?),
            -1 => entries.curve = Some(decoder.i64()?),
            -2 if decoder.datatype()? == Type::Bytes => entries.x = Some(decoder.bytes()?),
            -3 if decoder.datatype()? == Type::Bytes => entries.y = Some(decoder.bytes()?),
            _ => decoder.skip()?,
        }
    }
    Ok(Some(entries))
}
