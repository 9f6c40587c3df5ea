//! Collections: the list, one of them with what is in it and who has it, and what is changed of it.

mod edit;
mod items;
mod list;
mod show;

use serde_json::{Value, json};
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Ability, CollectionItem};
use crate::domain::time::rfc3339;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;
use crate::store::collections::{Collection, find_collection};

pub(super) use list::show as list;

/// What is looked at or done below the list of collections. The text is a collection's id, the number an item's place.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CollectionRoute {
    /// `new`: another one.
    New(Act),
    /// The page of one.
    Show(String),
    /// `…/edit`: its name and description.
    Edit(String, Act),
    /// `…/items/new`.
    NewItem(String, Act),
    /// `…/items/{place}`.
    Item(String, usize, Act),
    /// `…/items/{place}/remove`.
    RemoveItem(String, usize),
    /// `…/delete`: asks, and deletes.
    Delete(String, Act),
}

impl CollectionRoute {
    /// Finds the page below `/ui/{org}/collections`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let act = || Act::of(method);
        let place = |text: &str| text.parse::<usize>().map_err(|_| NoRoute::NotFound);
        match segments {
            ["new"] => act().map(Self::New),
            [id, rest @ ..] => {
                let id = percent_decode(id);
                match rest {
                    [] => get(method, Self::Show(id)),
                    ["edit"] => act().map(|act| Self::Edit(id, act)),
                    ["items", "new"] => act().map(|act| Self::NewItem(id, act)),
                    ["items", item] => {
                        let item = place(item)?;
                        act().map(|act| Self::Item(id, item, act))
                    }
                    ["items", item, "remove"] => {
                        only(method, "POST", Self::RemoveItem(id, place(item)?))
                    }
                    ["delete"] => act().map(|act| Self::Delete(id, act)),
                    _ => Err(NoRoute::NotFound),
                }
            }
            [] => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page below the list.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: CollectionRoute,
) -> Result<Reply> {
    use CollectionRoute as Route;
    match route {
        Route::New(Act::Look) => edit::show_new(app, visit, place),
        Route::New(Act::Send) => edit::make(app, visit, place).await,
        Route::Show(id) => show::show(app, visit, place, &id).await,
        Route::Edit(id, Act::Look) => edit::show(app, visit, place, &id).await,
        Route::Edit(id, Act::Send) => edit::change(app, visit, place, &id).await,
        Route::NewItem(id, Act::Look) => items::show_new(app, visit, place, &id).await,
        Route::NewItem(id, Act::Send) => items::add(app, visit, place, &id).await,
        Route::Item(id, item, Act::Look) => items::show(app, visit, place, &id, item).await,
        Route::Item(id, item, Act::Send) => items::change(app, visit, place, &id, item).await,
        Route::RemoveItem(id, item) => items::remove(app, visit, place, &id, item).await,
        Route::Delete(id, Act::Look) => edit::show_delete(app, visit, place, &id).await,
        Route::Delete(id, Act::Send) => edit::delete(app, visit, place, &id).await,
    }
}

/// Where the list is.
fn list_address(place: &Place) -> String {
    format!("/ui/{}/collections", place.organisation.slug)
}

/// Where the page of one is.
pub(super) fn address(place: &Place, id: &str) -> String {
    format!("{}/{}", list_address(place), encoded(id))
}

/// The API's path of one, below the organisation's.
fn api_path(id: &str) -> String {
    format!("/collections/{}", encoded(id))
}

/// The pages above the list.
fn crumbs(place: &Place) -> Vec<Crumb> {
    let customers = format!("/ui/{}/customers", place.organisation.slug);
    vec![Crumb::new("Customers", customers)]
}

async fn find(app: &App, place: &Place, id: &str) -> Result<Collection> {
    find_collection(app, place.organisation.id, id)
        .await?
        .ok_or_else(|| missing("collection"))
}

/// The collection that somebody is about to change.
async fn find_to_change(app: &App, place: &Place, id: &str) -> Result<Collection> {
    place.authorise(Ability::ManageCustomers, false)?;
    find(app, place, id).await
}

/// What surrounds a page below that of a collection.
fn shell_below(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    collection: &Collection,
    title: &str,
) -> Result<Shell> {
    let mut crumbs = crumbs(place);
    crumbs.push(Crumb::new("Collections", list_address(place)));
    let own = address(place, &collection.id);
    crumbs.push(Crumb::new(collection.name.clone(), own));
    visit.shell_at(app, Section::Customers, title, crumbs)
}

/// What is in a collection.
fn items_of(collection: &Collection) -> Result<Vec<CollectionItem>> {
    serde_json::from_str(&collection.items).map_err(Error::internal)
}

/// An item as the API takes it.
fn item_as_input(item: &CollectionItem) -> Value {
    json!({
        "packages": item.packages,
        "versions": item.versions,
        "released_until": item.released_until.map(rfc3339),
        "released_after": item.released_after.map(rfc3339),
        "minimum_stability": item.minimum_stability,
        "source": item.source,
    })
}
