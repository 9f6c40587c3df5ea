//! Organisations, those below them, and how they stand.

use crate::app::App;
use crate::domain::quota::Quotas;
use crate::error::{Error, Result};
use crate::ports::db::{Row, first_as, row, rows_as};
use crate::ports::{Statement, Value};
use crate::store::suspensions::{resume_stmts, suspend_stmts};

row! {
    /// An organisation.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Organisation {
        /// Its id.
        pub id: i64,
        /// Its slug.
        pub slug: String,
        /// Its name for people.
        pub name: String,
        /// Unix seconds.
        pub created_at: i64,
        /// The organisation above it.
        pub parent_id: Option<i64>,
        /// The slug of that one.
        pub parent: Option<String>,
        /// 1 when that one manages it.
        pub managed_by_parent: i64,
        /// Whom to ask, as people whose access ends are told.
        pub contact: Option<String>,
        /// Unix second since when it is suspended itself.
        pub suspended_at: Option<i64>,
        /// Why, as whoever asks is told.
        pub suspended_for: Option<String>,
        /// Unix second since when it is being deleted.
        pub deleted_at: Option<i64>,
        /// Unix second since when it or the one above it is suspended.
        pub stands_still_since: Option<i64>,
        /// Why, as whoever asks is told.
        pub stands_still_for: Option<String>,
        /// Packages that it and those below it may have.
        pub quota_packages: Option<i64>,
        /// Bytes of archives that they may store.
        pub quota_storage: Option<i64>,
        /// Bytes of archives that they may serve in a month.
        pub quota_bandwidth: Option<i64>,
    }
}

impl Organisation {
    /// The organisation that manages it beside itself.
    pub fn managed_by(&self) -> Option<i64> {
        self.parent_id.filter(|_| self.managed_by_parent != 0)
    }

    /// What it may use.
    pub fn quotas(&self) -> Quotas {
        Quotas {
            packages: self.quota_packages,
            storage: self.quota_storage,
            bandwidth: self.quota_bandwidth,
        }
    }
}

/// The columns of an organisation and where they are from, before any condition.
macro_rules! organisation_sql {
    ($conditions:literal) => {
        concat!(
            "select o.id, o.slug, o.name, o.created_at, o.parent_id, p.slug as parent, o.managed_by_parent, o.contact,
                    o.suspended_at, o.suspended_for, o.deleted_at,
                    (select s.suspended_at from organisation_standings s where s.id = o.id) as stands_still_since,
                    (select s.suspended_for from organisation_standings s where s.id = o.id) as stands_still_for,
                    o.quota_packages, o.quota_storage, o.quota_bandwidth
             from organisations o left join organisations p on p.id = o.parent_id ",
            $conditions
        )
    };
}

/// The statement that finds an organisation by its slug.
pub(super) fn find_organisation_stmt(slug: &str) -> Statement {
    Statement::new(organisation_sql!("where o.slug = ?1")).bind(slug)
}

/// Reads what it finds.
pub(super) fn read_organisation(rows: Vec<Row>) -> Result<Option<Organisation>> {
    first_as(rows)
}

/// Finds an organisation by its slug.
pub async fn find_organisation(app: &App, slug: &str) -> Result<Option<Organisation>> {
    read_organisation(app.db.rows(find_organisation_stmt(slug)).await?)
}

/// The statement that finds an organisation by its id.
pub(super) fn load_organisation_stmt(id: i64) -> Statement {
    Statement::new(organisation_sql!("where o.id = ?1")).bind(id)
}

/// Loads the organisation with an id.
pub async fn load_organisation(app: &App, id: i64) -> Result<Organisation> {
    let rows = app.db.rows(load_organisation_stmt(id)).await?;
    first_as(rows)?.ok_or_else(|| Error::internal(format!("the organisation {id} is gone")))
}

/// All organisations, by slug.
pub async fn list_organisations(app: &App) -> Result<Vec<Organisation>> {
    let statement = Statement::new(organisation_sql!("order by o.slug"));
    rows_as(app.db.rows(statement).await?)
}

/// The organisations below one whose slug comes after `after`, by slug.
pub async fn list_below(
    app: &App,
    parent: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<Organisation>> {
    let statement = Statement::new(organisation_sql!(
        "where o.parent_id = ?1 and o.slug > ?2 order by o.slug limit ?3"
    ))
    .bind(parent)
    .bind(after)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// An organisation to be made.
#[derive(Debug, Clone, Default)]
pub struct NewOrganisation<'a> {
    /// Its slug.
    pub slug: &'a str,
    /// Its name for people.
    pub name: &'a str,
    /// The organisation above it; it must have none above itself.
    pub parent: Option<i64>,
    /// What it may use.
    pub quotas: Quotas,
}

/// The slugs of the organisations below one, by slug.
pub async fn list_children(app: &App, id: i64) -> Result<Vec<String>> {
    row! {
        struct Row {
            slug: String,
        }
    }
    let statement =
        Statement::new("select slug from organisations where parent_id = ?1 order by slug")
            .bind(id);
    let rows = rows_as::<Row>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

row! {
    /// What an organisation must be before it can be deleted.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Suspension {
        /// Unix second since when it is suspended.
        pub suspended_at: Option<i64>,
        /// 1 when it is the only one of the instance.
        pub is_last: i64,
    }
}

/// Whether an organisation is suspended, and whether there are others.
pub async fn load_suspension(app: &App, id: i64) -> Result<Suspension> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select suspended_at, not exists (select 1 from organisations o where o.id <> ?1) as is_last
                 from organisations where id = ?1",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)?.ok_or_else(|| Error::internal(format!("the organisation {id} is gone")))
}

/// Makes an organisation. A taken slug is a conflict.
pub async fn insert_organisation(app: &App, new: &NewOrganisation<'_>) -> Result<()> {
    app.db
        .rows(insert_organisation_stmt(new, app.now()))
        .await
        .map(|_| ())
}

/// Whether the instance was set up.
pub async fn is_set_up(app: &App) -> Result<bool> {
    let rows = app
        .db
        .rows(Statement::new("select 1 as one from organisations limit 1"))
        .await?;
    Ok(!rows.is_empty())
}

/// The slug of the one organisation there is; none where there are several, or none yet.
pub async fn find_only_slug(app: &App) -> Result<Option<String>> {
    row! {
        struct Slug {
            slug: Option<String>,
        }
    }
    let statement = Statement::new(
        "select case when count(*) = 1 then min(slug) end as slug from organisations where deleted_at is null",
    );
    let found: Option<Slug> = first_as(app.db.rows(statement).await?)?;
    Ok(found.and_then(|found| found.slug))
}

/// The statement that makes an organisation.
pub fn insert_organisation_stmt(new: &NewOrganisation<'_>, now: i64) -> Statement {
    Statement::new(
        "insert into organisations (slug, name, created_at, parent_id, quota_packages, quota_storage, quota_bandwidth)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(new.slug)
    .bind(new.name)
    .bind(now)
    .bind(new.parent)
    .bind(new.quotas.packages)
    .bind(new.quotas.storage)
    .bind(new.quotas.bandwidth)
}

/// Fails the batch that it begins, as a conflict, if the organisation is no longer as it was read: a column that must have
/// a value would lose it. So of two changes of one state one is made.
fn still_is_stmt(known: &Organisation) -> Statement {
    Statement::new(
        "update organisations set slug = null
         where id = ?1 and not (name = ?2 and contact is ?3 and managed_by_parent = ?4 and suspended_at is ?5
                                and suspended_for is ?6 and quota_packages is ?7 and quota_storage is ?8
                                and quota_bandwidth is ?9)",
    )
    .bind(known.id)
    .bind(&known.name)
    .bind(known.contact.as_ref())
    .bind(known.managed_by_parent)
    .bind(known.suspended_at)
    .bind(known.suspended_for.as_ref())
    .bind(known.quota_packages)
    .bind(known.quota_storage)
    .bind(known.quota_bandwidth)
}

/// Changes an organisation to what `changed` says of it, in so far as that is not what `known` says, so that two people
/// who change two things of it at once both have their way. Jobs wait from the moment of a suspension on; when it ends, and
/// when there is room again for what a quota refused, everything is compared with its host. With `guarded`, the
/// organisation must still be as it is known; if not, it is a conflict.
pub async fn update_organisation(
    app: &App,
    known: &Organisation,
    changed: &Organisation,
    guarded: bool,
) -> Result<()> {
    let now = app.now();
    let is_other_state = (known.suspended_at, &known.suspended_for)
        != (changed.suspended_at, &changed.suspended_for);
    let mut statements = Vec::new();
    if guarded {
        statements.push(still_is_stmt(known));
    }
    let quota = |before: Option<i64>, after: Option<i64>| (before != after, Value::from(after));
    let packages = quota(known.quota_packages, changed.quota_packages);
    let storage = quota(known.quota_storage, changed.quota_storage);
    let bandwidth = quota(known.quota_bandwidth, changed.quota_bandwidth);
    statements.push(
        Statement::new(
            "update organisations set
                 name = iif(?2, ?3, name), contact = iif(?4, ?5, contact),
                 managed_by_parent = iif(?6, ?7, managed_by_parent),
                 suspended_at = iif(?8, ?9, suspended_at), suspended_for = iif(?8, ?10, suspended_for),
                 quota_packages = iif(?11, ?12, quota_packages), quota_storage = iif(?13, ?14, quota_storage),
                 quota_bandwidth = iif(?15, ?16, quota_bandwidth)
             where id = ?1",
        )
        .bind(known.id)
        .bind(known.name != changed.name)
        .bind(&changed.name)
        .bind(known.contact != changed.contact)
        .bind(changed.contact.as_ref())
        .bind(known.managed_by_parent != changed.managed_by_parent)
        .bind(changed.managed_by_parent)
        .bind(is_other_state)
        .bind(changed.suspended_at)
        .bind(changed.suspended_for.as_ref())
        .bind(packages.0)
        .bind(packages.1)
        .bind(storage.0)
        .bind(storage.1)
        .bind(bandwidth.0)
        .bind(bandwidth.1),
    );
    if known.suspended_at.is_none() && changed.suspended_at.is_some() {
        statements.extend(suspend_stmts(known.id));
    }
    if known.suspended_at.is_some() && changed.suspended_at.is_none() {
        statements.extend(resume_stmts(known.id, now));
    }
    let grows = |before: Option<i64>, after: Option<i64>| {
        before.is_some_and(|before| after.is_none_or(|after| after > before))
    };
    if grows(known.quota_packages, changed.quota_packages)
        || grows(known.quota_storage, changed.quota_storage)
    {
        statements.push(crate::store::quotas::look_again_stmt(known.id, now));
    }
    app.db.batch(statements).await?;
    app.memo.principals.clear();
    app.memo.repositories.clear();
    Ok(())
}
