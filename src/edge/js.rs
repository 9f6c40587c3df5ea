//! JavaScript values: promises, plain objects, numbers and what was thrown.

use js_sys::{Array, Function, Object, Promise, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::error::{Error, Result};

/// Waits for a call that gives a promise, or for the exception it threw instead.
pub(super) async fn settle(call: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(call?).await
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32) -> Result<JsValue, JsValue>;
}

/// Waits.
pub(super) async fn pause(milliseconds: u32) -> Result<(), JsValue> {
    let mut failed = None;
    let waiting = Promise::new(&mut |resolve, _| {
        failed = set_timeout(&resolve, milliseconds).err();
    });
    match failed {
        Some(thrown) => Err(thrown),
        None => JsFuture::from(waiting).await.map(|_| ()),
    }
}

/// A plain object with these fields.
pub(super) fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a field of an object made one line above cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

/// A field of an object; `undefined` when there is none.
pub(super) fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A field that holds text.
pub(super) fn text_field(value: &JsValue, name: &str) -> Option<String> {
    field(value, name).as_string()
}

/// What was thrown, in words for the log.
pub(super) fn describe(thrown: &JsValue) -> String {
    text_field(thrown, "message")
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| format!("{thrown:?}"))
}

/// An internal error that names the call which threw.
pub(super) fn failed(call: &str) -> impl FnOnce(JsValue) -> Error {
    move |thrown| Error::internal(format!("{call}: {}", describe(&thrown)))
}

/// The same of a service that does not answer: what it serves may come again later.
pub(super) fn unavailable(call: &str) -> impl FnOnce(JsValue) -> Error {
    move |thrown| Error::unavailable(format!("{call}: {}", describe(&thrown)))
}

/// Copies a JavaScript value of JSON shape into a Rust one. One crossing with text is cheaper than one per field,
/// and `JSON.stringify` writes integral doubles as integers, which D1 gives for every integer column.
pub(super) fn from_json<T: DeserializeOwned>(value: &JsValue) -> Result<T> {
    let text = js_sys::JSON::stringify(value)
        .map_err(failed("JSON.stringify"))?
        .as_string()
        .ok_or_else(|| Error::internal("a value of JSON shape was expected"))?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// The headers as pairs, names in lower case.
pub(super) fn headers(headers: &web_sys::Headers) -> Result<Vec<(String, String)>> {
    from_json(&Array::from(headers))
}

/// The bytes of an `ArrayBuffer` or of a view of one.
pub(super) fn bytes(value: &JsValue) -> Vec<u8> {
    value.dyn_ref::<js_sys::Uint8Array>().map_or_else(
        || js_sys::Uint8Array::new(value).to_vec(),
        js_sys::Uint8Array::to_vec,
    )
}

/// A count as a JavaScript number.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes and offsets of stored objects are below 5 TiB, doubles are exact up to 2^53"
)]
pub(super) fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// A signed integer as a JavaScript number.
#[expect(
    clippy::cast_precision_loss,
    reason = "the database port asks its callers to stay within 2^53"
)]
pub(super) fn signed_number(value: i64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// A JavaScript number as a count; what is no count becomes 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and the platform's counts are whole and below 2^53"
)]
pub(super) fn count(value: f64) -> u64 {
    value as u64
}

/// Milliseconds as JavaScript counts them, in whole Unix seconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and the year 287396 is far"
)]
pub(super) fn seconds(milliseconds: f64) -> i64 {
    (milliseconds / 1000.0).floor() as i64
}

/// A moment of JavaScript in whole milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and the year 287396 is far"
)]
pub(super) fn milliseconds(moment: f64) -> i64 {
    moment.floor() as i64
}
