//! Collections: listed, made, shown, changed, removed.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::CollectionItem;
use crate::domain::constraint::Constraint;
use crate::domain::name::NameGlob;
use crate::domain::stability::Stability;
use crate::error::{Code, Error, Result};
use crate::http::api::customers::grant_input::{MOST_PATTERNS, read_constraint, read_stability};
use crate::http::api::customers::input::{
    bad, lay_over, read_name, read_notes, read_object, read_time, refuse,
};
use crate::http::api::customers::records::BODY_LIMIT;
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::collections::{
    self as store, Collection, delete_collection, find_collection, insert_collection,
};
use crate::store::organisations::Organisation;

/// Each is looked at with each request of whoever has the collection.
const MOST_ITEMS: usize = 1_000;

/// A collection, as it is to be.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewCollection")]
pub(crate) struct CollectionInput {
    /// Once in the organisation.
    #[deserr(try_from(String) = read_name -> BadValue)]
    name: String,
    /// For people.
    #[deserr(default, try_from(Option<String>) = read_notes -> BadValue)]
    description: Option<String>,
    /// What is in it.
    items: Vec<ItemInput>,
}

/// Packages of a collection, with limits of their own.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewCollectionItem")]
pub(crate) struct ItemInput {
    /// Names or patterns such as `acme/*`.
    packages: Vec<NameGlob>,
    /// A constraint as in composer.json.
    #[deserr(default, try_from(Option<String>) = read_constraint -> BadValue)]
    #[schemars(with = "Option<String>")]
    versions: Option<Constraint>,
    /// What was released until then.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    released_until: Option<i64>,
    /// What was released from then on.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    released_after: Option<i64>,
    /// What is at least as stable.
    #[deserr(default, try_from(Option<String>) = read_stability -> BadValue)]
    #[schemars(with = "Option<String>")]
    minimum_stability: Option<Stability>,
    /// Whether the address of the source is shown.
    #[deserr(default)]
    source: Option<bool>,
}

/// Lists collections by name.
pub(super) async fn list_collections(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let after = page.after().unwrap_or_default();
    let mut rows = store::list_collections(app, organisation.id, after, page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.name.clone());
    let collections = rows.into_iter().map(show).collect::<Result<_>>()?;
    Ok(Reply::json(200, &ShownPage { collections, next }))
}

/// Makes a collection.
pub(super) async fn create_collection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let (name, description, items) = read(Value::Object(asked))?;
    let collection = Collection {
        id: app.random_id()?,
        name,
        description,
        items: spell(&items)?,
        grants: 0,
        created_at: app.now(),
        changed_at: app.now(),
    };
    insert_collection(app, organisation.id, &collection).await?;
    Ok(Reply::json(201, &show(collection)?))
}

/// Shows a collection.
pub(super) async fn show_collection(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let collection = load(app, organisation, id).await?;
    Ok(Reply::json(200, &show(collection)?))
}

/// Changes a collection, and with it what everybody sees to whom it was granted.
pub(super) async fn update_collection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let mut collection = load(app, organisation, id).await?;
    let (name, description, items) = read(lay_over(as_input(&collection)?, asked))?;
    let items = spell(&items)?;
    let items_changed = items != collection.items;
    collection.name = name;
    collection.description = description;
    collection.items = items;
    collection.changed_at = app.now();
    if !store::update_collection(app, organisation.id, &collection, items_changed).await? {
        return Err(missing("collection"));
    }
    Ok(Reply::json(200, &show(collection)?))
}

/// Removes a collection; with the grants that use it where that is said.
pub(super) async fn remove_collection(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let with_grants = match request.query_parameter("grants").as_deref() {
        None => false,
        Some("remove") => true,
        Some(_) => {
            return Err(Error::bad_value(
                "?grants",
                "`grants` may be `remove`: then the grants that use the collection go with it",
            ));
        }
    };
    let collection = load(app, organisation, id).await?;
    if delete_collection(app, organisation.id, id, with_grants).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(Error::conflict(format!(
        "Grants use this collection ({} of them): change them first, or add `?grants=remove` to remove them with it",
        collection.grants
    ))
    .with_code(Code::InUse))
}

async fn load(app: &App, organisation: &Organisation, id: &str) -> Result<Collection> {
    find_collection(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("collection"))
}

/// The items of a collection after a change, or of one that is proposed.
pub(super) async fn read_changed_items(
    app: &App,
    organisation: &Organisation,
    id: &str,
    change: Map<String, Value>,
) -> Result<Vec<CollectionItem>> {
    let collection = load(app, organisation, id).await?;
    let (_, _, items) = read(lay_over(as_input(&collection)?, change))?;
    Ok(items)
}

type ReadCollection = (String, Option<String>, Vec<CollectionItem>);

fn read(value: Value) -> Result<ReadCollection> {
    let asked: CollectionInput = Faults::read(value)?;
    let mut faults = Vec::new();
    if asked.items.len() > MOST_ITEMS {
        faults.push(bad("/items", "`items` may have 1,000 entries at most"));
    }
    for (index, item) in asked.items.iter().enumerate() {
        if item.packages.is_empty() || item.packages.len() > MOST_PATTERNS {
            faults.push(bad(
                &format!("/items/{index}/packages"),
                format!("`packages` must name 1 to {MOST_PATTERNS} packages or patterns"),
            ));
        }
    }
    refuse(faults)?;
    let items = asked.items.into_iter().map(|item| CollectionItem {
        packages: item.packages,
        versions: item.versions,
        released_until: item.released_until,
        released_after: item.released_after,
        minimum_stability: item.minimum_stability,
        source: item.source.unwrap_or(true),
    });
    Ok((asked.name, asked.description, items.collect()))
}

fn spell(items: &[CollectionItem]) -> Result<String> {
    serde_json::to_string(items).map_err(Error::internal)
}

fn as_input(collection: &Collection) -> Result<Map<String, Value>> {
    let shown = json!({
        "name": collection.name,
        "description": collection.description,
        "items": show_items(collection)?,
    });
    Ok(match shown {
        Value::Object(fields) => fields,
        _ => Map::new(),
    })
}

/// A collection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Collection")]
pub(crate) struct Shown {
    id: String,
    name: String,
    description: Option<String>,
    items: Vec<ShownItem>,
    /// How many grants use it.
    grants: i64,
    created_at: Time,
    changed_at: Time,
}

/// Packages of a collection, with limits of their own.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CollectionItem")]
struct ShownItem {
    packages: Vec<NameGlob>,
    #[schemars(with = "Option<String>")]
    versions: Option<Constraint>,
    released_until: Option<Time>,
    released_after: Option<Time>,
    #[schemars(with = "Option<String>")]
    minimum_stability: Option<Stability>,
    source: bool,
}

/// A page of collections.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CollectionPage")]
pub(crate) struct ShownPage {
    collections: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

fn show_items(collection: &Collection) -> Result<Vec<ShownItem>> {
    let items: Vec<CollectionItem> =
        serde_json::from_str(&collection.items).map_err(Error::internal)?;
    let show = |item: CollectionItem| ShownItem {
        packages: item.packages,
        versions: item.versions,
        released_until: item.released_until.map(Time::of),
        released_after: item.released_after.map(Time::of),
        minimum_stability: item.minimum_stability,
        source: item.source,
    };
    Ok(items.into_iter().map(show).collect())
}

fn show(collection: Collection) -> Result<Shown> {
    Ok(Shown {
        items: show_items(&collection)?,
        id: collection.id,
        name: collection.name,
        description: collection.description,
        grants: collection.grants,
        created_at: Time::of(collection.created_at),
        changed_at: Time::of(collection.changed_at),
    })
}
