//! `RateLimit` over the rate limiting binding.

use async_trait::async_trait;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::RateLimit;

/// The binding, where the Worker has one: an instance without it has no limit.
pub(super) struct PlatformRateLimit(Option<JsValue>);

impl PlatformRateLimit {
    /// Over what the environment has under the binding's name.
    pub(super) fn new(binding: JsValue) -> Self {
        Self((!binding.is_undefined()).then_some(binding))
    }
}

#[async_trait(?Send)]
impl RateLimit for PlatformRateLimit {
    async fn count(&self, key: &str) -> Result<bool> {
        let Some(binding) = &self.0 else {
            return Ok(true);
        };
        let limit: Function = js::field(binding, "limit")
            .dyn_into()
            .map_err(|_| Error::internal("the binding `BAD_CREDENTIALS` has no `limit`"))?;
        let call = limit
            .call1(binding, &js::object(&[("key", key.into())]))
            .map(|promise| Promise::resolve(&promise));
        let outcome = js::settle(call).await.map_err(js::failed("limit"))?;
        Ok(js::field(&outcome, "success").as_bool().unwrap_or(true))
    }
}
