//! Organisations, repositories and their heads.

use serde::Deserialize;

use crate::app::App;
use crate::domain::access::Place;
use crate::domain::blob::BlobHash;
use crate::error::{Error, Result};
use crate::ports::db::{Row, rows_as};
use crate::ports::{Statement, Value};

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
    /// The head.
    pub head: Head,
    /// The address its published documents carry; none before the first publish.
    pub published_address: Option<String>,
}

impl Repository {
    /// Where an action takes place, for the rules of access.
    pub fn place(&self) -> Place<'_> {
        Place {
            organisation: self.organisation_id,
            repository: &self.slug,
            is_public: self.is_public,
        }
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
}

#[derive(Deserialize)]
struct RepositoryRow {
    id: i64,
    organisation_id: i64,
    organisation: String,
    slug: String,
    is_public: i64,
    head_revision: i64,
    head_root: Option<String>,
    head_time: i64,
    published_address: Option<String>,
}

impl From<RepositoryRow> for Repository {
    fn from(row: RepositoryRow) -> Self {
        Self {
            id: row.id,
            organisation_id: row.organisation_id,
            organisation: row.organisation,
            slug: row.slug,
            is_public: row.is_public != 0,
            head: Head {
                revision: row.head_revision,
                root: row.head_root.as_deref().and_then(BlobHash::parse),
                time: row.head_time,
            },
            published_address: row.published_address,
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
                    r.head_revision, r.head_root, r.head_time, r.published_address
             from repositories r join organisations o on o.id = r.organisation_id
             where o.slug = ?1 and r.slug = ?2",
        )
        .bind(organisation)
        .bind(repository),
        RepositoryAddress::Host(host) => Statement::new(
            "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                    r.head_revision, r.head_root, r.head_time, r.published_address
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

/// The repository as the database has it now, by its id.
pub async fn load_repository(app: &App, id: i64) -> Result<Repository> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                        r.head_revision, r.head_root, r.head_time, r.published_address
                 from repositories r join organisations o on o.id = r.organisation_id
                 where r.id = ?1",
            )
            .bind(id),
        )
        .await?;
    read_repository(rows)?.ok_or_else(|| Error::internal(format!("repository {id} is missing")))
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

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: i64,
    /// Its slug.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Unix seconds.
    pub created_at: i64,
}

/// Finds an organisation by its slug.
pub async fn find_organisation(app: &App, slug: &str) -> Result<Option<Organisation>> {
    let rows = app
        .db
        .rows(
            Statement::new("select id, slug, name, created_at from organisations where slug = ?1")
                .bind(slug),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// All organisations, by slug.
pub async fn list_organisations(app: &App) -> Result<Vec<Organisation>> {
    rows_as(
        app.db
            .rows(Statement::new(
                "select id, slug, name, created_at from organisations order by slug",
            ))
            .await?,
    )
}

/// The repositories of an organisation, by slug.
pub async fn list_repositories(app: &App, organisation: i64) -> Result<Vec<Repository>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id, r.organisation_id, o.slug as organisation, r.slug, r.is_public,
                        r.head_revision, r.head_root, r.head_time, r.published_address
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

/// Makes an organisation. A taken slug is a conflict.
pub async fn insert_organisation(app: &App, slug: &str, name: &str) -> Result<()> {
    app.db
        .rows(insert_organisation_stmt(slug, name, app.now()))
        .await
        .map(|_| ())
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

fn insert_organisation_stmt(slug: &str, name: &str, now: i64) -> Statement {
    Statement::new("insert into organisations (slug, name, created_at) values (?1, ?2, ?3)")
        .bind(slug)
        .bind(name)
        .bind(now)
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

/// Whether the instance was set up.
pub async fn is_set_up(app: &App) -> Result<bool> {
    let rows = app
        .db
        .rows(Statement::new("select 1 as one from organisations limit 1"))
        .await?;
    Ok(!rows.is_empty())
}

/// Repositories whose published documents name another address than the one they have now.
pub async fn list_moved(app: &App) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Moved {
        id: i64,
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select r.id from repositories r join organisations o on o.id = r.organisation_id
                 where r.published_address <> ?1 || '/r/' || o.slug || '/' || r.slug
                 limit 100",
            )
            .bind(&app.config.public_url),
        )
        .await?;
    Ok(rows_as::<Moved>(rows)?
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

/// What a flip makes true, all at once or not at all.
pub struct Flip<'a> {
    /// The repository.
    pub repository: i64,
    /// The head it was built on.
    pub built_on: i64,
    /// The new root.
    pub root: &'a BlobHash,
    /// Unix seconds of the new revision.
    pub time: i64,
    /// Why, for people.
    pub cause: &'a str,
    /// The address that the documents carry.
    pub address: &'a str,
    /// Every blob that this revision adds.
    pub blobs: &'a [BlobHash],
    /// The round of removals after which they were written.
    pub removals: i64,
    /// The pending publications that it ticks off: `(package, sequence)`.
    pub published: &'a [(i64, i64)],
}

/// Moves a head, if it still is the one that was built on and the sweep is taking none of the new blobs away.
/// Gives whether it moved; if not, all is as before and the work is to be done again on the new head.
pub async fn flip_head(app: &App, flip: &Flip<'_>) -> Result<bool> {
    let blobs = json_list(flip.blobs.iter().map(BlobHash::as_str))?;
    let next = flip.built_on.saturating_add(1);
    // Each statement carries the guard by itself, so the last one may be the update that makes the guard false.
    let mut statements = vec![
        // What was removed before it was written is there again.
        Statement::new(
            "delete from doomed_blobs where removal <= ?1 and hash in (select value from json_each(?2))",
        )
        .bind(flip.removals)
        .bind(&blobs),
        Statement::new(
            "insert into revisions (repository_id, number, root, time, cause)
             select r.id, ?3, ?4, ?5, ?6 from repositories r
             where r.id = ?1 and r.head_revision = ?2
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?7)))",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(next)
        .bind(flip.root.as_str())
        .bind(flip.time)
        .bind(flip.cause)
        .bind(&blobs),
        Statement::new(
            "insert into published_blobs (hash)
             select value from json_each(?3)
             where exists (select 1 from repositories where id = ?1 and head_revision = ?2)
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?3)))
             on conflict (hash) do nothing",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(&blobs),
    ];
    statements.extend(tick_off_stmts(flip)?);
    statements.push(
        Statement::new(
            "update repositories
             set head_revision = ?3, head_root = ?4, head_time = ?5, published_address = ?6
             where id = ?1 and head_revision = ?2
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?7)))
             returning id",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(next)
        .bind(flip.root.as_str())
        .bind(flip.time)
        .bind(flip.address)
        .bind(&blobs),
    );
    let rows = app.db.batch(statements).await?;
    let flipped = rows.last().is_some_and(|rows| !rows.is_empty());
    if flipped {
        // Whoever reads in this isolate next sees what was just published; others within seconds.
        app.memo.repositories.clear();
    }
    Ok(flipped)
}

/// Ticks off publications whose documents turned out to be the same as before: no revision is needed.
/// Gives whether the head still is the one they were held against; if not, the work is to be done again.
pub async fn tick_off(app: &App, flip: &Flip<'_>) -> Result<bool> {
    let mut statements = tick_off_stmts(flip)?;
    statements.push(
        Statement::new("update repositories set published_address = ?2 where id = ?1 and published_address is not ?2")
            .bind(flip.repository)
            .bind(flip.address),
    );
    statements.push(
        Statement::new("select id from repositories where id = ?1 and head_revision = ?2")
            .bind(flip.repository)
            .bind(flip.built_on),
    );
    let rows = app.db.batch(statements).await?;
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

fn tick_off_stmts(flip: &Flip<'_>) -> Result<Vec<Statement>> {
    let published = serde_json::to_string(&flip.published).map_err(Error::internal)?;
    Ok(vec![
        Statement::new(
            "delete from pending_publications
             where repository_id = ?1
               and exists (select 1 from repositories where id = ?1 and head_revision = ?2)
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?4)))
               and (package_id, sequence) in (
                   select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?3))",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(published)
        .bind(json_list(flip.blobs.iter().map(BlobHash::as_str))?),
        // A job whose package waits for no publication any more has done all it was for.
        Statement::new(
            "update jobs
             set state = case when exists (
                         select 1 from job_refs f where f.job_id = jobs.id and f.state = 'failed')
                     then 'failed' else 'done' end,
                 finished_at = ?1
             where state = 'publishing'
               and not exists (select 1 from pending_publications p where p.package_id = jobs.package_id)",
        )
        .bind(flip.time),
    ])
}

/// A JSON list of texts, to be bound as one parameter.
pub fn json_list<'a>(items: impl Iterator<Item = &'a str>) -> Result<String> {
    serde_json::to_string(&items.collect::<Vec<_>>()).map_err(Error::internal)
}

impl From<&BlobHash> for Value {
    fn from(hash: &BlobHash) -> Self {
        Self::Text(hash.as_str().to_owned())
    }
}
