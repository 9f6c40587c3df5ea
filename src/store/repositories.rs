//! Organisations, repositories and their heads.

use std::rc::Rc;

use crate::app::App;
use crate::domain::access::{Bar, Place};
use crate::domain::blob::BlobHash;
use crate::domain::host_name::{address_of, scheme_and_port};
use crate::domain::metadata::DOCUMENT_FORM;
use crate::domain::settings::{Settings, SettingsPatch};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, first_as, row, rows_as};
use crate::store::organisations::{NewOrganisation, insert_organisation_stmt};
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
    /// Why, as whoever asks is told.
    pub suspended_for: Option<String>,
    /// The last month in which its organisation's quota of bandwidth was used up: `2026-11`, in UTC.
    pub bandwidth_spent_in: Option<String>,
    /// How often archives of its organisation were deleted.
    pub archive_deletions: i64,
    /// Whom its organisation says to ask.
    pub contact: Option<String>,
    /// What people read on its page: Markdown as it was written.
    pub landing: Option<String>,
    /// The head.
    pub head: Head,
    /// The address its published documents carry; none before the first publish.
    pub published_address: Option<String>,
    /// The form its published documents have; 0 when it is not known.
    pub published_form: i64,
    /// How often its published documents came to carry another address.
    pub address_changes: i64,
    /// The host of its own that documents are to carry, and whether it is the organisation's, with the slug behind it.
    primary_host: Option<PrimaryHost>,
    /// What people read about it.
    pub description: Option<String>,
    /// Its settings as stored: few requests need them, so they are parsed by those that do.
    settings: Rc<str>,
    /// How often its settings were changed.
    pub settings_changes: i64,
}

impl Repository {
    /// Its texts that are not shared with others, for how much memory it takes.
    pub(super) fn texts(&self) -> [Option<&str>; 10] {
        let host = self.primary_host.as_ref();
        [
            Some(&self.organisation),
            Some(&self.slug),
            self.suspended_for.as_deref(),
            self.bandwidth_spent_in.as_deref(),
            self.contact.as_deref(),
            self.landing.as_deref(),
            self.published_address.as_deref(),
            host.map(|host| match host {
                PrimaryHost::OfRepository(host) | PrimaryHost::OfOrganisation(host) => {
                    host.as_str()
                }
            }),
            self.description.as_deref(),
            Some(&self.settings),
        ]
    }

    /// Where an action takes place, for the rules of access.
    pub fn place(&self) -> Place<'_> {
        Place {
            organisation: self.organisation_id,
            repository: &self.slug,
            is_public: self.is_public && !self.is_suspended,
        }
    }

    /// Why nobody is let in who would be otherwise: it is public, and its organisation is suspended. Who comes with a token
    /// of that organisation is kept out for himself.
    pub fn bar(&self) -> Option<Bar> {
        (self.is_public && self.is_suspended)
            .then(|| Bar::OrganisationSuspended(self.suspended_for.clone()))
    }

    /// Its settings.
    pub fn settings(&self) -> Result<Settings> {
        serde_json::from_str(&self.settings).map_err(Error::internal)
    }

    /// The address that its documents are to carry: that of its primary host, or of its organisation's, or
    /// `https://…/r/{organisation}/{repository}`. `list_outdated` says the same in SQL.
    pub fn address(&self, public_url: &str) -> String {
        match &self.primary_host {
            Some(PrimaryHost::OfRepository(host)) => address_of(host, public_url),
            Some(PrimaryHost::OfOrganisation(host)) => {
                format!("{}/{}", address_of(host, public_url), self.slug)
            }
            None => self.path_address(public_url),
        }
    }

    /// The address at which it is found on the instance's own host, whatever hosts it has besides.
    pub fn path_address(&self, public_url: &str) -> String {
        format!("{public_url}/r/{}/{}", self.organisation, self.slug)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PrimaryHost {
    OfRepository(String),
    OfOrganisation(String),
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

/// The columns of a `RepositoryRow`, of the repository `r` and its organisation `o`, and where they come from.
macro_rules! select_repository {
    ($from:literal) => {
        concat!(
            "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public, r.address_changes,
                    (select host from host_names where repository_id = r.id and is_primary = 1) as own_host,
                    (select host from host_names where organisation_id = r.organisation_id
                     and repository_id is null and is_primary = 1) as organisation_host,
                    r.head_revision, r.head_root, r.head_time, r.published_address, r.published_form,
                    r.form_revision, r.description, r.settings, r.settings_changes,
                    (select s.suspended_at from organisation_standings s where s.id = o.id) is not null as is_suspended,
                    (select s.suspended_for from organisation_standings s where s.id = o.id) as suspended_for,
                    (select s.bandwidth_spent_in from organisation_standings s where s.id = o.id) as bandwidth_spent_in,
                    o.contact, o.archive_deletions, r.landing,
                    (select names_changed_at from revisions
                     where repository_id = r.id and number = r.head_revision) as names_changed_at ",
            $from
        )
    };
}

row! {
    struct RepositoryRow {
        id: i64,
        organisation_id: i64,
        organisation: String,
        slug: String,
        is_public: i64,
        is_suspended: i64,
        suspended_for: Option<String>,
        bandwidth_spent_in: Option<String>,
        archive_deletions: i64,
        contact: Option<String>,
        landing: Option<String>,
        address_changes: i64,
        own_host: Option<String>,
        organisation_host: Option<String>,
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
            suspended_for: row.suspended_for,
            bandwidth_spent_in: row.bandwidth_spent_in,
            archive_deletions: row.archive_deletions,
            contact: row.contact,
            landing: row.landing,
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
            address_changes: row.address_changes,
            primary_host: row
                .own_host
                .map(PrimaryHost::OfRepository)
                .or(row.organisation_host.map(PrimaryHost::OfOrganisation)),
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
        } => Statement::new(select_repository!(
            "from repositories r join organisations o on o.id = r.organisation_id
             where o.slug = ?1 and r.slug = ?2"
        ))
        .bind(organisation)
        .bind(repository),
        RepositoryAddress::Host(host) => Statement::new(select_repository!(
            "from hosts h join repositories r on r.id = h.repository_id
                          join organisations o on o.id = r.organisation_id
             where h.host in (?1, '*')
             order by h.host = '*'
             limit 1"
        ))
        .bind(host),
    }
}

/// The statement that finds a repository by a host name of its own or, with the slug, by one of its organisation's.
pub fn find_mapped_repository_stmt(host: &str, slug: Option<&str>) -> Statement {
    Statement::new(
        select_repository!("from host_names h
              join repositories r on r.organisation_id = h.organisation_id
                                 and (r.id = h.repository_id or (h.repository_id is null and r.slug = ?2))
              join organisations o on o.id = r.organisation_id
         where h.host = ?1 and h.verified_at is not null"),
    )
    .bind(host)
    .bind(slug)
}

/// Reads what `find_repository_stmt` found.
pub fn read_repository(rows: Vec<Row>) -> Result<Option<Repository>> {
    Ok(first_as::<RepositoryRow>(rows)?.map(Repository::from))
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
            Statement::new(select_repository!(
                "from repositories r join organisations o on o.id = r.organisation_id
                 where r.id = ?1"
            ))
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
    read_repositories(app.db.rows(list_repositories_stmt(organisation)).await?)
}

/// The statement that gives them, for a batch with others.
pub fn list_repositories_stmt(organisation: i64) -> Statement {
    Statement::new(select_repository!(
        "from repositories r join organisations o on o.id = r.organisation_id
         where r.organisation_id = ?1
         order by r.slug"
    ))
    .bind(organisation)
}

/// Reads what that statement found.
pub fn read_repositories(rows: Vec<Row>) -> Result<Vec<Repository>> {
    Ok(rows_as::<RepositoryRow>(rows)?
        .into_iter()
        .map(Repository::from)
        .collect())
}

/// Makes a repository. A taken slug is a conflict.
pub async fn insert_repository(app: &App, new: &NewRepository<'_>) -> Result<()> {
    app.db
        .rows(insert_repository_stmt(new, app.now()))
        .await
        .map(|_| ())
}

/// A repository to be made.
#[derive(Debug, Clone, Default)]
pub struct NewRepository<'a> {
    /// The organisation's slug.
    pub organisation: &'a str,
    /// Its slug.
    pub slug: &'a str,
    /// Whether everybody may read it.
    pub is_public: bool,
    /// What people read about it.
    pub description: Option<&'a str>,
    /// What they read on its page.
    pub landing: Option<&'a str>,
}

/// Fails the batch that it begins, as a conflict, if the repository is no longer as it was read: a column that must
/// have a value would lose it. So of two changes of one state one is made.
fn still_is_stmt(repository: &Repository) -> Statement {
    Statement::new(
        "update repositories set slug = null
         where id = ?1 and not (is_public = ?2 and description is ?3 and settings = ?4 and landing is ?5)",
    )
    .bind(repository.id)
    .bind(repository.is_public)
    .bind(repository.description.as_ref())
    .bind(repository.settings.as_ref())
    .bind(repository.landing.as_ref())
}

/// What is to become of a repository; what is none stays as it is.
pub struct RepositoryChange<'a> {
    /// Whether everybody may read it.
    pub is_public: Option<bool>,
    /// What people read about it; an empty text takes it away.
    pub description: Option<&'a str>,
    /// What they read on its page; an empty text takes it away.
    pub landing: Option<&'a str>,
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
                 landing = nullif(coalesce(?5, landing), ''),
                 settings_changes = settings_changes
                     + (json_remove(json_patch(settings, ?4), '$.duplicates') <> json_remove(settings, '$.duplicates')),
                 settings = json_patch(settings, ?4)
             where id = ?1",
        )
        .bind(id)
        .bind(change.is_public.map(i64::from))
        .bind(change.description)
        .bind(patch)
        .bind(change.landing),
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

fn insert_repository_stmt(new: &NewRepository<'_>, now: i64) -> Statement {
    Statement::new(
        "insert into repositories (organisation_id, slug, is_public, created_at, description, landing)
         select id, ?2, ?3, ?4, nullif(?5, ''), nullif(?6, '') from organisations where slug = ?1",
    )
    .bind(new.organisation)
    .bind(new.slug)
    .bind(new.is_public)
    .bind(now)
    .bind(new.description)
    .bind(new.landing)
}

/// Repositories whose published documents name another address than the one they have now, or have an older form; those of
/// one organisation, or of all.
pub async fn list_outdated(app: &App, organisation: Option<i64>) -> Result<Vec<i64>> {
    row! {
        struct Outdated {
            id: i64,
        }
    }
    let (scheme, port) = scheme_and_port(&app.config.public_url);
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id from repositories r join organisations o on o.id = r.organisation_id
                 where (r.organisation_id = ?3 or ?3 is null)
                   and (r.published_address <> coalesce(
                            (select ?4 || h.host || ?5 from host_names h
                             where h.repository_id = r.id and h.is_primary = 1),
                            (select ?4 || h.host || ?5 || '/' || r.slug from host_names h
                             where h.organisation_id = o.id and h.repository_id is null and h.is_primary = 1),
                            ?1 || '/r/' || o.slug || '/' || r.slug)
                        or (r.head_revision > 0
                            and (r.published_form < ?2 or r.form_revision <> r.head_revision)))
                 limit 100",
            )
            .bind(&app.config.public_url)
            .bind(DOCUMENT_FORM)
            .bind(organisation)
            .bind(scheme)
            .bind(port),
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
        insert_organisation_stmt(
            &NewOrganisation {
                slug: organisation,
                name: organisation,
                ..NewOrganisation::default()
            },
            now,
        ),
        insert_repository_stmt(
            &NewRepository {
                organisation,
                slug: repository,
                ..NewRepository::default()
            },
            now,
        ),
        Statement::new(
            "insert into hosts (host, repository_id)
             select '*', r.id from repositories r join organisations o on o.id = r.organisation_id
             where o.slug = ?1 and r.slug = ?2",
        )
        .bind(organisation)
        .bind(repository),
    ]
}
