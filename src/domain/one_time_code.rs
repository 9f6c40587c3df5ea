//! Codes of six digits that an app shows and that change every 30 seconds (RFC 6238), with SHA-1, which is what apps know.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Builder, Secret, Totp};

use crate::error::{Error, Result};

/// Bytes of a secret: RFC 4226 recommends 160 bits.
pub const SECRET: usize = 20;

/// What the codes of one person are made of. `Debug` hides it.
#[derive(Clone)]
pub struct CodeSecret(Secret);

impl fmt::Debug for CodeSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CodeSecret(…)")
    }
}

impl CodeSecret {
    /// Of random bytes.
    pub fn new(bytes: [u8; SECRET]) -> Self {
        Self(Secret::new_stack(bytes))
    }

    /// Reads what [`CodeSecret::reveal`] gave; none where it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = Secret::try_from_base32(text).ok()?;
        (secret.as_bytes().len() == SECRET).then_some(Self(secret))
    }

    /// In base32, as apps take it: for the one page that shows it, and to be sealed.
    pub fn reveal(&self) -> String {
        self.0.to_base32()
    }

    /// The address that apps read from a QR code.
    pub fn address(&self, issuer: &str, person: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (issuer, person) = (encode(issuer), encode(person));
        format!(
            "otpauth://totp/{issuer}:{person}?secret={}&issuer={issuer}",
            self.reveal()
        )
    }

    /// The step of 30 seconds that a code is of: the one at a Unix second, the one before, or the one after, since clocks
    /// differ and people type slowly (RFC 6238, 5.2). None for a wrong code. Compared in constant time.
    pub fn step_of(&self, code: &str, now: i64) -> Result<Option<i64>> {
        let now = u64::try_from(now).map_err(Error::internal)?;
        let step = self.codes()?.check(code, now);
        step.map(|step| i64::try_from(step).map_err(Error::internal))
            .transpose()
    }

    /// The code at a Unix second: what the app shows.
    pub fn code_at(&self, now: i64) -> Result<String> {
        let now = u64::try_from(now).map_err(Error::internal)?;
        Ok(self.codes()?.generate(now).to_string())
    }

    fn codes(&self) -> Result<Totp> {
        let builder = Builder::new().with_secret(self.0.clone());
        builder.build().map_err(Error::internal)
    }
}

/// What somebody typed as a code of six digits, without the spaces that apps show; none where it is none.
pub fn read_code(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|one| !one.is_whitespace()).collect();
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    fn secret() -> CodeSecret {
        CodeSecret::new(*b"12345678901234567890")
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The last six of its eight digits.
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(secret().code_at(time).unwrap(), code);
            let step = time / 30;
            assert_eq!(secret().step_of(code, time).unwrap(), Some(step));
            assert_eq!(secret().step_of(code, time + 30).unwrap(), Some(step));
            assert_eq!(secret().step_of(code, time - 30).unwrap(), Some(step));
            assert_eq!(secret().step_of(code, time + 90).unwrap(), None);
        }
        assert_eq!(secret().step_of("000000", 59).unwrap(), None);
        assert_eq!(secret().step_of("", 59).unwrap(), None);
    }

    #[test]
    fn a_secret_is_read_back_and_hidden() {
        let text = secret().reveal();
        assert_eq!(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(CodeSecret::parse(&text).unwrap().reveal(), text);
        assert!(CodeSecret::parse("GEZDGNBV").is_none());
        assert!(CodeSecret::parse("not base32!").is_none());
        assert_eq!(format!("{:?}", secret()), "CodeSecret(…)");
        assert_eq!(
            secret().address("packages.example.com", "ada+x@example.com"),
            format!(
                "otpauth://totp/packages%2Eexample%2Ecom:ada%2Bx%40example%2Ecom?secret={text}\
                 &issuer=packages%2Eexample%2Ecom"
            )
        );
    }

    #[test]
    fn a_code_may_be_typed_with_spaces() {
        assert_eq!(read_code(" 123 456 ").as_deref(), Some("123456"));
        for other in ["12345", "1234567", "12345a", "+12345", ""] {
            assert_eq!(read_code(other), None, "{other}");
        }
    }
}
