//! Accounts at git hosts, and the git repositories reached through them. Secrets are stored sealed.

use serde::Deserialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::rows_as;
use crate::store::memo::FRESH;

/// A connection as stored; its secrets are sealed.
#[derive(Clone, Deserialize)]
pub struct Connection {
    /// Its id, random text: it stands in the webhook's URL.
    pub id: String,
    /// The organisation's id.
    pub organisation_id: i64,
    /// `github`, …
    pub provider: String,
    /// Where the host's API is.
    pub base_url: String,
    /// The account the token belongs to.
    pub account: String,
    /// Who the token goes with, where the host wants both.
    pub username: Option<String>,
    /// The access token, sealed for `connection:{id}:token`.
    pub sealed_token: String,
    /// The webhook's secret, sealed for `connection:{id}:webhook`.
    pub sealed_webhook_secret: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix second of the last webhook.
    pub last_heard_at: Option<i64>,
    /// Unix second until which the host asked to be left alone.
    pub paused_until: Option<i64>,
    /// Why the last call failed.
    pub trouble: Option<String>,
    /// The GitHub App it is made by; none when it has a token of its own.
    pub github_app_id: Option<String>,
    /// The app's installation.
    pub installation_id: Option<i64>,
    /// Unix second at which the token of an installation ends. Its `sealed_token` is empty where there is none.
    pub token_expires_at: Option<i64>,
}

/// What a connection's token is sealed for.
pub fn token_context(connection: &str) -> String {
    format!("connection:{connection}:token")
}

/// What a connection's webhook secret is sealed for.
pub fn webhook_context(connection: &str) -> String {
    format!("connection:{connection}:webhook")
}

impl Connection {
    /// The access token in clear.
    pub async fn open_token(&self, app: &App) -> Result<String> {
        app.vault
            .open(&token_context(&self.id), &self.sealed_token)
            .await
    }

    /// The webhook secret in clear.
    pub async fn open_webhook_secret(&self, app: &App) -> Result<String> {
        app.vault
            .open(&webhook_context(&self.id), &self.sealed_webhook_secret)
            .await
    }
}

/// Stores a connection.
pub async fn insert_connection(app: &App, new: &Connection) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into connections (id, organisation_id, provider, base_url, account, username, sealed_token,
                                          sealed_webhook_secret, created_at, github_app_id, installation_id,
                                          token_expires_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )
            .bind(&new.id)
            .bind(new.organisation_id)
            .bind(&new.provider)
            .bind(&new.base_url)
            .bind(&new.account)
            .bind(new.username.as_deref())
            .bind(&new.sealed_token)
            .bind(&new.sealed_webhook_secret)
            .bind(new.created_at)
            .bind(new.github_app_id.as_deref())
            .bind(new.installation_id)
            .bind(new.token_expires_at),
        )
        .await
        .map(|_| ())
}

/// Finds a connection by its id.
pub async fn find_connection(app: &App, id: &str) -> Result<Option<Connection>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, provider, base_url, account, username, sealed_token, sealed_webhook_secret,
                        created_at, last_heard_at, paused_until, trouble, github_app_id,
                        installation_id, token_expires_at
                 from connections where id = ?1",
            )
            .bind(id),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// Finds a connection for a webhook, behind a memory of a few seconds: a delivery of a burst costs one round of storage,
/// the one that records it.
pub async fn recall_connection(app: &App, id: &str) -> Result<Option<Connection>> {
    if let Some(connection) = app.memo.connections.recall(id, app.now(), FRESH) {
        return Ok(Some(connection));
    }
    let connection = find_connection(app, id).await?;
    if let Some(connection) = &connection {
        app.memo
            .connections
            .remember(id, connection.clone(), app.now());
    }
    Ok(connection)
}

/// The connections of an organisation, newest first.
pub async fn list_connections(app: &App, organisation: i64) -> Result<Vec<Connection>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, organisation_id, provider, base_url, account, username, sealed_token, sealed_webhook_secret,
                            created_at, last_heard_at, paused_until, trouble, github_app_id,
                        installation_id, token_expires_at
                     from connections where organisation_id = ?1 order by created_at desc, id",
                )
                .bind(organisation),
            )
            .await?,
    )
}

/// What a connection shows to its host from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewToken<'a> {
    /// The account it belongs to.
    pub account: &'a str,
    /// Who it goes with, where the host wants both.
    pub username: Option<&'a str>,
    /// The token, sealed for [`token_context`].
    pub sealed: &'a str,
    /// The GitHub App and the installation it is of, and the Unix second at which it ends.
    pub installation: Option<(&'a str, i64, i64)>,
}

/// Replaces a connection's token; the trouble and the limits of the one before are over.
pub async fn update_token(app: &App, id: &str, new: &NewToken<'_>) -> Result<()> {
    app.memo.connections.clear();
    app.db
        .rows(
            Statement::new(
                "update connections set account = ?2, username = ?3, sealed_token = ?4, github_app_id = ?5,
                        installation_id = ?6, token_expires_at = ?7, trouble = null, paused_until = null
                 where id = ?1",
            )
            .bind(id)
            .bind(new.account)
            .bind(new.username)
            .bind(new.sealed)
            .bind(new.installation.map(|(github_app, _, _)| github_app))
            .bind(new.installation.map(|(_, installation, _)| installation))
            .bind(new.installation.map(|(_, _, expires_at)| expires_at)),
        )
        .await
        .map(|_| ())
}

/// Notes why the last call failed, or that it worked.
pub async fn note_trouble(app: &App, connection: &str, trouble: Option<&str>) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set trouble = ?2 where id = ?1 and trouble is not ?2",
            )
            .bind(connection)
            .bind(trouble),
        )
        .await
        .map(|_| ())
}

/// Notes that the host of a git repository wants to be left alone for some seconds; whether that is news. The limit is
/// the token's, so it holds for all that is reached through the connection.
pub async fn note_pause(app: &App, git_repo: i64, seconds: u32) -> Result<bool> {
    // Our clock has whole seconds: one more, and never a moment too early.
    let until = app
        .now()
        .saturating_add(i64::from(seconds))
        .saturating_add(1);
    let rows = app
        .db
        .rows(
            Statement::new(
                // Who was refused because of the pause tells of the same one, hence a second later: no news.
                "update connections set paused_until = ?2
                 where id = (select connection_id from git_repos where id = ?1) and coalesce(paused_until, 0) < ?2 - 1
                 returning id",
            )
            .bind(git_repo)
            .bind(until),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// A git repository at a host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GitRepo {
    /// Its id here.
    pub id: i64,
    /// The organisation's id.
    pub organisation_id: i64,
    /// The connection it is reached through.
    pub connection_id: String,
    /// The host's own immutable id.
    pub provider_id: String,
    /// `owner/name`, as last seen.
    pub full_name: String,
    /// Its default branch.
    pub default_branch: String,
    /// Its page.
    pub web_url: String,
    /// For `git clone`.
    pub clone_url: String,
    /// Whether it was archived.
    pub is_archived: i64,
    /// Unix second of the last webhook.
    pub last_heard_at: Option<i64>,
    /// Unix second of the last complete comparison.
    pub last_reconciled_at: Option<i64>,
    /// The commit of the default branch whose composer.json was last asked for its name.
    pub named_commit: Option<String>,
}

/// Finds a git repository by its id here.
pub async fn find_git_repo(app: &App, id: i64) -> Result<Option<GitRepo>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, connection_id, provider_id, full_name, default_branch, web_url,
                        clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit
                 from git_repos where id = ?1",
            )
            .bind(id),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// Finds a git repository by the host's id.
pub async fn find_git_repo_by_provider_id(
    app: &App,
    connection: &str,
    provider_id: &str,
) -> Result<Option<GitRepo>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, connection_id, provider_id, full_name, default_branch, web_url,
                        clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit
                 from git_repos where connection_id = ?1 and provider_id = ?2",
            )
            .bind(connection)
            .bind(provider_id),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
}

/// A git repository was compared with its host just now.
pub fn note_reconciled_stmt(git_repo: i64, now: i64) -> Statement {
    Statement::new("update git_repos set last_reconciled_at = ?2 where id = ?1")
        .bind(git_repo)
        .bind(now)
}

/// The composer.json at this commit was asked for the package's name.
pub fn note_named_commit_stmt(git_repo: i64, commit: Option<&str>) -> Statement {
    Statement::new("update git_repos set named_commit = ?2 where id = ?1")
        .bind(git_repo)
        .bind(commit)
}

/// What the host says of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRepoFacts<'a> {
    /// The host's own immutable id.
    pub provider_id: &'a str,
    /// `owner/name`.
    pub full_name: &'a str,
    /// Its default branch.
    pub default_branch: &'a str,
    /// Its page.
    pub web_url: &'a str,
    /// For `git clone`.
    pub clone_url: &'a str,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// Stores a git repository, or what became of it: names change, the id stays.
pub fn upsert_git_repo_stmt(
    organisation: i64,
    connection: &str,
    facts: &GitRepoFacts<'_>,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into git_repos (organisation_id, connection_id, provider_id, full_name, default_branch,
                                web_url, clone_url, is_archived, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         on conflict (connection_id, provider_id) do update set
             full_name = excluded.full_name, default_branch = excluded.default_branch,
             web_url = excluded.web_url, clone_url = excluded.clone_url,
             is_archived = excluded.is_archived
         returning id, organisation_id, connection_id, provider_id, full_name, default_branch, web_url,
                   clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit",
    )
    .bind(organisation)
    .bind(connection)
    .bind(facts.provider_id)
    .bind(facts.full_name)
    .bind(facts.default_branch)
    .bind(facts.web_url)
    .bind(facts.clone_url)
    .bind(facts.is_archived)
    .bind(now)
}

/// Stores a git repository and gives it.
pub async fn upsert_git_repo(
    app: &App,
    organisation: i64,
    connection: &str,
    facts: &GitRepoFacts<'_>,
) -> Result<GitRepo> {
    let statement = upsert_git_repo_stmt(organisation, connection, facts, app.now());
    rows_as(app.db.rows(statement).await?)?
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("an upserted row did not come back"))
}

/// Git repositories that were compared before `before` or never, oldest first.
pub async fn list_unreconciled(app: &App, before: i64, limit: i64) -> Result<Vec<GitRepo>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select g.id, g.organisation_id, g.connection_id, g.provider_id, g.full_name, g.default_branch,
                            g.web_url, g.clone_url, g.is_archived, g.last_heard_at, g.last_reconciled_at,
                            g.named_commit
                     from git_repos g
                     where coalesce(g.last_reconciled_at, g.created_at) < ?1
                       and exists (select 1 from packages p where p.git_repo_id = g.id)
                       and not exists (select 1 from jobs j where j.git_repo_id = g.id
                                       and j.created_at >= ?1)
                     order by g.last_reconciled_at limit ?2",
                )
                .bind(before)
                .bind(limit),
            )
            .await?,
    )
}
