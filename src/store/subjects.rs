//! Whom grants are for: which of them there are, and when what they may see last changed.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::App;
use crate::domain::access::Subject;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// The statements that move `grant_changed_at` of everybody whom grants to these subjects reach: the subjects named in a
/// JSON list as they are stored, and those whose grants use the collection. They belong into the batch that changes the
/// grants; before it, where grants are removed.
pub fn touch_stmts(collection: Option<&str>, subjects: &str, now: i64) -> Vec<Statement> {
    [
        "update customers set grant_changed_at = max(grant_changed_at, ?3)
         where id in (
             select substr(s.subject, length('customer:') + 1)
             from (select subject from grants where collection_id = ?1 union select value from json_each(?2)) s
             where substr(s.subject, 1, length('customer:')) = 'customer:')",
        "update members set grant_changed_at = max(grant_changed_at, ?3)
         where (organisation_id, account_id) in (
             select t.organisation_id, x.account_id
             from (select subject from grants where collection_id = ?1 union select value from json_each(?2)) s
             join teams t on t.id = substr(s.subject, length('team:') + 1)
             join team_members x on x.team_id = t.id
             where substr(s.subject, 1, length('team:')) = 'team:')",
        "update tokens set grant_changed_at = max(grant_changed_at, ?3)
         where id in (
             select substr(s.subject, length('token:') + 1)
             from (select subject from grants where collection_id = ?1 union select value from json_each(?2)) s
             where substr(s.subject, 1, length('token:')) = 'token:')",
        // What a sub-organisation was given its own people and machines see, not its customers.
        "update tokens set grant_changed_at = max(grant_changed_at, ?3)
         where customer_id is null and organisation_id in (
             select cast(substr(s.subject, length('organisation:') + 1) as integer)
             from (select subject from grants where collection_id = ?1 union select value from json_each(?2)) s
             where substr(s.subject, 1, length('organisation:')) = 'organisation:')",
    ]
    .into_iter()
    .map(|sql| {
        Statement::new(sql)
            .bind(collection)
            .bind(subjects)
            .bind(now)
    })
    .collect()
}

/// A subject as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedSubject {
    /// A customer, by id.
    Customer(String),
    /// A customer, by what the shop calls it.
    CustomerByExternalId(String),
    /// A team, by id.
    Team(String),
    /// A token, by id.
    Token(String),
    /// A sub-organisation, by slug.
    Organisation(String),
}

impl NamedSubject {
    fn kind(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::CustomerByExternalId(_) => "customer_external_id",
            Self::Team(_) => "team",
            Self::Token(_) => "token",
            Self::Organisation(_) => "organisation",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Customer(name)
            | Self::CustomerByExternalId(name)
            | Self::Team(name)
            | Self::Token(name)
            | Self::Organisation(name) => name,
        }
    }
}

row! {
    struct SubjectRow {
        position: usize,
        subject: String,
        /// 0 for a token that sees all there is anyhow.
        takes_grants: i64,
    }
}

/// Of the subjects that an organisation has, by how they were named: as they are stored, and whether they take grants. A
/// token does that sees only what was granted.
pub async fn find_subjects(
    app: &App,
    organisation: i64,
    named: &[NamedSubject],
) -> Result<BTreeMap<NamedSubject, (Subject, bool)>> {
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<_> = named
        .iter()
        .map(|one| json!([one.kind(), one.name()]))
        .collect();
    let rows = app
        .db
        .rows(
            Statement::new(
                "with asked (position, kind, name) as (
                     select key, json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?2))
                 select a.position, 'customer:' || c.id as subject, 1 as takes_grants
                 from asked a join customers c on c.id = a.name
                 where a.kind = 'customer' and c.organisation_id = ?1
                 union all
                 select a.position, 'customer:' || c.id, 1
                 from asked a join customers c on c.organisation_id = ?1 and c.external_id = a.name
                 where a.kind = 'customer_external_id'
                 union all
                 select a.position, 'team:' || t.id, 1
                 from asked a join teams t on t.id = a.name
                 where a.kind = 'team' and t.organisation_id = ?1
                 union all
                 select a.position, 'token:' || t.id, t.only_granted
                 from asked a join tokens t on t.id = a.name
                 where a.kind = 'token' and t.organisation_id = ?1 and t.revoked_at is null
                 union all
                 select a.position, 'organisation:' || o.id, 1
                 from asked a join organisations o on o.slug = a.name
                 where a.kind = 'organisation' and o.parent_id = ?1",
            )
            .bind(organisation)
            .bind(serde_json::Value::from(asked).to_string()),
        )
        .await?;
    Ok(rows_as::<SubjectRow>(rows)?
        .into_iter()
        .filter_map(|row| {
            let name = named.get(row.position)?.clone();
            Some((name, (Subject::parse(&row.subject)?, row.takes_grants != 0)))
        })
        .collect())
}
