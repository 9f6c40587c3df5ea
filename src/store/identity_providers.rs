//! Who is asked who somebody is: the instance's providers, and those of organisations.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// A provider.
    #[derive(Debug, Clone)]
    pub struct IdentityProvider {
        /// Its id, which never stands in an address that people see.
        pub id: String,
        /// Whose it is; none: the instance's.
        pub organisation_id: Option<i64>,
        /// The slug of that organisation; `instance`, which none is called, where it is the instance's.
        pub owner: String,
        /// Its name in addresses.
        pub slug: String,
        /// As `IdentityProviderKind` spells it.
        pub kind: String,
        /// What its button says.
        pub name: String,
        /// The issuer, or where the host is.
        pub base_url: String,
        /// We, as it knows us.
        pub client_id: String,
        /// Sealed for [`secret_context`].
        pub sealed_client_secret: String,
        /// The claim that lists groups.
        pub groups_claim: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub changed_at: i64,
        /// How many people have an identity there.
        pub people: i64,
    }
}

/// What a client secret is sealed for.
pub fn secret_context(id: &str) -> String {
    format!("identity-provider:{id}")
}

impl IdentityProvider {
    /// The client secret, in plain.
    pub async fn open_secret(&self, app: &App) -> Result<String> {
        let context = secret_context(&self.id);
        app.vault.open(&context, &self.sealed_client_secret).await
    }
}

/// Adds a provider. A slug that its owner has already is a conflict.
pub async fn insert_provider(app: &App, provider: &IdentityProvider) -> Result<()> {
    let statement = Statement::new(
        "insert into identity_providers (id, organisation_id, slug, kind, name, base_url, client_id, sealed_client_secret,
                                         groups_claim, created_at, changed_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
    )
    .bind(&provider.id)
    .bind(provider.organisation_id)
    .bind(&provider.slug)
    .bind(&provider.kind)
    .bind(&provider.name)
    .bind(&provider.base_url)
    .bind(&provider.client_id)
    .bind(&provider.sealed_client_secret)
    .bind(provider.groups_claim.clone())
    .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}

pub(super) fn list_stmt(organisation: Option<i64>, slug: Option<&str>) -> Statement {
    Statement::new(
        "select p.id, p.organisation_id, coalesce(o.slug, 'instance') as owner, p.slug, p.kind, p.name, p.base_url, p.client_id, p.sealed_client_secret,
                p.groups_claim, p.created_at, p.changed_at,
                (select count(*) from identities i where i.provider_id = p.id) as people
         from identity_providers p left join organisations o on o.id = p.organisation_id
         where p.organisation_id is ?1 and (?2 is null or p.slug = ?2)
         order by p.name, p.slug limit 100",
    )
    .bind(organisation)
    .bind(slug)
}

/// The providers of an organisation, or of the instance, by name.
pub async fn list_providers(app: &App, organisation: Option<i64>) -> Result<Vec<IdentityProvider>> {
    rows_as(app.db.rows(list_stmt(organisation, None)).await?)
}

/// One of them.
pub async fn find_provider(
    app: &App,
    organisation: Option<i64>,
    slug: &str,
) -> Result<Option<IdentityProvider>> {
    first_as(app.db.rows(list_stmt(organisation, Some(slug))).await?)
}

/// The provider with an id.
pub async fn load_provider(app: &App, id: &str) -> Result<Option<IdentityProvider>> {
    let statement = Statement::new(
        "select p.id, p.organisation_id, coalesce(o.slug, 'instance') as owner, p.slug, p.kind, p.name, p.base_url, p.client_id, p.sealed_client_secret,
                p.groups_claim, p.created_at, p.changed_at, 0 as people
         from identity_providers p left join organisations o on o.id = p.organisation_id
         where p.id = ?1 and o.deleted_at is null",
    )
    .bind(id);
    first_as(
        app.db
            .rows(statement)
            .await
            .map_err(Error::or_unavailable)?,
    )
}

/// Changes name, client and claim of a provider, and nothing else of it.
pub async fn update_provider(app: &App, provider: &IdentityProvider) -> Result<()> {
    let statement = Statement::new(
        "update identity_providers
         set name = ?2, client_id = ?3, sealed_client_secret = ?4, groups_claim = ?5, changed_at = ?6
         where id = ?1",
    )
    .bind(&provider.id)
    .bind(&provider.name)
    .bind(&provider.client_id)
    .bind(&provider.sealed_client_secret)
    .bind(provider.groups_claim.clone())
    .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}

/// Removes a provider with the identities that people have there. Their logins by it end, and they leave the teams that
/// they are in by its groups.
pub async fn delete_provider(app: &App, id: &str) -> Result<()> {
    let now = app.now();
    app.db
        .batch(vec![
            Statement::new(
                "update members set grant_changed_at = max(?2, grant_changed_at + 1)
                 where exists (select 1 from group_memberships g join teams t on t.id = g.team_id
                               where g.provider_id = ?1 and g.account_id = members.account_id
                                 and t.organisation_id = members.organisation_id)",
            )
            .bind(id)
            .bind(now),
            Statement::new(
                "delete from team_members
                 where exists (select 1 from group_memberships g
                               where g.provider_id = ?1 and g.team_id = team_members.team_id
                                 and g.account_id = team_members.account_id)",
            )
            .bind(id),
            Statement::new(
                "update logins set ended_at = ?2 where provider_id = ?1 and ended_at is null",
            )
            .bind(id)
            .bind(now),
            Statement::new("delete from identities where provider_id = ?1").bind(id),
            Statement::new("delete from identity_providers where id = ?1").bind(id),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(())
}

row! {
    /// A provider as a sign-in page offers it.
    #[derive(Debug, Clone)]
    pub struct Offered {
        /// Its id.
        pub id: String,
        /// What its button says.
        pub name: String,
        /// 1 when it is the organisation's own.
        pub is_organisations: i64,
    }
}

/// Who can be signed in by: the instance's providers, and those of the organisation with this slug; and what that is
/// called, if there is one which has providers or wants its members to sign in by one.
pub async fn list_offered(app: &App, slug: &str) -> Result<(Vec<Offered>, Option<String>)> {
    row! {
        struct Named {
            name: String,
        }
    }
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "select p.id, p.name, iif(p.organisation_id is null, 0, 1) as is_organisations
                 from identity_providers p left join organisations o on o.id = p.organisation_id
                 where p.organisation_id is null or (o.slug = ?1 and o.deleted_at is null)
                 order by is_organisations desc, p.name, p.slug limit 50",
            )
            .bind(slug),
            // Of one that has neither nobody is told whether it is there.
            Statement::new(
                "select o.name from organisations o
                 where o.slug = ?1 and o.deleted_at is null
                   and (exists (select 1 from identity_providers p where p.organisation_id = o.id)
                        or exists (select 1 from sign_in_rules r
                                   where r.organisation_id = o.id and (r.enforced <> 'off' or r.registration = 'open')))",
            )
            .bind(slug),
        ])
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let offered = rows_as(rows.next().unwrap_or_default())?;
    let named = first_as::<Named>(rows.next().unwrap_or_default())?;
    Ok((offered, named.map(|named| named.name)))
}
