//! Packages that a person writes down: their definition, and archives for it.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::definition::{DefinedDist, Definition};
use crate::domain::name::PackageName;
use crate::domain::time::rfc3339;
use crate::domain::version::compare_normalized;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::DefinitionRoute;
use crate::jobs::{enqueue_publications, enqueue_publishing};
use crate::store::archives::take_in_upload;
use crate::store::completion::{ShownArchive, publish_here};
use crate::store::defined_versions::{
    DefinedRow, define_versions, ensure_definable, keep_archive, list_defined, refuse_undefinable,
};
use crate::store::dists::{discard_if_unnamed, find_package_dist};
use crate::store::life_cycle::{DeletedVersion, list_deleted_versions};
use crate::store::organisations::Organisation;
use crate::store::packages::{Package, add_to_repository_stmt, find_package, list_memberships};
use crate::store::quotas::{explain, explain_too_large, limit_archive};
use crate::store::repositories::{Repository, find_repository};

/// The largest definition, all its versions together.
const DEFINITION_LIMIT: usize = 1024 * 1024;

/// A definition to be put in force.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Definition")]
pub(crate) struct Asked {
    /// The slug of the repository; may be absent when the package is in one.
    #[deserr(default)]
    repository: Option<String>,
    /// `package`, or absent.
    #[deserr(rename = "type", default, try_from(Option<String>) = check_type -> BadValue)]
    #[schemars(rename = "type", extend("const" = "package"))]
    #[expect(dead_code, reason = "checked when it was read")]
    kind: Option<String>,
    /// One version, or a list of at most 500; each as in composer.json, with `name`, `version`, and `dist` or `source`.
    package: Value,
}

fn check_type(kind: Option<String>) -> Result<Option<String>, BadValue> {
    if kind.as_ref().is_some_and(|kind| kind != "package") {
        return Err(BadValue::new("`type` must be `package`, or be left out"));
    }
    Ok(kind)
}

/// Answers for one definition.
pub async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    name: &PackageName,
    route: DefinitionRoute,
) -> Result<Reply> {
    match route {
        DefinitionRoute::Show => show_definition(app, organisation, name).await,
        DefinitionRoute::Put => define_package(app, request, organisation, name).await,
        DefinitionRoute::Archive => receive_archive(app, request, organisation, name).await,
    }
}

/// Shows the definition of a package, the newest version first.
async fn show_definition(
    app: &App,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let shown = show(app, &package).await?;
    Ok(Reply::json(200, &shown))
}

/// A definition in force.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DefinitionShown")]
pub(crate) struct Shown {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its versions as they were written, the newest first.
    package: Vec<Map<String, Value>>,
}

async fn show(app: &App, package: &Package) -> Result<Shown> {
    let mut rows = list_defined(app, package.id).await?;
    rows.retain(|row| row.removed_at.is_none());
    rows.sort_by(|one, other| compare_normalized(&other.normalized, &one.normalized));
    let versions: Vec<Map<String, Value>> =
        rows.iter().map(DefinedRow::fields).collect::<Result<_>>()?;
    Ok(Shown {
        kind: "package",
        package: versions,
    })
}

/// Puts a definition in force: these are the versions of the package from now on.
async fn define_package(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let asked: Asked = request.json_up_to(DEFINITION_LIMIT).await?;
    let definitions = Definition::parse_all(name, &asked.package)
        .map_err(|fault| Error::bad_value("/package", fault.to_string()))?;
    let repository = match &asked.repository {
        None => None,
        Some(slug) => Some(
            find_repository(app, &organisation.slug, slug)
                .await?
                .ok_or_else(|| {
                    Error::bad_value(
                        "/repository",
                        "`repository` is no repository of this organisation",
                    )
                })?,
        ),
    };
    let description = definitions
        .first()
        .and_then(|definition| definition.fields.get("description")?.as_str());
    let package = ensure_definable(app, organisation.id, name, description).await?;
    let definitions = hold_against_known(app, &package, definitions).await?;
    put_into_repository(app, organisation, &package, name, repository.as_ref()).await?;
    define_versions(app, package.id, &definitions, &rfc3339(app.now())).await?;
    refuse_changed(app, &package, &definitions).await?;
    match &repository {
        Some(repository) => {
            let left = publish_here(app, repository, name).await?;
            enqueue_publishing(app, &left).await?;
        }
        None => enqueue_publications(app, package.id).await?,
    }
    Ok(Reply::json(200, &show(app, &package).await?))
}

/// Holds definitions against those of before, which a stable version never changes, and against the archives that are
/// here. One that says the same in another order is the same.
async fn hold_against_known(
    app: &App,
    package: &Package,
    mut definitions: Vec<Definition>,
) -> Result<Vec<Definition>> {
    refuse_undefinable(app, package).await?;
    let known = list_defined(app, package.id).await?;
    let deleted = list_deleted_versions(app, package.id).await?;
    for definition in &mut definitions {
        let number = definition.version.normalized();
        let is_same = |one: &DeletedVersion| {
            let before = one.definition.as_deref().filter(|_| one.with_package != 0);
            before.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
                == Some(definition.fields.clone())
        };
        let found = deleted.iter().find(|one| one.normalized == number);
        if let Some(before) = found.filter(|one| is_same(one)) {
            // As it was spelled, so that it is the same to the database too.
            let text = before.definition.as_deref().unwrap_or_default();
            definition.fields = serde_json::from_str(text).map_err(Error::internal)?;
        } else if let Some(deleted) = found {
            return Err(Error::conflict(deleted.reason(&package.name)));
        }
        if let DefinedDist::Here(sha256) = &definition.dist
            && find_package_dist(app, package.id, sha256).await?.is_none()
        {
            return Err(Error::bad_value(
                "/package",
                format!(
                    "No archive with the SHA-256 `{}` was uploaded for `{}`; `POST` it to `…/archives` first",
                    sha256.escape_debug(),
                    package.name
                ),
            ));
        }
        let before = known
            .iter()
            .find(|row| row.normalized == definition.version.normalized());
        let Some(before) = before else { continue };
        let fields = before.fields()?;
        if fields == definition.fields {
            definition.fields = fields;
        } else if !definition.version.is_dev() {
            return Err(changed(package, definition));
        }
    }
    Ok(definitions)
}

/// Two definitions at once: the database kept one of them.
async fn refuse_changed(app: &App, package: &Package, definitions: &[Definition]) -> Result<()> {
    let known = list_defined(app, package.id).await?;
    for definition in definitions.iter().filter(|one| !one.version.is_dev()) {
        let kept = known
            .iter()
            .find(|row| row.normalized == definition.version.normalized());
        let is_kept = match kept {
            Some(kept) => kept.fields()? == definition.fields,
            None => false,
        };
        if !is_kept {
            return Err(changed(package, definition));
        }
    }
    Ok(())
}

fn changed(package: &Package, definition: &Definition) -> Error {
    Error::conflict(format!(
        "`{}` {} is defined otherwise already, and a version never changes; define a new version",
        package.name,
        definition.version.pretty()
    ))
}

async fn put_into_repository(
    app: &App,
    organisation: &Organisation,
    package: &Package,
    name: &PackageName,
    repository: Option<&Repository>,
) -> Result<()> {
    if let Some(repository) = repository {
        app.db
            .rows(add_to_repository_stmt(organisation.id, name, repository.id))
            .await?;
    } else if list_memberships(app, package.id).await?.is_empty() {
        return Err(Error::bad_value(
            "/repository",
            "The package is in no repository yet; say in which it shall be by `repository`",
        ));
    }
    Ok(())
}

/// Takes in an archive for a definition, which then names it by its SHA-256. It needs no composer.json.
async fn receive_archive(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let key = format!("archives/{}/uploads/{}", organisation.id, app.random_id()?);
    let limit = limit_archive(app, organisation.id, app.config.archive_limit).await?;
    let taken = take_in_upload(
        app.blobs.as_ref(),
        app.multipart.as_ref(),
        &key,
        request.body.as_mut(),
        limit,
    )
    .await;
    let archive = match taken {
        Ok(archive) => archive,
        Err(error) => return Err(explain_too_large(app, organisation.id, limit, error).await),
    };
    let kept = async {
        let package = ensure_definable(app, organisation.id, name, None).await?;
        keep_archive(app, package.id, &key, &archive).await
    }
    .await;
    // These bytes may be here already. After a failure of ours the row may be written even so.
    if !kept.as_ref().is_err_and(Error::is_retryable) {
        discard_if_unnamed(app, &key).await;
    }
    if let Err(error) = kept {
        return Err(explain(app, organisation.id, error).await);
    }
    Ok(Reply::json(201, &ShownArchive::of(&archive)))
}
