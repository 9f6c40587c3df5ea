//! A credential that its host accepts no more: jobs wait, one request now and then tries it, and it is said once.

use crate::app::App;
use crate::connect::open_host;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::{enqueue_publications, enqueue_waiting};
use crate::providers::ProviderKind;
use crate::store::connections::{Connection, find_connection, note_trouble};
use crate::store::refusals::{
    fail_job_at_once, note_acceptance, note_refusal, park_job, take_due_tries,
};

/// Refused credentials that are tried in one round of the scheduled work.
const TRIES: i64 = 10;

/// Has a job wait until its connection has another credential, or until this one works again. What was taken in of
/// `package` so far is published. Messages of the job that are under way find nothing to do.
pub(super) async fn wait_for_credential(
    app: &App,
    id: &str,
    connection: &Connection,
    package: Option<i64>,
    error: &Error,
) -> Result<()> {
    // A git server may ask for another credential in each folder, so that the next repository says nothing else again.
    if ProviderKind::parse(&connection.provider) == Some(ProviderKind::Git) {
        app.warn(&format!("Job {id} ends: {error}"));
        note_trouble(app, &connection.id, Some(error.message())).await?;
        fail_job_at_once(app, id, error.message()).await?;
    } else {
        let is_news = note_refusal(app, &connection.id, error.message()).await?;
        park_job(app, id, error.message()).await?;
        if !is_news {
            return Ok(());
        }
        app.warn(&format!(
            "Connection {} waits for a credential: {error}",
            connection.id
        ));
    }
    match package {
        Some(package) => enqueue_publications(app, package).await,
        None => Ok(()),
    }
}

/// Tries refused credentials that are due, with one request each, and wakes what waited for those that work again.
pub(super) async fn try_again(app: &App) -> Result<()> {
    for id in take_due_tries(app, TRIES).await? {
        let Some(connection) = find_connection(app, &id).await? else {
            continue;
        };
        // An installation of a GitHub App is asked for a token before there is a host to ask.
        let tried = match open_host(app, &connection).await {
            Ok(host) => host.check_access().await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(_) => {
                note_acceptance(app, &id).await?;
                enqueue_waiting(app, &id).await?;
            }
            Err(error) if error.kind() == ErrorKind::CredentialRefused => {}
            // The host may be down: that says nothing of the credential, and the connection shows its trouble as it is.
            Err(error) => app.warn(&format!(
                "The credential of connection {id} could not be tried: {error}"
            )),
        }
    }
    Ok(())
}
