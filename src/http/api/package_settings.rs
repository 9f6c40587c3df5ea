//! The settings of a package: what becomes of its git refs, and whether it is abandoned.

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, ValueKind, ValuePointerRef, take_cf_content,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::policy::{Abandoned, InvalidPolicy, PackagePolicy};
use crate::error::{Error, FieldCode, FieldFault, Result};
use crate::http::api::conditions::Conditions;
use crate::http::api::missing;
use crate::http::api::monorepos::package_of_job;
use crate::http::api::packages::{refuse_unconnected, show_package};
use crate::http::api::shown::JobState;
use crate::http::body::Faults;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue, enqueue_publications};
use crate::store::connections::find_git_repo;
use crate::store::deliveries::start_job_with;
use crate::store::organisations::Organisation;
use crate::store::packages::{Package, find_package, settings_still_are_stmt, update_policy_stmt};
use crate::store::publications::ask_for_publication_stmt;

/// The settings that are to change; what is absent stays. What they may be is the policy's to say.
pub(crate) struct PackageChange(Map<String, Value>);

impl JsonSchema for PackageChange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PackageChange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = PackagePolicy::json_schema(generator);
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }
}

impl Deserr<Faults> for PackageChange {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, Faults> {
        match value {
            deserr::Value::Map(_) => match Value::from(value) {
                Value::Object(settings) => Ok(Self(settings)),
                _ => Ok(Self(Map::new())),
            },
            actual => Err(take_cf_content(Faults::error(
                None,
                ErrorKind::IncorrectValueKind {
                    actual,
                    accepted: &[ValueKind::Map],
                },
                location,
            ))),
        }
    }
}

/// The settings after a change.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PackageChanged")]
pub(crate) struct Changed {
    name: String,
    abandoned: Abandoned,
    settings: PackagePolicy,
    /// What decides anew on the refs that the change touches.
    job: Option<JobState>,
}

/// Changes the settings that are given. What they mean for the refs is decided by a job, at once.
pub async fn update_package(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let PackageChange(asked) = request.json().await?;
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let before = package.policy()?;
    let after = change(&before, &asked)?;
    if after.abandoned == Some(Abandoned::For(name.clone())) {
        return Err(Error::bad_value(
            "/abandoned",
            format!(
                "`{name}` cannot be abandoned in favour of itself; name another package, or say `true`"
            ),
        ));
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
    if let Some(git_repo) = git_repo.filter(|_| decides_anew) {
        refuse_unconnected(app, &package, git_repo).await?;
    }
    let conditions = Conditions::of(&request);
    let mut statements = Vec::new();
    if !conditions.is_empty() {
        let current = show_package(app, organisation, name).await?;
        conditions.check(Some(&current))?;
        statements.push(settings_still_are_stmt(&package));
    }
    statements.push(update_policy_stmt(package.id, &before, &after)?);
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
        .await
        .map_err(|error| conditions.lost_race(error))?;
        enqueue(app, &[Job::Reconcile { id: id.clone() }]).await?;
        job = Some(id);
    } else {
        app.db
            .batch(statements)
            .await
            .map_err(|error| conditions.lost_race(error))?;
    }
    if after.abandoned != before.abandoned {
        enqueue_publications(app, package.id).await?;
    }
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    Ok(Reply::json(
        200,
        &Changed {
            abandoned: is_abandoned(app, &package).await?,
            settings: package.policy()?,
            name: package.name,
            job: job.map(JobState::queued),
        },
    ))
}

/// The settings after a change; an error has the fault of each setting.
fn change(before: &PackagePolicy, asked: &Map<String, Value>) -> Result<PackagePolicy> {
    let faults: Vec<_> = asked
        .iter()
        .filter_map(|(key, value)| {
            let one = Map::from_iter([(key.clone(), value.clone())]);
            before.changed(&one).err().map(|fault| FieldFault {
                field: format!("/{}", key.replace('~', "~0").replace('/', "~1")),
                code: match fault {
                    InvalidPolicy::UnknownKey { .. } => FieldCode::UnknownField,
                    InvalidPolicy::WrongKind { .. } => FieldCode::WrongType,
                    _ => FieldCode::BadValue,
                },
                detail: fault.to_string(),
            })
        })
        .collect();
    if !faults.is_empty() {
        return Err(Error::invalid_fields(faults));
    }
    before
        .changed(asked)
        .map_err(|fault| Error::invalid(fault.to_string()))
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
pub(crate) async fn is_abandoned(app: &App, package: &Package) -> Result<Abandoned> {
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
) -> Abandoned {
    let by_host = if is_archived {
        Abandoned::Yes
    } else {
        Abandoned::No
    };
    Abandoned::resolve(said, renamed_to).unwrap_or(by_host)
}
