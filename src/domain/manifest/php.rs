//! What PHP makes of decoded JSON, as far as Composer's loader leans on it.

use serde_json::{Map, Value};

/// PHP's `empty()`.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_true) => !is_true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// Whether PHP has an array for it: it knows no difference between lists and objects.
pub(super) fn is_array(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// The entries of an array with their keys as texts; nothing for any other value.
pub(super) fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// Changes each value of an array and keeps its keys; the first that cannot be changed ends it.
pub(super) fn try_map<E>(
    value: &Value,
    change: impl Fn(&Value) -> Result<Value, E>,
) -> Result<Value, E> {
    match value {
        Value::Array(list) => list
            .iter()
            .map(change)
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| change(value).map(|value| (key.clone(), value)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        other => change(other),
    }
}

/// PHP's `strval` of a scalar; none for an array, of which PHP warns.
pub(super) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => Some(String::new()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").unwrap_or(&text).to_owned())
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// `ksort`: keys that are whole numbers by their number, all others by their bytes.
pub(super) fn sort_by_key(entries: &mut [(String, Value)]) {
    let number = |key: &str| {
        let is_canonical = key == "0" || !key.starts_with(['0', '+']);
        key.parse::<i64>().ok().filter(|_| is_canonical)
    };
    if entries.iter().all(|(key, _)| number(key).is_some()) {
        entries.sort_by_key(|(key, _)| number(key));
    } else {
        entries.sort_by(|one, other| one.0.cmp(&other.0));
    }
}

/// `sort` of texts: numbers by their value when there are only such, and else all by their bytes.
pub(super) fn sort_texts(texts: &mut [String]) {
    let number = |text: &str| {
        text.trim_start()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    if texts.iter().all(|text| number(text).is_some()) {
        texts.sort_by(|one, other| {
            number(one)
                .unwrap_or_default()
                .total_cmp(&number(other).unwrap_or_default())
        });
    } else {
        texts.sort();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn empty_is_what_php_calls_so() {
        for value in [
            json!(null),
            json!(false),
            json!(0),
            json!(0.0),
            json!(""),
            json!("0"),
            json!([]),
            json!({}),
        ] {
            assert!(is_empty(&value), "{value}");
        }
        for value in [
            json!(true),
            json!(-1),
            json!("00"),
            json!(" "),
            json!([0]),
            json!({"a": null}),
        ] {
            assert!(!is_empty(&value), "{value}");
        }
    }

    #[test]
    fn numbers_sort_as_numbers_when_nothing_else_is_there() {
        let mut numbers = ["10".to_owned(), "9".to_owned()];
        sort_texts(&mut numbers);
        assert_eq!(numbers, ["9", "10"]);
        let mut words = ["b".to_owned(), "B".to_owned(), "10".to_owned()];
        sort_texts(&mut words);
        assert_eq!(words, ["10", "B", "b"]);
    }
}
