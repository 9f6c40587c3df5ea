//! Rows as a database gives them, and how they become types.
//!
//! [`row!`](crate::ports::rows::row) declares a type whose fields are the columns of a statement. What it writes is a line
//! of plain calls per column: some hundred types read so take less of the Worker than ten would by serde's derived
//! readers, each of which brings a parser of its own.

use std::convert::Infallible;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::domain::archive::ArchiveFormat;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};

/// A row as the database gave it: its columns by name, in the order of the statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row(Vec<(String, Value)>);

impl Row {
    /// The value of a column.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(column, _)| column == name);
        found.map(|(_, value)| value)
    }

    /// All columns.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for Row {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(columns: T) -> Self {
        Self(columns.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Row;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut columns = Vec::new();
                while let Some(column) = map.next_entry()? {
                    columns.push(column);
                }
                Ok(Row(columns))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

/// The columns of a row while they are read. The first that is not what its field needs is remembered with the reason;
/// reading goes on with an empty value, which nobody sees, since [`rows_as`] gives the error then. So a column costs a
/// call, with no branch and no cleaning up after it.
pub struct Columns {
    rows: std::vec::IntoIter<Row>,
    row: Row,
    // Types mostly have their columns in the order of the statement: the one after the last is tried first.
    next: usize,
    fault: Option<String>,
}

/// A column has no value that could stand in a field; [`Columns`] knows why.
#[derive(Debug)]
pub struct Refused;

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Columns {
    fn of(rows: Vec<Row>) -> Self {
        Self {
            rows: rows.into_iter(),
            row: Row::default(),
            next: 0,
            fault: None,
        }
    }

    /// Goes on to the next row, if there is one and all was well so far.
    fn advance(&mut self) -> bool {
        if self.fault.is_some() {
            return false;
        }
        self.next = 0;
        self.rows.next().is_some_and(|row| {
            self.row = row;
            true
        })
    }

    /// The error, if a column was not what it should be.
    fn finish(self) -> Result<()> {
        self.fault
            .map_or(Ok(()), |fault| Err(Error::internal(fault)))
    }

    /// The value of a column, each of which is read once; none where the statement does not have it.
    fn take(&mut self, name: &str) -> Option<Value> {
        let (before, after) = self.row.0.split_at_mut_checked(self.next)?;
        let place = after.iter().position(|(column, _)| column == name);
        let place = match place {
            Some(place) => self.next.checked_add(place),
            None => before.iter().position(|(column, _)| column == name),
        };
        let place = place?;
        let (_, value) = self.row.0.get_mut(place)?;
        let value = value.take();
        self.next = place.saturating_add(1);
        Some(value)
    }

    /// Remembers that a column is not what it should be, unless another was before it.
    pub fn refuse(&mut self, name: &str, why: &str) {
        if self.fault.is_none() {
            self.fault = Some(format!("the column `{name}` of a row {why}"));
        }
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> String {
        match self.take(name) {
            Some(Value::String(text)) => text,
            Some(_) => {
                self.refuse(name, "is no text");
                String::new()
            }
            None => {
                self.refuse(name, "is not there");
                String::new()
            }
        }
    }

    /// A text, or null, as which a column that the statement does not have counts.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => Some(text),
            Some(Value::Null) | None => None,
            Some(_) => {
                self.refuse(name, "is neither text nor null");
                None
            }
        }
    }

    /// An integer.
    pub fn integer(&mut self, name: &str) -> i64 {
        match self.take(name) {
            Some(Value::Number(number)) if let Some(integer) = number.as_i64() => integer,
            Some(_) => {
                self.refuse(name, "is no integer");
                0
            }
            None => {
                self.refuse(name, "is not there");
                0
            }
        }
    }

    /// An integer, or null, as which a column that the statement does not have counts.
    pub fn optional_integer(&mut self, name: &str) -> Option<i64> {
        match self.take(name) {
            Some(Value::Number(number)) if number.is_i64() => number.as_i64(),
            Some(Value::Null) | None => None,
            Some(_) => {
                self.refuse(name, "is neither an integer nor null");
                None
            }
        }
    }

    /// An integer that is not negative.
    pub fn count(&mut self, name: &str) -> u64 {
        let integer = self.integer(name);
        self.not_negative(name, integer)
    }

    fn not_negative(&mut self, name: &str, integer: i64) -> u64 {
        u64::try_from(integer).unwrap_or_else(|_| {
            self.refuse(name, "is negative");
            0
        })
    }

    /// A text that is one of a type's spellings.
    pub fn parse<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Refused> {
        let read = read(&self.text(name));
        self.is_one(name, read)
    }

    fn is_one<T>(&mut self, name: &str, read: Option<T>) -> Result<T, Refused> {
        read.ok_or_else(|| {
            self.refuse(name, "is none of what its type may be");
            Refused
        })
    }
}

/// What a column is read into.
pub trait FromColumn: Sized {
    /// [`Infallible`] where an empty value can stand for one that is wrong, until [`rows_as`] tells; else [`Refused`].
    type Fault;

    /// Reads a column.
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Self::Fault>;
}

impl FromColumn for String {
    type Fault = Infallible;

    #[inline]
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        Ok(columns.text(name))
    }
}

impl FromColumn for Option<String> {
    type Fault = Infallible;

    #[inline]
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        Ok(columns.optional_text(name))
    }
}

impl FromColumn for i64 {
    type Fault = Infallible;

    #[inline]
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        Ok(columns.integer(name))
    }
}

impl FromColumn for Option<i64> {
    type Fault = Infallible;

    #[inline]
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        Ok(columns.optional_integer(name))
    }
}

impl FromColumn for u64 {
    type Fault = Infallible;

    #[inline]
    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        Ok(columns.count(name))
    }
}

impl FromColumn for Option<u64> {
    type Fault = Infallible;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Infallible> {
        let integer = columns.optional_integer(name);
        Ok(integer.map(|integer| columns.not_negative(name, integer)))
    }
}

impl FromColumn for usize {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        let count = columns.count(name);
        columns.is_one(name, Self::try_from(count).ok())
    }
}

impl FromColumn for u16 {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        let count = columns.count(name);
        columns.is_one(name, Self::try_from(count).ok())
    }
}

impl FromColumn for PackageName {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        columns.parse(name, |text| Self::parse(text).ok())
    }
}

impl FromColumn for ArchiveFormat {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        columns.parse(name, Self::parse)
    }
}

impl FromColumn for Option<ArchiveFormat> {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        let Some(text) = columns.optional_text(name) else {
            return Ok(None);
        };
        columns.is_one(name, ArchiveFormat::parse(&text)).map(Some)
    }
}

/// What a row is read into; [`row!`](crate::ports::rows::row) writes it.
pub trait FromRow: Sized {
    /// Reads a row.
    fn from_row(columns: &mut Columns) -> Result<Self, Refused>;
}

/// Reads rows into a type that [`row!`](crate::ports::rows::row) declared.
pub fn rows_as<T: FromRow>(rows: Vec<Row>) -> Result<Vec<T>> {
    let mut read = Vec::with_capacity(rows.len());
    let mut columns = Columns::of(rows);
    while columns.advance() {
        match T::from_row(&mut columns) {
            Ok(one) => read.push(one),
            Err(Refused) => break,
        }
    }
    columns.finish()?;
    Ok(read)
}

/// Reads the first row, if there is one, into a type that [`row!`](crate::ports::rows::row) declared.
pub fn first_as<T: FromRow>(rows: Vec<Row>) -> Result<Option<T>> {
    let mut columns = Columns::of(rows);
    let mut read = None;
    if columns.advance() {
        read = T::from_row(&mut columns).ok();
    }
    columns.finish()?;
    Ok(read)
}

/// Declares a type that rows are read into: each field is read from the column of its name, or of the name after `as`.
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[$field_attribute:meta])*
                $field_visibility:vis $field:ident: $type:ty $(as $column:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($(#[$field_attribute])* $field_visibility $field: $type,)*
        }

        impl $crate::ports::rows::FromRow for $name {
            fn from_row(columns: &mut $crate::ports::rows::Columns) -> Result<Self, $crate::ports::rows::Refused> {
                Ok(Self {
                    $($field: $crate::ports::rows::FromColumn::from_column(
                        columns,
                        $crate::ports::rows::row!(@column $field $($column)?),
                    )?,)*
                })
            }
        }
    };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
}
pub(crate) use row;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    row! {
        #[derive(Debug, PartialEq)]
        struct Line {
            id: i64,
            name: String,
            note: Option<String>,
            ended_at: Option<i64>,
            size: u64,
            kind: String as "type",
            format: ArchiveFormat,
            package: PackageName,
        }
    }

    fn whole() -> Value {
        json!({
            "type": "library", "package": "acme/lib", "id": 7, "name": "seven", "note": null, "ended_at": null, "size": 5,
            "format": "tar.gz", "more": 1,
        })
    }

    fn read(row: Value) -> Result<Vec<Line>> {
        rows_as(vec![serde_json::from_value(row).unwrap()])
    }

    #[test]
    fn columns_are_read_by_name_in_any_order() {
        let line = Line {
            id: 7,
            name: "seven".to_owned(),
            note: None,
            ended_at: None,
            size: 5,
            kind: "library".to_owned(),
            format: ArchiveFormat::TarGz,
            package: PackageName::parse("acme/lib").unwrap(),
        };
        assert_eq!(read(whole()).unwrap(), [line]);
        let mut row = whole();
        row["note"] = "n".into();
        row["ended_at"] = (-3).into();
        let line = read(row).unwrap().remove(0);
        assert_eq!((line.note.as_deref(), line.ended_at), (Some("n"), Some(-3)));
    }

    #[test]
    fn a_column_that_is_not_what_it_should_be_is_named() {
        let names = [
            "id", "name", "note", "ended_at", "size", "type", "format", "package",
        ];
        for name in names {
            let mut row = whole();
            row[name] = 1.5.into();
            assert_names(row, name);
        }
        let needed = names
            .into_iter()
            .filter(|name| !["note", "ended_at"].contains(name));
        for name in needed {
            let mut row = whole();
            row.as_object_mut().unwrap().remove(name);
            assert_names(row, name);
        }
        for (name, value) in [
            ("size", json!(-1)),
            ("format", json!("rar")),
            ("package", json!("x")),
            ("id", json!("7")),
            ("name", json!(null)),
        ] {
            let mut row = whole();
            row[name] = value;
            assert_names(row, name);
        }
    }

    #[test]
    fn an_optional_column_may_be_left_out_of_a_statement() {
        let mut row = whole();
        row.as_object_mut().unwrap().remove("note");
        row.as_object_mut().unwrap().remove("ended_at");
        let line = read(row).unwrap().remove(0);
        assert_eq!((line.note, line.ended_at), (None, None));
    }

    fn assert_names(row: Value, column: &str) {
        let error = read(row).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        let cause = format!("{error:?}");
        assert!(cause.contains(&format!("`{column}`")), "{cause}");
    }
}
