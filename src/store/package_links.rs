//! Who depends on whom within an organisation, as the last publish of each package found it (`package_requires`).

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{Row, row, rows_as};

/// More packages than these are not told on either side.
pub const MOST_LINKS: usize = 200;

row! {
    /// A package that another requires.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Required {
        /// Its name.
        pub name: String,
        /// 1 when it is a package of the organisation.
        pub is_own: i64,
    }
}

row! {
    struct Name {
        name: String,
    }
}

/// What a package requires in any of its versions, and what requires it.
pub struct Links {
    /// By name, those of the organisation first.
    pub required: Vec<Required>,
    /// Packages of the organisation, by name; at most one more than [`MOST_LINKS`].
    pub dependents: Vec<String>,
}

/// The links of a package; none where there is no such package. One batch.
pub async fn find_links(app: &App, organisation: i64, name: &PackageName) -> Result<Option<Links>> {
    let exists = Statement::new(
        "select 1 as one from packages where organisation_id = ?1 and name = ?2 and deleted_at is null",
    )
    .bind(organisation)
    .bind(name.as_str());
    let required = Statement::new(
        "select r.name,
                exists (select 1 from packages q
                        where q.organisation_id = ?1 and q.name = r.name and q.deleted_at is null) as is_own
         from packages p join package_requires r on r.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2
         order by is_own desc, r.name limit ?3",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(most());
    let statements = vec![exists, required, list_dependents_stmt(organisation, name)];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    if next().is_empty() {
        return Ok(None);
    }
    Ok(Some(Links {
        required: rows_as(next())?,
        dependents: read_names(next())?,
    }))
}

/// The statement that gives the packages of an organisation that require one in any of their versions, by name.
pub fn list_dependents_stmt(organisation: i64, name: &PackageName) -> Statement {
    Statement::new(
        "select p.name from package_requires r join packages p on p.id = r.package_id
         where r.name = ?2 and p.organisation_id = ?1 and p.deleted_at is null
         order by p.name limit ?3",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(most())
}

/// The names that [`list_dependents_stmt`] gives.
pub fn read_names(rows: Vec<Row>) -> Result<Vec<String>> {
    Ok(rows_as::<Name>(rows)?
        .into_iter()
        .map(|row| row.name)
        .collect())
}

fn most() -> i64 {
    i64::try_from(MOST_LINKS.saturating_add(1)).unwrap_or(i64::MAX)
}
