//! Fields of an answer, read by their names. Each type with a derived reader costs some kilobytes of WebAssembly, and
//! some answers are asked for one field alone.

use serde_json::Value;

/// The text at a JSON pointer.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The same, to keep.
pub(super) fn owned(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).map(str::to_owned)
}

/// Whether it says true there.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// The items of the list at a JSON pointer.
pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> Option<&'a [Value]> {
    value.pointer(pointer)?.as_array().map(Vec::as_slice)
}
