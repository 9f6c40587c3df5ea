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
    /// A package that came lately.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct NewPackage {
        /// `vendor/name`.
        pub name: String,
        /// Its description.
        pub description: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
    }
}

/// How an organisation is doing.
pub struct Dashboard {
    /// What was counted.
    pub counts: Counts,
    /// The last five packages, the newest first.
    pub newest: Vec<NewPackage>,
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

/// Loads it.
pub async fn load_dashboard(app: &App, organisation: i64) -> Result<Dashboard> {
    let counts = Statement::new(
        "select (select count(*) from packages p where p.organisation_id = ?1 and p.deleted_at is null) as packages,
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
    let newest = Statement::new(
        "select name, description, created_at from packages
         where organisation_id = ?1 and deleted_at is null
         order by created_at desc, id desc limit 5",
    )
    .bind(organisation);
    let statements = vec![counts, newest, list_repositories_stmt(organisation)];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok(Dashboard {
        counts: first_as(next())?.ok_or_else(|| Error::internal("nothing was counted"))?,
        newest: rows_as(next())?,
        repositories: read_repositories(next())?,
    })
}
