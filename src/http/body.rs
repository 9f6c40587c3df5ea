//! JSON bodies as typed values. All that is wrong with a body is told at once, each fault with a pointer to its field.

use std::fmt::Write;
use std::ops::ControlFlow;

use deserr::{
    DeserializeError, Deserr, ErrorKind as Kind, IntoValue, MergeWithError, Sequence, Value,
    ValueKind, ValuePointerRef,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::error::{Error, FieldCode, FieldFault};

/// The faults found so far; reading goes on after each.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// Reads a value; an error names every field that is wrong.
    pub(crate) fn read<T: Deserr<Self>>(value: serde_json::Value) -> Result<T, Error> {
        deserr::deserialize::<T, _, Self>(value).map_err(Self::into_error)
    }

    fn into_error(self) -> Error {
        Error::invalid_fields(self.0)
    }

    fn add(
        found: Option<Self>,
        location: ValuePointerRef<'_>,
        code: FieldCode,
        detail: String,
    ) -> ControlFlow<Self, Self> {
        let mut found = found.unwrap_or_default();
        found.0.push(FieldFault {
            field: pointer(location),
            code,
            detail,
        });
        ControlFlow::Continue(found)
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        found: Option<Self>,
        fault: Kind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let name = name(location);
        match fault {
            Kind::IncorrectValueKind { actual, accepted } => {
                let detail = format!(
                    "{name} must be {}, not {}",
                    describe(accepted),
                    describe(&[actual.kind()])
                );
                Self::add(found, location, FieldCode::WrongType, detail)
            }
            Kind::MissingField { field } => {
                let location = location.push_key(field);
                let detail = format!("{} is missing", self::name(location));
                Self::add(found, location, FieldCode::MissingField, detail)
            }
            Kind::UnknownKey { key, accepted } => {
                let detail = format!(
                    "{} is no field here, there {}",
                    self::name(location.push_key(key)),
                    list(accepted, "is", "are", "and")
                );
                Self::add(
                    found,
                    location.push_key(key),
                    FieldCode::UnknownField,
                    detail,
                )
            }
            Kind::UnknownValue { value, accepted } => {
                let value: String = value
                    .chars()
                    .take(100)
                    .flat_map(char::escape_debug)
                    .collect();
                let accepted = list(accepted, "", "", "or");
                let detail = format!("{name} must be{accepted}, not `{value}`");
                Self::add(found, location, FieldCode::BadValue, detail)
            }
            Kind::BadSequenceLen { actual, expected } => {
                let detail = format!("{name} must have {expected} entries, not {}", actual.len());
                Self::add(found, location, FieldCode::BadValue, detail)
            }
            Kind::Unexpected { msg } => Self::add(
                found,
                location,
                FieldCode::BadValue,
                format!("{name}: {msg}"),
            ),
        }
    }
}

impl MergeWithError<Self> for Faults {
    fn merge(found: Option<Self>, other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut found = found.unwrap_or_default();
        found.0.extend(other.0);
        ControlFlow::Continue(found)
    }
}

/// What a reader says of a value, in a whole sentence.
impl<E: std::error::Error> MergeWithError<E> for Faults {
    fn merge(
        found: Option<Self>,
        other: E,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        Self::add(found, location, FieldCode::BadValue, other.to_string())
    }
}

/// A value that cannot be used; the sentence names the field and says what to write.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(pub(crate) String);

impl BadValue {
    /// Refuses.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A field of a change: absent leaves what there is, null takes it away, a value takes its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Nothing was said of it.
    #[default]
    Keep,
    /// It is to go, or back to its default.
    Clear,
    /// It is to be this.
    Set(T),
}

impl<T: Deserr<Faults>> Deserr<Faults> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        match value {
            Value::Null => Ok(Self::Clear),
            value => T::deserialize_from_value(value, location).map(Self::Set),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Nullable_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<T>>()
    }
}

/// A JSON pointer (RFC 6901).
fn pointer(location: ValuePointerRef<'_>) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => {
            let key = key.replace('~', "~0").replace('/', "~1");
            format!("{}/{key}", pointer(*prev))
        }
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

/// The same for people: `groups[0].name`, or the whole.
fn name(location: ValuePointerRef<'_>) -> String {
    fn path(location: ValuePointerRef<'_>) -> String {
        match location {
            ValuePointerRef::Origin => String::new(),
            ValuePointerRef::Key { key, prev } => {
                let before = path(*prev);
                let dot = if before.is_empty() { "" } else { "." };
                format!("{before}{dot}{}", key.escape_debug())
            }
            ValuePointerRef::Index { index, prev } => format!("{}[{index}]", path(*prev)),
        }
    }
    match path(location) {
        path if path.is_empty() => "The body".to_owned(),
        path => format!("`{path}`"),
    }
}

/// The kinds of values, as the sentence has them.
fn describe(kinds: &[ValueKind]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for kind in kinds {
        let word = match kind {
            ValueKind::Null => "null",
            ValueKind::Boolean => "true or false",
            ValueKind::Integer | ValueKind::NegativeInteger => "a whole number",
            ValueKind::Float => "a number",
            ValueKind::String => "a text",
            ValueKind::Sequence => "a list",
            ValueKind::Map => "an object",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" or ")
}

/// `are `a`, `b` and `c``; with the right word for one.
fn list(names: &[&str], one: &str, many: &str, last: &str) -> String {
    let mut text = if names.len() == 1 { one } else { many }.to_owned();
    for (at, name) in names.iter().enumerate() {
        let is_last = at.saturating_add(1) == names.len();
        let join = match at {
            0 => " ",
            _ if is_last => last,
            _ => ",",
        };
        let space = if at > 0 && is_last { " " } else { "" };
        let after = if at > 0 { " " } else { "" };
        // Writing into a text cannot fail.
        let _ = write!(text, "{space}{join}{after}`{name}`");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserr)]
    #[deserr(error = Faults, deny_unknown_fields)]
    struct Inner {
        name: String,
    }

    fn even(number: i64) -> Result<i64, BadValue> {
        if number % 2 == 0 {
            Ok(number)
        } else {
            Err(BadValue::new("`number` must be even"))
        }
    }

    #[derive(Debug, PartialEq, Eq, Deserr)]
    #[deserr(error = Faults, deny_unknown_fields)]
    struct Outer {
        name: String,
        size: i64,
        #[deserr(default)]
        inner: Vec<Inner>,
        #[deserr(default)]
        change: Change<String>,
        #[deserr(default, try_from(i64) = even -> BadValue)]
        number: i64,
    }

    fn faults(body: serde_json::Value) -> Vec<(String, FieldCode, String)> {
        let error = Faults::read::<Outer>(body).unwrap_err();
        let all = error.fields().iter();
        all.map(|fault| (fault.field.clone(), fault.code, fault.detail.clone()))
            .collect()
    }

    #[test]
    fn every_fault_is_told_with_its_field() {
        let body = json!({"name": 1, "colour/x": "red", "inner": [{"name": "a"}, {"nam": 1}], "number": 3});
        let expected = [
            (
                "/name",
                FieldCode::WrongType,
                "`name` must be a text, not a whole number",
            ),
            (
                "/colour~1x",
                FieldCode::UnknownField,
                "`colour/x` is no field here, there are `name`, `size`, `inner`, `change` and `number`",
            ),
            (
                "/inner/1/nam",
                FieldCode::UnknownField,
                "`inner[1].nam` is no field here, there is `name`",
            ),
            (
                "/inner/1/name",
                FieldCode::MissingField,
                "`inner[1].name` is missing",
            ),
            ("/number", FieldCode::BadValue, "`number` must be even"),
            ("/size", FieldCode::MissingField, "`size` is missing"),
        ];
        let expected =
            expected.map(|(field, code, detail)| (field.to_owned(), code, detail.to_owned()));
        assert_eq!(faults(body), expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_told_so() {
        let fault = (
            String::new(),
            FieldCode::WrongType,
            "The body must be an object, not a list".to_owned(),
        );
        assert_eq!(faults(json!([])), [fault]);
    }

    #[test]
    fn null_takes_away_and_absence_leaves() {
        let read = |body| Faults::read::<Outer>(body).unwrap().change;
        assert_eq!(read(json!({"name": "", "size": 1})), Change::Keep);
        assert_eq!(
            read(json!({"name": "", "size": 1, "change": null})),
            Change::Clear
        );
        assert_eq!(
            read(json!({"name": "", "size": 1, "change": "x"})),
            Change::Set("x".to_owned())
        );
    }
}
