//! Whole ceremonies, good and bad, are played in `tests/it/web/passkeys.rs`; here is what needs no device.

use proptest::prelude::*;

use super::*;

#[test]
fn a_site_is_what_browsers_take_for_one() {
    for (url, origin, id) in [
        (
            "https://packages.example.com",
            "https://packages.example.com",
            "packages.example.com",
        ),
        (
            "https://Packages.Example.com:443/",
            "https://packages.example.com",
            "packages.example.com",
        ),
        (
            "https://packages.example.com:8443",
            "https://packages.example.com:8443",
            "packages.example.com",
        ),
        (
            "http://localhost:8787",
            "http://localhost:8787",
            "localhost",
        ),
    ] {
        let site = Site::of(url).unwrap();
        assert_eq!((site.origin.as_str(), site.id.as_str()), (origin, id));
    }
    for url in [
        "http://packages.example.com",
        "https://192.0.2.7",
        "https://[2001:db8::1]:8443",
        "packages.example.com",
    ] {
        assert_eq!(Site::of(url), None, "{url}");
    }
}

fn site() -> Site {
    Site::of("https://packages.example.com").unwrap()
}

/// The key of RFC 9053 that nobody has: a point that is on no curve.
#[test]
fn a_key_that_is_none_is_not_taken() {
    // {1: 2, 3: -7, -1: 1, -2: 32 zeros, -3: 32 zeros}
    let mut key = vec![0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32];
    key.extend([0; 32]);
    key.extend([0x22, 0x58, 32]);
    key.extend([0; 32]);
    let mut decoder = Decoder::new(&key);
    assert_eq!(PublicKey::decode(&mut decoder), Err(Refused::Malformed));
    // {1: 3, 3: -257}: RSA.
    let mut decoder = Decoder::new(&[0xa2, 1, 3, 3, 0x39, 1, 0]);
    assert_eq!(
        PublicKey::decode(&mut decoder),
        Err(Refused::UnknownAlgorithm)
    );
    // A point of small order, for which anything is signed.
    assert_eq!(
        PublicKey::of_stored(-8, &format!("01{}", "00".repeat(31))),
        None
    );
    assert_eq!(PublicKey::of_stored(-257, "00"), None);
}

proptest! {
    #[test]
    fn whatever_is_sent_is_refused_and_nothing_else(
        client in proptest::collection::vec(any::<u8>(), 0..80),
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(register(&site(), &[7; CHALLENGE], &client, &data).is_err());
        prop_assert!(read_attestation(&data).is_err() || data.len() > 9);
        let _ = AuthenticatorData::parse(&data).map(|data| data.check(&site()));
    }
}
