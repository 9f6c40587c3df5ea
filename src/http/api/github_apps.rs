//! GitHub Apps of an organisation.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::connect::{open_app, open_app_with};
use crate::domain::rsa_key::read_private_key;
use crate::error::{Code, Error, Result};
use crate::http::api::connections::as_input;
use crate::http::api::missing;
use crate::http::api::shown::Time;
use crate::http::body::Faults;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::GitHubAppsRoute;
use crate::providers::ProviderKind;
use crate::providers::github::app::{AppFacts, Installation};
use crate::store::app_deliveries::list_app_deliveries;
use crate::store::connections::{Connection, list_connections};
use crate::store::github_apps::{
    self as store, GitHubApp, ID_PREFIX, delete_github_app, find_github_app, follow_accounts,
    key_context, save_github_app, webhook_context,
};
use crate::store::organisations::Organisation;

/// GitHub takes longer ones, but nobody needs them; shorter ones can be guessed.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=1_000;

/// Deliveries that are shown, the newest.
const DELIVERIES: i64 = 100;

/// A GitHub App, or what is to change of it.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewGitHubApp")]
pub(crate) struct Asked {
    /// The client id on the app's page; this or `app_id`.
    #[deserr(default)]
    client_id: Option<String>,
    /// The app's number, for servers that know no client ids of apps.
    #[deserr(default)]
    app_id: Option<i64>,
    /// The text of the .pem file that GitHub gave.
    #[deserr(default)]
    private_key: Option<String>,
    /// A webhook secret of one's own; without it one is made.
    #[deserr(default)]
    #[schemars(length(min = 16, max = 1000))]
    webhook_secret: Option<String>,
    /// The API of the server, where it is not `https://api.github.com`. An app stays at its host.
    #[deserr(default)]
    base_url: Option<String>,
}

impl Asked {
    /// Who a token is issued by: the client id, or the older number.
    fn issuer(&self) -> Result<Option<String>> {
        match (&self.client_id, self.app_id) {
            (None, None) => Ok(None),
            (Some(id), None) => {
                let id = id.trim();
                let is_word = (1..=100).contains(&id.len())
                    && id
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
                if !is_word {
                    return Err(Error::bad_value(
                        "/client_id",
                        "`client_id` is the one on the app's page, such as `Iv23liAbCdEf`",
                    ));
                }
                Ok(Some(id.to_owned()))
            }
            (None, Some(number)) if number > 0 => Ok(Some(number.to_string())),
            _ => Err(Error::bad_value(
                "/app_id",
                "Send the app's `client_id`, or its `app_id`, but not both",
            )),
        }
    }

    fn private_key(&self) -> Result<Option<Vec<u8>>> {
        let read = self.private_key.as_deref().map(read_private_key);
        read.transpose()
            .map_err(|fault| Error::bad_value("/private_key", fault.to_string()))
    }

    fn webhook_secret(&self) -> Result<Option<&str>> {
        let secret = self.webhook_secret.as_deref();
        if secret.is_some_and(|secret| !SECRET_LENGTH.contains(&secret.len())) {
            return Err(Error::bad_value(
                "/webhook_secret",
                "`webhook_secret` must have 16 to 1,000 bytes; leave it out to be given one",
            ));
        }
        Ok(secret)
    }
}

/// Answers a call about GitHub Apps.
pub async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: GitHubAppsRoute,
) -> Result<Reply> {
    match route {
        GitHubAppsRoute::List => list_github_apps(app, organisation).await,
        GitHubAppsRoute::Create => create_github_app(app, request, organisation).await,
        GitHubAppsRoute::Show(id) => {
            let found = own(app, organisation, &id).await?;
            Ok(Reply::json(200, &show(app, &found)))
        }
        GitHubAppsRoute::Update(id) => update_github_app(app, request, organisation, &id).await,
        GitHubAppsRoute::Remove(id) => remove_github_app(app, organisation, &id).await,
        GitHubAppsRoute::Installations(id) => list_installations(app, organisation, &id).await,
        GitHubAppsRoute::Deliveries(id) => list_deliveries(app, organisation, &id).await,
    }
}

/// Takes an app in, after GitHub knew it by its key. The webhook's secret is shown once when it is ours.
async fn create_github_app(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let (Some(issuer), Some(key)) = (asked.issuer()?, asked.private_key()?) else {
        return Err(Error::invalid(
            "Send the app's `client_id` and its `private_key`: the text of the .pem file that GitHub gave",
        ));
    };
    let given = asked.webhook_secret()?;
    let base_url = asked
        .base_url
        .as_deref()
        .map(|url| url.trim().trim_end_matches('/'))
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| ProviderKind::GitHub.default_base_url());
    let facts = try_app(app, base_url, &issuer, &key).await?;
    let id = format!("{ID_PREFIX}{}", app.random_id()?);
    let secret = match given {
        Some(secret) => secret.to_owned(),
        None => make_secret(app)?,
    };
    let made = GitHubApp {
        organisation_id: organisation.id,
        base_url: base_url.to_owned(),
        issuer,
        app_id: facts.app_id,
        slug: facts.slug.clone(),
        name: facts.name.clone(),
        web_url: facts.web_url.clone(),
        sealed_private_key: seal_key(app, &id, &key).await?,
        sealed_webhook_secret: app.vault.seal(&webhook_context(&id), &secret).await?,
        created_at: app.now(),
        sealed_old_webhook_secret: None,
        old_webhook_secret_until: None,
        id,
    };
    save_github_app(app, &made).await?;
    let mut shown = show_tried(app, &made, &facts);
    shown.webhook.secret = given.is_none().then_some(secret);
    Ok(Reply::json(201, &shown))
}

/// Gives an app another key, another webhook secret or its client id in place of its number, after it was tried.
async fn update_github_app(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let mut found = own(app, organisation, id).await?;
    if asked.base_url.is_some() {
        return Err(Error::bad_value(
            "/base_url",
            "An app stays at its host; add the one of the other host as another app",
        ));
    }
    let key = match asked.private_key()? {
        Some(key) => key,
        None => STANDARD
            .decode(found.open_private_key(app).await?)
            .map_err(Error::internal)?,
    };
    if let Some(issuer) = asked.issuer()? {
        found.issuer = issuer;
    }
    let secret = asked.webhook_secret()?;
    let facts = try_app(app, &found.base_url, &found.issuer, &key).await?;
    if facts.app_id != found.app_id {
        return Err(Error::invalid(format!(
            "This key is of another app, `{}`; its installations are not those of `{}`. Add it as an app of its own",
            facts.name, found.name
        )));
    }
    found.slug.clone_from(&facts.slug);
    found.name.clone_from(&facts.name);
    found.web_url.clone_from(&facts.web_url);
    if asked.private_key.is_some() {
        found.sealed_private_key = seal_key(app, id, &key).await?;
    }
    if let Some(secret) = secret {
        found.sealed_webhook_secret = app.vault.seal(&webhook_context(id), secret).await?;
    }
    save_github_app(app, &found).await?;
    Ok(Reply::json(200, &show_tried(app, &found, &facts)))
}

/// Removes an app that no connection is made by.
async fn remove_github_app(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let found = own(app, organisation, id).await?;
    if delete_github_app(app, id).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(Error::conflict(format!(
        "Connections are made by `{}`; give each a token of its own first",
        found.name
    ))
    .with_code(Code::InUse))
}

/// Lists apps, without their secrets.
async fn list_github_apps(app: &App, organisation: &Organisation) -> Result<Reply> {
    let apps: Vec<_> = store::list_github_apps(app, organisation.id)
        .await?
        .iter()
        .map(|found| show(app, found))
        .collect();
    Ok(Reply::json(200, &json!({ "github_apps": apps })))
}

/// Lists where an app is installed, as its host has it now. Accounts that were renamed are followed.
async fn list_installations(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let found = own(app, organisation, id).await?;
    let api = open_app(app, &found).await?;
    let installations = api.list_installations().await?;
    let accounts: Vec<_> = installations
        .iter()
        .map(|one| json!([one.id, one.account]))
        .collect();
    follow_accounts(app, id, &Value::from(accounts).to_string()).await?;
    let connections = list_connections(app, organisation.id).await?;
    let shown = show_installations(id, &installations, &connections);
    Ok(Reply::json(200, &json!({ "installations": shown })))
}

/// Where an app is installed, as its host has it now, each with the connection that is made by it; and the connections by a
/// token of a person that an installation could take over. One batch of the database, which nothing is written to.
pub(crate) async fn look_at_installations(
    app: &App,
    organisation: &Organisation,
    found: &GitHubApp,
) -> Result<(Vec<ShownInstallation>, Vec<Connection>)> {
    let installations = open_app(app, found).await?.list_installations().await?;
    let mut connections = list_connections(app, organisation.id).await?;
    let shown = show_installations(&found.id, &installations, &connections);
    connections.retain(|one| {
        one.provider == ProviderKind::GitHub.as_str()
            && one.github_app_id.is_none()
            && one.base_url == found.base_url
    });
    Ok((shown, connections))
}

fn show_installations(
    id: &str,
    installations: &[Installation],
    connections: &[Connection],
) -> Vec<ShownInstallation> {
    let connections: HashMap<_, _> = connections
        .iter()
        .filter(|connection| connection.github_app_id.as_deref() == Some(id))
        .filter_map(|connection| Some((connection.installation_id?, connection.id.as_str())))
        .collect();
    installations
        .iter()
        .map(|one| ShownInstallation {
            installation: one.id,
            account: one.account.clone(),
            account_type: one.account_type.clone(),
            repository_selection: one.repository_selection.clone(),
            web_url: one.web_url.clone(),
            suspended: one.is_suspended,
            missing: one.missing.clone(),
            connection: connections.get(&one.id).map(|&id| id.to_owned()),
        })
        .collect()
}

/// Lists the newest deliveries at an app's address, those too that no connection is concerned by.
async fn list_deliveries(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    own(app, organisation, id).await?;
    let deliveries: Vec<_> = list_app_deliveries(app, id, DELIVERIES)
        .await?
        .into_iter()
        .map(|row| ShownDelivery {
            connection: row.connection_id,
            id: row.provider_delivery_id,
            event: row.event,
            installation: row.installation_id,
            project: row.project,
            verdict: row.verdict,
            detail: row.detail,
            job: row.job_id,
            received_at: Time::of(row.received_at),
        })
        .collect();
    Ok(Reply::json(200, &json!({ "deliveries": deliveries })))
}

pub(crate) async fn own(app: &App, organisation: &Organisation, id: &str) -> Result<GitHubApp> {
    find_github_app(app, id)
        .await?
        .filter(|found| found.organisation_id == organisation.id)
        .ok_or_else(|| missing("GitHub App"))
}

/// Asks GitHub who the app is: by then id, key and address belong together.
async fn try_app(app: &App, base_url: &str, issuer: &str, key: &[u8]) -> Result<AppFacts> {
    let api = open_app_with(app, base_url, issuer, key)
        .await
        .map_err(|error| as_input(&error))?;
    api.describe().await.map_err(|error| as_input(&error))
}

async fn seal_key(app: &App, id: &str, key: &[u8]) -> Result<String> {
    app.vault
        .seal(&key_context(id), &STANDARD.encode(key))
        .await
}

fn make_secret(app: &App) -> Result<String> {
    let mut secret = [0_u8; 32];
    app.entropy.fill(&mut secret)?;
    Ok(hex::encode(secret))
}

fn show_tried(app: &App, found: &GitHubApp, facts: &AppFacts) -> Shown {
    let mut shown = show(app, found);
    shown.missing = Some(facts.missing.clone());
    shown
}

/// A GitHub App.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GitHubApp")]
pub(crate) struct Shown {
    id: String,
    app_id: i64,
    /// The client id or the app id, as it was given.
    issuer: String,
    slug: String,
    name: String,
    web_url: String,
    base_url: String,
    webhook: ShownWebhook,
    created_at: Time,
    /// What the app lacks, each in a sentence; when it was just tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<String>>,
}

/// Where and how GitHub is to tell an app's events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GitHubAppWebhook")]
pub(crate) struct ShownWebhook {
    url: String,
    content_type: &'static str,
    events: &'static [&'static str],
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

fn show(app: &App, found: &GitHubApp) -> Shown {
    Shown {
        id: found.id.clone(),
        app_id: found.app_id,
        issuer: found.issuer.clone(),
        slug: found.slug.clone(),
        name: found.name.clone(),
        web_url: found.web_url.clone(),
        base_url: found.base_url.clone(),
        webhook: ShownWebhook {
            url: format!("{}/hooks/{}", app.config.public_url, found.id),
            content_type: "application/json",
            events: ProviderKind::GitHub.webhook_events(),
            secret: None,
        },
        created_at: Time::of(found.created_at),
        missing: None,
    }
}

/// Where an app is installed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Installation")]
pub(crate) struct ShownInstallation {
    /// The number to connect.
    pub(crate) installation: i64,
    pub(crate) account: String,
    pub(crate) account_type: String,
    pub(crate) repository_selection: String,
    pub(crate) web_url: String,
    pub(crate) suspended: bool,
    pub(crate) missing: Vec<String>,
    /// The connection that is made by it.
    pub(crate) connection: Option<String>,
}

/// A delivery at an app's address.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GitHubAppDelivery")]
pub(crate) struct ShownDelivery {
    /// Null where no connection is made by the installation.
    connection: Option<String>,
    /// GitHub's id.
    id: String,
    event: String,
    installation: Option<i64>,
    project: Option<String>,
    /// `accepted` or `ignored`.
    verdict: String,
    detail: String,
    job: Option<String>,
    received_at: Time,
}
