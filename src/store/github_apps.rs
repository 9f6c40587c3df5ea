//! GitHub Apps, and what their webhooks say of installations. Secrets are stored sealed.

use serde::Deserialize;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::rows_as;
use crate::store::connections::{Connection, find_connection};
use crate::store::memo::FRESH;

/// What the id of an app begins with: by it an address of webhooks is told from a connection's.
pub const ID_PREFIX: &str = "app-";

/// An app as stored; its secrets are sealed.
#[derive(Clone, Deserialize)]
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
                        sealed_webhook_secret, created_at
                 from github_apps where id = ?1",
            )
            .bind(id),
        )
        .await?;
    Ok(rows_as(rows)?.into_iter().next())
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

#[derive(Deserialize)]
struct IdRow {
    id: String,
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
    match rows_as::<IdRow>(rows)?.into_iter().next() {
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

/// A delivery at an app's address, to be recorded.
#[derive(Debug, Clone)]
pub struct AppDeliveryRecord<'a> {
    /// The app.
    pub github_app: &'a str,
    /// GitHub's id of this delivery.
    pub provider_delivery_id: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// The installation it is about.
    pub installation: Option<i64>,
    /// Why nothing follows from it, in words.
    pub detail: &'a str,
}

/// Records a delivery that no connection is concerned by; whether it came for the first time.
pub async fn record_unclaimed(app: &App, delivery: &AppDeliveryRecord<'_>) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "insert into github_app_deliveries (github_app_id, provider_delivery_id, event, installation_id, detail,
                                                    received_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (github_app_id, provider_delivery_id) do nothing
                 returning id",
            )
            .bind(delivery.github_app)
            .bind(delivery.provider_delivery_id)
            .bind(delivery.event)
            .bind(delivery.installation)
            .bind(delivery.detail)
            .bind(app.now()),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// What an event of an installation changes of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange<'a> {
    /// The account's name, if it is told.
    pub account: Option<&'a str>,
    /// What is in the way from now on; none when nothing is, and left as it is when `keeps_trouble`.
    pub trouble: Option<&'a str>,
    /// Whether nothing is known of what is in the way.
    pub keeps_trouble: bool,
    /// Whether the tokens there are no more good for anything.
    pub drops_token: bool,
    /// Which of the connection's git repositories are to be compared: none, all, or those with these ids of the host's, as
    /// a JSON list.
    pub compares: Compared<'a>,
}

/// Some git repositories of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared<'a> {
    /// None of them.
    None,
    /// All.
    All,
    /// Those with these ids at the host: a JSON list.
    Some(&'a str),
}

/// Records an event of an installation together with what it changes, in one batch. Gives the jobs it led to, or none at
/// all when it came before.
pub async fn record_installation_event(
    app: &App,
    connection: &Connection,
    provider_delivery_id: &str,
    event: &str,
    detail: &str,
    change: &ConnectionChange<'_>,
) -> Result<Option<Vec<String>>> {
    let now = app.now();
    let (all, some) = match change.compares {
        Compared::None => (false, "[]"),
        Compared::All => (true, "[]"),
        Compared::Some(ids) => (false, ids),
    };
    let statements = vec![
        // Whoever comes first in a batch sees whether the delivery is known.
        Statement::new(
            "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
             select lower(hex(randomblob(15))), g.organisation_id, 'sync', g.id, p.id, 'queued', ?3, ?4
             from git_repos g join packages p on p.git_repo_id = g.id
             where g.connection_id = ?1 and p.renamed_to is null
               and (?5 = 1 or g.provider_id in (select value from json_each(?6)))
               and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
               and not exists (select 1 from deliveries d where d.connection_id = ?1 and d.provider_delivery_id = ?2)
             group by g.id
             returning id",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(format!("webhook {event}"))
        .bind(now)
        .bind(all)
        .bind(some),
        Statement::new(
            "update connections set last_heard_at = ?3, account = coalesce(?4, account),
                    trouble = case when ?5 = 1 then trouble else ?6 end,
                    sealed_token = case when ?7 = 1 then '' else sealed_token end,
                    token_expires_at = case when ?7 = 1 then 0 else token_expires_at end
             where id = ?1
               and not exists (select 1 from deliveries d where d.connection_id = ?1 and d.provider_delivery_id = ?2)",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(now)
        .bind(change.account)
        .bind(change.keeps_trouble)
        .bind(change.trouble)
        .bind(change.drops_token),
        Statement::new(
            "insert into deliveries (connection_id, provider_delivery_id, event, project, verdict, detail, received_at)
             values (?1, ?2, ?3, null, 'accepted', ?4, ?5)
             on conflict (connection_id, provider_delivery_id) do nothing
             returning id",
        )
        .bind(&connection.id)
        .bind(provider_delivery_id)
        .bind(event)
        .bind(detail)
        .bind(now),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let jobs = rows_as::<IdRow>(rows.next().unwrap_or_default())?;
    let is_new = rows
        .next_back()
        .is_some_and(|inserted| !inserted.is_empty());
    Ok(is_new.then(|| jobs.into_iter().map(|job| job.id).collect()))
}

/// A delivery at an app's address, as its list shows it.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub struct AppDeliveryRow {
    /// The connection it was for; none where no connection is concerned by it.
    pub connection_id: Option<String>,
    /// GitHub's id.
    pub provider_delivery_id: String,
    /// The event.
    pub event: String,
    /// The installation.
    pub installation_id: Option<i64>,
    /// The project it is about.
    pub project: Option<String>,
    /// `accepted` or `ignored`.
    pub verdict: String,
    /// Why.
    pub detail: String,
    /// The job it led to.
    pub job_id: Option<String>,
    /// Unix seconds.
    pub received_at: i64,
}

/// The newest deliveries at an app's address, whether a connection was concerned by them or not.
pub async fn list_app_deliveries(
    app: &App,
    github_app: &str,
    limit: i64,
) -> Result<Vec<AppDeliveryRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select d.connection_id, d.provider_delivery_id, d.event, c.installation_id, d.project, d.verdict,
                            d.detail, d.job_id, d.received_at
                     from connections c join deliveries d on d.connection_id = c.id
                     where c.github_app_id = ?1
                     union all
                     select null, provider_delivery_id, event, installation_id, null, 'ignored', detail, null, received_at
                     from github_app_deliveries where github_app_id = ?1
                     order by 9 desc limit ?2",
                )
                .bind(github_app)
                .bind(limit),
            )
            .await?,
    )
}

/// Forgets deliveries for apps older than `before`.
pub async fn delete_old_app_deliveries(app: &App, before: i64) -> Result<()> {
    app.db
        .rows(
            Statement::new("delete from github_app_deliveries where received_at < ?1").bind(before),
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
