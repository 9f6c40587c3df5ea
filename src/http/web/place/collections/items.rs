//! What is in a collection: added, changed, removed. The API takes the whole list; so that nobody changes an item that has
//! taken the place of another meanwhile, a form sends along what the item was.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::CollectionItem;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::form::{Faults, Form};
use crate::http::web::place::collections::{
    address, api_path, find_to_change, item_as_input, items_of, shell_below,
};
use crate::http::web::place::terms::{Terms, read_limits, read_packages};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::store::collections::Collection;

/// What an item is, for a form to send along.
pub(super) fn spelling(item: &CollectionItem) -> Result<String> {
    serde_json::to_string(item).map_err(Error::internal)
}

fn page(
    shell: Shell,
    place: &Place,
    collection: &Collection,
    known: Option<(usize, &CollectionItem)>,
    sent: Option<(&Form, &Faults)>,
) -> Result<AskPage> {
    let back = address(place, &collection.id);
    let terms = known.map_or_else(Terms::default, |(_, item)| Terms::of_item(item));
    let asking = terms.ask(Asking::of(sent).field(terms.packages_field()));
    Ok(match known {
        None => asking.page(shell, format!("{back}/items/new"), "Add them", back),
        Some((number, item)) => asking
            .page(shell, format!("{back}/items/{number}"), "Save", back)
            .hidden("was", spelling(item)?),
    })
}

/// Asks what to add.
pub(super) async fn show_new(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let collection = find_to_change(app, place, id).await?;
    let shell = shell_below(app, visit, place, &collection, "Add packages")?;
    page(shell, place, &collection, None, None)?.reply()
}

fn read(form: &Form, known: &Terms) -> Value {
    let mut item = read_limits(form, known);
    item.insert("packages".to_owned(), read_packages(form));
    Value::Object(item)
}

/// Sends the whole list, in which something was changed.
async fn put(
    app: &App,
    visit: &Visit,
    place: &Place,
    collection: &Collection,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<Value> {
    let mut items: Vec<_> = items_of(collection)?.iter().map(item_as_input).collect();
    change(&mut items);
    let body = json!({ "items": items });
    let path = api_path(&collection.id);
    place.ask(app, visit, "PATCH", &path, Some(&body)).await
}

/// The faults of one item, by the names of its fields.
fn faults_of(error: Error, number: usize) -> Result<Faults> {
    Ok(Faults::of(error)?.below(&format!("items.{number}")))
}

/// Adds it.
pub(super) async fn add(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let collection = find_to_change(app, place, id).await?;
    let number = items_of(&collection)?.len();
    let item = read(&form, &Terms::default());
    let answer = put(app, visit, place, &collection, |items| items.push(item)).await;
    match answer {
        Ok(_) => Ok(visit.go_on(
            &address(place, id),
            "Added. Whoever has the collection sees it",
        )),
        Err(error) => {
            let faults = faults_of(error, number)?;
            let shell = shell_below(app, visit, place, &collection, "Add packages")?;
            page(shell, place, &collection, None, Some((&form, &faults)))?.reply()
        }
    }
}

fn item_at(collection: &Collection, number: usize) -> Result<CollectionItem> {
    items_of(collection)?
        .into_iter()
        .nth(number)
        .ok_or_else(|| missing("item"))
}

/// The item that a form is about, if it still is what it was.
fn item_as_it_was(collection: &Collection, number: usize, form: &Form) -> Result<CollectionItem> {
    let item = item_at(collection, number)?;
    if spelling(&item)? == form.text("was") {
        return Ok(item);
    }
    Err(Error::conflict(
        "Somebody else changed this collection at the same time; look at it and try again",
    ))
}

/// Shows an item, to be changed.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    number: usize,
) -> Result<Reply> {
    let collection = find_to_change(app, place, id).await?;
    let item = item_at(&collection, number)?;
    let shell = shell_below(app, visit, place, &collection, "Change packages")?;
    page(shell, place, &collection, Some((number, &item)), None)?.reply()
}

/// Changes it.
pub(super) async fn change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    number: usize,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let collection = find_to_change(app, place, id).await?;
    let item = item_as_it_was(&collection, number, &form)?;
    let changed = read(&form, &Terms::of_item(&item));
    let answer = put(app, visit, place, &collection, |items| {
        if let Some(known) = items.get_mut(number) {
            *known = changed;
        }
    })
    .await;
    match answer {
        Ok(_) => Ok(visit.go_on(
            &address(place, id),
            "Saved. Whoever has the collection sees it",
        )),
        Err(error) => {
            let faults = faults_of(error, number)?;
            let sent = Some((&form, &faults));
            let shell = shell_below(app, visit, place, &collection, "Change packages")?;
            page(shell, place, &collection, Some((number, &item)), sent)?.reply()
        }
    }
}

/// Takes it out.
pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    number: usize,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let collection = find_to_change(app, place, id).await?;
    let to = address(place, id);
    let answer = match item_as_it_was(&collection, number, &form) {
        Ok(_) => {
            put(app, visit, place, &collection, |items| {
                if number < items.len() {
                    items.remove(number);
                }
            })
            .await
        }
        Err(error) => Err(error),
    };
    match answer {
        Ok(_) => Ok(visit.go_on(&to, "Removed. Whoever has the collection sees it no more")),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(&to, &faults.besides(&[]).join(". ")))
        }
    }
}
