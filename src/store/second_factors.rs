//! Second factors of people: codes of an app, and recovery codes. The secret that codes are made of is sealed.

use crate::app::App;
use crate::domain::one_time_code::CodeSecret;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row};
use crate::store::audit::{note_codes_replaced_stmt, note_second_factor_removed_stmt};
use crate::store::logins::{Ending, LONGEST, NewLogin, end_logins_stmt, forget_logins_stmt};
use crate::store::passwords::CodeAttempt;

row! {
    /// The second factor of an account.
    #[derive(Debug, Clone)]
    pub struct SecondFactor {
        /// Unix second since when.
        pub created_at: i64,
        /// Recovery codes that nobody has used.
        pub codes_left: i64,
    }
}

/// The second factor of an account, if it has one.
pub async fn find_second_factor(app: &App, account: &str) -> Result<Option<SecondFactor>> {
    let statement = Statement::new(
        "select f.created_at,
                (select count(*) from recovery_codes c where c.account_id = f.account_id and c.used_at is null)
                    as codes_left
         from second_factors f where f.account_id = ?1",
    )
    .bind(account);
    first_as(app.db.rows(statement).await?)
}

/// What the secret of an account is sealed for. Never to change: sealed texts are stored.
fn context(account: &str) -> String {
    format!("account:{account}:second-factor")
}

/// A second factor that is about to be.
#[derive(Debug)]
pub struct NewSecondFactor<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// What codes are made of.
    pub secret: &'a CodeSecret,
    /// The step of the code that proved that she has it.
    pub step: i64,
    /// The hashes of her recovery codes.
    pub codes: &'a [String],
    /// The login that stays; all others end.
    pub login: &'a str,
}

/// Gives an account a second factor. A conflict where it has one already.
pub async fn insert_second_factor(app: &App, new: &NewSecondFactor<'_>) -> Result<()> {
    let now = app.now();
    let sealed = app
        .vault
        .seal(&context(new.account), &new.secret.reveal())
        .await?;
    let statements = vec![
        Statement::new(
            "insert into second_factors (account_id, sealed_secret, created_at, last_step) values (?1, ?2, ?3, ?4)",
        )
        .bind(new.account)
        .bind(sealed)
        .bind(now)
        .bind(new.step),
        insert_codes_stmt(new.account, new.codes)?,
        end_logins_stmt(new.account, Ending::AllBut(new.login), now),
    ];
    app.db.batch(statements).await.map(|_| ())
}

fn insert_codes_stmt(account: &str, codes: &[String]) -> Result<Statement> {
    let codes = json_list(codes.iter().map(String::as_str))?;
    Ok(Statement::new(
        "insert into recovery_codes (account_id, hash)
         select f.account_id, x.value from second_factors f join json_each(?2) x where f.account_id = ?1",
    )
    .bind(account)
    .bind(codes))
}

fn delete_codes_stmt(account: &str) -> Statement {
    Statement::new("delete from recovery_codes where account_id = ?1").bind(account)
}

/// Gives an account with a second factor other recovery codes in place of those that it has.
pub async fn replace_codes(app: &App, account: &str, codes: &[String]) -> Result<()> {
    let statements = vec![
        note_codes_replaced_stmt(account),
        delete_codes_stmt(account),
        insert_codes_stmt(account, codes)?,
    ];
    app.db.batch(statements).await.map(|_| ())
}

/// Takes the second factor of an account off, and ends logins of it. Whether there was one; else nothing ends.
pub async fn remove_second_factor(app: &App, account: &str, ending: Ending<'_>) -> Result<bool> {
    if find_second_factor(app, account).await?.is_none() {
        return Ok(false);
    }
    let statements = vec![
        note_second_factor_removed_stmt(account),
        delete_codes_stmt(account),
        Statement::new("delete from second_factors where account_id = ?1").bind(account),
        end_logins_stmt(account, ending, app.now()),
    ];
    app.db.batch(statements).await.map(|_| true)
}

row! {
    /// Somebody whose password was right, and whose second factor is awaited.
    #[derive(Debug, Clone)]
    pub struct HalfLogin {
        /// The account's id.
        pub account: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub name: String,
        sealed_secret: String,
    }
}

impl HalfLogin {
    /// What her codes are made of.
    pub async fn open_secret(&self, app: &App) -> Result<CodeSecret> {
        let text = app
            .vault
            .open(&context(&self.account), &self.sealed_secret)
            .await?;
        CodeSecret::parse(&text).ok_or_else(|| Error::internal("a sealed secret of codes is none"))
    }
}

/// Whose login waits for a second factor. None when it waited too long, and when there is none any more.
pub async fn find_half_login(app: &App, secret: &TokenHash) -> Result<Option<HalfLogin>> {
    let statement = Statement::new(
        "select a.id as account, a.email, a.name, f.sealed_secret
         from logins l join accounts a on a.id = l.account_id join second_factors f on f.account_id = a.id
         where l.hash = ?1 and l.is_half = 1 and l.ended_at is null and l.expires_at > ?2",
    )
    .bind(secret.as_str())
    .bind(app.now());
    let rows = app.db.rows(statement).await;
    first_as(rows.map_err(Error::or_unavailable)?)
}

/// What stands for the second factor.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// A code of this step.
    Step(i64),
    /// The recovery code with this hash.
    RecoveryCode(&'a str),
}

/// Begins the login that waited, in place of the one that did, and forgets how often it was tried. Whether it did: the half
/// login must still wait, no code of this step or of a later one may have been taken, and no recovery code twice.
pub async fn complete_login(
    app: &App,
    half: &TokenHash,
    proof: Proof<'_>,
    attempt: &CodeAttempt,
    login: &NewLogin<'_>,
) -> Result<bool> {
    let now = app.now();
    let (step, code) = match proof {
        Proof::Step(step) => (Some(step), None),
        Proof::RecoveryCode(hash) => (None, Some(hash)),
    };
    // The login first: what is used up by it is not yet. All else happens where it has begun.
    let insert = Statement::new(
        "insert into logins (id, hash, account_id, method, is_half, created_at, last_used_at, expires_at, address,
                             user_agent)
         select ?1, ?2, h.account_id, ?3, 0, ?4, ?4, ?5, ?6, ?7 from logins h
         where h.hash = ?8 and h.is_half = 1 and h.ended_at is null and h.expires_at > ?4
           and (exists (select 1 from second_factors f where f.account_id = h.account_id and f.last_step < ?9)
                or exists (select 1 from recovery_codes c
                           where c.account_id = h.account_id and c.hash = ?10 and c.used_at is null))
         returning id",
    )
    .bind(login.id)
    .bind(login.secret.as_str())
    .bind(login.method)
    .bind(now)
    .bind(now.saturating_add(LONGEST))
    .bind(login.address.clone())
    .bind(login.shown_agent())
    .bind(half.as_str())
    .bind(step)
    .bind(code);
    let used = match proof {
        Proof::Step(step) => Statement::new(
            "update second_factors set last_step = ?2
             where account_id = ?1 and last_step < ?2 and exists (select 1 from logins where id = ?3)",
        )
        .bind(login.account)
        .bind(step)
        .bind(login.id),
        Proof::RecoveryCode(hash) => Statement::new(
            "update recovery_codes set used_at = ?4
             where account_id = ?1 and hash = ?2 and used_at is null and exists (select 1 from logins where id = ?3)",
        )
        .bind(login.account)
        .bind(hash)
        .bind(login.id)
        .bind(now),
    };
    let statements = vec![
        insert,
        used,
        Statement::new(
            "update logins set ended_at = ?2
             where hash = ?1 and is_half = 1 and ended_at is null and exists (select 1 from logins where id = ?3)",
        )
        .bind(half.as_str())
        .bind(now)
        .bind(login.id),
        Statement::new(
            "delete from sign_in_attempts where key = ?1 and exists (select 1 from logins where id = ?2)",
        )
        .bind(&attempt.key)
        .bind(login.id),
        forget_logins_stmt(now),
    ];
    let rows = app.db.batch(statements).await?;
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}
