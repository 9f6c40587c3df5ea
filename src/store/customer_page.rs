//! What people see of customers at a browser: lists and pages, each in one batch.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::access::Subject;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::store::customers::{Customer, find_customer_stmt};
use crate::store::grant_pages::{NamedGrant, list_named_grants_stmt};

/// So many tokens of a customer are shown.
pub const MOST_TOKENS: i64 = 100;
/// So many grants of each customer are told of in a list.
const MOST_TOLD: i64 = 3;

row! {
    /// What a customer does, for a list.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct CustomerDoings {
        id: String,
        /// Unix second at which a token of it was last used.
        pub last_seen: Option<i64>,
        /// Packages that it said it installed since a day.
        pub installs: Option<u64>,
    }
}

/// Of each of some customers what it does, and its oldest grants; both by the customer's id.
pub async fn list_doings(
    app: &App,
    organisation: i64,
    customers: &[Customer],
    since: &str,
) -> Result<(
    BTreeMap<String, CustomerDoings>,
    BTreeMap<String, Vec<NamedGrant>>,
)> {
    let ids = json_list(customers.iter().map(|customer| customer.id.as_str()))?;
    let statements = vec![
        Statement::new(
            "select j.value as id,
                    (select max(t.last_used_at) from tokens t where t.customer_id = j.value) as last_seen,
                    (select sum(d.installs) from readers r join reader_days d on d.reader_id = r.id
                     where r.organisation_id = ?1 and r.kind = 'customer' and r.subject = j.value and d.day >= ?3)
                        as installs
             from json_each(?2) j",
        )
        .bind(organisation)
        .bind(ids.clone())
        .bind(since),
        Statement::new(
            "select g.id, g.external_id, g.subject, null as organisation, g.packages, g.collection_id, g.repositories,
                    g.versions, g.released_until, g.released_after, g.minimum_stability, g.source, g.expires_at, g.keeps,
                    g.note, g.created_at, g.changed_at, g.total,
                    (select name from collections where id = g.collection_id) as collection
             from (select g.*, count(*) over (partition by g.subject) as total,
                          row_number() over (partition by g.subject order by g.created_at, g.id) as place
                   from grants g
                   where g.organisation_id = ?1
                     and g.subject in (select 'customer:' || value from json_each(?2))) g
             where g.place <= ?3 order by g.subject, g.place",
        )
        .bind(organisation)
        .bind(ids)
        .bind(MOST_TOLD),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let doings = rows_as::<CustomerDoings>(rows.next().unwrap_or_default())?;
    let mut grants: BTreeMap<String, Vec<NamedGrant>> = BTreeMap::new();
    for grant in rows_as::<NamedGrant>(rows.next().unwrap_or_default())? {
        let subject = grant.grant.subject.as_str();
        let id = subject.strip_prefix("customer:").unwrap_or(subject);
        grants.entry(id.to_owned()).or_default().push(grant);
    }
    let doings = doings.into_iter().map(|one| (one.id.clone(), one));
    Ok((doings.collect(), grants))
}

row! {
    /// A token of a customer, with its use.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct UsedToken {
        /// Its id.
        pub id: String,
        /// What it is for.
        pub name: String,
        /// Its first characters.
        pub hint: String,
        /// JSON list of networks; none for any address.
        pub networks: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub expires_at: Option<i64>,
        /// Unix seconds.
        pub revoked_at: Option<i64>,
        /// Unix second; it may lag by some minutes.
        pub last_used_at: Option<i64>,
        /// The token that was put in its place.
        pub replaced_by: Option<String>,
    }
}

/// A customer with what its page has.
#[derive(Debug, Clone)]
pub struct CustomerPage {
    /// The customer.
    pub customer: Customer,
    /// A page of its grants, the oldest first.
    pub grants: Vec<NamedGrant>,
    /// Its tokens: those in force first, the newest first.
    pub tokens: Vec<UsedToken>,
}

/// Loads a customer, so many of its grants after one, and its tokens.
pub async fn load_customer_page(
    app: &App,
    organisation: i64,
    id: &str,
    after: Option<(i64, &str)>,
    grants: i64,
) -> Result<Option<CustomerPage>> {
    let subject = Subject::Customer(id.to_owned());
    let statements = vec![
        find_customer_stmt(organisation, id),
        list_named_grants_stmt(organisation, &subject, after, grants),
        Statement::new(
            "select id, name, hint, networks, created_at, expires_at, revoked_at, last_used_at, replaced_by from tokens
             where customer_id = ?2 and organisation_id = ?1
             order by revoked_at is not null, created_at desc, id limit ?3",
        )
        .bind(organisation)
        .bind(id)
        .bind(MOST_TOKENS),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let Some(customer) = first_as(next())? else {
        return Ok(None);
    };
    Ok(Some(CustomerPage {
        customer,
        grants: rows_as(next())?,
        tokens: rows_as(next())?,
    }))
}

row! {
    /// Who has a collection, by a grant.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Holder {
        /// The grant's id.
        pub grant: String,
        /// `customer`, `team`, `token` or `organisation`.
        pub kind: String,
        /// The id of whom the grant is for.
        pub subject: String,
        /// What people call it; none where it is gone.
        pub name: Option<String>,
    }
}

/// A page of those who have a collection, by grant.
pub async fn list_holders(
    app: &App,
    organisation: i64,
    collection: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Holder>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "with s as (select id, substr(subject, 1, instr(subject, ':') - 1) as kind,
                                       substr(subject, instr(subject, ':') + 1) as subject
                                from grants
                                where organisation_id = ?1 and collection_id = ?2 and id > ?3
                                order by id limit ?4)
                     select s.id as \"grant\", s.kind, s.subject,
                            case s.kind
                            when 'customer' then (select name from customers where id = s.subject)
                            when 'team' then (select name from teams where id = s.subject)
                            when 'token' then (select name from tokens where id = s.subject)
                            when 'organisation' then (select name from organisations
                                                      where id = cast(s.subject as integer))
                            end as name
                     from s order by s.id",
                )
                .bind(organisation)
                .bind(collection)
                .bind(after)
                .bind(limit),
            )
            .await?,
    )
}
