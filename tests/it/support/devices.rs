//! What people carry: an app that shows codes, and devices with passkeys.

use std::cell::{Cell, RefCell};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::Signer;
use minicbor::Encoder;
use repertoire::domain::one_time_code::CodeSecret;
use ring::rsa::{KeyPair as RsaKeyPair, PublicKeyComponents};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::browser::{Browser, Page};
use super::{ADDRESS, TestRegistry};

pub(crate) const SECOND_FACTOR: &str = "/ui/account/second-factor";
pub(crate) const PASSKEYS: &str = "/ui/account/passkeys";

impl TestRegistry {
    /// What the app shows now.
    pub(crate) fn code(&self, secret: &CodeSecret) -> String {
        secret.code_at(self.world.now.get()).unwrap()
    }

    /// Sets up a second factor; gives what the app has scanned, and the recovery codes.
    #[track_caller]
    pub(crate) fn set_up_codes(
        &self,
        browser: &Browser<'_>,
        password: &str,
    ) -> (CodeSecret, Vec<String>) {
        let page = browser.get(SECOND_FACTOR).expect(200);
        let secret = scan(&page);
        let values = [("code", self.code(&secret).as_str()), ("current", password)]
            .map(|(name, value)| (name, value.to_owned()));
        let page = browser.submit(&page, SECOND_FACTOR, &borrowed(&values));
        let codes = page.expect(200).one(".code");
        let codes = codes.split_whitespace().map(str::to_owned).collect();
        (secret, codes)
    }
}

/// What an app reads from the page that sets it up.
#[track_caller]
pub(crate) fn scan(page: &Page) -> CodeSecret {
    let shown = page.one(".secret").replace(' ', "");
    CodeSecret::parse(&shown).unwrap()
}

/// Fields as the browser takes them.
pub(crate) fn borrowed<'a>(values: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

pub(crate) const PRESENT: u8 = 1;
pub(crate) const VERIFIED: u8 = 4;

enum Signing {
    Es256(p256::ecdsa::SigningKey),
    EdDsa(ed25519_dalek::SigningKey),
    Rs256(Box<RsaKeyPair>),
}

struct Key {
    credential: Vec<u8>,
    site: String,
    user: Vec<u8>,
    signing: Signing,
}

/// How a device signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    EdDsa,
    /// RSA of 2048 bits; all such devices have the same key.
    Rs256,
    /// One that is not known here.
    Unknown,
}

/// A device with passkeys. It counts unless it is told not to, and asks for a fingerprint each time.
pub(crate) struct Device {
    algorithm: Algorithm,
    number: u8,
    pub(crate) count: Cell<u32>,
    pub(crate) is_counting: Cell<bool>,
    keys: RefCell<Vec<Key>>,
}

/// What a device is asked, and what it says: as a good browser has it, before somebody meddles with it.
pub(crate) struct Ceremony {
    pub(crate) kind: &'static str,
    pub(crate) challenge: String,
    pub(crate) origin: String,
    pub(crate) is_cross_origin: bool,
    pub(crate) site: String,
    pub(crate) flags: u8,
    /// In base64url.
    pub(crate) user: String,
}

impl Ceremony {
    fn of(page: &Page, form: &str, kind: &'static str) -> Self {
        let read = |name: &str| {
            let css = format!("form[data-passkey={form}]");
            page.attributes(&css, name).pop().unwrap_or_default()
        };
        Self {
            kind,
            challenge: read("data-challenge"),
            origin: ADDRESS.to_owned(),
            is_cross_origin: false,
            site: read("data-site"),
            flags: PRESENT | VERIFIED,
            user: read("data-user"),
        }
    }

    fn client(&self) -> Vec<u8> {
        let client = json!({
            "type": self.kind,
            "challenge": self.challenge,
            "origin": self.origin,
            "crossOrigin": self.is_cross_origin,
            "other_keys_can_be_added_here": "as browsers do",
        });
        client.to_string().into_bytes()
    }

    fn authenticator(&self, count: u32, flags: u8) -> Vec<u8> {
        let mut bytes = Sha256::digest(self.site.as_bytes()).to_vec();
        bytes.push(self.flags | flags);
        bytes.extend(count.to_be_bytes());
        bytes
    }
}

fn rsa_key() -> RsaKeyPair {
    let pem = include_str!("../../fixtures/keys/app.pkcs8.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Device {
    /// Devices of different numbers have different keys.
    pub(crate) fn new(number: u8, algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            number,
            count: Cell::new(0),
            is_counting: Cell::new(true),
            keys: RefCell::default(),
        }
    }

    /// Forgets its keys, and makes the same ones again.
    pub(crate) fn forget(&self) {
        self.keys.borrow_mut().clear();
    }

    fn next_count(&self) -> u32 {
        let step = u32::from(self.is_counting.get());
        self.count.set(self.count.get() + step);
        self.count.get()
    }

    /// Makes a key for the page that adds passkeys; gives the fields of its form.
    pub(crate) fn create(&self, page: &Page) -> Vec<(&'static str, String)> {
        self.create_with(page, |_| {})
    }

    pub(crate) fn create_with(
        &self,
        page: &Page,
        meddle: impl FnOnce(&mut Ceremony),
    ) -> Vec<(&'static str, String)> {
        let mut ceremony = Ceremony::of(page, "create", "webauthn.create");
        meddle(&mut ceremony);
        let made = u8::try_from(self.keys.borrow().len()).unwrap();
        let seed: [u8; 32] = Sha256::digest([self.number, made]).into();
        let signing = match self.algorithm {
            Algorithm::EdDsa => Signing::EdDsa(ed25519_dalek::SigningKey::from_bytes(&seed)),
            Algorithm::Rs256 => Signing::Rs256(Box::new(rsa_key())),
            Algorithm::Es256 | Algorithm::Unknown => {
                Signing::Es256(p256::ecdsa::SigningKey::from_slice(&seed).unwrap())
            }
        };
        let key = Key {
            credential: Sha256::digest([made, self.number, 7]).to_vec(),
            site: ceremony.site.clone(),
            user: URL_SAFE_NO_PAD.decode(&ceremony.user).unwrap(),
            signing,
        };
        let mut data = ceremony.authenticator(self.next_count(), 64);
        data.extend([0; 16]);
        data.extend(u16::try_from(key.credential.len()).unwrap().to_be_bytes());
        data.extend(&key.credential);
        data.extend(self.cose(&key.signing));
        let mut attestation = Encoder::new(Vec::new());
        attestation.map(3).unwrap();
        attestation.str("fmt").unwrap().str("none").unwrap();
        attestation.str("attStmt").unwrap().map(0).unwrap();
        attestation.str("authData").unwrap().bytes(&data).unwrap();
        self.keys.borrow_mut().push(key);
        vec![
            ("client", encode(&ceremony.client())),
            ("attestation", encode(attestation.writer())),
        ]
    }

    fn cose(&self, signing: &Signing) -> Vec<u8> {
        let mut cose = Encoder::new(Vec::new());
        match (self.algorithm, signing) {
            (Algorithm::Unknown, _) => {
                cose.map(2).unwrap();
                cose.i8(1).unwrap().i8(2).unwrap();
                cose.i8(3).unwrap().i8(-35).unwrap();
            }
            (_, Signing::Rs256(key)) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                cose.map(4).unwrap();
                cose.i8(1).unwrap().i8(3).unwrap();
                cose.i8(3).unwrap().i16(-257).unwrap();
                cose.i8(-1).unwrap().bytes(&public.n).unwrap();
                cose.i8(-2).unwrap().bytes(&public.e).unwrap();
            }
            (_, Signing::Es256(key)) => {
                let point = key.verifying_key().to_encoded_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                cose.map(5).unwrap();
                cose.i8(1).unwrap().i8(2).unwrap();
                cose.i8(3).unwrap().i8(-7).unwrap();
                cose.i8(-1).unwrap().i8(1).unwrap();
                cose.i8(-2).unwrap().bytes(x).unwrap();
                cose.i8(-3).unwrap().bytes(y).unwrap();
            }
            (_, Signing::EdDsa(key)) => {
                cose.map(4).unwrap();
                cose.i8(1).unwrap().i8(1).unwrap();
                cose.i8(3).unwrap().i8(-8).unwrap();
                cose.i8(-1).unwrap().i8(6).unwrap();
                let key = key.verifying_key();
                cose.i8(-2).unwrap().bytes(key.as_bytes()).unwrap();
            }
        }
        cose.into_writer()
    }

    /// Proves to the sign-in that it has its first key for this site; gives the fields of the form.
    pub(crate) fn get(&self, page: &Page) -> Vec<(&'static str, String)> {
        self.get_with(page, |_| {})
    }

    pub(crate) fn get_with(
        &self,
        page: &Page,
        meddle: impl FnOnce(&mut Ceremony),
    ) -> Vec<(&'static str, String)> {
        let mut ceremony = Ceremony::of(page, "get", "webauthn.get");
        let keys = self.keys.borrow();
        let key = keys.iter().find(|key| key.site == ceremony.site).unwrap();
        ceremony.user = encode(&key.user);
        meddle(&mut ceremony);
        let client = ceremony.client();
        let authenticator = ceremony.authenticator(self.next_count(), 0);
        let mut signed = authenticator.clone();
        signed.extend_from_slice(&Sha256::digest(&client));
        let signature = match &key.signing {
            Signing::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&signed);
                signature.to_der().as_bytes().to_vec()
            }
            Signing::EdDsa(key) => key.sign(&signed).to_bytes().to_vec(),
            Signing::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let random = ring::rand::SystemRandom::new();
                let padding = &ring::signature::RSA_PKCS1_SHA256;
                key.sign(padding, &random, &signed, &mut signature).unwrap();
                signature
            }
        };
        vec![
            ("credential", encode(&key.credential)),
            ("user", ceremony.user),
            ("client", encode(&client)),
            ("authenticator", encode(&authenticator)),
            ("signature", encode(&signature)),
        ]
    }

    /// Adds a passkey of this device to the account of a browser.
    #[track_caller]
    pub(crate) fn add_to(&self, browser: &Browser<'_>, name: &str, password: &str) {
        let page = browser.get(PASSKEYS).expect(200);
        let mut values = self.create(&page);
        values.push(("name", name.to_owned()));
        values.push(("current", password.to_owned()));
        let page = browser.submit(&page, PASSKEYS, &borrowed(&values));
        assert!(page.expect(200).one(".notice").contains("is added"));
    }

    /// Signs in with its passkey in a new browser.
    #[track_caller]
    pub(crate) fn sign_in<'a>(&self, registry: &'a TestRegistry) -> (Browser<'a>, Page) {
        let browser = registry.browser();
        let page = browser.get("/ui/sign-in").expect(200);
        let values = self.get(&page);
        let page = browser.submit(&page, "/ui/sign-in/passkey", &borrowed(&values));
        (browser, page)
    }
}
