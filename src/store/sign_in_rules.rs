//! What organisations want of those who sign in.

use crate::app::App;
use crate::domain::access::Role;
use crate::domain::sign_in::{Enforced, SignInRules};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, first_as, row, rows_as};
use crate::store::identity_providers::{IdentityProvider, list_stmt};

row! {
    struct RulesRow {
        domains: String,
        registration: String,
        role: String,
        teams: String,
        group_teams: String,
        enforced: String,
    }
}

pub(super) fn find_rules_stmt(organisation: Option<i64>) -> Statement {
    Statement::new(
        "select domains, registration, role, teams, group_teams, enforced from sign_in_rules where organisation_id = ?1",
    )
    .bind(organisation)
}

pub(super) fn read_rules(rows: Vec<Row>) -> Result<SignInRules> {
    let Some(row) = first_as::<RulesRow>(rows)? else {
        return Ok(SignInRules::default());
    };
    let unknown = |what: &str| Error::internal(format!("unknown `{what}` in the rules"));
    Ok(SignInRules {
        domains: serde_json::from_str(&row.domains).map_err(Error::internal)?,
        is_open: row.registration == "open",
        role: Role::parse(&row.role).ok_or_else(|| unknown(&row.role))?,
        teams: serde_json::from_str(&row.teams).map_err(Error::internal)?,
        group_teams: serde_json::from_str(&row.group_teams).map_err(Error::internal)?,
        enforced: Enforced::parse(&row.enforced).ok_or_else(|| unknown(&row.enforced))?,
    })
}

/// The rules of an organisation; the default where nothing was said.
pub async fn find_rules(app: &App, organisation: i64) -> Result<SignInRules> {
    read_rules(app.db.rows(find_rules_stmt(Some(organisation))).await?)
}

/// Says what the rules are from now on.
pub async fn put_rules(app: &App, organisation: i64, rules: &SignInRules) -> Result<()> {
    let statement = Statement::new(
        "insert into sign_in_rules (organisation_id, domains, registration, role, teams, group_teams, enforced, changed_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (organisation_id) do update
         set domains = excluded.domains, registration = excluded.registration, role = excluded.role,
             teams = excluded.teams, group_teams = excluded.group_teams, enforced = excluded.enforced,
             changed_at = excluded.changed_at",
    )
    .bind(organisation)
    .bind(to_json(&rules.domains)?)
    .bind(if rules.is_open { "open" } else { "closed" })
    .bind(rules.role.as_str())
    .bind(to_json(&rules.teams)?)
    .bind(to_json(&rules.group_teams)?)
    .bind(rules.enforced.as_str())
    .bind(app.now());
    app.db.rows(statement).await?;
    app.memo.principals.clear();
    Ok(())
}

/// How many of these are teams of the organisation.
pub async fn count_teams(app: &App, organisation: i64, ids: &[String]) -> Result<usize> {
    let statement = Statement::new(
        "select t.id from teams t
         where t.organisation_id = ?1 and t.id in (select value from json_each(?2))",
    )
    .bind(organisation)
    .bind(serde_json::to_string(ids).map_err(Error::internal)?);
    Ok(app.db.rows(statement).await?.len())
}

fn to_json<T: serde::Serialize>(list: &[T]) -> Result<String> {
    serde_json::to_string(list).map_err(Error::internal)
}

row! {
    /// A team, as far as the rules name it.
    #[derive(Debug, Clone)]
    pub struct NamedTeam {
        /// Its id.
        pub id: String,
        /// Its name, the only one of that name in the organisation.
        pub name: String,
    }
}

/// All that there is to say of how people sign in to an organisation.
pub struct SignInSettings {
    /// Its own providers.
    pub providers: Vec<IdentityProvider>,
    /// Its rules.
    pub rules: SignInRules,
    /// Its teams, by name.
    pub teams: Vec<NamedTeam>,
}

/// Reads all of it, in one batch.
pub async fn load_settings(app: &App, organisation: i64) -> Result<SignInSettings> {
    let rows = app
        .db
        .batch(vec![
            list_stmt(Some(organisation), None),
            find_rules_stmt(Some(organisation)),
            Statement::new(
                "select id, name from teams where organisation_id = ?1 order by name limit 500",
            )
            .bind(organisation),
        ])
        .await?;
    let mut rows = rows.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok(SignInSettings {
        providers: rows_as(next())?,
        rules: read_rules(next())?,
        teams: rows_as(next())?,
    })
}
