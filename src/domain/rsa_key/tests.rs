use proptest::prelude::*;

use super::*;

const PKCS1: &str = include_str!("../../../tests/fixtures/keys/app.pkcs1.pem");
const PKCS8: &str = include_str!("../../../tests/fixtures/keys/app.pkcs8.pem");

/// What is within PEM.
fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(lines).unwrap()
}

#[test]
fn both_forms_become_what_openssl_makes_of_the_key() {
    assert_eq!(read_private_key(PKCS1).unwrap(), der(PKCS8));
    assert_eq!(read_private_key(PKCS8).unwrap(), der(PKCS8));
}

#[test]
fn a_key_survives_how_people_carry_it() {
    for text in [
        PKCS1.replace('\n', "\\n"),
        PKCS1.replace('\n', "\r\n"),
        PKCS1.replace('\n', "\\r\\n"),
        format!("  my key:\n{PKCS1}\n\n"),
        PKCS1.replace('\n', "\n    "),
    ] {
        assert_eq!(read_private_key(&text).unwrap(), der(PKCS8), "{text}");
    }
}

#[test]
fn what_is_no_key_says_why() {
    let fixture = |name| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    };
    let changed = PKCS1.replacen("MII", "MIA", 1);
    for (text, fault) in [
        (String::new(), KeyFault::NoPem),
        ("Iv23liABCDEF".to_owned(), KeyFault::NoPem),
        ("-----BEGIN <b>-----".to_owned(), KeyFault::NoPem),
        ("x".repeat(LONGEST + 1), KeyFault::NoPem),
        (fixture("locked.pkcs1.pem"), KeyFault::Encrypted),
        (fixture("locked.pkcs8.pem"), KeyFault::Encrypted),
        (
            fixture("public.pem"),
            KeyFault::Other("PUBLIC KEY".to_owned()),
        ),
        (
            fixture("elliptic.pem"),
            KeyFault::Other("key that is not of RSA".to_owned()),
        ),
        (fixture("short.pem"), KeyFault::TooShort(1_024)),
        (PKCS1[..PKCS1.len() / 2].to_owned(), KeyFault::Broken),
        (changed, KeyFault::Broken),
        (
            "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----".to_owned(),
            KeyFault::Broken,
        ),
    ] {
        assert_eq!(read_private_key(&text), Err(fault.clone()), "{text}");
        assert!(!fault.to_string().is_empty());
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_private_key(&text);
        for label in ["RSA PRIVATE KEY", "PRIVATE KEY"] {
            prop_assert!(read_private_key(&pem(label, &bytes)).is_err());
        }
    }

    #[test]
    fn a_key_that_is_cut_or_longer_is_refused(position in any::<proptest::sample::Index>()) {
        let whole = der(PKCS1);
        let cut = &whole[..position.index(whole.len())];
        prop_assert_eq!(read_private_key(&pem("RSA PRIVATE KEY", cut)), Err(KeyFault::Broken));
        let longer = [whole.as_slice(), &[0]].concat();
        prop_assert_eq!(read_private_key(&pem("RSA PRIVATE KEY", &longer)), Err(KeyFault::Broken));
        let inner = der(PKCS8);
        let cut = &inner[..position.index(inner.len())];
        prop_assert!(read_private_key(&pem("PRIVATE KEY", cut)).is_err());
    }
}
