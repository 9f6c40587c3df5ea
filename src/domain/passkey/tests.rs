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
    // {1: 2, 3: -35}: ECDSA over P-384.
    let mut decoder = Decoder::new(&[0xa2, 1, 2, 3, 0x38, 34]);
    assert_eq!(
        PublicKey::decode(&mut decoder),
        Err(Refused::UnknownAlgorithm)
    );
    // {1: 3, 3: -257, -1: a byte, -2: a byte}: RSA, and far too short.
    let mut decoder = Decoder::new(&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x41, 77, 0x21, 0x41, 3]);
    assert_eq!(PublicKey::decode(&mut decoder), Err(Refused::Malformed));
    // A point of small order, for which anything is signed.
    assert_eq!(
        PublicKey::of_stored(-8, &format!("01{}", "00".repeat(31))),
        None
    );
    assert_eq!(PublicKey::of_stored(-257, "4d.03"), None);
}

#[test]
fn nested_without_end_it_is_refused() {
    // As deep as a form may be long: lists, maps, tags, and lists without a length.
    for start in [0x81, 0xa1, 0xc1, 0x9f] {
        let mut bytes = vec![0xa1, 0x61, b'x'];
        bytes.resize(64 * 1024, start);
        assert_eq!(read_attestation(&bytes), Err(Refused::Malformed));
        let mut data = site().hash().to_vec();
        data.extend([5 | 128, 0, 0, 0, 0]);
        data.extend(&bytes);
        let refused = AuthenticatorData::parse(&data).unwrap_err();
        assert_eq!(refused, Refused::Malformed);
    }
}

proptest! {
    #[test]
    fn any_answer_is_refused_and_nothing_else(
        client in proptest::collection::vec(any::<u8>(), 0..80),
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let challenge = [7; CHALLENGE];
        prop_assert!(register(&site(), &challenge, &client, &data).is_err());
        let key = PublicKey::of_stored(-8, &"58".repeat(32));
        if let Some(key) = key {
            let known = Known { key, sign_count: 0, is_syncable: false };
            let answer = verify(&site(), &challenge, &client, &data, &data, &known);
            prop_assert!(answer.is_err());
        }
    }

    #[test]
    fn what_follows_our_site_is_read_or_refused(
        flags in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut data = site().hash().to_vec();
        data.push(flags);
        data.extend(&rest);
        if let Ok(read) = AuthenticatorData::parse(&data) {
            let is_bare = flags & 0b1100_0000 == 0;
            prop_assert_eq!(read.made.is_none() && rest.len() == 4, is_bare);
            prop_assert_eq!(read.check(&site()).is_ok(), flags & 0b101 == 0b101 && flags & 0b1_1000 != 0b1_0000);
        }
    }
}
