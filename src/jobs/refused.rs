//! A credential that its host accepts no more, or that it shows a project no more: jobs wait, one request now and then
//! tries it, and it is said once.

use crate::app::App;
use crate::connect::open_host;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::enqueue_waiting;
use crate::jobs::outcome::Next;
use crate::store::connections::{Connection, find_connection};
use crate::store::refusals::{
    find_connection_of, note_acceptance, note_refusal, park_job, take_due_tries,
};
use crate::store::withheld::park_withheld;

/// Refused credentials that are tried in one round of the scheduled work.
const TRIES: i64 = 10;

/// Has a job wait if that is what an error asks for: until its connection has another credential, or until the host shows
/// its project again. None where it is another error, else whether it is news. Messages of the job that are under way find
/// nothing to do.
pub(super) async fn wait_if_refused(
    app: &App,
    id: &str,
    git_repo: i64,
    error: &Error,
) -> Result<Option<bool>> {
    match error.kind() {
        ErrorKind::CredentialRefused => match find_connection_of(app, git_repo).await? {
            Some(connection) => note_and_park(app, id, &connection, error).await.map(Some),
            None => Ok(None),
        },
        ErrorKind::ProjectWithheld => {
            let is_news = park_withheld(app, git_repo, id, error.message()).await?;
            if is_news {
                app.warn(&format!("Job {id} waits: {error}"));
            }
            Ok(Some(is_news))
        }
        _ => Ok(None),
    }
}

/// Has a job wait until its connection has another credential, or until this one works again.
pub(super) async fn wait_for_credential(
    app: &App,
    id: &str,
    connection: &Connection,
    error: &Error,
) -> Result<()> {
    note_and_park(app, id, connection, error).await.map(|_| ())
}

async fn note_and_park(
    app: &App,
    id: &str,
    connection: &Connection,
    error: &Error,
) -> Result<bool> {
    let is_news = note_refusal(app, &connection.id, error.message()).await?;
    park_job(app, id, error.message()).await?;
    if is_news {
        app.warn(&format!(
            "Connection {} waits for a credential: {error}",
            connection.id
        ));
    }
    Ok(is_news)
}

/// Tries refused credentials that are due, with one request each, and wakes what waited for those that work again.
pub(super) async fn try_again(app: &App) -> Result<()> {
    for id in take_due_tries(app, TRIES).await? {
        run(app, &id).await?;
    }
    Ok(())
}

/// Tries the refused credential of a connection, with one request, and wakes what waited for it if it works again.
pub(super) async fn run(app: &App, id: &str) -> Result<Next> {
    let Some(connection) = find_connection(app, id).await? else {
        return Ok(Next::Done);
    };
    if connection.refused_at.is_none() {
        return Ok(Next::Done);
    }
    // An installation of a GitHub App is asked for a token before there is a host to ask.
    let tried = match open_host(app, &connection).await {
        Ok(host) => host.check_access().await.map(|_| ()),
        Err(error) => Err(error),
    };
    match tried {
        Ok(()) => {
            note_acceptance(app, id).await?;
            enqueue_waiting(app, id).await?;
        }
        Err(error) if error.kind() == ErrorKind::CredentialRefused => {}
        // The host may be down: that says nothing of the credential, and the connection shows its trouble as it is.
        Err(error) => app.warn(&format!(
            "The credential of connection {id} could not be tried: {error}"
        )),
    }
    Ok(Next::Done)
}
