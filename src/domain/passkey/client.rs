//! What the browser wrote: for whom it asked the device, and what.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::domain::passkey::{CHALLENGE, Refused, Site};

/// What the device was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// To make a key.
    Create,
    /// To prove that it has one.
    Get,
}

impl Ceremony {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    is_cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// Checks that a page of this site asked, just now, for this.
pub(super) fn check_client(
    bytes: &[u8],
    ceremony: Ceremony,
    challenge: &[u8; CHALLENGE],
    site: &Site,
) -> Result<(), Refused> {
    let data: ClientData = serde_json::from_slice(bytes).map_err(|_| Refused::Malformed)?;
    if data.kind != ceremony.as_str() {
        return Err(Refused::OtherCeremony);
    }
    let expected = URL_SAFE_NO_PAD.encode(challenge);
    if !bool::from(expected.as_bytes().ct_eq(data.challenge.as_bytes())) {
        return Err(Refused::OtherChallenge);
    }
    if data.origin != site.origin || data.is_cross_origin || data.top_origin.is_some() {
        return Err(Refused::OtherOrigin);
    }
    Ok(())
}
