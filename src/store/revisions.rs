//! The history of heads, append-only.

use crate::app::App;
use crate::domain::blob::BlobHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{json_list, row, rows_as};
use crate::store::repositories::{
    Head, Repository, RepositoryAddress, find_repository_stmt, read_repository,
};

row! {
    /// One state that a repository had.
    #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
    pub struct Revision {
        /// Its number, from 1.
        pub number: i64,
        /// The root of its tree.
        pub root: String,
        /// Unix seconds.
        pub time: i64,
        /// Why it was made.
        pub cause: String,
    }
}

impl Revision {
    /// The head that it was.
    pub fn head(&self) -> Head {
        Head {
            revision: self.number,
            root: BlobHash::parse(&self.root),
            time: self.time,
            names_changed_at: self.time,
        }
    }
}

/// Which state of a repository is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The revision of that number.
    Revision(i64),
    /// As it was at that Unix second.
    Time(i64),
}

/// The revision of that number, or the last one at that time.
pub async fn find_revision(app: &App, repository: i64, moment: &Moment) -> Result<Option<Head>> {
    let statement = match moment {
        Moment::Revision(number) => Statement::new(
            "select number, root, time, cause from revisions
             where repository_id = ?1 and number = ?2",
        )
        .bind(repository)
        .bind(*number),
        Moment::Time(time) => Statement::new(
            "select number, root, time, cause from revisions
             where repository_id = ?1 and time <= ?2
             order by time desc limit 1",
        )
        .bind(repository)
        .bind(*time),
    };
    let found = rows_as::<Revision>(app.db.rows(statement).await?)?;
    Ok(found.into_iter().next().map(|revision| revision.head()))
}

/// The newest revisions below `before`, newest first.
pub async fn list_revisions(
    app: &App,
    repository: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Revision>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select number, root, time, cause from revisions
                     where repository_id = ?1 and number < ?2
                     order by number desc limit ?3",
                )
                .bind(repository)
                .bind(before)
                .bind(limit),
            )
            .await?,
    )
}

fn address_of(organisation: &str, repository: &str) -> RepositoryAddress {
    RepositoryAddress::Path {
        organisation: organisation.to_owned(),
        repository: repository.to_owned(),
    }
}

/// A repository by the slugs of its organisation and its own, with its newest revisions below `before`. One batch.
pub async fn find_history(
    app: &App,
    organisation: &str,
    repository: &str,
    before: i64,
    limit: i64,
) -> Result<Option<(Repository, Vec<Revision>)>> {
    let revisions = Statement::new(
        "select v.number, v.root, v.time, v.cause
         from organisations o join repositories r on r.organisation_id = o.id
         join revisions v on v.repository_id = r.id
         where o.slug = ?1 and r.slug = ?2 and v.number < ?3
         order by v.number desc limit ?4",
    )
    .bind(organisation)
    .bind(repository)
    .bind(before)
    .bind(limit);
    read_history(app, organisation, repository, revisions).await
}

/// The same with the revisions that have these numbers, the newest first; those that there are not are left out.
pub async fn find_revisions(
    app: &App,
    organisation: &str,
    repository: &str,
    numbers: &[i64],
) -> Result<Option<(Repository, Vec<Revision>)>> {
    let numbers = serde_json::to_string(numbers).map_err(Error::internal)?;
    let revisions = Statement::new(
        "select v.number, v.root, v.time, v.cause
         from organisations o join repositories r on r.organisation_id = o.id
         join revisions v on v.repository_id = r.id
         where o.slug = ?1 and r.slug = ?2 and v.number in (select value from json_each(?3))
         order by v.number desc",
    )
    .bind(organisation)
    .bind(repository)
    .bind(numbers);
    read_history(app, organisation, repository, revisions).await
}

async fn read_history(
    app: &App,
    organisation: &str,
    repository: &str,
    revisions: Statement,
) -> Result<Option<(Repository, Vec<Revision>)>> {
    let found = find_repository_stmt(&address_of(organisation, repository));
    let mut rows = app.db.batch(vec![found, revisions]).await?.into_iter();
    let Some(repository) = read_repository(rows.next().unwrap_or_default())? else {
        return Ok(None);
    };
    let revisions = rows_as(rows.next().unwrap_or_default())?;
    Ok(Some((repository, revisions)))
}

row! {
    /// A job that ended with a revision.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RevisionJob {
        /// What began it: `webhook …`, `by hand`, `import`.
        pub cause: String,
        /// Its package, where it was about one.
        pub package: Option<String>,
    }
}

row! {
    /// Who released a version.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Releaser {
        /// `acme/lib v1.0.0`.
        pub subject_name: String,
        /// As the audit log has it.
        pub actor_name: String,
    }
}

/// What caused a revision of an organisation's repository: the jobs that ended with it, and who released these versions,
/// each as `acme/lib v1.0.0`. One batch.
pub async fn list_causes(
    app: &App,
    organisation: i64,
    time: i64,
    versions: &[String],
) -> Result<(Vec<RevisionJob>, Vec<Releaser>)> {
    let jobs = Statement::new(
        "select j.cause, p.name as package from jobs j left join packages p on p.id = j.package_id
         where j.finished_at = ?2 and j.organisation_id = ?1 and j.state in ('done', 'failed')
         order by j.id limit 20",
    )
    .bind(organisation)
    .bind(time);
    let releasers = Statement::new(
        "select subject_name, actor_name from audit
         where organisation_id = ?1 and action = 'version.published'
           and subject_name in (select value from json_each(?2))
         order by id",
    )
    .bind(organisation)
    .bind(json_list(versions.iter().map(String::as_str))?);
    let mut rows = app.db.batch(vec![jobs, releasers]).await?.into_iter();
    let jobs = rows_as(rows.next().unwrap_or_default())?;
    Ok((jobs, rows_as(rows.next().unwrap_or_default())?))
}
