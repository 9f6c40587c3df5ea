//! The page of a collection.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::place::collections::{address, crumbs, find, items_of, list_address};
use crate::http::web::place::terms::Terms;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, with_query};
use crate::store::customer_page::{Holder, list_holders};

/// So many of those who have it are on a page.
const HOLDERS: i64 = 50;
/// So many items are on a page.
const ITEMS: usize = 100;

struct ShownItem {
    number: usize,
    what: String,
    limits: Vec<String>,
    /// What it is, so that nobody removes another one that took its place.
    was: String,
}

struct ShownHolder {
    name: String,
    kind: &'static str,
    href: Option<String>,
}

impl ShownHolder {
    fn of(place: &Place, holder: Holder) -> Self {
        let (kind, is_customer) = match holder.kind.as_str() {
            "customer" => ("customer", true),
            "team" => ("team", false),
            "token" => ("token", false),
            _ => ("organisation", false),
        };
        let slug = &place.organisation.slug;
        Self {
            kind,
            href: is_customer.then(|| format!("/ui/{slug}/customers/{}", encoded(&holder.subject))),
            name: holder
                .name
                .unwrap_or_else(|| "somebody who is gone".to_owned()),
        }
    }
}

#[derive(Template)]
#[template(path = "place/collections/show.html")]
struct CollectionPage {
    shell: Shell,
    address: String,
    may_change: bool,
    description: Option<String>,
    items: Vec<ShownItem>,
    total: usize,
    items_next: Option<String>,
    holders: Vec<ShownHolder>,
    grants: i64,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, true)?;
    let cut = Page::of(&visit.request)?.at_most(HOLDERS);
    let start = visit
        .request
        .query_parameter("from")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or_default();
    let collection = find(app, place, id).await?;
    let after = cut.after().unwrap_or_default();
    let mut holders = list_holders(app, place.organisation.id, id, after, cut.rows()).await?;
    let next = cut.cut(&mut holders, |row| row.grant.clone());
    let items = items_of(&collection)?;
    let address = address(place, id);
    let mut above = crumbs(place);
    above.push(Crumb::new("Collections", list_address(place)));
    let shell = visit.shell_at(app, Section::Customers, &collection.name, above)?;
    let end = start.saturating_add(ITEMS);
    let shown: Result<Vec<_>> = items
        .iter()
        .enumerate()
        .skip(start)
        .take(ITEMS)
        .map(|(number, item)| {
            let terms = Terms::of_item(item);
            Ok(ShownItem {
                number,
                what: terms.what(),
                limits: terms.limits(),
                was: super::items::spelling(item)?,
            })
        })
        .collect();
    page(&CollectionPage {
        shell,
        may_change: place.may(Ability::ManageCustomers),
        description: collection.description,
        items: shown?,
        total: items.len(),
        items_next: (end < items.len())
            .then(|| with_query(&address, &[("from", end.to_string().as_str())])),
        holders: holders
            .into_iter()
            .map(|holder| ShownHolder::of(place, holder))
            .collect(),
        grants: collection.grants,
        first: (start > 0 || cut.after().is_some()).then(|| address.clone()),
        next: next.map(|cursor| with_query(&address, &[("cursor", &cursor)])),
        address,
    })
}
