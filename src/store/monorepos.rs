//! Git repositories with many packages: which folders they are in, and the jobs about them.

use serde::Deserialize;

use crate::app::App;
use crate::domain::monorepo::{FolderPatterns, FolderVersions};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::packages::Package;

/// The settings of a git repository with many packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monorepo {
    /// Its folders that are packages.
    pub folders: FolderPatterns,
    /// Of which packages a tag is a version.
    pub versions: FolderVersions,
}

row! {
    struct MonorepoRow {
        folders: Option<String>,
        folder_versions: String,
    }
}

/// The settings of a git repository; none where it is one package.
pub async fn find_monorepo(app: &App, git_repo: i64) -> Result<Option<Monorepo>> {
    let rows = app
        .db
        .rows(
            Statement::new("select folders, folder_versions from git_repos where id = ?1")
                .bind(git_repo),
        )
        .await?;
    let Some(row) = first_as::<MonorepoRow>(rows)? else {
        return Ok(None);
    };
    let Some(folders) = row.folders else {
        return Ok(None);
    };
    Ok(Some(Monorepo {
        folders: serde_json::from_str(&folders).map_err(Error::internal)?,
        versions: FolderVersions::parse(&row.folder_versions).unwrap_or(FolderVersions::Changed),
    }))
}

/// A package of a git repository with many, in a list. It comes as a JSON list of its fields.
#[derive(Debug, Clone, Deserialize)]
pub struct ListedPackage {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: Option<String>,
    /// Its new name, once it has one.
    pub renamed_to: Option<String>,
}

row! {
    /// A git repository with many packages, in a list.
    #[derive(Debug, Clone)]
    pub struct ListedMonorepo {
        /// Its id here.
        pub id: i64,
        /// The connection it is reached through.
        pub connection_id: String,
        /// The host's own immutable id.
        pub provider_id: String,
        /// `owner/name`, as last seen.
        pub full_name: String,
        /// Its page.
        pub web_url: String,
        /// Why its host withholds it.
        pub withheld_reason: Option<String>,
        folders: String,
        folder_versions: String,
        /// JSON: names, folders and new names of its packages.
        packages: String,
        /// How many of its refs were imported.
        pub imported: i64,
        /// How many are no version.
        pub skipped: i64,
        /// How many failed.
        pub failed: i64,
    }
}

impl ListedMonorepo {
    /// Its settings.
    pub fn monorepo(&self) -> Result<Monorepo> {
        Ok(Monorepo {
            folders: serde_json::from_str(&self.folders).map_err(Error::internal)?,
            versions: FolderVersions::parse(&self.folder_versions)
                .unwrap_or(FolderVersions::Changed),
        })
    }

    /// Its packages by name.
    pub fn packages(&self) -> Result<Vec<ListedPackage>> {
        serde_json::from_str(&self.packages).map_err(Error::internal)
    }
}

/// The git repositories of an organisation with many packages that come after `after`, by id.
pub async fn list_monorepos(
    app: &App,
    organisation: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<ListedMonorepo>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select g.id, g.connection_id, g.provider_id, g.full_name, g.web_url, g.withheld_reason, g.folders,
                            g.folder_versions,
                            (select json_group_array(json_array(p.name, p.folder, p.renamed_to)) from (
                                 select name, folder, renamed_to from packages where git_repo_id = g.id
                                 order by name) p) as packages,
                            (select count(*) from git_refs r where r.git_repo_id = g.id and r.state = 'imported')
                                as imported,
                            (select count(*) from git_refs r where r.git_repo_id = g.id and r.state = 'skipped')
                                as skipped,
                            (select count(*) from git_refs r where r.git_repo_id = g.id and r.state = 'failed')
                                as failed
                     from git_repos g
                     where g.organisation_id = ?1 and g.id > ?2 and g.folders is not null
                     order by g.id limit ?3",
                )
                .bind(organisation)
                .bind(after)
                .bind(limit),
            )
            .await?,
    )
}

/// The patterns as their column has them.
pub(super) fn folders_text(folders: &FolderPatterns) -> Result<String> {
    serde_json::to_string(folders).map_err(Error::internal)
}

/// Sets them. By other patterns no commit was looked at.
pub fn save_monorepo_stmts(git_repo: i64, monorepo: &Monorepo) -> Result<Vec<Statement>> {
    let folders = folders_text(&monorepo.folders)?;
    Ok(vec![
        Statement::new(
            "delete from commit_folders where git_repo_id = ?1
               and exists (select 1 from git_repos where id = ?1 and folders is not ?2)",
        )
        .bind(git_repo)
        .bind(folders.as_str()),
        Statement::new(
            "delete from looked_commits where git_repo_id = ?1
               and exists (select 1 from git_repos where id = ?1 and folders is not ?2)",
        )
        .bind(git_repo)
        .bind(folders.as_str()),
        // A git repository that was one package until now has no ref that was looked at.
        Statement::new(
            "delete from git_refs where git_repo_id = ?1
               and exists (select 1 from git_repos where id = ?1 and folders is null)",
        )
        .bind(git_repo),
        // What was asked for while it was one package is asked of all of them.
        Statement::new(
            "update jobs set package_id = null where git_repo_id = ?1 and state = 'queued'
               and exists (select 1 from git_repos where id = ?1 and folders is null)",
        )
        .bind(git_repo),
        Statement::new("update git_repos set folders = ?2, folder_versions = ?3 where id = ?1")
            .bind(git_repo)
            .bind(folders)
            .bind(monorepo.versions.as_str()),
    ])
}

/// Has new packages of a git repository go into a repository, and those that are there too.
pub fn add_git_repo_to_repository_stmts(git_repo: i64, repository: i64) -> Vec<Statement> {
    vec![
        Statement::new(
            "insert into git_repo_repositories (git_repo_id, repository_id) values (?1, ?2)
             on conflict (git_repo_id, repository_id) do nothing",
        )
        .bind(git_repo)
        .bind(repository),
        join_repositories_stmt(git_repo),
    ]
}

/// Puts the packages of a git repository into the repositories that they belong into.
pub(super) fn join_repositories_stmt(git_repo: i64) -> Statement {
    Statement::new(
        "insert into repository_packages (repository_id, package_id)
         select m.repository_id, p.id
         from packages p join git_repo_repositories m on m.git_repo_id = p.git_repo_id
         where p.git_repo_id = ?1 and p.folder is not null
         on conflict (repository_id, package_id) do nothing",
    )
    .bind(git_repo)
}

row! {
    /// A repository, by id and by slug.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Destination {
        /// Its id.
        pub id: i64,
        /// Its slug.
        pub slug: String,
    }
}

/// The repositories that packages of a git repository are in or go into.
pub async fn list_destinations(app: &App, git_repo: i64) -> Result<Vec<Destination>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select r.id, r.slug from repositories r
                     where r.id in (select repository_id from git_repo_repositories where git_repo_id = ?1
                                    union
                                    select m.repository_id from repository_packages m
                                    join packages p on p.id = m.package_id where p.git_repo_id = ?1)
                     order by r.slug",
                )
                .bind(git_repo),
            )
            .await?,
    )
}

/// The packages of a git repository by name, those that were renamed too.
pub async fn list_packages_of_git_repo(app: &App, git_repo: i64) -> Result<Vec<Package>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, organisation_id, name, git_repo_id, folder, description, created_at,
                            transient_branches, tag_prefixes, moved_tags, abandoned, renamed_to, renamed_from, notice
                     from packages where git_repo_id = ?1 order by name",
                )
                .bind(git_repo),
            )
            .await?,
    )
}

row! {
    /// A job about a git repository with many packages.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct MonorepoJob {
        /// The git repository.
        pub git_repo_id: i64,
        /// The state.
        pub state: String,
        /// What started it.
        pub cause: String,
        /// When something of it was last at work, in Unix seconds.
        pub active_at: Option<i64>,
        /// Unix seconds.
        pub created_at: i64,
    }
}

/// Finds what running such a job needs; none for a job about one package.
pub async fn find_monorepo_job(app: &App, id: &str) -> Result<Option<MonorepoJob>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select git_repo_id, state, cause, active_at, created_at from jobs
                 where id = ?1 and git_repo_id is not null and package_id is null",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

/// Moves jobs about a git repository on to publishing once none of their refs waits: this one, and others whose refs were
/// settled along with its own. Gives the state that this one is in then.
pub async fn settle_monorepo_jobs(app: &App, git_repo: i64, job: &str) -> Result<Option<String>> {
    row! {
        struct State {
            state: String,
        }
    }
    let rows = app
        .db
        .batch(vec![
            // One without refs has not looked yet, or has nothing to do, which it finds out by itself.
            Statement::new(
                "update jobs set state = 'publishing', message = null
                 where git_repo_id = ?1 and package_id is null and state = 'running'
                   and (id = ?2 or exists (select 1 from job_refs f where f.job_id = jobs.id))
                   and not exists (select 1 from job_refs f where f.job_id = jobs.id and f.state = 'waiting')",
            )
            .bind(git_repo)
            .bind(job),
            Statement::new("select state from jobs where id = ?1").bind(job),
        ])
        .await?;
    let state = rows.into_iter().nth(1).unwrap_or_default();
    Ok(first_as::<State>(state)?.map(|row| row.state))
}
