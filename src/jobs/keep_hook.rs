//! Have the webhook of a git repository be as its connection says: registered once, or left to the hook of its group.

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::source::connect;
use crate::jobs::{Job, enqueue};
use crate::providers::{HookPlace, ProviderKind, WantedHook, register_hook, unregister_hook};
use crate::store::connections::{Connection, find_connection, note_pause};
use crate::store::hooks::{HookFate, HookWish, RepoHook, find_repo_hook, save_hook_fate};
use crate::store::refusals::note_refusal;

/// Sends a message for the hook of a git repository, if there is something to do about it.
pub(super) async fn enqueue_if_due(app: &App, git_repo: i64) -> Result<()> {
    match look(app, git_repo).await? {
        Some((_, _, HookWish::Register | HookWish::Remove)) => {
            enqueue(app, &[Job::KeepHook { git_repo }]).await
        }
        _ => Ok(()),
    }
}

/// Runs one message. What the host refuses stands with the project, and is no failure of anything else.
pub(crate) async fn run(app: &App, git_repo: i64, attempts: u32) -> Result<Next> {
    let Some((hook, connection, wish)) = look(app, git_repo).await? else {
        return Ok(Next::Done);
    };
    let error = match change(app, &hook, &connection, wish).await? {
        Ok(()) => return Ok(Next::Done),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::CredentialRefused => {
            if note_refusal(app, &connection.id, error.message()).await? {
                app.warn(&format!(
                    "Connection {} waits for a credential: {error}",
                    connection.id
                ));
            }
            Ok(Next::Done)
        }
        ErrorKind::RateLimited { retry_after } => {
            note_pause(app, git_repo, retry_after).await?;
            Ok(Next::after(&error, attempts))
        }
        _ if error.is_retryable() && attempts < ATTEMPTS => Ok(Next::after(&error, attempts)),
        _ => {
            app.warn(&format!(
                "The webhook of git repository {git_repo} is not as it should be: {error}"
            ));
            save_hook_fate(app, git_repo, HookFate::Refused(error.message())).await?;
            Ok(Next::Done)
        }
    }
}

async fn look(app: &App, git_repo: i64) -> Result<Option<(RepoHook, Connection, HookWish)>> {
    let Some(hook) = find_repo_hook(app, git_repo).await? else {
        return Ok(None);
    };
    let Some(connection) = find_connection(app, &hook.connection_id).await? else {
        return Ok(None);
    };
    // A GitHub App hears of all that its installation was given.
    let registers = connection.github_app_id.is_none()
        && ProviderKind::parse(&connection.provider).is_some_and(ProviderKind::registers_hooks);
    let wish = if registers {
        hook.wish(&connection, &connection.webhook_url(app), app.now())
    } else {
        HookWish::Leave
    };
    Ok(Some((hook, connection, wish)))
}

/// Asks the host. What it says is the inner result; the outer one is our own.
async fn change(
    app: &App,
    hook: &RepoHook,
    connection: &Connection,
    wish: HookWish,
) -> Result<Result<(), Error>> {
    if wish == HookWish::Leave {
        return Ok(Ok(()));
    }
    let host = match connect(app, connection).await {
        Ok(host) => host,
        Err(error) => return Ok(Err(error)),
    };
    host.recall_name(&hook.provider_id, &hook.full_name);
    let place = HookPlace::Project(&hook.provider_id);
    let url = connection.webhook_url(app);
    if wish == HookWish::Remove {
        let registered = hook.url.as_deref().unwrap_or(&url);
        if let Err(error) = unregister_hook(host.as_ref(), place, registered).await {
            return Ok(Err(error));
        }
        save_hook_fate(app, hook.git_repo_id, HookFate::None).await?;
        return Ok(Ok(()));
    }
    let secret = connection.open_webhook_secret(app).await?;
    let wanted = WantedHook {
        url: &url,
        secret: &secret,
    };
    match register_hook(host.as_ref(), place, &wanted, hook.url.as_deref()).await {
        Ok(id) => {
            save_hook_fate(app, hook.git_repo_id, HookFate::Registered(&id, &url)).await?;
            Ok(Ok(()))
        }
        Err(error) => Ok(Err(error)),
    }
}
