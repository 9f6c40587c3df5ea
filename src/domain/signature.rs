//! Webhook signatures, compared in constant time over the raw body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether `header` (`X-Hub-Signature-256`: `sha256=` and 64 hex digits) signs exactly this body with
/// this secret. A malformed header is no signature, and neither is any under an empty secret, which
/// anyone could make. Call it before any decoding: form bodies are signed as they were sent.
pub fn verify_github(secret: &[u8], header: &str, body: &[u8]) -> bool {
    if secret.is_empty() {
        return false;
    }
    let mut claimed = [0_u8; 32];
    let Some(digits) = header.strip_prefix("sha256=") else {
        return false;
    };
    if hex::decode_to_slice(digits, &mut claimed).is_err() {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&claimed).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example GitHub's documentation gives for testing an implementation.
    const SECRET: &[u8] = b"It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const HEADER: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn sign(secret: &[u8], body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn the_documented_example_passes() {
        assert!(verify_github(SECRET, HEADER, BODY));
    }

    #[test]
    fn malformed_headers_are_no_signature() {
        let digits = &HEADER[7..];
        for header in [
            "",
            "sha256=",
            "sha256",
            digits,
            &format!("sha1={digits}"),
            &format!("SHA256={digits}"),
            &format!("sha256= {digits}"),
            &format!("{HEADER} "),
            &format!("{HEADER}00"),
            &HEADER[..HEADER.len() - 2],
            &HEADER[..HEADER.len() - 1],
            &format!("sha256={}", "z".repeat(64)),
            &format!("sha256={}", "ä".repeat(32)),
        ] {
            assert!(!verify_github(SECRET, header, BODY), "{header}");
        }
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        assert!(!verify_github(b"", &sign(b"", BODY), BODY));
    }

    proptest! {
        #[test]
        fn only_the_signed_bytes_under_the_same_secret_pass(
            secret in proptest::collection::vec(any::<u8>(), 1..80),
            body in proptest::collection::vec(any::<u8>(), 1..300),
            position in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let header = sign(&secret, &body);
            prop_assert!(verify_github(&secret, &header, &body));

            let mut changed = body.clone();
            changed[position.index(body.len())] ^= 1 << bit;
            prop_assert!(!verify_github(&secret, &header, &changed));

            let mut other = secret.clone();
            other[position.index(secret.len())] ^= 1 << bit;
            prop_assert!(!verify_github(&other, &header, &body));

            let mut raw = hex::decode(&header[7..]).unwrap();
            raw[position.index(32)] ^= 1 << bit;
            let forged = format!("sha256={}", hex::encode(raw));
            prop_assert!(!verify_github(&secret, &forged, &body));
        }

        #[test]
        fn no_header_makes_it_panic(header in ".*") {
            prop_assert!(!verify_github(SECRET, &header, BODY));
        }
    }
}
