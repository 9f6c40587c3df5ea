//! The settings of a package: what becomes of its git refs, and whether it is abandoned.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::policy::{Abandoned, PackagePolicy};
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::monorepos::package_of_job;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue, enqueue_publications};
use crate::store::connections::find_git_repo;
use crate::store::deliveries::start_job_with;
use crate::store::organisations::Organisation;
use crate::store::packages::{Package, find_package, update_policy_stmt};
use crate::store::publications::ask_for_publication_stmt;

/// Changes the settings that are given. What they mean for the refs is decided by a job, at once.
pub async fn update_package(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let asked: Map<String, Value> = request.json().await?;
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let before = package.policy()?;
    let after = before
        .changed(&asked)
        .map_err(|fault| Error::invalid(fault.to_string()))?;
    if after.abandoned == Some(Abandoned::For(name.clone())) {
        return Err(Error::invalid(format!(
            "`{name}` cannot be abandoned in favour of itself; name another package, or say `true`"
        )));
    }
    let git_repo = if asked.keys().any(|key| key != "abandoned") {
        Some(synced_git_repo(&package)?)
    } else {
        None
    };
    let decides_anew = PackagePolicy {
        abandoned: before.abandoned.clone(),
        ..after.clone()
    } != before;
    let mut statements = vec![update_policy_stmt(package.id, &before, &after)?];
    if after.abandoned != before.abandoned {
        statements.push(ask_for_publication_stmt(package.id, app.now()));
    }
    let mut job = None;
    if let Some(git_repo) = git_repo.filter(|_| decides_anew) {
        let id = app.random_id()?;
        let organisation = organisation.id;
        let of_job = package_of_job(app, git_repo, package.id).await?;
        let id = start_job_with(
            app,
            &id,
            organisation,
            git_repo,
            of_job,
            "settings",
            statements,
        )
        .await?;
        enqueue(app, &[Job::Reconcile { id: id.clone() }]).await?;
        job = Some(id);
    } else {
        app.db.batch(statements).await?;
    }
    if after.abandoned != before.abandoned {
        enqueue_publications(app, package.id).await?;
    }
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    Ok(Reply::json(
        200,
        &json!({
            "name": package.name,
            "abandoned": is_abandoned(app, &package).await?,
            "settings": package.policy()?,
            "job": job.map(|id| json!({ "id": id, "state": "queued" })),
        }),
    ))
}

/// The git repository whose refs the settings are about.
fn synced_git_repo(package: &Package) -> Result<i64> {
    refuse_renamed(package)?;
    package.git_repo_id.ok_or_else(|| {
        Error::conflict(
            "This package is uploaded; it has no tags and branches, and of the settings only `abandoned`",
        )
    })
}

/// Refuses a package whose git repository is another one by now.
pub(crate) fn refuse_renamed(package: &Package) -> Result<()> {
    match &package.renamed_to {
        None => Ok(()),
        Some(name) => Err(Error::conflict(format!(
            "`{}` is named `{name}` since its composer.json says so, and stays as it was; do this with `{name}`",
            package.name
        ))),
    }
}

/// Whether a package is abandoned, and in favour of what, as the registry has it: `false`, `true` or a name.
pub(crate) async fn is_abandoned(app: &App, package: &Package) -> Result<Value> {
    let said = package.policy()?.abandoned;
    let is_archived = match package.git_repo_id {
        Some(git_repo) => find_git_repo(app, git_repo)
            .await?
            .is_some_and(|repo| repo.is_archived != 0),
        None => false,
    };
    Ok(show_abandoned(
        said,
        package.renamed_to.as_deref(),
        is_archived,
    ))
}

/// The same from what is known of it.
pub(crate) fn show_abandoned(
    said: Option<Abandoned>,
    renamed_to: Option<&str>,
    is_archived: bool,
) -> Value {
    Abandoned::resolve(said, renamed_to).map_or_else(|| is_archived.into(), Value::from)
}
