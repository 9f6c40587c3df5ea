//! A customer's own pages: what it may install, what it installs, and another token in the place of its own.
//!
//! Somebody types a token of the customer, once, and has a short login that is bound to this token: it ends with it, and
//! what the token may not be used for (an address, a suspended customer) the login may not either. It opens nothing but these
//! pages, which read what Composer's own handlers read (`http/api/browse.rs`).

mod installs;
mod package;
mod packages;
mod rotate;
mod sign_in;

pub(in crate::http::web) use packages::ShownRow;

use std::rc::Rc;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Principal, frozen_message};
use crate::domain::name::PackageName;
use crate::domain::token::TokenHash;
use crate::error::{Error, ErrorKind, Result};
use crate::http::composer::barred_now;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::visit::{Visit, redirect};
use crate::ports::note;
use crate::store::customer_logins::{CustomerLogin, find_customer_login};

/// Which page of a customer's own.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum BuyerRoute {
    /// `/ui/customer`: what it may install.
    Packages,
    /// `/ui/customer/packages/{vendor}/{name}`.
    Package(PackageName),
    /// `/ui/customer/installs`.
    Installs,
    /// `/ui/customer/sign-in`.
    SignIn(Act),
    /// `/ui/customer/sign-out`.
    SignOut,
    /// `/ui/customer/rotate`: another token.
    Rotate(Act),
}

impl BuyerRoute {
    /// Finds the page below `/ui/customer`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Packages),
            ["packages", vendor, name] => {
                let name = format!("{}/{}", percent_decode(vendor), percent_decode(name));
                let name = PackageName::parse(&name).map_err(|_| NoRoute::NotFound)?;
                get(method, Self::Package(name))
            }
            ["installs"] => get(method, Self::Installs),
            ["sign-in"] => Act::of(method).map(Self::SignIn),
            ["sign-out"] => only(method, "POST", Self::SignOut),
            ["rotate"] => Act::of(method).map(Self::Rotate),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page of a customer's own. Who has no login is led to the form for the token.
pub(super) async fn handle(app: &App, visit: &mut Visit, route: BuyerRoute) -> Result<Reply> {
    let reply = match route {
        BuyerRoute::Packages => packages::show(app, visit).await,
        BuyerRoute::Package(name) => package::show(app, visit, &name).await,
        BuyerRoute::Installs => installs::show(app, visit).await,
        BuyerRoute::SignIn(Act::Look) => sign_in::show(app, visit),
        BuyerRoute::SignIn(Act::Send) => sign_in::send(app, visit).await,
        BuyerRoute::SignOut => sign_in::sign_out(app, visit).await,
        BuyerRoute::Rotate(Act::Look) => rotate::show(app, visit).await,
        BuyerRoute::Rotate(Act::Send) => rotate::send(app, visit).await,
    };
    match reply {
        Err(error) if error.kind() == ErrorKind::Unauthenticated => {
            Ok(redirect("/ui/customer/sign-in"))
        }
        reply => reply,
    }
}

/// A customer at its own page.
struct Buyer {
    login: CustomerLogin,
    /// What its token is, at this moment and from this address.
    principal: Rc<Principal>,
}

impl Buyer {
    /// Who has a login in force. One batch of the database.
    async fn enter(app: &App, visit: &Visit) -> Result<Self> {
        let signed_out = || Error::new(ErrorKind::Unauthenticated, "Show your token first");
        let secret = visit.customer_secret().ok_or_else(signed_out)?;
        let found = find_customer_login(app, &TokenHash::of(secret)).await?;
        let (login, principal) = found.ok_or_else(signed_out)?;
        let principal = barred_now(app, &visit.request, Rc::new(principal));
        note(|seen| {
            seen.principal = Some(Rc::clone(&principal));
            seen.organisation = Some(login.organisation_id);
        });
        Ok(Self { login, principal })
    }

    /// Why it gets nothing, or nothing new, as Composer tells it.
    fn notice(&self) -> Option<String> {
        let contact = self.principal.contact.as_deref();
        match (&self.principal.bar, self.principal.frozen_at) {
            (Some(bar), _) => Some(bar.message(contact)),
            (None, Some(at)) => Some(frozen_message(at, contact)),
            (None, None) => None,
        }
    }
}
