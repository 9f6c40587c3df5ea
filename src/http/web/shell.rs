//! What surrounds every page: title, navigation, who is signed in, and what is said once.

use std::rc::Rc;

use crate::domain::access::Ability;
use crate::http::web::assets;
use crate::http::web::visit::{Flash, Place};
use crate::store::logins::{Membership, Visitor};

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Reads what a cookie or a form says.
    pub(crate) fn read(text: Option<&str>) -> Self {
        match text {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value of `data-theme`; none for the system's.
    pub(crate) fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// A part of the pages of an organisation, as the navigation has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The dashboard.
    Dashboard,
    /// Packages.
    Packages,
    /// Connections to git hosts.
    Connections,
    /// Jobs.
    Jobs,
    /// Customers.
    Customers,
    /// Tokens.
    Tokens,
    /// People, teams and invitations.
    People,
    /// The audit log.
    Audit,
    /// Settings.
    Settings,
}

impl Section {
    /// In the order of the navigation.
    const ALL: [Self; 9] = [
        Self::Dashboard,
        Self::Packages,
        Self::Connections,
        Self::Jobs,
        Self::Customers,
        Self::Tokens,
        Self::People,
        Self::Audit,
        Self::Settings,
    ];

    /// What it is called, where it is below the organisation's address, and which ability reading it takes.
    fn about(self) -> (&'static str, &'static str, Option<Ability>) {
        match self {
            Self::Dashboard => ("Dashboard", "", None),
            Self::Packages => ("Packages", "/packages", Some(Ability::ReadMetadata)),
            Self::Connections => ("Connections", "/connections", Some(Ability::ManageHooks)),
            Self::Jobs => ("Jobs", "/jobs", Some(Ability::ManagePackages)),
            Self::Customers => ("Customers", "/customers", Some(Ability::ManageCustomers)),
            Self::Tokens => ("Tokens", "/tokens", Some(Ability::ManageTokens)),
            Self::People => ("People", "/people", Some(Ability::ManageMembers)),
            Self::Audit => ("Audit log", "/audit", Some(Ability::Audit)),
            Self::Settings => ("Settings", "/settings", Some(Ability::Own)),
        }
    }
}

/// A page above the one that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crumb {
    /// What it is called.
    pub(crate) label: String,
    /// Its address.
    pub(crate) href: String,
}

impl Crumb {
    /// A page above.
    pub(crate) fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
        }
    }
}

/// A line of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What it is called.
    pub(crate) label: String,
    /// Its address.
    pub(crate) href: String,
    /// Whether it is where the visitor is.
    pub(crate) is_current: bool,
}

/// What surrounds a page. Templates have it as `shell`.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    /// What the page is about: its heading, and its title in the browser.
    pub(crate) title: String,
    /// The field `csrf` of each form.
    pub(crate) csrf: String,
    /// The value of `data-theme`, if one was chosen.
    pub(crate) theme: Option<&'static str>,
    /// Where the style sheet is.
    pub(crate) style: &'static str,
    /// Where the script is.
    pub(crate) script: &'static str,
    /// Where the script of the command palette is.
    pub(crate) palette: &'static str,
    /// What is said once.
    pub(crate) flash: Option<Flash>,
    /// Where the page is, for forms that come back to it.
    pub(crate) path: String,
    /// Who is signed in.
    pub(crate) person: Option<Rc<Visitor>>,
    /// The slug and the name of the organisation.
    pub(crate) organisation: Option<(String, String)>,
    /// The organisations that the visitor can go to.
    pub(crate) organisations: Vec<Membership>,
    /// The navigation within the organisation.
    pub(crate) entries: Vec<Entry>,
    /// The pages above this one.
    pub(crate) crumbs: Vec<Crumb>,
}

impl Shell {
    pub(super) fn new(
        title: &str,
        csrf: String,
        theme: Theme,
        flash: Option<Flash>,
        path: &str,
        person: Option<&Rc<Visitor>>,
        place: Option<&Place>,
    ) -> Self {
        let organisations = person
            .map(|person| person.memberships())
            .unwrap_or_default();
        Self {
            title: title.to_owned(),
            csrf,
            theme: theme.attribute(),
            style: assets::style(),
            script: assets::script(),
            palette: assets::address("palette.js"),
            flash,
            path: path.to_owned(),
            organisations,
            person: person.cloned(),
            organisation: place.map(|place| {
                let organisation = &place.organisation;
                (organisation.slug.clone(), organisation.name.clone())
            }),
            entries: place.map(entries).unwrap_or_default(),
            crumbs: Vec::new(),
        }
    }

    /// The same at a section, with the pages above.
    pub(super) fn at(mut self, section: Section, crumbs: Vec<Crumb>) -> Self {
        let (label, _, _) = section.about();
        for entry in &mut self.entries {
            entry.is_current = entry.label == label;
        }
        self.crumbs = crumbs;
        self
    }

    /// The same on a page of the instance, with its navigation: label and address of each line.
    pub(super) fn of_instance(mut self, lines: &[(&str, String)], crumbs: Vec<Crumb>) -> Self {
        // A page below one of them stands for it; the first one is the address of them all.
        let is_at = |index: usize, href: &String| {
            self.path == *href || (index > 0 && self.path.starts_with(&format!("{href}/")))
        };
        self.entries = lines
            .iter()
            .enumerate()
            .map(|(index, (label, href))| Entry {
                label: (*label).to_owned(),
                is_current: is_at(index, href),
                href: href.clone(),
            })
            .collect();
        self.crumbs = crumbs;
        self
    }

    /// Whether who looks owns the instance.
    pub(crate) fn owns_instance(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.is_owner())
    }

    /// Whether the page is shown as this theme by choice.
    pub(crate) fn is_theme(&self, theme: &str) -> bool {
        self.theme.unwrap_or("system") == theme
    }
}

fn entries(place: &Place) -> Vec<Entry> {
    let may = |ability: Option<Ability>| {
        ability.is_none_or(|ability| {
            place.may_read(ability)
                || (ability == Ability::ReadMetadata && place.principal.abilities.has(ability))
                // Whoever belongs to the organisation has tokens of her own.
                || (ability == Ability::ManageTokens
                    && place.principal.organisation == Some(place.organisation.id))
        })
    };
    Section::ALL
        .into_iter()
        .map(Section::about)
        .filter(|(_, _, ability)| may(*ability))
        .map(|(label, below, _)| Entry {
            label: label.to_owned(),
            href: format!("/ui/{}{below}", place.organisation.slug),
            is_current: false,
        })
        .collect()
}
