//! Accounts at git hosts, and the git repositories reached through them. Secrets are stored sealed.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::memo::FRESH;
use crate::store::packages::{Package, find_package_of_git_repo_stmt};
use crate::store::withheld::look_soon_at_all_stmt;

row! {
    /// A connection as stored; its secrets are sealed.
    #[derive(Clone)]
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
        /// Unix second since when calls fail.
        pub trouble_since: Option<i64>,
        /// Unix second since when the host refuses the credential; none while it does not.
        pub refused_at: Option<i64>,
        /// `automatic` or `manual`: who registers the webhooks of new projects.
        pub hooks: String,
        /// JSON: where the generic hook finds what it looks for; none for the standard form alone.
        pub hook_mapping: Option<String>,
        /// Hours between two scheduled comparisons; none for the default.
        pub reconcile_hours: Option<i64>,
        /// The GitHub App it is made by; none when it has a token of its own.
        pub github_app_id: Option<String>,
        /// The app's installation.
        pub installation_id: Option<i64>,
        /// Unix second at which the token of an installation ends. Its `sealed_token` is empty where there is none.
        pub token_expires_at: Option<i64>,
        /// The webhook's secret of before, sealed likewise.
        pub sealed_old_webhook_secret: Option<String>,
        /// Unix second until which that one is accepted.
        pub old_webhook_secret_until: Option<i64>,
        /// Unix second since which the webhook's secret is what it is.
        pub webhook_secret_changed_at: Option<i64>,
    }
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

    /// Where the host is to send its webhooks. A GitHub App hears of all its installations at an address of its own.
    pub fn webhook_url(&self, app: &App) -> String {
        let id = self.github_app_id.as_ref().unwrap_or(&self.id);
        format!("{}/hooks/{id}", app.config.public_url)
    }

    /// Where anybody who has the connection's webhook secret may tell that something changed.
    pub fn generic_hook_url(&self, app: &App) -> String {
        format!("{}/hooks/{}/generic", app.config.public_url, self.id)
    }

    /// The webhook secret in clear.
    pub async fn open_webhook_secret(&self, app: &App) -> Result<String> {
        app.vault
            .open(&webhook_context(&self.id), &self.sealed_webhook_secret)
            .await
    }
}

impl Connection {
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

/// Opens a secret that is accepted until some Unix second, if that is not over.
pub(super) async fn open_old_secret(
    app: &App,
    context: &str,
    sealed: Option<&str>,
    until: Option<i64>,
) -> Result<Option<String>> {
    match sealed {
        Some(sealed) if until.is_some_and(|until| app.now() < until) => {
            app.vault.open(context, sealed).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// Stores a connection.
pub async fn insert_connection(app: &App, new: &Connection) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into connections (id, organisation_id, provider, base_url, account, username, sealed_token,
                                          sealed_webhook_secret, created_at, hooks, github_app_id, installation_id,
                                          token_expires_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
            .bind(&new.hooks)
            .bind(new.github_app_id.as_deref())
            .bind(new.installation_id)
            .bind(new.token_expires_at),
        )
        .await
        .map(|_| ())
}

/// Finds a connection by its id.
pub async fn find_connection(app: &App, id: &str) -> Result<Option<Connection>> {
    first_as(app.db.rows(find_connection_stmt(id)).await?)
}

/// The statement that gives it.
pub fn find_connection_stmt(id: &str) -> Statement {
    Statement::new(
                "select id, organisation_id, provider, base_url, account, username, sealed_token, sealed_webhook_secret,
                        created_at, last_heard_at, paused_until, trouble, trouble_since, refused_at, hooks, hook_mapping,
                        reconcile_hours, github_app_id, installation_id, token_expires_at, sealed_old_webhook_secret,
                        old_webhook_secret_until, webhook_secret_changed_at
                 from connections where id = ?1 and deleted_at is null",
    )
    .bind(id)
}

/// Finds a connection that was deleted, as long as its row is there.
pub async fn find_deleted_connection(app: &App, id: &str) -> Result<Option<Connection>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, organisation_id, provider, base_url, account, username, sealed_token, sealed_webhook_secret,
                        created_at, last_heard_at, paused_until, trouble, trouble_since, refused_at, hooks, hook_mapping,
                        reconcile_hours, github_app_id, installation_id, token_expires_at
                 from connections where id = ?1 and deleted_at is not null",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
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
                            created_at, last_heard_at, paused_until, trouble, trouble_since, refused_at, hooks,
                            hook_mapping, reconcile_hours, github_app_id, installation_id, token_expires_at
                     from connections where organisation_id = ?1 and deleted_at is null order by created_at desc, id",
                )
                .bind(organisation),
            )
            .await?,
    )
}

/// Changes the settings of a connection; what is none stays. An empty `hook_mapping` takes the mapping away, and 0 hours
/// are the default.
pub async fn update_settings(
    app: &App,
    id: &str,
    hooks: Option<&str>,
    hook_mapping: Option<&str>,
    reconcile_hours: Option<i64>,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set hooks = coalesce(?2, hooks),
                        hook_mapping = case when ?3 is null then hook_mapping else nullif(?3, '') end,
                        reconcile_hours = case when ?4 is null then reconcile_hours else nullif(?4, 0) end
                 where id = ?1",
            )
            .bind(id)
            .bind(hooks)
            .bind(hook_mapping)
            .bind(reconcile_hours),
        )
        .await
        .map(|_| ())
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
        .batch(vec![
            look_soon_at_all_stmt(id),
            Statement::new(
                "update connections set account = ?2, username = ?3, sealed_token = ?4, github_app_id = ?5,
                        installation_id = ?6, token_expires_at = ?7, trouble = null, paused_until = null,
                        git_refused_at = null, trouble_since = null, refused_at = null, next_try_at = null
                 where id = ?1",
            )
            .bind(id)
            .bind(new.account)
            .bind(new.username)
            .bind(new.sealed)
            .bind(new.installation.map(|(github_app, _, _)| github_app))
            .bind(new.installation.map(|(_, installation, _)| installation))
            .bind(new.installation.map(|(_, _, expires_at)| expires_at)),
        ])
        .await
        .map(|_| ())
}

/// Notes why the last call failed, or that it worked. What was asked before the host refused the credential may be
/// answered after: that changes nothing of the refusal.
pub async fn note_trouble(app: &App, connection: &str, trouble: Option<&str>) -> Result<()> {
    app.db
        .rows(note_trouble_stmt(connection, trouble, app.now()))
        .await
        .map(|_| ())
}

/// The statement that does.
pub fn note_trouble_stmt(connection: &str, trouble: Option<&str>, now: i64) -> Statement {
    Statement::new(
        "update connections set trouble = ?2,
                trouble_since = case when ?2 is null then null else coalesce(trouble_since, ?3) end
         where id = ?1 and trouble is not ?2 and refused_at is null",
    )
    .bind(connection)
    .bind(trouble)
    .bind(now)
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

/// Has the host of a connection left alone for some seconds more than it is already: what several jobs asked of an
/// allowance that is nearly spent comes back one after the other.
pub async fn lengthen_pause(app: &App, connection: &str, seconds: u32) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update connections set paused_until = max(coalesce(paused_until, 0), ?2) + ?3 where id = ?1",
            )
            .bind(connection)
            .bind(app.now())
            .bind(i64::from(seconds)),
        )
        .await
        .map(|_| ())
}

/// Notes that the host of a connection wants to be left alone for some seconds.
pub async fn note_connection_pause(app: &App, connection: &str, seconds: u32) -> Result<()> {
    let until = app
        .now()
        .saturating_add(i64::from(seconds))
        .saturating_add(1);
    app.db
        .rows(
            Statement::new(
                "update connections set paused_until = ?2 where id = ?1 and coalesce(paused_until, 0) < ?2 - 1",
            )
            .bind(connection)
            .bind(until),
        )
        .await
        .map(|_| ())
}

row! {
    /// A git repository at a host.
    #[derive(Debug, Clone, PartialEq, Eq)]
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
        /// Unix second since when its host does not show it to the connection's credential; none while it does.
        pub withheld_at: Option<i64>,
        /// Why, for people.
        pub withheld_reason: Option<String>,
        /// Unix second from which on the host may be asked for it again.
        pub next_look_at: Option<i64>,
    }
}

/// Finds a git repository by its id here.
pub async fn find_git_repo(app: &App, id: i64) -> Result<Option<GitRepo>> {
    first_as(app.db.rows(find_git_repo_stmt(id)).await?)
}

fn find_git_repo_stmt(id: i64) -> Statement {
    Statement::new(
        "select id, organisation_id, connection_id, provider_id, full_name, default_branch, web_url,
                clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit,
                withheld_at, withheld_reason, next_look_at
         from git_repos where id = ?1",
    )
    .bind(id)
}

/// Where what is imported from a git repository comes from and goes to: the git repository, its connection and its
/// package, in one round of storage. Each may be gone.
pub async fn find_ends(
    app: &App,
    git_repo: i64,
) -> Result<(Option<GitRepo>, Option<Connection>, Option<Package>)> {
    let connection = Statement::new(
        "select c.id, c.organisation_id, c.provider, c.base_url, c.account, c.username, c.sealed_token,
                c.sealed_webhook_secret, c.created_at, c.last_heard_at, c.paused_until, c.trouble,
                c.trouble_since, c.refused_at, c.hooks, c.hook_mapping, c.reconcile_hours, c.github_app_id,
                c.installation_id, c.token_expires_at
         from git_repos g join connections c on c.id = g.connection_id where g.id = ?1 and c.deleted_at is null",
    )
    .bind(git_repo);
    let statements = vec![
        find_git_repo_stmt(git_repo),
        connection,
        find_package_of_git_repo_stmt(git_repo),
    ];
    let mut answers = app.db.batch(statements).await?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let repo = first_as(next())?;
    let connection = first_as(next())?;
    let package = first_as(next())?;
    Ok((repo, connection, package))
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
                        clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit,
                withheld_at, withheld_reason, next_look_at
                 from git_repos where connection_id = ?1 and provider_id = ?2",
            )
            .bind(connection)
            .bind(provider_id),
        )
        .await?;
    first_as(rows)
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
                   clone_url, is_archived, last_heard_at, last_reconciled_at, named_commit,
                withheld_at, withheld_reason, next_look_at",
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
    first_as(app.db.rows(statement).await?)?
        .ok_or_else(|| Error::internal("an upserted row did not come back"))
}
