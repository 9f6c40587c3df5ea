//! What a token may be made for, and what the roles of people bring along.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One thing that a principal may do. The spelling is stored and stands in the API: never to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// Read `packages.json`, documents, lists and searches.
    ReadMetadata,
    /// Read archives.
    ReadDists,
    /// Upload versions.
    Upload,
    /// Read the organisation's API: everything but secrets, and nothing changes.
    View,
    /// Packages, their versions and settings, repositories, imports and jobs.
    ManagePackages,
    /// Tokens of machines.
    ManageTokens,
    /// Customers, collections and grants.
    ManageCustomers,
    /// Connections to git hosts, their webhooks and deliveries.
    ManageHooks,
    /// People, teams and invitations.
    ManageMembers,
    /// Read the audit log.
    Audit,
    /// What only an owner may: delete for ever, name owners, change the organisation itself.
    Own,
}

impl Ability {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::ReadMetadata,
        Self::ReadDists,
        Self::Upload,
        Self::View,
        Self::ManagePackages,
        Self::ManageTokens,
        Self::ManageCustomers,
        Self::ManageHooks,
        Self::ManageMembers,
        Self::Audit,
        Self::Own,
    ];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadMetadata => "read_metadata",
            Self::ReadDists => "read_dists",
            Self::Upload => "upload",
            Self::View => "view",
            Self::ManagePackages => "manage_packages",
            Self::ManageTokens => "manage_tokens",
            Self::ManageCustomers => "manage_customers",
            Self::ManageHooks => "manage_hooks",
            Self::ManageMembers => "manage_members",
            Self::Audit => "audit",
            Self::Own => "own",
        }
    }

    /// Reads the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|ability| ability.as_str() == text)
    }

    /// What it lets somebody do, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::ReadMetadata => "see packages and their versions",
            Self::ReadDists => "download archives",
            Self::Upload => "upload versions",
            Self::View => "read all settings and lists of the organisation, but no secrets",
            Self::ManagePackages => "change packages, repositories, imports and jobs",
            Self::ManageTokens => "make and revoke tokens of machines",
            Self::ManageCustomers => "manage customers, collections and grants",
            Self::ManageHooks => "manage connections to git hosts and webhooks",
            Self::ManageMembers => "manage people, teams and invitations",
            Self::Audit => "read the audit log",
            Self::Own => {
                "do what only an owner may: delete for ever, name owners, change the organisation"
            }
        }
    }

    /// Whether it is about packages alone, so that it can be limited to some of them. Whoever manages could give away
    /// what a limit takes.
    pub fn is_limitable(self) -> bool {
        matches!(self, Self::ReadMetadata | Self::ReadDists | Self::Upload)
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A set of abilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities(u16);

impl Abilities {
    /// Every ability.
    pub fn all() -> Self {
        Self::of(&Ability::ALL)
    }

    /// These abilities.
    pub fn of(abilities: &[Ability]) -> Self {
        Self(abilities.iter().fold(0, |bits, one| bits | one.bit()))
    }

    /// Whether it has an ability.
    pub fn has(self, ability: Ability) -> bool {
        self.0 & ability.bit() != 0
    }

    /// Whether it has every ability of another set.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both sets have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What this set has and the other lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its abilities, in the order in which they are shown.
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::ALL
            .into_iter()
            .filter(move |ability| self.has(*ability))
    }

    /// As stored: a JSON list of the names.
    pub fn to_json(self) -> String {
        let names: Vec<_> = self.iter().map(Ability::as_str).collect();
        serde_json::Value::from(names).to_string()
    }

    /// The names, as the API shows them.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Ability::as_str).collect()
    }

    /// Reads what is stored. Names that this program does not know give nothing: a newer one wrote them.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let names: Vec<String> = serde_json::from_str(text)?;
        let known: Vec<_> = names
            .iter()
            .filter_map(|name| Ability::parse(name))
            .collect();
        Ok(Self::of(&known))
    }
}

/// Three usual sets, as tokens are mostly made; each includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Metadata and archives.
    Read,
    /// Uploads as well.
    Write,
    /// The organisation's API as well, all of it but what only an owner may.
    Admin,
}

impl Access {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Reads the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// The abilities it stands for.
    pub fn abilities(self) -> Abilities {
        match self {
            Self::Read => Abilities::of(&[Ability::ReadMetadata, Ability::ReadDists]),
            Self::Write => {
                Abilities::of(&[Ability::ReadMetadata, Ability::ReadDists, Ability::Upload])
            }
            Self::Admin => Abilities::all().without(Abilities::of(&[Ability::Own])),
        }
    }

    /// The greatest usual set within these abilities, for programs that know of no others. None is within as little as
    /// [`Access::Read`], which is the least there is.
    pub fn within(abilities: Abilities) -> Self {
        [Self::Admin, Self::Write]
            .into_iter()
            .find(|access| abilities.covers(access.abilities()))
            .unwrap_or(Self::Read)
    }

    /// The usual set that has exactly these abilities, if one does.
    pub fn of(abilities: Abilities) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|access| access.abilities() == abilities)
    }
}

/// What a person is in an organisation. The spelling is stored and stands in the API: never to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything, what only an owner may too.
    Owner,
    /// Everything but that.
    Admin,
    /// Packages and the connections they come by; uploads.
    Maintainer,
    /// Reads what the teams it is in were given.
    Member,
    /// Reads the API and the audit log, and no archive.
    Auditor,
}

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 5] = [
        Self::Owner,
        Self::Admin,
        Self::Maintainer,
        Self::Member,
        Self::Auditor,
    ];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Maintainer => "maintainer",
            Self::Member => "member",
            Self::Auditor => "auditor",
        }
    }

    /// Reads the API's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What it may do.
    pub fn abilities(self) -> Abilities {
        match self {
            Self::Owner => Abilities::all(),
            Self::Admin => Access::Admin.abilities(),
            Self::Maintainer => Abilities::of(&[
                Ability::ReadMetadata,
                Ability::ReadDists,
                Ability::Upload,
                Ability::View,
                Ability::ManagePackages,
                Ability::ManageHooks,
            ]),
            Self::Member => Access::Read.abilities(),
            Self::Auditor => Abilities::of(&[Ability::ReadMetadata, Ability::View, Ability::Audit]),
        }
    }

    /// Whether somebody with these abilities may make others this, or take it away from them. A member by itself sees
    /// nothing, it is the teams that give; so naming one takes no more than to manage people.
    pub fn is_named_by(self, abilities: Abilities) -> bool {
        abilities.has(Ability::ManageMembers)
            && (self == Self::Member || abilities.covers(self.abilities()))
    }

    /// Whether it sees all packages of the organisation, or only what its teams were given.
    pub fn sees_all(self) -> bool {
        self != Self::Member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_abilities_lead_back_to_them() {
        for ability in Ability::ALL {
            assert_eq!(Ability::parse(ability.as_str()), Some(ability));
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        let all = Abilities::all();
        assert_eq!(Abilities::from_json(&all.to_json()).unwrap(), all);
        assert_eq!(
            Abilities::from_json(r#"["upload", "fly"]"#).unwrap(),
            Abilities::of(&[Ability::Upload])
        );
    }

    #[test]
    fn each_usual_set_includes_the_one_before_and_none_owns() {
        assert!(Access::Admin.abilities().covers(Access::Write.abilities()));
        assert!(Access::Write.abilities().covers(Access::Read.abilities()));
        assert!(!Access::Admin.abilities().has(Ability::Own));
        for access in Access::ALL {
            assert_eq!(Access::of(access.abilities()), Some(access));
        }
        assert_eq!(Access::of(Abilities::all()), None);
    }

    #[test]
    fn nobody_names_a_role_mightier_than_his_own() {
        for role in Role::ALL {
            let named: Vec<_> = Role::ALL
                .into_iter()
                .filter(|other| other.is_named_by(role.abilities()))
                .collect();
            let expected: &[Role] = match role {
                Role::Owner => &Role::ALL,
                Role::Admin => &[Role::Admin, Role::Maintainer, Role::Member, Role::Auditor],
                _ => &[],
            };
            assert_eq!(named, expected, "{}", role.as_str());
        }
        let people = Abilities::of(&[Ability::ManageMembers]);
        assert!(Role::Member.is_named_by(people));
        assert!(!Role::Auditor.is_named_by(people));
    }

    #[test]
    fn no_role_may_more_than_an_owner_and_auditors_change_nothing() {
        for role in Role::ALL {
            assert!(Role::Owner.abilities().covers(role.abilities()));
        }
        let auditor = Role::Auditor.abilities();
        for ability in Ability::ALL {
            let reads = matches!(
                ability,
                Ability::ReadMetadata | Ability::View | Ability::Audit
            );
            assert_eq!(auditor.has(ability), reads, "{ability}");
        }
    }
}
