//! Connections to git hosts: which there are and how they are, a new one, another credential, what they reach, their
//! webhooks. The API decides, validates and audits what is changed; what was typed as a secret is shown nowhere again.

mod add;
mod app_pages;
mod credential;
mod guide;
mod hooks;
mod list;
mod projects;
mod remove;
mod secret;
mod settings;
mod show;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::form::Faults;
use crate::http::web::route::Act;
use crate::http::web::shell::Crumb;
use crate::http::web::visit::{Place, Visit};
use crate::providers::ProviderKind;
use crate::store::hooks::HookGroup;
use crate::store::host_pages::{ConnectionSummary, load_connection};

/// What is looked at or done about connections; a text is an id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ConnectionRoute {
    /// All of them.
    List,
    /// `…/new`: connects a host.
    Add(Act),
    /// `…/apps/new`: takes a GitHub App in.
    AddApp(Act),
    /// `…/apps/{app}`: where it is installed.
    ShowApp(String),
    /// `…/apps/{app}/connect`: connects an installation.
    ConnectInstallation(String),
    /// `…/apps/{app}/remove`: removes an app.
    RemoveApp(Act, String),
    /// One of them.
    Show(String),
    /// `…/check`: asks its host whether all is well.
    Check(String),
    /// `…/credential`: gives it another token.
    Credential(Act, String),
    /// `…/remove`: asks, and removes it.
    Remove(Act, String),
    /// `…/projects`: what it reaches, to be imported.
    Projects(Act, String),
    /// `…/hooks`: the webhooks of its projects.
    Hooks(String),
    /// `…/hooks/register`: has the webhook of a package's project registered.
    RegisterHook(String),
    /// `…/hooks/remove`: has it removed.
    RemoveHook(String),
    /// `…/settings`: webhooks, comparisons and groups.
    Settings(Act, String),
    /// `…/secret`: gives its webhook another secret.
    Secret(Act, String),
}

impl ConnectionRoute {
    /// Finds the page below `connections`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        let own = |id: &str| percent_decode(id);
        match segments {
            [] => get(method, Self::List),
            ["new"] => Act::of(method).map(Self::Add),
            ["apps", "new"] => Act::of(method).map(Self::AddApp),
            ["apps", id] => get(method, Self::ShowApp(own(id))),
            ["apps", id, "connect"] => only(method, "POST", Self::ConnectInstallation(own(id))),
            ["apps", id, "remove"] => Act::of(method).map(|act| Self::RemoveApp(act, own(id))),
            [id] => get(method, Self::Show(own(id))),
            [id, "check"] => only(method, "POST", Self::Check(own(id))),
            [id, "credential"] => Act::of(method).map(|act| Self::Credential(act, own(id))),
            [id, "remove"] => Act::of(method).map(|act| Self::Remove(act, own(id))),
            [id, "projects"] => Act::of(method).map(|act| Self::Projects(act, own(id))),
            [id, "hooks"] => get(method, Self::Hooks(own(id))),
            [id, "hooks", "register"] => only(method, "POST", Self::RegisterHook(own(id))),
            [id, "hooks", "remove"] => only(method, "POST", Self::RemoveHook(own(id))),
            [id, "settings"] => Act::of(method).map(|act| Self::Settings(act, own(id))),
            [id, "secret"] => Act::of(method).map(|act| Self::Secret(act, own(id))),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page about connections.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: ConnectionRoute,
) -> Result<Reply> {
    match route {
        ConnectionRoute::List => list::show(app, visit, place).await,
        ConnectionRoute::Add(Act::Look) => add::show(app, visit, place),
        ConnectionRoute::Add(Act::Send) => add::send(app, visit, place).await,
        ConnectionRoute::AddApp(Act::Look) => app_pages::show_form(app, visit, place),
        ConnectionRoute::AddApp(Act::Send) => app_pages::add(app, visit, place).await,
        ConnectionRoute::ShowApp(id) => app_pages::show(app, visit, place, &id).await,
        ConnectionRoute::ConnectInstallation(id) => {
            app_pages::connect(app, visit, place, &id).await
        }
        ConnectionRoute::RemoveApp(Act::Look, id) => {
            app_pages::ask_removal(app, visit, place, &id).await
        }
        ConnectionRoute::RemoveApp(Act::Send, id) => {
            app_pages::remove(app, visit, place, &id).await
        }
        ConnectionRoute::Show(id) => show::show(app, visit, place, &id).await,
        ConnectionRoute::Check(id) => show::check(app, visit, place, &id).await,
        ConnectionRoute::Credential(Act::Look, id) => {
            credential::show(app, visit, place, &id).await
        }
        ConnectionRoute::Credential(Act::Send, id) => {
            credential::send(app, visit, place, &id).await
        }
        ConnectionRoute::Remove(Act::Look, id) => remove::show(app, visit, place, &id).await,
        ConnectionRoute::Remove(Act::Send, id) => remove::send(app, visit, place, &id).await,
        ConnectionRoute::Projects(Act::Look, id) => projects::show(app, visit, place, &id).await,
        ConnectionRoute::Projects(Act::Send, id) => projects::send(app, visit, place, &id).await,
        ConnectionRoute::Hooks(id) => hooks::show(app, visit, place, &id).await,
        ConnectionRoute::RegisterHook(id) => hooks::act(app, visit, place, &id, "POST").await,
        ConnectionRoute::RemoveHook(id) => hooks::act(app, visit, place, &id, "DELETE").await,
        ConnectionRoute::Settings(Act::Look, id) => settings::show(app, visit, place, &id).await,
        ConnectionRoute::Settings(Act::Send, id) => settings::send(app, visit, place, &id).await,
        ConnectionRoute::Secret(Act::Look, id) => secret::show(app, visit, place, &id).await,
        ConnectionRoute::Secret(Act::Send, id) => secret::send(app, visit, place, &id).await,
    }
}

/// Where the connections are.
pub(super) fn list_address(place: &Place) -> String {
    format!("/ui/{}/connections", place.organisation.slug)
}

/// Where the page of a connection is.
pub(super) fn address(place: &Place, id: &str) -> String {
    format!("/ui/{}/connections/{id}", place.organisation.slug)
}

/// What people call a host.
pub(super) fn host_name(provider: &str) -> &'static str {
    ProviderKind::parse(provider).map_or("Git host", |kind| guide::of(kind).name)
}

/// What people call a connection: the host and the account.
fn title_of(summary: &ConnectionSummary) -> String {
    name_of(&summary.provider, &summary.account, &summary.base_url)
}

/// The same from its parts.
fn name_of(provider: &str, account: &str, base_url: &str) -> String {
    let name = host_name(provider);
    match account {
        "" => format!("{name} {}", base_url.trim_start_matches("https://")),
        account => format!("{name} {account}"),
    }
}

/// What is typed to remove it, as the API wants it.
fn confirmation_of(summary: &ConnectionSummary) -> String {
    format!("{} {}", summary.provider, summary.account)
        .trim_end()
        .to_owned()
}

/// A connection of the organisation with its groups, for somebody who may look at it. One batch.
async fn load(
    app: &App,
    place: &Place,
    id: &str,
    reads: bool,
) -> Result<(ConnectionSummary, Vec<HookGroup>)> {
    place.authorise(Ability::ManageHooks, reads)?;
    load_connection(app, place.organisation.id, id)
        .await?
        .ok_or_else(|| missing("connection"))
}

/// The pages above one of a connection.
fn crumbs(place: &Place, summary: &ConnectionSummary) -> Vec<Crumb> {
    crumbs_of(place, &summary.id, title_of(summary))
}

fn crumbs_of(place: &Place, id: &str, title: String) -> Vec<Crumb> {
    vec![
        Crumb::new("Connections", list_address(place)),
        Crumb::new(title, address(place, id)),
    ]
}

/// To a page, which says once how it went.
fn lead(visit: &mut Visit, to: &str, answer: Result<String>) -> Result<Reply> {
    match answer {
        Ok(said) => Ok(visit.go_on(to, &said)),
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(visit.go_back(to, &faults.besides(&[]).join(". ")))
        }
    }
}

/// How a connection is, in a word and what to do about it.
pub(super) struct Health {
    /// `good`, `warn` or `bad`.
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    /// What is wrong.
    pub(super) trouble: Option<String>,
    /// What to do about it.
    pub(super) advice: Option<String>,
}

impl Health {
    fn of(summary: &ConnectionSummary, now: i64) -> Self {
        let trouble = summary.trouble.clone();
        if summary.refused_at.is_some() {
            let what = if summary.github_app_id.is_some() {
                "Look at the installation of the GitHub App at GitHub, then check the connection"
            } else {
                "Make a new token at the host and replace the credential; what waits goes on by itself"
            };
            return Self {
                class: "bad",
                word: "credential refused",
                trouble,
                advice: Some(what.to_owned()),
            };
        }
        if trouble.is_some() {
            return Self {
                class: "warn",
                word: "in trouble",
                trouble,
                advice: Some(
                    "It is tried again by itself; check the connection once you have mended it at the host".to_owned(),
                ),
            };
        }
        if summary.paused_until.is_some_and(|until| until > now) {
            return Self {
                class: "warn",
                word: "resting",
                trouble: Some(
                    "The host has a limit, and asked to be left alone for a while".to_owned(),
                ),
                advice: Some(
                    "Nothing is to be done: what waits goes on when the limit allows".to_owned(),
                ),
            };
        }
        if summary.withheld > 0 {
            return Self {
                class: "warn",
                word: "projects withheld",
                trouble: Some(format!(
                    "The host shows {} of its projects no more to this credential",
                    summary.withheld
                )),
                advice: Some(
                    "Give the account access to them again, or delete their packages".to_owned(),
                ),
            };
        }
        Self {
            class: "good",
            word: "well",
            trouble: None,
            advice: None,
        }
    }
}
