//! Teams, and who is in them.

use crate::app::App;
use crate::domain::access::Subject;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::grant_pages::{NamedGrant, list_named_grants_stmt};
use crate::store::members::{Member, MemberFilter, list_members_stmt};

row! {
    /// A team of an organisation.
    #[derive(Debug, Clone)]
    pub struct Team {
        /// Its id.
        pub id: String,
        /// Its name, the only one of that name in the organisation.
        pub name: String,
        /// What it is, for people.
        pub description: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// How many are in it.
        pub members: i64,
    }
}

/// Teams of an organisation by name, those after `after`, at most `limit`; or the one with an id.
pub async fn list_teams(
    app: &App,
    organisation: i64,
    id: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Team>> {
    let statement = list_teams_stmt(organisation, id, after, limit);
    rows_as(app.db.rows(statement).await?)
}

fn list_teams_stmt(
    organisation: i64,
    id: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Statement {
    Statement::new(
        "select t.id, t.name, t.description, t.created_at,
                (select count(*) from team_members x where x.team_id = t.id) as members
         from teams t
         where t.organisation_id = ?1 and (?2 is null or t.id = ?2) and (?3 is null or t.name > ?3)
         order by t.name limit ?4",
    )
    .bind(organisation)
    .bind(id)
    .bind(after)
    .bind(limit)
}

/// A team with what there is to see of it.
pub struct WholeTeam {
    /// The team.
    pub team: Team,
    /// Who is in it, by their addresses, the first so many.
    pub members: Vec<Member>,
    /// A page of what was granted to it, the oldest first.
    pub grants: Vec<NamedGrant>,
}

/// A team with its first `members` and so many of its grants after one, in one batch; none when there is no such team.
pub async fn load_whole_team(
    app: &App,
    organisation: i64,
    id: &str,
    members: i64,
    after: Option<(i64, &str)>,
    grants: i64,
) -> Result<Option<WholeTeam>> {
    let of_team = MemberFilter {
        team: Some(id),
        ..MemberFilter::default()
    };
    let subject = Subject::Team(id.to_owned());
    let statements = vec![
        list_teams_stmt(organisation, Some(id), None, 1),
        list_members_stmt(organisation, &of_team, members),
        list_named_grants_stmt(organisation, &subject, after, grants),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let Some(team) = first_as(next())? else {
        return Ok(None);
    };
    Ok(Some(WholeTeam {
        team,
        members: rows_as(next())?,
        grants: rows_as(next())?,
    }))
}

/// Finds a team of an organisation.
pub async fn find_team(app: &App, organisation: i64, id: &str) -> Result<Option<Team>> {
    let found = list_teams(app, organisation, Some(id), None, 1).await?;
    Ok(found.into_iter().next())
}

/// Makes a team. A name that is taken is a conflict.
pub async fn insert_team(
    app: &App,
    organisation: i64,
    id: &str,
    name: &str,
    description: Option<&str>,
) -> Result<()> {
    let statement = Statement::new(
        "insert into teams (id, organisation_id, name, description, created_at) values (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(id)
    .bind(organisation)
    .bind(name)
    .bind(description)
    .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}

/// Renames or describes a team; whether there is one. A name that is taken is a conflict.
pub async fn update_team(
    app: &App,
    organisation: i64,
    id: &str,
    name: &str,
    description: Option<&str>,
) -> Result<bool> {
    let statement = Statement::new(
        "update teams set name = ?3, description = ?4 where organisation_id = ?1 and id = ?2 returning id",
    )
    .bind(organisation)
    .bind(id)
    .bind(name)
    .bind(description);
    Ok(!app.db.rows(statement).await?.is_empty())
}

/// Removes a team with what was granted to it; whether there was one.
pub async fn remove_team(app: &App, organisation: i64, id: &str) -> Result<bool> {
    let moved = "update members set grant_changed_at = max(?3, grant_changed_at + 1)
                 where organisation_id = ?1
                   and account_id in (select x.account_id from team_members x join teams t on t.id = x.team_id
                                      where x.team_id = ?2 and t.organisation_id = ?1)";
    let rows = app
        .db
        .batch(vec![
            Statement::new(moved)
                .bind(organisation)
                .bind(id)
                .bind(app.now()),
            Statement::new(
                "delete from grants
                 where subject = 'team:' || ?2 and exists (select 1 from teams where organisation_id = ?1 and id = ?2)",
            )
            .bind(organisation)
            .bind(id),
            Statement::new(
                "delete from team_members
                 where team_id = ?2 and exists (select 1 from teams where organisation_id = ?1 and id = ?2)",
            )
            .bind(organisation)
            .bind(id),
            Statement::new("delete from teams where organisation_id = ?1 and id = ?2 returning id")
                .bind(organisation)
                .bind(id),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Puts a member into a team; nothing happens to who is in it already, or to who is no member of the organisation.
pub async fn add_to_team(app: &App, organisation: i64, team: &str, account: &str) -> Result<()> {
    let statements = vec![
        Statement::new(
            "update members set grant_changed_at = max(?4, grant_changed_at + 1)
             where organisation_id = ?1 and account_id = ?3
               and exists (select 1 from teams where organisation_id = ?1 and id = ?2)
               and not exists (select 1 from team_members where team_id = ?2 and account_id = ?3)",
        )
        .bind(organisation)
        .bind(team)
        .bind(account)
        .bind(app.now()),
        Statement::new(
            "insert into team_members (team_id, account_id)
             select t.id, m.account_id from teams t join members m on m.organisation_id = t.organisation_id
             where t.organisation_id = ?1 and t.id = ?2 and m.account_id = ?3
             on conflict (team_id, account_id) do nothing",
        )
        .bind(organisation)
        .bind(team)
        .bind(account),
        // Whoever was in it by a group at a provider is in it by hand from now on.
        Statement::new(
            "delete from group_memberships
             where team_id = ?2 and account_id = ?3
               and exists (select 1 from teams where organisation_id = ?1 and id = ?2)",
        )
        .bind(organisation)
        .bind(team)
        .bind(account),
    ];
    app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(())
}

/// Takes a member out of a team; whether he was in it.
pub async fn remove_from_team(
    app: &App,
    organisation: i64,
    team: &str,
    account: &str,
) -> Result<bool> {
    let statements = vec![
        Statement::new(
            "update members set grant_changed_at = max(?4, grant_changed_at + 1)
             where organisation_id = ?1 and account_id = ?3
               and exists (select 1 from team_members x join teams t on t.id = x.team_id
                           where t.organisation_id = ?1 and x.team_id = ?2 and x.account_id = ?3)",
        )
        .bind(organisation)
        .bind(team)
        .bind(account)
        .bind(app.now()),
        Statement::new(
            "delete from team_members
             where team_id = ?2 and account_id = ?3
               and exists (select 1 from teams where organisation_id = ?1 and id = ?2)
             returning account_id",
        )
        .bind(organisation)
        .bind(team)
        .bind(account),
    ];
    let rows = app.db.batch(statements).await?;
    app.memo.principals.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}
