//! `Vault` by WebCrypto: AES-256-GCM under the Worker secret `ENCRYPTION_KEY`.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use js_sys::{Array, Object, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, SubtleCrypto};

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::Vault;

/// Names the format of a sealed text. Never to change: sealed texts are stored.
const VERSION: &str = "v1";
/// Bytes of a nonce, as AES-GCM wants them. A random one may be used some 2^32 times under one key.
const NONCE_LENGTH: usize = 12;
const KEY_LENGTH: usize = 32;

/// The vault of one request.
pub(super) struct CryptoVault {
    key: Option<String>,
}

impl CryptoVault {
    /// With the key in base64 as the secret holds it. A missing or wrong key is told when it is needed,
    /// so that reading goes on without one.
    pub(super) fn new(key: Option<String>) -> Self {
        Self { key }
    }

    async fn import(&self, subtle: &SubtleCrypto) -> Result<CryptoKey> {
        let text = self
            .key
            .as_deref()
            .ok_or_else(|| Error::internal("the secret `ENCRYPTION_KEY` is not set"))?;
        let bytes = STANDARD
            .decode(text.trim())
            .ok()
            .filter(|bytes| bytes.len() == KEY_LENGTH)
            .ok_or_else(|| {
                Error::internal("the secret `ENCRYPTION_KEY` is not the base64 of 32 bytes")
            })?;
        let call = subtle.import_key_with_object(
            "raw",
            &Uint8Array::from(bytes.as_slice()),
            &js::object(&[("name", "AES-GCM".into())]),
            false,
            &Array::of2(&"encrypt".into(), &"decrypt".into()),
        );
        js::settle(call)
            .await
            .map(JsCast::unchecked_into)
            .map_err(js::failed("importKey"))
    }
}

#[async_trait(?Send)]
impl Vault for CryptoVault {
    async fn seal(&self, context: &str, secret: &str) -> Result<String> {
        let subtle = subtle()?;
        let key = self.import(&subtle).await?;
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let sealed = run(subtle.encrypt_with_object_and_js_u8_array(
            &algorithm(&nonce, context),
            &key,
            &Uint8Array::from(secret.as_bytes()),
        ))
        .await
        .map_err(js::failed("encrypt"))?;
        Ok(format!(
            "{VERSION}.{}.{}",
            STANDARD.encode(nonce),
            STANDARD.encode(sealed)
        ))
    }

    async fn open(&self, context: &str, sealed: &str) -> Result<String> {
        let (nonce, ciphertext) = parse(sealed).ok_or_else(|| {
            Error::internal(format!("the sealed text of `{context}` is malformed"))
        })?;
        let subtle = subtle()?;
        let key = self.import(&subtle).await?;
        let secret = run(subtle.decrypt_with_object_and_js_u8_array(
            &algorithm(&nonce, context),
            &key,
            &Uint8Array::from(ciphertext.as_slice()),
        ))
        .await
        .map_err(|thrown| {
            Error::internal(format!(
                "the secret of `{context}` does not open under this `ENCRYPTION_KEY`: {}",
                js::describe(&thrown)
            ))
        })?;
        String::from_utf8(secret).map_err(Error::internal)
    }
}

fn parse(sealed: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (version, rest) = sealed.split_once('.')?;
    let (nonce, ciphertext) = rest.split_once('.')?;
    let nonce = STANDARD.decode(nonce).ok()?;
    let ciphertext = STANDARD.decode(ciphertext).ok()?;
    (version == VERSION && nonce.len() == NONCE_LENGTH).then_some((nonce, ciphertext))
}

fn algorithm(nonce: &[u8], context: &str) -> Object {
    js::object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(nonce).into()),
        (
            "additionalData",
            Uint8Array::from(context.as_bytes()).into(),
        ),
    ])
}

async fn run(call: Result<Promise, JsValue>) -> Result<Vec<u8>, JsValue> {
    js::settle(call).await.map(|buffer| js::bytes(&buffer))
}

pub(super) fn subtle() -> Result<SubtleCrypto> {
    let crypto = js::field(&js_sys::global(), "crypto");
    let subtle = js::field(&crypto, "subtle");
    if subtle.is_undefined() {
        return Err(Error::internal("WebCrypto is missing"));
    }
    Ok(subtle.unchecked_into())
}
