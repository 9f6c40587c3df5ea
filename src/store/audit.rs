//! The audit log. Lines are written by triggers (migration 0025), in the transaction of the change: a change cannot be
//! without its line, and a change that did not happen leaves none. What the triggers cannot know is who is at work;
//! [`acting`] gives a program whose every writing transaction says so.

use std::rc::Rc;

use async_trait::async_trait;
use serde_json::{Map, Value as Json};

use crate::app::App;
use crate::domain::audit::{Actor, ActorKind, cut};
use crate::error::{Error, Result};
use crate::ports::db::{Row, row, rows_as};
use crate::ports::{Clock, Db, Statement};

/// The tables whose changes are lines, whoever makes them. A migration that gives another table triggers adds it here.
pub const AUDITED: [&str; 31] = [
    "accounts",
    "audit_changes",
    "collections",
    "connections",
    "customer_logins",
    "customers",
    "defined_versions",
    "git_repos",
    "github_apps",
    "grants",
    "hook_groups",
    "host_names",
    "identities",
    "identity_providers",
    "invitations",
    "logins",
    "members",
    "organisations",
    "packages",
    "passkeys",
    "password_resets",
    "passwords",
    "recovery_codes",
    "repositories",
    "repository_packages",
    "second_factors",
    "sign_in_rules",
    "team_members",
    "teams",
    "tokens",
    "versions",
];

/// Those whose changes are lines when somebody asked for them: what the queue does by itself is none.
pub const AUDITED_WHEN_ASKED: [&str; 6] = [
    "dead_letters",
    "deleted_versions",
    "imports",
    "jobs",
    "revisions",
    "uploads",
];

/// The program with somebody at work: whatever changes through it is theirs.
pub fn acting(app: &App, actor: Actor) -> App {
    App {
        db: Rc::new(AuditedDb {
            db: Rc::clone(&app.db),
            clock: Rc::clone(&app.clock),
            actor,
        }),
        ..app.clone()
    }
}

/// A database whose writing transactions say who is at work.
struct AuditedDb {
    db: Rc<dyn Db>,
    clock: Rc<dyn Clock>,
    actor: Actor,
}

impl AuditedDb {
    fn leaves_lines(&self, statement: &Statement) -> bool {
        match written_table(statement.sql) {
            None => false,
            Some(table) => {
                AUDITED.contains(&table)
                    || (self.actor.kind.asks() && AUDITED_WHEN_ASKED.contains(&table))
            }
        }
    }

    fn enter_stmt(&self) -> Statement {
        let sql = match self.actor.kind {
            ActorKind::Token => {
                "insert or replace into audit_actor (id, time, kind, actor_id, name, address, user_agent, request)
                 values (1, ?1, ?2, ?3, coalesce((select name from tokens where id = ?3), ?4), ?5, ?6, ?7)"
            }
            ActorKind::Job => {
                "insert or replace into audit_actor (id, time, kind, actor_id, name, address, user_agent, request)
                 values (1, ?1, ?2, ?3, coalesce((select kind || ' (' || cause || ')' from jobs where id = ?3), ?4),
                         ?5, ?6, ?7)"
            }
            ActorKind::Person | ActorKind::Webhook | ActorKind::Instance => {
                "insert or replace into audit_actor (id, time, kind, actor_id, name, address, user_agent, request)
                 values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            }
        };
        Statement::new(sql)
            .bind(self.clock.now())
            .bind(self.actor.kind.as_str())
            .bind(self.actor.id.clone())
            .bind(&self.actor.name)
            .bind(self.actor.address.clone())
            .bind(self.actor.user_agent.clone())
            .bind(self.actor.request.clone())
    }
}

/// The table that a statement writes, by its first words; a statement that begins with `with` may write any.
pub(super) fn written_table(sql: &str) -> Option<&str> {
    let mut words = sql.split(|character: char| character.is_whitespace() || character == '(');
    let mut next = || words.find(|word| !word.is_empty());
    match next()? {
        "insert" => {
            let mut word = next()?;
            while word != "into" {
                word = next()?;
            }
            next()
        }
        "delete" => {
            next()?;
            next()
        }
        "update" => next(),
        _ => None,
    }
}

#[async_trait(?Send)]
impl Db for AuditedDb {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        if !self.leaves_lines(&statement) {
            return self.db.rows(statement).await;
        }
        let rows = self.batch(vec![statement]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        if !statements.iter().any(|one| self.leaves_lines(one)) {
            return self.db.batch(statements).await;
        }
        let count = statements.len();
        let all = std::iter::once(self.enter_stmt())
            .chain(statements)
            .chain([Statement::new("delete from audit_actor")])
            .collect();
        let rows = self.db.batch(all).await?;
        Ok(rows.into_iter().skip(1).take(count).collect())
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        self.db.read_nearby(statements).await
    }
}

/// The statement that says that somebody was refused who tried to sign in with an address, if that is somebody's.
pub(super) fn note_refused_stmt(email: &str, why: &str) -> Statement {
    Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, after_json)
         select null, 'sign_in.refused', 'account', id, email, json_object('reason', ?2)
         from accounts where email = ?1",
    )
    .bind(email)
    .bind(why)
}

/// Writes down that a provider's sign-in came to nothing, and why, where those who set the provider up read it. `email` is
/// what the provider said, as far as it said something.
pub async fn note_provider_refused(
    app: &App,
    provider: &str,
    why: &str,
    email: Option<&str>,
) -> Result<()> {
    let statement = Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, after_json)
         select organisation_id, 'sign_in.refused', 'identity_provider', id, slug,
                json_object('reason', ?2, 'email', ?3)
         from identity_providers where id = ?1",
    )
    .bind(provider)
    .bind(cut(why, 300))
    .bind(email.map(|email| cut(email, 254)));
    app.db.rows(statement).await.map(|_| ())
}

/// The statement that says that the second factor of an account is taken off, if it has one: it stands before the one that
/// does it, in its batch.
pub(super) fn note_second_factor_removed_stmt(account: &str) -> Statement {
    Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json)
         select null, 'second_factor.removed', 'account', a.id, a.email, json_object('created_at', f.created_at)
         from second_factors f join accounts a on a.id = f.account_id where f.account_id = ?1",
    )
    .bind(account)
}

/// The statement that says that an account gets other recovery codes, if it has a second factor; it stands as the one above.
pub(super) fn note_codes_replaced_stmt(account: &str) -> Statement {
    Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, after_json)
         select null, 'recovery_codes.replaced', 'account', a.id, a.email, json_object('codes', 'replaced')
         from second_factors f join accounts a on a.id = f.account_id where f.account_id = ?1",
    )
    .bind(account)
}

/// The statement that says that a passkey of an account is removed, if it has it; it stands as those above.
pub(super) fn note_passkey_removed_stmt(account: &str, passkey: &str) -> Statement {
    Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json)
         select null, 'passkey.removed', 'account', a.id, a.email, json_object('passkey', p.id, 'name', p.name)
         from passkeys p join accounts a on a.id = p.account_id where p.account_id = ?1 and p.id = ?2",
    )
    .bind(account)
    .bind(passkey)
}

/// The statement that says that an archive was taken in for the definitions of a package, unless these bytes are here: it
/// stands before the one that keeps it, in its batch.
pub fn note_archive_stmt(package: i64, sha256: &str, size: u64) -> Statement {
    Statement::new(
        "insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, after_json)
         select p.organisation_id, 'archive.uploaded', 'package', p.id, p.name,
                json_object('sha256', ?2, 'size', ?3)
         from packages p
         where p.id = ?1 and not exists (select 1 from dists d where d.package_id = ?1 and d.reference = ?2)",
    )
    .bind(package)
    .bind(sha256)
    .bind(i64::try_from(size).unwrap_or(i64::MAX))
}

row! {
    /// A line of the log.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AuditLine {
        /// Grows with every line.
        pub id: i64,
        /// Unix seconds.
        pub time: i64,
        /// `person`, `token`, `job`, `webhook` or `instance`.
        pub actor_kind: String,
        /// Their id.
        pub actor_id: Option<String>,
        /// As they were called then.
        pub actor_name: String,
        /// Where the request came from.
        pub address: Option<String>,
        /// The program that sent it.
        pub user_agent: Option<String>,
        /// Method and path.
        pub request: Option<String>,
        /// What happened.
        pub action: String,
        /// What kind of thing it happened to.
        pub subject_kind: String,
        /// Its id.
        pub subject_id: String,
        /// What it was called.
        pub subject_name: String,
        before_json: Option<String>,
        after_json: Option<String>,
    }
}

impl AuditLine {
    /// What was changed, as it was; none where nothing was.
    pub fn before(&self) -> Result<Option<Map<String, Json>>> {
        read_values(self.before_json.as_deref())
    }

    /// What was changed, as it is since; none where nothing is.
    pub fn after(&self) -> Result<Option<Map<String, Json>>> {
        read_values(self.after_json.as_deref())
    }
}

fn read_values(text: Option<&str>) -> Result<Option<Map<String, Json>>> {
    text.map(|text| serde_json::from_str(text).map_err(Error::internal))
        .transpose()
}

/// Which lines are asked for; what is none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The id or the name of who acted, or their kind.
    pub actor: Option<String>,
    /// What happened, or how it begins: `token`.
    pub action: Option<String>,
    /// The id or the name of what it happened to; a package stands for its versions as well.
    pub subject: Option<String>,
    /// Not before this Unix second.
    pub since: Option<i64>,
    /// Not after this Unix second.
    pub until: Option<i64>,
}

/// Lines of an organisation, or those of the instance alone, newest first. `before` is the id of the last one seen.
pub async fn list_lines(
    app: &App,
    organisation: Option<i64>,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditLine>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, time, actor_kind, actor_id, actor_name, address, user_agent, request, action,
                            subject_kind, subject_id, subject_name, before_json, after_json
                     from audit
                     where organisation_id is ?1
                       and (?2 is null or id < ?2)
                       and (?3 is null or actor_id = ?3 or actor_name = ?3 or actor_kind = ?3)
                       and (?4 is null or substr(action, 1, length(?4)) = ?4)
                       and (?5 is null or subject_id = ?5 or subject_name = ?5
                            or substr(subject_name, 1, length(?5) + 1) = ?5 || ' ')
                       and (?6 is null or time >= ?6)
                       and (?7 is null or time <= ?7)
                     order by id desc limit ?8",
                )
                .bind(organisation)
                .bind(before)
                .bind(filter.actor.clone())
                .bind(filter.action.clone())
                .bind(filter.subject.clone())
                .bind(filter.since)
                .bind(filter.until)
                .bind(limit),
            )
            .await?,
    )
}

/// Deletes lines from before a Unix second, at most a thousand at once, the oldest first.
pub async fn delete_old_lines(app: &App, before: i64) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "insert into audit_retention (organisation_id, before_time) values (null, ?1)",
            )
            .bind(before),
            Statement::new(
                "delete from audit where id in (
                     select id from (select id, time from audit order by id limit 1000) where time < ?1)",
            )
            .bind(before),
            Statement::new("delete from audit_retention"),
        ])
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_that_is_written_stands_in_the_first_words() {
        for (sql, table) in [
            ("insert into tokens (id)\n values (?1)", Some("tokens")),
            (
                "insert or replace into audit_actor(id)",
                Some("audit_actor"),
            ),
            ("update versions\n set removed_at = ?2", Some("versions")),
            (
                "delete from dead_letters where id = ?1",
                Some("dead_letters"),
            ),
            ("select id from tokens", None),
        ] {
            assert_eq!(written_table(sql), table, "{sql}");
        }
    }
}
