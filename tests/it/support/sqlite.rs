//! The database port over SQLite in memory, with the real migrations.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use repertoire::error::{Error, Result};
use repertoire::ports::db::constraint_failed;
use repertoire::ports::{Row, Statement, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, StatementStatus, ToSql, params_from_iter};

/// The database, how many of its changes only said who was at work and are gone again, and what it had to do.
pub(crate) struct Sqlite(Connection, Cell<u64>, Cell<Work>);

/// What SQLite had to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Statements, each of a batch for itself, as D1 counts queries.
    pub(crate) statements: usize,
    /// Steps of SQLite's virtual machine: some for each row that is looked at.
    pub(crate) steps: u64,
    /// Bytes of the largest parameter.
    pub(crate) largest_parameter: usize,
}

/// The migrations, by file name.
pub(crate) fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

impl Sqlite {
    /// An empty database after all migrations. They run once; what they lead to is copied for each test.
    pub(crate) fn migrated() -> Self {
        static MIGRATED: OnceLock<Vec<u8>> = OnceLock::new();
        let bytes = MIGRATED.get_or_init(|| {
            let mut sqlite = Self::migrated_below("9999");
            sqlite.0.serialize("main").unwrap().to_vec()
        });
        let mut sqlite = Self::empty();
        sqlite
            .0
            .deserialize_read_exact("main", bytes.as_slice(), bytes.len(), false)
            .unwrap();
        sqlite
    }

    fn empty() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(512);
        // D1 holds foreign keys as well.
        connection
            .execute_batch("pragma foreign_keys = on")
            .unwrap();
        Self(connection, Cell::new(0), Cell::default())
    }

    /// A database of an older version of the program: after the migrations whose names come before `end`.
    pub(crate) fn migrated_below(end: &str) -> Self {
        let sqlite = Self::empty();
        sqlite.migrate(|name| name < end);
        sqlite
    }

    /// The migrations from `start` on.
    pub(crate) fn migrate_from(&self, start: &str) {
        self.migrate(|name| name >= start);
    }

    fn migrate(&self, is_wanted: impl Fn(&str) -> bool) {
        for (name, sql) in migrations() {
            if is_wanted(&name) {
                self.0
                    .execute_batch(&sql)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }

    /// Puts rows into empty tables, in any order.
    pub(crate) fn load(&self, tables: &BTreeMap<String, Vec<Row>>) {
        let switch = |on: bool| {
            self.0.pragma_update(None, "foreign_keys", on).unwrap();
        };
        switch(false);
        for (table, rows) in tables {
            for row in rows {
                let columns: Vec<_> = row.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                let marks = vec!["?"; columns.len()].join(", ");
                let sql = format!(
                    "insert into {table} ({}) values ({marks})",
                    columns.join(", ")
                );
                let values = row.iter().map(|(_, value)| Written(value));
                self.0.execute(&sql, params_from_iter(values)).unwrap();
            }
        }
        switch(true);
    }

    /// All rows of all tables.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<Row>> {
        let tables = self.texts(
            "select name from sqlite_schema
             where type = 'table' and name not like 'sqlite_%' and name not like 'package_search%'",
        );
        let rows = |table: &String| {
            let sql = format!("select * from {table}");
            // A few texts for the whole of a test.
            self.run(&Statement::new(sql.leak())).unwrap()
        };
        tables
            .iter()
            .map(|table| (table.clone(), rows(table)))
            .collect()
    }

    pub(crate) fn rows(&self, statement: &Statement) -> Result<Vec<Row>> {
        self.run(statement).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(failure, text)
                if failure.code == ErrorCode::ConstraintViolation =>
            {
                constraint_failed(&text.unwrap_or_default())
            }
            error => Error::internal(error),
        })
    }

    /// All or nothing.
    pub(crate) fn batch(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>> {
        self.0.execute_batch("begin").unwrap();
        let result = statements.iter().map(|one| self.rows(one)).collect();
        let end = if Result::is_ok(&result) {
            "commit"
        } else {
            "rollback"
        };
        self.0.execute_batch(end).unwrap();
        result
    }

    /// The values of one column, as texts. Tests look at them, so that it is no work of the program's.
    pub(crate) fn texts(&self, sql: &'static str) -> Vec<String> {
        let work = self.2.get();
        let rows = self.run(&Statement::new(sql)).unwrap();
        self.2.set(work);
        rows.into_iter()
            .map(|row| match row.iter().next().unwrap().1 {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect()
    }

    /// How many rows were ever changed.
    pub(crate) fn changes(&self) -> u64 {
        self.0.total_changes() - self.1.get()
    }

    /// What there was to do since the last call of this.
    pub(crate) fn take_work(&self) -> Work {
        self.2.take()
    }

    /// Changes rows behind the program's back.
    pub(crate) fn change(&self, statement: &Statement) {
        self.run(statement).unwrap();
    }

    fn run(&self, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
        let before = self.0.total_changes();
        let rows = self.run_counted(statement);
        if statement.sql.contains("audit_actor") {
            self.1.set(self.1.get() + self.0.total_changes() - before);
        }
        rows
    }

    fn note_work(&self, statement: &Statement, steps: i32) {
        let largest = statement.params.iter().map(|value| match value {
            Value::Text(text) => text.len(),
            Value::Null | Value::Integer(_) => 8,
        });
        let mut work = self.2.get();
        work.statements += 1;
        work.steps += u64::try_from(steps).unwrap();
        work.largest_parameter = largest.chain([work.largest_parameter]).max().unwrap();
        self.2.set(work);
    }

    fn run_counted(&self, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
        let mut prepared = self.0.prepare_cached(statement.sql)?;
        assert_eq!(
            prepared.parameter_count(),
            statement.params.len(),
            "parameters of `{}`",
            statement.sql
        );
        let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
        let mut rows = prepared.query(params_from_iter(statement.params.iter().map(Bound)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Vec::new();
            for (index, name) in names.iter().enumerate() {
                let value = match row.get_ref(index)? {
                    ValueRef::Null => serde_json::Value::Null,
                    ValueRef::Integer(integer) => integer.into(),
                    ValueRef::Real(real) => real.into(),
                    ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap().into(),
                    ValueRef::Blob(_) => panic!("no column holds bytes"),
                };
                columns.push((name.clone(), value));
            }
            found.push(columns.into_iter().collect());
        }
        drop(rows);
        self.note_work(statement, prepared.reset_status(StatementStatus::VmStep));
        Ok(found)
    }
}

/// A value as it was read.
struct Written<'a>(&'a serde_json::Value);

impl ToSql for Written<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            serde_json::Value::Null => ValueRef::Null,
            serde_json::Value::Number(number) => ValueRef::Integer(number.as_i64().unwrap()),
            serde_json::Value::String(text) => ValueRef::Text(text.as_bytes()),
            other => panic!("no column holds {other}"),
        }))
    }
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(integer) => {
                // D1 takes numbers of JavaScript, of which larger ones are no integers any more.
                assert!(integer.unsigned_abs() <= 1 << 53, "{integer} for D1");
                ToSqlOutput::Borrowed(ValueRef::Integer(*integer))
            }
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}
