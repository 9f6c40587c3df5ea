//! Tokens: only their hashes, what they are limited to, and what became of them.

use crate::app::App;
use crate::domain::access::{Abilities, Access};
use crate::domain::token::{PlainToken, TokenHash};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

/// A rotation whose answer was lost may be asked for again for so long, in seconds, while nobody used what it made.
const RETRY: i64 = 600;

/// Whose a new token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// A machine of the organisation; the owner of the instance when there is none.
    Machine,
    /// A person, by her account.
    Person(&'a str),
    /// Somebody packages are sold to, by the customer's id.
    Customer(&'a str),
}

impl<'a> Holder<'a> {
    /// As stored and as the API spells it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Person(_) => "personal",
            Self::Customer(_) => "customer",
        }
    }

    fn account(self) -> Option<&'a str> {
        match self {
            Self::Person(account) => Some(account),
            _ => None,
        }
    }

    fn customer(self) -> Option<&'a str> {
        match self {
            Self::Customer(customer) => Some(customer),
            _ => None,
        }
    }
}

/// What a token is called, may do, and is limited to.
#[derive(Debug, Clone)]
pub struct TokenTerms {
    /// What it is for, in somebody's words.
    pub name: String,
    /// What it may do; of a person's token at most what her role allows.
    pub abilities: Abilities,
    /// JSON list of repository slugs; none for all.
    pub repositories: Option<String>,
    /// JSON list of package globs; none for all.
    pub packages: Option<String>,
    /// JSON list of networks; none for any address.
    pub networks: Option<String>,
    /// Whether it sees only what was granted to it.
    pub only_granted: bool,
    /// Unix second from which on it is no longer valid.
    pub expires_at: Option<i64>,
}

impl TokenTerms {
    /// The list of abilities, where none of the usual sets says it all.
    fn stored_abilities(&self) -> Option<String> {
        Access::of(self.abilities)
            .is_none()
            .then(|| self.abilities.to_json())
    }
}

/// The statement that stores a new token.
pub fn insert_token_stmt(
    id: &str,
    organisation: Option<i64>,
    holder: Holder<'_>,
    terms: &TokenTerms,
    token: &PlainToken,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into tokens (id, organisation_id, name, access, hash, hint, repositories, packages, created_at,
                             grant_changed_at, expires_at, kind, account_id, customer_id, abilities, networks,
                             only_granted)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
    .bind(id)
    .bind(organisation)
    .bind(terms.name.as_str())
    .bind(Access::within(terms.abilities).as_str())
    .bind(token.hash().as_str())
    .bind(token.hint())
    .bind(terms.repositories.clone())
    .bind(terms.packages.clone())
    .bind(now)
    .bind(terms.expires_at)
    .bind(holder.kind())
    .bind(holder.account())
    .bind(holder.customer())
    .bind(terms.stored_abilities())
    .bind(terms.networks.clone())
    .bind(terms.only_granted)
}

row! {
    /// A token as lists show it.
    #[derive(Debug, Clone)]
    pub struct TokenRow {
        /// Its id.
        pub id: String,
        /// `machine`, `personal` or `customer`.
        pub kind: String,
        /// What it is for.
        pub name: String,
        /// The usual set of abilities it has, or the greatest within them.
        pub access: String,
        /// JSON list of abilities; none for those of `access`.
        pub abilities: Option<String>,
        /// Its first characters.
        pub hint: String,
        /// JSON list of slugs; none for all.
        pub repositories: Option<String>,
        /// JSON list of globs; none for all.
        pub packages: Option<String>,
        /// JSON list of networks; none for any address.
        pub networks: Option<String>,
        /// 1 when it sees only what was granted to it.
        pub only_granted: i64,
        /// `active`, `expired` or `revoked`.
        pub state: String,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub expires_at: Option<i64>,
        /// Unix seconds.
        pub revoked_at: Option<i64>,
        /// The token that a rotation made in its place.
        pub replaced_by: Option<String>,
        /// Unix seconds.
        pub last_used_at: Option<i64>,
        /// The address it was last used from.
        pub last_used_address: Option<String>,
        /// The program it was last used by.
        pub last_used_client: Option<String>,
        /// The account of a person's token.
        pub account_id: Option<String>,
        /// What the person is called in the organisation; none when she left it.
        pub account_name: Option<String>,
        /// What she is in it.
        pub role: Option<String>,
        /// The customer of a customer's token.
        pub customer_id: Option<String>,
        /// What the customer is called.
        pub customer_name: Option<String>,
    }
}

impl TokenRow {
    /// What it may do, whatever the role of its person.
    pub fn abilities(&self) -> Result<Abilities> {
        match &self.abilities {
            Some(text) => Abilities::from_json(text).map_err(Error::internal),
            None => Access::parse(&self.access)
                .map(Access::abilities)
                .ok_or_else(|| Error::internal(format!("unknown access `{}`", self.access))),
        }
    }
}

/// Which tokens of an organisation are wanted. What is none is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenFilter<'a> {
    /// The one with this id.
    pub id: Option<&'a str>,
    /// `machine`, `personal` or `customer`.
    pub kind: Option<&'a str>,
    /// Those of a person.
    pub account: Option<&'a str>,
    /// Those of a customer.
    pub customer: Option<&'a str>,
    /// `active`, `expired` or `revoked`.
    pub state: Option<&'a str>,
    /// Those that come after this one.
    pub after: Option<&'a str>,
}

/// Tokens of an organisation, newest first, at most `limit`.
pub async fn list_tokens(
    app: &App,
    organisation: i64,
    filter: &TokenFilter<'_>,
    limit: i64,
) -> Result<Vec<TokenRow>> {
    let statement = Statement::new(
        "select t.id, t.kind, t.name, t.access, t.abilities, t.hint, t.repositories, t.packages, t.networks,
                t.only_granted, t.created_at, t.expires_at, t.revoked_at, t.replaced_by, t.last_used_at,
                t.last_used_address, t.last_used_client, t.account_id, coalesce(m.display_name, a.name) as account_name, m.role,
                t.customer_id, c.name as customer_name,
                iif(t.revoked_at is not null, 'revoked',
                    iif(t.expires_at is not null and t.expires_at <= ?7, 'expired', 'active')) as state
         from tokens t left join members m on m.organisation_id = t.organisation_id and m.account_id = t.account_id
                       left join accounts a on a.id = m.account_id
                       left join customers c on c.id = t.customer_id
                       left join tokens b on b.id = ?8 and b.organisation_id = t.organisation_id
         where t.organisation_id = ?1 and (?2 is null or t.id = ?2) and (?3 is null or t.kind = ?3)
           and (?4 is null or t.account_id = ?4) and (?5 is null or t.customer_id = ?5)
           and (?6 is null or ?6 = iif(t.revoked_at is not null, 'revoked',
                    iif(t.expires_at is not null and t.expires_at <= ?7, 'expired', 'active')))
           and (?8 is null or t.created_at < b.created_at or (t.created_at = b.created_at and t.id > b.id))
         order by t.created_at desc, t.id limit ?9",
    )
    .bind(organisation)
    .bind(filter.id)
    .bind(filter.kind)
    .bind(filter.account)
    .bind(filter.customer)
    .bind(filter.state)
    .bind(app.now())
    .bind(filter.after)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// Finds a token of an organisation, be it revoked.
pub async fn find_token(app: &App, organisation: i64, id: &str) -> Result<Option<TokenRow>> {
    let filter = TokenFilter {
        id: Some(id),
        ..TokenFilter::default()
    };
    let found = list_tokens(app, organisation, &filter, 1).await?;
    Ok(found.into_iter().next())
}

/// What a token of an organisation is looked up by.
pub async fn find_hash(app: &App, organisation: i64, id: &str) -> Result<Option<TokenHash>> {
    row! {
        struct Found {
            hash: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new("select hash from tokens where id = ?1 and organisation_id = ?2")
                .bind(id)
                .bind(organisation),
        )
        .await?;
    let found: Option<Found> = first_as(rows)?;
    Ok(found.map(|found| TokenHash::stored(found.hash)))
}

/// Gives a token of an organisation other terms; whether there was one in force. All that it sees may have changed with
/// anything but its name, so that whatever is asked with it is answered in full.
pub async fn update_token(
    app: &App,
    organisation: i64,
    id: &str,
    terms: &TokenTerms,
    is_renamed_only: bool,
) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens
                 set name = ?3, access = ?4, abilities = ?5, repositories = ?6, packages = ?7, networks = ?8,
                     only_granted = ?9, expires_at = ?10,
                     grant_changed_at = iif(?11, grant_changed_at, max(?12, grant_changed_at + 1))
                 where id = ?1 and organisation_id = ?2 and revoked_at is null
                 returning id",
            )
            .bind(id)
            .bind(organisation)
            .bind(terms.name.as_str())
            .bind(Access::within(terms.abilities).as_str())
            .bind(terms.stored_abilities())
            .bind(terms.repositories.clone())
            .bind(terms.packages.clone())
            .bind(terms.networks.clone())
            .bind(terms.only_granted)
            .bind(terms.expires_at)
            .bind(is_renamed_only)
            .bind(app.now()),
        )
        .await?;
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}

/// Revokes a token of an organisation; whether there was one in force.
pub async fn revoke_token(app: &App, organisation: i64, id: &str) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens set revoked_at = ?3
                 where id = ?1 and organisation_id = ?2 and revoked_at is null
                 returning id",
            )
            .bind(id)
            .bind(organisation)
            .bind(app.now()),
        )
        .await?;
    // In this isolate at once, elsewhere when what is remembered there ages.
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}

row! {
    /// A token of the instance's owner as lists show it.
    #[derive(Debug, Clone)]
    pub struct OwnerTokenRow {
        /// Its id.
        pub id: String,
        /// What it is for.
        pub name: String,
        /// Its first characters.
        pub hint: String,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub expires_at: Option<i64>,
        /// Unix seconds.
        pub revoked_at: Option<i64>,
        /// Unix seconds.
        pub last_used_at: Option<i64>,
    }
}

/// So many tokens of the instance's owner after one, newest first, revoked ones included; or the one with an id. A token is
/// known by when it was made and its id.
pub async fn list_owner_tokens(
    app: &App,
    id: Option<&str>,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<OwnerTokenRow>> {
    let (time, last) = after.unwrap_or((i64::from(i32::MAX), ""));
    let statement = Statement::new(
        "select id, name, hint, created_at, expires_at, revoked_at, last_used_at from tokens
         where organisation_id is null and (?1 is null or id = ?1)
           and (created_at < ?2 or (created_at = ?2 and id > ?3))
         order by created_at desc, id limit ?4",
    )
    .bind(id)
    .bind(time)
    .bind(last)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// Revokes a token of the instance's owner, but for `own`, with which it is asked; whether there was one in force.
pub async fn revoke_owner_token(app: &App, id: &str, own: &str) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens set revoked_at = ?3
                 where id = ?1 and id <> ?2 and organisation_id is null and revoked_at is null
                 returning id",
            )
            .bind(id)
            .bind(own)
            .bind(app.now()),
        )
        .await?;
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}

/// Puts a new token with the same terms and grants in the place of one that is in force, which ends at `ends_at`. Whether
/// it did: nobody else may have done so before.
pub async fn rotate_token(
    app: &App,
    organisation: i64,
    old: &str,
    new: &str,
    token: &PlainToken,
    ends_at: i64,
) -> Result<bool> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "insert into tokens (id, organisation_id, name, access, hash, hint, repositories, packages, created_at,
                                     grant_changed_at, expires_at, kind, account_id, customer_id, abilities, networks,
                                     only_granted)
                 select ?3, organisation_id, name, access, ?4, ?5, repositories, packages, ?6, ?6, expires_at, kind,
                        account_id, customer_id, abilities, networks, only_granted
                 from tokens
                 where id = ?1 and organisation_id = ?2 and revoked_at is null and replaced_by is null
                   and (expires_at is null or expires_at > ?6)",
            )
            .bind(old)
            .bind(organisation)
            .bind(new)
            .bind(token.hash().as_str())
            .bind(token.hint())
            .bind(app.now()),
            Statement::new(
                "insert into grants (id, organisation_id, subject, packages, collection_id, repositories, versions,
                                     released_until, released_after, minimum_stability, source, expires_at, keeps, note,
                                     created_at, changed_at)
                 select lower(hex(randomblob(15))), organisation_id, 'token:' || ?2, packages, collection_id,
                        repositories, versions, released_until, released_after, minimum_stability, source, expires_at,
                        keeps, note, created_at, changed_at
                 from grants
                 where subject = 'token:' || ?1 and exists (select 1 from tokens where id = ?2)",
            )
            .bind(old)
            .bind(new),
            Statement::new(
                "update tokens set replaced_by = ?3, expires_at = min(coalesce(expires_at, ?4), ?4)
                 where id = ?1 and organisation_id = ?2 and exists (select 1 from tokens where id = ?3)
                 returning id",
            )
            .bind(old)
            .bind(organisation)
            .bind(new)
            .bind(ends_at),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Gives a token that a rotation has just made another secret, as long as nobody used the one it has: the answer with it
/// was lost. Whether it did.
pub async fn renew_secret(
    app: &App,
    organisation: i64,
    id: &str,
    token: &PlainToken,
) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update tokens set hash = ?3, hint = ?4
                 where id = ?1 and organisation_id = ?2 and revoked_at is null and replaced_by is null
                   and last_used_at is null and created_at >= ?5
                 returning id",
            )
            .bind(id)
            .bind(organisation)
            .bind(token.hash().as_str())
            .bind(token.hint())
            .bind(app.now().saturating_sub(RETRY)),
        )
        .await?;
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}
