//! A project that its host shows to the connection's credential no more: a token that lost a right, a member who was
//! removed, a project that is gone. Hosts answer for it as for a file that is not there, or forbid one thing after another,
//! so that such a refusal is held against the project before anything is made of it.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::source::MANIFEST_LIMIT;
use crate::providers::GitHost;
use crate::store::connections::GitRepo;
use crate::store::git_refs::find_taken_commit;

/// Refuses while the host is not to be asked for a project that it withholds.
pub(super) fn refuse_while_withheld(app: &App, repo: &GitRepo) -> Result<()> {
    match &repo.withheld_reason {
        Some(reason) if repo.next_look_at.is_some_and(|next| app.now() < next) => {
            Err(Error::new(ErrorKind::ProjectWithheld, reason.as_str()))
        }
        _ => Ok(()),
    }
}

/// Whether the host shows the project still; where not, the error that says so.
async fn check_shown(host: &dyn GitHost, repo: &GitRepo) -> Result<()> {
    match host.describe_project(&repo.provider_id).await {
        Ok(_) => Ok(()),
        Err(error) => Err(as_withheld(repo, error)),
    }
}

/// Whether the host shows the project's files still, after it said that one is not there; where not, the error that says
/// so. There may be no such file at `commit`, or nothing at all any more, or a project without its files: some rights are
/// for those alone. So what was there before is asked for: the composer.json of a commit that became a version, and that
/// of the default branch, without which there would be no package.
pub(super) async fn check_files_shown(
    app: &App,
    host: &dyn GitHost,
    repo: &GitRepo,
    commit: Option<&str>,
) -> Result<()> {
    if !host.shows_files_apart() {
        return check_shown(host, repo).await;
    }
    let witness = find_taken_commit(app, repo.id).await?;
    if let Some(taken) = &witness
        && has_manifest(host, repo, Some(taken)).await?
    {
        return Ok(());
    }
    check_shown(host, repo).await?;
    if has_manifest(host, repo, None).await? {
        return Ok(());
    }
    // Nothing was taken in yet, and the default branch may have lost its file; a commit is shown to those who may see files.
    let is_withheld = match (&witness, commit) {
        (Some(_), _) => true,
        (None, Some(commit)) => match host.commit_time(&repo.provider_id, commit).await {
            Ok(_) => false,
            Err(error) if is_refusal(&error) => true,
            Err(error) => return Err(error),
        },
        (None, None) => false,
    };
    if is_withheld {
        return Err(as_withheld(repo, files_withheld()));
    }
    Ok(())
}

fn files_withheld() -> Error {
    Error::new(
        ErrorKind::ProjectWithheld,
        "its host shows the project to this token, but none of its files, not even those that it showed before; the token \
         must be let read the code",
    )
}

/// Whether there is a composer.json at a commit, or on the default branch, for all that the host says. A refusal is of
/// the project.
async fn has_manifest(host: &dyn GitHost, repo: &GitRepo, commit: Option<&str>) -> Result<bool> {
    let (id, path) = (&repo.provider_id, "composer.json");
    match host.read_file(id, path, commit, MANIFEST_LIMIT).await {
        Ok(found) => Ok(found.is_some()),
        Err(error) if error.kind() == ErrorKind::TooLarge => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(as_withheld(repo, error)),
    }
}

/// What a refusal of something of one commit means: it is the commit's own unless the project as a whole is withheld.
/// Asks the host where it may be either; what prevents that is an error of its own.
pub(super) async fn hold_against_project(
    app: &App,
    host: &dyn GitHost,
    repo: &GitRepo,
    error: Error,
) -> Error {
    if !is_refusal(&error) {
        return error;
    }
    if error.kind() == ErrorKind::ProjectWithheld {
        return as_withheld(repo, error);
    }
    if error.kind() == ErrorKind::NotFound {
        return match check_files_shown(app, host, repo, None).await {
            Ok(()) => error,
            Err(withheld) => withheld,
        };
    }
    if let Err(withheld) = check_shown(host, repo).await {
        return withheld;
    }
    // Some tokens may see a project and none of its files.
    match has_manifest(host, repo, None).await {
        Ok(_) => error,
        Err(withheld) => withheld,
    }
}

/// The same where nothing but the project was asked for.
pub(super) fn as_withheld(repo: &GitRepo, error: Error) -> Error {
    if !is_refusal(&error) {
        return error;
    }
    let withheld = Error::new(
        ErrorKind::ProjectWithheld,
        format!(
            "`{}` waits: {}. It goes on with another token in the connection, or once it is synced by hand; else it is \
             tried every six hours",
            repo.full_name,
            error.message().trim_end_matches('.')
        ),
    );
    match error.cause() {
        Some(cause) => withheld.because(cause),
        None => withheld,
    }
}

/// Whether a host answered, and asking again is in vain.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ProjectWithheld | ErrorKind::Upstream { retryable: false }
    )
}
