//! Tokens: the list, one of them, and what is done with it. Who manages tokens sees all of the organisation; anybody else
//! who belongs to it sees her own, and makes some for herself. The API decides, validates and audits.

mod act;
mod list;
mod recipes;
mod show;
mod terms;

use std::rc::Rc;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::Authorised;
use crate::http::api::tokens::person_of;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::visit::{Place, Visit};

pub(super) use list::ShownToken;

/// What is looked at or done about tokens. A text is a token's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum TokenPage {
    /// `…/tokens`.
    List,
    /// `…/tokens/new`.
    Make(Act),
    /// `…/tokens/{id}`.
    Show(String),
    /// `…/tokens/{id}/change`: its name, what it may do and its limits.
    Change(String, Act),
    /// `…/tokens/{id}/rotate`: a new one in its place.
    Rotate(String),
    /// `…/tokens/{id}/revoke`: asks, and ends it.
    Revoke(String, Act),
}

impl TokenPage {
    /// Finds the page below `tokens`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::List),
            ["new"] => Act::of(method).map(Self::Make),
            [id] => get(method, Self::Show(percent_decode(id))),
            [id, "change"] => Act::of(method).map(|act| Self::Change(percent_decode(id), act)),
            [id, "rotate"] => only(method, "POST", Self::Rotate(percent_decode(id))),
            [id, "revoke"] => Act::of(method).map(|act| Self::Revoke(percent_decode(id), act)),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page about tokens.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    page: TokenPage,
) -> Result<Reply> {
    match page {
        TokenPage::List => list::show(app, visit, place).await,
        TokenPage::Make(Act::Look) => terms::show_new(app, visit, place).await,
        TokenPage::Make(Act::Send) => terms::make(app, visit, place).await,
        TokenPage::Show(id) => show::show(app, visit, place, &id).await,
        TokenPage::Change(id, Act::Look) => terms::show_change(app, visit, place, &id).await,
        TokenPage::Change(id, Act::Send) => terms::change(app, visit, place, &id).await,
        TokenPage::Rotate(id) => act::rotate(app, visit, place, &id).await,
        TokenPage::Revoke(id, Act::Look) => act::ask(app, visit, place, &id).await,
        TokenPage::Revoke(id, Act::Send) => act::revoke(app, visit, place, &id).await,
    }
}

/// Where the list is.
fn address(place: &Place) -> String {
    format!("/ui/{}/tokens", place.organisation.slug)
}

/// The visitor as a caller about tokens; what she may do to which is for the API's functions to say.
fn caller(place: &Place, reads: bool) -> Authorised {
    Authorised::on_page(Rc::clone(&place.principal), Ability::ManageTokens, reads)
}

/// Whether the visitor can have tokens of her own here: the owner of the instance belongs to no organisation.
fn is_person_here(place: &Place) -> bool {
    person_of(&caller(place, true), &place.organisation).is_some()
}
