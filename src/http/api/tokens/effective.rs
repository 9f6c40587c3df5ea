//! What a token can do, for whoever has it and for whoever looks after it.

use std::fmt::Write;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::{Access, Caller, Principal, Rule};
use crate::domain::name::NameGlob;
use crate::domain::time::{day, rfc3339};
use crate::error::Result;
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
        let why = "It was revoked, or whoever had it is no longer there";
        let nothing =
            json!({ "id": row.id, "bar": why, "abilities": [], "grants": [], "in_words": [why] });
        return Ok(Reply::json(200, &nothing));
    };
    // Where it is used from is not known here; the networks are shown.
    if principal.bar.is_none() && row.state == "expired" {
        principal.bar = Some(crate::domain::access::Bar::TokenExpired);
    }
    let mut shown = describe(&principal);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("id".to_owned(), row.id.as_str().into());
    }
    Ok(Reply::json(200, &shown))
}

/// `GET /api/v1/token`: who the caller is.
pub(crate) async fn show_own(app: &App, principal: &Rc<Principal>) -> Result<Reply> {
    let mut shown = describe(principal);
    let organisation = match principal.organisation {
        None => None,
        Some(id) => {
            let organisation = load_organisation(app, id).await?;
            Some(json!({ "slug": organisation.slug, "name": organisation.name }))
        }
    };
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("id".to_owned(), principal.token.as_str().into());
        fields.insert("organisation".to_owned(), organisation.into());
    }
    Ok(Reply::json(200, &shown))
}

/// What a principal may do, in values and in words.
fn describe(principal: &Principal) -> Value {
    let (kind, person, customer) = match &principal.caller {
        Caller::Instance => ("instance", Value::Null, Value::Null),
        Caller::Machine => ("machine", Value::Null, Value::Null),
        Caller::Person {
            account,
            name,
            role,
        } => (
            "personal",
            json!({ "id": account, "name": name, "role": role.as_str() }),
            Value::Null,
        ),
        Caller::Customer { id, name } => {
            ("customer", Value::Null, json!({ "id": id, "name": name }))
        }
    };
    let abilities: Vec<_> = principal
        .abilities
        .iter()
        .map(|ability| json!({ "name": ability.as_str(), "allows": ability.in_words() }))
        .collect();
    let networks = principal.networks.as_ref().map(|networks| {
        let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
        texts
    });
    let contact = principal.contact.as_deref();
    json!({
        "kind": kind,
        "person": person,
        "customer": customer,
        "access": Access::of(principal.abilities).map(Access::as_str),
        "abilities": abilities,
        "repositories": principal.repositories,
        "packages": principal.packages,
        "networks": networks,
        "sees_all": principal.sees_all,
        "frozen_at": principal.frozen_at.map(rfc3339),
        "expires_at": principal.expires_at.map(rfc3339),
        "bar": principal.bar.as_ref().map(|bar| bar.message(contact)),
        "grants": principal.rules.iter().map(show_rule).collect::<Vec<_>>(),
        "in_words": in_words(principal),
    })
}

fn show_rule(rule: &Rule) -> Value {
    json!({
        "id": rule.grant,
        "repositories": rule.repositories,
        "packages": rule.packages,
        "versions": rule.limit.constraints,
        "released_until": rule.limit.released_until.map(rfc3339),
        "released_after": rule.limit.released_after.map(rfc3339),
        "minimum_stability": rule.limit.minimum_stability,
        "source": rule.limit.source,
    })
}

/// Sentences, one for each thing that somebody who wonders why should know.
fn in_words(principal: &Principal) -> Vec<String> {
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
