//! The name of a package follows composer.json on the default branch, as it does in Composer.

use crate::app::App;
use crate::domain::git::BRANCHES;
use crate::domain::manifest::Manifest;
use crate::domain::name::PackageName;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::source::MANIFEST_LIMIT;
use crate::jobs::withheld::{as_withheld, check_files_shown};
use crate::providers::{GitHost, Project, RefListing};
use crate::store::connections::GitRepo;
use crate::store::packages::{Package, find_package, find_package_of_git_repo};
use crate::store::renames::rename_package;

/// The package that a git repository is synced as, after its name was looked at.
pub(super) struct Named {
    pub(super) package: Package,
    /// The commit whose composer.json needs no second look; none when it does.
    pub(super) commit: Option<String>,
    /// Why the package goes on under its name although composer.json does not have it.
    pub(super) notice: Option<String>,
}

/// What composer.json says of the name.
enum Answer {
    Name(PackageName, Manifest),
    /// It has none that could be taken, for this reason.
    None(String),
}

/// Looks at the name on the default branch, once for each commit, and has another package synced when it changed.
pub(super) async fn follow_name(
    app: &App,
    job: &str,
    repo: &GitRepo,
    host: &dyn GitHost,
    project: &Project,
    listing: &RefListing,
) -> Result<Named> {
    let package = synced_package(app, repo.id).await?;
    let branch = project.default_branch.as_deref().unwrap_or_default();
    let default_ref = format!("{BRANCHES}{branch}");
    let head = listing.refs.iter().find(|found| found.name == default_ref);
    let Some(commit) = head.map(|found| found.commit.clone()) else {
        return Ok(Named {
            commit: repo.named_commit.clone(),
            notice: package.notice.clone(),
            package,
        });
    };
    if repo.named_commit.as_ref() == Some(&commit) {
        return Ok(Named {
            commit: Some(commit),
            notice: package.notice.clone(),
            package,
        });
    }
    let (name, manifest) = match read_name(app, host, repo, branch, &commit).await? {
        Answer::Name(name, manifest) => (name, manifest),
        Answer::None(reason) => {
            return Ok(Named {
                notice: Some(format!(
                    "{reason}; the package goes on as `{}`",
                    package.name
                )),
                commit: Some(commit),
                package,
            });
        }
    };
    if name.as_str() != package.name {
        rename_package(app, job, &package, repo.id, &name, manifest.description()).await?;
    }
    let package = synced_package(app, repo.id).await?;
    if name.as_str() == package.name {
        return Ok(Named {
            commit: Some(commit),
            notice: None,
            package,
        });
    }
    // Nobody frees the name by a commit to this repository, so it is looked at again next time.
    let owner = find_package(app, repo.organisation_id, &name).await?;
    let source = match owner.map(|owner| owner.git_repo_id) {
        Some(None) => "is uploaded",
        _ => "comes from another git repository",
    };
    Ok(Named {
        notice: Some(format!(
            "composer.json on `{branch}` is named `{name}` now, but that package of this organisation {source}; this one \
             goes on as `{}`; name one of the two otherwise",
            package.name
        )),
        commit: None,
        package,
    })
}

async fn synced_package(app: &App, git_repo: i64) -> Result<Package> {
    find_package_of_git_repo(app, git_repo)
        .await?
        .ok_or_else(|| Error::not_found("The package was removed here"))
}

async fn read_name(
    app: &App,
    host: &dyn GitHost,
    repo: &GitRepo,
    branch: &str,
    commit: &str,
) -> Result<Answer> {
    let read = host
        .read_file(
            &repo.provider_id,
            "composer.json",
            Some(commit),
            MANIFEST_LIMIT,
        )
        .await;
    let bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            check_files_shown(app, host, repo, Some(commit)).await?;
            return Ok(Answer::None(format!(
                "there is no composer.json on `{branch}`"
            )));
        }
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            return Ok(Answer::None(format!(
                "composer.json on `{branch}` is larger than 1 MB"
            )));
        }
        Err(error) => return Err(as_withheld(repo, error)),
    };
    let manifest = match Manifest::parse(&bytes) {
        Ok(manifest) => manifest,
        Err(fault) => return Ok(Answer::None(format!("on `{branch}`, {fault}"))),
    };
    Ok(match (manifest.package_name(), manifest.name()) {
        (Some(name), _) => Answer::Name(name, manifest),
        (None, Some(name)) => Answer::None(format!(
            "composer.json on `{branch}` is named `{name}`, which is no package name such as `vendor/name`"
        )),
        (None, None) => Answer::None(format!("composer.json on `{branch}` has no `name`")),
    })
}
