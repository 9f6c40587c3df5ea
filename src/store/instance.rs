//! What the owner of an instance sees of all organisations at once.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// Somebody with an account.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AccountRow {
        /// The account's id.
        pub id: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub name: String,
        /// 1 when she owns the instance.
        pub owns_instance: i64,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix second at which she last looked at a page, by the hour.
        pub last_seen_at: Option<i64>,
        /// JSON list of `{slug, name, role}`: the organisations she is in.
        pub places: String,
    }
}

/// Accounts by their addresses, those after `after`, at most `limit`; with `words` those whose address or name has them.
pub async fn list_accounts(
    app: &App,
    words: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<AccountRow>> {
    let statement = Statement::new(
        "select a.id, a.email, a.name, a.owns_instance, a.created_at,
                (select max(l.last_used_at) from logins l where l.account_id = a.id) as last_seen_at,
                (select json_group_array(json_object('slug', slug, 'name', name, 'role', role))
                 from (select o.slug, o.name, m.role from members m join organisations o on o.id = m.organisation_id
                       where m.account_id = a.id order by o.name, o.slug)) as places
         from accounts a
         where (?1 is null or a.email > ?1)
           and (?2 is null or instr(a.email, lower(?2)) > 0 or instr(lower(a.name), lower(?2)) > 0)
         order by a.email limit ?3",
    )
    .bind(after)
    .bind(words)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// What the account with an id is called; none when there is none.
pub async fn find_account_name(app: &App, account: &str) -> Result<Option<String>> {
    row! {
        struct Found {
            name: String,
        }
    }
    let statement = Statement::new("select name from accounts where id = ?1").bind(account);
    let found = first_as::<Found>(app.db.rows(statement).await?)?;
    Ok(found.map(|found| found.name))
}

row! {
    /// A message the queue gave up on, of whichever organisation.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Letter {
        /// Its id.
        pub id: i64,
        /// The slug of the organisation that it is of; none where nobody could read an owner from it.
        pub organisation: Option<String>,
        /// The message.
        pub message: String,
        /// Why.
        pub reason: String,
        /// Unix seconds.
        pub received_at: i64,
    }
}

/// The newest dead letters of all organisations, those before the one with an id.
pub async fn list_letters(app: &App, before: Option<i64>, limit: i64) -> Result<Vec<Letter>> {
    let statement = Statement::new(
        "select d.id, o.slug as organisation, d.message, d.reason, d.received_at
         from dead_letters d left join organisations o on o.id = d.organisation_id
         where ?1 is null or d.id < ?1
         order by d.id desc limit ?2",
    )
    .bind(before)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}
