//! Invitations: only the hashes of their secrets, and what came of them.

use crate::app::App;
use crate::domain::access::{Abilities, Access, Role};
use crate::domain::email::Email;
use crate::domain::token::{PlainToken, TokenHash};
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// An invitation, as lists show it.
    #[derive(Debug, Clone)]
    pub struct Invitation {
        /// Its id.
        pub id: String,
        /// The organisation.
        pub organisation_id: i64,
        /// Who was asked in, in lower case.
        pub email: String,
        /// What she is to be, as [`Role::as_str`] spells it.
        pub role: String,
        /// JSON list of `{id, name}`: the teams she is to be in, those that are still there.
        pub teams: String,
        /// `open`, `accepted`, `revoked` or `expired`.
        pub state: String,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix second from which on it can be accepted no more.
        pub expires_at: i64,
        /// Unix seconds.
        pub accepted_at: Option<i64>,
        /// Unix seconds.
        pub revoked_at: Option<i64>,
        /// The account that came of it.
        pub account_id: Option<String>,
        /// The organisation's slug.
        pub organisation_slug: String,
        /// The organisation's name, for people.
        pub organisation_name: String,
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: &'a str,
    /// The organisation.
    pub organisation: i64,
    /// Who is asked in.
    pub email: &'a Email,
    /// What she is to be.
    pub role: Role,
    /// JSON list of ids of teams.
    pub teams: String,
    /// Unix second from which on it can be accepted no more.
    pub expires_at: i64,
}

/// Keeps an invitation.
pub async fn insert_invitation(
    app: &App,
    new: &NewInvitation<'_>,
    secret: &PlainToken,
) -> Result<()> {
    let statement = Statement::new(
        "insert into invitations (id, organisation_id, email, role, teams, hash, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(new.id)
    .bind(new.organisation)
    .bind(new.email.as_str())
    .bind(new.role.as_str())
    .bind(new.teams.as_str())
    .bind(secret.hash().as_str())
    .bind(app.now())
    .bind(new.expires_at);
    app.db.rows(statement).await.map(|_| ())
}

/// Which invitations are wanted. What is none is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvitationFilter<'a> {
    /// Those of an organisation.
    pub organisation: Option<i64>,
    /// The one with this id.
    pub id: Option<&'a str>,
    /// The one with this secret.
    pub secret: Option<&'a TokenHash>,
    /// Those that come after this one.
    pub after: Option<&'a str>,
}

/// Invitations, newest first, at most `limit`.
pub async fn list_invitations(
    app: &App,
    filter: &InvitationFilter<'_>,
    limit: i64,
) -> Result<Vec<Invitation>> {
    let statement = Statement::new(
        "select i.id, i.organisation_id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, i.revoked_at,
                i.account_id, o.slug as organisation_slug, o.name as organisation_name,
                iif(i.accepted_at is not null, 'accepted', iif(i.revoked_at is not null, 'revoked',
                    iif(i.expires_at <= ?4, 'expired', 'open'))) as state,
                (select json_group_array(json_object('id', t.id, 'name', t.name))
                 from json_each(i.teams) x join teams t on t.id = x.value
                 where t.organisation_id = i.organisation_id) as teams
         from invitations i join organisations o on o.id = i.organisation_id
                            left join invitations b on b.id = ?5 and b.organisation_id = i.organisation_id
         where (?1 is null or i.organisation_id = ?1) and (?2 is null or i.id = ?2) and (?3 is null or i.hash = ?3)
           and (?5 is null or i.created_at < b.created_at or (i.created_at = b.created_at and i.id > b.id))
         order by i.created_at desc, i.id limit ?6",
    )
    .bind(filter.organisation)
    .bind(filter.id)
    .bind(filter.secret.map(TokenHash::as_str))
    .bind(app.now())
    .bind(filter.after)
    .bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// Finds the invitation of a secret, whatever became of it.
pub async fn find_by_secret(app: &App, secret: &TokenHash) -> Result<Option<Invitation>> {
    let filter = InvitationFilter {
        secret: Some(secret),
        ..InvitationFilter::default()
    };
    let found = list_invitations(app, &filter, 1).await?;
    Ok(found.into_iter().next())
}

/// Withdraws an open invitation of an organisation; whether there was one.
pub async fn revoke_invitation(app: &App, organisation: i64, id: &str) -> Result<bool> {
    let statement = Statement::new(
        "update invitations set revoked_at = ?3
         where organisation_id = ?1 and id = ?2 and accepted_at is null and revoked_at is null and expires_at > ?3
         returning id",
    )
    .bind(organisation)
    .bind(id)
    .bind(app.now());
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// Makes a member of somebody with an account: of who is signed in with the address that was asked in, or of a new account
/// with a password, whose id no account has yet. Whether it did, by the rules of [`accept_invitation`].
pub async fn join_by_invitation(
    app: &App,
    secret: &TokenHash,
    account: &str,
    name: &str,
    password: Option<&str>,
) -> Result<bool> {
    let now = app.now();
    let mut statements = Vec::new();
    if let Some(password) = password {
        statements.push(
            Statement::new(
                "insert into accounts (id, email, name, created_at)
                 select ?2, email, ?3, ?4 from invitations
                 where hash = ?1 and accepted_at is null and revoked_at is null and expires_at > ?4
                 on conflict (email) do nothing",
            )
            .bind(secret.as_str())
            .bind(account)
            .bind(name)
            .bind(now),
        );
        // Of an account that was there before nobody gets the password by an invitation.
        statements.push(
            Statement::new(
                "insert into passwords (account_id, hash, changed_at) select id, ?2, ?3 from accounts where id = ?1",
            )
            .bind(account)
            .bind(password)
            .bind(now),
        );
    }
    statements.push(
        Statement::new(
            "insert into members (organisation_id, account_id, role, created_at, grant_changed_at, display_name)
             select i.organisation_id, a.id, i.role, ?3, ?3, ?4 from invitations i join accounts a on a.email = i.email
             where i.hash = ?1 and a.id = ?2 and i.accepted_at is null and i.revoked_at is null and i.expires_at > ?3
             on conflict (organisation_id, account_id) do nothing",
        )
        .bind(secret.as_str())
        .bind(account)
        .bind(now)
        .bind(name),
    );
    statements.push(
        Statement::new(
            "insert into team_members (team_id, account_id)
             select t.id, m.account_id
             from invitations i join members m on m.organisation_id = i.organisation_id and m.account_id = ?2
                  join json_each(i.teams) x
                  join teams t on t.id = x.value and t.organisation_id = i.organisation_id
             where i.hash = ?1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > ?3
               and m.role = i.role and m.suspended_at is null
             on conflict (team_id, account_id) do nothing",
        )
        .bind(secret.as_str())
        .bind(account)
        .bind(now),
    );
    statements.push(
        Statement::new(
            "update invitations set accepted_at = ?3, account_id = ?2
             where hash = ?1 and accepted_at is null and revoked_at is null and expires_at > ?3
               and exists (select 1 from members m join accounts a on a.id = m.account_id
                           where m.organisation_id = invitations.organisation_id and m.account_id = ?2
                             and a.email = invitations.email and m.role = invitations.role and m.suspended_at is null)
             returning id",
        )
        .bind(secret.as_str())
        .bind(account)
        .bind(now),
    );
    let rows = app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Whether there is an account with an address, by its id.
pub async fn find_account(app: &App, email: &str) -> Result<Option<String>> {
    row! {
        struct Found {
            id: String,
        }
    }
    let statement = Statement::new("select id from accounts where email = ?1").bind(email);
    let found = first_as::<Found>(app.db.rows(statement).await?)?;
    Ok(found.map(|found| found.id))
}

/// How somebody who accepts begins.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    /// The id of her account, should she have none.
    pub account: &'a str,
    /// The id of her token.
    pub token_id: &'a str,
    /// What she is called here.
    pub name: &'a str,
    /// What the token is called.
    pub token_name: &'a str,
}

/// Makes somebody a member, by an account of hers or a new one, with a personal token that acts as she does. Whether it
/// did: an invitation is good once, and does nothing for a member who by now is something else than it says, or who is
/// suspended. Who is a member as it says keeps what she has and gets another token: that is how a lost one is replaced.
pub async fn accept_invitation(
    app: &App,
    secret: &TokenHash,
    beginning: &Beginning<'_>,
    token: &PlainToken,
) -> Result<bool> {
    let now = app.now();
    // All that follows goes by `token_id`, which is of this very attempt.
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "insert into accounts (id, email, name, created_at)
                 select ?2, email, ?3, ?4 from invitations
                 where hash = ?1 and accepted_at is null and revoked_at is null and expires_at > ?4
                 on conflict (email) do nothing",
            )
            .bind(secret.as_str())
            .bind(beginning.account)
            .bind(beginning.name)
            .bind(now),
            Statement::new(
                "insert into tokens (id, organisation_id, name, access, hash, hint, created_at, grant_changed_at, kind,
                                     account_id, abilities)
                 select ?2, i.organisation_id, ?3, ?4, ?5, ?6, ?7, ?7, 'personal', a.id, ?8
                 from invitations i join accounts a on a.email = i.email
                 where i.hash = ?1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > ?7
                   and not exists (select 1 from members m
                                   where m.organisation_id = i.organisation_id and m.account_id = a.id
                                     and (m.role <> i.role or m.suspended_at is not null))",
            )
            .bind(secret.as_str())
            .bind(beginning.token_id)
            .bind(beginning.token_name)
            .bind(Access::within(Abilities::all()).as_str())
            .bind(token.hash().as_str())
            .bind(token.hint())
            .bind(now)
            .bind(Abilities::all().to_json()),
            Statement::new(
                "update invitations
                 set accepted_at = ?3, token_id = ?2, account_id = (select account_id from tokens where id = ?2)
                 where hash = ?1 and exists (select 1 from tokens where id = ?2)
                 returning id",
            )
            .bind(secret.as_str())
            .bind(beginning.token_id)
            .bind(now),
            Statement::new(
                "insert into members (organisation_id, account_id, role, created_at, grant_changed_at, display_name)
                 select organisation_id, account_id, role, ?2, ?2, ?3 from invitations where token_id = ?1
                 on conflict (organisation_id, account_id) do update
                 set grant_changed_at = max(excluded.grant_changed_at, members.grant_changed_at + 1)",
            )
            .bind(beginning.token_id)
            .bind(now)
            .bind(beginning.name),
            Statement::new(
                "insert into team_members (team_id, account_id)
                 select t.id, i.account_id
                 from invitations i join json_each(i.teams) x join teams t
                      on t.id = x.value and t.organisation_id = i.organisation_id
                 where i.token_id = ?1
                 on conflict (team_id, account_id) do nothing",
            )
            .bind(beginning.token_id),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(rows.get(2).is_some_and(|rows| !rows.is_empty()))
}
