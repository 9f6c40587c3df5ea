//! The ID token of OpenID Connect: whether a provider really said this, to us, about this very sign-in, and just now
//! (OpenID Connect Core 1.0, 3.1.3.7; RFC 7515, RFC 7519, RFC 9207).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// How far the provider's clock may be from ours, in seconds.
const SKEW: i64 = 60;
/// An ID token is made when the code is handed in; one that is older by so many seconds is from somewhere else.
const OLDEST: i64 = 3_600;
/// The longest subject (OpenID Connect Core 1.0, 2: 255 ASCII characters).
const LONGEST_SUBJECT: usize = 255;
/// The shortest RSA modulus, in bytes: 2,048 bits (RFC 7518, 3.3).
const SHORTEST_RSA: usize = 256;
/// So many keys of a provider are looked at.
const MOST_KEYS: usize = 100;

/// What the token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The issuer, byte for byte.
    pub issuer: &'a str,
    /// We, as the provider knows us.
    pub client_id: &'a str,
    /// What we sent along when this sign-in began.
    pub nonce: &'a str,
    /// The access token that came beside it, if one did.
    pub access_token: Option<&'a str>,
    /// Unix second.
    pub now: i64,
}

/// Why a token is not believed. The words end up before the person and in the audit log, so they show nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// It is no JWT.
    #[error("its token has not the form of one")]
    Form,
    /// Signed by nobody, by a shared secret, or by a way that is not known.
    #[error("its token is signed by an algorithm that is not accepted")]
    Algorithm,
    /// It asks for what is not known (RFC 7515, 4.1.11).
    #[error("its token has critical headers that are not known")]
    Critical,
    /// None of the keys is the one that it names. Worth another look at the keys: they change.
    #[error("its token is signed by a key that the provider does not have")]
    UnknownKey,
    /// The key has another use, or is too short.
    #[error("its token is signed by a key that is not fit for it")]
    UnfitKey,
    /// The signature is not of this key.
    #[error("the signature of its token is wrong")]
    Signature,
    /// `iss`.
    #[error("its token is of another issuer")]
    Issuer,
    /// `aud` or `azp`.
    #[error("its token is for another application")]
    Audience,
    /// `exp`.
    #[error("its token has expired")]
    Expired,
    /// `iat` or `nbf`.
    #[error("its token is not of this moment; the clock of one of us is wrong")]
    Time,
    /// `nonce`.
    #[error("its token belongs to another sign-in")]
    Nonce,
    /// `at_hash`.
    #[error("its token and its access token do not belong together")]
    AccessToken,
    /// `sub`.
    #[error("its token names nobody")]
    Subject,
}

/// Verifies a token by the provider's keys (a JWK set), and gives its claims.
pub fn verify(
    token: &str,
    keys: &Value,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, Disbelief> {
    check_header(token)?;
    let header = decode_header(token).map_err(|_| Disbelief::Algorithm)?;
    let algorithm = header.alg;
    let key = find_key(keys, header.kid.as_deref(), algorithm)?;
    let key = DecodingKey::from_jwk(&key).map_err(|_| Disbelief::UnfitKey)?;
    let mut validation = Validation::new(algorithm);
    validation.algorithms = vec![algorithm];
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    // By our own clock, which is a port: below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let decoded = decode::<Map<String, Value>>(token, &key, &validation);
    let claims = decoded.map_err(|error| why(error.kind()))?.claims;
    check_claims(&claims, expected)?;
    if let (Some(hash), Some(access_token)) = (claims.get("at_hash"), expected.access_token) {
        let is_it = hash
            .as_str()
            .is_some_and(|hash| same(hash, &half_hash(access_token, algorithm)));
        if !is_it {
            return Err(Disbelief::AccessToken);
        }
    }
    Ok(claims)
}

/// What the library does not look at. The algorithm is looked for as it is written, before anything else is read.
fn check_header(token: &str) -> Result<(), Disbelief> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Disbelief::Form);
    };
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| Disbelief::Form)?;
    let header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|_| Disbelief::Form)?;
    if header.contains_key("crit") {
        return Err(Disbelief::Critical);
    }
    match header.get("alg").and_then(Value::as_str) {
        Some("RS256" | "PS256" | "ES256" | "EdDSA") => Ok(()),
        _ => Err(Disbelief::Algorithm),
    }
}

/// The key that a token names, or the only one that can have signed it where it names none.
fn find_key(keys: &Value, id: Option<&str>, algorithm: Algorithm) -> Result<Jwk, Disbelief> {
    let listed = keys.get("keys").and_then(Value::as_array);
    // A key of a kind that the library does not know is no reason to believe none of the others.
    let known: Vec<Jwk> = listed
        .into_iter()
        .flatten()
        .take(MOST_KEYS)
        .filter_map(|key| serde_json::from_value(key.clone()).ok())
        .collect();
    let named: Vec<Jwk> = known
        .into_iter()
        .filter(|key: &Jwk| id.is_none() || key.common.key_id.as_deref() == id)
        .collect();
    if named.is_empty() {
        return Err(Disbelief::UnknownKey);
    }
    let mut fit = named.into_iter().filter(|key| is_fit(key, algorithm));
    match (fit.next(), fit.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(Disbelief::UnfitKey),
    }
}

fn is_fit(key: &Jwk, algorithm: Algorithm) -> bool {
    let common = &key.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let is_of_algorithm = match common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => algorithm == Algorithm::RS256,
        Some(KeyAlgorithm::PS256) => algorithm == Algorithm::PS256,
        Some(KeyAlgorithm::ES256) => algorithm == Algorithm::ES256,
        Some(KeyAlgorithm::EdDSA) => algorithm == Algorithm::EdDSA,
        Some(_) => false,
    };
    let is_of_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(rsa), Algorithm::RS256 | Algorithm::PS256) => {
            URL_SAFE_NO_PAD.decode(&rsa.n).is_ok_and(|modulus| {
                let leading = modulus.iter().take_while(|byte| **byte == 0).count();
                modulus.len().saturating_sub(leading) >= SHORTEST_RSA
            })
        }
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => {
            curve.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDSA) => {
            pair.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    is_for_signatures && is_of_algorithm && is_of_kind
}

fn why(kind: &jsonwebtoken::errors::ErrorKind) -> Disbelief {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => Disbelief::Signature,
        ErrorKind::InvalidIssuer => Disbelief::Issuer,
        ErrorKind::InvalidAudience => Disbelief::Audience,
        ErrorKind::InvalidAlgorithm => Disbelief::Algorithm,
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "iss" => Disbelief::Issuer,
            "aud" => Disbelief::Audience,
            "exp" => Disbelief::Expired,
            _ => Disbelief::Subject,
        },
        _ => Disbelief::Form,
    }
}

fn check_claims(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Disbelief> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // The library takes a list of issuers for an issuer.
    if text("iss") != Some(expected.issuer) {
        return Err(Disbelief::Issuer);
    }
    let is_for_others = claims
        .get("aud")
        .and_then(Value::as_array)
        .is_some_and(|all| all.len() > 1);
    match (claims.get("azp"), text("azp")) {
        (None, _) if is_for_others => return Err(Disbelief::Audience),
        (None, _) => {}
        (Some(_), party) if party == Some(expected.client_id) => {}
        (Some(_), _) => return Err(Disbelief::Audience),
    }
    let seconds = |name: &str| claims.get(name).map(read_seconds);
    let latest = expected.now.saturating_add(SKEW);
    match seconds("exp") {
        Some(Some(end)) if end.saturating_add(SKEW) > expected.now => {}
        _ => return Err(Disbelief::Expired),
    }
    match seconds("iat") {
        Some(Some(made)) if made <= latest && made >= expected.now.saturating_sub(OLDEST) => {}
        _ => return Err(Disbelief::Time),
    }
    match seconds("nbf") {
        None => {}
        Some(Some(begin)) if begin <= latest => {}
        Some(_) => return Err(Disbelief::Time),
    }
    if !text("nonce").is_some_and(|nonce| same(nonce, expected.nonce)) {
        return Err(Disbelief::Nonce);
    }
    let is_subject = text("sub").is_some_and(is_subject);
    if is_subject {
        Ok(())
    } else {
        Err(Disbelief::Subject)
    }
}

/// Whether a text can be what a provider tells people apart by.
pub fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_SUBJECT && !text.chars().any(char::is_control)
}

/// Seconds may have a fraction (RFC 7519, 2).
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn read_seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|seconds| (0.0..=1e12).contains(seconds))
            .map(|seconds| seconds as i64)
    })
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

/// The left half of the hash that belongs to the algorithm of the signature; with Ed25519 that is SHA-512.
fn half_hash(text: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::EdDSA => Sha512::digest(text).to_vec(),
        _ => Sha256::digest(text).to_vec(),
    };
    let half = hash.len() / 2;
    URL_SAFE_NO_PAD.encode(hash.get(..half).unwrap_or_default())
}
