//! A person about herself. Each page has a variant of [`AccountRoute`] and a file of its own here.

mod identities;
mod logins;
mod overview;
mod passkeys;
mod password;
mod proof;
mod second_factor;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::visit::Visit;
use crate::store::logins::Visitor;

/// Which page of a person about herself.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AccountRoute {
    /// `/ui/account`.
    Overview,
    /// `/ui/account/identities`: by which providers she signs in.
    Identities,
    /// `/ui/account/identities/{provider}/link`.
    LinkIdentity(String),
    /// `/ui/account/identities/{provider}/unlink`.
    UnlinkIdentity(String),
    /// `/ui/account/logins`: one, or all but this one, is to end.
    EndLogins,
    /// `/ui/account/passkeys`.
    Passkeys(Act),
    /// `/ui/account/passkeys/{id}/remove`.
    RemovePasskey(String),
    /// `/ui/account/password`.
    Password(Act),
    /// `/ui/account/second-factor`: set up by sending it.
    SecondFactor(Act),
    /// `/ui/account/second-factor/off`.
    SwitchOff,
    /// `/ui/account/second-factor/recovery-codes`: other ones.
    RecoveryCodes,
}

impl AccountRoute {
    /// Finds the page below `/ui/account`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Overview),
            ["identities"] => get(method, Self::Identities),
            ["identities", provider, "link"] => {
                only(method, "POST", Self::LinkIdentity(percent_decode(provider)))
            }
            ["identities", provider, "unlink"] => only(
                method,
                "POST",
                Self::UnlinkIdentity(percent_decode(provider)),
            ),
            ["logins"] => only(method, "POST", Self::EndLogins),
            ["passkeys"] => Act::of(method).map(Self::Passkeys),
            ["passkeys", id, "remove"] => {
                only(method, "POST", Self::RemovePasskey(percent_decode(id)))
            }
            ["password"] => Act::of(method).map(Self::Password),
            ["second-factor"] => Act::of(method).map(Self::SecondFactor),
            ["second-factor", "off"] => only(method, "POST", Self::SwitchOff),
            ["second-factor", "recovery-codes"] => only(method, "POST", Self::RecoveryCodes),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Who signed in by an organisation's provider changes nothing of how she signs in: whoever runs that could have made the
/// login.
fn refuse_limited(person: &Visitor) -> Result<()> {
    if person.is_limited() {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "You signed in by a provider of an organisation. Sign in by your password, or by a provider of this instance, to \
             change how you sign in",
        ));
    }
    Ok(())
}

impl AccountRoute {
    /// Whether it is about a way to sign in, or about who is. The providers' page shows those there are, and refuses by itself.
    fn is_a_way_in(&self) -> bool {
        match self {
            Self::Overview | Self::Identities | Self::LinkIdentity(_) | Self::UnlinkIdentity(_) => {
                false
            }
            Self::EndLogins
            | Self::Passkeys(_)
            | Self::RemovePasskey(_)
            | Self::Password(_)
            | Self::SecondFactor(_)
            | Self::SwitchOff
            | Self::RecoveryCodes => true,
        }
    }
}

/// Answers for a page of a person about herself.
pub(super) async fn handle(app: &App, visit: &mut Visit, route: AccountRoute) -> Result<Reply> {
    // Who is not signed in is told so by the page, after its form was looked at.
    if route.is_a_way_in()
        && let Some(person) = visit.find_person(app).await?
    {
        refuse_limited(&person)?;
    }
    match route {
        AccountRoute::Overview => overview::show(app, visit).await,
        AccountRoute::Identities => identities::show(app, visit).await,
        AccountRoute::LinkIdentity(provider) => identities::link(app, visit, &provider).await,
        AccountRoute::UnlinkIdentity(provider) => identities::unlink(app, visit, &provider).await,
        AccountRoute::EndLogins => logins::end(app, visit).await,
        AccountRoute::Passkeys(Act::Look) => passkeys::show(app, visit).await,
        AccountRoute::Passkeys(Act::Send) => passkeys::add(app, visit).await,
        AccountRoute::RemovePasskey(id) => passkeys::remove(app, visit, &id).await,
        AccountRoute::Password(Act::Look) => password::show(app, visit).await,
        AccountRoute::Password(Act::Send) => password::send(app, visit).await,
        AccountRoute::SecondFactor(Act::Look) => second_factor::show(app, visit).await,
        AccountRoute::SecondFactor(Act::Send) => second_factor::set_up(app, visit).await,
        AccountRoute::SwitchOff => second_factor::switch_off(app, visit).await,
        AccountRoute::RecoveryCodes => second_factor::make_codes(app, visit).await,
    }
}
