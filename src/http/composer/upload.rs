//! An archive sent to us: streamed into the blob store while it is hashed, looked into by ranges, published.

use serde_json::json;

use crate::app::App;
use crate::domain::access::{Access, Action, allows};
use crate::domain::manifest::Manifest;
use crate::domain::metadata::dist_path;
use crate::domain::name::PackageName;
use crate::domain::time::rfc3339;
use crate::domain::version::{Version, normalize};
use crate::error::{Error, ErrorKind, Result};
use crate::http::composer::Visit;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::archives::{StoredArchive, inspect, refuse_upload, take_in};
use crate::store::dists::{Dist, discard_if_unnamed, find_package_dist, insert_dist_stmt};
use crate::store::packages::{
    Package, add_to_repository_stmt, find_package, insert_package_stmt, list_memberships,
};
use crate::store::publications::{ask_for_publication_stmt, publish};
use crate::store::versions::{NewVersion, find_version, upsert_version_stmt};

/// Takes a version in. The same bytes again are a 200, other bytes for a version that exists a 409.
pub async fn receive_upload(
    visit: &Visit<'_>,
    mut request: Request,
    name: &PackageName,
    version: &str,
) -> Result<Reply> {
    let app = visit.app;
    refuse_strangers(visit, name)?;
    let version = Version::parse(version).map_err(|error| Error::invalid(error.to_string()))?;
    let organisation = visit.repository.organisation_id;
    if let Some(package) = find_package(app, organisation, name).await? {
        refuse_reaching_further(visit, &package).await?;
        if package.git_repo_id.is_some() {
            return Err(Error::conflict(format!(
                "`{name}` is synced from a git repository, so its versions are made by tags; upload under another name"
            )));
        }
    }
    let key = format!(
        "archives/{organisation}/uploads/{name}/{}.zip",
        app.random_id()?
    );
    let stored = take_in(
        app.blobs.as_ref(),
        app.multipart.as_ref(),
        &key,
        request.body.as_mut(),
        app.config.archive_limit,
    )
    .await?;
    let taken = keep(visit, name, &version, &key, &stored).await;
    match &taken {
        Ok(Kept::New) => {}
        // The rows may have been written even so; what turns out to be unused, the sweep takes away.
        Err(error) if error.is_retryable() => {}
        // These bytes are here already under another key, or were refused.
        Ok(Kept::Known) | Err(_) => discard_if_unnamed(app, &key).await,
    }
    let status = match taken? {
        Kept::New => 201,
        Kept::Known => 200,
    };
    make_visible(visit, name).await?;
    let address = visit.repository.address(&app.config.public_url);
    Ok(Reply::json(
        status,
        &json!({
            "name": name.as_str(),
            "version": version.pretty(),
            "version_normalized": version.normalized(),
            "dist": {
                "url": format!("{address}/{}", dist_path(name, &stored.sha256)),
                "reference": stored.sha256,
                "size": stored.size,
                "shasum": stored.sha1,
                "sha256": stored.sha256,
            },
        }),
    ))
}

enum Kept {
    New,
    Known,
}

fn refuse_strangers(visit: &Visit<'_>, name: &PackageName) -> Result<()> {
    let place = visit.repository.place();
    if allows(visit.principal.as_ref(), Action::Upload, place, name) {
        return Ok(());
    }
    if visit.principal.is_none() {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "An upload needs a token that may write",
        ));
    }
    let reason = if visit
        .principal
        .as_ref()
        .is_some_and(|principal| principal.access >= Access::Write)
    {
        format!("This token may not upload `{name}`; its packages are limited to others")
    } else {
        "This token may only read; create one with `\"access\": \"write\"` for uploads".to_owned()
    };
    Err(Error::new(ErrorKind::Forbidden, reason))
}

/// A version is in every repository that its package is in, and shows the others there: a token limited to some
/// repositories changes no package that is elsewhere too.
async fn refuse_reaching_further(visit: &Visit<'_>, package: &Package) -> Result<()> {
    let limits = visit
        .principal
        .as_ref()
        .and_then(|principal| principal.repositories.as_ref());
    let Some(limits) = limits else {
        return Ok(());
    };
    let memberships = list_memberships(visit.app, package.id).await?;
    if memberships
        .iter()
        .all(|membership| limits.contains(&membership.slug))
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forbidden,
        format!(
            "`{}` is also in a repository that this token does not reach",
            package.name
        ),
    ))
}

/// Checks an archive and stores its version.
async fn keep(
    visit: &Visit<'_>,
    name: &PackageName,
    version: &Version,
    key: &str,
    stored: &StoredArchive,
) -> Result<Kept> {
    let app = visit.app;
    let manifest = read_manifest(app, key, stored, name, version).await?;
    let package = ensure_package(visit, name, &manifest).await?;
    if let Some(known) = find_version(app, package.id, version.normalized()).await?
        && !version.is_dev()
    {
        if known.sha256 != stored.sha256 {
            return Err(already_there(name, version));
        }
        if known.removed_at.is_none() {
            // It may be new to this repository.
            app.db
                .rows(ask_for_publication_stmt(package.id, app.now()))
                .await?;
            return Ok(Kept::Known);
        }
    }
    let now = app.now();
    let time = rfc3339(now);
    let dist = Dist {
        archive_key: key.to_owned(),
        size: stored.size,
        sha1: stored.sha1.clone(),
        sha256: stored.sha256.clone(),
    };
    let new = NewVersion {
        package: package.id,
        version,
        reference: &stored.sha256,
        git_ref: None,
        manifest: manifest.fields(),
        time: &time,
        is_default_branch: false,
    };
    app.db
        .batch(vec![
            insert_dist_stmt(package.id, &stored.sha256, &dist, now),
            upsert_version_stmt(&new, now)?,
            ask_for_publication_stmt(package.id, now),
        ])
        .await?;
    // Two uploads of one version at once: the database kept one of them.
    let kept = find_version(app, package.id, version.normalized()).await?;
    if kept.is_none_or(|kept| kept.sha256 != stored.sha256) {
        return Err(already_there(name, version));
    }
    let is_ours = find_package_dist(app, package.id, &stored.sha256)
        .await?
        .is_some_and(|dist| dist.archive_key == key);
    Ok(if is_ours { Kept::New } else { Kept::Known })
}

fn already_there(name: &PackageName, version: &Version) -> Error {
    Error::conflict(format!(
        "`{name}` {} exists with other contents, and a version never changes; upload them as a new version",
        version.pretty()
    ))
}

async fn read_manifest(
    app: &App,
    key: &str,
    stored: &StoredArchive,
    name: &PackageName,
    version: &Version,
) -> Result<Manifest> {
    let facts = inspect(app.blobs.as_ref(), key, stored.size, None)
        .await?
        .map_err(|fault| refuse_upload(&fault))?;
    let bytes = facts.composer_json.ok_or_else(|| {
        Error::invalid(
            "The archive has no composer.json at its top, nor in its only top folder; zip the package's own folder",
        )
    })?;
    let manifest = Manifest::parse(&bytes).map_err(|fault| Error::invalid(fault.to_string()))?;
    if manifest.package_name().as_ref() != Some(name) {
        return Err(Error::invalid(format!(
            "composer.json in the archive is named `{}`, but the upload is for `{name}`",
            manifest.name().unwrap_or_default()
        )));
    }
    manifest
        .check_version(version.pretty())
        .map_err(|fault| Error::invalid(fault.to_string()))?;
    let declared = manifest
        .version()
        .map_err(|fault| Error::invalid(fault.to_string()))?;
    if let Some(declared) = declared
        && normalize(&declared).ok().as_deref() != Some(version.normalized())
    {
        return Err(Error::invalid(format!(
            "composer.json in the archive says version `{declared}`, but the upload is for `{}`; \
             best leave `version` out of composer.json",
            version.pretty()
        )));
    }
    Ok(manifest)
}

async fn ensure_package(
    visit: &Visit<'_>,
    name: &PackageName,
    manifest: &Manifest,
) -> Result<Package> {
    let app = visit.app;
    let organisation = visit.repository.organisation_id;
    app.db
        .batch(vec![
            insert_package_stmt(organisation, name, None, manifest.description(), app.now()),
            add_to_repository_stmt(organisation, name, visit.repository.id),
        ])
        .await?;
    find_package(app, organisation, name)
        .await?
        .ok_or_else(|| Error::internal(format!("package {name} vanished")))
}

/// Publishes at once where the upload came in, so that whoever sees the answer can install; elsewhere by the queue.
async fn make_visible(visit: &Visit<'_>, name: &PackageName) -> Result<()> {
    let app = visit.app;
    let Some(package) = find_package(app, visit.repository.organisation_id, name).await? else {
        return Ok(());
    };
    for membership in list_memberships(app, package.id).await? {
        let repository = membership.id;
        if repository == visit.repository.id {
            match publish(app, repository).await {
                Ok(_) => continue,
                Err(error) => app.warn(&format!(
                    "Repository {repository} could not be published at once: {error}"
                )),
            }
        }
        enqueue(app, &[Job::Publish { repository }]).await?;
    }
    Ok(())
}
