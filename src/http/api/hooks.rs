//! The webhook of a package's project: registered and removed when a person says so, and shown.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::connections::{as_input, open_host};
use crate::http::api::deliveries::{list_deliveries, replay_delivery, show_delivery};
use crate::http::api::missing;
use crate::http::api::package_settings::refuse_renamed;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::providers::{self, HookPlace, ProviderKind, WantedHook};
use crate::store::connections::{Connection, find_connection};
use crate::store::hooks::{HookFate, RepoHook, find_repo_hook, save_hook_fate};
use crate::store::organisations::Organisation;
use crate::store::packages::find_package;

/// What of the API is about webhooks and their deliveries.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants are the part of the URL table, named as the API document names them"
)]
pub enum HookRoute {
    Show(PackageName),
    Register(PackageName),
    Remove(PackageName),
    ListDeliveries,
    ShowDelivery(i64),
    ReplayDelivery(i64),
}

/// Answers what is about webhooks and their deliveries.
pub(super) async fn handle(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    route: HookRoute,
) -> Result<Reply> {
    match route {
        HookRoute::Show(name) => {
            let (hook, connection) = load(app, organisation, &name).await?;
            Ok(Reply::json(
                200,
                &json!({ "hook": show(app, &hook, &connection) }),
            ))
        }
        HookRoute::Register(name) => register_hook(app, organisation, &name).await,
        HookRoute::Remove(name) => remove_hook(app, organisation, &name).await,
        HookRoute::ListDeliveries => list_deliveries(app, request, organisation).await,
        HookRoute::ShowDelivery(id) => show_delivery(app, organisation, id).await,
        HookRoute::ReplayDelivery(id) => replay_delivery(app, organisation, id).await,
    }
}

/// Registers the hook, whatever the connection's setting is. One that is there already is found again and set right.
async fn register_hook(
    app: &App,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let (hook, connection) = load(app, organisation, name).await?;
    if connection.github_app_id.is_some() {
        return Err(Error::conflict(
            "The webhook of the GitHub App tells of this project already; one of its own would tell all a second time",
        ));
    }
    if let Some(group) = &hook.covering_group {
        return Err(Error::conflict(format!(
            "The webhook of `{group}` tells of this project already; one of its own would tell all a second time"
        )));
    }
    let host = open_host(app, &connection).await?;
    host.recall_name(&hook.provider_id, &hook.full_name);
    let url = connection.webhook_url(app);
    let secret = connection.open_webhook_secret(app).await?;
    let wanted = WantedHook {
        url: &url,
        secret: &secret,
    };
    let place = HookPlace::Project(&hook.provider_id);
    let before = hook.url.as_deref();
    let id = match providers::register_hook(host.as_ref(), place, &wanted, before).await {
        Ok(id) => id,
        Err(error) => {
            if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Invalid) {
                let fate = HookFate::Refused(error.message());
                save_hook_fate(app, hook.git_repo_id, fate).await?;
            }
            return Err(as_input(&error));
        }
    };
    save_hook_fate(app, hook.git_repo_id, HookFate::Registered(&id, &url)).await?;
    show_after(app, hook.git_repo_id, &connection).await
}

/// Removes the hook at the host; none is registered for this project until somebody says so.
async fn remove_hook(app: &App, organisation: &Organisation, name: &PackageName) -> Result<Reply> {
    let (hook, connection) = load(app, organisation, name).await?;
    if connection.github_app_id.is_some() && hook.url.is_none() {
        return Err(Error::conflict(
            "The webhook of the GitHub App tells of this project, and none of its own is registered",
        ));
    }
    let host = open_host(app, &connection).await?;
    host.recall_name(&hook.provider_id, &hook.full_name);
    let ours = connection.webhook_url(app);
    let url = hook.url.as_deref().unwrap_or(&ours);
    providers::unregister_hook(host.as_ref(), HookPlace::Project(&hook.provider_id), url)
        .await
        .map_err(|error| as_input(&error))?;
    save_hook_fate(app, hook.git_repo_id, HookFate::Removed).await?;
    show_after(app, hook.git_repo_id, &connection).await
}

async fn load(
    app: &App,
    organisation: &Organisation,
    name: &PackageName,
) -> Result<(RepoHook, Connection)> {
    let package = find_package(app, organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    refuse_renamed(&package)?;
    let git_repo = package.git_repo_id.ok_or_else(|| {
        Error::conflict("This package is uploaded; there is no project that a webhook could be of")
    })?;
    let hook = find_repo_hook(app, git_repo)
        .await?
        .ok_or_else(|| missing("git repository"))?;
    let connection = find_connection(app, &hook.connection_id)
        .await?
        .ok_or_else(|| missing("connection"))?;
    Ok((hook, connection))
}

async fn show_after(app: &App, git_repo: i64, connection: &Connection) -> Result<Reply> {
    let hook = find_repo_hook(app, git_repo)
        .await?
        .ok_or_else(|| missing("git repository"))?;
    Ok(Reply::json(
        200,
        &json!({ "hook": show(app, &hook, connection) }),
    ))
}

/// The hook as a package shows it.
pub(super) fn show(app: &App, hook: &RepoHook, connection: &Connection) -> Shown {
    Shown {
        state: state_of(
            connection,
            hook.state.as_deref(),
            hook.covering_group.as_deref(),
        ),
        id: hook.hook_id.clone(),
        group: hook.covering_group.clone(),
        reason: hook.reason.clone(),
        url: connection.webhook_url(app),
    }
}

/// In one word how a project's webhook is: `registered`, `group`, `app`, `refused`, `waiting` or `manual`. `state` is what
/// became of it at the host, `group` the one whose webhook tells of the project.
pub(crate) fn state_of(
    connection: &Connection,
    state: Option<&str>,
    group: Option<&str>,
) -> &'static str {
    let registers =
        ProviderKind::parse(&connection.provider).is_some_and(ProviderKind::registers_hooks);
    match state {
        _ if connection.github_app_id.is_some() => "app",
        _ if group.is_some() => "group",
        Some("registered") => "registered",
        Some("refused") => "refused",
        None if registers && connection.hooks == "automatic" => "waiting",
        _ => "manual",
    }
}

/// The webhook of a project.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hook")]
pub(crate) struct Shown {
    /// `registered`, `group`, `app`, `refused`, `waiting` or `manual`.
    state: &'static str,
    /// The host's id of it.
    id: Option<String>,
    /// The group whose webhook tells of the project.
    group: Option<String>,
    /// Why the host refused it.
    reason: Option<String>,
    url: String,
}
