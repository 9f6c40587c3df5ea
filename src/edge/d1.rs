//! `Db` over D1.

use async_trait::async_trait;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use worker_sys::{D1Database, D1DatabaseSession, D1PreparedStatement};

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::db::constraint_failed;
use crate::ports::{Db, Row, Statement, Value};

/// The database of one request.
pub(super) struct D1(D1Database);

impl D1 {
    /// Over the binding.
    pub(super) fn new(binding: JsValue) -> Self {
        Self(binding.unchecked_into())
    }
}

#[async_trait(?Send)]
impl Db for D1 {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        let call = bind(self.0.prepare(statement.sql), &statement).and_then(|bound| bound.all());
        let result = js::settle(call)
            .await
            .map_err(|thrown| failed(&statement, &thrown))?;
        rows_of(&result)
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let prepare = |statement: &Statement| bind(self.0.prepare(statement.sql), statement);
        let send = |bound: Array| self.0.batch(bound);
        run(&statements, prepare, send).await
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let session: D1DatabaseSession = self
            .0
            .with_session(Some("first-unconstrained"))
            .map_err(js::unavailable("D1 withSession"))?;
        let prepare =
            |statement: &Statement| bind(session.session_prepare(statement.sql), statement);
        let send = |bound: Array| session.session_batch(bound);
        run(&statements, prepare, send).await
    }
}

async fn run(
    statements: &[Statement],
    prepare: impl Fn(&Statement) -> Result<D1PreparedStatement, JsValue>,
    send: impl FnOnce(Array) -> Result<js_sys::Promise, JsValue>,
) -> Result<Vec<Vec<Row>>> {
    // D1 refuses an empty batch.
    let Some(first) = statements.first() else {
        return Ok(Vec::new());
    };
    let bound = Array::new();
    for statement in statements {
        let prepared = prepare(statement).map_err(|thrown| failed(statement, &thrown))?;
        bound.push(&prepared);
    }
    let results = js::settle(send(bound))
        .await
        .map_err(|thrown| failed(first, &thrown))?;
    Array::from(&results)
        .iter()
        .map(|result| rows_of(&result))
        .collect()
}

fn bind(
    prepared: Result<D1PreparedStatement, JsValue>,
    statement: &Statement,
) -> Result<D1PreparedStatement, JsValue> {
    let values = statement.params.iter().map(to_js).collect::<Array>();
    prepared?.bind(values)
}

fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) => js::signed_number(*integer),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn rows_of(result: &JsValue) -> Result<Vec<Row>> {
    let rows = js::field(result, "results");
    if rows.is_undefined() || rows.is_null() {
        return Ok(Vec::new());
    }
    js::from_json(&rows)
}

/// D1 gives SQLite's own words: `D1_ERROR: UNIQUE constraint failed: tokens.hash: SQLITE_CONSTRAINT`.
fn failed(statement: &Statement, thrown: &JsValue) -> Error {
    let cause = js::describe(thrown);
    if cause.contains("constraint failed") || cause.contains("SQLITE_CONSTRAINT") {
        return constraint_failed(&cause);
    }
    // The text of a statement is static: it holds no value of anyone.
    let told = format!("{cause} (in or after `{}`)", statement.sql);
    // What SQLite itself refuses is a mistake of ours; all else is a database that does not answer.
    if cause.contains("SQLITE_ERROR") || cause.contains("SQLITE_MISMATCH") {
        Error::internal(told)
    } else {
        Error::unavailable(told)
    }
}
