//! The database port: D1 in a Worker, SQLite in tests. Both run the same SQL and the same migrations.

use async_trait::async_trait;

use crate::domain::quota::Quota;
use crate::error::{Code, Error, ErrorKind, Result};

pub(crate) use super::rows::row;
pub use super::rows::{Row, first_as, rows_as};

/// A value bound to a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `null`.
    Null,
    /// An integer; D1 binds numbers as doubles, so keep within ±2^53. An integer column makes an integer of it again,
    /// an expression does not: `'v' || ?1` gives `v2.0` and `7 / ?1` gives `3.5` unless `?1` is cast.
    Integer(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One SQL statement with its parameters. The text is static, so SQL can never be built out of input;
/// lists travel as one JSON parameter through `json_each(?1)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The SQL, parameters numbered `?1`, `?2`, …
    pub sql: &'static str,
    /// The values, in order.
    pub params: Vec<Value>,
}

impl Statement {
    /// A statement without parameters yet.
    pub fn new(sql: &'static str) -> Self {
        Self {
            sql,
            params: Vec::new(),
        }
    }

    /// Binds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }
}

/// A JSON list of texts, to be bound as one parameter.
pub fn json_list<'a>(items: impl Iterator<Item = &'a str>) -> Result<String> {
    serde_json::to_string(&items.collect::<Vec<_>>()).map_err(Error::internal)
}

/// What an error of a constraint is, by the database's own words: a condition of the change that does not hold (migration
/// 0033), a quota that is used up, or a conflict.
pub fn constraint_failed(cause: &str) -> Error {
    if cause.contains("nothing_came_between") {
        return Error::new(
            ErrorKind::PreconditionFailed,
            "Something was changed meanwhile; read it again, and decide anew",
        )
        .because(cause);
    }
    if cause.contains("the_turn_is_ours") {
        return Error::conflict("This request took too long, and is being answered anew")
            .with_code(Code::IdempotencyKeyInUse)
            .because(cause);
    }
    match Quota::of_refusal(cause) {
        Some(quota) => Error::new(
            ErrorKind::QuotaExceeded(quota),
            "A quota of this organisation is used up; the owner of this instance can raise it",
        ),
        None => Error::conflict("This contradicts what is stored already"),
    }
    .because(cause)
}

/// The database. An error of a constraint is what [`constraint_failed`] makes of it, every other one
/// `ErrorKind::Internal`, and [`Error::unavailable`] where the database does not answer.
#[async_trait(?Send)]
pub trait Db {
    /// Runs one statement and gives its rows.
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>>;

    /// Runs several statements as one transaction, all or nothing, and gives the rows of each.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>>;

    /// Runs several reading statements in one round trip; a replica that lags by seconds may answer.
    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>>;
}
