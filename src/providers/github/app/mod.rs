//! A GitHub App: what it says of itself, where it is installed, and the tokens of its installations.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, Result};
use crate::providers::Account;
use crate::providers::outgoing::{Gateway, upstream};
use crate::providers::paging::{Paging, Said};
use crate::providers::rest::{Asked, Rest, Want};

use super::api::{self, Holder};
use super::{PER_PAGE, Repository};

/// As many pages of installations as a person would look through.
const PAGES: usize = 50;

/// What an app should be told of, so that releases come at once. Installations are always told of.
const EVENTS: [&str; 4] = ["push", "create", "delete", "repository"];

/// GitHub as an app sees it, which shows a JSON Web Token.
pub struct AppApi<'a> {
    api: Rest<'a>,
}

/// What an app says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFacts {
    /// Its number.
    pub app_id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Its page, where it is installed.
    pub web_url: String,
    /// What it lacks for what we need, each as a sentence.
    pub missing: Vec<String>,
}

/// One account's installation of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its number.
    pub id: i64,
    /// The account's login name as it is now.
    pub account: String,
    /// `Organization` or `User`.
    pub account_type: String,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// Where its settings are.
    pub web_url: String,
    /// Whether the account's owner suspended it.
    pub is_suspended: bool,
    /// What it lacks for what we need, each as a sentence.
    pub missing: Vec<String>,
}

/// A token of an installation.
#[derive(Clone, PartialEq, Eq)]
pub struct InstallationToken {
    /// Of any length: they have grown to more than a thousand characters.
    pub token: String,
    /// Unix seconds.
    pub expires_at: i64,
}

#[derive(Deserialize)]
struct App {
    id: i64,
    #[serde(default)]
    slug: Option<String>,
    name: String,
    html_url: String,
    #[serde(default)]
    permissions: Permissions,
    #[serde(default)]
    events: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    contents: Option<String>,
}

#[derive(Deserialize)]
struct Installed {
    id: i64,
    #[serde(default)]
    account: Option<Owner>,
    #[serde(default)]
    target_type: Option<String>,
    #[serde(default)]
    repository_selection: Option<String>,
    html_url: String,
    #[serde(default)]
    suspended_at: Option<String>,
    #[serde(default)]
    permissions: Permissions,
}

/// Enterprises have a slug in place of a login name.
#[derive(Deserialize)]
struct Owner {
    #[serde(alias = "slug")]
    login: String,
}

#[derive(Deserialize)]
struct Given {
    token: String,
    expires_at: String,
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

impl<'a> AppApi<'a> {
    /// GitHub at `base_url`, or at github.com when that is empty, asked with a JSON Web Token.
    pub fn new(gateway: Gateway<'a>, base_url: &str, token: &str) -> Result<Self> {
        Ok(Self {
            api: api::open(gateway, base_url, token, Holder::App)?,
        })
    }

    /// What the app says of itself; that the key is the app's is known by then.
    pub async fn describe(&self) -> Result<AppFacts> {
        let response = match self.api.get("/app", Want::Json).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no GitHub App of this id, or no GitHub API at this address; for an Enterprise Server the \
                     base URL is `https://HOST/api/v3`",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let app: App = self.api.json(response).await?;
        let mut missing = missing_permission(&app.permissions);
        let unheard: Vec<_> = EVENTS
            .iter()
            .filter(|wanted| !app.events.iter().any(|event| event == *wanted))
            .map(|event| format!("`{event}`"))
            .collect();
        if !unheard.is_empty() {
            missing.push(format!(
                "The app is not told of {}; subscribe it to these events, or releases are found by the scheduled \
                 comparison only.",
                unheard.join(", ")
            ));
        }
        Ok(AppFacts {
            app_id: app.id,
            slug: app.slug.unwrap_or_default(),
            name: app.name,
            web_url: app.html_url,
            missing,
        })
    }

    /// Gives the app's webhook another secret; its address and its events stay.
    pub async fn set_webhook_secret(&self, secret: &str) -> Result<()> {
        let body = json!({ "secret": secret });
        let asked = self
            .api
            .change("PATCH", "/app/hook/config", Some(&body))
            .await?;
        asked.or_refusal().map(|_| ())
    }

    /// Where the app is installed.
    pub async fn list_installations(&self) -> Result<Vec<Installation>> {
        let mut found = Vec::new();
        let mut next = Some(
            self.api
                .url(&format!("/app/installations?per_page={PER_PAGE}")),
        );
        for _ in 0..PAGES {
            let Some(url) = next else {
                break;
            };
            let asked = self.api.get_url(&url, Want::Json, None).await?;
            let response = asked.or_refusal()?;
            next = next_page(&url, &response.headers);
            let page: Vec<Installed> = self.api.json(response).await?;
            found.extend(page.into_iter().map(Installation::from));
        }
        Ok(found)
    }

    /// One installation; none when the app is not installed there, or not any more.
    pub async fn find_installation(&self, installation: i64) -> Result<Option<Installation>> {
        let path = format!("/app/installations/{installation}");
        match self.api.get(&path, Want::Json).await?.or_missing()? {
            Some(response) => {
                let installed: Installed = self.api.json(response).await?;
                Ok(Some(installed.into()))
            }
            None => Ok(None),
        }
    }

    /// Another token of an installation; those before stay good until they expire.
    pub async fn create_token(&self, installation: i64) -> Result<InstallationToken> {
        let path = format!("/app/installations/{installation}/access_tokens");
        // For all its repositories, with all its permissions.
        let asked = self.api.change("POST", &path, Some(&json!({}))).await?;
        let response = match asked {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(upstream(
                    false,
                    format!(
                        "The GitHub App is not installed at `{}` any more, or not as installation {installation}; install \
                         it again and connect the new installation",
                        self.api.host()
                    ),
                ));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let given: Given = self.api.json(response).await?;
        let expires_at: Timestamp = given
            .expires_at
            .parse()
            .map_err(|error| self.api.unreadable().because(error))?;
        if given.token.is_empty() || !given.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.api.unreadable());
        }
        Ok(InstallationToken {
            token: given.token,
            expires_at: expires_at.as_second(),
        })
    }
}

impl From<Installed> for Installation {
    fn from(installed: Installed) -> Self {
        Self {
            missing: missing_permission(&installed.permissions),
            id: installed.id,
            account: installed
                .account
                .map(|owner| owner.login)
                .unwrap_or_default(),
            account_type: installed.target_type.unwrap_or_default(),
            repository_selection: installed.repository_selection.unwrap_or_default(),
            web_url: installed.html_url,
            is_suspended: installed.suspended_at.is_some(),
        }
    }
}

/// Reading contents brings reading metadata along.
fn missing_permission(permissions: &Permissions) -> Vec<String> {
    match permissions.contents.as_deref() {
        Some("read" | "write" | "admin") => Vec::new(),
        _ => vec![
            "The app lacks the repository permission `Contents`: give it read access in the app's settings, and have \
             those who installed it accept that."
                .to_owned(),
        ],
    }
}

fn next_page(url: &str, headers: &[(String, String)]) -> Option<String> {
    match Paging::Links.next(url, headers, 0) {
        Said::Next(next) => Some(next),
        Said::Last | Said::Nothing => None,
    }
}

/// Whether an installation's token works. It is nobody's, so the account is not known by it.
pub(super) async fn check_installation(api: &Rest<'_>) -> Result<Account> {
    let asked = api
        .get("/installation/repositories?per_page=1", Want::Json)
        .await?;
    let page: Repositories = api.json(asked.or_refusal()?).await?;
    let first = page.repositories.first();
    let owner = first.and_then(|repository| repository.full_name.split_once('/'));
    Ok(Account {
        provider_id: String::new(),
        login: owner.map(|(owner, _)| owner.to_owned()).unwrap_or_default(),
        missing: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
