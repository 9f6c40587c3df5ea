//! Public keys, as devices write them (COSE, RFC 9053) and as they are stored, and what they verify.

use minicbor::Decoder;
use minicbor::data::Type;
use p256::ecdsa::signature::Verifier;

use crate::domain::passkey::Refused;

/// ECDSA over P-256 with SHA-256: what nearly all devices have.
const ES256: i64 = -7;
/// Ed25519.
const EDDSA: i64 = -8;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// A point of P-256.
    Es256(p256::ecdsa::VerifyingKey),
    /// A point of Ed25519.
    EdDsa(ed25519_dalek::VerifyingKey),
}

/// The entries of a key that are looked at, by their labels.
#[derive(Default)]
struct Entries<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    x: Option<&'a [u8]>,
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// The algorithms that can be checked, the best known first, by their numbers in COSE.
    pub const ALGORITHMS: [i64; 2] = [ES256, EDDSA];

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
            _ => Err(Refused::UnknownAlgorithm),
        }
    }

    /// What is stored: the algorithm's number, and the key in hex.
    pub fn stored(&self) -> (i64, String) {
        match self {
            Self::Es256(key) => (ES256, hex::encode(key.to_sec1_point(false))),
            Self::EdDsa(key) => (EDDSA, hex::encode(key.as_bytes())),
        }
    }

    /// Reads what was stored.
    pub fn of_stored(algorithm: i64, text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        match algorithm {
            ES256 => es256(&bytes),
            EDDSA => ed25519(&bytes),
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
            -1 if decoder.datatype()? != Type::Bytes => entries.curve = Some(decoder.i64()?),
            -2 if decoder.datatype()? == Type::Bytes => entries.x = Some(decoder.bytes()?),
            -3 if decoder.datatype()? == Type::Bytes => entries.y = Some(decoder.bytes()?),
            _ => decoder.skip()?,
        }
    }
    Ok(Some(entries))
}
