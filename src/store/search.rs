//! The full-text index over packages and the index of what they provide, written by whoever publishes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::search::SearchEntry;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, json_list, row, rows_as};
use crate::store::package_texts::Wanted;

/// What the index is to know of a package.
#[derive(Debug, Clone, Serialize)]
pub struct Indexed {
    /// The package's id.
    pub id: i64,
    /// None for a package that has no version left.
    pub entry: Option<SearchEntry>,
    /// What it provides or replaces.
    pub provides: BTreeSet<PackageName>,
    /// What it requires.
    pub requires: BTreeSet<PackageName>,
    /// The version whose README is the package's; none for one without an archive here.
    pub text: Option<Wanted>,
}

/// Puts packages into the index, for the batch of a publish: nothing happens unless the head is the one it was built
/// on. Of two publishers at once, the one that read the older state changes nothing.
pub fn index_stmts(repository: i64, built_on: i64, packages: &[Indexed]) -> Result<Vec<Statement>> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let packages = serde_json::to_string(packages).map_err(Error::internal)?;
    let bind = |statement: Statement| statement.bind(repository).bind(built_on).bind(&packages);
    Ok(vec![
        bind(Statement::new(
            "delete from package_search
             where rowid in (select json_extract(value, '$.id') from json_each(?3))
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "insert into package_search (rowid, name, description, keywords, type, homepage, replacement)
             select json_extract(value, '$.id'), json_extract(value, '$.entry.name'),
                    json_extract(value, '$.entry.description'), json_extract(value, '$.entry.keywords'),
                    json_extract(value, '$.entry.type'), json_extract(value, '$.entry.homepage'),
                    json_extract(value, '$.entry.replacement')
             from json_each(?3)
             where json_extract(value, '$.entry.name') is not null
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "delete from package_provides
             where package_id in (select json_extract(value, '$.id') from json_each(?3))
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "insert into package_provides (name, package_id)
             select n.value, json_extract(p.value, '$.id')
             from json_each(?3) p, json_each(p.value, '$.provides') n
             where exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "delete from package_requires
             where package_id in (select json_extract(value, '$.id') from json_each(?3))
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "insert into package_requires (name, package_id)
             select n.value, json_extract(p.value, '$.id')
             from json_each(?3) p, json_each(p.value, '$.requires') n
             where exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "delete from package_texts
             where package_id in (select json_extract(value, '$.id') from json_each(?3)
                                  where json_extract(value, '$.text') is null)
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)",
        )),
        bind(Statement::new(
            "insert into package_texts (package_id, wanted_reference, wanted_version, wanted_normalized, wanted_page)
             select json_extract(value, '$.id'), json_extract(value, '$.text.reference'),
                    json_extract(value, '$.text.version'), json_extract(value, '$.text.normalized'),
                    json_extract(value, '$.text.page')
             from json_each(?3)
             where json_extract(value, '$.text') is not null
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)
             on conflict (package_id) do update set
                 wanted_reference = excluded.wanted_reference, wanted_version = excluded.wanted_version,
                 wanted_normalized = excluded.wanted_normalized, wanted_page = excluded.wanted_page,
                 is_due = 1, claimed_at = null
             where wanted_reference <> excluded.wanted_reference or wanted_version <> excluded.wanted_version
                or wanted_page is not excluded.wanted_page",
        )),
    ])
}

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The repository.
    pub repository: i64,
    /// A full-text query; none for everything, by name.
    pub query: Option<&'a str>,
    /// Only packages of this type.
    pub kind: Option<&'a str>,
    /// Only these names, as a JSON list.
    pub names: Option<&'a str>,
    /// Those of them that are found by their name and by no other word, as a JSON list.
    pub by_name_alone: &'a str,
    /// How many at most.
    pub limit: i64,
    /// How many to skip.
    pub offset: i64,
}

row! {
    /// A package that was found.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Found {
        /// `vendor/name`.
        pub name: String,
        /// Its description.
        pub description: String,
        /// An address for people.
        pub homepage: Option<String>,
        /// Set when it is abandoned: the package to use instead, or nothing.
        pub replacement: Option<String>,
    }
}

/// Finds packages, the best first, and counts all that there are.
pub async fn search_packages(app: &App, search: &Search<'_>) -> Result<(Vec<Found>, i64)> {
    row! {
        struct Total {
            total: i64,
        }
    }
    let (count, page) = match search.query {
        Some(query) => (
            Statement::new(
                "select count(*) as total from package_search
                 join repository_packages m on m.package_id = package_search.rowid and m.repository_id = ?1
                 where (?2 is null or type = ?2) and (?3 is null or name in (select value from json_each(?3)))
                   and package_search match ?4
                   and (name not in (select value from json_each(?5))
                        or package_search.rowid in (select rowid from package_search where package_search match ?6))",
            )
            .bind(search.repository)
            .bind(search.kind)
            .bind(search.names)
            .bind(query)
            .bind(search.by_name_alone)
            .bind(in_names(query)),
            Statement::new(
                "select name, description, homepage, replacement from package_search
                 join repository_packages m on m.package_id = package_search.rowid and m.repository_id = ?1
                 where (?2 is null or type = ?2) and (?3 is null or name in (select value from json_each(?3)))
                   and package_search match ?4
                   and (name not in (select value from json_each(?5))
                        or package_search.rowid in (select rowid from package_search where package_search match ?6))
                 order by rank, name limit ?7 offset ?8",
            )
            .bind(search.repository)
            .bind(search.kind)
            .bind(search.names)
            .bind(query)
            .bind(search.by_name_alone)
            .bind(in_names(query))
            .bind(search.limit)
            .bind(search.offset),
        ),
        None => (
            Statement::new(
                "select count(*) as total from package_search
                 join repository_packages m on m.package_id = package_search.rowid and m.repository_id = ?1
                 where (?2 is null or type = ?2) and (?3 is null or name in (select value from json_each(?3)))",
            )
            .bind(search.repository)
            .bind(search.kind)
            .bind(search.names),
            Statement::new(
                "select name, description, homepage, replacement from package_search
                 join repository_packages m on m.package_id = package_search.rowid and m.repository_id = ?1
                 where (?2 is null or type = ?2) and (?3 is null or name in (select value from json_each(?3)))
                 order by name limit ?4 offset ?5",
            )
            .bind(search.repository)
            .bind(search.kind)
            .bind(search.names)
            .bind(search.limit)
            .bind(search.offset),
        ),
    };
    let mut rows = app.db.read_nearby(vec![count, page]).await?.into_iter();
    let total = rows_as::<Total>(rows.next().unwrap_or_default())?;
    let found = rows_as(rows.next().unwrap_or_default())?;
    Ok((found, total.first().map_or(0, |row| row.total)))
}

/// The names of a repository's packages that a full-text query finds, the best first: of one type, or of any.
pub async fn find_names(
    app: &App,
    repository: i64,
    query: &str,
    kind: Option<&str>,
) -> Result<Vec<String>> {
    row! {
        struct Hit {
            name: String,
        }
    }
    let statement = Statement::new(
        "select name from package_search
         join repository_packages m on m.package_id = package_search.rowid and m.repository_id = ?1
         where (?2 is null or type = ?2) and package_search match ?3
         order by rank, name",
    )
    .bind(repository)
    .bind(kind)
    .bind(query);
    let rows = app.db.read_nearby(vec![statement]).await?;
    Ok(rows_as::<Hit>(rows.into_iter().next().unwrap_or_default())?
        .into_iter()
        .map(|hit| hit.name)
        .collect())
}

/// What the index knows of these packages of an organisation, in their order.
pub async fn describe_packages(
    app: &App,
    organisation: i64,
    names: &[&PackageName],
) -> Result<Vec<Found>> {
    let statement = Statement::new(
        "select s.name, s.description, s.homepage, s.replacement from json_each(?2) n
         cross join packages p on p.organisation_id = ?1 and p.name = n.value
         cross join package_search s on s.rowid = p.id
         order by n.key",
    )
    .bind(organisation)
    .bind(json_list(names.iter().map(|name| name.as_str()))?);
    let rows = app.db.read_nearby(vec![statement]).await?;
    rows_as(rows.into_iter().next().unwrap_or_default())
}

/// The names of an organisation's packages that a full-text query finds, each with whether its name alone would do.
pub async fn find_names_by_words(
    app: &App,
    organisation: i64,
    query: &str,
) -> Result<BTreeMap<String, bool>> {
    let statement = find_names_by_words_stmt(organisation, query);
    let rows = app.db.read_nearby(vec![statement]).await?;
    read_names_by_words(rows.into_iter().next().unwrap_or_default())
}

/// The statement that gives them, for a batch with others.
pub fn find_names_by_words_stmt(organisation: i64, query: &str) -> Statement {
    Statement::new(
        "select p.name,
                p.id in (select rowid from package_search where package_search match ?3) as by_name
         from packages p
         where p.organisation_id = ?1 and p.id in (select rowid from package_search where package_search match ?2)",
    )
    .bind(organisation)
    .bind(query)
    .bind(in_names(query))
}

/// Reads what that statement found.
pub fn read_names_by_words(rows: Vec<Row>) -> Result<BTreeMap<String, bool>> {
    row! {
        struct Hit {
            name: String,
            by_name: i64,
        }
    }
    Ok(rows_as::<Hit>(rows)?
        .into_iter()
        .map(|hit| (hit.name, hit.by_name != 0))
        .collect())
}

/// The same query, over names alone (SQLite, FTS5, "Column Filters").
fn in_names(query: &str) -> String {
    format!("{{name}} : ({query})")
}

row! {
    /// A package that provides or replaces another.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Provider {
        /// `vendor/name`.
        pub name: PackageName,
        /// Its description.
        pub description: String,
        /// `library`, `metapackage`, …
        #[serde(rename = "type")]
        pub kind: String as "type",
    }
}

/// The packages of a repository that provide or replace a name, by name.
pub async fn list_providers(
    app: &App,
    repository: i64,
    name: &PackageName,
) -> Result<Vec<Provider>> {
    let statement = Statement::new(
        "select s.name, s.description, s.type from package_provides v
         join repository_packages m on m.package_id = v.package_id and m.repository_id = ?1
         join package_search s on s.rowid = v.package_id
         where v.name = ?2 order by s.name",
    )
    .bind(repository)
    .bind(name.as_str());
    let rows = app.db.read_nearby(vec![statement]).await?;
    rows_as(rows.into_iter().next().unwrap_or_default())
}
