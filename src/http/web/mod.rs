//! The pages, for people with a browser. Every page is made here and works without a script; what scripts add is comfort.
//! `docs/pages.md` says how a page is added.
//!
//! What holds for all of them is done here, so that a page need not:
//!
//! - **Who looks.** [`Visit::person`] and [`Visit::enter`] ask for a login and lead who has none to the sign-in. What somebody
//!   may do is decided as it is for a token, by `domain::access`.
//! - **Forms.** [`Visit::form`] refuses what no page of ours sent. A page changes nothing by being looked at.
//! - **Errors** become pages by their kind (`fault.rs`), never JSON.
//! - **Headers** are those of `page.rs`; cookies are set by [`Visit::finish`] alone.

mod account;
mod ask;
mod ask_twice;
pub(crate) mod assets;
mod audit_log;
mod buyer;
mod chart;
mod cookies;
mod fault;
#[allow(dead_code, reason = "parts for the pages that come next")]
mod field;
mod first_start;
#[allow(dead_code, reason = "parts for the pages that come next")]
mod form;
mod home;
mod identity;
mod instance;
mod invitation;
mod landing;
mod lists;
mod login;
mod new_password;
mod page;
mod passkey_form;
mod passkey_sign_in;
mod place;
mod qr;
mod reset;
pub mod route;
mod second_step;
mod shell;
mod sign_in;
mod sign_in_settings;
mod uses;
#[allow(dead_code, reason = "parts for the pages that come next")]
mod visit;
mod ways;

pub use account::AccountRoute;
pub use buyer::BuyerRoute;
pub use instance::InstanceRoute;
pub use place::PlaceRoute;
pub use sign_in_settings::SignInSettingsRoute;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::NoRoute;
use crate::http::web::route::{Act, WebRoute};
use crate::http::web::visit::{Visit, redirect};

/// Answers a request for a page. Never fails: an error is a page too.
pub(super) async fn answer(app: &App, request: Request, route: WebRoute) -> Result<Reply> {
    let mut visit = Visit::begin(app, request);
    // Behind a pointer: the pages together wait for much.
    let reply = match Box::pin(dispatch(app, &mut visit, route)).await {
        Ok(reply) => reply,
        Err(error) => fault::reply(app, &mut visit, &error),
    };
    Ok(visit.finish(reply))
}

async fn dispatch(app: &App, visit: &mut Visit, route: WebRoute) -> Result<Reply> {
    match route {
        WebRoute::Home => home::go(app, visit).await,
        WebRoute::Theme => home::set_theme(app, visit).await,
        WebRoute::Account(route) => account::handle(app, visit, route).await,
        WebRoute::Instance(route) => instance::handle(app, visit, route).await,
        WebRoute::Buyer(route) => buyer::handle(app, visit, route).await,
        WebRoute::Landing(organisation, repository) => {
            landing::show(app, visit, &organisation, &repository).await
        }
        WebRoute::ToLanding(organisation, repository) => {
            Ok(redirect(&landing::address(&organisation, &repository)))
        }
        WebRoute::Place(slug, route) => Box::pin(place::handle(app, visit, &slug, route)).await,
        WebRoute::SignIn(Act::Look) => sign_in::show(app, visit).await,
        WebRoute::SignIn(Act::Send) => sign_in::send(app, visit).await,
        WebRoute::SignInWith(provider) => identity::begin(app, visit, &provider).await,
        WebRoute::SignInCallback(owner, slug) => identity::arrive(app, visit, &owner, &slug).await,
        WebRoute::SignInConfirm(Act::Look) => identity::confirm::show(app, visit).await,
        WebRoute::SignInConfirm(Act::Send) => identity::confirm::send(app, visit).await,
        WebRoute::InstanceSignIn(route) => {
            sign_in_settings::handle_instance(app, visit, route).await
        }
        WebRoute::SecondStep(Act::Look) => second_step::show(app, visit).await,
        WebRoute::SecondStep(Act::Send) => second_step::send(app, visit).await,
        WebRoute::PasskeySignIn => passkey_sign_in::send(app, visit).await,
        WebRoute::SignOut => sign_in::sign_out(app, visit).await,
        WebRoute::FirstStart(Act::Look) => first_start::show(app, visit).await,
        WebRoute::FirstStart(Act::Send) => first_start::send(app, visit).await,
        WebRoute::Invitation(Act::Look) => invitation::show(app, visit).await,
        WebRoute::Invitation(Act::Send) => invitation::send(app, visit).await,
        WebRoute::Reset(Act::Look) => reset::show(app, visit),
        WebRoute::Reset(Act::Send) => reset::send(app, visit).await,
    }
}

/// The page for an address that has none.
pub(super) fn refuse_route(app: &App, request: Request, no_route: &NoRoute) -> Reply {
    let mut visit = Visit::begin(app, request);
    let (error, allowed) = match no_route {
        NoRoute::NotFound => (Error::not_found("Not found"), None),
        NoRoute::MethodNotAllowed(allowed) => (
            Error::new(ErrorKind::Invalid, "This page is not asked in this way"),
            Some(*allowed),
        ),
    };
    let mut reply = fault::reply(app, &mut visit, &error);
    if let Some(allowed) = allowed {
        reply.status = 405;
        reply = reply.with("allow", allowed);
    }
    visit.finish(reply)
}
