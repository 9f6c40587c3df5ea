//! The tokens of an installation: one is kept sealed with its connection and serves all, until five minutes before it ends.

use async_trait::async_trait;

use crate::app::App;
use crate::connect::open_app;
use crate::error::{Error, ErrorKind, Result};
use crate::providers::TokenSource;
use crate::store::connections::{Connection, find_connection, token_context};
use crate::store::github_apps::{claim_token, find_github_app, keep_token, lost_app};

/// A token with fewer seconds left is replaced.
const RENEWED_BEFORE: i64 = 5 * 60;

/// While somebody gets another one, the others go on with what is good for so many seconds: longer than a request takes.
const GOOD_ENOUGH: i64 = 60;

/// A token of a connection's installation that is good for minutes yet. Two who get one at once do no harm, for both are
/// good; that all of a job's messages do is kept from happening.
pub(super) async fn token_of_installation(app: &App, connection: &Connection) -> Result<String> {
    let left = connection
        .token_expires_at
        .unwrap_or_default()
        .saturating_sub(app.now());
    let Some(kept) = open_kept(app, connection).await else {
        return get_another(app, connection, None).await;
    };
    if left >= RENEWED_BEFORE {
        return Ok(kept);
    }
    if left >= GOOD_ENOUGH && !claim_token(app, &connection.id).await? {
        return Ok(kept);
    }
    get_another(app, connection, None).await
}

/// The token that is kept; none when there is none, or when it opens no more, as after a change of `ENCRYPTION_KEY`.
async fn open_kept(app: &App, connection: &Connection) -> Option<String> {
    if connection.sealed_token.is_empty() {
        return None;
    }
    connection.open_token(app).await.ok()
}

async fn get_another(app: &App, connection: &Connection, refused: Option<&str>) -> Result<String> {
    let lost = || lost_app(&connection.id);
    let id = connection.github_app_id.as_deref().ok_or_else(lost)?;
    let github_app = find_github_app(app, id).await?.ok_or_else(lost)?;
    let installation = connection.installation_id.ok_or_else(lost)?;
    let given = open_app(app, &github_app)
        .await?
        .create_token(installation)
        .await
        .map_err(as_refused)?;
    let context = token_context(&connection.id);
    let sealed = app.vault.seal(&context, &given.token).await?;
    keep_token(app, &connection.id, &sealed, given.expires_at, refused).await?;
    Ok(given.token)
}

/// An installation that gives no token is a credential that works no more: it was uninstalled or suspended, or the app has
/// another key. What the host says stands with it.
fn as_refused(error: Error) -> Error {
    let is_final = matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Upstream { retryable: false }
    );
    if is_final {
        Error::new(ErrorKind::CredentialRefused, error.message())
    } else {
        error
    }
}

/// Where the host of a connection finds another token when the kept one is refused before its time.
pub(super) struct InstallationTokens<'a> {
    app: &'a App,
    connection: Connection,
}

impl<'a> InstallationTokens<'a> {
    pub(super) fn new(app: &'a App, connection: Connection) -> Self {
        Self { app, connection }
    }
}

#[async_trait(?Send)]
impl TokenSource for InstallationTokens<'_> {
    async fn renew(&self, refused: &str) -> Result<String> {
        let (app, id) = (self.app, &self.connection.id);
        let connection = find_connection(app, id)
            .await?
            .ok_or_else(|| lost_app(id))?;
        // Somebody else may have been refused a moment ago.
        if let Some(kept) = open_kept(app, &connection).await
            && kept != refused
        {
            return Ok(kept);
        }
        get_another(app, &connection, Some(&connection.sealed_token)).await
    }
}
