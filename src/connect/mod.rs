//! The way from what is stored to who is asked about it: what the store keeps sealed becomes what a provider shows, and
//! a claimed host name what the DNS says of it.

pub mod host_names;
mod installation;
pub mod sign_in;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::domain::jwt;
use crate::error::{Error, Result};
use crate::providers::github::GitHub;
use crate::providers::github::app::AppApi;
use crate::providers::outgoing::Gateway;
use crate::providers::{Credentials, GitHost, ProviderKind};
use crate::store::connections::Connection;
use crate::store::github_apps::GitHubApp;

use installation::{InstallationTokens, token_of_installation};

/// The host of a connection, ready to be asked: with its token, or with one of its installation's.
pub async fn open_host<'a>(app: &'a App, connection: &Connection) -> Result<Box<dyn GitHost + 'a>> {
    let gateway = Gateway::of(app);
    let kind = ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))?;
    if connection.github_app_id.is_some() {
        let token = token_of_installation(app, connection).await?;
        let source = InstallationTokens::new(app, connection.clone());
        let host =
            GitHub::of_installation(gateway, &connection.base_url, &token, Box::new(source))?;
        return Ok(Box::new(host));
    }
    let token = connection.open_token(app).await?;
    let credentials = Credentials::new(connection.username.as_deref(), &token);
    kind.connect(gateway, &connection.base_url, &credentials)
}

/// GitHub as this app sees it, for the next minutes.
pub async fn open_app<'a>(app: &'a App, github_app: &GitHubApp) -> Result<AppApi<'a>> {
    let key = github_app.open_private_key(app).await?;
    let key = STANDARD.decode(key).map_err(Error::internal)?;
    open_app_with(app, &github_app.base_url, &github_app.issuer, &key).await
}

/// The same for an app that is not stored yet; `private_key` is PKCS#8.
pub async fn open_app_with<'a>(
    app: &'a App,
    base_url: &str,
    issuer: &str,
    private_key: &[u8],
) -> Result<AppApi<'a>> {
    let unsigned = jwt::unsigned(issuer, app.now());
    let signature = app
        .signer
        .sign_rs256(private_key, unsigned.as_bytes())
        .await?;
    let token = jwt::signed(&unsigned, &signature);
    AppApi::new(Gateway::of(app), base_url, &token)
}
