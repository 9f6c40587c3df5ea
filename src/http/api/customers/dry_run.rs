//! What a change would give and take, before it is made. Nothing is written.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::{CollectionItem, GrantRecord};
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::api::customers::collections::read_changed_items;
use crate::http::api::customers::explain::{
    after, key, load_facts, looked, place, principal_now, sees,
};
use crate::http::api::customers::grant_input::{as_record, read_grant};
use crate::http::api::customers::grants::{check_one, load as load_grant};
use crate::http::api::customers::input::{read_customer, read_object};
use crate::http::api::customers::records::{BODY_LIMIT, load as load_customer};
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::admission::{Looked, PrincipalFacts};
use crate::store::collections::find_collection;
use crate::store::effective_access::{
    PlaceFilter, list_grants_of_collection, list_places, list_versions_of,
};
use crate::store::grants::Grant;
use crate::store::organisations::Organisation;

/// More changes at once are not gone through.
const MOST_CHANGES: usize = 20;
/// The id of a grant that is not there yet.
const PROPOSED: &str = "proposed";

/// Tells which versions somebody would see that it does not see now, and the other way round. Of packages for which nothing
/// would change nothing is said, so that a page may be empty and still be followed by another.
pub(super) async fn dry_run(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(&request)?;
    let mut body = read_object(&mut request, BODY_LIMIT).await?;
    let changes = match body.remove("changes") {
        Some(Value::Array(changes)) if (1..=MOST_CHANGES).contains(&changes.len()) => changes,
        _ => {
            return Err(Error::bad_value(
                "/changes",
                format!(
                    "`changes` must be a list of 1 to {MOST_CHANGES}, each one of `{{\"grant\": {{…}}}}`, \
                     `{{\"remove_grant\": \"…\"}}`, `{{\"customer\": {{…}}}}` and `{{\"collection\": {{…}}}}`"
                ),
            ));
        }
    };
    let mut text = |name: &str| match body.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (package, repository) = (text("package"), text("repository"));
    let looked = {
        let given: Vec<_> = ["customer", "token", "member", "team"]
            .into_iter()
            .map(|name| (name, text(name)))
            .collect();
        looked(|name| {
            let found = given.iter().find(|(known, _)| *known == name);
            found.and_then(|(_, value)| value.clone())
        })?
    };
    if let Some(name) = body.keys().next() {
        return Err(Error::bad_value(
            format!("/{name}"),
            format!("`{name}` is no field here"),
        ));
    }
    let before = load_facts(app, organisation, &looked).await?;
    let mut after_change = before.clone();
    for (index, change) in changes.into_iter().enumerate() {
        let Value::Object(change) = change else {
            return Err(unknown_change(index));
        };
        let mut change = change.into_iter();
        let (Some((kind, change)), None) = (change.next(), change.next()) else {
            return Err(unknown_change(index));
        };
        apply(
            app,
            organisation,
            &looked,
            &mut after_change,
            (index, &kind, change),
        )
        .await?;
    }
    let (one, other) = (
        principal_now(app, &before)?,
        principal_now(app, &after_change)?,
    );
    let filter = PlaceFilter {
        package: package.as_deref(),
        repository: repository.as_deref(),
        after: after(&page),
    };
    let mut places = list_places(app, organisation.id, &filter, page.rows()).await?;
    let next = page.cut(&mut places, key);
    let versions = list_versions_of(app, &places).await?;
    let mut packages = Vec::new();
    for placed in &places {
        let at = place(organisation.id, placed);
        let (mut gained, mut lost) = (Vec::new(), Vec::new());
        for (pretty, version) in versions.get(&placed.id).into_iter().flatten() {
            let was = sees(&one, at, &placed.name, version);
            let will = sees(&other, at, &placed.name, version);
            match (was, will) {
                (false, true) => gained.push(pretty.clone()),
                (true, false) => lost.push(pretty.clone()),
                _ => {}
            }
        }
        if !gained.is_empty() || !lost.is_empty() {
            packages.push(ShownDifference {
                package: placed.name.clone(),
                repository: placed.repository.clone(),
                gained,
                lost,
            });
        }
    }
    let barred = other
        .bar
        .as_ref()
        .map(|bar| bar.message(other.contact.as_deref()));
    let shown = Shown {
        barred,
        packages,
        next,
    };
    Ok(Reply::json(200, &shown))
}

/// What a change would give and take, a page of packages.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DryRun")]
pub(crate) struct Shown {
    /// What somebody would be told who would get nothing at all.
    barred: Option<String>,
    /// Those for which something would change.
    packages: Vec<ShownDifference>,
    /// The cursor to the next page.
    next: Option<String>,
}

/// What would change of a package in a repository.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DryRunPackage")]
struct ShownDifference {
    package: PackageName,
    repository: String,
    /// Versions that would be seen.
    gained: Vec<String>,
    /// Versions that would be seen no more.
    lost: Vec<String>,
}

/// The body, for the description of the API, which is written natively: it is read field by field, since what a change is
/// depends on what there is.
#[cfg(not(target_arch = "wasm32"))]
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "DryRunOf")]
#[expect(dead_code, reason = "only its schema is of use")]
pub(crate) struct Asked {
    /// The id of a customer; one of four.
    customer: Option<String>,
    /// The id of a token.
    token: Option<String>,
    /// The id of a member.
    member: Option<String>,
    /// The id of a team.
    team: Option<String>,
    /// This package alone.
    package: Option<String>,
    /// This repository alone.
    repository: Option<String>,
    /// Made one after the other: each has one of `grant`, `remove_grant`, `customer` and `collection`.
    #[schemars(length(min = 1, max = 20))]
    changes: Vec<Map<String, Value>>,
}

fn unknown_change(index: usize) -> Error {
    Error::bad_value(
        format!("/changes/{index}"),
        "A change must be one of `{\"grant\": {…}}`, `{\"remove_grant\": \"…\"}`, `{\"customer\": {…}}` and \
         `{\"collection\": {…}}`",
    )
}

/// Makes a change in memory.
async fn apply(
    app: &App,
    organisation: &Organisation,
    looked: &Looked,
    facts: &mut PrincipalFacts,
    (index, kind, change): (usize, &str, Value),
) -> Result<()> {
    let at = |error: Error| within(index, kind, error);
    match (kind, change) {
        ("grant", Value::Object(change)) => {
            let grant = propose_grant(app, organisation, looked, change)
                .await
                .map_err(at)?;
            let items = load_items(app, organisation, &grant).await?;
            let record = as_record(&grant, organisation.id, items.as_deref())?;
            put(&mut facts.grants, record);
            Ok(())
        }
        ("remove_grant", Value::String(id)) => {
            let known = facts.grants.len();
            facts.grants.retain(|grant| grant.id != id);
            if facts.grants.len() == known {
                return Err(at(Error::bad_value("", "No such grant reaches them")));
            }
            Ok(())
        }
        ("customer", Value::Object(change)) => {
            let Some(id) = facts.customer().map(str::to_owned) else {
                return Err(at(Error::bad_value("", "This is no customer")));
            };
            let known = load_customer(app, organisation, &id).await?;
            let customer = read_customer(Some(&known), change, &id, app.now()).map_err(at)?;
            facts.set_customer(&customer);
            Ok(())
        }
        ("collection", Value::Object(mut change)) => {
            let Some(Value::String(id)) = change.remove("id") else {
                return Err(at(Error::bad_value(
                    "/id",
                    "A change of a collection needs its `id`",
                )));
            };
            let items = read_changed_items(app, organisation, &id, change)
                .await
                .map_err(at)?;
            let grants: BTreeSet<_> = list_grants_of_collection(app, organisation.id, &id)
                .await?
                .into_iter()
                .collect();
            for grant in &mut facts.grants {
                if grants.contains(&grant.id) {
                    grant.items = Some(items.clone());
                }
            }
            Ok(())
        }
        _ => Err(unknown_change(index)),
    }
}

/// A grant as it would be: a new one for whom the call is about, or a known one with a change.
async fn propose_grant(
    app: &App,
    organisation: &Organisation,
    looked: &Looked,
    mut change: Map<String, Value>,
) -> Result<Grant> {
    let known = match change.remove("id") {
        Some(Value::String(id)) => Some(load_grant(app, organisation, &id).await?),
        _ => None,
    };
    if known.is_none() && !change.contains_key("subject") {
        let subject = match looked {
            Looked::Customer(id) => json!({ "customer": id }),
            Looked::Token(id) => json!({ "token": id }),
            Looked::Team(id) => json!({ "team": id }),
            Looked::Member(_) => {
                return Err(Error::bad_value(
                    "/subject",
                    "A person gets grants by teams: name the team as `subject`",
                ));
            }
        };
        change.insert("subject".to_owned(), subject);
    }
    let is_new = known.is_none();
    let mut grant = check_one(app, organisation, read_grant(known, change)?).await?;
    if is_new {
        PROPOSED.clone_into(&mut grant.id);
    }
    Ok(grant)
}

async fn load_items(
    app: &App,
    organisation: &Organisation,
    grant: &Grant,
) -> Result<Option<Vec<CollectionItem>>> {
    let Some(id) = &grant.collection_id else {
        return Ok(None);
    };
    let collection = find_collection(app, organisation.id, id).await?;
    collection
        .map(|collection| serde_json::from_str(&collection.items).map_err(Error::internal))
        .transpose()
}

fn put(grants: &mut Vec<GrantRecord>, record: GrantRecord) {
    match grants.iter_mut().find(|grant| grant.id == record.id) {
        Some(grant) if record.id != PROPOSED => *grant = record,
        _ => grants.push(record),
    }
}

/// A fault within a change, with its place in the whole.
fn within(index: usize, kind: &str, error: Error) -> Error {
    if error.fields().is_empty() {
        return error;
    }
    let faults = error.fields().iter().cloned().map(|mut fault| {
        fault.field = format!("/changes/{index}/{kind}{}", fault.field);
        fault
    });
    Error::invalid_fields(faults.collect())
}
