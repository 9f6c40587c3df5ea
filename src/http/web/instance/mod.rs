//! The pages of who owns the instance: its organisations, people, health, what the queue gave up, its own tokens and log,
//! and what it is set to. To anybody else they are forbidden. The API decides, validates and audits.

mod health;
mod letters;
mod log;
mod organisation;
mod organisations;
mod people;
mod settings;
mod tokens;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;

/// Where these pages are.
const ADDRESS: &str = "/ui/instance";

/// Which page of the instance. A text is a slug, or an id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum InstanceRoute {
    /// `/ui/instance`: organisations and what they use.
    Organisations,
    /// `/ui/instance/organisations/new`.
    Make(Act),
    /// `/ui/instance/organisations/{slug}`.
    Organisation(String),
    /// `…/quotas`: what it may use.
    Quotas(String),
    /// `…/suspend`: asks, and suspends.
    Suspend(String, Act),
    /// `…/resume`.
    Resume(String),
    /// `…/delete`: asks, and deletes.
    Delete(String, Act),
    /// `/ui/instance/people`.
    People,
    /// `/ui/instance/people/{account}/reset`: a link to choose another password.
    Reset(String),
    /// `/ui/instance/health`; sent, it asks the queue as well.
    Health(Act),
    /// `/ui/instance/dead-letters`.
    Letters,
    /// `…/retry`.
    RetryLetter,
    /// `…/drop`.
    DropLetter,
    /// `/ui/instance/tokens`: lists, and makes one.
    Tokens(Act),
    /// `/ui/instance/tokens/{id}/revoke`: asks, and revokes.
    RevokeToken(String, Act),
    /// `/ui/instance/audit`.
    Log,
    /// `/ui/instance/audit/export`.
    Export,
    /// `/ui/instance/settings`.
    Settings,
}

impl InstanceRoute {
    /// Finds the page below `/ui/instance`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let own = |text: &str| percent_decode(text);
        let post = |page| only(method, "POST", page);
        match segments {
            [] => get(method, Self::Organisations),
            ["organisations", "new"] => Act::of(method).map(Self::Make),
            ["organisations", slug] => get(method, Self::Organisation(own(slug))),
            ["organisations", slug, "quotas"] => post(Self::Quotas(own(slug))),
            ["organisations", slug, "suspend"] => {
                Act::of(method).map(|act| Self::Suspend(own(slug), act))
            }
            ["organisations", slug, "resume"] => post(Self::Resume(own(slug))),
            ["organisations", slug, "delete"] => {
                Act::of(method).map(|act| Self::Delete(own(slug), act))
            }
            ["people"] => get(method, Self::People),
            ["people", account, "reset"] => post(Self::Reset(own(account))),
            ["health"] => Act::of(method).map(Self::Health),
            ["dead-letters"] => get(method, Self::Letters),
            ["dead-letters", "retry"] => post(Self::RetryLetter),
            ["dead-letters", "drop"] => post(Self::DropLetter),
            ["tokens"] => Act::of(method).map(Self::Tokens),
            ["tokens", id, "revoke"] => Act::of(method).map(|act| Self::RevokeToken(own(id), act)),
            ["audit"] => get(method, Self::Log),
            ["audit", "export"] => get(method, Self::Export),
            ["settings"] => get(method, Self::Settings),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page of the instance.
pub(super) async fn handle(app: &App, visit: &mut Visit, route: InstanceRoute) -> Result<Reply> {
    use InstanceRoute as Page;
    match route {
        Page::Organisations => organisations::show(app, visit).await,
        Page::Make(Act::Look) => organisations::show_new(app, visit).await,
        Page::Make(Act::Send) => organisations::make(app, visit).await,
        Page::Organisation(slug) => organisation::show(app, visit, &slug).await,
        Page::Quotas(slug) => organisation::set_quotas(app, visit, &slug).await,
        Page::Suspend(slug, Act::Look) => organisation::ask_suspend(app, visit, &slug).await,
        Page::Suspend(slug, Act::Send) => organisation::suspend(app, visit, &slug).await,
        Page::Resume(slug) => organisation::resume(app, visit, &slug).await,
        Page::Delete(slug, Act::Look) => organisation::ask_delete(app, visit, &slug).await,
        Page::Delete(slug, Act::Send) => organisation::delete(app, visit, &slug).await,
        Page::People => people::show(app, visit).await,
        Page::Reset(account) => people::make_link(app, visit, &account).await,
        Page::Health(Act::Look) => health::show(app, visit).await,
        Page::Health(Act::Send) => health::ask(app, visit).await,
        Page::Letters => letters::show(app, visit).await,
        Page::RetryLetter => letters::act(app, visit, true).await,
        Page::DropLetter => letters::act(app, visit, false).await,
        Page::Tokens(Act::Look) => tokens::show(app, visit).await,
        Page::Tokens(Act::Send) => tokens::make(app, visit).await,
        Page::RevokeToken(id, Act::Look) => tokens::ask(app, visit, &id).await,
        Page::RevokeToken(id, Act::Send) => tokens::revoke(app, visit, &id).await,
        Page::Log => log::show(app, visit).await,
        Page::Export => log::export(app, visit).await,
        Page::Settings => settings::show(app, visit).await,
    }
}

/// What surrounds a page of the instance.
pub(super) fn shell(
    app: &App,
    visit: &mut Visit,
    title: &str,
    crumbs: Vec<Crumb>,
) -> Result<Shell> {
    let lines = [
        ("Organisations", ""),
        ("People", "/people"),
        ("Health", "/health"),
        ("Dead letters", "/dead-letters"),
        ("Owner's tokens", "/tokens"),
        ("Audit log", "/audit"),
        ("Signing in", "/sign-in"),
        ("Settings", "/settings"),
    ]
    .map(|(label, below)| (label, format!("{ADDRESS}{below}")));
    let mut all = crumbs;
    if title != "Organisations" {
        all.insert(0, Crumb::new("This instance", ADDRESS));
    }
    Ok(visit.shell(app, title)?.of_instance(&lines, all))
}
