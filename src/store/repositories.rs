//! Organisations, repositories and their heads.

use std::rc::Rc;

use serde::Deserialize;

use crate::app::App;
use crate::domain::access::Place;
use crate::domain::blob::BlobHash;
use crate::domain::metadata::DOCUMENT_FORM;
use crate::domain::settings::{Settings, SettingsPatch};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, rows_as};
use crate::store::organisations::insert_organisation_stmt;
use crate::store::pending::{ask_for_all_stmt, ask_for_one_stmt};

/// How a request names a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryAddress {
    /// `/r/{organisation}/{repository}`.
    Path {
        /// Slug of the organisation.
        organisation: String,
        /// Slug of the repository.
        repository: String,
    },
    /// By the host alone.
    Host(String),
}

impl RepositoryAddress {
    /// The key under which the repository is remembered.
    pub fn memo_key(&self) -> String {
        match self {
            Self::Path {
                organisation,
                repository,
            } => format!("/{organisation}/{repository}"),
            Self::Host(host) => host.clone(),
        }
    }
}

/// A repository with its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: i64,
    /// The organisation's id.
    pub organisation_id: i64,
    /// The organisation's slug.
    pub organisation: String,
    /// Its slug.
    pub slug: String,
    /// Whether everybody may read it.
    pub is_public: bool,
    /// Whether its organisation is suspended: then nobody gets anything.
    pub is_suspended: bool,
    /// The head.
    pub head: Head,
    /// The address its published documents carry; none before the first publish.
    pub published_address: Option<String>,
    /// The form its published documents have; 0 when it is not known.
    pub published_form: i64,
    /// What people read about it.
    pub description: Option<String>,
    /// Its settings as stored: few requests need them, so they are parsed by those that do.
    settings: Rc<str>,
    /// How often its settings were changed.
    pub settings_changes: i64,
}

impl Repository {
    /// Where an action takes place, for the rules of access.
    pub fn place(&self) -> Place<'_> {
        Place {
            organisation: self.organisation_id,
            repository: &self.slug,
            is_public: self.is_public && !self.is_suspended,
        }
    }

    /// Its settings.
    pub fn settings(&self) -> Result<Settings> {
        serde_json::from_str(&self.settings).map_err(Error::internal)
    }

    /// The address that its documents are to carry: `https://…/r/{organisation}/{repository}`.
    pub fn address(&self, public_url: &str) -> String {
        format!("{public_url}/r/{}/{}", self.organisation, self.slug)
    }
}

/// A revision: the number, the root and the second of a state that a repository has or had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// 0 before the first publish.
    pub revision: i64,
    /// The root of its tree; none before the first publish.
    pub root: Option<BlobHash>,
    /// Unix seconds, strictly later than the revision's before.
    pub time: i64,
    /// Unix seconds of the revision in which the listed names last changed.
    pub names_changed_at: i64,
}

#[derive(Deserialize)]
struct RepositoryRow {
    id: i64,
    organisation_id: i64,
    organisation: String,
    slug: String,
    is_public: i64,
    is_suspended: i64,
    head_revision: i64,
    head_root: Option<String>,
    head_time: i64,
    names_changed_at: Option<i64>,
    published_address: Option<String>,
    published_form: i64,
    form_revision: i64,
    description: Option<String>,
    settings: String,
    settings_changes: i64,
}

impl From<RepositoryRow> for Repository {
    fn from(row: RepositoryRow) -> Self {
        Self {
            id: row.id,
            organisation_id: row.organisation_id,
            organisation: row.organisation,
            slug: row.slug,
            is_public: row.is_public != 0,
            is_suspended: row.is_suspended != 0,
            head: Head {
                revision: row.head_revision,
                root: row.head_root.as_deref().and_then(BlobHash::parse),
                time: row.head_time,
                names_changed_at: row.names_changed_at.unwrap_or(row.head_time),
            },
            published_address: row.published_address,
            // Whoever moved the head meanwhile knew of no forms.
            published_form: if row.form_revision == row.head_revision {
                row.published_form
            } else {
                0
            },
            description: row.description,
            settings: row.settings.into(),
            settings_changes: row.settings_changes,
        }
    }
}

/// The statement that finds a repository by its address, for a batch with others.
pub fn find_repository_stmt(address: &RepositoryAddress) -> Statement {
    match address {
        RepositoryAddress::Path {
            organisation,
            repository,
        } => Statement::new(
            "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                    r.head_revision, r.head_root, r.head_time, r.published_address, r.published_form,
                    r.form_revision, r.description, r.settings, r.settings_changes,
                    o.suspended_at is not null as is_suspended,
                    (select names_changed_at from revisions
                     where repository_id = r.id and number = r.head_revision) as names_changed_at
             from repositories r join organisations o on o.id = r.organisation_id
             where o.slug = ?1 and r.slug = ?2",
        )
        .bind(organisation)
        .bind(repository),
        RepositoryAddress::Host(host) => Statement::new(
            "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                    r.head_revision, r.head_root, r.head_time, r.published_address, r.published_form,
                    r.form_revision, r.description, r.settings, r.settings_changes,
                    o.suspended_at is not null as is_suspended,
                    (select names_changed_at from revisions
                     where repository_id = r.id and number = r.head_revision) as names_changed_at
             from hosts h join repositories r on r.id = h.repository_id
                          join organisations o on o.id = r.organisation_id
             where h.host in (?1, '*')
             order by h.host = '*'
             limit 1",
        )
        .bind(host),
    }
}

/// Reads what `find_repository_stmt` found.
pub fn read_repository(rows: Vec<Row>) -> Result<Option<Repository>> {
    Ok(rows_as::<RepositoryRow>(rows)?
        .into_iter()
        .next()
        .map(Repository::from))
}

/// The repository as the database has it now, by its id. It must be there.
pub async fn load_repository(app: &App, id: i64) -> Result<Repository> {
    find_repository_by_id(app, id)
        .await?
        .ok_or_else(|| Error::internal(format!("repository {id} is missing")))
}

/// The repository as the database has it now, by its id; none when it was deleted.
pub async fn find_repository_by_id(app: &App, id: i64) -> Result<Option<Repository>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                        r.head_revision, r.head_root, r.head_time, r.published_address, r.published_form,
                    r.form_revision, r.description, r.settings, r.settings_changes,
                    o.suspended_at is not null as is_suspended,
                        (select names_changed_at from revisions
                         where repository_id = r.id and number = r.head_revision) as names_changed_at
                 from repositories r join organisations o on o.id = r.organisation_id
                 where r.id = ?1",
            )
            .bind(id),
        )
        .await?;
    read_repository(rows)
}

/// The repository as the database has it now, by its address.
pub async fn find_repository(
    app: &App,
    organisation: &str,
    repository: &str,
) -> Result<Option<Repository>> {
    let address = RepositoryAddress::Path {
        organisation: organisation.to_owned(),
        repository: repository.to_owned(),
    };
    read_repository(app.db.rows(find_repository_stmt(&address)).await?)
}

/// The repositories of an organisation, by slug.
pub async fn list_repositories(app: &App, organisation: i64) -> Result<Vec<Repository>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                        r.head_revision, r.head_root, r.head_time, r.published_address, r.published_form,
                    r.form_revision, r.description, r.settings, r.settings_changes,
                    o.suspended_at is not null as is_suspended,
                        (select names_changed_at from revisions
                         where repository_id = r.id and number = r.head_revision) as names_changed_at
                 from repositories r join organisations o on o.id = r.organisation_id
                 where r.organisation_id = ?1
                 order by r.slug",
            )
            .bind(organisation),
        )
        .await?;
    Ok(rows_as::<RepositoryRow>(rows)?
        .into_iter()
        .map(Repository::from)
        .collect())
}

/// Makes a repository. A taken slug is a conflict.
pub async fn insert_repository(
    app: &App,
    organisation: &str,
    slug: &str,
    is_public: bool,
) -> Result<()> {
    app.db
        .rows(insert_repository_stmt(
            organisation,
            slug,
            is_public,
            app.now(),
        ))
        .await
        .map(|_| ())
}

/// Fails the batch that it begins, as a conflict, if the repository is no longer as it was read: a column that must
/// have a value would lose it. So of two changes of one state one is made.
fn still_is_stmt(repository: &Repository) -> Statement {
    Statement::new(
        "update repositories set slug = null
         where id = ?1 and not (is_public = ?2 and description is ?3 and settings = ?4)",
    )
    .bind(repository.id)
    .bind(repository.is_public)
    .bind(repository.description.as_ref())
    .bind(repository.settings.as_ref())
}

/// What is to become of a repository; what is none stays as it is.
pub struct RepositoryChange<'a> {
    /// Whether everybody may read it.
    pub is_public: Option<bool>,
    /// What people read about it; an empty text takes it away.
    pub description: Option<&'a str>,
    /// Its settings.
    pub settings: &'a SettingsPatch,
    /// Whether the files of Composer 1 are to be built from now on, when that changes.
    pub builds_composer_1: Option<bool>,
    /// The repository as it must still be, if it must be as it was read; if not, it is a conflict.
    pub only_of: Option<&'a Repository>,
}

/// Changes a repository. A change that changes nothing moves no validator, nor does one of what no document shows.
pub async fn update_repository(app: &App, id: i64, change: &RepositoryChange<'_>) -> Result<()> {
    let patch = serde_json::to_string(change.settings).map_err(Error::internal)?;
    let mut statements: Vec<_> = change.only_of.map(still_is_stmt).into_iter().collect();
    statements.push(
        Statement::new(
            "update repositories
             set is_public = coalesce(?2, is_public),
                 description = nullif(coalesce(?3, description), ''),
                 settings_changes = settings_changes
                     + (json_remove(json_patch(settings, ?4), '$.duplicates') <> json_remove(settings, '$.duplicates')),
                 settings = json_patch(settings, ?4)
             where id = ?1",
        )
        .bind(id)
        .bind(change.is_public.map(i64::from))
        .bind(change.description)
        .bind(patch),
    );
    match change.builds_composer_1 {
        None => {}
        Some(true) => statements.push(ask_for_all_stmt(id, app.now())),
        // The next tree names none; any package leads to it.
        Some(false) => statements.push(ask_for_one_stmt(id, app.now())),
    }
    app.db.batch(statements).await?;
    app.memo.repositories.clear();
    Ok(())
}

fn insert_repository_stmt(organisation: &str, slug: &str, is_public: bool, now: i64) -> Statement {
    Statement::new(
        "insert into repositories (organisation_id, slug, is_public, created_at)
         select id, ?2, ?3, ?4 from organisations where slug = ?1",
    )
    .bind(organisation)
    .bind(slug)
    .bind(is_public)
    .bind(now)
}

/// Repositories whose published documents name another address than the one they have now, or have an older form.
pub async fn list_outdated(app: &App) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Outdated {
        id: i64,
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id from repositories r join organisations o on o.id = r.organisation_id
                 where r.published_address <> ?1 || '/r/' || o.slug || '/' || r.slug
                    or (r.head_revision > 0
                        and (r.published_form < ?2 or r.form_revision <> r.head_revision))
                 limit 100",
            )
            .bind(&app.config.public_url)
            .bind(DOCUMENT_FORM),
        )
        .await?;
    Ok(rows_as::<Outdated>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}

/// The statements of the first set-up, to be run in one batch with the first token:
/// one organisation with one repository, which the instance's own host shows.
pub fn set_up_stmts(organisation: &str, repository: &str, now: i64) -> Vec<Statement> {
    vec![
        insert_organisation_stmt(organisation, organisation, now),
        insert_repository_stmt(organisation, repository, false, now),
        Statement::new(
            "insert into hosts (host, repository_id)
             select '*', r.id from repositories r join organisations o on o.id = r.organisation_id
             where o.slug = ?1 and r.slug = ?2",
        )
        .bind(organisation)
        .bind(repository),
    ]
}
