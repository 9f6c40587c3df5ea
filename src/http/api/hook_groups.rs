//! Groups of a connection: one webhook tells of all projects below, and new ones are added where somebody says so.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::api::connections::{as_input, open_host};
use crate::http::body::Faults;
use crate::jobs::{Job, enqueue};
use crate::providers::{GitHost, HookPlace, WantedHook, register_hook, unregister_hook};
use crate::store::connections::Connection;
use crate::store::hooks::{
    HookGroup, delete_hook_group, list_git_repos_below, list_hook_groups, save_hook_group,
};
use crate::store::organisations::Organisation;
use crate::store::repositories::find_repository;

/// Each takes some requests to the host, within the one that asks for it.
const GROUPS: usize = 20;

/// A group as somebody wants it.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "HookGroup")]
pub(crate) struct AskedGroup {
    /// An organisation or group: `acme`, `acme/tools`.
    name: String,
    /// Where projects that appear below it are added; goes with `add_new`.
    #[deserr(default)]
    repository: Option<String>,
    /// Whether projects that appear below it are added.
    #[deserr(default)]
    #[schemars(default)]
    add_new: bool,
}

/// Has the connection's groups be these: registers the webhooks of those that are new, and removes those of the others.
/// Each is kept as soon as its host has it, so that a call that broke off is made again.
///
/// The groups of an installation have no webhooks: the GitHub App's own tells of all that it was given, at the app's
/// address and signed with the app's secret. One with the connection's secret at that address would never be taken in.
pub(super) async fn update_groups(
    app: &App,
    organisation: &Organisation,
    connection: &Connection,
    asked: Vec<AskedGroup>,
) -> Result<()> {
    let mut wanted = check(app, organisation, connection, asked).await?;
    let known = list_hook_groups(app, &connection.id).await?;
    let gone: Vec<_> = known
        .iter()
        .filter(|group| wanted.iter().all(|other| other.name != group.name))
        .collect();
    let registers = connection.github_app_id.is_none();
    let asks = (registers && !wanted.is_empty()) || gone.iter().any(|group| group.has_hook());
    if !registers {
        for group in &wanted {
            save_hook_group(app, &connection.id, group).await?;
        }
    }
    let gone_without_hook = gone.iter().filter(|group| !group.has_hook());
    for group in gone_without_hook {
        delete_hook_group(app, &connection.id, &group.name).await?;
        look_after_hooks_below(app, connection, &group.name).await?;
    }
    if !asks {
        return Ok(());
    }
    let host = open_host(app, connection).await?;
    let secret = connection.open_webhook_secret(app).await?;
    for group in wanted.iter_mut().filter(|_| registers) {
        let hook = WantedHook {
            url: &group.hook_url,
            secret: &secret,
        };
        let before = known
            .iter()
            .find(|other| other.name == group.name)
            .map(|other| other.hook_url.as_str());
        group.hook_id = register(host.as_ref(), &group.name, &hook, before).await?;
        save_hook_group(app, &connection.id, group).await?;
        look_after_hooks_below(app, connection, &group.name).await?;
    }
    for group in gone.into_iter().filter(|group| group.has_hook()) {
        unregister_hook(
            host.as_ref(),
            HookPlace::Group(&group.name),
            &group.hook_url,
        )
        .await
        .map_err(|error| as_input(&error))?;
        delete_hook_group(app, &connection.id, &group.name).await?;
        look_after_hooks_below(app, connection, &group.name).await?;
    }
    Ok(())
}

async fn register(
    host: &dyn GitHost,
    group: &str,
    hook: &WantedHook<'_>,
    before: Option<&str>,
) -> Result<String> {
    register_hook(host, HookPlace::Group(group), hook, before)
        .await
        .map_err(|error| as_input(&error))
}

/// With the hook of a group, its projects need none of their own; without it, they do.
async fn look_after_hooks_below(app: &App, connection: &Connection, group: &str) -> Result<()> {
    let jobs: Vec<_> = list_git_repos_below(app, &connection.id, group)
        .await?
        .into_iter()
        .map(|git_repo| Job::KeepHook { git_repo })
        .collect();
    enqueue(app, &jobs).await
}

async fn check(
    app: &App,
    organisation: &Organisation,
    connection: &Connection,
    asked: Vec<AskedGroup>,
) -> Result<Vec<HookGroup>> {
    if asked.len() > GROUPS {
        return Err(Error::bad_value(
            "/groups",
            format!("A connection has at most {GROUPS} groups"),
        ));
    }
    let mut groups: Vec<HookGroup> = Vec::new();
    for (index, group) in asked.into_iter().enumerate() {
        let field = |name: &str| format!("/groups/{index}/{name}");
        let name = group.name.trim().trim_matches('/').to_owned();
        if !is_group_name(&name) {
            return Err(Error::bad_value(
                field("name"),
                "`groups[].name` must be the name of an organisation or the path of a group, as `acme` or `acme/tools`",
            ));
        }
        if groups
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&name))
        {
            return Err(Error::bad_value(
                field("name"),
                format!("`groups` has `{name}` twice"),
            ));
        }
        let repository = match (&group.repository, group.add_new) {
            (Some(slug), true) => Some(
                find_repository(app, &organisation.slug, slug)
                    .await?
                    .ok_or_else(|| {
                        Error::bad_value(
                            field("repository"),
                            "`groups[].repository` is no repository of this organisation",
                        )
                    })?,
            ),
            (None, false) => None,
            _ => {
                return Err(Error::bad_value(
                    field("repository"),
                    "`groups[].repository` says where new projects are added, so it goes together with `\"add_new\": true`",
                ));
            }
        };
        groups.push(HookGroup {
            name,
            repository_id: repository.as_ref().map(|repository| repository.id),
            repository: repository.map(|repository| repository.slug),
            hook_id: String::new(),
            hook_url: connection.webhook_url(app),
        });
    }
    Ok(groups)
}

fn is_group_name(name: &str) -> bool {
    name.len() <= 255
        && name.split('/').all(|word| {
            !word.is_empty()
                && word.bytes().any(|byte| byte != b'.')
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        })
}

/// The groups as a connection shows them.
pub(super) async fn show_groups(app: &App, connection: &Connection) -> Result<Vec<ShownGroup>> {
    let groups = list_hook_groups(app, &connection.id).await?;
    Ok(groups
        .into_iter()
        .map(|group| ShownGroup {
            name: group.name,
            repository: group.repository,
            add_new: group.repository_id.is_some(),
        })
        .collect())
}

/// A group whose one webhook tells of all projects below.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HookGroupShown")]
pub(crate) struct ShownGroup {
    name: String,
    repository: Option<String>,
    add_new: bool,
}
