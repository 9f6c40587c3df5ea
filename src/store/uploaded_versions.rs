//! An uploaded archive becomes a version.

use crate::app::App;
use crate::domain::entry::Source;
use crate::domain::manifest::Manifest;
use crate::domain::name::PackageName;
use crate::domain::settings::Duplicates;
use crate::domain::time::rfc3339;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::store::archives::{StoredArchive, UploadedArchive};
use crate::store::defined_versions::is_defined;
use crate::store::dists::{Dist, insert_dist_stmt};
use crate::store::life_cycle::{find_deleted_version, restore_same_bytes_stmt};
use crate::store::packages::{Package, add_to_repository_stmt, find_package, insert_package_stmt};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::quotas::explain;
use crate::store::repositories::Repository;
use crate::store::versions::{NewVersion, StoredVersion, find_version, upsert_version_stmt};

/// An archive that is stored and looked at, and what it is to be.
pub struct Upload<'a> {
    /// Where it came in.
    pub repository: &'a Repository,
    /// The package.
    pub name: &'a PackageName,
    /// The version.
    pub version: &'a Version,
    /// Its composer.json.
    pub manifest: &'a Manifest,
    /// Where its source is, if its uploader says so.
    pub source: Option<&'a Source>,
    /// The key of the archive.
    pub key: &'a str,
    /// The archive.
    pub archive: &'a UploadedArchive,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is the version now; its bytes may have been here already, as another version's.
    New,
    /// These bytes are that version already.
    Known,
    /// Other bytes are that version already, and stay it, as the repository's owner wants.
    Ignored(Box<StoredVersion>),
}

/// The composer.json of an uploaded archive.
pub fn read_manifest(archive: &UploadedArchive) -> Result<Manifest> {
    let bytes = archive.composer_json.as_deref().ok_or_else(|| {
        Error::invalid(
            "The archive has no composer.json at its top, nor in its only top folder; pack the package's own folder",
        )
    })?;
    Manifest::parse(bytes).map_err(|fault| Error::invalid(fault.to_string()))
}

/// Refuses what is synced from git or written down by hand: versions come from one place only.
pub async fn refuse_other_origins(app: &App, package: &Package) -> Result<()> {
    let name = &package.name;
    if package.git_repo_id.is_some() {
        return Err(Error::conflict(format!(
            "`{name}` is synced from a git repository, so its versions are made by tags; upload under another name"
        )));
    }
    if is_defined(app, package.id).await? {
        return Err(Error::conflict(format!(
            "The versions of `{name}` are defined by hand; change its definition, or upload under another name"
        )));
    }
    Ok(())
}

/// Stores an upload's version. An archive that turned out not to be needed is the caller's to take away again.
pub async fn keep_upload(app: &App, upload: &Upload<'_>) -> Result<Kept> {
    let Upload { name, version, .. } = *upload;
    let stored = &upload.archive.stored;
    let package = ensure_package(app, upload).await?;
    refuse_other_origins(app, &package).await?;
    let deleted = find_deleted_version(app, package.id, version.normalized()).await?;
    if let Some(deleted) = deleted.filter(|one| one.sha256.as_ref() != Some(&stored.sha256)) {
        return Err(Error::conflict(format!(
            "{}, or upload the very bytes that it had",
            deleted.reason(name.as_str())
        )));
    }
    let before = find_version(app, package.id, version.normalized()).await?;
    let is_there = before
        .as_ref()
        .is_some_and(|known| known.sha256 == stored.sha256 && known.removed_at.is_none());
    if is_there && !version.is_dev() {
        // It may be new to this repository.
        app.db
            .rows(ask_for_publication_stmt(package.id, app.now()))
            .await?;
        return Ok(Kept::Known);
    }
    if let Some(known) = before.filter(|known| known.sha256 != stored.sha256)
        && !version.is_dev()
    {
        return settle_duplicate(upload, known);
    }
    let written = write_version(app, upload, package.id).await;
    explained(app, upload, written).await?;
    // Two uploads of one version at once: the database kept one of them.
    match find_version(app, package.id, version.normalized()).await? {
        Some(known) if known.sha256 == stored.sha256 && is_there => Ok(Kept::Known),
        Some(known) if known.sha256 == stored.sha256 => Ok(Kept::New),
        Some(known) if !version.is_dev() => settle_duplicate(upload, known),
        None if find_package(app, upload.repository.organisation_id, name)
            .await?
            .is_none_or(|now| now.id != package.id) =>
        {
            Err(Error::conflict(format!(
                "`{name}` was deleted while this came in; upload it again if it is to be there"
            )))
        }
        _ => Err(already_there(name, version)),
    }
}

async fn write_version(app: &App, upload: &Upload<'_>, package: i64) -> Result<()> {
    let now = app.now();
    let time = rfc3339(now);
    let stored = &upload.archive.stored;
    let source = upload.source.map(serde_json::to_string).transpose();
    let source = source.map_err(Error::internal)?;
    let new = NewVersion {
        package,
        version: upload.version,
        reference: &stored.sha256,
        git_ref: None,
        manifest: upload.manifest.fields(),
        time: &time,
        is_default_branch: false,
        source: source.as_deref(),
    };
    app.db
        .batch(vec![
            restore_same_bytes_stmt(package, upload.version.normalized(), &stored.sha256),
            insert_dist_stmt(
                package,
                &stored.sha256,
                &dist_of(upload.key, upload.archive),
                now,
            ),
            upsert_version_stmt(&new, now)?,
            ask_for_publication_stmt(package, now),
        ])
        .await
        .map(|_| ())
}

/// A refusal by a quota says what is used.
async fn explained<T>(app: &App, upload: &Upload<'_>, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => Ok(value),
        Err(error) => Err(explain(app, upload.repository.organisation_id, error).await),
    }
}

/// The row of an archive that was uploaded.
pub fn dist_of(key: &str, archive: &UploadedArchive) -> Dist {
    let StoredArchive { size, sha1, sha256 } = archive.stored.clone();
    Dist {
        archive_key: key.to_owned(),
        size,
        sha1,
        sha256,
        format: archive.format,
    }
}

/// A version that was taken out of the metadata is not ignored: nobody could install what was answered.
fn settle_duplicate(upload: &Upload<'_>, known: StoredVersion) -> Result<Kept> {
    let policy = upload.repository.settings()?.duplicates;
    if policy == Duplicates::Ignore && known.removed_at.is_none() {
        return Ok(Kept::Ignored(Box::new(known)));
    }
    Err(already_there(upload.name, upload.version))
}

fn already_there(name: &PackageName, version: &Version) -> Error {
    Error::conflict(format!(
        "`{name}` {} exists with other contents, and a version never changes; upload them as a new version",
        version.pretty()
    ))
}

async fn ensure_package(app: &App, upload: &Upload<'_>) -> Result<Package> {
    let name = upload.name;
    let organisation = upload.repository.organisation_id;
    let description = upload.manifest.description();
    let made = app
        .db
        .batch(vec![
            insert_package_stmt(organisation, name, None, description, app.now()),
            add_to_repository_stmt(organisation, name, upload.repository.id),
        ])
        .await;
    explained(app, upload, made).await?;
    find_package(app, organisation, name)
        .await?
        .ok_or_else(|| Error::internal(format!("package {name} vanished")))
}
