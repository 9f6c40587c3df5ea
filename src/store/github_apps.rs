//! GitHub Apps and the tokens of their installations. Secrets are stored sealed.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::connections::{Connection, find_connection, open_old_secret};
use crate::store::memo::FRESH;

/// What the id of an app begins with: by it an address of webhooks is told from a connection's.
pub const ID_PREFIX: &str = "app-";

row! {
    /// An app as stored; its secrets are sealed.
    #[derive(Clone)]
    pub struct GitHubApp {
        /// Its id here, random text behind [`ID_PREFIX`].
        pub id: String,
        /// The organisation's id.
        pub organisation_id: i64,
        /// Where the host's API is.
        pub base_url: String,
        /// Its client id or its number at GitHub, as it was given.
        pub issuer: String,
        /// Its number at GitHub.
        pub app_id: i64,
        /// Its name in addresses.
        pub slug: String,
        /// Its name for people.
        pub name: String,
        /// Its page at GitHub.
        pub web_url: String,
        /// The private key, PKCS#8 in base64, sealed for `github-app:{id}:key`.
        pub sealed_private_key: String,
        /// The webhook's secret, sealed for `github-app:{id}:webhook`.
        pub sealed_webhook_secret: String,
        /// Unix seconds.
        pub created_at: i64,
        /// The webhook's secret of before, sealed likewise.
        pub sealed_old_webhook_secret: Option<String>,
        /// Unix second until which that one is accepted.
        pub old_webhook_secret_until: Option<i64>,
    }
}

/// What an app's private key is sealed for.
pub fn key_context(app: &str) -> String {
    format!("github-app:{app}:key")
}

/// What an app's webhook secret is sealed for.
pub fn webhook_context(app: &str) -> String {
    format!("github-app:{app}:webhook")
}

impl GitHubApp {
    /// The private key in clear, as base64.
    pub async fn open_private_key(&self, app: &App) -> Result<String> {
        app.vault
            .open(&key_context(&self.id), &self.sealed_private_key)
            .await
    }

    /// The webhook secret in clear.
    pub async fn open_webhook_secret(&self, app: &App) -> Result<String> {
        app.vault
            .open(&webhook_context(&self.id), &self.sealed_webhook_secret)
            .await
    }

    /// The webhook secret of before in clear, while it is accepted.
    pub async fn open_old_webhook_secret(&self, app: &App) -> Result<Option<String>> {
        open_old_secret(
            app,
            &webhook_context(&self.id),
            self.sealed_old_webhook_secret.as_deref(),
            self.old_webhook_secret_until,
        )
        .await
    }
}

/// Stores an app, or what became of it.
pub async fn save_github_app(app: &App, saved: &GitHubApp) -> Result<()> {
    app.memo.github_apps.forget(&saved.id);
    app.db
        .rows(
            Statement::new(
                "insert into github_apps (id, organisation_id, base_url, issuer, app_id, slug, name, web_url,
                                          sealed_private_key, sealed_webhook_secret, created_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 on conflict (id) do update set
                     issuer = excluded.issuer, app_id = excluded.app_id, slug = excluded.slug, name = excluded.name,
                     web_url = excluded.web_url, sealed_private_key = excluded.sealed_private_key,
                     sealed_webhook_secret = excluded.sealed_webhook_secret",
            )
            .bind(&saved.id)
            .bind(saved.organisation_id)
            .bind(&saved.base_url)
            .bind(&saved.issuer)
            .bind(saved.app_id)
            .bind(&saved.slug)
            .bind(&saved.name)
            .bind(&saved.web_url)
            .bind(&saved.sealed_private_key)
            .bind(&saved.sealed_webhook_secret)
            .bind(saved.created_at),
        )
        .await
        .map(|_| ())
}

/// Finds an app by its id here.
pub async fn find_github_app(app: &App, id: &str) -> Result<Option<GitHubApp>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, base_url, issuer, app_id, slug, name, web_url, sealed_private_key,
                        sealed_webhook_secret, created_at, sealed_old_webhook_secret, old_webhook_secret_until
                 from github_apps where id = ?1",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

/// Finds an app for a webhook, behind a memory of a few seconds.
pub async fn recall_github_app(app: &App, id: &str) -> Result<Option<GitHubApp>> {
    if let Some(known) = app.memo.github_apps.recall(id, app.now(), FRESH) {
        return Ok(Some(known));
    }
    let found = find_github_app(app, id).await?;
    if let Some(found) = &found {
        app.memo.github_apps.remember(id, found.clone(), app.now());
    }
    Ok(found)
}

/// The apps of an organisation, newest first.
pub async fn list_github_apps(app: &App, organisation: i64) -> Result<Vec<GitHubApp>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, organisation_id, base_url, issuer, app_id, slug, name, web_url, sealed_private_key,
                            sealed_webhook_secret, created_at
                     from github_apps where organisation_id = ?1 order by created_at desc, id",
                )
                .bind(organisation),
            )
            .await?,
    )
}

/// Removes an app that no connection is made by; whether it was there and is gone.
pub async fn delete_github_app(app: &App, id: &str) -> Result<bool> {
    app.memo.github_apps.forget(id);
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "delete from github_app_deliveries where github_app_id = ?1
                   and not exists (select 1 from connections where github_app_id = ?1)",
            )
            .bind(id),
            Statement::new(
                "delete from github_apps where id = ?1
                   and not exists (select 1 from connections where github_app_id = ?1)
                 returning id",
            )
            .bind(id),
        ])
        .await?;
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

row! {
    struct IdRow {
        id: String,
    }
}

/// The connection that is made by an installation of an app.
pub async fn find_connection_of_installation(
    app: &App,
    github_app: &str,
    installation: i64,
) -> Result<Option<Connection>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from connections where github_app_id = ?1 and installation_id = ?2",
            )
            .bind(github_app)
            .bind(installation),
        )
        .await?;
    match first_as::<IdRow>(rows)? {
        Some(row) => find_connection(app, &row.id).await,
        None => Ok(None),
    }
}

/// The same for a webhook, behind a memory of a few seconds.
pub async fn recall_connection_of_installation(
    app: &App,
    github_app: &str,
    installation: i64,
) -> Result<Option<Connection>> {
    let key = format!("{github_app}/{installation}");
    if let Some(known) = app.memo.connections.recall(&key, app.now(), FRESH) {
        return Ok(Some(known));
    }
    let found = find_connection_of_installation(app, github_app, installation).await?;
    if let Some(found) = &found {
        app.memo
            .connections
            .remember(&key, found.clone(), app.now());
    }
    Ok(found)
}

/// Claims the next half minute for getting another token of an installation; whether nobody else has.
pub async fn claim_token(app: &App, connection: &str) -> Result<bool> {
    let now = app.now();
    let rows = app
        .db
        .rows(
            Statement::new(
                "update connections set token_claimed_until = ?3
                 where id = ?1 and coalesce(token_claimed_until, 0) <= ?2
                 returning id",
            )
            .bind(connection)
            .bind(now)
            .bind(now.saturating_add(30)),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Keeps a token of an installation, sealed, unless one that lives longer is kept already. `refused` is a sealed one that
/// the host took no more, which goes whatever its time was.
pub async fn keep_token(
    app: &App,
    connection: &str,
    sealed: &str,
    expires_at: i64,
    refused: Option<&str>,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set sealed_token = ?2, token_expires_at = ?3, token_claimed_until = null
                 where id = ?1 and github_app_id is not null
                   and (coalesce(token_expires_at, 0) <= ?3 or sealed_token = ?4)",
            )
            .bind(connection)
            .bind(sealed)
            .bind(expires_at)
            .bind(refused),
        )
        .await
        .map(|_| ())
}

/// The names of accounts as the host has them now: a JSON list of `[installation, account]`.
pub async fn follow_accounts(app: &App, github_app: &str, accounts: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set account = (
                     select json_extract(value, '$[1]') from json_each(?2)
                     where json_extract(value, '$[0]') = connections.installation_id)
                 where github_app_id = ?1
                   and exists (select 1 from json_each(?2)
                               where json_extract(value, '$[0]') = connections.installation_id
                                 and json_extract(value, '$[1]') not in ('', connections.account))",
            )
            .bind(github_app)
            .bind(accounts),
        )
        .await
        .map(|_| ())
}

/// The row that a statement about an unknown app comes to.
pub fn lost_app(connection: &str) -> Error {
    Error::internal(format!(
        "the GitHub App of connection {connection} is missing"
    ))
}
