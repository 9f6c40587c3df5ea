//! One token: what it is, what it comes to, and a new one with its secret, once.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::api::tokens::{find_readable, in_words, is_hers};
use crate::http::reply::Reply;
use crate::http::web::field::Choice;
use crate::http::web::page::{page, page_with};
use crate::http::web::place::tokens::list::ShownToken;
use crate::http::web::place::tokens::recipes::{Recipe, recipes};
use crate::http::web::place::tokens::{address, caller};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::admission::{Looked, find_facts};
use crate::store::repositories::list_repositories;
use crate::store::tokens::TokenRow;

#[derive(Template)]
#[template(path = "place/tokens/show.html")]
struct TokenPage {
    shell: Shell,
    address: String,
    token: ShownToken,
    /// What it comes to, a sentence each.
    words: Vec<String>,
    /// Where the token is that took its place.
    replaced_by: Option<String>,
    may_change: bool,
    may_end: bool,
    overlaps: Vec<Choice>,
}

/// Whether the visitor may change a token or have it anew, and whether she may end it, as the API will say when it is tried.
pub(super) fn may(place: &Place, row: &TokenRow) -> (bool, bool) {
    let is_hers = is_hers(&caller(place, true), &place.organisation, row);
    let ability = match row.kind.as_str() {
        "personal" => Ability::ManageMembers,
        "customer" => Ability::ManageCustomers,
        _ => Ability::ManageTokens,
    };
    let (is_left, keeps) = (row.state != "revoked", place.may(ability));
    let may_change = is_left && (is_hers || (keeps && row.kind != "personal"));
    (may_change, is_left && (is_hers || keeps))
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let organisation = &place.organisation;
    let row = find_readable(app, &caller(place, true), organisation, id).await?;
    let facts = match row.state.as_str() {
        "revoked" => None,
        _ => find_facts(app, organisation.id, &Looked::Token(row.id.clone())).await?,
    };
    let principal = match facts {
        Some(facts) => facts.principal_at(app.now())?,
        None => None,
    };
    let words = principal.map_or_else(
        || {
            vec![
                "It gets nothing: it was revoked, or whoever had it is no longer there.".to_owned(),
            ]
        },
        |principal| in_words(&principal),
    );
    let (may_change, may_end) = may(place, &row);
    let list = address(place);
    let crumbs = vec![Crumb::new("Tokens", list.clone())];
    page(&TokenPage {
        shell: visit.shell_at(app, Section::Tokens, &row.name, crumbs)?,
        address: format!("{list}/{}", row.id),
        replaced_by: row
            .replaced_by
            .as_ref()
            .map(|successor| format!("{list}/{successor}")),
        words,
        may_change,
        may_end,
        overlaps: overlaps(),
        token: ShownToken::of(place, row)?,
    })
}

fn overlaps() -> Vec<Choice> {
    [
        ("24", "goes on for a day"),
        ("168", "goes on for a week"),
        ("1", "goes on for an hour"),
        ("0", "ends at once"),
    ]
    .into_iter()
    .map(|(hours, label)| Choice::new(hours, label, "24"))
    .collect()
}

#[derive(Template)]
#[template(path = "place/tokens/made.html")]
struct MadePage {
    shell: Shell,
    secret: String,
    /// Where the token is from now on, without its secret.
    address: String,
    recipes: Vec<Recipe>,
}

/// Shows what the API answered to who made or rotated a token, secret and all: in this answer and in no other.
pub(super) async fn show_made(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    made: &serde_json::Value,
) -> Result<Reply> {
    let text = |key: &str| made.get(key).and_then(serde_json::Value::as_str);
    let (Some(id), Some(name), Some(secret)) = (text("id"), text("name"), text("token")) else {
        return Err(Error::internal("a new token was answered without itself"));
    };
    let limits: Option<Vec<String>> = made
        .get("repositories")
        .and_then(|list| serde_json::from_value(list.clone()).ok());
    let repositories = list_repositories(app, place.organisation.id).await?;
    let reached: Vec<_> = repositories
        .iter()
        .filter(|one| {
            limits
                .as_ref()
                .is_none_or(|limits| limits.contains(&one.slug))
        })
        .collect();
    let list = address(place);
    let crumbs = vec![Crumb::new("Tokens", list.clone())];
    page_with(
        201,
        &MadePage {
            shell: visit.shell_at(app, Section::Tokens, name, crumbs)?,
            secret: secret.to_owned(),
            address: format!("{list}/{id}"),
            recipes: recipes(app, &reached, secret),
        },
    )
}
