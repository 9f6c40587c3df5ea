//! Secrets of webhooks that are replaced: the one before is accepted for a while, so that no delivery is lost meanwhile.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// Gives a connection another webhook secret; that of before is accepted until `until`, a Unix second.
pub async fn rotate_connection_secret(
    app: &App,
    connection: &str,
    sealed: &str,
    until: Option<i64>,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set sealed_old_webhook_secret = iif(?3 is null, null, sealed_webhook_secret),
                        old_webhook_secret_until = ?3, sealed_webhook_secret = ?2, webhook_secret_changed_at = ?4
                 where id = ?1",
            )
            .bind(connection)
            .bind(sealed)
            .bind(until)
            .bind(app.now()),
        )
        .await?;
    app.memo.connections.clear();
    Ok(())
}

/// The same for a GitHub App.
pub async fn rotate_app_secret(
    app: &App,
    github_app: &str,
    sealed: &str,
    until: Option<i64>,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update github_apps set sealed_old_webhook_secret = iif(?3 is null, null, sealed_webhook_secret),
                        old_webhook_secret_until = ?3, sealed_webhook_secret = ?2
                 where id = ?1",
            )
            .bind(github_app)
            .bind(sealed)
            .bind(until),
        )
        .await?;
    app.memo.github_apps.forget(github_app);
    Ok(())
}

/// Accepts the secret of before no more.
pub async fn end_old_connection_secret(app: &App, connection: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set sealed_old_webhook_secret = null, old_webhook_secret_until = null where id = ?1",
            )
            .bind(connection),
        )
        .await?;
    app.memo.connections.clear();
    Ok(())
}

/// The same for a GitHub App.
pub async fn end_old_app_secret(app: &App, github_app: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update github_apps set sealed_old_webhook_secret = null, old_webhook_secret_until = null where id = ?1",
            )
            .bind(github_app),
        )
        .await?;
    app.memo.github_apps.forget(github_app);
    Ok(())
}

/// Erases secrets that are accepted no more.
pub async fn erase_old_secrets(app: &App) -> Result<()> {
    let on = |sql: &'static str| Statement::new(sql).bind(app.now());
    app.db
        .batch(vec![
            on(
                "update connections set sealed_old_webhook_secret = null, old_webhook_secret_until = null
                where old_webhook_secret_until <= ?1",
            ),
            on(
                "update github_apps set sealed_old_webhook_secret = null, old_webhook_secret_until = null
                where old_webhook_secret_until <= ?1",
            ),
        ])
        .await
        .map(|_| ())
}

/// The git repositories of a connection whose webhook we registered.
pub async fn list_registered_hooks(app: &App, connection: &str) -> Result<Vec<i64>> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from git_repos where connection_id = ?1 and hook_state = 'registered' order by id",
            )
            .bind(connection),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| row.id)
        .collect())
}
