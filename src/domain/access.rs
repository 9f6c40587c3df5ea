//! Who may do what. One function decides.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::name::{NameGlob, PackageName};

/// How much a token may do; each level includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Metadata and archives.
    Read,
    /// Uploads as well.
    Write,
    /// The organisation's API as well: connections, packages, tokens, jobs.
    Admin,
}

impl Access {
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
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|access| access.as_str() == text)
    }
}

/// Who asks, once a token was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token that was used.
    pub token: String,
    /// The organisation it belongs to; none for the owner of the instance, who may do everything.
    pub organisation: Option<i64>,
    /// How much it may do.
    pub access: Access,
    /// The repositories it is limited to, by slug; none for all of the organisation.
    pub repositories: Option<Vec<String>>,
    /// The packages it is limited to; none for all.
    pub packages: Option<Vec<NameGlob>>,
    /// Unix second at which what it may see last changed; part of every validator it is given.
    pub grant_changed_at: i64,
    /// Unix second from which on it is no longer valid.
    pub expires_at: Option<i64>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read metadata or an archive.
    Read,
    /// Upload a version.
    Upload,
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

/// Whether somebody may know that the repository exists.
pub fn enters(principal: Option<&Principal>, place: Place<'_>) -> bool {
    place.is_public || principal.is_some_and(|principal| reaches(principal, place))
}

/// Whether somebody may do something to a package of a repository.
pub fn allows(
    principal: Option<&Principal>,
    action: Action,
    place: Place<'_>,
    package: &PackageName,
) -> bool {
    if action == Action::Read && place.is_public {
        return true;
    }
    let Some(principal) = principal else {
        return false;
    };
    let needed = match action {
        Action::Read => Access::Read,
        Action::Upload => Access::Write,
    };
    reaches(principal, place)
        && principal.access >= needed
        && principal
            .packages
            .as_ref()
            .is_none_or(|globs| globs.iter().any(|glob| glob.matches(package)))
}

/// Whether somebody may use the API of an organisation.
pub fn manages(principal: &Principal, organisation: i64) -> bool {
    principal.access == Access::Admin
        && principal.organisation.is_none_or(|own| own == organisation)
}

fn reaches(principal: &Principal, place: Place<'_>) -> bool {
    principal
        .organisation
        .is_none_or(|own| own == place.organisation)
        && principal
            .repositories
            .as_ref()
            .is_none_or(|slugs| slugs.iter().any(|slug| slug == place.repository))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(access: Access) -> Principal {
        Principal {
            token: "t".to_owned(),
            organisation: Some(1),
            access,
            repositories: Some(vec!["main".to_owned()]),
            packages: Some(vec![NameGlob::parse("acme/*").unwrap()]),
            grant_changed_at: 0,
            expires_at: None,
        }
    }

    const PLACE: Place<'static> = Place {
        organisation: 1,
        repository: "main",
        is_public: false,
    };

    fn package(name: &str) -> PackageName {
        PackageName::parse(name).unwrap()
    }

    #[test]
    fn every_limit_of_a_token_holds() {
        let reader = principal(Access::Read);
        let may = |place, name: &str| allows(Some(&reader), Action::Read, place, &package(name));
        assert!(may(PLACE, "acme/lib"));
        assert!(!may(PLACE, "other/lib"));
        assert!(!may(
            Place {
                organisation: 2,
                ..PLACE
            },
            "acme/lib"
        ));
        assert!(!may(
            Place {
                repository: "other",
                ..PLACE
            },
            "acme/lib"
        ));
        assert!(!allows(
            Some(&reader),
            Action::Upload,
            PLACE,
            &package("acme/lib")
        ));
        let writer = principal(Access::Write);
        assert!(allows(
            Some(&writer),
            Action::Upload,
            PLACE,
            &package("acme/lib")
        ));
        assert!(!allows(
            Some(&writer),
            Action::Upload,
            PLACE,
            &package("other/lib")
        ));
    }

    #[test]
    fn a_public_repository_is_read_by_everybody_and_written_by_few() {
        let place = Place {
            is_public: true,
            ..PLACE
        };
        assert!(allows(None, Action::Read, place, &package("any/thing")));
        assert!(!allows(None, Action::Upload, place, &package("any/thing")));
        assert!(enters(None, place));
        assert!(!enters(None, PLACE));
    }

    #[test]
    fn only_admins_manage_and_only_their_own() {
        let mut admin = principal(Access::Admin);
        assert!(manages(&admin, 1));
        assert!(!manages(&admin, 2));
        admin.organisation = None;
        assert!(manages(&admin, 2));
        assert!(!manages(&principal(Access::Write), 1));
    }
}
