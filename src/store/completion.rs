//! What an upload leads to: its parts put together, a version, published, and what its sender is told.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::metadata::dist_path;
use crate::domain::name::PackageName;
use crate::domain::upload::{Asked, InvalidUpload};
use crate::error::{Error, Result};
use crate::store::archives::{UploadedArchive, examine_stored};
use crate::store::defined_versions::{ensure_definable, keep_archive, refuse_undefinable};
use crate::store::dists::discard_if_unnamed;
use crate::store::packages::{find_package, list_memberships};
use crate::store::publications::publish;
use crate::store::repositories::{Repository, load_repository};
use crate::store::uploaded_versions::{Kept, Upload, keep_upload, read_manifest};
use crate::store::uploads::{PartialUpload, Purpose, delete_upload, list_parts, move_upload};

/// Stores an upload's version and makes it visible; gives the repositories that are left to the queue.
pub async fn keep_and_publish(app: &App, upload: &Upload<'_>) -> Result<(Kept, Vec<i64>)> {
    let kept = keep_upload(app, upload).await?;
    let left = publish_here(app, upload.repository, upload.name).await?;
    Ok((kept, left))
}

/// Puts the parts of an upload together, looks through the whole and makes it a version. All parts are there.
/// May run any number of times, also at once: what is done is found done. An archive that is refused fails the upload
/// for good; every other error leaves it as it was. Gives the repositories that are left to the queue.
pub async fn complete_upload(app: &App, upload: &PartialUpload) -> Result<Vec<i64>> {
    assemble(app, upload).await?;
    let taken = take(app, upload).await;
    match taken {
        Ok((answer, left)) => {
            let answer = answer.to_string();
            move_upload(app, &upload.id, "done", None, Some(&answer)).await?;
            // These bytes may have been here under another key. Only now: without its archive this could not run again.
            discard_if_unnamed(app, &upload.archive_key).await;
            Ok(left)
        }
        Err(error) => {
            if !error.is_retryable() {
                move_upload(app, &upload.id, "failed", Some(error.message()), None).await?;
                discard_if_unnamed(app, &upload.archive_key).await;
            }
            Err(error)
        }
    }
}

async fn assemble(app: &App, upload: &PartialUpload) -> Result<()> {
    let tags: Vec<_> = list_parts(app, &upload.id)
        .await?
        .into_iter()
        .map(|part| part.etag)
        .collect();
    let (key, id) = (&upload.archive_key, &upload.multipart_id);
    let Err(error) = app.multipart.complete_multipart(key, id, &tags).await else {
        return Ok(());
    };
    // An earlier run may have come further than this line.
    match app.blobs.head(key).await? {
        Some(facts) if facts.size == upload.size => Ok(()),
        _ => Err(error),
    }
}

async fn take(app: &App, upload: &PartialUpload) -> Result<(Value, Vec<i64>)> {
    let key = &upload.archive_key;
    let archive = examine_stored(app.blobs.as_ref(), key, upload.size).await?;
    let found = &archive.stored.sha256;
    if let Some(expected) = upload.sha256.as_ref().filter(|expected| *expected != found) {
        return Err(Error::invalid(format!(
            "The archive has the SHA-256 `{found}`, but the upload was begun for `{expected}`; begin it again"
        )));
    }
    if upload.purpose == Purpose::Definition {
        return keep_for_definition(app, upload, &archive).await;
    }
    let asked = Asked {
        names: vec![("request", upload.name.clone())],
        versions: upload
            .version
            .iter()
            .map(|version| ("request", version.clone()))
            .collect(),
        source: None,
    };
    let refuse = |fault: InvalidUpload| Error::invalid(fault.to_string());
    let manifest = read_manifest(&archive)?;
    let name = asked.name(&manifest).map_err(refuse)?;
    let version = asked.version(&manifest).map_err(refuse)?;
    let repository = load_repository(app, upload.repository_id).await?;
    let upload = Upload {
        repository: &repository,
        name: &name,
        version: &version,
        manifest: &manifest,
        source: None,
        key,
        archive: &archive,
    };
    let (kept, left) = keep_and_publish(app, &upload).await?;
    let (_, answer) = answer_for(app, &upload, &kept);
    Ok((answer, left))
}

/// Keeps the archive for a definition, which is somebody else's to write; nothing is published by it.
async fn keep_for_definition(
    app: &App,
    upload: &PartialUpload,
    archive: &UploadedArchive,
) -> Result<(Value, Vec<i64>)> {
    let name = PackageName::parse(&upload.name).map_err(Error::internal)?;
    let organisation = load_repository(app, upload.repository_id)
        .await?
        .organisation_id;
    let package = ensure_definable(app, organisation, &name, None).await?;
    refuse_undefinable(app, &package).await?;
    keep_archive(app, package.id, &upload.archive_key, archive).await?;
    let answer = serde_json::to_value(ShownArchive::of(archive)).map_err(Error::internal)?;
    Ok((answer, Vec::new()))
}

/// What is told of an archive that a definition may name.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Archive")]
pub struct ShownArchive {
    /// As in a dist: `zip` or `tar`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `zip`, `tar`, `tar.gz` or `tar.bz2`.
    #[schemars(with = "String")]
    format: ArchiveFormat,
    size: u64,
    /// SHA-1.
    shasum: String,
    sha256: String,
}

impl ShownArchive {
    /// Of an archive that is stored.
    pub fn of(archive: &UploadedArchive) -> Self {
        Self {
            kind: archive.format.dist_type(),
            format: archive.format,
            size: archive.stored.size,
            shasum: archive.stored.sha1.clone(),
            sha256: archive.stored.sha256.clone(),
        }
    }
}

/// Gives an upload up: its parts are freed, and it is forgotten.
pub async fn give_up(app: &App, upload: &PartialUpload) -> Result<()> {
    let (key, id) = (&upload.archive_key, &upload.multipart_id);
    // An earlier run may have done so; what it could not free, the blob store frees after a week.
    if let Err(error) = app.multipart.abort_multipart(key, id).await {
        app.warn(&format!(
            "The parts of an upload could not be freed: {error}"
        ));
    }
    delete_upload(app, &upload.id).await
}

/// Publishes at once where a change came in, so that whoever sees the answer can install. Gives the other repositories
/// of the package, which are left to the queue, with this one if it could not be published now.
pub async fn publish_here(
    app: &App,
    repository: &Repository,
    name: &PackageName,
) -> Result<Vec<i64>> {
    let Some(package) = find_package(app, repository.organisation_id, name).await? else {
        return Ok(Vec::new());
    };
    let mut left = Vec::new();
    for membership in list_memberships(app, package.id).await? {
        let other = membership.id;
        if other == repository.id {
            match publish(app, other).await {
                Ok(_) => continue,
                Err(error) => app.warn(&format!(
                    "Repository {other} could not be published at once: {error}"
                )),
            }
        }
        left.push(other);
    }
    Ok(left)
}

/// The status and the answer for what became of an upload.
pub fn answer_for(app: &App, upload: &Upload<'_>, kept: &Kept) -> (u16, Value) {
    let address = upload.repository.address(&app.config.public_url);
    let (name, version) = (upload.name, upload.version);
    let stored = &upload.archive.stored;
    let (format, size, sha1, sha256) = match kept {
        Kept::New | Kept::Known => (
            upload.archive.format,
            stored.size,
            &stored.sha1,
            &stored.sha256,
        ),
        Kept::Ignored(first) => (first.format, first.size, &first.sha1, &first.sha256),
    };
    let pretty = match kept {
        Kept::Ignored(first) => &first.pretty,
        _ => version.pretty(),
    };
    let answer = json!({
        "name": name.as_str(),
        "version": pretty,
        "version_normalized": version.normalized(),
        "ignored": matches!(kept, Kept::Ignored(_)),
        "dist": {
            "type": format.dist_type(),
            "url": format!("{address}/{}", dist_path(name, sha256, format)),
            "reference": sha256,
            "size": size,
            "shasum": sha1,
            "sha256": sha256,
        },
    });
    let status = match kept {
        Kept::New => 201,
        Kept::Known | Kept::Ignored(_) => 200,
    };
    (status, answer)
}
