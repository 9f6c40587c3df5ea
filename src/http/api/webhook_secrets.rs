//! Another secret for the webhooks of a connection or of a GitHub App, with a time in which both are good.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::connect::open_app;
use crate::error::{Error, Result};
use crate::http::api::connections::{find_own, open_host};
use crate::http::api::github_apps::own;
use crate::http::api::shown::Time;
use crate::http::body::Faults;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::{Request, percent_decode};
use crate::http::route::{NoRoute, only};
use crate::jobs::{Job, enqueue};
use crate::providers::{HookPlace, ProviderKind, WantedHook, register_hook};
use crate::store::connections::{Connection, webhook_context};
use crate::store::github_apps;
use crate::store::hooks::{HookGroup, list_hook_groups, save_hook_group};
use crate::store::organisations::Organisation;
use crate::store::webhook_secrets as store;

/// Whose secret it is, by id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the part of the URL table, named as the API document names them"
)]
pub enum SecretRoute {
    RotateOfConnection(String),
    EndOldOfConnection(String),
    RotateOfApp(String),
    EndOldOfApp(String),
}

impl SecretRoute {
    /// The route of what is below an organisation, if it is one of these.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Option<Result<Self, NoRoute>> {
        let own = |id: &&str| percent_decode(id);
        Some(match segments {
            ["connections", id, "webhook-secret"] => {
                only(method, "POST", Self::RotateOfConnection(own(id)))
            }
            ["connections", id, "webhook-secret", "old"] => {
                only(method, "DELETE", Self::EndOldOfConnection(own(id)))
            }
            ["github-apps", id, "webhook-secret"] => {
                only(method, "POST", Self::RotateOfApp(own(id)))
            }
            ["github-apps", id, "webhook-secret", "old"] => {
                only(method, "DELETE", Self::EndOldOfApp(own(id)))
            }
            _ => return None,
        })
    }
}

/// Hours for which the secret of before is accepted, unless somebody says otherwise.
const OVERLAP: i64 = 24;

/// A week: who has not replaced it by then has forgotten it.
const LONGEST_OVERLAP: i64 = 7 * 24;

/// How a secret is to be replaced.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "WebhookSecretRotation")]
pub(crate) struct Rotation {
    /// Hours for which the secret of before is accepted too, 0 to 168; 24 without it.
    #[deserr(default)]
    #[schemars(range(min = 0, max = 168))]
    overlap_hours: Option<i64>,
}

impl Rotation {
    /// Until when the secret of before is accepted, in Unix seconds.
    fn until(&self, app: &App) -> Result<Option<i64>> {
        match self.overlap_hours.unwrap_or(OVERLAP) {
            0 => Ok(None),
            hours @ 1..=LONGEST_OVERLAP => {
                Ok(Some(app.now().saturating_add(hours.saturating_mul(3_600))))
            }
            _ => Err(Error::bad_value(
                "/overlap_hours",
                format!("`overlap_hours` must be a number from 0 to {LONGEST_OVERLAP}"),
            )),
        }
    }
}

/// A secret that takes the place of another.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookSecret")]
pub(crate) struct Rotated {
    /// Shown once.
    secret: String,
    /// At GitLab, the secret in the form that GitLab signs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_token: Option<String>,
    /// Until when the one of before is accepted too; null where it is not any more.
    old_until: Option<Time>,
    /// Webhooks of projects that we registered and that are being given the new one.
    hooks: usize,
    /// Where the new one has to be set by hand, and why.
    by_hand: Vec<ByHand>,
}

/// A webhook that we could not give its new secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookLeft")]
struct ByHand {
    /// The group, or the app.
    name: String,
    reason: String,
}

/// Answers a call about the secret of webhooks.
pub(super) async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: SecretRoute,
) -> Result<Reply> {
    match route {
        SecretRoute::RotateOfConnection(id) => {
            rotate_of_connection(app, request, organisation, &id).await
        }
        SecretRoute::RotateOfApp(id) => rotate_of_app(app, request, organisation, &id).await,
        SecretRoute::EndOldOfConnection(id) => {
            find_own(app, organisation, &id).await?;
            store::end_old_connection_secret(app, &id).await?;
            Ok(Reply::empty(204, CachePolicy::NoStore))
        }
        SecretRoute::EndOldOfApp(id) => {
            own(app, organisation, &id).await?;
            store::end_old_app_secret(app, &id).await?;
            Ok(Reply::empty(204, CachePolicy::NoStore))
        }
    }
}

/// Replaces the secret, and then has it set where we registered a webhook: until that is done, the one of before is good.
async fn rotate_of_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: Rotation = request.json().await?;
    let until = asked.until(app)?;
    let connection = find_own(app, organisation, id).await?;
    let mut bytes = [0_u8; 32];
    app.entropy.fill(&mut bytes)?;
    let secret = hex::encode(bytes);
    let sealed = app.vault.seal(&webhook_context(id), &secret).await?;
    store::rotate_connection_secret(app, id, &sealed, until).await?;
    let hooks: Vec<_> = store::list_registered_hooks(app, id)
        .await?
        .into_iter()
        .map(|git_repo| Job::KeepHook { git_repo })
        .collect();
    enqueue(app, &hooks).await?;
    let by_hand = set_on_groups(app, &connection, &secret).await?;
    let is_gitlab = ProviderKind::parse(&connection.provider) == Some(ProviderKind::GitLab);
    Ok(Reply::json(
        200,
        &Rotated {
            signing_token: is_gitlab.then(|| format!("whsec_{}", STANDARD.encode(bytes))),
            secret,
            old_until: until.map(Time::of),
            hooks: hooks.len(),
            by_hand,
        },
    ))
}

/// Gives the webhooks of groups the new secret; what the host refuses is told.
async fn set_on_groups(app: &App, connection: &Connection, secret: &str) -> Result<Vec<ByHand>> {
    let groups = list_hook_groups(app, &connection.id).await?;
    let mut left = Vec::new();
    // A GitHub App's own webhook tells of groups that have none.
    for mut group in groups.into_iter().filter(HookGroup::has_hook) {
        let set = async {
            let host = open_host(app, connection).await?;
            let url = connection.webhook_url(app);
            let wanted = WantedHook { url: &url, secret };
            let place = HookPlace::Group(&group.name);
            register_hook(host.as_ref(), place, &wanted, Some(&group.hook_url)).await
        };
        match set.await {
            Ok(hook) => {
                group.hook_id = hook;
                group.hook_url = connection.webhook_url(app);
                save_hook_group(app, &connection.id, &group).await?;
            }
            Err(error) => left.push(ByHand {
                name: group.name,
                reason: error.message().to_owned(),
            }),
        }
    }
    Ok(left)
}

async fn rotate_of_app(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: Rotation = request.json().await?;
    let until = asked.until(app)?;
    let found = own(app, organisation, id).await?;
    let mut bytes = [0_u8; 32];
    app.entropy.fill(&mut bytes)?;
    let secret = hex::encode(bytes);
    let context = github_apps::webhook_context(id);
    let sealed = app.vault.seal(&context, &secret).await?;
    store::rotate_app_secret(app, id, &sealed, until).await?;
    let set = async {
        open_app(app, &found)
            .await?
            .set_webhook_secret(&secret)
            .await
    };
    let by_hand = match set.await {
        Ok(()) => Vec::new(),
        Err(error) => vec![ByHand {
            name: found.name,
            reason: error.message().to_owned(),
        }],
    };
    Ok(Reply::json(
        200,
        &Rotated {
            secret,
            signing_token: None,
            old_until: until.map(Time::of),
            hooks: usize::from(by_hand.is_empty()),
            by_hand,
        },
    ))
}
