//! Somebody whom a provider has proven becomes somebody here: what is known of her, and all that follows in one batch.

use crate::app::App;
use crate::domain::email::Email;
use crate::domain::sign_in::{Known, Proven, SignInRules};
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::identity_providers::IdentityProvider;
use crate::store::logins::{NewLogin, insert_login_stmts};
use crate::store::sign_in_flows::forget_stmt;
use crate::store::sign_in_rules::{find_rules_stmt, read_rules};

row! {
    /// Somebody with an account.
    #[derive(Debug, Clone)]
    pub struct Person {
        /// The account's id.
        pub id: String,
        /// In lower case.
        pub email: String,
        /// Her name.
        pub name: String,
        is_member: i64,
        is_elsewhere: i64,
        has_identity: i64,
        has_password: i64,
    }
}

impl Person {
    /// As far as it matters for what becomes of her.
    pub fn known(&self) -> Known {
        Known {
            is_member: self.is_member != 0,
            is_elsewhere: self.is_elsewhere != 0,
            has_identity: self.has_identity != 0,
            has_password: self.has_password != 0,
        }
    }
}

/// What is known of somebody whom a provider has proven.
pub struct Facts {
    /// Whose the identity is.
    pub by_identity: Option<Person>,
    /// Who has the address.
    pub by_address: Option<Person>,
    /// The rules of the organisation that is entered; none where none is. One that is suspended takes nobody in.
    pub rules: Option<SignInRules>,
}

macro_rules! person_sql {
    ($where:literal) => {
        concat!(
            "select a.id, a.email, a.name,
                    exists (select 1 from members m where m.organisation_id = ?1 and m.account_id = a.id) as is_member,
                    iif(a.owns_instance = 1
                        or exists (select 1 from members m
                                   where m.organisation_id is not ?1 and m.account_id = a.id), 1, 0) as is_elsewhere,
                    exists (select 1 from identities i where i.provider_id = ?2 and i.account_id = a.id) as has_identity,
                    exists (select 1 from passwords w where w.account_id = a.id) as has_password
             from accounts a where ",
            $where
        )
    };
}

/// Finds what is known of somebody. `organisation` is the one that is entered.
pub async fn find_facts(
    app: &App,
    provider: &IdentityProvider,
    organisation: Option<i64>,
    proven: &Proven,
) -> Result<Facts> {
    row! {
        struct Standing {
            suspended_at: Option<i64>,
        }
    }
    let address = proven.address();
    let rows = app
        .db
        .batch(vec![
            Statement::new(person_sql!(
                "a.id = (select account_id from identities where provider_id = ?2 and subject = ?3)"
            ))
            .bind(organisation)
            .bind(&provider.id)
            .bind(&proven.subject),
            Statement::new(person_sql!("a.email = ?3"))
                .bind(organisation)
                .bind(&provider.id)
                .bind(address.as_ref().map(Email::as_str)),
            find_rules_stmt(organisation),
            Statement::new("select suspended_at from organisation_standings where id = ?1")
                .bind(organisation),
        ])
        .await
        .map_err(Error::or_unavailable)?;
    let mut rows = rows.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let by_identity = first_as(next())?;
    let by_address = first_as(next())?;
    let mut rules = read_rules(next())?;
    let standing = first_as::<Standing>(next())?;
    rules.is_open &= standing.is_some_and(|standing| standing.suspended_at.is_none());
    Ok(Facts {
        by_identity,
        by_address,
        rules: organisation.map(|_| rules),
    })
}

/// A sign-in that went well.
pub struct Completion<'a> {
    /// Who said so.
    pub provider: &'a IdentityProvider,
    /// What.
    pub proven: &'a Proven,
    /// The account.
    pub account: &'a str,
    /// Her address and her name, if the account is to be made.
    pub makes_account: Option<(&'a str, &'a str)>,
    /// Whether the identity is to be linked to the account.
    pub links: bool,
    /// The organisation that she becomes a member of.
    pub joins: Option<i64>,
    /// What she confirmed, which is good once.
    pub confirmed: Option<&'a TokenHash>,
    /// Her login.
    pub login: &'a NewLogin<'a>,
}

/// Does all that follows from a sign-in, or nothing: account, identity, membership, teams by groups, and the login. A
/// conflict where somebody made the account or linked the identity meanwhile.
pub async fn complete(app: &App, done: &Completion<'_>) -> Result<()> {
    let now = app.now();
    let (provider, account) = (done.provider, done.account);
    let mut statements = Vec::new();
    if let Some((email, name)) = done.makes_account {
        statements.push(
            Statement::new(
                "insert into accounts (id, email, name, created_at) values (?1, ?2, ?3, ?4)",
            )
            .bind(account)
            .bind(email)
            .bind(name)
            .bind(now),
        );
    }
    let email = done.proven.email.clone();
    if done.links {
        statements.push(
            Statement::new(
                "insert into identities (provider_id, subject, account_id, email, created_at, last_used_at)
                 values (?1, ?2, ?3, ?4, ?5, ?5)",
            )
            .bind(&provider.id)
            .bind(&done.proven.subject)
            .bind(account)
            .bind(email)
            .bind(now),
        );
    } else {
        statements.push(
            Statement::new(
                "update identities set email = ?3, last_used_at = ?4 where provider_id = ?1 and subject = ?2",
            )
            .bind(&provider.id)
            .bind(&done.proven.subject)
            .bind(email)
            .bind(now),
        );
    }
    if let Some(organisation) = done.joins {
        statements.extend(join_stmts(organisation, account, now));
    }
    if let Some(groups) = &done.proven.groups {
        let groups = serde_json::to_string(groups).map_err(Error::internal)?;
        statements.extend(group_stmts(provider, account, &groups, now));
    }
    if let Some(hash) = done.confirmed {
        statements.push(forget_stmt(hash));
    }
    statements.extend(insert_login_stmts(done.login, now));
    statements.push(
        Statement::new("update logins set provider_id = ?2 where id = ?1")
            .bind(done.login.id)
            .bind(&provider.id),
    );
    app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(())
}

/// She becomes a member, if registration is open still.
fn join_stmts(organisation: i64, account: &str, now: i64) -> [Statement; 2] {
    [
        Statement::new(
            "insert into members (organisation_id, account_id, role, created_at, grant_changed_at, display_name)
             select r.organisation_id, a.id, r.role, ?3, ?3, a.name
             from sign_in_rules r join accounts a on a.id = ?2
             where r.organisation_id = ?1 and r.registration = 'open'
             on conflict (organisation_id, account_id) do nothing",
        )
        .bind(organisation)
        .bind(account)
        .bind(now),
        Statement::new(
            "insert into team_members (team_id, account_id)
             select t.id, m.account_id
             from sign_in_rules r join json_each(r.teams) x
                  join teams t on t.id = x.value and t.organisation_id = r.organisation_id
                  join members m on m.organisation_id = r.organisation_id and m.account_id = ?2
             where r.organisation_id = ?1
             on conflict (team_id, account_id) do nothing",
        )
        .bind(organisation)
        .bind(account),
    ]
}

/// The teams that somebody is to be in by her groups: an organisation's provider speaks for that alone, the instance's for
/// all. ?1 is the account, ?2 the provider's organisation, ?3 the list of groups, ?4 the provider.
macro_rules! by_groups {
    ($before:literal, $after:literal) => {
        concat!(
            "with wanted (team_id) as (
                 select t.id from sign_in_rules r join json_each(r.group_teams) x
                      join teams t on t.id = x.value ->> 'team' and t.organisation_id = r.organisation_id
                      join members m on m.organisation_id = r.organisation_id and m.account_id = ?1
                 where (?2 is null or r.organisation_id = ?2)
                   and x.value ->> 'group' in (select value from json_each(?3))), ",
            "gone (team_id) as (
                 select g.team_id from group_memberships g
                 where g.account_id = ?1 and g.provider_id = ?4 and g.team_id not in (select team_id from wanted)), ",
            "come (team_id) as (
                 select w.team_id from wanted w
                 where not exists (select 1 from team_members x where x.team_id = w.team_id and x.account_id = ?1)) ",
            $before,
            $after
        )
    };
}

/// Brings the teams that somebody is in by her groups to what they are now. Where she was put by hand she stays.
fn group_stmts(
    provider: &IdentityProvider,
    account: &str,
    groups: &str,
    now: i64,
) -> Vec<Statement> {
    let on = |sql: &'static str| {
        Statement::new(sql)
            .bind(account)
            .bind(provider.organisation_id)
            .bind(groups)
            .bind(&provider.id)
    };
    vec![
        on(by_groups!(
            "update members set grant_changed_at = max(?5, grant_changed_at + 1) ",
            "where account_id = ?1
               and organisation_id in (select t.organisation_id from teams t
                                       where t.id in (select team_id from gone union all select team_id from come))"
        ))
        .bind(now),
        on(by_groups!(
            "delete from team_members ",
            "where account_id = ?1 and team_id in (select team_id from gone)"
        )),
        on(by_groups!(
            "insert into group_memberships (team_id, account_id, provider_id) ",
            "select team_id, ?1, ?4 from come where true on conflict (team_id, account_id) do nothing"
        )),
        on(by_groups!(
            "insert into team_members (team_id, account_id) ",
            "select team_id, ?1 from come where true on conflict (team_id, account_id) do nothing"
        )),
    ]
}
