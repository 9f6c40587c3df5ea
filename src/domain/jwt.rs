//! The JSON Web Token by which a GitHub App says who it is (RFC 7519, signed by RS256).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Clocks differ: a token that seems to come from the future is refused. GitHub recommends a minute.
const BACKDATED: i64 = 60;
/// GitHub takes ten minutes by its own clock; a minute of them is left to the difference.
const LIFETIME: i64 = 540;

/// Header and claims of a token of this issuer, the text that is to be signed. `issuer` is an app's client id or its
/// number, `now` in Unix seconds.
pub fn unsigned(issuer: &str, now: i64) -> String {
    // Older servers take a number for an app only when it is one.
    let issuer = issuer
        .parse::<u64>()
        .map_or_else(|_| Value::from(issuer), Value::from);
    let claims = json!({
        "iat": now.saturating_sub(BACKDATED),
        "exp": now.saturating_add(LIFETIME),
        "iss": issuer,
    });
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&header), part(&claims))
}

/// The whole token.
pub fn signed(unsigned: &str, signature: &[u8]) -> String {
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(token: &str) -> Value {
        let claims = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }

    #[test]
    fn claims_are_as_github_wants_them() {
        let text = unsigned("Iv23liABC", 1_000);
        assert_eq!(
            text.split('.').next(),
            Some("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9")
        );
        assert_eq!(
            claims(&text),
            json!({"iat": 940, "exp": 1_540, "iss": "Iv23liABC"})
        );
        assert_eq!(claims(&unsigned("12345", 1_000))["iss"], json!(12345));
    }

    #[test]
    fn a_signature_is_the_third_part() {
        assert_eq!(signed("a.b", &[0xff, 0xfe]), "a.b.__4");
    }
}
