//! The ways between the pages of a package.

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::web::place::packages::address;
use crate::http::web::shell::Section;
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::{Place, Visit};

/// A page of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Versions,
    Readme,
    Changelog,
    Dependencies,
    Statistics,
    Settings,
}

impl Tab {
    const ALL: [Self; 6] = [
        Self::Versions,
        Self::Readme,
        Self::Changelog,
        Self::Dependencies,
        Self::Statistics,
        Self::Settings,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Versions => "Versions",
            Self::Readme => "README",
            Self::Changelog => "Changelog",
            Self::Dependencies => "Dependencies",
            Self::Statistics => "Statistics",
            Self::Settings => "Settings",
        }
    }

    fn below(self) -> &'static str {
        match self {
            Self::Versions => "",
            Self::Readme => "/readme",
            Self::Changelog => "/changelog",
            Self::Dependencies => "/dependencies",
            Self::Statistics => "/statistics",
            Self::Settings => "/settings",
        }
    }

    /// Whether it is for those alone who see all that is known of packages.
    fn is_for_managers(self) -> bool {
        matches!(self, Self::Statistics | Self::Settings)
    }
}

/// A way to a page.
pub(super) struct Way {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) is_current: bool,
}

/// The ways that somebody has.
pub(super) fn ways(place: &Place, name: &PackageName, current: Tab) -> Vec<Way> {
    let sees_all = place.may_read(Ability::ManagePackages);
    let package = address(place, name.as_str());
    Tab::ALL
        .into_iter()
        .filter(|tab| sees_all || !tab.is_for_managers())
        .map(|tab| Way {
            label: tab.label(),
            href: format!("{package}{}", tab.below()),
            is_current: tab == current,
        })
        .collect()
}

/// What surrounds a page of a package other than the first.
pub(super) fn shell_of(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    title: &str,
) -> Result<Shell> {
    let list = format!("/ui/{}/packages", place.organisation.slug);
    let crumbs = vec![
        Crumb::new("Packages", list),
        Crumb::new(name.as_str(), address(place, name.as_str())),
    ];
    visit.shell_at(app, Section::Packages, title, crumbs)
}
