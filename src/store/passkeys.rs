//! Passkeys of people, and which challenges were answered.

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::domain::passkey::{CHALLENGE, Known, PublicKey, Registered};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::audit::note_passkey_removed_stmt;
use crate::store::logins::{Ending, NewLogin, end_logins_stmt, insert_login_stmts};

/// The most passkeys that somebody has.
pub const MOST: usize = 20;

row! {
    /// A passkey, as its person sees it.
    #[derive(Debug, Clone)]
    pub struct Passkey {
        /// Its id.
        pub id: String,
        /// What the device calls it by, in base64url.
        pub credential: String,
        /// What she calls it.
        pub name: String,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix second; none when it was never used.
        pub last_used_at: Option<i64>,
    }
}

/// The passkeys of an account, the oldest first.
pub async fn list_passkeys(app: &App, account: &str) -> Result<Vec<Passkey>> {
    let statement = Statement::new(
        "select id, credential, name, created_at, last_used_at from passkeys
         where account_id = ?1 order by created_at, id limit 100",
    )
    .bind(account);
    rows_as(app.db.rows(statement).await?)
}

/// A challenge that was answered, and until when it could have been.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The challenge.
    pub challenge: &'a [u8; CHALLENGE],
    /// Unix second.
    pub expires_at: i64,
}

impl Answered<'_> {
    /// Notes it; a conflict where it was noted before, which undoes the whole batch.
    fn stmts(&self, now: i64) -> [Statement; 2] {
        [
            Statement::new("delete from answered_challenges where expires_at <= ?1").bind(now),
            Statement::new("insert into answered_challenges (hash, expires_at) values (?1, ?2)")
                .bind(hex::encode(Sha256::digest(self.challenge)))
                .bind(self.expires_at),
        ]
    }
}

/// A passkey that is about to be.
#[derive(Debug)]
pub struct NewPasskey<'a> {
    /// Its id.
    pub id: &'a str,
    /// Whose it is.
    pub account: &'a str,
    /// What the device calls it by, in base64url.
    pub credential: &'a str,
    /// What she calls it.
    pub name: &'a str,
    /// What the device said of it.
    pub registered: &'a Registered,
}

/// Gives an account a passkey. A conflict where the device's key is known, or its challenge was answered before.
pub async fn insert_passkey(app: &App, new: &NewPasskey<'_>, answered: Answered<'_>) -> Result<()> {
    let now = app.now();
    let (algorithm, key) = new.registered.key.stored();
    let mut statements = answered.stmts(now).to_vec();
    statements.push(
        Statement::new(
            "insert into passkeys (id, account_id, credential, algorithm, public_key, sign_count, is_syncable, name,
                                   created_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(new.id)
        .bind(new.account)
        .bind(new.credential)
        .bind(algorithm)
        .bind(key)
        .bind(i64::from(new.registered.sign_count))
        .bind(new.registered.is_syncable)
        .bind(new.name)
        .bind(now),
    );
    app.db.batch(statements).await.map(|_| ())
}

/// Removes a passkey of an account, and ends all of its logins but one: who removes it has lost it, as often as not.
/// Whether there was one.
pub async fn remove_passkey(app: &App, account: &str, id: &str, login: &str) -> Result<bool> {
    let known = list_passkeys(app, account).await?;
    if !known.iter().any(|one| one.id == id) {
        return Ok(false);
    }
    let statements = vec![
        note_passkey_removed_stmt(account, id),
        Statement::new("delete from passkeys where account_id = ?1 and id = ?2")
            .bind(account)
            .bind(id),
        end_logins_stmt(account, Ending::AllBut(login), app.now()),
    ];
    app.db.batch(statements).await.map(|_| true)
}

row! {
    /// A passkey that somebody signs in with, and whose it is.
    #[derive(Debug, Clone)]
    pub struct SignInPasskey {
        /// Its id.
        pub id: String,
        /// The account's id.
        pub account: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub account_name: String,
        algorithm: i64,
        public_key: String,
        sign_count: i64,
        is_syncable: i64,
    }
}

impl SignInPasskey {
    /// What is known of its key.
    pub fn known(&self) -> Result<Known> {
        let key = PublicKey::of_stored(self.algorithm, &self.public_key);
        Ok(Known {
            key: key.ok_or_else(|| Error::internal("the key of a passkey cannot be read"))?,
            sign_count: u32::try_from(self.sign_count).map_err(Error::internal)?,
            is_syncable: self.is_syncable != 0,
        })
    }
}

/// Finds a passkey by what the device calls it.
pub async fn find_passkey(app: &App, credential: &str) -> Result<Option<SignInPasskey>> {
    let statement = Statement::new(
        "select p.id, a.id as account, a.email, a.name as account_name, p.algorithm, p.public_key, p.sign_count,
                p.is_syncable
         from passkeys p join accounts a on a.id = p.account_id where p.credential = ?1",
    )
    .bind(credential);
    let rows = app.db.rows(statement).await;
    first_as(rows.map_err(Error::or_unavailable)?)
}

/// Begins the login of somebody who has proved to have a passkey. A conflict where its challenge was answered before.
pub async fn sign_in_by_passkey(
    app: &App,
    passkey: &str,
    sign_count: u32,
    answered: Answered<'_>,
    login: &NewLogin<'_>,
) -> Result<()> {
    let now = app.now();
    let mut statements = answered.stmts(now).to_vec();
    statements.push(
        Statement::new(
            "update passkeys set sign_count = max(sign_count, ?2), last_used_at = ?3 where id = ?1",
        )
        .bind(passkey)
        .bind(i64::from(sign_count))
        .bind(now),
    );
    statements.extend(insert_login_stmts(login, now));
    app.db.batch(statements).await.map(|_| ())
}
