//! Webhooks that we registered: of git repositories, and of groups whose one hook tells of all projects below.

use crate::app::App;
use crate::error::Result;
use crate::ports::db::{first_as, row, rows_as};
use crate::ports::{Statement, Value};
use crate::store::connections::Connection;

/// A hook that its host refused is asked for again after this many seconds: rights are granted at the host, and nobody
/// tells us.
const REFUSED: i64 = 24 * 60 * 60;

row! {
    /// The webhook of a git repository.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RepoHook {
        /// The git repository's id here.
        pub git_repo_id: i64,
        /// The connection it is reached through.
        pub connection_id: String,
        /// The host's own immutable id.
        pub provider_id: String,
        /// The name that the host last had for it.
        pub full_name: String,
        /// `registered`, `refused`, `removed`; none when nobody has tried yet.
        pub state: Option<String>,
        /// The host's id of the hook.
        pub hook_id: Option<String>,
        /// The address it was registered with.
        pub url: Option<String>,
        /// Why there is none.
        pub reason: Option<String>,
        /// Unix second of the last attempt.
        pub tried_at: Option<i64>,
        /// Unix second at which a scheduled comparison last found what no delivery had told of.
        pub missed_at: Option<i64>,
        /// Unix second of the last delivery.
        pub last_heard_at: Option<i64>,
        /// The group whose hook tells of it.
        pub covering_group: Option<String>,
        /// 1 while a package is synced from it.
        pub is_needed: i64,
    }
}

/// What is to be done about a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookWish {
    /// It is as it should be, or a person's to look after.
    Leave,
    /// It is to be registered, or to be looked at whether it still is.
    Register,
    /// The group's hook tells of the project, so that its own tells all a second time.
    Remove,
}

impl RepoHook {
    /// What is to be done, where hooks are registered by us. `url` is the address that they have now.
    pub fn wish(&self, connection: &Connection, url: &str, now: i64) -> HookWish {
        if self.is_needed == 0 {
            // No package is made of the project any more.
            return match self.hook_id {
                Some(_) => HookWish::Remove,
                None => HookWish::Leave,
            };
        }
        let has_old_secret = self.state.as_deref() == Some("registered")
            && connection
                .webhook_secret_changed_at
                .is_some_and(|changed| self.tried_at.unwrap_or_default() <= changed);
        if has_old_secret && self.covering_group.is_none() {
            return HookWish::Register;
        }
        if connection.hooks != "automatic" {
            return HookWish::Leave;
        }
        if self.covering_group.is_some() {
            return match self.hook_id {
                Some(_) => HookWish::Remove,
                None => HookWish::Leave,
            };
        }
        let tried_at = self.tried_at.unwrap_or_default();
        let is_wanted = match self.state.as_deref() {
            None => true,
            Some("registered") => {
                // Somebody may have removed it at the host, or switched it off.
                let is_silent = self.missed_at.unwrap_or_default()
                    > tried_at.max(self.last_heard_at.unwrap_or_default());
                is_silent || self.url.as_deref() != Some(url)
            }
            Some("refused") => tried_at < now.saturating_sub(REFUSED),
            Some(_) => false,
        };
        if is_wanted {
            HookWish::Register
        } else {
            HookWish::Leave
        }
    }
}

/// The webhook of a git repository.
pub async fn find_repo_hook(app: &App, git_repo: i64) -> Result<Option<RepoHook>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select g.id as git_repo_id, g.connection_id, g.provider_id, g.full_name, g.hook_state as state, g.hook_id,
                        g.hook_url as url, g.hook_reason as reason, g.hook_tried_at as tried_at,
                        g.hook_missed_at as missed_at, g.last_heard_at,
                        (select h.name from hook_groups h where h.connection_id = g.connection_id
                         and substr(lower(g.full_name), 1, length(h.name) + 1) = lower(h.name) || '/'
                         order by length(h.name) desc limit 1) as covering_group,
                        g.folders is not null or exists (select 1 from packages p where p.git_repo_id = g.id) as is_needed
                 from git_repos g where g.id = ?1",
            )
            .bind(git_repo),
        )
        .await?;
    first_as(rows)
}

/// What became of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookFate<'a> {
    /// It is registered under this id, with this address.
    Registered(&'a str, &'a str),
    /// The host does not let us, for this reason.
    Refused(&'a str),
    /// A person had it removed.
    Removed,
    /// It was removed, and nobody would mind another.
    None,
}

/// Keeps what became of the hook of a git repository.
pub async fn save_hook_fate(app: &App, git_repo: i64, fate: HookFate<'_>) -> Result<()> {
    let (state, id, url, reason) = match fate {
        HookFate::Registered(id, url) => (Some("registered"), Some(id), Some(url), None),
        HookFate::Refused(reason) => (Some("refused"), None, None, Some(reason)),
        HookFate::Removed => (Some("removed"), None, None, None),
        HookFate::None => (None, None, None, None),
    };
    app.db
        .rows(
            Statement::new(
                "update git_repos set hook_state = ?2, hook_id = ?3, hook_url = ?4, hook_reason = ?5, hook_tried_at = ?6
                 where id = ?1",
            )
            .bind(git_repo)
            .bind(state)
            .bind(id)
            .bind(url)
            .bind(reason)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// Git repositories that no package is made of any more and whose hook is still registered, but for those of which that was
/// tried since, and within the last day.
pub async fn list_unneeded_hooks(app: &App, limit: i64) -> Result<Vec<i64>> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let statement = Statement::new(
        "select g.id from git_repos g join connections c on c.id = g.connection_id
         where g.hook_id is not null and g.folders is null and c.deleted_at is null and c.refused_at is null
           and exists (select 1 from deleted_packages d where d.git_repo_id = g.id
                       and coalesce(g.hook_tried_at, 0) <= max(?1, d.deleted_at))
           and not exists (select 1 from packages p where p.git_repo_id = g.id)
         limit ?2",
    )
    .bind(app.now().saturating_sub(REFUSED))
    .bind(limit);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Has refused hooks of a connection asked for again with the next comparison: it has another token.
pub async fn forget_refused_hooks(app: &App, connection: &str) -> Result<()> {
    let statement = Statement::new(
        "update git_repos set hook_state = null, hook_reason = null where connection_id = ?1 and hook_state = 'refused'",
    )
    .bind(connection);
    app.db.rows(statement).await.map(|_| ())
}

row! {
    /// A group whose one hook tells of all projects below.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HookGroup {
        /// `acme`, `acme/tools`.
        pub name: String,
        /// Where new projects that have a composer.json are added, by id; none when they are not.
        pub repository_id: Option<i64>,
        /// Its slug.
        pub repository: Option<String>,
        /// The host's id of its hook; empty where a GitHub App's own webhook tells of its projects.
        pub hook_id: String,
        /// The address its hook was registered with, or the app's.
        pub hook_url: String,
    }
}

impl HookGroup {
    /// Whether it has a hook of its own at the host.
    pub fn has_hook(&self) -> bool {
        !self.hook_id.is_empty()
    }
}

/// The groups of a connection, by name.
pub async fn list_hook_groups(app: &App, connection: &str) -> Result<Vec<HookGroup>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select h.name, h.repository_id, r.slug as repository, h.hook_id, h.hook_url
                     from hook_groups h left join repositories r on r.id = h.repository_id
                     where h.connection_id = ?1 order by h.name",
                )
                .bind(connection),
            )
            .await?,
    )
}

/// The group of a connection that new projects of this name are added for; the nearest one.
pub async fn find_adding_group(
    app: &App,
    connection: &str,
    full_name: &str,
) -> Result<Option<HookGroup>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select h.name, h.repository_id, r.slug as repository, h.hook_id, h.hook_url
                 from hook_groups h join repositories r on r.id = h.repository_id
                 where h.connection_id = ?1
                   and substr(lower(?2), 1, length(h.name) + 1) = lower(h.name) || '/'
                 order by length(h.name) desc limit 1",
            )
            .bind(connection)
            .bind(full_name),
        )
        .await?;
    first_as(rows)
}

/// Keeps a group with the hook that it has at the host. Without one it keeps the hook that it had.
pub async fn save_hook_group(app: &App, connection: &str, group: &HookGroup) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into hook_groups (connection_id, name, repository_id, hook_id, hook_url, created_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (connection_id, name) do update set
                     repository_id = excluded.repository_id,
                     hook_id = case when excluded.hook_id = '' then hook_id else excluded.hook_id end,
                     hook_url = case when excluded.hook_id = '' and hook_id <> '' then hook_url
                                     else excluded.hook_url end",
            )
            .bind(connection)
            .bind(&group.name)
            .bind(group.repository_id.map_or(Value::Null, Value::from))
            .bind(&group.hook_id)
            .bind(&group.hook_url)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// Forgets a group, after its hook was removed.
pub async fn delete_hook_group(app: &App, connection: &str, name: &str) -> Result<()> {
    let statement =
        Statement::new("delete from hook_groups where connection_id = ?1 and name = ?2")
            .bind(connection)
            .bind(name);
    app.db.rows(statement).await.map(|_| ())
}

/// The git repositories of a connection that are below a group, by id.
pub async fn list_git_repos_below(app: &App, connection: &str, group: &str) -> Result<Vec<i64>> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let statement = Statement::new(
        "select id from git_repos
         where connection_id = ?1 and substr(lower(full_name), 1, length(?2) + 1) = lower(?2) || '/'
         order by id",
    )
    .bind(connection)
    .bind(group);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
