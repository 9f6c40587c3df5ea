//! Packages: the list, one of them, and what people who manage them do to a version.
//!
//! Who has `view` or `manage_packages` sees all that is known; anybody else sees what Composer is told, out of the same
//! documents, as in the API (`http/api/browse.rs`).

mod act;
mod bulk;
mod deprecate;
mod entry;
mod links;
mod list;
mod listed;
mod remove;
mod seen;
mod settings;
mod show;
mod statistics;
mod tabs;
mod texts;
mod whole;

use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::domain::policy::Abandoned;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::route::Act;
use crate::http::web::visit::{Place, Visit};

pub(super) use bulk::send as do_to_many;
pub(super) use entry::size_words;
pub(super) use list::{ShownRow, show as list};
pub(super) use show::From;

use texts::Which;

/// What is looked at or done on the page of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PackageRoute {
    /// The page itself.
    Show,
    /// `…/yank`: takes a version out of the metadata.
    Yank,
    /// `…/unyank`: puts it back.
    Unyank,
    /// `…/deprecate`: what people are to be warned of.
    Deprecate(Act),
    /// `…/undeprecate`: takes the warning back.
    Undeprecate,
    /// `…/sync`: compares it with its git repository.
    Sync,
    /// `…/readme`.
    Readme,
    /// `…/changelog`.
    Changelog,
    /// `…/dependencies`: what it requires, and what requires it.
    Dependencies,
    /// `…/statistics`.
    Statistics,
    /// `…/settings`.
    Settings(Act),
    /// `…/settings/repositories`: where it is installed from.
    Repositories,
    /// `…/settings/folders`: which folders of its project are packages.
    Folders,
    /// `…/delete`: the package as a whole.
    Delete(Act),
    /// `…/delete-version`.
    DeleteVersion(Act),
    /// `…/restore`: lets the number of a deleted version be published again.
    Restore,
}

impl PackageRoute {
    /// Finds the page below a package's address.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Show),
            ["yank"] => only(method, "POST", Self::Yank),
            ["unyank"] => only(method, "POST", Self::Unyank),
            ["deprecate"] => Act::of(method).map(Self::Deprecate),
            ["undeprecate"] => only(method, "POST", Self::Undeprecate),
            ["sync"] => only(method, "POST", Self::Sync),
            ["readme"] => get(method, Self::Readme),
            ["changelog"] => get(method, Self::Changelog),
            ["dependencies"] => get(method, Self::Dependencies),
            ["statistics"] => get(method, Self::Statistics),
            ["settings"] => Act::of(method).map(Self::Settings),
            ["settings", "repositories"] => only(method, "POST", Self::Repositories),
            ["settings", "folders"] => only(method, "POST", Self::Folders),
            ["delete"] => Act::of(method).map(Self::Delete),
            ["delete-version"] => Act::of(method).map(Self::DeleteVersion),
            ["restore"] => only(method, "POST", Self::Restore),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for the page of a package.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    route: PackageRoute,
) -> Result<Reply> {
    match route {
        PackageRoute::Show => show::show(app, visit, place, name).await,
        PackageRoute::Yank => act::yank(app, visit, place, name, true).await,
        PackageRoute::Unyank => act::yank(app, visit, place, name, false).await,
        PackageRoute::Deprecate(Act::Look) => deprecate::show(app, visit, place, name).await,
        PackageRoute::Deprecate(Act::Send) => deprecate::send(app, visit, place, name).await,
        PackageRoute::Undeprecate => act::undeprecate(app, visit, place, name).await,
        PackageRoute::Sync => act::sync(app, visit, place, name).await,
        PackageRoute::Readme => texts::show(app, visit, place, name, Which::Readme).await,
        PackageRoute::Changelog => texts::show(app, visit, place, name, Which::Changelog).await,
        PackageRoute::Dependencies => links::show(app, visit, place, name).await,
        PackageRoute::Statistics => statistics::show(app, visit, place, name).await,
        PackageRoute::Settings(Act::Look) => settings::show(app, visit, place, name).await,
        PackageRoute::Settings(Act::Send) => settings::send(app, visit, place, name).await,
        PackageRoute::Repositories => settings::send_repositories(app, visit, place, name).await,
        PackageRoute::Folders => settings::send_folders(app, visit, place, name).await,
        PackageRoute::Delete(Act::Look) => remove::show(app, visit, place, name).await,
        PackageRoute::Delete(Act::Send) => remove::send(app, visit, place, name).await,
        PackageRoute::DeleteVersion(Act::Look) => {
            remove::show_version(app, visit, place, name).await
        }
        PackageRoute::DeleteVersion(Act::Send) => {
            remove::send_version(app, visit, place, name).await
        }
        PackageRoute::Restore => act::restore(app, visit, place, name).await,
    }
}

/// Whether the visitor sees all that is known of packages, and not only what Composer is told. Refuses who sees nothing.
pub(super) fn sees_all(place: &Place) -> Result<bool> {
    if place.may_read(Ability::ManagePackages) {
        return Ok(true);
    }
    if !place.principal.abilities.has(Ability::ReadMetadata) {
        place.authorise(Ability::ManagePackages, true)?;
    }
    Ok(false)
}

/// Where the page of a package is.
pub(super) fn address(place: &Place, name: &str) -> String {
    format!("/ui/{}/packages/{name}", place.organisation.slug)
}

/// An abandoned package in words; none when it is none.
pub(super) fn abandoned_words(abandoned: &Abandoned) -> Option<String> {
    match abandoned {
        Abandoned::No => None,
        Abandoned::Yes => Some("abandoned".to_owned()),
        Abandoned::For(name) => Some(format!("abandoned for {}", name.as_str())),
    }
}
