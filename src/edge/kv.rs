//! `Cache` over KV.

use async_trait::async_trait;
use js_sys::{Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::ReadableStream;

use crate::edge::js;
use crate::error::Result;
use crate::ports::Cache;

/// What is under a hash never changes, so a place may keep it for a day without asking again.
const KEPT_SECONDS: u32 = 86_400;

#[wasm_bindgen]
extern "C" {
    /// The binding.
    #[derive(Clone)]
    type Namespace;

    #[wasm_bindgen(method, catch)]
    fn get(this: &Namespace, key: &str, options: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn put(this: &Namespace, key: &str, value: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = put)]
    fn put_with(
        this: &Namespace,
        key: &str,
        value: &JsValue,
        options: &Object,
    ) -> Result<Promise, JsValue>;
}

/// The cache of one request.
#[derive(Clone)]
pub(super) struct Kv(Namespace);

impl Kv {
    /// Over the binding.
    pub(super) fn new(binding: JsValue) -> Self {
        Self(binding.unchecked_into())
    }

    /// The copy as a native stream, which never enters wasm.
    pub(super) async fn stream(&self, key: &str) -> Result<Option<ReadableStream>> {
        let value = self.read(key, Kind::Stream).await?;
        Ok(value.map(JsCast::unchecked_into))
    }

    /// Leaves a copy of a native stream of known length.
    pub(super) async fn put_stream(&self, key: &str, stream: &ReadableStream) -> Result<()> {
        js::settle(self.0.put(key, stream))
            .await
            .map(drop)
            .map_err(js::unavailable("KV put"))
    }

    async fn read(&self, key: &str, kind: Kind) -> Result<Option<JsValue>> {
        let call = HOW_TO_READ.with(|how| match kind {
            Kind::Stream => self.0.get(key, &how.stream),
            Kind::Bytes => self.0.get(key, &how.bytes),
        });
        let value = js::settle(call).await.map_err(js::unavailable("KV get"))?;
        Ok((!value.is_null() && !value.is_undefined()).then_some(value))
    }
}

/// As what a value is wanted.
#[derive(Clone, Copy)]
enum Kind {
    Stream,
    Bytes,
}

/// What a read is told, by what is wanted. The platform reads it and keeps nothing of it, so it is made once.
struct HowToRead {
    stream: Object,
    bytes: Object,
}

thread_local! {
    static HOW_TO_READ: HowToRead = HowToRead {
        stream: js::object(&[("type", "stream".into()), ("cacheTtl", KEPT_SECONDS.into())]),
        bytes: js::object(&[("type", "arrayBuffer".into()), ("cacheTtl", KEPT_SECONDS.into())]),
    };
}

#[async_trait(?Send)]
impl Cache for Kv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.read(key, Kind::Bytes).await?;
        Ok(value.map(|buffer| js::bytes(&buffer)))
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        js::settle(self.0.put(key, &Uint8Array::from(bytes)))
            .await
            .map(drop)
            .map_err(js::unavailable("KV put"))
    }

    async fn put_for(&self, key: &str, bytes: &[u8], seconds: u32) -> Result<()> {
        let options = js::object(&[("expirationTtl", seconds.into())]);
        js::settle(self.0.put_with(key, &Uint8Array::from(bytes), &options))
            .await
            .map(drop)
            .map_err(js::unavailable("KV put"))
    }
}
