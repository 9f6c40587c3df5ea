//! What signing in needs of the database: passwords, how often somebody tried, and links to choose another password.

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::domain::email::Email;
use crate::domain::token::{PlainToken, TokenHash};
use crate::error::{Error, Result};
use crate::ports::db::{first_as, row};
use crate::ports::{Row, Statement};
use crate::store::audit::note_refused_stmt;
use crate::store::logins::{Ending, NewLogin, end_logins_stmt, insert_login_stmts};

/// Attempts are counted for so many seconds.
pub const WINDOW: i64 = 900;
/// For one account from one address.
const MOST_OF_ONE: i64 = 8;
/// From one address, for whatever accounts: an office has one.
const MOST_FROM_ADDRESS: i64 = 60;
/// For one account, from wherever: guessing from a thousand addresses is no faster.
const MOST_FOR_ACCOUNT: i64 = 60;
/// A link to choose another password is good for so many seconds: a day.
pub const RESET_LASTS: i64 = 86_400;

row! {
    /// Somebody who may sign in.
    #[derive(Debug, Clone)]
    pub struct SignInAccount {
        /// The account's id.
        pub id: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub name: String,
        /// Of her password; none when she has none.
        pub hash: Option<String>,
        /// 1 when a second factor is asked for.
        pub has_second_factor: i64,
    }
}

/// What an attempt found.
pub struct Attempt {
    /// The account of the address; none when there is none.
    pub account: Option<SignInAccount>,
    /// Whether there were too many attempts of late, this one included.
    pub is_too_many: bool,
    keys: [String; 3],
}

pub(super) fn key_of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    hex::encode(digest.finalize())
}

fn count_stmt(key: &str, now: i64) -> Statement {
    Statement::new(
        "insert into sign_in_attempts (key, count, began_at) values (?1, 1, ?2)
         on conflict (key) do update
         set count = iif(began_at <= ?3, 1, count + 1), began_at = iif(began_at <= ?3, ?2, began_at)
         returning count",
    )
    .bind(key)
    .bind(now)
    .bind(now.saturating_sub(WINDOW))
}

/// Whether one of what was counted is more than it may be.
fn read_counts(rows: &mut impl Iterator<Item = Vec<Row>>, most: &[i64]) -> Result<bool> {
    row! {
        struct Counted {
            count: i64,
        }
    }
    let mut is_too_many = false;
    for most in most {
        let counted = first_as::<Counted>(rows.next().unwrap_or_default())?;
        is_too_many |= counted.is_some_and(|counted| counted.count > *most);
    }
    Ok(is_too_many)
}

/// An attempt at a second factor.
pub struct CodeAttempt {
    /// Whether there were too many attempts of late, this one included.
    pub is_too_many: bool,
    pub(super) key: String,
}

/// Counts an attempt at the second factor of an account, before it is known how it ends. Six digits are few: what counts is
/// the account, from wherever it is tried.
pub async fn begin_code_attempt(app: &App, account: &str, address: &str) -> Result<CodeAttempt> {
    let now = app.now();
    let key = key_of(&["code", account]);
    let statements = vec![
        count_stmt(&key, now),
        count_stmt(&key_of(&["address", address]), now),
    ];
    let rows = app
        .db
        .batch(statements)
        .await
        .map_err(Error::or_unavailable)?;
    let most = [MOST_OF_ONE, MOST_FROM_ADDRESS];
    Ok(CodeAttempt {
        is_too_many: read_counts(&mut rows.into_iter(), &most)?,
        key,
    })
}

/// The statement that forgets attempts of one kind, and those of long ago.
fn forget_attempts_stmt(key: &str, now: i64) -> Statement {
    Statement::new("delete from sign_in_attempts where key = ?1 or began_at < ?2")
        .bind(key)
        .bind(now.saturating_sub(WINDOW))
}

/// Counts an attempt, and reads what it needs, in one batch: it is counted before it is known how it ends, so that any
/// number at once are all counted. The same statements run whether the account exists or not.
pub async fn begin_attempt(app: &App, email: &str, address: &str) -> Result<Attempt> {
    let now = app.now();
    let keys = [
        key_of(&["both", email, address]),
        key_of(&["address", address]),
        key_of(&["account", email]),
    ];
    let mut statements: Vec<_> = keys.iter().map(|key| count_stmt(key, now)).collect();
    statements.push(
        Statement::new(
            "select a.id, a.email, a.name, p.hash,
                    exists (select 1 from second_factors f where f.account_id = a.id) as has_second_factor
             from accounts a left join passwords p on p.account_id = a.id where a.email = ?1",
        )
        .bind(email),
    );
    let rows = app
        .db
        .batch(statements)
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let most = [MOST_OF_ONE, MOST_FROM_ADDRESS, MOST_FOR_ACCOUNT];
    let is_too_many = read_counts(&mut rows, &most)?;
    Ok(Attempt {
        account: first_as(rows.next().unwrap_or_default())?,
        is_too_many,
        keys,
    })
}

/// Writes down that an attempt was refused, in the audit log where the address is somebody's. The same statement runs where
/// it is nobody's. Not called where there were too many: then there is a line for each of the first ones.
pub async fn note_refused(app: &App, email: &str, why: &'static str) -> Result<()> {
    app.db.rows(note_refused_stmt(email, why)).await.map(|_| ())
}

/// Begins the login of an attempt that went well, and forgets how often it was tried.
pub async fn end_attempt(app: &App, attempt: &Attempt, login: &NewLogin<'_>) -> Result<()> {
    let now = app.now();
    let mut statements = insert_login_stmts(login, now);
    let [both, ..] = &attempt.keys;
    statements.push(forget_attempts_stmt(both, now));
    app.db.batch(statements).await.map(|_| ())
}

/// Forgets how often it was tried before an attempt that went well, where no login begins with it.
pub async fn forget_attempts(app: &App, attempt: &Attempt) -> Result<()> {
    let [both, ..] = &attempt.keys;
    let statement = forget_attempts_stmt(both, app.now());
    app.db.rows(statement).await.map(|_| ())
}

/// The statement that gives an account a password.
pub fn set_password_stmt(account: &str, hash: &str, now: i64) -> Statement {
    Statement::new(
        "insert into passwords (account_id, hash, changed_at) values (?1, ?2, ?3)
         on conflict (account_id) do update set hash = excluded.hash, changed_at = excluded.changed_at",
    )
    .bind(account)
    .bind(hash)
    .bind(now)
}

/// The hash of an account's password.
pub async fn find_password(app: &App, account: &str) -> Result<Option<String>> {
    row! {
        struct Found {
            hash: String,
        }
    }
    let statement =
        Statement::new("select hash from passwords where account_id = ?1").bind(account);
    Ok(first_as::<Found>(app.db.rows(statement).await?)?.map(|found| found.hash))
}

/// Gives an account another password, and ends all of its logins but one.
pub async fn change_password(app: &App, account: &str, hash: &str, login: &str) -> Result<()> {
    let now = app.now();
    let statements = vec![
        set_password_stmt(account, hash, now),
        end_logins_stmt(account, Ending::AllBut(login), now),
    ];
    app.db.batch(statements).await.map(|_| ())
}

/// Whether somebody owns the instance.
pub async fn has_owner(app: &App) -> Result<bool> {
    let statement = Statement::new("select id from accounts where owns_instance = 1 limit 1");
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// The first owner.
#[derive(Debug, Clone)]
pub struct FirstOwner<'a> {
    /// The id of the account, should there be none with this address.
    pub account: &'a str,
    /// Her address.
    pub email: &'a Email,
    /// Her name.
    pub name: &'a str,
    /// Of her password.
    pub hash: &'a str,
}

/// Makes the first owner, of the instance and of its organisations, with a login. `before` are statements that come first.
/// Whether it did: there is a first one once. `login.account` is not looked at.
pub async fn make_first_owner(
    app: &App,
    before: Vec<Statement>,
    owner: &FirstOwner<'_>,
    login: &NewLogin<'_>,
) -> Result<bool> {
    let now = app.now();
    let mut statements = before;
    // All that follows goes by the account that owns the instance, which is made here or not at all.
    statements.push(
        Statement::new(
            "insert into accounts (id, email, name, created_at)
             select ?1, ?2, ?3, ?4 where not exists (select 1 from accounts where owns_instance = 1)
             on conflict (email) do nothing",
        )
        .bind(owner.account)
        .bind(owner.email.as_str())
        .bind(owner.name)
        .bind(now),
    );
    let first = statements.len();
    statements.push(
        Statement::new(
            "update accounts set owns_instance = 1
             where email = ?1 and not exists (select 1 from accounts where owns_instance = 1)
             returning id",
        )
        .bind(owner.email.as_str()),
    );
    // A second attempt by the same address finds the login of the first. What follows goes by the hash, which has a salt.
    statements.push(
        Statement::new(
            "insert into passwords (account_id, hash, changed_at)
             select a.id, ?2, ?3 from accounts a
             where a.email = ?1 and a.owns_instance = 1
               and not exists (select 1 from logins l where l.account_id = a.id and l.method = 'first_start')
             on conflict (account_id) do update set hash = excluded.hash, changed_at = excluded.changed_at",
        )
        .bind(owner.email.as_str())
        .bind(owner.hash)
        .bind(now),
    );
    statements.push(
        Statement::new(
            "insert into members (organisation_id, account_id, role, created_at, grant_changed_at, display_name)
             select o.id, a.id, 'owner', ?3, ?3, ?4
             from organisations o join accounts a on a.email = ?1 and a.owns_instance = 1
                  join passwords p on p.account_id = a.id and p.hash = ?2
             where o.parent_id is null and o.deleted_at is null
             on conflict (organisation_id, account_id) do nothing",
        )
        .bind(owner.email.as_str())
        .bind(owner.hash)
        .bind(now)
        .bind(owner.name),
    );
    statements.push(
        Statement::new(
            "insert into logins (id, hash, account_id, method, created_at, last_used_at, expires_at, address, user_agent)
             select ?1, ?2, a.id, ?3, ?4, ?4, ?5, ?6, ?7
             from accounts a join passwords p on p.account_id = a.id and p.hash = ?9 where a.email = ?8",
        )
        .bind(login.id)
        .bind(login.secret.as_str())
        .bind(login.method)
        .bind(now)
        .bind(now.saturating_add(crate::store::logins::LONGEST))
        .bind(login.address.clone())
        .bind(login.user_agent.clone())
        .bind(owner.email.as_str())
        .bind(owner.hash),
    );
    if let Some(old) = &login.replaces {
        statements.push(
            Statement::new(
                "update logins set ended_at = ?2
                 where hash = ?1 and ended_at is null and exists (select 1 from passwords where hash = ?3)",
            )
            .bind(old.as_str())
            .bind(now)
            .bind(owner.hash),
        );
    }
    let rows = app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(rows.get(first).is_some_and(|rows| !rows.is_empty()))
}

row! {
    /// A link to choose another password, and whose.
    #[derive(Debug, Clone)]
    pub struct Reset {
        /// The account's id.
        pub account: String,
        /// Her address.
        pub email: String,
        /// Her name.
        pub name: String,
    }
}

/// Makes a link by which somebody can choose another password; those made before are good no more.
pub async fn insert_reset(app: &App, id: &str, account: &str, secret: &PlainToken) -> Result<()> {
    let now = app.now();
    let statements = vec![
        Statement::new("delete from password_resets where account_id = ?1 and used_at is null")
            .bind(account),
        Statement::new(
            "insert into password_resets (id, hash, account_id, created_at, expires_at) values (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(secret.hash().as_str())
        .bind(account)
        .bind(now)
        .bind(now.saturating_add(RESET_LASTS)),
    ];
    app.db.batch(statements).await.map(|_| ())
}

/// Finds a link that is good.
pub async fn find_reset(app: &App, secret: &TokenHash) -> Result<Option<Reset>> {
    let statement = Statement::new(
        "select a.id as account, a.email, a.name from password_resets r join accounts a on a.id = r.account_id
         where r.hash = ?1 and r.used_at is null and r.expires_at > ?2",
    )
    .bind(secret.as_str())
    .bind(app.now());
    first_as(app.db.rows(statement).await?)
}

/// Uses a link: another password, and no login is left that there was. Whether it did: it is good once.
pub async fn use_reset(app: &App, secret: &TokenHash, hash: &str) -> Result<bool> {
    let now = app.now();
    let statements = vec![
        Statement::new(
            "insert into passwords (account_id, hash, changed_at)
             select account_id, ?2, ?3 from password_resets where hash = ?1 and used_at is null and expires_at > ?3
             on conflict (account_id) do update set hash = excluded.hash, changed_at = excluded.changed_at",
        )
        .bind(secret.as_str())
        .bind(hash)
        .bind(now),
        Statement::new(
            "update logins set ended_at = ?2
             where ended_at is null
               and account_id in (select account_id from password_resets
                                  where hash = ?1 and used_at is null and expires_at > ?2)",
        )
        .bind(secret.as_str())
        .bind(now),
        Statement::new(
            "update password_resets set used_at = ?2 where hash = ?1 and used_at is null and expires_at > ?2 returning id",
        )
        .bind(secret.as_str())
        .bind(now),
    ];
    let rows = app.db.batch(statements).await?;
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Whether somebody owns the instance, or is a member of another organisation than this one.
pub async fn is_elsewhere(app: &App, account: &str, organisation: i64) -> Result<bool> {
    let statement = Statement::new(
        "select id from accounts a
         where a.id = ?1 and (a.owns_instance = 1
               or exists (select 1 from members m where m.account_id = a.id and m.organisation_id <> ?2))",
    )
    .bind(account)
    .bind(organisation);
    Ok(!app.db.rows(statement).await?.is_empty())
}
