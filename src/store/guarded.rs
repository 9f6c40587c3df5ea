//! Changes with a condition that is held in the very transaction of the change, whatever that changes: [`guarded`] gives
//! a program whose first writing transaction carries the condition, and ends without a change when it does not hold
//! (migration 0033).

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::db::{Row, rows_as};
use crate::ports::{Db, Statement};
use crate::store::audit::written_table;

/// A condition of a change.
#[derive(Debug, Clone)]
pub struct Guard(Vec<Statement>);

impl Guard {
    /// A condition in statements, of which one fails where it does not hold.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self(statements)
    }

    /// Nobody changed anything of an organisation, or of the instance, since a line of the audit log was its last. No change
    /// is without its line, so a look at a thing after that line was read is still true of whatever people can change.
    /// Without a slug it is about all organisations.
    pub fn nothing_since(line: i64, organisation: Option<&str>) -> Self {
        Self::of(vec![
            Statement::new(
                "insert into change_guards (why)
                 select 'changed_since' where exists (
                     select 1 from audit
                     where id > ?1 and (?2 is null or organisation_id is null
                                        or organisation_id = (select id from organisations where slug = ?2)))",
            )
            .bind(line)
            .bind(organisation),
        ])
    }
}

/// The last line of the audit log, of whatever organisation; 0 before the first.
pub async fn last_line(app: &App) -> Result<i64> {
    #[derive(Deserialize)]
    struct Last {
        id: i64,
    }
    let statement = Statement::new("select coalesce(max(id), 0) as id from audit");
    let rows = rows_as::<Last>(app.db.rows(statement).await?)?;
    let last = rows.into_iter().next();
    last.map(|last| last.id)
        .ok_or_else(|| Error::internal("the audit log has no last line"))
}

/// The program on a condition: its first writing transaction holds it, and what comes after follows from that one.
pub fn guarded(app: &App, guard: Guard) -> App {
    App {
        db: Rc::new(GuardedDb {
            db: Rc::clone(&app.db),
            guard,
            has_held: Cell::new(false),
        }),
        ..app.clone()
    }
}

struct GuardedDb {
    db: Rc<dyn Db>,
    guard: Guard,
    has_held: Cell<bool>,
}

#[async_trait(?Send)]
impl Db for GuardedDb {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        if self.has_held.get() || written_table(statement.sql).is_none() {
            return self.db.rows(statement).await;
        }
        let rows = self.batch(vec![statement]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let writes = |statement: &Statement| written_table(statement.sql).is_some();
        if self.has_held.get() || !statements.iter().any(writes) {
            return self.db.batch(statements).await;
        }
        let count = self.guard.0.len();
        let all = self.guard.0.iter().cloned().chain(statements).collect();
        let rows = self.db.batch(all).await?;
        self.has_held.set(true);
        Ok(rows.into_iter().skip(count).collect())
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        self.db.read_nearby(statements).await
    }
}
