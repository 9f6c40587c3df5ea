//! What the pages show of jobs: read in one round.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::dead_letters::DeadLetterOwner;
use crate::store::job_refs::JobRef;
use crate::store::jobs::{JobFilter, JobRow, find_job_stmt, list_jobs_stmt};

row! {
    /// A project that its git host withholds, so that nothing of it is synced.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct WithheldProject {
        /// `owner/name`.
        pub full_name: String,
        /// Why, for people.
        pub reason: Option<String>,
        /// The connection it is reached through.
        pub connection_id: String,
        /// Unix second since when.
        pub withheld_at: i64,
    }
}

/// Withheld projects that are shown, the longest first.
const WITHHELD: i64 = 20;

/// A page of jobs, with what else waits for a person.
pub struct JobsShown {
    /// The jobs.
    pub jobs: Vec<JobRow>,
    /// How many messages the queue gave up on.
    pub dead_letters: i64,
    /// Projects that their host withholds.
    pub withheld: Vec<WithheldProject>,
}

/// Loads it.
pub async fn load_jobs(
    app: &App,
    owner: DeadLetterOwner,
    filter: &JobFilter<'_>,
    before: Option<&str>,
    limit: i64,
) -> Result<JobsShown> {
    row! {
        struct Count {
            total: i64,
        }
    }
    let (organisation, nobody) = owner.parts();
    let letters = Statement::new(
        "select count(*) as total from dead_letters
         where organisation_id = ?1 or (?2 and organisation_id is null)",
    )
    .bind(organisation)
    .bind(nobody);
    let withheld = Statement::new(
        "select full_name, withheld_reason as reason, connection_id, withheld_at from git_repos
         where organisation_id = ?1 and withheld_at is not null
         order by withheld_at, full_name limit ?2",
    )
    .bind(organisation)
    .bind(WITHHELD);
    let statements = vec![
        list_jobs_stmt(organisation, filter, before, limit),
        letters,
        withheld,
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok(JobsShown {
        jobs: rows_as(next())?,
        dead_letters: first_as::<Count>(next())?.map_or(0, |count| count.total),
        withheld: rows_as(next())?,
    })
}

/// A job, and those of its refs that come after the one of a name: all, or those in one state.
pub async fn load_job(
    app: &App,
    id: &str,
    state: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Option<(JobRow, Vec<JobRef>)>> {
    let refs = Statement::new(
        "select name, \"commit\", state, version, reason, attempts, packages from job_refs
         where job_id = ?1 and name > ?2 and (?3 is null or state = ?3)
         order by name limit ?4",
    )
    .bind(id)
    .bind(after)
    .bind(state)
    .bind(limit);
    let mut rows = app
        .db
        .batch(vec![find_job_stmt(id), refs])
        .await?
        .into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let job: Option<JobRow> = first_as(next())?;
    let refs = rows_as(next())?;
    Ok(job.map(|job| (job, refs)))
}
