//! Organisations.

use serde::Deserialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::rows_as;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// 1 when that one manages it.
    pub managed_by_parent: i64,
}

impl Organisation {
    /// The organisation that manages it beside itself.
    pub fn managed_by(&self) -> Option<i64> {
        self.parent_id.filter(|_| self.managed_by_parent != 0)
    }
}

/// Finds an organisation by its slug.
pub async fn find_organisation(app: &App, slug: &str) -> Result<Option<Organisation>> {
    let rows = app
        .db
        .rows(
            Statement::new("select id, slug, name, created_at, parent_id, managed_by_parent from organisations where slug = ?1")
                .bind(slug),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// Loads the organisation with an id.
pub async fn load_organisation(app: &App, id: i64) -> Result<Organisation> {
    let rows = app
        .db
        .rows(
            Statement::new("select id, slug, name, created_at, parent_id, managed_by_parent from organisations where id = ?1")
                .bind(id),
        )
        .await?;
    rows_as(rows)?
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal(format!("the organisation {id} is gone")))
}

/// All organisations, by slug.
pub async fn list_organisations(app: &App) -> Result<Vec<Organisation>> {
    rows_as(
        app.db
            .rows(Statement::new(
                "select id, slug, name, created_at, parent_id, managed_by_parent from organisations order by slug",
            ))
            .await?,
    )
}

/// The slugs of the organisations below one, by slug.
pub async fn list_children(app: &App, id: i64) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        slug: String,
    }
    let statement =
        Statement::new("select slug from organisations where parent_id = ?1 order by slug")
            .bind(id);
    let rows = rows_as::<Row>(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.slug).collect())
}

/// What an organisation must be before it can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Suspension {
    /// Unix second since when it is suspended.
    pub suspended_at: Option<i64>,
    /// 1 when it is the only one of the instance.
    pub is_last: i64,
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
    rows_as(rows)?
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal(format!("the organisation {id} is gone")))
}

/// Makes an organisation. A taken slug is a conflict.
pub async fn insert_organisation(app: &App, slug: &str, name: &str) -> Result<()> {
    app.db
        .rows(insert_organisation_stmt(slug, name, app.now()))
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

/// The statement that makes an organisation.
pub fn insert_organisation_stmt(slug: &str, name: &str, now: i64) -> Statement {
    Statement::new("insert into organisations (slug, name, created_at) values (?1, ?2, ?3)")
        .bind(slug)
        .bind(name)
        .bind(now)
}
