//! Heads: the one thing of a repository that changes, moved by one guarded batch.

use crate::app::App;
use crate::domain::blob::BlobHash;
use crate::domain::metadata::DOCUMENT_FORM;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::store::search::{Indexed, index_stmts};

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
    /// Unix seconds of the revision in which the listed names last changed.
    pub names_changed_at: i64,
    /// Why, for people.
    pub cause: &'a str,
    /// The revision that it goes back to; none for a publish.
    pub rolled_back_to: Option<i64>,
    /// The address that the documents carry.
    pub address: &'a str,
    /// Every blob that this revision adds.
    pub blobs: &'a [BlobHash],
    /// The round of removals after which they were written.
    pub removals: i64,
    /// The pending publications that it ticks off: `(package, sequence)`.
    pub published: &'a [(i64, i64)],
    /// What search is to know of these packages.
    pub indexed: &'a [Indexed],
}

/// Moves a head, if it still is the one that was built on and the sweep is taking none of the new blobs away.
/// Gives whether it moved; if not, all is as before and the work is to be done again on the new head.
pub async fn flip_head(app: &App, flip: &Flip<'_>) -> Result<bool> {
    let blobs = json_list(flip.blobs.iter().map(BlobHash::as_str))?;
    let next = flip.built_on.saturating_add(1);
    // What names the new revision carries the guard by itself, so the last statement may be the one that makes the guard
    // false. The others are right whether the head moves or not.
    let mut statements = vec![
        // What was removed before it was written is there again.
        Statement::new(
            "delete from doomed_blobs where removal <= ?1 and hash in (select value from json_each(?2))",
        )
        .bind(flip.removals)
        .bind(&blobs),
        Statement::new(
            "insert into revisions (repository_id, number, root, time, cause, names_changed_at, rolled_back_to)
             select r.id, ?3, ?4, ?5, ?6, ?8, ?9 from repositories r
             where r.id = ?1 and r.head_revision = ?2
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?7)))",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(next)
        .bind(flip.root.as_str())
        .bind(flip.time)
        .bind(flip.cause)
        .bind(&blobs)
        .bind(flip.names_changed_at)
        .bind(flip.rolled_back_to),
        Statement::new(
            "insert into published_blobs (hash, is_recorded)
             select value, 1 from json_each(?3)
             where exists (select 1 from repositories where id = ?1 and head_revision = ?2)
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?3)))
             on conflict (hash) do nothing",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(&blobs),
        // Whose they are: with the last repository that names a blob it may go.
        Statement::new(
            "insert into repository_blobs (hash, repository_id)
             select value, ?1 from json_each(?3)
             where exists (select 1 from repositories where id = ?1 and head_revision = ?2)
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?3)))
             on conflict (hash, repository_id) do nothing",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(&blobs),
    ];
    statements.extend(index_stmts(flip.repository, flip.built_on, flip.indexed)?);
    statements.extend(tick_off_stmts(flip)?);
    statements.push(
        Statement::new(
            "update repositories
             set head_revision = ?3, head_root = ?4, head_time = ?5,
                 address_changes = address_changes + (published_address <> ?6 and published_address is not null),
                 published_address = ?6,
                 published_form = ?7, form_revision = ?3
             where id = ?1 and head_revision = ?2
               and not exists (select 1 from doomed_blobs where hash in (select value from json_each(?8)))
             returning id",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(next)
        .bind(flip.root.as_str())
        .bind(flip.time)
        .bind(flip.address)
        .bind(DOCUMENT_FORM)
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
    let mut statements = index_stmts(flip.repository, flip.built_on, flip.indexed)?;
    statements.extend(tick_off_stmts(flip)?);
    statements.push(
        Statement::new(
            "update repositories
             set address_changes = address_changes + (published_address <> ?3 and published_address is not null),
                 published_address = ?3, published_form = ?4, form_revision = ?2
             where id = ?1 and head_revision = ?2
               and (published_address is not ?3 or published_form <> ?4 or form_revision <> ?2)",
        )
        .bind(flip.repository)
        .bind(flip.built_on)
        .bind(flip.address)
        .bind(DOCUMENT_FORM),
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
        // A job whose package, or any of whose packages, waits for no publication any more has done all it was for.
        Statement::new(
            "update jobs
             set state = case when exists (
                         select 1 from job_refs f where f.job_id = jobs.id and f.state = 'failed')
                     then 'failed' else 'done' end,
                 finished_at = ?1
             where state = 'publishing'
               and not exists (select 1 from pending_publications p where p.package_id = jobs.package_id)
               and (package_id is not null or not exists (
                   select 1 from pending_publications p join packages n on n.id = p.package_id
                   where n.git_repo_id = jobs.git_repo_id))",
        )
        .bind(flip.time),
    ])
}
