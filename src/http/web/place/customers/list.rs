//! The list of customers.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::time::day;
use crate::error::Result;
use crate::http::api::customers::records::state_of;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::page::{Moment, page};
use crate::http::web::place::customers::{address, list_address};
use crate::http::web::place::terms::Terms;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::customer_page::list_doings;
use crate::store::customers::{CustomerFilter, list_customers};

/// So many customers are on a page.
const ROWS: i64 = 50;
/// Installs are counted of so many days.
const DAYS: i64 = 30;
/// The states that a list can be narrowed to.
const STATES: [&str; 4] = ["active", "suspended", "frozen", "expired"];

/// A state as a badge.
pub(super) struct State {
    pub(super) word: &'static str,
    pub(super) class: &'static str,
}

impl State {
    pub(super) fn of(state: &str) -> Self {
        let (word, class) = match state {
            "suspended" => ("suspended", "bad"),
            "frozen" => ("frozen", "warn"),
            "expired" => ("expired", "warn"),
            _ => ("active", "good"),
        };
        Self { word, class }
    }
}

struct ShownRow {
    name: String,
    href: String,
    about: String,
    state: State,
    grants: Vec<String>,
    more: i64,
    seen: Option<Moment>,
    installs: u64,
}

#[derive(Template)]
#[template(path = "place/customers/list.html")]
struct CustomersPage {
    shell: Shell,
    address: String,
    collections: String,
    search: Field,
    states: Vec<Choice>,
    is_filtered: bool,
    may_change: bool,
    rows: Vec<ShownRow>,
    command: String,
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
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (search, state) = (given("search"), given("state"));
    let state = if STATES.contains(&state.as_str()) {
        state
    } else {
        String::new()
    };
    let searched = search.trim();
    let filter = CustomerFilter {
        state: Some(state.as_str()).filter(|state| !state.is_empty()),
        search: Some(searched).filter(|search| !search.is_empty()),
        after: cut.after().and_then(|after| after.rsplit_once('\n')),
        ..CustomerFilter::default()
    };
    let organisation = &place.organisation;
    let mut customers = list_customers(app, organisation.id, &filter, cut.rows()).await?;
    let next = cut.cut(&mut customers, |row| format!("{}\n{}", row.name, row.id));
    let now = app.now();
    let since = day(now.saturating_sub(DAYS.saturating_mul(86_400)));
    let (mut doings, mut grants) = list_doings(app, organisation.id, &customers, &since).await?;
    let mut rows = Vec::new();
    for customer in customers {
        let doing = doings.remove(&customer.id).unwrap_or_default();
        let own = grants.remove(&customer.id).unwrap_or_default();
        let total = own.first().map_or(0, |grant| grant.total);
        let told = i64::try_from(own.len()).unwrap_or_default();
        let words: Result<Vec<_>> = own
            .iter()
            .map(|grant| Terms::of(grant).map(|terms| terms.words()))
            .collect();
        let state = State::of(state_of(&customer, now));
        rows.push(ShownRow {
            href: address(place, &customer.id),
            about: customer.email.or(customer.external_id).unwrap_or_default(),
            name: customer.name,
            state,
            grants: words?,
            more: total.saturating_sub(told),
            seen: doing.last_seen.map(Moment::of),
            installs: doing.installs.unwrap_or_default(),
        });
    }
    let list = list_address(place);
    let to = |cursor: &str| {
        let query = [("search", searched), ("state", &state), ("cursor", cursor)];
        with_query(&list, &query)
    };
    let (first, next) = (cut.after().map(|_| to("")), next.map(|cursor| to(&cursor)));
    let mut states = vec![Choice::new("", "All states", &state)];
    states.extend(STATES.map(|one| Choice::new(one, one, &state)));
    let is_filtered = first.is_some() || !searched.is_empty() || !state.is_empty();
    let public_url = &app.config.public_url;
    let command = format!(
        "curl -H \"Authorization: Bearer YOUR-TOKEN\" --json '{{\"name\": \"Globex\"}}' \\\n  \
         {public_url}/api/v1/orgs/{}/customers",
        organisation.slug
    );
    let searched = searched.to_owned();
    let shell = visit.shell_at(app, Section::Customers, "Customers", Vec::new())?;
    page(&CustomersPage {
        shell,
        collections: format!("/ui/{}/collections", organisation.slug),
        address: list,
        search: Field::text("search", "Search").optional().value(searched),
        states,
        is_filtered,
        may_change: place.may(Ability::ManageCustomers),
        rows,
        command,
        first,
        next,
    })
}
