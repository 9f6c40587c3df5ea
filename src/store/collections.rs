//! Collections: named sets of packages that grants use.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::store::subjects::touch_stmts;

row! {
    /// A collection.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Collection {
        /// Its id.
        pub id: String,
        /// Its name, once in the organisation.
        pub name: String,
        /// For people.
        pub description: Option<String>,
        /// JSON: a list of `CollectionItem`.
        pub items: String,
        /// How many grants use it.
        pub grants: i64,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub changed_at: i64,
    }
}

/// A page of the collections of an organisation, by name.
pub async fn list_collections(
    app: &App,
    organisation: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<Collection>> {
    rows_as(
        app.db
            .rows(list_collections_stmt(organisation, after, limit))
            .await?,
    )
}

/// The statement that lists them, for a batch with others.
pub(super) fn list_collections_stmt(organisation: i64, after: &str, limit: i64) -> Statement {
    Statement::new(
        "select id, name, description, items, created_at, changed_at,
                (select count(*) from grants where collection_id = collections.id) as grants
         from collections where organisation_id = ?1 and name > ?2 order by name limit ?3",
    )
    .bind(organisation)
    .bind(after)
    .bind(limit)
}

/// A collection of an organisation.
pub async fn find_collection(app: &App, organisation: i64, id: &str) -> Result<Option<Collection>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, name, description, items, created_at, changed_at,
                        (select count(*) from grants where collection_id = collections.id) as grants
                 from collections where id = ?2 and organisation_id = ?1",
            )
            .bind(organisation)
            .bind(id),
        )
        .await?;
    first_as(rows)
}

row! {
    struct IdRow {
        id: String,
    }
}

/// Those of the ids that are collections of an organisation.
pub async fn known_collections<'a>(
    app: &App,
    organisation: i64,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from collections
                 where organisation_id = ?1 and id in (select value from json_each(?2))",
            )
            .bind(organisation)
            .bind(json_list(ids)?),
        )
        .await?;
    Ok(rows_as::<IdRow>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// Makes a collection. A taken name is a conflict.
pub async fn insert_collection(app: &App, organisation: i64, new: &Collection) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into collections (id, organisation_id, name, description, items, created_at, changed_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            )
            .bind(&new.id)
            .bind(organisation)
            .bind(&new.name)
            .bind(new.description.clone())
            .bind(&new.items)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
        .map_err(taken)
}

/// Changes a collection, and with it what everybody sees to whom it was granted; whether there was one.
pub async fn update_collection(
    app: &App,
    organisation: i64,
    collection: &Collection,
    items_changed: bool,
) -> Result<bool> {
    let now = app.now();
    let mut statements = vec![
        Statement::new(
            "update collections set name = ?3, description = ?4, items = ?5, changed_at = ?6
             where id = ?2 and organisation_id = ?1 returning id",
        )
        .bind(organisation)
        .bind(&collection.id)
        .bind(&collection.name)
        .bind(collection.description.clone())
        .bind(&collection.items)
        .bind(now),
    ];
    if items_changed {
        statements.extend(touch_stmts(Some(&collection.id), "[]", now));
    }
    let rows = app.db.batch(statements).await.map_err(taken)?;
    app.memo.principals.clear();
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}

/// Removes a collection. While grants use it that takes `with_grants`, which removes them too; whether it was removed.
pub async fn delete_collection(
    app: &App,
    organisation: i64,
    id: &str,
    with_grants: bool,
) -> Result<bool> {
    let mut statements = Vec::new();
    if with_grants {
        statements.extend(touch_stmts(Some(id), "[]", app.now()));
        statements.push(
            Statement::new("delete from grants where organisation_id = ?1 and collection_id = ?2")
                .bind(organisation)
                .bind(id),
        );
    }
    statements.push(
        Statement::new(
            "delete from collections
             where id = ?2 and organisation_id = ?1
               and not exists (select 1 from grants where collection_id = ?2)
             returning id",
        )
        .bind(organisation)
        .bind(id),
    );
    let rows = app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

fn taken(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict => {
            Error::conflict("There is a collection of that name already").because(error)
        }
        _ => error,
    }
}
