//! The packages of an organisation with their versions, place by place, to tell who sees what.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::domain::access::VersionFacts;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::ports::rows::{Columns, FromRow, Refused};
use crate::store::admission::{Looked, PrincipalFacts, find_facts_stmt, read_facts};
use crate::store::version_facts::FactsRow;

row! {
    /// A package in a repository.
    #[derive(Debug, Clone)]
    pub struct PlacedPackage {
        /// Its row.
        pub id: i64,
        /// Its name.
        pub name: PackageName,
        /// The repository's slug.
        pub repository: String,
        /// 1 when anybody may read it there.
        pub is_public: i64,
    }
}

/// Which packages are looked at.
#[derive(Debug, Default)]
pub struct PlaceFilter<'a> {
    /// One package alone.
    pub package: Option<&'a str>,
    /// One repository alone, by slug.
    pub repository: Option<&'a str>,
    /// Name and repository of the row before the page.
    pub after: (&'a str, &'a str),
}

/// A page of the packages of an organisation, by name and repository.
pub async fn list_places(
    app: &App,
    organisation: i64,
    filter: &PlaceFilter<'_>,
    limit: i64,
) -> Result<Vec<PlacedPackage>> {
    rows_as(
        app.db
            .rows(list_places_stmt(organisation, filter, limit))
            .await?,
    )
}

/// All that decides about somebody, none when there is nobody of that id, and such a page: in one batch.
pub async fn find_facts_and_places(
    app: &App,
    organisation: i64,
    looked: &Looked,
    filter: &PlaceFilter<'_>,
    limit: i64,
) -> Result<(Option<PrincipalFacts>, Vec<PlacedPackage>)> {
    let statements = vec![
        find_facts_stmt(organisation, looked),
        list_places_stmt(organisation, filter, limit),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let facts = read_facts(rows.next().unwrap_or_default())?;
    let places = rows_as(rows.next().unwrap_or_default())?;
    Ok((facts, places))
}

fn list_places_stmt(organisation: i64, filter: &PlaceFilter<'_>, limit: i64) -> Statement {
    Statement::new(
        "select p.id, p.name, r.slug as repository, r.is_public
         from packages p
         join repository_packages m on m.package_id = p.id
         join repositories r on r.id = m.repository_id and r.organisation_id = p.organisation_id
         where p.organisation_id = ?1 and (p.name, r.slug) > (?2, ?3)
           and (?4 is null or p.name = ?4) and (?5 is null or r.slug = ?5)
         order by p.name, r.slug limit ?6",
    )
    .bind(organisation)
    .bind(filter.after.0)
    .bind(filter.after.1)
    .bind(filter.package)
    .bind(filter.repository)
    .bind(limit)
}

struct VersionRow {
    package_id: i64,
    facts: FactsRow,
}

impl FromRow for VersionRow {
    fn from_row(columns: &mut Columns) -> Result<Self, Refused> {
        Ok(Self {
            package_id: columns.integer("package_id"),
            facts: FactsRow::from_row(columns)?,
        })
    }
}

/// A version as Composer shows it, with what access is decided from.
pub type ShownVersion = (String, VersionFacts);

/// The versions in the metadata of packages, by the packages' rows, the newest first.
pub async fn list_versions_of(
    app: &App,
    packages: &[PlacedPackage],
) -> Result<BTreeMap<i64, Vec<ShownVersion>>> {
    let ids: Vec<_> = packages.iter().map(|package| package.id).collect();
    let rows = app
        .db
        .rows(
            Statement::new(
                "select v.package_id, p.name, v.pretty, v.normalized, v.published_at, v.is_default_branch,
                        json_extract(v.manifest, '$.extra.\"branch-alias\"') as branch_alias
                 from versions v join packages p on p.id = v.package_id
                 where v.package_id in (select value from json_each(?1)) and v.removed_at is null
                 order by v.package_id, v.published_at desc, v.normalized desc",
            )
            .bind(Value::from(ids).to_string()),
        )
        .await?;
    let mut versions: BTreeMap<i64, Vec<ShownVersion>> = BTreeMap::new();
    for row in rows_as::<VersionRow>(rows)? {
        let shown = (row.facts.pretty().to_owned(), row.facts.facts());
        versions.entry(row.package_id).or_default().push(shown);
    }
    Ok(versions)
}

row! {
    struct IdRow {
        id: String,
    }
}

/// The grants that use a collection.
pub async fn list_grants_of_collection(
    app: &App,
    organisation: i64,
    collection: &str,
) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from grants where organisation_id = ?1 and collection_id = ?2",
            )
            .bind(organisation)
            .bind(collection),
        )
        .await?;
    Ok(rows_as::<IdRow>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}
