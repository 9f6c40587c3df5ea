//! Who asks, and for which repository: one batch, behind a memory of a few seconds.

use std::rc::Rc;

use crate::app::App;
use crate::domain::access::{
    Abilities, Ability, Access, Bar, Caller, GrantRecord, Principal, Role, resolve_grants,
};
use crate::domain::name::NameGlob;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, first_as, row};
use crate::store::customers::Customer;
use crate::store::memo::{FRESH, STALE};
use crate::store::repositories::{
    Repository, RepositoryAddress, find_repository_stmt, read_repository,
};

/// What one look told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Who asks; none for nobody and for credentials that are not valid.
    pub principal: Option<Rc<Principal>>,
    /// The repository asked for, if it exists.
    pub repository: Option<Rc<Repository>>,
}

/// Finds the principal of a token and a repository. Each is remembered for [`FRESH`] seconds, absence too; what is
/// missing is read in one batch. When the database cannot be reached, what was remembered within [`STALE`] seconds
/// serves on, and nothing unknown is let in.
pub async fn admit(
    app: &App,
    token: Option<&TokenHash>,
    address: Option<&RepositoryAddress>,
) -> Result<Admission> {
    let now = app.now();
    let address_key = address.map(RepositoryAddress::memo_key);
    let principal = token.map(|token| {
        (
            token,
            app.memo.principals.recall(token.as_str(), now, FRESH),
        )
    });
    let repository = address_key
        .as_deref()
        .map(|key| app.memo.repositories.recall(key, now, FRESH));
    let known = principal.as_ref().is_none_or(|(_, known)| known.is_some())
        && repository.as_ref().is_none_or(Option::is_some);
    if known {
        return Ok(Admission {
            principal: principal.and_then(|(_, known)| known.flatten()),
            repository: repository.flatten().flatten(),
        });
    }

    let mut statements = Vec::new();
    if let Some(token) = token {
        statements.push(find_principal_stmt(token));
    }
    if let Some(address) = address {
        statements.push(find_repository_stmt(address));
    }
    match app.db.read_nearby(statements).await {
        Ok(rows) => {
            let mut rows = rows.into_iter();
            let mut admission = Admission {
                principal: None,
                repository: None,
            };
            if let Some(token) = token {
                let found = read_principal(rows.next().unwrap_or_default(), now)?.map(Rc::new);
                app.memo
                    .principals
                    .remember(token.as_str(), found.clone(), now);
                admission.principal = found;
            }
            if let Some(key) = &address_key {
                let found = read_repository(rows.next().unwrap_or_default())?.map(Rc::new);
                app.memo.repositories.remember(key, found.clone(), now);
                admission.repository = found;
            }
            Ok(admission)
        }
        Err(error) => {
            let principal =
                token.map(|token| app.memo.principals.recall(token.as_str(), now, STALE));
            let repository = address_key.map(|key| app.memo.repositories.recall(&key, now, STALE));
            if matches!(principal, Some(None)) || matches!(repository, Some(None)) {
                return Err(error.or_unavailable());
            }
            app.warn_of_outage("the database, serving from memory", &error);
            Ok(Admission {
                principal: principal.flatten().flatten(),
                repository: repository.flatten().flatten(),
            })
        }
    }
}

/// Who a token stands for, as the database has it now: for the API, where seconds matter.
pub async fn find_principal(app: &App, token: &TokenHash) -> Result<Option<Principal>> {
    let rows = app
        .db
        .rows(find_principal_stmt(token))
        .await
        .map_err(Error::or_unavailable)?;
    read_principal(rows, app.now())
}

/// One row with everything that decides: the token `t`, who has it, its organisation, and all grants to any of them, those
/// of other organisations to this one too.
macro_rules! principal_sql {
    ($tokens:literal) => {
        concat!(
            "with t (id, organisation_id, kind, access, abilities, repositories, packages, networks, only_granted,
                     grant_changed_at, expires_at, account_id, customer_id, team_id) as (",
            $tokens,
            ")
             select t.id, t.organisation_id, t.kind, t.access, t.abilities, t.repositories, t.packages, t.networks,
                    t.only_granted, t.grant_changed_at, t.expires_at,
                    (select s.suspended_at from organisation_standings s where s.id = t.organisation_id) as suspended_at,
                    (select s.suspended_for from organisation_standings s where s.id = t.organisation_id)
                        as suspended_for, o.contact,
                    t.account_id, coalesce(m.display_name, a.name) as account_name,
                    case when t.team_id is null then m.role else 'member' end as role,
                    m.suspended_at as member_suspended_at, m.grant_changed_at as member_changed_at,
                    t.customer_id, c.name as customer_name, c.state, c.state_reason, c.frozen_at,
                    c.expires_at as customer_expires_at, c.grant_changed_at as customer_changed_at,
                    (select json_group_array(json_object(
                         'id', g.id, 'organisation_id', g.organisation_id, 'packages', json(g.packages),
                         'items', json(k.items), 'repositories', json(g.repositories), 'versions', g.versions,
                         'released_until', g.released_until, 'released_after', g.released_after,
                         'minimum_stability', g.minimum_stability, 'source', g.source, 'expires_at', g.expires_at,
                         'keeps', g.keeps))
                     from grants g left join collections k on k.id = g.collection_id
                     where g.subject in (
                         select 'token:' || t.id
                         union all select 'customer:' || t.customer_id
                         union all select 'organisation:' || t.organisation_id where t.customer_id is null
                         union all select 'team:' || t.team_id
                         union all select 'team:' || x.team_id
                                   from team_members x join teams y on y.id = x.team_id
                                   where x.account_id = t.account_id and y.organisation_id = t.organisation_id)
                    ) as grants
             from t left join organisations o on o.id = t.organisation_id
                    left join accounts a on a.id = t.account_id
                    left join members m on m.account_id = t.account_id and m.organisation_id = t.organisation_id
                    left join customers c on c.id = t.customer_id"
        )
    };
}

pub(super) fn find_principal_stmt(token: &TokenHash) -> Statement {
    Statement::new(principal_sql!(
        "select id, organisation_id, kind, access, abilities, repositories, packages, networks, only_granted,
                grant_changed_at, expires_at, account_id, customer_id, null
         from tokens where hash = ?1 and revoked_at is null"
    ))
    .bind(token.as_str())
}

/// The same for who looks at a page: what she is in the organisation with this slug, or in the one above it that manages
/// it; the owner of the instance is that everywhere. The principal's token is the login's id. Whether the login is in
/// force is not asked here.
///
/// A login by an organisation's own provider opens that organisation alone: whoever runs the provider could make one for
/// anybody who has an identity there. And where an organisation wants its members to have signed in by a provider, no other
/// login opens it; the owner of the instance is let in nevertheless.
pub(super) fn find_login_principal_stmt(secret: &TokenHash, slug: &str) -> Statement {
    Statement::new(principal_sql!(
        "select id, organisation_id, kind, 'admin', null, null, null, null, 0, grant_changed_at, null, account_id, null,
                null
         from (select l.id, null as organisation_id, 'owner' as kind, 0 as grant_changed_at, l.account_id, 0 as place
               from logins l join accounts a on a.id = l.account_id
                    left join identity_providers p on p.id = l.provider_id
               where l.hash = ?1 and a.owns_instance = 1
                 and (l.provider_id is null or (p.id is not null and p.organisation_id is null))
               union all
               select l.id, m.organisation_id, 'personal', m.grant_changed_at, l.account_id, iif(m.organisation_id = o.id, 1, 2)
               from logins l join organisations o on o.slug = ?2
                    join members m on m.account_id = l.account_id
                                  and (m.organisation_id = o.id
                                       or (o.managed_by_parent = 1 and m.organisation_id = o.parent_id))
                    left join identity_providers p on p.id = l.provider_id
                    left join sign_in_rules r on r.organisation_id = m.organisation_id
               where l.hash = ?1
                 and (l.provider_id is null
                      or (p.id is not null and coalesce(p.organisation_id, m.organisation_id) = m.organisation_id))
                 and (coalesce(r.enforced, 'off') = 'off'
                      or (p.id is not null and (r.enforced = 'any' or p.organisation_id is not null))))
         order by place limit 1"
    ))
    .bind(secret.as_str())
    .bind(slug)
}

/// The same for a customer at a browser, who is what the token is with which the login began.
pub(super) fn find_customer_principal_stmt(secret: &TokenHash, now: i64) -> Statement {
    Statement::new(principal_sql!(
        "select t.id, t.organisation_id, t.kind, t.access, t.abilities, t.repositories, t.packages, t.networks,
                t.only_granted, t.grant_changed_at, t.expires_at, t.account_id, t.customer_id, null
         from customer_logins l join tokens t on t.id = l.token_id
         where l.hash = ?1 and l.ended_at is null and l.expires_at > ?2 and t.revoked_at is null
           and t.kind = 'customer'"
    ))
    .bind(secret.as_str())
    .bind(now)
}

/// Somebody whose access is looked at from outside, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// A token in force.
    Token(String),
    /// A customer, as a token without limits of its own sees it.
    Customer(String),
    /// A person in the organisation, by account, as a token that reads sees it.
    Member(String),
    /// Whoever is an ordinary member and in this team alone.
    Team(String),
}

/// What decides about somebody of an organisation who does not ask himself; none when there is nobody of that id.
pub async fn find_facts(
    app: &App,
    organisation: i64,
    looked: &Looked,
) -> Result<Option<PrincipalFacts>> {
    read_facts(app.db.rows(find_facts_stmt(organisation, looked)).await?)
}

/// The statement that finds it, for a batch with others.
pub(super) fn find_facts_stmt(organisation: i64, looked: &Looked) -> Statement {
    let (kind, id) = match looked {
        Looked::Token(id) => ("token", id),
        Looked::Customer(id) => ("customer", id),
        Looked::Member(id) => ("member", id),
        Looked::Team(id) => ("team", id),
    };
    Statement::new(principal_sql!(
        "select id, organisation_id, kind, access, abilities, repositories, packages, networks, only_granted,
                grant_changed_at, expires_at, account_id, customer_id, null
         from tokens
         where ?2 = 'token' and id = ?3 and organisation_id = ?1 and revoked_at is null
         union all
         select '', organisation_id, 'customer', 'read', null, null, null, null, 0, grant_changed_at, null, null, id,
                null
         from customers where ?2 = 'customer' and id = ?3 and organisation_id = ?1
         union all
         select '', organisation_id, 'personal', 'read', null, null, null, null, 0, grant_changed_at, null,
                account_id, null, null
         from members where ?2 = 'member' and account_id = ?3 and organisation_id = ?1
         union all
         select '', organisation_id, 'personal', 'read', null, null, null, null, 0, created_at, null, '', null, id
         from teams where ?2 = 'team' and id = ?3 and organisation_id = ?1"
    ))
    .bind(organisation)
    .bind(kind)
    .bind(id)
}

/// All that decides about somebody, before the moment is known at which it is decided.
#[derive(Debug, Clone)]
pub struct PrincipalFacts {
    row: PrincipalRow,
    /// What was granted, also what has ended by now.
    pub grants: Vec<GrantRecord>,
}

impl PrincipalFacts {
    /// The customer, when it is one.
    pub fn customer(&self) -> Option<&str> {
        self.row.customer_id.as_deref()
    }

    /// Unix second from which on the token is no longer valid.
    pub fn expires_at(&self) -> Option<i64> {
        self.row.expires_at
    }

    /// Networks it may ask from, as JSON.
    pub fn networks(&self) -> Option<&str> {
        self.row.networks.as_deref()
    }

    /// The same, were the customer another.
    pub fn set_customer(&mut self, customer: &Customer) {
        let row = &mut self.row;
        row.state = Some(customer.state.clone());
        row.state_reason.clone_from(&customer.state_reason);
        row.frozen_at = customer.frozen_at;
        row.customer_expires_at = customer.expires_at;
    }

    /// Who it is at a moment; none for a token of somebody who is no longer there.
    pub fn principal_at(&self, now: i64) -> Result<Option<Principal>> {
        resolve_principal(self.clone(), now)
    }
}

/// Reads it.
pub(super) fn read_facts(rows: Vec<Row>) -> Result<Option<PrincipalFacts>> {
    let Some(row) = first_as::<PrincipalRow>(rows)? else {
        return Ok(None);
    };
    let grants = serde_json::from_str(&row.grants).map_err(Error::internal)?;
    Ok(Some(PrincipalFacts { row, grants }))
}

row! {
    #[derive(Debug, Clone)]
    struct PrincipalRow {
        id: String,
        organisation_id: Option<i64>,
        kind: String,
        access: String,
        abilities: Option<String>,
        repositories: Option<String>,
        packages: Option<String>,
        networks: Option<String>,
        only_granted: i64,
        grant_changed_at: i64,
        expires_at: Option<i64>,
        suspended_at: Option<i64>,
        suspended_for: Option<String>,
        contact: Option<String>,
        account_id: Option<String>,
        account_name: Option<String>,
        role: Option<String>,
        member_suspended_at: Option<i64>,
        member_changed_at: Option<i64>,
        customer_id: Option<String>,
        customer_name: Option<String>,
        state: Option<String>,
        state_reason: Option<String>,
        frozen_at: Option<i64>,
        customer_expires_at: Option<i64>,
        customer_changed_at: Option<i64>,
        grants: String,
    }
}

/// Reads what was found, as it is at this moment: what ends by its date has ended. None for a token of somebody who is no
/// longer there.
pub(super) fn read_principal(rows: Vec<Row>, now: i64) -> Result<Option<Principal>> {
    match read_facts(rows)? {
        Some(facts) => resolve_principal(facts, now),
        None => Ok(None),
    }
}

fn resolve_principal(facts: PrincipalFacts, now: i64) -> Result<Option<Principal>> {
    let PrincipalFacts { row, grants } = facts;
    let Some((caller, role)) = read_caller(&row)? else {
        return Ok(None);
    };
    let ended_at = row.customer_expires_at.filter(|end| now >= *end);
    let rules = resolve_grants(&grants, now, ended_at);
    let has_ended = ended_at.is_some() && rules.is_empty();
    // Who is kept out still finds the repository: there it is told why.
    let rules = if has_ended {
        resolve_grants(&grants, i64::MIN, None)
    } else {
        rules
    };
    let frozen_at = match row.state.as_deref() {
        Some("frozen") => row.frozen_at.into_iter().chain(ended_at).min(),
        _ => ended_at,
    };
    let bar = if row.suspended_at.is_some() {
        Some(Bar::OrganisationSuspended(row.suspended_for.clone()))
    } else if row.member_suspended_at.is_some() {
        Some(Bar::MemberSuspended)
    } else if row.state.as_deref() == Some("suspended") {
        Some(Bar::CustomerSuspended(row.state_reason.clone()))
    } else {
        has_ended.then_some(Bar::CustomerExpired)
    };
    let sees_all = match (&caller, role) {
        (Caller::Instance, _) => true,
        (Caller::Machine, _) => row.only_granted == 0,
        (Caller::Person { .. }, role) => role.is_some_and(Role::sees_all),
        (Caller::Customer { .. }, _) => false,
    };
    let changes = [
        Some(row.grant_changed_at),
        row.member_changed_at,
        row.customer_changed_at,
        ended_at,
    ];
    let ends = grants
        .iter()
        .filter_map(|grant| grant.expires_at.filter(|end| now >= *end));
    let grant_changed_at = changes.into_iter().flatten().chain(ends).max();
    Ok(Some(Principal {
        abilities: read_abilities(&row, role)?,
        token: row.id,
        caller,
        organisation: row.organisation_id,
        repositories: read_list(row.repositories)?,
        packages: read_list::<NameGlob>(row.packages)?,
        networks: read_list(row.networks)?
            .map(|networks: Vec<String>| {
                let parse = |text: &String| text.parse().map_err(Error::internal);
                networks.iter().map(parse).collect::<Result<_>>()
            })
            .transpose()?,
        sees_all,
        rules,
        frozen_at,
        bar,
        contact: row.contact,
        grant_changed_at: grant_changed_at.unwrap_or(row.grant_changed_at),
        expires_at: row.expires_at,
    }))
}

fn read_caller(row: &PrincipalRow) -> Result<Option<(Caller, Option<Role>)>> {
    Ok(match row.kind.as_str() {
        "machine" if row.organisation_id.is_none() => Some((Caller::Instance, None)),
        "machine" => Some((Caller::Machine, None)),
        "personal" => row
            .account_id
            .clone()
            .zip(row.role.as_deref())
            .map(|(account, role)| {
                let role = Role::parse(role)
                    .ok_or_else(|| Error::internal(format!("unknown role `{role}`")))?;
                let name = row.account_name.clone().unwrap_or_default();
                Ok::<_, Error>((
                    Caller::Person {
                        account,
                        name,
                        role,
                    },
                    Some(role),
                ))
            })
            .transpose()?,
        // Who owns the instance, at a page.
        "owner" => row.account_id.clone().map(|account| {
            let (name, role) = (row.account_name.clone().unwrap_or_default(), Role::Owner);
            let caller = Caller::Person {
                account,
                name,
                role,
            };
            (caller, Some(role))
        }),
        "customer" => row.customer_id.clone().map(|id| {
            let name = row.customer_name.clone().unwrap_or_default();
            (Caller::Customer { id, name }, None)
        }),
        other => return Err(Error::internal(format!("unknown kind of token `{other}`"))),
    })
}

fn read_abilities(row: &PrincipalRow, role: Option<Role>) -> Result<Abilities> {
    // The owner of the instance has them all, whatever was written when there were fewer.
    if row.organisation_id.is_none() && row.access == Access::Admin.as_str() {
        return Ok(Abilities::all());
    }
    let given = match &row.abilities {
        Some(text) => Abilities::from_json(text).map_err(Error::internal)?,
        None => Access::parse(&row.access)
            .ok_or_else(|| Error::internal(format!("unknown access `{}`", row.access)))?
            .abilities(),
    };
    Ok(match (row.kind.as_str(), role) {
        ("customer", _) => {
            given.intersection(Abilities::of(&[Ability::ReadMetadata, Ability::ReadDists]))
        }
        (_, Some(role)) => given.intersection(role.abilities()),
        (_, None) => given,
    })
}

fn read_list<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<Vec<T>>> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(Error::internal)
}
