//! `Signer` by WebCrypto.

use async_trait::async_trait;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::CryptoKey;

use crate::edge::js;
use crate::edge::vault::subtle;
use crate::error::{Error, Result};
use crate::ports::Signer;

const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";

/// Signs with whatever key it is given, and keeps none.
pub(super) struct CryptoSigner;

#[async_trait(?Send)]
impl Signer for CryptoSigner {
    async fn sign_rs256(&self, private_key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        let subtle = subtle()?;
        let call = subtle.import_key_with_object(
            "pkcs8",
            &Uint8Array::from(private_key),
            &js::object(&[("name", ALGORITHM.into()), ("hash", "SHA-256".into())]),
            false,
            &Array::of1(&"sign".into()),
        );
        let key: CryptoKey = js::settle(call)
            .await
            .map(JsCast::unchecked_into)
            .map_err(|thrown| unusable(&js::describe(&thrown)))?;
        let call =
            subtle.sign_with_str_and_js_u8_array(ALGORITHM, &key, &Uint8Array::from(message));
        js::settle(call)
            .await
            .map(|buffer| js::bytes(&buffer))
            .map_err(|thrown| unusable(&js::describe(&thrown)))
    }
}

fn unusable(thrown: &str) -> Error {
    Error::invalid(
        "The private key has the form of one, but nothing can be signed with it; copy the whole .pem file again",
    )
    .because(thrown)
}
