//! Customers.

use serde::Serialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::store::subjects::touch_stmts;

row! {
    /// A customer.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Customer {
        /// Its id.
        pub id: String,
        /// Its name, for people.
        pub name: String,
        /// Where it can be written to.
        pub email: Option<String>,
        /// What the shop calls it.
        pub external_id: Option<String>,
        /// `active`, `suspended` or `frozen`.
        pub state: String,
        /// Why it is suspended, told to it.
        pub state_reason: Option<String>,
        /// Unix second from which on it sees nothing newer, while it is frozen.
        pub frozen_at: Option<i64>,
        /// Unix second at which its time is over.
        pub expires_at: Option<i64>,
        /// For the people of the organisation.
        pub notes: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub changed_at: i64,
    }
}

impl Customer {
    /// Whether what it may see is the same as another's.
    pub fn sees_as(&self, other: &Self) -> bool {
        (
            &self.state,
            &self.state_reason,
            self.frozen_at,
            self.expires_at,
        ) == (
            &other.state,
            &other.state_reason,
            other.frozen_at,
            other.expires_at,
        )
    }
}

/// Which customers a list is narrowed to.
#[derive(Debug, Default)]
pub struct CustomerFilter<'a> {
    /// `active`, `suspended`, `frozen` or `expired`, as they are shown.
    pub state: Option<&'a str>,
    /// The whole address, in any case.
    pub email: Option<&'a str>,
    /// What the shop calls it.
    pub external_id: Option<&'a str>,
    /// A part of the name, of the address or of the shop's name, in any case.
    pub search: Option<&'a str>,
    /// Name and id of the row before the page.
    pub after: Option<(&'a str, &'a str)>,
}

/// A page of the customers of an organisation, by name.
pub async fn list_customers(
    app: &App,
    organisation: i64,
    filter: &CustomerFilter<'_>,
    limit: i64,
) -> Result<Vec<Customer>> {
    let (name, id) = filter.after.unwrap_or_default();
    rows_as(
        app.db
            .rows(
                // A pattern of `like` may have 50 bytes in D1, so that parts are looked for by `instr`.
                Statement::new(
                    "select id, name, email, external_id, state, state_reason, frozen_at, expires_at, notes, created_at,
                            changed_at
                     from customers
                     where organisation_id = ?1 and (name, id) > (?2, ?3)
                       and (?4 is null or ?4 = case when state = 'suspended' then state
                                                    when expires_at <= ?8 then 'expired' else state end)
                       and (?5 is null or lower(email) = lower(?5))
                       and (?6 is null or external_id = ?6)
                       and (?7 is null or instr(lower(name || ' ' || coalesce(email, '') || ' ' || coalesce(external_id, '')),
                                                lower(?7)) > 0)
                     order by name, id limit ?9",
                )
                .bind(organisation)
                .bind(name)
                .bind(id)
                .bind(filter.state)
                .bind(filter.email)
                .bind(filter.external_id)
                .bind(filter.search)
                .bind(app.now())
                .bind(limit),
            )
            .await?,
    )
}

/// A customer of an organisation.
pub async fn find_customer(app: &App, organisation: i64, id: &str) -> Result<Option<Customer>> {
    first_as(app.db.rows(find_customer_stmt(organisation, id)).await?)
}

/// The statement that finds it, for a batch with others.
pub(super) fn find_customer_stmt(organisation: i64, id: &str) -> Statement {
    Statement::new(
        "select id, name, email, external_id, state, state_reason, frozen_at, expires_at, notes, created_at, changed_at
         from customers where id = ?2 and organisation_id = ?1",
    )
    .bind(organisation)
    .bind(id)
}

/// Those customers of an organisation that the shop calls so.
pub async fn list_customers_by_external_id<'a>(
    app: &App,
    organisation: i64,
    external_ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<Customer>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, name, email, external_id, state, state_reason, frozen_at, expires_at, notes, created_at,
                            changed_at
                     from customers
                     where organisation_id = ?1 and external_id in (select value from json_each(?2))",
                )
                .bind(organisation)
                .bind(json_list(external_ids)?),
            )
            .await?,
    )
}

/// The customers that the shop did not name, among those that it ever named and that are not suspended.
pub async fn list_missing<'a>(
    app: &App,
    organisation: i64,
    named: impl Iterator<Item = &'a str>,
) -> Result<Vec<Customer>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, name, email, external_id, state, state_reason, frozen_at, expires_at, notes, created_at,
                            changed_at
                     from customers
                     where organisation_id = ?1 and external_id is not null and state <> 'suspended'
                       and external_id not in (select value from json_each(?2))
                     order by external_id",
                )
                .bind(organisation)
                .bind(json_list(named)?),
            )
            .await?,
    )
}

/// Makes new customers and changes known ones in one batch; those in `seeing_otherwise` may see something else from now
/// on. Two that the shop calls the same are a conflict.
pub async fn save_customers(
    app: &App,
    organisation: i64,
    new: &[Customer],
    changed: &[Customer],
    seeing_otherwise: &[String],
) -> Result<()> {
    let text = |customers: &[Customer]| serde_json::to_string(customers).map_err(Error::internal);
    let now = app.now();
    let mut statements = Vec::new();
    if !new.is_empty() {
        statements.push(
            Statement::new(
                "insert into customers (id, organisation_id, name, email, external_id, state, state_reason, frozen_at,
                                        expires_at, notes, created_at, changed_at, grant_changed_at)
                 select json_extract(value, '$.id'), ?1, json_extract(value, '$.name'), json_extract(value, '$.email'),
                        json_extract(value, '$.external_id'), json_extract(value, '$.state'),
                        json_extract(value, '$.state_reason'), json_extract(value, '$.frozen_at'),
                        json_extract(value, '$.expires_at'), json_extract(value, '$.notes'), ?3, ?3, ?3
                 from json_each(?2)",
            )
            .bind(organisation)
            .bind(text(new)?)
            .bind(now),
        );
    }
    if !changed.is_empty() {
        statements.push(
            Statement::new(
                "update customers
                 set name = json_extract(j.value, '$.name'), email = json_extract(j.value, '$.email'),
                     external_id = json_extract(j.value, '$.external_id'), state = json_extract(j.value, '$.state'),
                     state_reason = json_extract(j.value, '$.state_reason'),
                     frozen_at = json_extract(j.value, '$.frozen_at'),
                     expires_at = json_extract(j.value, '$.expires_at'), notes = json_extract(j.value, '$.notes'),
                     changed_at = ?3
                 from json_each(?2) j
                 where customers.organisation_id = ?1 and customers.id = json_extract(j.value, '$.id')",
            )
            .bind(organisation)
            .bind(text(changed)?)
            .bind(now),
        );
    }
    if !seeing_otherwise.is_empty() {
        let subjects: Vec<_> = seeing_otherwise
            .iter()
            .map(|id| format!("customer:{id}"))
            .collect();
        let subjects = serde_json::to_string(&subjects).map_err(Error::internal)?;
        statements.extend(touch_stmts(None, &subjects, now));
    }
    if !statements.is_empty() {
        app.db.batch(statements).await?;
        app.memo.principals.clear();
    }
    Ok(())
}

/// Removes a customer with its grants; its tokens are revoked. Whether there was one.
pub async fn delete_customer(app: &App, organisation: i64, id: &str) -> Result<bool> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "update tokens set revoked_at = coalesce(revoked_at, ?3), customer_id = null
                 where organisation_id = ?1 and customer_id = ?2",
            )
            .bind(organisation)
            .bind(id)
            .bind(app.now()),
            Statement::new(
                "delete from grants where organisation_id = ?1 and subject = 'customer:' || ?2",
            )
            .bind(organisation)
            .bind(id),
            Statement::new(
                "delete from customers where organisation_id = ?1 and id = ?2 returning id",
            )
            .bind(organisation)
            .bind(id),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}
