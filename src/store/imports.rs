//! Imports of many projects at once: what is still to be listed, and what became of each project.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

/// Seconds without any step after which an import's message must be lost. Its projects take a second or two each.
const LOST: i64 = 15 * 60;

/// An import to be made.
#[derive(Debug, Clone)]
pub struct NewImport<'a> {
    /// Its id, random text.
    pub id: &'a str,
    /// The organisation's id.
    pub organisation: i64,
    /// The connection.
    pub connection: &'a str,
    /// The repository's id.
    pub repository: i64,
    /// JSON list; none where the projects are named.
    pub patterns: Option<&'a str>,
    /// Whether archived projects that the patterns mean are taken in too.
    pub with_archived: bool,
    /// JSON list of `[project, full name, state, reason]`; empty with patterns.
    pub projects: &'a str,
}

row! {
    /// An import as far as running it needs it, without counting its projects.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RunningImport {
        /// Its id.
        pub id: String,
        /// The organisation's id.
        pub organisation_id: i64,
        /// The connection.
        pub connection_id: String,
        /// The repository's id.
        pub repository_id: i64,
        /// JSON list; none where the projects were named.
        pub patterns: Option<String>,
        /// Whether archived projects that the patterns mean are taken in too.
        pub with_archived: i64,
        /// `listing`, `adding`, `done`, `failed`, `cancelled`.
        pub state: String,
        /// What the next page is asked with.
        pub cursor: Option<String>,
        /// Pages that were read.
        pub pages: i64,
    }
}

/// Finds what running an import needs.
pub async fn find_running_import(app: &App, id: &str) -> Result<Option<RunningImport>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, connection_id, repository_id, patterns, with_archived, state, cursor, pages
                 from imports where id = ?1",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

row! {
    /// An import as it stands.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ImportRow {
        /// Its id.
        pub id: String,
        /// The connection.
        pub connection_id: String,
        /// The repository's slug.
        pub repository: String,
        /// JSON list; none where the projects were named.
        pub patterns: Option<String>,
        /// Whether archived projects are taken in too.
        pub with_archived: i64,
        /// `listing`, `adding`, `done`, `failed`, `cancelled`.
        pub state: String,
        /// Why it failed, or what it waits for.
        pub message: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix seconds.
        pub finished_at: Option<i64>,
        /// Projects so far.
        pub total: i64,
        /// Those that wait.
        pub waiting: i64,
        /// Those that were put into the repository.
        pub added: i64,
        /// Those that were in it.
        pub known: i64,
        /// Those that were left out, being archived.
        pub skipped: i64,
        /// Those that cannot be taken in.
        pub refused: i64,
        /// Those that were waiting when it was cancelled.
        pub cancelled: i64,
    }
}

/// The statements that make an import with the projects that are known from the start.
fn insert_import_stmts(new: &NewImport<'_>, now: i64) -> Vec<Statement> {
    vec![
        Statement::new(
            "insert into imports (id, organisation_id, connection_id, repository_id, patterns, with_archived, state,
                                  due_at, created_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, case when ?5 is null then 'adding' else 'listing' end, ?7, ?8)",
        )
        .bind(new.id)
        .bind(new.organisation)
        .bind(new.connection)
        .bind(new.repository)
        .bind(new.patterns)
        .bind(new.with_archived)
        .bind(now.saturating_add(LOST))
        .bind(now),
        Statement::new(
            "insert into import_projects (import_id, project, full_name, state, reason)
             select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                    json_extract(value, '$[3]')
             from json_each(?2) where true
             on conflict (import_id, project) do nothing",
        )
        .bind(new.id)
        .bind(new.projects),
    ]
}

/// Makes an import.
pub async fn insert_import(app: &App, new: &NewImport<'_>) -> Result<()> {
    let statements = insert_import_stmts(new, app.now());
    app.db.batch(statements).await.map(|_| ())
}

/// Finds an import of an organisation with its counts.
pub async fn find_import(app: &App, organisation: i64, id: &str) -> Result<Option<ImportRow>> {
    let found = select_imports(app, organisation, Some(id), None, 1).await?;
    Ok(found.into_iter().next())
}

/// The imports of an organisation, newest first: all, or those that come after the import `before`.
pub async fn list_imports(
    app: &App,
    organisation: i64,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    select_imports(app, organisation, None, before, limit).await
}

async fn select_imports(
    app: &App,
    organisation: i64,
    id: Option<&str>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<ImportRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select i.id, i.connection_id, r.slug as repository, i.patterns, i.with_archived, i.state,
                            i.message, i.created_at, i.finished_at, count(f.project) as total,
                            coalesce(sum(f.state = 'waiting'), 0) as waiting,
                            coalesce(sum(f.state = 'added'), 0) as added,
                            coalesce(sum(f.state = 'known'), 0) as known,
                            coalesce(sum(f.state = 'skipped'), 0) as skipped,
                            coalesce(sum(f.state = 'refused'), 0) as refused,
                            coalesce(sum(f.state = 'cancelled'), 0) as cancelled
                     from (select * from imports
                           where organisation_id = ?1 and (?2 is null or id = ?2)
                             and (?3 is null or (-created_at, id) > (
                                 select -b.created_at, b.id from imports b
                                 where b.id = ?3 and b.organisation_id = ?1))
                           order by created_at desc, id limit ?4) i
                     join repositories r on r.id = i.repository_id
                     left join import_projects f on f.import_id = i.id
                     group by i.id order by i.created_at desc, i.id",
                )
                .bind(organisation)
                .bind(id)
                .bind(before)
                .bind(limit),
            )
            .await?,
    )
}

row! {
    /// A project of an import.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ImportProject {
        /// The host's id, or the name it was asked for by.
        pub project: String,
        /// `owner/name`.
        pub full_name: String,
        /// `waiting`, `added`, `known`, `skipped`, `refused`, `cancelled`.
        pub state: String,
        /// Why it was left out or refused.
        pub reason: Option<String>,
        /// The package's name.
        pub package: Option<String>,
        /// The job that takes in its refs.
        pub job_id: Option<String>,
        /// The state of that job; none when it was long ago.
        pub job_state: Option<String>,
    }
}

/// The projects of an import that come after `after`, by what they were asked for by: all, or those in one state.
pub async fn list_import_projects(
    app: &App,
    import: &str,
    state: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<ImportProject>> {
    select_projects(app, import, None, state, after, limit).await
}

/// Finds one project of an import.
pub async fn find_import_project(
    app: &App,
    import: &str,
    project: &str,
) -> Result<Option<ImportProject>> {
    let found = select_projects(app, import, Some(project), None, "", 1).await?;
    Ok(found.into_iter().next())
}

async fn select_projects(
    app: &App,
    import: &str,
    project: Option<&str>,
    state: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<ImportProject>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select f.project, f.full_name, f.state, f.reason, coalesce(p.deleted_name, p.name) as package, f.job_id, j.state as job_state
                     from import_projects f left join packages p on p.id = f.package_id
                     left join jobs j on j.id = f.job_id
                     where f.import_id = ?1 and f.project >= coalesce(?2, ?3) and (?2 is null or f.project = ?2)
                       and (?2 is not null or f.project > ?3) and (?4 is null or f.state = ?4)
                     order by f.project limit ?5",
                )
                .bind(import)
                .bind(project)
                .bind(after)
                .bind(state)
                .bind(limit),
            )
            .await?,
    )
}

/// Notes what a page of the host's list held and where the next one is; whether this page was not noted before.
/// `projects` is a JSON list of `[project, full name, state, reason]`.
pub async fn note_page(
    app: &App,
    import: &RunningImport,
    projects: &str,
    next: Option<&str>,
) -> Result<bool> {
    let now = app.now();
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "insert into import_projects (import_id, project, full_name, state, reason)
                 select ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                        json_extract(value, '$[3]')
                 from json_each(?2)
                 where exists (select 1 from imports where id = ?1 and state = 'listing' and pages = ?3)
                 on conflict (import_id, project) do nothing",
            )
            .bind(&import.id)
            .bind(projects)
            .bind(import.pages),
            Statement::new(
                "update imports set cursor = ?2, pages = pages + 1, message = null, due_at = ?4,
                        state = case when ?2 is null then 'adding' else 'listing' end
                 where id = ?1 and state = 'listing' and pages = ?3
                 returning id",
            )
            .bind(&import.id)
            .bind(next)
            .bind(import.pages)
            .bind(now.saturating_add(LOST)),
            finish_stmt(&import.id, now),
        ])
        .await?;
    Ok(rows.get(1).is_some_and(|updated| !updated.is_empty()))
}

/// The projects of an import that wait.
pub async fn list_waiting_projects(app: &App, import: &str) -> Result<Vec<String>> {
    row! {
        struct Waiting {
            project: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select project from import_projects where import_id = ?1 and state = 'waiting' order by project",
            )
            .bind(import),
        )
        .await?;
    Ok(rows_as::<Waiting>(rows)?
        .into_iter()
        .map(|row| row.project)
        .collect())
}

/// What became of a project.
#[derive(Debug, Clone)]
pub struct Settled<'a> {
    /// `added`, `known` or `refused`.
    pub state: &'a str,
    /// Why it was refused.
    pub reason: Option<&'a str>,
    /// What the host calls it now.
    pub full_name: Option<&'a str>,
    /// Its git repository and its package's name, which must belong together when this is written.
    pub package: Option<(i64, &'a str)>,
}

/// The statements that settle a waiting project, and its import with the last one. For one that is added they stand behind
/// those that add it: where the name was taken by another source meanwhile, it goes on waiting.
pub fn settle_project_stmts(
    import: &str,
    project: &str,
    settled: &Settled<'_>,
    now: i64,
) -> Vec<Statement> {
    let (git_repo, name) = settled.package.unzip();
    vec![
        Statement::new(
            "update import_projects
             set state = ?3, reason = ?4, full_name = coalesce(?5, full_name),
                 package_id = (select p.id from packages p where p.git_repo_id = ?6 and p.name = ?7),
                 job_id = case when ?3 = 'added'
                               then (select id from jobs where git_repo_id = ?6 and state = 'queued' limit 1) end
             where import_id = ?1 and project = ?2 and state = 'waiting'
               and (?6 is null or exists (select 1 from packages p where p.git_repo_id = ?6 and p.name = ?7))",
        )
        .bind(import)
        .bind(project)
        .bind(settled.state)
        .bind(settled.reason)
        .bind(settled.full_name)
        .bind(git_repo)
        .bind(name),
        Statement::new("update imports set due_at = ?2, message = null where id = ?1 and state in ('listing', 'adding')")
            .bind(import)
            .bind(now.saturating_add(LOST)),
        finish_stmt(import, now),
    ]
}

/// Ends an import of which no project waits any more.
fn finish_stmt(import: &str, now: i64) -> Statement {
    Statement::new(
        "update imports set state = 'done', message = null, finished_at = ?2
         where id = ?1 and state = 'adding'
           and not exists (select 1 from import_projects where import_id = ?1 and state = 'waiting')",
    )
    .bind(import)
    .bind(now)
}

/// The statement that starts the job of a package that is being added: the sync of its git repository.
pub fn insert_sync_stmt(job: &str, git_repo: i64, package: &str, now: i64) -> Statement {
    Statement::new(
        "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
         select ?1, p.organisation_id, 'sync', p.git_repo_id, p.id, 'queued', 'import', ?4 from packages p
         where p.git_repo_id = ?2 and p.name = ?3
           and not exists (select 1 from jobs where git_repo_id = ?2 and state = 'queued')",
    )
    .bind(job)
    .bind(git_repo)
    .bind(package)
    .bind(now)
}

/// Says what an import waits for, for so many seconds.
pub async fn note_wait(app: &App, import: &str, message: &str, seconds: u32) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update imports set message = ?2, due_at = max(due_at, ?3)
                 where id = ?1 and state in ('listing', 'adding')",
            )
            .bind(import)
            .bind(message)
            .bind(
                app.now()
                    .saturating_add(i64::from(seconds))
                    .saturating_add(LOST),
            ),
        )
        .await
        .map(|_| ())
}

/// Ends an import in vain or by hand: what waits is waited for no longer. Whether it was under way.
pub async fn end_import(app: &App, import: &str, state: &str, message: &str) -> Result<bool> {
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "update imports set state = ?2, message = ?3, finished_at = ?4
                 where id = ?1 and state in ('listing', 'adding') returning id",
            )
            .bind(import)
            .bind(state)
            .bind(message)
            .bind(app.now()),
            Statement::new(
                "update import_projects set state = 'cancelled', reason = ?2
                 where import_id = ?1 and state = 'waiting'
                   and exists (select 1 from imports where id = ?1 and state in ('failed', 'cancelled'))",
            )
            .bind(import)
            .bind(message),
        ])
        .await?;
    Ok(rows.first().is_some_and(|ended| !ended.is_empty()))
}

/// The imports whose message was lost. They are sent for again, so they are not lost for a while. Those that wait for a
/// credential are left alone.
pub async fn take_lost_imports(app: &App) -> Result<Vec<String>> {
    row! {
        struct Lost {
            id: String,
        }
    }
    let now = app.now();
    let rows = app
        .db
        .rows(
            Statement::new(
                "update imports set due_at = ?2
                 where state in ('listing', 'adding') and due_at < ?1
                   and not exists (select 1 from connections c
                                   where c.id = imports.connection_id and c.refused_at is not null)
                   and (select s.suspended_at from organisation_standings s where s.id = imports.organisation_id)
                       is null
                 returning id",
            )
            .bind(now)
            .bind(now.saturating_add(LOST)),
        )
        .await?;
    Ok(rows_as::<Lost>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// The imports of a connection that are under way, by id.
pub async fn list_open_imports(app: &App, connection: &str) -> Result<Vec<String>> {
    row! {
        struct Open {
            id: String,
        }
    }
    let statement = Statement::new(
        "select id from imports where connection_id = ?1 and state in ('listing', 'adding') order by id",
    )
    .bind(connection);
    let rows: Vec<Open> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Forgets some imports that ended before `before`, with their projects; what they added stays.
pub async fn delete_old_imports(app: &App, before: i64) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "delete from import_projects where import_id in (
                     select id from imports where finished_at < ?1 order by finished_at, id limit 50)",
            )
            .bind(before),
            Statement::new(
                "delete from imports where id in (
                     select id from imports where finished_at < ?1 order by finished_at, id limit 50)",
            )
            .bind(before),
        ])
        .await
        .map(|_| ())
}
