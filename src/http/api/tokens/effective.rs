//! What a token can do, for whoever has it and for whoever looks after it.

use std::fmt::Write;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::access::{Access, Caller, Principal, Rule};
use crate::domain::constraint::Constraint;
use crate::domain::name::NameGlob;
use crate::domain::stability::Stability;
use crate::domain::time::day;
use crate::error::Result;
use crate::http::api::shown::{Named, ShownOrganisation, Time};
use crate::http::reply::Reply;
use crate::store::admission::find_principal;
use crate::store::organisations::{Organisation, load_organisation};
use crate::store::tokens::{self as store, TokenRow};

/// `GET …/tokens/{id}/abilities`: what a token comes to, with the role of its person, the state of its customer and all
/// grants.
pub(super) async fn show_abilities(
    app: &App,
    organisation: &Organisation,
    row: &TokenRow,
) -> Result<Reply> {
    let hash = store::find_hash(app, organisation.id, &row.id).await?;
    let principal = match hash {
        Some(hash) => find_principal(app, &hash).await?,
        None => None,
    };
    let Some(mut principal) = principal else {
        let why = "It was revoked, or whoever had it is no longer there".to_owned();
        let nothing = Shown {
            id: row.id.clone(),
            bar: Some(why.clone()),
            in_words: vec![why],
            ..Shown::default()
        };
        return Ok(Reply::json(200, &nothing));
    };
    // Where it is used from is not known here; the networks are shown.
    if principal.bar.is_none() && row.state == "expired" {
        principal.bar = Some(crate::domain::access::Bar::TokenExpired);
    }
    let mut shown = describe(&principal);
    shown.id.clone_from(&row.id);
    Ok(Reply::json(200, &shown))
}

/// What a token can do.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "TokenAbilities")]
pub(crate) struct Shown {
    id: String,
    /// `machine`, `personal`, `customer`, or `instance` for the owner of all; null for a token that was revoked.
    kind: Option<&'static str>,
    person: Option<ShownPerson>,
    customer: Option<Named>,
    /// `read`, `write` or `admin`, where one of these says it all.
    access: Option<&'static str>,
    abilities: Vec<ShownAbility>,
    /// Slugs; null for all.
    repositories: Option<Vec<String>>,
    /// Names and patterns; null for all.
    packages: Option<Vec<NameGlob>>,
    /// Null for any.
    networks: Option<Vec<String>>,
    /// Whether it sees all packages that these limits leave, and not only what was granted.
    sees_all: bool,
    /// From when on nothing newer is seen.
    frozen_at: Option<Time>,
    expires_at: Option<Time>,
    /// Why it gets nothing.
    bar: Option<String>,
    grants: Vec<ShownRule>,
    /// All of it in sentences.
    in_words: Vec<String>,
}

/// Who a personal token is of.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenPerson")]
struct ShownPerson {
    /// The account's.
    id: String,
    name: String,
    role: &'static str,
}

/// Something that a token may do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenAbility")]
struct ShownAbility {
    name: &'static str,
    /// The same in words.
    allows: &'static str,
}

/// A grant as a token has it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenGrant")]
struct ShownRule {
    id: String,
    /// Slugs; null for all.
    repositories: Option<Vec<String>>,
    packages: Vec<NameGlob>,
    /// Constraints, all of which hold.
    #[schemars(with = "Vec<String>")]
    versions: Vec<Constraint>,
    released_until: Option<Time>,
    released_after: Option<Time>,
    #[schemars(with = "Option<String>")]
    minimum_stability: Option<Stability>,
    source: bool,
}

/// Who calls, and what the token can do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnToken")]
pub(crate) struct ShownOwn {
    #[serde(flatten)]
    token: Shown,
    /// Null for the owner of the instance.
    organisation: Option<ShownOrganisation>,
}

/// `GET /api/v1/token`: who the caller is.
pub(crate) async fn show_own(app: &App, principal: &Rc<Principal>) -> Result<Reply> {
    let mut token = describe(principal);
    token.id.clone_from(&principal.token);
    let organisation = match principal.organisation {
        None => None,
        Some(id) => {
            let Organisation { slug, name, .. } = load_organisation(app, id).await?;
            Some(ShownOrganisation { slug, name })
        }
    };
    let shown = ShownOwn {
        token,
        organisation,
    };
    Ok(Reply::json(200, &shown))
}

/// What a principal may do, in values and in words.
fn describe(principal: &Principal) -> Shown {
    let (kind, person, customer) = match principal.caller.clone() {
        Caller::Instance => ("instance", None, None),
        Caller::Machine => ("machine", None, None),
        Caller::Person {
            account: id,
            name,
            role,
        } => {
            let role = role.as_str();
            ("personal", Some(ShownPerson { id, name, role }), None)
        }
        Caller::Customer { id, name } => ("customer", None, Some(Named { id, name })),
    };
    let abilities = principal.abilities.iter().map(|ability| ShownAbility {
        name: ability.as_str(),
        allows: ability.in_words(),
    });
    let networks = principal.networks.as_ref();
    let contact = principal.contact.as_deref();
    Shown {
        id: String::new(),
        kind: Some(kind),
        person,
        customer,
        access: Access::of(principal.abilities).map(Access::as_str),
        abilities: abilities.collect(),
        repositories: principal.repositories.clone(),
        packages: principal.packages.clone(),
        networks: networks.map(|networks| networks.iter().map(ToString::to_string).collect()),
        sees_all: principal.sees_all,
        frozen_at: principal.frozen_at.map(Time::of),
        expires_at: principal.expires_at.map(Time::of),
        bar: principal.bar.as_ref().map(|bar| bar.message(contact)),
        grants: principal.rules.iter().map(show_rule).collect(),
        in_words: in_words(principal),
    }
}

fn show_rule(rule: &Rule) -> ShownRule {
    ShownRule {
        id: rule.grant.clone(),
        repositories: rule.repositories.clone(),
        packages: rule.packages.clone(),
        versions: rule.limit.constraints.clone(),
        released_until: rule.limit.released_until.map(Time::of),
        released_after: rule.limit.released_after.map(Time::of),
        minimum_stability: rule.limit.minimum_stability,
        source: rule.limit.source,
    }
}

/// Sentences, one for each thing that somebody who wonders why should know.
pub(crate) fn in_words(principal: &Principal) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(bar) = &principal.bar {
        words.push(format!("{}.", bar.message(principal.contact.as_deref())));
    }
    for ability in principal.abilities.iter() {
        words.push(format!("It may {}.", ability.in_words()));
    }
    if let Some(slugs) = &principal.repositories {
        words.push(format!("Only in the repositories {}.", slugs.join(", ")));
    }
    if let Some(globs) = &principal.packages {
        let globs: Vec<_> = globs.iter().map(NameGlob::as_str).collect();
        words.push(format!(
            "Only packages whose names fit {}.",
            globs.join(", ")
        ));
    }
    if let Some(networks) = &principal.networks {
        let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
        words.push(format!("Only from the networks {}.", networks.join(", ")));
    }
    if principal.sees_all {
        words.push("Of packages it sees all that these limits leave.".to_owned());
    } else {
        words.push(match principal.rules.len() {
            0 => "Of packages it sees none: nothing was granted.".to_owned(),
            _ => "Of packages it sees what was granted:".to_owned(),
        });
        words.extend(principal.rules.iter().map(rule_in_words));
    }
    if let Some(at) = principal.frozen_at {
        words.push(format!("Nothing newer than {}.", day(at)));
    }
    words
}

fn rule_in_words(rule: &Rule) -> String {
    let packages: Vec<_> = rule.packages.iter().map(NameGlob::as_str).collect();
    let mut text = packages.join(", ");
    if let Some(slugs) = &rule.repositories {
        let _ = write!(text, " in the repositories {}", slugs.join(", "));
    }
    let limit = &rule.limit;
    for constraint in &limit.constraints {
        let _ = write!(text, ", versions {}", json!(constraint));
    }
    if let Some(until) = limit.released_until {
        let _ = write!(text, ", released until {}", day(until));
    }
    if let Some(after) = limit.released_after {
        let _ = write!(text, ", released from {} on", day(after));
    }
    if let Some(stability) = limit.minimum_stability {
        let _ = write!(text, ", at least {}", json!(stability));
    }
    text.push('.');
    text
}
