//! What people see of grants at a browser.

use crate::app::App;
use crate::domain::access::Subject;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::ports::rows::{Columns, FromRow, Refused};
use crate::store::collections::{Collection, list_collections_stmt};
use crate::store::grants::{Grant, find_grant_stmt};

/// A grant, with what its collection is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedGrant {
    /// The grant.
    pub grant: Grant,
    /// The name of its collection, when it is about one.
    pub collection: Option<String>,
    /// How many grants its holder has, where that was asked.
    pub total: i64,
}

impl FromRow for NamedGrant {
    fn from_row(columns: &mut Columns) -> Result<Self, Refused> {
        Ok(Self {
            grant: Grant::from_row(columns)?,
            collection: columns.optional_text("collection"),
            total: columns.integer("total"),
        })
    }
}

/// So many grants of somebody after one, the oldest first; a grant is known by when it was made and its id.
pub(super) fn list_named_grants_stmt(
    organisation: i64,
    subject: &Subject,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Statement {
    let (time, grant) = after.unwrap_or((i64::from(i32::MIN), ""));
    Statement::new(
        "select g.id, g.external_id, g.subject, null as organisation, g.packages, g.collection_id, g.repositories,
                g.versions, g.released_until, g.released_after, g.minimum_stability, g.source, g.expires_at, g.keeps,
                g.note, g.created_at, g.changed_at, 0 as total, k.name as collection
         from grants g left join collections k on k.id = g.collection_id
         where g.organisation_id = ?1 and g.subject = ?2 and (g.created_at, g.id) > (?3, ?4)
         order by g.created_at, g.id limit ?5",
    )
    .bind(organisation)
    .bind(subject.to_text())
    .bind(time)
    .bind(grant)
    .bind(limit)
}

/// What a form about a grant needs.
pub struct GrantForm {
    /// What people call whom it is for; none where there is nobody.
    pub holder: Option<String>,
    /// The grant, if it is about one that is there, it may be somebody else's.
    pub grant: Option<Grant>,
    /// What can be chosen from, by name.
    pub collections: Vec<Collection>,
}

/// Loads it in one batch, with so many collections. Forms are about customers and teams; of others there is nobody.
pub async fn load_grant_form(
    app: &App,
    organisation: i64,
    subject: &Subject,
    grant: Option<&str>,
    collections: i64,
) -> Result<GrantForm> {
    row! {
        struct Named {
            name: String,
        }
    }
    let (kind, id) = match subject {
        Subject::Customer(id) => ("customer", id.as_str()),
        Subject::Team(id) => ("team", id.as_str()),
        Subject::Token(_) | Subject::Organisation(_) => ("", ""),
    };
    let holder = Statement::new(
        "select name from customers where ?2 = 'customer' and id = ?3 and organisation_id = ?1
         union all
         select name from teams where ?2 = 'team' and id = ?3 and organisation_id = ?1",
    )
    .bind(organisation)
    .bind(kind)
    .bind(id);
    let statements = vec![
        holder,
        find_grant_stmt(organisation, grant.unwrap_or_default()),
        list_collections_stmt(organisation, "", collections),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let holder: Option<Named> = first_as(next())?;
    Ok(GrantForm {
        holder: holder.map(|one| one.name),
        grant: first_as(next())?,
        collections: rows_as(next())?,
    })
}
