//! The difference form of p2 documents, `"minified": "composer/2.0"`: each version but the first tells only what
//! differs from the one before it.
//!
//! The rules are those of composer/metadata-minifier 1.0.1.

use serde_json::{Map, Number, Value};

/// The value that takes a key away. No version may have this very text as the value of a top-level key: expanding
/// would take it for a removal.
const UNSET: &str = "__unset";

/// Writes each version as the difference from the one before it.
///
/// A key that changed is written whole, a key that vanished as `"__unset"`; two equal neighbours leave an empty object.
/// [`expand`] brings the versions back, top-level keys possibly in another order.
pub fn minify(versions: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let mut state = Map::new();
    versions
        .into_iter()
        .map(|version| {
            if state.is_empty() {
                state.clone_from(&version);
                return version;
            }
            difference(&mut state, version)
        })
        .collect()
}

/// What leads from `state` to `version`; the state follows.
fn difference(state: &mut Map<String, Value>, version: Map<String, Value>) -> Map<String, Value> {
    // In the order of the state before and after this version's additions, which is the order PHP writes.
    let missing: Vec<String> = state
        .keys()
        .filter(|key| !version.contains_key(*key))
        .cloned()
        .collect();
    let mut changes = Map::new();
    for (key, value) in version {
        let is_known = state
            .get(&key)
            .is_some_and(|known| identical(known, &value));
        if !is_known {
            state.insert(key.clone(), value.clone());
            changes.insert(key, value);
        }
    }
    for key in missing {
        // Not `remove`, which would put the last key in its place.
        state.shift_remove(&key);
        changes.insert(key, Value::from(UNSET));
    }
    changes
}

/// Brings minified versions back, as the client does. While nothing is known an entry is taken whole.
pub fn expand(minified: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let mut state = Map::new();
    minified
        .into_iter()
        .map(|changes| {
            if state.is_empty() {
                state = changes;
                return state.clone();
            }
            for (key, value) in changes {
                if value == UNSET {
                    state.shift_remove(&key);
                } else {
                    state.insert(key, value);
                }
            }
            state.clone()
        })
        .collect()
}

/// PHP's `===` on decoded JSON: the same types, and in objects the same keys **in the same order**.
///
/// One thing is told apart that PHP cannot see: `{}` and `[]`, and lists against objects with the keys `0`, `1`, ….
/// That costs a repeated key at worst and keeps what the manifest had.
fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| left.0 == right.0 && identical(left.1, right.1))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| identical(left, right))
        }
        (Value::Number(left), Value::Number(right)) => identical_numbers(left, right),
        _ => left == right,
    }
}

/// Whole numbers that PHP holds as such are equal to each other only; the rest, larger ones included, are floats.
fn identical_numbers(left: &Number, right: &Number) -> bool {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left == right,
        (None, None) => left.as_f64() == right.as_f64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn maps(list: Value) -> Vec<Map<String, Value>> {
        serde_json::from_value(list).unwrap()
    }

    fn text(list: &[Map<String, Value>]) -> String {
        serde_json::to_string(list).unwrap()
    }

    #[test]
    fn only_differences_are_written() {
        let versions = maps(json!([
            { "name": "a/b", "version": "2.0", "require": { "php": "^8" }, "type": "library" },
            { "name": "a/b", "version": "1.0", "require": { "php": "^8" } },
            { "name": "a/b", "version": "1.0", "require": { "php": "^8" } },
            { "name": "a/b", "version": "0.9", "require": { "php": "^7" }, "type": null },
        ]));
        let minified = minify(versions.clone());
        assert_eq!(
            text(&minified),
            r#"[{"name":"a/b","version":"2.0","require":{"php":"^8"},"type":"library"},{"version":"1.0","type":"__unset"},{},{"version":"0.9","require":{"php":"^7"},"type":null}]"#
        );
        assert_eq!(expand(minified), versions);
    }

    #[test]
    fn the_order_of_nested_keys_is_a_difference_and_that_of_top_level_keys_is_none() {
        let minified = minify(maps(json!([
            { "a": 1, "require": { "x": "1", "y": "2" } },
            { "require": { "y": "2", "x": "1" }, "a": 1 },
        ])));
        assert_eq!(
            text(&minified),
            r#"[{"a":1,"require":{"x":"1","y":"2"}},{"require":{"y":"2","x":"1"}}]"#
        );
    }

    #[test]
    fn a_float_is_no_whole_number() {
        let minified = minify(maps(json!([{ "a": 1 }, { "a": 1.0 }, { "a": 1.0 }])));
        assert_eq!(text(&minified), r#"[{"a":1},{"a":1.0},{}]"#);
    }

    #[test]
    fn an_empty_state_takes_the_next_entry_whole() {
        let versions = maps(json!([{}, { "a": 1 }, {}, { "b": 2 }]));
        let minified = minify(versions.clone());
        assert_eq!(text(&minified), r#"[{},{"a":1},{"a":"__unset"},{"b":2}]"#);
        assert_eq!(expand(minified), versions);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_i64..3).prop_map(Value::from),
            (0_u8..3).prop_map(|number| Value::from(f64::from(number))),
            "[ab]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::vec(("[abc]", inner), 0..3)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn versions() -> impl Strategy<Value = Vec<Map<String, Value>>> {
        let version = proptest::collection::vec(("[a-e]", value()), 0..5)
            .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>());
        proptest::collection::vec(version, 0..6)
    }

    proptest! {
        #[test]
        fn expanding_brings_back_what_was_minified(versions in versions()) {
            let expanded = expand(minify(versions.clone()));
            prop_assert_eq!(expanded.len(), versions.len());
            for (back, version) in expanded.iter().zip(&versions) {
                // Key by key, since the top level may come in another order but nothing below it may.
                prop_assert_eq!(back.len(), version.len());
                for (key, value) in version {
                    prop_assert!(identical(&back[key], value), "{}", key);
                }
            }
        }
    }
}
