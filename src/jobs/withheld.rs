//! A project that its host shows to the connection's credential no more: a token that lost a right, a member who was
//! removed, a project that is gone. Hosts answer for it as for a file that is not there, or forbid one thing after another,
//! so that such a refusal is held against the project before anything is made of it.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::source::MANIFEST_LIMIT;
use crate::providers::GitHost;
use crate::store::connections::GitRepo;

/// Refuses while the host is not to be asked for a project that it withholds.
pub(super) fn refuse_while_withheld(app: &App, repo: &GitRepo) -> Result<()> {
    match &repo.withheld_reason {
        Some(reason) if repo.next_look_at.is_some_and(|next| app.now() < next) => {
            Err(Error::new(ErrorKind::ProjectWithheld, reason.as_str()))
        }
        _ => Ok(()),
    }
}

/// Whether the host shows the project still; where not, the error that says so. What it has no file of may be a commit
/// without one, or nothing at all any more.
pub(super) async fn check_shown(host: &dyn GitHost, repo: &GitRepo) -> Result<()> {
    match host.describe_project(&repo.provider_id).await {
        Ok(_) => Ok(()),
        Err(error) => Err(as_withheld(repo, error)),
    }
}

/// What a refusal of something of one commit means: it is the commit's own unless the project as a whole is withheld.
/// Asks the host where it may be either; what prevents that is an error of its own.
pub(super) async fn hold_against_project(
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
    if let Err(withheld) = check_shown(host, repo).await {
        return withheld;
    }
    if error.kind() == ErrorKind::NotFound {
        return error;
    }
    // Some tokens may see a project and none of its files.
    let read = host
        .read_file(&repo.provider_id, "composer.json", None, MANIFEST_LIMIT)
        .await;
    match read {
        Err(other) if other.kind() == ErrorKind::TooLarge => error,
        Err(other) => as_withheld(repo, other),
        Ok(_) => error,
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
