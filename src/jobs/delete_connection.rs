//! Remove the webhooks that were registered through a connection that was deleted, and erase its token after the last one.

use crate::app::App;
use crate::connect::open_host;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::{Job, enqueue};
use crate::providers::{GitHost, HookPlace, unregister_hook};
use crate::store::connections::find_deleted_connection;
use crate::store::deletion::{HookAtHost, erase_secrets, list_hooks_at_host, note_hook_left};

/// Hooks in one message: each takes a few requests.
const HOOKS: i64 = 20;

/// Runs one message. What the host does not let us remove is noted and left there: it sends to an address that knows
/// nobody.
pub(super) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(connection) = find_deleted_connection(app, id).await? else {
        return Ok(Next::Done);
    };
    let hooks = list_hooks_at_host(app, id, HOOKS).await?;
    if hooks.is_empty() || connection.sealed_token.is_empty() {
        erase_secrets(app, id).await?;
        return Ok(Next::Done);
    }
    let host = open_host(app, &connection).await;
    for hook in &hooks {
        let gone = match &host {
            Ok(host) => remove(host.as_ref(), hook).await,
            Err(error) => Err(Error::new(error.kind(), error.message())),
        };
        let Err(error) = gone else {
            note_hook_left(app, id, hook, None).await?;
            continue;
        };
        let may_pass = matches!(error.kind(), ErrorKind::RateLimited { .. })
            || (error.is_retryable() && attempts < ATTEMPTS);
        if may_pass {
            return Ok(Next::after(&error, attempts));
        }
        app.warn(&format!(
            "The webhook of `{}` is left at its host, since the connection that was deleted could not remove it: {error}",
            hook.name
        ));
        note_hook_left(app, id, hook, Some(error.message())).await?;
    }
    enqueue(app, &[Job::DeleteConnection { id: id.to_owned() }]).await?;
    Ok(Next::Done)
}

async fn remove(host: &dyn GitHost, hook: &HookAtHost) -> Result<()> {
    if hook.git_repo.is_none() {
        return unregister_hook(host, HookPlace::Group(&hook.place), &hook.url).await;
    }
    host.recall_name(&hook.place, &hook.name);
    unregister_hook(host, HookPlace::Project(&hook.place), &hook.url).await
}
