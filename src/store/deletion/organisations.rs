//! An organisation is deleted, in portions: whatever it has leaves before that on which it hangs, so each portion finds what
//! the one before left, and may fail and come again. It is suspended all the while.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::connections::list_connections;
use crate::store::deletion::{delete_connection, delete_repository, free_deleted_uploads};
use crate::store::organisations::{Organisation, load_organisation};
use crate::store::repositories::list_repositories;

/// Seconds after which a deletion on which nobody is at work is sent for again.
const FORGOTTEN: i64 = 10 * 60;

/// What one portion came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// Something left, and more is to leave.
    More,
    /// These connections have hooks at their hosts, which come first.
    Hooks(Vec<String>),
    /// The organisation is gone.
    Gone,
}

/// Begins the deletion of an organisation; what is under way in it ends with a reason. Saying it twice changes nothing.
pub async fn begin_deletion(app: &App, organisation: &Organisation, reason: &str) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(organisation.id).bind(now);
    app.db
        .batch(vec![
            on("update organisations set deleted_at = ?2, deletion_active_at = ?2 where id = ?1 and deleted_at is null"),
            on("update imports set state = 'cancelled', message = ?3, finished_at = ?2
                where organisation_id = ?1 and state in ('listing', 'adding')")
            .bind(reason),
            on("update jobs set state = 'cancelled', message = ?3, finished_at = ?2, active_at = ?2
                where organisation_id = ?1 and state in ('queued', 'running', 'publishing')")
            .bind(reason),
        ])
        .await?;
    app.memo.principals.clear();
    app.memo.repositories.clear();
    Ok(())
}

/// Whether the deletion of an organisation has begun.
pub async fn is_being_deleted(app: &App, organisation: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select 1 as one from organisations where id = ?1 and deleted_at is not null",
            )
            .bind(organisation),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Organisations that are being deleted and on which nobody was at work for long.
pub async fn list_deleted_organisations(app: &App) -> Result<Vec<i64>> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from organisations
                 where deleted_at is not null and coalesce(deletion_active_at, 0) < ?1 limit 50",
            )
            .bind(app.now().saturating_sub(FORGOTTEN)),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// Takes one portion of an organisation away.
pub async fn delete_portion(app: &App, id: i64) -> Result<Portion> {
    if !is_being_deleted(app, id).await? {
        return Ok(Portion::Gone);
    }
    app.db
        .rows(
            Statement::new("update organisations set deletion_active_at = ?2 where id = ?1")
                .bind(id)
                .bind(app.now()),
        )
        .await?;
    let organisation = load_organisation(app, id).await?;
    let reason = "the organisation is being deleted";
    for connection in list_connections(app, id).await? {
        delete_connection(app, &connection, reason).await?;
    }
    let hooks = list_connections_with_hooks(app, id).await?;
    if !hooks.is_empty() {
        return Ok(Portion::Hooks(hooks));
    }
    if let Some(repository) = list_repositories(app, id).await?.into_iter().next() {
        delete_repository(app, id, repository.id, &repository.slug).await?;
        free_deleted_uploads(app).await?;
        return Ok(Portion::More);
    }
    if leaves(app, id, PACKAGE_READERS).await?
        || leaves(app, id, PACKAGES).await?
        || leaves(app, id, JOBS).await?
        || leaves(app, id, GIT_REPOS).await?
        || leaves(app, id, READERS).await?
    {
        return Ok(Portion::More);
    }
    // Nothing names them any more.
    let prefix = format!("archives/{id}/");
    let page = app.blobs.list(&prefix, None).await?;
    let keys: Vec<_> = page.objects.into_iter().map(|object| object.key).collect();
    if !keys.is_empty() {
        app.blobs.delete(&keys).await?;
        return Ok(Portion::More);
    }
    end(app, &organisation).await?;
    Ok(Portion::Gone)
}

async fn list_connections_with_hooks(app: &App, organisation: i64) -> Result<Vec<String>> {
    row! {
        struct Row {
            id: String,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from connections
                 where organisation_id = ?1 and deleted_at is not null and sealed_token <> ''",
            )
            .bind(organisation),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// Statements that take away what hangs on some rows of an organisation, and then those. Each names the same rows, in the
/// same order: the last statement of a batch is the one that makes it others.
type Rows = &'static [&'static str];

/// Of all that packages have this may be most: a row for each reader and day.
const PACKAGE_READERS: Rows = &[
    "delete from package_readers where (package_id, reader_id, day) in (
         select s.package_id, s.reader_id, s.day from package_readers s
         where s.package_id in (select id from packages where organisation_id = ?1) limit 5000) returning 1 as one",
];

/// Readers with their days.
const READERS: Rows = &[
    "delete from reader_days where reader_id in (select id from readers where organisation_id = ?1 order by id limit 50)",
    "delete from readers where id in (select id from readers where organisation_id = ?1 order by id limit 50) returning 1 as one",
];

/// Packages and all that is theirs.
const PACKAGES: Rows = &[
    "delete from pending_publications where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from repository_packages where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from folder_refs where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from versions where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from defined_versions where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from deleted_versions where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from deleted_archives where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from version_references where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from downloads where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_texts where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_clients where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_readers where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_provides where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_requires where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from package_search where rowid in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from dists where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from job_refs where job_id in (select j.id from jobs j where j.package_id in (
         select id from packages where organisation_id = ?1 order by id limit 50))",
    "delete from jobs where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "update import_projects set package_id = null
     where package_id in (select id from packages where organisation_id = ?1 order by id limit 50)",
    "delete from packages where id in (select id from packages where organisation_id = ?1 order by id limit 50) returning 1 as one",
];

/// Jobs about no package.
const JOBS: Rows = &[
    "delete from job_refs where job_id in (select id from jobs where organisation_id = ?1 order by id limit 500)",
    "delete from jobs where id in (select id from jobs where organisation_id = ?1 order by id limit 500) returning 1 as one",
];

/// Git repositories with what is known of their refs and commits.
const GIT_REPOS: Rows = &[
    "delete from folder_refs where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from folder_manifests where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from commit_folders where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from looked_commits where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from read_commits where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from git_repo_repositories where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from deleted_packages where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from ref_pages where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from git_refs where git_repo_id in (select id from git_repos where organisation_id = ?1 order by id limit 50)",
    "delete from git_repos where id in (select id from git_repos where organisation_id = ?1 order by id limit 50) returning 1 as one",
];

/// Takes some rows away; whether there were any.
async fn leaves(app: &App, organisation: i64, rows: Rows) -> Result<bool> {
    let statements = rows
        .iter()
        .map(|sql| Statement::new(sql).bind(organisation))
        .collect();
    let answers = app.db.batch(statements).await?;
    Ok(answers.last().is_some_and(|gone| !gone.is_empty()))
}

/// A statement about the accounts that are nowhere any more.
macro_rules! of_nobody {
    ($sql:literal) => {
        concat!(
            $sql,
            " in (select a.id from accounts a
                  where a.owns_instance = 0
                    and not exists (select 1 from members m where m.account_id = a.id)
                    and not exists (select 1 from tokens t where t.account_id = a.id)
                    and not exists (select 1 from invitations i where i.account_id = a.id)
                    and not exists (select 1 from team_members x where x.account_id = a.id))"
        )
    };
}

/// Takes the rest away, in one batch: people, customers, grants, connections, the lines of its log, and itself. Of its log
/// one line stays, the instance's own that it was deleted. Should something have come meanwhile that hangs on it, nothing
/// is done, and the next portion begins with that.
async fn end(app: &App, organisation: &Organisation) -> Result<()> {
    let id = organisation.id;
    let on = |sql: &'static str| Statement::new(sql).bind(id);
    app.db
        .batch(vec![
            on("delete from host_names where organisation_id = ?1"),
            on("delete from invitations where organisation_id = ?1"),
            on("delete from customer_logins where token_id in (select id from tokens where organisation_id = ?1)"),
            on("delete from tokens where organisation_id = ?1"),
            on("delete from group_memberships where team_id in (select id from teams where organisation_id = ?1)"),
            on("delete from team_members where team_id in (select id from teams where organisation_id = ?1)"),
            on("delete from teams where organisation_id = ?1"),
            on("delete from members where organisation_id = ?1"),
            on("delete from sign_in_rules where organisation_id = ?1"),
            on("update logins set ended_at = coalesce(ended_at, unixepoch())
                where provider_id in (select id from identity_providers where organisation_id = ?1)"),
            on("delete from identities
                where provider_id in (select id from identity_providers where organisation_id = ?1)"),
            on("delete from sign_in_flows
                where organisation_id = ?1
                   or provider_id in (select id from identity_providers where organisation_id = ?1)"),
            on("delete from identity_providers where organisation_id = ?1"),
            // Whoever is nowhere else is nobody's to know.
            Statement::new(of_nobody!("delete from logins where account_id")),
            Statement::new(of_nobody!("delete from passwords where account_id")),
            Statement::new(of_nobody!("delete from identities where account_id")),
            Statement::new(of_nobody!("delete from password_resets where account_id")),
            Statement::new(of_nobody!("delete from recovery_codes where account_id")),
            Statement::new(of_nobody!("delete from second_factors where account_id")),
            Statement::new(of_nobody!("delete from passkeys where account_id")),
            Statement::new(of_nobody!("delete from accounts where id")),
            // What others gave to it is theirs, but nobody can have it any more.
            on("delete from grants where organisation_id = ?1 or subject = 'organisation:' || ?1"),
            on("delete from customers where organisation_id = ?1"),
            on("delete from collections where organisation_id = ?1"),
            on("delete from served_versions where organisation_id = ?1"),
            on("delete from organisation_clients where organisation_id = ?1"),
            on("delete from dead_letters where organisation_id = ?1"),
            on("delete from connections where organisation_id = ?1"),
            on("delete from github_app_deliveries
                where github_app_id in (select id from github_apps where organisation_id = ?1)"),
            on("delete from github_apps where organisation_id = ?1"),
            on("delete from organisations where id = ?1"),
            on("insert into audit_retention (organisation_id, before_time) values (?1, 9999999999)"),
            on("delete from audit where organisation_id = ?1"),
            on("delete from audit_retention where organisation_id = ?1"),
        ])
        .await?;
    app.memo.principals.clear();
    Ok(())
}
