//! A connection is deleted: nothing comes through it any more, its hooks are removed at the host, and then its secrets are
//! erased. Packages that were synced through it may stay as they are.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::connections::Connection;

/// How long its token is kept at most for the sake of hooks that the host does not let go, in seconds.
const TOKEN_KEPT: i64 = 24 * 60 * 60;

row! {
    /// A package that is synced through a connection.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Hanging {
        /// `vendor/name`.
        pub name: String,
    }
}

/// Packages that are synced through a connection, by name.
pub async fn list_hanging(app: &App, connection: &str, limit: i64) -> Result<Vec<Hanging>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select p.name from packages p join git_repos g on g.id = p.git_repo_id
                     where g.connection_id = ?1 and p.renamed_to is null order by p.name limit ?2",
                )
                .bind(connection)
                .bind(limit),
            )
            .await?,
    )
}

/// Deletes a connection, in one batch. Its webhook secret is erased at once; its token stays for the hooks that are
/// registered at the host, and is erased with the last of them.
pub async fn delete_connection(app: &App, connection: &Connection, reason: &str) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(&connection.id);
    app.db
        .batch(vec![
            on("update imports set state = 'cancelled', message = ?2, finished_at = ?3
                where connection_id = ?1 and state in ('listing', 'adding')")
            .bind(reason)
            .bind(now),
            on("update jobs set state = 'cancelled', message = ?2, finished_at = ?3, active_at = ?3
                where state in ('queued', 'running')
                  and (connection_id = ?1 or git_repo_id in (select id from git_repos where connection_id = ?1))")
            .bind(reason)
            .bind(now),
            on("delete from delivery_projects where delivery_id in (select id from deliveries where connection_id = ?1)"),
            on("delete from deliveries where connection_id = ?1"),
            on("update git_repos set withheld_at = ?3, withheld_reason = ?2, next_look_at = null where connection_id = ?1")
                .bind(reason)
                .bind(now),
            on("update connections set deleted_at = ?2, sealed_webhook_secret = '', sealed_old_webhook_secret = null,
                       old_webhook_secret_until = null, github_app_id = null, installation_id = null,
                       refused_at = null, next_try_at = null, trouble = null, trouble_since = null,
                       sealed_token = case
                           when exists (select 1 from git_repos g where g.connection_id = ?1 and g.hook_id is not null)
                             or exists (select 1 from hook_groups h where h.connection_id = ?1)
                           then sealed_token else '' end
                where id = ?1 and deleted_at is null")
            .bind(now),
        ])
        .await?;
    app.memo.connections.clear();
    Ok(())
}

row! {
    /// A webhook that we registered through a connection that was deleted.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HookAtHost {
        /// The git repository's id here; none for one of a group.
        pub git_repo: Option<i64>,
        /// The host's id of the project, or the name of the group.
        pub place: String,
        /// The name of the project or the group.
        pub name: String,
        /// The address it was registered with.
        pub url: String,
    }
}

/// Some of the webhooks that are still at the host of a deleted connection.
pub async fn list_hooks_at_host(
    app: &App,
    connection: &str,
    limit: i64,
) -> Result<Vec<HookAtHost>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id as git_repo, provider_id as place, full_name as name, hook_url as url from git_repos
                     where connection_id = ?1 and hook_id is not null and hook_url is not null
                     union all
                     select null, name, name, hook_url from hook_groups where connection_id = ?1
                     limit ?2",
                )
                .bind(connection)
                .bind(limit),
            )
            .await?,
    )
}

/// Notes of a webhook of a deleted connection that it is gone, or why it is left at the host.
pub async fn note_hook_left(
    app: &App,
    connection: &str,
    hook: &HookAtHost,
    left: Option<&str>,
) -> Result<()> {
    let statement = match hook.git_repo {
        Some(git_repo) => Statement::new(
            "update git_repos set hook_state = case when ?2 is null then null else 'refused' end, hook_id = null,
                    hook_url = null, hook_reason = ?2, hook_tried_at = ?3
             where id = ?1",
        )
        .bind(git_repo)
        .bind(left)
        .bind(app.now()),
        None => Statement::new("delete from hook_groups where connection_id = ?1 and name = ?2")
            .bind(connection)
            .bind(&hook.name),
    };
    app.db.rows(statement).await.map(|_| ())
}

/// Erases what a deleted connection could still show to its host.
pub async fn erase_secrets(app: &App, connection: &str) -> Result<()> {
    let on = |sql: &'static str| Statement::new(sql).bind(connection);
    app.db
        .batch(vec![
            on("delete from hook_groups where connection_id = ?1
                and exists (select 1 from connections where id = ?1 and deleted_at is not null)"),
            on("update connections set sealed_token = '', username = null where id = ?1 and deleted_at is not null"),
        ])
        .await
        .map(|_| ())
}

/// Deleted connections whose hooks are not all gone yet; with each whether its time for that is over.
pub async fn list_unfinished_connections(app: &App) -> Result<Vec<(String, bool)>> {
    row! {
        struct Row {
            id: String,
            is_over: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, deleted_at < ?1 as is_over from connections
                 where deleted_at is not null and sealed_token <> '' limit 50",
            )
            .bind(app.now().saturating_sub(TOKEN_KEPT)),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| (row.id, row.is_over != 0))
        .collect())
}
