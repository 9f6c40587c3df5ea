//! What the folders of a project would come to as packages, before it is imported: the archive of its default branch is
//! looked into, and is gone again with the answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::domain::git::BRANCHES;
use crate::domain::git::{CurrentRef, ExpectedVersions, expect_versions};
use crate::domain::monorepo::{FolderPatterns, FoundFolder};
use crate::domain::name::PackageName;
use crate::domain::policy::PackagePolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::packages::facts_of;
use crate::providers::{GitHost, Project, ProviderKind};
use crate::store::archives::{WholeArchive, take_in};
use crate::store::connections::Connection;
use crate::store::project_additions::{Addition, name_is_taken, taken};

/// Seconds for which a pack of plain git is taken to be in memory, and to wait when another is.
const HELD: i64 = 60;
const NO_ROOM: u32 = 5;

/// A folder that would be a package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PreviewedFolder")]
pub(crate) struct ShownFolder {
    folder: String,
    /// The name that the package would have.
    package: Option<String>,
    /// Why it would be none.
    reason: Option<String>,
}

/// The folders of a project's default branch that fit, and what its tags and branches come to at most for each of them.
pub(super) async fn preview_folders(
    app: &App,
    connection: &Connection,
    host: &dyn GitHost,
    project: &Project,
    patterns: &FolderPatterns,
    refs: &[CurrentRef],
) -> Result<(Vec<ShownFolder>, ExpectedVersions)> {
    let name = &project.full_name;
    let branch = project.default_branch.as_deref().unwrap_or_default();
    let head_name = format!("{BRANCHES}{branch}");
    let head = refs
        .iter()
        .find(|one| one.name == head_name)
        .ok_or_else(|| Error::invalid(format!("`{name}` has no commits yet")))?;
    let found = hold_pack(app, connection, async {
        let (id, commits) = (&project.provider_id, [head.commit.clone()]);
        host.prepare(id, &commits).await?;
        let response = host.open_archive(id, &head.commit).await?;
        let key = format!(
            "archives/{}/previews/{}.zip",
            connection.organisation_id,
            app.random_id()?
        );
        let mut body = response.body;
        let (blobs, limit) = (app.blobs.as_ref(), app.config.archive_limit);
        let stored = take_in(blobs, app.multipart.as_ref(), &key, body.as_mut(), limit).await?;
        let found = look_into(app, &key, stored.size, &head.commit, patterns).await;
        // Should this call die before, the sweep finds it.
        app.blobs.delete(&[key]).await?;
        found
    })
    .await?;
    if found.is_empty() {
        return Err(Error::invalid(format!(
            "No folder on `{branch}` of `{name}` that fits `folders` has a composer.json"
        )));
    }
    let mut shown = Vec::new();
    for folder in found {
        shown.push(show(app, connection, project, folder).await?);
    }
    let expected = expect_versions(refs, branch, &PackagePolicy::of_new_package());
    Ok((shown, expected))
}

/// Runs what may have a pack of plain git in memory, one at a time.
async fn hold_pack<T>(
    app: &App,
    connection: &Connection,
    run: impl Future<Output = Result<T>>,
) -> Result<T> {
    let kind = ProviderKind::parse(&connection.provider);
    if !kind.is_some_and(ProviderKind::gives_many_commits) {
        return run.await;
    }
    let held_until = &app.memo.pack_held_until;
    if held_until.get() > app.now() {
        let kind = ErrorKind::RateLimited {
            retry_after: NO_ROOM,
        };
        return Err(Error::new(
            kind,
            "Another git repository is being looked at here; ask again in some seconds",
        ));
    }
    held_until.set(app.now().saturating_add(HELD));
    let result = run.await;
    held_until.set(0);
    result
}

async fn look_into(
    app: &App,
    key: &str,
    size: u64,
    commit: &str,
    patterns: &FolderPatterns,
) -> Result<Vec<FoundFolder>> {
    let whole = WholeArchive::open(app.blobs.as_ref(), key, size, commit).await?;
    Ok(whole.find_packages(patterns).await?.folders)
}

async fn show(
    app: &App,
    connection: &Connection,
    project: &Project,
    found: FoundFolder,
) -> Result<ShownFolder> {
    let name = found
        .name
        .as_deref()
        .and_then(|name| PackageName::parse(name).ok());
    let reason = match (&found.facts.fault, &name) {
        (Some(fault), _) => Some(fault.clone()),
        (None, None) => Some("its composer.json has no valid `name`".to_owned()),
        (None, Some(name)) => {
            let facts = facts_of(project);
            let addition = Addition {
                connection,
                repository: 0,
                facts: &facts,
                name,
                description: None,
                is_asked: true,
            };
            let is_taken = name_is_taken(app, &addition).await?;
            is_taken.then(|| taken(name).message().to_owned())
        }
    };
    Ok(ShownFolder {
        folder: found.path,
        package: found.name,
        reason,
    })
}
