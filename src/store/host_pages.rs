//! What the pages show of connections, their projects and their webhooks: counted and read in one round, without secrets.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::connections::{Connection, find_connection_stmt};
use crate::store::deliveries::{DeliveryRow, list_deliveries_stmt};
use crate::store::hooks::HookGroup;
use crate::store::repositories::{Repository, list_repositories_stmt, read_repositories};

/// A host is asked whether all is well no oftener than once in so many seconds, whoever wants to know.
const CHECKED_APART: i64 = 10;

row! {
    /// A connection as people see it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ConnectionSummary {
        /// Its id.
        pub id: String,
        /// `github`, …
        pub provider: String,
        /// Where the host's API is.
        pub base_url: String,
        /// The account it belongs to.
        pub account: String,
        /// Who the token goes with, where the host wants both.
        pub username: Option<String>,
        /// The GitHub App it is made by.
        pub github_app_id: Option<String>,
        /// `automatic` or `manual`.
        pub hooks: String,
        /// Hours between two comparisons of a project, where somebody chose.
        pub reconcile_hours: Option<i64>,
        /// Why the host failed or refused.
        pub trouble: Option<String>,
        /// Unix second since when.
        pub trouble_since: Option<i64>,
        /// Unix second since when the host refuses the credential.
        pub refused_at: Option<i64>,
        /// Unix second until which the host asked to be left alone.
        pub paused_until: Option<i64>,
        /// Unix second of the last webhook.
        pub last_heard_at: Option<i64>,
        /// Unix second of the last check by hand.
        pub checked_at: Option<i64>,
        /// Unix second of the last complete comparison of one of its projects.
        pub compared_at: Option<i64>,
        /// Unix seconds.
        pub created_at: i64,
        /// Projects that packages are synced from.
        pub projects: i64,
        /// Those that the host does not show any more.
        pub withheld: i64,
    }
}

row! {
    /// A GitHub App as people see it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AppSummary {
        /// Its id here.
        pub id: String,
        /// Its name.
        pub name: String,
        /// Its page.
        pub web_url: String,
    }
}

/// So many connections after one, the newest first, or the one with an id. A connection is known by when it was made and its
/// id.
fn summarise_stmt(
    organisation: i64,
    id: Option<&str>,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Statement {
    let (time, last) = after.unwrap_or((i64::from(i32::MAX), ""));
    Statement::new(
        "select c.id, c.provider, c.base_url, c.account, c.username, c.github_app_id, c.hooks, c.reconcile_hours,
                c.trouble,
                c.trouble_since, c.refused_at, c.paused_until, c.last_heard_at, c.checked_at, c.created_at,
                (select max(g.last_reconciled_at) from git_repos g where g.connection_id = c.id) as compared_at,
                (select count(*) from git_repos g
                 where g.connection_id = c.id
                   and (g.folders is not null
                        or exists (select 1 from packages p where p.git_repo_id = g.id))) as projects,
                (select count(*) from git_repos g
                 where g.connection_id = c.id and g.withheld_at is not null) as withheld
         from connections c
         where c.organisation_id = ?1 and c.deleted_at is null and (?2 is null or c.id = ?2)
           and (c.created_at < ?3 or (c.created_at = ?3 and c.id > ?4))
         order by c.created_at desc, c.id limit ?5",
    )
    .bind(organisation)
    .bind(id)
    .bind(time)
    .bind(last)
    .bind(limit)
}

/// So many connections of an organisation after one, newest first, and its GitHub Apps by name.
pub async fn load_connections(
    app: &App,
    organisation: i64,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<(Vec<ConnectionSummary>, Vec<AppSummary>)> {
    let apps = Statement::new(
        "select id, name, web_url from github_apps where organisation_id = ?1 order by name, id",
    )
    .bind(organisation);
    let statements = vec![summarise_stmt(organisation, None, after, limit), apps];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok((rows_as(next())?, rows_as(next())?))
}

/// One connection, and the groups whose webhooks tell of what is below.
pub async fn load_connection(
    app: &App,
    organisation: i64,
    id: &str,
) -> Result<Option<(ConnectionSummary, Vec<HookGroup>)>> {
    let groups = Statement::new(
        "select h.name, h.repository_id, r.slug as repository, h.hook_id, h.hook_url
         from hook_groups h left join repositories r on r.id = h.repository_id
         where h.connection_id = ?1 order by h.name",
    )
    .bind(id);
    let statements = vec![summarise_stmt(organisation, Some(id), None, 1), groups];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let summary: Option<ConnectionSummary> = first_as(next())?;
    let groups = rows_as(next())?;
    Ok(summary.map(|summary| (summary, groups)))
}

/// One connection, and the repositories that its projects can go to.
pub async fn load_connection_and_repositories(
    app: &App,
    organisation: i64,
    id: &str,
) -> Result<Option<(Connection, Vec<Repository>)>> {
    let statements = vec![
        find_connection_stmt(id),
        list_repositories_stmt(organisation),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let connection: Option<Connection> = first_as(next())?;
    let repositories = read_repositories(next())?;
    Ok(connection
        .filter(|connection| connection.organisation_id == organisation)
        .map(|connection| (connection, repositories)))
}

/// What stops being synced without a connection: the names of the first packages, and how many there are in all.
pub async fn list_packages_of_connection(
    app: &App,
    connection: &str,
    limit: i64,
) -> Result<(Vec<String>, i64)> {
    row! {
        struct Name {
            name: String,
            total: i64,
        }
    }
    let statement = Statement::new(
        "select p.name, count(*) over () as total from packages p join git_repos g on g.id = p.git_repo_id
         where g.connection_id = ?1 and p.renamed_to is null and p.deleted_at is null
         order by p.name limit ?2",
    )
    .bind(connection)
    .bind(limit);
    let rows: Vec<Name> = rows_as(app.db.rows(statement).await?)?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.name).collect(), total))
}

row! {
    /// A project of a connection with its webhook.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HookRow {
        /// `owner/name`.
        pub full_name: String,
        /// What became of the webhook at the host.
        pub state: Option<String>,
        /// Why there is none.
        pub reason: Option<String>,
        /// The group whose webhook tells of it.
        pub covering_group: Option<String>,
        /// Unix second of the last delivery.
        pub last_heard_at: Option<i64>,
        /// A package that is made of it; none where it has many.
        pub package: Option<String>,
    }
}

/// The projects of a connection after one of a name, each with its webhook, and its newest deliveries.
pub async fn load_hooks(
    app: &App,
    organisation: i64,
    connection: &str,
    after: &str,
    limit: i64,
    deliveries: i64,
) -> Result<(Vec<HookRow>, Vec<DeliveryRow>)> {
    let hooks = Statement::new(
        "select g.full_name, g.hook_state as state, g.hook_reason as reason, g.last_heard_at,
                (select h.name from hook_groups h where h.connection_id = g.connection_id
                 and substr(lower(g.full_name), 1, length(h.name) + 1) = lower(h.name) || '/'
                 order by length(h.name) desc limit 1) as covering_group,
                case when g.folders is null then
                     (select min(p.name) from packages p where p.git_repo_id = g.id and p.renamed_to is null) end as package
         from git_repos g
         where g.connection_id = ?1 and g.full_name > ?2
           and (g.folders is not null or exists (select 1 from packages p where p.git_repo_id = g.id))
         order by g.full_name limit ?3",
    )
    .bind(connection)
    .bind(after)
    .bind(limit);
    let newest = list_deliveries_stmt(organisation, Some(connection), None, None, deliveries);
    let mut rows = app.db.batch(vec![hooks, newest]).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok((rows_as(next())?, rows_as(next())?))
}

/// Claims a check of a connection by hand; whether nobody has checked it in the last seconds.
pub async fn claim_check(app: &App, connection: &str) -> Result<bool> {
    let statement = Statement::new(
        "update connections set checked_at = ?2
         where id = ?1 and coalesce(checked_at, 0) <= ?2 - ?3
         returning id",
    )
    .bind(connection)
    .bind(app.now())
    .bind(CHECKED_APART);
    Ok(!app.db.rows(statement).await?.is_empty())
}
