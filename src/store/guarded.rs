//! Changes with a condition that is held in the very transaction of the change, whatever that changes: [`guarded`] gives
//! a program whose first changing transaction carries the condition, and ends without a change when it does not hold
//! (migration 0033). What is written before that and leaves no line in the audit log carries it as well.

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::db::{Row, first_as, row};
use crate::ports::{Db, Statement};
use crate::store::audit::written_table;

/// A condition of a change.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Of these one fails where the condition does not hold.
    statements: Vec<Statement>,
    /// Gives a row once the change is made. None: whatever is written is the change.
    is_made: Option<Statement>,
    has_held: Rc<Cell<bool>>,
}

/// Whether there is a line of an organisation, or of the instance, after another; without a slug of any.
const LINE_SINCE: &str =
    "select 1 as one from audit
     where id > ?1 and (?2 is null or organisation_id is null
                        or organisation_id = (select id from organisations where slug = ?2)) limit 1";

impl Guard {
    /// A condition that is held by the first writing transaction, in statements of which one fails where it does not hold.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self {
            statements,
            is_made: None,
            has_held: Rc::default(),
        }
    }

    /// Whether something was changed on this condition.
    pub fn has_held(&self) -> bool {
        self.has_held.get()
    }

    /// Nobody changed anything of an organisation, or of the instance, since a line of the audit log was its last. No change
    /// is without its line, so a look at a thing after that line was read is still true of whatever people can change.
    /// Without a slug it is about all organisations.
    ///
    /// It is held by every writing transaction until one has left a line itself: a handler may write before the change, what
    /// is there already, or what nobody logs.
    pub fn nothing_since(line: i64, organisation: Option<&str>) -> Self {
        let refuse = Statement::new(
            "insert into change_guards (why)
             select 'changed_since' where exists (
                 select 1 from audit
                 where id > ?1 and (?2 is null or organisation_id is null
                                    or organisation_id = (select id from organisations where slug = ?2)))",
        );
        Self {
            is_made: Some(Statement::new(LINE_SINCE).bind(line).bind(organisation)),
            ..Self::of(vec![refuse.bind(line).bind(organisation)])
        }
    }
}

/// The last line of the audit log, of whatever organisation; 0 before the first.
pub async fn last_line(app: &App) -> Result<i64> {
    row! {
        struct Last {
            id: i64,
        }
    }
    let statement = Statement::new("select coalesce(max(id), 0) as id from audit");
    let last = first_as::<Last>(app.db.rows(statement).await?)?;
    last.map(|last| last.id)
        .ok_or_else(|| Error::internal("the audit log has no last line"))
}

/// The program on a condition: what it writes is written on it, up to and with the transaction that makes the change; what
/// comes after follows from that one.
pub fn guarded(app: &App, guard: Guard) -> App {
    App {
        db: Rc::new(GuardedDb {
            db: Rc::clone(&app.db),
            guard,
        }),
        ..app.clone()
    }
}

struct GuardedDb {
    db: Rc<dyn Db>,
    guard: Guard,
}

#[async_trait(?Send)]
impl Db for GuardedDb {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        if self.guard.has_held() || written_table(statement.sql).is_none() {
            return self.db.rows(statement).await;
        }
        let rows = self.batch(vec![statement]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let writes = |statement: &Statement| written_table(statement.sql).is_some();
        if self.guard.has_held() || !statements.iter().any(writes) {
            return self.db.batch(statements).await;
        }
        let (before, count) = (self.guard.statements.len(), statements.len());
        let condition = self.guard.statements.iter().cloned();
        let all = condition
            .chain(statements)
            .chain(self.guard.is_made.clone())
            .collect();
        let mut rows = self.db.batch(all).await?;
        let is_made = match &self.guard.is_made {
            Some(_) => rows.pop().is_some_and(|found| !found.is_empty()),
            None => true,
        };
        self.guard.has_held.set(is_made);
        Ok(rows.into_iter().skip(before).take(count).collect())
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        self.db.read_nearby(statements).await
    }
}
