//! What an organisation wants of those who sign in by a provider.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::RulesRoute;
use crate::app::App;
use crate::domain::access::Role;
use crate::domain::sign_in::{Enforced, GroupTeam, SignInRules, read_domain};
use crate::error::{Error, Result};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::identity_providers::list_providers;
use crate::store::organisations::Organisation;
use crate::store::sign_in_rules::{count_teams, find_rules, put_rules};

const MOST_DOMAINS: usize = 100;
const MOST_TEAMS: usize = 100;
const MOST_GROUPS: usize = 500;
/// The longest name of a group, in bytes.
const GROUP_LIMIT: usize = 500;

/// Answers a call about the rules.
pub(super) async fn handle(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    route: RulesRoute,
) -> Result<Reply> {
    let rules = match route {
        RulesRoute::Show => find_rules(app, organisation.id).await?,
        RulesRoute::Update => change(app, organisation, request.json().await?).await?,
    };
    Ok(Reply::json(200, &show(rules)))
}

/// A change of the rules: what is absent stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "SignInRulesChange")]
pub(crate) struct RulesChange {
    /// Domains of e-mail addresses; people with others are not linked by their address and do not become members. An empty
    /// list is for any.
    #[deserr(default, try_from(Option<Vec<String>>) = read_domains -> BadValue)]
    #[schemars(with = "Option<Vec<String>>")]
    domains: Option<Vec<String>>,
    /// `open`: whoever signs in with an address of one of the domains becomes a member. `closed`: members are asked in.
    #[deserr(default, try_from(Option<String>) = read_registration -> BadValue)]
    #[schemars(with = "Option<String>")]
    registration: Option<bool>,
    /// What she becomes: `member`, `maintainer` or `auditor`.
    #[deserr(default, try_from(Option<String>) = read_role -> BadValue)]
    #[schemars(with = "Option<String>")]
    role: Option<Role>,
    /// The ids of the teams that she comes into; what those are granted she sees.
    #[deserr(default)]
    teams: Option<Vec<String>>,
    /// Groups at the provider that are teams here. Looked at anew at each sign-in.
    #[deserr(default)]
    group_teams: Option<Vec<AskedGroup>>,
    /// By which provider members have to have signed in to enter the pages: `off` for any way, `organisation` for one of the
    /// organisation's own, `any` for one of the instance's as well.
    #[deserr(default, try_from(Option<String>) = read_enforced -> BadValue)]
    #[schemars(with = "Option<String>")]
    enforced: Option<Enforced>,
}

/// A group that is a team.
#[derive(Deserr, Serialize, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "GroupTeam")]
pub(crate) struct AskedGroup {
    /// As the provider spells it.
    group: String,
    /// The team's id.
    team: String,
}

/// Changes the rules, and gives them.
pub(crate) async fn change(
    app: &App,
    organisation: &Organisation,
    asked: RulesChange,
) -> Result<SignInRules> {
    let old = find_rules(app, organisation.id).await?;
    let rules = SignInRules {
        domains: asked.domains.unwrap_or_else(|| old.domains.clone()),
        is_open: asked.registration.unwrap_or(old.is_open),
        role: asked.role.unwrap_or(old.role),
        teams: asked.teams.unwrap_or_else(|| old.teams.clone()),
        group_teams: match asked.group_teams {
            Some(groups) => groups
                .into_iter()
                .map(|one| GroupTeam {
                    group: one.group,
                    team: one.team,
                })
                .collect(),
            None => old.group_teams.clone(),
        },
        enforced: asked.enforced.unwrap_or(old.enforced),
    };
    if rules == old {
        return Ok(rules);
    }
    if rules.is_open && rules.domains.is_empty() {
        return Err(Error::bad_value(
            "/domains",
            "`domains` must name one at least while registration is open: else whoever has an account at the provider would \
             become a member",
        ));
    }
    if rules.teams != old.teams {
        check_teams(app, organisation, "/teams", rules.teams.clone()).await?;
    }
    if rules.group_teams != old.group_teams {
        check_groups(&rules.group_teams)?;
        let teams = rules.group_teams.iter().map(|one| one.team.clone());
        check_teams(app, organisation, "/group_teams", teams.collect()).await?;
    }
    if rules.enforced != old.enforced {
        check_enforced(app, organisation, rules.enforced).await?;
    }
    put_rules(app, organisation.id, &rules).await?;
    Ok(rules)
}

async fn check_teams(
    app: &App,
    organisation: &Organisation,
    field: &str,
    mut ids: Vec<String>,
) -> Result<()> {
    let name = field.trim_start_matches('/');
    if ids.len() > MOST_GROUPS || (field == "/teams" && ids.len() > MOST_TEAMS) {
        return Err(Error::bad_value(
            field,
            format!("`{name}` has too many entries"),
        ));
    }
    ids.sort_unstable();
    ids.dedup();
    if count_teams(app, organisation.id, &ids).await? == ids.len() {
        return Ok(());
    }
    Err(Error::bad_value(
        field,
        format!("`{name}` must name teams of this organisation by their ids"),
    ))
}

fn check_groups(groups: &[GroupTeam]) -> Result<()> {
    let is_good = groups.iter().all(|one| {
        let group = one.group.as_str();
        !group.is_empty() && group.len() <= GROUP_LIMIT && !group.chars().any(char::is_control)
    });
    if is_good {
        return Ok(());
    }
    Err(Error::bad_value(
        "/group_teams",
        format!("`group` must be the name of a group at the provider, of 1 to {GROUP_LIMIT} bytes"),
    ))
}

/// Nobody has to sign in by what is not there.
async fn check_enforced(app: &App, organisation: &Organisation, enforced: Enforced) -> Result<()> {
    let mut known = match enforced {
        Enforced::Off => return Ok(()),
        Enforced::Organisation | Enforced::Any => {
            list_providers(app, Some(organisation.id)).await?.len()
        }
    };
    if enforced == Enforced::Any {
        known = known.saturating_add(list_providers(app, None).await?.len());
    }
    if known > 0 {
        return Ok(());
    }
    Err(Error::bad_value(
        "/enforced",
        "`enforced` needs an identity provider that members can sign in by: set one up first",
    ))
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_domains(domains: Option<Vec<String>>) -> Result<Option<Vec<String>>, BadValue> {
    let Some(domains) = domains else {
        return Ok(None);
    };
    if domains.len() > MOST_DOMAINS {
        return Err(BadValue::new(format!(
            "`domains` has at most {MOST_DOMAINS} entries"
        )));
    }
    let mut read = Vec::new();
    for domain in &domains {
        let domain = read_domain(domain).map_err(|why| BadValue::new(why.to_string()))?;
        if !read.contains(&domain) {
            read.push(domain);
        }
    }
    Ok(Some(read))
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_registration(text: Option<String>) -> Result<Option<bool>, BadValue> {
    match text.as_deref() {
        None => Ok(None),
        Some("open") => Ok(Some(true)),
        Some("closed") => Ok(Some(false)),
        Some(_) => Err(BadValue::new("`registration` must be `open` or `closed`")),
    }
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_role(text: Option<String>) -> Result<Option<Role>, BadValue> {
    let Some(text) = text else {
        return Ok(None);
    };
    match Role::parse(&text) {
        Some(role @ (Role::Member | Role::Maintainer | Role::Auditor)) => Ok(Some(role)),
        _ => Err(BadValue::new(
            "`role` must be `member`, `maintainer` or `auditor`: owners and admins are made by owners",
        )),
    }
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_enforced(text: Option<String>) -> Result<Option<Enforced>, BadValue> {
    let Some(text) = text else {
        return Ok(None);
    };
    Enforced::parse(&text)
        .map(Some)
        .ok_or_else(|| BadValue::new("`enforced` must be `off`, `organisation` or `any`"))
}

/// What an organisation wants of those who sign in by a provider.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignInRules")]
pub(crate) struct Shown {
    domains: Vec<String>,
    /// `open` or `closed`.
    registration: &'static str,
    role: &'static str,
    /// Ids of teams.
    teams: Vec<String>,
    group_teams: Vec<AskedGroup>,
    /// `off`, `organisation` or `any`.
    enforced: &'static str,
}

fn show(rules: SignInRules) -> Shown {
    Shown {
        registration: if rules.is_open { "open" } else { "closed" },
        role: rules.role.as_str(),
        enforced: rules.enforced.as_str(),
        group_teams: rules
            .group_teams
            .into_iter()
            .map(|one| AskedGroup {
                group: one.group,
                team: one.team,
            })
            .collect(),
        domains: rules.domains,
        teams: rules.teams,
    }
}
