//! The people of an organisation.

use crate::app::App;
use crate::domain::access::Role;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

row! {
    /// Somebody in an organisation.
    #[derive(Debug, Clone)]
    pub struct Member {
        /// The account's id.
        pub account_id: String,
        /// In lower case.
        pub email: String,
        /// What she is called here.
        pub name: String,
        /// As [`Role::as_str`] spells it.
        pub role: String,
        /// Unix second since which she gets nothing; none when she is not suspended.
        pub suspended_at: Option<i64>,
        /// Unix seconds.
        pub created_at: i64,
        /// JSON list of `{id, name}`: the teams she is in.
        pub teams: String,
        /// Unix second at which she last looked at a page, by the hour, or used a token of hers here.
        pub last_seen_at: Option<i64>,
        /// 1 when signing in by a password asks her for a code.
        pub has_second_factor: i64,
    }
}

/// Which members are wanted. What is none is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberFilter<'a> {
    /// The one with this account.
    pub account: Option<&'a str>,
    /// The one with this address, in lower case.
    pub email: Option<&'a str>,
    /// Those with this role.
    pub role: Option<&'a str>,
    /// Those in this team.
    pub team: Option<&'a str>,
    /// Those whose address comes after this one.
    pub after: Option<&'a str>,
}

/// Members of an organisation by their addresses, at most `limit`.
pub async fn list_members(
    app: &App,
    organisation: i64,
    filter: &MemberFilter<'_>,
    limit: i64,
) -> Result<Vec<Member>> {
    let statement = list_members_stmt(organisation, filter, limit);
    rows_as(app.db.rows(statement).await?)
}

/// The statement that gives them, for a batch with others.
pub(super) fn list_members_stmt(
    organisation: i64,
    filter: &MemberFilter<'_>,
    limit: i64,
) -> Statement {
    Statement::new(
        "select m.account_id, a.email, coalesce(m.display_name, a.name) as name, m.role, m.suspended_at, m.created_at,
                (select json_group_array(json_object('id', t.id, 'name', t.name))
                 from team_members x join teams t on t.id = x.team_id
                 where x.account_id = m.account_id and t.organisation_id = m.organisation_id) as teams,
                (select max(at) from (select max(l.last_used_at) as at from logins l where l.account_id = m.account_id
                                      union all
                                      select max(k.last_used_at) from tokens k
                                      where k.account_id = m.account_id
                                        and k.organisation_id = m.organisation_id)) as last_seen_at,
                exists (select 1 from second_factors f where f.account_id = m.account_id) as has_second_factor
         from members m join accounts a on a.id = m.account_id
         where m.organisation_id = ?1 and (?2 is null or m.account_id = ?2) and (?3 is null or a.email = ?3)
           and (?4 is null or m.role = ?4) and (?6 is null or a.email > ?6)
           and (?5 is null or exists (select 1 from team_members y join teams z on z.id = y.team_id
                                      where y.team_id = ?5 and y.account_id = m.account_id
                                        and z.organisation_id = m.organisation_id))
         order by a.email limit ?7",
    )
    .bind(organisation)
    .bind(filter.account)
    .bind(filter.email)
    .bind(filter.role)
    .bind(filter.team)
    .bind(filter.after)
    .bind(limit)
}

/// Finds a member by the account.
pub async fn find_member(app: &App, organisation: i64, account: &str) -> Result<Option<Member>> {
    let filter = MemberFilter {
        account: Some(account),
        ..MemberFilter::default()
    };
    let found = list_members(app, organisation, &filter, 1).await?;
    Ok(found.into_iter().next())
}

/// What becomes of a member.
#[derive(Debug, Clone, Copy)]
pub struct MemberChange {
    /// The role she had when this was decided.
    pub from: Role,
    /// The role she is to have.
    pub role: Role,
    /// Whether she is to be suspended.
    pub is_suspended: bool,
}

/// Changes a member; whether it did. It does not when her role is another one by now, or when there would be no owner left
/// who is not suspended.
pub async fn update_member(
    app: &App,
    organisation: i64,
    account: &str,
    change: MemberChange,
) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "update members
                 set role = ?4, suspended_at = iif(?5, coalesce(suspended_at, ?6), null),
                     grant_changed_at = max(?6, grant_changed_at + 1)
                 where organisation_id = ?1 and account_id = ?2 and role = ?3
                   and (role <> 'owner' or suspended_at is not null or (?4 = 'owner' and not ?5)
                        or exists (select 1 from members o
                                   where o.organisation_id = ?1 and o.role = 'owner' and o.suspended_at is null
                                     and o.account_id <> ?2))
                 returning account_id",
            )
            .bind(organisation)
            .bind(account)
            .bind(change.from.as_str())
            .bind(change.role.as_str())
            .bind(change.is_suspended)
            .bind(app.now()),
        )
        .await?;
    app.memo.principals.clear();
    Ok(!rows.is_empty())
}

/// Gives a member another name in an organisation.
pub async fn rename_member(app: &App, organisation: i64, account: &str, name: &str) -> Result<()> {
    let statement = Statement::new(
        "update members set display_name = ?3 where organisation_id = ?1 and account_id = ?2",
    );
    app.db
        .rows(statement.bind(organisation).bind(account).bind(name))
        .await?;
    // Her tokens say who she is.
    app.memo.principals.clear();
    Ok(())
}

/// Removes a member with her place in teams, and revokes her tokens here; whether it did. It does not when her role is
/// another one by now, or when there would be no owner left who is not suspended. What she has elsewhere stays.
pub async fn remove_member(
    app: &App,
    organisation: i64,
    account: &str,
    role: Role,
) -> Result<bool> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "delete from members
                 where organisation_id = ?1 and account_id = ?2 and role = ?3
                   and (role <> 'owner' or suspended_at is not null
                        or exists (select 1 from members o
                                   where o.organisation_id = ?1 and o.role = 'owner' and o.suspended_at is null
                                     and o.account_id <> ?2))
                 returning account_id",
            )
            .bind(organisation)
            .bind(account)
            .bind(role.as_str()),
            Statement::new(
                "delete from team_members
                 where account_id = ?2 and team_id in (select id from teams where organisation_id = ?1)
                   and not exists (select 1 from members where organisation_id = ?1 and account_id = ?2)",
            )
            .bind(organisation)
            .bind(account),
            Statement::new(
                "update tokens set revoked_at = ?3
                 where organisation_id = ?1 and account_id = ?2 and revoked_at is null
                   and not exists (select 1 from members where organisation_id = ?1 and account_id = ?2)",
            )
            .bind(organisation)
            .bind(account)
            .bind(app.now()),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(rows.first().is_some_and(|rows| !rows.is_empty()))
}
