//! Jobs that look at a project which a group's webhook told of.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::deliveries::ignore_deliveries_stmt;

row! {
    /// What running such a job needs.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Discovery {
        /// The organisation's id.
        pub organisation_id: i64,
        /// `discover`; `sync` once the package is there.
        pub kind: String,
        /// The state.
        pub state: String,
        /// The connection that the delivery came by.
        pub connection_id: String,
        /// The host's id of the project.
        pub provider_id: String,
    }
}

/// Finds such a job.
pub async fn find_discovery(app: &App, id: &str) -> Result<Option<Discovery>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select organisation_id, kind, state, connection_id, provider_id from jobs
                 where id = ?1 and connection_id is not null and provider_id is not null",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

/// Has the job go on as the first sync of the package that is synced from this git repository now. The delivery that led
/// to it is the first that was heard of the project.
pub fn sync_discovered_stmts(job: &str, git_repo: i64) -> Vec<Statement> {
    let on = |sql: &'static str| Statement::new(sql).bind(job).bind(git_repo);
    vec![
        on(
            "update git_repos set last_heard_at = coalesce(last_heard_at, (select created_at from jobs where id = ?1))
             where id = ?2",
        ),
        on("update jobs set kind = 'sync', git_repo_id = ?2, state = 'queued', message = null, started_at = null,
                    package_id = (select min(id) from packages where git_repo_id = ?2 and renamed_to is null)
             where id = ?1 and kind = 'discover' and state in ('queued', 'running')"),
    ]
}

/// Ends the job: the project is no package. The deliveries that led to it were ignored, then, and say why.
pub async fn ignore_discovery(app: &App, job: &str, reason: &str) -> Result<()> {
    app.db
        .batch(vec![
            ignore_deliveries_stmt(job, reason),
            Statement::new(
                "update jobs set state = 'done', message = ?2, finished_at = ?3
                 where id = ?1 and kind = 'discover' and state in ('queued', 'running')",
            )
            .bind(job)
            .bind(reason)
            .bind(app.now()),
        ])
        .await
        .map(|_| ())
}
