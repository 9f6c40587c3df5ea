//! The git refs that a job is about, and what became of each.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::git_refs::KnownRef;

row! {
    /// A ref of a job.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct JobRef {
        /// Full name: `refs/tags/v1.0.0`.
        pub name: String,
        /// The commit.
        pub commit: String,
        /// `waiting`, `imported`, `skipped`, `failed`, `removed`.
        pub state: String,
        /// The version it became.
        pub version: Option<String>,
        /// Why it became none.
        pub reason: Option<String>,
        /// How often it was tried in vain.
        pub attempts: i64,
        /// JSON: what became of each package of a git repository that has many.
        pub packages: Option<String>,
    }
}

/// The refs of a job, by name.
pub async fn list_job_refs(app: &App, job: &str) -> Result<Vec<JobRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select name, \"commit\", state, version, reason, attempts, packages from job_refs
                     where job_id = ?1 order by name",
                )
                .bind(job),
            )
            .await?,
    )
}

row! {
    struct CommitRow {
        commit: String,
    }
}

/// The commits that waiting refs of a job point at; last those whose refs all stand back behind another tag, so that what
/// comes first can always be decided on.
pub async fn list_waiting_commits(app: &App, job: &str) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select \"commit\" from job_refs where job_id = ?1 and state = 'waiting'
                 group by \"commit\" order by min(yields_to is not null), 1",
            )
            .bind(job),
        )
        .await?;
    Ok(rows_as::<CommitRow>(rows)?
        .into_iter()
        .map(|row| row.commit)
        .collect())
}

/// The commits of waiting tags that stood back behind one that is settled by now.
pub async fn list_freed_commits(app: &App, job: &str) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select distinct f.\"commit\" as \"commit\"
                 from job_refs f join job_refs l on l.job_id = f.job_id and l.name = f.yields_to
                 where f.job_id = ?1 and f.yields_to is not null and f.state = 'waiting' and l.state <> 'waiting'
                 order by 1",
            )
            .bind(job),
        )
        .await?;
    Ok(rows_as::<CommitRow>(rows)?
        .into_iter()
        .map(|row| row.commit)
        .collect())
}

row! {
    /// A ref that waits to be taken in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct WaitingRef {
        /// Full name.
        pub name: String,
        /// Another tag for the same version that comes first.
        pub yields_to: Option<String>,
        /// What became of that one: a state of `job_refs`, or of `git_refs` where this job leaves it alone.
        pub leader_state: Option<String>,
    }
}

/// The refs of a job that wait at a commit, by name.
pub async fn list_waiting_refs(app: &App, job: &str, commit: &str) -> Result<Vec<WaitingRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select f.name, f.yields_to,
                            coalesce(
                                (select l.state from job_refs l where l.job_id = f.job_id and l.name = f.yields_to),
                                (select g.state from jobs j join git_refs g on g.git_repo_id = j.git_repo_id
                                 where j.id = f.job_id and g.name = f.yields_to)) as leader_state
                     from job_refs f
                     where f.job_id = ?1 and f.\"commit\" = ?2 and f.state = 'waiting'
                     order by f.name",
                )
                .bind(job)
                .bind(commit),
            )
            .await?,
    )
}

/// Notes the refs a job is about; those it knows already stay as they are.
/// `refs` is a JSON list of `[name, commit, state, version, reason, yields_to]`.
pub fn insert_job_refs_stmt(job: &str, refs: &str) -> Statement {
    Statement::new(
        "insert into job_refs (job_id, name, \"commit\", state, version, reason, yields_to)
         select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
         from json_each(?2)
         where true
         on conflict (job_id, name) do nothing",
    )
    .bind(job)
    .bind(refs)
}

/// Settles a ref of a job as failed.
pub fn fail_job_ref_stmt(job: &str, name: &str, reason: Option<&str>) -> Statement {
    Statement::new(
        "update job_refs set state = 'failed', version = null, reason = ?3 where job_id = ?1 and name = ?2",
    )
    .bind(job)
    .bind(name)
    .bind(reason)
}

/// Settles a ref of a job as its git repository has it now, if that was noted under the same conditions: it stands
/// behind [`settle_git_ref_stmt`](crate::store::git_refs::settle_git_ref_stmt) in a batch.
pub fn settle_job_ref_stmt(
    job: &str,
    known: &KnownRef,
    package: i64,
    version: Option<&str>,
) -> Statement {
    Statement::new(
        "update job_refs set state = ?3, version = ?4, reason = ?5
         where job_id = ?1 and name = ?2
           and exists (select 1 from packages p where p.id = ?6 and p.renamed_to is null)
           and (?7 is null or exists (
               select 1 from versions v where v.package_id = ?6 and v.normalized = ?7
               and v.reference = ?8 and v.removed_at is null))",
    )
    .bind(job)
    .bind(&known.name)
    .bind(&known.state)
    .bind(known.version.clone())
    .bind(known.reason.clone())
    .bind(package)
    .bind(version)
    .bind(&known.commit)
}

/// The statement that gives those of some refs (a JSON list of names) that a job still waits for.
pub fn find_waiting_stmt(job: &str, names: &str) -> Statement {
    Statement::new(
        "select name from job_refs
         where job_id = ?1 and state = 'waiting' and name in (select value from json_each(?2))",
    )
    .bind(job)
    .bind(names)
}

/// Settles the waiting refs of a commit as failed.
pub async fn give_up_waiting_refs(app: &App, job: &str, commit: &str, reason: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update job_refs set state = 'failed', reason = ?3
                 where job_id = ?1 and \"commit\" = ?2 and state = 'waiting'",
            )
            .bind(job)
            .bind(commit)
            .bind(reason),
        )
        .await
        .map(|_| ())
}

/// Settles all waiting refs of a job as failed.
pub async fn give_up_all_waiting_refs(app: &App, job: &str, reason: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update job_refs set state = 'failed', reason = ?2 where job_id = ?1 and state = 'waiting'",
            )
            .bind(job)
            .bind(reason),
        )
        .await
        .map(|_| ())
}

/// Counts a failed attempt at the waiting refs of a commit, and gives how many there have been.
pub async fn count_attempt(app: &App, job: &str, commit: &str, reason: &str) -> Result<i64> {
    row! {
        struct Attempts {
            attempts: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "update job_refs set attempts = attempts + 1, reason = ?3
                 where job_id = ?1 and \"commit\" = ?2 and state = 'waiting'
                 returning attempts",
            )
            .bind(job)
            .bind(commit)
            .bind(reason),
        )
        .await?;
    Ok(rows_as::<Attempts>(rows)?
        .into_iter()
        .map(|row| row.attempts)
        .max()
        .unwrap_or_default())
}

/// Counts the refs that a reconcile found as they were, but for those this very job is about. `names` is a JSON list.
pub fn count_unchanged_stmt(job: &str, names: &str) -> Statement {
    Statement::new(
        "update jobs set unchanged = (
             select count(*) from json_each(?2)
             where value not in (select name from job_refs where job_id = ?1))
         where id = ?1",
    )
    .bind(job)
    .bind(names)
}
