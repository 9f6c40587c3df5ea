//! Who somebody is at providers, as she sees it herself.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// Somebody at a provider.
    #[derive(Debug, Clone)]
    pub struct Identity {
        /// The provider's id.
        pub provider_id: String,
        /// What it is called.
        pub provider: String,
        /// Whose it is; none: the instance's.
        pub organisation: Option<String>,
        /// As the provider last said.
        pub email: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub last_used_at: i64,
    }
}

row! {
    /// A provider where somebody has no identity.
    #[derive(Debug, Clone)]
    pub struct Linkable {
        /// The provider's id.
        pub id: String,
        /// What it is called.
        pub name: String,
        /// Whose it is; none: the instance's.
        pub organisation: Option<String>,
    }
}

/// Who she is, where else she could be, and whether she has a password.
pub struct Ways {
    /// Her identities.
    pub identities: Vec<Identity>,
    /// The instance's providers and those of her organisations where she has none.
    pub linkable: Vec<Linkable>,
    /// Whether she can sign in by a password.
    pub has_password: bool,
}

/// By which providers somebody signs in, and by which others she could.
pub async fn list_ways(app: &App, account: &str) -> Result<Ways> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "select i.provider_id, p.name as provider, o.name as organisation, i.email, i.created_at, i.last_used_at
                 from identities i join identity_providers p on p.id = i.provider_id
                      left join organisations o on o.id = p.organisation_id
                 where i.account_id = ?1 order by p.name, p.id",
            )
            .bind(account),
            Statement::new(
                "select p.id, p.name, o.name as organisation
                 from identity_providers p left join organisations o on o.id = p.organisation_id
                 where (p.organisation_id is null
                        or exists (select 1 from members m
                                   where m.organisation_id = p.organisation_id and m.account_id = ?1))
                   and not exists (select 1 from identities i where i.provider_id = p.id and i.account_id = ?1)
                 order by p.name, p.id limit 50",
            )
            .bind(account),
            Statement::new("select 1 as one from passwords where account_id = ?1").bind(account),
        ])
        .await?;
    let mut rows = rows.into_iter();
    Ok(Ways {
        identities: rows_as(rows.next().unwrap_or_default())?,
        linkable: rows_as(rows.next().unwrap_or_default())?,
        has_password: rows.next().is_some_and(|rows| !rows.is_empty()),
    })
}

/// Takes an identity of somebody away; whether it did. It does not when there would be no way left to sign in.
pub async fn unlink(app: &App, account: &str, provider: &str) -> Result<bool> {
    let now = app.now();
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "delete from identities
                 where account_id = ?1 and provider_id = ?2
                   and (exists (select 1 from passwords where account_id = ?1)
                        or exists (select 1 from passkeys where account_id = ?1)
                        or exists (select 1 from identities i where i.account_id = ?1 and i.provider_id <> ?2))
                 returning subject",
            )
            .bind(account)
            .bind(provider),
            Statement::new(
                "update logins set ended_at = ?3
                 where account_id = ?1 and provider_id = ?2 and ended_at is null
                   and not exists (select 1 from identities where account_id = ?1 and provider_id = ?2)",
            )
            .bind(account)
            .bind(provider)
            .bind(now),
        ])
        .await?;
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}

/// Links an identity to somebody who is signed in. One that is another's, or a second one at the provider, is a conflict.
pub async fn link(
    app: &App,
    account: &str,
    provider: &str,
    subject: &str,
    email: Option<&str>,
) -> Result<()> {
    let statement = Statement::new(
        "insert into identities (provider_id, subject, account_id, email, created_at, last_used_at)
         values (?1, ?2, ?3, ?4, ?5, ?5)",
    )
    .bind(provider)
    .bind(subject)
    .bind(account)
    .bind(email)
    .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}

/// Whether an identity is already this person's.
pub async fn is_hers(app: &App, account: &str, provider: &str, subject: &str) -> Result<bool> {
    row! {
        struct Found {
            account_id: String,
        }
    }
    let statement =
        Statement::new("select account_id from identities where provider_id = ?1 and subject = ?2")
            .bind(provider)
            .bind(subject);
    let found = first_as::<Found>(app.db.rows(statement).await?)?;
    Ok(found.is_some_and(|found| found.account_id == account))
}
