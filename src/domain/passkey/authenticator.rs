//! What the device says of itself and of its key (section 6.1): 32 bytes of the site's hash, one of flags, four of a count,
//! then the key where one was made, then what extensions say.

use minicbor::Decoder;
use subtle::ConstantTimeEq;

use crate::domain::passkey::{PublicKey, Refused, Site};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const SYNCABLE: u8 = 1 << 3;
const SYNCED: u8 = 1 << 4;
const HAS_KEY: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;
/// The longest name of a key, in bytes (section 5.8.3 and the step that checks it).
const LONGEST_CREDENTIAL: usize = 1_023;

/// What was read.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    site: &'a [u8; 32],
    flags: u8,
    /// What the device has counted.
    pub(super) sign_count: u32,
    /// Whether the device may copy its key.
    pub(super) is_syncable: bool,
    /// The name and the public half of a key that was made.
    pub(super) made: Option<(&'a [u8], PublicKey)>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it; nothing may be left over.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refused> {
        let (site, rest) = bytes.split_first_chunk().ok_or(Refused::Malformed)?;
        let (flags, rest) = rest.split_first().ok_or(Refused::Malformed)?;
        let (count, mut rest) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
        let mut made = None;
        if flags & HAS_KEY != 0 {
            let (credential, key, after) = read_made(rest)?;
            made = Some((credential, key));
            rest = after;
        }
        if flags & HAS_EXTENSIONS != 0 {
            let mut decoder = Decoder::new(rest);
            let is_map = decoder.map().is_ok();
            let mut decoder = Decoder::new(rest);
            decoder.skip().map_err(|_| Refused::Malformed)?;
            let after = rest.get(decoder.position()..).unwrap_or_default();
            if !is_map {
                return Err(Refused::Malformed);
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Refused::Malformed);
        }
        Ok(Self {
            site,
            flags: *flags,
            sign_count: u32::from_be_bytes(*count),
            is_syncable: flags & SYNCABLE != 0,
            made,
        })
    }

    /// Checks that it is for this site, that somebody was there, and that the device made sure of who that was.
    pub(super) fn check(&self, site: &Site) -> Result<(), Refused> {
        if !bool::from(self.site.ct_eq(&site.hash())) {
            return Err(Refused::OtherSite);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(Refused::NobodyThere);
        }
        if self.flags & USER_VERIFIED == 0 {
            return Err(Refused::NotVerified);
        }
        // What is copied may be copied.
        if self.flags & SYNCED != 0 && !self.is_syncable {
            return Err(Refused::Malformed);
        }
        Ok(())
    }
}

/// A key that was made: 16 bytes of the device's make, two of a length, the name, the public half by COSE. And what follows.
fn read_made(bytes: &[u8]) -> Result<(&[u8], PublicKey, &[u8]), Refused> {
    let (_, rest) = bytes.split_at_checked(16).ok_or(Refused::Malformed)?;
    let (length, rest) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > LONGEST_CREDENTIAL {
        return Err(Refused::Malformed);
    }
    let (credential, rest) = rest.split_at_checked(length).ok_or(Refused::Malformed)?;
    let mut decoder = Decoder::new(rest);
    let key = PublicKey::decode(&mut decoder)?;
    let rest = rest.get(decoder.position()..).ok_or(Refused::Malformed)?;
    Ok((credential, key, rest))
}
