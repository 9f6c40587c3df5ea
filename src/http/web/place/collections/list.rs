//! The list of collections.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::place::collections::{address, crumbs, items_of, list_address};
use crate::http::web::place::terms::Terms;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::collections::list_collections;

/// So many collections are on a page.
const ROWS: i64 = 50;
/// So many items of each are told of.
const TOLD: usize = 3;

struct ShownRow {
    name: String,
    href: String,
    description: String,
    items: Vec<String>,
    more: usize,
    grants: i64,
}

#[derive(Template)]
#[template(path = "place/collections/list.html")]
struct CollectionsPage {
    shell: Shell,
    address: String,
    may_change: bool,
    rows: Vec<ShownRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(in crate::http::web::place) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, true)?;
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let after = cut.after().unwrap_or_default();
    let mut found = list_collections(app, place.organisation.id, after, cut.rows()).await?;
    let next = cut.cut(&mut found, |row| row.name.clone());
    let list = list_address(place);
    let mut rows = Vec::new();
    for collection in found {
        let items = items_of(&collection)?;
        rows.push(ShownRow {
            href: address(place, &collection.id),
            name: collection.name,
            description: collection.description.unwrap_or_default(),
            more: items.len().saturating_sub(TOLD),
            items: items
                .iter()
                .take(TOLD)
                .map(|item| Terms::of_item(item).words())
                .collect(),
            grants: collection.grants,
        });
    }
    let shell = visit.shell_at(app, Section::Customers, "Collections", crumbs(place))?;
    page(&CollectionsPage {
        shell,
        may_change: place.may(Ability::ManageCustomers),
        rows,
        first: cut.after().map(|_| list.clone()),
        next: next.map(|cursor| with_query(&list, &[("cursor", &cursor)])),
        address: list,
    })
}
