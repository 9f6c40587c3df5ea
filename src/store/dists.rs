//! Which archive a reference stands for. Answers outlive tags and branches: lock files point at them for ever.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// An archive, found.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DistPointer {
        /// Its key in the blob store.
        pub archive_key: String,
        /// Bytes.
        pub size: u64,
        /// SHA-256 in hex, its entity tag.
        pub sha256: String,
        /// Unix second at which it was stored.
        pub created_at: i64,
        /// How it is packed. A copy in the cache from before there were several formats says nothing of it.
        #[serde(default)]
        pub format: ArchiveFormat,
    }
}

/// Finds the archive of a package in a repository by its reference: in the isolate's memory, then in the cache,
/// then in the database. Only what exists is remembered: it never changes.
pub async fn find_dist(
    app: &App,
    repository: i64,
    package: &str,
    reference: &str,
) -> Result<Option<DistPointer>> {
    let key = format!("d:{repository}:{package}:{reference}");
    // KV keys hold 512 bytes; nothing that long was ever stored.
    if key.len() > 512 {
        return Ok(None);
    }
    if let Some(pointer) = app.memo.dists.recall(&key, app.now(), i64::MAX) {
        return Ok(Some(pointer));
    }
    let cached = app.cache.get(&key).await.unwrap_or_else(|error| {
        app.warn_of_outage("the cache", &error);
        None
    });
    if let Some(pointer) =
        cached.and_then(|bytes| serde_json::from_slice::<DistPointer>(&bytes).ok())
    {
        app.memo.dists.remember(&key, pointer.clone(), app.now());
        return Ok(Some(pointer));
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select d.archive_key, d.size, d.sha256, d.created_at, d.format
                 from packages p
                 join repository_packages m on m.package_id = p.id and m.repository_id = ?1
                 join dists d on d.package_id = p.id and d.reference = ?3
                 join repositories r on r.id = m.repository_id and r.organisation_id = p.organisation_id
                 where p.name = ?2",
            )
            .bind(repository)
            .bind(package)
            .bind(reference),
        )
        .await
        .map_err(Error::or_unavailable)?;
    let Some(pointer) = rows_as::<DistPointer>(rows)?.into_iter().next() else {
        return Ok(None);
    };
    let bytes = serde_json::to_vec(&pointer).map_err(Error::internal)?;
    if let Err(error) = app.cache.put(&key, &bytes).await {
        app.warn_of_outage("copies in the cache", &error);
    }
    app.memo.dists.remember(&key, pointer.clone(), app.now());
    Ok(Some(pointer))
}

row! {
    /// An archive as stored, with what a version needs to know of it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Dist {
        /// Its key in the blob store.
        pub archive_key: String,
        /// Bytes.
        pub size: u64,
        /// SHA-1 in hex.
        pub sha1: String,
        /// SHA-256 in hex.
        pub sha256: String,
        /// How it is packed.
        pub format: ArchiveFormat,
    }
}

/// The archive that a package already has for a reference.
pub async fn find_package_dist(app: &App, package: i64, reference: &str) -> Result<Option<Dist>> {
    let rows = app
        .db
        .rows(find_package_dist_stmt(package, reference))
        .await?;
    first_as(rows)
}

/// The statement of [`find_package_dist`].
pub fn find_package_dist_stmt(package: i64, reference: &str) -> Statement {
    Statement::new(
        "select archive_key, size, sha1, sha256, format from dists
         where package_id = ?1 and reference = ?2",
    )
    .bind(package)
    .bind(reference)
}

/// Removes an archive that turned out not to be needed, if no row names it: of two uploads of one version at once, the
/// loser's archive has a row as well. What cannot be told or removed now, the sweep takes away within two days.
pub async fn discard_if_unnamed(app: &App, key: &str) {
    match app.db.rows(find_named_stmt(key)).await {
        Ok(rows) if rows.is_empty() => discard(app, key).await,
        Ok(_) => {}
        Err(error) => app.warn(&format!("An unused archive could not be removed: {error}")),
    }
}

/// The statement that gives a row where a version names an archive.
pub fn find_named_stmt(key: &str) -> Statement {
    Statement::new("select 1 as one from dists where archive_key = ?1").bind(key)
}

/// Removes an archive that no row names. What cannot be removed now, the sweep takes away within two days.
pub async fn discard(app: &App, key: &str) {
    if let Err(error) = app.blobs.delete(&[key.to_owned()]).await {
        app.warn(&format!("An unused archive could not be removed: {error}"));
    }
}

/// Stores the facts of an archive, once: whoever comes second with the same reference changes nothing.
pub fn insert_dist_stmt(package: i64, reference: &str, dist: &Dist, now: i64) -> Statement {
    Statement::new(
        "insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at, format)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (package_id, reference) do nothing",
    )
    .bind(package)
    .bind(reference)
    .bind(&dist.archive_key)
    .bind(i64::try_from(dist.size).unwrap_or(i64::MAX))
    .bind(&dist.sha1)
    .bind(&dist.sha256)
    .bind(now)
    .bind(dist.format.ending())
}
