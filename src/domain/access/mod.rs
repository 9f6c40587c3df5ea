//! Who may do what. One function decides: [`sight`], and [`allows`] is that for one version.
//!
//! Everything that Composer reads, and all of the API that speaks of packages, asks here. A principal is made once, when
//! its token is looked up (`store/admission.rs`); what is decided from it needs no clock and no I/O.

mod ability;
mod grant;
mod limits;
mod subject;
mod view;

use std::net::IpAddr;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use super::name::{NameGlob, PackageName};

pub use ability::{Abilities, Ability, Access, Role};
pub use grant::{CollectionItem, GrantRecord, Rule, resolve_grants};
pub use limits::{Limits, Sight, VersionFacts, VersionLimit, alias_of};
pub use subject::{CustomerState, Subject};
pub use view::{limit_document, view_name};

/// What kind of caller a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The owner of the instance, who may do everything everywhere.
    Instance,
    /// A machine of an organisation.
    Machine,
    /// A person, by a token of her own.
    Person {
        /// The account.
        account: String,
        /// Her name, for people.
        name: String,
        /// What she is in the organisation.
        role: Role,
    },
    /// Somebody packages are sold to.
    Customer {
        /// The customer.
        id: String,
        /// The name, for people.
        name: String,
    },
}

/// Why somebody who is known is kept out as a whole. Composer goes on with what it has cached after a 401 or a 403,
/// so that this is told in `packages.json`, where it reaches the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bar {
    /// The token is past its date.
    TokenExpired,
    /// The token may be used from other addresses only.
    WrongAddress,
    /// The customer was suspended; with the reason given, if one was.
    CustomerSuspended(Option<String>),
    /// The customer's time is over, and nothing was to be kept.
    CustomerExpired,
    /// The person was suspended in this organisation.
    MemberSuspended,
    /// The organisation was suspended; with the reason given, if one was.
    OrganisationSuspended(Option<String>),
}

impl Bar {
    /// What the person at the client is told; `contact` is whom the organisation says to ask.
    pub fn message(&self, contact: Option<&str>) -> String {
        let with_reason = |what: &str, reason: &Option<String>| match reason {
            Some(reason) => format!("{what}: {}", reason.trim_end_matches('.')),
            None => what.to_owned(),
        };
        let what = match self {
            Self::TokenExpired => "The token you use here has expired".to_owned(),
            Self::WrongAddress => {
                "The token you use here is not valid from your network address".to_owned()
            }
            Self::CustomerSuspended(reason) => {
                with_reason("Your access to these packages is suspended", reason)
            }
            Self::CustomerExpired => "Your access to these packages has ended".to_owned(),
            Self::MemberSuspended => "Your membership here is suspended".to_owned(),
            Self::OrganisationSuspended(reason) => with_reason(
                "The organisation that has these packages is suspended",
                reason,
            ),
        };
        with_contact(&what, contact)
    }
}

/// What somebody is told who keeps what there was at a moment and sees nothing newer.
pub fn frozen_message(at: i64, contact: Option<&str>) -> String {
    let day = super::time::day(at);
    with_contact(
        &format!("You see these packages as they were on {day}, and nothing newer"),
        contact,
    )
}

fn with_contact(what: &str, contact: Option<&str>) -> String {
    let contact = contact.map(str::trim).filter(|text| !text.is_empty());
    format!(
        "{what}. {}",
        contact.unwrap_or("Ask the people who gave you the token")
    )
}

/// Who asks, once a token was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token that was used.
    pub token: String,
    /// Who uses it.
    pub caller: Caller,
    /// The organisation it belongs to; none for the owner of the instance, who may do everything.
    pub organisation: Option<i64>,
    /// What it may do: of a person, at most what her role allows.
    pub abilities: Abilities,
    /// The repositories the token is limited to, by slug; none for all of the organisation.
    pub repositories: Option<Vec<String>>,
    /// The packages the token is limited to; none for all.
    pub packages: Option<Vec<NameGlob>>,
    /// The networks it may be used from; none for any.
    pub networks: Option<Vec<IpNet>>,
    /// Whether it sees all packages of its organisation that its own limits leave, or only what was granted.
    pub sees_all: bool,
    /// What was granted: in its organisation, and by other organisations to this one.
    pub rules: Vec<Rule>,
    /// Unix second from which on it sees nothing newer.
    pub frozen_at: Option<i64>,
    /// Why it is kept out.
    pub bar: Option<Bar>,
    /// Whom the organisation says to ask.
    pub contact: Option<String>,
    /// Unix second at which what it may see last changed.
    pub grant_changed_at: i64,
    /// Unix second from which on the token is no longer valid.
    pub expires_at: Option<i64>,
}

impl Principal {
    /// Why it is kept out now, when it asks from this address.
    pub fn bar_at(&self, now: i64, address: impl FnOnce() -> Option<IpAddr>) -> Option<Bar> {
        if self.bar.is_some() {
            return self.bar.clone();
        }
        if self.expires_at.is_some_and(|end| now >= end) {
            return Some(Bar::TokenExpired);
        }
        let is_near = self.networks.as_ref().is_none_or(|networks| {
            address().is_some_and(|address| {
                let address = address.to_canonical();
                networks.iter().any(|network| network.contains(&address))
            })
        });
        (!is_near).then_some(Bar::WrongAddress)
    }

    /// What tells apart callers who see different things in a place: the same for those who see the same. None for those
    /// who see all that is there.
    pub fn view_of(&self, place: Place<'_>) -> Option<u64> {
        if place.is_public {
            return None;
        }
        let own = self.sees_all_of(place);
        if own && self.packages.is_none() {
            return None;
        }
        let mut digest = Sha256::new();
        for glob in self.packages.iter().flatten() {
            digest.update(glob.as_str());
            digest.update("\n");
        }
        if !own {
            let mut rules: Vec<String> = self
                .rules
                .iter()
                .filter(|rule| rule.reaches(place))
                .map(Rule::spelling)
                .collect();
            rules.sort_unstable();
            rules.dedup();
            for rule in rules {
                digest.update(rule);
                digest.update("\n");
            }
        }
        let number = digest
            .finalize()
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Some(number)
    }

    /// Patterns that cover every name it may see in a place; none when there is no limit to names.
    pub fn name_limits(&self, place: Place<'_>) -> Option<Vec<NameGlob>> {
        if place.is_public {
            return None;
        }
        if self.sees_all_of(place) {
            return self.packages.clone();
        }
        let mut globs: Vec<NameGlob> = self
            .rules
            .iter()
            .filter(|rule| rule.reaches(place))
            .flat_map(|rule| rule.packages.iter().cloned())
            .collect();
        globs.sort_unstable();
        globs.dedup();
        // Of two sets of patterns that must both fit, one alone covers what fits both.
        match &self.packages {
            Some(own) if globs.iter().any(|glob| glob.as_str() == "*") => Some(own.clone()),
            _ => Some(globs),
        }
    }

    /// Whether some package of the place may be seen in some of its versions only.
    pub fn is_limited_by_versions(&self, place: Place<'_>) -> bool {
        !place.is_public
            && !self.sees_all_of(place)
            && self
                .rules
                .iter()
                .any(|rule| rule.reaches(place) && rule.limit != VersionLimit::default())
    }

    fn sees_all_of(&self, place: Place<'_>) -> bool {
        match self.organisation {
            None => true,
            Some(own) => own == place.organisation && self.sees_all,
        }
    }
}

/// What somebody wants to do to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read metadata.
    ReadMetadata,
    /// Read an archive.
    ReadDist,
    /// Upload it.
    Upload,
}

impl Action {
    fn ability(self) -> Ability {
        match self {
            Self::ReadMetadata => Ability::ReadMetadata,
            Self::ReadDist => Ability::ReadDists,
            Self::Upload => Ability::Upload,
        }
    }
}

/// Where it is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The organisation's id.
    pub organisation: i64,
    /// The repository's slug.
    pub repository: &'a str,
    /// Whether the repository is open to everybody for reading.
    pub is_public: bool,
}

/// Whether somebody may know that the repository exists. Who is kept out may: there is a text to be read.
pub fn enters(principal: Option<&Principal>, place: Place<'_>) -> bool {
    place.is_public
        || principal.is_some_and(|principal| {
            reaches(principal, place)
                && (principal.sees_all_of(place)
                    || principal.rules.iter().any(|rule| rule.reaches(place)))
        })
}

/// What somebody sees of a package, or may upload to it. The one place where it is decided.
///
/// Limits of the token and grants are both looked at: the token's own limits cut what the grants give. Several grants add
/// up. An upload is of the token's own limits alone, for grants are for reading; but who may upload nothing that he cannot
/// see at all.
pub fn sight(
    principal: Option<&Principal>,
    action: Action,
    place: Place<'_>,
    package: &PackageName,
) -> Sight {
    if place.is_public && action != Action::Upload {
        return Sight::Everything;
    }
    let Some(principal) = principal else {
        return Sight::Nothing;
    };
    let is_named = principal
        .packages
        .as_ref()
        .is_none_or(|globs| globs.iter().any(|glob| glob.matches(package)));
    if principal.bar.is_some()
        || !principal.abilities.has(action.ability())
        || !reaches(principal, place)
        || !is_named
    {
        return Sight::Nothing;
    }
    if principal.sees_all_of(place) {
        return Sight::Everything;
    }
    let limits = principal
        .rules
        .iter()
        .filter(|rule| rule.reaches(place) && rule.names(package))
        .map(|rule| rule.limit.clone());
    match (action, Sight::of(limits.collect())) {
        // What others gave may be read; changing it is theirs.
        (Action::Upload, _) if principal.organisation != Some(place.organisation) => Sight::Nothing,
        (Action::Upload, sight) if sight.is_something() => Sight::Everything,
        (_, sight) => sight,
    }
}

/// Whether somebody may do something to a version of a package of a repository.
pub fn allows(
    principal: Option<&Principal>,
    action: Action,
    place: Place<'_>,
    package: &PackageName,
    version: &VersionFacts,
) -> bool {
    sight(principal, action, place, package).shows(version)
}

/// Whether somebody may use a part of the API of an organisation. `managed_by` is the organisation above it, where that
/// one manages it.
pub fn manages(
    principal: &Principal,
    ability: Ability,
    organisation: i64,
    managed_by: Option<i64>,
) -> bool {
    principal.bar.is_none()
        && principal.abilities.has(ability)
        && principal
            .organisation
            .is_none_or(|own| own == organisation || Some(own) == managed_by)
}

/// Whether the token itself is for this place.
fn reaches(principal: &Principal, place: Place<'_>) -> bool {
    match &principal.repositories {
        None => true,
        Some(slugs) => {
            principal.organisation == Some(place.organisation)
                && slugs.iter().any(|slug| slug == place.repository)
        }
    }
}

#[cfg(test)]
mod tests;
