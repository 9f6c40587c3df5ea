//! Signed-in browsers: who looks at a page, and what there is to revoke.

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::audit::{AGENT_LIMIT, cut};
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::admission::{find_login_principal_stmt, read_principal};
use crate::store::organisations::{Organisation, find_organisation_stmt, read_organisation};

/// A login that nobody uses for so many seconds is over: a week.
pub const IDLE: i64 = 7 * 86_400;
/// A login is over after so many seconds whatever is done: 30 days.
pub const LONGEST: i64 = 30 * 86_400;
/// The second factor is awaited for so many seconds.
pub const HALF: i64 = 600;
/// How often the use of a login is written down, in seconds.
pub const NOTED_EVERY: i64 = 3_600;
/// Ended logins are kept for so many seconds, for who wonders what that was.
const KEPT: i64 = 30 * 86_400;

row! {
    /// Who is signed in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Visitor {
        /// The login's id.
        pub login: String,
        /// The account's id.
        pub account: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub name: String,
        /// 1 when she owns the instance, and did not sign in by a provider of an organisation.
        pub owns_instance: i64,
        /// 1 when she signed in by a provider of an organisation, which opens that alone.
        pub is_limited: i64,
        /// Unix second at which she signed in.
        pub began_at: i64,
        /// Unix second, by the hour.
        pub last_used_at: i64,
        memberships: String,
    }
}

/// An organisation that somebody can go to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Membership {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
}

impl Visitor {
    /// The organisations that she can go to, by name, at most 50.
    pub fn memberships(&self) -> Vec<Membership> {
        serde_json::from_str(&self.memberships).unwrap_or_default()
    }

    /// Whether she owns the instance.
    pub fn is_owner(&self) -> bool {
        self.owns_instance != 0
    }

    /// Whether she signed in by a provider of an organisation. Such a login opens that organisation and changes no way to
    /// sign in, since whoever runs the provider can make one.
    pub fn is_limited(&self) -> bool {
        self.is_limited != 0
    }
}

/// Logins with whose they are, and by which provider of the instance they came; by one of an organisation, `p` is nobody.
macro_rules! logins {
    () => {
        "logins l join accounts a on a.id = l.account_id
              left join identity_providers p on p.id = l.provider_id and p.organisation_id is null"
    };
}

/// Whether a login opens an organisation `o`.
macro_rules! opened {
    () => {
        "o.deleted_at is null
         and ((a.owns_instance = 1 and p.id is l.provider_id)
              or exists (select 1 from members m
                         where m.organisation_id = o.id and m.account_id = a.id
                           and (p.id is l.provider_id
                                or m.organisation_id = (select x.organisation_id from identity_providers x
                                                        where x.id = l.provider_id))))"
    };
}

fn find_visitor_stmt(secret: &TokenHash, now: i64) -> Statement {
    Statement::new(concat!(
        "select l.id as login, a.id as account, a.email, a.name, iif(p.id is l.provider_id, a.owns_instance, 0) as owns_instance,
                iif(p.id is l.provider_id, 0, 1) as is_limited, l.created_at as began_at, l.last_used_at,
                (select json_group_array(json_object('slug', slug, 'name', name))
                 from (select o.slug, o.name from organisations o
                       where ",
        opened!(),
        "              order by o.name, o.slug limit 50)) as memberships
         from ",
        logins!(),
        " where l.hash = ?1 and l.ended_at is null and l.is_half = 0 and l.expires_at > ?2 and l.last_used_at > ?3",
    ))
    .bind(secret.as_str())
    .bind(now)
    .bind(now.saturating_sub(IDLE))
}

/// So many organisations that somebody can go to with a login, by name, after one: all of them, where a [`Visitor`] has the
/// first ones.
pub async fn list_memberships(
    app: &App,
    login: &str,
    after: Option<&Membership>,
    limit: i64,
) -> Result<Vec<Membership>> {
    row! {
        struct Row {
            slug: String,
            name: String,
        }
    }
    let statement = Statement::new(concat!(
        "select o.slug, o.name from ",
        logins!(),
        " join organisations o on (o.name, o.slug) > (?2, ?3)
         where l.id = ?1 and ",
        opened!(),
        " order by o.name, o.slug limit ?4",
    ))
    .bind(login)
    .bind(after.map_or("", |one| one.name.as_str()))
    .bind(after.map_or("", |one| one.slug.as_str()))
    .bind(limit);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    let memberships = rows.into_iter().map(|row| Membership {
        slug: row.slug,
        name: row.name,
    });
    Ok(memberships.collect())
}

/// Who has a login in force.
pub async fn find_visitor(app: &App, secret: &TokenHash) -> Result<Option<Visitor>> {
    let rows = app.db.rows(find_visitor_stmt(secret, app.now())).await;
    first_as(rows.map_err(Error::or_unavailable)?)
}

/// Who has a login in force, and what she is at an organisation, in one batch. None for the second where there is no such
/// organisation, or she neither belongs to it nor manages it.
pub async fn find_visitor_at(
    app: &App,
    secret: &TokenHash,
    slug: &str,
) -> Result<(Option<Visitor>, Option<(Principal, Organisation)>)> {
    let now = app.now();
    let statements = vec![
        find_visitor_stmt(secret, now),
        find_login_principal_stmt(secret, slug),
        find_organisation_stmt(slug),
    ];
    let rows = app
        .db
        .batch(statements)
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let visitor = first_as(rows.next().unwrap_or_default())?;
    let principal = read_principal(rows.next().unwrap_or_default(), now)?;
    let organisation = read_organisation(rows.next().unwrap_or_default())?;
    Ok((visitor, principal.zip(organisation)))
}

/// Who has a login in force, and what she may do as the owner of the instance, in one batch. None for the second where she
/// is not.
pub async fn find_owner(
    app: &App,
    secret: &TokenHash,
) -> Result<(Option<Visitor>, Option<Principal>)> {
    let now = app.now();
    let statements = vec![
        find_visitor_stmt(secret, now),
        // No organisation has an empty slug, so this finds the owner alone.
        find_login_principal_stmt(secret, ""),
    ];
    let rows = app
        .db
        .batch(statements)
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let visitor = first_as(rows.next().unwrap_or_default())?;
    let principal = read_principal(rows.next().unwrap_or_default(), now)?;
    Ok((visitor, principal))
}

/// A login that begins.
#[derive(Debug, Clone)]
pub struct NewLogin<'a> {
    /// Its id.
    pub id: &'a str,
    /// The hash of its secret.
    pub secret: &'a TokenHash,
    /// Whose it is.
    pub account: &'a str,
    /// How she signed in.
    pub method: &'static str,
    /// Whether a second factor is awaited.
    pub is_half: bool,
    /// From where.
    pub address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The hash of the secret that the browser held until now: what that opened ends.
    pub replaces: Option<TokenHash>,
}

impl NewLogin<'_> {
    /// With what, as it is kept.
    pub(super) fn shown_agent(&self) -> Option<String> {
        self.user_agent
            .as_deref()
            .map(|agent| cut(agent, AGENT_LIMIT))
    }
}

/// The statement that forgets logins that ended long ago.
pub(super) fn forget_logins_stmt(now: i64) -> Statement {
    Statement::new("delete from logins where expires_at < ?1").bind(now.saturating_sub(KEPT))
}

/// The statements that begin a login, end the one that the browser had, and forget those that ended long ago.
pub fn insert_login_stmts(new: &NewLogin<'_>, now: i64) -> Vec<Statement> {
    let lasts = if new.is_half { HALF } else { LONGEST };
    let mut statements = vec![
        Statement::new(
            "insert into logins (id, hash, account_id, method, is_half, created_at, last_used_at, expires_at, address,
                                 user_agent)
             select ?1, ?2, id, ?4, ?5, ?6, ?6, ?7, ?8, ?9 from accounts where id = ?3",
        )
        .bind(new.id)
        .bind(new.secret.as_str())
        .bind(new.account)
        .bind(new.method)
        .bind(new.is_half)
        .bind(now)
        .bind(now.saturating_add(lasts))
        .bind(new.address.clone())
        .bind(new.shown_agent()),
        forget_logins_stmt(now),
    ];
    if let Some(old) = &new.replaces {
        statements.push(
            Statement::new("update logins set ended_at = ?2 where hash = ?1 and ended_at is null")
                .bind(old.as_str())
                .bind(now),
        );
    }
    statements
}

/// Writes down that a login is used.
pub async fn note_use(app: &App, login: &str) -> Result<()> {
    let statement =
        Statement::new("update logins set last_used_at = max(last_used_at, ?2) where id = ?1")
            .bind(login)
            .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}

row! {
    /// A login, as its person sees it.
    #[derive(Debug, Clone)]
    pub struct Login {
        /// Its id.
        pub id: String,
        /// How she signed in.
        pub method: String,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix second, by the hour.
        pub last_used_at: i64,
        /// Unix second at which it ends whatever is done.
        pub expires_at: i64,
        /// From where she signed in.
        pub address: Option<String>,
        /// With what.
        pub user_agent: Option<String>,
    }
}

/// The logins of an account that are in force, the last used first, at most 100.
pub async fn list_logins(app: &App, account: &str) -> Result<Vec<Login>> {
    let now = app.now();
    let statement = Statement::new(
        "select id, method, created_at, last_used_at, expires_at, address, user_agent from logins
         where account_id = ?1 and ended_at is null and is_half = 0 and expires_at > ?2 and last_used_at > ?3
         order by last_used_at desc, created_at desc, id limit 100",
    )
    .bind(account)
    .bind(now)
    .bind(now.saturating_sub(IDLE));
    rows_as(app.db.rows(statement).await?)
}

/// Which logins of an account are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// The one with this id.
    One(&'a str),
    /// All but the one with this id.
    AllBut(&'a str),
    /// All of them.
    All,
}

/// The statement that ends logins of an account.
pub fn end_logins_stmt(account: &str, ending: Ending<'_>, now: i64) -> Statement {
    let (one, others) = match ending {
        Ending::One(id) => (Some(id), None),
        Ending::AllBut(id) => (None, Some(id)),
        Ending::All => (None, None),
    };
    Statement::new(
        "update logins set ended_at = ?2
         where account_id = ?1 and ended_at is null and (?3 is null or id = ?3) and (?4 is null or id <> ?4)
         returning is_half",
    )
    .bind(account)
    .bind(now)
    .bind(one)
    .bind(others)
}

/// Ends logins of an account; how many there were, without those that waited for a second factor.
pub async fn end_logins(app: &App, account: &str, ending: Ending<'_>) -> Result<usize> {
    row! {
        struct Ended {
            is_half: i64,
        }
    }
    let rows = app
        .db
        .rows(end_logins_stmt(account, ending, app.now()))
        .await?;
    let ended = rows_as::<Ended>(rows)?;
    Ok(ended.iter().filter(|login| login.is_half == 0).count())
}
