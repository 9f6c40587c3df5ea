//! Customers: the list, one of them with what it has and what that comes to, and what is changed of it.
//!
//! Who has `manage_customers` changes them, who has `view` looks.

mod access;
mod delete;
mod edit;
mod list;
mod show;
mod tokens;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Ability, Subject};
use crate::error::Result;
use crate::http::api::customers::records::load;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::form::Faults;
use crate::http::web::place::grants::{self, GrantRoute};
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;
use crate::store::customers::Customer;

pub(super) use list::show as list;

/// What is looked at or done below the list of customers. The first text is a customer's id, the second one a token's.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CustomerRoute {
    /// `new`: another one.
    New(Act),
    /// The page of one.
    Show(String),
    /// `…/edit`: its name and the like.
    Edit(String, Act),
    /// `…/state`: suspended, resumed, frozen.
    State(String),
    /// `…/access`: what it sees, and why not the rest.
    Access(String),
    /// `…/grants/…`: what it is granted.
    Grants(String, GrantRoute),
    /// `…/tokens`: another one.
    MakeToken(String),
    /// `…/tokens/{token}/rotate`.
    RotateToken(String, String),
    /// `…/tokens/{token}/revoke`: asks, and revokes it.
    RevokeToken(String, String, Act),
    /// `…/delete`: asks, and deletes.
    Delete(String, Act),
}

impl CustomerRoute {
    /// Finds the page below `/ui/{org}/customers`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let act = || Act::of(method);
        match segments {
            ["new"] => act().map(Self::New),
            [id, rest @ ..] => {
                let id = percent_decode(id);
                match rest {
                    [] => get(method, Self::Show(id)),
                    ["edit"] => act().map(|act| Self::Edit(id, act)),
                    ["state"] => only(method, "POST", Self::State(id)),
                    ["access"] => get(method, Self::Access(id)),
                    ["grants", rest @ ..] => {
                        GrantRoute::parse(method, rest).map(|route| Self::Grants(id, route))
                    }
                    ["tokens"] => only(method, "POST", Self::MakeToken(id)),
                    ["tokens", token, "rotate"] => {
                        only(method, "POST", Self::RotateToken(id, percent_decode(token)))
                    }
                    ["tokens", token, "revoke"] => {
                        act().map(|act| Self::RevokeToken(id, percent_decode(token), act))
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
    route: CustomerRoute,
) -> Result<Reply> {
    use CustomerRoute as Route;
    match route {
        Route::New(Act::Look) => edit::show_new(app, visit, place),
        Route::New(Act::Send) => edit::make(app, visit, place).await,
        Route::Show(id) => show::show(app, visit, place, &id).await,
        Route::Edit(id, Act::Look) => edit::show(app, visit, place, &id).await,
        Route::Edit(id, Act::Send) => edit::change(app, visit, place, &id).await,
        Route::State(id) => edit::set_state(app, visit, place, &id).await,
        Route::Access(id) => access::show(app, visit, place, &id).await,
        Route::Grants(id, route) => {
            grants::handle(app, visit, place, Subject::Customer(id), route).await
        }
        Route::MakeToken(id) => tokens::make(app, visit, place, &id).await,
        Route::RotateToken(id, token) => tokens::rotate(app, visit, place, &id, &token).await,
        Route::RevokeToken(id, token, Act::Look) => {
            tokens::ask(app, visit, place, &id, &token).await
        }
        Route::RevokeToken(id, token, Act::Send) => {
            tokens::revoke(app, visit, place, &id, &token).await
        }
        Route::Delete(id, Act::Look) => delete::show(app, visit, place, &id).await,
        Route::Delete(id, Act::Send) => delete::send(app, visit, place, &id).await,
    }
}

/// Where the list is.
pub(super) fn list_address(place: &Place) -> String {
    format!("/ui/{}/customers", place.organisation.slug)
}

/// Where the page of one is.
pub(super) fn address(place: &Place, id: &str) -> String {
    format!("{}/{}", list_address(place), encoded(id))
}

/// The customer that somebody is about to change.
async fn find_to_change(app: &App, place: &Place, id: &str) -> Result<Customer> {
    place.authorise(Ability::ManageCustomers, false)?;
    load(app, &place.organisation, id).await
}

/// What surrounds a page below that of a customer.
fn shell_below(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    customer: &Customer,
    title: &str,
) -> Result<Shell> {
    let crumbs = vec![
        Crumb::new("Customers", list_address(place)),
        Crumb::new(customer.name.clone(), address(place, &customer.id)),
    ];
    visit.shell_at(app, Section::Customers, title, crumbs)
}

/// To the page of a customer, which says once how it went.
fn lead_back<T>(
    visit: &mut Visit,
    place: &Place,
    id: &str,
    answer: Result<T>,
    said: &str,
) -> Result<Reply> {
    let to = address(place, id);
    match answer {
        Ok(_) => Ok(visit.go_on(&to, said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(&to, &faults.besides(&[]).join(". ")))
        }
    }
}
