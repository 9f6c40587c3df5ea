//! The page of a customer: its state, what it was granted, its tokens, and what it installs.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::statistics::{Bucket, Period};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::customers::records::state_of;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page_with};
use crate::http::web::place::customers::list::State;
use crate::http::web::place::customers::{address, list_address};
use crate::http::web::place::grants::ShownGrants;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::uses::{MOST_PACKAGES, Uses};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;
use crate::store::customer_page::{UsedToken, load_customer_page};
use crate::store::statistics::find_customer_use;

struct ShownToken {
    href: String,
    name: String,
    hint: String,
    networks: String,
    used: Option<Moment>,
    ends: Option<Moment>,
    state: State,
    word: &'static str,
    is_in_force: bool,
    /// Another one is in its place already.
    is_replaced: bool,
}

impl ShownToken {
    fn of(token: UsedToken, address: &str, now: i64) -> Self {
        let has_expired = token.expires_at.is_some_and(|end| now >= end);
        let (word, state) = match (&token.revoked_at, has_expired, &token.replaced_by) {
            (Some(_), _, _) => ("revoked", "suspended"),
            (None, true, _) => ("expired", "expired"),
            (None, false, Some(_)) => ("replaced", "frozen"),
            (None, false, None) => ("in force", "active"),
        };
        let networks: Option<Vec<String>> = token
            .networks
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        Self {
            href: format!("{address}/tokens/{}", encoded(&token.id)),
            name: token.name,
            hint: token.hint,
            networks: networks.unwrap_or_default().join(", "),
            used: token.last_used_at.map(Moment::of),
            ends: token.expires_at.map(Moment::of),
            state: State::of(state),
            word,
            is_in_force: token.revoked_at.is_none() && !has_expired,
            is_replaced: token.replaced_by.is_some(),
        }
    }
}

#[derive(Template)]
#[template(path = "place/customers/show.html")]
struct CustomerPage {
    shell: Shell,
    address: String,
    may_change: bool,
    state: State,
    reason: Option<String>,
    frozen_at: Option<Moment>,
    expires_at: Option<Moment>,
    email: Option<String>,
    external_id: Option<String>,
    notes: Option<String>,
    made: Moment,
    grants: ShownGrants,
    tokens: Vec<ShownToken>,
    /// The list of all its tokens, which has pages.
    all_tokens: String,
    token_fields: Vec<Field>,
    /// The form for a token is open.
    asks_for_token: bool,
    faults: Vec<String>,
    reason_field: Field,
    uses: Uses,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    show_with(app, visit, place, id, None).await
}

/// The same with a form about a token that was refused.
pub(super) async fn show_with(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, true)?;
    let cut = ShownGrants::cut(visit)?;
    let after = cut.after_moment();
    let organisation = &place.organisation;
    let found = load_customer_page(app, organisation.id, id, after, cut.rows())
        .await?
        .ok_or_else(|| missing("customer"))?;
    let now = app.now();
    let period = Period::until(&day(now), Uses::DAYS, Bucket::Day).map_err(Error::internal)?;
    let uses = find_customer_use(app, organisation.id, id, &period, MOST_PACKAGES)
        .await?
        .ok_or_else(|| missing("customer"))?;
    let address = address(place, id);
    let grants = ShownGrants::of(app, place, &address, &cut, found.grants)?;
    let asks_for_token = sent.is_some() || found.tokens.is_empty();
    let customer = found.customer;
    let crumbs = vec![Crumb::new("Customers", list_address(place))];
    let shell = visit.shell_at(app, Section::Customers, &customer.name, crumbs)?;
    let fill = |field: Field, of: &str| match sent {
        Some((form, faults)) => {
            let mut field = field.typed(form, faults);
            field.error = faults.at(of);
            field
        }
        None => field,
    };
    let token_fields = vec![
        fill(
            Field::text("token_name", "What it is for").hint("Such as: CI of Globex"),
            "name",
        ),
        fill(
            Field::text("networks", "Only from these networks")
                .optional()
                .hint("Such as 192.0.2.0/24; from anywhere without it"),
            "networks",
        ),
        fill(
            Field {
                kind: "date",
                ..Field::text("token_expires_at", "Ends on")
            }
            .optional(),
            "expires_at",
        ),
    ];
    let faults = sent.map_or_else(Vec::new, |(_, faults)| {
        faults.besides(&["name", "networks", "expires_at"])
    });
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &CustomerPage {
            may_change: place.may(Ability::ManageCustomers),
            state: State::of(state_of(&customer, now)),
            reason: customer.state_reason,
            frozen_at: customer.frozen_at.map(Moment::of),
            expires_at: customer.expires_at.map(Moment::of),
            email: customer.email,
            external_id: customer.external_id,
            notes: customer.notes,
            made: Moment::of(customer.created_at),
            grants,
            all_tokens: format!(
                "/ui/{}/tokens?customer={}",
                place.organisation.slug,
                encoded(id)
            ),
            tokens: found
                .tokens
                .into_iter()
                .map(|token| ShownToken::of(token, &address, now))
                .collect(),
            asks_for_token,
            token_fields,
            faults,
            reason_field: Field::text("reason", "Why")
                .optional()
                .hint("One line; Composer prints it to the customer"),
            uses: Uses::of(&uses, &customer.name),
            shell,
            address,
        },
    )
}
