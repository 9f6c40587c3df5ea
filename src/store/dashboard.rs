//! How an organisation is doing, in one batch.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::repositories::{Repository, list_repositories_stmt, read_repositories};

/// Failed jobs are told of for so many seconds: a week.
const FAILED_FOR: i64 = 7 * 86_400;

row! {
    /// What was counted.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Counts {
        /// Packages.
        pub packages: i64,
        /// Versions in their metadata.
        pub versions: i64,
        /// Bytes of archives that are stored.
        pub storage: i64,
        /// Projects whose last job of the week failed.
        pub failed: i64,
        /// Projects that their git host withholds.
        pub withheld: i64,
        /// Messages that were given up.
        pub dead_letters: i64,
        /// 1 when a git host is connected.
        pub has_connection: i64,
        /// 1 when there is a token that is not a customer's.
        pub has_token: i64,
        /// 1 when Composer came with a token.
        pub has_client: i64,
        /// 1 when an installation was counted.
        pub has_install: i64,
        /// 1 when nobody wants to see the first steps any more.
        pub hides_first_steps: i64,
        /// The connection that was made last.
        pub newest_connection: Option<String>,
    }
}

row! {
    /// A version that came lately.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Release {
        /// The package.
        pub name: String,
        /// As tagged.
        pub version: String,
        /// Who released it, as the audit log has it.
        pub actor_name: String,
        /// Unix seconds.
        pub published_at: i64,
    }
}

row! {
    /// A project that is not synced any more.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Stopped {
        /// Its name at the host.
        pub full_name: String,
        /// A package of it.
        pub package: Option<String>,
        /// `withheld`, `failed` or `unconnected`.
        pub state: String,
        /// Why.
        pub reason: Option<String>,
        /// Unix seconds.
        pub since: Option<i64>,
    }
}

/// How an organisation is doing.
pub struct Dashboard {
    /// What was counted.
    pub counts: Counts,
    /// The last releases, the newest first; dev versions are none.
    pub releases: Vec<Release>,
    /// What stopped being synced, the last first; at most one more than [`MOST_STOPPED`].
    pub stopped: Vec<Stopped>,
    /// Its repositories, by slug.
    pub repositories: Vec<Repository>,
}

/// Hides the first steps on the dashboard, or shows them again.
pub async fn hide_first_steps(app: &App, organisation: i64, hides: bool) -> Result<()> {
    let statement = Statement::new(
        "update organisations set first_steps_hidden_at = case when ?2 then ?3 end where id = ?1",
    )
    .bind(organisation)
    .bind(hides)
    .bind(app.now());
    app.db.rows(statement).await.map(|_| ())
}
/// So many projects that stopped are told.
pub const MOST_STOPPED: usize = 10;

/// Loads it.
pub async fn load_dashboard(app: &App, organisation: i64) -> Result<Dashboard> {
    let counts = Statement::new(
        "select (select count(*) from packages p where p.organisation_id = ?1 and p.deleted_at is null) as packages,
                (select count(*) from packages p join versions v on v.package_id = p.id
                 where p.organisation_id = ?1 and v.removed_at is null and v.yanked_at is null)
                + (select count(*) from packages p join defined_versions f on f.package_id = p.id
                   where p.organisation_id = ?1 and f.removed_at is null and f.yanked_at is null) as versions,
                (select o.storage_used from organisations o where o.id = ?1) as storage,
                (select count(distinct j.git_repo_id) from jobs j
                 where j.organisation_id = ?1 and j.created_at > ?2 and j.state = 'failed'
                   and not exists (select 1 from jobs l where l.git_repo_id = j.git_repo_id and l.state = 'done'
                                                          and l.created_at >= j.created_at)) as failed,
                (select count(*) from git_repos g
                 where g.withheld_at is not null and g.organisation_id = ?1) as withheld,
                (select count(*) from dead_letters d where d.organisation_id = ?1) as dead_letters,
                exists (select 1 from connections c
                        where c.organisation_id = ?1 and c.deleted_at is null) as has_connection,
                exists (select 1 from tokens t
                        where t.organisation_id = ?1 and t.customer_id is null and t.revoked_at is null) as has_token,
                exists (select 1 from tokens t
                        where t.organisation_id = ?1 and t.last_used_client like 'composer/%') as has_client,
                exists (select 1 from packages p join downloads w on w.package_id = p.id
                        where p.organisation_id = ?1) as has_install,
                exists (select 1 from organisations o
                        where o.id = ?1 and o.first_steps_hidden_at is not null) as hides_first_steps,
                (select c.id from connections c where c.organisation_id = ?1 and c.deleted_at is null
                 order by c.created_at desc, c.id limit 1) as newest_connection",
    )
    .bind(organisation)
    .bind(app.now().saturating_sub(FAILED_FOR));
    // Out of the last lines of the log: no index has the versions of all packages by time.
    let releases = Statement::new(
        "select p.name, v.pretty as version, a.actor_name, v.published_at
         from (select id, subject_id, subject_name, actor_name, action from audit
               where organisation_id = ?1 order by id desc limit 1000) a
         join packages p on p.id = cast(a.subject_id as integer)
         join versions v on v.package_id = p.id and a.subject_name = p.name || ' ' || v.pretty
         where a.action = 'version.published' and p.organisation_id = ?1 and p.deleted_at is null
           and v.is_dev = 0 and v.removed_at is null and v.yanked_at is null
         order by a.id desc limit 8",
    )
    .bind(organisation);
    let statements = vec![
        counts,
        releases,
        stopped_stmt(app, organisation),
        list_repositories_stmt(organisation),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok(Dashboard {
        counts: first_as(next())?.ok_or_else(|| Error::internal("nothing was counted"))?,
        releases: rows_as(next())?,
        stopped: rows_as(next())?,
        repositories: read_repositories(next())?,
    })
}

fn stopped_stmt(app: &App, organisation: i64) -> Statement {
    Statement::new(
        "select g.full_name, s.state, s.reason, s.since,
                (select p.name from packages p
                 where p.git_repo_id = g.id and p.renamed_to is null and p.deleted_at is null
                 order by p.name limit 1) as package
         from (select w.id, 'withheld' as state, w.withheld_reason as reason, w.withheld_at as since
               from git_repos w where w.organisation_id = ?1 and w.withheld_at is not null
               union all
               select j.git_repo_id, 'failed', j.message, j.finished_at from jobs j
               where j.organisation_id = ?1 and j.created_at > ?2 and j.state = 'failed'
                 and not exists (select 1 from jobs l where l.git_repo_id = j.git_repo_id
                                 and l.state in ('done', 'failed') and l.id <> j.id and l.created_at >= j.created_at)
               union all
               select u.id, 'unconnected', null, c.deleted_at
               from connections c join git_repos u on u.connection_id = c.id
               where c.organisation_id = ?1 and c.deleted_at is not null
                 and exists (select 1 from packages p
                             where p.git_repo_id = u.id and p.renamed_to is null and p.deleted_at is null)) s
         join git_repos g on g.id = s.id
         order by s.since desc, g.full_name limit ?3",
    )
    .bind(organisation)
    .bind(app.now().saturating_sub(FAILED_FOR))
    .bind(i64::try_from(MOST_STOPPED.saturating_add(1)).unwrap_or(i64::MAX))
}
