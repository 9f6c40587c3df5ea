//! Customers: listed, made, shown, changed, removed.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::confirmation::Confirmed;
use crate::http::api::customers::input::{read_customer, read_object};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::customers::{
    self as store, Customer, CustomerFilter, find_customer, save_customers,
};
use crate::store::organisations::Organisation;

/// As requests of one thing are.
pub(super) const BODY_LIMIT: usize = 256 * 1024;

/// Lists customers by name.
pub(super) async fn list_customers(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let given = |name| {
        let value = request.query_parameter(name);
        value.filter(|value: &String| !value.is_empty())
    };
    let (state, email) = (given("state"), given("email"));
    let (external_id, search) = (given("external_id"), given("search"));
    if let Some(state) = &state
        && !["active", "suspended", "frozen", "expired"].contains(&state.as_str())
    {
        return Err(Error::bad_value(
            "?state",
            "`state` must be `active`, `suspended`, `frozen` or `expired`",
        ));
    }
    let filter = CustomerFilter {
        state: state.as_deref(),
        email: email.as_deref(),
        external_id: external_id.as_deref(),
        search: search.as_deref(),
        after: page.after().and_then(|after| after.rsplit_once('\n')),
    };
    let mut rows = store::list_customers(app, organisation.id, &filter, page.rows()).await?;
    let next = page.cut(&mut rows, |row| format!("{}\n{}", row.name, row.id));
    let customers = rows.into_iter().map(|row| show(row, app.now())).collect();
    Ok(Reply::json(200, &ShownPage { customers, next }))
}

/// Makes a customer.
pub(super) async fn create_customer(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let customer = read_customer(None, asked, &app.random_id()?, app.now())?;
    save_customers(
        app,
        organisation.id,
        std::slice::from_ref(&customer),
        &[],
        &[],
    )
    .await
    .map_err(taken)?;
    Ok(Reply::json(201, &show(customer, app.now())))
}

/// Shows a customer.
pub(super) async fn show_customer(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let customer = load(app, organisation, id).await?;
    Ok(Reply::json(200, &show(customer, app.now())))
}

/// Changes a customer. What it may see changes within ten seconds everywhere.
pub(super) async fn update_customer(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let known = load(app, organisation, id).await?;
    let mut customer = read_customer(Some(&known), asked, id, app.now())?;
    if customer != known {
        customer.changed_at = app.now();
        let seeing_otherwise: Vec<_> = (!customer.sees_as(&known))
            .then(|| id.to_owned())
            .into_iter()
            .collect();
        let changed = std::slice::from_ref(&customer);
        save_customers(app, organisation.id, &[], changed, &seeing_otherwise)
            .await
            .map_err(taken)?;
    }
    Ok(Reply::json(200, &show(customer, app.now())))
}

/// Removes a customer with its grants, and revokes its tokens. Its name is typed again, so that it is the right one.
pub(super) async fn remove_customer(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let customer = load(app, organisation, id).await?;
    request.json::<Confirmed>().await?.check(&customer.name)?;
    if store::delete_customer(app, organisation.id, id).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("customer"))
    }
}

/// A customer of this organisation.
pub(crate) async fn load(app: &App, organisation: &Organisation, id: &str) -> Result<Customer> {
    find_customer(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("customer"))
}

/// A customer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Customer")]
pub(crate) struct Shown {
    id: String,
    name: String,
    email: Option<String>,
    /// What the shop calls it.
    external_id: Option<String>,
    /// `active`, `suspended`, `frozen` or `expired`.
    state: String,
    /// Why it is suspended, told to it.
    reason: Option<String>,
    /// From when on it sees nothing newer.
    frozen_at: Option<Time>,
    expires_at: Option<Time>,
    notes: Option<String>,
    created_at: Time,
    changed_at: Time,
}

/// A page of customers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerPage")]
pub(crate) struct ShownPage {
    customers: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

/// The state that people are told of: a customer whose time is over has expired, unless it is suspended.
pub(crate) fn state_of(customer: &Customer, now: i64) -> &str {
    let has_ended = customer.expires_at.is_some_and(|end| now >= end);
    match customer.state.as_str() {
        "suspended" => "suspended",
        _ if has_ended => "expired",
        state => state,
    }
}

/// As the API shows it.
fn show(customer: Customer, now: i64) -> Shown {
    let state = state_of(&customer, now).to_owned();
    Shown {
        id: customer.id,
        name: customer.name,
        email: customer.email,
        external_id: customer.external_id,
        state,
        reason: customer.state_reason,
        frozen_at: customer.frozen_at.map(Time::of),
        expires_at: customer.expires_at.map(Time::of),
        notes: customer.notes,
        created_at: Time::of(customer.created_at),
        changed_at: Time::of(customer.changed_at),
    }
}

fn taken(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict => {
            Error::conflict("There is a customer with this `external_id` already").because(error)
        }
        _ => error,
    }
}
