//! An archive sent to us: streamed into the blob store while it is hashed and looked at, published.

mod form;
pub mod in_parts;

use crate::app::App;
use crate::domain::access::{Ability, Action, sight};
use crate::domain::form_data::FormReader;
use crate::domain::name::PackageName;
use crate::domain::upload::{Asked, InvalidUpload};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::organisations::being_deleted;
use crate::http::composer::Visit;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::enqueue_publishing;
use crate::store::archives::{UploadedArchive, take_in_upload};
use crate::store::completion::{answer_for, keep_and_publish};
use crate::store::defined_versions::refuse_undefinable;
use crate::store::deletion::is_being_deleted;
use crate::store::dists::discard_if_unnamed;
use crate::store::packages::{Package, find_package, list_memberships};
use crate::store::quotas::{explain_too_large, limit_archive};
use crate::store::uploaded_versions::{Upload, read_manifest, refuse_other_origins};

/// How an error calls the address of the request.
const ADDRESS: &str = "address";

fn invalid(fault: &InvalidUpload) -> Error {
    Error::invalid(fault.to_string())
}

/// Takes a version in. The same bytes again are a 200, other bytes for a version that exists a 409.
///
/// Which package and version it is may stand in the address, in the fields of a form, behind `?version=`, and in
/// composer.json: the first that says so counts, and none may contradict it.
pub async fn receive_upload(
    visit: &Visit<'_>,
    mut request: Request,
    name: Option<&PackageName>,
    version: Option<&str>,
) -> Result<Reply> {
    let app = visit.app;
    refuse_strangers(visit, name)?;
    refuse_deleted(visit).await?;
    let mut asked = Asked::default();
    if let Some(name) = name {
        asked.names.push((ADDRESS, name.as_str().to_owned()));
        refuse_package(visit, name).await?;
    }
    if let Some(version) = version {
        asked.versions.push((ADDRESS, version.to_owned()));
    }
    if let Some(version) = request.query_parameter("version") {
        asked.versions.push(("query", version));
    }
    // Before anything is stored.
    asked.version_asked().map_err(|fault| invalid(&fault))?;
    let organisation = visit.repository.organisation_id;
    let key = format!("archives/{organisation}/uploads/{}", app.random_id()?);
    let limit = limit_archive(app, organisation, app.config.archive_limit).await?;
    let archive = match receive(app, &mut request, &key, &mut asked, limit).await {
        Ok(archive) => archive,
        Err(error) => return Err(explain_too_large(app, organisation, limit, error).await),
    };
    let taken = take(visit, &asked, &key, &archive).await;
    // These bytes may be here already under another key, or were refused. After a failure of ours the rows may be written
    // even so; what turns out to be unused then, the sweep takes away.
    if !taken.as_ref().is_err_and(Error::is_retryable) {
        discard_if_unnamed(app, &key).await;
    }
    taken
}

/// The body of a request, as it is or as a part of a form.
async fn receive(
    app: &App,
    request: &mut Request,
    key: &str,
    asked: &mut Asked,
    limit: u64,
) -> Result<UploadedArchive> {
    let content_type = request.header("content-type").unwrap_or_default();
    let body = request.body.as_mut();
    if let Some(reader) = FormReader::open(&content_type) {
        let reader = reader.map_err(|fault| Error::invalid(fault.to_string()))?;
        return form::receive_form(app, body, reader, key, asked, limit).await;
    }
    let (blobs, multipart) = (app.blobs.as_ref(), app.multipart.as_ref());
    take_in_upload(blobs, multipart, key, body, limit).await
}

async fn take(
    visit: &Visit<'_>,
    asked: &Asked,
    key: &str,
    archive: &UploadedArchive,
) -> Result<Reply> {
    let manifest = read_manifest(archive)?;
    let name = asked.name(&manifest).map_err(|fault| invalid(&fault))?;
    let version = asked.version(&manifest).map_err(|fault| invalid(&fault))?;
    refuse_strangers(visit, Some(&name))?;
    refuse_package(visit, &name).await?;
    let upload = Upload {
        repository: &visit.repository,
        name: &name,
        version: &version,
        manifest: &manifest,
        source: asked.source.as_ref(),
        key,
        archive,
    };
    let (kept, left) = keep_and_publish(visit.app, &upload).await?;
    enqueue_publishing(visit.app, &left).await?;
    let (status, answer) = answer_for(visit.app, &upload, &kept);
    Ok(Reply::json(status, &answer))
}

/// Refuses who may not upload a package, or any while its name is not known yet.
fn refuse_strangers(visit: &Visit<'_>, name: Option<&PackageName>) -> Result<()> {
    let Some(principal) = &visit.principal else {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "An upload needs a token that may write",
        ));
    };
    if !principal.abilities.has(Ability::Upload) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "This token may only read; create one with `\"access\": \"write\"` for uploads",
        ));
    }
    let place = visit.repository.place();
    match name {
        Some(name) if !sight(Some(principal), Action::Upload, place, name).is_something() => {
            Err(Error::new(
                ErrorKind::Forbidden,
                format!("This token may not upload `{name}`; its packages are limited to others"),
            ))
        }
        _ => Ok(()),
    }
}

/// Refuses uploads into an organisation that is being deleted. It is suspended, so whoever comes so far owns the instance.
async fn refuse_deleted(visit: &Visit<'_>) -> Result<()> {
    let is_owner = visit
        .principal
        .as_ref()
        .is_some_and(|principal| principal.organisation.is_none());
    if is_owner && is_being_deleted(visit.app, visit.repository.organisation_id).await? {
        return Err(being_deleted());
    }
    Ok(())
}

/// Refuses a package whose versions come from elsewhere, or that is where this token does not reach.
async fn refuse_package(visit: &Visit<'_>, name: &PackageName) -> Result<()> {
    let organisation = visit.repository.organisation_id;
    if let Some(package) = find_package(visit.app, organisation, name).await? {
        refuse_reaching_further(visit, &package).await?;
        refuse_other_origins(visit.app, &package).await?;
    }
    Ok(())
}

/// The same for an archive that a definition is to name.
async fn refuse_for_definition(visit: &Visit<'_>, name: &PackageName) -> Result<()> {
    let organisation = visit.repository.organisation_id;
    if let Some(package) = find_package(visit.app, organisation, name).await? {
        refuse_reaching_further(visit, &package).await?;
        refuse_undefinable(visit.app, &package).await?;
    }
    Ok(())
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
