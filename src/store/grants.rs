//! Grants as they are managed. What they come to is decided in `domain/access`.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::ports::rows::{Columns, FromRow, Refused};
use crate::store::subjects::touch_stmts;

row! {
    /// A grant.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Grant {
        /// Its id.
        pub id: String,
        /// What the shop calls it.
        pub external_id: Option<String>,
        /// Whom it is for, as stored.
        pub subject: String,
        /// The slug of the sub-organisation that it is for.
        #[serde(skip_serializing)]
        pub organisation: Option<String>,
        /// JSON list of names and patterns; none when it is about a collection.
        pub packages: Option<String>,
        /// The collection; none when it is about packages.
        pub collection_id: Option<String>,
        /// JSON list of slugs; none for all.
        pub repositories: Option<String>,
        /// A constraint.
        pub versions: Option<String>,
        /// Unix seconds.
        pub released_until: Option<i64>,
        /// Unix seconds.
        pub released_after: Option<i64>,
        /// As Composer spells it.
        pub minimum_stability: Option<String>,
        /// 1 when the address of the source is shown.
        pub source: i64,
        /// Unix seconds.
        pub expires_at: Option<i64>,
        /// 1 when what was released before the end stays.
        pub keeps: i64,
        /// For people.
        pub note: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub changed_at: i64,
    }
}

/// Which grants a list is narrowed to.
#[derive(Debug, Default)]
pub struct GrantFilter<'a> {
    /// Whom they are for, as stored.
    pub subject: Option<&'a str>,
    /// The collection they use.
    pub collection: Option<&'a str>,
    /// Time and id of the row before the page.
    pub after: Option<(i64, &'a str)>,
}

/// A grant with the items of its collection.
#[derive(Debug, Clone)]
pub struct ListedGrant {
    /// The grant.
    pub grant: Grant,
    /// JSON: a list of `CollectionItem`, when it is about a collection.
    pub items: Option<String>,
}

impl FromRow for ListedGrant {
    fn from_row(columns: &mut Columns) -> Result<Self, Refused> {
        Ok(Self {
            grant: Grant::from_row(columns)?,
            items: columns.optional_text("items"),
        })
    }
}

/// A page of the grants of an organisation, the oldest first.
pub async fn list_grants(
    app: &App,
    organisation: i64,
    filter: &GrantFilter<'_>,
    limit: i64,
) -> Result<Vec<ListedGrant>> {
    let statement = list_grants_stmt(organisation, filter, limit);
    rows_as(app.db.rows(statement).await?)
}

/// The statement that gives them, for a batch with others.
pub(super) fn list_grants_stmt(
    organisation: i64,
    filter: &GrantFilter<'_>,
    limit: i64,
) -> Statement {
    let (time, id) = filter.after.unwrap_or((i64::from(i32::MIN), ""));
    Statement::new(
        "select g.id, g.external_id, g.subject,
                (select slug from organisations
                     where id = cast(substr(g.subject, length('organisation:') + 1) as integer)
                       and substr(g.subject, 1, length('organisation:')) = 'organisation:') as organisation,
                g.packages, g.collection_id, g.repositories, g.versions,
                g.released_until, g.released_after, g.minimum_stability, g.source, g.expires_at, g.keeps,
                g.note, g.created_at, g.changed_at, k.items
         from grants g left join collections k on k.id = g.collection_id
         where g.organisation_id = ?1 and (g.created_at, g.id) > (?2, ?3)
           and (?4 is null or g.subject = ?4) and (?5 is null or g.collection_id = ?5)
         order by g.created_at, g.id limit ?6",
    )
    .bind(organisation)
    .bind(time)
    .bind(id)
    .bind(filter.subject)
    .bind(filter.collection)
    .bind(limit)
}

/// A grant of an organisation.
pub async fn find_grant(app: &App, organisation: i64, id: &str) -> Result<Option<Grant>> {
    first_as(app.db.rows(find_grant_stmt(organisation, id)).await?)
}

/// The statement that finds it, for a batch with others.
pub(super) fn find_grant_stmt(organisation: i64, id: &str) -> Statement {
    Statement::new(
        "select id, external_id, subject,
                (select slug from organisations
                 where id = cast(substr(grants.subject, length('organisation:') + 1) as integer)
                   and substr(grants.subject, 1, length('organisation:')) = 'organisation:') as organisation,
                packages, collection_id, repositories, versions, released_until, released_after, minimum_stability,
                source, expires_at, keeps, note, created_at, changed_at
         from grants where id = ?2 and organisation_id = ?1",
    )
    .bind(organisation)
    .bind(id)
}

/// Those grants of an organisation that the shop calls so.
pub async fn list_grants_by_external_id<'a>(
    app: &App,
    organisation: i64,
    external_ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<Grant>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, external_id, subject,
                        (select slug from organisations
                         where id = cast(substr(grants.subject, length('organisation:') + 1) as integer)
                           and substr(grants.subject, 1, length('organisation:')) = 'organisation:') as organisation,
                        packages, collection_id, repositories, versions, released_until,
                            released_after, minimum_stability, source, expires_at, keeps, note, created_at, changed_at
                     from grants
                     where organisation_id = ?1 and external_id in (select value from json_each(?2))",
                )
                .bind(organisation)
                .bind(json_list(external_ids)?),
            )
            .await?,
    )
}

/// Those grants of an organisation that the shop calls by a name that is not among these; with a moment, those alone that
/// have not ended by then.
pub async fn list_missing_grants<'a>(
    app: &App,
    organisation: i64,
    named: impl Iterator<Item = &'a str>,
    in_force_at: Option<i64>,
) -> Result<Vec<Grant>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, external_id, subject, packages, collection_id, repositories, versions, released_until,
                            released_after, minimum_stability, source, expires_at, keeps, note, created_at, changed_at
                     from grants
                     where organisation_id = ?1 and external_id is not null
                       and external_id not in (select value from json_each(?2))
                       and (?3 is null or expires_at is null or expires_at > ?3)
                     order by external_id",
                )
                .bind(organisation)
                .bind(json_list(named)?)
                .bind(in_force_at),
            )
            .await?,
    )
}

/// Makes new grants, changes known ones and takes some back, in one batch with the time at which what their subjects see
/// changed; `before` are the subjects that known ones had until now. Two that the shop calls the same are a conflict.
pub async fn save_grants(
    app: &App,
    organisation: i64,
    new: &[Grant],
    changed: &[Grant],
    gone: &[Grant],
    before: &[String],
) -> Result<()> {
    let text = |grants: &[Grant]| serde_json::to_string(grants).map_err(Error::internal);
    let now = app.now();
    let mut statements = Vec::new();
    if !new.is_empty() {
        statements.push(
            Statement::new(
                "insert into grants (id, organisation_id, external_id, subject, packages, collection_id, repositories,
                                     versions, released_until, released_after, minimum_stability, source, expires_at,
                                     keeps, note, created_at, changed_at)
                 select json_extract(value, '$.id'), ?1, json_extract(value, '$.external_id'),
                        json_extract(value, '$.subject'), json_extract(value, '$.packages'),
                        json_extract(value, '$.collection_id'), json_extract(value, '$.repositories'),
                        json_extract(value, '$.versions'), json_extract(value, '$.released_until'),
                        json_extract(value, '$.released_after'), json_extract(value, '$.minimum_stability'),
                        json_extract(value, '$.source'), json_extract(value, '$.expires_at'),
                        json_extract(value, '$.keeps'), json_extract(value, '$.note'), ?3, ?3
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
                "update grants
                 set external_id = json_extract(j.value, '$.external_id'), subject = json_extract(j.value, '$.subject'),
                     packages = json_extract(j.value, '$.packages'),
                     collection_id = json_extract(j.value, '$.collection_id'),
                     repositories = json_extract(j.value, '$.repositories'),
                     versions = json_extract(j.value, '$.versions'),
                     released_until = json_extract(j.value, '$.released_until'),
                     released_after = json_extract(j.value, '$.released_after'),
                     minimum_stability = json_extract(j.value, '$.minimum_stability'),
                     source = json_extract(j.value, '$.source'), expires_at = json_extract(j.value, '$.expires_at'),
                     keeps = json_extract(j.value, '$.keeps'), note = json_extract(j.value, '$.note'), changed_at = ?3
                 from json_each(?2) j
                 where grants.organisation_id = ?1 and grants.id = json_extract(j.value, '$.id')",
            )
            .bind(organisation)
            .bind(text(changed)?)
            .bind(now),
        );
    }
    if !gone.is_empty() {
        statements.push(
            Statement::new(
                "delete from grants where organisation_id = ?1 and id in (select value from json_each(?2))",
            )
            .bind(organisation)
            .bind(json_list(gone.iter().map(|grant| grant.id.as_str()))?),
        );
    }
    if statements.is_empty() {
        return Ok(());
    }
    let subjects: BTreeSet<&str> = new
        .iter()
        .chain(changed)
        .chain(gone)
        .map(|grant| grant.subject.as_str())
        .chain(before.iter().map(String::as_str))
        .collect();
    statements.extend(touch_stmts(None, &json_list(subjects.into_iter())?, now));
    app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(())
}

/// Takes a grant back; whether there was one.
pub async fn delete_grant(app: &App, organisation: i64, grant: &Grant) -> Result<bool> {
    let subjects = Value::from(vec![grant.subject.clone()]).to_string();
    let mut statements = vec![
        Statement::new("delete from grants where id = ?2 and organisation_id = ?1 returning id")
            .bind(organisation)
            .bind(&grant.id),
    ];
    statements.extend(touch_stmts(None, &subjects, app.now()));
    let rows = app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}
