//! Webhook signatures, compared in constant time over the raw body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Whether `header` (`X-Hub-Signature-256`: `sha256=` and 64 hex digits) signs exactly this body with
/// this secret. A malformed header is no signature, and neither is any under an empty secret, which
/// anyone could make. Call it before any decoding: form bodies are signed as they were sent.
pub fn verify_github(secret: &[u8], header: &str, body: &[u8]) -> bool {
    header
        .strip_prefix("sha256=")
        .is_some_and(|digits| verify_hex(secret, digits, body))
}

/// The same for the bare 64 hex digits of Gitea, Forgejo and Gogs (`X-Gitea-Signature`). They send an empty one for
/// a webhook without a secret.
pub fn verify_hex(secret: &[u8], digits: &str, body: &[u8]) -> bool {
    let mut claimed = [0_u8; 32];
    hex::decode_to_slice(digits, &mut claimed).is_ok() && matches_mac(secret, &[body], &claimed)
}

/// Whether `header` (GitLab's `X-Gitlab-Token`) is the secret itself.
pub fn verify_token(secret: &[u8], header: &str) -> bool {
    !secret.is_empty() && bool::from(secret.ct_eq(header.as_bytes()))
}

/// How far the clock of a sender may be off, and how long a delivery may be on its way, in seconds.
const WINDOW: u64 = 300;

/// The headers of a signed delivery (Standard Webhooks, as GitLab sends them).
#[derive(Debug, Clone, Copy)]
pub struct SignedHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, in Unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: `v1,` and base64, several of them with spaces between.
    pub signature: &'a str,
}

/// Whether the headers sign this body with this key, not more than five minutes from `now` in Unix seconds.
pub fn verify_signed(key: &[u8], headers: &SignedHeaders<'_>, body: &[u8], now: i64) -> bool {
    let is_fresh = headers
        .timestamp
        .parse::<i64>()
        .is_ok_and(|sent| sent.abs_diff(now) <= WINDOW);
    let start = format!("{}.{}.", headers.id, headers.timestamp);
    is_fresh
        && headers.signature.split(' ').any(|one| {
            one.strip_prefix("v1,")
                .and_then(|text| STANDARD.decode(text).ok())
                .is_some_and(|claimed| matches_mac(key, &[start.as_bytes(), body], &claimed))
        })
}

/// Whether this is the HMAC of the parts; never under an empty secret.
fn matches_mac(secret: &[u8], parts: &[&[u8]], claimed: &[u8]) -> bool {
    if secret.is_empty() {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(claimed).is_ok()
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
        assert!(!verify_hex(b"", &sign(b"", BODY)[7..], BODY));
        assert!(!verify_token(b"", ""));
        assert!(!verify_signed(
            b"",
            &signed(b"", 100, BODY).headers(),
            BODY,
            100
        ));
    }

    #[test]
    fn bare_digits_sign_and_nothing_else_does() {
        assert!(verify_hex(SECRET, &HEADER[7..], BODY));
        for digits in ["", HEADER, &HEADER[8..], "00"] {
            assert!(!verify_hex(SECRET, digits, BODY), "{digits}");
        }
    }

    #[test]
    fn a_token_is_the_whole_secret() {
        assert!(verify_token(b"abc", "abc"));
        for other in ["", "ab", "abcd", "ABC", "abc "] {
            assert!(!verify_token(b"abc", other), "{other}");
        }
    }

    struct Signed {
        timestamp: String,
        signature: String,
    }

    impl Signed {
        fn headers(&self) -> SignedHeaders<'_> {
            SignedHeaders {
                id: "msg_1",
                timestamp: &self.timestamp,
                signature: &self.signature,
            }
        }
    }

    fn signed(key: &[u8], timestamp: i64, body: &[u8]) -> Signed {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("msg_1.{timestamp}.").as_bytes());
        mac.update(body);
        Signed {
            timestamp: timestamp.to_string(),
            signature: format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())),
        }
    }

    #[test]
    fn the_published_example_of_the_signed_form_passes() {
        // From the Standard Webhooks specification's reference libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let headers = SignedHeaders {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        };
        assert!(verify_signed(
            &key,
            &headers,
            br#"{"test": 2432232314}"#,
            1_614_265_330
        ));
    }

    #[test]
    fn a_signed_delivery_is_good_for_five_minutes() {
        let good = signed(SECRET, 1_000, BODY);
        for (now, passes) in [
            (1_000, true),
            (1_300, true),
            (700, true),
            (1_301, false),
            (699, false),
        ] {
            assert_eq!(
                verify_signed(SECRET, &good.headers(), BODY, now),
                passes,
                "{now}"
            );
        }
        let other = signed(b"other", 1_000, BODY);
        assert!(!verify_signed(SECRET, &other.headers(), BODY, 1_000));
        assert!(!verify_signed(SECRET, &good.headers(), b"Hello", 1_000));
        let both = format!("{} v1a,zz {}", other.signature, good.signature);
        let rotated = SignedHeaders {
            signature: &both,
            ..good.headers()
        };
        assert!(verify_signed(SECRET, &rotated, BODY, 1_000));
        for (id, timestamp, signature) in [
            ("msg_2", "1000", good.signature.as_str()),
            ("msg_1", "1001", &good.signature),
            ("msg_1", "soon", &good.signature),
            ("msg_1", "1000", &good.signature[3..]),
            ("msg_1", "1000", "v1,"),
            ("msg_1", "1000", ""),
        ] {
            let headers = SignedHeaders {
                id,
                timestamp,
                signature,
            };
            assert!(!verify_signed(SECRET, &headers, BODY, 1_000), "{headers:?}");
        }
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
