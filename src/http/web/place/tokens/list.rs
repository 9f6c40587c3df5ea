//! The list of tokens, filtered and cut into pages by the same functions as the API's.

use askama::Template;

use crate::app::App;
use crate::domain::access::{Ability, Access};
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::api::tokens::{Wanted, find_tokens};
use crate::http::reply::Reply;
use crate::http::web::field::Choice;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::tokens::{address, caller, is_person_here};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::tokens::TokenRow;

/// A token as pages show it.
pub(in crate::http::web::place) struct ShownToken {
    pub(in crate::http::web::place) href: String,
    pub(in crate::http::web::place) name: String,
    /// Its first characters.
    pub(in crate::http::web::place) hint: String,
    pub(in crate::http::web::place) kind: String,
    /// The person or the customer that it is of.
    pub(in crate::http::web::place) whose: Option<String>,
    /// `read`, `write` or `admin`, or the abilities that it has.
    pub(in crate::http::web::place) may: String,
    /// Each of what it is limited to, in words.
    pub(in crate::http::web::place) limits: Vec<String>,
    pub(in crate::http::web::place) made: Moment,
    pub(in crate::http::web::place) used: Option<Moment>,
    /// By which program, and from where.
    pub(in crate::http::web::place) used_by: String,
    pub(in crate::http::web::place) ends: Option<Moment>,
    pub(in crate::http::web::place) state: String,
}

impl ShownToken {
    pub(in crate::http::web::place) fn of(place: &Place, row: TokenRow) -> Result<Self> {
        let abilities = row.abilities()?;
        let may = Access::of(abilities).map_or_else(
            || abilities.names().join(", "),
            |access| access.as_str().to_owned(),
        );
        let used_by: Vec<_> = [row.last_used_client.clone(), row.last_used_address.clone()]
            .into_iter()
            .flatten()
            .collect();
        Ok(Self {
            href: format!("{}/{}", address(place), row.id),
            limits: limits_of(&row),
            may,
            whose: row.account_name.or(row.customer_name),
            name: row.name,
            hint: row.hint,
            kind: row.kind,
            made: Moment::of(row.created_at),
            used: row.last_used_at.map(Moment::of),
            used_by: used_by.join(", "),
            ends: row.expires_at.map(Moment::of),
            state: row.state,
        })
    }
}

fn limits_of(row: &TokenRow) -> Vec<String> {
    let list = |text: &Option<String>| {
        let names: Option<Vec<String>> = text
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        names.map(|names| match names.len() {
            0 => "none".to_owned(),
            _ => names.join(", "),
        })
    };
    let limits = [
        ("repositories", list(&row.repositories)),
        ("packages", list(&row.packages)),
        ("networks", list(&row.networks)),
    ];
    let mut words: Vec<_> = limits
        .into_iter()
        .filter_map(|(what, list)| Some(format!("{what}: {}", list?)))
        .collect();
    if row.only_granted != 0 {
        words.push("only what was granted to it".to_owned());
    }
    words
}

#[derive(Template)]
#[template(path = "place/tokens/list.html")]
struct TokensPage {
    shell: Shell,
    address: String,
    kinds: Vec<Choice>,
    states: Vec<Choice>,
    is_filtered: bool,
    /// All of the organisation's, and not only one's own.
    sees_all: bool,
    may_make: bool,
    tokens: Vec<ShownToken>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let (wanted, at) = (Wanted::of(&visit.request)?, Page::of(&visit.request)?);
    let caller = caller(place, true);
    let (rows, next) = find_tokens(app, &caller, &place.organisation, &wanted, &at).await?;
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let names = ["kind", "state", "person", "customer"];
    let filters = names.map(|name| (name, given(name)));
    let list = address(place);
    let to = |cursor: &str| {
        let query = filters.iter().map(|(name, value)| (*name, value.as_str()));
        let query: Vec<_> = query.chain([("cursor", cursor)]).collect();
        with_query(&list, &query)
    };
    let [(_, kind), (_, state), ..] = &filters;
    let sees_all = place.may_read(Ability::ManageTokens);
    let shown = TokensPage {
        kinds: vec![
            Choice::new("", "Any kind", kind),
            Choice::new("machine", "Of machines", kind),
            Choice::new("personal", "Of people", kind),
            Choice::new("customer", "Of customers", kind),
        ],
        states: vec![
            Choice::new("", "Any state", state),
            Choice::new("active", "In force", state),
            Choice::new("expired", "Expired", state),
            Choice::new("revoked", "Revoked", state),
        ],
        is_filtered: at.after().is_some() || filters.iter().any(|(_, value)| !value.is_empty()),
        first: at.after().map(|_| to("")),
        next: next.map(|cursor| to(&cursor)),
        sees_all,
        may_make: place.may(Ability::ManageTokens) || is_person_here(place),
        tokens: rows
            .into_iter()
            .map(|row| ShownToken::of(place, row))
            .collect::<Result<_>>()?,
        shell: visit.shell_at(app, Section::Tokens, "Tokens", Vec::new())?,
        address: list,
    };
    page(&shown)
}
